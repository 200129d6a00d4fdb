/* Whether the connections of a route that are in TIME-WAIT had TCP timestamps, without which
 * connect() takes none of them over. */
#ifndef PORTREUSE_DIAGNOSE_BUDGET_STAMPS_H
#define PORTREUSE_DIAGNOSE_BUDGET_STAMPS_H

#include "diagnose/budget_tally.h"
#include "kernel/time_wait.h"

/* Returns whether that makes a difference to a route, whose numbers are filled in: to the ports
 * that are left, or to what there is to do. */
bool budget_stamps_matter(const struct budget *budget, const struct budget_route *route);

/* Reads it in the kernel for the listed routes to which it matters, fills in their `reuse`, and
 * notes in the tally which had none: KNOWN_YES if some had timestamps, KNOWN_NO if none, and
 * NOT_KNOWN if it cannot be read. That needs root of the host, and Linux 5.8. Returns 0 or ENOMEM.
 */
int budget_stamps_read(struct budget_tally *tally, struct budget *budget);

/* Concludes it from the open connections to the same destination; between addresses of this host
 * (`is_local`) from the setting tcp_timestamps (`is_set`). `*assumed` says that the setting alone
 * has decided. Returns NOT_KNOWN where these disagree, as they do if the setting was changed. */
enum knowledge budget_stamps_compare(const struct budget_route *route, bool is_set, bool is_local,
                                     bool *assumed);

#endif
