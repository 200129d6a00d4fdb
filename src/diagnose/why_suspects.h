/* The sockets in the way of a refused call, and the cause that they stand for. */
#ifndef PORTREUSE_DIAGNOSE_WHY_SUSPECTS_H
#define PORTREUSE_DIAGNOSE_WHY_SUSPECTS_H

#include "diagnose/finding.h"

/* Finds the sockets in the way, their owners and options, and names the cause: in the network
 * namespace of the caller, of the call that was refused with why->error. */
void why_find_suspects(struct why *why);

/* Names the reason of a refusal of bind() that no socket explains. */
void why_explain_without_socket(struct why *why);

/* Forgets the sockets that were listed in this namespace, and their owners: a new look begins. */
void why_forget(void);

/* Returns the memory of the sockets that were listed in this look. */
struct sockets_memory *why_listed(void);

/* Drops the sockets that were found, and the cause, as they do not explain the answer. */
void why_drop_suspects(struct why *why);

/* Names a cause, in a situation: a set of WHEN_... */
void why_blame(struct why *why, enum cause cause, unsigned when);

/* Makes the answer unknown: `failure`, static, is what could not be done, and `error` why. */
void why_fail(struct why *why, int error, const char *failure);

/* --- the pure parts, for the tests --- */

/* Returns the options that the program sets; and those of the first trial. On UDP, SO_REUSEADDR
 * shares the port with a server, and a trial that does so takes the datagrams that arrive in that
 * moment: there only what was asked is tried. So it is if SO_REUSEPORT alone is asked about. */
unsigned why_asked_options(const struct why_question *asked);
unsigned why_first_options(const struct why_question *asked);
bool why_asks_reuseport_alone(const struct why_question *asked);

/* Returns the refusal as model/cause.h wants it. */
struct refusal why_refusal(const struct why *why);

/* Adds what the trials and the range of ports say about an occupant. */
void why_describe(const struct why *why, struct occupant *occupant);

/* Names the cause: that of the heaviest suspect, unless its owners say more. */
void why_name(struct why *why);

#endif
