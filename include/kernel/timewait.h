/* Ending a TIME-WAIT before its time, for connections of one's own. */
#ifndef PORTREUSE_KERNEL_TIMEWAIT_H
#define PORTREUSE_KERNEL_TIMEWAIT_H

#include "kernel/sockdiag.h"

/* Ends the TIME-WAIT `socket`, which must be of a connection on this host whose other end is
 * closed. With CAP_NET_ADMIN the kernel is asked to (SOCK_DESTROY); else it is reset by a connect()
 * from the other end, unless net.ipv4.tcp_rfc1337 forbids (RFC 1337). Whether it is gone is for the
 * caller to see. */
void timewait_end(int diag, const struct tcp_socket *socket);

#endif
