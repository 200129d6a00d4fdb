/* The sockets in the way. sock_diag lists them; the trials say something about the options of those
 * that are in the way; /proc shows who owns them, and the owners' own descriptors show their
 * options. With all that the suspects are weighed again, and the heaviest is blamed. */
#include "diagnose/why_suspects.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/process.h"
#include "kernel/socket.h"

struct refusal why_suspects_refusal(const struct why *why) {
    const struct why_question *asked = &why->asked;
    bool is_connect = why->call != NULL && strcmp(why->call, "connect") == 0;
    struct endpoint local =
        asked->local.family != 0 ? asked->local : endpoint_wildcard(asked->remote.family, 0);
    return (struct refusal){.call = is_connect ? CALL_CONNECT : CALL_BIND,
                            .error = why->error,
                            .all_reserved = port_range_size(&why->range) == 0,
                            .assume_reuseaddr = true,
                            .claim = {.local = local,
                                      .remote = asked->remote,
                                      .reuseaddr = asked->reuseaddr,
                                      .reuseport = asked->reuseport,
                                      .v6only = asked->v6only,
                                      .uid = asked->other_user ? asked->uid : (uint32_t)geteuid(),
                                      .range_low = why->range.low,
                                      .range_high = why->range.high}};
}

/* --- what is known of one socket --- */

/* Nothing in TIME-WAIT shows who opened the connection; but a port of our range towards one outside
 * of it was most likely chosen by connect(), and the other way round. */
static enum knowledge outgoing(const struct why *why, const struct tcp_socket *socket) {
    if (socket->opener != OPENER_NOT_KNOWN)
        return knowledge_of(socket->opener == OPENED_HERE);
    bool ours = port_range_has(&why->range, socket->local.port);
    bool theirs = port_range_has(&why->range, socket->remote.port);
    return socket->state != STATE_TIME_WAIT || ours == theirs ? NOT_KNOWN : knowledge_of(ours);
}

/* If a trial with the option succeeded, all sockets in the way of one without it have it. If it did
 * not, one of them lacks it. */
static enum knowledge by_trial(const struct why *why, unsigned option) {
    int error = why->trials[option].error;
    return error == 0 ? KNOWN_YES : error == EADDRINUSE ? KNOWN_NO : NOT_KNOWN;
}

void why_suspects_describe(const struct why *why, struct occupant *occupant) {
    occupant->outgoing = outgoing(why, &occupant->socket);
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
    const struct tcp_socket *socket = &suspect->occupant.socket;
    why_suspects_describe(look->why, &suspect->occupant);
    if (socket->state == STATE_TIME_WAIT && socket->expires_ms > look->why->time_left_ms &&
        cause_in_the_way(&look->refusal, &suspect->occupant))
        look->why->time_left_ms = socket->expires_ms;
}

/* Reads the options of the socket from the first of its owners that allows it. */
static void borrow_options(struct suspect *suspect) {
    struct socket_view view = {0};
    for (unsigned i = 0; i < suspect->owners.known; i++) {
        const struct owner *owner = &suspect->owners.oldest[i];
        int fd = process_borrow(owner->pid, owner->fd, suspect->occupant.socket.inode);
        if (fd < 0)
            continue;
        socket_look(&view, fd);
        close(fd);
        suspect->occupant.reuseaddr = knowledge_of(view.reuseaddr);
        suspect->occupant.reuseport = knowledge_of(view.reuseport);
        return;
    }
}

static bool same_socket(const struct tcp_socket *a, const struct tcp_socket *b) {
    return memcmp(a->cookie, b->cookie, sizeof a->cookie) == 0;
}

/* Marks the suspect whose port bind() was given by number. */
static bool mark_bound(void *context, const struct tcp_socket *socket) {
    struct evidence *evidence = context;
    for (unsigned i = 0; i < evidence->suspect_count; i++)
        if (same_socket(&evidence->suspects[i].occupant.socket, socket))
            evidence->suspects[i].occupant.bound = KNOWN_YES;
    return true;
}

/* Finds out which outgoing connections got their port from the kernel. Without an outgoing one the
 * walk is saved. */
static void find_bound(const struct look *look) {
    struct evidence *evidence = &look->why->evidence;
    bool any = false;
    for (unsigned i = 0; i < evidence->suspect_count; i++)
        if (evidence->suspects[i].occupant.socket.opener == OPENED_HERE) {
            evidence->suspects[i].occupant.bound = KNOWN_NO;
            any = true;
        }
    struct diag_query query = evidence_query(&look->refusal);
    query.states &= ~(1U << STATE_BOUND | 1U << STATE_TIME_WAIT | 1U << STATE_LISTEN);
    query.asked = true;
    if (any)
        sockdiag_dump(look->diag, &query, mark_bound, evidence);
}

/* --- the cause --- */

static void name(struct why *why, enum cause cause, unsigned when) {
    why->cause = cause;
    why->words = cause_sentence(cause, when);
}

void why_suspects_name(struct why *why) {
    const struct evidence *evidence = &why->evidence;
    const struct suspect *first = &evidence->suspects[0];
    why->cause = evidence->cause;
    why->words = evidence->words;
    if (evidence->automatic || evidence->suspect_count == 0 || first->occupant.socket.inode == 0)
        return;
    if (first->occupant.socket.state == STATE_LISTEN && first->owners.count > 1)
        name(why, CAUSE_LEAKED_LISTENER, WHEN_SEVERAL_OWNERS);
    else if (first->owners.count == 0 && first->owners.search == OWNERS_SEARCHED)
        name(why, CAUSE_HELD_BY_NO_PROCESS, WHEN_ALWAYS);
}

/* Processes outside of our pid namespace are not in /proc at all. */
static void find_owners(struct why *why) {
    why->unseen = evidence_find_owners(&why->evidence);
    for (unsigned i = 0; i < why->evidence.suspect_count; i++) {
        struct suspect *suspect = &why->evidence.suspects[i];
        if (why->own_pids_only && suspect->owners.search == OWNERS_SEARCHED)
            suspect->owners.search = OWNERS_SEARCHED_IN_PART;
        borrow_options(suspect);
    }
}

void why_suspects_find(struct why *why) {
    struct look look = {
        .why = why, .refusal = why_suspects_refusal(why), .diag = sockdiag_open(NETNS_HERE)};
    struct evidence_source source = {.diag = look.diag,
                                     .diag_error = look.diag < 0 ? errno : 0,
                                     .identify = identify,
                                     .context = &look};
    evidence_look(&source, &look.refusal, &why->evidence);
    if (!why->evidence.automatic) {
        find_bound(&look);
        evidence_weigh(&why->evidence, &look.refusal);
        find_owners(why);
        evidence_weigh(&why->evidence, &look.refusal);
    }
    why_suspects_name(why);
    if (look.diag >= 0)
        close(look.diag);
}

/* --- other looks at the sockets --- */

struct recount {
    const struct tcp_socket *wanted;
    bool found;
};

static bool find_again(void *context, const struct tcp_socket *socket) {
    struct recount *recount = context;
    recount->found = same_socket(recount->wanted, socket);
    return !recount->found;
}

static bool is_there(int diag, const struct tcp_socket *socket) {
    struct tcp_socket now;
    struct recount recount = {.wanted = socket};
    struct diag_query query = sockdiag_query(1U << STATE_LISTEN);
    if (socket->state == STATE_BOUND)
        return true;
    if (socket->state != STATE_LISTEN)
        return sockdiag_find(diag, &socket->local, &socket->remote, &now) == 0 &&
               now.state == socket->state;
    query.local = (struct endpoint_pattern){.endpoint = socket->local};
    return sockdiag_dump(diag, &query, find_again, &recount) == 0 && recount.found;
}

bool why_suspects_hold(const struct why *why) {
    const struct evidence *evidence = &why->evidence;
    bool holds = true;
    int diag = sockdiag_open(NETNS_HERE);
    for (unsigned i = 0; holds && diag >= 0 && i < evidence->suspect_count; i++)
        holds = is_there(diag, &evidence->suspects[i].occupant.socket);
    if (diag >= 0)
        close(diag);
    /* A refusal that nothing visible explains may come from a socket that has gone meanwhile. */
    return holds && (why->error != EADDRINUSE || evidence->total > 0 || evidence->missing != NULL ||
                     evidence->automatic);
}

bool why_suspects_connected(const struct why *why) {
    struct tcp_socket socket;
    int diag = sockdiag_open(NETNS_HERE);
    bool connected =
        diag >= 0 && sockdiag_find(diag, &why->asked.local, &why->asked.remote, &socket) == 0;
    if (diag >= 0)
        close(diag);
    return connected;
}

static bool count_one(void *context, const struct tcp_socket *socket) {
    struct why *why = context;
    why->on_port[socket->state]++;
    return true;
}

void why_suspects_count(struct why *why) {
    struct refusal refusal = why_suspects_refusal(why);
    struct diag_query query = evidence_query(&refusal);
    query.states &= ~(1U << STATE_BOUND); /* the kernel takes longest to list these */
    int diag = sockdiag_open(NETNS_HERE);
    if (why->asked.local.port != 0 && diag >= 0)
        sockdiag_dump(diag, &query, count_one, why);
    if (diag >= 0)
        close(diag);
}
