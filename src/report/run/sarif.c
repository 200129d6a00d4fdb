/* The report for viewers and archives of findings: SARIF 2.1.0 (OASIS), which GitHub's code
 * scanning, Azure DevOps and editors read.
 *
 * A scenario is a rule, and each case that did not pass is a result, at the line of the step that
 * did not answer as expected. What could not run is no result: it is a notification of the tool,
 * each reason once. All texts are what the other formats say. */
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "report/run/phrase.h"
#include "report/run/run.h"
#include "report/shared/json.h"

struct sarif {
    struct json json;
    const struct report *report;
    const struct run_result *run;
};

/* An object with the text: SARIF's `message`, and the texts of a rule. */
static void write_text(struct json *json, const char *key, const char *text) {
    json_object(json, key);
    json_string(json, "text", text);
    json_end(json);
}

static bool is_trouble(enum verdict verdict) {
    return verdict == VERDICT_FAIL || verdict == VERDICT_ERROR;
}

/* --- where --- */

/* Writes the path as a URI reference: relative to where the run was started, as viewers expect of
 * the files of a repository, unless it is absolute. */
static void write_uri(struct json *json, const char *path) {
    struct composed uri;
    FILE *out = compose_begin(&uri);
    fputs(path[0] == '/' ? "file://" : "", out);
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    for (; *path != '\0'; path++) {
        unsigned char byte = (unsigned char)*path;
        bool plain = byte < 0x80 && (isalnum(byte) || strchr("/-._~", byte) != NULL);
        fprintf(out, plain ? "%c" : "%%%02X", byte);
    }
    json_string(json, "uri", compose_end(&uri));
    compose_free(&uri);
}

/* The file and the line, unless the scenario is built in or came from standard input, and the case
 * by its name, as `run NAME:CASE` takes it. */
static void write_location(struct json *json, const struct scenario *scenario, size_t index,
                           unsigned line) {
    struct composed name;
    json_array(json, "locations");
    json_object(json, NULL);
    if (scenario->file != NULL && scenario->file[0] != '<') {
        json_object(json, "physicalLocation");
        json_object(json, "artifactLocation");
        write_uri(json, scenario->file);
        json_end(json);
        json_object(json, "region");
        json_number(json, "startLine", line);
        json_end(json);
        json_end(json);
    }
    json_array(json, "logicalLocations");
    json_object(json, NULL);
    fprintf(compose_begin(&name), "%s:%s", scenario->name, scenario->cases[index].title);
    json_string(json, "fullyQualifiedName", compose_end(&name));
    json_string(json, "name", scenario->cases[index].title);
    json_end(json);
    json_end(json);
    json_end(json);
    json_end(json);
    compose_free(&name);
}

/* --- what --- */

/* The errno and the cause, for programs that sort results. */
static void write_properties(struct json *json, const struct case_result *result) {
    const struct step_result *failed = result_failed_step(result);
    char got[ANSWER_TEXT_SIZE];
    json_object(json, "properties");
    json_string(json, "verdict", verdict_name(result->verdict));
    if (failed != NULL && failed->status == STEP_UNMET)
        json_string(json, "got", answer_text(&failed->got, got));
    if (failed != NULL && failed->has_evidence && failed->evidence->missing == NULL)
        json_string(json, "cause", cause_name(failed->evidence->cause));
    json_end(json);
}

static void write_result(struct sarif *sarif, const struct scenario_result *scenario, size_t index,
                         int64_t rule) {
    struct json *json = &sarif->json;
    struct composed text, trouble;
    unsigned line = phrase_trouble(compose_begin(&trouble), scenario, index);
    compose_end(&trouble);
    json_object(json, NULL);
    json_string(json, "ruleId", scenario->scenario->name);
    json_number(json, "ruleIndex", rule);
    json_string(json, "level", "error");
    phrase_story(compose_begin(&text), scenario, index, sarif->report->verbose);
    write_text(json, "message", compose_end(&text));
    write_location(json, scenario->scenario, index, line);
    write_properties(json, &scenario->cases[index]);
    json_end(json);
    compose_free(&text);
    compose_free(&trouble);
}

/* Returns whether scenario `index` of the run is a rule: it has a result, and is the first of its
 * name (files of two folders can have the same one). */
static bool is_rule(const struct run_result *run, size_t index) {
    const struct scenario_result *scenario = &run->scenarios[index];
    for (size_t i = 0; i < index; i++)
        if (is_trouble(run->scenarios[i].verdict) &&
            strcmp(run->scenarios[i].scenario->name, scenario->scenario->name) == 0)
            return false;
    return is_trouble(scenario->verdict);
}

/* The place of the rule with this name among the rules. */
static int64_t rule_index(const struct run_result *run, const char *name) {
    int64_t rule = 0;
    for (size_t i = 0; i < run->scenario_count; i++) {
        if (!is_rule(run, i))
            continue;
        if (strcmp(run->scenarios[i].scenario->name, name) == 0)
            break;
        rule++;
    }
    return rule;
}

static void write_results(struct sarif *sarif) {
    json_array(&sarif->json, "results");
    for (size_t i = 0; i < sarif->run->scenario_count; i++) {
        const struct scenario_result *scenario = &sarif->run->scenarios[i];
        for (size_t k = 0; k < scenario->scenario->case_count; k++)
            if (is_trouble(scenario->cases[k].verdict))
                write_result(sarif, scenario, k, rule_index(sarif->run, scenario->scenario->name));
    }
    json_end(&sarif->json);
}

static void write_rules(struct sarif *sarif) {
    struct json *json = &sarif->json;
    json_array(json, "rules");
    for (size_t i = 0; i < sarif->run->scenario_count; i++) {
        const struct scenario *scenario = sarif->run->scenarios[i].scenario;
        if (!is_rule(sarif->run, i))
            continue;
        json_object(json, NULL);
        json_string(json, "id", scenario->name);
        write_text(json, "shortDescription", scenario->title);
        if (scenario->why != NULL)
            write_text(json, "fullDescription", scenario->why);
        if (scenario->fix != NULL)
            write_text(json, "help", scenario->fix);
        json_end(json);
    }
    json_end(json);
}

/* --- the run --- */

/* Returns whether an earlier case of the run was skipped for the same reason. */
static bool is_told(const struct run_result *run, const struct case_result *result) {
    for (size_t i = 0; i < run->scenario_count; i++)
        for (size_t k = 0; k < run->scenarios[i].scenario->case_count; k++) {
            const struct case_result *other = &run->scenarios[i].cases[k];
            if (other == result)
                return false;
            if (other->verdict == VERDICT_SKIP && strcmp(other->reason, result->reason) == 0)
                return true;
        }
    return false;
}

static void write_skipped(struct sarif *sarif) {
    struct json *json = &sarif->json;
    json_array(json, "toolExecutionNotifications");
    for (size_t i = 0; i < sarif->run->scenario_count; i++) {
        const struct scenario_result *scenario = &sarif->run->scenarios[i];
        for (size_t k = 0; k < scenario->scenario->case_count; k++) {
            const struct case_result *result = &scenario->cases[k];
            if (result->verdict != VERDICT_SKIP || is_told(sarif->run, result))
                continue;
            json_object(json, NULL);
            json_string(json, "level", "note");
            write_text(json, "message", result->reason);
            write_location(json, scenario->scenario, k, scenario->scenario->cases[k].line);
            json_end(json);
        }
    }
    json_end(json);
}

static void write_invocation(struct sarif *sarif) {
    struct json *json = &sarif->json;
    char text[sizeof "-2147483648-01-01T00:00:00Z"] = "";
    struct tm parts;
    json_array(json, "invocations");
    json_object(json, NULL);
    json_bool(json, "executionSuccessful",
              sarif->run->verdict != VERDICT_ERROR && sarif->run->interrupted == 0);
    if (gmtime_r(&sarif->run->began, &parts) != NULL &&
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) > 0)
        json_string(json, "startTimeUtc", text);
    write_skipped(sarif);
    json_end(json);
    json_end(json);
}

static void write_report(const struct report *report, FILE *out) {
    struct sarif sarif = {.json = {.out = out}, .report = report, .run = run_findings(report)->run};
    struct json *json = &sarif.json;
    json_object(json, NULL);
    json_string(json, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    json_string(json, "version", "2.1.0");
    json_array(json, "runs");
    json_object(json, NULL);
    json_object(json, "tool");
    json_object(json, "driver");
    json_string(json, "name", "portreuse");
    json_string(json, "version", PORTREUSE_VERSION);
    write_rules(&sarif);
    json_end(json);
    json_end(json);
    write_invocation(&sarif);
    write_results(&sarif);
    json_end(json);
    json_end(json);
    json_end(json);
}

const struct format format_sarif = {
    .name = "sarif",
    .extensions = ".sarif",
    .line = "for code scanning and editors: what did not pass, with file and line",
    .write = write_report,
};
