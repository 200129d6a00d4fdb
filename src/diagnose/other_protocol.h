/* Who has the same port in another protocol: UDP beside a question about TCP, and the other way
 * round. Such a socket is never in the way, but it is often the one that was meant. */
#ifndef PORTREUSE_DIAGNOSE_OTHER_PROTOCOL_H
#define PORTREUSE_DIAGNOSE_OTHER_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include "inspect/owners.h"
#include "model/socket.h"

enum { OTHER_SOCKETS = 4 };

struct other_sockets {
    enum protocol protocol; /* the other one: UDP or TCP */
    bool listed;            /* false: this kernel does not list its sockets, so nothing is known */
    uint32_t total;         /* of UDP all sockets on the port, of TCP listeners alone */
    unsigned count;         /* how many of them are here: */
    struct inet_socket sockets[OTHER_SOCKETS];
    struct owners owners[OTHER_SOCKETS]; /* of the socket with the same index */
};

/* Looks at the port in the network namespace of the caller, and for the owners. `asked` is the
 * protocol of the question: TCP or UDP. */
void other_protocol_look(enum protocol asked, uint16_t port, struct other_sockets *found);

#endif
