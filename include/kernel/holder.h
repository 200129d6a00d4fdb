/* What in the kernel itself can have a port: no process has the socket then. */
#ifndef PORTREUSE_KERNEL_HOLDER_H
#define PORTREUSE_KERNEL_HOLDER_H

#include <stdbool.h>

#include "base/endpoint.h"

enum holder_kind {
    HOLDER_NONE, /* nothing of what can be asked has it */
    HOLDER_VXLAN,
    HOLDER_GENEVE,
    HOLDER_BAREUDP,
    HOLDER_MPTCP, /* an endpoint of the path manager that has a port */
    HOLDER_NFSD,
    HOLDER_LOCKD,
};

enum { HOLDER_NAME_SIZE = 16 };

struct kernel_holder {
    enum holder_kind kind;
    char name[HOLDER_NAME_SIZE]; /* the network device, the number of the endpoint; or "" */
};

/* Finds what has this port, of UDP or TCP, in the network namespace of the caller. Asks rtnetlink,
 * generic netlink and /proc. nfsd tells root alone. */
struct kernel_holder holder_find(bool udp, const struct endpoint *local);

#endif
