/* Reports: the one result model in, one format out. */
#ifndef PORTREUSE_REPORT_REPORT_H
#define PORTREUSE_REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "diagnose/audit.h"
#include "diagnose/budget.h"
#include "diagnose/why.h"
#include "engine/result.h"
#include "engine/watch.h"
#include "probe/surroundings.h"

struct matrix;
struct matrix_choice;

/* What a report is made of, and what it is to tell. All borrowed; of the results that of the
 * command whose report it is. */
struct report {
    const struct run_result *run;
    const struct matrix *matrix;
    const struct matrix_choice *choice; /* what of the matrix is to be shown */
    const struct why *why;              /* of portreuse why: a look for each namespace */
    size_t why_count;
    const struct budget *budget;             /* of portreuse budget */
    int64_t warn_percent, critical_percent;  /* from which share of the ports on it is that */
    const struct audit *audit;               /* of portreuse audit */
    const struct surroundings *surroundings; /* for the formats that tell them */
    bool verbose;                            /* process ids, chosen ports and times; every step */
    bool quiet;                              /* the first line alone */
    bool colour;                             /* in the text */
};

enum { REPORT_LINE_SIZE = 81 };

/* The verdict of a run in one line of at most 80 bytes, without a newline; returns `line`, of
 * REPORT_LINE_SIZE bytes. Every format that can starts with it. */
const char *report_verdict(const struct run_result *run, char *line);

/* The number of the exit code that a verdict stands for: 0 PASS and SKIP, 1 FAIL, 2 ERROR. */
int report_exit_code(enum verdict verdict);

/* Writes a report to `out`; an error of that shows in ferror(3). Each format has one: see
 * report/format.h. */
typedef void report_writer(const struct report *report, FILE *out);

/* Writes what happens in a run, at the moment at which it does; of the result there is then no more
 * than which scenarios are run. */
typedef void report_event_writer(const struct report *report, const struct run_event *event,
                                 FILE *out);

#endif
