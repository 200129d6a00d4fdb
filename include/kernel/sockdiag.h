/* The TCP, UDP and MPTCP sockets that the kernel has, by sock_diag(7).
 *
 * Requests and answers are built and parsed as bytes, separately from the socket that carries them,
 * so that a test can feed a recorded, truncated or hostile answer.
 */
#ifndef PORTREUSE_KERNEL_SOCKDIAG_H
#define PORTREUSE_KERNEL_SOCKDIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/diag_link.h"
#include "kernel/netns.h"
#include "model/socket.h"

/* Which sockets to list. */
struct diag_query {
    enum protocol protocol; /* UDP has the states ESTABLISHED and CLOSED */
    sa_family_t family;     /* AF_INET, AF_INET6, or 0 for both */
    uint32_t states;        /* a set of states, see model/socket.h */
    struct endpoint_pattern local, remote;
    uint16_t low, high; /* if local.any_port: only these local ports; 0 and 0: all of them */
    bool opener;        /* also find out which side opened each connection */
    bool asked;         /* only those whose port was named to bind(); never any in TIME-WAIT */
    bool chosen;        /* only the others, and all in TIME-WAIT */
};

/* Returns a query for every TCP socket in `states`. */
struct diag_query sockdiag_query(uint32_t states);

/* Returns whether the socket is one of those asked for; `asked` and `chosen` are not looked
 * at. */
bool sockdiag_wanted(const struct diag_query *query, const struct inet_socket *socket);

/* Opens a sock_diag socket, which answers for that namespace: a descriptor that the caller closes,
 * or -1 with errno set (EPROTONOSUPPORT where the kernel lacks sock_diag). */
int sockdiag_open(struct netns ns);

/* Called for each socket, with the caller's `context`. False ends the visits. */
typedef bool sockdiag_visit(void *context, const struct inet_socket *socket);

/* Visits each socket that matches the query. Returns 0 or an errno: ENOENT if the kernel lacks
 * inet_diag for the protocol (the modules tcp_diag, udp_diag, mptcp_diag).
 *
 * UDP sockets on one port come in the order in which bind() checks them (udp_port()). Before Linux
 * 5.9 the two families cannot be listed together: all IPv4 sockets then come first. */
int sockdiag_dump(int diag, const struct diag_query *query, sockdiag_visit *visit, void *context);

/* Finds the TCP socket with these two endpoints, without a walk over the kernel's whole table.
 * Returns 0 and fills `socket`, ENOENT if there is none, or another errno. Listeners are not found,
 * nor are sockets that are bound to a device; sockdiag_find_on() finds those that are bound to this
 * one as well (inet_diag_find_one_icsk() looks up a segment from there). */
int sockdiag_find(int diag, const struct endpoint *local, const struct endpoint *remote,
                  struct inet_socket *socket);
int sockdiag_find_on(int diag, uint32_t interface, const struct endpoint *local,
                     const struct endpoint *remote, struct inet_socket *socket);

/* The same as sockdiag_find(), and finds out who opened the connection. */
int sockdiag_find_opener(int diag, const struct endpoint *local, const struct endpoint *remote,
                         struct inet_socket *socket);

/* Makes the kernel abort this TCP or UDP socket (SOCK_DESTROY, since Linux 4.5), also in TIME-WAIT.
 * Returns 0 or an errno: EOPNOTSUPP if the kernel was built without INET_DIAG_DESTROY, EPERM
 * without CAP_NET_ADMIN, ENOENT if it is gone, or if it is only BOUND. */
int sockdiag_destroy(int diag, const struct inet_socket *socket);

/* Returns whether this kernel can do that, for whoever may. Changes nothing. */
bool sockdiag_can_destroy(int diag);

/* Ends a TIME-WAIT early. Its connection must be between two sockets of this namespace, of which
 * the other one is closed. With CAP_NET_ADMIN it uses SOCK_DESTROY; otherwise a connect() from the
 * other end resets the connection, unless net.ipv4.tcp_rfc1337 forbids that (RFC 1337). The caller
 * checks whether it is gone. `ns` is the namespace that `diag` was opened in. */
void sockdiag_end_time_wait(int diag, struct netns ns, const struct inet_socket *socket);

/* Returns 0 if TCP sockets can be listed, else the errno. */
int sockdiag_works(int diag);

/* Returns 1 if this kernel lists BOUND sockets (since Linux 6.8), else 0: it binds a socket to a
 * free port of 127.0.0.1 and looks for it. -1 if that could not be tried. `ns` is the namespace
 * that `diag` was opened in. */
int sockdiag_sees_bound(int diag, struct netns ns);

/* --- the bytes --- */

enum { SOCKDIAG_REQUEST_SIZE = 168 };

/* Writes the dump request for one family, or for both if it is 0, to `request`
 * (SOCKDIAG_REQUEST_SIZE bytes, aligned like a uint32_t) and returns its length. The kernel filters
 * by state and port; sockdiag_parse() does the rest. A request for MPTCP, or for both families of
 * UDP, names the protocol in an attribute (INET_DIAG_REQ_PROTOCOL, Linux 5.9); an older kernel
 * ignores that and answers with TCP sockets. */
size_t sockdiag_request(const struct diag_query *query, sa_family_t family, uint32_t sequence,
                        void *request);

/* Parses the `size` bytes of one received datagram (aligned like a uint32_t) and visits each socket
 * in it that matches the query. `*error` is set with SOCKDIAG_ERRNO. */
enum sockdiag_status sockdiag_parse(const void *bytes, size_t size, uint32_t sequence,
                                    const struct diag_query *query, sockdiag_visit *visit,
                                    void *context, int *error);

#endif
