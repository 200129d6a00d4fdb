/* Makes socket calls in the ways that programs make them, for the tests of portreuse trace.
 * `caller WORD...` does what the words say, one after the other:
 *
 * - tcp4 tcp6 udp4 udp6 mptcp4 unix: opens a socket, which the next words are about;
 * - reuseaddr reuseport: sets the option;
 * - nonblock: makes the socket non-blocking;
 * - bind=ADDRESS connect=ADDRESS sendto=ADDRESS: makes the call; the address is PORT of the
 * loopback address, any:PORT, or a path of a Unix socket;
 * - listen: makes the call;
 * - fork vfork thread: makes the next call in a child, or in another thread;
 * - exec=WORD: another thread executes this program with that word;
 * - ring: calls io_uring_setup(); it is no error if the kernel refuses that;
 * - filter: installs a seccomp filter of its own, which refuses ptrace();
 * - pause: waits for a signal; stop: stops itself; exit=N: exits.
 *
 * Prints `CALL ERRNO` for each call of a socket, 0 if it succeeded. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MPTCP = 262, IO_URING_SETUP = 425 };

static int fd = -1;
static int family;
static const char *own; /* the path of this program */

static void say(const char *call, int failed) {
    char line[64];
    int size = snprintf(line, sizeof line, "%s %d\n", call, failed < 0 ? errno : 0);
    if (write(STDOUT_FILENO, line, (size_t)size) != size)
        _exit(9);
}

/* Returns the length of the address. */
static socklen_t parse(const char *text, struct sockaddr_storage *address) {
    struct sockaddr_in *four = (struct sockaddr_in *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
    struct sockaddr_un *name = (struct sockaddr_un *)address;
    bool any = strncmp(text, "any:", 4) == 0;
    uint16_t port = htons((uint16_t)strtoul(any ? text + 4 : text, NULL, 10));
    memset(address, 0, sizeof *address);
    if (family == AF_UNIX) {
        name->sun_family = AF_UNIX;
        memcpy(name->sun_path, text, strlen(text));
        if (text[0] == '@')
            name->sun_path[0] = '\0';
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text));
    }
    if (family == AF_INET6) {
        *six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
        six->sin6_addr = any ? in6addr_any : in6addr_loopback;
        return sizeof *six;
    }
    *four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    four->sin_addr.s_addr = htonl(any ? INADDR_ANY : INADDR_LOOPBACK);
    return sizeof *four;
}

static void call(const char *word) {
    struct sockaddr_storage address;
    if (strncmp(word, "bind=", 5) == 0) {
        socklen_t size = parse(word + 5, &address);
        say("bind", bind(fd, (struct sockaddr *)&address, size));
    } else if (strncmp(word, "connect=", 8) == 0) {
        socklen_t size = parse(word + 8, &address);
        say("connect", connect(fd, (struct sockaddr *)&address, size));
    } else if (strncmp(word, "sendto=", 7) == 0) {
        socklen_t size = parse(word + 7, &address);
        say("sendto", sendto(fd, "x", 1, 0, (struct sockaddr *)&address, size) == 1 ? 0 : -1);
    } else {
        say("listen", listen(fd, 8));
    }
}

static bool open_socket(const char *word) {
    static const struct {
        const char *word;
        int family, type, protocol;
    } kinds[] = {{"tcp4", AF_INET, SOCK_STREAM, 0},       {"tcp6", AF_INET6, SOCK_STREAM, 0},
                 {"udp4", AF_INET, SOCK_DGRAM, 0},        {"udp6", AF_INET6, SOCK_DGRAM, 0},
                 {"mptcp4", AF_INET, SOCK_STREAM, MPTCP}, {"unix", AF_UNIX, SOCK_STREAM, 0}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(word, kinds[i].word) == 0) {
            family = kinds[i].family;
            fd = socket(family, kinds[i].type, kinds[i].protocol);
            if (fd < 0)
                exit(8);
            return true;
        }
    return false;
}

static void *call_in_thread(void *word) {
    call(word);
    return NULL;
}

static void *execute(void *word) {
    execl(own, own, (const char *)word, (char *)NULL);
    return NULL;
}

static void run_thread(void *(*function)(void *), const char *word) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, function, (void *)word) != 0)
        exit(7);
    pthread_join(thread, NULL);
}

/* In a child. That of vfork(2) makes a call and ends, which Linux allows, and is what is tested. */
static void call_in_child(const char *word, bool by_vfork) {
    pid_t pid = by_vfork ? vfork() : fork(); // NOLINT(clang-analyzer-*)
    if (pid == 0) {
        call(word); // NOLINT(clang-analyzer-unix.Vfork)
        _exit(0);
    }
    waitpid(pid, NULL, 0); // NOLINT(clang-analyzer-unix.Vfork)
}

static void install_filter(void) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = 4, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ||
        prctl(PR_SET_SECCOMP, (long)SECCOMP_MODE_FILTER, &program) < 0)
        exit(6);
}

static void open_ring(void) {
    uint32_t parameters[30] = {0}; /* struct io_uring_params */
    printf("ring %d\n", syscall(IO_URING_SETUP, 1, parameters) < 0 ? errno : 0);
    fflush(stdout);
}

static void set(int option) {
    const int one = 1;
    if (setsockopt(fd, SOL_SOCKET, option, &one, sizeof one) < 0)
        exit(5);
}

static bool is_call(const char *word) {
    return strncmp(word, "bind=", 5) == 0 || strncmp(word, "connect=", 8) == 0 ||
           strncmp(word, "sendto=", 7) == 0 || strcmp(word, "listen") == 0;
}

static bool do_option(const char *word) {
    if (strcmp(word, "reuseaddr") == 0)
        set(SO_REUSEADDR);
    else if (strcmp(word, "reuseport") == 0)
        set(SO_REUSEPORT);
    else if (strcmp(word, "nonblock") == 0)
        fcntl(fd, F_SETFL, O_NONBLOCK);
    else
        return false;
    return true;
}

/* Returns whether it is a word of this kind. */
static bool do_process(const char *word) {
    if (strcmp(word, "filter") == 0)
        install_filter();
    else if (strcmp(word, "ring") == 0)
        open_ring();
    else if (strcmp(word, "pause") == 0)
        pause();
    else if (strcmp(word, "stop") == 0)
        raise(SIGSTOP);
    else if (strncmp(word, "exec=", 5) == 0)
        run_thread(execute, word + 5);
    else if (strncmp(word, "exit=", 5) == 0)
        exit((int)strtol(word + 5, NULL, 10));
    else
        return false;
    return true;
}

int main(int argc, char **argv) {
    own = argv[0];
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : "";
        if (is_call(word)) {
            call(word);
        } else if (is_call(next) && strcmp(word, "thread") == 0) {
            run_thread(call_in_thread, argv[++i]);
        } else if (is_call(next) && (strcmp(word, "fork") == 0 || strcmp(word, "vfork") == 0)) {
            call_in_child(argv[++i], word[0] == 'v');
        } else if (!open_socket(word) && !do_option(word) && !do_process(word)) {
            fprintf(stderr, "caller: what is '%s'?\n", word);
            return 2;
        }
    }
    return 0;
}
