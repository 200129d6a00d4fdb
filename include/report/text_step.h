/* The parts of the text report: one step, its evidence. Nothing but the text report includes this.
 */
#ifndef PORTREUSE_REPORT_TEXT_STEP_H
#define PORTREUSE_REPORT_TEXT_STEP_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/result.h"

/* How wide the columns of a table of steps are. */
struct text_columns {
    unsigned role, verb, arguments;
};

/* The columns that suit these steps of a scenario. */
struct text_columns text_measure(const struct scenario *scenario);

/* Prints one line for a step and its answer, for the body of a block one line each, and below the
 * evidence. */
void text_step(FILE *out, const struct scenario *scenario, const struct step *step,
               const struct step_result *result, const struct text_columns *columns, bool verbose);

/* Prints what was in the way, indented. (text_evidence.c) */
void text_evidence(FILE *out, const struct scenario *scenario, const struct evidence *evidence,
                   bool verbose);

#endif
