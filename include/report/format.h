/* The formats of reports. Each subject (report/subject.h) lists the formats that it has; a format
 * is one constant at the end of the file that writes it. */
#ifndef PORTREUSE_REPORT_FORMAT_H
#define PORTREUSE_REPORT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "report/report.h"

struct format {
    const char *name;
    const char *endings;        /* file extensions, separated by spaces: ".md .markdown" */
    const char *line;           /* one line of help */
    bool capabilities;          /* it shows what the kernel offers, which must be probed for it */
    bool plugin;                /* on standard output: exit with the codes of a Nagios plugin */
    report_event_writer *event; /* writes events while they happen; or NULL */
    report_writer *write;       /* writes the report at the end */
};

/* The formats for monitoring, which are written from the summary of any subject. */
extern const struct format format_line, format_nagios, format_prometheus;

/* A list of formats ends with NULL. format_named() returns the format with this name, or NULL;
 * format_near() the one whose name is most similar, or NULL. */
const struct format *format_named(const struct format *const *list, const char *name);
const struct format *format_near(const struct format *const *list, const char *name);

/* Returns the format for a file's extension, or NULL. If two fit, the longer extension wins. */
const struct format *format_of_file(const struct format *const *list, const char *path);

/* Prints the names of all formats, `text, json or tap`, or their extensions. */
void format_print_names(const struct format *const *list, FILE *out);
void format_print_endings(const struct format *const *list, FILE *out);

/* Prints a line of help for each. */
void format_print_help(const struct format *const *list, FILE *out);

#endif
