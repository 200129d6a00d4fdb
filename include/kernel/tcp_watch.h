/* Which process opens a connection, and which closes it first: for root, from the kernel's
 * tracepoint sock:inet_sock_set_state (Linux 4.16), which perf_event_open(2) reads.
 *
 * connect() sets SYN-SENT, and close() or shutdown(2) FIN-WAIT-1 if the peer has not closed yet,
 * in the process that made the call (tcp_v4_connect(), tcp_close_state()). So this misses nothing,
 * however short a connection is, unless the buffers overflow. It ends with the process that
 * watches, whatever ends that. Events come from all network namespaces of the host. */
#ifndef PORTREUSE_KERNEL_TCP_WATCH_H
#define PORTREUSE_KERNEL_TCP_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/endpoint.h"

enum tcp_event_kind {
    TCP_OPENED,       /* SYN-SENT: the local port is not known yet */
    TCP_CLOSED_FIRST, /* FIN-WAIT-1 */
    TCP_FORKED,       /* a process has begun, and `other` is its parent */
    TCP_NAMED         /* a process has executed a program, or changed its name: `name` */
};

struct tcp_event {
    enum tcp_event_kind kind;
    pid_t pid;        /* 0: it is in another pid namespace */
    pid_t other;      /* of TCP_FORKED */
    char name[16];    /* of TCP_NAMED, with a NUL */
    uint64_t time_ns; /* units_now_ns(); of connections */
    uint64_t cgroup;  /* of the process (Linux 5.7), or 0; of connections */
    struct endpoint local, remote;
};

/* Where the fields of the tracepoint are, by its `format` file. */
struct tcp_event_fields {
    unsigned newstate, sport, dport, saddr, daddr; /* the addresses are IPv6 ones */
};

/* Reads such a file. Returns false if a field is missing. */
bool tcp_event_format(const char *text, struct tcp_event_fields *fields);

struct tcp_watch {
    struct tcp_event_fields fields;
    bool with_cgroup;
    unsigned count;
    struct tcp_ring *rings; /* owned: one for each processor that is online */
    size_t ring_size;       /* of the data, a power of two */
};

/* Begins to watch connections to this remote port. Returns 0 or an errno: EPERM, EACCES without the
 * right, ENOENT if the kernel has no such tracepoint. End with tcp_watch_close(), also then. */
int tcp_watch_open(struct tcp_watch *watch, uint16_t remote_port);
void tcp_watch_close(struct tcp_watch *watch);

typedef void tcp_watch_visit(void *context, const struct tcp_event *event);

/* Visits what has happened since the last call, processor by processor. */
void tcp_watch_read(struct tcp_watch *watch, tcp_watch_visit *visit, void *context);

/* Waits until something has happened, or the time is over. */
void tcp_watch_wait(const struct tcp_watch *watch, uint64_t end_ns);

/* --- one record; pure --- */

/* Reads a record of perf_event_open(2) of `size` bytes. Returns false if it tells nothing. */
bool tcp_event_read(const struct tcp_watch *watch, const void *record, size_t size,
                    struct tcp_event *event);

#endif
