/* The report for people. Its first line is the verdict; if it is longer than a screen, the verdict
 * stands last too.
 *
 * A run of one scenario is a story: the setup once, then each case with its steps, then why and
 * what to do. What several cases have in common is said once. Of several scenarios each has a line,
 * and the cases that did not pass stand below it in full; with -v all stories are told.
 */
#include "report/run/text.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "report/run/phrase.h"
#include "report/run/run.h"
#include "report/run/text_steps.h"
#include "report/shared/layout.h"

enum {
    WIDTH = LAYOUT_COLUMNS,
    VERDICT_COLUMN = 6, /* after the verdict of a case */
    SCREEN = 24,        /* lines, where the terminal does not tell */
};

/* --- cases --- */

struct writer {
    FILE *out;
    const struct report *report;
    const char *skipped; /* the reason that was printed last, or "" */
    struct text_memory memory;
};

/* Prints a verdict at the start of a line, padded to VERDICT_COLUMN. */
static void print_verdict(struct writer *writer, enum verdict verdict) {
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

/* Prints why a case was skipped, below it, unless the same was said before. */
static void print_skipped(struct writer *writer, const char *reason) {
    bool known = strcmp(writer->skipped, reason) == 0;
    fputs("      ", writer->out);
    layout_wrap(writer->out, known ? "(as above)" : reason, 6, 6);
    writer->skipped = reason;
}

/* Prints `FILE:LINE: want ok, got EADDRINUSE` from the first column on, where tools look for it. */
static void print_trouble(FILE *out, const struct scenario_result *scenario, size_t index) {
    const struct scenario *story = scenario->scenario;
    struct composed what, place;
    unsigned line = phrase_trouble(compose_begin(&what), scenario, index);
    phrase_text(compose_begin(&place), story->file != NULL ? story->file : story->name);
    fprintf(place.out, ":%u: ", line);
    unsigned column = text_width(compose_end(&place));
    fputs(place.bytes, out);
    layout_wrap(out, compose_end(&what), VERDICT_COLUMN, column);
    compose_free(&place);
    compose_free(&what);
}

static void print_case_line(struct writer *writer, const struct scenario_result *scenario,
                            size_t index) {
    const struct case_result *result = &scenario->cases[index];
    char time[UNITS_DURATION_SIZE];
    struct composed title;
    print_verdict(writer, result->verdict);
    compose_begin(&title);
    phrase_text(title.out, scenario->scenario->cases[index].title);
    if (run_findings(writer->report)->run->repeat > 1)
        fprintf(title.out, ": %u of %u runs passed", result->passed, result->runs);
    if (writer->report->verbose)
        fprintf(title.out, "  [%s]", units_duration_text(result->elapsed_ns, time));
    const char *text = compose_end(&title);
    if (VERDICT_COLUMN + text_width(text) <= WIDTH)
        fprintf(writer->out, "%s\n", text);
    else
        layout_wrap(writer->out, text, VERDICT_COLUMN, VERDICT_COLUMN);
    compose_free(&title);
}

/* Prints a case. Its setup is printed too unless it went as expected and has been printed before.
 * What passed is told with the memory of the writer, unless -v asks for all; the rest in full. */
static void print_case(struct writer *writer, const struct scenario_result *scenario, size_t index,
                       bool with_setup) {
    const struct case_result *result = &scenario->cases[index];
    size_t setup = scenario->scenario->setup.count;
    bool lean = result->verdict == VERDICT_PASS && !writer->report->verbose;
    print_case_line(writer, scenario, index);
    if (result->verdict == VERDICT_SKIP)
        print_skipped(writer, result->reason);
    else if (result->verdict != VERDICT_PASS)
        print_trouble(writer->out, scenario, index);
    if (result->verdict == VERDICT_SKIP || result->step_count == 0 ||
        result->steps[0].status == STEP_NOT_RUN)
        return; /* it did not begin */
    bool skip_setup = !with_setup && result_setup_is_met(scenario, index);
    text_steps(writer->out, writer->report, scenario, index, skip_setup ? setup : 0,
               result->step_count - (skip_setup ? setup : 0), lean ? &writer->memory : NULL);
}

void text_case(FILE *out, const struct report *report, const struct scenario_result *scenario,
               size_t index) {
    struct writer writer = {.out = out, .report = report, .skipped = ""};
    print_case(&writer, scenario, index, true);
    text_memory_free(&writer.memory);
}

/* The reason that all cases of a scenario share, or NULL. */
static const char *common_reason(const struct scenario_result *scenario) {
    const char *reason = scenario->cases[0].reason;
    for (size_t i = 1; i < scenario->scenario->case_count; i++)
        if (strcmp(scenario->cases[i].reason, reason) != 0)
            return NULL;
    return reason[0] == '\0' ? NULL : reason;
}

/* Prints the cases. The setup of the first one that it served as expected stands for all. */
static void print_cases(struct writer *writer, const struct scenario_result *scenario) {
    const struct scenario *story = scenario->scenario;
    size_t shown = result_setup_to_show(scenario);
    bool separate = shown < story->case_count && !writer->report->verbose;
    if (separate) {
        fputs("\nBefore each case\n", writer->out);
        text_steps(writer->out, writer->report, scenario, shown, 0, story->setup.count,
                   &writer->memory);
    }
    for (size_t i = 0; i < story->case_count; i++) {
        fputc('\n', writer->out);
        print_case(writer, scenario, i, !separate);
    }
}

/* One line for a case, and below it the reason of a SKIP, or what was seen where the first of
 * several possible answers did not come. */
static void print_judgement(struct writer *writer, const struct scenario_result *scenario,
                            size_t index) {
    const struct case_result *result = &scenario->cases[index];
    print_case_line(writer, scenario, index);
    if (result->verdict == VERDICT_SKIP)
        print_skipped(writer, result->reason);
    for (size_t i = 0; result->verdict == VERDICT_PASS && i < result->step_count; i++) {
        const struct step *step = result_step(scenario->scenario, index, i);
        const struct step_result *answer = &result->steps[i];
        if (answer->met == step->want.either || answer->seen == NULL || answer->seen[0] == '\0')
            continue;
        unsigned column = text_label(writer->out, "seen:");
        layout_wrap(writer->out, answer->seen, column, column);
    }
}

/* The same of a program of the command line: it is judged, not explained. One line for each case;
 * below it the steps of those that were not as expected. */
static void print_judgements(struct writer *writer, const struct scenario_result *scenario) {
    bool below = true;
    for (size_t i = 0; i < scenario->scenario->case_count; i++) {
        bool steps = scenario->cases[i].verdict >= VERDICT_FAIL;
        fputs(below || steps ? "\n" : "", writer->out);
        if (steps)
            print_case(writer, scenario, i, true);
        else
            print_judgement(writer, scenario, i);
        below = steps;
    }
}

/* Prints that all cases have the same reason; nothing, if it stands in the first line already. */
static void print_common(struct writer *writer, const struct scenario_result *scenario,
                         const char *reason, const char *line) {
    bool skipped = scenario->verdict == VERDICT_SKIP;
    if (skipped && strstr(line, reason) != NULL)
        return;
    fputc('\n', writer->out);
    print_verdict(writer, scenario->verdict);
    fputs("every case\n", writer->out);
    if (skipped)
        print_skipped(writer, reason);
    else
        print_trouble(writer->out, scenario, 0);
    if (scenario->scenario->needs_program && scenario->verdict == VERDICT_ERROR)
        text_steps(writer->out, writer->report, scenario, 0, 0, scenario->scenario->setup.count,
                   NULL);
}

static void print_story(struct writer *writer, const struct scenario_result *scenario,
                        const char *line) {
    const char *reason = common_reason(scenario);
    fputc('\n', writer->out);
    layout_wrap(writer->out, scenario->scenario->title, 0, 0);
    if (reason != NULL) {
        print_common(writer, scenario, reason, line);
        return;
    }
    if (scenario->scenario->needs_program && !writer->report->verbose)
        print_judgements(writer, scenario);
    else
        print_cases(writer, scenario);
    print_prose(writer->out, "Why", scenario->scenario->why);
    print_prose(writer->out, "What to do", scenario->scenario->fix);
    text_memory_free(&writer->memory);
    writer->memory = (struct text_memory){0};
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

/* Prints one line for a scenario, and below it the cases that did not pass, between empty lines. */
static void print_brief(struct writer *writer, const struct scenario_result *scenario,
                        unsigned width) {
    size_t count = scenario->scenario->case_count;
    const char *name = scenario->scenario->name, *reason = common_reason(scenario);
    size_t length = utf8_width(name, strlen(name));
    print_verdict(writer, scenario->verdict);
    phrase_text(writer->out, name);
    fprintf(writer->out, "%*s  %zu case%s", length < width ? (int)(width - length) : 0, "", count,
            count == 1 ? "" : "s");
    if (reason != NULL && scenario->verdict == VERDICT_SKIP &&
        strcmp(writer->skipped, reason) == 0) {
        fputs(" (as above)\n", writer->out);
        return;
    }
    fputc('\n', writer->out);
    if (reason != NULL) {
        if (scenario->verdict == VERDICT_SKIP)
            print_skipped(writer, reason);
        else
            print_trouble(writer->out, scenario, 0);
        return;
    }
    size_t printed = 0;
    for (size_t i = 0; i < count; i++)
        if (scenario->cases[i].verdict != VERDICT_PASS) {
            fputc('\n', writer->out);
            print_case(writer, scenario, i, true);
            printed++;
        }
    fputs(printed > 0 ? "\n" : "", writer->out);
}

static void print_body(struct writer *writer, const char *line) {
    const struct run_result *run = run_findings(writer->report)->run;
    bool stories = run->scenario_count == 1 || writer->report->verbose;
    char time[UNITS_DURATION_SIZE];
    unsigned width = name_width(run);
    fputs(stories ? "" : "\n", writer->out);
    for (size_t i = 0; i < run->scenario_count; i++)
        if (stories)
            print_story(writer, &run->scenarios[i], line);
        else
            print_brief(writer, &run->scenarios[i], width);
    if (writer->report->verbose)
        fprintf(writer->out, "\nThe run took %s.\n", units_duration_text(run->elapsed_ns, time));
}

/* How many lines the reader sees at once: those of the terminal. Where there is none it is a fixed
 * number, so that the text is the same from run to run. */
static size_t screen_lines(FILE *out) {
    struct winsize window;
    int fd = fileno(out);
    bool terminal = fd >= 0 && ioctl(fd, TIOCGWINSZ, &window) == 0 && window.ws_row > 0;
    return terminal ? window.ws_row : SCREEN;
}

static size_t count_lines(const char *text) {
    size_t count = 0;
    for (; (text = strchr(text, '\n')) != NULL; text++)
        count++;
    return count;
}

static void write_report(const struct report *report, FILE *out) {
    const struct run_result *run = run_findings(report)->run;
    char line[REPORT_LINE_SIZE];
    struct composed body;
    layout_print_line(out, run_verdict(run, line), run->verdict, report->colour);
    if (report->quiet)
        return;
    struct writer writer = {.out = compose_begin(&body), .report = report, .skipped = ""};
    print_body(&writer, line);
    fputs(compose_end(&body), out);
    if (1 + count_lines(body.bytes) > screen_lines(out)) {
        fputc('\n', out);
        layout_print_line(out, line, run->verdict, report->colour);
    }
    compose_free(&body);
    text_memory_free(&writer.memory);
}

const struct format format_text = {
    .name = "text",
    .extensions = ".txt",
    .line = "for people; the default",
    .write = write_report,
};
