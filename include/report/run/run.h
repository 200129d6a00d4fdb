/* The report on a run of scenarios. */
#ifndef PORTREUSE_REPORT_RUN_RUN_H
#define PORTREUSE_REPORT_RUN_RUN_H

#include "engine/result.h"
#include "probe/capabilities.h"
#include "report/subject.h"

/* All borrowed. */
struct run_findings {
    const struct run_result *run;
    const struct capabilities *capabilities; /* probed if one of the formats shows them */
};

extern const struct subject subject_run;

/* The findings of a report whose subject is subject_run. */
const struct run_findings *run_findings(const struct report *report);

/* Writes the verdict on a run, one line of at most 80 bytes without a newline, to `line`, which has
 * REPORT_LINE_SIZE bytes; returns `line`. */
const char *run_verdict(const struct run_result *run, char *line);

#endif
