/* The sockets of a network namespace, whichever way the kernel lists them: by sock_diag(7), or
 * where it lacks that for a protocol, by /proc/net (kernel/procnet.h says what is missing then). */
#ifndef PORTREUSE_KERNEL_SOCKETS_H
#define PORTREUSE_KERNEL_SOCKETS_H

#include <stdbool.h>

#include "kernel/sockdiag.h"
#include "kernel/unixdiag.h"

/* The answer to a query. */
struct sockets_list {
    struct diag_query query;
    struct inet_socket *sockets; /* owned */
    size_t count, room;
    bool from_proc;
    uint64_t begun_ns, ended_ns; /* when it was listed */
};

enum { SOCKETS_LISTS = 8 };

/* What was listed in one namespace, so that the kernel need not walk through all of its sockets
 * again for the same question. All zero at first; end with sockets_forget(). */
struct sockets_memory {
    struct sockets_list lists[SOCKETS_LISTS];
    unsigned count;
};

/* Where sockets are listed. */
struct sockets {
    struct netns ns;
    int diag;                      /* a sock_diag socket of that namespace, or -1 */
    int diag_error;                /* why it could not be opened, or 0 */
    bool from_proc;                /* /proc/net was read at least once, instead */
    struct sockets_memory *memory; /* borrowed: answers sockets_dump(), and keeps its answers; NULL:
                                      the kernel is always asked */
    bool fresh;                    /* only what is not older than the time that it took to list it,
                                      by which a list is out of date anyway: for whoever asks
                                      whether something is still there */
};

/* End with sockets_close(). A failure to open shows when something is listed. */
struct sockets sockets_open(struct netns ns);
void sockets_close(struct sockets *sockets);

/* Forgets what was listed. */
void sockets_forget(struct sockets_memory *memory);

/* Visit as sockdiag_dump() and unixdiag_dump() do. If neither way works, the errno is that of
 * sock_diag. A visitor can see a socket twice if sock_diag fails on the way. */
int sockets_dump(struct sockets *sockets, const struct diag_query *query, sockdiag_visit *visit,
                 void *context);
int sockets_dump_unix(struct sockets *sockets, unixdiag_visit *visit, void *context);

/* What to tell somebody when /proc/net was read: which module of the kernel lists all sockets of
 * the protocol. Static. */
const char *sockets_proc_note(enum protocol protocol);

#endif
