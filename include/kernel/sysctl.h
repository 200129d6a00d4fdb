/* Settings under /proc/sys. */
#ifndef PORTREUSE_KERNEL_SYSCTL_H
#define PORTREUSE_KERNEL_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/ports.h"
#include "kernel/netns.h"

/* Returns NULL if a scenario may write the sysctl `name`, else why not, static. Only names under
 * `net.` belong to a network namespace; there the kernel does not even show those that all
 * namespaces share (net/core/sysctl_net_core.c: netns_core_table and net_core_table). */
const char *sysctl_refusal(const char *name);

/* Returns NULL if sysctls can be written here at all, or where that could not be found out, else
 * why not and what to do, static. */
const char *sysctl_obstacle(void);

/* Write `value`, or read at most `size` - 1 bytes of the value, without its newline. The tabs that
 * the kernel writes between the numbers of one value are read as blanks. The name is that of
 * sysctl(8): `net.ipv4.tcp_tw_reuse`, in which a slash stands for a dot in the name of a device.
 * Return 0 or an errno: ENOENT where this kernel has no such sysctl; a value that could not be read
 * is "". */
int sysctl_write(struct netns ns, const char *name, const char *value);
int sysctl_read(struct netns ns, const char *name, char *value, size_t size);

/* Reads a value of any length; the caller frees it. Returns 0 or an errno; the value is then "".
 * A long value is read again into more room: the kernel makes a buffer as large as the reader's,
 * and clears it (proc_sys_call_handler() in fs/proc/proc_sysctl.c). */
int sysctl_read_all(struct netns ns, const char *name, char **value);

/* Returns whether that errno of a write says nothing about the sysctl: its file could not be opened
 * for want of descriptors, or the like. EIO can be an answer, too: of a file that can be opened. */
bool sysctl_failed(struct netns ns, const char *name, int error);

/* What could not be read: the first of several. */
struct sysctl_failure {
    const char *what; /* `reading /proc/sys/...`, static; NULL: all could be read */
    int error;
};

/* Reads ip_local_port_range and ip_local_reserved_ports. If one of them cannot be read, the range
 * is all zero, so that nobody tells of an invented one, and that is a failure (which may be NULL).
 * Text that is no range is EINVAL.
 * Returns 0, or the errno of the first that could not be read. */
int sysctl_port_range(struct netns ns, struct port_range *range, struct sysctl_failure *failure);

/* Reads a number. Returns `otherwise` if it cannot be read, which is a failure; so is ENOENT,
 * unless the sysctl is `newer` than some kernels that we run on. */
unsigned sysctl_number(struct netns ns, const char *name, unsigned otherwise, bool newer,
                       struct sysctl_failure *failure);

/* Notes that a sysctl could not be read, if it is the first one. Does nothing for error 0. */
void sysctl_note_failure(struct sysctl_failure *failure, const char *name, int error);

#endif
