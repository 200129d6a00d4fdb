/* What a process may do: its user, its groups and its capabilities. */
#ifndef PORTREUSE_KERNEL_CREDENTIALS_H
#define PORTREUSE_KERNEL_CREDENTIALS_H

#include <stdbool.h>
#include <sys/types.h>

/* Returns whether paths mean the same files for process `pid` as here: the mount namespace and the
 * root directory are the same. False where that cannot be read. */
bool credentials_share_files(pid_t pid);

/* Gives the calling process, which must have one thread, the user namespace, the effective user and
 * group ids, the supplementary groups and the capabilities of process `pid`; of the capabilities
 * only those that the caller has too; with `files`, its root and working directory as well (in its
 * mount namespace: chroot(2) to /proc/PID/root). The real and saved ids stay, so that the user of
 * the process cannot stop the caller. Security modules, seccomp filters and control groups stay
 * those of the caller. Returns 0 or an errno: EPERM where that is not permitted; what was changed
 * until then stays changed. */
int credentials_take(pid_t pid, bool files);

#endif
