/* Two short walks find the ports that connect() does not choose for any destination, then a long
 * one passes all connections. Their owners come from a sample of the descriptors of /proc. For the
 * growth, the first route is counted once more. */
#include "diagnose/budget.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "diagnose/budget_tally.h"
#include "inspect/child.h"
#include "kernel/sockdiag.h"
#include "kernel/sysctl.h"

struct search {
    struct budget *budget;
    struct budget_tally tally; /* owned */
    struct table owners;       /* owns: of struct owners_sample; empty in the second sample */
    int diag;
    bool failed; /* memory is out */
};

/* --- the walks --- */

static bool count_explicit(void *context, const struct tcp_socket *socket) {
    struct search *search = context;
    budget_tally_explicit(&search->tally, socket);
    return true;
}

static bool count_connection(void *context, const struct tcp_socket *socket) {
    struct search *search = context;
    const struct owners_sample *owner =
        socket->inode == 0 ? NULL : table_find(&search->owners, &socket->inode);
    search->failed = !budget_tally_connection(&search->tally, socket, owner);
    return !search->failed;
}

/* Counts listeners, bound idle sockets, and connections whose port was named to bind(). Returns 0
 * or an errno. */
static int walk_explicit(struct search *search) {
    const uint32_t idle = 1U << STATE_LISTEN | 1U << STATE_BOUND;
    struct diag_query query = sockdiag_query(idle);
    int error = sockdiag_dump(search->diag, &query, count_explicit, search);
    query.states = STATES_ANY & ~idle & ~(1U << STATE_TIME_WAIT);
    query.asked = true;
    return error == 0 ? sockdiag_dump(search->diag, &query, count_explicit, search) : error;
}

/* Counts the connections to a destination; with family 0, to all of them. Returns 0 or an errno. */
static int walk_connections(struct search *search, const struct endpoint *remote) {
    struct diag_query query =
        sockdiag_query(STATES_ANY & ~(1U << STATE_LISTEN | 1U << STATE_BOUND));
    query.low = search->budget->range.low;
    query.high = search->budget->range.high;
    if (remote->family != 0)
        query.remote = (struct endpoint_pattern){.endpoint = *remote};
    int error = sockdiag_dump(search->diag, &query, count_connection, search);
    return search->failed ? ENOMEM : error;
}

/* --- the growth --- */

static void wait_until(uint64_t end_ns) {
    struct timespec end = {(time_t)(end_ns / NS_PER_S), (long)(end_ns % NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
        continue;
}

/* Counts the first route once more when the interval is over. */
static void sample_again(struct search *search, uint64_t first_ns) {
    struct budget *budget = search->budget;
    const struct budget_route *first = &budget->routes[0];
    wait_until(first_ns + budget->asked.interval_ns);
    budget_tally_restart(&search->tally);
    table_free(&search->owners);
    if (walk_connections(search, &first->remote) != 0 || search->tally.routes.count == 0)
        return;
    double seconds = (double)(units_now_ns() - first_ns) / NS_PER_S;
    double used = budget_tally_used(&search->tally, first);
    budget->growth = (used - first->used) / seconds;
    if (budget->growth > 0)
        budget->exhausted_s = first->left / budget->growth;
}

/* --- all together --- */

static unsigned read_number(const char *name, unsigned otherwise) {
    char text[32];
    return sysctl_read(NETNS_HERE, name, text, sizeof text) == 0 ? (unsigned)strtoul(text, NULL, 10)
                                                                 : otherwise;
}

static void read_settings(struct budget *budget) {
    sysctl_port_range(NETNS_HERE, &budget->range);
    budget->tw_reuse = read_number("net.ipv4.tcp_tw_reuse", 2);
    budget->tw_reuse_delay_ms = read_number("net.ipv4.tcp_tw_reuse_delay", 1000);
    if (read_number("net.ipv4.tcp_timestamps", 1) == 0)
        budget->tw_reuse = 0;
    budget->exhausted_s = -1;
}

static void name_owners(struct budget *budget) {
    for (unsigned i = 0; i < budget->known; i++)
        for (unsigned k = 0; k < budget->routes[i].owner_count; k++)
            owner_read(budget->routes[i].owners[k].owner.pid, &budget->routes[i].owners[k].owner);
}

/* Returns 0 or an errno. */
static int search_sockets(struct search *search) {
    struct budget *budget = search->budget;
    int error = walk_explicit(search);
    if (error != 0)
        return error;
    budget->unseen = owners_sample(&search->owners);
    uint64_t first_ns = units_now_ns();
    error = walk_connections(search, &budget->asked.remote);
    if (error != 0)
        return error;
    budget_tally_finish(&search->tally, budget);
    name_owners(budget);
    if (budget->routes[0].remote.family != 0 && budget->asked.interval_ns > 0)
        sample_again(search, first_ns);
    return 0;
}

static void look_here(void *context, FILE *more) {
    struct budget *budget = context;
    struct search search = {.budget = budget, .diag = sockdiag_open(NETNS_HERE)};
    int error = search.diag < 0 ? errno : 0;
    (void)more;
    read_settings(budget);
    budget_tally_begin(&search.tally, budget);
    budget->error = error != 0 ? error : search_sockets(&search);
    if (budget->error != 0)
        budget->failure = "listing the TCP sockets (sock_diag)";
    if (search.diag >= 0)
        close(search.diag);
    budget_tally_free(&search.tally);
    table_free(&search.owners);
}

void budget_look(const struct budget_question *question, const struct namespace *where,
                 struct budget *budget) {
    struct child child = {.where = where};
    const char *what;
    *budget = (struct budget){.where = *where, .asked = *question};
    if (where->path[0] == '\0') {
        look_here(budget, NULL);
        return;
    }
    int error = child_run(&child, look_here, budget, sizeof *budget, NULL, &what);
    if (error != 0) {
        budget->error = error;
        budget->failure = what;
    }
}
