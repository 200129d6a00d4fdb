/* Lets system calls fail: runs a command again and again, and each time another call of it, in any
 * of its processes, fails. The kernel asks us about each call (SECCOMP_RET_USER_NOTIF), so that no
 * library is in between, and a program that traces others is not in the way.
 *
 * usage: faults [-c CALL] [-e ERRNO] [-s] [-n STEP] [-f FIRST] [-t SECONDS] [-v] -- COMMAND...
 *
 * First the command runs without a fault: its exit status and first line are the truth. Then of
 * each kind of call (or of CALL alone) every STEPth fails once, from the FIRST on; with -s every
 * later one of its kind fails, too. ERRNO is one that the call may have, unless given. A run is
 * right if it tells the truth, or says with exit status 2 that it could not. Prints each run that
 * is not, and one line with the sum. Exit status 1 if one was wrong. Calls of the dynamic loader,
 * and of other programs than the command's, do not fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/units.h"

/* --- which calls fail, and how --- */

struct call {
    int number, error;
    const char *name;
};

#define CALL(name, error)                                                                          \
    { SYS_##name, error, #name }

static const struct call calls[] = {
    CALL(read, EIO),
    CALL(write, EIO),
    CALL(openat, EMFILE),
    CALL(socket, EMFILE),
    CALL(socketpair, EMFILE),
    CALL(pipe2, EMFILE),
    CALL(accept4, EMFILE),
    CALL(epoll_create1, EMFILE),
    CALL(epoll_ctl, ENOMEM),
    CALL(dup, EMFILE),
    CALL(dup3, EMFILE),
    CALL(fcntl, EMFILE),
    CALL(timerfd_create, EMFILE),
    CALL(memfd_create, EMFILE),
    CALL(mmap, ENOMEM),
    CALL(brk, ENOMEM),
    CALL(clone, EAGAIN),
#ifdef SYS_fork
    CALL(fork, EAGAIN),
#endif
    CALL(clone3, EAGAIN),
    CALL(unshare, ENOMEM),
    CALL(setns, ENOMEM),
    CALL(bind, ENOMEM),
    CALL(listen, ENOMEM),
    CALL(connect, ENOMEM),
    CALL(accept, EMFILE),
    CALL(sendto, ENOBUFS),
    CALL(sendmsg, ENOBUFS),
    CALL(recvfrom, ENOMEM),
    CALL(recvmsg, ENOMEM),
    CALL(getsockopt, ENOMEM),
    CALL(setsockopt, ENOMEM),
    CALL(getsockname, ENOBUFS),
    CALL(getpeername, ENOBUFS),
    CALL(ioctl, ENOMEM),
    CALL(ppoll, ENOMEM),
#ifdef SYS_poll
    CALL(poll, ENOMEM),
#endif
    CALL(getdents64, EIO),
    CALL(readlinkat, EIO),
#ifdef SYS_readlink
    CALL(readlink, EIO),
#endif
#ifdef SYS_newfstatat
    CALL(newfstatat, ENOMEM),
#endif
    CALL(statx, ENOMEM),
    CALL(statfs, EIO),
#ifdef SYS_access
    CALL(access, ENOMEM),
#endif
    CALL(faccessat, ENOMEM),
    CALL(fsync, EIO),
    CALL(pidfd_open, EMFILE),
    CALL(pidfd_getfd, EMFILE),
    CALL(process_vm_readv, ENOMEM),
    CALL(ptrace, EIO),
    CALL(prctl, ENOMEM),
    CALL(mount, ENOMEM),
    CALL(chroot, ENOMEM),
    CALL(fchdir, ENOMEM),
    CALL(setresuid, EAGAIN),
    CALL(setresgid, EAGAIN),
    CALL(setgroups, ENOMEM),
    CALL(capset, ENOMEM),
    CALL(sched_setaffinity, ENOMEM),
    CALL(bpf, ENOMEM),
};

enum { CALLS = sizeof calls / sizeof calls[0], CHANNEL = 900, LINE_SIZE = 256 };

static const struct call *find_call(int number) {
    for (size_t i = 0; i < CALLS; i++)
        if (calls[i].number == number)
            return &calls[i];
    return NULL;
}

struct run {
    char **command;
    int error;          /* for all calls; 0: each its own */
    bool stays;         /* all later calls of this kind fail as well */
    unsigned long fail; /* which call, from 1; 0: none */
    unsigned seconds;

    const struct call *only; /* this kind alone is asked about; NULL: all */
    unsigned long seen, seen_of[CALLS];
    const struct call *failed;
    int status; /* wait status */
    bool hung, left;
    char line[LINE_SIZE]; /* the first of the output; then of the complaints */
    char complaint[LINE_SIZE];
};

/* --- the child --- */

/* Asks the kernel to ask about our calls, or with `only` about that one. Returns the descriptor for
 * that. */
static int install(const struct call *only) {
    struct sock_filter code[4 + CALLS + 2];
    unsigned count = only == NULL ? CALLS : 1;
    struct sock_filter *at = code;
    *at++ =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args));
    *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CHANNEL, 0, 1);
    *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    *at++ =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < count; i++)
        *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                             (unsigned)(only == NULL ? &calls[i] : only)->number,
                                             (unsigned char)(count - i), 0);
    *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    struct sock_fprog program = {.len = (unsigned short)(at - code), .filter = code};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

/* Hands a descriptor over: descriptor CHANNEL is the one whose calls nobody asks about. */
static void hand_over(int fd) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof fd),
                            .cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS}};
    char byte = 0;
    struct iovec part = {&byte, 1};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    if (sendmsg(CHANNEL, &message, 0) < 0)
        _exit(126);
}

static int take_over(int channel) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    int fd = -1;
    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) <= 0)
        return -1;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL)
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static _Noreturn void become(const struct run *run, int channel, const char *out, const char *err) {
    int nothing = open("/dev/null", O_RDONLY);
    int to = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    int complaints = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    setpgid(0, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
    if (nothing < 0 || to < 0 || complaints < 0 || dup2(channel, CHANNEL) < 0)
        _exit(126);
    dup2(nothing, STDIN_FILENO);
    dup2(to, STDOUT_FILENO);
    dup2(complaints, STDERR_FILENO);
    for (int fd = 3; fd < CHANNEL; fd++)
        close(fd);
    int listener = install(run->only);
    if (listener < 0)
        _exit(125);
    hand_over(listener);
    close(listener);
    close(CHANNEL);
    execvp(run->command[0], run->command);
    _exit(127);
}

/* --- one run --- */

/* Returns whether this is the command's own program, and past its dynamic loader. */
static bool is_ours(pid_t pid, uint64_t address, const char *program) {
    static pid_t known[512];
    static size_t known_count;
    char path[64], text[512];
    if (pid == 0) {
        known_count = 0;
        return false;
    }
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    ssize_t size = readlink(path, text, sizeof text - 1);
    text[size > 0 ? size : 0] = '\0';
    if (strcmp(text, program) != 0)
        return false;
    for (size_t i = 0; i < known_count; i++)
        if (known[i] == pid)
            return true;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    bool in_loader = false;
    while (maps != NULL && fgets(text, sizeof text, maps) != NULL) {
        char *dash;
        unsigned long long from = strtoull(text, &dash, 16);
        if (*dash == '-' && address >= from && address < strtoull(dash + 1, NULL, 16))
            in_loader = strstr(text, "/ld-") != NULL;
    }
    if (maps != NULL)
        fclose(maps);
    if (!in_loader && known_count < sizeof known / sizeof known[0])
        known[known_count++] = pid;
    return !in_loader;
}

/* Decides about one call. */
static void answer(struct run *run, int listener, const char *program) {
    struct seccomp_notif asked = {0};
    struct seccomp_notif_resp reply = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
        return;
    const struct call *call = find_call(asked.data.nr);
    reply.id = asked.id;
    reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if (call != NULL && is_ours((pid_t)asked.pid, asked.data.instruction_pointer, program)) {
        run->seen++;
        run->seen_of[call - calls]++;
        bool now = run->seen == run->fail;
        if (now)
            run->failed = call;
        if (now || (run->stays && run->failed == call)) {
            reply.flags = 0;
            reply.error = -(run->error != 0 ? run->error : call->error);
        }
    }
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

static void first_line(const char *path, char *line) {
    FILE *file = fopen(path, "re");
    line[0] = '\0';
    if (file == NULL)
        return;
    if (fgets(line, LINE_SIZE, file) != NULL)
        line[strcspn(line, "\n")] = '\0';
    fclose(file);
}

/* Kills what the command has left: we are its subreaper. */
static void kill_left(void) {
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    for (int round = 0; round < 100; round++) {
        FILE *file = fopen(path, "re");
        size_t size = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
        if (file != NULL)
            fclose(file);
        text[size] = '\0';
        if (size == 0)
            return;
        for (char *at = text, *end; (void)0, strtol(at, &end, 10) > 0; at = end)
            kill((pid_t)strtol(at, NULL, 10), SIGKILL);
        while (waitpid(-1, NULL, 0) > 0)
            continue;
    }
}

static void run_once(struct run *run, const char *program, const char *out, const char *err) {
    int ends[2];
    run->seen = 0;
    memset(run->seen_of, 0, sizeof run->seen_of);
    run->failed = NULL;
    run->hung = run->left = false;
    is_ours(0, 0, program);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        exit(3);
    pid_t pid = fork();
    if (pid == 0)
        become(run, ends[1], out, err);
    close(ends[1]);
    int listener = take_over(ends[0]);
#ifdef SECCOMP_IOCTL_NOTIF_SET_FLAGS
    if (listener >= 0) /* an answer comes without a detour over another processor */
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
#endif
    close(ends[0]);
    uint64_t end_ns = units_now_ns() + (uint64_t)run->seconds * NS_PER_S, dead_ns = 0;
    while (listener >= 0) {
        struct pollfd waiting = {.fd = listener, .events = POLLIN};
        int ready = poll(&waiting, 1, 20);
        if (ready > 0 && (waiting.revents & POLLIN) != 0)
            answer(run, listener, program);
        else if (ready > 0)
            break; /* nobody is left */
        uint64_t now_ns = units_now_ns();
        if (dead_ns == 0 && ready == 0) {
            siginfo_t ended = {0};
            if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT | WNOHANG) == 0 &&
                ended.si_pid != 0)
                dead_ns = now_ns;
        }
        run->hung = dead_ns == 0 && now_ns > end_ns;
        run->left = dead_ns != 0 && now_ns > dead_ns + NS_PER_S;
        if (run->hung || run->left)
            break;
    }
    if (run->hung)
        kill(pid, SIGKILL);
    if (listener >= 0)
        close(listener);
    run->status = -1;
    waitpid(pid, &run->status, 0);
    kill_left();
    first_line(out, run->line);
    first_line(err, run->complaint);
}

/* --- all runs --- */

/* The first two words, and all digits, of what is the answer. */
static bool same_answer(const char *truth, const char *line) {
    size_t size = strcspn(truth, ":;(");
    return strncmp(truth, line, size) == 0;
}

static bool is_right(const struct run *truth, const struct run *run) {
    if (run->hung || run->left || !WIFEXITED(run->status))
        return false;
    if (WEXITSTATUS(run->status) == 2)
        return run->complaint[0] != '\0' || strncmp(run->line, "UNKNOWN", 7) == 0 ||
               strncmp(run->line, "ERROR", 5) == 0;
    return run->status == truth->status && same_answer(truth->line, run->line);
}

static void tell(const struct run *run) {
    char name[ERRNAME_SIZE];
    int error = run->error != 0 ? run->error : run->failed->error;
    printf("wrong: call %lu, %s %s: %s%s%d: %s | %s\n", run->fail, run->failed->name,
           errname(error, name), run->hung ? "HANGS " : "", run->left ? "LEAVES PROCESSES " : "",
           WIFEXITED(run->status) ? WEXITSTATUS(run->status) : -WTERMSIG(run->status), run->line,
           run->complaint);
    fflush(stdout);
}

int main(int argc, char **argv) {
    unsigned long step = 1, first = 1, tried = 0, told = 0, wrong = 0;
    struct run run = {.seconds = 20};
    char program[512], out[] = "/tmp/faults-out-XXXXXX", err[] = "/tmp/faults-err-XXXXXX";
    bool verbose = false;
    const char *kind = NULL;
    int option;
    while ((option = getopt(argc, argv, "+c:e:sn:f:t:v")) != -1)
        switch (option) {
        case 'c':
            kind = optarg;
            break;
        case 'e':
            run.error = errname_number(optarg);
            break;
        case 's':
            run.stays = true;
            break;
        case 'n':
            step = strtoul(optarg, NULL, 10);
            break;
        case 'f':
            first = strtoul(optarg, NULL, 10);
            break;
        case 't':
            run.seconds = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'v':
            verbose = true;
            break;
        default:
            return 3;
        }
    if (optind == argc || step == 0 || realpath(argv[optind], program) == NULL)
        return 3;
    run.command = argv + optind;
    setlinebuf(stdout);
    close(mkstemp(out));
    close(mkstemp(err));
    prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
    run_once(&run, program, out, err);
    if (run.seen == 0) {
        printf("skipped: seccomp cannot ask us here\n");
        return 77;
    }
    const struct run truth = run;
    printf("truth: exit %d: %s\n", WEXITSTATUS(run.status), run.line);
    for (run.only = calls; run.only < calls + CALLS; run.only++) {
        if (kind != NULL && strcmp(kind, run.only->name) != 0)
            continue;
        for (run.fail = first; run.fail <= truth.seen_of[run.only - calls]; run.fail += step) {
            run_once(&run, program, out, err);
            if (run.failed == NULL) /* it has come by with fewer calls */
                continue;
            tried++;
            told += WIFEXITED(run.status) && WEXITSTATUS(run.status) == 2;
            bool right = is_right(&truth, &run);
            wrong += !right;
            if (!right || verbose)
                tell(&run);
        }
    }
    unlink(out);
    unlink(err);
    printf("%lu calls, %lu failed in turn: %lu answers as before, %lu times exit 2, %lu wrong\n",
           truth.seen, tried, tried - told - wrong, told, wrong);
    return wrong > 0;
}
