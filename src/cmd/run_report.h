/* The reports of a run: what is told while it goes on, and when it is over. */
#ifndef PORTREUSE_CMD_RUN_REPORT_H
#define PORTREUSE_CMD_RUN_REPORT_H

#include <stdbool.h>

#include "cmd/output.h"
#include "cmd/progress.h"
#include "engine/runner.h"

struct run_report {
    struct outputs outputs;
    bool verbose, quiet, colour; /* quiet and in colour: on standard output */
    /* from run_report_begin() on: */
    const struct run_result *run; /* borrowed */
    struct surroundings surroundings;
    struct progress progress;
};

/* Opens all that is to be written, and has the run watched as far as somebody wants to know; both
 * the report and the run's result have to stay where they are until run_report_end(). False after a
 * complaint. */
bool run_report_begin(struct run_report *reports, const struct run_result *run,
                      struct run_options *options);

/* Writes all reports. Returns whether they could be written. */
bool run_report_end(struct run_report *reports);

#endif
