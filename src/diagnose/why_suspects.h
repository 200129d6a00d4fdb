/* The sockets in the way of a refused call, for src/diagnose/why.c. */
#ifndef PORTREUSE_DIAGNOSE_WHY_SUSPECTS_H
#define PORTREUSE_DIAGNOSE_WHY_SUSPECTS_H

#include "diagnose/why.h"

/* Finds the sockets in the way of the refused call and their owners, and names the cause. */
void why_suspects_find(struct why *why);

/* Returns the refusal as model/cause.h wants it. */
struct refusal why_suspects_refusal(const struct why *why);

/* Adds what the trials and the range of ports say about an occupant. Pure. */
void why_suspects_describe(const struct why *why, struct occupant *occupant);

/* Names the cause: that of the heaviest suspect, unless its owners say more. Pure. */
void why_suspects_name(struct why *why);

/* Returns whether the suspects are still there, in the same state. Those that sock_diag does not
 * find one by one are assumed to be. */
bool why_suspects_hold(const struct why *why);

/* Returns whether there already is a connection with the two ends that are asked about. */
bool why_suspects_connected(const struct why *why);

/* Counts the sockets that are on a free port. */
void why_suspects_count(struct why *why);

#endif
