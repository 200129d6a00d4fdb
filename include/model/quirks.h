/* What older kernels do otherwise than the rules say, which are those of Linux 6.18.
 *
 * docs/bind-rules.md tells them, docs/kernels.md what was measured. */
#ifndef PORTREUSE_MODEL_QUIRKS_H
#define PORTREUSE_MODEL_QUIRKS_H

#include <stdbool.h>

#include "base/units.h"

/* All false: none, as on Linux 6.18. A release is the default only: where a fix was carried back,
 * or the kernel is somebody's own, the caller sets what was seen. */
struct kernel_quirks {
    bool mapped_wildcard; /* 6.1 to 6.7, but for 6.6.131 and later 6.6: bind() to a mapped
                             address does not see ::ffff:0.0.0.0
                             (inet_bhash2_addr_any_hashbucket(): the wildcard of an IPv6 socket is
                             [::]) */
    bool first_bind;      /* before 6.8: the options of the first socket that bound the port decide
                             for all that have the same, whatever became of its own
                             (inet_csk_update_fastreuse(): FASTREUSEPORT_ANY, fastreuse) */
    bool stays_poisoned; /* before 6.17.8: connect() avoids a port to which a socket was bound until
                            all sockets have left it (commit d57f4b874946) */
};

/* Returns the quirks of the release; none for 0.0.0. */
struct kernel_quirks quirks_of(struct kernel_release release);

/* Returns whether the kernel has any. */
bool quirks_any(struct kernel_quirks quirks);

#endif
