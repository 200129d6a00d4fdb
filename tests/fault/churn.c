/* Looks at a host on which sockets open and close, and processes start and end, all the time. It
 * makes that host itself, in the network namespace that it is in, which must be an empty one.
 *
 * usage: churn [-v] N PORTREUSE
 *
 * Of some ports the truth is known at every moment, whatever happens beside:
 *   2000        always has a listener, but a new one every 20 ms, which opens before the old closes
 *   2001        nobody ever uses
 *   2002        always has a connection in TIME-WAIT, a new one every second
 *   2003/udp    always has a socket, but a new one every 20 ms
 *   2004        has a listener now and then
 *   2005        has a connection from each port that connect() may choose
 *   @held       is a Unix socket that stays, while others come and go
 * N looks at them by `why`, `audit` and `budget` are judged: none ends by a signal, or takes longer
 * than a minute; the exit status is the documented one for the first line; and no answer
 * contradicts the truth. UNKNOWN is allowed, and counted. Prints each look that is wrong, and one
 * line for each question with the sum. Exit status 1 if one was wrong, 77 if the host cannot be
 * made.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json_reader.h"
#include "base/units.h"

enum { LISTENER = 2000, CLOSED = 2002, DATAGRAMS = 2003, NOW_AND_THEN = 2004, FULL = 2005 };
enum { LOW = 40000, HIGH = 40031, IN_RANGE = 40007 };

/* --- sockets --- */

static void need(int result, const char *what) {
    if (result >= 0)
        return;
    fprintf(stderr, "churn: %s: %s\n", what, strerror(errno));
    exit(77);
}

static struct sockaddr_in at(uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Returns a socket with the option, bound to the port; -1: it is taken. */
static int bound(int type, int option, uint16_t port) {
    struct sockaddr_in address = at(port);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;
    if (option != 0)
        setsockopt(fd, SOL_SOCKET, option, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static int listening(int option, uint16_t port) {
    int fd = bound(SOCK_STREAM, option, port);
    if (fd >= 0 && listen(fd, 1000) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connected(uint16_t port) {
    struct sockaddr_in address = at(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* --- what churns, each in a process of its own --- */

static void pause_us(unsigned us) {
    usleep(us);
}

/* A child that opens what it wants and holds it until the next one has done so. */
static void hand_over(int (*open_one)(void)) {
    int ready[2], go[2];
    pid_t before = 0;
    int leave = -1;
    for (;;) {
        need(pipe2(ready, O_CLOEXEC), "pipe");
        need(pipe2(go, O_CLOEXEC), "pipe");
        pid_t pid = fork();
        if (pid == 0) {
            char byte = 0;
            close(go[1]);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (open_one() < 0 || write(ready[1], &byte, 1) != 1)
                _exit(1);
            while (read(go[0], &byte, 1) < 0 && errno == EINTR)
                continue;
            _exit(0);
        }
        close(ready[1]);
        close(go[0]);
        char byte;
        bool opened = pid > 0 && read(ready[0], &byte, 1) == 1;
        close(ready[0]);
        if (opened && before != 0) {
            close(leave);
            waitpid(before, NULL, 0);
        }
        if (opened) {
            before = pid;
            leave = go[1];
        } else {
            close(go[1]);
            waitpid(pid, NULL, 0);
        }
        pause_us(20000);
    }
}

static int open_listener(void) {
    return listening(SO_REUSEPORT, LISTENER);
}
static int open_datagrams(void) {
    return bound(SOCK_DGRAM, SO_REUSEPORT, DATAGRAMS);
}
static int open_in_range(void) {
    return listening(SO_REUSEPORT, IN_RANGE);
}

static void churn_listener(void) {
    hand_over(open_listener);
}
static void churn_datagrams(void) {
    hand_over(open_datagrams);
}
static void churn_in_range(void) {
    hand_over(open_in_range);
}

/* The server closes first. The option only lets the next listener in. */
static void churn_closed(void) {
    for (;;) {
        int listener = listening(SO_REUSEADDR, CLOSED), client = connected(CLOSED);
        int server = listener < 0 ? -1 : accept(listener, NULL, NULL);
        close(server);
        close(client);
        close(listener);
        pause_us(1000000);
    }
}

static void churn_now_and_then(void) {
    for (unsigned i = 0;; i++) {
        int fd = listening(SO_REUSEADDR, NOW_AND_THEN);
        pause_us(i * 977 % 4000);
        close(fd);
        pause_us(i * 769 % 4000);
    }
}

/* Sockets of all kinds, and connections that come and go. */
static void churn_sockets(void) {
    int kept[32];
    memset(kept, -1, sizeof kept);
    for (unsigned i = 0;; i++) {
        int *slot = &kept[i * 7 % 32];
        close(*slot);
        switch (i % 4) {
        case 0:
            *slot = connected(LISTENER);
            break;
        case 1:
            *slot = bound(SOCK_DGRAM, 0, (uint16_t)(20000 + i % 1000));
            break;
        case 2:
            *slot = listening(SO_REUSEADDR, (uint16_t)(21000 + i % 1000));
            break;
        default:
            *slot = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            break;
        }
        pause_us(300);
    }
}

/* Processes that end as soon as they are there, some with sockets, some with another program. */
static void churn_processes(void) {
    for (unsigned i = 0;; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            int fd = listening(SO_REUSEADDR, (uint16_t)(22000 + i % 100));
            if (i % 3 == 0)
                execl("/bin/true", "true", (char *)NULL);
            pause_us(i * 577 % 3000);
            _exit(fd < 0);
        }
        while (waitpid(-1, NULL, i % 8 == 7 ? 0 : WNOHANG) > 0)
            continue;
        pause_us(1000);
    }
}

static void churn_names(void) {
    for (unsigned i = 0;; i++) {
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int size = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "churn-%u", i % 50);
        if (bind(fd, (struct sockaddr *)&name,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size)) == 0)
            listen(fd, 1);
        pause_us(700);
        close(fd);
    }
}

/* --- what stays --- */

static void write_range(void) {
    char text[32];
    int fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY | O_CLOEXEC);
    int size = snprintf(text, sizeof text, "%d %d", LOW, HIGH);
    need(fd < 0 || write(fd, text, (size_t)size) != size ? -1 : 0, "the range of ports");
    close(fd);
}

static void hold_name(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0held"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(bind(fd, (struct sockaddr *)&name, offsetof(struct sockaddr_un, sun_path) + 5), "@held");
    need(listen(fd, 1), "@held");
}

/* A connection from each port that connect() may choose. */
static void hold_full(void) {
    int listener = listening(SO_REUSEADDR, FULL);
    unsigned count = 0;
    need(listener, "a listener");
    while (connected(FULL) >= 0) {
        need(accept(listener, NULL, NULL), "accept");
        count++;
    }
    errno = count < 10 ? EPROTO : 0;
    need(count < 10 ? -1 : 0, "connections from all ports");
}

static pid_t children[16];
static size_t child_count;

static void start(void (*churn)(void)) {
    pid_t parent = getpid(), pid = fork();
    need(pid, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        churn();
        _exit(0);
    }
    children[child_count++] = pid;
}

static bool is_taken(int type, uint16_t port) {
    int fd = bound(type, 0, port);
    close(fd);
    return fd < 0;
}

static void wait_until_taken(int type, uint16_t port) {
    for (unsigned i = 0; i < 500 && !is_taken(type, port); i++)
        pause_us(10000);
    errno = ETIMEDOUT;
    need(is_taken(type, port) ? 0 : -1, "a port that is always taken");
}

static void make_host(void) {
    write_range();
    hold_name();
    start(churn_in_range);
    wait_until_taken(SOCK_STREAM, IN_RANGE);
    hold_full();
    start(churn_listener);
    start(churn_datagrams);
    start(churn_closed);
    wait_until_taken(SOCK_STREAM, LISTENER);
    wait_until_taken(SOCK_DGRAM, DATAGRAMS);
    wait_until_taken(SOCK_STREAM, CLOSED);
    start(churn_now_and_then);
    start(churn_sockets);
    start(churn_processes);
    start(churn_names);
}

/* --- the looks --- */

struct look {
    const char *words;  /* after the program */
    const char *truths; /* how the first line may begin, separated by `|`; UNKNOWN always may */
    bool json, rare;    /* rare: in every fifth round */
    unsigned long count, unknown, wrong;
    uint64_t longest_ns;
};

static struct look looks[] = {
    {.words = "why 127.0.0.1:2000", .truths = "EADDRINUSE "},
    {.words = "why --no-reuse-addr 0.0.0.0:2000", .truths = "EADDRINUSE "},
    {.words = "why 127.0.0.1:2001", .truths = "FREE "},
    {.words = "why --no-reuse-addr 127.0.0.1:2002", .truths = "EADDRINUSE "},
    {.words = "why udp/127.0.0.1:2003", .truths = "EADDRINUSE "},
    {.words = "why 127.0.0.1:2004", .truths = "EADDRINUSE |FREE |changed"},
    {.words = "why --as client 127.0.0.1:2005", .truths = "EADDRNOTAVAIL "},
    {.words = "why --as client 127.0.0.1:2000", .truths = "FREE |EADDRNOTAVAIL |changed"},
    {.words = "why @held", .truths = "EADDRINUSE "},
    {.words = "why -v --format json 127.0.0.1:2000", .truths = "EADDRINUSE ", .json = true},
    {.words = "audit", .truths = "WARNING ", .rare = true},
    {.words = "audit --format json", .truths = "WARNING ", .json = true, .rare = true},
    {.words = "budget", .truths = "WARNING |CRITICAL ", .rare = true},
    {.words = "budget --format json 127.0.0.1:2005",
     .truths = "WARNING |CRITICAL ",
     .json = true,
     .rare = true},
};
enum { LOOKS = sizeof looks / sizeof looks[0], WORDS = 10, OUTPUT_SIZE = 1024 * 1024 };

static const char *program;
static char output[OUTPUT_SIZE], line[JSON_READ_TEXT];

static _Noreturn void become(const char *words, int out) {
    static char text[256];
    char *list[WORDS + 2] = {(char *)program};
    size_t count = 1;
    snprintf(text, sizeof text, "%s", words);
    for (char *rest = text, *word; count <= WORDS && (word = strsep(&rest, " ")) != NULL;)
        list[count++] = word;
    dup2(out, 1);
    dup2(out, 2);
    execv(program, list);
    _exit(127);
}

/* Reads until the end, for a minute at most; -1: it took longer. */
static ssize_t read_all(int fd) {
    uint64_t end_ns = units_now_ns() + 60 * (uint64_t)NS_PER_S;
    size_t size = 0;
    ssize_t got = 1;
    while (got > 0 && size < sizeof output - 1) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        uint64_t now_ns = units_now_ns();
        if (now_ns >= end_ns || poll(&waiting, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1) == 0)
            return -1;
        got = read(fd, output + size, sizeof output - 1 - size);
        size += got > 0 ? (size_t)got : 0;
    }
    output[size] = '\0';
    return (ssize_t)size;
}

/* Returns the exit status; -1: it hung; or 256 and a signal. */
static int ask(const char *words) {
    int pipe[2], status = 0;
    need(pipe2(pipe, O_CLOEXEC), "pipe");
    pid_t pid = fork();
    need(pid, "fork");
    if (pid == 0)
        become(words, pipe[1]);
    close(pipe[1]);
    ssize_t size = read_all(pipe[0]);
    close(pipe[0]);
    if (size < 0)
        kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return size < 0 ? -1 : WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void hear(void *context, enum json_event event, unsigned depth, const char *key,
                 const char *text) {
    (void)context;
    if (depth == 1 && event == JSON_READ_STRING && strcmp(key, "summary") == 0)
        snprintf(line, sizeof line, "%s", text);
}

static bool starts(const char *text) {
    return strncmp(line, text, strlen(text)) == 0;
}

static bool is_true(const struct look *look) {
    for (const char *truth = look->truths; truth != NULL; truth = strchr(truth, '|')) {
        truth += *truth == '|';
        if (strncmp(line, truth, strcspn(truth, "|")) == 0)
            return true;
    }
    return false;
}

/* Returns what is wrong, static, or NULL. */
static const char *judge(const struct look *look, int status) {
    snprintf(line, sizeof line, "%.*s", (int)strcspn(output, "\n"), output);
    if (status < 0)
        return "it hangs";
    if (status > 255)
        return "a signal has ended it";
    if (look->json && json_read(output, strlen(output), hear, NULL) != NULL)
        return "its JSON is not whole";
    if (starts("UNKNOWN "))
        return status == 2 ? NULL : "UNKNOWN, but the status is not 2";
    if (!is_true(look))
        return "that is not true";
    bool fine =
        starts("FREE ") || starts("OK ") || (starts("changed") && strstr(line, "; FREE ") != NULL);
    return status == (fine ? 0 : 1) ? NULL : "the status is not that of the first line";
}

static void look_once(struct look *look, bool verbose) {
    uint64_t began_ns = units_now_ns();
    int status = ask(look->words);
    uint64_t took_ns = units_now_ns() - began_ns;
    const char *wrong = judge(look, status);
    look->count++;
    look->unknown += wrong == NULL && starts("UNKNOWN ");
    look->wrong += wrong != NULL;
    if (took_ns > look->longest_ns)
        look->longest_ns = took_ns;
    if (wrong != NULL || verbose)
        printf("%s: %s: status %d: %s\n", wrong == NULL ? "right" : wrong, look->words, status,
               line);
    fflush(stdout);
}

int main(int argc, char **argv) {
    bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    if (argc - verbose != 3)
        return 3;
    unsigned long most = strtoul(argv[1 + verbose], NULL, 10), wrong = 0, unknown = 0;
    program = argv[2 + verbose];
    need(open("/dev/null", O_RDONLY), "/dev/null");
    make_host();
    for (unsigned long i = 0, looked = 0; looked < most; i++)
        if (!looks[i % LOOKS].rare || i / LOOKS % 5 == 0) {
            look_once(&looks[i % LOOKS], verbose);
            looked++;
        }
    for (size_t i = 0; i < LOOKS; i++) {
        const struct look *look = &looks[i];
        printf("%-45s %5lu looks, %3lu UNKNOWN, %lu wrong, %4u ms at most\n", look->words,
               look->count, look->unknown, look->wrong, (unsigned)(look->longest_ns / NS_PER_MS));
        wrong += look->wrong;
        unknown += look->unknown;
    }
    printf("%lu looks, %lu UNKNOWN, %lu wrong\n", most, unknown, wrong);
    for (size_t i = 0; i < child_count; i++)
        kill(children[i], SIGKILL);
    return wrong > 0;
}
