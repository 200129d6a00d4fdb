/* A TCP socket as the kernel tells it: what the rules reason about, whoever has found it. */
#ifndef PORTREUSE_MODEL_SOCKET_H
#define PORTREUSE_MODEL_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "model/tcpstate.h"

/* Which side opened a connection: this one by connect(), or the other. */
enum diag_opener { OPENER_NOT_KNOWN, OPENED_HERE, OPENED_THERE };

/* One socket as the kernel tells it. */
struct diag_socket {
    enum tcp_state state;
    struct endpoint local, remote; /* a LISTEN or BOUND socket's remote is a wildcard, port 0 */
    uint32_t inode;                /* 0 if no file holds it: TIME-WAIT, orphans, not yet accepted */
    uint32_t uid;
    uint32_t interface;     /* index of the device it is bound to, or 0 */
    uint32_t expires_ms;    /* TIME-WAIT: time left; else that of the pending timer, or 0 */
    uint32_t receive_queue; /* LISTEN: connections waiting for accept() */
    uint32_t send_queue;    /* LISTEN: the backlog */
    uint32_t cookie[2];
    bool v6only; /* IPV6_V6ONLY, where v6only_known */
    bool v6only_known;
    enum diag_opener opener; /* where the query asked for it */
};

#endif
