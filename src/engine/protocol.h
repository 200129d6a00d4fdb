/* What the stage of a case and its roles say to each other, over one SOCK_SEQPACKET socket a role.
 *
 * The stage sends a request, the role does the step and sends one reply; nothing else is sent, but
 * that a role whose `serve` block ended by itself replies to that step once more, unasked. Both
 * sides are forks of one program with the same scenario in memory, so a step is named by its place
 * in it.
 */
#ifndef PORTREUSE_ENGINE_PROTOCOL_H
#define PORTREUSE_ENGINE_PROTOCOL_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "scenario/answer.h"

/* "Do this step." A fork's request carries the new role's end of its socket (SCM_RIGHTS). That of a
 * pass goes to both roles, first to the one that gives: each carries an end of a Unix socket. While
 * the role serves there is only "stop": it replies what the block has answered. Before that the
 * stage sends SIGNAL_STOP, so that a blocked call returns. */
struct request {
    uint32_t step;
    bool stop;
};

enum { SIGNAL_STOP = SIGUSR1 };

struct reply {
    uint32_t step; /* the one that is answered */
    struct answer answer;
    uint64_t elapsed_ns;
    uint32_t call;        /* the step whose call the answer is of: in a block, one of its body */
    uint32_t round_count; /* blocks: how many rounds have left their time on the board */
    pid_t pid;            /* fork: that of the new role */
    const char *where;    /* see struct step_result */
};

/* Sends one message, and with it a descriptor if `fd` is not -1. Returns 0 or an errno: EPIPE if
 * the other side is gone. */
int protocol_send(int channel, const void *message, size_t size, int fd);

/* Receives one message of exactly `size` bytes; a descriptor that came with it goes to `*fd` (-1 if
 * none), which may be NULL. Returns 0 or an errno: EPIPE if the other side is gone, EAGAIN with
 * MSG_DONTWAIT in `flags`, EBADMSG for a message of another size. */
int protocol_receive(int channel, void *message, size_t size, int flags, int *fd);

#endif
