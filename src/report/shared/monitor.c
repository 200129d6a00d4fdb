#include "report/shared/monitor.h"

#include <stdio.h>
#include <string.h>

#include "base/errnames.h"

void monitor_of(const struct report *report, struct monitor *monitor) {
    *monitor = (struct monitor){0};
    if (report->why != NULL)
        why_monitor(report, monitor);
    else if (report->budget != NULL)
        budget_monitor(report, monitor);
    else if (report->audit != NULL)
        audit_monitor(report, monitor);
    else
        run_monitor(report, monitor);
}

struct monitor_metric *monitor_add(struct monitor *monitor, const char *name, const char *help,
                                   double value) {
    static struct monitor_metric spare;
    struct monitor_metric *metric =
        monitor->count < MONITOR_METRICS ? &monitor->metrics[monitor->count++] : &spare;
    *metric = (struct monitor_metric){.name = name, .help = help, .value = value};
    return metric;
}

void monitor_label(struct monitor_metric *metric, const char *key, const char *value) {
    char escaped[MONITOR_LABELS_SIZE];
    size_t size = 0, used = strlen(metric->labels);
    for (; *value != '\0' && size + 3 < sizeof escaped; value++) {
        bool special = *value == '"' || *value == '\\' || *value == '\n';
        if (special)
            escaped[size++] = '\\';
        escaped[size++] = *value == '\n' ? 'n' : *value;
    }
    escaped[size] = '\0';
    int length = snprintf(metric->labels + used, sizeof metric->labels - used, "%s%s=\"%s\"",
                          used > 0 ? "," : "", key, escaped);
    if ((size_t)length >= sizeof metric->labels - used)
        metric->labels[used] = '\0';
}

const char *monitor_state_name(enum monitor_state state) {
    static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    return names[state];
}

void monitor_json_head(struct json *json, const struct monitor *monitor,
                       const struct netns_place *place, const char *failure, int error) {
    enum { SCHEMA_VERSION = 1 };
    static const char *const verdicts[] = {"ok", "warning", "critical", "unknown"};
    char name[ERRNAME_SIZE];
    json_string(json, "summary", monitor->line);
    json_string(json, "verdict", verdicts[monitor->state]);
    json_number(json, "schema", SCHEMA_VERSION);
    json_string(json, "version", PORTREUSE_VERSION);
    json_string(json, "namespace", place->name);
    json_string(json, "failure", failure);
    json_string(json, "error", error == 0 ? NULL : errname(error, name));
}

int monitor_exit_code(enum monitor_state state, bool nagios) {
    static const int own[] = {
        [MONITOR_OK] = 0, [MONITOR_WARNING] = 1, [MONITOR_CRITICAL] = 1, [MONITOR_UNKNOWN] = 2};
    return nagios ? (int)state : own[state];
}

void run_monitor(const struct report *report, struct monitor *monitor) {
    static const enum monitor_state states[VERDICTS] = {[VERDICT_PASS] = MONITOR_OK,
                                                        [VERDICT_SKIP] = MONITOR_OK,
                                                        [VERDICT_FAIL] = MONITOR_CRITICAL,
                                                        [VERDICT_ERROR] = MONITOR_UNKNOWN};
    const struct run_result *run = report->run;
    monitor->command = "run";
    monitor->state = states[run->verdict];
    report_verdict(run, monitor->line);
    for (int i = 0; i < VERDICTS; i++) {
        struct monitor_metric *cases = monitor_add(
            monitor, "run_cases", "Cases of scenarios by their verdict.", (double)run->cases[i]);
        monitor_label(cases, "verdict", verdict_name((enum verdict)i));
    }
    monitor_add(monitor, "run_seconds", "How long the scenarios took.",
                (double)run->elapsed_ns / 1e9);
}
