/* What must hold of the sockets and texts that a reader has made of foreign bytes. */
#ifndef PORTREUSE_FUZZ_SOUND_H
#define PORTREUSE_FUZZ_SOUND_H

#include <stdbool.h>
#include <string.h>

#include "kernel/sockdiag.h"
#include "kernel/unixdiag.h"
#include "require.h"

static inline void require_text(const char *text, size_t room) {
    require(memchr(text, '\0', room) != NULL);
}

/* Visits a socket. */
static inline bool sound_inet(void *context, const struct inet_socket *socket) {
    (void)context;
    require(socket->state < STATE_COUNT);
    require(socket->local.family == AF_INET || socket->local.family == AF_INET6);
    require(socket->remote.family == socket->local.family);
    return true;
}

static inline bool sound_unix(void *context, const struct unix_socket *socket) {
    (void)context;
    require(socket->state < STATE_COUNT && socket->name_size <= UNIX_NAME_SIZE);
    require(socket->name[socket->name_size] == '\0');
    return true;
}

#endif
