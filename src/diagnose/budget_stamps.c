#include "diagnose/budget_stamps.h"

#include <errno.h>
#include <stdlib.h>

#include "kernel/sockets.h"

_Static_assert(BUDGET_ROUTES <= (int)TIME_WAIT_ROUTES, "all are read at once");

bool budget_stamps_matter(const struct budget *budget, const struct budget_route *route) {
    bool is_full = route->used >= port_range_size(&budget->range) / 2;
    return route->reusable > 0 || (is_full && route->may_reuse > 0);
}

static enum knowledge conclude(const struct time_wait_route *read) {
    if (port_set_any(&read->with))
        return KNOWN_YES;
    return port_set_any(&read->without) ? KNOWN_NO : NOT_KNOWN;
}

int budget_stamps_read(struct budget_tally *tally, struct budget *budget) {
    struct time_wait_route *reads = malloc(BUDGET_ROUTES * sizeof *reads);
    unsigned places[BUDGET_ROUTES], count = 0;
    if (reads == NULL)
        return ENOMEM;
    for (unsigned i = 0; i < budget->known; i++) {
        const struct budget_route *route = &budget->routes[i];
        if (!budget_stamps_matter(budget, route))
            continue;
        reads[count].local = route->local;
        reads[count].remote = route->remote;
        places[count++] = i;
    }
    if (count > 0 && time_wait_stamps(reads, count) == 0)
        for (unsigned i = 0; i < count; i++) {
            budget_tally_unstamped(tally, &budget->routes[places[i]], &reads[i].without);
            budget->routes[places[i]].reuse = conclude(&reads[i]);
        }
    free(reads);
    return 0;
}

/* What the open connections have. */
struct seen {
    unsigned left; /* how many more are looked at */
    bool with, without;
};

static bool note(void *context, const struct inet_socket *socket) {
    struct seen *seen = context;
    if (socket->timestamps_known)
        *(socket->timestamps ? &seen->with : &seen->without) = true;
    return --seen->left > 0 && !(seen->with && seen->without);
}

/* Other destinations at the same address can be other hosts. A list that is not read to its end is
 * given up with its netlink socket. */
enum knowledge budget_stamps_compare(const struct budget_route *route, bool is_set, bool is_local,
                                     bool *assumed) {
    enum { ENOUGH = 4096 };
    struct seen seen = {.left = ENOUGH};
    struct sockets sockets = sockets_open(NETNS_HERE);
    struct diag_query query = sockdiag_query(1U << STATE_ESTABLISHED | 1U << STATE_CLOSE_WAIT |
                                             1U << STATE_FIN_WAIT_1 | 1U << STATE_FIN_WAIT_2);
    query.opener = true;
    query.remote = (struct endpoint_pattern){.endpoint = route->remote};
    sockets_dump(&sockets, &query, note, &seen);
    sockets_close(&sockets);
    bool disagree = (seen.with && !is_set) || (seen.without && is_set && is_local);
    if (disagree || (seen.with && seen.without))
        return NOT_KNOWN;
    if (seen.with || seen.without)
        return knowledge_of(seen.with);
    *assumed = is_local || !is_set;
    return *assumed ? knowledge_of(is_set) : NOT_KNOWN;
}
