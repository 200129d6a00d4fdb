/* The course of one case: enter a namespace, check what it needs, do the steps in order until one
 * answers otherwise than expected, end every role. */
#include "engine/stage_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "engine/role.h"
#include "kernel/netns.h"
#include "kernel/process.h"
#include "kernel/sockdiag.h"

/* Tells the runner, if it wants to know. */
static void tell(const struct stage *stage, const struct step *step, bool ended) {
    struct stage_event event = {.at_ns = units_now_ns(),
                                .step = (uint32_t)(step - stage->scenario->steps),
                                .ended = ended,
                                .result = *board_result(stage->board, step)};
    if (stage->options->events < 0)
        return;
    while (write(stage->options->events, &event, sizeof event) < 0 && errno == EINTR)
        continue; /* any other error: the runner is gone, and this process with it */
}

/* --- judging --- */

static bool resolve(void *context, const struct address *address, struct endpoint *endpoint) {
    return board_resolve(context, address, 0, endpoint);
}

static void take_evidence(struct stage *stage, const struct reply *reply,
                          struct step_result *result) {
    const struct step *call = &stage->scenario->steps[reply->call];
    bool could_bind =
        call->verb == VERB_BIND || call->verb == VERB_CONNECT || call->verb == VERB_LISTEN;
    bool refused = reply->answer.kind == ANSWER_ERRNO &&
                   (reply->answer.error == EADDRINUSE || reply->answer.error == EADDRNOTAVAIL);
    if (!could_bind || !refused)
        return;
    stage_evidence(stage, call, reply->answer.error, result->evidence);
    result->has_evidence = true;
}

/* Writes the answer on the board, and judges it. */
static void record(struct stage *stage, const struct step *step, const struct reply *reply) {
    struct step_result *result = board_result(stage->board, step);
    result->got = reply->answer;
    result->elapsed_ns = reply->elapsed_ns;
    result->where = reply->where;
    if (step->verb == VERB_STOP) /* the rounds were the block's */
        board_result(stage->board, stage->roles[step->role].serve)->round_count =
            reply->round_count;
    else
        result->round_count = reply->round_count;
    take_evidence(stage, reply, result);
    result->met =
        expectation_met(&step->want, &reply->answer, stage->kernel, resolve, stage->board);
    bool in_time = expectation_in_time(&step->want, reply->elapsed_ns);
    result->status = result->met != NULL && in_time ? STEP_MET : STEP_UNMET;
}

/* Takes note of how a serve block ended, if it met an unexpected answer. Returns whether it did. */
static bool note_broken(struct stage *stage, const struct step *serve, const struct reply *reply) {
    if (!reply->answer.in_block)
        return false;
    record(stage, serve, reply);
    board_result(stage->board, serve)->status = STEP_UNMET;
    stage->board->result.verdict = VERDICT_FAIL;
    tell(stage, serve, true);
    return true;
}

/* Has a role stop serving, where no `stop` was to judge its block. */
static enum outcome end_serving(struct stage *stage, int role) {
    struct reply reply;
    const struct step *serve = stage->roles[role].serve;
    enum outcome outcome = stage_stop(stage, role, serve, &reply);
    if (outcome == OUTCOME_ANSWERED && !note_broken(stage, serve, &reply))
        board_result(stage->board, serve)->round_count = reply.round_count;
    return outcome;
}

/* Looks if a serve block has broken. */
static enum outcome check_serving(struct stage *stage, bool *broken) {
    int role;
    struct reply reply;
    enum outcome outcome = stage_listen(stage, &role, &reply);
    *broken = outcome == OUTCOME_ANSWERED && role >= 0 &&
              note_broken(stage, &stage->scenario->steps[reply.step], &reply);
    return outcome;
}

/* --- steps --- */

static enum outcome do_step(struct stage *stage, const struct step *step, struct reply *reply) {
    uint32_t place = (uint32_t)(step - stage->scenario->steps);
    *reply = (struct reply){.step = place, .call = place};
    if (step->role == NO_ROLE)
        return stage_environment(stage, step, reply);
    enum outcome outcome = stage_ask(stage, step, reply);
    if (outcome == OUTCOME_ANSWERED && reply->where == role_no_endpoint)
        return stage_says(stage, OUTCOME_ERROR, "line %u: %s", step->line, role_no_endpoint);
    return outcome;
}

/* Judges an answer. Where it is not as expected, a serve block that broke before is told too, as it
 * may be the reason; and if no answer came at all, in its place. */
static enum outcome judge(struct stage *stage, const struct step *step, const struct reply *reply) {
    struct step_result *result = board_result(stage->board, step);
    bool broken = false;
    record(stage, step, reply);
    if (result->status == STEP_MET)
        return OUTCOME_ANSWERED;
    stage->board->result.verdict = VERDICT_FAIL;
    enum outcome outcome = check_serving(stage, &broken);
    if (broken && reply->answer.kind == ANSWER_NONE)
        result->status = STEP_NOT_RUN;
    return outcome;
}

/* Sets the verdict where a step could not be done. */
static void give_up(struct stage *stage, enum outcome outcome) {
    if (outcome != OUTCOME_ANSWERED)
        stage->board->result.verdict = outcome == OUTCOME_SKIP ? VERDICT_SKIP : VERDICT_ERROR;
}

/* What has to be before a step: a role that serves stops before it exits. Returns whether the step
 * can be done. */
static bool prepare_step(struct stage *stage, const struct step *step) {
    if (step->verb != VERB_EXIT || stage->roles[step->role].state != STAGE_ROLE_SERVES)
        return true;
    give_up(stage, end_serving(stage, step->role));
    return stage->board->result.verdict == VERDICT_PASS;
}

/* Does one step and judges it. Returns whether the case goes on. */
static bool run_step(struct stage *stage, const struct step *step) {
    struct reply reply;
    if (!prepare_step(stage, step))
        return false;
    board_result(stage->board, step)->status = STEP_RUNNING;
    stage->board->under_way_since_ns = units_now_ns();
    stage->board->under_way = step;
    tell(stage, step, false);
    enum outcome outcome = do_step(stage, step, &reply);
    if (outcome == OUTCOME_ANSWERED)
        outcome = judge(stage, step, &reply);
    else
        board_result(stage->board, step)->status = STEP_BROKEN;
    give_up(stage, outcome);
    tell(stage, step, true);
    return stage->board->result.verdict == VERDICT_PASS;
}

/* Runs the steps of a section, a block's body with its block. Returns whether the case goes on. */
static bool run_section(struct stage *stage, const struct section *section) {
    for (size_t i = 0; i < section->count; i++) {
        const struct step *step = &stage->scenario->steps[section->first + i];
        if (!run_step(stage, step))
            return false;
        i += step->body;
    }
    return true;
}

/* Runs the case. Where all went as expected, each role that still serves is stopped, for its block
 * has to have gone so too. */
static void run_case(struct stage *stage) {
    if (!run_section(stage, &stage->scenario->setup) ||
        !run_section(stage, &stage->scenario->cases[stage->board->case_index]))
        return;
    for (int i = 0; i < (int)stage->scenario->role_count; i++)
        if (stage->roles[i].state == STAGE_ROLE_SERVES)
            give_up(stage, end_serving(stage, i));
}

/* --- the case --- */

/* Whether there may be IPv6 sockets; the namespace is ours alone, so a case that makes none has
 * none. To look for them costs a walk over the kernel's whole table. */
static bool may_have_ipv6(const struct stage *stage) {
    for (size_t i = 0; i < stage->board->result.step_count; i++)
        if (result_step(stage->scenario, stage->board->case_index, i)->family == AF_INET6)
            return true;
    return stage->options->current;
}

/* Enters the namespace, opens what is needed, checks what the case needs. */
static enum outcome prepare(struct stage *stage) {
    char reason[NETNS_REASON_SIZE];
    process_stay_on_processor();
    if (!stage->options->current && netns_enter(reason) == NETNS_REFUSED)
        return stage_says(stage, OUTCOME_SKIP, "%s", reason);
    stage->families = may_have_ipv6(stage) ? 0 : AF_INET;
    stage->diag = sockdiag_open(NETNS_HERE);
    stage->diag_error = stage->diag < 0 ? errno : sockdiag_works(stage->diag);
    return stage_check(stage);
}

/* In the present namespace: has the kernel drop the connections of the case that are in TIME-WAIT,
 * so that the next case meets a clean port. Only those whose both ends the roles are known to have
 * had are touched; should one stay, stage_check() will say so. */
static void drop_leftovers(const struct stage *stage) {
    size_t count = stage->scenario->role_count * stage->scenario->socket_count;
    for (size_t i = 0; i < count; i++) {
        const struct socket_view *view = &stage->board->views[i];
        struct tcp_socket socket;
        if (view->has_peer && sockdiag_find(stage->diag, &view->local, &view->peer, &socket) == 0 &&
            socket.state == STATE_TIME_WAIT)
            sockdiag_end_time_wait(stage->diag, NETNS_HERE, &socket);
    }
}

void stage_run(struct board *board, const struct stage_options *options) {
    struct arena arena = {0};
    struct stage stage = {.scenario = board->scenario,
                          .board = board,
                          .options = options,
                          .kernel = release_running(),
                          .diag = -1};
    uint64_t start_ns = units_now_ns();
    stage.roles = arena_alloc(&arena, (board->scenario->role_count + 1) * sizeof stage.roles[0]);
    board->result.verdict = VERDICT_PASS;
    enum outcome outcome = prepare(&stage);
    if (outcome == OUTCOME_ANSWERED)
        run_case(&stage);
    else
        board->result.verdict = outcome == OUTCOME_SKIP ? VERDICT_SKIP : VERDICT_ERROR;
    stage_end_roles(&stage);
    if (options->current && stage.diag >= 0)
        drop_leftovers(&stage);
    if (stage.diag >= 0)
        close(stage.diag);
    board->result.elapsed_ns = units_now_ns() - start_ns;
    arena_free(&arena);
}
