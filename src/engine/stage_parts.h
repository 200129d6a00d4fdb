/* What the parts of the stage share. Only they include this.
 *
 *   stage.c              the course of a case
 *   stage_check.c        what the case needs of its surroundings
 *   stage_roles.c        the roles: forked, asked, ended
 *   stage_environment.c  the steps that are no role's
 *   stage_evidence.c     what was in the way
 *   stage_common.c       reasons and time
 */
#ifndef PORTREUSE_ENGINE_STAGE_PARTS_H
#define PORTREUSE_ENGINE_STAGE_PARTS_H

#include <sys/types.h>

#include "base/release.h"
#include "engine/protocol.h"
#include "engine/stage.h"
#include "scenario/scenario.h"

enum stage_role_state { STAGE_ROLE_UNBORN, STAGE_ROLE_RUNS, STAGE_ROLE_SERVES, STAGE_ROLE_ENDED };

struct stage_role {
    enum stage_role_state state;
    pid_t pid;
    int channel;              /* owned while it runs or serves */
    const struct step *serve; /* the block that it serves, or served last */
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

/* --- stage_common.c --- */

/* Sets the case's reason; returns `outcome`. */
enum outcome stage_says(struct stage *stage, enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says that the case needs what sock_diag does not give here. */
enum outcome stage_no_diag(struct stage *stage, int error);

/* The time left until the case's deadline, in nanoseconds; 0 when it is over. */
uint64_t stage_time_left(const struct stage *stage);

/* --- stage_check.c --- */

/* Says if the case cannot run in the present surroundings, before anything is done. */
enum outcome stage_check(struct stage *stage);

/* --- stage_roles.c --- */

/* Has the role do the step, forking it first where its name first stands, and waits for its reply
 * until the deadline (ANSWER_NONE). */
enum outcome stage_ask(struct stage *stage, const struct step *step, struct reply *reply);

/* Takes in what a serving role has said unasked: its block met an unexpected answer, which is then
 * in `reply`. `*role` is its index, or -1 if nobody has said anything. */
enum outcome stage_listen(struct stage *stage, int *role, struct reply *reply);

/* Has a serving role stop, and fills `reply` with what its block has answered, as an answer to
 * `step`. */
enum outcome stage_stop(struct stage *stage, int role, const struct step *step,
                        struct reply *reply);

/* Kills and reaps every role. */
void stage_end_roles(struct stage *stage);

/* --- stage_environment.c --- */

/* Does a step of the environment. */
enum outcome stage_environment(struct stage *stage, const struct step *step, struct reply *reply);

/* --- stage_evidence.c --- */

/* Finds out what was in the way of a call that answered EADDRINUSE or EADDRNOTAVAIL: `call` is the
 * step, in a block one of its body, that did. */
void stage_evidence(struct stage *stage, const struct step *call, int error,
                    struct evidence *evidence);

#endif
