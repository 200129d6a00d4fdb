/* What the steps of a role that has become a program share.
 *
 *   stage_program.c  what the program does: exec, calls, listens; how it ends: wait
 *   stage_quiet.c    what all its processes do: settles, accepts, signal
 */
#ifndef PORTREUSE_ENGINE_STAGE_PROGRAM_H
#define PORTREUSE_ENGINE_STAGE_PROGRAM_H

#include "engine/stage.h"
#include "kernel/activity.h"

/* --- waiting: the tracer tells nobody, so its log is looked at again and again --- */

struct stage_clock {
    const struct stage *stage;
    uint64_t end_ns, pause_ns;
};

struct stage_clock stage_clock_begin(const struct stage *stage, uint64_t within_ns);

/* Pauses, a little longer each time. Returns false when the time is over. */
bool stage_clock_pauses(struct stage_clock *clock);

/* How long a step waits: `-> RESULT within TIME` says it, too. */
uint64_t stage_patience(const struct step *step);

/* What was waited for since `start_ns` did not come. */
enum outcome stage_answer_timeout(const struct step *step, uint64_t start_ns, struct reply *reply);

void stage_answer_errno(struct reply *reply, int error);

/* Returns whether the program is gone, with all that it has started: then so is its tracer. */
bool stage_program_gone(const struct stage_role *role);

/* --- whether a program has anything to do --- */

struct stage_quiet {
    struct activity last;
    uint64_t since_ns; /* nothing has happened since then; 0: not looked yet */
};

/* Looks at all processes of the program. Returns for how long nothing has happened, as far as the
 * looks tell. */
uint64_t stage_quiet_look(struct stage_quiet *quiet, const struct stage_role *role);

#endif
