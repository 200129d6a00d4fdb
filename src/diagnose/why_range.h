/* Who has the ports of a range in which the kernel found none: the processes with the most of them.
 */
#ifndef PORTREUSE_DIAGNOSE_WHY_RANGE_H
#define PORTREUSE_DIAGNOSE_WHY_RANGE_H

#include <stdint.h>

#include "inspect/evidence.h"
#include "inspect/examine.h"

enum { WHY_HOLDERS = 3 };

/* A process that has some of the sockets in the way. */
struct why_holder {
    struct owner owner;
    uint32_t sockets; /* how many of those that stand for the cause; an estimate, if the process has
                         very many descriptors */
};

struct why_range {
    uint32_t sockets;                       /* that stand for the cause */
    uint32_t ownerless;                     /* of these: in no process, as in TIME-WAIT */
    struct why_holder holders[WHY_HOLDERS]; /* the one with the most first */
    unsigned holder_count;                  /* how many are listed */
    uint32_t process_count;                 /* how many there are */
};

/* Finds them among the sockets in the way, which are all in `candidates`, and makes a socket of the
 * first of them the first suspect of the evidence, with its owners. Returns how many processes
 * could not be looked into. */
unsigned why_range_look(const struct refusal *refusal, const struct candidates *candidates,
                        struct evidence *evidence, struct why_range *range);

#endif
