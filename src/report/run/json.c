/* The reports for programs: the whole result in one document (docs/report.schema.json), or a line
 * for each event as it happens (docs/events.schema.json). */
#include "report/shared/json.h"
#include "engine/result.h"
#include "report/run/run.h"
#include "report/shared/sockets.h"

/* --- surroundings --- */

static void write_surroundings(struct json *json, const struct capabilities *found) {
    static const char *const spaces[] = {[NETNS_REFUSED] = "refused",
                                         [NETNS_FAILED] = "refused",
                                         [NETNS_AS_ROOT] = "network",
                                         [NETNS_WITH_USER] = "user and network"};
    json_object(json, "surroundings");
    json_string(json, "kernel", found->kernel.release);
    json_string(json, "machine", found->kernel.machine);
    json_number(json, "uid", found->uid);
    json_string(json, "namespace", found->current ? "current" : "private");
    json_string(json, "private_namespace", spaces[found->netns]);
    json_string(json, "private_namespace_reason",
                netns_is_none(found->netns) ? found->netns_reason : NULL);
    json_bool(json, "ipv6", found->ipv6);
    json_bool(json, "uids", found->uids);
    json_bool(json, "sock_diag", found->sock_diag);
    json_bool(json, "lists_bound", found->lists_bound);
    json_number(json, "open_files", (int64_t)found->open_files);
    json_object(json, "sysctl");
    for (size_t i = 0; i < CAPABILITIES_SYSCTLS; i++)
        json_string(json, capabilities_sysctl[i],
                    found->sysctls[i][0] == '\0' ? NULL : found->sysctls[i]);
    json_end(json);
    json_end(json);
}

/* --- evidence --- */

static void write_suspect(struct json *json, const struct scenario *scenario,
                          const struct suspect *suspect) {
    static const char *const words[] = {[OWNED] = "held",
                                        [LEFT] = "left",
                                        [UNACCEPTED] = "not accepted",
                                        [OWNER_NOT_KNOWN] = "not known"};
    char name[sizeof suspect->name + 8];
    json_object(json, NULL);
    snprintf(name, sizeof name, "unix:%s", suspect->name);
    sockets_json(json, &suspect->occupant.socket, suspect->name[0] == '\0' ? NULL : name);
    json_string(json, "holding", words[suspect->ownership]);
    json_array(json, "holders");
    for (unsigned i = 0; i < suspect->role_count; i++) {
        const struct suspect_role *role = &suspect->roles[i];
        json_object(json, NULL);
        json_string(json, "role", scenario->roles[role->role]);
        json_string(json, "socket", role->socket < 0 ? NULL : scenario->sockets[role->socket]);
        json_number(json, "pid", role->pid);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

static void write_groups(struct json *json, const struct scenario *scenario,
                         const struct evidence *evidence) {
    json_array(json, "groups");
    for (unsigned i = 0; i < evidence->group_count; i++) {
        const struct evidence_group *group = &evidence->groups[i];
        json_object(json, NULL);
        json_string(json, "state", socket_state_name(group->state));
        json_string(json, "role", group->role < 0 ? NULL : scenario->roles[group->role]);
        json_number(json, "count", group->count);
        json_end(json);
    }
    json_end(json);
}

static void write_evidence(struct json *json, const struct scenario *scenario,
                           const struct evidence *evidence) {
    char missing[EVIDENCE_MISSING_SIZE];
    json_object(json, "evidence");
    json_string(json, "cause", cause_name(evidence->cause));
    json_string(json, "words", evidence->words);
    json_string(json, "missing", evidence_missing(evidence, missing));
    if (evidence->automatic) {
        json_number(json, "range_low", evidence->range_low);
        json_number(json, "range_high", evidence->range_high);
        json_number(json, "ports_taken", evidence->ports_taken);
    }
    json_number(json, "total", evidence->total);
    write_groups(json, scenario, evidence);
    json_array(json, "sockets");
    for (unsigned i = 0; i < evidence->suspect_count; i++)
        write_suspect(json, scenario, &evidence->suspects[i]);
    json_end(json);
    json_end(json);
}

/* --- steps and cases --- */

/* What became of a step, as members of its object. */
static void write_result(struct json *json, const struct scenario *scenario,
                         const struct step *step, const struct step_result *result) {
    static const char *const names[] = {[STEP_NOT_RUN] = "not run",
                                        [STEP_RUNNING] = "no answer",
                                        [STEP_MET] = "pass",
                                        [STEP_UNMET] = "fail",
                                        [STEP_BROKEN] = "not done"};
    char got[ANSWER_TEXT_SIZE];
    bool answered = result->status == STEP_MET || result->status == STEP_UNMET;
    json_string(json, "status", names[result->status]);
    json_string(json, "got", answered ? answer_text(&result->got, got) : NULL);
    if (answered)
        json_seconds(json, "seconds", result->elapsed_ns);
    if (result_where(scenario, result) != NULL)
        json_string(json, "where", result_where(scenario, result));
    if (result->seen != NULL && result->seen[0] != '\0')
        json_string(json, "seen", result->seen);
    if (result->has_evidence)
        write_evidence(json, scenario, result->evidence);
    if (step->body > 0 && answered) {
        json_array(json, "rounds_ns");
        for (size_t i = 0; i < result->round_count; i++)
            json_number(json, NULL, (int64_t)result->rounds_ns[i]);
        json_end(json);
    }
}

static void write_step(struct json *json, const char *key, const struct scenario *scenario,
                       const struct step *step, const struct step_result *result) {
    const struct step *judge = result == NULL ? step : result_judge(step, result);
    json_object(json, key);
    json_number(json, "line", step->line);
    json_string(json, "role", step->role == NO_ROLE ? NULL : scenario->roles[step->role]);
    if (step->host != NO_HOST)
        json_string(json, "host", scenario->hosts[step->host].name);
    json_string(json, "verb", verb_row(step->verb)->name);
    json_string(json, "arguments", step->arguments);
    json_string(json, "want", judge->want.text);
    if (result != NULL)
        write_result(json, scenario, step, result);
    json_end(json);
}

static void write_case(struct json *json, const struct scenario_result *scenario, size_t index) {
    const struct case_result *result = &scenario->cases[index];
    json_object(json, NULL);
    json_string(json, "title", scenario->scenario->cases[index].title);
    json_number(json, "line", scenario->scenario->cases[index].line);
    json_string(json, "verdict", verdict_name(result->verdict));
    json_string(json, "reason", result->reason[0] == '\0' ? NULL : result->reason);
    json_number(json, "runs", result->runs);
    json_number(json, "passed", result->passed);
    json_seconds(json, "seconds", result->elapsed_ns);
    json_array(json, "steps");
    for (size_t i = 0; i < result->step_count; i++) {
        const struct step *step = result_step(scenario->scenario, index, i);
        write_step(json, NULL, scenario->scenario, step, &result->steps[i]);
        i += step->body;
    }
    json_end(json);
    json_end(json);
}

/* The hosts of a scenario that has any. */
static void write_hosts(struct json *json, const struct scenario *scenario) {
    char text[HOST_ADDRESS_TEXT_SIZE];
    if (scenario->host_count == 0)
        return;
    json_array(json, "hosts");
    for (size_t i = 0; i < scenario->host_count; i++) {
        const struct scenario_host *host = &scenario->hosts[i];
        json_object(json, NULL);
        json_string(json, "name", host->name);
        json_array(json, "addresses");
        for (size_t k = 0; k < host->address_count; k++)
            json_string(json, NULL, host_address_text(&host->addresses[k], text));
        json_end(json);
        json_end(json);
    }
    json_end(json);
}

static void write_scenario(struct json *json, const struct scenario_result *result) {
    const struct scenario *scenario = result->scenario;
    json_object(json, NULL);
    json_string(json, "name", scenario->name);
    json_string(json, "file", scenario->file);
    json_string(json, "title", scenario->title);
    json_string(json, "verdict", verdict_name(result->verdict));
    json_array(json, "tags");
    for (size_t i = 0; i < scenario->tag_count; i++)
        json_string(json, NULL, scenario->tags[i]);
    json_end(json);
    json_string(json, "why", scenario->why);
    json_string(json, "fix", scenario->fix);
    write_hosts(json, scenario);
    json_array(json, "cases");
    for (size_t i = 0; i < scenario->case_count; i++)
        write_case(json, result, i);
    json_end(json);
    json_end(json);
}

static void write_counts(struct json *json, const struct run_result *run) {
    static const char *const keys[VERDICTS] = {"pass", "skip", "fail", "error"};
    json_object(json, "cases");
    for (int i = 0; i < VERDICTS; i++)
        json_number(json, keys[i], (int64_t)run->cases[i]);
    json_end(json);
}

static void write_report(const struct report *report, FILE *out) {
    const struct run_result *run = run_findings(report)->run;
    struct json json = {.out = out};
    json_object(&json, NULL);
    report_json_head(&json, report);
    write_surroundings(&json, run_findings(report)->capabilities);
    write_counts(&json, run);
    json_number(&json, "repeat", run->repeat);
    json_bool(&json, "interrupted", run->interrupted != 0);
    json_seconds(&json, "seconds", run->elapsed_ns);
    json_array(&json, "scenarios");
    for (size_t i = 0; i < run->scenario_count; i++)
        write_scenario(&json, &run->scenarios[i]);
    json_end(&json);
    json_end(&json);
}

const struct format format_json = {
    .name = "json",
    .extensions = ".json",
    .line = "for programs: all that is known, in one document",
    .capabilities = true,
    .write = write_report,
};

/* --- events: a line of JSON each, in the words of docs/events.schema.json --- */

static void write_run_begin(struct json *json, const struct report *report) {
    const struct run_result *run = run_findings(report)->run;
    json_number(json, "schema", report->subject->schema);
    json_string(json, "version", PORTREUSE_VERSION);
    write_surroundings(json, run_findings(report)->capabilities);
    json_number(json, "repeat", run->repeat);
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

/* The members of an event of a case: which case, which step, and the result at its end. */
static void write_case_event(struct json *json, const struct run_event *event) {
    const struct section *section = &event->scenario->cases[event->case_index];
    const struct case_result *result = event->case_result;
    json_string(json, "scenario", event->scenario->name);
    json_string(json, "case", section->title);
    json_number(json, "line", section->line);
    json_number(json, "run", event->repetition);
    if (event->kind == STEP_BEGINS || event->kind == STEP_ENDS)
        write_step(json, "step", event->scenario, event->step, event->result);
    if (event->kind == CASE_ENDS) {
        json_string(json, "verdict", verdict_name(result->verdict));
        json_string(json, "reason", result->reason[0] == '\0' ? NULL : result->reason);
        json_seconds(json, "elapsed", result->elapsed_ns);
    }
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
        write_run_begin(&json, report);
    else
        write_case_event(&json, event);
    json_end(&json);
}

static void write_run_end(const struct report *report, FILE *out) {
    struct json json = {.out = out, .line = true};
    char line[REPORT_LINE_SIZE];
    json_object(&json, NULL);
    json_string(&json, "event", "run end");
    json_seconds(&json, "seconds", run_findings(report)->run->elapsed_ns);
    json_string(&json, "summary", run_verdict(run_findings(report)->run, line));
    json_string(&json, "verdict", verdict_name(run_findings(report)->run->verdict));
    write_counts(&json, run_findings(report)->run);
    json_bool(&json, "interrupted", run_findings(report)->run->interrupted != 0);
    json_end(&json);
}

const struct format format_ndjson = {
    .name = "ndjson",
    .extensions = ".ndjson .jsonl",
    .line = "for programs that follow a run: one line of JSON per event",
    .capabilities = true,
    .event = write_event,
    .write = write_run_end,
};
