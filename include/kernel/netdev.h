/* Network devices and their addresses. */
#ifndef PORTREUSE_KERNEL_NETDEV_H
#define PORTREUSE_KERNEL_NETDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "kernel/netns.h"

enum { NETDEV_NAME_SIZE = 16 }; /* IFNAMSIZ, with the NUL */

/* Returns the index of a device of the caller's network namespace; 0 if the name is "", or there is
 * no such device. */
uint32_t netdev_index(const char *name);

/* Makes a device that is not `lo` and brings it up: one end of a veth(4) pair whose other end is up
 * and has no address, so that it has a carrier and routes, but nothing behind them answers. Returns
 * 0 or an errno: EEXIST, EOPNOTSUPP where this kernel has no veth. */
int netdev_make(struct netns ns, const char *name);

/* Adds the address with a network of `prefix` bits to the device, or removes it; the port is
 * ignored. It can be used when this returns. Returns 0 or an errno: EEXIST if it is there,
 * EADDRNOTAVAIL if it is not, ENODEV if there is no such device. */
int netdev_address(struct netns ns, const char *name, const struct endpoint *address,
                   unsigned prefix, bool present);

/* Returns whether a device has this IPv6 address but cannot use it: duplicate address detection is
 * still running (IFA_F_TENTATIVE), or has found another host with the address. bind() then fails
 * with EADDRNOTAVAIL (ipv6_chk_addr() in net/ipv6/addrconf.c). */
bool netdev_is_tentative(struct netns ns, const struct endpoint *address);

/* What a device can do for a packet. */
struct netdev_link {
    char name[NETDEV_NAME_SIZE];
    bool up;       /* IFF_UP: somebody has set it up */
    bool carrier;  /* it is up, and something is at the other end: IFF_LOWER_UP */
    bool resolves; /* packets wait until ARP or neighbour discovery has found the next hop: without
                      IFF_NOARP and IFF_LOOPBACK */
};

/* Finds out what the device with this index can do. Returns 0 or an errno: ENODEV. */
int netdev_link(struct netns ns, uint32_t index, struct netdev_link *link);

/* Finds a device that cannot send, although one of its addresses has the destination in its
 * network: that is why there is no route. An IPv6 address goes with its device, so that only IPv4
 * ones tell. Looks in the caller's network namespace; returns whether there is one. */
bool netdev_blocked(const struct endpoint *to, struct netdev_link *link);

/* Returns whether the device is there and up (IFF_UP). */
bool netdev_is_up(struct netns ns, const char *name);

/* Writes the addresses of the devices of the caller's network namespace that are up, as
 * `127.0.0.1, 192.0.2.7, ::1`, with the device of link-local ones, to `text` of `size` bytes. Those
 * that do not fit are left out, which the text then says. */
void netdev_list_addresses(char *text, size_t size);

#endif
