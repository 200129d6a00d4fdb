/* What one moment shows need not be what the moment before did: a trial can be refused by a
 * listener that is closed before the sockets are listed, and a TIME-WAIT that was there all the
 * time is then left as the only suspect. So the rules of bind() (model/rules.h) are applied once
 * more, to each trial, with what is certain about the sockets alone. */
#include "diagnose/why_steady.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/errnames.h"
#include "diagnose/why_suspects.h"
#include "kernel/endings.h"
#include "kernel/netns.h"
#include "kernel/sockets.h"

/* --- do the sockets explain the answer? --- */

struct refusal why_trial_refusal(const struct why *why, unsigned options) {
    struct refusal refusal = why_refusal(why);
    refusal.call = CALL_BIND;
    refusal.error = EADDRINUSE;
    refusal.claim.local = why->asked.local;
    refusal.claim.reuseaddr = (options & WHY_REUSEADDR) != 0;
    refusal.claim.reuseport = (options & WHY_REUSEPORT) != 0;
    return refusal;
}

/* Returns whether one of the sockets found must have caused the refusal. Nobody can ask a socket in
 * TIME-WAIT for its options: what is known of them was concluded from the trials. */
static bool is_certain(const struct why *why, const struct refusal *refusal) {
    for (unsigned i = 0; i < why->evidence.suspect_count; i++) {
        struct occupant occupant = why->evidence.suspects[i].occupant;
        if (occupant.socket.state == STATE_TIME_WAIT)
            occupant.reuseaddr = occupant.reuseport = NOT_KNOWN;
        if (cause_ruling(refusal, &occupant) == KNOWN_YES)
            return true;
    }
    return false;
}

/* With SO_REUSEPORT the kernel can let bind() succeed beside any socket (RULE_SAME_REUSEPORT). */
static bool is_trial_proved(const struct why *why, unsigned options) {
    int error = why->trials[options].error;
    if ((why->tried & 1U << options) == 0 || (error != 0 && error != EADDRINUSE))
        return true;
    struct refusal refusal = why_trial_refusal(why, options);
    bool certain = is_certain(why, &refusal);
    return error != 0 ? certain : !certain || refusal.claim.reuseport;
}

bool why_is_proved(const struct why *why) {
    bool connects = why->call != NULL && strcmp(why->call, "connect") == 0;
    if (why->evidence.automatic || why->asked.protocol == PROTOCOL_UNIX)
        return true; /* a full range stays full while single connections come and go */
    if (!is_trial_proved(why, why_first_options(&why->asked)) ||
        !is_trial_proved(why, why_asked_options(&why->asked)))
        return false;
    if (why->verdict == WHY_REFUSED && connects && why->evidence.suspect_count > 0) {
        struct refusal refusal = why_refusal(why);
        return is_certain(why, &refusal);
    }
    return why->late == 0 && why->client.listens != KNOWN_NO;
}

/* --- are they still there? --- */

/* Sockets of /proc/net have no cookie, and those in TIME-WAIT no inode. */
static bool same_socket(const struct inet_socket *a, const struct inet_socket *b) {
    if (a->protocol == PROTOCOL_MPTCP) /* the cookie is that of the TCP socket below */
        return a->inode == b->inode;
    return a->inode == b->inode && memcmp(a->cookie, b->cookie, sizeof a->cookie) == 0;
}

struct recount {
    const struct inet_socket *wanted;
    bool found;
};

static bool find_again(void *context, const struct inet_socket *socket) {
    struct recount *recount = context;
    recount->found |= same_socket(recount->wanted, socket);
    return true;
}

/* Without tcp_diag the kernel finds no connection (ENOENT), though it opens a sock_diag socket:
 * what came from /proc/net is looked for there. Where it does not list bound, idle sockets, nothing
 * shows whether they are there. To list those of one port it walks through all that are bound,
 * which takes as long as all the rest where these are 200,000: it is not asked again for each
 * suspect and each address. */
static bool is_there(struct sockets *sockets, const struct inet_socket *socket) {
    struct inet_socket now;
    struct recount recount = {.wanted = socket};
    struct diag_query query = sockdiag_query(1U << socket->state);
    bool is_connection = socket->state != STATE_BOUND && socket->state != STATE_LISTEN;
    bool from_proc = socket->cookie[0] == 0 && socket->cookie[1] == 0;
    if (socket->protocol == PROTOCOL_TCP && is_connection && sockets->diag >= 0 && !from_proc) {
        int error = sockdiag_find_on(sockets->diag, socket->interface, &socket->local,
                                     &socket->remote, &now);
        return (error == 0 && now.state == socket->state) || errno_says_nothing(error);
    }
    query.protocol = socket->protocol;
    query.local = (struct endpoint_pattern){.any_address = true, .endpoint = socket->local};
    sockets->memory = socket->state == STATE_BOUND ? why_listed() : NULL;
    sockets->fresh = true;
    int error = sockets_dump(sockets, &query, find_again, &recount);
    if ((error == 0 && recount.found) || errno_says_nothing(error))
        return true; /* nothing shows that it is gone */
    return socket->state == STATE_BOUND &&
           (sockets->diag < 0 || sockdiag_sees_bound(sockets->diag, NETNS_HERE) != 1);
}

static bool are_listed(const struct why *why) {
    return !why->evidence.automatic && why->asked.protocol != PROTOCOL_UNIX;
}

/* Beside a listener it does not matter whether a connection that it has accepted has ended. */
bool why_suspects_hold(const struct why *why) {
    const struct evidence *evidence = &why->evidence;
    struct sockets sockets = sockets_open(NETNS_HERE);
    bool holds = true;
    for (unsigned i = 0; are_listed(why) && holds && i < evidence->suspect_count; i++)
        if (evidence->suspects[i].blame.weight == evidence->suspects[0].blame.weight)
            holds = is_there(&sockets, &evidence->suspects[i].occupant.socket);
    sockets_close(&sockets);
    return holds;
}

void why_drop_gone(struct why *why) {
    struct evidence *evidence = &why->evidence;
    struct sockets sockets = sockets_open(NETNS_HERE);
    unsigned kept = 0;
    for (unsigned i = 0; are_listed(why) && i < evidence->suspect_count; i++)
        if (is_there(&sockets, &evidence->suspects[i].occupant.socket))
            evidence->suspects[kept++] = evidence->suspects[i];
    sockets_close(&sockets);
    if (kept == 0)
        return;
    evidence->total -= evidence->suspect_count - kept;
    evidence->suspect_count = kept;
    evidence->cause = evidence->suspects[0].blame.cause;
    evidence->words = cause_sentence(evidence->cause, evidence->suspects[0].blame.when);
    why_name(why);
}

/* --- does anything move? --- */

struct glance {
    struct refusal refusal, first; /* of the answer; of the first trial */
    struct why_signs signs;
};

static bool add_to_signs(void *context, const struct inet_socket *socket) {
    struct glance *glance = context;
    struct occupant occupant = {.socket = *socket};
    if (cause_in_the_way(&glance->refusal, &occupant))
        glance->signs.sum += 1 + ((uint64_t)socket->cookie[1] << 32 | socket->cookie[0]) +
                             ((uint64_t)socket->inode << 8) + socket->state;
    glance->signs.new_one |= cause_ruling(&glance->first, &occupant) == KNOWN_YES;
    return true;
}

struct why_signs why_read_signs(const struct why *why) {
    struct glance glance = {.refusal = why_refusal(why),
                            .first = why_trial_refusal(why, why_first_options(&why->asked))};
    struct diag_query query = evidence_query(&glance.refusal);
    if (why->asked.local.port == 0)
        return glance.signs;
    struct sockets sockets = sockets_open(NETNS_HERE);
    sockets_dump(&sockets, &query, add_to_signs, &glance);
    sockets_close(&sockets);
    if (why->verdict != WHY_REFUSED || is_certain(why, &glance.first))
        glance.signs.new_one = false;
    return glance.signs;
}

bool why_signs_stay(const struct why *why, const struct why_signs *first) {
    struct why_signs now = why_read_signs(why);
    return now.sum == first->sum && !now.new_one;
}

/* --- does anything end? --- */

struct why_watch why_watch_begin(const struct why *why) {
    struct why_watch watch = {.link = -1};
    uint16_t port = why->asked.local.port;
    bool binds = port != 0 && why->asked.remote.family == 0;
    if (why->verdict == WHY_REFUSED && binds && are_listed(why))
        watch.link = endings_open(NETNS_HERE, why->asked.protocol, port);
    return watch;
}

void why_watch_except(struct why_watch *watch, const struct why *again) {
    for (unsigned i = 0; watch != NULL && i < WHY_TRIALS; i++)
        if (again->trials[i].cookie != 0 && watch->own_count < WHY_WATCH_TRIALS)
            watch->own[watch->own_count++] = again->trials[i].cookie;
}

struct ended {
    const struct why_watch *watch;
    struct refusal refusal;
    bool any;
};

/* What has ended may have listened, if it had no peer. */
static bool judge_ended(void *context, const struct inet_socket *socket) {
    struct ended *ended = context;
    struct occupant occupant = {.socket = *socket};
    uint64_t cookie = (uint64_t)socket->cookie[1] << 32 | socket->cookie[0];
    for (unsigned i = 0; i < ended->watch->own_count; i++)
        if (ended->watch->own[i] == cookie)
            return true;
    if (socket->protocol == PROTOCOL_TCP)
        occupant.socket.state = socket->remote.port == 0 ? STATE_LISTEN : STATE_ESTABLISHED;
    ended->any |= cause_in_the_way(&ended->refusal, &occupant);
    return true;
}

bool why_watch_end(struct why_watch *watch, const struct why *why) {
    struct ended ended = {.watch = watch, .refusal = why_refusal(why)};
    if (watch->link < 0)
        return false;
    int error = endings_read(watch->link, why->asked.protocol, judge_ended, &ended);
    close(watch->link);
    watch->link = -1;
    return error == ENOBUFS || ended.any; /* with any other error nothing is heard */
}
