/* Would bind() and listen(), or connect(), succeed now, and if not, why? A look at the host that
 * changes nothing: trial binds, sock_diag, /proc, and the rules of model/rules.h applied to them.
 */
#ifndef PORTREUSE_DIAGNOSE_WHY_H
#define PORTREUSE_DIAGNOSE_WHY_H

#include "diagnose/finding.h"
#include "diagnose/why_suspects.h"

/* Looks. A child process does it if the namespace or the user is not our own: whatever becomes of
 * that cannot harm the caller.
 *
 * A server is tried with SO_REUSEADDR first, as nearly all set it: a trial with that option does
 * not keep another server from binding the port in that moment. The other trials are made if it
 * fails, or if the sockets on the port say that they would. Of several addresses, the answer is the
 * most telling one (why_rank()). */
void why_look(const struct why_question *question, const struct namespace *where, struct why *why);

/* Returns a number that changes when the sockets in the way change, as sock_diag lists them; 0 if
 * none is in the way, or they cannot be listed. Binds nothing. `why` is what the last look found.
 */
uint64_t why_glance(const struct why *why);

/* --- the steps of a look, for other questions --- */

/* All of them, and why_find_suspects(), look in the network namespace of the caller. `why` has the
 * question; for the second also the call that was refused, and its errno. */

/* Judges bind() alone, and finds what is in its way. */
void why_judge_bind(struct why *why);

/* Makes these trials, a set, as far as they have not been made; for another user, in a process that
 * becomes that user. Returns false after a failure. */
bool why_try(struct why *why, unsigned options);

/* Finds out whether the answer holds; if not, `changed` is set, and nothing is said any more that
 * the sockets do not prove. Repeats the first trial. */
void why_settle(struct why *why);

/* Finds the owners of the Unix socket that `why->unix_socket` has found. */
void why_find_unix_owners(struct why *why);

/* Finds what else the remedies need to know. */
void why_find_hints(struct why *why);

/* Reads the sysctls. */
void why_read_settings(struct why *why);

/* Returns how telling an answer is, among those on the addresses that a server binds: address in
 * use before wildcard against specific address, before IPv4 against [::]. */
unsigned why_rank(const struct why *why);

#endif
