/* The text report: a step and its answer, and what stands below it.
 *
 * A step is one line of a table: who, what, and what the kernel answered. What does not fit into 80
 * columns goes below it. */
#include "report/run/text_steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/units.h"
#include "report/run/phrase.h"
#include "report/run/rounds.h"
#include "report/shared/layout.h"

enum {
    WIDTH = LAYOUT_COLUMNS,
    INDENT = 2,           /* of a step */
    NOTE_INDENT = 6,      /* of what stands below it */
    NOTE_WIDTH = 12,      /* of its label */
    NAME_MOST = 16,       /* the widest name of a role or verb that widens its column */
    ARGUMENTS_LEAST = 10, /* the narrowest column of arguments */
    ANSWER_WIDTH = 24,    /* what is left for an answer: "EADDRNOTAVAIL (expected)" */
};

unsigned text_width(const char *text) {
    return (unsigned)utf8_width(text, strlen(text));
}

/* --- the table of steps --- */

static unsigned wider(unsigned width, const char *text, unsigned most) {
    unsigned own = text_width(text);
    return own > width && own <= most ? own : width;
}

struct text_columns text_measure(const struct scenario *scenario) {
    struct text_columns columns = {0};
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
    unsigned width = text_width(text);
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
    unsigned width = text_width(row->answer);
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
    bool fits = column + sizeof start - 1 + text_width(comment) <= WIDTH;
    if (!fits)
        column = below(out);
    fputs(fits ? start : "# ", out);
    print_cell(out, comment, column + (fits ? (unsigned)sizeof start - 1 : 2));
}

static void print_row(FILE *out, const struct row *row, const struct text_columns *columns) {
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
static void print_body_row(FILE *out, const struct step *step, const struct text_columns *columns) {
    struct composed want;
    compose_begin(&want);
    fputs("-> ", want.out);
    phrase_text(want.out, step->want.text);
    struct row row = {.role = "",
                      .verb = verb_row(step->verb)->name,
                      .arguments = step->arguments,
                      .comment = step->comment};
    const char *text = compose_end(&want);
    row.answer = step->want.given ? text : NULL;
    print_row(out, &row, columns);
    compose_free(&want);
}

/* Prints a step and its answer. A block has several lines; the answer is at its `end`. */
static void print_rows(FILE *out, const struct report *report, const struct scenario *scenario,
                       const struct step *step, const struct step_result *result,
                       const struct text_columns *columns) {
    struct composed answer;
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
    write_answer(compose_begin(&answer), scenario, result, report->verbose);
    row.answer = compose_end(&answer);
    row.colour = report->colour && (result->status == STEP_UNMET || result->status == STEP_RUNNING);
    print_row(out, &row, columns);
    compose_free(&answer);
}

unsigned text_label(FILE *out, const char *label) {
    fprintf(out, "%*s%-6s", NOTE_INDENT, "", label);
    return NOTE_INDENT + (strlen(label) > 6 ? (unsigned)strlen(label) : 6);
}

/* What was wanted and what came. */
static void print_difference(FILE *out, const struct step *step, const struct step_result *result) {
    struct composed got;
    char name[ANSWER_TEXT_SIZE], time[UNITS_DURATION_SIZE];
    unsigned column = text_label(out, "want:");
    layout_wrap(out, result_judge(step, result)->want.text, column, column);
    compose_begin(&got);
    if (result->got.kind == ANSWER_NONE)
        fputs("no answer before the deadline", got.out);
    else
        fputs(answer_text(&result->got, name), got.out);
    if (result->got.kind == ANSWER_ERRNO)
        fprintf(got.out, " (%s)", strerror(result->got.error));
    if (step->want.timed)
        fprintf(got.out, ", in %s", units_duration_text(result->elapsed_ns, time));
    column = text_label(out, "got:");
    layout_wrap_end(out, &got, column, column);
}

/* --- evidence, once --- */

void text_memory_free(struct text_memory *memory) {
    arena_free(&memory->arena);
}

/* Returns whether the text has been printed before, and remembers it. */
static bool is_known(struct text_memory *memory, const char *text) {
    if (memory == NULL)
        return false;
    for (size_t i = 0; i < memory->count; i++)
        if (strcmp(memory->texts[i], text) == 0)
            return true;
    memory->texts =
        arena_grow(&memory->arena, memory->texts, memory->count, sizeof memory->texts[0]);
    memory->texts[memory->count++] = arena_copy(&memory->arena, text, strlen(text));
    return false;
}

static void print_sockets(FILE *out, const struct scenario *scenario,
                          const struct evidence *evidence, bool verbose) {
    unsigned column = NOTE_INDENT + NOTE_WIDTH;
    for (unsigned i = 0; i < phrase_evidence_lines(evidence); i++) {
        struct composed line;
        fprintf(out, "%*s%-*s", NOTE_INDENT, "", NOTE_WIDTH, i == 0 ? "in the way:" : "");
        phrase_evidence(compose_begin(&line), scenario, evidence, i, verbose);
        layout_wrap_end(out, &line, column, column);
    }
}

static void print_evidence(FILE *out, const struct scenario *scenario,
                           const struct evidence *evidence, bool verbose,
                           struct text_memory *memory) {
    unsigned column = NOTE_INDENT + NOTE_WIDTH;
    const char *name = cause_name(evidence->cause);
    struct composed sockets;
    print_sockets(compose_begin(&sockets), scenario, evidence, verbose);
    bool sockets_known = is_known(memory, compose_end(&sockets));
    bool cause_known = evidence->missing == NULL && is_known(memory, evidence->words);
    if (!sockets_known || !cause_known)
        fputs(sockets.bytes, out);
    compose_free(&sockets);
    if (evidence->missing != NULL)
        return;
    fprintf(out, "%*s%-*s%s", NOTE_INDENT, "", NOTE_WIDTH, "cause:", name);
    if (cause_known) {
        fputs(" (as above)\n", out);
        return;
    }
    fputs(": ", out);
    layout_wrap(out, evidence->words, column, column + (unsigned)strlen(name) + 2);
}

void text_evidence(FILE *out, const struct scenario *scenario, const struct evidence *evidence,
                   bool verbose) {
    print_evidence(out, scenario, evidence, verbose, NULL);
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

/* Returns whether a step of a case that passed tells nothing that the reader needs: the creation of
 * a socket without options, and a question whose answer is the cause that stands above it. */
static bool is_dull(const struct step *step, const struct step_result *result,
                    const struct evidence *above) {
    if (result->status != STEP_MET || step->comment != NULL)
        return false;
    if (step->verb == VERB_SOCKET)
        return result->got.kind == ANSWER_OK && !step->want.given && step->options.count == 0 &&
               step->options.flags == 0 && strchr(step->arguments, ' ') == NULL;
    return step->verb == VERB_WHY && above != NULL && result->got.kind == ANSWER_CAUSE &&
           result->got.cause == above->cause;
}

static void print_step(FILE *out, const struct report *report, const struct scenario *scenario,
                       const struct step *step, const struct step_result *result,
                       const struct text_columns *columns, struct text_memory *memory) {
    print_rows(out, report, scenario, step, result, columns);
    if (rounds_are_shown(step, result, report->verbose))
        rounds_print(out, result->rounds_ns, result->round_count, NOTE_INDENT);
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
        print_evidence(out, scenario, result->evidence, report->verbose, memory);
}

void text_steps(FILE *out, const struct report *report, const struct scenario_result *scenario,
                size_t index, size_t first, size_t count, struct text_memory *memory) {
    const struct case_result *result = &scenario->cases[index];
    struct text_columns columns = text_measure(scenario->scenario);
    const struct evidence *above = NULL;
    for (size_t i = first; i < first + count; i++) {
        const struct step *step = result_step(scenario->scenario, index, i);
        const struct step_result *answer = &result->steps[i];
        if (memory == NULL || !is_dull(step, answer, above))
            print_step(out, report, scenario->scenario, step, answer, &columns, memory);
        if (answer->has_evidence && step->verb != VERB_WHY)
            above = answer->evidence;
        i += step->body;
    }
}
