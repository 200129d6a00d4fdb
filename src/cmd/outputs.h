/* Where the reports of a command go: --format for standard output, --output for files.
 *
 * A file's report is collected in memory, written to a temporary file in the same directory, and
 * renamed: there is always the old file or the new one, never half of it, and a run that is killed
 * leaves nothing behind. What cannot be replaced (/dev/full, a pipe) is written directly. */
#ifndef PORTREUSE_CMD_OUTPUTS_H
#define PORTREUSE_CMD_OUTPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "cmd/options.h"
#include "cmd/replace.h"
#include "report/subject.h"

struct output {
    const char *path;            /* as given, or NULL: standard output */
    const struct format *format; /* NULL: nothing is written; only of standard output */
    struct replacement file;     /* owned: the file, if it */
    bool replaces;               /* is replaced as a whole; otherwise it is written directly */
    FILE *stream;                /* owned except for standard output; NULL: not open */
    char *bytes;                 /* owned: what the stream collects for a file that is replaced */
    size_t size;
};

/* All zero at first except for `command` and `subject`. The first row is standard output. */
struct outputs {
    const char *command;           /* for complaints */
    const struct subject *subject; /* has the formats; borrowed */
    bool quiet, colour;            /* of standard output only */
    struct output *rows;           /* in the arena */
    size_t count;
    struct arena arena;
};

/* --format and --output; --quiet; --color. Their structure is the outputs. The colour is not set by
 * default: options_colour_by_default(). */
extern const struct option_row outputs_options[], outputs_quiet_options[], outputs_colour_options[];

/* Opens all streams and checks that the files can be created, before there is anything to report.
 * Rows do not move from now on. Returns false after a complaint. */
bool outputs_open(struct outputs *outputs);

/* Passes an event to each format that writes events. */
void outputs_event(struct outputs *outputs, const struct report *report,
                   const struct run_event *event);

/* Writes the report to all outputs and closes the files: files first, so that they are complete
 * when a reader of standard output looks at them. A file that cannot be written does not affect the
 * others. Returns false after a complaint; errors on standard output are left to main(). */
bool outputs_write(struct outputs *outputs, const struct report *report);

/* Writes the report, and returns the exit code: EXIT_TROUBLE if it could not be written, otherwise
 * that of the report, or of a Nagios plugin if standard output has that format. */
int outputs_report(struct outputs *outputs, const struct report *report);

/* Releases everything, also what was never written. */
void outputs_free(struct outputs *outputs);

#endif
