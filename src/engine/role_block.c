/* repeat and serve: the body's calls in a loop, inside the role, at their own speed. */
#include "base/units.h"
#include "engine/role.h"

/* Runs the body once. Returns whether every call answered as expected; if not, `reply` says which
 * one did not. */
static bool run_round(struct role *role, const struct step *block, struct reply *reply) {
    for (const struct step *step = block + 1; step <= block + block->body; step++) {
        uint64_t start_ns = step->want.timed ? units_now_ns() : 0;
        struct answer answer = role_call(role, step, &reply->where);
        bool as_usual = !step->want.given && answer.kind == ANSWER_OK;
        bool in_time =
            !step->want.timed || expectation_in_time(&step->want, units_now_ns() - start_ns);
        if (as_usual || (in_time && role_expected(role, step, &answer)))
            continue;
        reply->answer = answer;
        reply->answer.at = step->verb;
        reply->answer.line = step->line;
        reply->call = (uint32_t)(step - role->scenario->steps);
        return false;
    }
    return true;
}

static bool may_go_on(const struct step *block, uint64_t rounds, uint64_t most) {
    return block->verb == VERB_SERVE ? !role_must_stop() : rounds < most;
}

void role_block(struct role *role, const struct step *block, struct reply *reply) {
    struct step_result *result = board_result(role->board, block);
    bool serves = block->verb == VERB_SERVE;
    uint64_t most = block->has_number ? (uint64_t)block->number : SCENARIO_ROUNDS_MAX;
    uint64_t kept = most < ROUNDS_KEPT ? most : ROUNDS_KEPT, rounds = 0;
    uint64_t before_ns = units_now_ns();
    bool as_expected = true;
    while (may_go_on(block, rounds, most) && (as_expected = run_round(role, block, reply))) {
        uint64_t now_ns = units_now_ns();
        if (rounds < kept)
            result->rounds_ns[rounds] = now_ns - before_ns;
        before_ns = now_ns;
        rounds++;
    }
    reply->round_count = (uint32_t)(rounds < kept ? rounds : kept);
    if (serves && (as_expected || reply->answer.kind == ANSWER_NONE))
        reply->answer = (struct answer){.kind = ANSWER_NUMBER, .number = (int64_t)rounds};
    else if (as_expected)
        reply->answer = (struct answer){.kind = ANSWER_OK, .in_block = true, .rounds = rounds};
    else
        reply->answer.in_block = true;
    reply->answer.rounds = rounds;
}
