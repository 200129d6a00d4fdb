/* What the kernel knows of a host on a link: ARP, and the neighbour discovery of IPv6. */
#ifndef PORTREUSE_KERNEL_NEIGHBOUR_H
#define PORTREUSE_KERNEL_NEIGHBOUR_H

#include <stdint.h>

#include "base/endpoint.h"
#include "kernel/netns.h"

enum neighbour_state {
    NEIGHBOUR_UNKNOWN, /* it was not asked for, or not lately; or that cannot be found out */
    NEIGHBOUR_KNOWN,   /* its address on the link is known, at least from before */
    NEIGHBOUR_FIXED,   /* the same, by somebody's hand: it is not asked for (NUD_PERMANENT) */
    NEIGHBOUR_SILENT,  /* it was asked for, and has not answered (NUD_FAILED) */
};

/* Returns the state of the entry (`ip neighbour`), by RTM_GETNEIGH for one address (Linux 5.0),
 * which sends nothing on the link. */
enum neighbour_state neighbour_state(struct netns ns, uint32_t device,
                                     const struct endpoint *address);

#endif
