/* mover MODE [PATH]: makes a listener on 127.0.0.1:2000, says `ready PID`, and keeps it moving
 * until its standard input ends:
 *
 *   fork        a process hands it over to a child, and ends, again and again
 *   exec        the process executes itself again and again
 *   descriptor  it moves from one descriptor to another
 *   high        the same, to and from one beyond the lowest
 *   copies      threads move copies of it from one number to another (dup2())
 *   relay       as `fork`, and now and then it is closed and opened again
 *   pass        two processes send it to each other (SCM_RIGHTS)
 *   threads     a thread with a table of its own hands it over to another, and ends
 *   workers     a master keeps it, and its workers end and are replaced
 *   reuseport   beside it, other processes listen and close (SO_REUSEPORT)
 *   reload      the next process listens before the last one ends (SO_REUSEPORT)
 *   traffic     connections come and go, and leave TIME-WAIT
 *   reopen      it is closed and opened again
 *   restart     a server starts, has connections, and ends, again and again
 *   crash       a program starts, listens, and dies after some milliseconds, again and again
 *   beside      as `reopen`, beside TIME-WAIT, which is made anew
 *   gone        as `restart`, but the connections outlive the listener
 *   alternate   it is bound, listens after some time, and is closed, again and again
 *   addresses   it is closed and opened again, on 0.0.0.0 and 127.0.0.1 by turns
 *   families    the same on [::], with IPV6_V6ONLY and without it by turns
 *   sharers     processes listen and close (SO_REUSEPORT); often, none of them does
 *   names       a process executes itself again and again, as two programs by turns
 *   renames     the process gives itself other names
 *   idle        a socket that is bound, but does not listen, is handed over as by `fork`
 *   udp         so is a UDP socket
 *   udp-relay   as `relay`
 *   udp-reopen  it is closed and opened again
 *   udp-sharers processes bind it and close it (SO_REUSEPORT)
 *   unix        a listener at the Unix path PATH is handed over
 *   unix-reopen the file is removed and the listener made again
 *   unix-replace  the file of the next listener is renamed to PATH before the last one is closed
 *
 * And where it is, without moving, but not behind a descriptor of the process:
 *
 *   thread      in the table of a thread alone
 *   leader      in a thread whose leader has exited
 *   ring        registered with an io_uring
 *   flight      in a message that nobody has read
 *
 *   named NAME  behind one, but the process calls itself NAME
 *
 * Exit status 77 if the mode cannot be had here. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 2000, NOT_HERE = 77 };

static const char *path; /* of the Unix socket */

static void need(long result, const char *what) {
    if (result >= 0)
        return;
    fprintf(stderr, "mover: %s: %s\n", what, strerror(errno));
    exit(errno == ENOSYS || errno == EPERM ? NOT_HERE : 1);
}

/* Binds, as soon as the port is free: portreuse can keep a socket for a moment, whose descriptor it
 * reads. */
static void take_port(int fd, const void *address, socklen_t size) {
    while (bind(fd, address, size) < 0)
        need(errno == EADDRINUSE ? 0 : -1, "bind");
}

static int bound_to(in_addr_t address, int type, int option) {
    struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(address)};
    int fd = socket(AF_INET, type, 0), on = 1;
    need(setsockopt(fd, SOL_SOCKET, option, &on, sizeof on), "setsockopt");
    take_port(fd, &in, sizeof in);
    return fd;
}

static int bound(int type, int option) {
    return bound_to(INADDR_LOOPBACK, type, option);
}

static int listening(int fd) {
    need(listen(fd, 16), "listen");
    return fd;
}

static int listener(void) {
    return listening(bound(SOCK_STREAM, SO_REUSEADDR));
}

static int listener6(int v6only) {
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
    int fd = socket(AF_INET6, SOCK_STREAM, 0), on = 1;
    if (fd < 0)
        exit(NOT_HERE);
    need(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    need(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only), "setsockopt");
    take_port(fd, &in, sizeof in);
    return listening(fd);
}

static int sharer(void) {
    return listening(bound(SOCK_STREAM, SO_REUSEPORT));
}

static int udp_sharer(void) {
    return bound(SOCK_DGRAM, SO_REUSEPORT);
}

static int nothing(void) {
    return -1;
}

static int idle(void) {
    return bound(SOCK_STREAM, SO_REUSEADDR);
}

static int datagrams(void) {
    return bound(SOCK_DGRAM, SO_REUSEADDR);
}

static int listener_at(const char *name) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(un.sun_path, sizeof un.sun_path, "%s", name);
    unlink(name);
    need(bind(fd, (struct sockaddr *)&un, sizeof un), "bind");
    need(listen(fd, 16), "listen");
    return fd;
}

static int at_path(void) {
    return listener_at(path);
}

/* Returns whether standard input has ended. */
static bool ended(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, 0) > 0;
}

static void wait_for_end(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    poll(&input, 1, -1);
}

static void pause_ms(long ms) {
    struct timespec pause = {.tv_nsec = ms * 1000000};
    nanosleep(&pause, NULL);
}

/* --- moving --- */

static void hand_over(int fd) {
    (void)fd;
    while (!ended()) {
        pid_t child = fork();
        if (child > 0)
            _exit(0);
        pause_ms(2);
    }
}

/* Every fourth process opens it anew. */
static void relay(int fd, int (*make)(void)) {
    for (unsigned i = 0; !ended(); i++) {
        pid_t child = fork();
        if (child > 0)
            _exit(0);
        pause_ms(2);
        if (i % 4 != 3)
            continue;
        close(fd);
        pause_ms(1);
        fd = make();
    }
}

static void relay_listener(int fd) {
    relay(fd, listener);
}

static void relay_datagrams(int fd) {
    relay(fd, datagrams);
}

/* The parent has the old listener until its child has a new one. */
static void reload(int fd) {
    while (!ended()) {
        int ready[2];
        char byte = 0;
        need(pipe(ready), "pipe");
        if (fork() != 0) {
            close(ready[1]);
            _exit(read(ready[0], &byte, 1) < 0);
        }
        int next = sharer();
        close(fd);
        fd = next;
        close(ready[0]);
        close(ready[1]);
        pause_ms(2);
    }
}

static void execute_as(int fd, const char *file) {
    char number[16];
    snprintf(number, sizeof number, "%d", fd);
    pause_ms(1);
    if (!ended())
        execl(file, "mover", "exec-again", number, path, (char *)NULL);
}

static void execute(int fd) {
    path = "";
    execute_as(fd, "/proc/self/exe");
}

/* The name of a program is that of the link by which it was executed. */
static void execute_by_turns(int fd) {
    char links[2][200], name[32] = "";
    for (int i = 0; i < 2; i++) {
        snprintf(links[i], sizeof links[i], "%s-%d", path, i);
        if (symlink("/proc/self/exe", links[i]) < 0)
            need(errno == EEXIST ? 0 : -1, "symlink");
    }
    prctl(PR_GET_NAME, name);
    execute_as(fd, links[name[strlen(name) - 1] == '0']);
}

static void rename_itself(int fd) {
    char name[16];
    (void)fd;
    for (unsigned i = 0; !ended(); i++) {
        snprintf(name, sizeof name, "mover-%u", i % 10);
        prctl(PR_SET_NAME, name);
        pause_ms(1);
    }
}

static void move_between(int fd, int low, int high) {
    while (!ended())
        for (int i = 0; i < 1000; i++) {
            int next = fcntl(fd, F_DUPFD, i % 2 == 0 ? low : high);
            close(fd);
            fd = next;
        }
}

static void move(int fd) {
    move_between(fd, 3, 100);
}

static void move_high(int fd) {
    move_between(fd, 3, 900);
}

enum { COPIES = 3, COPY_NUMBERS = 50, COPIES_BEGIN = 100 };

static void *move_copy(void *argument) {
    int fd = *(const int *)argument, first = fd;
    for (unsigned i = 1;; i++) {
        int next = first + (int)(i % COPY_NUMBERS);
        dup2(fd, next);
        close(fd);
        fd = next;
    }
    return NULL;
}

static void move_copies(int fd) {
    static int firsts[COPIES];
    for (int i = 0; i < COPIES; i++) {
        pthread_t thread;
        firsts[i] = dup2(fd, COPIES_BEGIN + i * COPY_NUMBERS);
        errno = pthread_create(&thread, NULL, move_copy, &firsts[i]);
        need(errno == 0 ? 0 : -1, "pthread_create");
    }
    close(fd);
    wait_for_end();
    exit(0);
}

static void send_socket(int over, int fd) {
    char byte = 0, control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    sendmsg(over, &message, 0);
}

static int receive_socket(int over) {
    int fd = -1;
    char byte, control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    const struct cmsghdr *header = recvmsg(over, &message, 0) > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header != NULL)
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static void pass(int fd) {
    int pair[2];
    need(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "socketpair");
    pid_t child = fork();
    need(child, "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(fd);
        fd = -1;
    }
    int over = pair[child == 0];
    close(pair[child != 0]);
    while (child == 0 || !ended()) {
        if (fd >= 0) {
            struct timespec pause = {.tv_nsec = 300000};
            nanosleep(&pause, NULL);
            send_socket(over, fd);
            close(fd);
        }
        fd = receive_socket(over);
        if (fd < 0)
            _exit(0);
    }
}

static void reopen(int fd) {
    while (!ended()) {
        close(fd);
        fd = listener();
    }
}

/* Opens and closes, with pauses of either length, so that neither state lasts most of the time. */
static void alternate(int (*make)(int i)) {
    for (int i = 0; !ended(); i++) {
        int fd = make(i);
        pause_ms(1 + i % 3);
        close(fd);
        pause_ms(i / 3 % 3);
    }
}

static int listen_later(int i) {
    int fd = bound(SOCK_STREAM, SO_REUSEADDR);
    pause_ms(1 + i % 2);
    return listening(fd);
}

static void bind_and_listen(int fd) {
    close(fd);
    alternate(listen_later);
}

static int by_address(int i) {
    return listening(
        bound_to(i % 2 == 0 ? INADDR_ANY : INADDR_LOOPBACK, SOCK_STREAM, SO_REUSEADDR));
}

static void change_address(int fd) {
    close(fd);
    alternate(by_address);
}

static int by_family(int i) {
    return listener6(i % 2);
}

static void change_family(int fd) {
    close(fd);
    alternate(by_family);
}

static int udp_again(int i) {
    (void)i;
    return bound(SOCK_DGRAM, SO_REUSEADDR);
}

static void reopen_udp(int fd) {
    close(fd);
    alternate(udp_again);
}

static void reopen_at_path(int fd) {
    while (!ended()) {
        pause_ms(1);
        close(fd);
        pause_ms(1);
        fd = at_path();
    }
}

static void replace_at_path(int fd) {
    char next[200];
    snprintf(next, sizeof next, "%s.next", path);
    while (!ended()) {
        int old = fd;
        pause_ms(1);
        fd = listener_at(next);
        need(rename(next, path), "rename");
        close(old);
    }
}

/* A thread takes a copy of the descriptors when it unshares them. */
static volatile int owners;

static void *take_over(void *argument) {
    const int *fd = argument;
    pthread_t next;
    need(unshare(CLONE_FILES), "unshare");
    int number = ++owners;
    if (ended())
        exit(0);
    pause_ms(1);
    errno = pthread_create(&next, NULL, take_over, argument);
    need(errno == 0 ? 0 : -1, "pthread_create");
    pthread_detach(next);
    while (owners == number)
        sched_yield();
    close(*fd);
    return NULL;
}

static void pass_to_threads(int fd) {
    pthread_t first;
    errno = pthread_create(&first, NULL, take_over, &fd);
    need(errno == 0 ? 0 : -1, "pthread_create");
    while (owners == 0)
        sched_yield();
    close(fd);
    wait_for_end();
    exit(0);
}

static void start(void (*child)(int number), int number) {
    pid_t parent = getpid();
    if (fork() != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent)
        child(number);
    _exit(0);
}

static void work(int number) {
    pause_ms(1 + number % 3);
}

static void respawn(int fd) {
    enum { WORKERS = 4 };
    (void)fd;
    signal(SIGCHLD, SIG_DFL);
    for (int i = 0; i < WORKERS; i++)
        start(work, i);
    for (int i = 0; !ended(); i++) {
        wait(NULL);
        start(work, i);
    }
}

static int (*makes_share)(void);

static void share(int number) {
    while (!ended()) {
        int fd = makes_share();
        pause_ms(1 + number % 3);
        close(fd);
        pause_ms(1 + number % 2);
    }
}

static void share_with(int (*make)(void)) {
    enum { SHARERS = 4 };
    makes_share = make;
    for (int i = 0; i < SHARERS; i++)
        start(share, i);
    wait_for_end();
}

static void share_all(int fd) {
    (void)fd;
    share_with(sharer);
}

static void share_udp(int fd) {
    (void)fd;
    share_with(udp_sharer);
}

/* A connection, which the server closes first. */
static void connect_once(int fd) {
    struct sockaddr_in to;
    socklen_t size = sizeof to;
    getsockname(fd, (struct sockaddr *)&to, &size);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client, (struct sockaddr *)&to, size) == 0)
        close(accept(fd, NULL, NULL));
    close(client);
}

static void have_traffic(int fd) {
    while (!ended()) {
        connect_once(fd);
        pause_ms(1);
    }
}

static void serve(int number) {
    int fd = listener();
    (void)number;
    for (int i = 0; i < 3; i++) {
        connect_once(fd);
        pause_ms(1);
    }
}

/* TIME-WAIT lasts 60 seconds. */
static void reopen_beside(int fd) {
    enum { RENEW_SECONDS = 20 };
    for (time_t renewed = -RENEW_SECONDS; !ended();) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - renewed >= RENEW_SECONDS) {
            for (int i = 0; i < 3; i++)
                connect_once(fd);
            renewed = now.tv_sec;
        }
        close(fd);
        fd = listener();
    }
}

static void leave_connections(int number) {
    struct sockaddr_in to;
    socklen_t size = sizeof to;
    int fd = listener(), client = socket(AF_INET, SOCK_STREAM, 0);
    (void)number;
    getsockname(fd, (struct sockaddr *)&to, &size);
    need(connect(client, (struct sockaddr *)&to, size), "connect");
    int connection = accept(fd, NULL, NULL);
    pause_ms(2);
    close(fd);
    pause_ms(2);
    close(connection);
    pause_ms(1);
}

static void die(int number) {
    (void)number;
    listener();
    pause_ms(4);
    abort();
}

static void run_again(int fd, void (*child)(int number)) {
    struct rlimit none = {0};
    signal(SIGCHLD, SIG_DFL);
    setrlimit(RLIMIT_CORE, &none);
    close(fd);
    while (!ended()) {
        start(child, 0);
        wait(NULL);
        pause_ms(4);
    }
}

static void restart(int fd) {
    run_again(fd, serve);
}

static void outlive(int fd) {
    run_again(fd, leave_connections);
}

static void crash(int fd) {
    run_again(fd, die);
}

/* --- where few look --- */

static void *keep_alone(void *argument) {
    int *fd = argument;
    need(unshare(CLONE_FILES), "unshare");
    *fd = dup(*fd);
    wait_for_end();
    exit(0);
}

static void in_thread(int fd) {
    static volatile int kept;
    pthread_t thread;
    kept = fd;
    errno = pthread_create(&thread, NULL, keep_alone, (void *)&kept);
    need(errno == 0 ? 0 : -1, "pthread_create");
    while (kept == fd)
        sched_yield();
    close(fd);
}

static void register_with_ring(int fd) {
    struct io_uring_params parameters = {0};
    int ring = (int)syscall(SYS_io_uring_setup, 4L, &parameters);
    need(ring, "io_uring_setup");
    need(syscall(SYS_io_uring_register, (long)ring, (long)IORING_REGISTER_FILES, &fd, 1L),
         "io_uring_register");
    close(fd);
}

static void leave_in_flight(int fd) {
    int pair[2];
    need(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "socketpair");
    send_socket(pair[0], fd);
    close(fd);
}

/* --- the start --- */

static void say_ready(void) {
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*makes)(void);
        void (*moves)(int fd), (*puts)(int fd);
    } modes[] = {{"fork", listener, hand_over, NULL},
                 {"exec", listener, execute, NULL},
                 {"descriptor", listener, move, NULL},
                 {"high", listener, move_high, NULL},
                 {"copies", listener, move_copies, NULL},
                 {"relay", listener, relay_listener, NULL},
                 {"pass", listener, pass, NULL},
                 {"threads", listener, pass_to_threads, NULL},
                 {"workers", listener, respawn, NULL},
                 {"reuseport", sharer, share_all, NULL},
                 {"reload", sharer, reload, NULL},
                 {"traffic", listener, have_traffic, NULL},
                 {"reopen", listener, reopen, NULL},
                 {"restart", listener, restart, NULL},
                 {"beside", listener, reopen_beside, NULL},
                 {"gone", listener, outlive, NULL},
                 {"alternate", listener, bind_and_listen, NULL},
                 {"addresses", listener, change_address, NULL},
                 {"families", listener, change_family, NULL},
                 {"sharers", nothing, share_all, NULL},
                 {"names", listener, execute_by_turns, NULL},
                 {"renames", listener, rename_itself, NULL},
                 {"udp-relay", datagrams, relay_datagrams, NULL},
                 {"udp-reopen", datagrams, reopen_udp, NULL},
                 {"udp-sharers", nothing, share_udp, NULL},
                 {"crash", listener, crash, NULL},
                 {"idle", idle, hand_over, NULL},
                 {"udp", datagrams, hand_over, NULL},
                 {"unix", at_path, hand_over, NULL},
                 {"unix-reopen", at_path, reopen_at_path, NULL},
                 {"unix-replace", at_path, replace_at_path, NULL},
                 {"thread", listener, NULL, in_thread},
                 {"leader", listener, NULL, in_thread},
                 {"ring", listener, NULL, register_with_ring},
                 {"flight", listener, NULL, leave_in_flight}};
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    path = argc == 3 ? argv[2] : "";
    if (argc == 4 && strcmp(argv[1], "exec-again") == 0) {
        int fd = (int)strtol(argv[2], NULL, 10);
        path = argv[3];
        if (path[0] == '\0')
            execute(fd);
        else
            execute_by_turns(fd);
    }
    if (argc >= 3 && strcmp(argv[1], "named") == 0) {
        listener();
        need(prctl(PR_SET_NAME, argv[2]), "prctl");
        say_ready();
        wait_for_end();
        return 0;
    }
    for (size_t i = 0; argc >= 2 && i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(argv[1], modes[i].name) != 0)
            continue;
        int fd = modes[i].makes();
        if (modes[i].puts != NULL)
            modes[i].puts(fd);
        say_ready();
        if (modes[i].moves != NULL)
            modes[i].moves(fd);
        else if (strcmp(argv[1], "leader") == 0)
            pthread_exit(NULL);
        wait_for_end();
        return 0;
    }
    fputs("usage: mover MODE [PATH]\n", stderr);
    return 2;
}
