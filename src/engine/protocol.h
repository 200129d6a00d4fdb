/* What the stage of a case and its roles say to each other, over one SOCK_SEQPACKET socket a role.
 *
 * The stage sends a request, the role does the step and sends one reply. One reply comes unasked: a
 * role whose `serve` block ended by itself replies to that step a second time. Both sides have the
 * same scenario in memory, so that a step is named by its index. No message contains a pointer.
 */
#ifndef PORTREUSE_ENGINE_PROTOCOL_H
#define PORTREUSE_ENGINE_PROTOCOL_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "scenario/answer.h"

/* "Do this step." The request for a fork carries the new role's end of its socket (SCM_RIGHTS). The
 * request for a pass goes to both roles, first to the one that gives; each carries one end of a
 * Unix socket. A role that serves gets only "stop", and replies with what the block has answered.
 * Before that the stage sends SIGNAL_STOP, so that a blocked call returns. */
struct request {
    uint32_t step_index;
    bool stop;
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
};

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

#endif
