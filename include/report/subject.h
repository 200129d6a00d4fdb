/* What a report is about: a run, why a port is taken, a budget, an audit, a matrix.
 *
 * Each subject has a file that declares its findings and one constant `subject_NAME`; nothing else
 * knows all subjects. A subject lists its formats; a format is one constant at the end of the file
 * that writes it. Whatever is the same for every subject is written from the summary: exit codes,
 * the head of JSON documents, the formats for monitoring. */
#ifndef PORTREUSE_REPORT_SUBJECT_H
#define PORTREUSE_REPORT_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/verdict.h"
#include "report/shared/layout.h"

struct format;
struct json;
struct page;
struct report;
struct run_event;
struct summary;

/* --- subjects and reports --- */

struct subject {
    const char *name;                    /* of the command and of its metrics */
    int schema;                          /* version of its JSON document */
    const struct format *const *formats; /* ends with NULL; the first is the default */
    /* Fills a summary that is zeroed except for `severity`, which is UNKNOWN. */
    void (*summarize)(const struct report *report, struct summary *summary);
};

/* All pointers are borrowed. `findings` is the structure that the subject's header declares: struct
 * run_findings for subject_run, and so on. */
struct report {
    const struct subject *subject;
    const void *findings;
    bool verbose; /* process IDs, ports that the kernel chose, times; every step */
    bool quiet;   /* only the first line */
    bool colour;  /* in text */
};

/* The size of a first line with its NUL. */
enum { REPORT_LINE_SIZE = LAYOUT_LINE_SIZE };

/* --- formats --- */

/* Writes a report to `out`; the caller checks ferror(3). */
typedef void report_writer(const struct report *report, FILE *out);

/* Writes one event of a run when it happens. The findings then contain only which scenarios run. */
typedef void report_event_writer(const struct report *report, const struct run_event *event,
                                 FILE *out);

struct format {
    const char *name;
    const char *extensions;     /* file extensions, separated by spaces: ".md .markdown" */
    const char *line;           /* one line of help */
    bool capabilities;          /* it shows what the kernel offers, which must be probed for it */
    bool plugin;                /* on standard output: exit with the codes of a Nagios plugin */
    report_event_writer *event; /* writes events while they happen; or NULL */
    report_writer *write;       /* writes the report at the end */
};

/* The formats for monitoring, which are written from the summary of any subject. */
extern const struct format format_line, format_nagios, format_prometheus;

/* Writes a report as a page: the verdict, what `picture` draws (NULL: nothing), and what the
 * subject's first format, the text, says below its first line. format_page has no picture. */
typedef void report_picture(const struct report *report, const struct page *page);
void report_page(const struct report *report, FILE *out, report_picture *picture);
extern const struct format format_page;

/* Composes the text of a report, without colour; compose_free() frees it. */
struct composed;
const char *report_text(const struct report *report, struct composed *text);

/* Returns the format with this name, or NULL; format_near() the one whose name is most similar, or
 * NULL. */
const struct format *format_named(const struct subject *subject, const char *name);
const struct format *format_near(const struct subject *subject, const char *name);

/* Returns the format for a file's extension, or NULL. If two fit, the longer extension wins. */
const struct format *format_of_file(const struct subject *subject, const char *path);

/* Prints the names of all formats, `text, json or tap`; their extensions; a line of help for each.
 */
void format_print_names(const struct subject *subject, FILE *out);
void format_print_extensions(const struct subject *subject, FILE *out);
void format_print_help(const struct subject *subject, FILE *out);

/* --- severities and exit codes --- */

/* In ascending order of weight. */
enum severity { SEVERITY_OK, SEVERITY_WARNING, SEVERITY_CRITICAL, SEVERITY_UNKNOWN, SEVERITIES };

/* "OK", "WARNING", "CRITICAL", "UNKNOWN"; static. */
const char *severity_name(enum severity severity);

/* "ok", "warning", "critical", "unknown": JSON's "severity"; static. */
const char *severity_json(enum severity severity);

/* The verdict whose colour a severity has: WARNING has that of SKIP. */
enum verdict severity_verdict(enum severity severity);

/* PASS and SKIP are OK, FAIL is CRITICAL, ERROR is UNKNOWN. */
enum severity severity_of(enum verdict verdict);

/* The exit code: of the command (0, 1 or 2), or of a Nagios plugin (0 to 3). */
int severity_exit_code(enum severity severity, bool plugin);

/* --- summaries --- */

/* A number for monitoring. Metrics with the same name must follow each other. The labels say what
 * is measured, and stay the same when the answer changes, so that a monitor sees one series; what
 * the answer is in words are the labels of a metric with the name `_info` and the value 1. A name
 * ends in
 * `_seconds` or `_total` if that is the unit. */
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
    const char *labels;          /* of all metrics, with that of the verdict: see summary_about() */
    struct metric *metrics;
    size_t count;
};

/* Summarizes a report. The caller frees the summary with summary_free(). */
void summarize(const struct report *report, struct summary *summary);
void summary_free(struct summary *summary);

/* Adds a label to all metrics that follow, and to those of the verdict and the time: what the
 * report is about, so that a monitor can have several reports of one host. `key` is static. */
void summary_about(struct summary *summary, const char *key, const char *value);

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
