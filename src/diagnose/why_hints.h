/* What the remedies of a refusal depend on, beyond its cause. */
#ifndef PORTREUSE_DIAGNOSE_WHY_HINTS_H
#define PORTREUSE_DIAGNOSE_WHY_HINTS_H

#include <stdbool.h>

#include "base/ports.h"
#include "inspect/evidence.h"
#include "inspect/owner.h"

enum { WHY_ADDRESSES_SIZE = 240 };

struct why_hints {
    bool can_destroy;        /* the kernel can end a connection: `ss -K` */
    bool is_first_netns;     /* the namespace is that of process 1, which sysctl.d(5) is for */
    bool no_ipv6;            /* IPv6 is switched off */
    struct port_set servers; /* the kernel was to choose a port: the ports with a listener */
    char addresses[WHY_ADDRESSES_SIZE]; /* the address is not local: those that are */
    struct owner peer; /* of a connection closed here, whose other end is here, too: its owner; pid
                          0: not known */
};

/* Looks, in the network namespace that was asked about. `error` is that of the refusal. */
void why_hints_look(int error, const struct endpoint *local, const struct evidence *evidence,
                    struct why_hints *hints);

#endif
