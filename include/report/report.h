/* A report: what a command found, in one format. */
#ifndef PORTREUSE_REPORT_REPORT_H
#define PORTREUSE_REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "report/shared/layout.h"

struct run_event;
struct subject;

/* All pointers are borrowed. `findings` is the structure that the subject's header declares: struct
 * run_findings for subject_run, and so on. */
struct report {
    const struct subject *subject;
    const void *findings;
    bool verbose; /* process IDs, ports that the kernel chose, times; every step */
    bool quiet;   /* only the first line */
    bool colour;  /* in text */
};

/* The size of a first line with its NUL. */
enum { REPORT_LINE_SIZE = LAYOUT_LINE_SIZE };

/* Writes a report to `out`; the caller checks ferror(3). */
typedef void report_writer(const struct report *report, FILE *out);

/* Writes one event of a run when it happens. The findings then contain only which scenarios run. */
typedef void report_event_writer(const struct report *report, const struct run_event *event,
                                 FILE *out);

#endif
