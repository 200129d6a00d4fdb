/* What a monitor wants to know: a state, one line, some numbers. Each kind of report comes down to
 * this, and each format for monitors is written from it. */
#ifndef PORTREUSE_REPORT_SHARED_MONITOR_H
#define PORTREUSE_REPORT_SHARED_MONITOR_H

#include "report/report.h"
#include "report/shared/json_writer.h"

/* The numbers are the exit codes of a Nagios plugin. */
enum monitor_state { MONITOR_OK, MONITOR_WARNING, MONITOR_CRITICAL, MONITOR_UNKNOWN };

enum { MONITOR_METRICS = 64, MONITOR_LABELS_SIZE = 320, MONITOR_THRESHOLD_SIZE = 24 };

/* A number. Those of one name must follow each other. */
struct monitor_metric {
    const char *name;                 /* static: `budget_ports_left` */
    const char *help;                 /* static: one line */
    char labels[MONITOR_LABELS_SIZE]; /* as Prometheus has them: `remote="10.0.0.5:5432"`, or "" */
    double value;
    char warn[MONITOR_THRESHOLD_SIZE],
        critical[MONITOR_THRESHOLD_SIZE]; /* ranges of Nagios, or "" */
};

struct monitor {
    const char *command; /* static */
    enum monitor_state state;
    char line[REPORT_LINE_SIZE];
    struct monitor_metric metrics[MONITOR_METRICS];
    unsigned count;
};

/* Sums up a report of whatever kind. */
void monitor_of(const struct report *report, struct monitor *monitor);

/* The parts of monitor_of(), for each kind. */
void why_monitor(const struct report *report, struct monitor *monitor);
void budget_monitor(const struct report *report, struct monitor *monitor);
void audit_monitor(const struct report *report, struct monitor *monitor);
void run_monitor(const struct report *report, struct monitor *monitor);

/* Adds a number; returns its row, for labels and thresholds, or a row that is thrown away. */
struct monitor_metric *monitor_add(struct monitor *monitor, const char *name, const char *help,
                                   double value);

/* Writes a label's value into the row, escaped; `key` is static. What does not fit is left out. */
void monitor_label(struct monitor_metric *metric, const char *key, const char *value);

/* "OK", "WARNING", "CRITICAL", "UNKNOWN"; static. */
const char *monitor_state_name(enum monitor_state state);

/* What the JSON of budget and audit begins with; `failure` and `error` are what could not be done.
 */
void monitor_json_head(struct json *json, const struct monitor *monitor,
                       const struct netns_place *place, const char *failure, int error);

/* The exit code for a state: of the command itself, 0, 1 or 2, or where standard output is for
 * Nagios, that of a plugin. */
int monitor_exit_code(enum monitor_state state, bool nagios);

#endif
