/* The sockets in the way beyond those that the evidence shows: what stops their servers. */
#ifndef PORTREUSE_INSPECT_REST_H
#define PORTREUSE_INSPECT_REST_H

#include "inspect/evidence.h"
#include "inspect/examine.h"

enum { REST_STOPS = 16 };

struct rest {
    unsigned servers; /* that are as much in the way as the first, shown or not, as far as known */
    uint32_t sockets; /* sockets as much in the way as the first that are not shown */
    uint32_t left;    /* how many of these no command stops: their processes are not known, or there
                         was no room for more */
    struct stop stops[REST_STOPS]; /* what stops the others, beside the servers that are shown */
    unsigned stop_count;
};

/* Finds the servers of the sockets that are as much in the way as the first one. Those that are
 * shown are described again, together with the others: they can have a master in common. */
void rest_find(const struct refusal *refusal, const struct candidates *candidates,
               struct evidence *evidence, struct rest *rest);

#endif
