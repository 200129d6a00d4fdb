/* The parts of the look behind why_look(). Nothing but src/diagnose/why*.c includes this. */
#ifndef PORTREUSE_DIAGNOSE_WHY_PARTS_H
#define PORTREUSE_DIAGNOSE_WHY_PARTS_H

#include "diagnose/why.h"

/* Gives up: the verdict is WHY_UNKNOWN. `failure` is static. */
void why_fail(struct why *why, int error, const char *failure);

/* Names the cause, by words that are static: that of a refusal (model/cause.h), or one that takes
 * more than sockets to tell. */
void why_name(struct why *why, const char *cause, const char *words);

/* Finds the sockets in the way of the refused call, whose they are, and the cause.
 * (why_holders.c) */
void why_find_holders(struct why *why);

/* Whether there is a connection already with the two ends that are asked about. (why_holders.c) */
bool why_is_connected(const struct why *why);

/* Counts the sockets that are on a free port. (why_holders.c) */
void why_count_on_port(struct why *why);

/* Whether the sockets in the way are still there, in the same state; for those that sock_diag does
 * not find one by one, that is taken for granted. (why_holders.c) */
bool why_still_holds(const struct why *why);

#endif
