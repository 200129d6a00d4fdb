/* Which TCP and UDP sockets end: the kernel tells everybody in their namespace who asks, without
 * any right, as it frees the memory of a socket (sock_diag_broadcast_destroy() in
 * net/core/sock_diag.c, Linux 4.2). So nothing is missed, however short a socket's life is; but a
 * thread of the kernel sends the message, some 0.1 ms later where it has a processor. One in
 * TIME-WAIT is no socket in this sense. */
#ifndef PORTREUSE_KERNEL_ENDINGS_H
#define PORTREUSE_KERNEL_ENDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/netns.h"
#include "kernel/sockdiag.h"

/* Begins to watch the sockets that are bound to this port. Returns a descriptor that the caller
 * closes, or -1 with errno set. */
int endings_open(struct netns ns, enum protocol protocol, uint16_t port);

/* Visits what has ended since the last call: the endpoints, the device and the cookie are told, but
 * not the state or the inode that it had. Does not wait. Returns 0 or an errno: ENOBUFS if more has
 * ended than the kernel keeps. */
int endings_read(int watch, enum protocol protocol, sockdiag_visit *visit, void *context);

#endif
