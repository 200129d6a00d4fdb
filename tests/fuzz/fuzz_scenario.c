/* Any bytes as a scenario. Nothing crashes or hangs, each error can be printed and lies in the
 * text, the header alone says what the whole says; and a valid one is laid out on a board, and each
 * of its lines that vary takes the values of its rounds.
 *
 * The mutator (grammar.c) knows the language, so that most inputs get beyond the first line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/board.h"
#include "engine/limits.h"
#include "grammar.h"
#include "require.h"
#include "scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_errors(const struct errors *errors, const char *text, size_t size) {
    static FILE *nowhere;
    unsigned lines = 1;
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    size_t kept = errors->count < ERRORS_KEPT ? errors->count : ERRORS_KEPT;
    for (size_t i = 0; i < kept; i++) {
        const struct error *error = &errors->list[i];
        require(error->line <= lines && error->text[0] != '\0');
        require(error->excerpt == NULL || error->caret <= error->excerpt_size);
    }
    errors_print(errors, nowhere);
}

/* What a valid scenario promises to the engine. */
static void check_step(const struct scenario *scenario, const struct step *step) {
    require(step->role >= NO_ROLE && step->role < (int)scenario->role_count);
    require(step->host >= NO_HOST && step->host < (int)scenario->host_count);
    require(step->socket >= NO_SOCKET && step->socket < (int)scenario->socket_count);
    require(step->want.either_count > 0 && step->verb > VERB_NONE && step->verb < VERB_END);
    require(step_other_role(step) < (int)scenario->role_count);
    require(step_host(step) < (int)scenario->host_count);
    const struct address *address = step_address(step);
    if (address != NULL && address->use != ADDRESS_WRITTEN)
        require(address->role < scenario->role_count && address->socket < scenario->socket_count);
    const struct step_rounds *rounds = step_rounds(step);
    if (rounds != NULL)
        require((size_t)(step - scenario->steps) + step->body < scenario->step_count);
}

static void fill(struct arena *arena, const struct step *step, const struct step_rounds *rounds) {
    const int64_t start = rounds->start, last = start + (int64_t)rounds->most - 1;
    struct step *copy = step_copy(arena, step);
    const struct variation *which;
    require(step_fill(copy, start, &which) == NULL);
    require(step_fill(copy, last, &which) == NULL || !rounds->given);
    step_fill(copy, INT64_MAX, &which); /* beyond what was checked: it may be wrong */
}

static void check_steps(const struct scenario *scenario) {
    struct arena arena = {0};
    const struct step_rounds *rounds = NULL;
    for (size_t i = 0; i < scenario->step_count; i++) {
        const struct step *step = &scenario->steps[i];
        check_step(scenario, step);
        if (step_rounds(step) != NULL)
            rounds = step_rounds(step);
        if (step->variation_count > 0 && rounds != NULL && rounds->counter != NULL)
            fill(&arena, step, rounds);
    }
    arena_free(&arena);
}

/* Boards are mapped, which is slow: of a large text only the first case has one. */
static void check_cases(const struct scenario *scenario) {
    for (size_t i = 0; i < scenario->case_count; i++) {
        scenario_declared_ns(scenario, i);
        for (unsigned limit = 0; limit < LIMITS; limit++)
            limits_of_case(scenario, i, (enum limit)limit);
        for (size_t k = 0; k < scenario->step_count; k++) {
            enum limit which;
            if (scenario->steps[k].verb == VERB_REPEAT)
                limits_of_rounds(scenario, i, &scenario->steps[k], &limits_usual, &which);
        }
        if (i == 0)
            board_free(board_new(scenario, i));
    }
}

static void check_header(const struct scenario *scenario, const char *text, size_t size) {
    struct errors errors = {0};
    struct scenario *header = scenario_parse_header("fuzz", text, size, &errors);
    require(errors.count == 0 && header->title != NULL &&
            strcmp(header->title, scenario->title) == 0);
    require(header->tag_count == scenario->tag_count && header->slow == scenario->slow);
    errors_free(&errors);
    scenario_free(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct errors errors = {0};
    char *text = malloc(size + (size == 0)); /* exactly as large */
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    struct scenario *scenario = scenario_parse("fuzz", NULL, text, size, &errors);
    check_errors(&errors, text, size);
    if (errors.count == 0) {
        check_steps(scenario);
        check_cases(scenario);
        check_header(scenario, text, size);
    }
    errors_free(&errors);
    scenario_free(scenario);
    free(text);
    return 0;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t most, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    enum { ONE_IN = 8 }; /* of bytes, not of words */
    return seed % ONE_IN == 0 ? LLVMFuzzerMutate(data, size, most)
                              : grammar_mutate((char *)data, size, most, seed / ONE_IN);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
                                 size_t other_size, uint8_t *out, size_t most, unsigned seed) {
    return grammar_cross((const char *)one, one_size, (const char *)other, other_size, (char *)out,
                         most, seed);
}
