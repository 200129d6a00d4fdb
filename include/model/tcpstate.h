/* The states of a TCP socket, by the names of RFC 9293 and the kernel's numbers. */
#ifndef PORTREUSE_MODEL_TCPSTATE_H
#define PORTREUSE_MODEL_TCPSTATE_H

#include <stdint.h>

/* Numbers of include/net/tcp_states.h in the kernel. BOUND is TCP_BOUND_INACTIVE (Linux 6.8):
 * bound, neither listening nor connected. The kernel takes that number in a request only, and
 * answers with CLOSED; sockdiag_dump() puts it right. */
enum tcp_state {
    STATE_NONE = 0,
    STATE_ESTABLISHED = 1,
    STATE_SYN_SENT = 2,
    STATE_SYN_RECEIVED = 3,
    STATE_FIN_WAIT_1 = 4,
    STATE_FIN_WAIT_2 = 5,
    STATE_TIME_WAIT = 6,
    STATE_CLOSED = 7,
    STATE_CLOSE_WAIT = 8,
    STATE_LAST_ACK = 9,
    STATE_LISTEN = 10,
    STATE_CLOSING = 11,
    STATE_BOUND = 13,
    STATE_COUNT = 14,
};

/* A set of states: bit N for state N. ANY is every one of them. */
enum { STATES_ANY = (1 << STATE_COUNT) - 2 };

/* The set that `name` stands for (one state, or ANY), or 0 if it is no state's name. */
uint32_t tcpstate_set(const char *name);

/* The name of a state, static; "NONE" for a number that is none. */
const char *tcpstate_name(enum tcp_state state);

/* The name nearest to a misspelt one, static, or NULL if none is near. */
const char *tcpstate_near(const char *name);

#endif
