/* The sockets in the way: what sock_diag tells, joined with the trials, which tell something about
 * the options of others, with /proc and with what the owners' own descriptors tell. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "diagnose/why_parts.h"
#include "kernel/process.h"
#include "kernel/socket.h"

struct look {
    struct why *why;
    struct refusal refusal;
    int diag, diag_error;
    enum knowledge bound[EVIDENCE_SOCKETS]; /* of the kept ones: bind() asked for that port */
};

static struct look look_at(struct why *why) {
    const struct why_question *asked = &why->asked;
    bool is_connect = why->call != NULL && strcmp(why->call, "connect") == 0;
    struct endpoint local =
        asked->local.family != 0 ? asked->local : endpoint_wildcard(asked->remote.family, 0);
    struct look look = {
        .why = why,
        .refusal = {.call = is_connect ? CALL_CONNECT : CALL_BIND,
                    .error = why->error,
                    .all_reserved = port_range_size(&why->range) == 0,
                    .claim = {.local = local,
                              .remote = asked->remote,
                              .reuseaddr = asked->reuseaddr,
                              .reuseport = asked->reuseport,
                              .v6only = asked->v6only,
                              .uid = asked->other_user ? asked->uid : (uint32_t)geteuid(),
                              .range_low = why->range.low,
                              .range_high = why->range.high}},
        .diag = sockdiag_open(NETNS_HERE)};
    look.diag_error = look.diag < 0 ? errno : 0;
    return look;
}

static void look_away(const struct look *look) {
    if (look->diag >= 0)
        close(look->diag);
}

/* --- what is known of one socket --- */

/* TIME-WAIT keeps nothing that tells who opened the connection; but a port of our range towards one
 * that is not of it was most likely chosen by connect(), and the other way round. */
static enum knowledge outgoing(const struct look *look, const struct tcp_socket *socket) {
    if (socket->opener != OPENER_NOT_KNOWN)
        return knowledge_of(socket->opener == OPENED_HERE);
    const struct port_range *range = &look->why->range;
    bool ours = port_range_has(range, socket->local.port);
    bool theirs = port_range_has(range, socket->remote.port);
    return socket->state != STATE_TIME_WAIT || ours == theirs ? NOT_KNOWN : knowledge_of(ours);
}

/* Where a trial with the option worked, all that are in the way of one without it have it. Where it
 * did not, one of them has it not. */
static enum knowledge by_trial(const struct look *look, unsigned option) {
    int error = look->why->trials[option].error;
    return error == 0 ? KNOWN_YES : error == EADDRINUSE ? KNOWN_NO : NOT_KNOWN;
}

static struct occupant describe(const struct look *look, const struct tcp_socket *socket) {
    struct occupant holder = {.socket = *socket, .outgoing = outgoing(look, socket)};
    if (socket->state == STATE_TIME_WAIT)
        holder.reuseaddr = by_trial(look, WHY_REUSEADDR);
    return holder;
}

static struct occupant identify(void *context, struct evidence_socket *found) {
    struct look *look = context;
    struct occupant holder = describe(look, &found->socket);
    uint32_t left = found->socket.expires_ms;
    if (found->socket.state == STATE_TIME_WAIT && left > look->why->time_left_ms &&
        cause_in_the_way(&look->refusal, &holder))
        look->why->time_left_ms = left;
    return holder;
}

/* --- the owners, and what they lend --- */

static void find_owners(struct why *why) {
    struct owners owners[EVIDENCE_SOCKETS] = {{0}};
    for (unsigned i = 0; i < why->evidence.socket_count; i++)
        owners[i].inode = why->evidence.sockets[i].socket.inode;
    why->unseen = owners_find(owners, why->evidence.socket_count);
    for (unsigned i = 0; i < why->evidence.socket_count; i++)
        why->holders[i].owners = owners[i];
}

/* Reads the options of the socket from the first of its owners that lets us. */
static void borrow_options(struct why_holder *holder) {
    struct socket_view view = {0};
    for (unsigned i = 0; i < holder->owners.known; i++) {
        int fd = process_borrow(holder->owners.oldest[i].pid, holder->owners.oldest[i].fd,
                                holder->owners.inode);
        if (fd < 0)
            continue;
        socket_look(&view, fd);
        close(fd);
        holder->reuseaddr = knowledge_of(view.reuseaddr);
        holder->reuseport = knowledge_of(view.reuseport);
        return;
    }
}

/* Marks those kept connections whose port bind() asked for. */
static bool mark_bound(void *context, const struct tcp_socket *socket) {
    struct look *look = context;
    const struct evidence *evidence = &look->why->evidence;
    for (unsigned i = 0; i < evidence->socket_count; i++)
        if (memcmp(evidence->sockets[i].socket.cookie, socket->cookie, sizeof socket->cookie) == 0)
            look->bound[i] = KNOWN_YES;
    return true;
}

/* Finds out which outgoing connections have their port from the kernel; without one that might, the
 * walk is saved. */
static void find_bound(struct look *look) {
    const struct evidence *evidence = &look->why->evidence;
    bool any = false;
    for (unsigned i = 0; i < evidence->socket_count; i++)
        if (evidence->sockets[i].socket.opener == OPENED_HERE) {
            look->bound[i] = KNOWN_NO;
            any = true;
        }
    struct diag_query query = cause_query(&look->refusal);
    query.states &= ~(1U << STATE_BOUND | 1U << STATE_TIME_WAIT | 1U << STATE_LISTEN);
    query.asked = true;
    if (any)
        sockdiag_dump(look->diag, &query, mark_bound, look);
}

/* --- the cause --- */

static struct occupant known_holder(const struct look *look, unsigned index) {
    struct occupant holder = describe(look, &look->why->evidence.sockets[index].socket);
    const struct why_holder *who = &look->why->holders[index];
    holder.reuseaddr = who->reuseaddr != NOT_KNOWN ? who->reuseaddr : holder.reuseaddr;
    holder.reuseport = who->reuseport;
    holder.bound = look->bound[index];
    return holder;
}

/* Of TIME-WAIT it is told whether SO_REUSEADDR would help, whether or not the program has it. */
static struct blame blame_on(const struct look *look, const struct occupant *holder) {
    struct refusal refusal = look->refusal;
    refusal.claim.reuseaddr |= holder->socket.state == STATE_TIME_WAIT;
    return cause_blame(&refusal, holder);
}

static void drop(struct why *why, unsigned index) {
    struct evidence *evidence = &why->evidence;
    evidence->socket_count--;
    evidence->total--;
    for (unsigned i = index; i < evidence->socket_count; i++) {
        evidence->sockets[i] = evidence->sockets[i + 1];
        why->holders[i] = why->holders[i + 1];
    }
}

/* With all that is known now: drops those that are not in the way after all, and names the cause
 * of the heaviest of the others, which goes to the front. */
static void weigh_again(struct look *look) {
    struct why *why = look->why;
    struct blame heaviest = {0};
    unsigned at = 0;
    for (unsigned i = 0; i < why->evidence.socket_count;) {
        struct occupant holder = known_holder(look, i);
        struct blame blame = blame_on(look, &holder);
        if (!cause_in_the_way(&look->refusal, &holder)) {
            drop(why, i);
            continue;
        }
        if (i == 0 || blame.weight > heaviest.weight) {
            heaviest = blame;
            at = i;
        }
        i++;
    }
    if (why->evidence.socket_count == 0)
        return;
    struct evidence_socket socket = why->evidence.sockets[at];
    struct why_holder holder = why->holders[at];
    why->evidence.sockets[at] = why->evidence.sockets[0];
    why->holders[at] = why->holders[0];
    why->evidence.sockets[0] = socket;
    why->holders[0] = holder;
    why->evidence.cause = heaviest.cause;
    why->evidence.words = heaviest.words;
}

/* What only the owners tell. */
static void name_by_owners(struct why *why) {
    const struct tcp_socket *socket = &why->evidence.sockets[0].socket;
    const struct owners *owners = &why->holders[0].owners;
    if (why->evidence.socket_count == 0 || socket->inode == 0)
        return;
    if (socket->state == STATE_LISTEN && owners->count > 1) {
        why_name(why, cause_name(CAUSE_LEAKED_LISTENER),
                 "several processes have the one listening socket open, by inheritance: the port "
                 "is free when the last of them has closed it");
    } else if (owners->count == 0 && why->unseen == 0 && !why->own_pids_only) {
        why_name(why, "held-by-no-process",
                 "no process has the socket open: it is on its way between two (SCM_RIGHTS), in an "
                 "io_uring, or the kernel's own (NFS, a block device over TCP)");
    }
}

void why_find_holders(struct why *why) {
    struct look look = look_at(why);
    struct evidence_source source = {
        .diag = look.diag, .diag_error = look.diag_error, .identify = identify, .context = &look};
    evidence_look(&source, &look.refusal, &why->evidence);
    if (!why->evidence.automatic) {
        find_owners(why);
        for (unsigned i = 0; i < why->evidence.socket_count; i++)
            borrow_options(&why->holders[i]);
        find_bound(&look);
        weigh_again(&look);
    }
    why_name(why, cause_name(why->evidence.cause), why->evidence.words);
    if (!why->evidence.automatic)
        name_by_owners(why);
    look_away(&look);
}

/* --- a second look --- */

struct recount {
    const struct tcp_socket *wanted;
    bool found;
};

static bool find_again(void *context, const struct tcp_socket *socket) {
    struct recount *recount = context;
    recount->found = memcmp(recount->wanted->cookie, socket->cookie, sizeof socket->cookie) == 0;
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

bool why_still_holds(const struct why *why) {
    bool holds = true;
    int diag = sockdiag_open(NETNS_HERE);
    for (unsigned i = 0; holds && diag >= 0 && i < why->evidence.socket_count; i++)
        holds = is_there(diag, &why->evidence.sockets[i].socket);
    if (diag >= 0)
        close(diag);
    /* A refusal that nothing seen explains may be one of a socket that has gone meanwhile. */
    return holds && (why->error != EADDRINUSE || why->evidence.total > 0 ||
                     why->evidence.missing != NULL || why->evidence.automatic);
}

bool why_is_connected(const struct why *why) {
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

void why_count_on_port(struct why *why) {
    struct look look = look_at(why);
    struct diag_query query = cause_query(&look.refusal);
    query.states &= ~(1U << STATE_BOUND); /* the kernel's walk over these is the longest one */
    if (why->asked.local.port != 0 && look.diag >= 0)
        sockdiag_dump(look.diag, &query, count_one, why);
    look_away(&look);
}
