/* Reports: the one result model in, one format out. */
#ifndef PORTREUSE_REPORT_REPORT_H
#define PORTREUSE_REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/result.h"
#include "engine/surroundings.h"

struct report_options {
    bool verbose; /* process ids, chosen ports and times; every step */
    bool quiet;   /* the first line alone */
};

enum { REPORT_LINE_SIZE = 81 };

/* The verdict of a run in one line of at most 80 bytes, without a newline; returns `line`, of
 * REPORT_LINE_SIZE bytes. Every format that can starts with it. */
const char *report_verdict(const struct run_result *run, char *line);

/* The number of the exit code that a verdict stands for: 0 PASS and SKIP, 1 FAIL, 2 ERROR. */
int report_exit_code(enum verdict verdict);

/* For people. */
void report_text(const struct run_result *run, const struct report_options *options, FILE *out);

/* For programs; its schema is docs/report.schema.json. */
void report_json(const struct run_result *run, const struct surroundings *surroundings, FILE *out);

#endif
