/* The kernel walks the sockets of a port until one decides. For each there are three outcomes: the
 * walk passes on, bind() fails, or bind() succeeds at once. Where something about a socket is not
 * known, several of them are possible: the answer for the port is known if all ways through the
 * list lead to it. */
#include "model/udp.h"

#include <errno.h>
#include <sys/socket.h>

/* --- which addresses meet --- */

/* Returns whether the kernel takes the socket for one that has IPv4 too. sock_diag does not say so
 * of one that is connected. */
static enum knowledge has_ipv4(const struct occupant *occupant) {
    const struct inet_socket *socket = &occupant->socket;
    if (endpoint_is_ipv4(&socket->local))
        return KNOWN_YES;
    return socket->v6only_known ? knowledge_of(!socket->v6only) : NOT_KNOWN;
}

/* ipv4_rcv_saddr_equal(): [::] counts as 0.0.0.0; and so any IPv6 socket that is not IPv6 only
 * overlaps 0.0.0.0. */
static enum knowledge ipv4_meets(const struct endpoint *mine, const struct occupant *occupant) {
    const struct endpoint *theirs = &occupant->socket.local;
    if (endpoint_is_wildcard(mine) || endpoint_is_wildcard(theirs) ||
        endpoint_same_address(mine, theirs))
        return has_ipv4(occupant);
    return KNOWN_NO;
}

/* ipv6_rcv_saddr_equal(), which knows addresses of three types: IPv4 and mapped ones, [::], and
 * others. */
static enum knowledge ipv6_meets(const struct claim *claim, const struct occupant *occupant) {
    const struct endpoint *mine = &claim->local, *theirs = &occupant->socket.local;
    bool my_any = !endpoint_is_ipv4(mine) && endpoint_is_wildcard(mine);
    bool their_any = !endpoint_is_ipv4(theirs) && endpoint_is_wildcard(theirs);
    if (endpoint_is_ipv4(mine) && endpoint_is_ipv4(theirs))
        return ipv4_meets(mine, occupant);
    if (their_any)
        return endpoint_is_ipv4(mine) ? has_ipv4(occupant) : KNOWN_YES;
    if (my_any)
        return knowledge_of(!claim->v6only || !endpoint_is_ipv4(theirs));
    return knowledge_of(endpoint_same_address(mine, theirs));
}

static struct ruling apart(enum rule rule) {
    return (struct ruling){.rule = rule, .in_the_way = KNOWN_NO};
}

struct ruling udp_meet(const struct claim *claim, const struct occupant *occupant) {
    const struct endpoint *mine = &claim->local, *theirs = &occupant->socket.local;
    bool families = endpoint_is_ipv4(mine) != endpoint_is_ipv4(theirs);
    bool wildcard = endpoint_is_wildcard(mine), their_wildcard = endpoint_is_wildcard(theirs);
    enum knowledge meet =
        mine->family == AF_INET ? ipv4_meets(mine, occupant) : ipv6_meets(claim, occupant);
    if (meet == KNOWN_NO)
        return apart(families && (wildcard || their_wildcard) ? RULE_V6ONLY : RULE_OTHER_ADDRESS);
    return (struct ruling){.rule = families                     ? RULE_DUAL_STACK
                                   : wildcard != their_wildcard ? RULE_WILDCARD_VS_SPECIFIC
                                                                : RULE_ADDRESS_IN_USE,
                           .in_the_way = meet,
                           .unknown = meet == NOT_KNOWN ? UNKNOWN_V6ONLY : 0};
}

/* --- one socket --- */

/* What becomes of the walk at a socket. A set. */
enum outcome { PASSES = 1, REFUSES = 2, JOINS = 4 };

struct look {
    unsigned outcomes;
    struct ruling ruling;
};

static enum knowledge share(bool mine, enum knowledge theirs) {
    return mine ? theirs : KNOWN_NO;
}

/* Both families and both options may be unknown; each unknown adds an outcome. */
static struct look look_at(const struct claim *claim, const struct occupant *occupant) {
    struct ruling ruling = udp_meet(claim, occupant);
    enum knowledge reuseaddr = share(claim->reuseaddr, occupant->reuseaddr);
    enum knowledge reuseport =
        share(claim->reuseport && occupant->socket.uid == claim->uid, occupant->reuseport);
    struct look look = {0};
    if (reuseaddr == KNOWN_YES || ruling.in_the_way == KNOWN_NO) {
        look.outcomes = PASSES;
        look.ruling = ruling.in_the_way == KNOWN_NO ? ruling : apart(RULE_UDP_BOTH_REUSEADDR);
        return look;
    }
    if (reuseaddr == NOT_KNOWN || ruling.in_the_way == NOT_KNOWN)
        look.outcomes |= PASSES;
    if (reuseport != KNOWN_NO)
        look.outcomes |= JOINS;
    if (reuseport != KNOWN_YES)
        look.outcomes |= REFUSES;
    if ((look.outcomes & REFUSES) == 0) {
        look.ruling = apart(RULE_UDP_REUSEPORT_GROUP);
        return look;
    }
    look.ruling = (struct ruling){
        .rule = RULE_UDP_PORT_TAKEN,
        .in_the_way = look.outcomes == REFUSES ? KNOWN_YES : NOT_KNOWN,
        .unknown = ruling.unknown | (reuseaddr == NOT_KNOWN ? UNKNOWN_REUSEADDR : 0U) |
                   (reuseport == NOT_KNOWN ? UNKNOWN_REUSEPORT : 0U),
    };
    return look;
}

static struct look look_if_near(const struct claim *claim, const struct occupant *occupant) {
    const struct inet_socket *other = &occupant->socket;
    bool near = claim->local.port != 0 ? other->local.port == claim->local.port
                                       : other->local.port >= claim->range_low &&
                                             other->local.port <= claim->range_high;
    if (!near)
        return (struct look){PASSES, apart(RULE_OTHER_PORT)};
    if (claim->interface != 0 && other->interface != 0 && claim->interface != other->interface)
        return (struct look){PASSES, apart(RULE_OTHER_DEVICE)};
    return look_at(claim, occupant);
}

struct ruling udp_between(const struct claim *claim, const struct occupant *occupant) {
    return look_if_near(claim, occupant).ruling;
}

/* --- the port --- */

/* Follows every possible way through the list. Of the rulings that explain the answer, a refusal
 * goes before a doubt, and the first before later ones. */
struct port_ruling udp_port(const struct claim *claim, const struct occupant *occupants,
                            size_t count) {
    struct port_ruling refusal = {apart(RULE_FREE), count}, success = {apart(RULE_FREE), count};
    bool refuses = false, joins = false, passes = true;
    for (size_t i = 0; i < count && passes; i++) {
        struct look look = look_if_near(claim, &occupants[i]);
        passes = (look.outcomes & PASSES) != 0;
        if ((look.outcomes & REFUSES) != 0 &&
            (!refuses ||
             (look.ruling.in_the_way == KNOWN_YES && refusal.ruling.in_the_way == NOT_KNOWN)))
            refusal = (struct port_ruling){look.ruling, i};
        else if (look.ruling.in_the_way == KNOWN_NO && look.ruling.rule > success.ruling.rule)
            success = (struct port_ruling){look.ruling, i};
        refuses |= (look.outcomes & REFUSES) != 0;
        joins |= (look.outcomes & JOINS) != 0;
    }
    if (!refuses)
        return success;
    refusal.ruling.in_the_way = joins || passes ? NOT_KNOWN : KNOWN_YES;
    return refusal;
}

/* --- the choice of a port --- */

/* Here the kernel looks at every socket (the bitmap in udp_lib_lport_inuse()). */
static bool is_eligible(const struct claim *claim, const struct occupant *occupants, size_t count,
                        unsigned port) {
    for (size_t i = 0; i < count; i++)
        if (occupants[i].socket.local.port == port &&
            (look_if_near(claim, &occupants[i]).outcomes & REFUSES) != 0)
            return false;
    return true;
}

struct range_ruling udp_range(const struct claim *claim, const struct occupant *occupants,
                              size_t count, bool *ports) {
    unsigned eligible = 0;
    for (unsigned port = claim->range_low; port <= claim->range_high; port++) {
        bool is = is_eligible(claim, occupants, count, port);
        if (ports != NULL)
            ports[port - claim->range_low] = is;
        eligible += is;
    }
    return eligible > 0 ? (struct range_ruling){eligible, 0, RULE_FREE}
                        : (struct range_ruling){0, EADDRINUSE, RULE_UDP_PORT_TAKEN};
}
