/* Which process has which socket: one look at all of /proc, which is kept, as it takes long on a
 * large host. */
#ifndef PORTREUSE_INSPECT_CENSUS_H
#define PORTREUSE_INSPECT_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/memory.h"
#include "kernel/process.h"

/* In every process the lowest descriptors are looked at, about so many: most sockets are there. */
enum { CENSUS_DESCRIPTORS = 128 };

/* Where a socket was seen. */
struct census_place {
    uint32_t inode;
    pid_t pid, thread; /* thread: whose own table has the descriptor; 0: that of the process */
    int fd;
    uint32_t next; /* the next place of the same socket, by number plus 1; 0: none */
};

struct census_process {
    pid_t pid;
    bool denied; /* it may not be looked into */
    bool more;   /* it has more than the lowest descriptors */
    bool moves;  /* a descriptor was closed during a look, and may have been another afterwards */
    unsigned
        past; /* the search that looked at the others in vain while the process slept; 0: none */
    struct process_runs runs; /* then */
};

/* Called with each place as it is found. */
typedef void census_visit(void *context, const struct census_place *place);

/* All zero at first; end with census_free(). */
struct census {
    census_visit *visit; /* set by the caller, with its context; or NULL */
    void *context;
    struct table sockets;        /* owns: the places by inode */
    struct census_place *places; /* owned */
    size_t count, room;
    struct table processes; /* owns: of struct census_process, by pid */
    uint64_t taken_ns;      /* when it was taken or renewed; 0: it was not */
    unsigned denied;        /* how many could not be looked into */
    bool quiet;             /* no process came or went that can have got a socket of this network
                               namespace: since the last look, or during it */
    int error;              /* why it is not complete, an errno; 0: it is */
};

/* Looks at all processes anew. Those that could not be looked into before are left out. Returns
 * whether there is a /proc: it shows at least this process. */
bool census_take(struct census *census);

/* Looks at the processes that have appeared since. */
void census_renew(struct census *census);

/* Adds a place where a socket was found otherwise. */
void census_add(struct census *census, const struct census_place *place);

/* Notes that looking into a process gave this errno; only the want of memory or of descriptors
 * makes the census incomplete. */
void census_note(struct census *census, int error);

/* Returns the first place of a socket, or NULL; the next one, or NULL. */
const struct census_place *census_find(const struct census *census, uint32_t inode);
const struct census_place *census_next(const struct census *census,
                                       const struct census_place *place);

/* Forgets the places; the processes that could not be looked into are remembered. */
void census_forget(struct census *census);

void census_free(struct census *census);

#endif
