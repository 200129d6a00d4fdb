/* Descriptors on their way from one process to another, in a message that was not read yet
 * (SCM_RIGHTS of unix(7)): such a socket is open in no process. */
#ifndef PORTREUSE_INSPECT_FLIGHT_H
#define PORTREUSE_INSPECT_FLIGHT_H

#include <sys/types.h>

#include "inspect/census.h"

/* Returns a process that was sent descriptors, and has not received them, by the Unix sockets of
 * this network namespace and where the census saw them; 0 if there is none. Which descriptors they
 * are cannot be seen. Linux 5.6. */
pid_t flight_receiver(const struct census *census);

#endif
