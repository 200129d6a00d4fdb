/* Makes the sockets of a pair, step by step as the story of the first one says, and asks the second
 * one. The clients' ports and those that the kernel is to choose never meet: the range is below the
 * ports of the pairs, but for the moment in which it is one port. */
#include "probe/matrix_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/errnames.h"
#include "kernel/netdev.h"
#include "kernel/sockdiag.h"
#include "kernel/sockopt.h"
#include "kernel/sysctl.h"

enum {
    OTHER_USER = 65534, /* nobody, by convention */
    PATIENCE = 10000    /* ms: on a busy machine */
};

static const char range_of_others[] = "1024 9999";

/* --- single calls; they return 0 or an errno --- */

static void close_one(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int call_bind(int fd, const struct endpoint *local) {
    struct sockaddr_storage address;
    socklen_t size = endpoint_to_sockaddr(local, &address);
    return bind(fd, (struct sockaddr *)&address, size) < 0 ? errno : 0;
}

/* The silent server is not waited for. */
static int call_connect(int fd, const struct endpoint *remote) {
    struct sockaddr_storage address;
    socklen_t size = endpoint_to_sockaddr(remote, &address);
    if (remote->port == MATRIX_SILENT_PORT)
        fcntl(fd, F_SETFL, O_NONBLOCK);
    return connect(fd, (struct sockaddr *)&address, size) < 0 && errno != EINPROGRESS ? errno : 0;
}

static int call_listen(int fd) {
    return listen(fd, 1) < 0 ? errno : 0;
}

static int call_accept(int listener, int *accepted) {
    *accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    return *accepted < 0 ? errno : 0;
}

static int set_int(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof value) < 0 ? errno : 0;
}

static int set_options(int fd, bool reuseaddr, bool reuseport) {
    int error = set_int(fd, SOL_SOCKET, SO_REUSEADDR, reuseaddr);
    return error != 0 ? error : set_int(fd, SOL_SOCKET, SO_REUSEPORT, reuseport);
}

/* Opens the socket of a claim, with its options, not bound. */
static int open_socket(const struct stage *stage, const struct claim *claim, int *fd) {
    int type = claim->protocol == PROTOCOL_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int device = claim->interface == MATRIX_OTHER_DEVICE ? (int)stage->device : MATRIX_LO;
    int error = 0;
    *fd = socket(claim->local.family, type | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return errno;
    if (claim->reuseaddr)
        error = set_int(*fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (claim->reuseport && error == 0)
        error = set_int(*fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (claim->v6only && error == 0)
        error = set_int(*fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (claim->interface != 0 && error == 0)
        error = set_int(*fd, SOL_SOCKET, SO_BINDTOIFINDEX, device);
    return error;
}

/* --- the range --- */

static int write_range(int file, const char *range) {
    return pwrite(file, range, strlen(range), 0) < 0 ? errno : 0;
}

/* Leaves the kernel this one port to choose from; 0: the others again. */
static int set_range(const struct stage *stage, uint16_t port) {
    char range[16];
    snprintf(range, sizeof range, "%u %u", port, port);
    return write_range(stage->range, port == 0 ? range_of_others : range);
}

/* Calls bind() or connect() where the kernel can choose this port alone. */
static int choose(const struct stage *stage, int fd, int call(int, const struct endpoint *),
                  const struct endpoint *to, uint16_t port) {
    int error = set_range(stage, port);
    int answer = error == 0 ? call(fd, to) : error;
    error = set_range(stage, 0);
    return error != 0 ? error : answer;
}

static struct endpoint with_port(const struct endpoint *endpoint, uint16_t port) {
    struct endpoint other = *endpoint;
    other.port = port;
    return other;
}

/* --- the first socket --- */

/* The sockets of a pair; -1 where there is none. `first` is the one that the story is about, until
 * it has a connection; `peer` is the other end of that. */
struct troupe {
    const struct stage *stage;
    struct story_cast cast;
    int first, connection, peer, joined, second;
    uint16_t port;
    bool named; /* the first socket has a port: bind() was called */
};

/* Returns the descriptor of the connection; or that of the first socket, if there is none. */
static int *end_of(struct troupe *troupe) {
    return troupe->connection >= 0 ? &troupe->connection : &troupe->first;
}

/* Connects a client to the listener, and accepts. */
static int take_connection(struct troupe *troupe) {
    troupe->peer = socket(troupe->cast.connection.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = troupe->peer < 0 ? errno : call_connect(troupe->peer, &troupe->cast.connection);
    return error != 0 ? error : call_accept(troupe->first, &troupe->connection);
}

/* Connects the first socket, which is then the connection. */
static int connect_first(struct troupe *troupe, bool answered) {
    const struct stage *stage = troupe->stage;
    bool udp = stage->protocol == PROTOCOL_UDP;
    const struct endpoint *server = &troupe->cast.server;
    int error = troupe->named ? call_connect(troupe->first, server)
                              : choose(stage, troupe->first, call_connect, server, troupe->port);
    if (error == 0 && answered && !udp)
        error = call_accept(stage->server, &troupe->peer);
    troupe->connection = troupe->first;
    troupe->first = -1;
    return error;
}

/* Another socket binds to the same address. It may be refused, which is no error. */
static int join(struct troupe *troupe) {
    struct claim joining = troupe->cast.first;
    joining.reuseaddr = joining.reuseport = true;
    int error = open_socket(troupe->stage, &joining, &troupe->joined);
    if (error == 0 && call_bind(troupe->joined, &joining.local) != 0)
        close_one(&troupe->joined);
    return error;
}

/* Waits until the peer has the FIN that it was sent, and has it acknowledge that at once. If it
 * closed before, both ends would close first; if it delayed the acknowledgement, up to 40 ms, the
 * sender would be in FIN-WAIT-1. */
static int await_fin(int peer) {
    struct pollfd poll_peer = {.fd = peer, .events = POLLIN};
    char byte;
    if (poll(&poll_peer, 1, PATIENCE) <= 0 || recv(peer, &byte, 1, MSG_DONTWAIT) != 0)
        return ETIMEDOUT;
    set_int(peer, IPPROTO_TCP, TCP_QUICKACK, 1);
    return 0;
}

static int close_end(struct troupe *troupe) {
    close_one(end_of(troupe));
    return await_fin(troupe->peer);
}

static int shut_down_end(struct troupe *troupe) {
    int error = shutdown(*end_of(troupe), SHUT_WR) < 0 ? errno : 0;
    return error != 0 ? error : await_fin(troupe->peer);
}

static int bind_first(struct troupe *troupe, bool automatic) {
    const struct endpoint *local = &troupe->cast.first.local;
    struct endpoint any = with_port(local, 0);
    troupe->named = true;
    return automatic ? choose(troupe->stage, troupe->first, call_bind, &any, troupe->port)
                     : call_bind(troupe->first, local);
}

static int make_step(struct troupe *troupe, enum story_step step) {
    const struct claim *first = &troupe->cast.first;
    switch (step) {
    case STORY_BIND:
    case STORY_BIND_AUTO:
        return bind_first(troupe, step == STORY_BIND_AUTO);
    case STORY_LISTEN:
        return call_listen(troupe->first);
    case STORY_ACCEPT:
        return take_connection(troupe);
    case STORY_DROP_LISTENER:
        close_one(&troupe->first);
        return 0;
    case STORY_CONNECT:
    case STORY_CONNECT_SILENT:
        return connect_first(troupe, step == STORY_CONNECT);
    case STORY_SHUTDOWN:
        return shut_down_end(troupe);
    case STORY_CLOSE:
        return close_end(troupe);
    case STORY_PEER_CLOSE:
        close_one(&troupe->peer);
        return 0;
    case STORY_JOIN:
        return join(troupe);
    case STORY_JOIN_LISTEN:
        if (troupe->joined >= 0)
            call_listen(troupe->joined); /* which may be refused */
        return 0;
    case STORY_CLEAR:
        return set_options(troupe->first, false, false);
    case STORY_SET:
        return set_options(troupe->first, first->reuseaddr, first->reuseport);
    case STORY_SECOND_CLEAR:
        return set_options(troupe->second, false, false);
    default:
        return 0;
    }
}

static int make_steps(struct troupe *troupe, const enum story_step *steps, size_t most) {
    int error = 0;
    for (size_t i = 0; i < most && steps[i] != STORY_END && error == 0; i++)
        error = make_step(troupe, steps[i]);
    return error;
}

/* --- the state that it has reached --- */

static enum tcp_state state_of(int fd) {
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0
               ? STATE_NONE
               : (enum tcp_state)info.tcpi_state;
}

/* Returns the address of the peer of a connection, before it closes. */
static struct endpoint remote_of(int fd) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (fd < 0 || getpeername(fd, (struct sockaddr *)&address, &size) < 0)
        return (struct endpoint){0};
    return endpoint_from_sockaddr(&address);
}

/* Waits until the connection is in that state. Returns ETIMEDOUT if it does not come. */
static int await_state(struct troupe *troupe, const struct endpoint *remote, enum tcp_state want) {
    static const struct timespec pause = {.tv_nsec = 1000000L};
    struct inet_socket found;
    int fd = *end_of(troupe);
    for (int i = 0; i < PATIENCE; i++) {
        int error = 0;
        if (fd >= 0)
            found.state = state_of(fd);
        else
            error = sockdiag_find_on(troupe->stage->diag, troupe->cast.first.interface,
                                     &troupe->cast.connection, remote, &found);
        if (error != 0 && error != ENOENT)
            return error;
        if (error == 0 && found.state == want)
            return 0;
        nanosleep(&pause, NULL);
    }
    return ETIMEDOUT;
}

/* Returns the index of the step that closes the connection, or STORY_LENGTH. */
static size_t closing_step(const struct story *story) {
    size_t i = 0;
    while (i < STORY_LENGTH && story->before[i] != STORY_CLOSE)
        i++;
    return i;
}

/* Who its peer is has to be asked before the connection is closed. */
static int make_first(struct troupe *troupe, const struct story *story) {
    size_t closing = closing_step(story);
    int error = open_socket(troupe->stage, &troupe->cast.first, &troupe->first);
    if (error == 0)
        error = make_steps(troupe, story->before, closing);
    if (error != 0 || story->kind == STORY_BOUND || troupe->stage->protocol == PROTOCOL_UDP)
        return error;
    struct endpoint remote = remote_of(*end_of(troupe));
    if (closing < STORY_LENGTH)
        error = make_steps(troupe, story->before + closing, STORY_LENGTH - closing);
    return error != 0 ? error : await_state(troupe, &remote, story_state(story));
}

/* --- the second socket --- */

/* Connects, and has the server accept. */
static int connect_second(const struct troupe *troupe, const struct claim *second, bool automatic) {
    const struct stage *stage = troupe->stage;
    const struct endpoint *to = &second->remote;
    int accepted = -1;
    int error = automatic ? choose(stage, troupe->second, call_connect, to, second->local.port)
                          : call_connect(troupe->second, to);
    if (error == 0 && to->port == MATRIX_SERVER_PORT && stage->protocol != PROTOCOL_UDP)
        call_accept(stage->server, &accepted);
    close_one(&accepted);
    return error;
}

/* Makes the calls of the second socket. Returns 0, or the errno of another call. */
static int ask_second(struct troupe *troupe, const struct matrix_pair *pair,
                      const struct claim *second, struct matrix_answer *got) {
    struct endpoint any = with_port(&second->local, 0);
    if (pair->call == STORY_CALL_CONNECT) {
        got->connect = (int16_t)connect_second(troupe, second, true);
        return 0;
    }
    got->bind =
        (int16_t)(pair->call == STORY_CALL_PORT_0
                      ? choose(troupe->stage, troupe->second, call_bind, &any, second->local.port)
                      : call_bind(troupe->second, &second->local));
    if (got->bind != 0 || second->protocol == PROTOCOL_UDP)
        return 0;
    int error = make_steps(troupe, stories[pair->state].between, 2);
    if (pair->call == STORY_CALL_BIND_CONNECT)
        got->connect = (int16_t)connect_second(troupe, second, false);
    else
        got->listen = (int16_t)call_listen(troupe->second);
    return error;
}

/* A socket belongs to the file system user of the process that creates it (setfsuid(2)). */
static int open_second(struct troupe *troupe, const struct claim *second) {
    if (second->uid != 0)
        setfsuid(OTHER_USER);
    int error = open_socket(troupe->stage, second, &troupe->second);
    if (second->uid != 0)
        setfsuid(geteuid());
    return error;
}

/* Returns an errno that is no answer, or 0. EAGAIN is one: of UDP's connect(), where no port is
 * left.
 */
static int want_of_resources(const struct matrix_answer *got) {
    const int errors[] = {got->bind, got->listen, got->connect};
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i] > 0 && errors[i] != EAGAIN && errno_says_nothing(errors[i]))
            return errors[i];
    return 0;
}

int stage_try(const struct stage *stage, const struct matrix_pair *pair, uint16_t port,
              struct matrix_answer *got) {
    struct troupe troupe = {.stage = stage,
                            .cast = matrix_cast(stage->protocol, pair, port),
                            .first = -1,
                            .connection = -1,
                            .peer = -1,
                            .joined = -1,
                            .second = -1,
                            .port = port};
    struct claim second = matrix_second(stage->protocol, pair, port);
    int error = make_first(&troupe, &stories[pair->state]);
    if (error == 0)
        error = open_second(&troupe, &second);
    if (error == 0)
        error = ask_second(&troupe, pair, &second, got);
    if (error == 0)
        error = want_of_resources(got);
    close_one(&troupe.second);
    close_one(&troupe.joined);
    close_one(&troupe.first);
    close_one(&troupe.connection);
    close_one(&troupe.peer);
    return error;
}

/* --- the namespace --- */

/* Opens a listener for both families; its accept(2) does not wait for ever. Returns 0 or an errno.
 */
static int open_server(bool ipv6, uint16_t port, int *server) {
    static const struct timeval patience = {.tv_sec = 1};
    struct endpoint any = endpoint_wildcard(ipv6 ? AF_INET6 : AF_INET, port);
    *server = socket(any.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = *server < 0 ? errno : call_bind(*server, &any);
    if (error == 0)
        error = call_listen(*server);
    setsockopt(*server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return error;
}

/* Fills the queue of the silent server. Returns 0 or an errno. */
static int fill_queue(struct stage *stage) {
    struct endpoint_pattern to;
    const char *at;
    endpoint_parse("127.0.0.1:0", &to, &at);
    to.endpoint.port = MATRIX_SILENT_PORT;
    for (unsigned i = 0; i < sizeof stage->full / sizeof stage->full[0]; i++) {
        stage->full[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int error = stage->full[i] < 0 ? errno : call_connect(stage->full[i], &to.endpoint);
        if (errno_says_nothing(error))
            return error;
    }
    return 0;
}

/* Returns whether the kernel obeys the range: some sandboxes take it and ignore it. */
static bool range_holds(const struct stage *stage) {
    enum { SOME_PORT = 9000 };
    struct endpoint any = endpoint_wildcard(AF_INET, 0);
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool holds = fd >= 0 && choose(stage, fd, call_bind, &any, SOME_PORT) == 0 &&
                 getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
                 endpoint_from_sockaddr(&address).port == SOME_PORT;
    close_one(&fd);
    return holds;
}

/* Returns whether sock_diag finds a connection, so that TIME-WAIT can be waited for. */
static bool can_see_closed(const struct stage *stage) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    struct inet_socket found;
    int fd = stage->full[0];
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return false;
    struct endpoint local = endpoint_from_sockaddr(&address), remote = remote_of(fd);
    return sockdiag_find(stage->diag, &local, &remote, &found) == 0;
}

/* A small machine keeps fewer sockets in TIME-WAIT than there are pairs. If this cannot be written,
 * a first socket will not reach TIME-WAIT. With tcp_tw_reuse the answer would depend on the second
 * in which it is asked. On a busy machine, a segment is sent twice, and the answer to the second
 * one is a reset, which ends TIME-WAIT unless tcp_rfc1337 is set. */
int stage_open(struct stage *stage, enum protocol protocol, struct matrix_means *means) {
    static const char other[] = "other0";
    *stage = (struct stage){.protocol = protocol, .full = {-1, -1, -1}};
    sysctl_write(NETNS_HERE, "net.ipv4.tcp_max_tw_buckets", "65536");
    sysctl_write(NETNS_HERE, "net.ipv4.tcp_tw_reuse", "0");
    sysctl_write(NETNS_HERE, "net.ipv4.tcp_rfc1337", "1");
    int no_ipv6 = netns_try_ipv6(NETNS_HERE), no_device = netdev_make(NETNS_HERE, other);
    stage->range = open("/proc/sys/net/ipv4/ip_local_port_range", O_RDWR | O_CLOEXEC);
    int no_range = stage->range < 0 ? errno : 0;
    stage->diag = sockdiag_open(NETNS_HERE);
    int no_diag = stage->diag < 0 ? errno : 0;
    int no_server = open_server(no_ipv6 == 0, MATRIX_SERVER_PORT, &stage->server);
    int no_silent = open_server(no_ipv6 == 0, MATRIX_SILENT_PORT, &stage->silent);
    const int errors[] = {no_ipv6, no_device, no_range, no_diag, no_server, no_silent};
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errno_says_nothing(errors[i]))
            return errors[i];
    stage->device = no_device == 0 ? netdev_index(other) : 0;
    setfsuid(OTHER_USER);
    bool users = setfsuid(geteuid()) == OTHER_USER; /* it returns the user before */
    int error = fill_queue(stage);
    *means = (struct matrix_means){.ipv6 = no_ipv6 == 0,
                                   .users = users,
                                   .ranges = range_holds(stage),
                                   .devices = stage->device != 0,
                                   .closed = can_see_closed(stage)};
    return error;
}

void stage_close(struct stage *stage) {
    for (unsigned i = 0; i < sizeof stage->full / sizeof stage->full[0]; i++)
        close_one(&stage->full[i]);
    close_one(&stage->silent);
    close_one(&stage->server);
    close_one(&stage->diag);
    close_one(&stage->range);
}
