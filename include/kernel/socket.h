/* What is done with a single socket: look at an open descriptor, and try a bind(). */
#ifndef PORTREUSE_KERNEL_SOCKET_H
#define PORTREUSE_KERNEL_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "kernel/netns.h"
#include "kernel/unixdiag.h"
#include "model/socket.h"

/* --- kinds --- */

enum socket_kind {
    KIND_TCP4,
    KIND_TCP6,
    KIND_UDP4,
    KIND_UDP6,
    KIND_MPTCP4,
    KIND_MPTCP6,
    KIND_UNIX,
    KIND_UNIX_DGRAM,
    SOCKET_KINDS, /* how many there are; also: none of them */
};

struct socket_kind_row {
    const char *name; /* `tcp4` */
    enum protocol protocol;
    sa_family_t family;
    int type;   /* SOCK_STREAM or SOCK_DGRAM */
    int number; /* the protocol's, as for socket(2) */
};

/* The row of a kind, static; the kind called `name`, or SOCKET_KINDS. */
const struct socket_kind_row *socket_kind_row(enum socket_kind kind);
enum socket_kind socket_kind_named(const char *name);

/* The address of the Unix socket called `name`, a path or `@` and an abstract name, of which as
 * much is taken as fits. Returns its size. */
socklen_t socket_unix_address(const char *name, struct sockaddr_storage *address);

/* --- looking at one --- */

/* A socket as its process last saw it. */
struct socket_view {
    bool made, open, has_peer;
    bool outgoing;    /* connected by connect(): set by the caller */
    bool bound;       /* bind() named its port: set by the caller */
    bool inherited;   /* from the process that forked this one: set by the caller */
    bool nonblocking; /* SOCK_NONBLOCK was given: set by the caller */
    bool reuseaddr, reuseport, v6only;
    enum protocol protocol;
    sa_family_t family;
    struct endpoint local, peer; /* of a closed socket: the last known ones */
    /* The same of a Unix socket, as its address is written; "": it has no name. Of a link-local
     * address, the zone. */
    char name[UNIX_NAME_SIZE + 1], peer_name[UNIX_NAME_SIZE + 1];
    uint32_t inode, uid, interface;
    uint16_t range_low, range_high; /* IP_LOCAL_PORT_RANGE, or 0 */
};

/* Updates the view from the socket `fd` of the calling process; -1 only marks it as closed. Returns
 * 0, or the errno if a part of it could not be read for want of memory or descriptors. */
int socket_look(struct socket_view *view, int fd);

/* Asks for the name of a socket, or of its peer. Returns 0 and fills the endpoint, or for a Unix
 * socket the name, of UNIX_NAME_SIZE + 1 bytes, with the endpoint's family AF_UNIX; or an errno.
 * The name of a link-local address is its zone. */
int socket_name(int fd, bool peer, struct endpoint *endpoint, char *name);

/* Returns whether `fd` is a TCP socket that neither listens nor is connected. */
bool socket_is_idle_tcp(int fd);

/* A bind() to try. */
struct trial {
    enum protocol protocol; /* TCP or UDP */
    struct endpoint local;
    bool reuseaddr, reuseport, v6only;
    uint32_t device;  /* the index of the device of SO_BINDTODEVICE, or 0 */
    uint32_t zone;    /* that of a link-local address (sin6_scope_id), or 0 */
    uint64_t *cookie; /* receives that of the socket (SO_COOKIE) if it was bound, or NULL */
};

/* Binds a new socket in the namespace and closes it at once. A TCP socket never listens, so it
 * receives no connection and no other socket's data. A UDP socket sends nothing, but a datagram
 * that arrives between bind() and close() is lost: if the port is free, its sender would have had
 * an ICMP error instead; if a trial with SO_REUSEADDR or SO_REUSEPORT shares the port, the server
 * that has it misses that datagram. Returns 0, or the errno of `*call` ("socket",
 * "setsockopt", "bind"; static).
 *
 * Effects on the host: a successful bind() occupies the port for some microseconds, in which
 * another program's bind() can fail. While the port stays in use, the kernel also remembers that
 * somebody bound it without an option (inet_csk_update_fastreuse() in net/ipv4/
 * inet_connection_sock.c). That changes how fast it decides, and whether connect() chooses a port
 * that only outgoing connections use: Linux 6.18 still chose it after a trial when this was
 * tested; an older kernel may avoid it until those connections are closed. A refused bind() changes
 * nothing. */
int socket_trial(struct netns ns, const struct trial *trial, const char **call);

#endif
