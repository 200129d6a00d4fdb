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
    int events;           /* a pipe for stage_event, to the runner; -1: it does not want them */
};

/* What the stage says of each step as it begins and as it ends. */
struct stage_event {
    uint64_t at_ns; /* on the monotonic clock */
    uint32_t step;  /* its place in the scenario */
    bool ended;
    struct step_result result; /* ended: as it was then, with what it points to on the board. That
                                  of a serve block changes when it breaks */
};

/* Runs the case of the board in the calling process, a fresh fork of the runner, and leaves the
 * result on the board. Every role is dead when it returns. */
void stage_run(struct board *board, const struct stage_options *options);

#endif
