/* sock_diag as bytes: requests that pass the kernel's audit, and answers that are valid, cut short
 * or hostile. Every answer is parsed from a block of exactly its size, so that AddressSanitizer
 * sees each read beyond it. */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/sockdiag.h"

enum { SEQUENCE = 4711, MESSAGE_SIZE = NLMSG_LENGTH(sizeof(struct inet_diag_msg)) };

static struct endpoint_pattern a_pattern(const char *text) {
    struct endpoint_pattern pattern;
    const char *at, *wrong = endpoint_parse(text, &pattern, &at);
    if (wrong != NULL)
        fail_msg("%s: %s", text, wrong);
    return pattern;
}

static struct diag_query a_query(uint32_t states, const char *local, const char *remote) {
    return (struct diag_query){
        .states = states, .local = a_pattern(local), .remote = a_pattern(remote)};
}

/* --- requests --- */

/* The parts of a request. */
struct request {
    _Alignas(uint32_t) char bytes[SOCKDIAG_REQUEST_SIZE];
    size_t length;
    struct nlmsghdr header;
    struct inet_diag_req_v2 diag;
    struct rtattr filter; /* all 0 if there is none */
    struct inet_diag_bc_op code[16];
    size_t code_size; /* in bytes */
};

static struct request a_request(struct diag_query query, sa_family_t family) {
    const size_t fixed = sizeof(struct nlmsghdr) + sizeof(struct inet_diag_req_v2);
    struct request request = {0};
    memset(request.bytes, 0xaa, sizeof request.bytes);
    request.length = sockdiag_request(&query, family, SEQUENCE, request.bytes);
    assert_in_range(request.length, fixed, SOCKDIAG_REQUEST_SIZE);
    memcpy(&request.header, request.bytes, sizeof request.header);
    memcpy(&request.diag, request.bytes + sizeof request.header, sizeof request.diag);
    if (request.length == fixed)
        return request;
    assert_true(request.length >= fixed + sizeof request.filter);
    memcpy(&request.filter, request.bytes + fixed, sizeof request.filter);
    assert_int_equal(request.filter.rta_len, request.length - fixed);
    request.code_size = request.filter.rta_len - sizeof request.filter;
    assert_true(request.code_size <= sizeof request.code);
    memcpy(request.code, request.bytes + fixed + sizeof request.filter, request.code_size);
    return request;
}

static void request_asks_for_the_states_of_a_family(void **state) {
    static const struct inet_diag_sockid nobody;
    uint32_t states = 1U << STATE_LISTEN | 1U << STATE_BOUND;
    struct request request = a_request(sockdiag_query(states), AF_INET6);
    (void)state;
    assert_int_equal(request.header.nlmsg_len, request.length);
    assert_int_equal(request.header.nlmsg_type, SOCK_DIAG_BY_FAMILY);
    assert_int_equal(request.header.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
    assert_int_equal(request.header.nlmsg_seq, SEQUENCE);
    assert_int_equal(request.header.nlmsg_pid, 0);
    assert_int_equal(request.diag.sdiag_family, AF_INET6);
    assert_int_equal(request.diag.sdiag_protocol, IPPROTO_TCP);
    assert_int_equal(request.diag.idiag_ext, 0);
    assert_int_equal(request.diag.idiag_states, states);
    assert_memory_equal(&request.diag.id, &nobody, sizeof nobody);
    request = a_request(sockdiag_query(STATES_ANY), AF_INET);
    assert_int_equal(request.diag.sdiag_family, AF_INET);
    assert_int_equal(request.diag.idiag_states, STATES_ANY);
}

static void request_for_any_port_has_no_filter(void **state) {
    (void)state;
    assert_int_equal(a_request(sockdiag_query(STATES_ANY), AF_INET).length, 72);
    assert_int_equal(a_request(a_query(STATES_ANY, "127.0.0.1:*", "[::1]:*"), AF_INET).length, 72);
}

static void request_for_a_port_compares_it_from_both_sides(void **state) {
    static const struct {
        const char *local, *remote;
        size_t count;
        struct {
            uint8_t code;
            uint16_t port;
        } want[4];
    } rows[] = {
        {"*:80", "*:*", 2, {{INET_DIAG_BC_S_GE, 80}, {INET_DIAG_BC_S_LE, 80}}},
        {"*:*", "*:65535", 2, {{INET_DIAG_BC_D_GE, 65535}, {INET_DIAG_BC_D_LE, 65535}}},
        {"127.0.0.1:0",
         "[::1]:443",
         4,
         {{INET_DIAG_BC_S_GE, 0},
          {INET_DIAG_BC_S_LE, 0},
          {INET_DIAG_BC_D_GE, 443},
          {INET_DIAG_BC_D_LE, 443}}},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct request request =
            a_request(a_query(STATES_ANY, rows[i].local, rows[i].remote), AF_INET);
        assert_int_equal(request.filter.rta_type, INET_DIAG_REQ_BYTECODE);
        assert_int_equal(request.code_size, rows[i].count * 8);
        for (size_t j = 0; j < rows[i].count; j++) {
            assert_int_equal(request.code[2 * j].code, rows[i].want[j].code);
            assert_int_equal(request.code[2 * j + 1].no, rows[i].want[j].port);
        }
    }
}

/* inet_diag_bc_audit() permits no jump into the middle of an operation: on yes each comparison
 * continues after its two slots, on no it leaves the code, to 4 bytes beyond its end. */
static void request_jumps_are_as_the_kernel_audits_them(void **state) {
    static const char *const rows[][2] = {{"*:80", "*:*"}, {"*:*", "*:80"}, {"*:80", "*:443"}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct request request = a_request(a_query(STATES_ANY, rows[i][0], rows[i][1]), AF_INET);
        size_t left = request.code_size;
        for (const struct inet_diag_bc_op *op = request.code; left > 0; op += 2, left -= 8) {
            assert_true(left >= 8);
            assert_int_equal(op->yes, 8);
            assert_int_equal(op->no, left + 4);
        }
    }
}

/* Both families in one walk: the older form of a request, whose family the kernel ignores. */
static void request_for_both_families_is_the_older_form(void **state) {
    struct {
        struct nlmsghdr header;
        struct inet_diag_req diag;
        struct rtattr filter;
    } request;
    _Alignas(uint32_t) char bytes[SOCKDIAG_REQUEST_SIZE];
    struct diag_query query = a_query(1U << STATE_LISTEN, "*:80", "*:*");
    (void)state;
    query.opener = true;
    size_t length = sockdiag_request(&query, 0, SEQUENCE, bytes);
    memcpy(&request, bytes, sizeof request);
    assert_int_equal(request.header.nlmsg_type, TCPDIAG_GETSOCK);
    assert_int_equal(request.header.nlmsg_len, length);
    assert_int_equal(request.diag.idiag_states, 1U << STATE_LISTEN);
    assert_int_equal(request.diag.idiag_ext, 1U << (INET_DIAG_INFO - 1));
    assert_int_equal(request.filter.rta_type, INET_DIAG_REQ_BYTECODE);
    assert_int_equal(request.filter.rta_len, length - offsetof(typeof(request), filter));
    assert_int_equal(request.filter.rta_len, sizeof(struct rtattr) + 16);
}

/* --- protocols --- */

static void request_for_udp_asks_for_drops_too(void **state) {
    struct diag_query query = sockdiag_query(STATES_ANY);
    (void)state;
    query.protocol = PROTOCOL_UDP;
    struct request request = a_request(query, AF_INET6);
    assert_int_equal(request.length, 72);
    assert_int_equal(request.diag.sdiag_protocol, IPPROTO_UDP);
    assert_int_equal(request.diag.idiag_ext, 1U << (INET_DIAG_SKMEMINFO - 1));
}

/* The older form, and MPTCP's number, which is more than a byte, need the attribute. It comes after
 * the filter. */
static void request_names_other_protocols_in_an_attribute(void **state) {
    enum { MPTCP = 262, REQ_PROTOCOL = 3 };
    static const struct {
        enum protocol protocol;
        sa_family_t family;
        size_t fixed;
        uint32_t number;
    } rows[] = {
        {PROTOCOL_UDP, 0, sizeof(struct inet_diag_req), IPPROTO_UDP},
        {PROTOCOL_MPTCP, 0, sizeof(struct inet_diag_req), MPTCP},
        {PROTOCOL_MPTCP, AF_INET, sizeof(struct inet_diag_req_v2), MPTCP},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        _Alignas(uint32_t) char bytes[SOCKDIAG_REQUEST_SIZE];
        struct diag_query query = a_query(STATES_ANY, "*:80", "*:*");
        struct nlmsghdr header;
        struct rtattr attribute;
        uint32_t number;
        query.protocol = rows[i].protocol;
        size_t length = sockdiag_request(&query, rows[i].family, SEQUENCE, bytes);
        size_t filter = sizeof header + rows[i].fixed;
        assert_int_equal(length, filter + sizeof attribute + 16 + sizeof attribute + 4);
        memcpy(&header, bytes, sizeof header);
        assert_int_equal(header.nlmsg_len, length);
        memcpy(&attribute, bytes + filter, sizeof attribute);
        assert_int_equal(attribute.rta_type, INET_DIAG_REQ_BYTECODE);
        memcpy(&attribute, bytes + filter + attribute.rta_len, sizeof attribute);
        memcpy(&number, bytes + length - sizeof number, sizeof number);
        assert_int_equal(attribute.rta_type, REQ_PROTOCOL);
        assert_int_equal(attribute.rta_len, sizeof attribute + 4);
        assert_int_equal(number, rows[i].number);
    }
}

/* Runs the code like inet_diag_bc_run(); the port is bound explicitly if `bound`. */
static bool kernel_takes_bound(const struct request *request, uint16_t local, uint16_t remote,
                               bool bound) {
    const char *at = (const char *)request->code;
    ptrdiff_t left = (ptrdiff_t)request->code_size;
    while (left > 0) {
        const struct inet_diag_bc_op *op = (const struct inet_diag_bc_op *)at;
        bool yes = op->code == INET_DIAG_BC_S_GE   ? local >= op[1].no
                   : op->code == INET_DIAG_BC_S_LE ? local <= op[1].no
                   : op->code == INET_DIAG_BC_D_GE ? remote >= op[1].no
                   : op->code == INET_DIAG_BC_D_LE ? remote <= op[1].no
                   : op->code == INET_DIAG_BC_AUTO ? !bound
                                                   : false;
        ptrdiff_t step = yes ? op->yes : op->no;
        at += step;
        left -= step;
    }
    return left == 0;
}

static bool kernel_takes(const struct request *request, uint16_t local, uint16_t remote) {
    return kernel_takes_bound(request, local, remote, true);
}

static void
request_for_asked_ports_leaves_out_those_the_kernel_chose_and_the_other_way_round(void **state) {
    struct diag_query queries[] = {sockdiag_query(STATES_ANY),
                                   a_query(STATES_ANY, "*:80", "*:443")};
    (void)state;
    for (size_t i = 0; i < ROWS(queries); i++) {
        queries[i].asked = true;
        struct request request = a_request(queries[i], AF_INET);
        assert_true(kernel_takes_bound(&request, 80, 443, true));
        assert_false(kernel_takes_bound(&request, 80, 443, false));
        assert_int_equal(kernel_takes_bound(&request, 81, 443, true), i == 0);
        assert_false(kernel_takes_bound(&request, 81, 443, false));
        queries[i].asked = false;
        queries[i].chosen = true;
        request = a_request(queries[i], AF_INET);
        assert_false(kernel_takes_bound(&request, 80, 443, true));
        assert_true(kernel_takes_bound(&request, 80, 443, false));
        assert_false(kernel_takes_bound(&request, 81, 443, true));
        assert_int_equal(kernel_takes_bound(&request, 81, 443, false), i == 0);
    }
}

static void request_filter_lets_the_asked_ports_pass_only(void **state) {
    static const uint16_t ports[] = {0, 1, 79, 80, 81, 442, 443, 444, 65535};
    (void)state;
    struct request local = a_request(a_query(STATES_ANY, "*:80", "*:*"), AF_INET);
    struct request remote = a_request(a_query(STATES_ANY, "*:*", "*:443"), AF_INET);
    struct request both = a_request(a_query(STATES_ANY, "*:80", "*:443"), AF_INET);
    for (size_t i = 0; i < ROWS(ports); i++)
        for (size_t j = 0; j < ROWS(ports); j++) {
            uint16_t ours = ports[i], theirs = ports[j];
            assert_int_equal(kernel_takes(&local, ours, theirs), ours == 80);
            assert_int_equal(kernel_takes(&remote, ours, theirs), theirs == 443);
            assert_int_equal(kernel_takes(&both, ours, theirs), ours == 80 && theirs == 443);
        }
}

/* --- building answers --- */

struct datagram {
    size_t size;
    _Alignas(uint32_t) char bytes[4096];
};

/* Adds the header of a message and room for `payload` bytes, with the padding of netlink; returns
 * the header. The datagram ends with the payload. */
static struct nlmsghdr *add_message(struct datagram *datagram, uint16_t type, size_t payload) {
    datagram->size = NLMSG_ALIGN(datagram->size);
    struct nlmsghdr *header = (struct nlmsghdr *)(datagram->bytes + datagram->size);
    *header = (struct nlmsghdr){.nlmsg_len = (uint32_t)(sizeof *header + payload),
                                .nlmsg_type = type,
                                .nlmsg_flags = NLM_F_MULTI,
                                .nlmsg_seq = SEQUENCE};
    datagram->size += header->nlmsg_len;
    assert_true(datagram->size <= sizeof datagram->bytes);
    return header;
}

static struct nlmsghdr *add_socket(struct datagram *datagram, uint8_t state, const char *local,
                                   const char *remote) {
    struct endpoint from = a_pattern(local).endpoint, to = a_pattern(remote).endpoint;
    struct inet_diag_msg message = {
        .idiag_family = (uint8_t)from.family,
        .idiag_state = state,
        .id = {.idiag_sport = htons(from.port), .idiag_dport = htons(to.port)},
    };
    memcpy(message.id.idiag_src, from.address, sizeof from.address);
    memcpy(message.id.idiag_dst, to.address, sizeof to.address);
    struct nlmsghdr *header = add_message(datagram, SOCK_DIAG_BY_FAMILY, sizeof message);
    memcpy(NLMSG_DATA(header), &message, sizeof message);
    return header;
}

/* Adds an attribute with the one byte `value` to the last message, `header`. It claims to have this
 * `length`, right or wrong. */
static struct rtattr *add_attribute(struct datagram *datagram, struct nlmsghdr *header,
                                    uint16_t type, uint16_t length, uint8_t value) {
    datagram->size = NLMSG_ALIGN(datagram->size);
    struct rtattr *attribute = (struct rtattr *)(datagram->bytes + datagram->size);
    *attribute = (struct rtattr){.rta_type = type, .rta_len = length};
    *(uint8_t *)RTA_DATA(attribute) = value;
    datagram->size += RTA_LENGTH(1);
    header->nlmsg_len = (uint32_t)(datagram->bytes + datagram->size - (char *)header);
    return attribute;
}

static void add_done(struct datagram *datagram) {
    memset(NLMSG_DATA(add_message(datagram, NLMSG_DONE, sizeof(int))), 0, sizeof(int));
}

static void add_error(struct datagram *datagram, int error) {
    struct nlmsgerr answer = {.error = error};
    memcpy(NLMSG_DATA(add_message(datagram, NLMSG_ERROR, sizeof answer)), &answer, sizeof answer);
}

/* Adds the tcp_info of a connection, `size` bytes of it. */
static void add_info(struct datagram *datagram, struct nlmsghdr *header,
                     const struct tcp_info *info, size_t size) {
    datagram->size = NLMSG_ALIGN(datagram->size);
    struct rtattr *attribute = (struct rtattr *)(datagram->bytes + datagram->size);
    *attribute =
        (struct rtattr){.rta_type = INET_DIAG_INFO, .rta_len = (unsigned short)RTA_LENGTH(size)};
    memcpy(RTA_DATA(attribute), info, size);
    datagram->size += RTA_LENGTH(size);
    header->nlmsg_len = (uint32_t)(datagram->bytes + datagram->size - (char *)header);
}

/* --- parsing them --- */

struct outcome {
    enum sockdiag_status status;
    int error;
    size_t count, most; /* visits, and after how many the visitor wants no more; 0: never */
    struct inet_socket sockets[8];
};

static bool note_socket(void *context, const struct inet_socket *socket) {
    struct outcome *outcome = context;
    assert_true(outcome->count < ROWS(outcome->sockets));
    outcome->sockets[outcome->count++] = *socket;
    return outcome->count != outcome->most;
}

/* Parses the first `size` bytes of the datagram. */
static struct outcome parse_some(const struct datagram *datagram, size_t size,
                                 struct diag_query query, size_t most) {
    struct outcome outcome = {.most = most};
    char *bytes = malloc(size);
    assert_true(bytes != NULL || size == 0);
    if (size > 0)
        memcpy(bytes, datagram->bytes, size);
    outcome.status =
        sockdiag_parse(bytes, size, SEQUENCE, &query, note_socket, &outcome, &outcome.error);
    free(bytes);
    return outcome;
}

static struct outcome parse(const struct datagram *datagram, struct diag_query query) {
    return parse_some(datagram, datagram->size, query, 0);
}

static struct outcome parse_all(const struct datagram *datagram) {
    return parse(datagram, sockdiag_query(STATES_ANY));
}

static void assert_endpoint(const struct endpoint *endpoint, const char *want) {
    char text[ENDPOINT_TEXT_SIZE];
    assert_string_equal(endpoint_text(endpoint, text), want);
}

static void parse_reads_every_field_of_a_socket(void **state) {
    struct datagram datagram = {0};
    struct nlmsghdr *header =
        add_socket(&datagram, STATE_ESTABLISHED, "127.0.0.1:80", "192.0.2.7:50000");
    struct inet_diag_msg *message = NLMSG_DATA(header);
    (void)state;
    message->idiag_inode = 12345;
    message->idiag_uid = 1000;
    message->idiag_timer = 2;
    message->idiag_expires = 59980;
    message->idiag_rqueue = 3;
    message->idiag_wqueue = 128;
    message->id.idiag_if = 7;
    message->id.idiag_cookie[0] = 0xc0;
    message->id.idiag_cookie[1] = 0xc1;
    struct outcome outcome = parse_all(&datagram);
    const struct inet_socket *socket = &outcome.sockets[0];
    assert_int_equal(outcome.status, SOCKDIAG_MORE);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(socket->state, STATE_ESTABLISHED);
    assert_endpoint(&socket->local, "127.0.0.1:80");
    assert_endpoint(&socket->remote, "192.0.2.7:50000");
    assert_int_equal(socket->inode, 12345);
    assert_int_equal(socket->uid, 1000);
    assert_int_equal(socket->expires_ms, 59980);
    assert_int_equal(socket->receive_queue, 3);
    assert_int_equal(socket->send_queue, 128);
    assert_int_equal(socket->interface, 7);
    assert_int_equal(socket->cookie[0], 0xc0);
    assert_int_equal(socket->cookie[1], 0xc1);
    assert_false(socket->v6only_known);
}

static void parse_takes_the_time_left_only_from_a_pending_timer(void **state) {
    struct datagram datagram = {0};
    struct inet_diag_msg *message =
        NLMSG_DATA(add_socket(&datagram, STATE_ESTABLISHED, "127.0.0.1:80", "127.0.0.1:50000"));
    (void)state;
    message->idiag_timer = 0;
    message->idiag_expires = 59980;
    assert_int_equal(parse_all(&datagram).sockets[0].expires_ms, 0);
}

static uint32_t time_left_of_orphan(uint8_t timer, uint32_t inode) {
    struct datagram datagram = {0};
    struct inet_diag_msg *message =
        NLMSG_DATA(add_socket(&datagram, STATE_FIN_WAIT_2, "127.0.0.1:80", "127.0.0.1:50000"));
    message->idiag_timer = timer;
    message->idiag_inode = inode;
    message->idiag_expires = 30000;
    return parse_all(&datagram).sockets[0].expires_ms;
}

/* With tcp_fin_timeout=90, FIN-WAIT-2 lasts 30 s more after the first 30 s. */
static void parse_does_not_take_a_part_of_fin_wait_2_for_the_whole(void **state) {
    enum { KEEPALIVE = 2, TIME_WAIT = 3 };
    (void)state;
    assert_int_equal(time_left_of_orphan(KEEPALIVE, 0), 0);
    assert_int_equal(time_left_of_orphan(TIME_WAIT, 0), 30000);
    assert_int_equal(time_left_of_orphan(KEEPALIVE, 4711), 30000);
}

static void parse_reads_ipv6_whole_and_ipv4_in_four_bytes(void **state) {
    struct datagram datagram = {0};
    (void)state;
    add_socket(&datagram, STATE_ESTABLISHED, "[2001:db8::1]:80", "[2001:db8::ffff:1]:50000");
    struct inet_diag_msg *message =
        NLMSG_DATA(add_socket(&datagram, STATE_LISTEN, "127.0.0.1:80", "0.0.0.0:0"));
    memset(&message->id.idiag_src[1], 0xff, 12); /* the kernel promises nothing about the rest */
    struct outcome outcome = parse(&datagram, a_query(STATES_ANY, "127.0.0.1:80", "*:*"));
    assert_int_equal(outcome.count, 1);
    outcome = parse_all(&datagram);
    assert_int_equal(outcome.count, 2);
    assert_endpoint(&outcome.sockets[0].local, "[2001:db8::1]:80");
    assert_endpoint(&outcome.sockets[0].remote, "[2001:db8::ffff:1]:50000");
    assert_endpoint(&outcome.sockets[1].local, "127.0.0.1:80");
    assert_endpoint(&outcome.sockets[1].remote, "0.0.0.0:0");
}

static void parse_visits_every_socket_in_order_until_done(void **state) {
    struct datagram datagram = {0};
    (void)state;
    add_socket(&datagram, STATE_LISTEN, "0.0.0.0:1", "0.0.0.0:0");
    add_socket(&datagram, STATE_LISTEN, "0.0.0.0:2", "0.0.0.0:0");
    add_socket(&datagram, STATE_LISTEN, "0.0.0.0:3", "0.0.0.0:0");
    struct outcome outcome = parse_all(&datagram);
    assert_int_equal(outcome.status, SOCKDIAG_MORE);
    assert_int_equal(outcome.count, 3);
    add_done(&datagram);
    add_socket(&datagram, STATE_LISTEN, "0.0.0.0:4", "0.0.0.0:0"); /* behind the end: not read */
    outcome = parse_all(&datagram);
    assert_int_equal(outcome.status, SOCKDIAG_DONE);
    assert_int_equal(outcome.count, 3);
    for (uint16_t i = 0; i < 3; i++)
        assert_int_equal(outcome.sockets[i].local.port, i + 1);
}

static void parse_accepts_done_alone_and_an_empty_datagram(void **state) {
    struct datagram datagram = {0};
    (void)state;
    assert_int_equal(parse_all(&datagram).status, SOCKDIAG_MORE);
    add_done(&datagram);
    assert_int_equal(parse_all(&datagram).status, SOCKDIAG_DONE);
}

static void parse_ends_when_the_visitor_ends_it(void **state) {
    struct datagram datagram = {0};
    (void)state;
    add_socket(&datagram, STATE_LISTEN, "0.0.0.0:1", "0.0.0.0:0");
    add_socket(&datagram, STATE_LISTEN, "0.0.0.0:2", "0.0.0.0:0");
    add_done(&datagram);
    for (size_t most = 1; most <= 2; most++) {
        struct outcome outcome =
            parse_some(&datagram, datagram.size, sockdiag_query(STATES_ANY), most);
        assert_int_equal(outcome.status, SOCKDIAG_ENDED);
        assert_int_equal(outcome.count, most);
    }
}

static void parse_gives_the_errno_of_an_error_message(void **state) {
    static const struct {
        int error;
        enum sockdiag_status want;
        int want_error;
    } rows[] = {
        {-ENOENT, SOCKDIAG_ERRNO, ENOENT},
        {-EINVAL, SOCKDIAG_ERRNO, EINVAL},
        {0, SOCKDIAG_DONE, 0}, /* an acknowledgement */
        {ENOENT, SOCKDIAG_BROKEN, 0},
        {-5000, SOCKDIAG_BROKEN, 0},
        {INT_MIN, SOCKDIAG_BROKEN, 0},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct datagram datagram = {0};
        add_error(&datagram, rows[i].error);
        struct outcome outcome = parse_all(&datagram);
        assert_int_equal(outcome.status, rows[i].want);
        assert_int_equal(outcome.error, rows[i].want_error);
    }
}

/* This is the answer for a protocol without inet_diag. */
static void parse_gives_the_errno_with_which_a_dump_is_done(void **state) {
    struct datagram datagram = {0};
    int answer = -ENOENT;
    (void)state;
    memcpy(NLMSG_DATA(add_message(&datagram, NLMSG_DONE, sizeof answer)), &answer, sizeof answer);
    struct outcome outcome = parse_all(&datagram);
    assert_int_equal(outcome.status, SOCKDIAG_ERRNO);
    assert_int_equal(outcome.error, ENOENT);
}

static void parse_refuses_an_error_message_without_an_error(void **state) {
    (void)state;
    for (size_t payload = 0; payload < sizeof(int); payload++) {
        struct datagram datagram = {0};
        add_message(&datagram, NLMSG_ERROR, payload);
        assert_int_equal(parse_all(&datagram).status, SOCKDIAG_BROKEN);
    }
}

static void parse_refuses_the_answer_to_another_request(void **state) {
    struct datagram datagram = {0};
    (void)state;
    add_socket(&datagram, STATE_LISTEN, "0.0.0.0:1", "0.0.0.0:0");
    add_socket(&datagram, STATE_LISTEN, "0.0.0.0:2", "0.0.0.0:0")->nlmsg_seq = SEQUENCE + 1;
    add_done(&datagram);
    struct outcome outcome = parse_all(&datagram);
    assert_int_equal(outcome.status, SOCKDIAG_BROKEN);
    assert_int_equal(outcome.count, 1);
    datagram = (struct datagram){0};
    add_message(&datagram, NLMSG_DONE, sizeof(int))->nlmsg_seq = SEQUENCE - 1;
    assert_int_equal(parse_all(&datagram).status, SOCKDIAG_BROKEN);
}

/* --- cut short, and lies about lengths --- */

static void parse_refuses_a_datagram_cut_anywhere(void **state) {
    struct datagram datagram = {0};
    size_t ends[3];
    (void)state;
    add_socket(&datagram, STATE_LISTEN, "0.0.0.0:1", "0.0.0.0:0");
    ends[0] = datagram.size;
    struct nlmsghdr *header = add_socket(&datagram, STATE_LISTEN, "[::]:2", "[::]:0");
    add_attribute(&datagram, header, INET_DIAG_SKV6ONLY, RTA_LENGTH(1), 1);
    ends[1] = datagram.size;
    add_done(&datagram);
    ends[2] = datagram.size;
    for (size_t size = 0; size <= ends[2]; size++) {
        struct outcome outcome = parse_some(&datagram, size, sockdiag_query(STATES_ANY), 0);
        /* The padding behind the second socket may be there or not. */
        bool whole =
            size == 0 || size == ends[0] || (size >= ends[1] && size <= NLMSG_ALIGN(ends[1]));
        assert_int_equal(outcome.status, size == ends[2] ? SOCKDIAG_DONE
                                         : whole         ? SOCKDIAG_MORE
                                                         : SOCKDIAG_BROKEN);
        assert_int_equal(outcome.count, (size >= ends[0]) + (size >= ends[1]));
    }
}

/* Whatever length the header claims, nothing beyond the datagram is read, and a socket is only
 * visited if it is within that length, and the length within the datagram. */
static void parse_refuses_an_impossible_length(void **state) {
    struct datagram datagram = {0};
    add_socket(&datagram, STATE_LISTEN, "0.0.0.0:1", "0.0.0.0:0");
    size_t before = datagram.size;
    struct nlmsghdr *header = add_socket(&datagram, STATE_LISTEN, "[::]:80", "[::]:0");
    add_attribute(&datagram, header, INET_DIAG_SKV6ONLY, RTA_LENGTH(1), 1);
    (void)state;
    for (uint32_t length = 0; length <= datagram.size + 64; length++) {
        header->nlmsg_len = length;
        struct outcome outcome = parse_all(&datagram);
        bool sound = length >= MESSAGE_SIZE && length <= datagram.size - before;
        assert_int_equal(outcome.count, 1 + sound);
        if (!sound)
            assert_int_equal(outcome.status, SOCKDIAG_BROKEN);
    }
    header->nlmsg_len = UINT32_MAX;
    assert_int_equal(parse_all(&datagram).status, SOCKDIAG_BROKEN);
}

static void parse_refuses_messages_of_another_type(void **state) {
    static const uint16_t rows[] = {
        0, NLMSG_NOOP, NLMSG_OVERRUN, SOCK_DIAG_BY_FAMILY - 1, SOCK_DIAG_BY_FAMILY + 1, UINT16_MAX};
    struct datagram datagram = {0};
    struct nlmsghdr *header = add_socket(&datagram, STATE_LISTEN, "0.0.0.0:80", "0.0.0.0:0");
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        header->nlmsg_type = rows[i];
        struct outcome outcome = parse_all(&datagram);
        assert_int_equal(outcome.status, SOCKDIAG_BROKEN);
        assert_int_equal(outcome.count, 0);
    }
}

static void parse_refuses_families_other_than_ip(void **state) {
    static const uint8_t rows[] = {AF_UNSPEC, AF_UNIX, AF_NETLINK, 255};
    struct datagram datagram = {0};
    struct inet_diag_msg *message =
        NLMSG_DATA(add_socket(&datagram, STATE_LISTEN, "0.0.0.0:80", "0.0.0.0:0"));
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        message->idiag_family = rows[i];
        struct outcome outcome = parse_all(&datagram);
        assert_int_equal(outcome.status, SOCKDIAG_BROKEN);
        assert_int_equal(outcome.count, 0);
    }
}

static void parse_refuses_states_that_do_not_exist(void **state) {
    static const uint8_t rows[] = {STATE_COUNT, STATE_COUNT + 1, 31, 32, 64, 255};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct datagram datagram = {0};
        add_socket(&datagram, rows[i], "0.0.0.0:80", "0.0.0.0:0");
        struct outcome outcome = parse(&datagram, sockdiag_query(UINT32_MAX));
        assert_int_equal(outcome.status, SOCKDIAG_BROKEN);
        assert_int_equal(outcome.count, 0);
    }
}

/* --- attributes --- */

/* INET_DIAG_CGROUP_ID, eight bytes; one that is cut short says nothing. */
static void parse_reads_the_control_group(void **state) {
    enum { CGROUP = 21 };
    const uint64_t id = UINT64_C(0x100000002);
    (void)state;
    for (uint16_t size = 7; size <= 8; size++) {
        struct datagram datagram = {0};
        struct nlmsghdr *header = add_socket(&datagram, STATE_LISTEN, "[::]:80", "[::]:0");
        struct rtattr *attribute =
            add_attribute(&datagram, header, CGROUP, (uint16_t)RTA_LENGTH(size), 0);
        memcpy(RTA_DATA(attribute), &id, sizeof id);
        datagram.size += sizeof id - 1;
        header->nlmsg_len += sizeof id - 1;
        add_done(&datagram);
        struct outcome outcome = parse_all(&datagram);
        assert_int_equal(outcome.count, 1);
        assert_true(outcome.sockets[0].cgroup == (size == 8 ? id : 0));
    }
}

static void parse_reads_v6only(void **state) {
    (void)state;
    for (uint8_t v6only = 0; v6only <= 1; v6only++) {
        struct datagram datagram = {0};
        struct nlmsghdr *header = add_socket(&datagram, STATE_LISTEN, "[::]:80", "[::]:0");
        add_attribute(&datagram, header, INET_DIAG_SHUTDOWN, RTA_LENGTH(1), 0x55);
        add_attribute(&datagram, header, INET_DIAG_SKV6ONLY, RTA_LENGTH(1), v6only);
        add_attribute(&datagram, header, INET_DIAG_TOS, RTA_LENGTH(1), 0x55);
        struct outcome outcome = parse_all(&datagram);
        assert_int_equal(outcome.count, 1);
        assert_true(outcome.sockets[0].v6only_known);
        assert_int_equal(outcome.sockets[0].v6only, v6only);
    }
}

static void parse_does_not_know_v6only_without_the_attribute(void **state) {
    struct datagram datagram = {0};
    struct nlmsghdr *header = add_socket(&datagram, STATE_LISTEN, "[::]:80", "[::]:0");
    (void)state;
    add_attribute(&datagram, header, INET_DIAG_SHUTDOWN, RTA_LENGTH(1), 1);
    struct outcome outcome = parse_all(&datagram);
    assert_int_equal(outcome.count, 1);
    assert_false(outcome.sockets[0].v6only_known);
    assert_false(outcome.sockets[0].v6only);
}

/* A broken attribute ends the list: the socket is visited without the attributes after it. */
static void parse_stops_at_an_attribute_with_a_wrong_length(void **state) {
    static const uint16_t lengths[] = {0, 1, 3, RTA_LENGTH(1) + RTA_SPACE(1) + 1, 100, UINT16_MAX};
    (void)state;
    for (size_t i = 0; i < ROWS(lengths); i++) {
        struct datagram datagram = {0};
        struct nlmsghdr *header = add_socket(&datagram, STATE_LISTEN, "[::]:80", "[::]:0");
        add_attribute(&datagram, header, INET_DIAG_SKV6ONLY, lengths[i], 1);
        add_attribute(&datagram, header, INET_DIAG_SKV6ONLY, RTA_LENGTH(1), 1);
        struct outcome outcome = parse_all(&datagram);
        assert_int_equal(outcome.status, SOCKDIAG_MORE);
        assert_int_equal(outcome.count, 1);
        if (outcome.sockets[0].v6only_known)
            fail_msg("an attribute of length %u was read", lengths[i]);
    }
}

static void parse_reads_no_value_from_an_attribute_without_one(void **state) {
    struct datagram datagram = {0};
    struct nlmsghdr *header = add_socket(&datagram, STATE_LISTEN, "[::]:80", "[::]:0");
    (void)state;
    add_attribute(&datagram, header, INET_DIAG_SKV6ONLY, RTA_LENGTH(0), 1);
    datagram.size = MESSAGE_SIZE + RTA_LENGTH(0); /* the value is not even there */
    header->nlmsg_len = (uint32_t)datagram.size;
    struct outcome outcome = parse_all(&datagram);
    assert_int_equal(outcome.count, 1);
    assert_false(outcome.sockets[0].v6only_known);
}

static void parse_skips_an_empty_attribute(void **state) {
    struct datagram datagram = {0};
    struct nlmsghdr *header = add_socket(&datagram, STATE_LISTEN, "[::]:80", "[::]:0");
    (void)state;
    add_attribute(&datagram, header, INET_DIAG_SHUTDOWN, RTA_LENGTH(0), 0);
    datagram.size -= 1;
    add_attribute(&datagram, header, INET_DIAG_SKV6ONLY, RTA_LENGTH(1), 1);
    assert_true(parse_all(&datagram).sockets[0].v6only);
}

static void parse_reads_a_last_attribute_without_padding(void **state) {
    struct datagram datagram = {0};
    struct nlmsghdr *header = add_socket(&datagram, STATE_LISTEN, "[::]:80", "[::]:0");
    (void)state;
    add_attribute(&datagram, header, INET_DIAG_SKV6ONLY, RTA_LENGTH(1), 1);
    assert_int_equal(header->nlmsg_len % 4, 1);
    struct outcome outcome = parse_all(&datagram);
    assert_int_equal(outcome.status, SOCKDIAG_MORE);
    assert_true(outcome.sockets[0].v6only);
}

/* --- what was asked for --- */

static void parse_calls_closed_bound_if_bound_was_asked_for(void **state) {
    struct datagram datagram = {0};
    (void)state;
    add_socket(&datagram, STATE_CLOSED, "127.0.0.1:80", "0.0.0.0:0");
    struct outcome outcome = parse(&datagram, sockdiag_query(1U << STATE_BOUND));
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.sockets[0].state, STATE_BOUND);
    outcome = parse(&datagram, sockdiag_query(STATES_ANY));
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.sockets[0].state, STATE_BOUND);
    outcome = parse(&datagram, sockdiag_query(1U << STATE_CLOSED));
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.sockets[0].state, STATE_CLOSED);
}

static void parse_visits_the_asked_states_only(void **state) {
    (void)state;
    for (unsigned other = 0; other < STATE_COUNT; other++) {
        struct datagram datagram = {0};
        add_socket(&datagram, (uint8_t)other, "127.0.0.1:80", "127.0.0.1:50000");
        struct outcome outcome = parse(&datagram, sockdiag_query(1U << STATE_TIME_WAIT));
        assert_int_equal(outcome.status, SOCKDIAG_MORE);
        assert_int_equal(outcome.count, other == STATE_TIME_WAIT);
    }
}

static void parse_visits_the_asked_endpoints_only(void **state) {
    static const struct {
        const char *asked_local, *asked_remote, *local, *remote;
        bool want;
    } rows[] = {
        {"*:*", "*:*", "127.0.0.1:80", "127.0.0.1:50000", true},
        {"*:80", "*:*", "127.0.0.1:80", "127.0.0.1:50000", true},
        {"*:81", "*:*", "127.0.0.1:80", "127.0.0.1:50000", false},
        {"*:*", "*:50000", "[::1]:80", "[::1]:50000", true},
        {"*:*", "*:50001", "[::1]:80", "[::1]:50000", false},
        {"*:50000", "*:80", "[::1]:80", "[::1]:50000", false},
        {"127.0.0.1:*", "*:*", "127.0.0.1:80", "127.0.0.2:50000", true},
        {"127.0.0.2:*", "*:*", "127.0.0.1:80", "127.0.0.2:50000", false},
        {"*:*", "127.0.0.2:*", "127.0.0.1:80", "127.0.0.2:50000", true},
        {"*:*", "127.0.0.1:*", "127.0.0.1:80", "127.0.0.2:50000", false},
        {"127.0.0.1:80", "127.0.0.2:50000", "127.0.0.1:80", "127.0.0.2:50000", true},
        {"127.0.0.1:80", "*:*", "[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:5", true},
        {"*:*", "127.0.0.1:5", "[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:5", true},
        {"127.0.0.2:80", "*:*", "[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:5", false},
        {"[::1]:80", "*:*", "[::1]:80", "[::]:0", true},
        {"[::1]:80", "*:*", "[::]:80", "[::]:0", false},
        {"0.0.0.0:80", "*:*", "[::]:80", "[::]:0", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct datagram datagram = {0};
        add_socket(&datagram, STATE_ESTABLISHED, rows[i].local, rows[i].remote);
        struct outcome outcome =
            parse(&datagram, a_query(STATES_ANY, rows[i].asked_local, rows[i].asked_remote));
        if (outcome.status != SOCKDIAG_MORE || outcome.count != rows[i].want)
            fail_msg("row %zu: %zu visits", i, outcome.count);
    }
}

/* The values of Linux 6.18 for both ends of one connection: for the side that opened it, the
 * acknowledged SYN counts as one byte. */
static void parse_finds_who_opened_a_connection(void **state) {
    static const struct {
        struct tcp_info info;
        uint8_t socket_state;
        enum socket_opener opener;
    } rows[] = {
        {{.tcpi_bytes_acked = 1}, STATE_ESTABLISHED, OPENED_HERE},
        {{.tcpi_bytes_acked = 0}, STATE_ESTABLISHED, OPENED_THERE},
        {{.tcpi_bytes_acked = 1001, .tcpi_bytes_sent = 1000}, STATE_CLOSE_WAIT, OPENED_HERE},
        {{.tcpi_bytes_acked = 77, .tcpi_bytes_sent = 77}, STATE_CLOSE_WAIT, OPENED_THERE},
        {{.tcpi_bytes_acked = 78, .tcpi_bytes_sent = 87, .tcpi_bytes_retrans = 10},
         STATE_ESTABLISHED,
         OPENED_HERE},
        {{.tcpi_bytes_acked = 2}, STATE_FIN_WAIT_2, OPENED_HERE},
        {{.tcpi_bytes_acked = 1}, STATE_FIN_WAIT_2, OPENED_THERE},
        {{.tcpi_bytes_acked = 1, .tcpi_unacked = 1}, STATE_FIN_WAIT_1, OPENED_HERE},
        {{.tcpi_bytes_acked = 0, .tcpi_unacked = 1}, STATE_FIN_WAIT_1, OPENER_NOT_KNOWN},
        {{.tcpi_bytes_acked = 40, .tcpi_bytes_sent = 50, .tcpi_unacked = 1},
         STATE_ESTABLISHED,
         OPENER_NOT_KNOWN},
        {{.tcpi_bytes_acked = 1, .tcpi_options = TCPI_OPT_SYN_DATA},
         STATE_ESTABLISHED,
         OPENER_NOT_KNOWN},
        {{.tcpi_bytes_acked = 0}, STATE_LISTEN, OPENER_NOT_KNOWN},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct datagram datagram = {0};
        struct nlmsghdr *header =
            add_socket(&datagram, rows[i].socket_state, "127.0.0.1:80", "127.0.0.1:40000");
        add_info(&datagram, header, &rows[i].info, sizeof rows[i].info);
        struct outcome outcome = parse(&datagram, sockdiag_query(STATES_ANY));
        assert_int_equal(outcome.count, 1);
        assert_int_equal(outcome.sockets[0].opener, rows[i].opener);
    }
}

/* Linux 4.18 and older have no tcpi_bytes_sent. */
static void parse_finds_no_opener_in_a_short_tcp_info(void **state) {
    struct tcp_info info = {.tcpi_bytes_acked = 1};
    struct datagram datagram = {0};
    struct nlmsghdr *header =
        add_socket(&datagram, STATE_ESTABLISHED, "127.0.0.1:80", "127.0.0.1:40000");
    (void)state;
    add_info(&datagram, header, &info, offsetof(struct tcp_info, tcpi_bytes_sent));
    struct outcome outcome = parse(&datagram, sockdiag_query(STATES_ANY));
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.sockets[0].opener, OPENER_NOT_KNOWN);
}

/* A UDP socket that is not connected is CLOSED to the kernel, and no bound TCP socket to us. */
static void parse_of_udp_gives_states_of_udp_and_drops(void **state) {
    struct {
        struct rtattr attribute;
        uint32_t counts[SK_MEMINFO_DROPS + 1];
    } memory = {.attribute = {.rta_type = INET_DIAG_SKMEMINFO, .rta_len = sizeof memory}};
    struct diag_query query = sockdiag_query(STATES_ANY);
    struct datagram datagram = {0};
    struct nlmsghdr *header = add_socket(&datagram, STATE_CLOSED, "0.0.0.0:53", "0.0.0.0:0");
    (void)state;
    memory.counts[SK_MEMINFO_DROPS] = 17;
    memcpy(datagram.bytes + datagram.size, &memory, sizeof memory);
    datagram.size += sizeof memory;
    header->nlmsg_len += (uint32_t)sizeof memory;
    add_socket(&datagram, STATE_ESTABLISHED, "127.0.0.1:53", "127.0.0.1:40000");
    query.protocol = PROTOCOL_UDP;
    struct outcome outcome = parse(&datagram, query);
    assert_int_equal(outcome.count, 2);
    assert_int_equal(outcome.sockets[0].protocol, PROTOCOL_UDP);
    assert_int_equal(outcome.sockets[0].state, STATE_CLOSED);
    assert_int_equal(outcome.sockets[0].drops, 17);
    assert_int_equal(outcome.sockets[1].state, STATE_ESTABLISHED);
    assert_int_equal(outcome.sockets[1].drops, 0);
    assert_string_equal(socket_state_text(PROTOCOL_UDP, STATE_CLOSED), "UNCONN");
    assert_string_equal(socket_state_text(PROTOCOL_TCP, STATE_CLOSED), "CLOSED");
    assert_string_equal(socket_state_text(PROTOCOL_UDP, STATE_ESTABLISHED), "ESTABLISHED");
}

static void query_takes_every_endpoint_of_both_families(void **state) {
    struct diag_query query = sockdiag_query(1U << STATE_LISTEN);
    (void)state;
    assert_int_equal(query.family, 0);
    assert_int_equal(query.states, 1U << STATE_LISTEN);
    assert_true(query.local.any_address && query.local.any_port);
    assert_true(query.remote.any_address && query.remote.any_port);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_asks_for_the_states_of_a_family),
        cmocka_unit_test(request_for_any_port_has_no_filter),
        cmocka_unit_test(request_for_a_port_compares_it_from_both_sides),
        cmocka_unit_test(request_jumps_are_as_the_kernel_audits_them),
        cmocka_unit_test(request_for_both_families_is_the_older_form),
        cmocka_unit_test(
            request_for_asked_ports_leaves_out_those_the_kernel_chose_and_the_other_way_round),
        cmocka_unit_test(request_filter_lets_the_asked_ports_pass_only),
        cmocka_unit_test(request_for_udp_asks_for_drops_too),
        cmocka_unit_test(request_names_other_protocols_in_an_attribute),
        cmocka_unit_test(parse_of_udp_gives_states_of_udp_and_drops),
        cmocka_unit_test(parse_reads_every_field_of_a_socket),
        cmocka_unit_test(parse_takes_the_time_left_only_from_a_pending_timer),
        cmocka_unit_test(parse_does_not_take_a_part_of_fin_wait_2_for_the_whole),
        cmocka_unit_test(parse_reads_ipv6_whole_and_ipv4_in_four_bytes),
        cmocka_unit_test(parse_visits_every_socket_in_order_until_done),
        cmocka_unit_test(parse_accepts_done_alone_and_an_empty_datagram),
        cmocka_unit_test(parse_ends_when_the_visitor_ends_it),
        cmocka_unit_test(parse_gives_the_errno_of_an_error_message),
        cmocka_unit_test(parse_gives_the_errno_with_which_a_dump_is_done),
        cmocka_unit_test(parse_refuses_an_error_message_without_an_error),
        cmocka_unit_test(parse_refuses_the_answer_to_another_request),
        cmocka_unit_test(parse_refuses_a_datagram_cut_anywhere),
        cmocka_unit_test(parse_refuses_an_impossible_length),
        cmocka_unit_test(parse_refuses_messages_of_another_type),
        cmocka_unit_test(parse_refuses_families_other_than_ip),
        cmocka_unit_test(parse_refuses_states_that_do_not_exist),
        cmocka_unit_test(parse_reads_the_control_group),
        cmocka_unit_test(parse_reads_v6only),
        cmocka_unit_test(parse_does_not_know_v6only_without_the_attribute),
        cmocka_unit_test(parse_stops_at_an_attribute_with_a_wrong_length),
        cmocka_unit_test(parse_reads_no_value_from_an_attribute_without_one),
        cmocka_unit_test(parse_skips_an_empty_attribute),
        cmocka_unit_test(parse_reads_a_last_attribute_without_padding),
        cmocka_unit_test(parse_calls_closed_bound_if_bound_was_asked_for),
        cmocka_unit_test(parse_visits_the_asked_states_only),
        cmocka_unit_test(parse_visits_the_asked_endpoints_only),
        cmocka_unit_test(parse_finds_who_opened_a_connection),
        cmocka_unit_test(parse_finds_no_opener_in_a_short_tcp_info),
        cmocka_unit_test(query_takes_every_endpoint_of_both_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
