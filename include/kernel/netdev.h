/* Network devices and their addresses, in the network namespace that the caller is in. */
#ifndef PORTREUSE_KERNEL_NETDEV_H
#define PORTREUSE_KERNEL_NETDEV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/endpoint.h"

enum { NETDEV_NAME_SIZE = 16 }; /* IFNAMSIZ, with the NUL */

/* Takes a device up. Returns 0 or an errno. */
int netdev_raise(const char *name);

/* Makes a device that is not `lo` and takes it up: one end of a veth(4) pair of which the other is
 * down, so that it has routes and nobody behind them. Returns 0 or an errno: EEXIST, EOPNOTSUPP
 * where this kernel has no veth. */
int netdev_make(const char *name);

/* Gives the device an address of `prefix` bits of network, or takes it away; the port does not
 * count. Returns 0 or an errno: EEXIST if it is there, EADDRNOTAVAIL if it is not, ENODEV if there
 * is no such device. */
int netdev_address(const char *name, const struct endpoint *address, unsigned prefix, bool present);

#endif
