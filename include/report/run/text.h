/* The text report's parts that other reports and commands print too. */
#ifndef PORTREUSE_REPORT_RUN_TEXT_H
#define PORTREUSE_REPORT_RUN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/result.h"
#include "report/subject.h"

/* Prints what the report says of one case, with the setup; verbose and in colour if the report is.
 */
void text_case(FILE *out, const struct report *report, const struct scenario_result *scenario,
               size_t index);

/* Prints what was in the way of a call, indented, and the cause. The names are those of the
 * scenario; ports that it does not write are printed only if `verbose`. */
void text_evidence(FILE *out, const struct scenario *scenario, const struct evidence *evidence,
                   bool verbose);

enum { TEXT_ROUNDS_LEAST = 10 };

/* Prints how long the rounds of a block took, indented by `indent`: a heading, and for each tenth
 * of the rounds a line with the quartiles. Nothing if there are fewer than TEXT_ROUNDS_LEAST. */
void text_rounds(FILE *out, const uint64_t *rounds_ns, size_t count, unsigned indent);

#endif
