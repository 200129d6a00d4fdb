/* Whether an answer is to be believed, although sockets come and go while one looks: do the sockets
 * that were found explain what the trials met, and are they still there? */
#ifndef PORTREUSE_DIAGNOSE_WHY_STEADY_H
#define PORTREUSE_DIAGNOSE_WHY_STEADY_H

#include <stdbool.h>
#include <stdint.h>

#include "diagnose/finding.h"

/* Returns the refusal that a trial of bind() with these options meets, if it is refused. */
struct refusal why_trial_refusal(const struct why *why, unsigned options);

/* Returns whether the sockets that were found leave no doubt about the answer: each trial that was
 * refused met one that is certainly in its way, none that succeeded did, and the same holds for
 * connect(). What only the trials tell about a socket does not count. That nobody listens for a
 * client is not proved either: somebody may do so a moment later. Pure. */
bool why_is_proved(const struct why *why);

/* Returns whether the sockets that are blamed are still there, each in the state that it had. */
bool why_suspects_hold(const struct why *why);

/* Drops the suspects that are gone, unless they all are, and names the cause anew. */
void why_drop_gone(struct why *why);

/* The sockets on the port at some moment. */
struct why_signs {
    uint64_t sum; /* changes when those that may be in the way do; 0: there is none */
    bool new_one; /* one would certainly have refused the first trial, and was not found by the look
                   */
};

/* Reads the signs, in the network namespace of the caller; none, if no port is bound. */
struct why_signs why_read_signs(const struct why *why);

#endif
