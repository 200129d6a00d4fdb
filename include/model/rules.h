/* The rules by which Linux lets sockets share a TCP port: a model of what bind(), listen() and
 * connect() answer, as pure functions of the sockets that have the port and the one that wants it.
 * They ask nothing themselves, so the model can be held against the kernel (portreuse matrix,
 * tests/property) and can answer for sockets that are not there.
 *
 * The source is net/ipv4/inet_connection_sock.c and inet_hashtables.c of Linux 6.18; the table of
 * rules (in rules.c) names the function that each one follows. docs/bind-rules.md has them in
 * prose, and lists what is left out.
 */
#ifndef PORTREUSE_MODEL_RULES_H
#define PORTREUSE_MODEL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "model/socket.h"

/* What is known of a yes-or-no property of somebody else's socket. */
enum knowledge { NOT_KNOWN, KNOWN_NO, KNOWN_YES };

enum knowledge knowledge_of(bool yes);

/* A socket that has a port. */
struct occupant {
    struct tcp_socket socket;
    enum knowledge reuseaddr, reuseport;
    enum knowledge outgoing;   /* made by connect(), not by accept() */
    enum knowledge bound;      /* its port was asked for by bind(), not chosen by the kernel */
    enum knowledge inherited;  /* by fork(), by all that have it open: who made it has it no more */
    enum knowledge by_connect; /* connect() itself chose the port: bind() was not called, not even
                                  for port 0 */
};

/* A socket that wants a port, or that has bound it and wants to listen or connect. */
struct claim {
    struct endpoint local;  /* its family is the socket's; port 0: the kernel is to choose */
    struct endpoint remote; /* connect(): the address asked for */
    bool reuseaddr, reuseport, v6only;
    uint32_t uid;
    uint32_t interface;             /* index of the device the socket is bound to, or 0 */
    uint16_t range_low, range_high; /* the ports that an automatic choice picks from */
    bool autobind_reuse;            /* the sysctl ip_autobind_reuse is 1 */
    bool tw_reuse;                  /* tcp_tw_reuse holds for the connection */
};

enum port_call { CALL_BIND, CALL_LISTEN, CALL_CONNECT };

/* --- the rules --- */

enum rule {
    /* why a socket is not in the way */
    RULE_FREE,
    RULE_OTHER_PORT,
    RULE_OTHER_DEVICE,
    RULE_OTHER_ADDRESS,
    RULE_V6ONLY,
    RULE_BOTH_REUSEADDR,
    RULE_BOTH_REUSEPORT,
    RULE_SAME_REUSEPORT,
    RULE_CONNECT_SHARES,
    /* why it is: the rules from here on refuse */
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
    RULE_COUNT,
};

/* A row of the table of rules; all static. */
struct rule_text {
    const char *name; /* stable: `time-wait-rebind`. A refusing rule has the name of the cause that
                         reports give (model/cause.h), which is that of a scenario */
    const char *says; /* one sentence */
    const char *source; /* the function of the kernel that it follows */
};

const struct rule_text *rule_text(enum rule rule);

/* Whether the rule says why a call is refused. */
bool rule_refuses(enum rule rule);

/* --- between two sockets --- */

/* Whether a socket is IPv6 only once it is bound as the claim says: by IPV6_V6ONLY, or as bind() to
 * a specific IPv6 address makes it so. What it accepts later inherits that. */
bool rules_v6only(const struct claim *claim);

/* What of the occupant would have to be known to tell. */
enum unknown {
    UNKNOWN_REUSEADDR = 1,   /* whether it has SO_REUSEADDR: if so, it is not in the way */
    UNKNOWN_REUSEPORT = 2,   /* SO_REUSEPORT: likewise */
    UNKNOWN_V6ONLY = 4,      /* IPV6_V6ONLY: likewise */
    UNKNOWN_BY_CONNECT = 8,  /* whether connect() itself chose its port: likewise */
    UNKNOWN_TIMESTAMPS = 16, /* whether its connection had TCP timestamps: likewise */
};

struct ruling {
    enum rule rule;            /* where it is not known: the one that holds if it is in the way */
    enum knowledge in_the_way; /* NOT_KNOWN: only if none of `unknown` is so */
    unsigned unknown;          /* a set of enum unknown */
};

/* Whether the occupant is in the way of a call, by itself. `claim` is the socket that calls: for
 * listen() and connect() as it is bound now. With port 0 the question is whether the occupant keeps
 * its own port from being chosen. The occupant must be another socket. */
struct ruling rules_between(enum port_call call, const struct claim *claim,
                            const struct occupant *occupant);

/* Whether the addresses of the two meet, whatever their ports and options. The rule says how:
 * RULE_ADDRESS_IN_USE, RULE_WILDCARD_VS_SPECIFIC or RULE_DUAL_STACK, or why not: RULE_OTHER_ADDRESS
 * or RULE_V6ONLY. */
struct ruling rules_meet(const struct claim *claim, const struct occupant *occupant);

/* --- on a port --- */

/* What the kernel remembers of a port beyond the sockets that are on it: the SO_REUSEPORT socket
 * that has bound or listened last. All zero: nothing; so it is for a port that is free, or that
 * only connect() has chosen. */
struct port_history {
    bool reuseport; /* there is such a socket, and nobody without SO_REUSEPORT came after it: */
    struct endpoint local;
    bool v6only;
    uint32_t uid;
};

/* What bind() to a port, or listen() on it, comes to beside all its occupants. */
struct port_ruling {
    struct ruling ruling;
    size_t occupant; /* the one that the rule is about; `count` where it is about none */
};

/* `history` may be NULL: nothing is remembered. Refusing occupants outweigh doubtful ones. */
struct port_ruling rules_port(enum port_call call, const struct claim *claim,
                              const struct occupant *occupants, size_t count,
                              const struct port_history *history);

/* What the kernel's choice of a port comes to. */
struct range_ruling {
    unsigned eligible; /* how many ports of the range may be chosen */
    int error;         /* 0, or what the call answers as none may */
    enum rule rule;    /* RULE_FREE, or the rule that says why not */
};

/* bind() and listen() with port 0, or connect() without a port. `occupants` may be of any port.
 * Ports in ip_local_reserved_ports are never chosen: that is for the caller to take into account.
 * With an odd number of ports in the range, the kernel leaves out one of them, of an end: which one
 * is chance. `ports`, if not NULL, is set port by port from range_low on: whether it may be chosen.
 */
struct range_ruling rules_range(enum port_call call, const struct claim *claim,
                                const struct occupant *occupants, size_t count, bool *ports);

/* Takes down that bind() or listen() by `claim` has succeeded. */
void rules_remember(struct port_history *history, const struct claim *claim);

/* Takes down that a socket has left the port; these are still on it. */
void rules_forget(struct port_history *history, const struct occupant *left, size_t count);

#endif
