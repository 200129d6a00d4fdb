/* The text report's part that other reports print too: a case. Its steps are in text_steps.h. */
#ifndef PORTREUSE_REPORT_RUN_TEXT_H
#define PORTREUSE_REPORT_RUN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "engine/result.h"
#include "report/subject.h"

/* Prints what the report says of one case, with the setup; verbose and in colour if the report is.
 */
void text_case(FILE *out, const struct report *report, const struct scenario_result *scenario,
               size_t index);

#endif
