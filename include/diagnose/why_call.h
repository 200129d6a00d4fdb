/* Why was a call refused that a process has made just now? The process is still stopped behind the
 * call, so that the sockets are as the call met them. The answer is that of a look (struct why),
 * with the same causes and remedies. */
#ifndef PORTREUSE_DIAGNOSE_WHY_CALL_H
#define PORTREUSE_DIAGNOSE_WHY_CALL_H

#include <stdbool.h>
#include <sys/types.h>

#include "diagnose/why.h"
#include "kernel/socket.h"

enum { WHY_CALL_OWN_MOST = 3 };

struct why_call {
    const char *call; /* "bind", "listen" or "connect", static */
    int error;
    pid_t process; /* that made it */
    enum protocol protocol;
    struct endpoint address; /* as it was given to bind() or connect() */
    char zone[IF_NAMESIZE];  /* the device of a link-local address, or "" */
    struct unix_question unix_socket;
    struct socket_view socket; /* the socket after the call; not `open` if it cannot be looked at */
    char device[IF_NAMESIZE];  /* that it is bound to, or "" */
    unsigned seconds; /* a look that takes longer is given up; 0: the default, for a process that
                         waits */
    const struct occupant *own; /* WHY_CALL_OWN_MOST sockets that the process had on the port when
                                   it called, as far as they were seen (else STATE_NONE); or NULL:
                                 */
    const char *program;        /* and the name of the process */
    int network; /* an open file of the socket's network namespace; -1: that of the process */
};

/* Returns whether a look can name a cause. Other failures speak for themselves: nobody listens
 * there (ECONNREFUSED), the socket is bound already (EINVAL). */
bool why_call_has_cause(const struct why_call *call);

/* Looks, in the network namespace of the socket. `why->verdict` is WHY_REFUSED, or WHY_UNKNOWN if
 * the look itself failed, or if it was not this host that refused (no `failure` then). A socket
 * that the process has open itself is CAUSE_BOUND_TWICE. */
void why_call_look(const struct why_call *call, struct why *why);

/* Returns whether a command gets to where it was looked. It does not if no process is in the
 * namespace, and it has no name: only a socket keeps it, or nothing any more. */
bool why_call_can_be_reached(const struct why *why);

#endif
