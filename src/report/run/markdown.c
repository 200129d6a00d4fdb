/* The report to paste into an issue: the verdict, a table of cases, tables of steps, and the
 * environment. It is GitHub's dialect of Markdown, which has tables. Of several scenarios, those
 * that passed are folded, as is the environment. */
#include <string.h>

#include "base/text.h"
#include "report/run/phrase.h"
#include "report/run/run.h"

struct markdown {
    FILE *out, *text, *code; /* markup; text from outside, in a paragraph or cell, and in `code` */
    const struct report *report;
};

/* A code span needs no escapes, except for the bar: tables are split before code spans are found.
 */
static void escape_code(FILE *out, unsigned char byte) {
    escape_backslash(out, byte, "|");
}

/* Writes a call as code, unless it contains a backquote. */
static void write_call(const struct markdown *markdown, const struct step *step) {
    bool plain = strchr(step->arguments, '`') != NULL;
    fputs(plain ? "" : "`", markdown->out);
    phrase_call(plain ? markdown->text : markdown->code, step);
    fputs(plain ? "" : "`", markdown->out);
}

/* --- steps --- */

static void write_answer(const struct markdown *markdown, const struct step_result *result) {
    bool odd = result->status != STEP_MET && result->status != STEP_NOT_RUN;
    fputs(odd ? "**" : "", markdown->out);
    phrase_answer(markdown->text, result, markdown->report->verbose);
    fputs(odd ? "**" : "", markdown->out);
}

/* The row of a step; a line in the body of a block has no result. */
static void write_row(const struct markdown *markdown, const struct step *step,
                      const struct step_result *result) {
    fprintf(markdown->out, "| %u | ", step->line);
    if (result != NULL)
        phrase_text(markdown->text, step->who);
    fputs(result == NULL ? " | &nbsp; " : " | ", markdown->out);
    write_call(markdown, step);
    fputs(" | ", markdown->out);
    phrase_text(markdown->text, step->want.text);
    fputs(" | ", markdown->out);
    if (result != NULL)
        write_answer(markdown, result);
    fputs(" |\n", markdown->out);
}

static void write_rows(const struct markdown *markdown, const struct scenario_result *scenario,
                       size_t index) {
    const struct case_result *result = &scenario->cases[index];
    fputs("\n| line | role | call | want | got |\n|---:|---|---|---|---|\n", markdown->out);
    for (size_t i = 0; i < result->step_count; i++) {
        const struct step *step = result_step(scenario->scenario, index, i);
        write_row(markdown, step, &result->steps[i]);
        for (size_t k = 1; k <= step->body; k++)
            write_row(markdown, step + k, NULL);
        i += step->body;
    }
}

static void write_item(const struct markdown *markdown, const struct step *step,
                       const char *label) {
    fprintf(markdown->out, "- line %u, %s: ", step->line, label);
}

static void write_evidence(const struct markdown *markdown, const struct scenario *scenario,
                           const struct step *step, const struct evidence *evidence) {
    unsigned lines = phrase_evidence_lines(evidence);
    for (unsigned i = 0; i < lines; i++) {
        write_item(markdown, step, "in the way");
        phrase_evidence(markdown->text, scenario, evidence, i, markdown->report->verbose);
        fputc('\n', markdown->out);
    }
    write_item(markdown, step, "cause");
    fprintf(markdown->out, "**%s**: ", cause_name(evidence->cause));
    phrase_text(markdown->text, evidence->words);
    fputc('\n', markdown->out);
}

/* What else is known of the steps, as a list. */
static void write_notes(const struct markdown *markdown, const struct scenario_result *scenario,
                        size_t index) {
    const struct case_result *result = &scenario->cases[index];
    fputc('\n', markdown->out);
    for (size_t i = 0; i < result->step_count; i++) {
        const struct step *step = result_step(scenario->scenario, index, i);
        const struct step_result *of_step = &result->steps[i];
        bool verbose = markdown->report->verbose;
        const char *label, *seen = phrase_seen(step, of_step, verbose, &label);
        if (seen != NULL) {
            write_item(markdown, step, label);
            phrase_text(markdown->text, seen);
            fputc('\n', markdown->out);
        }
        if (phrase_shows_evidence(step, of_step, verbose))
            write_evidence(markdown, scenario->scenario, step, of_step->evidence);
    }
}

static void write_case(const struct markdown *markdown, const struct scenario_result *scenario,
                       size_t index) {
    const struct case_result *result = &scenario->cases[index];
    if (result->step_count == 0 || result->steps[0].status == STEP_NOT_RUN)
        return; /* it has not begun; the table of cases says why */
    fprintf(markdown->out, "\n#### %s: ", verdict_name(result->verdict));
    phrase_text(markdown->text, scenario->scenario->cases[index].title);
    fputc('\n', markdown->out);
    write_rows(markdown, scenario, index);
    write_notes(markdown, scenario, index);
}

/* --- scenarios --- */

static void write_cases(const struct markdown *markdown, const struct scenario_result *scenario) {
    fputs("\n| verdict | case | why |\n|---|---|---|\n", markdown->out);
    for (size_t i = 0; i < scenario->scenario->case_count; i++) {
        fprintf(markdown->out, "| %s | ", verdict_name(scenario->cases[i].verdict));
        phrase_text(markdown->text, scenario->scenario->cases[i].title);
        fputs(" | ", markdown->out);
        phrase_case(markdown->text, scenario, i, PHRASE_ALL);
        fputs(" |\n", markdown->out);
    }
}

static void write_heading(const struct markdown *markdown, const struct scenario_result *scenario) {
    fputs("\n### ", markdown->out);
    phrase_text(markdown->text, scenario->scenario->name);
    fputs(": ", markdown->out);
    phrase_text(markdown->text, scenario->scenario->title);
    fputc('\n', markdown->out);
}

/* With one scenario all cases are written in full, else those that did not pass. */
static void write_scenario(const struct markdown *markdown,
                           const struct scenario_result *scenario) {
    bool all =
        markdown->report->verbose || run_findings(markdown->report)->run->scenario_count == 1;
    write_heading(markdown, scenario);
    write_cases(markdown, scenario);
    for (size_t i = 0; i < scenario->scenario->case_count; i++)
        if (all || scenario->cases[i].verdict != VERDICT_PASS)
            write_case(markdown, scenario, i);
}

/* --- what passed --- */

static bool all_passed(const struct scenario_result *scenario) {
    for (size_t i = 0; i < scenario->scenario->case_count; i++)
        if (scenario->cases[i].verdict != VERDICT_PASS)
            return false;
    return true;
}

static void write_passed_row(const struct markdown *markdown,
                             const struct scenario_result *scenario) {
    fputs("| ", markdown->out);
    phrase_text(markdown->text, scenario->scenario->name);
    fputs(" | ", markdown->out);
    phrase_text(markdown->text, scenario->scenario->title);
    fprintf(markdown->out, " | %zu |\n", scenario->scenario->case_count);
}

/* The scenarios of which all cases passed, behind one line that opens them: a table, or with -v
 * each in full. */
static void write_passed(const struct markdown *markdown) {
    const struct run_result *run = run_findings(markdown->report)->run;
    size_t count = 0, cases = 0;
    for (size_t i = 0; i < run->scenario_count; i++)
        if (all_passed(&run->scenarios[i])) {
            count++;
            cases += run->scenarios[i].scenario->case_count;
        }
    if (count == 0)
        return;
    fprintf(markdown->out, "\n<details><summary>PASS: %zu scenario%s, %zu case%s</summary>\n",
            count, count == 1 ? "" : "s", cases, cases == 1 ? "" : "s");
    if (!markdown->report->verbose)
        fputs("\n| scenario | title | cases |\n|---|---|---:|\n", markdown->out);
    for (size_t i = 0; i < run->scenario_count; i++)
        if (all_passed(&run->scenarios[i])) {
            if (markdown->report->verbose)
                write_scenario(markdown, &run->scenarios[i]);
            else
                write_passed_row(markdown, &run->scenarios[i]);
        }
    fputs("\n</details>\n", markdown->out);
}

/* --- the environment --- */

static void write_fact(const struct markdown *markdown, const char *what, const char *value) {
    fprintf(markdown->out, "| %s | ", what);
    phrase_text(markdown->text, value[0] == '\0' ? "-" : value);
    fputs(" |\n", markdown->out);
}

static void write_surroundings(const struct markdown *markdown) {
    const struct capabilities *found = run_findings(markdown->report)->capabilities;
    const char *space = netns_is_none(found->netns)       ? found->netns_reason
                        : found->netns == NETNS_WITH_USER ? "yes, in a user namespace"
                                                          : "yes";
    fputs("\n<details><summary>Environment</summary>\n\n| what | value |\n|---|---|\n",
          markdown->out);
    write_fact(markdown, "portreuse", PORTREUSE_VERSION);
    write_fact(markdown, "kernel", found->kernel.release);
    write_fact(markdown, "machine", found->kernel.machine);
    write_fact(markdown, "private network namespace", space);
    write_fact(markdown, "sysctls of", found->current ? "the current namespace" : "a new one");
    for (size_t i = 0; i < CAPABILITIES_SYSCTLS; i++)
        write_fact(markdown, capabilities_sysctl[i], found->sysctls[i]);
    fputs("\n</details>\n", markdown->out);
}

static void write_report(const struct report *report, FILE *out) {
    struct markdown markdown = {.out = out,
                                .text = escape_open(out, escape_markdown),
                                .code = escape_open(out, escape_code),
                                .report = report};
    char line[REPORT_LINE_SIZE];
    fputs("**", out);
    fputs(run_verdict(run_findings(report)->run, line), markdown.text);
    fputs("**\n", out);
    const struct run_result *run = run_findings(report)->run;
    bool several = run->scenario_count > 1;
    for (size_t i = 0; i < run->scenario_count; i++)
        if (!several || !all_passed(&run->scenarios[i]))
            write_scenario(&markdown, &run->scenarios[i]);
    if (several)
        write_passed(&markdown);
    write_surroundings(&markdown);
    fclose(markdown.text);
    fclose(markdown.code);
}

const struct format format_markdown = {
    .name = "markdown",
    .extensions = ".md .markdown",
    .line = "to paste into an issue: verdict, tables, environment",
    .capabilities = true,
    .write = write_report,
};
