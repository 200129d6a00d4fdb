/* The report on a matrix, and the choice of what it shows. */
#ifndef PORTREUSE_REPORT_MATRIX_MATRIX_H
#define PORTREUSE_REPORT_MATRIX_MATRIX_H

#include <stdbool.h>
#include <stdio.h>

#include "probe/matrix.h"
#include "probe/matrix_pairs.h"
#include "report/subject.h"

struct matrix_diff;

/* All borrowed. */
struct matrix_findings {
    const struct matrix *matrix;
    const struct matrix_choice *choice; /* what was measured */
    bool grids;                         /* show every pair in a grid, not a summary */
    const struct matrix_diff *diff;     /* for format_matrix_diff; else NULL */
};

extern const struct subject subject_matrix;

/* Adds the ends to which every word of `text` applies. The words are separated by commas; each is
 * an address, `v6only`, `IPv4` or `IPv6` (the connection of a socket on [::]), or options:
 * `127.0.0.1,REUSEADDR`,
 * `[::],v6only`, `::,IPv4`, `SO_REUSEPORT`. `addresses` is MATRIX_FIRSTS, or MATRIX_ADDRESSES for
 * the second socket. Returns false if there is no such end. */
bool matrix_choose_ends(const char *text, unsigned addresses, matrix_ends ends);

/* Returns the address of a row: the two of [::] are beside each other. */
unsigned matrix_row(unsigned row);

enum { MATRIX_PAIR_SIZE = 128, MATRIX_ANSWER_SIZE = 64 };

/* Returns whether all pairs of the grid of this pair's user, state, call and device that there can
 * be here were measured, but for those of ends that are not chosen. */
bool matrix_has_grid(const struct matrix_findings *findings, const struct matrix_pair *pair);

/* Calls `grid`, unless it is NULL, for each grid: with its user, state, call and device in the
 * pair, and its number from 0 up. Returns how many there are. */
typedef void matrix_grid(const struct matrix_findings *findings, struct matrix_pair pair,
                         unsigned number, void *context);
unsigned matrix_each_grid(const struct matrix_findings *findings, matrix_grid *grid, void *context);

/* Writes `TIME-WAIT`, `BOUND, port 0`, `LISTEN, lo and another device` or `BOUND, another user`,
 * the title of a grid, to `text` (MATRIX_PAIR_SIZE bytes); returns `text`. */
const char *matrix_grid_title(const struct matrix *matrix, const struct matrix_pair *pair,
                              char *text);

/* Writes the verdict, one line without a newline, to `text` (REPORT_LINE_SIZE bytes); returns
 * `text`.
 */
const char *matrix_verdict(const struct matrix *matrix, char *text);

/* Write `TIME-WAIT 127.0.0.1 none, then :: REUSEADDR` to `text` (MATRIX_PAIR_SIZE bytes), and
 * `bind EADDRINUSE` or `bind ok, listen ok` to `text` (MATRIX_ANSWER_SIZE bytes); return `text`. */
const char *matrix_pair_text(const struct matrix *matrix, const struct matrix_pair *pair,
                             char *text);
const char *matrix_answer_text(const struct matrix_answer *answer, char *text);

/* Returns `ok`, the name of an errno, or `-` if the call was not made; `text` has ERRNAME_SIZE
 * bytes.
 */
const char *matrix_errno_text(int error, char *text);

/* Returns the answer in one character: `+` all calls succeed, `b` only bind(), `.` none, `!` the
 * kernel contradicts the model, ` ` not measured. */
char matrix_mark(const struct matrix_cell *cell);

/* Prints what the states have in common: see summary.c. */
void matrix_print_summary(const struct matrix_findings *findings, FILE *out);

/* Prints pairs as text, those that disagree or all that are chosen: the answers, and the rule that
 * decided. */
void matrix_print_pairs(const struct matrix_findings *findings, bool disagreeing, FILE *out);

/* Prints which pairs could not be made here, and why, a line for each. */
void matrix_print_left_out(const struct matrix_means *means, FILE *out);

/* --- what has changed --- */

struct matrix_diff {
    size_t compared, changed; /* pairs that both have, and of them those with other answers */
    char kernel[65];          /* its release then */
    struct matrix *earlier;   /* owned; what is not in the file counts as not measured */
};

/* Reads the JSON of an earlier matrix and compares. Returns NULL, or what is wrong with it
 * (static).
 */
const char *matrix_diff_read(struct matrix_diff *diff, const struct matrix *matrix,
                             const char *bytes, size_t size);

/* A verdict line and the pairs that changed. It is not in the list: --diff selects it for standard
 * output. */
extern const struct format format_matrix_diff;

void matrix_diff_free(struct matrix_diff *diff);

#endif
