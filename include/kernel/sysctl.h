/* Settings under /proc/sys, of the network namespace that the caller is in. */
#ifndef PORTREUSE_KERNEL_SYSCTL_H
#define PORTREUSE_KERNEL_SYSCTL_H

#include <stddef.h>

/* Whether a script may write the sysctl `name`: NULL, or why not, static. Only names under `net.`
 * belong to a network namespace; the kernel does not even show there what all namespaces share
 * (net/core/sysctl_net_core.c: netns_core_table apart from net_core_table). */
const char *sysctl_refusal(const char *name);

/* Whether sysctls can be written here at all: NULL, or why not and what to do, static. */
const char *sysctl_obstacle(void);

/* Writes `value`, or reads at most `size` - 1 bytes of the value without its newline; the tabs
 * between the numbers of one value, as the kernel writes it, are read as blanks. The name is that
 * of sysctl(8): `net.ipv4.tcp_tw_reuse`, where a dot inside an interface's name is a slash. Return
 * 0 or an errno: ENOENT where this kernel has no such sysctl. */
int sysctl_write(const char *name, const char *value);
int sysctl_read(const char *name, char *value, size_t size);

#endif
