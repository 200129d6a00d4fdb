/* Connections are counted by route, which is the local address and the destination. On a route no
 * two connections have the same local port, so that the number of connections is the number of
 * ports.
 *
 * Two short walks find the ports that connect() does not choose for any destination, then a long
 * one passes all connections. Their owners come from a sample of the descriptors of /proc. For the
 * growth, the first route is counted once more. */
#include "diagnose/budget.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "inspect/child.h"
#include "kernel/sockdiag.h"
#include "kernel/sysctl.h"

/* --- a tally --- */

enum { TIME_WAIT_MS = 60 * 1000 }; /* TCP_TIMEWAIT_LEN in include/net/tcp.h */

struct route_key {
    struct endpoint local, remote;
};

/* What is counted of a route. */
struct route {
    struct route_key key;
    uint32_t states[STATE_COUNT];
    uint32_t total, used, reusable, closed, by_bind;
};

/* How many sockets of a route a process has. */
struct share {
    uint32_t route;
    uint32_t pid;
    uint32_t sockets;
};

void budget_tally_begin(struct budget_tally *tally, const struct budget *budget) {
    *tally = (struct budget_tally){
        .budget = budget,
        .routes = {.entry_size = sizeof(struct route), .key_size = sizeof(struct route_key)},
        .shares = {.entry_size = sizeof(struct share), .key_size = 2 * sizeof(uint32_t)}};
}

void budget_tally_free(struct budget_tally *tally) {
    table_free(&tally->routes);
    table_free(&tally->shares);
}

void budget_tally_restart(struct budget_tally *tally) {
    budget_tally_free(tally);
}

/* --- counting --- */

void budget_tally_explicit(struct budget_tally *tally, const struct inet_socket *socket) {
    if (!port_range_has(&tally->budget->range, socket->local.port))
        return;
    tally->explicit_ports += port_set_add(&tally->taken, socket->local.port);
    if (socket->state == STATE_LISTEN)
        port_set_add(&tally->listening, socket->local.port);
    else if (socket->state != STATE_BOUND)
        tally->explicit_sockets++;
}

static bool is_loopback(const struct endpoint *address) {
    static const uint8_t six[16] = {[15] = 1};
    if (address->family == AF_INET)
        return address->address[0] == 127;
    return memcmp(address->address, six, sizeof six) == 0;
}

/* Returns whether connect() on this address takes ports of TIME-WAIT. */
static bool allows_reuse(const struct budget *budget, const struct endpoint *address) {
    return budget->tw_reuse == 1 || (budget->tw_reuse == 2 && is_loopback(address));
}

/* tcp_twsk_unique() in net/ipv4/tcp_ipv4.c. It also needs TCP timestamps, which both ends have
 * unless somebody has turned them off. */
static bool is_reusable(const struct budget *budget, const struct inet_socket *socket) {
    return socket->state == STATE_TIME_WAIT && allows_reuse(budget, &socket->local) &&
           socket->expires_ms + budget->tw_reuse_delay_ms <= TIME_WAIT_MS;
}

/* connect() prefers the ports that have the parity of the lowest one; bind() to port 0 prefers the
 * others, to leave these to connect() (inet_csk_find_open_port() in net/ipv4/
 * inet_connection_sock.c). */
static bool has_other_parity(const struct budget *budget, uint16_t port) {
    return ((port ^ budget->range.low) & 1) != 0;
}

static struct route_key key_of(const struct endpoint *local, const struct endpoint *remote) {
    struct route_key key = {endpoint_unmapped(local), endpoint_unmapped(remote)};
    key.local.port = 0;
    return key;
}

/* Returns false if out of memory. */
static bool add_share(struct budget_tally *tally, size_t route, const struct owners_sample *owner) {
    struct share key = {.route = (uint32_t)route, .pid = (uint32_t)owner->pid};
    bool is_new;
    struct share *share = table_add(&tally->shares, &key, &is_new);
    if (share != NULL)
        share->sockets += owner->weight;
    return share != NULL;
}

bool budget_tally_connection(struct budget_tally *tally, const struct inet_socket *socket,
                             const struct owners_sample *owner) {
    const struct budget *budget = tally->budget;
    uint16_t port = socket->local.port;
    if (!port_range_has(&budget->range, port) || port_set_has(&tally->listening, port))
        return true;
    struct route_key key = key_of(&socket->local, &socket->remote);
    bool is_new;
    struct route *route = table_add(&tally->routes, &key, &is_new);
    if (route == NULL)
        return false;
    bool reusable = is_reusable(budget, socket), is_explicit = port_set_has(&tally->taken, port);
    route->states[socket->state]++;
    route->total++;
    route->reusable += reusable;
    route->closed += socket->state == STATE_TIME_WAIT &&
                     socket->expires_ms + BUDGET_RECENT_S * 1000 >= TIME_WAIT_MS;
    route->used += !reusable && !is_explicit;
    route->by_bind += !is_explicit && has_other_parity(budget, port);
    size_t index = (size_t)(route - (struct route *)table_entry(&tally->routes, 0));
    return owner == NULL || add_share(tally, index, owner);
}

/* --- what the counts come to --- */

uint32_t budget_tally_used(const struct budget_tally *tally, const struct budget_route *route) {
    struct route_key key = key_of(&route->local, &route->remote);
    const struct route *found = table_find(&tally->routes, &key);
    return tally->explicit_ports + (found == NULL ? 0 : found->used);
}

/* Lists an owner among those with the most sockets. */
static void list_owner(struct budget_route *route, const struct share *share) {
    unsigned place = route->owner_count;
    route->process_count++;
    while (place > 0 && route->owners[place - 1].sockets < share->sockets)
        place--;
    if (place == BUDGET_OWNERS)
        return;
    route->owner_count += route->owner_count < BUDGET_OWNERS;
    for (unsigned i = route->owner_count - 1; i > place; i--)
        route->owners[i] = route->owners[i - 1];
    route->owners[place] =
        (struct budget_owner){.owner = {.pid = (pid_t)share->pid}, .sockets = share->sockets};
}

static void finish_route(const struct budget_tally *tally, size_t index,
                         struct budget_route *found) {
    const struct route *route = table_entry(&tally->routes, index);
    uint32_t size = port_range_size(&tally->budget->range), connect_first = size / 2;
    *found = (struct budget_route){.local = route->key.local,
                                   .remote = route->key.remote,
                                   .used = route->used + tally->explicit_ports,
                                   .reusable = route->reusable,
                                   .closed = route->closed};
    memcpy(found->states, route->states, sizeof found->states);
    found->left = found->used < size ? size - found->used : 0;
    /* When connect() has used up its own half, it goes on with the other. */
    if (route->total - route->by_bind < connect_first)
        found->by_bind = route->by_bind;
    for (size_t i = 0; i < tally->shares.count; i++) {
        const struct share *share = table_entry(&tally->shares, i);
        if (share->route == index)
            list_owner(found, share);
    }
}

/* Finds the fullest routes: their numbers, the fullest first. Returns how many. */
static unsigned find_fullest(const struct budget_tally *tally, size_t *fullest) {
    const struct route *routes = table_entry(&tally->routes, 0);
    unsigned count = 0;
    for (size_t i = 0; i < tally->routes.count; i++) {
        unsigned place = count;
        while (place > 0 && routes[fullest[place - 1]].total < routes[i].total)
            place--;
        if (place == BUDGET_ROUTES)
            continue;
        count += count < BUDGET_ROUTES;
        for (unsigned k = count - 1; k > place; k--)
            fullest[k] = fullest[k - 1];
        fullest[place] = i;
    }
    return count;
}

/* A port is used from connect() to the end of TIME-WAIT; those that are open now stay so. */
static void find_rate(struct budget *budget) {
    const struct budget_route *route = &budget->routes[0];
    uint32_t waiting = route->states[STATE_TIME_WAIT] - route->reusable;
    uint32_t free_ports = route->left + waiting;
    uint32_t held_ms =
        allows_reuse(budget, &route->remote) ? budget->tw_reuse_delay_ms : TIME_WAIT_MS;
    budget->rate = free_ports * 1e3 / (held_ms == 0 ? 1 : held_ms);
}

void budget_tally_finish(const struct budget_tally *tally, struct budget *budget) {
    size_t fullest[BUDGET_ROUTES] = {0};
    budget->explicit_ports = tally->explicit_ports;
    budget->explicit_sockets = tally->explicit_sockets;
    budget->route_count = (uint32_t)tally->routes.count;
    budget->known = find_fullest(tally, fullest);
    for (unsigned i = 0; i < budget->known; i++)
        finish_route(tally, fullest[i], &budget->routes[i]);
    if (budget->known == 0) { /* no connections: every other port is left */
        uint32_t size = port_range_size(&budget->range);
        uint32_t used = tally->explicit_ports;
        budget->routes[0] = (struct budget_route){
            .remote = budget->asked.remote, .used = used, .left = used < size ? size - used : 0};
        budget->known = 1;
    }
    find_rate(budget);
}

/* --- the walks --- */

struct search {
    struct budget *budget;
    struct budget_tally tally; /* owned */
    struct table owners;       /* owns: of struct owners_sample; empty in the second sample */
    int diag;
    bool failed; /* out of memory */
};

static bool count_explicit(void *context, const struct inet_socket *socket) {
    struct search *search = context;
    budget_tally_explicit(&search->tally, socket);
    return true;
}

static bool count_connection(void *context, const struct inet_socket *socket) {
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
    const struct endpoint *local = &search->budget->asked.local;
    struct diag_query query =
        sockdiag_query(STATES_ANY & ~(1U << STATE_LISTEN | 1U << STATE_BOUND));
    query.low = search->budget->range.low;
    query.high = search->budget->range.high;
    if (remote->family != 0)
        query.remote = (struct endpoint_pattern){.endpoint = *remote};
    if (local->family != 0)
        query.local = (struct endpoint_pattern){.any_port = true, .endpoint = *local};
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
