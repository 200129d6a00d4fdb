/* The matrix: for each pair of a socket that has a port and a second one that wants it, what the
 * kernel answers to the second one's calls, and what the model says (model/story.h).
 *
 * Every pair is made from scratch on its own port, because the history of a port could change the
 * answer. Everything runs in one private network namespace. */
#ifndef PORTREUSE_PROBE_MATRIX_H
#define PORTREUSE_PROBE_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/verdict.h"
#include "kernel/netns.h"
#include "probe/matrix_pairs.h"

/* --- the answers --- */

struct matrix_cell {
    struct matrix_answer want; /* by the model, */
    uint8_t rule;              /* and by which enum rule */
    bool measured;
    struct matrix_answer got; /* by the kernel */
};

enum {
    MATRIX_REASON_SIZE = NETNS_REASON_SIZE,
    MATRIX_WAYS = STORY_CALLS + MATRIX_DEVICES - 1 /* calls without a device, bind() with one */
};

struct matrix {
    enum protocol protocol;          /* TCP or UDP */
    enum verdict verdict;            /* PASS: model and kernel agree; FAIL: they do not */
    char reason[MATRIX_REASON_SIZE]; /* of SKIP and ERROR */
    char kernel[65];                 /* its release, */
    struct kernel_quirks quirks;     /* and what the model takes into account because of it */
    struct matrix_means means;
    size_t pairs, disagreements;
    size_t retried; /* pairs that were made again: at first they were not as the model says */
    struct matrix_cell cells[MATRIX_USERS][MATRIX_WAYS][STORIES][MATRIX_FIRSTS][MATRIX_OPTIONS]
                            [MATRIX_ADDRESSES][MATRIX_OPTIONS];
};

/* Measures the chosen pairs, in a child process, and asks the model for each. The caller frees the
 * matrix with free(). NULL with errno set if there is no memory or no process for it. */
struct matrix *matrix_measure(enum protocol protocol, const struct matrix_choice *choice);

/* Returns the cell of a pair. Like strchr(3), it takes a const pointer but returns one that is not:
 * write through it only if the matrix may be changed. */
struct matrix_cell *matrix_cell(const struct matrix *matrix, const struct matrix_pair *pair);

/* Return whether two answers are the same, and whether the kernel and the model agree. */
bool matrix_same_answer(const struct matrix_answer *a, const struct matrix_answer *b);
bool matrix_agrees(const struct matrix_cell *cell);

#endif
