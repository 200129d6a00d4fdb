/* Sockets that are bound and idle, on kernels that do not list them (before Linux 6.8). */
#ifndef PORTREUSE_INSPECT_BOUND_H
#define PORTREUSE_INSPECT_BOUND_H

#include <stdint.h>

#include "kernel/sockdiag.h"

/* Visits the TCP sockets of this network namespace that are bound to `port`, and neither listen nor
 * are connected: among the descriptors of all processes those that `diag` does not list are
 * borrowed and asked. That needs ptrace rights, and pidfd_getfd(2) (Linux 5.6). A socket can only
 * be closed for good when the borrowed copy is closed too, some microseconds later.
 *
 * Returns how many processes could not be looked into. */
unsigned bound_find(int diag, uint16_t port, sockdiag_visit *visit, void *context);

#endif
