/* Runs a program and watches it, so that the program notices as little as can be.
 *
 * The calling process is the parent of the program, as it would be without this: it waits for the
 * program, stops and goes on with it, and passes on the signals that it is sent itself. The tracer
 * is a process of its own, in its own process group, which neither the keys of the terminal nor a
 * stop of the program reach. If the calling process is killed, so are the tracer, the program and
 * all that it has started.
 */
#ifndef PORTREUSE_TRACE_PROGRAM_H
#define PORTREUSE_TRACE_PROGRAM_H

#include <signal.h>
#include <sys/types.h>

#include "trace/tracer.h"

/* What the tracer does: it sets the handlers of `tracer`, runs it by tracer_run(), and returns a
 * number below 255 for the caller. */
typedef int program_watch(void *context, struct tracer *tracer);

struct program {
    char *const *words; /* the program and its arguments, and NULL; found in PATH */
    bool sendto;        /* the filter stops at datagrams to an address, too */
    program_watch *watch;
    void (*left_behind)(void *context); /* called once, when the program has ended some time ago,
                                           but not all that it has started; or NULL */
    void *context;
};

struct program_end {
    int status;      /* the program's, as by waitpid(2) */
    int watched;     /* what the watch has returned; -1: the tracer was killed */
    int start_error; /* why the program could not be executed, or 0; its status is then 126 or 127,
                        as that of a shell */
};

/* Runs the program to its end, and the watch to its own, which is the end of the last process that
 * the program has started. Returns 0, or an errno with `*what`, static, saying what could not be
 * done; the program then did not run. The signals that are passed on stay blocked. */
int program_run(const struct program *program, struct program_end *end, const char **what);

/* In the tracer: return the process of the program, and why it could not be executed, or 0. */
pid_t program_pid(void);
int program_start_error(void);

/* Ends the calling process as the program ended: with its exit status, or by the signal that killed
 * it, without a core file. */
_Noreturn void program_end_like(int status);

#endif
