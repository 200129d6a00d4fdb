/* place KIND PORT COMMAND...: puts a socket where it takes time to find, and runs the command, with
 * the id of the process that did so in OWNER:
 *
 *   low          a listener at a low descriptor
 *   high         at the last of 18,000 descriptors
 *   workers      in a process and 200 that it forked
 *   reuseport    64 processes, each with a listener (SO_REUSEPORT)
 *   bound        a socket that is bound and idle
 *   flight       a listener in a message that nobody has read (SCM_RIGHTS)
 *   waiting      9000 connections in TIME-WAIT, no listener
 *   connections  9000 open connections, no listener
 *   threads      a listener in a process of 1000 threads
 *   table        the same, in the table of descriptors of one of them
 *   udp          a UDP socket
 *   unix         a listener at a path, which PORT is then */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WORKERS = 200,
    THREADS = 1000,
    SHARERS = 64,
    DESCRIPTORS = 18000,
    CONNECTIONS = 9000,
    CLIENT_PORT = 10000
};

static int port, ready[2], descriptors;
static const char *path;

static int need(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

static int bound(int type, const char *address, int number, int option) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};
    int fd = need(socket(AF_INET, type, 0), "socket"), on = 1;
    inet_pton(AF_INET, address, &in.sin_addr);
    need(setsockopt(fd, SOL_SOCKET, option, &on, sizeof on), "setsockopt");
    while (bind(fd, (struct sockaddr *)&in, sizeof in) < 0)
        need(errno == EADDRINUSE ? usleep(1000) : -1,
             "bind"); /* of an earlier one that is ending */
    return fd;
}

static int listener(int option) {
    int fd = bound(SOCK_STREAM, "127.0.0.1", port, option);
    need(listen(fd, SOMAXCONN), "listen");
    return fd;
}

static void low(void) {
    listener(SO_REUSEADDR);
}

static void high(void) {
    int fd = listener(SO_REUSEADDR);
    for (int i = 0; i < descriptors; i++)
        need(open("/dev/null", O_RDONLY), "open");
    need(dup(fd), "dup");
    close(fd);
}

static void fork_off(int count, void (*begin)(void)) {
    for (int i = 0; i < count; i++)
        if (need(fork(), "fork") == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (begin != NULL)
                begin();
            need((int)write(ready[1], "r", 1), "write");
            for (;;)
                pause();
        }
    char byte;
    for (int i = 0; i < count; i++)
        need((int)read(ready[0], &byte, 1) - 1, "a process");
}

static void workers(void) {
    listener(SO_REUSEADDR);
    fork_off(WORKERS, NULL);
}

static void share(void) {
    listener(SO_REUSEPORT);
}

static void reuseport(void) {
    fork_off(SHARERS, share);
}

static void idle(void) {
    bound(SOCK_STREAM, "127.0.0.1", port, SO_REUSEADDR);
}

static void *run_thread(void *begin) {
    char byte = 'r';
    if (begin != NULL)
        ((void (*)(void))begin)();
    need((int)write(ready[1], &byte, 1), "write");
    for (;;)
        pause();
    return NULL;
}

static void start_thread(void (*begin)(void)) {
    pthread_attr_t attributes;
    pthread_t thread;
    char byte;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    errno = pthread_create(&thread, &attributes, run_thread, (void *)begin);
    need(errno == 0 ? 0 : -1, "pthread_create");
    need((int)read(ready[0], &byte, 1) - 1, "a thread");
}

static void threads(void) {
    listener(SO_REUSEADDR);
    for (int i = 0; i < THREADS; i++)
        start_thread(NULL);
}

static void apart(void) {
    need(unshare(CLONE_FILES), "unshare");
    listener(SO_REUSEADDR);
}

static void table(void) {
    for (int i = 0; i < THREADS; i++)
        start_thread(i == THREADS / 2 ? apart : NULL);
}

static void at_path(void) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = need(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
    snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    unlink(path);
    need(bind(fd, (struct sockaddr *)&un, sizeof un), path);
    need(listen(fd, SOMAXCONN), "listen");
}

static void udp(void) {
    bound(SOCK_DGRAM, "127.0.0.1", port, SO_REUSEADDR);
}

static void flight(void) {
    int pair[2], fd = listener(SO_REUSEADDR);
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
    need(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), "socketpair");
    need((int)sendmsg(pair[0], &message, 0), "sendmsg");
    close(fd);
}

/* The server closes first, if at all. */
static void connect_all(int keep) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int from = listener(SO_REUSEADDR);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    for (int i = 0; i < CONNECTIONS; i++) {
        int client = bound(SOCK_STREAM, "127.0.0.2", CLIENT_PORT + i, SO_REUSEADDR);
        need(connect(client, (struct sockaddr *)&to, sizeof to), "connect");
        int server = need(accept(from, NULL, NULL), "accept");
        if (keep)
            continue;
        close(server);
        close(client);
    }
    close(from);
}

static void waiting(void) {
    connect_all(0);
}

static void connections(void) {
    connect_all(1);
}

static const struct {
    const char *name;
    void (*put)(void);
} kinds[] = {
    {"low", low},         {"high", high},     {"workers", workers}, {"reuseport", reuseport},
    {"bound", idle},      {"flight", flight}, {"waiting", waiting}, {"connections", connections},
    {"threads", threads}, {"table", table},   {"udp", udp},         {"unix", at_path}};

/* Puts it there in a process of its own; returns that. */
static pid_t put(const char *kind) {
    char byte;
    pid_t pid = need(fork(), "fork");
    if (pid == 0) {
        int done = ready[1];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        need(pipe(ready), "pipe"); /* for those that it starts */
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
            if (strcmp(kind, kinds[i].name) == 0)
                kinds[i].put();
        need((int)write(done, "r", 1), "write");
        for (;;)
            pause();
    }
    close(ready[1]);
    need((int)read(ready[0], &byte, 1) - 1, "making it");
    return pid;
}

int main(int argc, char **argv) {
    struct rlimit limit;
    char owner[16];
    int status = 1;
    if (argc < 4) {
        fputs("usage: place KIND PORT COMMAND...\n", stderr);
        return 2;
    }
    need(getrlimit(RLIMIT_NOFILE, &limit), "RLIMIT_NOFILE");
    limit.rlim_cur = limit.rlim_max;
    need(setrlimit(RLIMIT_NOFILE, &limit), "RLIMIT_NOFILE");
    descriptors = limit.rlim_cur < DESCRIPTORS + 16 ? (int)limit.rlim_cur - 16 : DESCRIPTORS;
    path = argv[2];
    port = atoi(path);
    need(pipe(ready), "pipe");
    pid_t holder = put(argv[1]);
    snprintf(owner, sizeof owner, "%d", (int)holder);
    setenv("OWNER", owner, 1);
    pid_t command = need(fork(), "fork");
    if (command == 0) {
        execvp(argv[3], argv + 3);
        need(-1, argv[3]);
    }
    waitpid(command, &status, 0);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
