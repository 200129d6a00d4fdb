/* The runner: runs the cases of scenarios, each in a process of its own, and collects results. */
#ifndef PORTREUSE_ENGINE_RUNNER_H
#define PORTREUSE_ENGINE_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/limits.h"
#include "engine/result.h"
#include "scenario/scenario.h"

struct run_options {
    bool current;        /* --net=current */
    bool must_run;       /* a SKIP counts as an ERROR */
    bool fail_fast;      /* after a FAIL or an ERROR start no other case: they are SKIP */
    unsigned jobs;       /* cases at a time, from 1; in the current namespace it is always 1 */
    unsigned repeat;     /* how often each case is run, from 1 */
    uint64_t timeout_ns; /* a case's deadline; 0: 30 s plus scenario_declared_ns() */
    struct limits limits;
    struct run_watcher watcher;
};

/* Runs every case of `count` scenarios, which must outlive the result. Fills `run`, which belongs
 * to the caller.
 *
 * While it runs, SIGINT, SIGTERM and SIGHUP end the cases under way; the signal is then in
 * run->interrupted, and the cases that did not end are ERROR. When it returns, every process that
 * it started is gone; if it is killed itself, the kernel kills them. */
void runner_run(const struct scenario *const *scenarios, size_t count,
                const struct run_options *options, struct run_result *run);

#endif
