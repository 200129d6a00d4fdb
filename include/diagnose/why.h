/* Would bind() and listen(), or connect(), succeed now, and if not, why? A look at the present host
 * that changes nothing: trial binds, sock_diag, /proc, and the rules of model/rules.h on what they
 * show. */
#ifndef PORTREUSE_DIAGNOSE_WHY_H
#define PORTREUSE_DIAGNOSE_WHY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/ports.h"
#include "inspect/evidence.h"
#include "inspect/namespaces.h"
#include "inspect/owners.h"

/* What the program does that fails. */
struct why_question {
    struct endpoint local;  /* what it binds, port 0: the kernel is to choose; family 0: nothing */
    bool any_family;        /* `local` is the IPv4 wildcard; if that is free, then [::] is meant */
    struct endpoint remote; /* where it connects to; family 0: it listens */
    bool reuseaddr, reuseport, v6only;
    bool other_user; /* it is not we who run it, but: */
    uint32_t uid;
};

/* The answer to a call that was tried. */
struct why_trial {
    int error;        /* 0 or an errno */
    const char *call; /* that gave it, static */
};

/* By bits: which options a trial has. */
enum { WHY_REUSEADDR = 1, WHY_REUSEPORT = 2, WHY_TRIALS = 4 };

/* Who has a socket that is in the way: goes with a socket of the evidence. */
struct why_holder {
    struct owners owners;
    enum knowledge reuseaddr, reuseport; /* its own options, where a process could lend it */
};

enum why_verdict {
    WHY_FREE,    /* the program's calls would succeed */
    WHY_REFUSED, /* `call` would give `error` */
    WHY_UNKNOWN, /* it could not be found out: `failure` */
};

struct why {
    struct namespace place;    /* where */
    struct why_question asked; /* with the family that the answer is about */
    enum why_verdict verdict;
    const char *failure; /* what could not be done, static; `error` is why */
    const char *call;    /* the first call that is refused, static; else NULL */
    int error;
    const char *cause; /* its stable name, static; else NULL */
    const char *words; /* one sentence on it, static */
    struct why_trial trials[WHY_TRIALS];
    struct evidence evidence; /* sockets in the way, where there are some */
    struct why_holder holders[EVIDENCE_SOCKETS];
    uint32_t
        on_port[STATE_COUNT];  /* where it is free: the sockets that have the port all the same */
    uint32_t time_left_ms;     /* until the last TIME-WAIT in the way ends */
    struct port_range range;   /* of the ports that the kernel chooses from */
    bool in_range, reserved;   /* the port: in that range; reserved, so that it is not chosen */
    uint16_t privileged_below; /* ip_unprivileged_port_start */
    unsigned unseen;           /* processes that could not be looked into, for want of rights */
    bool own_pids_only;        /* processes outside of this pid namespace are not to be seen */
    bool changed;              /* twice what was seen did not last as long as the look */
};

/* Looks. Where the namespace is not the present one, or the user is another, a child process does
 * it: what becomes of that cannot harm the caller. */
void why_look(const struct why_question *question, const struct namespace *place, struct why *why);

#endif
