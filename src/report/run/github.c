/* The report for GitHub Actions: the verdict in the log, and annotations that GitHub shows beside
 * the line of a pull request ("Workflow commands for GitHub Actions", docs.github.com).
 *
 * GitHub shows ten annotations of each kind per step of a job, so what is the same is said once: a
 * setup that fails fails every case, and the reason of a SKIP is mostly that of all cases. */
#include <string.h>

#include "base/text.h"
#include "report/run/phrase.h"
#include "report/run/run.h"

struct github {
    FILE *out, *message, *property; /* markup; text from outside, in messages and in properties */
    const struct report *report;
};

/* Writes a text of an annotation, which is read as one whatever stands in it: for GitHub to find a
 * file, its name must be as it is. */
static void write_text(FILE *out, const char *text) {
    uint32_t code;
    for (size_t size = strlen(text), at = 0, length; at < size; at += length) {
        length = utf8_next(text + at, size - at, &code);
        utf8_print(out, text + at, length);
    }
}

/* Begins an annotation. The scenario's file and the line are named if it is a file: a built-in one
 * is none, and standard input is none that GitHub knows. */
static void begin(const struct github *github, const char *command, const struct scenario *scenario,
                  unsigned line) {
    bool file = scenario->file != NULL && scenario->file[0] != '<';
    fprintf(github->out, "::%s ", command);
    if (!file)
        return;
    fputs("file=", github->out);
    write_text(github->property, scenario->file);
    fprintf(github->out, ",line=%u,", line);
}

/* --- cases that failed --- */

/* Returns whether the case failed in the setup, at the same step and with the same answer as an
 * earlier one. */
static bool is_repetition(const struct scenario_result *scenario, size_t index, size_t earlier) {
    const struct case_result *result = &scenario->cases[index], *other = &scenario->cases[earlier];
    const struct step_result *failed = result_failed_step(result);
    const struct step_result *before = result_failed_step(other);
    if (result->verdict != other->verdict || strcmp(result->reason, other->reason) != 0)
        return false;
    if (failed == NULL || before == NULL)
        return failed == before;
    size_t at = (size_t)(failed - result->steps);
    char got[ANSWER_TEXT_SIZE], got_before[ANSWER_TEXT_SIZE];
    return at == (size_t)(before - other->steps) && at < scenario->scenario->setup.count &&
           strcmp(answer_text(&failed->got, got), answer_text(&before->got, got_before)) == 0;
}

/* Returns how many later cases failed likewise; 0 for one that an earlier one stands for, with
 * `*told` set. */
static size_t count_alike(const struct scenario_result *scenario, size_t index, bool *told) {
    size_t alike = 0;
    *told = false;
    for (size_t i = 0; i < scenario->scenario->case_count; i++)
        if (i != index && is_repetition(scenario, index, i)) {
            *told |= i < index;
            alike += i > index;
        }
    return *told ? 0 : alike;
}

static void write_case(const struct github *github, const struct scenario_result *scenario,
                       size_t index) {
    const struct scenario *story = scenario->scenario;
    const struct case_result *result = &scenario->cases[index];
    const struct step_result *failed = result_failed_step(result);
    const struct step *step =
        failed == NULL ? NULL : result_step(story, index, (size_t)(failed - result->steps));
    bool told;
    size_t alike = count_alike(scenario, index, &told);
    if (told)
        return;
    begin(github, "error", story,
          step == NULL ? story->cases[index].line : result_judge(step, failed)->line);
    fprintf(github->out, "title=%s ", verdict_name(result->verdict));
    write_text(github->property, story->name);
    fputs(": ", github->property);
    write_text(github->property, story->cases[index].title);
    if (alike > 0)
        fprintf(github->property, ", and %zu more case%s", alike, alike == 1 ? "" : "s");
    fputs("::", github->out);
    phrase_story(github->message, scenario, index, github->report->verbose);
    fputc('\n', github->out);
}

/* --- cases that were skipped --- */

/* Returns how many cases were skipped for this reason, and in how many scenarios; `*first` is set
 * to whether no case before this one was. */
static size_t count_skipped(const struct run_result *run, const struct case_result *result,
                            size_t *scenarios, bool *first) {
    size_t cases = 0;
    *scenarios = 0;
    for (size_t i = 0; i < run->scenario_count; i++) {
        size_t before = cases;
        for (size_t k = 0; k < run->scenarios[i].scenario->case_count; k++) {
            const struct case_result *other = &run->scenarios[i].cases[k];
            if (other->verdict != VERDICT_SKIP || strcmp(other->reason, result->reason) != 0)
                continue;
            *first = cases == 0 ? other == result : *first;
            cases++;
        }
        *scenarios += cases > before;
    }
    return cases;
}

static void write_skip(const struct github *github, const struct scenario_result *scenario,
                       size_t index) {
    const struct case_result *result = &scenario->cases[index];
    size_t scenarios;
    bool first = false;
    size_t cases = count_skipped(run_findings(github->report)->run, result, &scenarios, &first);
    if (!first)
        return;
    begin(github, "notice", scenario->scenario, scenario->scenario->cases[index].line);
    fputs("title=SKIP ", github->out);
    write_text(github->property, scenario->scenario->name);
    if (cases == 1) {
        fputs(": ", github->property);
        write_text(github->property, scenario->scenario->cases[index].title);
    } else {
        fprintf(github->property, ": %zu cases", cases);
        if (scenarios > 1)
            fprintf(github->property, " of %zu scenarios", scenarios);
    }
    fputs("::", github->out);
    phrase_text(github->message, result->reason);
    fputc('\n', github->out);
}

/* --- the report --- */

/* The runner reads `##[` as the start of a command wherever it stands in a line of the log. */
static void write_verdict(FILE *out, const char *line) {
    for (const char *at = line; *at != '\0'; at++) {
        fputc(*at, out);
        if (at > line && at[-1] == '#' && at[0] == '#' && at[1] == '[')
            fputc(' ', out);
    }
    fputc('\n', out);
}

static void write_report(const struct report *report, FILE *out) {
    const struct run_result *run = run_findings(report)->run;
    struct github github = {.out = out,
                            .message = escape_open(out, escape_github),
                            .property = escape_open(out, escape_github_property),
                            .report = report};
    char line[REPORT_LINE_SIZE];
    write_verdict(out, run_verdict(run, line));
    for (size_t i = 0; i < run->scenario_count; i++)
        for (size_t k = 0; k < run->scenarios[i].scenario->case_count; k++) {
            enum verdict verdict = run->scenarios[i].cases[k].verdict;
            if (verdict == VERDICT_SKIP)
                write_skip(&github, &run->scenarios[i], k);
            else if (verdict != VERDICT_PASS)
                write_case(&github, &run->scenarios[i], k);
        }
    fclose(github.message);
    fclose(github.property);
}

const struct format format_github = {
    .name = "github",
    .extensions = "",
    .line = "annotations of GitHub Actions, at the file and line of what failed",
    .write = write_report,
};
