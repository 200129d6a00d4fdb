/* The way to a destination, behind the route: whether its device can send, and whether the next hop
 * has answered. Nothing is sent. */
#ifndef PORTREUSE_DIAGNOSE_WHY_PATH_H
#define PORTREUSE_DIAGNOSE_WHY_PATH_H

#include "diagnose/finding.h"
#include "kernel/route.h"

/* Returns what is wrong with the way that this route leads; PATH_OPEN if nothing is known to be.
 *
 * connect() of TCP succeeds in everything but the arrival of its packets. A device that is down, or
 * without carrier, drops them: after some seconds ARP has failed, which gives EHOSTUNREACH, or
 * where no address is asked for, net.ipv4.tcp_syn_retries give up with ETIMEDOUT. The routes of
 * `lo` stay when it is set down (fib_sync_down_dev() in net/ipv4/fib_semantics.c keeps those of
 * scope nowhere), and every packet of this host to itself goes out of it. */
struct why_path why_path_of(const struct route *route);

/* Returns why there is no route: the device that would lead to the destination is down, or has no
 * carrier (and ignore_routes_with_linkdown is set); PATH_OPEN if none does. */
struct why_path why_path_missing(const struct endpoint *to);

/* Returns the situation for the sentence of the cause: WHEN_LO_DOWN, WHEN_LINK_DOWN,
 * WHEN_NO_CARRIER, or WHEN_ALWAYS. */
unsigned why_path_when(const struct why_path *path);

#endif
