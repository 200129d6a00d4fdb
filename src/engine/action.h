/* Where and how each verb runs.
 *
 * For every verb `name` of VERB_LIST (scenario/verb.h) there is one `const struct action
 * action_name`, beside the function that does it: in stage_environment.c for the steps of the
 * environment, in stage_roles.c for what the stage does with a role, in role_calls.c for what a
 * role does itself. A verb without one does not link.
 */
#ifndef PORTREUSE_ENGINE_ACTION_H
#define PORTREUSE_ENGINE_ACTION_H

#include "engine/protocol.h"
#include "scenario/scenario.h"
#include "scenario/verb.h"

struct stage;
struct role;

/* What became of a step, or of the case. */
enum outcome {
    OUTCOME_ANSWERED, /* `reply` has the answer */
    OUTCOME_SKIP,     /* it cannot be done here: the case's reason says why */
    OUTCOME_ERROR,    /* something broke: the case's reason says what */
};

/* Does a step in the stage, and fills the reply. */
typedef enum outcome stage_action(struct stage *stage, const struct step *step,
                                  struct reply *reply);

/* Does a step in the role's process and returns its answer; may fill other members of the reply.
 * ANSWER_NONE: the call would have to wait, and the role is told to stop serving. */
typedef struct answer role_action(struct role *role, const struct step *step, struct reply *reply);

/* Notes on the board what else is known of the step's socket after the call. */
typedef void role_note(struct role *role, const struct step *step);

enum {
    NEEDS_UIDS = 1 << 0,      /* the right to switch user ids */
    NEEDS_SYSCTL = 1 << 1,    /* sysctls that can be written */
    NEEDS_SOCK_DIAG = 1 << 2, /* the kernel's list of sockets */
    TOUCHES_HOST = 1 << 3,    /* changes more than the case's own sockets: not with --net=current */
};

struct action {
    /* In the stage: a step of the environment. For a role's step, it replaces the usual way, which
     * is to send the step to the role and wait for the reply. */
    stage_action *stage;
    role_action *role; /* in the role */
    role_note *note;   /* in the role, after the call; NULL: nothing to note */
    unsigned needs;
    bool takes_port; /* evidence is collected if it fails with EADDRINUSE or EADDRNOTAVAIL */
};

/* The action of a verb, static. */
const struct action *action_of(enum verb verb);

#endif
