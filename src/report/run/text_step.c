/* One line a step: who, what, and what the kernel answered. */
#include "report/run/text_parts.h"

#include <string.h>

#include "base/units.h"
#include "base/utf8.h"
#include "report/run/phrase.h"
#include "report/run/text_rounds.h"
#include "report/shared/layout.h"

enum { INDENT = 2, ROLE_MOST = 16, ARGUMENTS_MOST = 44, NOTE_INDENT = 12, ROUNDS_TO_TELL = 100 };

static unsigned wider(unsigned width, const char *text, unsigned most) {
    size_t length = utf8_width(text, strlen(text));
    return length > width && length <= most ? (unsigned)length : width;
}

struct text_columns text_measure(const struct scenario *scenario) {
    struct text_columns columns = {0};
    for (size_t i = 0; i < scenario->role_count; i++)
        columns.role = wider(columns.role, scenario->roles[i], ROLE_MOST);
    for (size_t i = 0; i < scenario->step_count; i++) {
        const struct step *step = &scenario->steps[i];
        columns.verb = wider(columns.verb, verb_row(step->verb)->name, ROLE_MOST);
        columns.arguments = wider(columns.arguments, step->arguments, ARGUMENTS_MOST);
    }
    return columns;
}

/* Prints blanks behind a text, up to `width` columns of both, but one at least. */
static void fill(FILE *out, const char *text, unsigned width) {
    size_t length = utf8_width(text, strlen(text));
    fprintf(out, "%*s", length < width ? (int)(width - length) + 1 : 1, "");
}

/* Prints a line up to its arguments, with no blanks behind the last thing in it. */
static void print_call(FILE *out, const char *role, const char *verb, const char *arguments,
                       const struct text_columns *columns) {
    fprintf(out, "%*s", INDENT, "");
    phrase_text(out, role);
    fill(out, role, columns->role);
    phrase_text(out, verb);
    if (*arguments == '\0')
        return;
    fill(out, verb, columns->verb);
    phrase_text(out, arguments);
}

/* Goes on, behind that line, to the column of answers. */
static void go_to_answer(FILE *out, const char *verb, const char *arguments,
                         const struct text_columns *columns) {
    if (*arguments == '\0')
        fill(out, verb, columns->verb);
    fill(out, arguments, columns->arguments);
}

/* What was wanted and what came, below the line. */
static void print_difference(FILE *out, const struct step *step, const struct step_result *result) {
    const struct step *judge = result_judge(step, result);
    char got[ANSWER_TEXT_SIZE], time[UNITS_DURATION_SIZE];
    fprintf(out, "%*swant: ", NOTE_INDENT, "");
    phrase_text(out, judge->want.text);
    fprintf(out, "\n%*sgot:  ", NOTE_INDENT, "");
    if (result->got.kind == ANSWER_NONE)
        fputs("no answer before the deadline", out);
    else
        fputs(answer_text(&result->got, got), out);
    if (result->got.kind == ANSWER_ERRNO)
        fprintf(out, " (%s)", strerror(result->got.error));
    if (step->want.timed)
        fprintf(out, ", in %s", units_duration_text(result->elapsed_ns, time));
    fputc('\n', out);
}

static void print_rounds(FILE *out, const struct step_result *result) {
    uint64_t sum_ns = 0;
    char mean[UNITS_DURATION_SIZE];
    for (size_t i = 0; i < result->round_count; i++)
        sum_ns += result->rounds_ns[i];
    if (result->round_count > 0)
        fprintf(out, ", %s a round", units_duration_text(sum_ns / result->round_count, mean));
}

static void print_answer(FILE *out, const struct step_result *result, const char *where,
                         bool verbose, bool colour) {
    char time[UNITS_DURATION_SIZE];
    colour = colour && (result->status == STEP_UNMET || result->status == STEP_RUNNING);
    fputs(layout_colour(colour, VERDICT_FAIL), out);
    phrase_answer(out, result, verbose);
    fputs(result->status == STEP_UNMET ? "  <- not as expected" : "", out);
    fputs(layout_colour_end(colour), out);
    if (result->status != STEP_MET && result->status != STEP_UNMET)
        return;
    if (result->status == STEP_MET && result->got.kind == ANSWER_ERRNO &&
        (verbose || wanted_pins(result->met, &result->got)))
        fputs(" (expected)", out);
    if (where != NULL)
        fprintf(out, " at %s", where);
    if (verbose)
        fprintf(out, "  [%s", units_duration_text(result->elapsed_ns, time));
    if (verbose)
        print_rounds(out, result);
    if (verbose)
        fputc(']', out);
}

static void print_comment(FILE *out, const struct step *step) {
    if (step->comment == NULL)
        return;
    fputs("   # ", out);
    phrase_text(out, step->comment);
}

/* The body, and the line that ends the block; the answer stands there. */
static void print_body(FILE *out, const struct step *block, const struct text_columns *columns) {
    for (size_t i = 1; i <= block->body; i++) {
        const struct step *step = &block[i];
        const char *verb = verb_row(step->verb)->name;
        print_call(out, "", verb, step->arguments, columns);
        if (step->want.given) {
            go_to_answer(out, verb, step->arguments, columns);
            fputs("-> ", out);
            phrase_text(out, step->want.text);
        }
        print_comment(out, step);
        fputc('\n', out);
    }
}

/* What was in the way, indented, and the cause. */
void text_evidence(FILE *out, const struct scenario *scenario, const struct evidence *evidence,
                   bool verbose) {
    static const char heading[] = "in the way: ";
    unsigned lines = phrase_evidence_lines(evidence), column = NOTE_INDENT + sizeof heading - 1;
    for (unsigned i = 0; i < lines; i++) {
        fprintf(out, "%*s%-12s", NOTE_INDENT, "", i == 0 ? heading : "");
        phrase_evidence(out, scenario, evidence, i, verbose);
        fputc('\n', out);
    }
    if (evidence->missing != NULL)
        return;
    const char *name = cause_name(evidence->cause);
    fprintf(out, "%*s%-12s%s: ", NOTE_INDENT, "", "cause:", name);
    layout_wrap(out, evidence->words, column, column + (unsigned)strlen(name) + 2);
}

void text_step(FILE *out, const struct report *report, const struct scenario *scenario,
               const struct step *step, const struct step_result *result,
               const struct text_columns *columns) {
    const char *verb = verb_row(step->verb)->name, *arguments = step->arguments;
    print_call(out, phrase_role(scenario, step), verb, arguments, columns);
    if (step->body > 0) {
        print_comment(out, step);
        fputc('\n', out);
        print_body(out, step, columns);
        verb = verb_row(VERB_END)->name;
        arguments = "";
        print_call(out, "", verb, arguments, columns);
    }
    go_to_answer(out, verb, arguments, columns);
    print_answer(out, result, result_where(scenario, result), report->verbose, report->colour);
    if (step->body == 0)
        print_comment(out, step);
    fputc('\n', out);
    const struct step_rounds *rounds = step_rounds(step);
    if ((rounds != NULL && rounds->timed) ||
        (report->verbose && result->round_count >= ROUNDS_TO_TELL))
        text_rounds(out, result->rounds_ns, result->round_count, NOTE_INDENT);
    if (result->status == STEP_UNMET)
        print_difference(out, step, result);
    if (result->seen != NULL) {
        fprintf(out, "%*sseen there: ", NOTE_INDENT, "");
        layout_wrap(out, result->seen, NOTE_INDENT + 12, NOTE_INDENT + 12);
    }
    if (result->has_evidence)
        text_evidence(out, scenario, result->evidence, report->verbose);
}
