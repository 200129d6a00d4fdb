/* The stage: the process in which one case runs. It enters a network namespace, forks the roles,
 * drives them step by step, and writes what it finds on the board. */
#ifndef PORTREUSE_ENGINE_STAGE_H
#define PORTREUSE_ENGINE_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/board.h"

struct stage_options {
    bool current;         /* stay in the present namespace */
    uint64_t deadline_ns; /* of the case, on the monotonic clock */
};

/* Runs the case of the board in the calling process, a fresh fork of the runner, and leaves the
 * result on the board. Every role is dead when it returns. */
void stage_run(struct board *board, const struct stage_options *options);

#endif
