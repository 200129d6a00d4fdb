/* The formats of reports: a file each, which exports one `struct format`, and a list of them for
 * each command in format.c. */
#ifndef PORTREUSE_REPORT_FORMAT_H
#define PORTREUSE_REPORT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "report/report.h"

/* What the file of a format exports, by the name `format_NAME`. */
struct format {
    const char *name;
    const char *endings;        /* of the files that have it, parted by blanks: ".md .markdown" */
    const char *line;           /* one line of help */
    bool surroundings;          /* it tells them: they have to be looked at */
    bool plugin;                /* on standard output the exit code is that of a Nagios plugin */
    report_event_writer *event; /* it tells what happens as it happens; or NULL */
    report_writer *write;       /* what it tells when the run is over */
};

/* The formats of a command, in the order in which its help shows them, and NULL behind the last.
 * The first is the one for want of another. */
extern const struct format *const formats_of_run[],
    *const formats_of_matrix[], *const formats_of_why[], *const formats_of_budget[],
                                                             *const formats_of_audit[];

/* The format called so, or NULL; _near is the one nearest to a misspelt name. */
const struct format *format_named(const struct format *const *list, const char *name);
const struct format *format_near(const struct format *const *list, const char *name);

/* The format that the ending of a file's name means, or NULL. Of two that fit, the longer one. */
const struct format *format_of_file(const struct format *const *list, const char *path);

/* Prints the names, or the endings, of all: `text, json or tap`. */
void format_print_names(const struct format *const *list, FILE *out);
void format_print_endings(const struct format *const *list, FILE *out);

/* Prints a line of help for each. */
void format_print_help(const struct format *const *list, FILE *out);

#endif
