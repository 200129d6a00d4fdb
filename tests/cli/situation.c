/* situation NAME: makes, in a network namespace of its own, a situation in which a port cannot be
 * bound or connected from, says `ready PID`, and keeps it until its standard input ends. The port
 * is 2000, of 127.0.0.1 by default. Exit status 77 if there can be no namespace, 1 if
 * the situation cannot be made. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/netns.h"
#include "kernel/sysctl.h"

enum { PORT = 2000, SERVER = 3000, NO_NAMESPACE = 77, OTHER_USER = 12345 };

static void need(int result, const char *what) {
    if (result >= 0)
        return;
    fprintf(stderr, "situation: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void set_sysctl(const char *name, const char *value) {
    errno = sysctl_write(NETNS_HERE, name, value);
    need(errno == 0 ? 0 : -1, name);
}

static struct sockaddr_in address(const char *host, int port) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, host, &in.sin_addr);
    return in;
}

static int open_socket(int option) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    need(fd, "socket");
    if (option != 0)
        need(setsockopt(fd, SOL_SOCKET, option, &on, sizeof on), "setsockopt");
    return fd;
}

static int bound(const char *host, int port, int option) {
    struct sockaddr_in in = address(host, port);
    int fd = open_socket(option);
    need(bind(fd, (struct sockaddr *)&in, sizeof in), "bind");
    return fd;
}

static int listener(const char *host, int port, int option) {
    int fd = bound(host, port, option);
    need(listen(fd, 16), "listen");
    return fd;
}

static int connected(int fd, int port) {
    struct sockaddr_in in = address("127.0.0.1", port);
    need(connect(fd, (struct sockaddr *)&in, sizeof in), "connect");
    return fd;
}

static int accepted(int from) {
    int fd = accept(from, NULL, NULL);
    need(fd, "accept");
    return fd;
}

static int udp_socket(const char *host, int port) {
    struct sockaddr_in in = address(host, port);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    need(fd, "socket");
    need(bind(fd, (struct sockaddr *)&in, sizeof in), "bind");
    return fd;
}

/* --- the situations --- */

static void make_udp(void) {
    udp_socket("127.0.0.1", PORT);
    udp_socket("127.0.0.53", 53);
    listener("127.0.0.1", PORT + 1, 0);
}

static void make_mptcp(void) {
    enum { MPTCP = 262 };
    struct sockaddr_in in = address("127.0.0.1", PORT);
    int fd = socket(AF_INET, SOCK_STREAM, MPTCP);
    if (fd < 0)
        exit(NO_NAMESPACE); /* a kernel without it */
    need(bind(fd, (struct sockaddr *)&in, sizeof in), "bind");
    need(listen(fd, 16), "listen");
}

/* A listener at the file that $SITUATION_SOCKET names, and one at an abstract name. */
static void make_unix(void) {
    struct sockaddr_un file = {.sun_family = AF_UNIX};
    static const struct sockaddr_un abstract = {.sun_family = AF_UNIX, .sun_path = "\0situation"};
    int one = socket(AF_UNIX, SOCK_STREAM, 0), two = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(file.sun_path, sizeof file.sun_path, "%s", getenv("SITUATION_SOCKET"));
    need(bind(one, (struct sockaddr *)&file, sizeof file), "bind");
    need(bind(two, (const struct sockaddr *)&abstract,
              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof "situation")),
         "bind");
    need(listen(one, 5), "listen");
    need(listen(two, 5), "listen");
}

static void make_nothing(void) {
}

static void make_listener(void) {
    listener("127.0.0.1", PORT, 0);
}

static void make_reuseport(void) {
    listener("127.0.0.1", PORT, SO_REUSEPORT);
}

static void make_wildcard(void) {
    listener("0.0.0.0", PORT, 0);
}

static void make_dual_stack(void) {
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    need(fd, "socket");
    need(bind(fd, (struct sockaddr *)&any, sizeof any), "bind");
    need(listen(fd, 16), "listen");
}

static void make_idle(void) {
    bound("127.0.0.1", PORT, 0);
}

/* A child that inherits what is open, makes something of its own, and stays. */
static void keep_in_child(void (*make)(void)) {
    int ready[2];
    char byte;
    need(pipe(ready), "pipe");
    pid_t child = fork();
    need(child, "fork");
    if (child == 0) {
        make();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        need((int)write(ready[1], "x", 1), "write");
        for (;;)
            pause();
    }
    close(ready[1]);
    need(read(ready[0], &byte, 1) == 1 ? 0 : -1, "the child");
    close(ready[0]);
}

static void make_inherited(void) {
    listener("127.0.0.1", PORT, 0);
    keep_in_child(make_nothing);
}

/* Another program, which inherits what is open; it runs on return. */
static void start_program(void) {
    int end[2];
    need(pipe2(end, O_CLOEXEC), "pipe2"); /* closes when the program starts */
    pid_t child = fork();
    need(child, "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("sleep", "sleep", "1000", (char *)NULL);
        _exit(1);
    }
    char byte;
    close(end[1]);
    need((int)read(end[0], &byte, 1), "read");
    close(end[0]);
}

/* A program inherits the listener, which we close. */
static void make_leaked(void) {
    int fd = listener("127.0.0.1", PORT, 0);
    start_program();
    close(fd);
}

/* A server that is asked once, closes first, and ends. */
static void leave_time_wait(int option) {
    int server = listener("127.0.0.1", PORT, option);
    int client = connected(open_socket(0), PORT);
    close(accepted(server));
    close(server);
    close(client);
}

static void make_time_wait(void) {
    leave_time_wait(0);
}

static void make_time_wait_reuse(void) {
    leave_time_wait(SO_REUSEADDR);
}

static void make_reuseport_time_wait(void) {
    leave_time_wait(SO_REUSEPORT);
}

/* A server on a privileged port. */
static void make_privileged(void) {
    listener("0.0.0.0", 80, 0);
}

/* Many connections that are not in the way of a socket with SO_REUSEADDR, as theirs have it too,
 * and one with another address that is: it has the option no more. */
static void make_crowd(void) {
    enum { CROWD = 40 };
    int fds[CROWD];
    int server = listener("127.0.0.1", PORT, SO_REUSEADDR);
    for (int i = 0; i < CROWD; i++) {
        connected(open_socket(0), PORT);
        fds[i] = accepted(server);
    }
    int off = 0;
    need(setsockopt(fds[CROWD - 1], SOL_SOCKET, SO_REUSEADDR, &off, sizeof off), "setsockopt");
    close(server);
}

/* A process without privileges. */
static void make_unprivileged(void) {
    need(setgroups(0, NULL), "setgroups");
    need(setresgid(OTHER_USER, OTHER_USER, OTHER_USER), "setresgid");
    need(setresuid(OTHER_USER, OTHER_USER, OTHER_USER), "setresuid");
    need(prctl(PR_SET_DUMPABLE, 1), "prctl");
}

/* A listener on one device, beside another device that has a link-local address. */
static void make_devices(void) {
    static const char commands[] =
        "ip link add up0 type veth peer name up1 && ip link set up1 up && ip link set up0 up && "
        "ip address add fe80::1/64 dev up0 nodad";
    need(system(commands) == 0 ? 0 : -1, "ip"); /* NOLINT(cert-env33-c): a constant */
    int fd = open_socket(0);
    struct sockaddr_in in = address("0.0.0.0", PORT);
    need(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2), "SO_BINDTODEVICE");
    need(bind(fd, (struct sockaddr *)&in, sizeof in), "bind");
    need(listen(fd, 16), "listen");
}

/* The range is such that connect() has to take this port. */
static int steal(int *server) {
    *server = listener("127.0.0.1", SERVER, 0);
    set_sysctl("net.ipv4.ip_local_port_range", "2000 2000");
    return connected(open_socket(0), SERVER);
}

static void make_stolen(void) {
    int server;
    steal(&server);
}

static void make_stolen_time_wait(void) {
    int server, client = steal(&server);
    int peer = accepted(server);
    close(client);
    close(peer);
}

static void make_fixed_client(void) {
    listener("127.0.0.1", SERVER, 0);
    connected(bound("127.0.0.1", PORT, 0), SERVER);
}

/* One connection on the port stole it; another, from a second address, chose it, and shares it. */
static void make_stolen_beside_fixed(void) {
    int server, shares;
    steal(&server);
    shares = bound("127.0.0.2", PORT, SO_REUSEADDR);
    connected(shares, SERVER);
}

static void make_self_connected(void) {
    connected(bound("127.0.0.1", PORT, 0), PORT);
}

/* The peer has closed, the server's side never does, and the listener is gone. */
static void make_close_wait(void) {
    int server = listener("127.0.0.1", PORT, 0);
    int client = connected(open_socket(0), PORT);
    accepted(server);
    close(server);
    close(client);
}

static void make_established(void) {
    int server = listener("127.0.0.1", PORT, 0);
    connected(open_socket(0), PORT);
    accepted(server);
    close(server);
}

/* The server has closed everything, the client has not. */
static void make_fin_wait(void) {
    int server = listener("127.0.0.1", PORT, 0);
    connected(open_socket(0), PORT);
    close(accepted(server));
    close(server);
}

/* The same where half of the time left is behind another timer. */
static void make_long_fin_wait(void) {
    set_sysctl("net.ipv4.tcp_fin_timeout", "120");
    make_fin_wait();
}

/* From now on the socket gets nothing of what its peer sends: not even acknowledgements. */
static void deafen(int fd) {
    struct sock_filter nothing = {BPF_RET | BPF_K, 0, 0, 0};
    struct sock_fprog program = {1, &nothing};
    need(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program),
         "SO_ATTACH_FILTER");
}

/* The server closes, and its peer does not acknowledge that. */
static void make_fin_wait_1(void) {
    int server = listener("127.0.0.1", PORT, 0);
    int client = connected(open_socket(0), PORT), peer = accepted(server);
    deafen(client);
    close(peer);
    close(server);
}

/* First the client closes, as far as it can. */
static void make_last_ack(void) {
    int server = listener("127.0.0.1", PORT, 0);
    int client = connected(open_socket(0), PORT), peer = accepted(server);
    char byte;
    need(shutdown(client, SHUT_WR), "shutdown");
    need((int)read(peer, &byte, 1), "read"); /* until the end of the file */
    deafen(client);
    close(peer);
    close(server);
}

/* The server closes with data left that the client does not read. */
static void make_unread(void) {
    static char bytes[1 << 20];
    int server = listener("127.0.0.1", PORT, 0);
    connected(open_socket(0), PORT);
    int peer = accepted(server);
    need(fcntl(peer, F_SETFL, O_NONBLOCK), "fcntl");
    while (write(peer, bytes, sizeof bytes) > 0)
        continue;
    close(peer);
    close(server);
}

static void listen_as_other_user(void) {
    need(setresuid(OTHER_USER, OTHER_USER, OTHER_USER), "setresuid");
    listener("127.0.0.1", PORT, SO_REUSEPORT);
}

static void make_other_user(void) {
    keep_in_child(listen_as_other_user);
}

/* The descriptor is in flight: it waits in a socket to be received. */
static void make_in_flight(void) {
    int ends[2], fd = listener("127.0.0.1", PORT, 0);
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof fd)];
    } control = {0};
    char byte = 'x';
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    need(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
    need((int)sendmsg(ends[0], &message, 0), "sendmsg");
    close(fd);
}

static void make_full_range(void) {
    set_sysctl("net.ipv4.ip_local_port_range", "2000 2001");
    bound("127.0.0.1", PORT, 0);
    bound("127.0.0.1", PORT + 1, 0);
}

static void make_reserved_range(void) {
    set_sysctl("net.ipv4.ip_local_port_range", "2000 2001");
    set_sysctl("net.ipv4.ip_local_reserved_ports", "2000-2001");
}

/* Connections to 3000 have six ports: two were bound for it, one is in TIME-WAIT. */
static void make_clients(void) {
    int server = listener("127.0.0.1", SERVER, 0);
    set_sysctl("net.ipv4.ip_local_port_range", "2000 2019");
    set_sysctl("net.ipv4.tcp_tw_reuse", "0");
    for (int i = 0; i < 3; i++)
        connected(open_socket(0), SERVER);
    connected(bound("127.0.0.1", PORT + 1, 0), SERVER);
    connected(bound("127.0.0.1", 0, 0), SERVER);
    int client = connected(open_socket(0), SERVER), peer = -1;
    for (int i = 0; i < 6; i++)
        peer = accepted(server);
    close(client);
    close(peer);
}

/* Every port of a small range has a connection to 3000. */
static void make_exhausted(void) {
    listener("127.0.0.1", SERVER, 0);
    set_sysctl("net.ipv4.ip_local_port_range", "2000 2003");
    for (int i = 0; i < 4; i++)
        connected(open_socket(0), SERVER);
}

/* An interface without a carrier: its address stays tentative. */
static void make_tentative(void) {
    static const char commands[] = "ip link add v0 type veth peer name v1 && ip link set v0 up && "
                                   "ip address add 2001:db8::1/64 dev v0";
    need(system(commands) == 0 ? 0 : -1, "ip"); /* NOLINT(cert-env33-c): a constant */
}

static void listen_with_another_name(void) {
    prctl(PR_SET_NAME, "worker");
    listener("127.0.0.1", PORT, SO_REUSEPORT);
}

/* Two programs share a port, and two processes of one program share it too. */
static void make_shared(void) {
    int fd = listener("127.0.0.1", PORT, SO_REUSEPORT);
    start_program();
    close(fd);
    listener("127.0.0.1", PORT, SO_REUSEPORT);
    keep_in_child(listen_with_another_name);
}

/* Two sockets in the way, at descriptors beyond the lowest 128, and two on the next port that have
 * theirs the other way round. */
static void make_high_descriptors(void) {
    enum { HIGH = 300 };
    static const int ports[] = {PORT, PORT, PORT + 1, PORT + 1};
    static const int descriptors[] = {HIGH, HIGH + 10, HIGH + 30, HIGH + 20};
    while (dup(STDIN_FILENO) < HIGH - 1)
        continue;
    for (int i = 0; i < 4; i++) {
        int fd = listener("127.0.0.1", ports[i], SO_REUSEPORT);
        need(fcntl(fd, F_DUPFD, descriptors[i]), "fcntl");
        close(fd);
    }
}

static void enter_namespace(void) {
    char reason[NETNS_REASON_SIZE];
    need(netns_enter(reason) == NETNS_REFUSED ? -1 : 0, "a namespace");
}

static void listen_in_namespace(void) {
    enter_namespace();
    make_listener();
}

/* Many namespaces, and a listener in the last of them. */
static void make_many_namespaces(void) {
    enum { MANY = 300 };
    for (int i = 1; i < MANY; i++)
        keep_in_child(enter_namespace);
    keep_in_child(listen_in_namespace);
}

/* A client takes a port every 10 ms, for some seconds. */
static void take_ports(void) {
    enum { ROUNDS = 1000, PAUSE_US = 10 * 1000 };
    pid_t child = fork();
    need(child, "fork");
    if (child != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < ROUNDS; i++) {
        connected(open_socket(0), SERVER);
        usleep(PAUSE_US);
    }
    for (;;)
        pause();
}

static void make_growing(void) {
    int server = listener("127.0.0.1", SERVER, 0);
    need(listen(server, 4096), "listen");
    take_ports();
}

static void hold_for_a_second(void) {
    pid_t child = fork();
    need(child, "fork");
    if (child != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sleep(1);
    _exit(0);
}

/* A listener that only a process has that ends soon. */
static void make_fleeting(void) {
    int server = listener("127.0.0.1", PORT, 0);
    hold_for_a_second();
    close(server);
}

/* A listener that comes and goes, some thousand times a second. */
static void make_restless(void) {
    pid_t child = fork();
    need(child, "fork");
    if (child != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        close(listener("127.0.0.1", PORT, SO_REUSEADDR));
}

static void make_old_guide(void) {
    set_sysctl("net.ipv4.tcp_timestamps", "0");
    set_sysctl("net.ipv4.tcp_fin_timeout", "10");
    set_sysctl("net.ipv4.ip_local_port_range", "32768 61000");
}

static const struct {
    const char *name;
    void (*make)(void);
} situations[] = {
    {"nothing", make_nothing},
    {"udp", make_udp},
    {"mptcp", make_mptcp},
    {"unix", make_unix},
    {"listener", make_listener},
    {"reuseport", make_reuseport},
    {"wildcard", make_wildcard},
    {"dual-stack", make_dual_stack},
    {"idle", make_idle},
    {"inherited", make_inherited},
    {"leaked", make_leaked},
    {"time-wait", make_time_wait},
    {"time-wait-reuse", make_time_wait_reuse},
    {"stolen", make_stolen},
    {"stolen-time-wait", make_stolen_time_wait},
    {"fixed-client", make_fixed_client},
    {"stolen-beside-fixed", make_stolen_beside_fixed},
    {"self-connected", make_self_connected},
    {"close-wait", make_close_wait},
    {"established", make_established},
    {"fin-wait", make_fin_wait},
    {"long-fin-wait", make_long_fin_wait},
    {"fin-wait-1", make_fin_wait_1},
    {"last-ack", make_last_ack},
    {"unread", make_unread},
    {"other-user", make_other_user},
    {"in-flight", make_in_flight},
    {"reuseport-time-wait", make_reuseport_time_wait},
    {"privileged", make_privileged},
    {"unprivileged", make_unprivileged},
    {"devices", make_devices},
    {"crowd", make_crowd},
    {"full-range", make_full_range},
    {"reserved-range", make_reserved_range},
    {"clients", make_clients},
    {"exhausted", make_exhausted},
    {"tentative", make_tentative},
    {"shared", make_shared},
    {"many-namespaces", make_many_namespaces},
    {"high-descriptors", make_high_descriptors},
    {"growing", make_growing},
    {"fleeting", make_fleeting},
    {"restless", make_restless},
    {"old-guide", make_old_guide},
};

int main(int argc, char **argv) {
    char reason[NETNS_REASON_SIZE], byte;
    for (size_t i = 0; argc == 2 && i < sizeof situations / sizeof situations[0]; i++) {
        if (strcmp(situations[i].name, argv[1]) != 0)
            continue;
        if (netns_enter(reason) == NETNS_REFUSED)
            return NO_NAMESPACE;
        situations[i].make();
        printf("ready %d\n", (int)getpid());
        fflush(stdout);
        while (read(STDIN_FILENO, &byte, 1) > 0)
            continue;
        return 0;
    }
    fputs("usage: situation NAME\n", stderr);
    return 2;
}
