/* The report for harnesses of the Test Anything Protocol, version 13: one test point per case,
 * without subtests, so that every consumer counts cases. A case that did not pass has a block of
 * YAML. */
#include "base/text.h"
#include "report/run/phrase.h"
#include "report/run/run.h"

/* The streams of one document: markup, and text from outside in descriptions and in YAML strings.
 */
struct tap {
    FILE *out, *description, *string;
    const struct report *report;
};

static void escape_description(FILE *out, unsigned char byte) {
    escape_backslash(out, byte, "\\#");
}

static void escape_string(FILE *out, unsigned char byte) {
    escape_backslash(out, byte, "\\\"");
}

static void write_string(const struct tap *tap, const char *key, const char *text) {
    fprintf(tap->out, "  %s: \"", key);
    phrase_text(tap->string, text);
    fputs("\"\n", tap->out);
}

static void write_evidence(const struct tap *tap, const struct scenario *scenario,
                           const struct evidence *evidence) {
    fprintf(tap->out, "  evidence:\n    cause: %s\n    words: \"", cause_name(evidence->cause));
    phrase_text(tap->string, evidence->words);
    fputs("\"\n", tap->out);
    unsigned lines = phrase_evidence_lines(evidence);
    if (lines > 0)
        fputs("    in_the_way:\n", tap->out);
    for (unsigned i = 0; i < lines; i++) {
        fputs("      - \"", tap->out);
        phrase_evidence(tap->string, scenario, evidence, i, tap->report->verbose);
        fputs("\"\n", tap->out);
    }
}

static void write_step(const struct tap *tap, const struct scenario *scenario,
                       const struct step *step, const struct step_result *result) {
    const struct step *judge = result_judge(step, result);
    fprintf(tap->out, "  line: %u\n  step: \"", judge->line);
    phrase_text(tap->string, step->who);
    fputs(*step->who == '\0' ? "" : " ", tap->string);
    phrase_call(tap->string, judge);
    fputs("\"\n", tap->out);
    write_string(tap, "want", judge->want.text);
    fputs("  got: \"", tap->out);
    phrase_answer(tap->string, result, true);
    fputs("\"\n", tap->out);
    if (result->got.kind == ANSWER_ERRNO)
        fprintf(tap->out, "  errno: %d\n", result->got.error);
    if (result->seen != NULL)
        write_string(tap, "seen", result->seen);
    if (result->has_evidence)
        write_evidence(tap, scenario, result->evidence);
}

static void write_diagnostics(const struct tap *tap, const struct scenario_result *scenario,
                              size_t index) {
    const struct case_result *result = &scenario->cases[index];
    const struct step_result *failed = result_failed_step(result);
    fprintf(tap->out, "  ---\n  verdict: %s\n  message: \"", verdict_name(result->verdict));
    phrase_case(tap->string, scenario, index, PHRASE_ALL);
    fputs("\"\n", tap->out);
    if (run_findings(tap->report)->run->repeat > 1)
        fprintf(tap->out, "  runs: %u\n  passed: %u\n", result->runs, result->passed);
    if (failed != NULL)
        write_step(tap, scenario->scenario,
                   result_step(scenario->scenario, index, (size_t)(failed - result->steps)),
                   failed);
    fputs("  ...\n", tap->out);
}

static void write_point(const struct tap *tap, const struct scenario_result *scenario, size_t index,
                        size_t number) {
    enum verdict verdict = scenario->cases[index].verdict;
    bool passed = verdict == VERDICT_PASS || verdict == VERDICT_SKIP;
    fprintf(tap->out, "%s %zu - ", passed ? "ok" : "not ok", number);
    phrase_text(tap->description, scenario->scenario->name);
    fputs(": ", tap->out);
    phrase_text(tap->description, scenario->scenario->cases[index].title);
    if (verdict == VERDICT_SKIP) {
        fputs(" # SKIP ", tap->out);
        phrase_text(tap->description, scenario->cases[index].reason);
    }
    fputc('\n', tap->out);
    if (!passed)
        write_diagnostics(tap, scenario, index);
}

static void write_report(const struct report *report, FILE *out) {
    const struct run_result *run = run_findings(report)->run;
    struct tap tap = {.out = out,
                      .description = escape_open(out, escape_description),
                      .string = escape_open(out, escape_string),
                      .report = report};
    char line[REPORT_LINE_SIZE];
    size_t total = 0, number = 0;
    for (size_t i = 0; i < run->scenario_count; i++)
        total += run->scenarios[i].scenario->case_count;
    fprintf(out, "TAP version 13\n1..%zu\n# %s\n", total, run_verdict(run, line));
    for (size_t i = 0; i < run->scenario_count; i++)
        for (size_t k = 0; k < run->scenarios[i].scenario->case_count; k++)
            write_point(&tap, &run->scenarios[i], k, ++number);
    fclose(tap.description);
    fclose(tap.string);
}

const struct format format_tap = {
    .name = "tap",
    .extensions = ".tap",
    .line = "for test harnesses: TAP version 13, one test per case",
    .write = write_report,
};
