/* Where the reports of a command go: --format for standard output, --output for files.
 *
 * A file's report is kept in memory until it is whole, then written beside its place under another
 * name, and renamed: so there is the old file or the new one, never half of it, and nothing is left
 * by a run that was killed. What cannot be replaced (/dev/full, a pipe) is written as it is. */
#ifndef PORTREUSE_CMD_OUTPUT_H
#define PORTREUSE_CMD_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "cmd/cmd.h"
#include "report/format.h"

struct output {
    const char *path; /* as given, or NULL: standard output */
    const struct format *format;
    const char *target;    /* the file that is to be there in the end, links followed */
    const char *temporary; /* its name before that; NULL: it is written in its place */
    FILE *stream;          /* owned but for standard output; NULL: not open */
    char *bytes;           /* owned: what the stream keeps in memory, where there is a temporary */
    size_t size;
};

/* All zero but for `command` to begin with. The first row is standard output. */
struct outputs {
    const struct command *command; /* whose formats there are, and who complains */
    struct output *rows;           /* in the arena */
    size_t count;
    struct arena arena;
};

/* Take the value of --format and of --output. False after a complaint: an unknown format, an
 * ending that means none, a directory that is not there, a file that was named before. */
bool output_take_format(struct outputs *outputs, const char *name);
bool output_take_file(struct outputs *outputs, const char *text);

/* Opens all streams, and sees that the files may be made, before there is anything to report; the
 * rows stay where they are from now on. False after a complaint. */
bool output_open(struct outputs *outputs);

/* Ends a stream that has been written, and puts its file in its place; standard output is flushed.
 * False if it could not be written, after a complaint; but of standard output main complains. */
bool output_end(const struct outputs *outputs, struct output *output);

/* Forgets all, also what was not ended. */
void output_free(struct outputs *outputs);

#endif
