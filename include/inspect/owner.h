/* Who has a socket open: /proc/PID/fd. */
#ifndef PORTREUSE_INSPECT_OWNER_H
#define PORTREUSE_INSPECT_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { OWNER_NAME_SIZE = 17, OWNER_COMMAND_SIZE = 64, OWNER_USER_SIZE = 32, OWNER_UNIT_SIZE = 96 };

/* A process, as /proc tells it. What cannot be read is 0 or "". */
struct owner {
    pid_t pid;
    int fd;           /* its descriptor for the socket in question */
    uint64_t started; /* ticks of the clock since the machine started: the less, the older */
    uint32_t uid;
    char name[OWNER_NAME_SIZE];       /* what the kernel calls it: that of the program, cut */
    char command[OWNER_COMMAND_SIZE]; /* its command line, cut; else its name */
    char user[OWNER_USER_SIZE];       /* as /etc/passwd has it; "" for one that it has not */
    char unit[OWNER_UNIT_SIZE];       /* owner_unit() */
};

/* Reads what is to be known of process `pid`. False if it is gone. */
bool owner_read(pid_t pid, struct owner *owner);

enum { OWNERS_MOST = 8 };

/* The processes that have one socket open. */
struct owners {
    uint32_t inode; /* which socket: set by the caller */
    unsigned count; /* of the processes */
    unsigned known; /* how many of them are here, the oldest first: */
    struct owner oldest[OWNERS_MOST];
};

/* Finds the owners of `count` sockets; inode 0 has none. Returns the number of processes that could
 * not be looked into, for want of rights: root, or whoever has CAP_SYS_PTRACE, could.
 *
 * Reading a link of /proc takes some 4 us, and a host can have 100,000 of them. So all processes
 * are looked into for their lowest 128 descriptors, where listeners are; beyond these for the first
 * of the sockets alone, until it has an owner, and for those who have it by the same descriptor, as
 * who has inherited it does. */
unsigned owner_find(struct owners *sockets, size_t count);

/* Says by the text of a /proc/PID/cgroup which systemd unit or container the process runs in:
 * `nginx.service`, `docker 0123456789ab`; "" for none that is known. Returns `unit`, of
 * OWNER_UNIT_SIZE bytes. */
const char *owner_unit(const char *cgroup, char *unit);

#endif
