/* The report for people: what is told while it happens, and the same once more for a file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/host/trace.h"
#include "report/host/why.h"
#include "report/shared/layout.h"

enum { INDENT = 2, DEEPER = 4 };

static bool has_details(const struct recorded_call *call) {
    return call->error != 0 && call->why != NULL && call->why->verdict == WHY_REFUSED;
}

void trace_print_details(FILE *out, const struct recorded_call *call, unsigned indent) {
    const struct why *why = call->why;
    int column = (int)indent;
    if (!has_details(call))
        return;
    if (why->evidence.missing != NULL || why->evidence.total > 0) {
        fprintf(out, "%*sIn the way\n", column, "");
        why_print_sockets(out, why, indent + INDENT);
    }
    if (why_call_can_be_reached(why)) {
        fprintf(out, "%*sWhat to do\n", column, "");
        why_print_remedies(out, why, indent + INDENT);
    } else {
        fprintf(out, "%*sNothing can be done: no process is in that network namespace any more\n",
                column, "");
    }
    column = fprintf(out, "%*sCause: %s: ", column, "", cause_name(why->cause));
    layout_wrap(out, why->words, indent + INDENT, (unsigned)column);
}

/* Prints a lead in the colour of a verdict, if it is wanted. */
static unsigned print_lead(FILE *out, const char *lead, enum verdict verdict, bool colour) {
    fprintf(out, "%s%s%s", layout_colour(colour, verdict), lead, layout_colour_end(colour));
    return (unsigned)strlen(lead);
}

static void print_call(FILE *out, const struct recorded_call *call, const char *lead, bool colour) {
    enum verdict verdict = call->error == 0 ? VERDICT_PASS : VERDICT_FAIL;
    unsigned column = print_lead(out, lead, verdict, colour);
    struct composed paragraph;
    trace_print_name(compose_begin(&paragraph), call);
    fputs(": ", paragraph.out);
    trace_print_answer(paragraph.out, call);
    layout_wrap_end(out, &paragraph, INDENT, column);
    fprintf(out, "%*s", INDENT, "");
    trace_print_caller(compose_begin(&paragraph), call);
    layout_wrap_end(out, &paragraph, DEEPER, INDENT);
    trace_print_details(out, call, INDENT);
}

static void print_finding(FILE *out, const struct finding *finding, const char *lead, bool colour) {
    unsigned column = print_lead(out, lead, VERDICT_SKIP, colour);
    struct composed paragraph;
    fprintf(compose_begin(&paragraph), "%s: ", finding_name(finding->kind));
    trace_print_sentence(paragraph.out, finding);
    if (finding->times > 1)
        fprintf(paragraph.out, " (%" PRIu32 " times)", finding->times);
    layout_wrap_end(out, &paragraph, column == 0 ? DEEPER : INDENT, column == 0 ? INDENT : column);
}

/* --- while it happens --- */

static const char lead_in[] = "portreuse trace: ";

void trace_print_call(FILE *out, const struct recorded_call *call, bool colour) {
    print_call(out, call, lead_in, colour);
}

void trace_print_finding(FILE *out, const struct finding *finding, bool colour) {
    print_finding(out, finding, lead_in, colour);
}

void trace_print_again(FILE *out, const struct recorded_call *call) {
    struct composed paragraph;
    fputs(lead_in, compose_begin(&paragraph));
    trace_print_name(paragraph.out, call);
    fprintf(paragraph.out, " of ");
    layout_text(paragraph.out, call->program);
    fprintf(paragraph.out, " has failed %" PRIu32 " times", call->times);
    layout_wrap_end(out, &paragraph, INDENT, 0);
}

/* --- the whole --- */

static void write_text(const struct report *report, FILE *out) {
    const struct trace_findings *findings = report->findings;
    const struct record *record = findings->record;
    struct summary summary;
    summarize(report, &summary);
    layout_print_line(out, summary.line, severity_verdict(summary.severity), report->colour);
    summary_free(&summary);
    for (size_t i = 0; i < record->call_count; i++) {
        const struct recorded_call *call = record->calls[i];
        if (call->error == 0 && call->late == 0 && !report->verbose)
            continue;
        fputc('\n', out);
        print_call(out, call, "", report->colour);
    }
    if (record->finding_count > 0)
        fputs("\nWhat is remarkable\n", out);
    for (size_t i = 0; i < record->finding_count; i++) {
        fprintf(out, "%*s", INDENT, "");
        print_finding(out, record->findings[i], "", false);
    }
    if (record->left_out > 0)
        fprintf(out, "\n%" PRIu64 " more calls are not shown here: there are too many kinds.\n",
                record->left_out);
    if (findings->lost > 0)
        fprintf(out, "\n%" PRIu64 " more calls failed that were not looked at: too many at once.\n",
                findings->lost);
}

const struct format format_trace_text = {
    .name = "text",
    .extensions = ".txt",
    .line = "for people; the same as on standard error",
    .write = write_text,
};
