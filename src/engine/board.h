/* The board: what the processes of one case share.
 *
 * It is two anonymous shared mappings, which the runner makes before it forks, so that they are at
 * the same addresses in every process of the case. A role, which acts as a scenario of unknown
 * origin says, keeps only the second, which has no pointers; what it writes there is checked before
 * it is used. Who writes what:
 *
 * - the stage (the case's own process) writes the result, step by step;
 * - a role writes the views of its own sockets, and the times of its rounds, before it replies;
 * - the runner reads the result when the stage has ended, and that of a step when the stage has
 *   reported its end. The step under way, and how far it is, it may read at any time: this is only
 *   shown to people who wait, and may be slightly old.
 *
 * A reply is sent after the writing and received before the reading, so no lock is needed. What was
 * written survives its writer, even one that was killed.
 */
#ifndef PORTREUSE_ENGINE_BOARD_H
#define PORTREUSE_ENGINE_BOARD_H

#include "engine/result.h"
#include "kernel/socket.h"
#include "scenario/scenario.h"

enum { NO_STEP = -1 };

struct board {
    size_t size;      /* of the mapping */
    size_t head_size; /* of its first part, all that roles read: the rest is evidence and texts */
    const struct scenario *scenario;
    size_t case_index;
    struct kernel_release kernel; /* the running one */
    struct case_result result;
    char reason[RESULT_TEXT_SIZE]; /* that of the result */
    bool refused;                  /* the case could not be prepared; */
    bool scarce;                   /* perhaps for want of what other cases have */
    int under_way; /* index of the step that the stage waits for; NO_STEP before the first */
    uint64_t under_way_since_ns; /* on the monotonic clock */
    struct socket_view *views;   /* role by role: one of the two that follow */
    struct socket_view *written; /* by the roles */
    struct socket_view *checked; /* by the stage: copies of them */
    void *written_by_roles;      /* the mapping that the roles write: views, times of rounds */
    size_t written_size;
};

/* Makes a board for one case of a scenario; NULL with errno set if there is no memory for it. */
struct board *board_new(const struct scenario *scenario, size_t case_index);

/* In the stage, before the first role: from now on it reads copies of the views alone, which
 * _take() brings up to date for one role and makes sound, whatever the role has written. _give()
 * writes those of a role back, for the roles to read, after the stage has changed them itself. */
void board_mistrust(struct board *board);
void board_take(struct board *board, unsigned role);
void board_give(struct board *board, unsigned role);

/* In a role: all but what roles write becomes a private copy, at the same address, which no other
 * process sees, and which has no evidence. Returns 0 or an errno. */
int board_leave(struct board *board);

/* What to say of a stage that ended otherwise than it should, and not by us; made in the arena. */
const char *board_ended_early(struct arena *arena, pid_t stage, int status);

/* What to say of a case that did not end in time, for the step that was under way; static, or made
 * in the arena. */
const char *board_too_long(const struct board *board, struct arena *arena);

/* Unmaps it from this process. NULL is fine. */
void board_free(struct board *board);

struct socket_view *board_view(const struct board *board, unsigned role, unsigned socket);

/* How many rounds of a block have their time kept, at most: 0 for a step that is no block. */
size_t board_rounds_kept(const struct step *step);

/* How many rounds of a block have their time on the board, while it runs. */
size_t board_rounds(const struct board *board, const struct step *block);

/* The result of a step, which must be one of the case or of the setup. */
struct step_result *board_result(const struct board *board, const struct step *step);

/* Finds what an address stands for now, as the board knows the sockets; `*` is the wildcard of
 * `family`. Returns false if the socket has no endpoint. */
bool board_place(const struct board *board, const struct address *address, sa_family_t family,
                 struct place *place);

/* The same where it cannot be a Unix socket. */
bool board_resolve(const struct board *board, const struct address *address, sa_family_t family,
                   struct endpoint *endpoint);

/* The same for a pattern of await, count and destroy; and for the name of a Unix socket, NULL if it
 * has none, or if none is written: `*`. */
bool board_resolve_pattern(const struct board *board, const struct address *address,
                           struct endpoint_pattern *pattern);
const char *board_name(const struct board *board, const struct address *address);

#endif
