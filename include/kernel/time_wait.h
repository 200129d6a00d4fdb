/* Whether connections in TIME-WAIT had TCP timestamps: without them connect() takes over none.
 * sock_diag does not tell; a small program of ours reads it in the kernel (kernel/bpf.h). */
#ifndef PORTREUSE_KERNEL_TIME_WAIT_H
#define PORTREUSE_KERNEL_TIME_WAIT_H

#include "base/endpoint.h"
#include "base/ports.h"

/* The connections between two addresses, to the port of `remote`. The address of `local` can be the
 * wildcard: any. An IPv4-mapped address is one of IPv4. */
struct time_wait_route {
    struct endpoint local, remote;
    struct port_set with, without; /* local ports of those in TIME-WAIT that had TCP timestamps, and
                                      of those that had none; filled in */
};

enum { TIME_WAIT_ROUTES = 8 };

/* Fills in these, at most TIME_WAIT_ROUTES, for this network namespace, in one pass over its
 * sockets. Returns 0 or an errno: EPERM without CAP_BPF and CAP_PERFMON in the first user
 * namespace, ENOENT if the kernel does not describe its structures, EINVAL or another before
 * Linux 5.8. */
int time_wait_stamps(struct time_wait_route *routes, unsigned count);

#endif
