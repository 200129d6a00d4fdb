/* An address in a script: written out, or taken from a socket when the step runs. */
#ifndef PORTREUSE_SCENARIO_ADDRESS_H
#define PORTREUSE_SCENARIO_ADDRESS_H

#include "base/endpoint.h"

enum address_use {
    ADDRESS_WRITTEN,     /* 127.0.0.1:80 */
    ADDRESS_OF_SOCKET,   /* $role.socket, $role.socket.peer */
    ADDRESS_AND_ITS_PORT /* 127.0.0.1:$role.socket.port: a written address, a socket's port */
};

struct address {
    enum address_use use;
    struct endpoint_pattern pattern; /* the written part */
    unsigned role, socket;           /* the socket it is taken from: indexes into the scenario */
    bool peer;                       /* its remote end, not its local one */
};

#endif
