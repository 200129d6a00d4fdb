/* mover MODE: makes a listener on 127.0.0.1:2000, says `ready PID`, and keeps it moving until its
 * standard input ends:
 *
 *   fork        a process hands it over to a child, and ends, again and again
 *   descriptor  it moves from one descriptor to another
 *   pass        two processes send it to each other (SCM_RIGHTS)
 *   reopen      it is closed and opened again
 *
 * And where it is, without moving, but not behind a descriptor of the process:
 *
 *   thread      in the table of a thread alone
 *   leader      in a thread whose leader has exited
 *   ring        registered with an io_uring
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
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PORT = 2000, NOT_HERE = 77 };

static void need(long result, const char *what) {
    if (result >= 0)
        return;
    fprintf(stderr, "mover: %s: %s\n", what, strerror(errno));
    exit(errno == ENOSYS || errno == EPERM ? NOT_HERE : 1);
}

static int listener(void) {
    struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    need(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    while (bind(fd, (struct sockaddr *)&in, sizeof in) < 0)
        need(errno == EADDRINUSE ? 0 : -1, "bind"); /* a trial of portreuse has it */
    need(listen(fd, 16), "listen");
    return fd;
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

/* --- moving --- */

static void hand_over(int fd) {
    (void)fd;
    while (!ended()) {
        pid_t child = fork();
        if (child > 0)
            _exit(0);
        struct timespec pause = {.tv_nsec = 2000000};
        nanosleep(&pause, NULL);
    }
}

static void move(int fd) {
    while (!ended())
        for (int i = 0; i < 1000; i++) {
            int next = fcntl(fd, F_DUPFD, i % 2 == 0 ? 3 : 100);
            close(fd);
            fd = next;
        }
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

/* --- where few look --- */

static void *keep_alone(void *argument) {
    int *fd = argument;
    need(unshare(CLONE_FILES), "unshare");
    int kept = dup(*fd);
    *fd = kept;
    wait_for_end();
    exit(0);
}

static void start_thread(int *fd) {
    pthread_t thread;
    int original = *fd;
    errno = pthread_create(&thread, NULL, keep_alone, fd);
    need(errno == 0 ? 0 : -1, "pthread_create");
    while (*(volatile int *)fd == original)
        sched_yield();
    close(original);
}

static void in_thread(int fd) {
    static int kept;
    kept = fd;
    start_thread(&kept);
}

static void register_with_ring(int fd) {
    struct io_uring_params parameters = {0};
    int ring = (int)syscall(SYS_io_uring_setup, 4L, &parameters);
    need(ring, "io_uring_setup");
    need(syscall(SYS_io_uring_register, (long)ring, (long)IORING_REGISTER_FILES, &fd, 1L),
         "io_uring_register");
    close(fd);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*moves)(int fd), (*puts)(int fd);
    } modes[] = {
        {"fork", hand_over, NULL},         {"descriptor", move, NULL},  {"pass", pass, NULL},
        {"reopen", reopen, NULL},          {"thread", NULL, in_thread}, {"leader", NULL, in_thread},
        {"ring", NULL, register_with_ring}};
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    int fd = listener();
    if (argc == 3 && strcmp(argv[1], "named") == 0) {
        need(prctl(PR_SET_NAME, argv[2]), "prctl");
        printf("ready %d\n", (int)getpid());
        fflush(stdout);
        wait_for_end();
        return 0;
    }
    for (size_t i = 0; argc == 2 && i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(argv[1], modes[i].name) != 0)
            continue;
        if (modes[i].puts != NULL)
            modes[i].puts(fd);
        printf("ready %d\n", (int)getpid());
        fflush(stdout);
        if (modes[i].moves != NULL)
            modes[i].moves(fd);
        else if (strcmp(argv[1], "leader") == 0)
            pthread_exit(NULL);
        wait_for_end();
        return 0;
    }
    fputs("usage: mover MODE [NAME]\n", stderr);
    return 2;
}
