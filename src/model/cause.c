/* From what is known about a refused call and another socket to a cause: model/rules.h decides
 * whether the socket is in the way; from its state, and what else is known of it, follows the
 * cause. What is said about each cause is in cause_table.c. */
#include "model/cause.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "model/udp.h"

const struct cause_row *cause_row(enum cause cause) {
    return &cause_table[cause < CAUSE_COUNT ? cause : CAUSE_UNKNOWN];
}

bool cause_remedy_is(const struct cause_remedy *remedy) {
    return remedy->kind != REMEDY_NOTE || remedy->text != NULL;
}

const char *cause_name(enum cause cause) {
    return cause_row(cause)->name;
}

enum cause cause_named(const char *name) {
    enum cause cause = 0;
    while (cause < CAUSE_COUNT && strcmp(cause_table[cause].name, name) != 0)
        cause++;
    return cause;
}

const char *cause_near(const char *name) {
    struct suggestion nearest = suggest_begin(name);
    for (enum cause cause = 0; cause < CAUSE_COUNT; cause++)
        suggest_offer(&nearest, cause_table[cause].name);
    return nearest.word;
}

const char *cause_sentence(enum cause cause, unsigned when) {
    const struct cause_sentence *sentence = cause_row(cause)->sentences;
    while ((sentence->when & ~when) != 0)
        sentence++; /* the last one holds always */
    return sentence->text;
}

/* --- which sockets are in the way --- */

/* Returns whether the kernel was asked to choose the port. */
static bool automatic(const struct refusal *refusal) {
    return refusal->claim.local.port == 0;
}

static bool in_range(const struct refusal *refusal, uint16_t port) {
    return port >= refusal->claim.range_low && port <= refusal->claim.range_high;
}

static struct ruling ruling_on(const struct refusal *refusal, const struct occupant *occupant) {
    return refusal->claim.protocol == PROTOCOL_UDP
               ? udp_between(&refusal->claim, occupant)
               : rules_between(refusal->call, &refusal->claim, occupant);
}

enum knowledge cause_ruling(const struct refusal *refusal, const struct occupant *occupant) {
    return ruling_on(refusal, occupant).in_the_way;
}

/* What is doubtful counts: the kernel has refused, so something was in the way. But not where a
 * more certain one must exist: another listener beside listen(); in the range of a connect()
 * that found no port, those that are certainly in the way. */
bool cause_in_the_way(const struct refusal *refusal, const struct occupant *occupant) {
    enum knowledge in_the_way = cause_ruling(refusal, occupant);
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

/* --- what to call it --- */

static enum cause listener_cause(const struct refusal *refusal, const struct occupant *occupant) {
    enum knowledge mine = knowledge_of(refusal->claim.reuseport);
    switch (ruling_on(refusal, occupant).rule) {
    case RULE_BIND_TWICE_LISTEN_ONCE:
        return CAUSE_BIND_TWICE_LISTEN_ONCE;
    case RULE_DUAL_STACK:
        return CAUSE_DUAL_STACK;
    case RULE_WILDCARD_VS_SPECIFIC:
        return CAUSE_WILDCARD_VS_SPECIFIC;
    default: /* a listener on the same address */
        if (occupant->inherited == KNOWN_YES)
            return CAUSE_LEAKED_LISTENER;
        return occupant->reuseport != NOT_KNOWN && occupant->reuseport != mine
                   ? CAUSE_REUSEPORT_ALL_OR_NONE
                   : CAUSE_ADDRESS_IN_USE;
    }
}

/* A connection that its process has closed: how far that has come. */
static enum cause orphan_cause(enum tcp_state state) {
    switch (state) {
    case STATE_FIN_WAIT_1:
    case STATE_CLOSING: /* the peer has closed too, in the same moment */
        return CAUSE_FIN_WAIT_1_ORPHAN;
    case STATE_LAST_ACK:
        return CAUSE_LAST_ACK_ORPHAN;
    case STATE_FIN_WAIT_2:
        return CAUSE_FIN_WAIT_2_ORPHAN;
    default:
        return CAUSE_LIVE_CONNECTION;
    }
}

/* A connection, or what is left of it in TIME-WAIT. */
static enum cause connection_cause(const struct refusal *refusal, const struct occupant *occupant) {
    const struct inet_socket *socket = &occupant->socket;
    enum tcp_state state = socket->state;
    bool reuseaddr = refusal->claim.reuseaddr || refusal->assume_reuseaddr;
    if (endpoint_equal(&socket->local, &socket->remote))
        return CAUSE_SELF_CONNECT;
    if (occupant->outgoing == KNOWN_YES && occupant->bound == KNOWN_YES)
        return CAUSE_FIXED_CLIENT_PORT;
    if (occupant->outgoing == KNOWN_YES && in_range(refusal, socket->local.port))
        return state == STATE_TIME_WAIT ? CAUSE_STOLEN_PORT_TIME_WAIT : CAUSE_STOLEN_PORT;
    if (state == STATE_TIME_WAIT)
        return reuseaddr && occupant->reuseaddr == KNOWN_NO ? CAUSE_TIME_WAIT_OLD_WITHOUT_REUSE
                                                            : CAUSE_TIME_WAIT_REBIND;
    if (state == STATE_CLOSE_WAIT)
        return CAUSE_CLOSE_WAIT_LEAK;
    return socket->inode == 0 ? orphan_cause(state) : CAUSE_LIVE_CONNECTION;
}

/* bind() and listen() on a given port. */
static enum cause port_cause(const struct refusal *refusal, const struct occupant *occupant) {
    if (ruling_on(refusal, occupant).rule == RULE_REUSEPORT_UID)
        return CAUSE_REUSEPORT_UID;
    switch (occupant->socket.state) {
    case STATE_LISTEN:
        return listener_cause(refusal, occupant);
    case STATE_BOUND:
        return CAUSE_BOUND_BUT_IDLE;
    default:
        return connection_cause(refusal, occupant);
    }
}

/* The kernel was to choose a port. A connection is open while neither side has closed it. */
static enum cause range_cause(const struct refusal *refusal, const struct occupant *occupant) {
    enum tcp_state state = occupant->socket.state;
    bool is_open =
        state == STATE_ESTABLISHED || state == STATE_SYN_SENT || state == STATE_SYN_RECEIVED;
    if (refusal->all_reserved)
        return CAUSE_RESERVED_PORTS;
    if (refusal->own_range)
        return CAUSE_PORT_RANGE_PER_SOCKET;
    if (refusal->call != CALL_CONNECT)
        return CAUSE_EPHEMERAL_BIND;
    if (ruling_on(refusal, occupant).rule == RULE_POISONED_PORT)
        return CAUSE_POISONED_PORT;
    if (state == STATE_CLOSE_WAIT)
        return CAUSE_CLOSE_WAIT_LEAK;
    if (state == STATE_FIN_WAIT_2 && occupant->socket.inode == 0 && !refusal->moving)
        return CAUSE_FIN_WAIT_2_ORPHAN;
    return is_open ? CAUSE_EPHEMERAL_EXHAUSTION_ESTABLISHED : CAUSE_EPHEMERAL_EXHAUSTION;
}

/* A UDP socket that is connected is less in the way than a server. */
static struct blame udp_blame(const struct refusal *refusal, const struct occupant *occupant) {
    bool families = udp_meet(&refusal->claim, occupant).rule == RULE_DUAL_STACK;
    bool users = refusal->claim.reuseport && occupant->reuseport == KNOWN_YES &&
                 occupant->socket.uid != refusal->claim.uid;
    unsigned when = (endpoint_is_wildcard(&occupant->socket.local) ? WHEN_OCCUPANT_WILDCARD : 0U) |
                    (endpoint_is_wildcard(&refusal->claim.local) ? WHEN_CLAIM_WILDCARD : 0U) |
                    (families ? WHEN_FAMILIES : 0U) | (users ? WHEN_OTHER_USER : 0U);
    if (automatic(refusal))
        return (struct blame){CAUSE_EPHEMERAL_BIND, 1, when | WHEN_UDP};
    return (struct blame){CAUSE_UDP_PORT_TAKEN,
                          occupant->socket.state == STATE_CLOSED ? LISTENER_WEIGHT : BOUND_WEIGHT,
                          when};
}

struct blame cause_blame(const struct refusal *refusal, const struct occupant *occupant) {
    enum tcp_state state = occupant->socket.state;
    if (refusal->claim.protocol == PROTOCOL_UDP)
        return udp_blame(refusal, occupant);
    enum cause cause = automatic(refusal)              ? range_cause(refusal, occupant)
                       : refusal->call == CALL_CONNECT ? CAUSE_FIXED_CLIENT_PORT
                                                       : port_cause(refusal, occupant);
    unsigned weight = automatic(refusal)         ? 1
                      : state == STATE_LISTEN    ? LISTENER_WEIGHT
                      : state == STATE_TIME_WAIT ? TIME_WAIT_WEIGHT
                                                 : cause_row(cause)->weight;
    unsigned when =
        (endpoint_is_wildcard(&occupant->socket.local) ? WHEN_OCCUPANT_WILDCARD : 0) |
        (state == STATE_TIME_WAIT ? WHEN_TIME_WAIT : 0) |
        (refusal->call == CALL_CONNECT ? WHEN_CONNECT : 0) |
        (occupant->socket.probing ? WHEN_UNREAD : 0) |
        (refusal->claim.reuseaddr && occupant->reuseaddr == KNOWN_YES ? WHEN_BOTH_REUSEADDR : 0);
    return (struct blame){cause, weight, when};
}

struct blame cause_without_occupant(const struct refusal *refusal, bool lists_bound) {
    unsigned when = WHEN_NO_OCCUPANT | (lists_bound ? 0 : WHEN_BOUND_UNLISTED);
    if (refusal->call == CALL_BIND && refusal->error == EADDRNOTAVAIL)
        return (struct blame){CAUSE_ADDRESS_NOT_LOCAL, 0, when};
    if (automatic(refusal) && refusal->all_reserved)
        return (struct blame){CAUSE_RESERVED_PORTS, 0, when};
    if (automatic(refusal) && refusal->claim.protocol == PROTOCOL_UDP)
        return (struct blame){CAUSE_EPHEMERAL_BIND, 0, when | WHEN_UDP};
    if (automatic(refusal))
        return (struct blame){refusal->call == CALL_CONNECT ? CAUSE_EPHEMERAL_EXHAUSTION
                                                            : CAUSE_EPHEMERAL_BIND,
                              0, when};
    return (struct blame){CAUSE_UNKNOWN, 0, when};
}
