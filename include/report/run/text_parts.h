/* The parts of the text report, for itself and for reports that have a text in them. */
#ifndef PORTREUSE_REPORT_RUN_TEXT_PARTS_H
#define PORTREUSE_REPORT_RUN_TEXT_PARTS_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/result.h"
#include "report/subject.h"

/* How wide the columns of a table of steps are. */
struct text_columns {
    unsigned role, verb, arguments;
};

/* The columns that suit these steps of a scenario. */
struct text_columns text_measure(const struct scenario *scenario);

/* Prints one line for a step and its answer, for the body of a block one line each, and below the
 * evidence; verbose and in colour if the report is. */
void text_step(FILE *out, const struct report *report, const struct scenario *scenario,
               const struct step *step, const struct step_result *result,
               const struct text_columns *columns);

/* Prints what the report tells of one case, with the setup. (text.c) */
void text_case(FILE *out, const struct report *report, const struct scenario_result *scenario,
               size_t index);

/* Prints what was in the way, indented. Of the scenario the names are used, and the ports that it
 * writes. */
void text_evidence(FILE *out, const struct scenario *scenario, const struct evidence *evidence,
                   bool verbose);

#endif
