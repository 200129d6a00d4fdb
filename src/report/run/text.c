/* The report for people. Its first line is the verdict.
 *
 * A run of one scenario is a story: the setup once, then each case with its steps, then why and
 * what to do. Of several scenarios only those that did not pass are shown; with -v all are.
 *
 * A step is one line of a table: who, what, and what the kernel answered. What does not fit into 80
 * columns goes below it.
 */
#include "report/run/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/units.h"
#include "report/run/phrase.h"
#include "report/run/run.h"
#include "report/shared/layout.h"

enum {
    WIDTH = LAYOUT_COLUMNS,
    INDENT = 2,           /* of a step */
    VERDICT_COLUMN = 6,   /* after the verdict of a case */
    NOTE_INDENT = 6,      /* of what stands below it */
    NOTE_WIDTH = 12,      /* of its label */
    NAME_MOST = 16,       /* the widest name of a role or verb that widens its column */
    ARGUMENTS_LEAST = 10, /* the narrowest column of arguments */
    ANSWER_WIDTH = 24,    /* what is left for an answer: "EADDRNOTAVAIL (expected)" */
    ROUNDS_TO_SHOW = 100, /* with -v the times of so many rounds are shown */
};

/* A text that is composed before it is printed, because its width decides where. */
struct text {
    char *bytes; /* owned */
    size_t size;
    FILE *out;
};

static FILE *text_begin(struct text *text) {
    *text = (struct text){0};
    text->out = open_memstream(&text->bytes, &text->size);
    if (text->out == NULL)
        arena_out_of_memory();
    return text->out;
}

/* Returns what was composed; text_free() frees it. */
static const char *text_end(struct text *text) {
    if (fclose(text->out) != 0 || text->bytes == NULL)
        arena_out_of_memory();
    return text->bytes;
}

static void text_free(struct text *text) {
    free(text->bytes);
}

static unsigned width_of(const char *text) {
    return (unsigned)utf8_width(text, strlen(text));
}

/* --- how long the rounds of a block took --- */

enum { TENTHS = 10, RANGE_WIDTH = 16 };

static int by_size(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Prints a line for the rounds from `first` up to, without, `end`. */
static void print_tenth(FILE *out, const uint64_t *rounds_ns, size_t first, size_t end,
                        unsigned indent) {
    struct arena scratch = {0};
    size_t count = end - first;
    uint64_t *sorted = arena_alloc(&scratch, count * sizeof *sorted);
    char range[48], time[UNITS_DURATION_SIZE];
    for (size_t i = 0; i < count; i++)
        sorted[i] = rounds_ns[first + i];
    qsort(sorted, count, sizeof *sorted, by_size);
    snprintf(range, sizeof range, "%zu..%zu", first + 1, end);
    fprintf(out, "%*s%-*s", indent, "", RANGE_WIDTH, range);
    for (size_t quarter = 1; quarter <= 3; quarter++)
        fprintf(out, "%12s", units_duration_text(sorted[count * quarter / 4], time));
    fputc('\n', out);
    arena_free(&scratch);
}

void text_rounds(FILE *out, const uint64_t *rounds_ns, size_t count, unsigned indent) {
    if (count < TEXT_ROUNDS_LEAST)
        return;
    fprintf(out, "%*s%-*s%12s%12s%12s\n", indent, "", RANGE_WIDTH, "rounds", "25% within",
            "50% within", "75% within");
    for (size_t i = 0; i < TENTHS; i++)
        print_tenth(out, rounds_ns, count * i / TENTHS, count * (i + 1) / TENTHS, indent);
}

/* --- the table of steps --- */

/* How wide the columns are. */
struct columns {
    unsigned role, verb, arguments;
};

static unsigned wider(unsigned width, const char *text, unsigned most) {
    unsigned own = width_of(text);
    return own > width && own <= most ? own : width;
}

/* The columns that suit the steps of a scenario; longer cells overlap the next column. */
static struct columns measure(const struct scenario *scenario) {
    struct columns columns = {0};
    for (size_t i = 0; i < scenario->step_count; i++)
        columns.role = wider(columns.role, scenario->steps[i].who, NAME_MOST);
    for (size_t i = 0; i < scenario->step_count; i++)
        columns.verb = wider(columns.verb, verb_row(scenario->steps[i].verb)->name, NAME_MOST);
    unsigned used = INDENT + columns.role + 1 + columns.verb + 1 + 1 + ANSWER_WIDTH;
    unsigned most = used + ARGUMENTS_LEAST < WIDTH ? WIDTH - used : ARGUMENTS_LEAST;
    for (size_t i = 0; i < scenario->step_count; i++)
        columns.arguments = wider(columns.arguments, scenario->steps[i].arguments, most);
    return columns;
}

/* A line of the table. */
struct row {
    const char *role, *verb, *arguments;
    const char *answer;  /* NULL: none */
    const char *comment; /* NULL: none */
    bool colour;         /* the answer is printed in the colour of FAIL */
};

/* Goes on to a column, by at least one space. Returns the column. */
static unsigned go_to(FILE *out, unsigned column, unsigned target) {
    unsigned spaces = target > column ? target - column : 1;
    fprintf(out, "%*s", (int)spaces, "");
    return column + spaces;
}

/* Prints a text where there is room for it, else in several lines. Returns the column after it. */
static unsigned print_cell(FILE *out, const char *text, unsigned column) {
    unsigned width = width_of(text);
    if (column + width > WIDTH)
        return layout_words(out, text, column, column);
    phrase_text(out, text);
    return column + width;
}

/* Starts a new line for what does not fit. Returns its column. */
static unsigned below(FILE *out) {
    fprintf(out, "\n%*s", NOTE_INDENT, "");
    return NOTE_INDENT;
}

/* Prints the answer in its column, or further left if it needs the room, or below. */
static unsigned print_answer(FILE *out, const struct row *row, unsigned column, unsigned target) {
    unsigned width = width_of(row->answer);
    if (width < WIDTH && target + width > WIDTH)
        target = WIDTH - width;
    column = column + 1 + width <= WIDTH ? go_to(out, column, target) : below(out);
    fputs(layout_colour(row->colour, VERDICT_FAIL), out);
    column = print_cell(out, row->answer, column);
    fputs(layout_colour_end(row->colour), out);
    return column;
}

static void print_comment(FILE *out, const char *comment, unsigned column) {
    static const char start[] = "   # ";
    bool fits = column + sizeof start - 1 + width_of(comment) <= WIDTH;
    if (!fits)
        column = below(out);
    fputs(fits ? start : "# ", out);
    print_cell(out, comment, column + (fits ? (unsigned)sizeof start - 1 : 2));
}

static void print_row(FILE *out, const struct row *row, const struct columns *columns) {
    unsigned verb = INDENT + columns->role + 1, arguments = verb + columns->verb + 1;
    fprintf(out, "%*s", INDENT, "");
    unsigned column = print_cell(out, row->role, INDENT);
    column = print_cell(out, row->verb, go_to(out, column, verb));
    if (row->arguments[0] != '\0')
        column = print_cell(out, row->arguments, go_to(out, column, arguments));
    if (row->answer != NULL)
        column = print_answer(out, row, column, arguments + columns->arguments + 1);
    if (row->comment != NULL)
        print_comment(out, row->comment, column);
    fputc('\n', out);
}

/* --- a step --- */

static void write_answer(FILE *out, const struct scenario *scenario,
                         const struct step_result *result, bool verbose) {
    const char *where = result_where(scenario, result);
    uint64_t sum_ns = 0;
    char time[UNITS_DURATION_SIZE];
    phrase_answer(out, result, verbose);
    if (result->status != STEP_MET && result->status != STEP_UNMET)
        return;
    if (result->status == STEP_UNMET)
        fputs("  <- not as expected", out);
    else if (result->got.kind == ANSWER_ERRNO &&
             (verbose || wanted_pins(result->met, &result->got)))
        fputs(" (expected)", out);
    if (where != NULL)
        fprintf(out, " at %s", where);
    if (!verbose)
        return;
    fprintf(out, "  [%s", units_duration_text(result->elapsed_ns, time));
    for (size_t i = 0; i < result->round_count; i++)
        sum_ns += result->rounds_ns[i];
    if (result->round_count > 0)
        fprintf(out, ", %s a round", units_duration_text(sum_ns / result->round_count, time));
    fputc(']', out);
}

/* Prints a line of a block: it has no answer of its own, but may expect one. */
static void print_body_row(FILE *out, const struct step *step, const struct columns *columns) {
    struct text want;
    text_begin(&want);
    fputs("-> ", want.out);
    phrase_text(want.out, step->want.text);
    struct row row = {.role = "",
                      .verb = verb_row(step->verb)->name,
                      .arguments = step->arguments,
                      .comment = step->comment};
    const char *text = text_end(&want);
    row.answer = step->want.given ? text : NULL;
    print_row(out, &row, columns);
    text_free(&want);
}

/* Prints a step and its answer. A block has several lines; the answer is at its `end`. */
static void print_rows(FILE *out, const struct report *report, const struct scenario *scenario,
                       const struct step *step, const struct step_result *result,
                       const struct columns *columns) {
    struct text answer;
    struct row row = {.role = step->who,
                      .verb = verb_row(step->verb)->name,
                      .arguments = step->arguments,
                      .comment = step->comment};
    if (step->body > 0) {
        print_row(out, &row, columns);
        for (size_t i = 1; i <= step->body; i++)
            print_body_row(out, &step[i], columns);
        row = (struct row){.role = "", .verb = verb_row(VERB_END)->name, .arguments = ""};
    }
    write_answer(text_begin(&answer), scenario, result, report->verbose);
    row.answer = text_end(&answer);
    row.colour = report->colour && (result->status == STEP_UNMET || result->status == STEP_RUNNING);
    print_row(out, &row, columns);
    text_free(&answer);
}

/* Prints a label below a step, and returns the column after it. */
static unsigned print_label(FILE *out, const char *label) {
    fprintf(out, "%*s%-6s", NOTE_INDENT, "", label);
    return NOTE_INDENT + (strlen(label) > 6 ? (unsigned)strlen(label) : 6);
}

/* What was wanted and what came. */
static void print_difference(FILE *out, const struct step *step, const struct step_result *result) {
    struct text got;
    char name[ANSWER_TEXT_SIZE], time[UNITS_DURATION_SIZE];
    unsigned column = print_label(out, "want:");
    layout_wrap(out, result_judge(step, result)->want.text, column, column);
    text_begin(&got);
    if (result->got.kind == ANSWER_NONE)
        fputs("no answer before the deadline", got.out);
    else
        fputs(answer_text(&result->got, name), got.out);
    if (result->got.kind == ANSWER_ERRNO)
        fprintf(got.out, " (%s)", strerror(result->got.error));
    if (step->want.timed)
        fprintf(got.out, ", in %s", units_duration_text(result->elapsed_ns, time));
    column = print_label(out, "got:");
    layout_wrap(out, text_end(&got), column, column);
    text_free(&got);
}

void text_evidence(FILE *out, const struct scenario *scenario, const struct evidence *evidence,
                   bool verbose) {
    unsigned lines = phrase_evidence_lines(evidence), column = NOTE_INDENT + NOTE_WIDTH;
    for (unsigned i = 0; i < lines; i++) {
        struct text line;
        fprintf(out, "%*s%-*s", NOTE_INDENT, "", NOTE_WIDTH, i == 0 ? "in the way:" : "");
        phrase_evidence(text_begin(&line), scenario, evidence, i, verbose);
        layout_wrap(out, text_end(&line), column, column);
        text_free(&line);
    }
    if (evidence->missing != NULL)
        return;
    const char *name = cause_name(evidence->cause);
    fprintf(out, "%*s%-*s%s: ", NOTE_INDENT, "", NOTE_WIDTH, "cause:", name);
    layout_wrap(out, evidence->words, column, column + (unsigned)strlen(name) + 2);
}

/* What a program has printed, line by line. */
static void print_output(FILE *out, const char *text) {
    const unsigned column = NOTE_INDENT + NOTE_WIDTH;
    struct arena scratch = {0};
    for (bool first = true; *text != '\0'; first = false) {
        size_t size = strcspn(text, "\n");
        fprintf(out, "%*s%-*s", NOTE_INDENT, "", NOTE_WIDTH, first ? "output:" : "");
        layout_wrap(out, arena_copy(&scratch, text, size), column, column);
        text += size + (text[size] == '\n');
    }
    arena_free(&scratch);
}

static void print_step(FILE *out, const struct report *report, const struct scenario *scenario,
                       const struct step *step, const struct step_result *result,
                       const struct columns *columns) {
    const struct step_rounds *rounds = step_rounds(step);
    print_rows(out, report, scenario, step, result, columns);
    if ((rounds != NULL && rounds->timed) ||
        (report->verbose && result->round_count >= ROUNDS_TO_SHOW))
        text_rounds(out, result->rounds_ns, result->round_count, NOTE_INDENT);
    if (result->status == STEP_UNMET)
        print_difference(out, step, result);
    const char *label, *seen = phrase_seen(step, result, report->verbose, &label);
    if (seen != NULL && step->verb == VERB_EXEC) {
        print_output(out, seen);
    } else if (seen != NULL) {
        unsigned length = (unsigned)strlen(label);
        fprintf(out, "%*s%s:%*s", NOTE_INDENT, "", label, (int)(NOTE_WIDTH - 1 - length), "");
        layout_wrap(out, seen, NOTE_INDENT + NOTE_WIDTH, NOTE_INDENT + NOTE_WIDTH);
    }
    if (phrase_shows_evidence(step, result, report->verbose))
        text_evidence(out, scenario, result->evidence, report->verbose);
}

/* --- cases --- */

struct writer {
    FILE *out;
    const struct report *report;
};

/* Prints a verdict at the start of a line, padded to VERDICT_COLUMN. */
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
    struct columns columns = measure(scenario->scenario);
    for (size_t i = first; i < first + count; i++) {
        const struct step *step = result_step(scenario->scenario, index, i);
        print_step(writer->out, writer->report, scenario->scenario, step, &result->steps[i],
                   &columns);
        i += step->body;
    }
}

/* Returns whether the first `count` steps of the case were all answered as expected. */
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
    struct text title;
    print_verdict(writer, result->verdict);
    text_begin(&title);
    phrase_text(title.out, scenario->scenario->cases[index].title);
    if (run_findings(writer->report)->run->repeat > 1)
        fprintf(title.out, ": %u of %u runs passed", result->passed, result->runs);
    if (writer->report->verbose)
        fprintf(title.out, "  [%s]", units_duration_text(result->elapsed_ns, time));
    const char *text = text_end(&title);
    if (VERDICT_COLUMN + width_of(text) <= WIDTH)
        fprintf(writer->out, "%s\n", text);
    else
        layout_wrap(writer->out, text, VERDICT_COLUMN, VERDICT_COLUMN);
    text_free(&title);
}

/* Prints a case. Its setup is printed too unless it went as expected and has been printed before.
 */
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
    bool skip_setup = !with_setup && all_met(scenario->scenario, result, index, setup);
    print_steps(writer, scenario, index, skip_setup ? setup : 0,
                result->step_count - (skip_setup ? setup : 0));
}

void text_case(FILE *out, const struct report *report, const struct scenario_result *scenario,
               size_t index) {
    struct writer writer = {out, report};
    print_case(&writer, scenario, index, true);
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
static void print_cases(const struct writer *writer, const struct scenario_result *scenario) {
    const struct scenario *story = scenario->scenario;
    size_t setup = story->setup.count, shown = 0;
    while (shown < story->case_count && !all_met(story, &scenario->cases[shown], shown, setup))
        shown++;
    bool separate = setup > 0 && shown < story->case_count && !writer->report->verbose;
    if (separate) {
        fputs("\nBefore each case\n", writer->out);
        print_steps(writer, scenario, shown, 0, setup);
    }
    for (size_t i = 0; i < story->case_count; i++) {
        fputc('\n', writer->out);
        print_case(writer, scenario, i, !separate);
    }
}

/* One line for a case, and below it the reason of a SKIP, or what was seen where the first of
 * several possible answers did not come. */
static void print_judgement(const struct writer *writer, const struct scenario_result *scenario,
                            size_t index) {
    const struct case_result *result = &scenario->cases[index];
    print_case_line(writer, scenario, index);
    if (result->verdict == VERDICT_SKIP)
        print_reason(writer->out, result->reason);
    for (size_t i = 0; result->verdict == VERDICT_PASS && i < result->step_count; i++) {
        const struct step *step = result_step(scenario->scenario, index, i);
        const struct step_result *answer = &result->steps[i];
        if (answer->met == step->want.either || answer->seen == NULL || answer->seen[0] == '\0')
            continue;
        unsigned column = print_label(writer->out, "seen:");
        layout_wrap(writer->out, answer->seen, column, column);
    }
}

/* The same of a program of the command line: it is judged, not explained. One line for each case;
 * below it the steps of those that were not as expected. */
static void print_judgements(const struct writer *writer, const struct scenario_result *scenario) {
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

static void print_story(const struct writer *writer, const struct scenario_result *scenario) {
    const char *reason = common_reason(scenario);
    fputc('\n', writer->out);
    layout_wrap(writer->out, scenario->scenario->title, 0, 0);
    if (reason != NULL) {
        fputc('\n', writer->out);
        print_verdict(writer, scenario->verdict);
        fputs("every case\n", writer->out);
        print_reason(writer->out, reason);
        if (scenario->scenario->needs_program && scenario->verdict == VERDICT_ERROR)
            print_steps(writer, scenario, 0, 0, scenario->scenario->setup.count);
        return;
    }
    if (scenario->scenario->needs_program && !writer->report->verbose)
        print_judgements(writer, scenario);
    else
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

/* Prints one line for a scenario, and below it the cases that did not pass, between empty lines. */
static void print_brief(const struct writer *writer, const struct scenario_result *scenario,
                        unsigned width) {
    size_t count = scenario->scenario->case_count;
    const char *name = scenario->scenario->name, *reason = common_reason(scenario);
    size_t length = utf8_width(name, strlen(name));
    print_verdict(writer, scenario->verdict);
    phrase_text(writer->out, name);
    fprintf(writer->out, "%*s  %zu case%s\n", length < width ? (int)(width - length) : 0, "", count,
            count == 1 ? "" : "s");
    if (reason != NULL) {
        print_reason(writer->out, reason);
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
    .extensions = ".txt",
    .line = "for people; the default",
    .write = write_report,
};
