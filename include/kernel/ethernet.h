/* An Ethernet between network namespaces: a bridge in a namespace of its own, and a pair of veth(4)
 * devices for each host, one end in the host and one a port of the bridge. All of it can be made by
 * an ordinary user in his own user namespace, and is gone with the namespaces. */
#ifndef PORTREUSE_KERNEL_ETHERNET_H
#define PORTREUSE_KERNEL_ETHERNET_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/netns.h"

/* Makes the bridge in the namespace `middle`. Returns 0 or an errno: EOPNOTSUPP where this kernel
 * has no bridge. */
int ethernet_make(struct netns middle);

/* A host on it. */
struct ethernet_host {
    struct netns middle, ns; /* of the bridge, and of the host */
    const char *device;      /* the name of its device: eth0 */
    unsigned port;           /* the number of its port, from 0: never used twice */
    unsigned number;         /* of the host, from 1: its hardware address is made of it */
};

/* Connects the host: its device is up then, with the IPv6 address fe80::NUMBER, if the kernel has
 * IPv6, and no other. ethernet_await() waits until frames go both ways. Return 0 or an errno:
 * EOPNOTSUPP where this kernel has no veth, ETIMEDOUT. */
int ethernet_plug(const struct ethernet_host *host);
int ethernet_await(const struct ethernet_host *host);

/* Has the bridge lose all frames to and from the host, or pass them on again. Neither end notices:
 * the carrier stays. Returns 0 or an errno. */
int ethernet_pass(const struct ethernet_host *host, bool passes);

/* Has the bridge forget where it has seen the host's hardware address. Returns 0 or an errno. */
int ethernet_forget(const struct ethernet_host *host);

#endif
