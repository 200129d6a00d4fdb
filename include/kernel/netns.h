/* A network namespace of one's own. */
#ifndef PORTREUSE_KERNEL_NETNS_H
#define PORTREUSE_KERNEL_NETNS_H

#include <stdbool.h>
#include <stddef.h>

enum netns_kind {
    NETNS_REFUSED,   /* this process may not have one */
    NETNS_AS_ROOT,   /* a network namespace */
    NETNS_WITH_USER, /* a user namespace, and a network namespace in it */
};

enum { NETNS_REASON_SIZE = 320 };

/* Moves the calling process, which must have one thread, into a new network namespace with `lo` up.
 * Without CAP_SYS_ADMIN, which makes one, or CAP_NET_ADMIN, which rules in it, it takes a user
 * namespace first, in which the present user is user 0. (A container that is given the one has not
 * got the other.) What the process is left with where the answer is NETNS_REFUSED is undefined: the
 * caller should end it. `reason` (NETNS_REASON_SIZE bytes) then says which call was refused, why as
 * far as can be known, and what to do about it. */
enum netns_kind netns_enter(char *reason);

/* Whether IPv6 works in the present namespace: a socket can be bound to [::1]. */
bool netns_has_ipv6(void);

/* Whether a process here can take another user id than its own, tried in a child process. */
bool netns_has_uids(void);

#endif
