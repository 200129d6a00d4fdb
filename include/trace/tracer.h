/* Watches the bind(), listen() and connect() calls of some processes, their threads and all that
 * they start, and tells the result of each while the thread that made it is stopped right behind
 * the call: its socket, its options and its network namespace are as the call left them.
 *
 * Signals, stops and exits of the processes are passed through. One thread of the calling process
 * does all of it. It may have other children; those that end meanwhile are reaped.
 */
#ifndef PORTREUSE_TRACE_TRACER_H
#define PORTREUSE_TRACE_TRACER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "kernel/seccomp.h"

/* A call that has just returned. */
struct traced_call {
    enum socket_call call;
    pid_t process, thread;
    int fd;
    int error; /* 0 or an errno; EINPROGRESS of a non-blocking connect() too */
    struct sockaddr_storage address; /* as it was given to bind(), connect() or sendto(): */
    socklen_t address_size;          /* 0: there is none, or it could not be read */
    const struct witness *witness;   /* NULL: the thread is stopped right behind the call; else what
                                        was seen of it (trace/host.h) */
};

/* What the watcher is told, with the thread stopped. NULL: not told. */
struct tracer_handlers {
    void (*call)(void *context, const struct traced_call *call);
    void (*executed)(void *context, pid_t process);           /* it runs another program now */
    void (*exited)(void *context, pid_t process, int status); /* as by waitpid(2) */
    void (*woken)(void *context); /* a signal has interrupted the wait; no thread is stopped */
    void *context;
};

/* The same for what concerns the signals of a process. */
struct tracer_signals {
    void (*stopped)(void *context, pid_t process, bool stopped); /* by a signal, or no longer */
    void (*delivered)(void *context, pid_t process, int signal, pid_t sender);
    void *context;
};

/* All zero at first, but for the members that the caller sets; end with tracer_free(). */
struct tracer {
    struct tracer_handlers handlers; /* set by the caller */
    struct tracer_signals signals;   /* set by the caller */
    bool no_filter; /* set by the caller: the processes have no filter of kernel/seccomp.h, so that
                       they stop at every call */
    bool sendto;    /* set by the caller: sendto() with an address is watched, too */
    const volatile sig_atomic_t *end; /* set by the caller, or NULL: a signal handler makes it 1 to
                                         end tracer_run(). The signal must come again and again */
    struct traced_thread *threads;    /* owned */
    size_t count, room;
};

/* Begins to watch a process that is to execute a program with the filter; it is killed when the
 * tracer ends, and so is all that it has started. Returns 0 or an errno: see ptrace_seize(). */
int tracer_take_program(struct tracer *tracer, pid_t process);

/* Begins to watch a running process with all its threads, and its descendants. Needs `no_filter`.
 * Returns 0 or an errno: then nothing is watched. */
int tracer_take_running(struct tracer *tracer, pid_t process);

/* Watches until the last of the processes is gone. If it is ended before that, running processes go
 * on unwatched; a program with the filter cannot, and is killed when the tracer ends. Returns 0 or
 * an errno: ENOMEM, or why a thread could not go on. */
int tracer_run(struct tracer *tracer);

/* Returns how many threads are watched now. */
size_t tracer_count(const struct tracer *tracer);

void tracer_free(struct tracer *tracer);

#endif
