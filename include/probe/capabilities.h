/* What this kernel and this environment offer, found out by trying. */
#ifndef PORTREUSE_PROBE_CAPABILITIES_H
#define PORTREUSE_PROBE_CAPABILITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/utsname.h>

#include "kernel/netns.h"

enum { CAPABILITIES_SYSCTLS = 10, CAPABILITIES_VALUE_SIZE = 48 };

struct capabilities {
    int error; /* a want of memory or the like: what follows is no answer */
    struct utsname kernel;
    unsigned uid;
    unsigned long open_files, open_files_most; /* RLIMIT_NOFILE, soft and hard */
    enum netns_kind netns;                     /* what a private namespace needs */
    char netns_reason[NETNS_REASON_SIZE];      /* if it is NETNS_REFUSED */
    bool current;                              /* the rest is about the current namespace */
    bool sock_diag;                            /* TCP sockets can be listed */
    bool lists_bound;                          /* and bound ones that are idle */
    bool destroys;                             /* SOCK_DESTROY works */
    bool port_range;                           /* IP_LOCAL_PORT_RANGE works */
    bool ipv6, uids;
    bool sysctls_writable;
    char sysctls[CAPABILITIES_SYSCTLS][CAPABILITIES_VALUE_SIZE]; /* "" if there is none */
};

/* The names of the sysctls that affect the reuse of ports, in the order of the values above. */
extern const char *const capabilities_sysctl[CAPABILITIES_SYSCTLS];

/* Tries everything in a child process, in a private network namespace, or in the present one if
 * that is refused or `current` is set; nothing is left behind. Returns 0, or an errno with `*what`,
 * static, saying what could not be done. */
int capabilities_probe(bool current, struct capabilities *found, const char **what);

#endif
