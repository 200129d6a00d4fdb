/* The report for continuous integration: JUnit XML, as GitLab and Jenkins read it. A suite is a
 * scenario, a test is a case. A case that did not pass contains what the text report says of it. */
#include <inttypes.h>

#include "base/text.h"
#include "base/units.h"
#include "report/run/phrase.h"
#include "report/run/run.h"
#include "report/run/text.h"

struct junit {
    FILE *out, *text; /* markup; text from outside, in attributes and between tags */
    const struct report *report;
};

static void attribute(const struct junit *junit, const char *name, const char *text) {
    fprintf(junit->out, " %s=\"", name);
    phrase_text(junit->text, text);
    fputc('"', junit->out);
}

static void time_attribute(const struct junit *junit, uint64_t ns) {
    fprintf(junit->out, " time=\"%" PRIu64 ".%06" PRIu64 "\"", ns / NS_PER_S,
            ns % NS_PER_S / NS_PER_US);
}

/* A case that did not pass: its reason, and what the text report says. */
static void write_trouble(const struct junit *junit, const struct scenario_result *scenario,
                          size_t index) {
    static const char *const elements[VERDICTS] = {
        [VERDICT_SKIP] = "skipped", [VERDICT_FAIL] = "failure", [VERDICT_ERROR] = "error"};
    enum verdict verdict = scenario->cases[index].verdict;
    fprintf(junit->out, ">\n      <%s message=\"", elements[verdict]);
    phrase_case(junit->text, scenario, index, PHRASE_ALL);
    if (verdict == VERDICT_SKIP) {
        fputs("\"/>\n    </testcase>\n", junit->out);
        return;
    }
    fprintf(junit->out, "\" type=\"%s\">", verdict_name(verdict));
    text_case(junit->text, junit->report, scenario, index);
    fprintf(junit->out, "</%s>\n    </testcase>\n", elements[verdict]);
}

static void write_case(const struct junit *junit, const struct scenario_result *scenario,
                       size_t index) {
    const struct section *section = &scenario->scenario->cases[index];
    fputs("    <testcase", junit->out);
    attribute(junit, "classname", scenario->scenario->name);
    attribute(junit, "name", section->title);
    if (scenario->scenario->file != NULL) {
        attribute(junit, "file", scenario->scenario->file);
        fprintf(junit->out, " line=\"%u\"", section->line);
    }
    time_attribute(junit, scenario->cases[index].elapsed_ns);
    if (scenario->cases[index].verdict == VERDICT_PASS)
        fputs("/>\n", junit->out);
    else
        write_trouble(junit, scenario, index);
}

/* The first second of the suite, by UTC, as Ant writes it: without a zone. */
static void timestamp_attribute(const struct junit *junit, const struct scenario_result *scenario) {
    uint64_t first_ns = scenario->cases[0].began_ns;
    char text[sizeof "-2147483648-01-01T00:00:00"] = "";
    struct tm parts;
    for (size_t i = 1; i < scenario->scenario->case_count; i++)
        if (scenario->cases[i].began_ns < first_ns)
            first_ns = scenario->cases[i].began_ns;
    time_t began = run_findings(junit->report)->run->began + (time_t)(first_ns / NS_PER_S);
    if (gmtime_r(&began, &parts) != NULL)
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    attribute(junit, "timestamp", text);
}

static void write_property(const struct junit *junit, const char *name, const char *value) {
    fputs("      <property", junit->out);
    attribute(junit, "name", name);
    attribute(junit, "value", value);
    fputs("/>\n", junit->out);
}

/* What the results depend on: the same in every suite, as a reader may look at one of them alone.
 */
static void write_properties(const struct junit *junit) {
    const struct capabilities *found = run_findings(junit->report)->capabilities;
    fputs("    <properties>\n", junit->out);
    write_property(junit, "portreuse.version", PORTREUSE_VERSION);
    write_property(junit, "kernel.release", found->kernel.release);
    write_property(junit, "kernel.machine", found->kernel.machine);
    write_property(junit, "namespace", found->current ? "current" : "private");
    for (size_t i = 0; i < CAPABILITIES_SYSCTLS; i++)
        if (found->sysctls[i][0] != '\0')
            write_property(junit, capabilities_sysctl[i], found->sysctls[i]);
    fputs("    </properties>\n", junit->out);
}

static void write_suite(const struct junit *junit, const struct scenario_result *scenario) {
    size_t count = scenario->scenario->case_count, counts[VERDICTS] = {0};
    uint64_t elapsed_ns = 0;
    for (size_t i = 0; i < count; i++) {
        counts[scenario->cases[i].verdict]++;
        elapsed_ns += scenario->cases[i].elapsed_ns;
    }
    fputs("  <testsuite", junit->out);
    attribute(junit, "name", scenario->scenario->name);
    fprintf(junit->out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", count,
            counts[VERDICT_FAIL], counts[VERDICT_ERROR], counts[VERDICT_SKIP]);
    time_attribute(junit, elapsed_ns);
    timestamp_attribute(junit, scenario);
    attribute(junit, "hostname", run_findings(junit->report)->capabilities->kernel.nodename);
    fputs(">\n", junit->out);
    write_properties(junit);
    for (size_t i = 0; i < count; i++)
        write_case(junit, scenario, i);
    fputs("  </testsuite>\n", junit->out);
}

static void write_report(const struct report *report, FILE *out) {
    const struct run_result *run = run_findings(report)->run;
    struct report plain = *report;
    struct junit junit = {.out = out, .text = escape_open(out, escape_xml), .report = &plain};
    plain.colour = false;
    size_t total = 0;
    for (int i = 0; i < VERDICTS; i++)
        total += run->cases[i];
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuites name=\"portreuse\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"",
            total, run->cases[VERDICT_FAIL], run->cases[VERDICT_ERROR]);
    time_attribute(&junit, run->elapsed_ns);
    fputs(">\n", out);
    for (size_t i = 0; i < run->scenario_count; i++)
        write_suite(&junit, &run->scenarios[i]);
    fputs("</testsuites>\n", out);
    fclose(junit.text);
}

const struct format format_junit = {
    .name = "junit",
    .extensions = ".xml",
    .capabilities = true,
    .line = "for GitLab, Jenkins and similar: JUnit XML",
    .write = write_report,
};
