/* The first line of a report: the verdict, in at most 80 bytes. */
#ifndef PORTREUSE_REPORT_SHARED_LINE_H
#define PORTREUSE_REPORT_SHARED_LINE_H

#include <stdio.h>

#include "report/report.h"

/* A line that is being written, of any length. */
struct line {
    char *text; /* owned */
    size_t size;
    FILE *out; /* owned; NULL if memory is out: then nothing is written, and the line is empty */
};

/* Begins a line; what is printed to the result is in it. NULL if memory is out. */
FILE *line_begin(struct line *line);

/* Ends it: copies what fits into `text`, of REPORT_LINE_SIZE bytes, and cuts no character. Returns
 * the length of the whole. */
size_t line_end(struct line *line, char *text);

#endif
