/* What the stage of a case and its roles agree on: who does what of a verb, and what they say to
 * each other over one SOCK_SEQPACKET socket a role.
 *
 * The stage sends a request, the role does the step and sends one reply. One reply comes unasked: a
 * role whose `serve` block ended by itself replies to that step a second time. Both sides have the
 * same scenario in memory, so that a step is named by its index. No message contains a pointer.
 */
#ifndef PORTREUSE_ENGINE_PROTOCOL_H
#define PORTREUSE_ENGINE_PROTOCOL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "scenario/answer.h"
#include "scenario/scenario.h"
#include "scenario/verb.h"

/* --- messages --- */

/* "Do this step." The request for a fork carries the new role's end of its socket (SCM_RIGHTS). The
 * request for a pass goes to both roles, first to the one that gives; each carries one end of a
 * Unix socket. A role that serves gets only "stop", and replies with what the block has answered.
 * Before that the stage sends SIGNAL_STOP, so that a blocked call returns. */
struct request {
    uint32_t step_index;
    bool stop;
    uint64_t most_rounds; /* of a `repeat` block, at least 1 */
};

enum { SIGNAL_STOP = SIGUSR1 };

struct reply {
    uint32_t step_index; /* of the step that is answered */
    struct answer answer;
    uint64_t elapsed_ns;
    uint32_t call_index;  /* of the step that made the call: in a block, a line of its body */
    uint32_t option;      /* which of that step's options answered, from 1; 0: none */
    bool no_endpoint;     /* no call was made: the socket that the address is taken from has none */
    uint32_t round_count; /* blocks: how many rounds have their time on the board */
    pid_t pid;            /* fork: of the new role */
    int look_error;       /* a socket of the role could not be looked at; or 0 */
};

/* Returns whether a role may have sent this: every index is in its range, every text ends. */
bool protocol_is_sound(const struct scenario *scenario, const struct reply *reply);

/* An empty reply to a step. */
struct reply protocol_reply(uint32_t step_index);

/* Sends one message, and a descriptor with it if `fd` is not -1. Returns 0 or an errno: EPIPE if
 * the other side is gone. */
int protocol_send(int channel, const void *message, size_t size, int fd);

/* Receives one message of exactly `size` bytes. A descriptor that came with it is stored in `*fd`
 * (-1 if none); with `fd` NULL it is closed. Returns 0 or an errno: EPIPE if the other side is
 * gone, EAGAIN with MSG_DONTWAIT in `flags`, EBADMSG for a message of another size, whose
 * descriptor is closed. */
int protocol_receive(int channel, void *message, size_t size, int flags, int *fd);

/* --- actions: where and how each verb runs ---
 *
 * For every verb `name` of VERB_LIST (scenario/verb.h) there is one `const struct action
 * action_name`, beside the function that does it: in stage_environment.c and stage_question.c for
 * the steps of the environment, in stage_roles.c for what the stage does with a role, in
 * role_calls.c for what a role does itself. A verb without one does not link.
 */

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
