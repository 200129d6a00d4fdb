/* Questions about a parsed scenario. */
#include "scenario/scenario.h"

#include <string.h>

void scenario_free(struct scenario *scenario) {
    if (scenario == NULL)
        return;
    struct arena arena = scenario->arena; /* the scenario lies in it */
    arena_free(&arena);
}

bool scenario_has_tag(const struct scenario *scenario, const char *tag) {
    for (size_t i = 0; i < scenario->tag_count; i++)
        if (strcmp(scenario->tags[i], tag) == 0)
            return true;
    return false;
}

/* --- steps --- */

static bool has(const struct step *step, enum step_arguments arguments) {
    return verb_row(step->verb)->arguments == arguments;
}

const struct address *step_address(const struct step *step) {
    return has(step, ARGUMENTS_ADDRESS) ? &step->address : NULL;
}

int step_made(const struct step *step) {
    return has(step, ARGUMENTS_SOCKET) ? step->made : NO_SOCKET;
}

int step_other_role(const struct step *step) {
    return has(step, ARGUMENTS_ROLE) ? step->other_role : NO_ROLE;
}

const struct step_query *step_query(const struct step *step) {
    return has(step, ARGUMENTS_QUERY) ? &step->query : NULL;
}

const struct step_rounds *step_rounds(const struct step *step) {
    return has(step, ARGUMENTS_ROUNDS) ? &step->rounds : NULL;
}

/* --- time --- */

static uint64_t step_declared_ns(const struct step *step) {
    uint64_t longest = 0;
    if (has(step, ARGUMENTS_TIME))
        longest = step->duration_ns;
    else if (has(step, ARGUMENTS_QUERY))
        longest = step->query.within_ns;
    return step->want.latest_ns > longest ? step->want.latest_ns : longest;
}

static uint64_t section_declared_ns(const struct scenario *scenario,
                                    const struct section *section) {
    uint64_t sum = 0, rounds = 1;
    size_t body_left = 0;
    for (size_t i = section->first; i < section->first + section->count; i++) {
        const struct step *step = &scenario->steps[i];
        sum += step_declared_ns(step) * rounds;
        if (step->body > 0) {
            body_left = step->body + 1;
            rounds = step->rounds.given ? step->rounds.most : 1;
        }
        body_left -= body_left > 0;
        rounds = body_left > 0 ? rounds : 1;
    }
    return sum;
}

uint64_t scenario_declared_ns(const struct scenario *scenario, size_t case_index) {
    const uint64_t day_ns = 24ULL * 3600 * 1000 * 1000 * 1000;
    uint64_t sum = section_declared_ns(scenario, &scenario->setup) +
                   section_declared_ns(scenario, &scenario->cases[case_index]);
    return sum < day_ns ? sum : day_ns;
}
