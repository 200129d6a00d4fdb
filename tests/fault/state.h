/* What faults.c and the library of preload.c share: a file that both map. */
#ifndef FAULT_STATE_H
#define FAULT_STATE_H

#include <stdatomic.h>

#define FAULT_STATE "PORTREUSE_FAULT_STATE" /* its path, in the environment */
#define FAULT_PROGRAM                                                                              \
    "PORTREUSE_FAULT_PROGRAM"             /* the program that is meant, not others that it starts */
#define FAULT_SHOW "PORTREUSE_FAULT_SHOW" /* set: show who wanted what failed */

struct fault_state {
    atomic_ulong seen;  /* allocations so far, by all processes */
    unsigned long fail; /* which one fails, from 1; 0: none */
    int stays;          /* all later ones, too */
    atomic_int failed;  /* how many did */
    unsigned long
        most;         /* bytes that a read() or write() takes at most; 0: as many as it is given */
    atomic_ulong cut; /* how many took fewer than they were given */
};

#endif
