/* Would bind() and listen(), or connect(), succeed now, and if not, why? A look at the host that
 * changes nothing: trial binds, sock_diag, /proc, and the rules of model/rules.h applied to them.
 */
#ifndef PORTREUSE_DIAGNOSE_WHY_H
#define PORTREUSE_DIAGNOSE_WHY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/ports.h"
#include "diagnose/other_protocol.h"
#include "diagnose/why_unix.h"
#include "inspect/evidence.h"
#include "inspect/namespaces.h"
#include "inspect/owners.h"

/* What the program does. */
struct why_question {
    enum protocol protocol; /* TCP, UDP, or Unix: then only these: */
    struct unix_question unix_socket;
    struct endpoint local;  /* what it binds; port 0: the kernel chooses; family 0: nothing */
    bool any_family;        /* `local` is the IPv4 wildcard; if that is free, then [::] is meant */
    struct endpoint remote; /* where it connects to; family 0: it listens */
    bool reuseaddr, reuseport, v6only;
    bool other_user; /* the program runs as a different user: */
    uint32_t uid;
};

/* The answer to a call that was tried. */
struct why_trial {
    int error;        /* 0 or an errno */
    const char *call; /* that gave it, static */
};

/* Trials are numbered by the options that they set, as a set. */
enum { WHY_REUSEADDR = 1, WHY_REUSEPORT = 2, WHY_TRIALS = 4 };

enum why_verdict {
    WHY_FREE,    /* the program's calls would succeed */
    WHY_REFUSED, /* `call` would give `error` */
    WHY_UNKNOWN, /* the answer could not be found: `failure` */
};

struct why {
    struct namespace where;
    struct why_question asked; /* with the family that the answer is about */
    enum why_verdict verdict;
    const char *failure; /* what could not be done, static; `error` is why */
    const char *call;    /* the first call that is refused, static; else NULL */
    int error;
    enum cause cause;  /* of a refusal */
    const char *words; /* the cause in a sentence, static; else NULL */
    struct why_trial trials[WHY_TRIALS];
    unsigned tried;                /* which of them were made: bit N for trial N */
    struct evidence evidence;      /* sockets in the way, if there are any */
    struct why_unix unix_socket;   /* of a Unix socket */
    struct other_sockets other;    /* of TCP and UDP: who has the port in the other protocol */
    bool counted;                  /* the sockets on a free port could be listed: */
    uint32_t on_port[STATE_COUNT]; /* of a free port: the sockets that it has nevertheless */
    uint32_t time_left_ms;         /* until the last TIME-WAIT in the way ends */
    struct port_range range;       /* of the ports that the kernel chooses from */
    bool in_range, reserved;       /* the port: in that range; reserved, so that it is not chosen */
    uint16_t privileged_below;     /* ip_unprivileged_port_start */
    unsigned unseen;               /* processes that this one may not inspect */
    bool own_pids_only;            /* processes outside of this pid namespace are not visible */
    bool changed;                  /* the sockets changed during both looks */
};

/* Looks. A child process does it if the namespace or the user is not our own: whatever becomes of
 * that cannot harm the caller. */
void why_look(const struct why_question *question, const struct namespace *where, struct why *why);

/* --- the pure parts, for the tests --- */

/* Returns the refusal as model/cause.h wants it. */
struct refusal why_refusal(const struct why *why);

/* Adds what the trials and the range of ports say about an occupant. */
void why_describe(const struct why *why, struct occupant *occupant);

/* Names the cause: that of the heaviest suspect, unless its owners say more. */
void why_name(struct why *why);

#endif
