/* The report of portreuse why: its verdict in one line, and what to do. */
#ifndef PORTREUSE_REPORT_HOST_WHY_H
#define PORTREUSE_REPORT_HOST_WHY_H

#include <stdio.h>

#include "diagnose/why.h"
#include "report/subject.h"

/* Borrowed: one look, or one for each namespace. */
struct why_findings {
    const struct why *looks;
    size_t count;
};

extern const struct subject subject_why;

/* Writes the verdict, one line of at most 80 bytes without a newline, to `text`, which has
 * REPORT_LINE_SIZE bytes; returns `text`. */
const char *why_line(const struct why *why, char *text);

/* Writes the name of a Unix socket, a path, or `@` and an abstract name, to `text`, which has
 * WHY_UNIX_NAME_SIZE bytes; returns `text`. */
enum { WHY_UNIX_NAME_SIZE = UNIX_NAME_SIZE + 1 };
const char *why_unix_name(const struct unix_question *asked, char *text);

/* Returns whether the socket that is blamed is bound to the address that was asked about. */
bool why_is_same_address(const struct why *why);

/* Returns, of the looks into several namespaces, the one whose verdict is that of all: a refusal
 * outweighs an unknown answer, which outweighs a free port. */
const struct why *why_decisive(const struct report *report);

/* "free", "refused", "unknown": JSON's verdict; static. */
const char *why_verdict_name(enum why_verdict verdict);

/* Returns the row of the cause of a refusal, or NULL if nothing was refused. */
const struct cause_row *why_cause(const struct why *why);

/* Prints the sockets in the way, a line each and their owners below it, each line behind `indent`
 * blanks. */
void why_print_sockets(FILE *out, const struct why *why, unsigned indent);

/* Writes the members of an object that are about them: missing, from_proc, socket_count,
 * ports_taken (of a range of ports), sockets, time_left_ms. */
void why_json_sockets(struct json *json, const struct why *why);

/* Writes the members of an object that are about what to do: remedies, steps. */
void why_json_remedies(struct json *json, const struct why *why);

/* What a line of what to do is. */
enum why_step {
    STEP_NOTE,    /* a remark */
    STEP_PRICE,   /* a remark: what else the next command does */
    STEP_COMMAND, /* a command to copy */
};

/* Called with each line of what to do. A remark starts with `# `. */
typedef void why_step_visit(void *context, enum why_step step, const char *line);

/* Visits the lines of what to do, in the order in which to try them. */
void why_steps(const struct why *why, why_step_visit *visit, void *context);

/* Called with one line of what to do: a command to copy, or a remark, which starts with `#`. */
typedef void why_remedy_visit(void *context, const char *line);

/* The same, without what the lines are. */
void why_remedies(const struct why *why, why_remedy_visit *visit, void *context);

/* Prints them, each line behind `indent` blanks; remarks are wrapped at 80 columns. */
void why_print_remedies(FILE *out, const struct why *why, unsigned indent);

/* Prints a text of the table of causes, with its `{fields}` filled in. Returns false, and prints
 * the field as it is, where there is no such field. */
bool why_fill(FILE *out, const char *text, const struct why *why);

#endif
