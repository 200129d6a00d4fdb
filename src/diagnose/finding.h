/* The question of `portreuse why`, and what was found. */
#ifndef PORTREUSE_DIAGNOSE_FINDING_H
#define PORTREUSE_DIAGNOSE_FINDING_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/ports.h"
#include "diagnose/other_protocol.h"
#include "diagnose/why_hints.h"
#include "diagnose/why_range.h"
#include "diagnose/why_unix.h"
#include "inspect/evidence.h"
#include "inspect/namespaces.h"
#include "inspect/owners.h"
#include "inspect/rest.h"
#include "kernel/holder.h"
#include "kernel/sysctl.h"

enum { WHY_TEXT_SIZE = 112, WHY_TAKEN_SIZE = 480, WHY_OTHERS = 3 };

/* What the program does. */
struct why_question {
    enum protocol protocol; /* TCP, UDP, or Unix: then only these: */
    struct unix_question unix_socket;

    struct endpoint local;  /* what it binds; port 0: the kernel chooses; family 0: nothing */
    struct endpoint remote; /* where it connects to; family 0: it listens */
    struct endpoint others[WHY_OTHERS]; /* a server binds these too; a client connects to one of
                                           them if it cannot connect to `remote` */
    unsigned other_count;
    char zone[IF_NAMESIZE];   /* the device of link-local addresses, as in fe80::1%eth0, or "" */
    char device[IF_NAMESIZE]; /* SO_BINDTODEVICE, or "" */
    bool reuseaddr, reuseport, v6only;
    uint16_t range_low, range_high; /* IP_LOCAL_PORT_RANGE of the socket, or 0 */
    bool no_port;                   /* it sets IP_BIND_ADDRESS_NO_PORT before bind() */
    bool try_time_wait; /* a trial of connect() may end a connection in TIME-WAIT, as connect()
                            itself would */
    bool every_trial;   /* make all trials, also where the first one settles the question */

    pid_t as;        /* the program runs with the user, groups and capabilities of this process; 0:
                        with ours */
    bool other_user; /* it runs as a different user: */
    uint32_t uid;

    char text[WHY_TEXT_SIZE]; /* how people write the address: `:8080`; "" if as endpoint_text() */
    char taken[WHY_TAKEN_SIZE]; /* what an ambiguous question was taken for, or "" */
    int reported;               /* the errno in the text that was pasted, or 0 */
    bool name_namespace;        /* the first line names the namespace, if it is not our own */
};

/* The answer to a call that was tried. */
struct why_trial {
    int error;        /* 0 or an errno */
    const char *call; /* that gave it, static */
    uint64_t cookie;  /* of the socket, if it was bound and this is known, or 0 */
};

/* Trials are numbered by the options that they set, as a set. */
enum { WHY_REUSEADDR = 1, WHY_REUSEPORT = 2, WHY_TRIALS = 4 };

enum why_verdict {
    WHY_FREE,    /* the program's calls would succeed */
    WHY_REFUSED, /* `call` would give `error` */
    WHY_UNKNOWN, /* the answer could not be found: `failure` */
};

/* What is wrong with the way to a destination, although there is a route. */
enum why_path_fault {
    PATH_OPEN,       /* nothing is known to be */
    PATH_DOWN,       /* the device that the route leads out of is down */
    PATH_NO_CARRIER, /* nothing is at the other end of the device */
    PATH_SILENT,     /* the next hop did not answer when it was last asked for its address (ARP) */
};

struct why_path {
    enum why_path_fault fault;
    char device[IF_NAMESIZE];
    struct endpoint next_hop; /* of PATH_SILENT; port 0 */
    int error; /* which connect() of TCP gives in the end: ETIMEDOUT or EHOSTUNREACH */
};

/* What the connect() of a client met. */
struct why_client {
    bool tried;             /* the kernel itself gave the answer; else it was counted */
    const char *not_tried;  /* of what was counted: why, a clause, static */
    struct endpoint from;   /* the source address that the kernel chooses, with the port if that was
                               asked for, else 0; family 0: not known */
    struct endpoint to;     /* the destination: asked.remote, or where the wildcard address leads */
    int route_error;        /* what the kernel says of the route: 0, or why there is none */
    struct why_path path;   /* whether packets can go there at all */
    bool to_this_host;      /* the destination is this network namespace itself: */
    enum knowledge listens; /* whether a socket is there to receive what the client sends; NOT_KNOWN
                               of another host, and where sockets cannot be listed */
    bool to_itself;         /* nobody listens, but connect() has the port of its destination: the
                               socket would be connected to itself */
    bool reuses;            /* a connection in TIME-WAIT does not keep connect() from choosing its
                               port: tcp_tw_reuse, for this destination */
    bool no_timestamps; /* tcp_timestamps=0 here, or what is in TIME-WAIT had none: nothing is taken
                           over */
    enum knowledge timestamps; /* where that matters: whether connections to the peer have TCP
                                  timestamps, by those that live, or that are in TIME-WAIT: */
    bool stamps_read;          /* the kernel's memory tells of these */
    bool takes_time_wait;      /* FREE, by taking over a connection in TIME-WAIT: if that had TCP
                                  timestamps */
};

/* The answer for one of several addresses that a client can connect to. */
struct why_address {
    struct endpoint remote;
    enum why_verdict verdict;
    int error;
    enum knowledge listens; /* as in struct why_client */
};

struct why {
    struct namespace where;
    struct why_question asked; /* with the address that the answer is about */
    enum why_verdict verdict;
    const char *failure; /* what could not be done, static; `error` is why */
    const char *call;    /* the first call that is refused, static; else NULL */
    int error;
    bool needs_reuseaddr; /* FREE, but bind() without SO_REUSEADDR would give EADDRINUSE: cause,
                             words and evidence say why */
    bool broadcast;       /* FREE, TCP: the address stands for all hosts of a network */
    bool shared;          /* FREE, but the port would be shared with the sockets of the evidence */
    enum cause cause;     /* of a refusal */
    unsigned when;        /* its situation, for cause_sentence() */
    const char *words;    /* the cause in a sentence, static; else NULL */
    struct why_trial trials[WHY_TRIALS];
    unsigned tried;           /* which of these were made: a set, 1 << options */
    uint32_t own_inode;       /* of the socket that was refused, where it exists: it is not in
                                 its own way */
    struct why_client client; /* of a client: what its connect() met */
    struct why_address addresses[WHY_OTHERS + 1]; /* of a client that was asked about by name: all
                                                     addresses of the name */
    unsigned address_count;                       /* 0: only one was asked for */
    struct evidence evidence;                     /* sockets in the way, if there are any */
    struct kernel_holder holder;   /* of the kernel, if the first socket in the way is its own */
    struct rest rest;              /* those that the evidence has no room for, and their servers */
    struct why_range holders;      /* if the kernel was to choose the port: who has them */
    struct why_unix unix_socket;   /* of a Unix socket */
    struct other_sockets other;    /* of TCP and UDP: who has the port in the other protocol */
    bool counted;                  /* the sockets on a free port could be listed: */
    int count_error;               /* else why not, an errno */
    uint32_t on_port[STATE_COUNT]; /* of a free port: the sockets that it has nevertheless */
    uint32_t late; /* of these: how many must have come after the trial, as they would have refused
                      it */
    struct endpoint free_other;   /* of a refusal: another address that was asked for, and is
                                     free; family 0: none */
    uint32_t time_left_ms;        /* until the last TIME-WAIT in the way ends */
    struct port_range range;      /* of the ports that the kernel chooses from; 0-0: not known */
    bool in_range, reserved;      /* the port: in that range; reserved, so that it is not chosen */
    uint16_t privileged_below;    /* ip_unprivileged_port_start */
    struct sysctl_failure unread; /* which of these settings could not be read */
    struct why_hints hints;       /* of a refusal: for what to do */
    bool asked_by_root;           /* whoever asks needs no sudo(8) */
    bool same_run;   /* traced: what is in the way was started by the program, as the asker was */
    unsigned unseen; /* processes that this one may not inspect */
    bool own_pids_only; /* processes outside of this pid namespace are not visible */
    bool changed;       /* the sockets, or who has them, changed during every look */
};

#endif
