/* The process of a role: receive a request, do the step, look at the socket, reply. */
#include "engine/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/units.h"
#include "kernel/confine.h"
#include "kernel/process.h"

/* --- stopping ---
 *
 * A serving role runs in blocking calls, which cost nothing extra. SIGNAL_STOP starts a timer that
 * interrupts a blocked call every millisecond. A call that was interrupted PATIENCE times has
 * nothing to wait for, and the block ends. Whatever is there already never takes that long, so the
 * rounds that can finish do. The timer repeats because a single signal could come just before the
 * call that it should interrupt.
 */

enum {
    PATIENCE = 10,     /* ticks that a call may wait while stopping */
    DRAIN_MOST = 1000, /* ticks that stopping may take where no call ever waits */
};

static volatile sig_atomic_t stopping, ticks;

static void tick_every(suseconds_t us) {
    struct itimerval period = {.it_interval = {.tv_usec = us}, .it_value = {.tv_usec = us}};
    setitimer(ITIMER_REAL, &period, NULL);
}

static void on_stop(int number) {
    (void)number;
    stopping = 1;
    tick_every(NS_PER_MS / NS_PER_US);
}

static void on_tick(int number) {
    (void)number;
    ticks++;
}

bool role_stopping(void) {
    return stopping;
}

bool role_would_wait(unsigned *patience) {
    return stopping && ++*patience >= PATIENCE;
}

/* --- what the role knows --- */

struct socket_view *role_view_of(struct role *role, int socket) {
    return board_view(role->board, (unsigned)role->index, (unsigned)socket);
}

void role_view(struct role *role, int socket) {
    int error = socket_look(role_view_of(role, socket), role->sockets[socket]);
    if (role->look_error == 0)
        role->look_error = error;
}

bool role_resolve(struct role *role, const struct address *address, sa_family_t family,
                  struct place *place) {
    bool own = address->use != ADDRESS_WRITTEN && address->role == (unsigned)role->index;
    if (own && role->sockets[address->socket] >= 0)
        role_view(role, (int)address->socket);
    return board_place(role->board, address, family, place);
}

static bool resolve(void *context, const struct address *address, struct place *place) {
    return role_resolve(context, address, 0, place);
}

/* Returns whether the call answered as expected and in time. */
static bool as_expected(struct role *role, const struct step *step, const struct answer *answer,
                        uint64_t start_ns) {
    const struct expectation *want = &step->want;
    if (!want->given)
        return answer->kind == ANSWER_OK ||
               expectation_met(want, answer, role->board->kernel, resolve, role) != NULL;
    return (!want->timed || expectation_in_time(want, units_now_ns() - start_ns)) &&
           expectation_met(want, answer, role->board->kernel, resolve, role) != NULL;
}

/* --- blocks: the calls of the body in a loop, at their own speed --- */

/* The lines of a block's body, as they are in this round. */
struct body {
    const struct step **lines;
    struct step **varying; /* those that the counter changes, or NULL: copies */
    size_t count;
};

static struct body body_of(struct arena *arena, const struct step *block) {
    struct body body = {.count = block->body};
    body.lines = arena_alloc(arena, body.count * sizeof(void *));
    body.varying = arena_alloc(arena, body.count * sizeof(void *));
    for (size_t i = 0; i < body.count; i++) {
        const struct step *line = block + 1 + i;
        body.varying[i] = line->variation_count > 0 ? step_copy(arena, line) : NULL;
        body.lines[i] = body.varying[i] != NULL ? body.varying[i] : line;
    }
    return body;
}

/* The values of every round but the last were not looked at when the file was read: one that cannot
 * be used is left as it was. */
static void begin_round(const struct body *body, int64_t count) {
    const struct variation *which;
    for (size_t i = 0; i < body->count; i++)
        if (body->varying[i] != NULL)
            step_fill(body->varying[i], count, &which);
}

/* Runs the body once. Returns whether every call answered as expected; if not, `reply` says which
 * one did not. */
static bool run_round(struct role *role, const struct step *block, const struct body *body,
                      struct reply *reply) {
    for (size_t i = 0; i < body->count; i++) {
        const struct step *step = body->lines[i];
        uint64_t start_ns = step->want.timed ? units_now_ns() : 0;
        reply->option = 0;
        struct answer answer = action_of(step->verb)->role(role, step, reply);
        if (as_expected(role, step, &answer, start_ns))
            continue;
        reply->answer = answer;
        reply->answer.at = step->verb;
        reply->answer.line = step->line;
        reply->call_index = (uint32_t)(block + 1 + i - role->scenario->steps);
        return false;
    }
    return true;
}

static struct answer block_answer(bool serves, bool expected, uint64_t rounds,
                                  const struct reply *reply) {
    struct answer answer = {.rounds = rounds};
    if (serves && (expected || reply->answer.kind == ANSWER_NONE)) {
        answer.kind = ANSWER_NUMBER;
        answer.number = (int64_t)rounds;
        return answer;
    }
    if (!expected)
        answer = reply->answer;
    else
        answer.kind = ANSWER_OK;
    answer.in_block = true;
    answer.rounds = rounds;
    return answer;
}

struct answer role_block(struct role *role, const struct step *block, struct reply *reply) {
    struct step_result *result = board_result(role->board, block);
    uint64_t kept = board_rounds_kept(block), rounds = 0, before_ns = units_now_ns();
    bool serves = block->verb == VERB_SERVE, expected = true;
    struct arena scratch = {0};
    struct body body = body_of(&scratch, block);
    role->polls = block->rounds.epoll;
    uint64_t most = role->most_rounds < block->rounds.most ? role->most_rounds : block->rounds.most;
    while (serves ? ticks < DRAIN_MOST : rounds < most) {
        begin_round(&body, block->rounds.start + (int64_t)rounds);
        expected = run_round(role, block, &body, reply);
        if (!expected)
            break;
        uint64_t now_ns = units_now_ns();
        if (rounds < kept)
            result->rounds_ns[rounds] = now_ns - before_ns;
        before_ns = now_ns;
        rounds++;
    }
    role->polls = false;
    role_stop_polling(role);
    arena_free(&scratch);
    reply->round_count = (uint32_t)(rounds < kept ? rounds : kept);
    return block_answer(serves, expected, rounds, reply);
}

/* --- steps --- */

/* Brings the board up to date on the sockets that a step may have changed. */
static void look_after(struct role *role, const struct step *step) {
    const struct action *action = action_of(step->verb);
    const struct verb_row *row = verb_row(step->verb);
    if (row->scope != SCOPE_CALL || step->socket == NO_SOCKET)
        return;
    role_view(role, step->socket);
    if (row->arguments == ARGUMENTS_SOCKET) {
        role_view(role, step->made);
        role_view_of(role, step->made)->inherited = false;
    }
    if (action->note != NULL)
        action->note(role, step);
}

static void do_step(struct role *role, const struct step *step, struct reply *reply) {
    uint64_t start_ns = units_now_ns();
    reply->answer = action_of(step->verb)->role(role, step, reply);
    reply->elapsed_ns = units_now_ns() - start_ns;
    look_after(role, step);
    for (size_t i = 1; i <= step->body; i++)
        look_after(role, step + i);
    reply->look_error = role->look_error;
}

/* Returns whether the stage is still there to hear it. */
static bool send_reply(const struct role *role, const struct reply *reply) {
    return protocol_send(role->channel, reply, sizeof *reply, -1) == 0;
}

/* Begins to serve: says so, runs the block, and keeps its result for the `stop`. A block that ends
 * by itself has met an unexpected answer, and the stage is told at once. */
static bool serve_block(struct role *role, const struct step *step, struct reply *served) {
    struct sigaction stop = {.sa_handler = on_stop}, tick = {.sa_handler = on_tick};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct reply begun = *served;
    begun.answer = (struct answer){.kind = ANSWER_OK};
    stopping = ticks = 0;
    sigaction(SIGALRM, &tick, NULL);
    sigaction(SIGNAL_STOP, &stop, NULL);
    if (step->rounds.epoll)
        role_start_polling(role, step);
    bool heard = send_reply(role, &begun);
    do_step(role, step, served);
    sigaction(SIGNAL_STOP, &ignore, NULL);
    tick_every(0);
    sigaction(SIGALRM, &ignore, NULL);
    return heard && (!served->answer.in_block || send_reply(role, served));
}

/* The stage learns of it before the sockets of this process are closed: so it does not judge a step
 * by that. */
static int give_up(const struct role *role, int status) {
    shutdown(role->channel, SHUT_RDWR);
    return status;
}

int role_serve(struct role *role) {
    struct reply served = {0}; /* of the last serve block */
    struct request request;
    int error = 0;
    while (!role->exits && (error = protocol_receive(role->channel, &request, sizeof request, 0,
                                                     &role->received)) == 0) {
        if (request.step_index >= role->scenario->step_count)
            return give_up(role, 1);
        const struct step *step = &role->scenario->steps[request.step_index];
        struct reply reply = protocol_reply(request.step_index);
        bool heard;
        role->most_rounds = request.most_rounds;
        if (request.stop) {
            reply = served;
            reply.step_index = request.step_index;
            heard = send_reply(role, &reply);
        } else if (step->verb == VERB_SERVE) {
            served = reply;
            heard = serve_block(role, step, &served);
        } else {
            do_step(role, step, &reply);
            heard = send_reply(role, &reply);
        }
        if (role->received >= 0)
            close(role->received);
        if (!heard)
            return give_up(role, 1);
    }
    return error == 0 || error == EPIPE ? 0 : give_up(role, ROLE_BROKEN + error);
}

/* --- the process --- */

void role_die_with_stage(const struct role *role) {
    if (role->stage == 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != role->stage)
        _exit(1); /* it has died before */
}

void role_init(struct role *role, const struct scenario *scenario, struct board *board, int index,
               int channel) {
    *role = (struct role){.scenario = scenario,
                          .board = board,
                          .index = index,
                          .channel = channel,
                          .received = -1,
                          .output = -1};
    for (size_t i = 0; i < scenario->socket_count; i++)
        role->sockets[i] = role->epolls[i] = -1;
}

void role_free(struct role *role) {
    if (role->scenario == NULL)
        return;
    for (size_t i = 0; i < role->scenario->socket_count; i++)
        if (role->sockets[i] >= 0)
            close(role->sockets[i]);
    close(role->channel);
    arena_free(&role->arena);
    *role = (struct role){0};
}

/* Returns whether the role becomes a program, which has the rights of whoever runs this. A role
 * that is forked by another one has that one's rights. */
static bool becomes_program(const struct role *role) {
    for (size_t i = 0; i < role->scenario->step_count; i++)
        if (role->scenario->steps[i].verb == VERB_EXEC)
            return true;
    return false;
}

static struct confine_needs needs_of(const struct scenario *scenario) {
    struct confine_needs needs = {.ids = scenario->needs_uids, .files = scenario->has_files};
    for (size_t i = 0; i < scenario->step_count; i++)
        needs.ids |= scenario->steps[i].verb == VERB_UID || scenario->steps[i].verb == VERB_CHOWN;
    return needs;
}

_Noreturn void role_main(const struct scenario *scenario, struct board *board, int index,
                         int channel, pid_t stage) {
    struct role role;
    role_init(&role, scenario, board, index, process_keep_only(channel));
    role.stage = stage;
    role_die_with_stage(&role);
    int error = board_leave(board);
    if (error == 0 && !becomes_program(&role))
        error = confine(needs_of(scenario));
    _exit(error != 0 ? ROLE_BROKEN + error : role_serve(&role));
}
