/* Watching a run: its events, reported as they happen. */
#ifndef PORTREUSE_ENGINE_WATCH_H
#define PORTREUSE_ENGINE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/result.h"
#include "scenario/scenario.h"

enum run_event_kind {
    RUN_BEGINS,
    CASE_BEGINS,
    STEP_BEGINS,
    STEP_ENDS, /* a serve block that breaks later ends twice */
    CASE_ENDS,
    RUN_WAITS, /* nothing happened for a while */
};

/* Which members mean something depends on the kind. All pointers are borrowed, for the call. */
struct run_event {
    enum run_event_kind kind;
    uint64_t at_ns; /* since the run began */
    size_t runs_ended, runs_total;

    /* CASE_*, STEP_*; RUN_WAITS: of the case that began first of those under way */
    const struct scenario *scenario;
    size_t case_index;
    unsigned repetition; /* from 1 */

    const struct case_result *case_result; /* CASE_ENDS */
    const struct step *step;               /* STEP_*; RUN_WAITS: the one under way, or NULL */
    const struct step_result *result;      /* STEP_ENDS */
    uint64_t waited_ns;                    /* RUN_WAITS: for the step */
    size_t rounds;                         /* RUN_WAITS: of a block, as far as they are kept */
};

struct run_watcher {
    /* Reports an event; NULL: nobody watches. */
    void (*tell)(void *context, const struct run_event *event);
    void *context;
    bool steps;       /* report STEP_* too; this costs two context switches per step */
    uint64_t tick_ns; /* the time between two RUN_WAITS; 0: none */
};

#endif
