/* The board: what the processes of one case share.
 *
 * It is one anonymous shared mapping, made by the runner before it forks, so pointers into it hold
 * in every process of the case. Who writes what, and when:
 *
 * - the stage (the case's own process) writes the result, step by step;
 * - a role writes the views of its own sockets, and the times of its rounds, before it replies;
 * - the runner reads the result once the stage has ended, and that of a step when the stage has
 * said that it ended. What is under way, and how far, it may look at whenever it likes: it is for
 * people who wait, and may be a moment old.
 *
 * A reply is sent after the writing and received before the reading, so no lock is needed; and what
 * was written is still there when its writer was killed.
 */
#ifndef PORTREUSE_ENGINE_BOARD_H
#define PORTREUSE_ENGINE_BOARD_H

#include "engine/result.h"
#include "kernel/socket.h"
#include "scenario/scenario.h"

struct board {
    size_t size; /* of the mapping */
    const struct scenario *scenario;
    size_t case_index;
    struct case_result result;
    char reason[RESULT_TEXT_SIZE]; /* that of the result */
    const struct step *under_way;  /* the step that the stage waits for; NULL before the first */
    uint64_t under_way_since_ns;   /* on the monotonic clock */
    struct socket_view *views;     /* role by role */
};

/* Makes a board for one case of a scenario; NULL with errno set if there is no memory for it. */
struct board *board_new(const struct scenario *scenario, size_t case_index);

/* Takes it away from this process. NULL is fine. */
void board_free(struct board *board);

struct socket_view *board_view(const struct board *board, unsigned role, unsigned socket);

/* How many rounds of a block have left their time, while it runs. */
size_t board_rounds(const struct board *board, const struct step *block);

/* The result of a step of the case, by its place in the scenario. */
struct step_result *board_result(const struct board *board, const struct step *step);

/* The endpoint that an address stands for now, as the board knows the sockets; `family` is the one
 * that `*` stands for. False if the socket has none. */
bool board_resolve(const struct board *board, const struct address *address, sa_family_t family,
                   struct endpoint *endpoint);

/* The same for a pattern of await, count and destroy. */
bool board_resolve_pattern(const struct board *board, const struct address *address,
                           struct endpoint_pattern *pattern);

#endif
