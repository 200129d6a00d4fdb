/* The socket of a traced call, looked at through a copy of its descriptor. */
#ifndef PORTREUSE_TRACE_LOOK_H
#define PORTREUSE_TRACE_LOOK_H

#include "trace/recorded.h"
#include "trace/tracer.h"

/* Looks at the socket of a call. Where the descriptor cannot be copied (Linux before 5.6, or it is
 * refused), or there is no memory to look at it, nothing is known but, by the address, whether it
 * is a Unix socket. */
void look_at_socket(const struct traced_call *call, struct recorded_socket *socket);

/* Opens the network namespace of the socket, or if that is refused (it needs CAP_NET_ADMIN there)
 * the one that the thread is in now. Returns a descriptor that the caller closes, or -1. */
int look_at_namespace(const struct traced_call *call);

/* Writes the address of the call: an endpoint, the zone of a link-local one, or the name of a Unix
 * socket. Returns false if it is of another family, or there is none. */
bool look_at_address(const struct traced_call *call, const struct recorded_socket *socket,
                     struct recorded_call *recorded, char *zone);

#endif
