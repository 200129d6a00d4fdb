/* A connect() that sends nothing: the kernel's own answer to whether a connection could be opened
 * from here, without opening one.
 *
 * With TCP_FASTOPEN_CONNECT (Linux 4.11) connect() finds the route, the source address and the
 * port, asks the security hooks, and then leaves the SYN to the first write, given that it needs no
 * cookie for it: TCP_FASTOPEN_NO_COOKIE (Linux 4.15; tcp_fastopen_defer_connect() in
 * net/ipv4/tcp_fastopen.c). There is no write: the socket is closed in SYN-SENT, for which close()
 * and exit() send nothing either (tcp_close_state() in net/ipv4/tcp.c). No counter of
 * /proc/net/snmp changes, except that a missing route is counted in OutNoRoutes. No right is
 * needed.
 *
 * It says nothing about what only a packet can find out: netfilter, the way to the destination, and
 * whether somebody listens there.
 *
 * Effects on the host: for some microseconds the trial has its port, as a connection would, and
 * another program's bind() to that port can fail in that moment. It also moves on the kernel's
 * search for the next port (table_perturb in net/ipv4/inet_hashtables.c). A TIME-WAIT that the
 * kernel would let a connection take over is left alone, unless the caller wants otherwise: a trial
 * would end it. */
#ifndef PORTREUSE_KERNEL_SILENT_H
#define PORTREUSE_KERNEL_SILENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/ports.h"
#include "kernel/netns.h"
#include "model/socket.h"

/* A connection as its program would open it. */
struct silent_trial {
    enum protocol protocol; /* TCP or UDP; connect() of UDP never sends anything */
    struct endpoint remote; /* its family is that of the socket: an IPv4-mapped address, which has
                               AF_INET6, makes an IPv6 socket, as a dual-stack program does */
    struct endpoint local;  /* bind() to it comes first. family 0: no bind(); port 0: the kernel
                               chooses a port, at bind() unless `no_port` is set. Its family must be
                               that of `remote` */
    uint16_t low, high;     /* IP_LOCAL_PORT_RANGE (Linux 6.3); 0 and 0: not set */
    bool no_port;           /* IP_BIND_ADDRESS_NO_PORT */
    bool reuseaddr, reuseport, v6only;
    uint32_t device; /* the index of the device of SO_BINDTODEVICE, or 0 */
    uint32_t zone;   /* that of link-local addresses (sin6_scope_id), or 0 */

    bool known_silent;  /* the caller has called silent_obstacle() itself; for many trials in a row
                         */
    bool any_time_wait; /* a TIME-WAIT may be taken over; none is looked for, which saves the time.
                           Also for a caller that knows there is none on the ports of the trial */
};

enum silent_verdict {
    SILENT_TRIED,     /* this is the kernel's answer: `error` of `call` */
    SILENT_TIME_WAIT, /* whatever does not take over a TIME-WAIT was tried, and is refused: `error`
                         of `call`. Whether the kernel would take over one of these was not tried */
    SILENT_NOT_TRIED, /* the trial could not be made in silence: `reason` */
    SILENT_FAILED,    /* this process or the kernel ran out of something: `error` of `call` */
};

struct silent_answer {
    enum silent_verdict verdict;
    int error;            /* 0: the connection could be opened */
    const char *call;     /* "socket", "setsockopt", "bind" or "connect", static */
    const char *reason;   /* of SILENT_NOT_TRIED: a clause, static: "tcp_fastopen lacks bit 1" */
    struct endpoint from; /* the source address and port; family 0: not known */
    uint32_t time_waits;  /* how many in TIME-WAIT, or orphans in FIN-WAIT-2, were left alone */
    bool sent;            /* against all checks a SYN was sent: no cookie was asked for, but the
                             kernel did not wait */
};

/* Returns NULL if a trial of TCP sends nothing in this namespace, else why not: a clause, static.
 * Checked are TCP_FASTOPEN_CONNECT and its setting (bit 1 of net.ipv4.tcp_fastopen), and whether
 * the kernel may have stopped TCP Fast Open for a while because a firewall dropped its packets
 * (tcp_fastopen_active_should_disable()): that is never so while tcp_fastopen_blackhole_timeout_sec
 * is 0, as it is by default since Linux 5.14, or while TCPFastOpenBlackhole counts none. `*error`
 * is 0, or the errno of a want of resources. */
const char *silent_obstacle(struct netns ns, int *error);

/* Tries the connection in the namespace. */
void silent_connect(struct netns ns, const struct silent_trial *trial,
                    struct silent_answer *answer);

/* What silent_ports() found out. */
struct silent_ports {
    struct port_set tried;
    struct port_set refused; /* of them: connect() does not take these (EADDRNOTAVAIL) */
};

/* Tries each of `ports`, with IP_LOCAL_PORT_RANGE, until `end_ns` of units_now_ns(): whatever is
 * not in `tried` then was not. The trials share two sockets, each in a thread of its own, or one if
 * they are few, which takes less time than as many calls of silent_connect(). The caller has called
 * silent_obstacle(), names no port in the trial, and knows that nothing in TIME-WAIT can be taken
 * over. The ports must be in the range of the namespace: one outside of it does not count
 * (inet_sk_get_local_port_range() in net/ipv4/inet_connection_sock.c). Returns 0, or the errno that
 * ended the trials: ENOPROTOOPT before Linux 6.3. */
int silent_ports(struct netns ns, const struct silent_trial *trial, const struct port_set *ports,
                 uint64_t end_ns, struct silent_ports *found);

/* Returns the destination that the kernel takes: the wildcard address means this host, at the
 * source address if that is given (ip_route_output_key_hash_rcu() in net/ipv4/route.c,
 * tcp_v6_connect()). */
struct endpoint silent_destination(const struct silent_trial *trial);

/* Finds the source address that the kernel would choose, with port 0, by connect() of a UDP socket:
 * for a trial that was refused, of which the kernel does not keep it. Family 0: none. A routing
 * rule for one protocol or port can make it differ from that of a TCP socket. Returns 0, or an
 * errno if that could not be tried. */
int silent_source(struct netns ns, const struct silent_trial *trial, struct endpoint *source);

#endif
