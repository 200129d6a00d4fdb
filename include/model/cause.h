/* Why the kernel refused a bind(), connect() or listen(): THE table of causes, and the choice among
 * them. A cause is a refusing rule of model/rules.h, or the special case of one that has a remedy
 * of its own (a connection in CLOSE-WAIT, a port that was stolen), or something that no socket
 * shows. Everything here is a pure function of what is known about the sockets.
 */
#ifndef PORTREUSE_MODEL_CAUSE_H
#define PORTREUSE_MODEL_CAUSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/endpoint.h"
#include "model/rules.h"

/* The causes. Where two suspects weigh the same, the cause that comes first here is named. */
enum cause {
    CAUSE_UNKNOWN,
    CAUSE_ADDRESS_IN_USE,
    CAUSE_WILDCARD_VS_SPECIFIC,
    CAUSE_DUAL_STACK,
    CAUSE_BIND_TWICE_LISTEN_ONCE,
    CAUSE_REUSEPORT_UID,
    CAUSE_REUSEPORT_ALL_OR_NONE,
    CAUSE_LEAKED_LISTENER,
    CAUSE_BOUND_TWICE,
    CAUSE_KERNEL_SOCKET,
    CAUSE_HELD_BY_NO_PROCESS,
    CAUSE_BOUND_BUT_IDLE,
    CAUSE_LIVE_CONNECTION,
    CAUSE_SELF_CONNECT,
    CAUSE_CLOSE_WAIT_LEAK,
    CAUSE_FIN_WAIT_1_ORPHAN,
    CAUSE_LAST_ACK_ORPHAN,
    CAUSE_FIN_WAIT_2_ORPHAN,
    CAUSE_STOLEN_PORT,
    CAUSE_STOLEN_PORT_TIME_WAIT,
    CAUSE_TIME_WAIT_REBIND,
    CAUSE_TIME_WAIT_OLD_WITHOUT_REUSE,
    CAUSE_FIXED_CLIENT_PORT,
    CAUSE_EPHEMERAL_EXHAUSTION,
    CAUSE_EPHEMERAL_EXHAUSTION_ESTABLISHED,
    CAUSE_POISONED_PORT,
    CAUSE_PORT_RANGE_PER_SOCKET,
    CAUSE_RESERVED_PORTS,
    CAUSE_EPHEMERAL_BIND,
    CAUSE_ADDRESS_NOT_LOCAL,
    CAUSE_ADDRESS_TENTATIVE,
    CAUSE_NO_ROUTE,
    CAUSE_WRONG_SOURCE,
    CAUSE_PRIVILEGED_PORT,
    CAUSE_NOT_PERMITTED,
    CAUSE_UDP_PORT_TAKEN,
    CAUSE_UNIX_SOCKET_IN_USE,
    CAUSE_UNIX_STALE_SOCKET,
    CAUSE_UNIX_NO_SOCKET,
    CAUSE_UNIX_NOT_A_SOCKET,
    CAUSE_UNIX_NO_DIRECTORY,
    CAUSE_UNIX_NOT_A_DIRECTORY,
    CAUSE_UNIX_ENDS_IN_SLASH,
    CAUSE_UNIX_DIRECTORY_NOT_WRITABLE,
    CAUSE_UNIX_NOT_PERMITTED,
    CAUSE_COUNT,
};

/* --- the table --- */

/* What chooses among the sentences of a cause; a set. */
enum {
    WHEN_ALWAYS = 0,
    WHEN_OCCUPANT_WILDCARD = 1,   /* the occupant is bound to a wildcard address */
    WHEN_TIME_WAIT = 2,           /* the occupant is in TIME-WAIT */
    WHEN_CONNECT = 4,             /* connect() was refused */
    WHEN_NO_OCCUPANT = 8,         /* no socket is known to be in the way */
    WHEN_BOUND_UNLISTED = 16,     /* the kernel does not list sockets that are bound and idle */
    WHEN_CLAIM_WILDCARD = 64,     /* the claim is to a wildcard address */
    WHEN_FAMILIES = 128,          /* one of the two is IPv4, the other [::] */
    WHEN_OTHER_USER = 256,        /* both have SO_REUSEPORT, but not the same user */
    WHEN_FROM_PROC = 512,         /* the sockets were read from /proc/net */
    WHEN_BOTH_REUSEADDR = 1024,   /* both sockets have SO_REUSEADDR */
    WHEN_UNREAD = 2048,           /* the occupant has data left that its peer does not take */
    WHEN_NO_IPV6 = 4096,          /* IPv6 is switched off in the network namespace */
    WHEN_LO_DOWN = 1 << 16,       /* the loopback device is down */
    WHEN_NOT_UNICAST = 1 << 17,   /* the destination is a broadcast or multicast address */
    WHEN_ROUTE_REFUSES = 1 << 18, /* there is a route, whose type refuses the destination */
    WHEN_RANGE = 1 << 19,         /* the kernel was to choose a port of a range */
    WHEN_LINK_DOWN = 1 << 21,     /* the device that leads to the destination is down */
    WHEN_NO_CARRIER = 1 << 22,    /* it has no carrier */
    WHEN_UDP = 1 << 20,           /* it is about UDP, where the cause is one of TCP, too */
};

enum { CAUSE_RULES = 3, CAUSE_SENTENCES = 6, CAUSE_REMEDIES = 8 };

struct cause_sentence {
    unsigned when; /* all of these must hold */
    const char *text;
};

/* What a remedy is. */
enum remedy_kind {
    REMEDY_NOTE,      /* a remark */
    REMEDY_COMMAND,   /* a command that every user can run */
    REMEDY_ROOT,      /* a command that needs root */
    REMEDY_HERE,      /* a command to run in the network namespace that was asked about */
    REMEDY_HERE_ROOT, /* such a command, which needs root */
    REMEDY_SYSCTL,    /* `NAME=VALUE`: a setting of that namespace, for now and permanently */
    REMEDY_STOP,      /* the commands that free the port; no text */
};

/* When a remedy is given; a set, of which all must hold. */
enum {
    IF_ALWAYS = 0,
    IF_OWNER = 1,               /* a process is known to have the socket */
    IF_NO_OPTION = 2,           /* no option was found with which bind() succeeds */
    IF_DESTROY = 4,             /* the kernel can end a connection (SOCK_DESTROY) */
    IF_NO_IPV6 = 8,             /* IPv6 is switched off */
    IF_IPV6 = 16,               /* it is not, or the address is not an IPv6 address */
    IF_SERVERS = 32,            /* there are ports to reserve before the range is made wider */
    IF_NARROW = 64,             /* the range can be made wider */
    IF_RESERVED_MORE = 128,     /* ports outside of the range are reserved, too */
    IF_UNRESERVED = 256,        /* the port is not reserved */
    IF_NOT_ROOT = 512,          /* whoever asks is not root */
    IF_PEER = 1024,             /* the process at the other end of the connection is known */
    IF_UNREAD = 2048,           /* the peer of the occupant answers, but reads nothing */
    IF_READ = 8192,             /* it does not */
    IF_TIMED = 4096,            /* the occupant is in FIN-WAIT-2, or in TIME-WAIT */
    IF_PORT = 1 << 16,          /* the port was given */
    IF_RANGE = 1 << 17,         /* the kernel was to choose the port */
    IF_TW_REUSE = 1 << 18,      /* tcp_tw_reuse=1 would let connect() take over a TIME-WAIT */
    IF_LO_DOWN = 1 << 19,       /* the loopback device is down */
    IF_ROUTE = 1 << 20,         /* there is no route, and why is not known */
    IF_BIND = 1 << 21,          /* bind() was refused, not connect() */
    IF_NOT_UNICAST = 1 << 22,   /* the destination is a broadcast or multicast address */
    IF_TCP = 1 << 23,           /* it is about TCP */
    IF_UDP = 1 << 24,           /* it is about UDP */
    IF_SAME_ADDRESS = 1 << 25,  /* the occupant is bound to the address that was asked about */
    IF_OTHER_ADDRESS = 1 << 26, /* it is not */
    IF_FILE = 1 << 27,          /* the Unix socket has a file */
    IF_ABSTRACT = 1 << 28,      /* it has an abstract name */
    IF_LINK_DOWN = 1 << 29,     /* the device that leads to the destination is down */
    IF_NO_CARRIER = 1 << 30,    /* it has no carrier */
};

struct cause_remedy {
    enum remedy_kind kind;
    const char *text;
    const char *price; /* what else the command does, or where it does not help; NULL: nothing */
    unsigned when;
};

/* A row; all static. Headline and remedies have fields to fill in: `{occupant}`, `{port}` ... which
 * report/host/why.c lists. */
struct cause_row {
    const char *name;             /* stable: `time-wait-rebind` */
    enum rule rules[CAUSE_RULES]; /* the cause is a case of one of these; RULE_FREE: no more */
    unsigned weight;              /* among several suspects the heaviest is named */
    struct cause_sentence
        sentences[CAUSE_SENTENCES]; /* the first that holds; `text` NULL: no more */
    const char *headline; /* what the first line of `why` says after the errno: a fact, and after
                             `; ` what to do, which is dropped if the line is too long */
    struct cause_remedy remedies[CAUSE_REMEDIES]; /* the best first; REMEDY_NOTE without a text: no
                                                     more */
    const char *scenario;                         /* the one that reproduces it, or NULL: */
    const char *no_scenario;                      /* why there is none */
};

/* The weight of a suspect: */
enum { LISTENER_WEIGHT = 9, BOUND_WEIGHT = 5, TIME_WAIT_WEIGHT = 1 };

extern const struct cause_row cause_table[CAUSE_COUNT];

/* Returns the cause's row, static; that of CAUSE_UNKNOWN for a number that is not a cause. */
const struct cause_row *cause_row(enum cause cause);

/* Returns whether the remedy is one: not the end of the list. */
bool cause_remedy_is(const struct cause_remedy *remedy);

/* Returns the cause's name, static. */
const char *cause_name(enum cause cause);

/* Returns the cause of this name, or CAUSE_COUNT; cause_near() the name that is most similar,
 * static, or NULL. */
enum cause cause_named(const char *name);
const char *cause_near(const char *name);

/* Returns the cause's sentence in this situation, a set of WHEN_...; static. */
const char *cause_sentence(enum cause cause, unsigned when);

/* --- which socket, and which cause --- */

/* The call that was refused. */
struct refusal {
    enum port_call call;
    int error; /* EADDRINUSE or EADDRNOTAVAIL */
    struct claim claim;
    bool own_range; /* the claim's range is that of the socket, narrower than the namespace's */
    bool moving;    /* connections are being closed in this moment: FIN-WAIT-2 is only a step on the
                       way to TIME-WAIT */
    bool no_range;  /* the range of the namespace could not be read: the claim has none */
    bool all_reserved;     /* each port of the claim's range is in ip_local_reserved_ports */
    bool assume_reuseaddr; /* name what is in TIME-WAIT as if the claim had SO_REUSEADDR: whether
                              that would help */
};

/* Returns whether the rules say that this socket is in the way. */
enum knowledge cause_ruling(const struct refusal *refusal, const struct occupant *occupant);

/* Returns whether this socket was in the way. For an automatic choice of a port (connect() without
 * bind(), bind() to port 0), each socket that keeps one port of the range from being chosen is. */
bool cause_in_the_way(const struct refusal *refusal, const struct occupant *occupant);

/* Returns whether this socket must have been in the way although cause_in_the_way() does not say
 * so, given that no more certain one is known on its port: a connect() that found no port has
 * looked at every port of the range. Such a port was bound explicitly once, which sock_diag does
 * not report, and the automatic choice leaves it alone while any socket has it. */
bool cause_by_elimination(const struct refusal *refusal, const struct occupant *occupant);

/* The cause that one socket in the way stands for, and its weight. A listener outweighs a
 * connection, which outweighs TIME-WAIT. Sockets that fill a range all weigh the same: there the
 * cause that most of them stand for is named. */
struct blame {
    enum cause cause;
    unsigned weight;
    unsigned when; /* the situation, for cause_sentence() */
};

struct blame cause_blame(const struct refusal *refusal, const struct occupant *occupant);

/* The cause where no socket is in the way, or none is visible. `lists_bound`: the kernel lists
 * sockets that are bound and idle. */
struct blame cause_without_occupant(const struct refusal *refusal, bool lists_bound);

#endif
