/* The sockets in the way of a refused call, and the cause that they stand for. */
#ifndef PORTREUSE_DIAGNOSE_WHY_SUSPECTS_H
#define PORTREUSE_DIAGNOSE_WHY_SUSPECTS_H

#include "diagnose/finding.h"

/* Finds the sockets in the way, their owners and options, and names the cause: in the network
 * namespace of the caller, of the call that was refused with why->error. */
void why_find_suspects(struct why *why);

/* Names the reason of a refusal of bind() that no socket explains. */
void why_explain_without_socket(struct why *why);

/* Returns whether connections alone are blamed for a refused bind(). A listener that comes and goes
 * can have refused it instead, and not have been there when the sockets were listed. */
bool why_blames_connections(const struct why *why);

/* Drops the sockets that were found, as they do not explain the refusal. */
void why_drop_suspects(struct why *why);

/* Returns whether the sockets that were found are still there, and where connections are blamed,
 * that there is no listener. */
bool why_suspects_hold(const struct why *why);

/* Names a cause, in a situation: a set of WHEN_... */
void why_blame(struct why *why, enum cause cause, unsigned when);

/* Makes the answer unknown: `failure`, static, is what could not be done, and `error` why. */
void why_fail(struct why *why, int error, const char *failure);

/* --- the pure parts, for the tests --- */

/* Returns the refusal as model/cause.h wants it. */
struct refusal why_refusal(const struct why *why);

/* Adds what the trials and the range of ports say about an occupant. */
void why_describe(const struct why *why, struct occupant *occupant);

/* Names the cause: that of the heaviest suspect, unless its owners say more. */
void why_name(struct why *why);

#endif
