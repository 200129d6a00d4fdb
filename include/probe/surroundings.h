/* What this kernel and these surroundings offer, found out by trying it. */
#ifndef PORTREUSE_PROBE_SURROUNDINGS_H
#define PORTREUSE_PROBE_SURROUNDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/utsname.h>

#include "kernel/netns.h"

enum { SURROUNDINGS_SYSCTLS = 10, SURROUNDINGS_VALUE_SIZE = 48 };

struct surroundings {
    struct utsname kernel;
    unsigned uid;
    unsigned long open_files, open_files_most; /* RLIMIT_NOFILE, soft and hard */
    enum netns_kind netns;                     /* what a private namespace takes */
    char netns_reason[NETNS_REASON_SIZE];      /* where it is NETNS_REFUSED */
    bool current;                              /* the rest is of the present namespace */
    bool sock_diag;                            /* TCP sockets can be listed */
    bool lists_bound;                          /* and bound, idle ones too */
    bool destroys;                             /* SOCK_DESTROY works */
    bool port_range;                           /* IP_LOCAL_PORT_RANGE works */
    bool ipv6, uids;
    bool sysctls_writable;
    char sysctls[SURROUNDINGS_SYSCTLS][SURROUNDINGS_VALUE_SIZE]; /* "" where there is none */
};

/* The names of the sysctls that matter to the reuse of ports, in the order of the values above. */
extern const char *const surroundings_sysctl[SURROUNDINGS_SYSCTLS];

/* Tries all of it in a child process, in a private network namespace, or in the present one if that
 * is refused or `current` says so; nothing is left behind. Returns 0 or an errno. */
int surroundings_look(bool current, struct surroundings *found);

#endif
