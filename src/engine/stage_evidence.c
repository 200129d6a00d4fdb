/* The evidence: what sock_diag shows in the case's namespace at the moment of the refusal, and
 * whose it is: the board knows the named sockets of the roles, /proc what else they have open. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/stage.h"
#include "inspect/owners.h"
#include "kernel/process.h"

/* A socket that a role has open, whether or not it has a name. */
struct possession {
    uint32_t inode;
    int role;
};

struct search {
    struct stage *stage;
    struct arena arena;             /* owns: */
    struct possession *possessions; /* by inode, once they are listed */
    size_t possession_count;
    bool possessions_listed;
};

/* --- who has a socket --- */

struct listing {
    struct search *search;
    int role;
};

static bool list_one(void *context, uint32_t inode, int fd) {
    enum { MOST = 64 * 1024 };
    (void)fd;
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

/* Lists what every role has open. Only sockets without a name need it: those that a block left
 * open.
 */
static void list_possessions(struct search *search) {
    search->possessions_listed = true;
    for (size_t i = 0; i < search->stage->scenario->role_count; i++) {
        const struct stage_role *role = &search->stage->roles[i];
        struct listing listing = {search, (int)i};
        if (role->state == STAGE_ROLE_RUNS || role->state == STAGE_ROLE_SERVES ||
            role->state == STAGE_ROLE_PROGRAM)
            process_sockets(role->pid, UINT_MAX, list_one, &listing);
    }
    if (search->possession_count > 0)
        qsort(search->possessions, search->possession_count, sizeof search->possessions[0],
              by_inode);
}

static void add_role(const struct search *search, struct suspect *suspect, int role, int socket) {
    if (suspect->role_count < SUSPECT_ROLES)
        suspect->roles[suspect->role_count++] =
            (struct suspect_role){role, socket, search->stage->roles[role].pid};
}

static bool same_place(const struct endpoint *a, const struct endpoint *b) {
    struct endpoint left = endpoint_unmapped(a), right = endpoint_unmapped(b);
    return endpoint_equal(&left, &right);
}

/* Returns whether the view is of this socket: by its inode if it is open, by its two endpoints if
 * it is closed. */
static bool is_of(const struct socket_view *view, const struct inet_socket *socket) {
    if (socket->inode != 0)
        return view->open && view->inode == socket->inode;
    return view->made && !view->open && view->has_peer &&
           same_place(&view->local, &socket->local) && same_place(&view->peer, &socket->remote);
}

/* Finds the roles that have or had the socket, and what the first of them knows of it. It is
 * inherited only if all of them have inherited it. */
static void find_roles(const struct search *search, struct suspect *suspect) {
    const struct scenario *scenario = search->stage->scenario;
    struct occupant *occupant = &suspect->occupant;
    for (unsigned role = 0; role < scenario->role_count; role++)
        for (unsigned socket = 0; socket < scenario->socket_count; socket++) {
            const struct socket_view *view = board_view(search->stage->board, role, socket);
            if (search->stage->roles[role].host != search->stage->here ||
                !is_of(view, &occupant->socket))
                continue;
            if (suspect->role_count == 0) {
                occupant->reuseaddr = knowledge_of(view->reuseaddr);
                occupant->reuseport = knowledge_of(view->reuseport);
                occupant->outgoing = knowledge_of(view->outgoing);
                occupant->bound = knowledge_of(view->bound);
                occupant->inherited = knowledge_of(view->inherited);
            } else if (!view->inherited) {
                occupant->inherited = KNOWN_NO;
            }
            suspect->ownership = view->open ? OWNED : LEFT;
            add_role(search, suspect, (int)role, (int)socket);
        }
}

/* Finds out whose socket it is, and what its owner knows of it: by the names of the scenario, else
 * among all that the roles have open. */
static void identify(void *context, struct suspect *suspect) {
    struct search *search = context;
    struct possession wanted = {.inode = suspect->occupant.socket.inode};
    find_roles(search, suspect);
    if (suspect->ownership != OWNER_NOT_KNOWN || wanted.inode == 0)
        return;
    if (!search->possessions_listed)
        list_possessions(search);
    if (search->possession_count == 0)
        return;
    const struct possession *found = bsearch(&wanted, search->possessions, search->possession_count,
                                             sizeof search->possessions[0], by_inode);
    if (found == NULL)
        return;
    suspect->ownership = OWNED;
    add_role(search, suspect, found->role, -1);
}

/* --- the refusal --- */

static struct refusal describe(struct stage *stage, const struct step *call, int error,
                               const struct socket_view *view) {
    enum port_call kind = call->verb == VERB_BIND      ? CALL_BIND
                          : call->verb == VERB_CONNECT ? CALL_CONNECT
                                                       : CALL_LISTEN;
    struct refusal refusal = evidence_refusal(kind, error, view);
    refusal.moving = true; /* how far the other roles have come is a matter of microseconds */
    struct endpoint asked;
    const struct address *address = step_address(call);
    if (address != NULL && board_resolve(stage->board, address, view->family, &asked)) {
        if (call->verb == VERB_BIND)
            refusal.claim.local = asked;
        else if (call->verb == VERB_CONNECT)
            refusal.claim.remote = asked;
    }
    return refusal;
}

static int visit_known(void *context, const struct diag_query *query, sockdiag_visit *visit,
                       void *visited) {
    const struct search *search = context;
    return stage_visit_known(search->stage, query, visit, visited);
}

void stage_evidence(struct stage *stage, const struct step *call, int error,
                    struct evidence *evidence) {
    const struct socket_view *view =
        board_view(stage->board, (unsigned)call->role, (unsigned)call->socket);
    if (view->family == AF_UNIX && step_address(call) != NULL) {
        stage_why_unix(stage, step_address(call), call->verb == VERB_CONNECT, evidence);
        stage_name_owners(stage, evidence);
        return;
    }
    struct refusal refusal = describe(stage, call, error, view);
    struct search search = {.stage = stage};
    struct evidence_source source = {.diag = stage->diag,
                                     .diag_error = stage->diag_error,
                                     .families = stage->families,
                                     .own_inode = view->inode,
                                     .rest = stage_knows_connections(stage) ? visit_known : NULL,
                                     .identify = identify,
                                     .context = &search};
    evidence_look(&source, &refusal, evidence);
    arena_free(&search.arena);
}

void stage_name_owners(struct stage *stage, struct evidence *evidence) {
    struct search search = {.stage = stage};
    for (unsigned i = 0; i < evidence->suspect_count; i++) {
        struct suspect *suspect = &evidence->suspects[i];
        identify(&search, suspect);
        if (suspect->role_count > 0)
            suspect->owners = (struct owners){0};
        else if (suspect->owners.known > 0)
            suspect->ownership = OWNED;
    }
    arena_free(&search.arena);
}
