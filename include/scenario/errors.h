/* The errors in a scenario file: all of them are collected, then printed as compilers do. */
#ifndef PORTREUSE_SCENARIO_ERRORS_H
#define PORTREUSE_SCENARIO_ERRORS_H

#include <stddef.h>
#include <stdio.h>

#include "base/memory.h"

/* The most errors kept in one list; the rest is only counted. */
enum { ERRORS_KEPT = 1000 };

struct error {
    const char *file;
    unsigned line;   /* from 1; 0: the file as a whole */
    unsigned column; /* in characters, from 1 */
    const char *text;
    const char *excerpt; /* the line, or the part of it around the column; NULL without a line */
    size_t excerpt_size;
    size_t caret; /* how many bytes of the excerpt come before the column */
};

struct errors {
    struct arena arena; /* owns all below */
    struct error *list;
    size_t count; /* of all, also of those that are not in the list */
};

/* Adds an error at byte `offset` of the `size` bytes of the line `text` (all are copied). */
void errors_add(struct errors *errors, const char *file, unsigned line, const char *text,
                size_t size, size_t offset, const char *message);

/* Adds an error of a file as a whole. */
void errors_add_file(struct errors *errors, const char *file, const char *message);

/* Prints each as `file:line:column: error: message`, the line, and a caret below the column.
 * Control characters in the text are replaced, so that they do nothing to a terminal. */
void errors_print(const struct errors *errors, FILE *out);

void errors_free(struct errors *errors);

#endif
