/* How long the rounds of a block took: as a table, and as a plot. */
#ifndef PORTREUSE_REPORT_RUN_ROUNDS_H
#define PORTREUSE_REPORT_RUN_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/result.h"

struct page;

enum { ROUNDS_LEAST = 10 };

/* Returns whether the times are shown: of a `timed` block, and if `verbose` of each with many
 * rounds. */
bool rounds_are_shown(const struct step *step, const struct step_result *result, bool verbose);

/* Prints them, indented by `indent`: a heading, and for each tenth of the rounds a line with the
 * quartiles. Nothing if there are fewer than ROUNDS_LEAST. */
void rounds_print(FILE *out, const uint64_t *rounds_ns, size_t count, unsigned indent);

/* Draws a plot for each block of a case whose times are shown: the median and the middle half of
 * the rounds, over the ports of the range that were taken if it was full in the end, or else over
 * the rounds. All plots of a scenario have one scale. */
void rounds_draw(const struct page *page, const struct scenario_result *scenario, size_t index,
                 bool verbose);

#endif
