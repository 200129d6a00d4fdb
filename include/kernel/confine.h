/* Giving up what a process does not need, for good. */
#ifndef PORTREUSE_KERNEL_CONFINE_H
#define PORTREUSE_KERNEL_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/seccomp.h"

/* What a process that makes socket calls may need of root. */
struct confine_needs {
    bool ids;   /* changes its user and group, and the owner of files */
    bool files; /* has sockets in a file system, of any user */
};

/* Keeps of the capabilities those for socket calls (CAP_NET_BIND_SERVICE, CAP_NET_RAW,
 * CAP_NET_ADMIN) and what is needed besides; sets no_new_privs; and has the kernel refuse, with
 * EPERM, the calls in the list of confine.c (mount(2), ptrace(2), bpf(2) and the like), and all of
 * another architecture. What this kernel does not have is left out. Returns 0 or an errno. */
int confine(struct confine_needs needs);

/* Writes the filter that refuses them, and returns its length; 0 if the numbers of the calls of
 * this processor are not known. */
enum { CONFINE_MOST_INSTRUCTIONS = 256 };
unsigned confine_program(struct seccomp_instruction *program);

#endif
