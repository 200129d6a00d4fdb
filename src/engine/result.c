#include "engine/result.h"

#include <stddef.h>
#include <string.h>

const struct step *result_step(const struct scenario *scenario, size_t case_index, size_t index) {
    const struct section *setup = &scenario->setup, *own = &scenario->cases[case_index];
    size_t step = index < setup->count ? setup->first + index : own->first + index - setup->count;
    return &scenario->steps[step];
}

bool result_setup_is_met(const struct scenario_result *scenario, size_t case_index) {
    const struct case_result *result = &scenario->cases[case_index];
    size_t count = scenario->scenario->setup.count;
    if (result->step_count < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (result->steps[i].status != STEP_MET)
            return false;
        i += result_step(scenario->scenario, case_index, i)->body;
    }
    return true;
}

size_t result_setup_to_show(const struct scenario_result *scenario) {
    size_t count = scenario->scenario->case_count;
    if (scenario->scenario->setup.count == 0)
        return count;
    size_t shown = 0;
    while (shown < count && !result_setup_is_met(scenario, shown))
        shown++;
    return shown;
}

const struct step_result *result_failed_step(const struct case_result *result) {
    for (size_t i = 0; i < result->step_count; i++) {
        enum step_status status = result->steps[i].status;
        if (status == STEP_UNMET || status == STEP_BROKEN || status == STEP_RUNNING)
            return &result->steps[i];
    }
    return NULL;
}

const struct step *result_judge(const struct step *step, const struct step_result *result) {
    if (step->verb != VERB_SERVE || result->got.at == VERB_NONE)
        return step;
    for (const struct step *line = step + 1; line <= step + step->body; line++)
        if (line->line == result->got.line)
            return line;
    return step;
}

const char *result_where(const struct scenario *scenario, const struct step_result *result) {
    if (result->option == 0)
        return NULL;
    const struct step *call = &scenario->steps[result->call_index];
    return call->options.list[result->option - 1].option->name;
}

void result_set_outcome(struct step_result *result, const struct step *step,
                        const struct step_outcome *outcome) {
    result->status = outcome->status;
    result->got = outcome->got;
    result->met = expectation_at(&step->want, outcome->met_index);
    result->elapsed_ns = outcome->elapsed_ns;
    result->call_index = outcome->call_index;
    result->option = outcome->option;
    result->has_evidence = outcome->has_evidence;
    result->round_count = outcome->round_count;
}

struct case_result result_keep(struct arena *arena, const struct case_result *result) {
    struct case_result kept = *result;
    kept.steps = arena_keep(arena, result->steps, result->step_count * sizeof result->steps[0]);
    kept.reason =
        result->reason[0] == '\0' ? "" : arena_copy(arena, result->reason, strlen(result->reason));
    for (size_t i = 0; i < kept.step_count; i++) {
        struct step_result *step = &kept.steps[i];
        if (step->has_evidence) { /* without the room for suspects that is not used */
            size_t used = step->evidence->suspect_count * sizeof step->evidence->suspects[0];
            step->evidence =
                arena_keep(arena, step->evidence, offsetof(struct evidence, suspects) + used);
        } else {
            step->evidence = NULL;
        }
        bool saw = step->seen != NULL && step->seen[0] != '\0';
        step->seen = saw ? arena_copy(arena, step->seen, strlen(step->seen)) : NULL;
        step->rounds_ns =
            arena_keep(arena, step->rounds_ns, step->round_count * sizeof step->rounds_ns[0]);
    }
    return kept;
}

/* Of two verdicts the heavier; PASS beside SKIP stays PASS. */
static enum verdict together(enum verdict a, enum verdict b) {
    if (a <= VERDICT_SKIP && b <= VERDICT_SKIP)
        return a == VERDICT_PASS || b == VERDICT_PASS ? VERDICT_PASS : VERDICT_SKIP;
    return a > b ? a : b;
}

void result_sum_up(struct run_result *run) {
    memset(run->cases, 0, sizeof run->cases);
    run->verdict = VERDICT_SKIP;
    for (size_t i = 0; i < run->scenario_count; i++) {
        struct scenario_result *scenario = &run->scenarios[i];
        scenario->verdict = VERDICT_SKIP;
        for (size_t k = 0; k < scenario->scenario->case_count; k++) {
            run->cases[scenario->cases[k].verdict]++;
            scenario->verdict = together(scenario->verdict, scenario->cases[k].verdict);
        }
        run->verdict = together(run->verdict, scenario->verdict);
    }
}

void run_result_free(struct run_result *run) {
    arena_free(&run->arena);
    *run = (struct run_result){0};
}

bool result_is_hopeless(const struct scenario *scenario, const struct case_result *result) {
    if (!scenario->needs_program || result->verdict != VERDICT_ERROR)
        return false;
    for (size_t i = 0; i < scenario->setup.count && i < result->step_count; i++)
        if (result->steps[i].status == STEP_BROKEN)
            return true;
    return false;
}
