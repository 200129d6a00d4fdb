/* The report for people. Its first line is the verdict.
 *
 * A run of one scenario is told as a story: the setup once, then each case with its steps, then why
 * and what to do. Of several scenarios only those that did not pass are told; with -v all are.
 */
#include <string.h>

#include "base/units.h"
#include "base/utf8.h"
#include "report/run/phrase.h"
#include "report/run/run.h"
#include "report/run/text_parts.h"
#include "report/shared/layout.h"

struct writer {
    FILE *out;
    const struct report *report;
};

/* The verdict of a case or a scenario, at the beginning of a line, in a column. */
static void print_verdict(const struct writer *writer, enum verdict verdict) {
    bool colour = writer->report->colour;
    fprintf(writer->out, "%s%-5s%s ", layout_colour(colour, verdict), verdict_name(verdict),
            layout_colour_end(colour));
}

static void print_prose(FILE *out, const char *heading, const char *text) {
    if (text == NULL)
        return;
    fprintf(out, "\n%s\n  ", heading);
    layout_wrap(out, text, 2, 2);
}

/* Prints the steps of a case's result from `first` on, `count` of them. */
static void print_steps(const struct writer *writer, const struct scenario_result *scenario,
                        size_t index, size_t first, size_t count) {
    const struct case_result *result = &scenario->cases[index];
    struct text_columns columns = text_measure(scenario->scenario);
    for (size_t i = first; i < first + count; i++) {
        const struct step *step = result_step(scenario->scenario, index, i);
        text_step(writer->out, writer->report, scenario->scenario, step, &result->steps[i],
                  &columns);
        i += step->body;
    }
}

/* Whether the first `count` steps of the case were all answered as expected. */
static bool all_met(const struct scenario *scenario, const struct case_result *result, size_t index,
                    size_t count) {
    if (result->step_count < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (result->steps[i].status != STEP_MET)
            return false;
        i += result_step(scenario, index, i)->body;
    }
    return true;
}

static void print_reason(FILE *out, const char *reason) {
    fputs("      ", out);
    layout_wrap(out, reason, 6, 6);
}

static void print_case_line(const struct writer *writer, const struct scenario_result *scenario,
                            size_t index) {
    const struct case_result *result = &scenario->cases[index];
    char time[UNITS_DURATION_SIZE];
    print_verdict(writer, result->verdict);
    phrase_text(writer->out, scenario->scenario->cases[index].title);
    if (run_findings(writer->report)->run->repeat > 1)
        fprintf(writer->out, ": %u of %u runs passed", result->passed, result->runs);
    if (writer->report->verbose)
        fprintf(writer->out, "  [%s]", units_duration_text(result->elapsed_ns, time));
    fputc('\n', writer->out);
}

/* Tells a case. The steps of the setup are told with it only if they are not known from
 * before. */
static void print_case(const struct writer *writer, const struct scenario_result *scenario,
                       size_t index, bool with_setup) {
    const struct case_result *result = &scenario->cases[index];
    size_t setup = scenario->scenario->setup.count;
    print_case_line(writer, scenario, index);
    if (result->reason[0] != '\0')
        print_reason(writer->out, result->reason);
    if (result->verdict == VERDICT_SKIP || result->step_count == 0 ||
        result->steps[0].status == STEP_NOT_RUN)
        return; /* it did not begin */
    bool told = !with_setup && all_met(scenario->scenario, result, index, setup);
    print_steps(writer, scenario, index, told ? setup : 0, result->step_count - (told ? setup : 0));
}

void text_case(FILE *out, const struct report *report, const struct scenario_result *scenario,
               size_t index) {
    struct writer writer = {out, report};
    print_case(&writer, scenario, index, true);
}

/* The first case whose setup went as expected, so that it can be shown for all; or -1. */
static int case_to_show_setup(const struct scenario_result *scenario) {
    size_t count = scenario->scenario->setup.count;
    for (size_t i = 0; count > 0 && i < scenario->scenario->case_count; i++)
        if (all_met(scenario->scenario, &scenario->cases[i], i, count))
            return (int)i;
    return -1;
}

/* The reason that all cases of a scenario share, or NULL. */
static const char *common_reason(const struct scenario_result *scenario) {
    const char *reason = scenario->cases[0].reason;
    for (size_t i = 1; i < scenario->scenario->case_count; i++)
        if (strcmp(scenario->cases[i].reason, reason) != 0)
            return NULL;
    return reason[0] == '\0' ? NULL : reason;
}

static void print_cases(const struct writer *writer, const struct scenario_result *scenario) {
    const struct scenario *told = scenario->scenario;
    int shown = writer->report->verbose ? -1 : case_to_show_setup(scenario);
    if (shown >= 0) {
        fputs("\nBefore each case\n", writer->out);
        print_steps(writer, scenario, (size_t)shown, 0, told->setup.count);
    }
    for (size_t i = 0; i < told->case_count; i++) {
        fputc('\n', writer->out);
        print_case(writer, scenario, i, shown < 0);
    }
}

static void print_story(const struct writer *writer, const struct scenario_result *scenario) {
    const char *reason = common_reason(scenario);
    fputc('\n', writer->out);
    layout_wrap(writer->out, scenario->scenario->title, 0, 0);
    if (reason != NULL) {
        fputc('\n', writer->out);
        print_verdict(writer, scenario->verdict);
        fputs("every case\n", writer->out);
        print_reason(writer->out, reason);
        return;
    }
    print_cases(writer, scenario);
    print_prose(writer->out, "Why", scenario->scenario->why);
    print_prose(writer->out, "What to do", scenario->scenario->fix);
}

/* The longest name of a scenario. */
static unsigned name_width(const struct run_result *run) {
    enum { MOST = 32 };
    size_t width = 0;
    for (size_t i = 0; i < run->scenario_count; i++) {
        const char *name = run->scenarios[i].scenario->name;
        size_t length = utf8_width(name, strlen(name));
        width = length > width && length <= MOST ? length : width;
    }
    return (unsigned)width;
}

static bool has_skipped(const struct scenario_result *scenario) {
    for (size_t i = 0; i < scenario->scenario->case_count; i++)
        if (scenario->cases[i].verdict == VERDICT_SKIP)
            return true;
    return false;
}

/* The cases that did not pass, set off from the lines around them. */
static void print_troubles(const struct writer *writer, const struct scenario_result *scenario) {
    if (scenario->verdict == VERDICT_PASS && !has_skipped(scenario))
        return;
    for (size_t i = 0; i < scenario->scenario->case_count; i++)
        if (scenario->cases[i].verdict != VERDICT_PASS) {
            fputc('\n', writer->out);
            print_case(writer, scenario, i, true);
        }
    fputc('\n', writer->out);
}

/* One line for a scenario, and its cases below if they did not pass. */
static void print_brief(const struct writer *writer, const struct scenario_result *scenario,
                        unsigned width) {
    size_t count = scenario->scenario->case_count;
    const char *name = scenario->scenario->name, *reason = common_reason(scenario);
    size_t length = utf8_width(name, strlen(name));
    print_verdict(writer, scenario->verdict);
    phrase_text(writer->out, name);
    fprintf(writer->out, "%*s  %zu case%s\n", length < width ? (int)(width - length) : 0, "", count,
            count == 1 ? "" : "s");
    if (reason != NULL)
        print_reason(writer->out, reason);
    else
        print_troubles(writer, scenario);
}

static void write_report(const struct report *report, FILE *out) {
    struct writer writer = {out, report};
    const struct run_result *run = run_findings(report)->run;
    char line[REPORT_LINE_SIZE], time[UNITS_DURATION_SIZE];
    const char *word = verdict_name(run->verdict);
    fprintf(out, "%s%s%s%s\n", layout_colour(report->colour, run->verdict), word,
            layout_colour_end(report->colour), run_verdict(run, line) + strlen(word));
    if (report->quiet)
        return;
    bool stories = run->scenario_count == 1 || report->verbose;
    if (!stories)
        fputc('\n', out);
    unsigned width = name_width(run);
    for (size_t i = 0; i < run->scenario_count; i++)
        if (stories)
            print_story(&writer, &run->scenarios[i]);
        else
            print_brief(&writer, &run->scenarios[i], width);
    if (report->verbose)
        fprintf(out, "\nThe run took %s.\n", units_duration_text(run->elapsed_ns, time));
}

const struct format format_text = {
    .name = "text",
    .endings = ".txt",
    .line = "for people; the default",
    .write = write_report,
};
