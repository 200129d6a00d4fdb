/* The rules by which Linux lets UDP sockets share a port: what bind() returns, as pure functions of
 * the sockets that have the port and of the one that wants it. The types are those of
 * model/rules.h.
 *
 * The source is udp_lib_get_port() in net/ipv4/udp.c of Linux 6.18. docs/bind-rules.md explains the
 * rules and lists what they leave out: a hash slot with more than ten sockets, where the kernel
 * looks at other lists.
 */
#ifndef PORTREUSE_MODEL_UDP_H
#define PORTREUSE_MODEL_UDP_H

#include <stdbool.h>
#include <stddef.h>

#include "model/rules.h"

/* Decides whether the two addresses overlap, whatever the ports and options: as rules_meet() does
 * for TCP. */
struct ruling udp_meet(const struct claim *claim, const struct occupant *occupant);

/* Decides whether one occupant is in the way of a bind(), given that the kernel looks at it. With
 * port 0 the question is whether it keeps its own port from being chosen. */
struct ruling udp_between(const struct claim *claim, const struct occupant *occupant);

/* Decides on bind() to a port. The occupants are in the order in which the kernel looks at them,
 * which is that of sockdiag_dump(): the newest first, but an IPv6 socket that had SO_REUSEPORT when
 * it was bound after all others (udp_lib_get_port(), sk_add_node_rcu()). The order matters: the
 * first socket that shares the port by SO_REUSEPORT ends the look. */
struct port_ruling udp_port(const struct claim *claim, const struct occupant *occupants,
                            size_t count);

/* Decides on bind() with port 0. The occupants can be on any port, in any order. `ports` as in
 * rules_range(). */
struct range_ruling udp_range(const struct claim *claim, const struct occupant *occupants,
                              size_t count, bool *ports);

#endif
