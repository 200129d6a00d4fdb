/* What is the same for every subject of a report, and the formats that are written from nothing but
 * its summary. */
#include "report/subject.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "report/shared/json.h"
#include "report/shared/layout.h"

/* --- formats --- */

const struct format *format_named(const struct subject *subject, const char *name) {
    const struct format *const *list = subject->formats;
    for (size_t i = 0; list[i] != NULL; i++)
        if (strcmp(list[i]->name, name) == 0)
            return list[i];
    return NULL;
}

const struct format *format_near(const struct subject *subject, const char *name) {
    const struct format *const *list = subject->formats;
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; list[i] != NULL; i++)
        suggest_offer(&nearest, list[i]->name);
    return nearest.word == NULL ? NULL : format_named(subject, nearest.word);
}

/* Returns the length of the longest extension that the path has; 0 if it has none. */
static size_t extension_of(const char *path, const char *extensions) {
    size_t longest = 0, length = strlen(path);
    for (const char *extension = extensions; *extension != '\0';) {
        size_t size = strcspn(extension, " ");
        if (size < length && size > longest && memcmp(path + length - size, extension, size) == 0)
            longest = size;
        extension += size + (extension[size] == ' ');
    }
    return longest;
}

const struct format *format_of_file(const struct subject *subject, const char *path) {
    const struct format *const *list = subject->formats;
    const struct format *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; list[i] != NULL; i++) {
        size_t size = extension_of(path, list[i]->extensions);
        if (size > longest) {
            found = list[i];
            longest = size;
        }
    }
    return found;
}

void format_print_names(const struct subject *subject, FILE *out) {
    const struct format *const *list = subject->formats;
    for (size_t i = 0; list[i] != NULL; i++)
        fprintf(out, "%s%s", i == 0 ? "" : list[i + 1] != NULL ? ", " : " or ", list[i]->name);
}

void format_print_extensions(const struct subject *subject, FILE *out) {
    const struct format *const *list = subject->formats;
    const char *space = "";
    for (size_t i = 0; list[i] != NULL; i++) {
        fprintf(out, "%s%s", list[i]->extensions[0] == '\0' ? "" : space, list[i]->extensions);
        space = " ";
    }
}

void format_print_help(const struct subject *subject, FILE *out) {
    const struct format *const *list = subject->formats;
    enum { COLUMN = 30 };
    for (size_t i = 0; list[i] != NULL; i++) {
        fprintf(out, "  %-10s  %-14s  ", list[i]->name, list[i]->extensions);
        layout_wrap(out, list[i]->line, COLUMN, COLUMN);
    }
}

/* --- severities: the one table of exit codes --- */

static const struct {
    const char *name, *json;
    int command, plugin; /* exit codes */
} severities[SEVERITIES] = {
    [SEVERITY_OK] = {"OK", "ok", 0, 0},
    [SEVERITY_WARNING] = {"WARNING", "warning", 1, 1},
    [SEVERITY_CRITICAL] = {"CRITICAL", "critical", 1, 2},
    [SEVERITY_UNKNOWN] = {"UNKNOWN", "unknown", 2, 3},
};

const char *severity_name(enum severity severity) {
    return severities[severity].name;
}

const char *severity_json(enum severity severity) {
    return severities[severity].json;
}

enum verdict severity_verdict(enum severity severity) {
    static const enum verdict verdicts[SEVERITIES] = {[SEVERITY_OK] = VERDICT_PASS,
                                                      [SEVERITY_WARNING] = VERDICT_SKIP,
                                                      [SEVERITY_CRITICAL] = VERDICT_FAIL,
                                                      [SEVERITY_UNKNOWN] = VERDICT_ERROR};
    return verdicts[severity];
}

enum severity severity_of(enum verdict verdict) {
    static const enum severity of[VERDICTS] = {[VERDICT_PASS] = SEVERITY_OK,
                                               [VERDICT_SKIP] = SEVERITY_OK,
                                               [VERDICT_FAIL] = SEVERITY_CRITICAL,
                                               [VERDICT_ERROR] = SEVERITY_UNKNOWN};
    return of[verdict];
}

int severity_exit_code(enum severity severity, bool plugin) {
    return plugin ? severities[severity].plugin : severities[severity].command;
}

int report_exit_code(const struct report *report, bool plugin) {
    struct summary summary;
    summarize(report, &summary);
    enum severity severity = summary.severity;
    summary_free(&summary);
    return severity_exit_code(severity, plugin);
}

/* --- summaries --- */

void summarize(const struct report *report, struct summary *summary) {
    *summary = (struct summary){.severity = SEVERITY_UNKNOWN, .labels = ""};
    report->subject->summarize(report, summary);
}

void summary_free(struct summary *summary) {
    arena_free(&summary->arena);
}

void summary_metric(struct summary *summary, const char *name, const char *help, double value) {
    summary->metrics =
        arena_grow(&summary->arena, summary->metrics, summary->count, sizeof summary->metrics[0]);
    summary->metrics[summary->count++] = (struct metric){.name = name,
                                                         .help = help,
                                                         .labels = summary->labels,
                                                         .warn = "",
                                                         .critical = "",
                                                         .value = value};
}

static void escape_quoted(FILE *out, unsigned char byte) {
    escape_backslash(out, byte, "\"\\");
}

/* Returns `value` as it is printed elsewhere, with quotes, backslashes and newlines escaped: of a
 * page with a label that is not UTF-8, a collector takes nothing. */
static const char *escape_label(struct summary *summary, const char *value) {
    struct composed label;
    FILE *text = escape_open(compose_begin(&label), escape_quoted);
    for (size_t size; *value != '\0'; value += size) {
        size = strcspn(value, "\n");
        utf8_print(text, value, size);
        fputs(value[size] == '\n' ? "\\n" : "", label.out);
        size += value[size] == '\n';
    }
    fclose(text);
    compose_end(&label);
    const char *copy = arena_copy(&summary->arena, label.bytes, label.size);
    compose_free(&label);
    return copy;
}

static void add_label(struct summary *summary, const char **labels, const char *key,
                      const char *value) {
    *labels = arena_format(&summary->arena, "%s%s%s=\"%s\"", *labels, **labels == '\0' ? "" : ",",
                           key, escape_label(summary, value));
}

void summary_about(struct summary *summary, const char *key, const char *value) {
    add_label(summary, &summary->labels, key, value);
}

void summary_label(struct summary *summary, const char *key, const char *value) {
    add_label(summary, &summary->metrics[summary->count - 1].labels, key, value);
}

void summary_thresholds(struct summary *summary, double warn, double critical) {
    struct metric *metric = &summary->metrics[summary->count - 1];
    metric->warn = arena_format(&summary->arena, "%.0f", warn);
    metric->critical = arena_format(&summary->arena, "%.0f", critical);
}

/* --- the head of a JSON document --- */

void report_json_head(struct json *json, const struct report *report) {
    struct summary summary;
    summarize(report, &summary);
    json_string(json, "summary", summary.line);
    json_string(json, "verdict", summary.verdict);
    json_number(json, "schema", report->subject->schema);
    json_string(json, "version", PORTREUSE_VERSION);
    json_string(json, "severity", severity_json(summary.severity));
    summary_free(&summary);
}

/* --- for monitoring: one line --- */

static void write_line(const struct report *report, FILE *out) {
    struct summary summary;
    summarize(report, &summary);
    fprintf(out, "%s\n", summary.line);
    summary_free(&summary);
}

const struct format format_line = {
    .name = "line",
    .extensions = "",
    .line = "only the first line, for node-problem-detector",
    .write = write_line,
};

/* --- for monitoring: Nagios, by the guidelines of monitoring-plugins.org --- */

static bool ends_with(const char *name, const char *end) {
    size_t size = strlen(name), end_size = strlen(end);
    return size > end_size && strcmp(name + size - end_size, end) == 0;
}

/* Prints the values of the labels, each behind an underscore. A label of performance data needs no
 * quotes, and everything reads it, if it has no blank, quote, `=`, `;` or `|`. */
static void print_values(FILE *out, const char *labels) {
    bool in_value = false;
    for (; *labels != '\0'; labels++) {
        bool escaped = *labels == '\\' && labels[1] != '\0';
        labels += escaped;
        if (*labels == '"' && !escaped) {
            in_value = !in_value;
            fputs(in_value ? "_" : "", out);
        } else if (in_value) {
            bool special = strchr(" \"'=;|", *labels) != NULL || (escaped && *labels == 'n');
            fputc(special ? '_' : *labels, out);
        }
    }
}

/* Prints `label=value[unit];warn;critical;min;max`. */
static void print_performance(FILE *out, const struct metric *metric) {
    const char *unit = ends_with(metric->name, "_per_second") ? ""
                       : ends_with(metric->name, "_seconds")  ? "s"
                       : ends_with(metric->name, "_total")    ? "c"
                                                              : "";
    fprintf(out, " %s", metric->name);
    print_values(out, metric->labels);
    fprintf(out, "=%.10g%s;%s;%s;;", metric->value, unit, metric->warn, metric->critical);
}

/* A vertical bar would end the text of the line. What a metric `_info` says is in the text. */
static void write_nagios(const struct report *report, FILE *out) {
    struct summary summary;
    summarize(report, &summary);
    fprintf(out, "PORTREUSE %s - ", severity_name(summary.severity));
    for (const char *at = summary.line; *at != '\0'; at++)
        fputc(*at == '|' ? ' ' : *at, out);
    if (summary.count > 0)
        fputs(" |", out);
    for (size_t i = 0; i < summary.count; i++)
        if (!ends_with(summary.metrics[i].name, "_info"))
            print_performance(out, &summary.metrics[i]);
    fputc('\n', out);
    summary_free(&summary);
}

const struct format format_nagios = {
    .name = "nagios",
    .plugin = true,
    .extensions = "",
    .line = "a Nagios plugin's line with performance data; sets a plugin's exit code",
    .write = write_nagios,
};

/* --- for monitoring: Prometheus, the text that node-exporter's textfile collector reads --- */

/* By convention the name of a number that only grows, a counter, ends with `_total`. */
static void print_head(FILE *out, const char *name, const char *help) {
    fprintf(out, "# HELP portreuse_%s %s\n# TYPE portreuse_%s %s\n", name, help, name,
            ends_with(name, "_total") ? "counter" : "gauge");
}

/* Prints `portreuse_NAME{LABELS} VALUE`. */
static void print_sample(FILE *out, const char *name, const char *labels, double value) {
    fprintf(out, labels[0] == '\0' ? "portreuse_%s%s %.10g\n" : "portreuse_%s{%s} %.10g\n", name,
            labels, value);
}

/* What every subject has: `portreuse_SUBJECT_state`, for example. */
static void print_own(FILE *out, const struct report *report, const struct summary *summary,
                      const char *end, const char *help, double value) {
    char name[32];
    snprintf(name, sizeof name, "%s_%s", report->subject->name, end);
    print_head(out, name, help);
    print_sample(out, name, summary->labels, value);
}

static void write_prometheus(const struct report *report, FILE *out) {
    struct summary summary;
    const char *previous = "";
    summarize(report, &summary);
    for (size_t i = 0; i < summary.count; i++) {
        const struct metric *metric = &summary.metrics[i];
        if (strcmp(previous, metric->name) != 0)
            print_head(out, metric->name, metric->help);
        previous = metric->name;
        print_sample(out, metric->name, metric->labels, metric->value);
    }
    print_own(out, report, &summary, "state",
              "The verdict: 0 OK, 1 warning, 2 critical, 3 unknown.", summary.severity);
    print_own(out, report, &summary, "time_seconds",
              "When this was measured, in seconds since 1970.", (double)time(NULL));
    summary_free(&summary);
}

const struct format format_prometheus = {
    .name = "prometheus",
    .extensions = ".prom",
    .line = "for the textfile collector of node-exporter",
    .write = write_prometheus,
};
