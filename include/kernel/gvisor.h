/* gVisor: a kernel of its own that says that it is Linux 4.4.0. */
#ifndef PORTREUSE_KERNEL_GVISOR_H
#define PORTREUSE_KERNEL_GVISOR_H

#include <stdbool.h>
#include <sys/utsname.h>

/* Returns whether this process runs in gVisor. */
bool gvisor_is_here(void);

/* uname(2), with " (gVisor)" after the release if that is what runs here. */
void gvisor_uname(struct utsname *names);

#endif
