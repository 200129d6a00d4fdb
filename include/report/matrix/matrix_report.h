/* The matrix in its formats, and what is to be shown of it. */
#ifndef PORTREUSE_REPORT_MATRIX_MATRIX_REPORT_H
#define PORTREUSE_REPORT_MATRIX_MATRIX_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "probe/matrix.h"
#include "report/subject.h"

/* The ends that are to be shown: true for each. */
typedef bool matrix_ends[MATRIX_ADDRESSES][MATRIX_OPTIONS];

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

/* Everything. */
struct matrix_choice matrix_choose_all(void);

/* Adds the ends that have every word of `text`, between commas: an address, `v6only`, options:
 * `127.0.0.1,REUSEADDR`, `[::],v6only`, `SO_REUSEPORT`. False if there is none. */
bool matrix_choose_ends(const char *text, matrix_ends ends);

/* Whether the pair is chosen, and was measured. */
bool matrix_shown(const struct matrix *matrix, const struct matrix_choice *choice,
                  const struct matrix_pair *pair);

enum { MATRIX_PAIR_SIZE = 128, MATRIX_ANSWER_SIZE = 64 };

/* The verdict in one line of at most 80 bytes, without a newline; returns `line`, of
 * REPORT_LINE_SIZE bytes. */
const char *matrix_verdict(const struct matrix *matrix, char *line);

/* `TIME-WAIT 127.0.0.1 none, then :: REUSEADDR`, in `text` of MATRIX_PAIR_SIZE bytes; and
 * `bind EADDRINUSE`, `bind ok, listen ok`, in `text` of MATRIX_ANSWER_SIZE bytes. */
const char *matrix_pair_text(const struct matrix_pair *pair, char *text);
const char *matrix_answer_text(const struct matrix_answer *answer, char *text);

/* `ok`, the name of an errno, or `-` for what was not asked, in `text` of ERRNAME_SIZE bytes. */
const char *matrix_errno_text(int error, char *text);

/* The rule that the model followed: of bind() if that was refused, else of listen(). */
const struct rule_text *matrix_rule(const struct matrix_cell *cell);

/* The answer in one character: `+` both calls succeed, `b` bind() alone, `.` neither, `!` the
 * kernel contradicts the model, ` ` not measured. */
char matrix_mark(const struct matrix_cell *cell);

/* --- what has changed --- */

struct matrix_diff {
    size_t compared, changed; /* pairs that both have, and those of them with other answers */
    char kernel[65];          /* of the earlier one */
    struct matrix *earlier;   /* owned; what was not in the file is not measured */
};

/* Reads what the format json has written. NULL, or what is wrong with it, static. */
const char *matrix_diff_read(struct matrix_diff *diff, const struct matrix *matrix,
                             const char *bytes, size_t size);

/* A verdict line and the pairs that changed. It is not in the list: --diff selects it for standard
 * output. */
extern const struct format format_matrix_diff;

void matrix_diff_free(struct matrix_diff *diff);

#endif
