/* What to say about the cause that portreuse why has found: in brief, and what to do. */
#ifndef PORTREUSE_REPORT_HOST_WHY_STORY_H
#define PORTREUSE_REPORT_HOST_WHY_STORY_H

#include <stdio.h>

#include "diagnose/why.h"
#include "report/subject.h"

/* Borrowed: one look, or one for each namespace. */
struct why_findings {
    const struct why *looks;
    size_t count;
};

extern const struct subject subject_why;

/* The verdict in one line of at most 80 bytes, without a newline; returns `line`, of
 * REPORT_LINE_SIZE bytes. */
const char *why_line(const struct why *why, char *line);

/* Of the looks into several namespaces, the one whose verdict is that of all: a refusal outweighs
 * what could not be found out, that outweighs what is free. */
const struct why *why_decisive(const struct report *report);

/* "free", "refused", "unknown": JSON's verdict; static. */
const char *why_verdict_name(enum why_verdict verdict);

/* Called with one line of what to do: a command to copy, or where it starts with `#`, a remark. */
typedef void why_remedy_visit(void *context, const char *line);

/* Visits the lines of what to do, in the order in which one would try them. */
void why_remedies(const struct why *why, why_remedy_visit *visit, void *context);

/* The scenario that reproduces the cause, static, or NULL if there is none. */
const char *why_scenario(const struct why *why);

#endif
