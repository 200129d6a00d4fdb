#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "report/report.h"

enum { NAME_MOST = 32, WANT_MOST = 20 };

int report_exit_code(enum verdict verdict) {
    return verdict == VERDICT_ERROR ? 2 : verdict == VERDICT_FAIL ? 1 : 0;
}

static void print_count(FILE *out, size_t count, const char *what) {
    fprintf(out, "%zu %s%s", count, what, count == 1 ? "" : "s");
}

/* Prints the text, or the front of it if it is longer than `most` bytes: the line has room for 80.
 */
static void print_front(FILE *out, const char *text, size_t most) {
    size_t size = utf8_cut(text, most);
    utf8_print(out, text, size);
    fputs(text[size] == '\0' ? "" : "...", out);
}

/* The first case with the run's own verdict, and the scenario that it belongs to. */
static const struct case_result *decisive_case(const struct run_result *run,
                                               const struct scenario_result **scenario,
                                               size_t *index) {
    for (size_t i = 0; i < run->scenario_count; i++)
        for (size_t k = 0; k < run->scenarios[i].scenario->case_count; k++)
            if (run->scenarios[i].cases[k].verdict == run->verdict) {
                *scenario = &run->scenarios[i];
                *index = k;
                return &run->scenarios[i].cases[k];
            }
    return NULL;
}

static void print_failed(FILE *out, const struct scenario_result *scenario, size_t index,
                         const struct case_result *result) {
    const struct step_result *failed = result_failed_step(result);
    char got[ANSWER_TEXT_SIZE];
    if (failed == NULL)
        return;
    const struct step *step = result_judge(
        result_step(scenario->scenario, index, (size_t)(failed - result->steps)), failed);
    fprintf(out, "line %u: want ", step->line);
    print_front(out, step->want.text, WANT_MOST);
    fprintf(out, ", got %s", answer_text(&failed->got, got));
}

static void print_trouble(FILE *out, const struct run_result *run) {
    const struct scenario_result *scenario = NULL;
    size_t index = 0, total = 0;
    const struct case_result *result = decisive_case(run, &scenario, &index);
    for (int i = 0; i < VERDICTS; i++)
        total += run->cases[i];
    if (result == NULL)
        return;
    if (run->verdict != VERDICT_SKIP && total > 1)
        fprintf(out, "%zu of %zu cases, first: ", run->cases[run->verdict], total);
    if (run->scenario_count > 1) {
        print_front(out, scenario->scenario->name, NAME_MOST);
        fputs(": ", out);
    }
    if (run->verdict == VERDICT_FAIL)
        print_failed(out, scenario, index, result);
    else
        print_front(out, result->reason, REPORT_LINE_SIZE);
}

static void print_passed(FILE *out, const struct run_result *run) {
    print_count(out, run->cases[VERDICT_PASS], "case");
    fputs(run->cases[VERDICT_PASS] == 1 ? ", as expected" : ", all as expected", out);
    if (run->repeat > 1)
        fprintf(out, " %u times", run->repeat);
    if (run->cases[VERDICT_SKIP] > 0)
        fprintf(out, "; %zu skipped", run->cases[VERDICT_SKIP]);
}

const char *report_verdict(const struct run_result *run, char *line) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    line[0] = '\0';
    if (out == NULL)
        return line;
    fprintf(out, "%s ", verdict_name(run->verdict));
    if (run->scenario_count == 1)
        print_front(out, run->scenarios[0].scenario->name, NAME_MOST);
    else
        print_count(out, run->scenario_count, "scenario");
    fputs(": ", out);
    if (run->verdict == VERDICT_PASS)
        print_passed(out, run);
    else
        print_trouble(out, run);
    if (fclose(out) == 0) {
        size_t length = utf8_cut(text, REPORT_LINE_SIZE - 1);
        memcpy(line, text, length);
        line[length] = '\0';
    }
    free(text);
    return line;
}
