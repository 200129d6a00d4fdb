/* What a scenario may take of the host. The steps say at most what a case can take; a case that
 * could take more than the limit is not begun. */
#ifndef PORTREUSE_ENGINE_LIMITS_H
#define PORTREUSE_ENGINE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenario/scenario.h"

enum limit {
    LIMIT_SOCKETS,     /* that the steps of a case make, but for those closed in their round */
    LIMIT_BYTES,       /* in flight: sent, as far as the kernel's buffers of a socket take them */
    LIMIT_SECONDS,     /* for which the steps say that they wait, unless --timeout is given */
    LIMIT_DEVICES,     /* network devices: of hosts, and of `address` */
    LIMIT_CONNECTIONS, /* with --net=current */
    LIMIT_MEMORY,      /* bytes of the results of all cases of the scenario */
    LIMITS,
};

struct limits {
    uint64_t most[LIMITS];
};

/* The limits unless told otherwise. */
extern const struct limits limits_usual;

/* Their names for --limit NAME=N, static, with NULL at the end. */
extern const char *const limits_names[LIMITS + 1];

/* What is counted, in the plural, static. */
extern const char *const limits_nouns[LIMITS];

/* How much of it a case of the scenario can take at most, the setup included. */
uint64_t limits_of_case(const struct scenario *scenario, size_t case_index, enum limit limit);

/* How many rounds a block may run, UINT64_MAX if as many as its text says: one that ends by an
 * answer shares what the rest of the case leaves of the limits with the others of its kind.
 * `*which` becomes the limit that says so. */
uint64_t limits_of_rounds(const struct scenario *scenario, size_t case_index,
                          const struct step *block, const struct limits *limits, enum limit *which);

#endif
