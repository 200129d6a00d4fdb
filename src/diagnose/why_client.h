/* The client's side of a question: would connect() succeed now, from which address, and if not,
 * why?
 */
#ifndef PORTREUSE_DIAGNOSE_WHY_CLIENT_H
#define PORTREUSE_DIAGNOSE_WHY_CLIENT_H

#include "diagnose/finding.h"

/* Answers the question about connect(), whose bind() to a port, if it has one, would succeed. Calls
 * connect() without sending anything (kernel/silent.h), as the user that is asked about; where that
 * cannot be done, counts the sockets. */
void why_client_judge(struct why *why);

/* Explains a connect() that a program has just made, and that was refused with why->error: from its
 * address to why->asked.remote. Nothing is tried. Returns false if it is no refusal that the host
 * itself explains, such as one by a router. */
bool why_client_explain(struct why *why);

/* Returns whether a second trial has the answer of the first. */
bool why_client_holds(const struct why *why);

/* Returns how good an answer is, among those on the addresses that a client can connect to. */
unsigned why_client_rank(const struct why *why);

#endif
