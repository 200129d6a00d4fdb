/* A trial is a handful of calls. The care is in what comes before: it must be silent, and it must
 * not take over a TIME-WAIT.
 *
 * When does a connection take one over (tcp_twsk_unique() in net/ipv4/tcp_ipv4.c)? It must have the
 * same two ends, and TCP timestamps. If the port was named to bind(), that is enough. If connect()
 * chooses the port, tcp_tw_reuse must be 1, or 2 with a loopback address or `lo`, and the TIME-WAIT
 * must be older than tcp_tw_reuse_delay, a second. So no new one can get in between the look and
 * the trial. Before Linux 6.13 an orphan in FIN-WAIT-2, which is kept in the same form, is taken
 * over as well.
 *
 * Where connect() chooses and may take one over, the trial is made piece by piece: with
 * IP_LOCAL_PORT_RANGE for each gap between the ports of such sockets, the widest first. */
#include "kernel/silent.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/ports.h"
#include "base/units.h"
#include "kernel/counters.h"
#include "kernel/route.h"
#include "kernel/sockets.h"
#include "kernel/sysctl.h"
#include "kernel/uapi.h"

/* Returns 0 or an errno. */
static int set(int fd, int level, int option, uint32_t value) {
    return setsockopt(fd, level, option, &value, sizeof value) < 0 ? errno : 0;
}

/* --- is it silent? --- */

/* Returns 0 if the kernel will leave the SYN of this TCP socket to the first write, or an errno. A
 * kernel that accepts options it does not know does not give their value back. */
static int postpone(int fd) {
    static const int options[] = {TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_NO_COOKIE};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        int value = 0;
        socklen_t size = sizeof value;
        int error = set(fd, IPPROTO_TCP, options[i], 1);
        if (error != 0)
            return error;
        if (getsockopt(fd, IPPROTO_TCP, options[i], &value, &size) < 0)
            return errno;
        if (value != 1)
            return ENOPROTOOPT;
    }
    return 0;
}

/* Returns whether TCP Fast Open can be stopped at present: it was stopped once, and that can last
 * up to 64 times the setting; nothing tells when it was. */
static bool may_be_stopped(struct netns ns) {
    char text[16];
    uint64_t count;
    if (sysctl_read(ns, "net.ipv4.tcp_fastopen_blackhole_timeout_sec", text, sizeof text) == 0 &&
        strcmp(text, "0") == 0)
        return false;
    return !counters_read(ns, "netstat", "TcpExt", "TCPFastOpenBlackhole", &count) || count != 0;
}

const char *silent_obstacle(struct netns ns, int *error) {
    int fd = netns_socket(ns, AF_INET, SOCK_STREAM, 0), refused;
    *error = 0;
    if (fd < 0) {
        *error = errno_is_shortage(errno) ? errno : 0;
        return "no TCP socket can be made";
    }
    refused = postpone(fd);
    close(fd);
    *error = errno_is_shortage(refused) ? refused : 0;
    if (refused == EOPNOTSUPP)
        return "net.ipv4.tcp_fastopen lacks 0x1 (client)";
    if (refused == ENOPROTOOPT)
        return "this kernel cannot hold back a SYN (Linux 4.15 can)";
    if (refused != 0)
        return "TCP_FASTOPEN_CONNECT is not permitted";
    if (may_be_stopped(ns))
        return "the kernel may have stopped TCP Fast Open (TCPFastOpenBlackhole)";
    return NULL;
}

/* --- one trial --- */

static struct sockaddr *address_of(const struct endpoint *endpoint, uint32_t zone,
                                   struct sockaddr_storage *address, socklen_t *size) {
    *size = endpoint_to_sockaddr(endpoint, address);
    if (zone != 0 && endpoint->family == AF_INET6)
        ((struct sockaddr_in6 *)address)->sin6_scope_id = zone;
    return (struct sockaddr *)address;
}

/* Returns 0 or an errno. */
static int set_options(int fd, const struct silent_trial *trial) {
    uint32_t range = (uint32_t)trial->high << 16 | trial->low;
    int error = 0;
    if (trial->reuseaddr)
        error = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (error == 0 && trial->reuseport)
        error = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (error == 0 && trial->device != 0)
        error = set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, trial->device);
    if (error == 0 && trial->v6only) /* else net.ipv6.bindv6only decides */
        error = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (error == 0 && range != 0)
        error = set(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, range);
    if (error == 0 && trial->no_port)
        error = set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    return error;
}

/* Binds the socket, as far as the trial wants that. Returns 0 or an errno. */
static int bind_it(int fd, const struct silent_trial *trial) {
    struct sockaddr_storage storage;
    socklen_t size;
    if (trial->local.family == 0)
        return 0;
    const struct sockaddr *address = address_of(&trial->local, trial->zone, &storage, &size);
    return bind(fd, address, size) < 0 ? errno : 0;
}

static void connect_it(int fd, const struct silent_trial *trial, struct silent_answer *answer) {
    struct sockaddr_storage storage;
    socklen_t size;
    const struct sockaddr *address = address_of(&trial->remote, trial->zone, &storage, &size);
    answer->error = connect(fd, address, size) < 0 ? errno : 0;
    if (answer->error == EINPROGRESS) {
        answer->error = 0;
        answer->sent = trial->protocol != PROTOCOL_UDP;
    }
    size = sizeof storage;
    if (answer->error == 0 && getsockname(fd, (struct sockaddr *)&storage, &size) == 0)
        answer->from = endpoint_from_sockaddr(&storage);
}

/* Makes the calls up to connect(), or without `connects` up to bind(). Everything in `answer` but
 * `time_waits` is set. */
static void make_calls(struct netns ns, const struct silent_trial *trial, bool connects,
                       struct silent_answer *answer) {
    bool is_udp = trial->protocol == PROTOCOL_UDP;
    answer->call = "socket";
    int fd = netns_socket(ns, trial->remote.family,
                          (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        answer->error = errno;
    } else if (!is_udp && (answer->error = postpone(fd)) != 0) {
        answer->verdict = SILENT_NOT_TRIED;
        answer->reason = "TCP_FASTOPEN_CONNECT is refused";
    } else {
        answer->call = "setsockopt";
        answer->error = set_options(fd, trial);
        if (answer->error == 0) {
            answer->call = "bind";
            answer->error = bind_it(fd, trial);
        }
        if (answer->error == 0 && connects) {
            answer->call = "connect";
            connect_it(fd, trial, answer);
        }
    }
    if (fd >= 0)
        close(fd);
    if (errno_is_shortage(answer->error))
        answer->verdict = SILENT_FAILED;
}

/* --- what is in TIME-WAIT --- */

/* Returns whether a connection whose port the kernel chooses can take over a TIME-WAIT. */
static bool choice_takes_over(struct netns ns, const struct silent_trial *trial) {
    enum { LOOPBACK_INDEX = 1 };
    bool bind_chooses = trial->local.family != 0 && !trial->no_port;
    if (bind_chooses) /* bind() to port 0 keeps off TIME-WAIT, but for one setting */
        return trial->reuseaddr &&
               sysctl_number(ns, "net.ipv4.ip_autobind_reuse", 0, true, NULL) != 0;
    unsigned reuse = sysctl_number(ns, "net.ipv4.tcp_tw_reuse", 1, true, NULL);
    bool loopback = endpoint_is_loopback(&trial->remote) || endpoint_is_wildcard(&trial->remote) ||
                    endpoint_is_loopback(&trial->local) || trial->device == LOOPBACK_INDEX;
    return reuse == 1 || (reuse == 2 && loopback);
}

/* The local ports of what a connection to `remote` could take over. */
struct kept {
    struct port_set ports;
    uint32_t count;
};

struct endpoint silent_destination(const struct silent_trial *trial) {
    static const uint8_t four[4] = {127, 0, 0, 1}, six[16] = {[15] = 1};
    struct endpoint here = endpoint_unmapped(&trial->remote);
    const struct endpoint local = endpoint_unmapped(&trial->local);
    if (!endpoint_is_wildcard(&trial->remote))
        return trial->remote;
    if (here.family == AF_INET6)
        memcpy(here.address, six, sizeof six);
    else if (local.family == AF_INET && !endpoint_is_wildcard(&local))
        memcpy(here.address, local.address, sizeof four);
    else
        memcpy(here.address, four, sizeof four);
    return here;
}

/* Returns the source address, if it can be known before connect() chooses it: else family 0. */
static struct endpoint find_source(struct netns ns, const struct silent_trial *trial) {
    struct route_question question = {.to = silent_destination(trial),
                                      .device = trial->device != 0 ? trial->device : trial->zone,
                                      .protocol = IPPROTO_TCP};
    struct route route;
    if (trial->local.family != 0 && !endpoint_is_wildcard(&trial->local))
        return endpoint_unmapped(&trial->local);
    return route_find(ns, &question, &route) == 0 ? route.source : (struct endpoint){0};
}

static bool keep(void *context, const struct inet_socket *socket) {
    struct kept *kept = context;
    if (socket->inode == 0) /* a process can have one in FIN-WAIT-2, which is then a real socket */
        kept->count += port_set_add(&kept->ports, socket->local.port);
    return true;
}

/* Finds them. Returns 0 or an errno. */
static int find_kept(struct netns ns, const struct silent_trial *trial, struct kept *kept) {
    struct sockets sockets = sockets_open(ns);
    struct diag_query query = sockdiag_query(1U << STATE_TIME_WAIT | 1U << STATE_FIN_WAIT_2);
    struct endpoint to = silent_destination(trial), from = find_source(ns, trial);
    from.port = trial->local.port;
    query.remote = (struct endpoint_pattern){.endpoint = endpoint_unmapped(&to)};
    query.local = (struct endpoint_pattern){
        .endpoint = from, .any_port = from.port == 0, .any_address = from.family == 0};
    int error = sockets_dump(&sockets, &query, keep, kept);
    sockets_close(&sockets);
    return error;
}

/* --- around TIME-WAIT --- */

/* A trial that is made in pieces. */
struct pieces {
    struct netns ns;
    struct silent_trial trial;
    const struct kept *kept;
    struct port_range range; /* in which the kernel chooses */
    struct silent_answer *answer;
};

/* Returns the end of the ports from `first` on that are all kept, or all not: the next one. */
static uint32_t piece_end(const struct pieces *pieces, uint32_t first) {
    const struct port_set *ports = &pieces->kept->ports;
    bool kept = port_set_has(ports, (uint16_t)first);
    uint32_t end = first + 1;
    while (end <= pieces->range.high && port_set_has(ports, (uint16_t)end) == kept)
        end++;
    return end;
}

/* Tries one piece. Returns whether it settles the question. */
static bool try_piece(struct pieces *pieces, uint32_t first, uint32_t end) {
    pieces->trial.low = (uint16_t)first;
    pieces->trial.high = (uint16_t)(end - 1);
    make_calls(pieces->ns, &pieces->trial, true, pieces->answer);
    const struct silent_answer *answer = pieces->answer;
    bool no_port = strcmp(answer->call, "bind") == 0 ? answer->error == EADDRINUSE
                                                     : answer->error == EADDRNOTAVAIL;
    return answer->verdict != SILENT_TRIED || !no_port;
}

/* Tries the pieces of at least `least` and less than `most` ports. */
static bool try_pieces(struct pieces *pieces, uint32_t least, uint32_t most) {
    for (uint32_t first = pieces->range.low, end; first <= pieces->range.high; first = end) {
        end = piece_end(pieces, first);
        if (port_set_has(&pieces->kept->ports, (uint16_t)first) || end - first < least ||
            end - first >= most)
            continue;
        if (try_piece(pieces, first, end))
            return true;
    }
    return false;
}

static void try_around(struct netns ns, const struct silent_trial *trial, const struct kept *kept,
                       struct silent_answer *answer) {
    struct pieces pieces = {.ns = ns, .trial = *trial, .kept = kept, .answer = answer};
    bool settled = false;
    int error = sysctl_port_range(ns, &pieces.range, NULL);
    pieces.range = port_range_narrow(&pieces.range, trial->low, trial->high);
    /* If no piece is left, this is what connect() answers for a range without a free port. */
    answer->call = trial->local.family != 0 && !trial->no_port ? "bind" : "connect";
    answer->error = strcmp(answer->call, "bind") == 0 ? EADDRINUSE : EADDRNOTAVAIL;
    for (uint32_t most = 1U << 17, least = 1U << 10; error == 0 && !settled && least > 0;
         most = least, least = least == 1 ? 0 : least / 32)
        settled = try_pieces(&pieces, least, most);
    if (error != 0) {
        answer->verdict = SILENT_NOT_TRIED;
        answer->reason = "the range of local ports cannot be read";
    } else if (answer->error == ENOPROTOOPT && strcmp(answer->call, "setsockopt") == 0) {
        answer->verdict = SILENT_NOT_TRIED;
        answer->reason = "it might take over a TIME-WAIT (Linux 6.3 can avoid that)";
    } else if (!settled) {
        answer->verdict = SILENT_TIME_WAIT;
    }
}

/* The port is given, and a TIME-WAIT may be on it: only bind() is tried. */
static void try_bind(struct netns ns, const struct silent_trial *trial,
                     struct silent_answer *answer) {
    make_calls(ns, trial, false, answer);
    if (answer->verdict == SILENT_TRIED && answer->error == 0) {
        answer->verdict = SILENT_TIME_WAIT;
        answer->call = "connect";
        answer->error = EADDRNOTAVAIL;
    }
}

/* --- the whole --- */

void silent_connect(struct netns ns, const struct silent_trial *trial,
                    struct silent_answer *answer) {
    struct kept kept = {0};
    bool is_tcp = trial->protocol != PROTOCOL_UDP;
    int error = 0;
    *answer = (struct silent_answer){.verdict = SILENT_TRIED};
    if (is_tcp && !trial->known_silent && (answer->reason = silent_obstacle(ns, &error)) != NULL) {
        answer->verdict = error == 0 ? SILENT_NOT_TRIED : SILENT_FAILED;
        answer->error = error;
        answer->call = "socket";
        return;
    }
    bool fixed = trial->local.port != 0;
    bool looks = is_tcp && !trial->any_time_wait && (fixed || choice_takes_over(ns, trial));
    if (looks && (error = find_kept(ns, trial, &kept)) != 0) {
        answer->verdict = errno_is_shortage(error) ? SILENT_FAILED : SILENT_NOT_TRIED;
        answer->error = error;
        answer->call = "socket";
        answer->reason = "the sockets in TIME-WAIT cannot be listed";
        return;
    }
    answer->time_waits = kept.count;
    if (kept.count == 0)
        make_calls(ns, trial, true, answer);
    else if (fixed)
        try_bind(ns, trial, answer);
    else
        try_around(ns, trial, &kept, answer);
}

/* --- many ports --- */

struct ports_trial {
    int fd;
    const struct sockaddr *to;
    socklen_t to_size;
    struct silent_ports *found;
};

static void note(struct silent_ports *found, uint32_t low, uint32_t high, bool refused) {
    for (uint32_t port = low; port <= high; port++) {
        port_set_add(&found->tried, (uint16_t)port);
        if (refused)
            port_set_add(&found->refused, (uint16_t)port);
    }
}

/* Returns the source port of a connection; 0 if it cannot be read. */
static uint32_t source_port(int fd) {
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    if (getsockname(fd, (struct sockaddr *)&storage, &size) < 0)
        return 0;
    return endpoint_from_sockaddr(&storage).port;
}

/* Tries these ports at once. Returns 0 if that settles some of them: one that is free, or all that
 * are not, with `*refused` set; else an errno. With AF_UNSPEC connect() makes the socket as new,
 * and sends nothing in SYN-SENT (tcp_disconnect() in net/ipv4/tcp.c). */
static int try_ports(const struct ports_trial *ports, uint32_t low, uint32_t high, bool *refused) {
    static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    int error = set(ports->fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, high << 16 | low);
    if (error != 0)
        return error;
    error = connect(ports->fd, ports->to, ports->to_size) < 0 ? errno : 0;
    *refused = error == EADDRNOTAVAIL;
    if (*refused)
        note(ports->found, low, high, true);
    if (error != 0)
        return error == EINPROGRESS ? EBADMSG : *refused ? 0 : error;
    uint32_t port = low == high ? low : source_port(ports->fd);
    if (port < low || port > high)
        return EBADMSG;
    note(ports->found, port, port, false);
    return connect(ports->fd, &nowhere, sizeof nowhere) < 0 ? errno : 0;
}

/* Returns the last of at most `most` ports from `low` to `high` of which none was tried. */
static uint32_t untried_end(const struct silent_ports *found, uint32_t low, uint32_t high,
                            uint32_t most) {
    uint32_t end = low;
    while (end < high && end - low + 1 < most && !port_set_has(&found->tried, (uint16_t)(end + 1)))
        end++;
    return end;
}

/* Tries all ports of a run: first at once, as one trial settles them if all are refused; then as
 * many at once as the refused ones before let expect. */
static int try_run(const struct ports_trial *ports, uint32_t low, uint32_t high, uint64_t end_ns) {
    uint32_t port = low, most = high - low + 1;
    int error = 0;
    while (error == 0 && port <= high && units_now_ns() < end_ns) {
        bool refused = false;
        if (port_set_has(&ports->found->tried, (uint16_t)port)) {
            port++;
            continue;
        }
        error = try_ports(ports, port, untried_end(ports->found, port, high, most), &refused);
        most = !refused ? 1 : most <= UINT16_MAX ? 2 * most : most;
    }
    return error;
}

/* The part of the ports that one thread tries. */
struct share {
    struct netns ns;
    const struct silent_trial *trial;
    const struct port_set *ports;
    uint32_t low, high;
    uint64_t end_ns;
    struct silent_ports found;
    int error;
};

static void try_share(struct share *share, const struct ports_trial *trials) {
    for (uint32_t low = share->low; low <= share->high && units_now_ns() < share->end_ns; low++) {
        uint32_t high = low;
        if (!port_set_has(share->ports, (uint16_t)low))
            continue;
        while (high < share->high && port_set_has(share->ports, (uint16_t)(high + 1)))
            high++;
        share->error = try_run(trials, low, high, share->end_ns);
        if (share->error != 0)
            return;
        low = high;
    }
}

/* The main function of a thread. */
static void *work(void *context) {
    struct share *share = context;
    const struct silent_trial *trial = share->trial;
    struct sockaddr_storage storage;
    struct ports_trial trials = {.found = &share->found};
    trials.to = address_of(&trial->remote, trial->zone, &storage, &trials.to_size);
    trials.fd = netns_socket(share->ns, trial->remote.family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    share->error = trials.fd < 0 ? errno : postpone(trials.fd);
    if (share->error == 0)
        share->error = set_options(trials.fd, trial);
    if (share->error == 0)
        share->error = bind_it(trials.fd, trial);
    if (share->error == 0)
        try_share(share, &trials);
    if (trials.fd >= 0)
        close(trials.fd);
    return NULL;
}

/* Returns the port that has as many of the set below it as above, if two threads are worth their
 * while; else 0. */
static uint32_t middle(const struct port_set *ports) {
    enum { ENOUGH = 2000 };
    uint32_t count = port_set_count(ports), port = 0;
    if (count < ENOUGH)
        return 0;
    for (uint32_t below = 0; below < count / 2; port++)
        below += port_set_has(ports, (uint16_t)port);
    return port;
}

int silent_ports(struct netns ns, const struct silent_trial *trial, const struct port_set *ports,
                 uint64_t end_ns, struct silent_ports *found) {
    struct share share = {.ns = ns, .trial = trial, .ports = ports, .end_ns = end_ns};
    struct share other = share;
    pthread_t thread;
    share.low = middle(ports);
    share.high = UINT16_MAX;
    other.high = share.low - 1;
    bool parted = share.low > 0 && pthread_create(&thread, NULL, work, &other) == 0;
    if (!parted)
        share.low = 0;
    work(&share);
    if (parted)
        pthread_join(thread, NULL);
    port_set_add_all(&share.found.tried, &other.found.tried);
    port_set_add_all(&share.found.refused, &other.found.refused);
    *found = share.found;
    return share.error != 0 ? share.error : other.error;
}

/* Without a port that the kernel can choose, UDP has no connect() either: then a port is named,
 * most likely one outside of the range. */
static void name_port(struct netns ns, struct silent_trial *udp, struct silent_answer *answer) {
    enum { TRIES = 100, UNPRIVILEGED = 1024 };
    if (udp->local.family == 0)
        udp->local = endpoint_wildcard(udp->remote.family, 0);
    for (unsigned i = 0; i < 2 * TRIES; i++) {
        udp->local.port = (uint16_t)(i < TRIES ? UINT16_MAX - i : UNPRIVILEGED + i - TRIES);
        *answer = (struct silent_answer){.verdict = SILENT_TRIED};
        make_calls(ns, udp, true, answer);
        if (answer->error != EADDRINUSE)
            return;
    }
}

int silent_source(struct netns ns, const struct silent_trial *trial, struct endpoint *source) {
    struct silent_trial udp = *trial;
    struct silent_answer answer = {.verdict = SILENT_TRIED};
    udp.protocol = PROTOCOL_UDP;
    udp.local.port = 0;
    udp.low = udp.high = 0;
    udp.no_port = false;
    make_calls(ns, &udp, true, &answer);
    if (answer.error == EAGAIN || (answer.error == EADDRINUSE && strcmp(answer.call, "bind") == 0))
        name_port(ns, &udp, &answer);
    answer.from.port = 0;
    *source = answer.error == 0 ? answer.from : (struct endpoint){0};
    return errno_is_shortage(answer.error) ? answer.error : 0;
}
