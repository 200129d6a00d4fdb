/* The report on a matrix, and the choice of what it shows. */
#ifndef PORTREUSE_REPORT_MATRIX_MATRIX_H
#define PORTREUSE_REPORT_MATRIX_MATRIX_H

#include <stdbool.h>
#include <stdio.h>

#include "probe/matrix.h"
#include "report/subject.h"

/* Which ends are shown. */
typedef bool matrix_ends[MATRIX_FIRSTS][MATRIX_OPTIONS];

struct matrix_choice {
    bool states[MATRIX_STATES];
    matrix_ends first, second;
};

struct matrix_diff;

/* All borrowed. */
struct matrix_findings {
    const struct matrix *matrix;
    const struct matrix_choice *choice; /* what of it is shown */
    const struct matrix_diff *diff;     /* for format_matrix_diff; else NULL */
};

extern const struct subject subject_matrix;

/* Adds the ends to which every word of `text` applies. The words are separated by commas; each is
 * an address, `v6only`, `IPv4` or `IPv6` (the client of [::]), or options: `127.0.0.1,REUSEADDR`,
 * `[::],v6only`, `::,IPv4`, `SO_REUSEPORT`. `addresses` is MATRIX_FIRSTS, or MATRIX_ADDRESSES for
 * the second socket. Returns false if there is no such end. */
bool matrix_choose_ends(const char *text, unsigned addresses, matrix_ends ends);

/* Returns the address of a row: the two of [::] are beside each other. */
unsigned matrix_row(unsigned row);

/* Returns whether the pair is chosen, and was measured. */
bool matrix_shown(const struct matrix_findings *findings, const struct matrix_pair *pair);

enum { MATRIX_PAIR_SIZE = 128, MATRIX_ANSWER_SIZE = 64 };

/* Calls `grid` for each chosen state and user that was measured. */
typedef void matrix_grid(const struct matrix_findings *findings, enum matrix_state state,
                         enum matrix_user user, FILE *out);
void matrix_each_grid(const struct matrix_findings *findings, matrix_grid *grid, FILE *out);

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

/* Returns the rule that decided in the model: for bind() if that was refused, else for listen(). */
const struct rule_text *matrix_rule(const struct matrix_cell *cell);

/* Returns the answer in one character: `+` all calls succeed, `b` only bind(), `.` neither, `!`
 * the kernel contradicts the model, ` ` not measured. */
char matrix_mark(const struct matrix_cell *cell);

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
