/* A TCP, UDP or MPTCP socket as the kernel reports it: the facts that the rules of bind() use. */
#ifndef PORTREUSE_MODEL_SOCKET_H
#define PORTREUSE_MODEL_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"

/* --- protocols --- */

/* Unix sockets have names instead of ports: kernel/unixdiag.h. An MPTCP socket has a port of TCP:
 * the kernel lists it twice, as MPTCP and as TCP (net/mptcp/mptcp_diag.c). */
enum protocol { PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_MPTCP, PROTOCOL_UNIX, PROTOCOL_COUNT };

/* Returns "TCP", "UDP", "MPTCP" or "Unix"; static. */
const char *socket_protocol_name(enum protocol protocol);

/* --- states --- */

/* The states of RFC 9293, with the numbers of include/net/tcp_states.h in the kernel. BOUND is
 * TCP_BOUND_INACTIVE (Linux 6.8): bound, neither listening nor connected. The kernel accepts that
 * number in a request only, and answers with CLOSED; sockdiag_dump() corrects it. */
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

/* How long TIME-WAIT lasts: TCP_TIMEWAIT_LEN in include/net/tcp.h. */
enum { TIME_WAIT_MS = 60 * 1000 };

/* A set of states: bit N for state N. ANY is every one of them. */
enum { STATES_ANY = (1 << STATE_COUNT) - 2 };

/* Returns the set that `name` stands for (one state, or ANY), or 0 if it is not the name of a state
 * of such sockets. UDP has the states UNCONN and ESTABLISHED, Unix sockets LISTEN besides. */
uint32_t socket_states(enum protocol protocol, const char *name);

/* Returns the name of a state, static; "NONE" for a number that is not a state. */
const char *socket_state_name(enum tcp_state state);

/* Returns the name of the state of a socket of this protocol, static. A UDP or Unix socket that is
 * neither connected nor listening is UNCONN: STATE_CLOSED, as the kernel has it. */
const char *socket_state_text(enum protocol protocol, enum tcp_state state);

/* Returns the state's name nearest to a misspelt one, static, or NULL if none is near. */
const char *socket_state_near(enum protocol protocol, const char *name);

/* --- one socket --- */

/* The uid of a socket whose user is not known. No user has this number. */
#define SOCKET_UID_UNKNOWN UINT32_MAX

/* Which side opened a connection: this one, by connect(), or the peer. */
enum socket_opener { OPENER_NOT_KNOWN, OPENED_HERE, OPENED_THERE };

/* One socket of the internet families: TCP, UDP or MPTCP. */
struct inet_socket {
    enum protocol protocol;
    enum tcp_state state;
    struct endpoint local, remote; /* a LISTEN or BOUND socket's remote is a wildcard, port 0 */
    uint32_t inode;                /* 0 if it has no file: TIME-WAIT, orphans, not yet accepted */
    uint32_t uid;
    uint32_t interface;     /* index of the device it is bound to, or 0 */
    uint32_t expires_ms;    /* TIME-WAIT: time left; else that of the pending timer, or 0 */
    uint32_t receive_queue; /* LISTEN: connections waiting for accept(); else bytes */
    uint32_t send_queue;    /* LISTEN: the backlog; else bytes */
    bool
        probing; /* TCP: the peer has no room for what is to be sent; it is asked again and again */
    uint32_t drops; /* UDP: datagrams lost because the receive queue was full */
    uint32_t cookie[2];
    uint64_t cgroup; /* the id of the control group that opened it; 0: not known. A socket that was
                        closed keeps it, but not in TIME-WAIT */
    bool v6only;     /* IPV6_V6ONLY, where v6only_known */
    bool v6only_known;
    enum socket_opener opener; /* where the query asked for it */
    bool timestamps;           /* the connection has TCP timestamps, where timestamps_known */
    bool timestamps_known;     /* the query asked for `opener`, and there is a peer */
};

/* Returns whether both are the same socket in the same state, as two looks listed it. What was read
 * from /proc/net has no cookie: then the endpoints tell. */
bool socket_same(const struct inet_socket *a, const struct inet_socket *b);

#endif
