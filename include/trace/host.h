/* Watches the bind(), listen() and connect() calls of the whole host that fail. Needs root.
 *
 * A small program in the kernel (kernel/bpf.h) writes down each call and its socket, at the moment
 * of the call; nothing is stopped. What else is known of the process is read as soon as possible
 * afterwards. Nothing is left on the host, however the watch ends. */
#ifndef PORTREUSE_TRACE_HOST_H
#define PORTREUSE_TRACE_HOST_H

#include <signal.h>
#include <stdint.h>

#include "trace/recorded.h"
#include "trace/tracer.h"

/* What was seen of a call whose process goes on meanwhile. */
struct witness {
    uint64_t at_ns; /* when it failed, by the monotonic clock */
    pid_t parent;
    char program[OWNER_PROGRAM_SIZE], parent_program[OWNER_PROGRAM_SIZE];
    bool gone;                              /* the process had ended when it was looked for */
    struct recorded_socket socket;          /* as it was when the call failed */
    struct occupant own[WHY_CALL_OWN_MOST]; /* other sockets of the process that had the port */
    uint64_t where;                         /* the inode of the socket's network namespace */
    int network; /* the network namespace of the socket: a descriptor, or -1: not found */
};

/* Returns whether the call was so long ago that what is in the way now is another story. */
bool host_is_late(const struct witness *witness);

struct host_handlers {
    void (*call)(void *context, const struct traced_call *call); /* `witness` is set */
    void (*tick)(void *context);                                 /* at each interval; or NULL */
    uint64_t interval_ns;
    void *context;
};

struct host_watch;

enum { HOST_REASON_SIZE = 320 };

/* Begins to watch, and makes sure that the calls are seen. Returns NULL with the reason and the way
 * out in `reason`, of HOST_REASON_SIZE bytes. */
struct host_watch *host_open(char *reason);

/* Watches until a signal handler makes `*end` 1. The signals of `unblocked` are blocked by the
 * caller, and arrive while this waits alone. Returns 0 or an errno. */
int host_run(struct host_watch *watch, const struct host_handlers *handlers,
             const volatile sig_atomic_t *end, const sigset_t *unblocked);

/* Returns how many calls that failed could not be written down, as there were too many at once. */
uint64_t host_lost(const struct host_watch *watch);

void host_close(struct host_watch *watch);

#endif
