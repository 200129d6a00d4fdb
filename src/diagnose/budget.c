/* One walk over the sockets, which are counted as they come, by route: the local address and the
 * destination. On a route no two connections have one local port, so that the number of connections
 * is that of ports. Before it come shorter walks for the ports that connect() does not choose for
 * any destination, and a part of the descriptors of /proc, to tell whose the connections are. */
#include "diagnose/budget.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "inspect/child.h"
#include "inspect/owners.h"
#include "kernel/sockdiag.h"
#include "kernel/sysctl.h"

enum { TIME_WAIT_MS = 60 * 1000 }; /* TCP_TIMEWAIT_LEN in include/net/tcp.h */

struct tally {
    struct budget *budget;
    int diag;
    struct port_set taken;     /* explicitly: of the range */
    struct port_set listening; /* what comes in on these is nobody's outgoing connection */
    struct table owners; /* owns: of struct owners_sample; empty while nobody is to be named */
    struct budget_route *routes; /* owned: a hash table, family 0 where it is empty */
    size_t slots, used;
    bool failed; /* for want of memory */
};

/* --- routes --- */

static size_t hash(const struct endpoint *local, const struct endpoint *remote) {
    const uint64_t prime = 1099511628211U; /* FNV-1a */
    uint64_t value = 14695981039346656037U;
    for (size_t i = 0; i < sizeof local->address; i++)
        value = ((value ^ local->address[i]) * prime ^ remote->address[i]) * prime;
    return (size_t)((value ^ remote->port) * prime >> 16);
}

static struct budget_route *slot_of(struct budget_route *routes, size_t slots,
                                    const struct endpoint *local, const struct endpoint *remote) {
    size_t at = hash(local, remote) & (slots - 1);
    while (routes[at].remote.family != 0 && !(endpoint_equal(&routes[at].local, local) &&
                                              endpoint_equal(&routes[at].remote, remote)))
        at = (at + 1) & (slots - 1);
    return &routes[at];
}

static bool grow(struct tally *tally) {
    enum { FIRST = 64 };
    size_t slots = tally->slots == 0 ? FIRST : 2 * tally->slots;
    struct budget_route *routes = calloc(slots, sizeof *routes);
    if (routes == NULL)
        return false;
    for (size_t i = 0; i < tally->slots; i++)
        if (tally->routes[i].remote.family != 0)
            *slot_of(routes, slots, &tally->routes[i].local, &tally->routes[i].remote) =
                tally->routes[i];
    free(tally->routes);
    tally->routes = routes;
    tally->slots = slots;
    return true;
}

/* The row of a route, new if need be; NULL when memory is out. */
static struct budget_route *route_of(struct tally *tally, const struct tcp_socket *socket) {
    struct endpoint local = endpoint_unmapped(&socket->local);
    struct endpoint remote = endpoint_unmapped(&socket->remote);
    local.port = 0;
    if (2 * tally->used >= tally->slots && !grow(tally))
        return NULL;
    struct budget_route *route = slot_of(tally->routes, tally->slots, &local, &remote);
    tally->used += route->remote.family == 0;
    route->local = local;
    route->remote = remote;
    return route;
}

/* --- counting --- */

static bool is_loopback(const struct endpoint *address) {
    static const uint8_t six[16] = {[15] = 1};
    if (address->family == AF_INET)
        return address->address[0] == 127;
    return memcmp(address->address, six, sizeof six) == 0;
}

/* tcp_tw_reuse_allowed by twsk_unique of TCP: tcp_twsk_unique() in net/ipv4/tcp_ipv4.c. It takes
 * TCP timestamps too, which both ends have unless somebody has turned them off. */
static bool is_reusable(const struct budget *budget, const struct tcp_socket *socket) {
    bool allowed = budget->tw_reuse == 1 || (budget->tw_reuse == 2 && is_loopback(&socket->local));
    return allowed && socket->state == STATE_TIME_WAIT &&
           socket->expires_ms + budget->tw_reuse_delay_ms <= TIME_WAIT_MS;
}

/* Which ports connect() prefers: those of the parity of the lowest one. bind() to port 0 prefers
 * the others, so as not to be in its way (inet_csk_find_open_port() in net/ipv4/
 * inet_connection_sock.c). */
static bool has_other_parity(const struct budget *budget, uint16_t port) {
    return ((port ^ budget->range.low) & 1) != 0;
}

static void add_owner(struct tally *tally, struct budget_route *route, uint32_t inode) {
    const struct owners_sample *found = table_find(&tally->owners, &inode);
    unsigned i = 0;
    if (found == NULL)
        return;
    while (i < route->owner_count && route->owners[i].owner.pid != found->pid)
        i++;
    if (i == BUDGET_OWNERS)
        return;
    if (i == route->owner_count)
        route->owners[route->owner_count++] = (struct budget_owner){.owner = {.pid = found->pid}};
    route->owners[i].sockets += found->weight;
}

static bool count_socket(void *context, const struct tcp_socket *socket) {
    struct tally *tally = context;
    struct budget *budget = tally->budget;
    if (!port_range_has(&budget->range, socket->local.port) ||
        port_set_has(&tally->listening, socket->local.port))
        return true;
    struct budget_route *route = route_of(tally, socket);
    tally->failed = route == NULL;
    if (tally->failed)
        return false;
    route->states[socket->state]++;
    bool reusable = is_reusable(budget, socket);
    route->reusable += reusable;
    route->closed += socket->state == STATE_TIME_WAIT &&
                     socket->expires_ms + BUDGET_RECENT_S * 1000 >= TIME_WAIT_MS;
    bool is_explicit = port_set_has(&tally->taken, socket->local.port);
    route->used += !reusable && !is_explicit;
    route->by_bind += !is_explicit && has_other_parity(budget, socket->local.port);
    if (socket->inode != 0)
        add_owner(tally, route, socket->inode);
    return true;
}

static bool take_port(void *context, const struct tcp_socket *socket) {
    struct tally *tally = context;
    if (!port_range_has(&tally->budget->range, socket->local.port))
        return true;
    tally->budget->explicit_ports += port_set_add(&tally->taken, socket->local.port);
    if (socket->state == STATE_LISTEN)
        port_set_add(&tally->listening, socket->local.port);
    else if (socket->state != STATE_BOUND)
        tally->budget->explicit_sockets++;
    return true;
}

/* --- the walks --- */

/* The ports that connect() does not choose, whatever the destination: those of listeners and bound,
 * idle sockets, and those of connections that bind() has asked for. Returns 0 or an errno. */
static int find_taken(struct tally *tally) {
    const uint32_t idle = 1U << STATE_LISTEN | 1U << STATE_BOUND;
    struct diag_query query = sockdiag_query(idle);
    int error = sockdiag_dump(tally->diag, &query, take_port, tally);
    query.states = STATES_ANY & ~idle & ~(1U << STATE_TIME_WAIT);
    query.asked = true;
    return error == 0 ? sockdiag_dump(tally->diag, &query, take_port, tally) : error;
}

static struct diag_query route_query(const struct budget *budget, const struct endpoint *remote) {
    struct diag_query query =
        sockdiag_query(STATES_ANY & ~(1U << STATE_LISTEN | 1U << STATE_BOUND));
    query.low = budget->range.low;
    query.high = budget->range.high;
    if (remote->family != 0)
        query.remote = (struct endpoint_pattern){.endpoint = *remote};
    return query;
}

static uint32_t route_total(const struct budget_route *route) {
    uint32_t total = 0;
    for (unsigned i = 0; i < STATE_COUNT; i++)
        total += route->states[i];
    return total;
}

/* Keeps the fullest routes, and drops the table. */
static void keep_fullest(struct tally *tally) {
    struct budget *budget = tally->budget;
    budget->route_count = (uint32_t)tally->used;
    for (size_t i = 0; i < tally->slots; i++) {
        const struct budget_route *route = &tally->routes[i];
        unsigned place = budget->known;
        if (route->remote.family == 0)
            continue;
        while (place > 0 && route_total(&budget->routes[place - 1]) < route_total(route))
            place--;
        if (place == BUDGET_ROUTES)
            continue;
        budget->known += budget->known < BUDGET_ROUTES;
        for (unsigned k = budget->known - 1; k > place; k--)
            budget->routes[k] = budget->routes[k - 1];
        budget->routes[place] = *route;
    }
    free(tally->routes);
    tally->routes = NULL;
    tally->slots = tally->used = 0;
}

static int by_sockets(const void *a, const void *b) {
    uint32_t left = ((const struct budget_owner *)a)->sockets;
    uint32_t right = ((const struct budget_owner *)b)->sockets;
    return (left < right) - (left > right);
}

/* What the counts come to. */
static void finish_route(const struct budget *budget, struct budget_route *route) {
    uint32_t size = port_range_size(&budget->range);
    uint32_t connect_first = size / 2;
    route->used += budget->explicit_ports;
    route->left = route->used < size ? size - route->used : 0;
    /* Where connect() has taken all of its half, it goes on with the other. */
    if (route_total(route) - route->by_bind >= connect_first)
        route->by_bind = 0;
    qsort(route->owners, route->owner_count, sizeof route->owners[0], by_sockets);
    for (unsigned i = 0; i < route->owner_count; i++)
        owner_read(route->owners[i].owner.pid, &route->owners[i].owner);
}

/* --- the rate --- */

static void wait_until(uint64_t end_ns) {
    struct timespec end = {(time_t)(end_ns / NS_PER_S), (long)(end_ns % NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
        continue;
}

/* Counts the first route once more, when the interval is over. */
static void sample_again(struct tally *tally, uint64_t first_ns) {
    struct budget *budget = tally->budget;
    const struct budget_route *first = &budget->routes[0];
    wait_until(first_ns + budget->asked.interval_ns);
    struct diag_query query = route_query(budget, &first->remote);
    table_free(&tally->owners);
    if (sockdiag_dump(tally->diag, &query, count_socket, tally) != 0 || tally->slots == 0)
        return;
    double seconds = (double)(units_now_ns() - first_ns) / NS_PER_S;
    const struct budget_route *now =
        slot_of(tally->routes, tally->slots, &first->local, &first->remote);
    double used = (double)now->used + budget->explicit_ports;
    budget->growth = (used - first->used) / seconds;
    if (budget->growth > 0)
        budget->exhausted_s = first->left / budget->growth;
}

/* A port is taken from connect() to the end of TIME-WAIT; those that are open now stay so. */
static void find_rate(struct budget *budget) {
    const struct budget_route *route = &budget->routes[0];
    uint32_t waiting = route->states[STATE_TIME_WAIT] - route->reusable;
    uint32_t free_ports = route->left + waiting;
    uint32_t held_ms =
        budget->tw_reuse == 1 || (budget->tw_reuse == 2 && is_loopback(&route->remote))
            ? budget->tw_reuse_delay_ms
            : TIME_WAIT_MS;
    budget->rate = free_ports * 1e3 / (held_ms == 0 ? 1 : held_ms);
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

/* Returns 0 or an errno. */
static int look(struct tally *tally) {
    struct budget *budget = tally->budget;
    struct diag_query query = route_query(budget, &budget->asked.remote);
    int error = find_taken(tally);
    if (error != 0)
        return error;
    budget->unseen = owners_sample(&tally->owners);
    uint64_t first_ns = units_now_ns();
    error = sockdiag_dump(tally->diag, &query, count_socket, tally);
    if (error != 0 || tally->failed)
        return tally->failed ? ENOMEM : error;
    keep_fullest(tally);
    if (budget->known == 0) { /* nobody is there: all is left */
        budget->routes[0].remote = budget->asked.remote;
        budget->known = 1;
    }
    for (unsigned i = 0; i < budget->known; i++)
        finish_route(budget, &budget->routes[i]);
    find_rate(budget);
    if (budget->routes[0].remote.family != 0 && budget->asked.interval_ns > 0)
        sample_again(tally, first_ns);
    return 0;
}

static void look_here(void *context, FILE *more) {
    (void)more;
    struct budget *budget = context;
    struct tally tally = {.budget = budget, .diag = sockdiag_open(NETNS_HERE)};
    read_settings(budget);
    budget->error = tally.diag < 0 ? errno : look(&tally);
    if (budget->error != 0)
        budget->failure = "listing the TCP sockets (sock_diag)";
    if (tally.diag >= 0)
        close(tally.diag);
    table_free(&tally.owners);
    free(tally.routes);
}

void budget_look(const struct budget_question *question, const struct namespace *place,
                 struct budget *budget) {
    struct child child = {.where = place};
    const char *what;
    *budget = (struct budget){.place = *place, .asked = *question};
    if (place->path[0] == '\0') {
        look_here(budget, NULL);
        return;
    }
    int error = child_run(&child, look_here, budget, sizeof *budget, NULL, &what);
    if (error != 0) {
        budget->error = error;
        budget->failure = what;
    }
}
