/* A role that becomes a program. It goes on as the role's process; a further process of the case,
 * the tracer, watches it and all that it starts, and writes what it sees into memory that it shares
 * with the stage. The tracer dies with the stage, and all that it watches dies with the tracer.
 *
 *   program.c        the tracer, and the role's way into the program
 *   program_output.c what it prints
 *   stage_program.c  the steps
 */
#ifndef PORTREUSE_ENGINE_PROGRAM_H
#define PORTREUSE_ENGINE_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/shared.h"
#include "engine/result.h"
#include "inspect/evidence.h"
#include "kernel/seccomp.h"

/* The most that is kept of one program; what comes after is not seen. */
enum { PROGRAM_CALLS = 4096, PROGRAM_EVIDENCE = 16 };

/* A call on an IPv4 or IPv6 socket that has returned. */
struct program_call {
    enum socket_call call;
    int error;               /* 0: it succeeded */
    struct endpoint address; /* as given; of listen() that of the socket */
    int evidence;            /* an index, if something was in the way; else -1 */
};

/* What a program has printed: how much, and the end of it, at its place modulo the size. */
struct program_output {
    atomic_ullong size;
    char end[OUTPUT_TEXT_SIZE];
};

/* Written by the tracer, but for the output. A call is complete before it is counted. */
struct program_log {
    atomic_int trace_error;  /* why the program could not be traced */
    atomic_bool watched;     /* it is traced, or cannot be */
    atomic_bool executed;    /* the program runs: */
    atomic_uint first;       /* its first call; those before are the role's own */
    atomic_uint count;       /* of calls */
    unsigned evidence_count; /* the tracer's own */
    struct program_call calls[PROGRAM_CALLS];
    struct evidence evidence[PROGRAM_EVIDENCE];
    struct program_output output;
};

/* Makes one, or returns NULL with errno set. */
struct program_log *program_log_new(void);

/* The tracer: watches the process `program` when it asks for that on the channel, gives it `output`
 * for what it prints, and fills the log until the program and all that it has started are gone.
 * Never returns. */
_Noreturn void program_watch(struct program_log *log, pid_t program, int channel, int output,
                             pid_t stage);

/* A process that reads what the program prints from a pipe, however much that is, and keeps the end
 * of it, until nobody can print any more. Never returns. */
_Noreturn void program_listen(struct program_log *log, int pipe, pid_t stage);

/* Writes the end of what was printed into `text`, of OUTPUT_TEXT_SIZE bytes: whole lines, at most
 * PROGRAM_LINES. If that is not all, the first line says so. */
enum { PROGRAM_LINES = 40 };
void program_printed(const struct program_log *log, char *text);

/* In the role: asks the tracer, by the channel to it, to watch this process, and takes the pipe for
 * the output into `*output`. This is done once; from then on the socket calls need the tracer.
 * Returns 0 or an errno. */
int program_begin(int channel, int *output);

/* Prepares this process for a program: no input, its output into the pipe, the usual signals, a
 * process group of its own.
 * `*before` gets what program_return() needs if the program cannot be executed after all. */
struct program_before {
    int streams[3];
};
void program_prepare(int output, struct program_before *before);
void program_return(const struct program_before *before);

#endif
