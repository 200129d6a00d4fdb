/* Who has the ports of a range in which the kernel found none: the processes with the most of them.
 */
#ifndef PORTREUSE_DIAGNOSE_WHY_RANGE_H
#define PORTREUSE_DIAGNOSE_WHY_RANGE_H

#include <stdint.h>

#include "diagnose/holders.h"
#include "inspect/evidence.h"
#include "inspect/examine.h"

struct why_range {
    uint32_t sockets;            /* that stand for the cause */
    struct budget_owners owners; /* whose they are */
};

/* Finds them among the sockets in the way, which are all in `candidates`, and makes a socket of the
 * first of them the first suspect of the evidence, with its owners. Returns how many processes
 * could not be looked into. */
unsigned why_range_look(const struct refusal *refusal, const struct candidates *candidates,
                        struct evidence *evidence, struct why_range *range);

#endif
