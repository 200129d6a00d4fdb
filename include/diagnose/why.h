/* Would bind() and listen(), or connect(), succeed now, and if not, why? A look at the host that
 * changes nothing: trial binds, sock_diag, /proc, and the rules of model/rules.h applied to them.
 */
#ifndef PORTREUSE_DIAGNOSE_WHY_H
#define PORTREUSE_DIAGNOSE_WHY_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/ports.h"
#include "diagnose/other_protocol.h"
#include "diagnose/why_hints.h"
#include "diagnose/why_unix.h"
#include "inspect/evidence.h"
#include "inspect/namespaces.h"
#include "inspect/owners.h"

enum { WHY_TEXT_SIZE = 112, WHY_TAKEN_SIZE = 200, WHY_OTHERS = 3 };

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
    bool every_trial; /* make all trials, also where the first one settles the question */

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
    struct why_question asked; /* with the address that the answer is about */
    enum why_verdict verdict;
    const char *failure; /* what could not be done, static; `error` is why */
    const char *call;    /* the first call that is refused, static; else NULL */
    int error;
    bool needs_reuseaddr; /* FREE, but bind() without SO_REUSEADDR would give EADDRINUSE: cause,
                             words and evidence say why */
    enum cause cause;     /* of a refusal */
    unsigned when;        /* its situation, for cause_sentence() */
    const char *words;    /* the cause in a sentence, static; else NULL */
    struct why_trial trials[WHY_TRIALS];
    unsigned tried;                /* which of these were made: a set, 1 << options */
    uint32_t own_inode;            /* of the socket that was refused, where it exists: it is not in
                                      its own way */
    struct evidence evidence;      /* sockets in the way, if there are any */
    struct why_unix unix_socket;   /* of a Unix socket */
    struct other_sockets other;    /* of TCP and UDP: who has the port in the other protocol */
    bool counted;                  /* the sockets on a free port could be listed: */
    uint32_t on_port[STATE_COUNT]; /* of a free port: the sockets that it has nevertheless */
    struct endpoint free_other;    /* of a refusal: another address that was asked for, and is
                                      free; family 0: none */
    uint32_t time_left_ms;         /* until the last TIME-WAIT in the way ends */
    struct port_range range;       /* of the ports that the kernel chooses from */
    bool in_range, reserved;       /* the port: in that range; reserved, so that it is not chosen */
    uint16_t privileged_below;     /* ip_unprivileged_port_start */
    struct why_hints hints;        /* of a refusal: for what to do */
    bool asked_by_root;            /* whoever asks needs no sudo(8) */
    unsigned unseen;               /* processes that this one may not inspect */
    bool own_pids_only;            /* processes outside of this pid namespace are not visible */
    bool changed;                  /* the sockets changed during both looks */
};

/* Looks. A child process does it if the namespace or the user is not our own: whatever becomes of
 * that cannot harm the caller.
 *
 * A server is tried with SO_REUSEADDR first, as nearly all set it: a trial with that option does
 * not keep another server from binding the port in that moment. The other trials are made if it
 * fails, or if the sockets on the port say that they would. Of several addresses, the answer is the
 * most telling one (why_rank()). */
void why_look(const struct why_question *question, const struct namespace *where, struct why *why);

/* Returns a number that changes when the sockets in the way change, as sock_diag lists them; 0 if
 * none is in the way, or they cannot be listed. Binds nothing. `why` is what the last look found.
 */
uint64_t why_glance(const struct why *why);

/* --- the steps of a look, for other questions --- */

/* All of them look in the network namespace of the caller. `why` has the question; for the first,
 * third and fourth also the call that was refused, and its errno. */

/* Finds the sockets in the way, their owners and options, and names the cause. */
void why_find_suspects(struct why *why);

/* Makes these trials, a set, as far as they have not been made; for another user, in a process that
 * becomes that user. Returns false after a failure. */
bool why_try(struct why *why, unsigned options);

/* Names the reason of a refusal that no socket explains. */
void why_explain_without_socket(struct why *why);

/* Finds what else the remedies need to know. */
void why_find_hints(struct why *why);

/* Reads the sysctls. */
void why_read_settings(struct why *why);

/* --- the pure parts, for the tests --- */

/* Returns the refusal as model/cause.h wants it. */
struct refusal why_refusal(const struct why *why);

/* Adds what the trials and the range of ports say about an occupant. */
void why_describe(const struct why *why, struct occupant *occupant);

/* Names the cause: that of the heaviest suspect, unless its owners say more. */
void why_name(struct why *why);

/* Returns how telling an answer is, among those on the addresses that a server binds: address in
 * use before wildcard against specific address, before IPv4 against [::]. */
unsigned why_rank(const struct why *why);

#endif
