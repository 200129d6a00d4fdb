/* One line of a scenario file as words. */
#ifndef PORTREUSE_SCENARIO_LEX_H
#define PORTREUSE_SCENARIO_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"

struct word {
    const char *text; /* without quotes and escapes, NUL-terminated; in the arena */
    size_t at;        /* where it starts in the line, in bytes; a quoted one at its quote */
    size_t end;       /* where it ends */
    bool quoted;
};

struct line {
    const char *text; /* borrowed; no newline */
    size_t size;
    unsigned number; /* from 1 */
    bool indented;   /* it does not start in column one */
    struct word *words;
    size_t count;
    size_t comment; /* where the text after `#` starts, or `size` */
    size_t content; /* where the last word ends */
};

/* Splits `size` bytes at `text` into words. Returns NULL, or what is wrong with the line, static;
 * `*at` is then the offset of the error, and the words before it have been read. */
const char *lex_line(struct arena *arena, const char *text, size_t size, unsigned number,
                     struct line *line, size_t *at);

/* Returns the text from the word with index `first` up to the offset `end`, each run of blanks
 * folded into one. */
const char *lex_slice(struct arena *arena, const struct line *line, size_t first, size_t end);

#endif
