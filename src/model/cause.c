/* Whether a socket is in the way, model/rules.h says; here is what to call it. */
#include "model/cause.h"

#include <errno.h>

static const char *const names[CAUSE_COUNT] = {
    [CAUSE_UNKNOWN] = "unknown",
    [CAUSE_ADDRESS_IN_USE] = "address-in-use",
    [CAUSE_WILDCARD_VS_SPECIFIC] = "wildcard-vs-specific",
    [CAUSE_DUAL_STACK] = "dual-stack",
    [CAUSE_BIND_TWICE_LISTEN_ONCE] = "bind-twice-listen-once",
    [CAUSE_REUSEPORT_UID] = "reuseport-uid",
    [CAUSE_REUSEPORT_ALL_OR_NONE] = "reuseport-all-or-none",
    [CAUSE_LEAKED_LISTENER] = "leaked-listener",
    [CAUSE_BOUND_BUT_IDLE] = "bound-but-idle",
    [CAUSE_LIVE_CONNECTION] = "live-connection",
    [CAUSE_SELF_CONNECT] = "self-connect",
    [CAUSE_CLOSE_WAIT_LEAK] = "close-wait-leak",
    [CAUSE_FIN_WAIT_2_ORPHAN] = "fin-wait-2-orphan",
    [CAUSE_STOLEN_PORT] = "stolen-port",
    [CAUSE_STOLEN_PORT_TIME_WAIT] = "stolen-port-time-wait",
    [CAUSE_TIME_WAIT_REBIND] = "time-wait-rebind",
    [CAUSE_TIME_WAIT_OLD_WITHOUT_REUSE] = "time-wait-old-without-reuse",
    [CAUSE_FIXED_CLIENT_PORT] = "fixed-client-port",
    [CAUSE_EPHEMERAL_EXHAUSTION] = "ephemeral-exhaustion",
    [CAUSE_EPHEMERAL_EXHAUSTION_ESTABLISHED] = "ephemeral-exhaustion-established",
    [CAUSE_POISONED_PORT] = "poisoned-port",
    [CAUSE_PORT_RANGE_PER_SOCKET] = "port-range-per-socket",
    [CAUSE_RESERVED_PORTS] = "reserved-ports",
    [CAUSE_EPHEMERAL_BIND] = "ephemeral-bind",
    [CAUSE_ADDRESS_NOT_LOCAL] = "address-not-local",
};

const char *cause_name(enum cause cause) {
    return cause < CAUSE_COUNT ? names[cause] : names[CAUSE_UNKNOWN];
}

/* --- which sockets are in the way --- */

/* Whether the kernel was to choose the port. */
static bool automatic(const struct refusal *refusal) {
    return refusal->claim.local.port == 0;
}

static bool in_range(const struct refusal *refusal, uint16_t port) {
    return port >= refusal->claim.range_low && port <= refusal->claim.range_high;
}

static struct ruling ruling_on(const struct refusal *refusal, const struct occupant *occupant) {
    return rules_between(refusal->call, &refusal->claim, occupant);
}

/* What is doubtful counts: the kernel has refused, so something was in the way. Not so where a
 * surer one is to be expected: beside listen() another listener, in the range of a connect() that
 * found no port those that are surely in the way. */
bool cause_in_the_way(const struct refusal *refusal, const struct occupant *occupant) {
    enum knowledge in_the_way = ruling_on(refusal, occupant).in_the_way;
    if (refusal->error == EADDRNOTAVAIL && refusal->call == CALL_BIND)
        return false;
    if (in_the_way != NOT_KNOWN)
        return in_the_way == KNOWN_YES;
    if (refusal->call == CALL_LISTEN)
        return occupant->socket.state == STATE_LISTEN;
    return refusal->call != CALL_CONNECT || !automatic(refusal);
}

bool cause_by_elimination(const struct refusal *refusal, const struct occupant *occupant) {
    return refusal->call == CALL_CONNECT && automatic(refusal) &&
           in_range(refusal, occupant->socket.local.port);
}

struct diag_query cause_query(const struct refusal *refusal) {
    struct diag_query query = sockdiag_query(STATES_ANY);
    if (!automatic(refusal))
        query.local = (struct endpoint_pattern){.any_address = true,
                                                .endpoint = {.port = refusal->claim.local.port}};
    return query;
}

/* --- what to call it --- */

/* A listener on the very address. */
static struct blame same_listener_blame(const struct refusal *refusal,
                                        const struct occupant *occupant) {
    enum knowledge mine = knowledge_of(refusal->claim.reuseport);
    if (occupant->inherited == KNOWN_YES)
        return (struct blame){CAUSE_LEAKED_LISTENER, 9,
                              "a process that inherited this listener still has it open, though "
                              "the one that made it has closed it or ended: the port is free when "
                              "the last copy is closed"};
    if (occupant->reuseport != NOT_KNOWN && occupant->reuseport != mine)
        return (struct blame){CAUSE_REUSEPORT_ALL_OR_NONE, 9,
                              "one of the two sockets has SO_REUSEPORT, the other has not: it "
                              "shares a port only among sockets that all set it before bind()"};
    return (struct blame){CAUSE_ADDRESS_IN_USE, 9,
                          "another socket listens there, and SO_REUSEADDR does not share a port "
                          "with a listener: stop it, or take another port or address"};
}

static struct blame listener_blame(const struct refusal *refusal, const struct occupant *occupant) {
    switch (ruling_on(refusal, occupant).rule) {
    case RULE_BIND_TWICE_LISTEN_ONCE:
        return (struct blame){
            CAUSE_BIND_TWICE_LISTEN_ONCE, 9,
            "both sockets could bind, as both have SO_REUSEADDR, but only one may "
            "listen; SO_REUSEPORT on both lets both listen"};
    case RULE_DUAL_STACK:
        return (struct blame){CAUSE_DUAL_STACK, 9,
                              "an IPv6 socket on [::] takes the IPv4 port too, unless it sets "
                              "IPV6_V6ONLY before bind()"};
    case RULE_WILDCARD_VS_SPECIFIC:
        if (endpoint_is_wildcard(&occupant->socket.local))
            return (struct blame){
                CAUSE_WILDCARD_VS_SPECIFIC, 9,
                "a listener on the wildcard address has the port on every address, and "
                "SO_REUSEADDR does not share a port with a listener"};
        return (struct blame){
            CAUSE_WILDCARD_VS_SPECIFIC, 9,
            "the wildcard address means every address, and on one of them another "
            "socket listens; SO_REUSEADDR does not share a port with a listener"};
    default:
        return same_listener_blame(refusal, occupant);
    }
}

/* An outgoing connection, to which the kernel gave a port of the ephemeral range. */
static bool stole_port(const struct refusal *refusal, const struct occupant *occupant) {
    return occupant->outgoing == KNOWN_YES && occupant->bound != KNOWN_YES &&
           in_range(refusal, occupant->socket.local.port);
}

static struct blame time_wait_blame(const struct refusal *refusal,
                                    const struct occupant *occupant) {
    if (endpoint_equal(&occupant->socket.local, &occupant->socket.remote))
        return (struct blame){CAUSE_SELF_CONNECT, 1,
                              "a client was connected to itself on this port, as nobody listened "
                              "there, and has left it in TIME-WAIT"};
    if (occupant->outgoing == KNOWN_YES && occupant->bound == KNOWN_YES)
        return (struct blame){CAUSE_FIXED_CLIENT_PORT, 1,
                              "an earlier connection from this local port is in TIME-WAIT; bind() "
                              "needs SO_REUSEADDR on both the old and the new socket"};
    if (stole_port(refusal, occupant))
        return (struct blame){
            CAUSE_STOLEN_PORT_TIME_WAIT, 1,
            "an outgoing connection had taken this port from the ephemeral range, "
            "and is in TIME-WAIT now"};
    if (refusal->claim.reuseaddr && occupant->reuseaddr == KNOWN_NO)
        return (struct blame){CAUSE_TIME_WAIT_OLD_WITHOUT_REUSE, 1,
                              "a closed connection in TIME-WAIT keeps the port for up to 60 s; its "
                              "socket had no SO_REUSEADDR, so that of the new one alone does not "
                              "help"};
    return (struct blame){CAUSE_TIME_WAIT_REBIND, 1,
                          "a closed connection in TIME-WAIT keeps the port for up to 60 s, unless "
                          "SO_REUSEADDR is set on both the old and the new socket"};
}

static struct blame connection_blame(const struct refusal *refusal,
                                     const struct occupant *occupant) {
    enum tcp_state state = occupant->socket.state;
    if (endpoint_equal(&occupant->socket.local, &occupant->socket.remote))
        return (struct blame){CAUSE_SELF_CONNECT, 4,
                              "a client that connected to this port while nobody listened got the "
                              "same port for itself, and so is connected to itself"};
    if (occupant->outgoing == KNOWN_YES && occupant->bound == KNOWN_YES)
        return (struct blame){CAUSE_FIXED_CLIENT_PORT, 3,
                              "an earlier connection from this local port is not closed yet"};
    if (stole_port(refusal, occupant))
        return (struct blame){CAUSE_STOLEN_PORT, 4,
                              "an outgoing connection has this port from the ephemeral range; keep "
                              "it out with ip_local_reserved_ports"};
    if (state == STATE_CLOSE_WAIT)
        return (struct blame){CAUSE_CLOSE_WAIT_LEAK, 3,
                              "a connection whose peer has closed was never closed on this side "
                              "(CLOSE-WAIT), and keeps the port"};
    if ((state == STATE_FIN_WAIT_1 || state == STATE_FIN_WAIT_2) && occupant->socket.inode == 0)
        return (struct blame){CAUSE_FIN_WAIT_2_ORPHAN, 2,
                              "a connection closed on this side waits for its peer to close, and "
                              "keeps the port for up to tcp_fin_timeout"};
    return (struct blame){CAUSE_LIVE_CONNECTION, 3,
                          "a connection that has this port is still open; SO_REUSEADDR on both the "
                          "old and the new socket lets a new listener start beside it"};
}

/* Whether neither side, or the peer alone, has closed the connection. */
static bool is_open(enum tcp_state state) {
    return state == STATE_ESTABLISHED || state == STATE_CLOSE_WAIT || state == STATE_SYN_SENT ||
           state == STATE_SYN_RECEIVED;
}

/* connect() that was to choose a port. */
static struct blame autoconnect_blame(const struct refusal *refusal,
                                      const struct occupant *occupant) {
    if (ruling_on(refusal, occupant).rule == RULE_POISONED_PORT)
        return (struct blame){CAUSE_POISONED_PORT, 1,
                              "ports of the ephemeral range belong to sockets that were bound, to "
                              "a number or to port 0: connect() does not choose such a port, "
                              "whatever the destination"};
    if (is_open(occupant->socket.state))
        return (struct blame){
            CAUSE_EPHEMERAL_EXHAUSTION_ESTABLISHED, 1,
            "every port of the ephemeral range is taken towards this destination, "
            "by connections that are open"};
    return (struct blame){CAUSE_EPHEMERAL_EXHAUSTION, 1,
                          "every port of the ephemeral range is taken towards this destination"};
}

static struct blame connect_blame(const struct occupant *occupant) {
    if (occupant->socket.state == STATE_TIME_WAIT)
        return (struct blame){
            CAUSE_FIXED_CLIENT_PORT, 1,
            "the same connection (addresses and ports) is still in TIME-WAIT, and "
            "cannot be reused now"};
    return (struct blame){CAUSE_FIXED_CLIENT_PORT, 2,
                          "the same connection (addresses and ports) exists already"};
}

static struct blame own_range_full(void) {
    return (struct blame){CAUSE_PORT_RANGE_PER_SOCKET, 1,
                          "every port of the socket's own range (IP_LOCAL_PORT_RANGE) is taken; "
                          "sockets without it have a wider one"};
}

static struct blame range_full(void) {
    return (struct blame){CAUSE_EPHEMERAL_BIND, 1,
                          "bind() to port 0 found every port of the ephemeral range in use on this "
                          "address"};
}

static struct blame uid_blame(const struct occupant *occupant) {
    return (struct blame){CAUSE_REUSEPORT_UID, occupant->socket.state == STATE_LISTEN ? 9 : 5,
                          "both sockets have SO_REUSEPORT, but they are of two users: it shares a "
                          "port among sockets of one user only"};
}

static struct blame none_to_choose(void) {
    return (struct blame){CAUSE_RESERVED_PORTS, 1,
                          "all ports that the kernel may choose from are in "
                          "ip_local_reserved_ports"};
}

struct blame cause_blame(const struct refusal *refusal, const struct occupant *occupant) {
    if (automatic(refusal) && refusal->all_reserved)
        return none_to_choose();
    if (automatic(refusal) && refusal->own_range)
        return own_range_full();
    if (refusal->call == CALL_CONNECT)
        return automatic(refusal) ? autoconnect_blame(refusal, occupant) : connect_blame(occupant);
    if (automatic(refusal))
        return range_full();
    if (ruling_on(refusal, occupant).rule == RULE_REUSEPORT_UID)
        return uid_blame(occupant);
    switch (occupant->socket.state) {
    case STATE_LISTEN:
        return listener_blame(refusal, occupant);
    case STATE_TIME_WAIT:
        return time_wait_blame(refusal, occupant);
    case STATE_BOUND:
        return (struct blame){CAUSE_BOUND_BUT_IDLE, 5,
                              "a socket is bound to the port and does nothing with it; many tools "
                              "do not show such a socket"};
    default:
        return connection_blame(refusal, occupant);
    }
}

struct blame cause_without_occupant(const struct refusal *refusal, bool sees_bound) {
    if (refusal->call == CALL_BIND && refusal->error == EADDRNOTAVAIL)
        return (struct blame){CAUSE_ADDRESS_NOT_LOCAL, 0,
                              "no interface of this network namespace has this address"};
    if (automatic(refusal) && refusal->all_reserved)
        return none_to_choose();
    if (automatic(refusal) && refusal->call == CALL_CONNECT)
        return (struct blame){CAUSE_EPHEMERAL_EXHAUSTION, 0,
                              "no port of the ephemeral range could be taken"};
    if (automatic(refusal))
        return range_full();
    if (!sees_bound)
        return (struct blame){CAUSE_UNKNOWN, 0,
                              "no socket in the way can be seen; this kernel does not list sockets "
                              "that are bound and idle (Linux 6.8 does)"};
    return (struct blame){CAUSE_UNKNOWN, 0, "no socket in the way can be seen"};
}
