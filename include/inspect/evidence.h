/* What was in the way of a refused call: the sockets that sock_diag shows at that moment, weighed
 * by model/cause.h, and who has them. */
#ifndef PORTREUSE_INSPECT_EVIDENCE_H
#define PORTREUSE_INSPECT_EVIDENCE_H

#include <net/if.h>
#include <sys/types.h>

#include "inspect/owners.h"
#include "inspect/server.h"
#include "kernel/sockdiag.h"
#include "kernel/socket.h"
#include "kernel/sockets.h"
#include "model/cause.h"

/* How a socket is owned. */
enum ownership {
    OWNER_NOT_KNOWN,
    OWNED,      /* its owners have it open */
    LEFT,       /* no process has it; the owners had it and closed it */
    UNACCEPTED, /* no process has it yet: it waits for accept() */
};

enum { SUSPECT_ROLES = 4, EVIDENCE_SUSPECTS = 8, EVIDENCE_GROUPS = 48 };

/* A role of a scenario that owns a socket, or left it. */
struct suspect_role {
    int role, socket; /* which role, and which of its sockets; -1: one without a name */
    pid_t pid;
};

/* A socket that is in the way. All that is known of one socket is in here, so that it stays
 * together when the suspects are sorted. */
struct suspect {
    struct occupant occupant; /* the socket, and what is known of its options and its origin */
    char device[IF_NAMESIZE]; /* the device that it is bound to, if whoever looks finds its name */
    char name[UNIX_NAME_SIZE + 1]; /* of a Unix socket in a scenario: `db`, `@db`; else "" */
    struct blame blame;
    enum ownership ownership;
    struct suspect_role roles[SUSPECT_ROLES]; /* the roles, where a scenario runs */
    unsigned role_count;
    struct owners owners; /* the processes that have it open, where they were looked for */
    struct server server; /* what these are together */
};

/* Suspects that are alike. */
struct evidence_group {
    enum tcp_state state;
    int role; /* whose they are; -1: of no role, or of several */
    uint32_t count;
};

/* What was in the way of a call that answered EADDRINUSE or EADDRNOTAVAIL, at that moment. */
struct evidence {
    enum cause cause;
    const char *words;   /* the cause in a sentence, static */
    const char *missing; /* why no socket could be looked for, static; else NULL */
    int error;           /* the errno if that was an accident, not the kernel's want; else 0 */
    bool from_proc;      /* /proc/net was read instead of sock_diag: it lacks bound, idle sockets */
    bool automatic;      /* the kernel was asked to choose the port, from this range: */
    uint16_t range_low, range_high;
    uint32_t total;       /* sockets in the way */
    uint32_t ports_taken; /* automatic: how many ports of the range they take */
    struct evidence_group groups[EVIDENCE_GROUPS];
    unsigned group_count, suspect_count;
    struct suspect suspects[EVIDENCE_SUSPECTS]; /* the heaviest first; must be the last member */
};

/* Returns why no socket could be looked for, with the errno if there is one, in `text`
 * (EVIDENCE_MISSING_SIZE bytes) or static; NULL if they were looked for. */
enum { EVIDENCE_MISSING_SIZE = 64 };
const char *evidence_missing(const struct evidence *evidence, char *text);

/* Describes the refusal, with `error`, of a call on this socket, as far as the socket itself shows
 * it. The caller sets the address that bind() or connect() was given. */
struct refusal evidence_refusal(enum port_call call, int error, const struct socket_view *view);

/* Returns the query for the sockets that can have to do with this refusal. */
struct diag_query evidence_query(const struct refusal *refusal);

/* Completes what is known of `suspect->occupant`, and of who owns it. */
typedef void evidence_identify(void *context, struct suspect *suspect);

/* Called with each socket in the way. */
typedef void evidence_keep(void *context, const struct occupant *occupant);

/* Visits the sockets of one TCP port in the states of the query. Returns 0 or an errno. */
typedef int evidence_visit(void *context, const struct diag_query *query, sockdiag_visit *visit,
                           void *visited);

/* Where to look. */
struct evidence_source {
    int diag;                /* a sock_diag socket */
    int diag_error;          /* why it cannot be used, or 0 */
    sa_family_t families;    /* of the sockets there can be: AF_INET, or 0 for both */
    uint32_t own_inode;      /* of the refused socket itself, which is not in the way */
    size_t connections_most; /* where a listener is in the way for certain, this many connections of
                                a busy server are enough; 0: all */
    bool no_bound;           /* do as if the kernel listed no bound sockets; for the tests */
    struct sockets_memory *memory; /* of earlier looks at these sockets; or NULL */
    evidence_visit *rest; /* looks for all but listeners, where it is known what there can be; or
                             NULL */
    evidence_identify *identify;
    void *context;       /* of these two */
    evidence_keep *keep; /* called for each socket in the way; or NULL */
    void *kept;          /* its context */
};

/* Finds out what was in the way. */
void evidence_look(const struct evidence_source *source, const struct refusal *refusal,
                   struct evidence *evidence);

/* Weighs the suspects again, once more is known of them: drops those that are not in the way after
 * all, sorts the others and names the cause. The result does not depend on the order in which they
 * are given. Pure; not for an automatic choice of a port. */
void evidence_weigh(struct evidence *evidence, const struct refusal *refusal);

/* Drop all suspects; add one, if it is in the way. The heaviest stay, the others are counted. Pure;
 * not for an automatic choice of a port. */
void evidence_clear(struct evidence *evidence);
void evidence_add(struct evidence *evidence, const struct refusal *refusal,
                  const struct occupant *occupant);

/* Looks in /proc for the owners of the suspects. Returns the number of processes that could not be
 * looked into (owners_find()). */
unsigned evidence_find_owners(struct evidence *evidence);

/* Returns whether the processes that are named for the heaviest suspects are still what they were,
 * and have the sockets. A worker that ends does not matter while its master stays. */
bool evidence_owners_hold(const struct evidence *evidence);

#endif
