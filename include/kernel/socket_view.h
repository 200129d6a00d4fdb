/* What can be learnt of a socket by those who have it open. */
#ifndef PORTREUSE_KERNEL_SOCKET_VIEW_H
#define PORTREUSE_KERNEL_SOCKET_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"

/* A socket as its process saw it last. */
struct socket_view {
    bool made, open, has_peer;
    bool outgoing, bound; /* by connect(); to a port that bind() named: for the caller to set */
    bool inherited;       /* from the process that forked this one: likewise */
    bool reuseaddr, reuseport, v6only;
    sa_family_t family;
    struct endpoint local, peer; /* of a closed socket: the last ones */
    uint32_t inode, uid, interface;
    uint16_t range_low, range_high; /* IP_LOCAL_PORT_RANGE, or 0 */
};

/* Takes down how the socket `fd` of the calling process looks now; with -1 only that it is closed.
 */
void socket_view_look(struct socket_view *view, int fd);

#endif
