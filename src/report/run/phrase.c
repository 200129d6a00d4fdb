#include "report/run/phrase.h"

#include <string.h>

#include "base/text.h"

void phrase_text(FILE *out, const char *text) {
    utf8_print(out, text, strlen(text));
}

void phrase_front(FILE *out, const char *text, size_t most) {
    size_t size = utf8_cut(text, most);
    if (text[size] == '\0') {
        utf8_print(out, text, size);
        return;
    }
    while (size > 0 && text[size] != ' ')
        size--;
    if (size == 0)
        size = strcspn(text, " ");
    utf8_print(out, text, size);
    fputs(text[size] == '\0' ? "" : " ...", out);
}

const char *phrase_role(const struct scenario *scenario, const struct step *step) {
    return step->role == NO_ROLE ? "" : scenario->roles[step->role];
}

void phrase_call(FILE *out, const struct step *step) {
    fprintf(out, "%s%s", verb_row(step->verb)->name, *step->arguments == '\0' ? "" : " ");
    phrase_text(out, step->arguments);
}

void phrase_answer(FILE *out, const struct step_result *result, bool verbose) {
    static const char *const words[] = {
        [STEP_NOT_RUN] = "not run", [STEP_RUNNING] = "no answer", [STEP_BROKEN] = "not done"};
    char got[ANSWER_TEXT_SIZE];
    if (result->status != STEP_MET && result->status != STEP_UNMET)
        fputs(words[result->status], out);
    else if (verbose || result->status == STEP_UNMET || wanted_pins(result->met, &result->got))
        fputs(answer_text(&result->got, got), out);
    else
        phrase_text(out, result->met->text);
}

static void print_failed(FILE *out, const struct scenario_result *scenario, size_t index,
                         size_t most) {
    const struct case_result *result = &scenario->cases[index];
    const struct step_result *failed = result_failed_step(result);
    char got[ANSWER_TEXT_SIZE];
    if (failed == NULL)
        return;
    const struct step *step = result_judge(
        result_step(scenario->scenario, index, (size_t)(failed - result->steps)), failed);
    fprintf(out, "line %u: want ", step->line);
    phrase_front(out, step->want.text, most);
    fprintf(out, ", got %s", answer_text(&failed->got, got));
}

void phrase_case(FILE *out, const struct scenario_result *scenario, size_t index, size_t most) {
    if (scenario->cases[index].verdict == VERDICT_FAIL)
        print_failed(out, scenario, index, most);
    else
        phrase_text(out, scenario->cases[index].reason);
}
