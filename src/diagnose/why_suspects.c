/* The kernel lists the sockets in the way; the trials say something about their options; the
 * owners' descriptors say the rest. */
#include "diagnose/why_suspects.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/examine.h"
#include "kernel/netdev.h"
#include "kernel/netns.h"
#include "kernel/sockets.h"

/* --- what is known of one socket --- */

unsigned why_asked_options(const struct why_question *asked) {
    return (asked->reuseaddr ? WHY_REUSEADDR : 0U) | (asked->reuseport ? WHY_REUSEPORT : 0U);
}

/* Of a question about SO_REUSEPORT alone: a trial with both options would answer it by itself.
 * Where that succeeds, beside a socket that has only SO_REUSEADDR, the kernel lets SO_REUSEPORT
 * alone in from then on (inet_csk_update_fastreuse() in net/ipv4/inet_connection_sock.c). */
bool why_asks_reuseport_alone(const struct why_question *asked) {
    return asked->reuseport && !asked->reuseaddr;
}

unsigned why_first_options(const struct why_question *asked) {
    bool only_asked = asked->protocol == PROTOCOL_UDP || why_asks_reuseport_alone(asked);
    return why_asked_options(asked) | (only_asked ? 0U : WHY_REUSEADDR);
}

struct refusal why_refusal(const struct why *why) {
    const struct why_question *asked = &why->asked;
    bool is_connect = why->call != NULL && strcmp(why->call, "connect") == 0;
    bool is_listen = why->call != NULL && strcmp(why->call, "listen") == 0;
    bool own_range = asked->range_low != 0 || asked->range_high != 0;
    struct port_range range = port_range_narrow(&why->range, asked->range_low, asked->range_high);
    struct endpoint local = is_connect && why->client.from.family != 0 ? why->client.from
                            : asked->local.family != 0                 ? asked->local
                                                       : endpoint_wildcard(asked->remote.family, 0);
    bool is_udp = asked->protocol == PROTOCOL_UDP;
    uint32_t interface = netdev_index(asked->device);
    /* inet6_bind() binds a socket with a link-local address to the device of its zone. */
    if (interface == 0)
        interface = netdev_index(asked->zone);
    return (struct refusal){
        .call = is_connect && !is_udp ? CALL_CONNECT
                : is_listen           ? CALL_LISTEN
                                      : CALL_BIND,
        .error = !is_connect ? why->error
                 : is_udp    ? EADDRINUSE
                             : EADDRNOTAVAIL,
        .no_range = why->range.high == 0,
        .all_reserved = port_range_size(&range) == 0,
        .own_range = own_range,
        .assume_reuseaddr = true,
        .claim = {.protocol = asked->protocol,
                  .local = local,
                  .remote = why->client.to.family != 0 ? why->client.to : asked->remote,
                  .interface = interface,
                  .reuseaddr = asked->reuseaddr && !why->needs_reuseaddr && !why->shared,
                  .reuseport = asked->reuseport && !why->shared,
                  .v6only = asked->v6only,
                  .tw_reuse = why->client.reuses,
                  .uid = asked->other_user ? asked->uid : (uint32_t)geteuid(),
                  .range_low = range.low,
                  .range_high = range.high}};
}

/* Nothing in TIME-WAIT shows who opened the connection; but a port of our range towards one outside
 * of it was most likely chosen by connect(), and the other way round. */
static enum knowledge outgoing(const struct why *why, const struct inet_socket *socket) {
    if (socket->opener != OPENER_NOT_KNOWN)
        return knowledge_of(socket->opener == OPENED_HERE);
    bool ours = port_range_has(&why->range, socket->local.port);
    bool theirs = port_range_has(&why->range, socket->remote.port);
    return socket->state != STATE_TIME_WAIT || ours == theirs ? NOT_KNOWN : knowledge_of(ours);
}

static bool was_tried(const struct why *why, unsigned options) {
    return (why->tried & 1U << options) != 0;
}

/* If a trial with the option succeeded, all sockets in the way of one without it have it. If it did
 * not, one of them lacks it; so it does where one with both options failed. */
static enum knowledge by_trial(const struct why *why, unsigned option) {
    const unsigned both = WHY_REUSEADDR | WHY_REUSEPORT;
    int error = why->trials[option].error;
    if (!was_tried(why, option))
        return was_tried(why, both) && why->trials[both].error == EADDRINUSE ? KNOWN_NO : NOT_KNOWN;
    return error == 0 ? KNOWN_YES : error == EADDRINUSE ? KNOWN_NO : NOT_KNOWN;
}

/* Returns whether the socket is an earlier connection of a client that always uses these two ends.
 */
static bool is_earlier_one(const struct why *why, const struct inet_socket *socket) {
    const struct why_question *asked = &why->asked;
    struct endpoint local = socket->local;
    if (asked->remote.family == 0 || asked->local.family == 0)
        return false;
    if (endpoint_is_wildcard(&asked->local))
        local = endpoint_wildcard(asked->local.family, local.port);
    return endpoint_equal(&local, &asked->local) && endpoint_equal(&socket->remote, &asked->remote);
}

void why_describe(const struct why *why, struct occupant *occupant) {
    occupant->outgoing = outgoing(why, &occupant->socket);
    if (is_earlier_one(why, &occupant->socket))
        occupant->outgoing = occupant->bound = KNOWN_YES;
    if (occupant->socket.state == STATE_TIME_WAIT)
        occupant->reuseaddr = by_trial(why, WHY_REUSEADDR);
}

struct look {
    struct why *why;
    struct refusal refusal;
    int diag;
};

static void identify(void *context, struct suspect *suspect) {
    struct look *look = context;
    const struct inet_socket *socket = &suspect->occupant.socket;
    why_describe(look->why, &suspect->occupant);
    if (socket->state == STATE_TIME_WAIT && socket->expires_ms > look->why->time_left_ms &&
        cause_in_the_way(&look->refusal, &suspect->occupant))
        look->why->time_left_ms = socket->expires_ms;
}

/* --- the cause --- */

void why_fail(struct why *why, int error, const char *failure) {
    why->verdict = WHY_UNKNOWN;
    why->error = error;
    why->failure = failure;
}

void why_blame(struct why *why, enum cause cause, unsigned when) {
    why->cause = cause;
    why->when = when;
    why->words = cause_sentence(cause, when);
}

void why_drop_suspects(struct why *why) {
    why->evidence = (struct evidence){.cause = CAUSE_UNKNOWN};
    why->needs_reuseaddr = why->shared = false;
    why->time_left_ms = 0;
    why->words = NULL;
    if (why->verdict == WHY_REFUSED)
        why_blame(why, CAUSE_UNKNOWN, WHEN_NO_OCCUPANT);
}

static bool is_complete(enum owners_search search) {
    return search == OWNERS_SEARCHED || search == OWNERS_IN_FLIGHT;
}

void why_name(struct why *why) {
    const struct evidence *evidence = &why->evidence;
    const struct suspect *first = &evidence->suspects[0];
    why->cause = evidence->cause;
    why->words = evidence->words;
    why->when = evidence->suspect_count > 0 ? first->blame.when : WHEN_NO_OCCUPANT;
    if (evidence->automatic || evidence->suspect_count == 0 || first->occupant.socket.inode == 0)
        return;
    if (first->occupant.socket.state == STATE_LISTEN && first->server.shape == SERVER_LEAK)
        why_blame(why, CAUSE_LEAKED_LISTENER, WHEN_ALWAYS);
    else if (first->owners.count == 0 && why->holder.kind != HOLDER_NONE)
        why_blame(why, CAUSE_KERNEL_SOCKET, WHEN_ALWAYS);
    else if (first->owners.count == 0 && is_complete(first->owners.search) && !why->changed)
        why_blame(why, CAUSE_HELD_BY_NO_PROCESS, WHEN_ALWAYS);
}

/* A socket of which no process is known can be one of the kernel's own. */
static void find_holder(struct why *why) {
    const struct suspect *first = &why->evidence.suspects[0];
    const struct inet_socket *socket = &first->occupant.socket;
    bool listens = socket->state == STATE_LISTEN ||
                   (socket->protocol == PROTOCOL_UDP && socket->state == STATE_CLOSED);
    if (!why->evidence.automatic && why->evidence.suspect_count > 0 && first->owners.count == 0 &&
        listens)
        why->holder = holder_find(socket->protocol == PROTOCOL_UDP, &socket->local);
}

/* What was listed in this look: asked by port alone, the same question is asked for each address.
 */
static struct sockets_memory listed;

struct sockets_memory *why_listed(void) {
    return &listed;
}

void why_forget(void) {
    owners_forget();
    sockets_forget(&listed);
}

void why_find_suspects(struct why *why) {
    enum { CONNECTIONS_MOST = 64 };
    struct look look = {.why = why, .refusal = why_refusal(why), .diag = sockdiag_open(NETNS_HERE)};
    struct candidates candidates = {0};
    struct evidence_source source = {.diag = look.diag,
                                     .diag_error = look.diag < 0 ? errno : 0,
                                     .own_inode = why->own_inode,
                                     .connections_most = CONNECTIONS_MOST,
                                     .memory = &listed,
                                     .identify = identify,
                                     .context = &look,
                                     .keep = candidates_add,
                                     .kept = &candidates};
    evidence_look(&source, &look.refusal, &why->evidence);
    if (why->evidence.automatic) {
        why->unseen = why_range_look(&look.refusal, &candidates, &why->evidence, &why->holders);
    } else if (candidates.count > 0) {
        why->unseen = examine_candidates(&source, &look.refusal, &candidates, &why->evidence);
        rest_find(&look.refusal, &candidates, &why->evidence, &why->rest);
    }
    for (unsigned i = 0; i < why->evidence.suspect_count; i++) {
        struct suspect *suspect = &why->evidence.suspects[i];
        if (suspect->occupant.socket.interface != 0)
            if_indextoname(suspect->occupant.socket.interface, suspect->device);
    }
    find_holder(why);
    why_name(why);
    if (why->evidence.error != 0 && why->evidence.total == 0)
        why_fail(why, why->evidence.error, "listing the sockets in the way");
    free(candidates.list);
    if (look.diag >= 0)
        close(look.diag);
}

void why_explain_without_socket(struct why *why) {
    uint16_t port = why->asked.local.port;
    if (why->error == EADDRNOTAVAIL)
        why_blame(why,
                  netdev_is_tentative(NETNS_HERE, &why->asked.local) ? CAUSE_ADDRESS_TENTATIVE
                                                                     : CAUSE_ADDRESS_NOT_LOCAL,
                  WHEN_NO_OCCUPANT);
    else if (why->error == EACCES && port != 0 && port < why->privileged_below)
        why_blame(why, CAUSE_PRIVILEGED_PORT, WHEN_NO_OCCUPANT);
    else
        why_blame(why, CAUSE_NOT_PERMITTED, WHEN_NO_OCCUPANT);
}
