/* A loop over what waitpid(2) tells. Each thread that is watched has a row, from the moment that it
 * is first heard of to its end; a call under way is kept in the row of its thread.
 *
 * With the filter a thread stops at a watched call (STOP_SECCOMP). It is then resumed up to the end
 * of that call (UNTIL_CALL, STOP_EXIT), and after that up to the next watched one. Without the
 * filter it stops before and after each call. */
#include "trace/tracer.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errnames.h"
#include "kernel/process.h"
#include "kernel/ptrace.h"

/* What a call returns that a signal has interrupted: the kernel makes EINTR of it, or makes the
 * call again (include/linux/errno.h). */
enum { ERESTART_FIRST = 512, ERESTART_LAST = 516 };

struct traced_thread {
    pid_t thread, process;   /* process 0: not known yet */
    bool stopped;            /* its process is stopped by a signal */
    struct traced_call call; /* under way, or SOCKET_CALL_NONE */
};

/* --- the threads --- */

static struct traced_thread *find(const struct tracer *tracer, pid_t thread) {
    for (size_t i = 0; i < tracer->count; i++)
        if (tracer->threads[i].thread == thread)
            return &tracer->threads[i];
    return NULL;
}

/* Returns the row of the thread, which is made if there is none; NULL without memory. */
static struct traced_thread *find_or_add(struct tracer *tracer, pid_t thread) {
    struct traced_thread *found = find(tracer, thread);
    if (found != NULL)
        return found;
    if (tracer->count == tracer->room) {
        size_t room = tracer->room == 0 ? 16 : 2 * tracer->room;
        struct traced_thread *grown = realloc(tracer->threads, room * sizeof *grown);
        if (grown == NULL)
            return NULL;
        tracer->threads = grown;
        tracer->room = room;
    }
    found = &tracer->threads[tracer->count++];
    *found = (struct traced_thread){.thread = thread};
    return found;
}

static void drop(struct tracer *tracer, pid_t thread) {
    struct traced_thread *found = find(tracer, thread);
    if (found != NULL)
        *found = tracer->threads[--tracer->count];
}

/* Returns the process that a thread belongs to; the thread itself if that cannot be read. */
static pid_t process_of(struct traced_thread *row) {
    char status[512];
    if (row->process != 0)
        return row->process;
    process_read(row->thread, "status", status, sizeof status);
    row->process = (pid_t)process_status_number(status, "Tgid");
    return row->process == 0 ? row->thread : row->process;
}

/* The child that a thread has made is watched from now on, although it has not told of itself: its
 * parent can be gone by then. It has told already if it is not ours any more. */
static void expect(struct tracer *tracer, pid_t child) {
    if (tracer->no_filter && child > 0 && process_status(child, "TracerPid") == getpid())
        find_or_add(tracer, child);
}

size_t tracer_count(const struct tracer *tracer) {
    return tracer->count;
}

void tracer_free(struct tracer *tracer) {
    free(tracer->threads);
    tracer->threads = NULL;
    tracer->count = tracer->room = 0;
}

/* --- calls --- */

/* Reads word `index` of the arguments that socketcall(2) has in memory; the words of s390 and the
 * like have their first byte at the top. */
static uint64_t word_at(pid_t thread, uint64_t address, unsigned size, unsigned index) {
    uint32_t small = 0;
    uint64_t large = 0;
    address += (uint64_t)index * size;
    if (size == sizeof small)
        return ptrace_read_memory(thread, address, &small, sizeof small) ? small : 0;
    return ptrace_read_memory(thread, address, &large, sizeof large) ? large : 0;
}

/* Keeps what a watched call was given, until it returns. Returns whether it is one. */
static bool begin_call(const struct tracer *tracer, struct traced_thread *row) {
    struct seccomp_call made;
    struct traced_call *call = &row->call;
    uint64_t arguments[6];
    unsigned word_size;
    call->call = SOCKET_CALL_NONE;
    if (!ptrace_read_call(row->thread, &made))
        return false;
    enum socket_call which = seccomp_which(&made, &word_size);
    if (which == SOCKET_CALL_NONE)
        return false;
    bool sends = which == SOCKET_CALL_SENDTO;
    for (unsigned i = 0; i < (sends ? 6 : 3); i++)
        arguments[i] = word_size == 0 ? made.arguments[i]
                                      : word_at(row->thread, made.arguments[1], word_size, i);
    *call = (struct traced_call){
        .call = which, .thread = row->thread, .fd = (int)(uint32_t)arguments[0]};
    uint64_t place = arguments[sends ? 4 : 1];
    size_t size = (uint32_t)arguments[sends ? 5 : 2];
    if (sends && (!tracer->sendto || place == 0)) {
        call->call = SOCKET_CALL_NONE;
        return false;
    }
    if (which != SOCKET_CALL_LISTEN && which != SOCKET_CALL_RING && size > 0 &&
        size <= sizeof call->address &&
        ptrace_read_memory(row->thread, place, &call->address, size))
        call->address_size = (socklen_t)size;
    return true;
}

/* Tells the result of the call under way. One that a signal has interrupted is no result. */
static void end_call(const struct tracer *tracer, struct traced_thread *row, int64_t result) {
    struct traced_call call = row->call;
    bool interrupted = result <= -ERESTART_FIRST && result >= -ERESTART_LAST;
    row->call.call = SOCKET_CALL_NONE;
    if (call.call == SOCKET_CALL_NONE || interrupted || tracer->handlers.call == NULL)
        return;
    call.error = result < 0 ? (int)-result : 0;
    call.process = process_of(row);
    tracer->handlers.call(tracer->handlers.context, &call);
}

/* --- stops --- */

static enum ptrace_until usual(const struct tracer *tracer) {
    return tracer->no_filter ? UNTIL_CALL : UNTIL_FILTER;
}

static int go_on(const struct tracer *tracer, pid_t thread, int signal) {
    return ptrace_resume(thread, usual(tracer), signal);
}

/* Before or after a call. A kernel that cannot say which is too old for us. */
static int at_call(const struct tracer *tracer, struct traced_thread *row) {
    int64_t result = 0;
    switch (ptrace_read_result(row->thread, &result)) {
    case STOP_ENTRY:
        begin_call(tracer, row);
        break;
    case STOP_EXIT:
        end_call(tracer, row, result);
        break;
    default:
        break;
    }
    return go_on(tracer, row->thread, 0);
}

/* Another thread than the first may have executed the program: it has the number of the first one
 * now, all others are gone, and only those that had ended before were told of. */
static void at_exec(struct tracer *tracer, pid_t thread, pid_t former) {
    if (former != 0 && former != thread)
        drop(tracer, former);
    struct traced_thread *row = find_or_add(tracer, thread);
    if (row != NULL) {
        row->call.call = SOCKET_CALL_NONE;
        row->process = thread;
    }
    if (tracer->handlers.executed != NULL)
        tracer->handlers.executed(tracer->handlers.context, thread);
}

static void mark_stopped(const struct tracer *tracer, struct traced_thread *row, bool stopped) {
    bool changed = row->stopped != stopped;
    row->stopped = stopped;
    if (changed && process_of(row) == row->thread && tracer->signals.stopped != NULL)
        tracer->signals.stopped(tracer->signals.context, row->thread, stopped);
}

static int at_signal(const struct tracer *tracer, struct traced_thread *row, int signal) {
    if (tracer->signals.delivered != NULL)
        tracer->signals.delivered(tracer->signals.context, process_of(row), signal,
                                  ptrace_sender(row->thread));
    return go_on(tracer, row->thread, signal);
}

/* The first thread of a process ends last. */
static void at_end(struct tracer *tracer, const struct traced_thread *row, int status) {
    pid_t thread = row->thread;
    bool is_process = row->process == 0 || row->process == thread;
    drop(tracer, thread);
    if (is_process && tracer->handlers.exited != NULL)
        tracer->handlers.exited(tracer->handlers.context, thread, status);
}

/* Returns 0 or an errno. */
static int handle(struct tracer *tracer, pid_t thread, int status) {
    struct ptrace_stop stop = ptrace_read_stop(thread, status);
    struct traced_thread *row = find_or_add(tracer, thread);
    if (row == NULL)
        return ENOMEM;
    if (stop.stop != STOP_GONE && stop.stop != STOP_GROUP)
        mark_stopped(tracer, row, false);
    switch (stop.stop) {
    case STOP_GONE:
        at_end(tracer, row, status);
        return 0;
    case STOP_SECCOMP:
        return ptrace_resume(thread, begin_call(tracer, row) ? UNTIL_CALL : usual(tracer), 0);
    case STOP_ENTRY:
    case STOP_EXIT:
        return at_call(tracer, row);
    case STOP_EXEC:
        at_exec(tracer, thread, stop.other);
        break;
    case STOP_SIGNAL:
        return at_signal(tracer, row, stop.signal);
    case STOP_GROUP:
        mark_stopped(tracer, row, true);
        return ptrace_listen(thread);
    case STOP_CHILD:
        expect(tracer, stop.other);
        break;
    case STOP_OTHER:
        break;
    }
    return go_on(tracer, thread, 0);
}

/* --- letting go --- */

/* Stops each thread for a moment, and lets it go with the signal that is to be delivered there. A
 * process that has just been made stops by itself. One can be a child of ours, whose end is not
 * waited for. */
static void let_go(struct tracer *tracer) {
    int status;
    for (size_t i = tracer->count; i-- > 0;)
        if (ptrace_interrupt(tracer->threads[i].thread) == ESRCH)
            drop(tracer, tracer->threads[i].thread);
    while (tracer->count > 0) {
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0 && errno == EINTR)
            continue;
        if (thread < 0)
            break;
        struct ptrace_stop stop = ptrace_read_stop(thread, status);
        if (stop.stop == STOP_CHILD)
            expect(tracer, stop.other);
        if (stop.stop != STOP_GONE)
            ptrace_let_go(thread, stop.stop == STOP_SIGNAL ? stop.signal : 0);
        drop(tracer, thread);
    }
    tracer->count = 0;
}

static bool is_to_end(const struct tracer *tracer) {
    return tracer->end != NULL && *tracer->end != 0;
}

/* A process that runs is watched by one that can have other children. */
static bool has_watched_all(const struct tracer *tracer) {
    return tracer->no_filter && tracer->count == 0;
}

int tracer_run(struct tracer *tracer) {
    int error = 0, status;
    while (error == 0 && !is_to_end(tracer) && !has_watched_all(tracer)) {
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread > 0)
            error = handle(tracer, thread, status);
        else if (errno == ECHILD)
            return 0;
        else if (errno != EINTR)
            return errno;
        else if (tracer->handlers.woken != NULL)
            tracer->handlers.woken(tracer->handlers.context);
    }
    if (is_to_end(tracer) && tracer->no_filter)
        let_go(tracer);
    return error;
}

/* --- the beginning --- */

int tracer_take_program(struct tracer *tracer, pid_t process) {
    int error = ptrace_seize(process, true);
    if (error == 0 && find_or_add(tracer, process) == NULL)
        error = ENOMEM;
    return error;
}

/* --- a running process --- */

struct attachment {
    struct tracer *tracer;
    bool any;  /* this pass has found a thread that is new */
    int error; /* of the first thread that could not be taken */
};

/* Takes a thread, if it is new. One that has ended meanwhile is no error. */
static void take_thread(struct attachment *attachment, pid_t thread) {
    if (find(attachment->tracer, thread) != NULL)
        return;
    int error = ptrace_seize(thread, false);
    if (error == 0 && find_or_add(attachment->tracer, thread) == NULL)
        error = ENOMEM;
    if (error == 0)
        error = ptrace_interrupt(thread);
    if (error == 0)
        attachment->any = true;
    else if (error != ESRCH && attachment->error == 0)
        attachment->error = error;
}

/* Why the threads of a process cannot be listed: /proc can hide one that is there. */
static int why_unlisted(pid_t process, int error) {
    if (errno_says_nothing(error))
        return error;
    return kill(process, 0) == 0 || errno == EPERM ? EPERM : ESRCH;
}

static void take_threads(struct attachment *attachment, pid_t process) {
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *directory = opendir(path);
    if (directory == NULL) {
        attachment->error = why_unlisted(process, errno);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (entry->d_name[0] != '.')
            take_thread(attachment, (pid_t)strtol(entry->d_name, NULL, 10));
    closedir(directory);
}

/* Takes a process whose parent is watched. */
static bool take_child(void *context, pid_t process) {
    struct attachment *attachment = context;
    struct process_stat stat;
    if (process_stat(process, &stat) && find(attachment->tracer, stat.parent) != NULL)
        take_threads(attachment, process);
    return true;
}

/* Until a pass finds nothing new: a thread that is not watched yet can make others meanwhile. */
int tracer_take_running(struct tracer *tracer, pid_t process) {
    struct attachment attachment = {.tracer = tracer, .any = true};
    take_threads(&attachment, process);
    if (tracer->count == 0)
        return attachment.error != 0 ? attachment.error : ESRCH;
    while (attachment.any) {
        attachment.any = false;
        take_threads(&attachment, process);
        process_each(take_child, &attachment);
    }
    return 0;
}
