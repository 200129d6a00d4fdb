/* The rules by which Linux lets sockets share a TCP port (those of UDP are in model/udp.h): what
 * bind(), listen() and connect() return, as pure functions of the sockets that have the port and of
 * the one that wants it. They make no system call, so the model can be compared with the kernel
 * (portreuse matrix, tests/property), and can answer for sockets that do not exist.
 *
 * The source is net/ipv4/inet_connection_sock.c and inet_hashtables.c of Linux 6.18; the table of
 * rules (in rules.c) names the function that each one follows. docs/bind-rules.md explains them and
 * lists what the model leaves out.
 */
#ifndef PORTREUSE_MODEL_RULES_H
#define PORTREUSE_MODEL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "model/quirks.h"
#include "model/socket.h"

/* What is known of a yes-or-no property of another socket. */
enum knowledge { NOT_KNOWN, KNOWN_NO, KNOWN_YES };

enum knowledge knowledge_of(bool yes);

/* A socket that has a port. */
struct occupant {
    struct inet_socket socket;
    enum knowledge reuseaddr, reuseport;
    enum knowledge outgoing;  /* made by connect(), not by accept() */
    enum knowledge bound;     /* its port was given to bind(); the kernel did not choose it */
    enum knowledge inherited; /* all that have it open inherited it by fork(): the process that made
                                 it no longer has it */
    enum knowledge by_connect; /* connect() chose its port: bind() was not called, not even with
                                  port 0 */
};

/* A socket that wants a port, or that has bound one and wants to listen or connect. */
struct claim {
    enum protocol protocol; /* UDP has rules of its own: model/udp.h */
    struct endpoint local;  /* its family is the socket's; port 0: the kernel chooses */
    struct endpoint remote; /* the address given to connect() */
    bool reuseaddr, reuseport, v6only;
    uint32_t uid;
    uint32_t interface;             /* index of the device the socket is bound to, or 0 */
    uint16_t range_low, range_high; /* the ports that the kernel chooses from */
    bool autobind_reuse;            /* the sysctl ip_autobind_reuse is 1 */
    bool tw_reuse;                  /* tcp_tw_reuse holds for the connection */
    struct kernel_quirks quirks;    /* of the kernel that is meant */
};

enum port_call { CALL_BIND, CALL_LISTEN, CALL_CONNECT };

/* --- the rules --- */

enum rule {
    /* these explain why a socket is not in the way */
    RULE_FREE,
    RULE_OTHER_PORT,
    RULE_OTHER_DEVICE,
    RULE_OTHER_ADDRESS,
    RULE_V6ONLY,
    RULE_BOTH_REUSEADDR,
    RULE_BOTH_REUSEPORT,
    RULE_SAME_REUSEPORT,
    RULE_CONNECT_SHARES,
    RULE_UDP_BOTH_REUSEADDR,
    RULE_UDP_REUSEPORT_GROUP,
    /* from here on, the rules refuse */
    RULE_ADDRESS_IN_USE,
    RULE_WILDCARD_VS_SPECIFIC,
    RULE_DUAL_STACK,
    RULE_BIND_TWICE_LISTEN_ONCE,
    RULE_REUSEPORT_UID,
    RULE_BOUND_BUT_IDLE,
    RULE_LIVE_CONNECTION,
    RULE_TIME_WAIT_REBIND,
    RULE_EPHEMERAL_BIND,
    RULE_FIXED_CLIENT_PORT,
    RULE_EPHEMERAL_EXHAUSTION,
    RULE_POISONED_PORT,
    RULE_UDP_PORT_TAKEN,
    RULE_COUNT,
};

/* A row of the table of rules; all static. */
struct rule_text {
    const char *name;   /* stable: `time-wait-rebind`. A rule that refuses has the name of a cause
                           (model/cause.h) */
    const char *says;   /* one sentence */
    const char *source; /* the functions of the kernel that it follows */
};

const struct rule_text *rules_text(enum rule rule);

/* Returns whether the rule explains why a call is refused. */
bool rules_refuses(enum rule rule);

/* --- between two sockets --- */

/* Returns whether a socket is IPv6 only once it is bound as the claim says: because of IPV6_V6ONLY,
 * or because bind() to a specific IPv6 address makes it so. The connections that it accepts inherit
 * that. */
bool rules_v6only(const struct claim *claim);

/* What would have to be known of the occupant to decide. A set. */
enum unknown {
    UNKNOWN_REUSEADDR = 1,   /* whether it has SO_REUSEADDR: with it, it is not in the way */
    UNKNOWN_REUSEPORT = 2,   /* SO_REUSEPORT: likewise */
    UNKNOWN_V6ONLY = 4,      /* IPV6_V6ONLY: likewise */
    UNKNOWN_BY_CONNECT = 8,  /* whether connect() itself chose its port: likewise */
    UNKNOWN_TIMESTAMPS = 16, /* whether its connection had TCP timestamps: likewise */
};

struct ruling {
    enum rule rule;            /* if that is not known: the one that holds if it is in the way */
    enum knowledge in_the_way; /* NOT_KNOWN: if none of `unknown` is true */
    unsigned unknown;          /* a set of enum unknown */
};

/* Decides whether one occupant is in the way of a call. `claim` is the socket that calls: for
 * listen() and connect(), as it is bound now. With port 0 the question is whether the occupant
 * keeps its own port from being chosen. The occupant must be another socket. */
struct ruling rules_between(enum port_call call, const struct claim *claim,
                            const struct occupant *occupant);

/* Decides whether the two addresses overlap, whatever the ports and options. The rule says how
 * (RULE_ADDRESS_IN_USE, RULE_WILDCARD_VS_SPECIFIC, RULE_DUAL_STACK) or why not (RULE_OTHER_ADDRESS,
 * RULE_V6ONLY). */
struct ruling rules_meet(const struct claim *claim, const struct occupant *occupant);

/* --- on a port --- */

/* What the kernel remembers of a port in addition to the sockets on it: the SO_REUSEPORT socket
 * that bound or listened last. All zero: nothing, as for a port that is free or that only connect()
 * has chosen. */
struct port_history {
    bool reuseport; /* there is such a socket, and none without SO_REUSEPORT came after it: */
    struct endpoint local;
    bool v6only;
    uint32_t uid;
    /* Older kernels (quirks.first_bind, .stays_poisoned): */
    struct kernel_quirks quirks;
    bool used;        /* a socket was bound to the port, or connect() has chosen it */
    bool bound;       /* the former */
    bool any_address; /* that SO_REUSEPORT socket, or one like it, was the first on the port */
    bool reuseaddr;   /* all that were bound to it had SO_REUSEADDR then, and none has listened */
};

/* The ruling on bind() to a port, or listen() on it, given all its occupants. */
struct port_ruling {
    struct ruling ruling;
    size_t occupant; /* the one that the rule is about; `count` if it is about none */
};

/* `history` may be NULL: nothing is remembered. An occupant that is in the way outweighs one that
 * may be. */
struct port_ruling rules_port(enum port_call call, const struct claim *claim,
                              const struct occupant *occupants, size_t count,
                              const struct port_history *history);

/* The ruling on the kernel's choice of a port. */
struct range_ruling {
    unsigned eligible; /* how many ports of the range can be chosen */
    int error;         /* 0, or the errno if none can */
    enum rule rule;    /* RULE_FREE, or the rule that says why not */
};

/* Decides on bind() and listen() with port 0, or connect() without a port. The occupants can be on
 * any port. Ports in ip_local_reserved_ports are never chosen: the caller must take that into
 * account. If the number of ports in the range is odd, the kernel leaves out the first or the last
 * one, at random. If `ports` is not NULL, it receives, for each port from range_low on, whether the
 * port can be chosen. */
struct range_ruling rules_range(enum port_call call, const struct claim *claim,
                                const struct occupant *occupants, size_t count, bool *ports);

/* Records that bind() or listen() by `claim` has succeeded. For listen(), `claim` is without
 * SO_REUSEADDR: only older kernels remember that option, and not of a listener. */
void rules_remember(struct port_history *history, const struct claim *claim);

/* Records that connect() has chosen the port. */
void rules_remember_connect(struct port_history *history);

/* Records that a socket has left the port; these are still on it. */
void rules_forget(struct port_history *history, const struct occupant *left, size_t count);

#endif
