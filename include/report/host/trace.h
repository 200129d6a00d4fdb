/* The report of portreuse trace: the calls of a program that failed, why, and what is remarkable.
 */
#ifndef PORTREUSE_REPORT_HOST_TRACE_H
#define PORTREUSE_REPORT_HOST_TRACE_H

#include <stdbool.h>
#include <stdio.h>

#include "report/subject.h"
#include "trace/record.h"
#include "trace/recorded.h"

/* Borrowed. */
struct trace_findings {
    const struct record *record;
    char *const *words; /* the program and its arguments, and NULL; or NULL: */
    pid_t process;      /* a running process was watched */
    bool ended;         /* the program has ended, with this status, as by waitpid(2): */
    int status;
    int start_error; /* why it could not be executed, or 0 */
    bool host;       /* the whole host was watched: only calls that fail were seen */
    uint64_t lost;   /* calls that failed, but were not seen: there were too many at once */
};

extern const struct subject subject_trace;

/* --- while it happens --- */

/* Print a call, a finding; `colour`: for a terminal. */
void trace_print_call(FILE *out, const struct recorded_call *call, bool colour);
void trace_print_finding(FILE *out, const struct finding *finding, bool colour);

/* Prints one line: how often the same call has failed so far. */
void trace_print_again(FILE *out, const struct recorded_call *call);

/* Print a call, and the end, as a line of JSON (format ndjson). */
void trace_json_call(FILE *out, const struct recorded_call *call);
void trace_json_end(FILE *out, const struct report *report);

extern const struct format format_trace_ndjson;

/* --- what all formats say in the same words --- */

/* Prints `bind(127.0.0.1:80)`. */
void trace_print_name(FILE *out, const struct recorded_call *call);

/* Prints the answer in a clause or two: `EADDRINUSE; TIME-WAIT, 43 s left; ...`. */
void trace_print_answer(FILE *out, const struct recorded_call *call);

/* Prints whose call it is, and the options of the socket, as a clause. */
void trace_print_caller(FILE *out, const struct recorded_call *call);

/* Prints the sockets in the way, the cause, and what to do, each behind `indent` blanks. */
void trace_print_details(FILE *out, const struct recorded_call *call, unsigned indent);

/* Prints a finding in a sentence. */
void trace_print_sentence(FILE *out, const struct finding *finding);

/* Returns the name of the cause, or NULL if none is known. */
const char *trace_cause(const struct recorded_call *call);

#endif
