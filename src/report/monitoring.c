/* The formats for monitoring, written from the summary of any subject: one line, Nagios,
 * Prometheus. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "report/subject.h"

/* --- one line --- */

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

/* --- Nagios: the plugin development guidelines of monitoring-plugins.org --- */

/* A vertical bar would end the text. */
static void print_nagios_text(FILE *out, const char *text) {
    for (; *text != '\0'; text++)
        fputc(*text == '|' ? ' ' : *text, out);
}

/* Prints only the values, with spaces between: a Nagios label must not contain quotes or `=`. */
static void print_values(FILE *out, const char *labels) {
    bool in_value = false;
    for (; *labels != '\0'; labels++) {
        if (*labels == '\\' && labels[1] != '\0')
            labels++;
        else if (*labels == '"') {
            in_value = !in_value;
            if (in_value)
                fputc(' ', out);
            continue;
        }
        if (in_value)
            fputc(strchr("'=|", *labels) != NULL ? ' ' : *labels, out);
    }
}

static void print_performance(FILE *out, const struct metric *metric) {
    fprintf(out, " '%s", metric->name);
    print_values(out, metric->labels);
    fprintf(out, "'=%.10g;%s;%s;;", metric->value, metric->warn, metric->critical);
}

static void write_nagios(const struct report *report, FILE *out) {
    struct summary summary;
    summarize(report, &summary);
    fprintf(out, "PORTREUSE %s - ", severity_name(summary.severity));
    print_nagios_text(out, summary.line);
    if (summary.count > 0)
        fputs(" |", out);
    for (size_t i = 0; i < summary.count; i++)
        print_performance(out, &summary.metrics[i]);
    fputc('\n', out);
    summary_free(&summary);
}

const struct format format_nagios = {
    .name = "nagios",
    .plugin = true,
    .extensions = "",
    .line = "a Nagios plugin's line with performance data, and its exit codes",
    .write = write_nagios,
};

/* --- Prometheus: the text format that node-exporter's textfile collector reads --- */

static void print_head(FILE *out, const char *name, const char *help) {
    fprintf(out, "# HELP portreuse_%s %s\n# TYPE portreuse_%s gauge\n", name, help, name);
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
        fprintf(out,
                metric->labels[0] == '\0' ? "portreuse_%s%s %.10g\n" : "portreuse_%s{%s} %.10g\n",
                metric->name, metric->labels, metric->value);
    }
    char state[32];
    snprintf(state, sizeof state, "%s_state", report->subject->name);
    print_head(out, state, "The verdict: 0 OK, 1 warning, 2 critical, 3 unknown.");
    fprintf(out, "portreuse_%s %d\n", state, (int)summary.severity);
    snprintf(state, sizeof state, "%s_time_seconds", report->subject->name);
    print_head(out, state, "When this was measured, in seconds since 1970.");
    fprintf(out, "portreuse_%s %" PRId64 "\n", state, (int64_t)time(NULL));
    summary_free(&summary);
}

const struct format format_prometheus = {
    .name = "prometheus",
    .extensions = ".prom",
    .line = "for the textfile collector of node-exporter",
    .write = write_prometheus,
};
