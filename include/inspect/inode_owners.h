/* Which process has a socket, for a great many of them: a part of all descriptors, in one table. */
#ifndef PORTREUSE_INSPECT_INODE_OWNERS_H
#define PORTREUSE_INSPECT_INODE_OWNERS_H

#include <stdint.h>
#include <sys/types.h>

/* The process that has a socket; each that was looked at stands for `weight` of its descriptors. */
struct inode_owner {
    uint32_t inode;
    pid_t pid;
    uint32_t weight;
};

struct inode_owners;

/* Looks at the descriptors of all processes, at most some hundred of each. `*unseen` is the
 * number of processes that could not be looked into. NULL if memory is out; the caller frees it. */
struct inode_owners *inode_owners_read(unsigned *unseen);
void inode_owners_free(struct inode_owners *owners);

/* The owner of a socket, or NULL if it is not among those that were looked at. */
const struct inode_owner *inode_owners_find(const struct inode_owners *owners, uint32_t inode);

#endif
