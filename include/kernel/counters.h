/* What the kernel counts for a network namespace, in /proc/net/snmp and /proc/net/netstat. */
#ifndef PORTREUSE_KERNEL_COUNTERS_H
#define PORTREUSE_KERNEL_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/netns.h"

/* Reads a count of a file of /proc/net by the name of its line and its own: "snmp", "Tcp",
 * "ActiveOpens". Returns whether it is there. */
bool counters_read(struct netns ns, const char *file, const char *line, const char *name,
                   uint64_t *value);

/* The same in the text of such a file. */
bool counters_find(const char *text, const char *line, const char *name, uint64_t *value);

/* What tells whether TCP connections were opened. */
struct counters_tcp {
    bool known;
    uint64_t opened;      /* connections opened so far, from here and from elsewhere */
    uint64_t established; /* now; since Linux 6.10 also those in CLOSE-WAIT */
};

struct counters_tcp counters_tcp(struct netns ns);

/* Returns whether no TCP connection was opened between the two looks, and none that was established
 * has ended. */
bool counters_quiet(const struct counters_tcp *before, const struct counters_tcp *now);

#endif
