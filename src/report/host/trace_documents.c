/* portreuse trace for continuous integration and for people who read it there: JUnit XML, Markdown,
 * and the annotations of GitHub Actions. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/errnames.h"
#include "base/text.h"
#include "report/host/trace.h"

static const struct record *record_of(const struct report *report) {
    return ((const struct trace_findings *)report->findings)->record;
}

static void print_summary(const struct report *report, FILE *out) {
    struct summary summary;
    summarize(report, &summary);
    fputs(summary.line, out);
    summary_free(&summary);
}

static size_t count_failed(const struct record *record) {
    size_t count = 0;
    for (size_t i = 0; i < record->call_count; i++)
        count += record->calls[i]->error != 0;
    return count;
}

/* --- JUnit --- */

/* A test is a call that failed. It is a failure if other sockets were in its way: what else fails,
 * such as a connection to a server that does not run yet, is often part of a program's work. */
static void write_test(FILE *out, FILE *text, const struct recorded_call *call) {
    fputs("    <testcase classname=\"", out);
    layout_text(text, call->program);
    fputs("\" name=\"", out);
    trace_print_name(text, call);
    fputs("\" time=\"0.000000\"", out);
    if (!call->conflict) {
        fputs("/>\n", out);
        return;
    }
    fputs(">\n      <failure message=\"", out);
    trace_print_answer(text, call);
    fputs("\" type=\"conflict\">", out);
    trace_print_caller(text, call);
    fputc('\n', text);
    trace_print_details(text, call, 0);
    fputs("</failure>\n    </testcase>\n", out);
}

static void write_junit(const struct report *report, FILE *out) {
    const struct record *record = record_of(report);
    FILE *text = escape_open(out, escape_xml);
    size_t failures = 0, failed = count_failed(record);
    for (size_t i = 0; i < record->call_count; i++)
        failures += record->calls[i]->conflict;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuites name=\"portreuse\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
            "time=\"0.000000\">\n"
            "  <testsuite name=\"trace\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
            "skipped=\"0\" time=\"0.000000\">\n",
            failed + (failed == 0), failures, failed + (failed == 0), failures);
    for (size_t i = 0; i < record->call_count; i++)
        if (record->calls[i]->error != 0)
            write_test(out, text, record->calls[i]);
    if (failed == 0) {
        fputs("    <testcase classname=\"trace\" name=\"", out);
        print_summary(report, text);
        fputs("\" time=\"0.000000\"/>\n", out);
    }
    fputs("  </testsuite>\n</testsuites>\n", out);
    fclose(text);
}

const struct format format_trace_junit = {
    .name = "junit",
    .extensions = ".xml",
    .line = "for GitLab, Jenkins and similar: JUnit XML",
    .write = write_junit,
};

/* --- Markdown --- */

static void write_row(FILE *out, FILE *text, const struct recorded_call *call) {
    char name[ERRNAME_SIZE];
    fputs("| ", out);
    layout_text(text, call->program);
    fprintf(out, " | %d | ", (int)call->process);
    trace_print_name(text, call);
    fprintf(out, " | %s | ", errname(call->error, name));
    fprintf(text, "%s", trace_cause(call) == NULL ? "" : trace_cause(call));
    fprintf(out, " | %" PRIu32 " |\n", call->times);
}

/* Returns how many backquotes a fence needs: more than the text has in a row, and three. */
static int fence_of(const char *text) {
    size_t most = 2;
    for (text += strcspn(text, "`"); *text != '\0'; text += strcspn(text, "`")) {
        size_t run = strspn(text, "`");
        most = run > most ? run : most;
        text += run;
    }
    return (int)most + 1;
}

static void write_markdown_details(FILE *out, const struct recorded_call *call) {
    struct composed details;
    if (trace_cause(call) == NULL)
        return;
    trace_print_name(compose_begin(&details), call);
    fputs(": ", details.out);
    trace_print_answer(details.out, call);
    fputc('\n', details.out);
    trace_print_details(details.out, call, 0);
    const char *text = compose_end(&details);
    for (int i = 0, fence = fence_of(text); i < 2; i++) {
        fputs(i == 0 ? "\n" : text, out);
        for (int k = 0; k < fence; k++)
            fputc('`', out);
        fputc('\n', out);
    }
    compose_free(&details);
}

static void write_markdown(const struct report *report, FILE *out) {
    const struct record *record = record_of(report);
    FILE *text = escape_open(out, escape_markdown);
    fputs("### ", out);
    print_summary(report, text);
    fputc('\n', out);
    if (count_failed(record) > 0)
        fputs("\n| program | pid | call | error | cause | times |\n|---|---:|---|---|---|---:|\n",
              out);
    for (size_t i = 0; i < record->call_count; i++)
        if (record->calls[i]->error != 0)
            write_row(out, text, record->calls[i]);
    for (size_t i = 0; i < record->call_count; i++)
        if (record->calls[i]->error != 0)
            write_markdown_details(out, record->calls[i]);
    for (size_t i = 0; i < record->finding_count; i++) {
        fprintf(out, "%s- **%s**: ", i == 0 ? "\n" : "", finding_name(record->findings[i]->kind));
        trace_print_sentence(text, record->findings[i]);
        fputc('\n', out);
    }
    fclose(text);
}

const struct format format_trace_markdown = {
    .name = "markdown",
    .extensions = ".md .markdown",
    .line = "to paste into an issue or a summary",
    .write = write_markdown,
};

/* --- GitHub --- */

static void annotate_call(FILE *out, FILE *text, FILE *property, const struct recorded_call *call) {
    char name[ERRNAME_SIZE];
    fputs(call->conflict ? "::error title=" : "::notice title=", out);
    trace_print_name(property, call);
    fprintf(property, ": %s", errname(call->error, name));
    fputs("::", out);
    trace_print_answer(text, call);
    fputs(", ", text);
    trace_print_caller(text, call);
    fputc('\n', text);
    trace_print_details(text, call, 0);
    fputc('\n', out);
}

static void write_github(const struct report *report, FILE *out) {
    const struct record *record = record_of(report);
    FILE *text = escape_open(out, escape_github),
         *property = escape_open(out, escape_github_property);
    for (size_t i = 0; i < record->call_count; i++)
        if (record->calls[i]->error != 0)
            annotate_call(out, text, property, record->calls[i]);
    for (size_t i = 0; i < record->finding_count; i++) {
        fprintf(out, "::warning title=%s::", finding_name(record->findings[i]->kind));
        trace_print_sentence(text, record->findings[i]);
        fputc('\n', out);
    }
    fclose(property);
    fclose(text);
}

const struct format format_trace_github = {
    .name = "github",
    .extensions = "",
    .line = "annotations of GitHub Actions: errors, warnings and notices",
    .write = write_github,
};
