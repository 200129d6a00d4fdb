/* What a watched program did with its sockets: each call once, with what was found out about it at
 * that moment, and what is remarkable even where nothing failed.
 *
 *   record.c           the calls, with the reason of each failure
 *   record_findings.c  what is remarkable: sockets from bind() on, programs that are executed */
#ifndef PORTREUSE_TRACE_RECORD_H
#define PORTREUSE_TRACE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/memory.h"
#include "base/ports.h"
#include "trace/recorded.h"
#include "trace/tracer.h"

/* Returns the stable name of a kind of finding, static: "port-in-range". */
const char *finding_name(enum finding_kind kind);

/* What is recorded. */
struct record_filter {
    unsigned calls;    /* a set, 1 << enum socket_call; 0: all */
    const int *errors; /* ends with 0; NULL: all. With it successful calls are left out */
    bool lookups;      /* also the C library's own, to servers that most hosts do not run */
};

/* How many calls have failed, of one kind, with one answer, for one reason. */
struct failure_count {
    struct failure_key {
        uint32_t call; /* enum socket_call */
        int32_t error;
        uint32_t cause; /* enum cause + 1; 0: none is known */
    } key;
    uint64_t times;
};

/* All zero at first but for what the caller sets; end with record_free(). */
struct record {
    struct record_filter filter; /* set by the caller */
    pid_t caller; /* set by the caller: a parent that is not worth to be told: this program */
    bool endless; /* set by the caller: when there are too many calls, all but the counts of
                     failures are forgotten */
    /* Set by the caller: told of each call as it happens; `is_new` if it is not like an earlier
     * one. */
    void (*told)(void *context, const struct recorded_call *call, bool is_new);
    void *context;

    struct recorded_call **calls; /* in the order of their first time */
    size_t call_count;
    struct finding **findings;
    size_t finding_count;
    uint64_t left_out; /* calls that are not among `calls`, as there are too many different ones */
    struct table failures;   /* struct failure_count */
    uint64_t conflicts;      /* calls that failed by conflict, with their repetitions */
    int look_error;          /* a socket could not be looked at for want of this; or 0 */
    unsigned looks;          /* how many `why` there are */
    struct lookups *lookups; /* owned; calls that may be none of the program's own */
    struct arena arena;
    struct table keys, recent, sockets, programs; /* see record.c, record_findings.c */
    struct port_range range;                      /* of the network namespace with this number */
    uint64_t range_namespace;
};

void record_begin(struct record *record);

/* For the handlers of a tracer. */
void record_call(struct record *record, const struct traced_call *call);
void record_exec(struct record *record, pid_t process);
void record_exit(struct record *record, pid_t process);

/* A process uses io_uring. */
void record_ring(struct record *record, pid_t process);

enum { RECORD_HOLD_S = 2 };

/* Tells what was held back for RECORD_HOLD_S: it was no lookup of the C library. Returns whether
 * more is held back, so that this must be called again after that time. */
bool record_settle(struct record *record);

/* Tells all that is held back. Called once, before a report of the end. */
void record_end(struct record *record);

void record_free(struct record *record);

/* --- for the parts of the record --- */

enum { RECORD_MOST_CALLS = 10000 }; /* different ones; of findings too */

struct program_entry {
    pid_t process;
    bool known; /* not since it has executed another program, or ended */
    pid_t parent;
    char program[OWNER_PROGRAM_SIZE], parent_program[OWNER_PROGRAM_SIZE];
};

/* Returns the entry for a key, which is made if there is none. */
void *record_entry(struct table *table, const void *key);

/* Returns what is known of a process; forgets it, when it executes another program or ends. */
const struct program_entry *record_program(struct record *record, pid_t process);
void record_forget_program(struct record *record, pid_t process);

/* --- record_findings.c --- */

/* Makes the table of sockets, empty. */
struct table record_no_sockets(void);

/* Follows a socket from call to call, and finds what is remarkable about it. */
void record_follow_socket(struct record *record, struct recorded_call *call);

/* The same of a program that has just been executed. */
void record_look_at_program(struct record *record, pid_t process);

#endif
