/* A role: a process that does the steps of one name in the story, one system call each. */
#ifndef PORTREUSE_ENGINE_ROLE_H
#define PORTREUSE_ENGINE_ROLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/release.h"
#include "engine/board.h"
#include "engine/protocol.h"
#include "scenario/scenario.h"

struct role {
    const struct scenario *scenario; /* borrowed */
    struct board *board;             /* borrowed */
    struct kernel_release kernel;
    int index;    /* in scenario->roles */
    int channel;  /* owned: to the stage */
    pid_t stage;  /* whose death is ours */
    int *sockets; /* owned: descriptors by the socket's index, -1 where none is open */
};

/* Makes the calling process, a fresh fork of the stage `stage`, into the role, and serves requests
 * until it is told to exit or the stage is gone. `channel` is the only descriptor that it keeps
 * besides 0, 1 and 2. Never returns. */
_Noreturn void role_main(const struct scenario *scenario, struct board *board, int index,
                         int channel, pid_t stage);

/* --- role_block.c --- */

/* Runs the block that the step `block` opens and fills the reply. A serve block runs until a call
 * would have to wait after SIGNAL_STOP: it then answers the number of rounds. */
void role_block(struct role *role, const struct step *block, struct reply *reply);

/* --- role_call.c --- */

/* Does one call of a step, in the calling process, and returns its answer. `*where` is set to the
 * part of the step that answered, where it has several. ANSWER_NONE: it would have to wait, and the
 * role is to stop serving. */
struct answer role_call(struct role *role, const struct step *step, const char **where);

/* What `*where` says when a step could not be done because its address is not known yet. */
extern const char role_no_endpoint[];

/* --- role_view.c --- */

/* Leaves on the board how the role's socket looks now; of a closed one only that it is closed. */
void role_view(struct role *role, unsigned socket);

/* Finds the endpoint of an address, for a socket of `family`; the role's own sockets are asked, the
 * others' are as the board knows them. */
bool role_resolve(struct role *role, const struct address *address, sa_family_t family,
                  struct endpoint *endpoint);

/* Whether the step answered as expected; the time it took is not judged. */
bool role_expected(struct role *role, const struct step *step, const struct answer *answer);

/* --- role_stop.c --- */

/* Sets up, and takes back, what SIGNAL_STOP does. */
void role_stop_prepare(void);
void role_stop_over(void);

/* Whether SIGNAL_STOP came. */
bool role_stopping(void);

/* Whether SIGNAL_STOP came, and a blocked call has now waited long enough since `*patience` was set
 * to 0 before it. To be called when the call was interrupted. */
bool role_would_wait(unsigned *patience);

/* Whether SIGNAL_STOP came so long ago that even calls which never wait have to end. */
bool role_must_stop(void);

#endif
