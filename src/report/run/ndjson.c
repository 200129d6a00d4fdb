/* The report of what happens, as it happens: a line of JSON for each event, in the words of
 * docs/events.schema.json. */
#include "engine/watch.h"
#include "report/run/json_parts.h"
#include "report/run/run.h"

static void write_scenarios(struct json *json, const struct run_result *run) {
    json_array(json, "scenarios");
    for (size_t i = 0; i < run->scenario_count; i++) {
        const struct scenario *scenario = run->scenarios[i].scenario;
        json_object(json, NULL);
        json_string(json, "name", scenario->name);
        json_string(json, "file", scenario->file);
        json_string(json, "title", scenario->title);
        json_number(json, "cases", (int64_t)scenario->case_count);
        json_end(json);
    }
    json_end(json);
}

static void write_run(struct json *json, const struct report *report) {
    json_number(json, "schema", report->subject->schema);
    json_string(json, "version", PORTREUSE_VERSION);
    json_surroundings(json, run_findings(report)->capabilities);
    json_number(json, "repeat", run_findings(report)->run->repeat);
    write_scenarios(json, run_findings(report)->run);
}

static void write_case(struct json *json, const struct run_event *event) {
    const struct section *told = &event->scenario->cases[event->case_index];
    json_string(json, "scenario", event->scenario->name);
    json_string(json, "case", told->title);
    json_number(json, "line", told->line);
    json_number(json, "run", event->repetition);
}

static void write_case_result(struct json *json, const struct case_result *result) {
    json_string(json, "verdict", verdict_name(result->verdict));
    json_string(json, "reason", result->reason[0] == '\0' ? NULL : result->reason);
    json_seconds(json, "elapsed", result->elapsed_ns);
}

static void write_event(const struct report *report, const struct run_event *event, FILE *out) {
    static const char *const names[] = {[RUN_BEGINS] = "run begin",
                                        [CASE_BEGINS] = "case begin",
                                        [STEP_BEGINS] = "step begin",
                                        [STEP_ENDS] = "step end",
                                        [CASE_ENDS] = "case end"};
    struct json json = {.out = out, .line = true};
    if (event->kind == RUN_WAITS)
        return;
    json_object(&json, NULL);
    json_string(&json, "event", names[event->kind]);
    json_seconds(&json, "seconds", event->at_ns);
    if (event->kind == RUN_BEGINS)
        write_run(&json, report);
    else
        write_case(&json, event);
    if (event->kind == STEP_BEGINS || event->kind == STEP_ENDS)
        json_step(&json, "step", event->scenario, event->step, event->result);
    if (event->kind == CASE_ENDS)
        write_case_result(&json, event->case_result);
    json_end(&json);
}

static void write_end(const struct report *report, FILE *out) {
    struct json json = {.out = out, .line = true};
    char line[REPORT_LINE_SIZE];
    json_object(&json, NULL);
    json_string(&json, "event", "run end");
    json_seconds(&json, "seconds", run_findings(report)->run->elapsed_ns);
    json_string(&json, "summary", run_verdict(run_findings(report)->run, line));
    json_string(&json, "verdict", verdict_name(run_findings(report)->run->verdict));
    json_counts(&json, run_findings(report)->run);
    json_bool(&json, "interrupted", run_findings(report)->run->interrupted != 0);
    json_end(&json);
}

const struct format format_ndjson = {
    .name = "ndjson",
    .endings = ".ndjson .jsonl",
    .line = "for programs that follow a run: a line of JSON an event, as it happens",
    .capabilities = true,
    .event = write_event,
    .write = write_end,
};
