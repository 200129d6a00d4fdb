/* Network namespaces: a new one for this process, and acting in another one. */
#ifndef PORTREUSE_KERNEL_NETNS_H
#define PORTREUSE_KERNEL_NETNS_H

#include <stdbool.h>
#include <stddef.h>

/* --- acting in a namespace --- */

/* A network namespace, identified by an open file (/proc/PID/ns/net, /run/netns/NAME). The
 * descriptor belongs to whoever opened it. */
struct netns {
    int fd; /* -1: the namespace that the caller is in, which costs nothing */
};

#define NETNS_HERE ((struct netns){.fd = -1})

/* socket(2), with SOCK_CLOEXEC added, and open(2), with O_CLOEXEC added, done in the namespace by
 * the calling thread, which is back in its own afterwards. A socket stays in the namespace that it
 * was made in, and a file of /proc/sys/net in the one that it was opened in. Return a descriptor,
 * or -1 with errno set: EPERM without CAP_SYS_ADMIN in both namespaces' user namespaces. */
int netns_socket(struct netns ns, int family, int type, int protocol);
int netns_open(struct netns ns, const char *path, int flags);

/* Brings a network device up. Returns 0 or an errno: ENODEV if there is none. */
int netns_raise(struct netns ns, const char *device);

/* Tries whether IPv6 works in the namespace: whether a socket can be bound to [::1]. Returns 0 or
 * an errno; one that says nothing (base/errnames.h) leaves it open. _has_ipv6 takes that for yes:
 * whoever goes on with IPv6 will be told. */
int netns_try_ipv6(struct netns ns);
bool netns_has_ipv6(struct netns ns);

/* --- a new namespace --- */

enum netns_kind {
    NETNS_REFUSED,   /* this process may not create one */
    NETNS_FAILED,    /* for want of memory or the like: that says nothing about other times */
    NETNS_AS_ROOT,   /* a network namespace */
    NETNS_WITH_USER, /* a user namespace, and a network namespace in it */
};

enum { NETNS_REASON_SIZE = 320 };

/* Moves the calling process, which must have one thread, into a new network namespace with `lo` up.
 * Without CAP_SYS_ADMIN, which is needed to make one, or CAP_NET_ADMIN, which is needed to set it
 * up, it first makes a user namespace, in which the current user is user 0. (A container may have
 * one of the two capabilities and lack the other.) After NETNS_REFUSED and NETNS_FAILED the state
 * of the process is undefined and the caller should end it. `reason` (NETNS_REASON_SIZE bytes) then
 * says which call was refused, why as far as can be known, and what to do about it. */
enum netns_kind netns_enter(char *reason);

/* Returns whether there is no new namespace: NETNS_REFUSED or NETNS_FAILED. */
bool netns_is_none(enum netns_kind kind);

/* The same for a process that executes another program then: the user keeps the user ID. */
enum netns_kind netns_enter_as_self(char *reason);

/* Moves the calling process, which must have one thread, into a further new network namespace with
 * `lo` up; the user namespace stays. netns_keep() opens the one that the process is in,
 * netns_join() moves the process into another one. The caller closes the descriptors. Return 0 or
 * an errno. */
int netns_make(struct netns *made);
int netns_keep(struct netns *here);
int netns_join(struct netns ns);

#endif
