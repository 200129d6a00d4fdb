/* What a process may do: its user, its groups and its capabilities. */
#ifndef PORTREUSE_KERNEL_CREDENTIALS_H
#define PORTREUSE_KERNEL_CREDENTIALS_H

#include <sys/types.h>

/* Gives the calling process, which must have one thread, the user namespace, the user and group
 * ids, the supplementary groups and the capabilities of process `pid`; of the capabilities only
 * those that the caller has too. Security modules, seccomp filters and control groups stay those of
 * the caller. Returns 0 or an errno: EPERM where that is not permitted; what was changed until then
 * stays changed. */
int credentials_take(pid_t pid);

#endif
