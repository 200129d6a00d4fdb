/* A closer look at the sockets in the way, however many: who owns them, which options they have,
 * and whether bind() was given their port. What is learnt can clear a socket; then the next one is
 * looked at. */
#ifndef PORTREUSE_INSPECT_EXAMINE_H
#define PORTREUSE_INSPECT_EXAMINE_H

#include <stdbool.h>
#include <stddef.h>

#include "inspect/evidence.h"

/* A socket in the way, of which only the least is kept, as there can be very many. */
struct candidate {
    struct occupant occupant;
    bool examined;
};

/* All zero at first; end with free(list). */
struct candidates {
    struct candidate *list; /* owned */
    size_t count, room;
};

/* Adds a socket; for evidence_source.keep. Without memory it is left out. */
void candidates_add(void *context, const struct occupant *occupant);

/* Examines sockets until those that the evidence shows, the heaviest of all that are in the way,
 * have all been examined; names the cause. Not for an automatic choice of a port. Returns how many
 * processes could not be looked into (owners_find()). */
unsigned examine_candidates(const struct evidence_source *source, const struct refusal *refusal,
                            struct candidates *candidates, struct evidence *evidence);

#endif
