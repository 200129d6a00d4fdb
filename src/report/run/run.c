/* The subject `run`: its formats, its verdict in one line, and its summary. */
#include "report/run/run.h"

#include <string.h>

#include "base/text.h"
#include "report/run/phrase.h"
#include "report/shared/layout.h"

enum { NAME_MOST = 32 };

const struct run_findings *run_findings(const struct report *report) {
    return report->findings;
}

/* Returns whether the line has room for this name; if not, it is left out. */
static bool is_short(const char *name) {
    return strlen(name) <= NAME_MOST;
}

static void print_count(FILE *out, size_t count, const char *what) {
    fprintf(out, "%zu %s%s", count, what, count == 1 ? "" : "s");
}

/* The first case with the run's own verdict: its scenario, or NULL, and its index in that. */
static const struct scenario_result *decisive_case(const struct run_result *run, size_t *index) {
    for (size_t i = 0; i < run->scenario_count; i++)
        for (size_t k = 0; k < run->scenarios[i].scenario->case_count; k++)
            if (run->scenarios[i].cases[k].verdict == run->verdict) {
                *index = k;
                return &run->scenarios[i];
            }
    return NULL;
}

static void print_trouble(FILE *out, const struct run_result *run, enum phrase_detail detail,
                          bool with_count) {
    size_t index = 0, total = 0;
    const struct scenario_result *scenario = decisive_case(run, &index);
    for (int i = 0; i < VERDICTS; i++)
        total += run->cases[i];
    if (scenario == NULL)
        return;
    if (run->verdict != VERDICT_SKIP && total > 1 && with_count)
        fprintf(out, "%zu of %zu cases, first: ", run->cases[run->verdict], total);
    if (run->scenario_count > 1 && is_short(scenario->scenario->name)) {
        phrase_text(out, scenario->scenario->name);
        fputs(": ", out);
    }
    phrase_case(out, scenario, index, detail);
}

static void print_verdict(FILE *out, const struct run_result *run, enum phrase_detail detail,
                          bool with_count) {
    fprintf(out, "%s ", verdict_name(run->verdict));
    if (run->scenario_count == 1 && is_short(run->scenarios[0].scenario->name))
        phrase_text(out, run->scenarios[0].scenario->name);
    else
        print_count(out, run->scenario_count, "scenario");
    fputs(": ", out);
    if (run->verdict != VERDICT_PASS) {
        print_trouble(out, run, detail, with_count);
        return;
    }
    print_count(out, run->cases[VERDICT_PASS], "case");
    fputs(run->cases[VERDICT_PASS] == 1 ? ", as expected" : ", all as expected", out);
    if (run->repeat > 1)
        fprintf(out, " %u times", run->repeat);
    if (run->cases[VERDICT_SKIP] > 0)
        fprintf(out, "; %zu skipped", run->cases[VERDICT_SKIP]);
}

const char *run_verdict(const struct run_result *run, char *line) {
    static const struct {
        enum phrase_detail detail;
        bool with_count;
    } forms[] = {
        {PHRASE_SHORT, true}, {PHRASE_GOT, true}, {PHRASE_GOT, false}, {PHRASE_LINE, false}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct composed whole;
        print_verdict(compose_begin(&whole), run, forms[i].detail, forms[i].with_count);
        if (layout_line_end(&whole, line) < LAYOUT_LINE_SIZE)
            break;
    }
    return line;
}

static void summarize_run(const struct report *report, struct summary *summary) {
    const struct run_result *run = run_findings(report)->run;
    summary->severity = severity_of(run->verdict);
    summary->verdict = verdict_name(run->verdict);
    run_verdict(run, summary->line);
    for (unsigned i = 0; i < VERDICTS; i++) {
        summary_metric(summary, "run_cases", "Cases of scenarios by their verdict.",
                       (double)run->cases[i]);
        summary_label(summary, "verdict", verdict_name((enum verdict)i));
    }
    summary_metric(summary, "run_seconds", "How long the scenarios took.",
                   (double)run->elapsed_ns / 1e9);
}

/* --- the subject --- */

extern const struct format format_text, format_json, format_ndjson, format_tap, format_junit,
    format_markdown, format_github, format_sarif, format_html, format_mermaid;

static const struct format *const formats[] = {
    &format_text,   &format_json,   &format_ndjson,     &format_tap,  &format_junit,
    &format_github, &format_sarif,  &format_markdown,   &format_html, &format_mermaid,
    &format_line,   &format_nagios, &format_prometheus, NULL,
};

const struct subject subject_run = {
    .name = "run",
    .schema = 1,
    .formats = formats,
    .summarize = summarize_run,
};
