/* The processes that have a socket open. */
#ifndef PORTREUSE_INSPECT_OWNERS_H
#define PORTREUSE_INSPECT_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/memory.h"
#include "inspect/owner.h"
#include "model/socket.h"

/* How far the owners of a socket were searched. Only after a complete search does 0 owners mean
 * that no process has it; otherwise this says why there may be one, or one more. */
enum owners_search {
    OWNERS_NOT_SEARCHED, /* not at all, or something could not be read: see `error` */
    OWNERS_NO_PROC,      /* there is no /proc */
    OWNERS_HIDDEN,       /* /proc hides the processes of other users (hidepid, ProtectProc) */
    OWNERS_DENIED,       /* processes of other users could not be looked into */
    OWNERS_OUTSIDE,      /* processes outside of this pid namespace (container) cannot be seen */
    OWNERS_IN_FLIGHT, /* a process was sent descriptors, and has not received them (SCM_RIGHTS) */
    OWNERS_CHANGED,   /* processes came and went, or moved descriptors, all the time */
    OWNERS_SEARCHED,  /* complete */
};

enum { OWNERS_MOST = 8, OWNERS_PIDS = 64 };

/* The processes that have one socket open. */
struct owners {
    uint32_t inode; /* which socket: set by the caller */
    bool others;    /* another user made it: set by the caller, if that is known */
    bool mine;      /* the asker's own user made it: set by the caller, if that is known */
    enum owners_search search;
    int error;      /* OWNERS_NOT_SEARCHED: the errno that kept the search from being complete */
    unsigned count; /* how many processes */
    unsigned known; /* how many of them are listed here, the oldest first: */
    struct owner oldest[OWNERS_MOST];
    struct owner own;   /* OWNERS_DENIED: the newest process of the asker's own user that may not
                           be looked into either, in this network namespace; pid 0: none */
    unsigned own_count; /* how many of these there are */
    pid_t receiver;     /* OWNERS_IN_FLIGHT: the process that was sent descriptors */
    pid_t pids[OWNERS_PIDS]; /* of all, as far as there is room, in no order */
    int fds[OWNERS_PIDS];    /* the descriptor of each */
};

/* Finds the owners of `count` sockets. A socket with inode 0 has none. Returns how many processes
 * could not be looked into: root, or whoever has CAP_SYS_PTRACE, could; 0 if none of them is in the
 * network namespace of this one, and 1 if it cannot search at all.
 *
 * In every process the lowest 128 descriptors are searched. While a socket has no owner after that,
 * the other descriptors are searched too, and the sockets registered with io_urings, and the
 * threads that have descriptors of their own. If a process has the socket beyond the lowest, the
 * same descriptor of all other processes is looked at, because a child inherits the socket under
 * that number; a process that has it under another number is not counted.
 *
 * A socket can be handed over from one process to another while they are read one after the other:
 * one without an owner is searched for several times. Sockets of others alone are not, where a
 * process of this network namespace may not be looked into: that most likely has them.
 *
 * What was seen serves later calls, also those of child processes: that a socket is still where it
 * was is looked at again, and processes that are new are looked at, but an old process can have got
 * the socket meanwhile. So a new look at a host begins with owners_forget(). */
unsigned owners_find(struct owners *sockets, size_t count);

/* Returns whether the socket was made by another user than the one who asks, for certain. */
bool owners_of_others(const struct inet_socket *socket, uint32_t asker);

/* Returns what owners_find() is to be asked about this socket. */
struct owners owners_wanted(const struct inet_socket *socket, uint32_t asker);

/* Returns whether the process is still the same, runs the same program, and has the socket: at the
 * descriptor where it had it, or elsewhere. With descriptor -1 it need not have it. */
bool owners_has(const struct owner *owner, uint32_t inode);

/* Looks for all of these sockets, so that owners_find() knows where they are, whichever of them it
 * is asked about, a few at a time. `others`: other users made them all. Without memory it does
 * nothing. */
void owners_locate(const uint32_t *inodes, size_t count, bool others);

/* One of the processes that have a socket, and its descriptor there. */
struct owners_place {
    pid_t pid;
    int fd;
};

/* Writes the processes that owners_find() has seen with the socket, at most `most`, to `places`, in
 * no order: also those for which struct owners has no room. Returns how many. */
size_t owners_places(uint32_t inode, struct owners_place *places, size_t most);

/* Forgets what was seen. */
void owners_forget(void);

/* Looks at all processes now, to spare the child processes that search for owners one after the
 * other from doing so. */
void owners_look_ahead(void);

/* Returns the reason in a few words, static: "processes of other users cannot be searched". */
const char *owners_search_text(const struct owners *owners);

/* Returns whether the asker's own user made the socket, whose process was not found, and has
 * processes that may not be looked into: most likely one of them has it. */
bool owners_are_own(const struct owners *owners);

#endif
