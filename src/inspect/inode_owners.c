#include "inspect/inode_owners.h"

#include <errno.h>
#include <stdlib.h>

#include "kernel/process.h"

enum { LOOKED_AT = 512, SLOTS_FIRST = 1024 };

struct inode_owners {
    struct inode_owner *slots; /* owned: a hash table, inode 0 where it is empty */
    size_t size, used;
    unsigned unseen;
    pid_t pid; /* that is looked into */
    uint32_t weight;
};

static struct inode_owner *slot_of(struct inode_owner *slots, size_t size, uint32_t inode) {
    size_t at = (size_t)inode * 2654435761U & (size - 1); /* Knuth's multiplicative hash */
    while (slots[at].inode != 0 && slots[at].inode != inode)
        at = (at + 1) & (size - 1);
    return &slots[at];
}

static bool grow(struct inode_owners *owners) {
    size_t size = owners->size == 0 ? SLOTS_FIRST : 2 * owners->size;
    struct inode_owner *slots = calloc(size, sizeof *slots);
    if (slots == NULL)
        return false;
    for (size_t i = 0; i < owners->size; i++)
        if (owners->slots[i].inode != 0)
            *slot_of(slots, size, owners->slots[i].inode) = owners->slots[i];
    free(owners->slots);
    owners->slots = slots;
    owners->size = size;
    return true;
}

/* Of several processes that have it, the first counts. */
static bool add_socket(void *context, uint32_t inode, int fd) {
    struct inode_owners *owners = context;
    (void)fd;
    if (2 * owners->used >= owners->size && !grow(owners))
        return false;
    struct inode_owner *slot = slot_of(owners->slots, owners->size, inode);
    if (slot->inode == 0) {
        *slot = (struct inode_owner){inode, owners->pid, owners->weight};
        owners->used++;
    }
    return true;
}

static bool add_process(void *context, pid_t pid) {
    struct inode_owners *owners = context;
    owners->pid = pid;
    owners->weight = process_descriptor_count(pid) / LOOKED_AT + 1;
    int error = process_sockets(pid, LOOKED_AT, add_socket, owners);
    owners->unseen += error == EACCES || error == EPERM;
    return true;
}

struct inode_owners *inode_owners_read(unsigned *unseen) {
    struct inode_owners *owners = calloc(1, sizeof *owners);
    if (owners == NULL)
        return NULL;
    process_each(add_process, owners);
    *unseen = owners->unseen;
    return owners;
}

void inode_owners_free(struct inode_owners *owners) {
    if (owners == NULL)
        return;
    free(owners->slots);
    free(owners);
}

const struct inode_owner *inode_owners_find(const struct inode_owners *owners, uint32_t inode) {
    if (owners->size == 0)
        return NULL;
    const struct inode_owner *slot = slot_of(owners->slots, owners->size, inode);
    return slot->inode == 0 ? NULL : slot;
}
