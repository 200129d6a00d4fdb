/* The processes that have a socket open. */
#ifndef PORTREUSE_INSPECT_OWNERS_H
#define PORTREUSE_INSPECT_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/memory.h"

/* With the NUL. A unit of systemd has at most 255 bytes, and the name of a user 32. */
enum { OWNER_NAME_SIZE = 17, OWNER_COMMAND_SIZE = 64, OWNER_USER_SIZE = 64, OWNER_UNIT_SIZE = 256 };

/* A process, as /proc shows it. What cannot be read is 0 or "". */
struct owner {
    pid_t pid;
    int fd;           /* its descriptor for the socket in question */
    uint64_t started; /* in clock ticks since boot: the lower, the older the process */
    uint32_t uid;
    char name[OWNER_NAME_SIZE];       /* the kernel's name for it: that of the program, shortened */
    char command[OWNER_COMMAND_SIZE]; /* the words of its command line that fit; else its name */
    char user[OWNER_USER_SIZE];       /* from /etc/passwd; "" if it is not there */
    char unit[OWNER_UNIT_SIZE];       /* owner_unit() */
};

/* Reads what is known of process `pid`. Returns false if it is gone. */
bool owner_read(pid_t pid, struct owner *owner);

/* Returns the systemd unit or the container that a process runs in, given its /proc/PID/cgroup:
 * `nginx.service`, `docker 0123456789ab`, or "" if none is known. It is written to `unit`, of
 * OWNER_UNIT_SIZE bytes. */
const char *owner_unit(const char *cgroup, char *unit);

/* --- the owners of some sockets --- */

/* How far the owners of a socket were searched. */
enum owners_search {
    OWNERS_NOT_SEARCHED,     /* not at all: 0 owners means nothing */
    OWNERS_SEARCHED_IN_PART, /* some processes could not be looked into: there may be more */
    OWNERS_SEARCHED,         /* 0 owners: no process has it */
};

enum { OWNERS_MOST = 8 };

/* The processes that have one socket open. */
struct owners {
    uint32_t inode; /* which socket: set by the caller */
    enum owners_search search;
    unsigned count; /* how many processes */
    unsigned known; /* how many of them are listed here, the oldest first: */
    struct owner oldest[OWNERS_MOST];
};

/* Finds the owners of `count` sockets. A socket with inode 0 has none. Returns how many processes
 * could not be searched; root, or a process with CAP_SYS_PTRACE, can search all. If no search is
 * possible, every `search` is OWNERS_NOT_SEARCHED and 1 is returned.
 *
 * In every process the lowest 128 descriptors are searched. While a socket has no owner after that,
 * the other descriptors are searched too. If a process has the socket there, the same descriptor of
 * all other processes is looked at, because a child inherits the socket under that number; a
 * process that has it under another number is not counted. */
unsigned owners_find(struct owners *sockets, size_t count);

/* --- the owners of very many sockets --- */

/* A socket and a process that has it. Only some of its descriptors were looked at: each stands for
 * `weight` of them. */
struct owners_sample {
    uint32_t inode;
    pid_t pid;
    uint32_t weight;
};

/* Looks at some hundred descriptors of every process and makes a table of struct owners_sample by
 * inode, which the caller frees with table_free(). Returns how many processes could not be looked
 * into. */
unsigned owners_sample(struct table *sample);

#endif
