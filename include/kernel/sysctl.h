/* Settings under /proc/sys. */
#ifndef PORTREUSE_KERNEL_SYSCTL_H
#define PORTREUSE_KERNEL_SYSCTL_H

#include <stddef.h>

#include "base/ports.h"
#include "kernel/netns.h"

/* Returns NULL if a scenario may write the sysctl `name`, else why not, static. Only names under
 * `net.` belong to a network namespace; there the kernel does not even show those that all
 * namespaces share (net/core/sysctl_net_core.c: netns_core_table and net_core_table). */
const char *sysctl_refusal(const char *name);

/* Returns NULL if sysctls can be written here at all, else why not and what to do, static. */
const char *sysctl_obstacle(void);

/* Write `value`, or read at most `size` - 1 bytes of the value, without its newline. The tabs that
 * the kernel writes between the numbers of one value are read as blanks. The name is that of
 * sysctl(8): `net.ipv4.tcp_tw_reuse`, in which a slash stands for a dot in the name of a device.
 * Return 0 or an errno: ENOENT where this kernel has no such sysctl; a value that could not be read
 * is "". */
int sysctl_write(struct netns ns, const char *name, const char *value);
int sysctl_read(struct netns ns, const char *name, char *value, size_t size);

/* Reads ip_local_port_range and ip_local_reserved_ports. What cannot be read is assumed to be the
 * kernel's default: 32768 to 60999, and no reserved ports. Returns 0, or the errno of the first
 * that could not be read. */
int sysctl_port_range(struct netns ns, struct port_range *range);

#endif
