/* Who has a socket open: /proc/PID/fd. */
#ifndef PORTREUSE_KERNEL_OWNER_H
#define PORTREUSE_KERNEL_OWNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Called with the inode of each socket that a process has open; false ends the visits. */
typedef bool owner_visit(void *context, uint32_t inode);

/* Visits the sockets of process `pid`. Returns 0 or an errno: ENOENT where there is no such process
 * or no /proc, EACCES without the right to look. */
int owner_sockets(pid_t pid, owner_visit *visit, void *context);

#endif
