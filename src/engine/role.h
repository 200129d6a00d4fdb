/* A role: a process that does the steps of one name in the story, one system call each.
 *
 *   role.c        the process, its loop, blocks, and how a serving role is stopped
 *   role_calls.c  one function a verb
 */
#ifndef PORTREUSE_ENGINE_ROLE_H
#define PORTREUSE_ENGINE_ROLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/units.h"
#include "engine/board.h"
#include "engine/protocol.h"
#include "scenario/scenario.h"

struct role {
    const struct scenario *scenario;   /* borrowed */
    struct board *board;               /* borrowed */
    int index;                         /* in scenario->roles */
    int channel;                       /* owned: to the stage */
    pid_t stage;                       /* this process dies with that one; 0: with none */
    int sockets[SCENARIO_SOCKETS_MAX]; /* owned descriptors by the socket's index; -1: not open */
    int epolls[SCENARIO_SOCKETS_MAX];  /* for each listener, by the socket's index; -1: none yet */
    bool polls;                        /* accept() waits in epoll_wait() on these */
    struct arena arena;                /* for the words of a program */
    int received;   /* the descriptor that came with the present request, or -1 */
    int output;     /* owned: the pipe for the output of a program, once it is traced; or -1 */
    bool exits;     /* after the present step */
    int look_error; /* the first errno for which a socket could not be looked at, or 0 */
    uint64_t most_rounds; /* of the present block */
};

/* Sets up a role that has no sockets yet. It owns `channel` from now on. */
void role_init(struct role *role, const struct scenario *scenario, struct board *board, int index,
               int channel);

/* The exit status of a role that could not begin, or not go on; the errno is added. */
enum { ROLE_BROKEN = 100 };

/* Serves requests until the role is told to exit or the stage is gone. Returns the exit status of
 * the process: 0; 1 if a reply could not be sent; or ROLE_BROKEN and the errno if a request could
 * not be received. */
int role_serve(struct role *role);

/* Closes what is open. An empty role is fine. */
void role_free(struct role *role);

/* Makes the calling process, a fresh fork of the stage `stage`, into the role: closes every
 * descriptor except `channel`, 0, 1 and 2, gives up rights, and serves requests. Never returns. */
_Noreturn void role_main(const struct scenario *scenario, struct board *board, int index,
                         int channel, pid_t stage);

/* Has the kernel kill this process when the stage dies. */
void role_die_with_stage(const struct role *role);

/* The view of a socket of the role on the board. _view brings it up to date: how the socket looks
 * now, or only that it is closed. */
struct socket_view *role_view_of(struct role *role, int socket);
void role_view(struct role *role, int socket);

/* Finds what an address stands for, for a socket of `family`. The role's own sockets are asked;
 * those of other roles are as the board has them. Returns false if that is nothing. */
bool role_resolve(struct role *role, const struct address *address, sa_family_t family,
                  struct place *place);

/* Runs the block that the step opens. A serve block runs until a call would have to wait after
 * SIGNAL_STOP: it then answers the number of rounds. (role.c) */
role_action role_block;

/* Registers the listeners of a `serve epoll` block; closes what that has opened. (role_calls.c) */
void role_start_polling(struct role *role, const struct step *block);
void role_stop_polling(struct role *role);

/* The role's part of fork, pass and exit. (role_calls.c) */
role_action role_fork, role_pass, role_exit;

/* A sleep in a block. (role_calls.c) */
role_action role_sleep;

/* --- stopping: for calls that may block --- */

/* Returns whether SIGNAL_STOP came. */
bool role_stopping(void);

/* To be called when a blocked call was interrupted: returns whether SIGNAL_STOP came and the call
 * has waited long enough since then. `*patience` counts; the caller sets it to 0 before the call.
 */
bool role_would_wait(unsigned *patience);

#endif
