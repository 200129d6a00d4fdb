/* First: do two sockets meet at all (port, device, address)? Then: do their options let them share?
 * A port is free for a claim if no occupant is in the way. What is not known of an occupant stays
 * not known in the answer: the logic is three-valued throughout. */
#include "model/rules.h"

#include <errno.h>
#include <sys/socket.h>

/* --- three-valued logic --- */

enum knowledge knowledge_of(bool yes) {
    return yes ? KNOWN_YES : KNOWN_NO;
}

static enum knowledge negation(enum knowledge a) {
    return a == NOT_KNOWN ? NOT_KNOWN : knowledge_of(a == KNOWN_NO);
}

static enum knowledge both(enum knowledge a, enum knowledge b) {
    if (a == KNOWN_NO || b == KNOWN_NO)
        return KNOWN_NO;
    return a == KNOWN_YES && b == KNOWN_YES ? KNOWN_YES : NOT_KNOWN;
}

/* --- which addresses meet --- */

/* The addresses that the kernel distinguishes: an IPv4 address is the same as the IPv4-mapped IPv6
 * address, but [::] is neither 0.0.0.0 nor ::ffff:0.0.0.0. */
static bool is_ipv6_wildcard(const struct endpoint *endpoint) {
    return !endpoint_is_ipv4(endpoint) && endpoint_is_wildcard(endpoint);
}

/* __inet6_bind() */
bool rules_v6only(const struct claim *claim) {
    return claim->v6only ||
           (!endpoint_is_ipv4(&claim->local) && !endpoint_is_wildcard(&claim->local));
}

/* Returns whether the kernel treats the occupant as IPv6 only. The address does not show it: that
 * of a connection can come from [::], and stays when the connection has ended. */
static enum knowledge occupant_v6only(const struct occupant *occupant) {
    const struct inet_socket *socket = &occupant->socket;
    if (endpoint_is_ipv4(&socket->local))
        return KNOWN_NO;
    return socket->v6only_known ? knowledge_of(socket->v6only) : NOT_KNOWN;
}

/* bind() to a wildcard looks at every socket of the port (inet_rcv_saddr_equal()). */
static enum knowledge wildcard_meets(const struct claim *claim, const struct occupant *occupant) {
    const struct endpoint *theirs = &occupant->socket.local;
    if (is_ipv6_wildcard(&claim->local))
        return knowledge_of(!claim->v6only || !endpoint_is_ipv4(theirs));
    if (claim->local.family == AF_INET || endpoint_is_ipv4(theirs) || is_ipv6_wildcard(theirs))
        return negation(occupant_v6only(occupant));
    return KNOWN_NO; /* ::ffff:0.0.0.0 and a specific IPv6 address */
}

/* bind() to a specific address looks at those of the same address, and at wildcards
 * (inet_bhash2_conflict(), inet_bhash2_addr_any_conflict()). */
static enum knowledge specific_meets(const struct claim *claim, const struct occupant *occupant) {
    const struct endpoint *theirs = &occupant->socket.local;
    if (is_ipv6_wildcard(theirs) && endpoint_is_ipv4(&claim->local))
        return negation(occupant_v6only(occupant));
    if (is_ipv6_wildcard(theirs))
        return KNOWN_YES;
    if (claim->quirks.mapped_wildcard && endpoint_is_mapped(theirs) &&
        endpoint_is_wildcard(theirs) && endpoint_is_mapped(&claim->local))
        return KNOWN_NO;
    if (endpoint_is_wildcard(theirs))
        return knowledge_of(endpoint_is_ipv4(&claim->local));
    return knowledge_of(endpoint_same_address(&claim->local, theirs));
}

static struct ruling not_in_the_way(enum rule rule) {
    return (struct ruling){.rule = rule, .in_the_way = KNOWN_NO};
}

struct ruling rules_meet(const struct claim *claim, const struct occupant *occupant) {
    const struct endpoint *mine = &claim->local, *theirs = &occupant->socket.local;
    bool wildcard = endpoint_is_wildcard(mine),
         families = endpoint_is_ipv4(mine) != endpoint_is_ipv4(theirs);
    enum knowledge meet =
        wildcard ? wildcard_meets(claim, occupant) : specific_meets(claim, occupant);
    if (meet == KNOWN_NO)
        return not_in_the_way(families && (wildcard || endpoint_is_wildcard(theirs))
                                  ? RULE_V6ONLY
                                  : RULE_OTHER_ADDRESS);
    return (struct ruling){.rule = families ? RULE_DUAL_STACK
                                   : wildcard != endpoint_is_wildcard(theirs)
                                       ? RULE_WILDCARD_VS_SPECIFIC
                                       : RULE_ADDRESS_IN_USE,
                           .in_the_way = meet,
                           .unknown = meet == NOT_KNOWN ? UNKNOWN_V6ONLY : 0};
}

/* --- which options share --- */

/* A closed connection; the kernel keeps only a remnant of it. An orphan in FIN-WAIT-2 can be one
 * already, although sock_diag calls it FIN-WAIT-2 (tcp_time_wait()). */
static bool is_remnant(const struct inet_socket *socket) {
    return socket->state == STATE_TIME_WAIT ||
           (socket->state == STATE_FIN_WAIT_2 && socket->inode == 0);
}

static enum knowledge share_reuseaddr(const struct claim *claim, const struct occupant *occupant) {
    return both(knowledge_of(claim->reuseaddr && occupant->socket.state != STATE_LISTEN),
                occupant->reuseaddr);
}

static enum knowledge share_reuseport(const struct claim *claim, const struct occupant *occupant) {
    bool same_user = is_remnant(&occupant->socket) || occupant->socket.uid == claim->uid;
    return both(knowledge_of(claim->reuseport && same_user), occupant->reuseport);
}

/* Returns the rule by which a socket that meets the claim and does not share refuses it. `meeting`
 * is how they meet. */
static enum rule refusal_rule(enum port_call call, const struct claim *claim,
                              const struct occupant *occupant, enum rule meeting) {
    if (claim->reuseport && occupant->reuseport == KNOWN_YES)
        return RULE_REUSEPORT_UID;
    switch (occupant->socket.state) {
    case STATE_LISTEN:
        return call == CALL_LISTEN ? RULE_BIND_TWICE_LISTEN_ONCE : meeting;
    case STATE_BOUND:
        return RULE_BOUND_BUT_IDLE;
    case STATE_TIME_WAIT:
        return RULE_TIME_WAIT_REBIND;
    default:
        return RULE_LIVE_CONNECTION;
    }
}

/* bind() to a port, and listen(), which asks for the port anew (inet_bind_conflict()). */
static struct ruling between_on_port(enum port_call call, const struct claim *claim,
                                     const struct occupant *occupant) {
    struct ruling ruling = rules_meet(claim, occupant);
    enum knowledge reuseaddr = share_reuseaddr(claim, occupant);
    enum knowledge reuseport = share_reuseport(claim, occupant);
    if (ruling.in_the_way == KNOWN_NO)
        return ruling;
    if (reuseaddr == KNOWN_YES || reuseport == KNOWN_YES)
        return not_in_the_way(reuseaddr == KNOWN_YES ? RULE_BOTH_REUSEADDR : RULE_BOTH_REUSEPORT);
    ruling.rule = refusal_rule(call, claim, occupant, ruling.rule);
    ruling.in_the_way = both(ruling.in_the_way, both(negation(reuseaddr), negation(reuseport)));
    ruling.unknown |= reuseaddr == NOT_KNOWN ? UNKNOWN_REUSEADDR : 0;
    ruling.unknown |= reuseport == NOT_KNOWN ? UNKNOWN_REUSEPORT : 0;
    return ruling;
}

/* --- automatic ports --- */

/* bind() to port 0: options do not help, except that ip_autobind_reuse lets sockets with
 * SO_REUSEADDR share a port when none is free, unless they could share it by SO_REUSEPORT too
 * (inet_bind_conflict() with `relax`). */
static struct ruling between_autobind(const struct claim *claim, const struct occupant *occupant) {
    struct ruling ruling = rules_meet(claim, occupant);
    if (ruling.in_the_way == KNOWN_NO)
        return ruling;
    ruling.rule = RULE_EPHEMERAL_BIND;
    if (!claim->autobind_reuse)
        return ruling;
    enum knowledge share =
        both(share_reuseaddr(claim, occupant), negation(share_reuseport(claim, occupant)));
    if (share == KNOWN_YES)
        return not_in_the_way(RULE_BOTH_REUSEADDR);
    ruling.in_the_way = both(ruling.in_the_way, negation(share));
    ruling.unknown |= share == NOT_KNOWN ? UNKNOWN_REUSEADDR : 0;
    return ruling;
}

/* Returns whether connect() chose the occupant's port. */
static enum knowledge chosen_by_connect(const struct occupant *occupant) {
    enum tcp_state state = occupant->socket.state;
    if (state == STATE_LISTEN || state == STATE_BOUND || occupant->outgoing == KNOWN_NO ||
        occupant->bound == KNOWN_YES)
        return KNOWN_NO;
    return occupant->by_connect;
}

/* --- connections --- */

/* Returns whether an address can be that of an end. The wildcard stands for any: before connect()
 * has chosen a source address the socket has the wildcard, and connect() to the wildcard means this
 * host. */
static bool may_be(const struct endpoint *mine, const struct endpoint *theirs) {
    return endpoint_is_wildcard(mine) || endpoint_same_address(mine, theirs);
}

/* Returns whether the occupant is a connection with the same two addresses and ports
 * (__inet_check_established(): one that is bound to a device meets only those of that device). */
static bool same_connection(const struct claim *claim, const struct inet_socket *other) {
    return other->state != STATE_LISTEN && other->state != STATE_BOUND &&
           claim->remote.port == other->remote.port && may_be(&claim->remote, &other->remote) &&
           may_be(&claim->local, &other->local) &&
           (other->interface == 0 || other->interface == claim->interface);
}

static struct ruling between_connect(const struct claim *claim, const struct occupant *occupant) {
    if (!same_connection(claim, &occupant->socket))
        return not_in_the_way(RULE_CONNECT_SHARES);
    const struct inet_socket *other = &occupant->socket;
    bool doubtful = is_remnant(other) && !other->timestamps_known;
    bool yields = is_remnant(other) && other->timestamps_known && other->timestamps;
    return (struct ruling){.rule = RULE_FIXED_CLIENT_PORT,
                           .in_the_way = doubtful ? NOT_KNOWN : knowledge_of(!yields),
                           .unknown = doubtful ? UNKNOWN_TIMESTAMPS : 0};
}

static struct ruling between_autoconnect(const struct claim *claim,
                                         const struct occupant *occupant) {
    enum knowledge shareable = chosen_by_connect(occupant);
    bool recyclable = claim->tw_reuse && occupant->socket.state == STATE_TIME_WAIT;
    if (shareable != KNOWN_NO && same_connection(claim, &occupant->socket))
        return (struct ruling){.rule = RULE_EPHEMERAL_EXHAUSTION,
                               .in_the_way = recyclable ? NOT_KNOWN : KNOWN_YES,
                               .unknown = recyclable ? UNKNOWN_TIMESTAMPS : 0};
    if (shareable == KNOWN_YES)
        return not_in_the_way(RULE_CONNECT_SHARES);
    return (struct ruling){.rule = RULE_POISONED_PORT,
                           .in_the_way = negation(shareable),
                           .unknown = shareable == NOT_KNOWN ? UNKNOWN_BY_CONNECT : 0};
}

/* --- all together --- */

struct ruling rules_between(enum port_call call, const struct claim *claim,
                            const struct occupant *occupant) {
    const struct inet_socket *other = &occupant->socket;
    bool automatic = claim->local.port == 0;
    uint16_t low = automatic ? claim->range_low : claim->local.port;
    uint16_t high = automatic ? claim->range_high : claim->local.port;
    if (other->local.port < low || other->local.port > high)
        return not_in_the_way(RULE_OTHER_PORT);
    if (call == CALL_CONNECT)
        return automatic ? between_autoconnect(claim, occupant) : between_connect(claim, occupant);
    if (claim->interface != 0 && other->interface != 0 && claim->interface != other->interface)
        return not_in_the_way(RULE_OTHER_DEVICE);
    return automatic ? between_autobind(claim, occupant) : between_on_port(call, claim, occupant);
}

/* Returns whether the claim has SO_REUSEPORT and the user of the remembered socket, whose address
 * covers it: the same address, or a wildcard that includes it (ipv6_rcv_saddr_equal(), in which
 * only the remembered socket's wildcard counts). */
static bool like_last(const struct port_history *history, const struct claim *claim) {
    if (history == NULL || !history->reuseport || !claim->reuseport || history->uid != claim->uid)
        return false;
    const struct endpoint *last = &history->local, *mine = &claim->local;
    if (claim->quirks.first_bind && history->any_address)
        return true;
    if (is_ipv6_wildcard(last))
        return !history->v6only || !endpoint_is_ipv4(mine);
    if (is_ipv6_wildcard(mine)) /* an IPv4 socket is compared only by IPv4 addresses */
        return last->family == AF_INET && endpoint_is_wildcard(last) && !claim->v6only;
    if (endpoint_is_ipv4(last) && endpoint_is_ipv4(mine) && endpoint_is_wildcard(last))
        return true;
    return endpoint_same_address(last, mine);
}

/* Returns whether an older kernel lets the claim share the port without looking at its sockets, as
 * all that bound it had SO_REUSEADDR (inet_csk_get_port(): tb->fastreuse). */
static bool shares_by_first(const struct port_history *history, const struct claim *claim,
                            enum port_call call) {
    return claim->quirks.first_bind && history != NULL && history->reuseaddr && claim->reuseaddr &&
           call == CALL_BIND;
}

/* Of all occupants the first one in the way counts, else the first doubtful one, else the one with
 * the most to say. */
struct port_ruling rules_port(enum port_call call, const struct claim *claim,
                              const struct occupant *occupants, size_t count,
                              const struct port_history *history) {
    struct port_ruling port = {not_in_the_way(RULE_FREE), count};
    for (size_t i = 0; i < count && port.ruling.in_the_way != KNOWN_YES; i++) {
        struct ruling ruling = rules_between(call, claim, &occupants[i]);
        bool more_telling = ruling.in_the_way == NOT_KNOWN || ruling.rule > port.ruling.rule;
        if (ruling.in_the_way == KNOWN_YES || (port.ruling.in_the_way == KNOWN_NO && more_telling))
            port = (struct port_ruling){ruling, i};
    }
    if (port.ruling.in_the_way != KNOWN_NO && call != CALL_CONNECT && claim->local.port != 0 &&
        like_last(history, claim))
        port = (struct port_ruling){not_in_the_way(RULE_SAME_REUSEPORT), count};
    if (port.ruling.in_the_way != KNOWN_NO && claim->local.port != 0 &&
        shares_by_first(history, claim, call))
        port = (struct port_ruling){not_in_the_way(RULE_BOTH_REUSEADDR), count};
    return port;
}

/* --- the choice of a port --- */

static unsigned count_eligible(enum port_call call, const struct claim *claim,
                               const struct occupant *occupants, size_t count, bool *ports) {
    unsigned eligible = 0;
    for (unsigned port = claim->range_low; port <= claim->range_high; port++) {
        bool can_be = true;
        for (size_t i = 0; i < count && can_be; i++)
            can_be = occupants[i].socket.local.port != port ||
                     rules_between(call, claim, &occupants[i]).in_the_way == KNOWN_NO;
        if (ports != NULL)
            ports[port - claim->range_low] = can_be;
        eligible += can_be;
    }
    return eligible;
}

/* What ip_autobind_reuse allows is tried only if nothing else is left. */
struct range_ruling rules_range(enum port_call call, const struct claim *claim,
                                const struct occupant *occupants, size_t count, bool *ports) {
    struct claim strict = *claim;
    strict.autobind_reuse = false;
    unsigned eligible = count_eligible(call, &strict, occupants, count, ports);
    if (eligible == 0 && claim->autobind_reuse)
        eligible = count_eligible(call, claim, occupants, count, ports);
    if (eligible > 0)
        return (struct range_ruling){eligible, 0, RULE_FREE};
    return call == CALL_CONNECT ? (struct range_ruling){0, EADDRNOTAVAIL, RULE_EPHEMERAL_EXHAUSTION}
                                : (struct range_ruling){0, EADDRINUSE, RULE_EPHEMERAL_BIND};
}

/* --- what the kernel remembers --- */

void rules_remember(struct port_history *history, const struct claim *claim) {
    bool first = !history->used;
    if (!claim->reuseport)
        history->reuseport = false;
    else if (!like_last(history, claim)) {
        history->reuseport = true;
        history->local = claim->local;
        history->v6only = claim->v6only;
        history->uid = claim->uid;
        history->any_address = first;
    }
    history->reuseaddr = claim->reuseaddr && (first || history->reuseaddr);
    history->quirks = claim->quirks;
    history->used = history->bound = true;
}

void rules_remember_connect(struct port_history *history) {
    history->used = true;
}

void rules_forget(struct port_history *history, const struct occupant *left, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (history->quirks.stays_poisoned || chosen_by_connect(&left[i]) != KNOWN_YES)
            return;
    *history = (struct port_history){.used = count > 0};
}

/* --- the rules in words, in the order of enum rule; docs/bind-rules.md follows it --- */

static const struct rule_text texts[RULE_COUNT] = {
    [RULE_FREE] = {"free", "No socket has the port.", "inet_csk_get_port()"},
    [RULE_OTHER_PORT] = {"other-port",
                         "The other socket has another port, or one outside of the range.",
                         "inet_csk_get_port(), inet_csk_find_open_port()"},
    [RULE_OTHER_DEVICE] = {"other-device",
                           "Sockets bound to different devices (SO_BINDTODEVICE) never overlap.",
                           "inet_bind_conflict()"},
    [RULE_OTHER_ADDRESS] = {"other-address",
                            "Two different addresses overlap only if one of them is a wildcard.",
                            "inet_rcv_saddr_equal(), inet_bind2_bucket_match()"},
    [RULE_V6ONLY] = {"v6only",
                     "An IPv6 socket with IPV6_V6ONLY does not overlap IPv4; bind() to an IPv6 "
                     "address other than [::] sets it.",
                     "ipv6_rcv_saddr_equal(), __inet6_bind()"},
    [RULE_BOTH_REUSEADDR] = {"both-reuseaddr",
                             "Two sockets with SO_REUSEADDR share a port while the one that has it "
                             "does not listen.",
                             "inet_bind_conflict()"},
    [RULE_BOTH_REUSEPORT] = {"both-reuseport",
                             "Two sockets of one user with SO_REUSEPORT share a port; a socket in "
                             "TIME-WAIT no longer has a user.",
                             "inet_bind_conflict()"},
    [RULE_SAME_REUSEPORT] = {"same-reuseport",
                             "The kernel remembers the socket that bound or listened last. If that "
                             "had SO_REUSEPORT, the same user, and an address that covers the new "
                             "one, the kernel looks at no other socket.",
                             "sk_reuseport_match(), inet_csk_update_fastreuse()"},
    [RULE_CONNECT_SHARES] = {"connect-shares",
                             "connect() without bind() shares a port that only connect() has "
                             "chosen, if no two connections are the same.",
                             "__inet_hash_connect()"},
    [RULE_UDP_BOTH_REUSEADDR] =
        {"udp-both-reuseaddr",
         "Two UDP sockets with SO_REUSEADDR share a port, whatever they do: "
         "datagrams to one address go to the newest socket alone.",
         "udp_lib_lport_inuse()"},
    [RULE_UDP_REUSEPORT_GROUP] = {"udp-reuseport-group",
                                  "If the first UDP socket that overlaps the new one has "
                                  "SO_REUSEPORT and the same user as the new one, which has it "
                                  "too, the kernel looks at no other socket.",
                                  "udp_lib_lport_inuse(), udp_reuseport_add_sock()"},
    [RULE_ADDRESS_IN_USE] = {"address-in-use",
                             "A listener shares its address and port only if both sockets have "
                             "SO_REUSEPORT; SO_REUSEADDR does not help.",
                             "inet_bind_conflict()"},
    [RULE_WILDCARD_VS_SPECIFIC] =
        {"wildcard-vs-specific",
         "The wildcard address means every address: it overlaps the address "
         "of any listener, and a listener on it overlaps every address.",
         "inet_rcv_saddr_equal(), inet_bhash2_addr_any_conflict()"},
    [RULE_DUAL_STACK] = {"dual-stack",
                         "An IPv6 socket without IPV6_V6ONLY on [::], or one accepted there, takes "
                         "the IPv4 port too.",
                         "ipv6_rcv_saddr_equal(), ipv4_rcv_saddr_equal()"},
    [RULE_BIND_TWICE_LISTEN_ONCE] = {"bind-twice-listen-once",
                                     "listen() checks the port again: of the sockets that share "
                                     "it through SO_REUSEADDR, only one can listen.",
                                     "inet_csk_listen_start()"},
    [RULE_REUSEPORT_UID] = {"reuseport-uid",
                            "SO_REUSEPORT shares a port only among the sockets of one user.",
                            "inet_bind_conflict()"},
    [RULE_BOUND_BUT_IDLE] = {"bound-but-idle",
                             "A socket that is bound and idle keeps the port, unless both sockets "
                             "have SO_REUSEADDR, or both have SO_REUSEPORT and the same user.",
                             "inet_bind_conflict()"},
    [RULE_LIVE_CONNECTION] =
        {"live-connection",
         "A connection keeps its local port, unless both sockets have "
         "SO_REUSEADDR, or both have SO_REUSEPORT and the same user; an accepted connection "
         "has the port of its listener.",
         "inet_bind_conflict(), __inet_inherit_port()"},
    [RULE_TIME_WAIT_REBIND] = {"time-wait-rebind",
                               "A connection in TIME-WAIT keeps the port, and the options that its "
                               "socket had: to share it, both sockets need SO_REUSEADDR, "
                               "or both need SO_REUSEPORT.",
                               "inet_bind_conflict(), inet_twsk_alloc()"},
    [RULE_EPHEMERAL_BIND] = {"ephemeral-bind",
                             "bind() to port 0 takes no port on which another socket overlaps it, "
                             "whatever the options; "
                             "if none is left it fails with EADDRINUSE.",
                             "inet_csk_find_open_port()"},
    [RULE_FIXED_CLIENT_PORT] =
        {"fixed-client-port",
         "No two connections have the same addresses and ports; a connection "
         "in TIME-WAIT yields to connect() from its port if it used TCP "
         "timestamps.",
         "__inet_check_established(), tcp_twsk_unique()"},
    [RULE_EPHEMERAL_EXHAUSTION] =
        {"ephemeral-exhaustion",
         "connect() without bind() takes no port from which the same connection exists, unless "
         "tcp_tw_reuse lets it recycle TIME-WAIT; if none is left it fails with EADDRNOTAVAIL.",
         "__inet_hash_connect()"},
    [RULE_POISONED_PORT] = {"poisoned-port",
                            "connect() without bind() avoids every port on which there is a socket "
                            "whose port connect() did not choose.",
                            "__inet_hash_connect(), inet_bind_bucket_destroy()"},
    [RULE_UDP_PORT_TAKEN] =
        {"udp-port-taken",
         "Two UDP sockets whose addresses overlap share a port only if both have SO_REUSEADDR, or "
         "both have SO_REUSEPORT and the same user; it does not matter whether they are connected.",
         "udp_lib_lport_inuse()"},
};

const struct rule_text *rules_text(enum rule rule) {
    return &texts[rule < RULE_COUNT ? rule : RULE_FREE];
}

bool rules_refuses(enum rule rule) {
    return rule >= RULE_ADDRESS_IN_USE && rule < RULE_COUNT;
}
