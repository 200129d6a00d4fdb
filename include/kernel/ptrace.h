/* Watching another process by ptrace(2), in the way of PTRACE_SEIZE: the signals of the process,
 * and its stops by SIGSTOP or the terminal, stay what they are.
 *
 * A thread that has stopped is told by waitpid(2); ptrace_read_stop() says why, and each stop must
 * be ended by ptrace_resume(), ptrace_listen() or ptrace_let_go(). */
#ifndef PORTREUSE_KERNEL_PTRACE_H
#define PORTREUSE_KERNEL_PTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/seccomp.h"

/* --- beginning and end --- */

/* Becomes the tracer of a thread, which goes on; the threads and processes that it makes are traced
 * from their start. `die_with_us`: all of them are killed when the tracer ends, however it ends;
 * otherwise they then go on untraced. Returns 0 or an errno: EPERM if it may not, or if another one
 * traces the thread; ESRCH if it is gone. */
int ptrace_seize(pid_t thread, bool die_with_us);

enum { PTRACE_REASON_SIZE = 200 };

/* Writes why a process (0: a program that is to be started) could not be traced, as far as can be
 * known, and what to do about it, to `reason`, of PTRACE_REASON_SIZE bytes; returns it. */
const char *ptrace_explain(pid_t process, int error, char *reason);

/* Makes a running thread stop (STOP_OTHER). Returns 0 or an errno. */
int ptrace_interrupt(pid_t thread);

/* Lets a stopped thread go on untraced, with this signal, or 0. */
void ptrace_let_go(pid_t thread, int signal);

/* Lets this process trace the caller, where Yama allows only ancestors to do so. */
void ptrace_allow(pid_t tracer);

/* --- stops --- */

enum stop_kind {
    STOP_GONE,    /* the thread has ended: `status` is that of waitpid(2) */
    STOP_SECCOMP, /* the filter of kernel/seccomp.h has met a call */
    STOP_ENTRY,   /* before a call, if it was resumed with STOP_CALLS */
    STOP_EXIT,    /* after a call, likewise */
    STOP_CHILD,   /* it has made a thread or a process: `other` */
    STOP_EXEC,    /* it has executed a program; `other` is the thread that did */
    STOP_SIGNAL,  /* a signal arrives, which is to be passed on: `signal` */
    STOP_GROUP,   /* its process is stopped by a signal: ptrace_listen() */
    STOP_OTHER,   /* it has just started, goes on after a stop, or was interrupted */
};

struct ptrace_stop {
    enum stop_kind stop;
    int status, signal;
    pid_t other;
};

/* Interprets what waitpid(2) has returned for a thread. */
struct ptrace_stop ptrace_read_stop(pid_t thread, int status);

/* Until which stop a thread runs on: one of the filter, or the next entry or exit of a call. */
enum ptrace_until { UNTIL_FILTER, UNTIL_CALL };

/* Ends a stop, with a signal for the thread, or 0. Returns 0 or an errno: then the thread stands
 * still; 0 too if the thread is gone. */
int ptrace_resume(pid_t thread, enum ptrace_until until, int signal);

/* Returns the process that sent the signal of a STOP_SIGNAL; 0 if the kernel did. */
pid_t ptrace_sender(pid_t thread);

/* Ends the tracer's part in a STOP_GROUP: the process stays stopped until SIGCONT. Returns as
 * ptrace_resume() does. */
int ptrace_listen(pid_t thread);

/* --- calls --- */

/* Reads the call at which the thread has stopped (STOP_SECCOMP, STOP_ENTRY). Returns false if the
 * thread is gone, or is not at the beginning of a call. */
bool ptrace_read_call(pid_t thread, struct seccomp_call *call);

/* Returns what kind of stop a stop by UNTIL_CALL is: STOP_ENTRY or STOP_EXIT; STOP_GONE if the
 * thread is gone. At the exit `*result` is what the call returns: an errno is negative. */
enum stop_kind ptrace_read_result(pid_t thread, int64_t *result);

/* Reads `size` bytes of the memory of a stopped thread. Returns false if not all can be read. */
bool ptrace_read_memory(pid_t thread, uint64_t address, void *bytes, size_t size);

#endif
