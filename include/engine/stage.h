/* The stage: the process in which one case runs. It enters a network namespace, forks the roles,
 * drives them step by step, and writes what it finds on the board. */
#ifndef PORTREUSE_ENGINE_STAGE_H
#define PORTREUSE_ENGINE_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/board.h"
#include "engine/protocol.h"
#include "kernel/release.h"
#include "scenario/scenario.h"

struct stage_options {
    bool current;         /* stay in the present namespace */
    uint64_t deadline_ns; /* of the case, on the monotonic clock */
};

/* Runs the case of the board in the calling process, a fresh fork of the runner, and leaves the
 * result on the board. Every role is dead when it returns. */
void stage_run(struct board *board, const struct stage_options *options);

/* --- between the parts of the stage --- */

enum stage_role_state { STAGE_ROLE_UNBORN, STAGE_ROLE_RUNS, STAGE_ROLE_SERVES, STAGE_ROLE_ENDED };

struct stage_role {
    enum stage_role_state state;
    pid_t pid;
    int channel; /* owned while it runs or serves */
};

struct stage {
    const struct scenario *scenario;
    struct board *board;
    const struct stage_options *options;
    struct kernel_release kernel;
    int diag;                 /* owned: a sock_diag socket, or -1 */
    int diag_error;           /* why it is of no use, or 0 */
    sa_family_t families;     /* of the sockets there can be: AF_INET, or 0 for both */
    struct stage_role *roles; /* owned, by the role's index */
};

/* What became of a step, or of the case. */
enum outcome {
    OUTCOME_ANSWERED, /* `reply` holds the answer */
    OUTCOME_SKIP,     /* it cannot be done here: the case's reason says why */
    OUTCOME_ERROR,    /* something broke: the case's reason says what */
};

/* Sets the case's reason; returns `outcome`. */
enum outcome stage_says(struct stage *stage, enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Has the role do the step, forking it first where its name first stands, and waits for its reply
 * until the deadline (ANSWER_NONE). (stage_roles.c) */
enum outcome stage_ask(struct stage *stage, const struct step *step, struct reply *reply);

/* Says that the case needs what sock_diag does not give here. (environment.c) */
enum outcome stage_no_diag(struct stage *stage, int error);

/* Takes in what a serving role has said unasked: its block met an unexpected answer, which is then
 * in `reply`. `*role` is its index, or -1 if nobody has said anything. */
enum outcome stage_listen(struct stage *stage, int *role, struct reply *reply);

/* Kills and reaps every role. */
void stage_end_roles(struct stage *stage);

/* Does a step of the environment. (environment.c) */
enum outcome environment_step(struct stage *stage, const struct step *step, struct reply *reply);

/* Says if the case cannot run in the present surroundings, before anything is done.
 * (stage_check.c) */
enum outcome stage_check(struct stage *stage);

/* Finds out what was in the way of a call that answered EADDRINUSE or EADDRNOTAVAIL: `call` is the
 * step of `role` that did. (evidence.c) */
void evidence_take(struct stage *stage, const struct step *call, int error,
                   struct evidence *evidence);

/* Whether the case's deadline is over. */
bool stage_out_of_time(const struct stage *stage);

#endif
