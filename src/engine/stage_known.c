/* Which TCP connections there can be in a case's namespace, where its text tells: then each is
 * looked up, instead of a walk through the kernel's tables. These are those of the whole host,
 * whatever there is in the namespace: on a host with 24 GiB of memory, a walk takes 3 ms for the
 * connections and as long for the sockets that are bound and idle, and a lookup less than 20 us. */
#include <errno.h>
#include <string.h>

#include "engine/stage.h"
#include "kernel/sockdiag.h"

/* Options that make no difference to when a connection begins, or to which device it is bound. */
static bool is_harmless(const struct step_options *options) {
    static const char *const names[] = {"SO_REUSEADDR",       "SO_REUSEPORT",
                                        "SO_LINGER",          "SO_KEEPALIVE",
                                        "TCP_NODELAY",        "IP_BIND_ADDRESS_NO_PORT",
                                        "IP_LOCAL_PORT_RANGE"};
    bool harmless = options->flags == 0 && options->like == NULL;
    for (size_t i = 0; i < options->count && harmless; i++) {
        harmless = false;
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
            harmless |= strcmp(options->list[i].option->name, names[k]) == 0;
    }
    return harmless;
}

/* Returns whether a step may leave connections that no name stands for: those of a block, of a
 * program, of a subflow, or one whose handshake nobody waits for. */
static bool leaves_unnamed(const struct step *step) {
    switch (step->verb) {
    case VERB_REPEAT:
    case VERB_SERVE:
    case VERB_EXEC:
    case VERB_DISCONNECT:
        return true;
    case VERB_SEND: /* it may connect */
        return step->amount.addressed;
    case VERB_SOCKET:
        return !is_harmless(&step->options) ||
               socket_kind_row(step->kind)->protocol == PROTOCOL_MPTCP;
    case VERB_SETSOCKOPT:
        return !is_harmless(&step->options);
    default:
        return false;
    }
}

/* The name that a step gives to a new socket, or NO_SOCKET. */
static int made_by(const struct step *step) {
    if (step->verb == VERB_SOCKET)
        return step->socket;
    return verb_row(step->verb)->arguments == ARGUMENTS_SOCKET ? step->made : NO_SOCKET;
}

/* Returns whether a name is given twice, by one role, or where a role gets those of another one by
 * any: what the first socket has left is then unknown. */
static bool renames(const struct stage *stage) {
    size_t sockets = stage->scenario->socket_count, count = stage->board->result.step_count;
    struct arena scratch = {0};
    bool *given = arena_alloc(&scratch, (stage->scenario->role_count + 1) * sockets + 1);
    bool twice = false, shared = false;
    for (size_t i = 0; i < count; i++) {
        enum verb verb = result_step(stage->scenario, stage->board->case_index, i)->verb;
        shared |= verb == VERB_FORK || verb == VERB_PASS;
    }
    for (size_t i = 0; i < count && !twice; i++) {
        const struct step *step = result_step(stage->scenario, stage->board->case_index, i);
        int made = made_by(step);
        if (made == NO_SOCKET || step->role == NO_ROLE)
            continue;
        bool *name = &given[(shared ? 0 : (size_t)step->role) * sockets + (size_t)made];
        twice = *name;
        *name = true;
    }
    arena_free(&scratch);
    return twice;
}

bool stage_knows_connections(const struct stage *stage) {
    size_t views = stage->scenario->role_count * stage->scenario->socket_count;
    if (stage->options->current || stage->hosts != NULL || stage->families != AF_INET)
        return false;
    for (size_t i = 0; i < stage->board->result.step_count; i++)
        if (leaves_unnamed(result_step(stage->scenario, stage->board->case_index, i)))
            return false;
    for (size_t i = 0; i < views; i++) /* a lookup would have to name the device */
        if (stage->board->views[i].interface != 0)
            return false;
    return !renames(stage);
}

/* A visit of the connections that the query asks for. */
struct known {
    const struct stage *stage;
    const struct diag_query *query;
    sockdiag_visit *visit;
    void *context;
    struct arena arena; /* owns: */
    struct inet_socket *found;
    size_t count;
};

static bool was_found(const struct known *known, const struct inet_socket *socket) {
    for (size_t i = 0; i < known->count; i++)
        if (endpoint_equal(&known->found[i].local, &socket->local) &&
            endpoint_equal(&known->found[i].remote, &socket->remote))
            return true;
    return false;
}

/* Returns 0 or an errno. */
static int look_up(struct known *known, const struct endpoint *local, const struct endpoint *peer) {
    struct inet_socket socket;
    if (!known->query->local.any_port && known->query->local.endpoint.port != local->port)
        return 0;
    int error = sockdiag_find_opener(known->stage->diag, local, peer, &socket);
    if (error == ENOENT)
        return 0;
    if (error != 0 || !sockdiag_wanted(known->query, &socket) || was_found(known, &socket))
        return error;
    known->found = arena_grow(&known->arena, known->found, known->count, sizeof known->found[0]);
    known->found[known->count++] = socket;
    known->visit(known->context, &socket);
    return 0;
}

/* Returns whether a role has a socket open on this port that is none of the connections found. */
static bool has_idle(const struct known *known) {
    const struct stage *stage = known->stage;
    const struct endpoint_pattern *local = &known->query->local;
    size_t count = stage->scenario->role_count * stage->scenario->socket_count;
    bool idle = false;
    for (size_t i = 0; i < count && !idle; i++) {
        const struct socket_view *view = &stage->board->views[i];
        idle = view->open && (local->any_port || view->local.port == local->endpoint.port);
        for (size_t k = 0; k < known->count && idle; k++)
            idle = known->found[k].inode != view->inode;
    }
    return idle;
}

int stage_visit_known(const struct stage *stage, const struct diag_query *query,
                      sockdiag_visit *visit, void *context) {
    size_t count = stage->scenario->role_count * stage->scenario->socket_count;
    struct known known = {stage, query, visit, context, {0}, NULL, 0};
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) { /* both ends: one may wait for accept() */
        const struct socket_view *view = &stage->board->views[i];
        if (!view->made || !view->has_peer || view->protocol != PROTOCOL_TCP)
            continue;
        error = look_up(&known, &view->local, &view->peer);
        if (error == 0)
            error = look_up(&known, &view->peer, &view->local);
    }
    struct diag_query bound = *query;
    bound.states &= 1U << STATE_BOUND;
    if (error == 0 && bound.states != 0 && has_idle(&known))
        error = sockdiag_dump(stage->diag, &bound, visit, context);
    arena_free(&known.arena);
    return error;
}
