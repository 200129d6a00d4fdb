/* What was in the way of a refused call: the sockets that sock_diag shows at that moment, weighed
 * by the rules of model/cause.h. Whose they are, the asker finds out. */
#ifndef PORTREUSE_INSPECT_EVIDENCE_H
#define PORTREUSE_INSPECT_EVIDENCE_H

#include <sys/types.h>

#include "inspect/owners.h"
#include "kernel/socket.h"
#include "model/cause.h"

/* Who has a socket, by the numbers that the asker gives to its roles and to their sockets; -1: not
 * known by one. */
struct socket_name {
    int role, socket;
};

/* How somebody has a socket, or why nobody is known to. */
enum holding {
    HELD,   /* those that are named have it open */
    LEFT,   /* nobody has it; it was that one's, which closed it */
    QUEUED, /* nobody has it yet: it waits for accept() */
    HELD_BY_NOBODY_KNOWN,
};

enum { EVIDENCE_HOLDERS = 4, EVIDENCE_SOCKETS = 8, EVIDENCE_GROUPS = 16 };

/* One socket in the way. */
struct evidence_socket {
    struct tcp_socket socket;
    enum holding holding;
    struct socket_name holders[EVIDENCE_HOLDERS];
    pid_t pids[EVIDENCE_HOLDERS];
    unsigned holder_count;
};

/* Sockets in the way that are alike. */
struct evidence_group {
    enum tcp_state state;
    int role; /* who has them, or -1 */
    uint32_t count;
};

/* What was in the way of a call that answered EADDRINUSE or EADDRNOTAVAIL, at that moment. */
struct evidence {
    enum cause cause;
    const char *words;   /* the cause in words, static */
    const char *missing; /* why no socket could be looked for, static; else NULL */
    bool automatic;      /* the kernel was to choose the port, from this range: */
    uint16_t range_low, range_high;
    uint32_t total;       /* sockets in the way */
    uint32_t ports_taken; /* automatic: how many ports of the range they take */
    struct evidence_group groups[EVIDENCE_GROUPS];
    unsigned group_count, socket_count;
    struct evidence_socket sockets[EVIDENCE_SOCKETS]; /* the heaviest of them; must come last */
};

/* The refusal, with `error`, of a call on this socket, as far as the socket itself tells: the
 * address that bind() or connect() asked for is for the caller to put in. */
struct refusal evidence_refusal(enum port_call call, int error, const struct socket_view *view);

/* Finds out whose socket `found->socket` is: sets its holding and holders, if it knows, and returns
 * what is known of it. */
typedef struct occupant evidence_identify(void *context, struct evidence_socket *found);

/* Where to look. */
struct evidence_source {
    int diag;             /* a sock_diag socket */
    int diag_error;       /* why it is of no use, or 0 */
    sa_family_t families; /* of the sockets there can be: AF_INET, or 0 for both */
    uint32_t own_inode;   /* of the refused socket, which is in nobody's way */
    evidence_identify *identify;
    void *context;
};

/* Finds out what was in the way. */
void evidence_look(const struct evidence_source *source, const struct refusal *refusal,
                   struct evidence *evidence);

/* The processes that have the sockets of an evidence; the role of a holder is a place in here. */
struct evidence_owners {
    unsigned count;
    struct owner owners[EVIDENCE_SOCKETS * EVIDENCE_HOLDERS];
};

/* Looks in /proc for those who have the sockets open, and makes them the holders. */
void evidence_find_owners(struct evidence *evidence, struct evidence_owners *owners);

#endif
