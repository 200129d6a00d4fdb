/* Ask the kernel, by trial binds; find what explains its answer; ask again. Sockets and processes
 * come and go meanwhile: if the second answer differs from the first, all of it is done once more,
 * and if that does not hold either, the answer says that things changed while looking.
 *
 * What explains a refusal: sock_diag lists the sockets in the way; the trials say something about
 * their options; /proc shows who owns them, and the owners' own descriptors show their options.
 * With all that the suspects are weighed again, and the heaviest is blamed. */
#include "diagnose/why.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "diagnose/budget.h"
#include "inspect/child.h"
#include "kernel/netdev.h"
#include "kernel/netns.h"
#include "kernel/process.h"
#include "kernel/socket.h"
#include "kernel/sockets.h"
#include "kernel/sysctl.h"

static void fail(struct why *why, int error, const char *failure) {
    why->verdict = WHY_UNKNOWN;
    why->error = error;
    why->failure = failure;
}

/* --- asking the kernel --- */

static struct trial trial_of(const struct why_question *asked, unsigned options) {
    return (struct trial){.protocol = asked->protocol,
                          .local = asked->local,
                          .reuseaddr = (options & WHY_REUSEADDR) != 0,
                          .reuseport = (options & WHY_REUSEPORT) != 0,
                          .v6only = asked->v6only};
}

static unsigned asked_options(const struct why_question *asked) {
    return (asked->reuseaddr ? WHY_REUSEADDR : 0U) | (asked->reuseport ? WHY_REUSEPORT : 0U);
}

/* On UDP only the program's own options are tried: a trial that shares the port with a server takes
 * the datagrams that arrive in that moment. */
static void try_binds(void *context, FILE *more) {
    (void)more;
    struct why *why = context;
    unsigned asked = asked_options(&why->asked);
    for (unsigned options = 0; options < WHY_TRIALS; options++) {
        if (why->asked.protocol == PROTOCOL_UDP && options != asked)
            continue;
        why->tried |= 1U << options;
        struct trial trial = trial_of(&why->asked, options);
        why->trials[options].error = socket_trial(NETNS_HERE, &trial, &why->trials[options].call);
    }
}

/* Makes the trials; for another user, in a process that becomes that user. */
static void make_trials(struct why *why) {
    struct child child = {.other_user = true, .uid = why->asked.uid};
    const char *what;
    if (!why->asked.other_user) {
        try_binds(why, NULL);
        return;
    }
    int error = child_run(&child, try_binds, why, sizeof *why, NULL, &what);
    if (error != 0)
        fail(why, error, what);
}

static bool asks_again(const struct why *why) {
    struct why again = {.asked = why->asked};
    if (why->asked.local.family == 0)
        return true;
    make_trials(&again);
    unsigned options = asked_options(&why->asked);
    return again.verdict != WHY_UNKNOWN &&
           again.trials[options].error == why->trials[options].error;
}

/* --- what is known of one socket --- */

struct refusal why_refusal(const struct why *why) {
    const struct why_question *asked = &why->asked;
    bool is_connect = why->call != NULL && strcmp(why->call, "connect") == 0;
    struct endpoint local =
        asked->local.family != 0 ? asked->local : endpoint_wildcard(asked->remote.family, 0);
    return (struct refusal){.call = is_connect ? CALL_CONNECT : CALL_BIND,
                            .error = why->error,
                            .all_reserved = port_range_size(&why->range) == 0,
                            .assume_reuseaddr = true,
                            .claim = {.protocol = asked->protocol,
                                      .local = local,
                                      .remote = asked->remote,
                                      .reuseaddr = asked->reuseaddr,
                                      .reuseport = asked->reuseport,
                                      .v6only = asked->v6only,
                                      .uid = asked->other_user ? asked->uid : (uint32_t)geteuid(),
                                      .range_low = why->range.low,
                                      .range_high = why->range.high}};
}

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
    if ((why->tried & 1U << option) == 0)
        return NOT_KNOWN;
    return error == 0 ? KNOWN_YES : error == EADDRINUSE ? KNOWN_NO : NOT_KNOWN;
}

void why_describe(const struct why *why, struct occupant *occupant) {
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
    why_describe(look->why, &suspect->occupant);
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
    if (any && look->why->asked.protocol == PROTOCOL_TCP)
        sockdiag_dump(look->diag, &query, mark_bound, evidence);
}

/* --- the cause --- */

static void name(struct why *why, enum cause cause, unsigned when) {
    why->cause = cause;
    why->words = cause_sentence(cause, when);
}

void why_name(struct why *why) {
    const struct evidence *evidence = &why->evidence;
    const struct suspect *first = &evidence->suspects[0];
    why->cause = evidence->cause;
    why->words = evidence->words;
    if (evidence->automatic || evidence->suspect_count == 0 || first->occupant.socket.inode == 0)
        return;
    if (first->occupant.socket.state == STATE_LISTEN && first->server.shape == SERVER_LEAK)
        name(why, CAUSE_LEAKED_LISTENER, WHEN_ALWAYS);
    else if (first->owners.count == 0 && first->owners.search == OWNERS_SEARCHED && !why->changed)
        name(why, CAUSE_HELD_BY_NO_PROCESS, WHEN_ALWAYS);
}

/* Processes outside of our pid namespace are not in /proc at all. */
static void find_owners(struct why *why) {
    why->unseen = evidence_find_owners(&why->evidence);
    for (unsigned i = 0; i < why->evidence.suspect_count; i++) {
        struct suspect *suspect = &why->evidence.suspects[i];
        borrow_options(suspect);
    }
}

static void find_suspects(struct why *why) {
    struct look look = {.why = why, .refusal = why_refusal(why), .diag = sockdiag_open(NETNS_HERE)};
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
    why_name(why);
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
    if (socket->state == STATE_BOUND) /* it can listen by now */
        query.states |= 1U << STATE_BOUND;
    else if (socket->state != STATE_LISTEN)
        return sockdiag_find(diag, &socket->local, &socket->remote, &now) == 0 &&
               now.state == socket->state;
    query.local = (struct endpoint_pattern){.endpoint = socket->local};
    if (sockdiag_dump(diag, &query, find_again, &recount) == 0 && recount.found)
        return true;
    return socket->state == STATE_BOUND && sockdiag_sees_bound(diag, NETNS_HERE) != 1;
}

static bool suspects_hold(const struct why *why) {
    const struct evidence *evidence = &why->evidence;
    bool holds = true;
    int diag = sockdiag_open(NETNS_HERE);
    for (unsigned i = 0; holds && diag >= 0 && !evidence->from_proc && i < evidence->suspect_count;
         i++)
        holds = is_there(diag, &evidence->suspects[i].occupant.socket);
    if (diag >= 0)
        close(diag);
    /* A refusal that nothing visible explains may come from a socket that has gone meanwhile. */
    return holds && (why->error != EADDRINUSE || evidence->total > 0 || evidence->missing != NULL ||
                     evidence->automatic || evidence->from_proc);
}

static bool is_connected(const struct why *why) {
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

static void count_on_port(struct why *why) {
    struct refusal refusal = why_refusal(why);
    struct diag_query query = evidence_query(&refusal);
    query.states &= ~(1U << STATE_BOUND); /* the kernel takes longest to list these */
    struct sockets sockets = sockets_open(NETNS_HERE);
    if (why->asked.local.port != 0)
        why->counted = sockets_dump(&sockets, &query, count_one, why) == 0;
    sockets_close(&sockets);
}

/* --- the answer --- */

static void refuse(struct why *why, const struct why_trial *trial) {
    why->verdict = WHY_REFUSED;
    why->error = trial->error;
    why->call = trial->call;
}

/* Names the reason of a refusal that no socket explains. */
static void explain_without_socket(struct why *why) {
    uint16_t port = why->asked.local.port;
    if (why->error == EADDRNOTAVAIL)
        name(why,
             netdev_is_tentative(NETNS_HERE, &why->asked.local) ? CAUSE_ADDRESS_TENTATIVE
                                                                : CAUSE_ADDRESS_NOT_LOCAL,
             WHEN_NO_OCCUPANT);
    else if (why->error == EACCES && port != 0 && port < why->privileged_below)
        name(why, CAUSE_PRIVILEGED_PORT, WHEN_NO_OCCUPANT);
    else
        name(why, CAUSE_NOT_PERMITTED, WHEN_NO_OCCUPANT);
}

/* connect() is not tried, as that would send something: the sockets show what it would answer. If
 * its port is bound already, no other connection may have the same two ends; otherwise it chooses a
 * port. */
static void judge_connect(struct why *why) {
    static const struct why_trial refused = {EADDRNOTAVAIL, "connect"};
    struct budget_question question = {.remote = why->asked.remote};
    struct namespace here = namespaces_here();
    struct budget budget;
    bool available = true;
    if (why->asked.local.port != 0) {
        available = !is_connected(why);
    } else if (why->asked.local.family == 0) {
        budget_look(&question, &here, &budget);
        if (budget.failure != NULL)
            fail(why, budget.error, budget.failure);
        available = budget.failure != NULL || budget.routes[0].left > 0;
    }
    if (available)
        return;
    refuse(why, &refused);
    find_suspects(why);
}

static void judge_bind(struct why *why) {
    const struct why_trial *trial = &why->trials[asked_options(&why->asked)];
    if (trial->error == 0)
        count_on_port(why);
    else
        refuse(why, trial);
    if (trial->error == EADDRINUSE)
        find_suspects(why);
    else if (trial->error == EADDRNOTAVAIL || trial->error == EACCES || trial->error == EPERM)
        explain_without_socket(why);
    else if (trial->error != 0)
        fail(why, trial->error, trial->call);
}

static void judge(struct why *why) {
    if (why->verdict != WHY_UNKNOWN && why->asked.local.family != 0)
        judge_bind(why);
    if (why->verdict == WHY_FREE && why->asked.remote.family != 0)
        judge_connect(why);
}

static void read_settings(struct why *why) {
    char text[16];
    sysctl_port_range(NETNS_HERE, &why->range);
    why->in_range =
        why->asked.local.port >= why->range.low && why->asked.local.port <= why->range.high;
    why->reserved = port_set_has(&why->range.reserved, why->asked.local.port);
    why->privileged_below = 1024;
    if (sysctl_read(NETNS_HERE, "net.ipv4.ip_unprivileged_port_start", text, sizeof text) == 0)
        why->privileged_below = (uint16_t)strtoul(text, NULL, 10);
    why->own_pids_only = !process_sees_all();
}

static void look_once(struct why *why, const struct why_question *asked) {
    struct namespace where = why->where;
    *why = (struct why){.where = where, .asked = *asked};
    read_settings(why);
    if (asked->local.family != 0)
        make_trials(why);
    judge(why);
}

/* Returns whether the owners of the socket that is blamed came and went. */
static bool owners_changed(const struct why *why) {
    const struct suspect *first = &why->evidence.suspects[0];
    return why->verdict == WHY_REFUSED && why->evidence.suspect_count > 0 &&
           first->owners.count == 0 && first->owners.search == OWNERS_CHANGED;
}

/* Looks, and if that does not hold, once more. */
static void look_twice(struct why *why, const struct why_question *asked) {
    look_once(why, asked);
    if (why->verdict == WHY_UNKNOWN || (asks_again(why) && suspects_hold(why))) {
        why->changed = owners_changed(why);
        return;
    }
    look_once(why, asked);
    why->changed = why->verdict != WHY_UNKNOWN && !(asks_again(why) && suspects_hold(why));
    if (why->changed && why->verdict == WHY_REFUSED && why->cause == CAUSE_HELD_BY_NO_PROCESS)
        why_name(why); /* of a socket that is gone nothing can be said */
}

/* --- Unix sockets --- */

static void look_at_name(void *context, FILE *more) {
    (void)more;
    struct why *why = context;
    why_unix_look(&why->asked.unix_socket, &why->unix_socket);
}

/* As the user that is asked about: the answer depends on the rights to files. */
static void look_as_user(struct why *why) {
    struct child child = {.other_user = true, .uid = why->asked.uid};
    const char *what;
    int error = 0;
    if (why->asked.other_user)
        error = child_run(&child, look_at_name, why, sizeof *why, NULL, &what);
    else
        look_at_name(why, NULL);
    if (error != 0)
        fail(why, error, what);
}

static void find_unix_owners(struct why *why) {
    const struct unix_socket *socket = &why->unix_socket.socket;
    struct evidence *evidence = &why->evidence;
    evidence->total = evidence->suspect_count = 1;
    evidence->suspects[0] = (struct suspect){
        .occupant.socket = {.protocol = PROTOCOL_UNIX,
                            .state = socket->state,
                            .inode = socket->inode,
                            .uid = socket->uid_known ? socket->uid : SOCKET_UID_UNKNOWN,
                            .receive_queue = socket->receive_queue,
                            .send_queue = socket->send_queue},
        .blame = {.cause = why->cause}};
    why->unseen = evidence_find_owners(evidence);
}

static void look_at_unix_socket(struct why *why) {
    const struct why_unix *found = &why->unix_socket;
    why->own_pids_only = !process_sees_all();
    look_as_user(why);
    int first = found->error;
    look_as_user(why);
    why->changed = why->verdict != WHY_UNKNOWN && found->error != first;
    if (why->verdict == WHY_UNKNOWN)
        return;
    if (found->error == 0 && found->place == UNIX_ABSTRACT && found->bound == NOT_KNOWN) {
        fail(why, ENOENT, "listing the Unix sockets (unix_diag)");
        return;
    }
    if (found->error != 0) {
        why->verdict = WHY_REFUSED;
        why->error = found->error;
        why->call = found->call;
        name(why, found->cause, WHEN_ALWAYS);
    }
    if (found->found)
        find_unix_owners(why);
}

/* Looks, in the namespace. A question without an address is about both wildcards: if the first is
 * free, the answer is that of the second, an IPv6 socket that takes the IPv4 port too. */
static void look_here(void *context, FILE *more) {
    (void)more;
    struct why *why = context;
    struct why_question asked = why->asked;
    if (asked.protocol == PROTOCOL_UNIX) {
        look_at_unix_socket(why);
        return;
    }
    look_twice(why, &asked);
    if (asked.any_family && why->verdict == WHY_FREE && netns_has_ipv6(NETNS_HERE)) {
        struct why first = *why;
        asked.local = endpoint_wildcard(AF_INET6, asked.local.port);
        look_twice(why, &asked);
        if (why->verdict == WHY_FREE)
            *why = first;
    }
    if (asked.remote.family == 0 && asked.local.port != 0)
        other_protocol_look(asked.protocol, asked.local.port, &why->other);
}

void why_look(const struct why_question *question, const struct namespace *where, struct why *why) {
    struct child child = {.where = where};
    const char *what;
    *why = (struct why){.where = *where, .asked = *question};
    if (where->path[0] == '\0') {
        look_here(why, NULL);
        return;
    }
    int error = child_run(&child, look_here, why, sizeof *why, NULL, &what);
    if (error != 0)
        fail(why, error, what);
}
