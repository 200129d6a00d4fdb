/* The evidence: what sock_diag shows in the case's namespace at the moment of the refusal, joined
 * with what the roles are known to have (the board) and have open (/proc). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/stage_parts.h"
#include "kernel/cause.h"
#include "kernel/owner.h"
#include "kernel/sysctl.h"

/* A socket that a role has open, by whatever name or none. */
struct possession {
    uint32_t inode;
    int role;
};

struct search {
    struct stage *stage;
    struct refusal refusal;
    uint32_t own_inode; /* of the refused socket, which is in nobody's way */
    struct evidence *evidence;
    struct blame heaviest;
    unsigned weights[EVIDENCE_SOCKETS];  /* of the sockets in the evidence */
    uint8_t ports[(UINT16_MAX + 1) / 8]; /* bit by bit: the ports that are taken */
    bool eliminating;                    /* the second look: at what is on the other ports */
    struct arena arena;                  /* owns: */
    struct possession *possessions;      /* by inode, once they are listed */
    size_t possession_count;
    bool possessions_listed;
};

/* --- who has a socket --- */

struct listing {
    struct search *search;
    int role;
};

static bool list_one(void *context, uint32_t inode) {
    enum { MOST = 64 * 1024 };
    const struct listing *listing = context;
    struct search *search = listing->search;
    search->possessions = arena_grow(&search->arena, search->possessions, search->possession_count,
                                     sizeof search->possessions[0]);
    search->possessions[search->possession_count++] = (struct possession){inode, listing->role};
    return search->possession_count < MOST;
}

static int by_inode(const void *a, const void *b) {
    uint32_t left = ((const struct possession *)a)->inode;
    uint32_t right = ((const struct possession *)b)->inode;
    return (left > right) - (left < right);
}

/* Lists what every role has open. Only sockets without a name in the story need it: those that a
 * block left open. */
static void list_possessions(struct search *search) {
    search->possessions_listed = true;
    for (size_t i = 0; i < search->stage->scenario->role_count; i++) {
        const struct stage_role *role = &search->stage->roles[i];
        struct listing listing = {search, (int)i};
        if (role->state == STAGE_ROLE_RUNS || role->state == STAGE_ROLE_SERVES)
            owner_sockets(role->pid, list_one, &listing);
    }
    if (search->possession_count > 0)
        qsort(search->possessions, search->possession_count, sizeof search->possessions[0],
              by_inode);
}

static void add_holder(const struct search *search, struct evidence_socket *found, int role,
                       int socket) {
    if (found->holder_count == EVIDENCE_HOLDERS)
        return;
    found->pids[found->holder_count] = search->stage->roles[role].pid;
    found->holders[found->holder_count++] = (struct socket_name){role, socket};
}

static bool same_place(const struct endpoint *a, const struct endpoint *b) {
    struct endpoint left = endpoint_unmapped(a), right = endpoint_unmapped(b);
    return endpoint_equal(&left, &right);
}

/* Whether the view is of this socket: open, and then the inode tells, or closed, and then the two
 * endpoints do. */
static bool is_of(const struct socket_view *view, const struct diag_socket *socket) {
    if (socket->inode != 0)
        return view->open && view->inode == socket->inode;
    return view->made && !view->open && view->has_peer &&
           same_place(&view->local, &socket->local) && same_place(&view->peer, &socket->remote);
}

/* Finds the roles that have or had the socket; returns the first view of it, or NULL. */
static const struct socket_view *find_holders(const struct search *search,
                                              struct evidence_socket *found) {
    const struct scenario *scenario = search->stage->scenario;
    const struct socket_view *first = NULL;
    for (unsigned role = 0; role < scenario->role_count; role++)
        for (unsigned socket = 0; socket < scenario->socket_count; socket++) {
            const struct socket_view *view = board_view(search->stage->board, role, socket);
            if (!is_of(view, &found->socket))
                continue;
            first = first == NULL ? view : first;
            add_holder(search, found, (int)role, (int)socket);
        }
    if (first != NULL)
        found->holding = first->open ? HELD : LEFT;
    return first;
}

static void find_possessor(struct search *search, struct evidence_socket *found) {
    struct possession wanted = {.inode = found->socket.inode};
    if (!search->possessions_listed)
        list_possessions(search);
    const struct possession *possession =
        search->possession_count == 0
            ? NULL
            : bsearch(&wanted, search->possessions, search->possession_count,
                      sizeof search->possessions[0], by_inode);
    if (possession == NULL)
        return;
    found->holding = HELD;
    add_holder(search, found, possession->role, -1);
}

static bool waits_for_accept(const struct diag_socket *socket) {
    return socket->inode == 0 &&
           (socket->state == STATE_ESTABLISHED || socket->state == STATE_SYN_RECEIVED ||
            socket->state == STATE_CLOSE_WAIT);
}

static enum knowledge known(bool yes) {
    return yes ? KNOWN_YES : KNOWN_NO;
}

/* Finds out whose socket it is, and what is known of it by that. */
static struct holder identify(struct search *search, struct evidence_socket *found) {
    struct holder holder = {.socket = found->socket};
    const struct socket_view *view = find_holders(search, found);
    if (view != NULL) {
        holder.reuseaddr = known(view->reuseaddr);
        holder.reuseport = known(view->reuseport);
        holder.outgoing = known(view->outgoing);
        holder.bound = known(view->bound);
    } else if (found->socket.inode != 0) {
        find_possessor(search, found);
    } else if (waits_for_accept(&found->socket)) {
        found->holding = QUEUED;
    }
    return holder;
}

/* --- adding it up --- */

static void count_group(struct evidence *evidence, const struct evidence_socket *found) {
    int role = found->holder_count > 0 ? found->holders[0].role : -1;
    for (unsigned i = 0; i < evidence->group_count; i++) {
        struct evidence_group *group = &evidence->groups[i];
        if (group->state == found->socket.state && group->role == role) {
            group->count++;
            return;
        }
    }
    if (evidence->group_count < EVIDENCE_GROUPS)
        evidence->groups[evidence->group_count++] =
            (struct evidence_group){found->socket.state, role, 1};
}

/* Keeps the heaviest sockets, in the order of weight and of equals in that in which they came. */
static void keep_socket(struct search *search, const struct evidence_socket *found,
                        unsigned weight) {
    struct evidence *evidence = search->evidence;
    unsigned place = evidence->socket_count;
    while (place > 0 && search->weights[place - 1] < weight)
        place--;
    if (place == EVIDENCE_SOCKETS)
        return;
    if (evidence->socket_count < EVIDENCE_SOCKETS)
        evidence->socket_count++;
    for (unsigned i = evidence->socket_count - 1; i > place; i--) {
        evidence->sockets[i] = evidence->sockets[i - 1];
        search->weights[i] = search->weights[i - 1];
    }
    evidence->sockets[place] = *found;
    search->weights[place] = weight;
}

static bool port_is_taken(const struct search *search, uint16_t port) {
    return (search->ports[port / 8] & 1U << (port & 7)) != 0;
}

static void take_port(struct search *search, uint16_t port) {
    search->evidence->ports_taken += !port_is_taken(search, port);
    search->ports[port / 8] |= (uint8_t)(1U << (port & 7));
}

static bool is_in_the_way(const struct search *search, const struct holder *holder) {
    if (!search->eliminating)
        return cause_in_the_way(&search->refusal, holder);
    return !port_is_taken(search, holder->socket.local.port) &&
           cause_by_elimination(&search->refusal, holder);
}

static bool weigh(void *context, const struct diag_socket *socket) {
    struct search *search = context;
    struct evidence_socket found = {.socket = *socket, .holding = HELD_BY_NOBODY_KNOWN};
    if (socket->inode != 0 && socket->inode == search->own_inode)
        return true;
    struct holder holder = identify(search, &found);
    if (!is_in_the_way(search, &holder))
        return true;
    struct blame blame = cause_blame(&search->refusal, &holder);
    if (search->evidence->total == 0 || blame.weight > search->heaviest.weight)
        search->heaviest = blame;
    search->evidence->total++;
    take_port(search, socket->local.port);
    count_group(search->evidence, &found);
    keep_socket(search, &found, blame.weight);
    return true;
}

/* Looks at the sockets, and if those that are surely in the way leave ports of the range free, once
 * more at what is on these. Returns 0 or an errno. */
static int look(struct search *search) {
    struct diag_query query = cause_query(&search->refusal);
    query.family = search->stage->families;
    uint32_t range = (uint32_t)search->refusal.range_high - search->refusal.range_low + 1;
    int error = search->stage->diag_error;
    if (error == 0)
        error = sockdiag_dump(search->stage->diag, &query, weigh, search);
    search->eliminating = true;
    if (error == 0 && search->evidence->automatic && search->evidence->ports_taken < range)
        error = sockdiag_dump(search->stage->diag, &query, weigh, search);
    return error;
}

/* --- the refusal --- */

/* The ports that the kernel chooses from: the socket's own range, or that of the namespace. */
static void find_range(const struct socket_view *view, struct refusal *refusal) {
    char text[64], *end = text;
    unsigned long low = 32768, high = 60999; /* the kernel's default, should it not be readable */
    if (sysctl_read("net.ipv4.ip_local_port_range", text, sizeof text) == 0) {
        low = strtoul(text, &end, 10);
        high = strtoul(end, NULL, 10);
    }
    refusal->range_low = view->range_low != 0 ? view->range_low : (uint16_t)low;
    refusal->range_high = view->range_high != 0 ? view->range_high : (uint16_t)high;
}

static struct refusal describe(struct stage *stage, const struct step *call, int error,
                               const struct socket_view *view) {
    struct refusal refusal = {
        .call = call->verb == VERB_BIND      ? REFUSED_BIND
                : call->verb == VERB_CONNECT ? REFUSED_CONNECT
                                             : REFUSED_LISTEN,
        .error = error,
        .local = view->local,
        .reuseaddr = view->reuseaddr,
        .reuseport = view->reuseport,
        .v6only = view->v6only,
        .uid = view->uid,
        .interface = view->interface,
    };
    struct endpoint asked;
    if (board_resolve(stage->board, &call->address, view->family, &asked)) {
        if (call->verb == VERB_BIND)
            refusal.local = asked;
        else if (call->verb == VERB_CONNECT)
            refusal.remote = asked;
    }
    find_range(view, &refusal);
    return refusal;
}

void stage_evidence(struct stage *stage, const struct step *call, int error,
                    struct evidence *evidence) {
    const struct socket_view *view = board_view(stage->board, (unsigned)call->role, call->socket);
    struct search search = {.stage = stage,
                            .refusal = describe(stage, call, error, view),
                            .own_inode = view->inode,
                            .evidence = evidence};
    *evidence = (struct evidence){.automatic = search.refusal.local.port == 0,
                                  .range_low = search.refusal.range_low,
                                  .range_high = search.refusal.range_high};
    if (look(&search) != 0)
        evidence->missing = "this kernel does not list its TCP sockets (sock_diag)";
    if (evidence->total == 0)
        search.heaviest = cause_without_holder(
            &search.refusal, stage->diag_error == 0 && sockdiag_sees_bound(stage->diag) == 1);
    evidence->cause = search.heaviest.cause;
    evidence->words = search.heaviest.words;
    arena_free(&search.arena);
}
