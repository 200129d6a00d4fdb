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

enum { WHY_WATCH_TRIALS = 16 };

/* The sockets on the port at some moment. */
struct why_signs {
    uint64_t sum; /* changes when those that may be in the way do; 0: there is none */
    bool new_one; /* one would certainly have refused the first trial, and was not found by the look
                   */
};

/* Reads the signs, in the network namespace of the caller; none, if no port is bound. */
struct why_signs why_read_signs(const struct why *why);

/* Returns whether they are still the same, and nothing new is there. */
bool why_signs_stay(const struct why *why, const struct why_signs *first);

/* Whether a socket that may be in the way ends meanwhile, after a life however short. */
struct why_watch {
    int link;                       /* kernel/endings.h, or -1: nothing is watched */
    uint64_t own[WHY_WATCH_TRIALS]; /* cookies of our own trials' sockets */
    unsigned own_count;
};

/* Begins to watch, if bind() was refused. End with why_watch_end(). */
struct why_watch why_watch_begin(const struct why *why);

/* The sockets of these trials are our own. `watch` may be NULL. */
void why_watch_except(struct why_watch *watch, const struct why *again);

/* Returns whether another socket ended that may be in the way of this answer. */
bool why_watch_end(struct why_watch *watch, const struct why *why);

#endif
