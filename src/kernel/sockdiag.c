/* sock_diag(7): a dump request, and its multipart answer, read datagram by datagram.
 *
 * The kernel filters by state and by port (INET_DIAG_REQ_BYTECODE), so that a query for one port is
 * cheap even with 200,000 sockets. Addresses are compared here, where `*`, wildcards and
 * IPv4-mapped ones must be distinguished. Most of the time of a dump is the kernel's walk over its
 * tables, whatever it finds. The older form of a request (struct inet_diag_req) names no family and
 * gets both in one walk (inet_diag_dump_compat() in net/ipv4/inet_diag.c): the sockets of one port
 * come in the order of the kernel's own list. It means TCP unless an attribute names a protocol. */
#include "kernel/sockdiag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "kernel/diag_link.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

struct diag_query sockdiag_query(uint32_t states) {
    struct endpoint_pattern any = {.any_address = true, .any_port = true};
    return (struct diag_query){.states = states, .local = any, .remote = any};
}

bool sockdiag_wanted(const struct diag_query *query, const struct inet_socket *socket) {
    uint16_t port = socket->local.port;
    bool in_range =
        query->high == 0 || !query->local.any_port || (port >= query->low && port <= query->high);
    return (query->states & 1U << socket->state) != 0 && in_range &&
           endpoint_matches(&query->local, &socket->local) &&
           endpoint_matches(&query->remote, &socket->remote);
}

/* --- requests --- */

enum { FILTER_SLOTS = 10, REQUEST_PROTOCOL = 3 /* INET_DIAG_REQ_PROTOCOL, Linux 5.9 */ };
enum { ATTRIBUTE_CGROUP = 21 /* INET_DIAG_CGROUP_ID, Linux 5.7 */ };

/* The attributes that follow the request itself. */
struct dump_filter {
    struct rtattr attribute;
    struct inet_diag_bc_op code[FILTER_SLOTS];
};

struct dump_protocol {
    struct rtattr attribute;
    uint32_t protocol;
};

/* The older form is the longer. */
_Static_assert(sizeof(struct nlmsghdr) + sizeof(struct inet_diag_req) + sizeof(struct dump_filter) +
                       sizeof(struct dump_protocol) <=
                   SOCKDIAG_REQUEST_SIZE,
               "room for a request");

static struct inet_diag_req_v2 diag_request(enum protocol protocol, sa_family_t family,
                                            uint32_t states) {
    return (struct inet_diag_req_v2){.sdiag_family = (uint8_t)family,
                                     .sdiag_protocol =
                                         protocol == PROTOCOL_UDP ? IPPROTO_UDP : IPPROTO_TCP,
                                     .idiag_states = states};
}

static bool needs_attribute(const struct diag_query *query, sa_family_t family) {
    return query->protocol == PROTOCOL_MPTCP || (query->protocol == PROTOCOL_UDP && family == 0);
}

/* Adds a comparison for the kernel's filter machine: the operation, and the port in the next slot.
 * On yes it continues after itself; on no it jumps past the end, which rejects the socket. */
static size_t add_comparison(struct inet_diag_bc_op *code, size_t used, uint8_t kind,
                             uint16_t port) {
    code[used] = (struct inet_diag_bc_op){.code = kind, .yes = 2 * sizeof code[0]};
    code[used + 1] = (struct inet_diag_bc_op){.no = port};
    return used + 2;
}

/* Accepts sockets whose port was not chosen by the kernel: bind() to a port other than 0 sets
 * SOCK_BINDPORT_LOCK. On no it continues after itself; on yes with a jump past the end. */
static size_t add_asked(struct inet_diag_bc_op *code, size_t used) {
    code[used] = (struct inet_diag_bc_op){
        .code = INET_DIAG_BC_AUTO, .yes = sizeof code[0], .no = 2 * sizeof code[0]};
    code[used + 1] = (struct inet_diag_bc_op){
        .code = INET_DIAG_BC_JMP, .yes = sizeof code[0], .no = 2 * sizeof code[0]};
    return used + 2;
}

/* Accepts the others: on no it jumps past the end. */
static size_t add_chosen(struct inet_diag_bc_op *code, size_t used) {
    code[used] = (struct inet_diag_bc_op){
        .code = INET_DIAG_BC_AUTO, .yes = sizeof code[0], .no = 2 * sizeof code[0]};
    return used + 1;
}

static size_t write_filter(const struct diag_query *query, struct inet_diag_bc_op *code) {
    size_t used = 0;
    if (!query->local.any_port) {
        used = add_comparison(code, used, INET_DIAG_BC_S_GE, query->local.endpoint.port);
        used = add_comparison(code, used, INET_DIAG_BC_S_LE, query->local.endpoint.port);
    } else if (query->high != 0) {
        used = add_comparison(code, used, INET_DIAG_BC_S_GE, query->low);
        used = add_comparison(code, used, INET_DIAG_BC_S_LE, query->high);
    }
    if (!query->remote.any_port) {
        used = add_comparison(code, used, INET_DIAG_BC_D_GE, query->remote.endpoint.port);
        used = add_comparison(code, used, INET_DIAG_BC_D_LE, query->remote.endpoint.port);
    }
    size_t compared = used;
    if (query->asked)
        used = add_asked(code, used);
    else if (query->chosen)
        used = add_chosen(code, used);
    for (size_t i = 0; i < compared; i += 2)
        code[i].no = (uint16_t)((used - i) * sizeof code[0] + 4);
    return used * sizeof code[0];
}

/* Writes the part of the request that says which sockets to list; returns its length. */
static size_t write_question(const struct diag_query *query, sa_family_t family, void *question) {
    uint8_t extensions = query->protocol == PROTOCOL_UDP ? 1U << (INET_DIAG_SKMEMINFO - 1)
                         : query->opener                 ? 1U << (INET_DIAG_INFO - 1)
                                                         : 0;
    if (family == 0) {
        struct inet_diag_req *both = question;
        *both = (struct inet_diag_req){.idiag_ext = extensions, .idiag_states = query->states};
        return sizeof *both;
    }
    struct inet_diag_req_v2 *one = question;
    *one = diag_request(query->protocol, family, query->states);
    one->idiag_ext = extensions;
    return sizeof *one;
}

size_t sockdiag_request(const struct diag_query *query, sa_family_t family, uint32_t sequence,
                        void *request) {
    struct nlmsghdr *header = request;
    *header = (struct nlmsghdr){.nlmsg_type = family == 0 ? TCPDIAG_GETSOCK : SOCK_DIAG_BY_FAMILY,
                                .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                                .nlmsg_seq = sequence};
    size_t length = sizeof *header + write_question(query, family, header + 1);
    struct dump_filter *filter = (struct dump_filter *)((char *)request + length);
    *filter = (struct dump_filter){.attribute = {.rta_type = INET_DIAG_REQ_BYTECODE}};
    size_t code = write_filter(query, filter->code);
    filter->attribute.rta_len = (uint16_t)(RTA_LENGTH(0) + code);
    length += code > 0 ? filter->attribute.rta_len : 0;
    if (needs_attribute(query, family)) {
        struct dump_protocol *protocol = (struct dump_protocol *)((char *)request + length);
        *protocol = (struct dump_protocol){
            .attribute = {.rta_type = REQUEST_PROTOCOL, .rta_len = sizeof *protocol},
            .protocol = query->protocol == PROTOCOL_UDP ? IPPROTO_UDP : IPPROTO_MPTCP};
        length += sizeof *protocol;
    }
    header->nlmsg_len = (uint32_t)length;
    return length;
}

/* --- answers --- */

static struct endpoint endpoint_of(const struct inet_diag_msg *message, const uint32_t *address,
                                   uint16_t port) {
    struct endpoint endpoint = {.family = message->idiag_family, .port = ntohs(port)};
    memcpy(endpoint.address, address, endpoint.family == AF_INET6 ? 16 : 4);
    return endpoint;
}

static enum tcp_state state_of(const struct inet_diag_msg *message,
                               const struct diag_query *query) {
    bool bound = message->idiag_state == STATE_CLOSED && query->protocol != PROTOCOL_UDP &&
                 (query->states & 1U << STATE_BOUND) != 0;
    return bound ? STATE_BOUND : (enum tcp_state)message->idiag_state;
}

/* The peer of a connection that was opened here has acknowledged our SYN, which the kernel counts
 * as one acknowledged byte; for a connection that was opened there it does not
 * (tcp_snd_una_update() in net/ipv4/tcp_input.c). A FIN counts too. The difference is certain if
 * everything is acknowledged, or if more is acknowledged than was sent. Data in the SYN
 * (TCP_FASTOPEN) make it useless. */
static enum socket_opener read_opener(const struct tcp_info *info, enum tcp_state state) {
    if ((info->tcpi_options & TCPI_OPT_SYN_DATA) != 0)
        return OPENER_NOT_KNOWN;
    uint64_t sent = info->tcpi_bytes_sent - info->tcpi_bytes_retrans;
    uint64_t acked = info->tcpi_bytes_acked - (state == STATE_FIN_WAIT_2);
    if (acked == sent + 1)
        return OPENED_HERE;
    return acked == sent && info->tcpi_unacked == 0 ? OPENED_THERE : OPENER_NOT_KNOWN;
}

/* A connection without a peer yet says nothing about how it was opened. */
static void read_info(const struct rtattr *attribute, struct inet_socket *socket) {
    struct tcp_info info = {0};
    size_t size = attribute->rta_len - RTA_LENGTH(0);
    memcpy(&info, RTA_DATA(attribute), size < sizeof info ? size : sizeof info);
    bool has_peer = socket->state == STATE_ESTABLISHED || socket->state == STATE_CLOSE_WAIT ||
                    socket->state == STATE_FIN_WAIT_1 || socket->state == STATE_FIN_WAIT_2;
    if (!has_peer || size <= offsetof(struct tcp_info, tcpi_options))
        return;
    socket->timestamps = (info.tcpi_options & TCPI_OPT_TIMESTAMPS) != 0;
    socket->timestamps_known = true;
    if (size >= offsetof(struct tcp_info, tcpi_bytes_retrans) + sizeof(uint64_t))
        socket->opener = read_opener(&info, socket->state);
}

/* The kernel's memory counts of a socket; drops are the last of them (sk_get_meminfo()). */
static uint32_t read_drops(const struct rtattr *attribute) {
    uint32_t counts[SK_MEMINFO_DROPS + 1] = {0};
    size_t size = attribute->rta_len - RTA_LENGTH(0);
    memcpy(counts, RTA_DATA(attribute), size < sizeof counts ? size : sizeof counts);
    return counts[SK_MEMINFO_DROPS];
}

static void read_attributes(const struct nlmsghdr *header, struct inet_socket *socket) {
    struct diag_attributes list = diag_attributes(header, sizeof(struct inet_diag_msg));
    for (const struct rtattr *attribute; (attribute = diag_next_attribute(&list)) != NULL;) {
        if (attribute->rta_type == INET_DIAG_SKV6ONLY && attribute->rta_len > RTA_LENGTH(0)) {
            socket->v6only = *(const uint8_t *)RTA_DATA(attribute) != 0;
            socket->v6only_known = true;
        } else if (attribute->rta_type == INET_DIAG_INFO) {
            read_info(attribute, socket);
        } else if (attribute->rta_type == INET_DIAG_SKMEMINFO) {
            socket->drops = read_drops(attribute);
        } else if (attribute->rta_type == ATTRIBUTE_CGROUP &&
                   attribute->rta_len >= RTA_LENGTH(sizeof socket->cgroup)) {
            memcpy(&socket->cgroup, RTA_DATA(attribute), sizeof socket->cgroup);
        }
    }
}

/* The number of the timer in inet_diag_msg (inet_sk_diag_fill() in net/ipv4/inet_diag.c of
 * the kernel). */
enum { TIME_WAIT_TIMER = 3, ZERO_WINDOW_TIMER = 4 };

/* Returns 0 if not known: with tcp_fin_timeout above 60, an orphan in FIN-WAIT-2 first has another
 * timer (tcp_keepalive_timer()), which tells only when the second part of its time begins. */
static uint32_t time_left(const struct inet_diag_msg *message) {
    bool first_part = message->idiag_state == STATE_FIN_WAIT_2 && message->idiag_inode == 0 &&
                      message->idiag_timer != TIME_WAIT_TIMER;
    return message->idiag_timer == 0 || first_part ? 0 : message->idiag_expires;
}

static bool read_socket(const struct nlmsghdr *header, const struct diag_query *query,
                        struct inet_socket *socket) {
    const struct inet_diag_msg *message = NLMSG_DATA(header);
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof *message))
        return false;
    if (message->idiag_family != AF_INET && message->idiag_family != AF_INET6)
        return false;
    *socket = (struct inet_socket){
        .protocol = query->protocol,
        .state = state_of(message, query),
        .local = endpoint_of(message, message->id.idiag_src, message->id.idiag_sport),
        .remote = endpoint_of(message, message->id.idiag_dst, message->id.idiag_dport),
        .inode = message->idiag_inode,
        .uid = message->idiag_uid,
        .interface = message->id.idiag_if,
        .expires_ms = time_left(message),
        .probing = message->idiag_timer == ZERO_WINDOW_TIMER,
        .receive_queue = message->idiag_rqueue,
        .send_queue = message->idiag_wqueue,
        .cookie = {message->id.idiag_cookie[0], message->id.idiag_cookie[1]},
    };
    read_attributes(header, socket);
    return true;
}

struct parsing {
    const struct diag_query *query;
    sockdiag_visit *visit;
    void *context;
};

static enum sockdiag_status parse_message(void *context, const struct nlmsghdr *header) {
    const struct parsing *parsing = context;
    struct inet_socket socket;
    if ((header->nlmsg_type != SOCK_DIAG_BY_FAMILY && header->nlmsg_type != TCPDIAG_GETSOCK) ||
        !read_socket(header, parsing->query, &socket) || socket.state >= STATE_COUNT)
        return SOCKDIAG_BROKEN;
    bool go_on =
        !sockdiag_wanted(parsing->query, &socket) || parsing->visit(parsing->context, &socket);
    return go_on ? SOCKDIAG_MORE : SOCKDIAG_ENDED;
}

enum sockdiag_status sockdiag_parse(const void *bytes, size_t size, uint32_t sequence,
                                    const struct diag_query *query, sockdiag_visit *visit,
                                    void *context, int *error) {
    struct parsing parsing = {query, visit, context};
    return diag_read(bytes, size, sequence, parse_message, &parsing, error);
}

/* --- the socket they travel over --- */

int sockdiag_open(struct netns ns) {
    return netns_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
}

static enum sockdiag_status take_datagram(void *context, const void *bytes, size_t size,
                                          uint32_t sequence, int *error) {
    return diag_read(bytes, size, sequence, parse_message, context, error);
}

/* Visits the sockets of a family, or with 0 of both. Returns 0 or an errno; `*ended` says whether
 * the visitor wanted no more. */
static int dump_family(int diag, struct parsing *parsing, sa_family_t family, bool *ended) {
    _Alignas(uint32_t) char request[SOCKDIAG_REQUEST_SIZE];
    size_t length = sockdiag_request(parsing->query, family, diag_next_sequence(), request);
    return diag_dump(diag, request, length, take_datagram, parsing, ended);
}

int sockdiag_dump(int diag, const struct diag_query *query, sockdiag_visit *visit, void *context) {
    static const struct kernel_release with_attribute = {{5, 9, 0}};
    struct parsing parsing = {query, visit, context};
    bool ended = false;
    if (!needs_attribute(query, query->family) ||
        release_at_least(release_running(), with_attribute))
        return dump_family(diag, &parsing, query->family, &ended);
    if (query->protocol == PROTOCOL_MPTCP)
        return ENOENT;
    int error = dump_family(diag, &parsing, AF_INET, &ended);
    return error != 0 || ended ? error : dump_family(diag, &parsing, AF_INET6, &ended);
}

static struct inet_diag_sockid identity(const struct endpoint *local,
                                        const struct endpoint *remote) {
    struct inet_diag_sockid id = {
        .idiag_sport = htons(local->port),
        .idiag_dport = htons(remote->port),
        .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE},
    };
    memcpy(id.idiag_src, local->address, sizeof id.idiag_src);
    memcpy(id.idiag_dst, remote->address, sizeof id.idiag_dst);
    return id;
}

struct single_request {
    struct nlmsghdr header;
    struct inet_diag_req_v2 diag;
};

/* Sends a request about one socket and receives its answer. Returns 0 or an errno. */
static int ask_one(int diag, struct single_request *request, void *buffer, size_t size,
                   size_t *received) {
    uint32_t sequence = diag_next_sequence();
    request->header.nlmsg_len = sizeof *request;
    request->header.nlmsg_seq = sequence;
    if (send(diag, request, sizeof *request, 0) < 0)
        return errno;
    for (;;) {
        ssize_t length = diag_receive(diag, buffer, size);
        if (length < 0)
            return errno;
        const struct nlmsghdr *header = buffer;
        if ((size_t)length >= sizeof *header && header->nlmsg_seq == sequence) {
            *received = (size_t)length;
            return 0;
        }
    }
}

static bool take_socket(void *context, const struct inet_socket *socket) {
    *(struct inet_socket *)context = *socket;
    return false;
}

/* A connection, by its two ends, and with its attributes of these extensions. */
static int find(int diag, uint8_t extensions, uint32_t interface, const struct endpoint *local,
                const struct endpoint *remote, struct inet_socket *socket) {
    _Alignas(uint32_t) char buffer[4096];
    struct single_request request = {
        .header = {.nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
        .diag = diag_request(PROTOCOL_TCP, local->family, STATES_ANY),
    };
    request.diag.idiag_ext = extensions;
    request.diag.id = identity(local, remote);
    request.diag.id.idiag_if = interface;
    size_t size = 0;
    int error = ask_one(diag, &request, buffer, sizeof buffer, &size);
    if (error != 0)
        return error;
    /* A lookup that finds no connection falls back to the listener: compare the endpoints. */
    struct diag_query query = {
        .states = STATES_ANY, .local = {.endpoint = *local}, .remote = {.endpoint = *remote}};
    *socket = (struct inet_socket){0};
    switch (sockdiag_parse(buffer, size, request.header.nlmsg_seq, &query, take_socket, socket,
                           &error)) {
    case SOCKDIAG_ENDED:
        return 0;
    case SOCKDIAG_MORE:
        return ENOENT;
    case SOCKDIAG_ERRNO:
        return error;
    default:
        return EBADMSG;
    }
}

int sockdiag_find(int diag, const struct endpoint *local, const struct endpoint *remote,
                  struct inet_socket *socket) {
    return find(diag, 0, 0, local, remote, socket);
}

int sockdiag_find_on(int diag, uint32_t interface, const struct endpoint *local,
                     const struct endpoint *remote, struct inet_socket *socket) {
    return find(diag, 0, interface, local, remote, socket);
}

int sockdiag_find_opener(int diag, const struct endpoint *local, const struct endpoint *remote,
                         struct inet_socket *socket) {
    return find(diag, 1U << (INET_DIAG_INFO - 1), 0, local, remote, socket);
}

int sockdiag_destroy(int diag, const struct inet_socket *socket) {
    _Alignas(uint32_t) char buffer[4096];
    struct single_request request = {
        .header = {.nlmsg_type = SOCK_DESTROY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        .diag = diag_request(socket->protocol, socket->local.family, STATES_ANY),
    };
    request.diag.id = identity(&socket->local, &socket->remote);
    request.diag.id.idiag_if = socket->interface;
    memcpy(request.diag.id.idiag_cookie, socket->cookie, sizeof socket->cookie);
    size_t size = 0;
    int error = ask_one(diag, &request, buffer, sizeof buffer, &size);
    if (error != 0)
        return error;
    const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;
    if (size < sizeof *header || header->nlmsg_type != NLMSG_ERROR || header->nlmsg_len > size)
        return EBADMSG;
    return diag_read_error(header, &error) == SOCKDIAG_BROKEN ? EBADMSG : error;
}

/* There is no connection between two ports 0. Without INET_DIAG_DESTROY the kernel does not even
 * look for it (inet_diag_cmd_exact() in net/ipv4/inet_diag.c). */
bool sockdiag_can_destroy(int diag) {
    struct inet_socket none = {.protocol = PROTOCOL_TCP,
                               .state = STATE_ESTABLISHED,
                               .local = endpoint_wildcard(AF_INET, 0),
                               .remote = endpoint_wildcard(AF_INET, 0)};
    return sockdiag_destroy(diag, &none) == ENOENT;
}

/* Without CAP_NET_ADMIN: a SYN from the old peer's endpoint makes TIME-WAIT answer with the last
 * ACK of the old connection; the new socket does not know that connection and sends a reset, which
 * ends TIME-WAIT (tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c). On loopback all of
 * that happens within connect(). */
static void reset_from(struct netns ns, const struct endpoint *peer,
                       const struct endpoint *waiting) {
    struct sockaddr_storage from, to;
    socklen_t from_size = endpoint_to_sockaddr(peer, &from);
    socklen_t to_size = endpoint_to_sockaddr(waiting, &to);
    int fd = netns_socket(ns, peer->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (bind(fd, (struct sockaddr *)&from, from_size) == 0 &&
        connect(fd, (struct sockaddr *)&to, to_size) == 0)
        shutdown(fd, SHUT_RDWR); /* not expected: nobody listens there */
    close(fd);
}

void sockdiag_end_time_wait(int diag, struct netns ns, const struct inet_socket *socket) {
    if (sockdiag_destroy(diag, socket) != 0)
        reset_from(ns, &socket->remote, &socket->local);
}

/* The kernel looks for the one that lists the sockets of a protocol before it looks at the states
 * (inet_diag_dump() in net/ipv4/inet_diag.c): without any state it passes no table. */
int sockdiag_works(int diag) {
    struct diag_query query = sockdiag_query(0);
    query.family = AF_INET;
    return sockdiag_dump(diag, &query, NULL, NULL);
}

static bool stop_at_first(void *context, const struct inet_socket *socket) {
    (void)socket;
    *(bool *)context = true;
    return false;
}

int sockdiag_sees_bound(int diag, struct netns ns) {
    struct sockaddr_in free_port = {.sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof free_port;
    int probe = netns_socket(ns, AF_INET, SOCK_STREAM, 0);
    int answer = -1;
    if (probe >= 0 && bind(probe, (struct sockaddr *)&free_port, size) == 0 &&
        getsockname(probe, (struct sockaddr *)&free_port, &size) == 0) {
        struct diag_query query = sockdiag_query(1U << STATE_BOUND);
        query.family = AF_INET;
        query.local = (struct endpoint_pattern){.any_address = true,
                                                .endpoint = {.port = ntohs(free_port.sin_port)}};
        bool seen = false;
        if (sockdiag_dump(diag, &query, stop_at_first, &seen) == 0)
            answer = seen;
    }
    if (probe >= 0)
        close(probe);
    return answer;
}
