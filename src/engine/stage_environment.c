/* The steps of the environment: the stage does them itself, in the case's namespace. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/errnames.h"
#include "base/units.h"
#include "engine/role.h"
#include "engine/stage.h"
#include "engine/stage_program.h"
#include "inspect/owners.h"
#include "kernel/netdev.h"
#include "kernel/sockdiag.h"
#include "kernel/sysctl.h"

/* --- sysctl --- */

/* Reads the values that sysctls have where portreuse was started, before the stage leaves it. */
void stage_read_outside(struct stage *stage, struct arena *arena) {
    size_t count = stage->scenario->step_count;
    stage->outside = arena_alloc(arena, (count + 1) * sizeof stage->outside[0]);
    for (size_t i = 0; i < stage->board->result.step_count; i++) {
        const struct step *step = result_step(stage->scenario, stage->board->case_index, i);
        if (step->verb != VERB_SYSCTL || !step->sysctl.outside)
            continue;
        struct outside_value *value = &stage->outside[stage_index(stage, step)];
        char *text;
        value->error = sysctl_read_all(NETNS_HERE, step->sysctl.name, &text);
        value->text = arena_copy(arena, text, strlen(text));
        free(text);
    }
}

/* The kernel clears a list at an empty line. */
static enum outcome do_outside(struct stage *stage, const struct step *step, struct reply *reply) {
    const struct outside_value *value = &stage->outside[stage_index(stage, step)];
    int error = value->error;
    if (error == 0)
        error = sysctl_write(NETNS_HERE, step->sysctl.name,
                             value->text[0] == '\0' ? "\n" : value->text);
    stage_answer_errno(reply, error);
    if (error == 0 || stage_met(stage, step, reply))
        return OUTCOME_ANSWERED;
    return stage_check_sysctl(stage, step, value->text, error);
}

/* The text that is written; NULL if a socket that it names has no port yet. */
static const char *sysctl_text(const struct stage *stage, const struct step_sysctl *sysctl,
                               struct arena *arena) {
    const char *text = "";
    for (size_t i = 0; i < sysctl->value_count; i++) {
        const struct sysctl_value *word = &sysctl->values[i];
        const char *gap = i == 0 ? "" : "\t";
        struct endpoint endpoint;
        if (word->is_address && !board_resolve(stage->board, &word->address, AF_INET, &endpoint))
            return NULL;
        text = word->is_address ? arena_format(arena, "%s%s%u", text, gap, endpoint.port)
                                : arena_format(arena, "%s%s%s", text, gap, word->text);
    }
    return text;
}

static enum outcome write_sysctl(struct stage *stage, const struct step *step, const char *text,
                                 struct reply *reply) {
    const char *sysctl = step->sysctl.name;
    char name[ERRNAME_SIZE];
    int error = sysctl_write(NETNS_HERE, sysctl, text);
    stage_answer_errno(reply, error);
    bool met = stage_met(stage, step, reply);
    if (error != 0 && !met && sysctl_failed(NETNS_HERE, sysctl, error))
        return stage_reason(stage, OUTCOME_ERROR,
                            "line %u: the file of %s could not be written: %s", step->line, sysctl,
                            errname(error, name));
    if (error != 0 && (met || !expectation_allows_success(&step->want)))
        return OUTCOME_ANSWERED;
    return stage_check_sysctl(stage, step, text, error);
}

static enum outcome do_sysctl(struct stage *stage, const struct step *step, struct reply *reply) {
    struct arena scratch = {0};
    if (step->sysctl.outside)
        return do_outside(stage, step, reply);
    const char *text = sysctl_text(stage, &step->sysctl, &scratch);
    enum outcome outcome =
        text == NULL ? stage_no_endpoint(stage, step) : write_sysctl(stage, step, text, reply);
    arena_free(&scratch);
    return outcome;
}

const struct action action_sysctl = {.stage = do_sysctl, .needs = NEEDS_SYSCTL | TOUCHES_HOST};

/* --- which sockets --- */

static bool make_query(const struct stage *stage, const struct step *step,
                       struct diag_query *query) {
    *query = sockdiag_query(step->query.states);
    query->protocol = step->query.protocol;
    query->family = stage->families;
    return board_resolve_pattern(stage->board, &step->query.local, &query->local) &&
           board_resolve_pattern(stage->board, &step->query.remote, &query->remote);
}

/* Visits the sockets that the step asks for, in these states. Returns 0 or an errno. */
static int look(const struct stage *stage, const struct step *step, const struct diag_query *query,
                sockdiag_visit *visit, void *context) {
    if (stage_is_off(stage, step))
        return 0;
    if (query->protocol == PROTOCOL_UNIX)
        return stage_dump_unix(stage, step, query->states, visit, context);
    return sockdiag_dump(stage->diag, query, visit, context);
}

/* The kernel does not list sockets of this protocol. */
static enum outcome cannot_list(struct stage *stage, const struct step *step, int error) {
    static const char *const modules[PROTOCOL_COUNT] = {[PROTOCOL_UDP] = "udp_diag",
                                                        [PROTOCOL_MPTCP] = "mptcp_diag",
                                                        [PROTOCOL_UNIX] = "unix_diag"};
    enum protocol protocol = step->query.protocol;
    char name[ERRNAME_SIZE];
    if (protocol == PROTOCOL_TCP)
        return stage_no_diag(stage, error);
    return stage_reason(stage, stage_refusal(error),
                        "the kernel does not list its %s sockets here (%s: %s)%s",
                        socket_protocol_name(protocol), modules[protocol], errname(error, name),
                        error == ENOENT ? ": load that module, as root" : "");
}

static bool count_one(void *context, const struct inet_socket *socket) {
    (void)socket;
    ++*(int64_t *)context;
    return true;
}

/* How many sockets were found, and how many are enough. */
struct tally {
    int64_t found, enough;
};

static bool found_one(void *context, const struct inet_socket *socket) {
    struct tally *tally = context;
    (void)socket;
    return ++tally->found < tally->enough;
}

/* Returns whether a known connection of the roles is one that is asked for: to look up a known
 * connection is cheaper than to walk the kernel's table. */
static bool known_exists(const struct stage *stage, const struct diag_query *query) {
    size_t count = stage->scenario->role_count * stage->scenario->socket_count;
    for (size_t i = 0; i < count; i++) {
        const struct socket_view *view = &stage->board->views[i];
        struct inet_socket socket;
        if (view->has_peer && endpoint_matches(&query->local, &view->local) &&
            endpoint_matches(&query->remote, &view->peer) &&
            sockdiag_find(stage->diag, &view->local, &view->peer, &socket) == 0 &&
            (query->states & 1U << socket.state) != 0)
            return true;
    }
    return false;
}

struct seen_text {
    char *text;
    size_t used;
    bool owners; /* say which processes have the sockets, too */
};

/* Returns whether a role has become a program: then the socket can be that of any child of it. */
static bool has_program(const struct stage *stage) {
    for (size_t i = 0; i < stage->scenario->role_count; i++)
        if (stage->roles[i].log != NULL)
            return true;
    return false;
}

/* Writes ", held by nginx (pid 7), nginx (pid 8)" to `text`, of RESULT_TEXT_SIZE bytes. */
static void describe_owners(uint32_t inode, char *text) {
    struct owners owners = {.inode = inode};
    size_t used = 0;
    text[0] = '\0';
    if (inode != 0)
        owners_find(&owners, 1);
    for (unsigned i = 0; i < owners.known && used < RESULT_TEXT_SIZE; i++)
        used += (size_t)snprintf(text + used, RESULT_TEXT_SIZE - used, "%s %s (pid %d)",
                                 i == 0 ? ", held by" : ",", owners.oldest[i].program,
                                 (int)owners.oldest[i].pid);
}

static bool describe_one(void *context, const struct inet_socket *socket) {
    struct seen_text *seen = context;
    char local[ENDPOINT_TEXT_SIZE], owners[RESULT_TEXT_SIZE] = "";
    size_t left = RESULT_TEXT_SIZE - seen->used;
    if (seen->owners)
        describe_owners(socket->inode, owners);
    bool named = socket->protocol == PROTOCOL_UNIX; /* its name is the one that was asked for */
    int length = snprintf(seen->text + seen->used, left, "%s%s%s%s%s", seen->used > 0 ? ", " : "",
                          socket_state_text(socket->protocol, socket->state), named ? "" : " ",
                          named ? "" : endpoint_text(&socket->local, local), owners);
    if ((size_t)length >= left) {
        seen->text[seen->used] = '\0';
        return false;
    }
    seen->used += (size_t)length;
    return true;
}

/* Writes down which sockets exist instead of the awaited one, in any state; or those that should
 * not. */
static void describe_seen(struct stage *stage, const struct step *step, struct diag_query query) {
    struct seen_text seen = {.text = board_result(stage->board, step)->seen,
                             .owners = step->query.absent && has_program(stage)};
    if (!step->query.absent)
        query.states = STATES_ANY;
    owners_forget();
    look(stage, step, &query, describe_one, &seen);
    if (seen.used == 0)
        snprintf(seen.text, RESULT_TEXT_SIZE, "no socket");
}

/* The same where several are awaited: how many there are. */
static void count_seen(struct stage *stage, const struct step *step, int64_t found) {
    snprintf(board_result(stage->board, step)->seen, RESULT_TEXT_SIZE, "%lld of %lld",
             (long long)found, (long long)step->query.least);
}

static void pause_for(uint64_t ns) {
    struct timespec time = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
    nanosleep(&time, NULL);
}

/* The pauses between two looks grow from the time in which a connection on loopback closes to one
 * that is small compared with any timer. */
static const uint64_t shortest_pause_ns = 20ULL * NS_PER_US;

static uint64_t longer_pause(uint64_t ns) {
    const uint64_t longest_ns = 5ULL * NS_PER_MS;
    return ns < longest_ns / 2 ? 2 * ns : longest_ns;
}

/* Looks until the sockets are there, or are not. */
static enum outcome do_await(struct stage *stage, const struct step *step, struct reply *reply) {
    uint64_t start_ns = units_now_ns(), pause_ns = shortest_pause_ns;
    struct diag_query query;
    if (!make_query(stage, step, &query))
        return stage_no_endpoint(stage, step);
    for (;;) {
        struct tally tally = {.enough = step->query.least};
        bool known = step->query.least == 1 && query.protocol == PROTOCOL_TCP &&
                     !stage_is_off(stage, step) && known_exists(stage, &query);
        int error = known ? 0 : look(stage, step, &query, found_one, &tally);
        bool there = known || tally.found >= tally.enough;
        if (error != 0)
            return cannot_list(stage, step, error);
        reply->elapsed_ns = units_now_ns() - start_ns;
        if (there != step->query.absent) {
            stage_answer_errno(reply, 0);
            return OUTCOME_ANSWERED;
        }
        bool timed_out = reply->elapsed_ns >= step->query.within_ns;
        if (timed_out)
            stage_answer_errno(reply, ETIMEDOUT);
        if (timed_out || stage_time_left(stage) == 0) {
            if (tally.enough > 1)
                count_seen(stage, step, tally.found);
            else
                describe_seen(stage, step, query);
            return OUTCOME_ANSWERED;
        }
        pause_for(pause_ns);
        pause_ns = longer_pause(pause_ns);
    }
}

const struct action action_await = {.stage = do_await, .needs = NEEDS_SOCK_DIAG};

/* Returns whether the number is as expected, or will not be looked at again: only `within` says how
 * long the sockets may take. */
static bool is_final(const struct stage *stage, const struct step *step, const struct reply *reply,
                     uint64_t start_ns) {
    const struct expectation *want = &step->want;
    return !want->timed || units_now_ns() - start_ns >= want->latest_ns ||
           stage_time_left(stage) == 0 || stage_met(stage, step, reply);
}

static enum outcome do_count(struct stage *stage, const struct step *step, struct reply *reply) {
    uint64_t start_ns = units_now_ns(), pause_ns = shortest_pause_ns;
    struct diag_query query;
    if (!make_query(stage, step, &query))
        return stage_no_endpoint(stage, step);
    for (;;) {
        int64_t count = 0;
        int error = look(stage, step, &query, count_one, &count);
        if (error != 0)
            return cannot_list(stage, step, error);
        reply->answer = (struct answer){.kind = ANSWER_NUMBER, .number = count};
        if (is_final(stage, step, reply, start_ns))
            return OUTCOME_ANSWERED;
        pause_for(pause_ns);
        pause_ns = longer_pause(pause_ns);
    }
}

const struct action action_count = {.stage = do_count, .needs = NEEDS_SOCK_DIAG};

/* --- destroy --- */

struct doomed {
    struct arena arena;
    struct inet_socket *sockets;
    size_t count;
};

static bool doom(void *context, const struct inet_socket *socket) {
    struct doomed *doomed = context;
    doomed->sockets = arena_grow(&doomed->arena, doomed->sockets, doomed->count, sizeof *socket);
    doomed->sockets[doomed->count++] = *socket;
    return true;
}

/* Destroys each socket and returns how many were destroyed. `*error` is the first errno and
 * `*state` the state of its socket; ENOENT if there was no other errno. */
static int64_t destroy_all(const struct stage *stage, const struct doomed *doomed, int *error,
                           enum tcp_state *state) {
    int64_t destroyed = 0;
    *error = ENOENT;
    for (size_t i = 0; i < doomed->count; i++) {
        int one = sockdiag_destroy(stage->diag, &doomed->sockets[i]);
        destroyed += one == 0;
        if (one != 0 && *error == ENOENT) {
            *error = one;
            *state = doomed->sockets[i].state;
        }
    }
    return destroyed;
}

void stage_abort_sockets(int diag, uint32_t states) {
    struct diag_query query = sockdiag_query(states);
    struct doomed doomed = {0};
    if (sockdiag_dump(diag, &query, doom, &doomed) == 0)
        for (size_t i = 0; i < doomed.count; i++)
            sockdiag_destroy(diag, &doomed.sockets[i]);
    arena_free(&doomed.arena);
}

static enum outcome do_destroy(struct stage *stage, const struct step *step, struct reply *reply) {
    struct diag_query query;
    struct doomed doomed = {0};
    enum tcp_state state = STATE_NONE;
    if (!make_query(stage, step, &query))
        return stage_no_endpoint(stage, step);
    int error = look(stage, step, &query, doom, &doomed);
    if (error != 0)
        return cannot_list(stage, step, error);
    int64_t destroyed = destroy_all(stage, &doomed, &error, &state);
    arena_free(&doomed.arena);
    if (error == EOPNOTSUPP)
        return stage_reason(stage, OUTCOME_SKIP,
                            "this kernel cannot destroy a socket in %s (SOCK_DESTROY: EOPNOTSUPP); "
                            "newer ones can, if built with CONFIG_INET_DIAG_DESTROY",
                            socket_state_text(step->query.protocol, state));
    if (destroyed > 0)
        reply->answer = (struct answer){.kind = ANSWER_NUMBER, .number = destroyed};
    else
        stage_answer_errno(reply, error);
    return OUTCOME_ANSWERED;
}

const struct action action_destroy = {.stage = do_destroy, .needs = NEEDS_SOCK_DIAG | TOUCHES_HOST};

/* --- address --- */

/* A device that does not exist is made. */
static enum outcome do_address(struct stage *stage, const struct step *step, struct reply *reply) {
    const struct step_device *device = &step->device;
    int error =
        netdev_address(NETNS_HERE, device->name, &device->address, device->bits, !device->absent);
    if (error == ENODEV && !device->absent) {
        error = netdev_make(NETNS_HERE, device->name);
        if (error == EOPNOTSUPP)
            return stage_reason(stage, OUTCOME_SKIP,
                                "this kernel cannot make a network device of kind veth; load that "
                                "module");
        if (error == 0)
            error = netdev_address(NETNS_HERE, device->name, &device->address, device->bits, true);
    }
    stage_answer_errno(reply, error);
    return OUTCOME_ANSWERED;
}

const struct action action_address = {.stage = do_address, .needs = TOUCHES_HOST};

/* --- sleep --- */

static enum outcome do_sleep(struct stage *stage, const struct step *step, struct reply *reply) {
    uint64_t end_ns = units_now_ns() + step->duration_ns;
    for (uint64_t now_ns; (now_ns = units_now_ns()) < end_ns;) {
        uint64_t left_ns = end_ns - now_ns, case_ns = stage->options->deadline_ns;
        if (stage_time_left(stage) == 0)
            return OUTCOME_ANSWERED;
        if (now_ns + left_ns > case_ns)
            left_ns = case_ns - now_ns;
        pause_for(left_ns);
    }
    stage_answer_errno(reply, 0);
    return OUTCOME_ANSWERED;
}

const struct action action_sleep = {.stage = do_sleep, .role = role_sleep};
