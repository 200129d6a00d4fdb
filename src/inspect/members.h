/* The processes that have a socket, or several sockets of one server, and what each of them is to
 * it. */
#ifndef PORTREUSE_INSPECT_MEMBERS_H
#define PORTREUSE_INSPECT_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

#include "inspect/owners.h"

struct members {
    struct owner *list; /* owned; the oldest first */
    size_t count;
    size_t unlisted; /* processes that are known to be there, and not listed */
};

/* Reads the owners of `count` sockets, each process once, without those that have handed their
 * socket over meanwhile. End with free(list). */
struct members members_read(const struct owners *const *sockets, size_t count);

/* Returns the member with this process id, or NULL. */
const struct owner *members_with(const struct members *members, pid_t pid);

/* Returns whether the process cannot listen, so that it inherited the socket: it is a program such
 * as sleep(1), or a shell. */
bool members_cannot_listen(const struct owner *owner);

/* Returns whether the process only inherited the socket of `main`: it runs another program, has the
 * socket at the same descriptor, which passes through execve(2), and does nothing with it. */
bool members_inherited(const struct owner *owner, const struct owner *main);

#endif
