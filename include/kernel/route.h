/* The route to a destination, as the kernel finds it for a connection: `ip route get`. */
#ifndef PORTREUSE_KERNEL_ROUTE_H
#define PORTREUSE_KERNEL_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "kernel/netns.h"

struct route_question {
    struct endpoint to;     /* with the port, as a rule can ask for it */
    struct endpoint from;   /* the source address, if it is given; family 0 or a wildcard: it is not
                             */
    uint32_t device;        /* the device that the socket is bound to, or 0 */
    unsigned char protocol; /* IPPROTO_TCP or IPPROTO_UDP */
};

struct route {
    bool local; /* the destination is this network namespace itself */
    bool broadcast, multicast;
    struct endpoint
        source;      /* the address that the kernel would send from, port 0; family 0: none */
    uint32_t device; /* the index of the device it goes out of; 0: none */
    struct endpoint next_hop; /* port 0: the gateway, or the destination if it is on the link;
                                 family 0: not known */
};

/* Finds the route with RTM_GETROUTE, which asks no security module and sends nothing. An
 * IPv4-mapped address is one of IPv4. Returns 0, or an errno: that of the kernel's answer says why
 * there is no route, and connect() then fails with it too: ENETUNREACH, EHOSTUNREACH (a route of
 * type unreachable), EACCES (prohibit), EINVAL (blackhole, or a source that may not be used). */
int route_find(struct netns ns, const struct route_question *question, struct route *route);

#endif
