/* What portreuse is measured against: the same namespaces, forks and calls, and nothing else.
 *
 * - bare rebind N: N cases like those of rebind.scenario (2) and rebind-10.scenario (10): for each
 * a network namespace, and a server, a client and a restarted server as processes, on one processor
 * - bare connect N: N rounds of socket(), connect() and close() against a server that accepts,
 * waits for the end and closes; in a network namespace, all on one processor, as a case is
 * - bare bind N: N rounds of socket(), bind() to a fixed port and close()
 * - bare nothing: start and end
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void need(int result, const char *what) {
    if (result >= 0)
        return;
    perror(what);
    _exit(1);
}

/* As a case is: on two processors, a late segment can reset a connection in TIME-WAIT. */
static void stay_on_processor(void) {
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET((size_t)sched_getcpu(), &here);
    need(sched_setaffinity(0, sizeof here, &here), "sched_setaffinity");
}

static void enter_namespace(void) {
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    if (unshare(CLONE_NEWNET) < 0)
        need(unshare(CLONE_NEWUSER | CLONE_NEWNET), "unshare");
    int any = socket(AF_INET, SOCK_DGRAM, 0);
    need(ioctl(any, SIOCSIFFLAGS, &up), "lo up");
    close(any);
}

static struct sockaddr_in address(void) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(1215), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int listen_on(int reuse) {
    struct sockaddr_in local = address();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (reuse)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    if (bind(fd, (struct sockaddr *)&local, sizeof local) < 0)
        return -errno;
    need(listen(fd, SOMAXCONN), "listen");
    return fd;
}

static int connect_to(void) {
    struct sockaddr_in remote = address();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    need(connect(fd, (struct sockaddr *)&remote, sizeof remote), "connect");
    return fd;
}

/* Forks; in the child returns 0, and the child dies with its parent. */
static pid_t fork_role(void) {
    pid_t role = fork();
    need(role, "fork");
    if (role == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return role;
}

static int reap(pid_t role) {
    int status = 0;
    waitpid(role, &status, 0);
    return WEXITSTATUS(status);
}

static void server(int ready) {
    int listener = listen_on(1);
    need(listener, "bind");
    need((int)write(ready, "", 1), "write");
    int peer = accept(listener, NULL, NULL);
    close(peer);
    _exit(0);
}

static void client(void) {
    char byte;
    int fd = connect_to();
    need((int)recv(fd, &byte, 1, 0), "recv");
    close(fd);
    _exit(0);
}

/* One case; the restarted server sets SO_REUSEADDR or not, and its errno is checked. */
static void rebind_case(int reuse) {
    int ready[2];
    char byte;
    stay_on_processor();
    enter_namespace();
    need(pipe(ready), "pipe");
    pid_t first = fork_role();
    if (first == 0)
        server(ready[1]);
    need((int)read(ready[0], &byte, 1), "read");
    pid_t second = fork_role();
    if (second == 0)
        client();
    reap(first);
    reap(second);
    pid_t restart = fork_role();
    if (restart == 0)
        _exit(listen_on(reuse) < 0 ? EADDRINUSE : 0);
    _exit(reap(restart) == (reuse ? 0 : EADDRINUSE) ? 0 : 1);
}

static int rebind(int cases) {
    int failed = 0;
    for (int i = 0; i < cases; i++) {
        pid_t stage = fork_role();
        if (stage == 0)
            rebind_case(i % 2);
        failed += reap(stage);
    }
    return failed;
}

static void serve(int listener) {
    char byte;
    for (;;) {
        int peer = accept(listener, NULL, NULL);
        need((int)recv(peer, &byte, 1, 0), "recv");
        close(peer);
    }
}

static int connect_rounds(int rounds) {
    stay_on_processor();
    enter_namespace();
    int listener = listen_on(0);
    pid_t role = fork_role();
    if (role == 0)
        serve(listener);
    for (int i = 0; i < rounds; i++)
        close(connect_to());
    kill(role, SIGKILL);
    reap(role);
    return 0;
}

static int bind_rounds(int rounds) {
    struct sockaddr_in local = address();
    enter_namespace();
    for (int i = 0; i < rounds; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        need(bind(fd, (struct sockaddr *)&local, sizeof local), "bind");
        close(fd);
    }
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
    if (strcmp(what, "rebind") == 0)
        return rebind(rounds);
    if (strcmp(what, "connect") == 0)
        return connect_rounds(rounds);
    if (strcmp(what, "bind") == 0)
        return bind_rounds(rounds);
    return strcmp(what, "nothing") == 0 ? 0 : 2;
}
