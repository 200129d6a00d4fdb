/* The sockets of a network namespace as /proc/net shows them: for kernels without sock_diag, or
 * without its part for a protocol (the modules tcp_diag, udp_diag, unix_diag).
 *
 * /proc/net lacks TCP sockets that are bound and idle, IPV6_V6ONLY, devices, backlogs and cookies,
 * and of a Unix socket the user and the file. It shows an MPTCP socket as the TCP socket below.
 */
#ifndef PORTREUSE_KERNEL_PROCNET_H
#define PORTREUSE_KERNEL_PROCNET_H

#include <stdbool.h>

#include "kernel/netns.h"
#include "kernel/sockdiag.h"
#include "kernel/unixdiag.h"

/* Visits each socket that matches the query. Returns 0 or an errno: that of opening the files,
 * EOPNOTSUPP for MPTCP, and for `asked` or `chosen`. */
int procnet_dump(struct netns ns, const struct diag_query *query, sockdiag_visit *visit,
                 void *context);

/* Visits each Unix socket. A name can contain a newline: what comes after that is lost, or, if it
 * was made for that, is taken for another socket. */
int procnet_dump_unix(struct netns ns, unixdiag_visit *visit, void *context);

/* --- lines --- */

/* Reads a line of /proc/net/tcp, tcp6, udp or udp6. Returns false if it is not one, as the heading
 * of the file is not. */
bool procnet_parse(const char *line, enum protocol protocol, sa_family_t family,
                   struct inet_socket *socket);

/* Reads a line of /proc/net/unix. The kernel writes `@` for each NUL in an abstract name: the first
 * one becomes a NUL again. */
bool procnet_parse_unix(const char *line, struct unix_socket *socket);

#endif
