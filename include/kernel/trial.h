/* What bind() would answer, found out by trying. */
#ifndef PORTREUSE_KERNEL_TRIAL_H
#define PORTREUSE_KERNEL_TRIAL_H

#include <stdbool.h>

#include "base/endpoint.h"

/* A bind() to try. */
struct trial {
    struct endpoint local;
    bool reuseaddr, reuseport, v6only;
};

/* Binds a socket of its own and closes it at once, and never listens: no connection and no other
 * socket's data can come to it. Returns 0, or the errno of the call `*call` ("socket",
 * "setsockopt", "bind"; static).
 *
 * What it does to the host: a bind() that works has the port for some microseconds, in which
 * another program's can fail. The kernel also notes for as long as the port stays in use that
 * somebody bound it without an option (inet_csk_update_fastreuse() in net/ipv4/
 * inet_connection_sock.c): that decides how soon it gives an answer, and whether connect() chooses
 * a port that outgoing connections alone have. Linux 6.18 was seen to choose it again after a
 * trial; an older one may leave it alone until they are closed. A bind() that is refused changes
 * nothing. */
int trial_bind(const struct trial *trial, const char **call);

#endif
