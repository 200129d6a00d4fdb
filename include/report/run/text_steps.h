/* The steps of the text report. */
#ifndef PORTREUSE_REPORT_RUN_TEXT_STEPS_H
#define PORTREUSE_REPORT_RUN_TEXT_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/memory.h"
#include "engine/result.h"
#include "report/subject.h"

/* Returns how many columns a text takes. */
unsigned text_width(const char *text);

/* How wide the columns of the table of steps are. */
struct text_columns {
    unsigned role, verb, arguments;
};

/* The columns that suit the steps of a scenario; longer cells overlap the next column. */
struct text_columns text_measure(const struct scenario *scenario);

/* What has been said of the evidence in a report, so that it is not said again. Zeroed at first. */
struct text_memory {
    struct arena arena;
    const char **texts; /* in the arena */
    size_t count;
};

void text_memory_free(struct text_memory *memory);

/* Prints the steps of a case's result from `first` on, `count` of them. With a memory, evidence
 * that it knows is named, not repeated, and steps that tell nothing are left out; NULL: all in
 * full. */
void text_steps(FILE *out, const struct report *report, const struct scenario_result *scenario,
                size_t index, size_t first, size_t count, struct text_memory *memory);

/* Prints a label below a step, and returns the column after it. */
unsigned text_label(FILE *out, const char *label);

/* Prints what was in the way of a call, indented, and the cause. The names are those of the
 * scenario; ports that it does not write are printed only if `verbose`. */
void text_evidence(FILE *out, const struct scenario *scenario, const struct evidence *evidence,
                   bool verbose);

#endif
