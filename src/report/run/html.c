/* The report as a page: the verdict; of one scenario the story with a diagram for the setup and for
 * each case, of several an overview that opens each. */
#include <string.h>

#include "base/text.h"
#include "report/run/phrase.h"
#include "report/run/rounds.h"
#include "report/run/run.h"
#include "report/run/sequence.h"
#include "report/shared/page.h"

struct writer {
    struct page page;
    const struct report *report;
};

static void write_causes(const struct writer *writer, const struct case_result *result) {
    const char *last = NULL;
    for (size_t i = 0; i < result->step_count; i++) {
        if (!result->steps[i].has_evidence || result->steps[i].evidence->missing != NULL)
            continue;
        const struct evidence *evidence = result->steps[i].evidence;
        if (last != NULL && strcmp(last, evidence->words) == 0)
            continue;
        last = evidence->words;
        fprintf(writer->page.out, "<p><span class=\"b\">%s</span>: ", cause_name(evidence->cause));
        phrase_text(writer->page.text, evidence->words);
        fputs("</p>\n", writer->page.out);
    }
}

static void write_case(const struct writer *writer, const struct scenario_result *scenario,
                       size_t index, bool with_setup) {
    const struct case_result *result = &scenario->cases[index];
    const struct scenario *story = scenario->scenario;
    size_t setup = story->setup.count;
    fputs("<h2>", writer->page.out);
    page_badge(&writer->page, verdict_name(result->verdict), result->verdict);
    fputc(' ', writer->page.out);
    phrase_text(writer->page.text, story->cases[index].title);
    fputs("</h2>\n", writer->page.out);
    if (result->verdict == VERDICT_SKIP) {
        fputs("<p>", writer->page.out);
        phrase_text(writer->page.text, result->reason);
        fputs("</p>\n", writer->page.out);
    } else if (result->verdict != VERDICT_PASS) {
        fputs("<p><code>", writer->page.out);
        phrase_text(writer->page.text, story->file != NULL ? story->file : story->name);
        struct composed what;
        unsigned line = phrase_trouble(compose_begin(&what), scenario, index);
        fprintf(writer->page.out, ":%u</code>: ", line);
        fputs(compose_end(&what), writer->page.text);
        compose_free(&what);
        fputs("</p>\n", writer->page.out);
    }
    if (result->verdict == VERDICT_SKIP || result->step_count == 0 ||
        result->steps[0].status == STEP_NOT_RUN)
        return;
    size_t first = !with_setup && result_setup_is_met(scenario, index) ? setup : 0;
    sequence_draw(&writer->page, scenario, index, first, result->step_count - first,
                  writer->report->verbose);
    rounds_draw(&writer->page, scenario, index, writer->report->verbose);
    write_causes(writer, result);
}

static void write_story(const struct writer *writer, const struct scenario_result *scenario) {
    const struct scenario *story = scenario->scenario;
    size_t shown = result_setup_to_show(scenario);
    bool separate = shown < story->case_count;
    if (separate) {
        fputs("<h2>Before each case</h2>\n", writer->page.out);
        sequence_draw(&writer->page, scenario, shown, 0, story->setup.count,
                      writer->report->verbose);
    }
    for (size_t i = 0; i < story->case_count; i++)
        write_case(writer, scenario, i, !separate);
    page_prose(&writer->page, "Why", story->why);
    page_prose(&writer->page, "What to do", story->fix);
}

/* A line that opens the story; what did not pass is open. */
static void write_folded(const struct writer *writer, const struct scenario_result *scenario) {
    bool open = scenario->verdict >= VERDICT_FAIL;
    fprintf(writer->page.out, "<details class=\"story\"%s><summary>", open ? " open" : "");
    page_badge(&writer->page, verdict_name(scenario->verdict), scenario->verdict);
    fputs(" <span class=\"b\">", writer->page.out);
    phrase_text(writer->page.text, scenario->scenario->name);
    fputs("</span> ", writer->page.out);
    phrase_text(writer->page.text, scenario->scenario->title);
    fprintf(writer->page.out, " <span class=\"soft\">(%zu case%s)</span></summary>\n",
            scenario->scenario->case_count, scenario->scenario->case_count == 1 ? "" : "s");
    write_story(writer, scenario);
    fputs("</details>\n", writer->page.out);
}

static void write_fact(const struct writer *writer, const char *name, const char *value) {
    fprintf(writer->page.out, "<tr><th>%s</th><td>", name);
    phrase_text(writer->page.text, value[0] == '\0' ? "-" : value);
    fputs("</td></tr>\n", writer->page.out);
}

static void write_surroundings(const struct writer *writer) {
    const struct capabilities *found = run_findings(writer->report)->capabilities;
    fputs("<details><summary>Environment</summary>\n<table>\n", writer->page.out);
    write_fact(writer, "portreuse", PORTREUSE_VERSION);
    write_fact(writer, "kernel", found->kernel.release);
    write_fact(writer, "machine", found->kernel.machine);
    for (size_t i = 0; i < CAPABILITIES_SYSCTLS; i++)
        write_fact(writer, capabilities_sysctl[i], found->sysctls[i]);
    fputs("</table>\n</details>\n", writer->page.out);
}

static void write_report(const struct report *report, FILE *out) {
    const struct run_result *run = run_findings(report)->run;
    struct writer writer = {.report = report};
    char line[REPORT_LINE_SIZE];
    page_begin(&writer.page, out, run_verdict(run, line), run->verdict);
    if (run->scenario_count == 1) {
        fputs("<p>", out);
        phrase_text(writer.page.text, run->scenarios[0].scenario->title);
        fputs("</p>\n", out);
        write_story(&writer, &run->scenarios[0]);
    }
    for (size_t i = 0; run->scenario_count > 1 && i < run->scenario_count; i++)
        write_folded(&writer, &run->scenarios[i]);
    write_surroundings(&writer);
    page_end(&writer.page);
}

const struct format format_html = {
    .name = "html",
    .extensions = ".html .htm",
    .line = "a page for a browser: the story as a picture, in one file",
    .capabilities = true,
    .write = write_report,
};
