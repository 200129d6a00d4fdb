/* What a report is about: a run, why a port is taken, a budget, an audit, a matrix.
 *
 * Each subject has a folder or a file that declares its findings and one constant `subject_NAME`.
 * Nothing else knows all of them. Whatever is the same for every subject is written from the
 * summary: exit codes, the head of JSON documents, the formats for monitoring. */
#ifndef PORTREUSE_REPORT_SUBJECT_H
#define PORTREUSE_REPORT_SUBJECT_H

#include "base/arena.h"
#include "base/verdict.h"
#include "report/format.h"

struct json;
struct summary;

struct subject {
    const char *name;                    /* of the command and of its metrics */
    int schema;                          /* version of its JSON document */
    const struct format *const *formats; /* ends with NULL; the first is the default */
    /* Fills a summary that is zeroed except for `severity`, which is UNKNOWN. */
    void (*summarize)(const struct report *report, struct summary *summary);
};

/* In ascending order of weight. */
enum severity { SEVERITY_OK, SEVERITY_WARNING, SEVERITY_CRITICAL, SEVERITY_UNKNOWN, SEVERITIES };

/* "OK", "WARNING", "CRITICAL", "UNKNOWN"; static. */
const char *severity_name(enum severity severity);

/* "ok", "warning", "critical", "unknown": JSON's "severity"; static. */
const char *severity_json(enum severity severity);

/* PASS and SKIP are OK, FAIL is CRITICAL, ERROR is UNKNOWN. */
enum severity severity_of(enum verdict verdict);

/* The exit code: of the command (0, 1 or 2), or of a Nagios plugin (0 to 3). */
int severity_exit_code(enum severity severity, bool plugin);

/* A number for monitoring. Metrics with the same name must follow each other. */
struct metric {
    const char *name;            /* static: `budget_ports_left` */
    const char *help;            /* static: one line */
    const char *labels;          /* in Prometheus' syntax, `remote="10.0.0.5:5432"`, or "" */
    const char *warn, *critical; /* Nagios ranges, or "" */
    double value;
};

struct summary {
    struct arena arena; /* owns what summary_metric() and the functions below add */
    enum severity severity;
    const char *verdict;         /* static: the word for JSON's "verdict" */
    char line[REPORT_LINE_SIZE]; /* the first line of the text */
    struct metric *metrics;
    size_t count;
};

/* Summarizes a report. The caller frees the summary with summary_free(). */
void summarize(const struct report *report, struct summary *summary);
void summary_free(struct summary *summary);

/* Adds a metric. */
void summary_metric(struct summary *summary, const char *name, const char *help, double value);

/* Adds a label, or sets the thresholds, of the metric that was added last. `key` is static; `value`
 * is copied and escaped. */
void summary_label(struct summary *summary, const char *key, const char *value);
void summary_thresholds(struct summary *summary, double warn, double critical);

/* Writes the keys with which every JSON document begins: summary, verdict, schema, version,
 * severity. */
void report_json_head(struct json *json, const struct report *report);

/* The exit code for a report, of the command or of a Nagios plugin. */
int report_exit_code(const struct report *report, bool plugin);

#endif
