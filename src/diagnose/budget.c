/* A short walk finds the ports of listeners and idle sockets, which connect() surely does not
 * choose for any destination, a long one passes all connections. Then the kernel is asked about the
 * ports that remain doubtful, with trials that send nothing (kernel/silent.h): their destination is
 * an address of a listed route with a port that nobody connects to, so that they meet no
 * connection, and no TIME-WAIT. Only if connect() does not choose some, or they were not tried,
 * another long walk finds the connections whose port was named to bind(). For the growth, the first
 * route is counted once more. */
#include "diagnose/budget.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "diagnose/budget_stamps.h"
#include "diagnose/budget_tally.h"
#include "diagnose/makers.h"
#include "inspect/child.h"
#include "inspect/owners.h"
#include "kernel/counters.h"
#include "kernel/netdev.h"
#include "kernel/process.h"
#include "kernel/route.h"
#include "kernel/silent.h"
#include "kernel/socket.h"
#include "kernel/sockets.h"
#include "kernel/sysctl.h"

/* All ports take about half a second; this is for a host that hardly gives us its processors. */
enum { TRIALS_MS = 5000 };

struct search {
    struct budget *budget;
    struct budget_tally tally; /* owned */
    struct holders *holders;   /* borrowed; NULL in the second sample */
    struct sockets sockets;
    struct counters_tcp before; /* of the first sample */
    bool failed;                /* out of memory */
    int watch_error;
};

/* --- the walks --- */

static bool count_explicit(void *context, const struct inet_socket *socket) {
    struct search *search = context;
    budget_tally_explicit(&search->tally, socket);
    if (socket->state == STATE_LISTEN)
        port_set_add(&search->budget->servers, socket->local.port);
    return true;
}

static bool count_connection(void *context, const struct inet_socket *socket) {
    struct search *search = context;
    search->failed = !budget_tally_connection(&search->tally, socket, search->holders);
    return !search->failed;
}

static const uint32_t idle_states = 1U << STATE_LISTEN | 1U << STATE_BOUND;

/* Returns a query for the connections of the range, without those in TIME-WAIT. */
static struct diag_query open_connections(const struct search *search) {
    struct diag_query query = sockdiag_query(STATES_ANY & ~idle_states & ~(1U << STATE_TIME_WAIT));
    query.low = search->budget->range.low;
    query.high = search->budget->range.high;
    return query;
}

/* Counts listeners and bound idle sockets. Returns 0 or an errno. */
static int walk_idle(struct search *search) {
    struct diag_query query = sockdiag_query(idle_states);
    return sockets_dump(&search->sockets, &query, count_explicit, search);
}

/* Counts the connections of the range. Returns 0 or an errno. */
static int walk_connections(struct search *search) {
    struct diag_query query = open_connections(search);
    query.states |= 1U << STATE_TIME_WAIT;
    int error = sockets_dump(&search->sockets, &query, count_connection, search);
    return search->failed ? ENOMEM : error;
}

/* Notes the connections whose port was named to bind(), which only sock_diag tells. There are none
 * on a port that connect() chooses for another connection. Returns 0 or an errno. */
static int walk_named(struct search *search) {
    struct diag_query query = open_connections(search);
    query.asked = true;
    if (search->sockets.from_proc || budget_tally_all_chosen(&search->tally))
        return 0;
    return sockets_dump(&search->sockets, &query, count_explicit, search);
}

/* Counts the open connections of the range to one destination. Returns 0 or an errno. */
static int walk_again(struct search *search, const struct endpoint *remote) {
    struct diag_query query = open_connections(search);
    query.remote = (struct endpoint_pattern){.endpoint = *remote};
    int error = sockets_dump(&search->sockets, &query, count_connection, search);
    return search->failed ? ENOMEM : error;
}

/* Lists sockets until the visitor has seen enough. A list that is not read to its end is given up
 * with its netlink socket: on a socket that is used again, the kernel would first list the rest.
 * Returns 0 or an errno. */
static int walk_until(const struct diag_query *query, sockdiag_visit *visit, void *context) {
    struct sockets sockets = sockets_open(NETNS_HERE);
    int error = sockets_dump(&sockets, query, visit, context);
    sockets_close(&sockets);
    return error;
}

/* --- trials --- */

/* A trial towards an address of a route that meets no connection of it. */
static struct silent_trial trial_for(const struct search *search,
                                     const struct budget_route *route) {
    const struct budget *budget = search->budget;
    const struct budget_question *asked = &budget->asked;
    struct silent_trial trial = {.protocol = PROTOCOL_TCP,
                                 .remote = route->remote,
                                 .device = route->interface,
                                 .zone = route->interface,
                                 .known_silent = true,
                                 .any_time_wait = true};
    if (route == &budget->routes[0] && asked->remote.family != 0) {
        trial.remote = asked->remote;
        trial.local = asked->local;
        trial.no_port = true;
        trial.low = asked->low;
        trial.high = asked->high;
    }
    trial.remote.port = budget_tally_unused(&search->tally, &route->remote);
    return trial;
}

/* Asks for the route alone, for which a rule of the host can go by the port. Returns 0 or the errno
 * of connect(). */
static int find_route(const struct silent_trial *trial, const struct budget_route *route,
                      struct endpoint *source) {
    const struct route_question question = {.to = route->remote,
                                            .from = trial->local,
                                            .device = trial->device,
                                            .protocol = IPPROTO_TCP};
    struct route found;
    int error = route_find(NETNS_HERE, &question, &found);
    if (error != 0)
        return error;
    *source = found.source;
    if (trial->local.family != 0 && !endpoint_is_wildcard(&trial->local))
        *source = trial->local;
    if (source->family == 0)
        error = silent_source(NETNS_HERE, trial, source);
    return error == 0 && source->family == 0 ? EADDRNOTAVAIL : error;
}

/* Tries connect() to the destination itself, from a port that no socket has, so that no TIME-WAIT
 * is taken over. Without such a port, or before Linux 6.3, the trial is towards another port.
 * Returns whether it is the former. */
static bool try_destination(const struct search *search, const struct silent_trial *trial,
                            struct silent_answer *answer) {
    const struct budget *budget = search->budget;
    struct silent_trial whole = *trial;
    whole.remote.port = budget->routes[0].remote.port;
    whole.low = whole.high = budget_tally_vacant(&search->tally);
    if (whole.low != 0 && budget->asked.named_high == 0) {
        silent_connect(NETNS_HERE, &whole, answer);
        if (answer->error != ENOPROTOOPT)
            return true;
    }
    silent_connect(NETNS_HERE, trial, answer);
    return false;
}

/* Finds the source address that the kernel chooses for the asked destination, or why it refuses to
 * connect whatever the port. */
static void find_source(struct search *search) {
    struct budget *budget = search->budget;
    struct budget_route *route = &budget->routes[0];
    const struct silent_trial trial = trial_for(search, route);
    struct silent_answer answer = {.verdict = SILENT_NOT_TRIED};
    struct endpoint source = {.family = 0};
    bool whole = budget->not_tried == NULL && try_destination(search, &trial, &answer);
    bool tried = answer.verdict == SILENT_TRIED;
    bool is_port = answer.error == EADDRNOTAVAIL && strcmp(answer.call, "connect") == 0;
    if (tried && answer.error != 0 && !is_port)
        budget->refused = answer.error;
    else if (tried && answer.error == 0 && whole)
        source = answer.from;
    else
        budget->refused = find_route(&trial, route, &source);
    budget->refused_call = budget->refused == 0 ? NULL : answer.call;
    if (budget->refused != 0)
        return;
    route->local = endpoint_unmapped(&source);
    route->local.port = 0;
}

/* Tries the ports in the time that is left. */
static void try_ports(struct search *search, const struct silent_trial *trial,
                      const struct port_set *ports, uint64_t end_ns) {
    struct silent_ports found;
    int error = silent_ports(NETNS_HERE, trial, ports, end_ns, &found);
    budget_tally_settle(&search->tally, &found.tried, &found.refused);
    if (error == ENOPROTOOPT)
        search->budget->not_tried = "this kernel cannot try a single port (Linux 6.3 can)";
    else if (error != 0)
        search->budget->not_tried = "a trial was refused";
}

/* Tries bind() to one port, and connect(), unless it could take over a TIME-WAIT of the route.
 * Returns the errno. */
static int try_named(const struct search *search, const struct budget_route *route, uint16_t port) {
    const struct budget_question *asked = &search->budget->asked;
    struct silent_trial trial = trial_for(search, route);
    struct silent_answer answer;
    const char *call;
    trial.remote.port = route->remote.port;
    if (trial.local.family == 0)
        trial.local = endpoint_wildcard(trial.remote.family, 0);
    trial.local.port = port;
    trial.reuseaddr = asked->reuseaddr;
    trial.no_port = false;
    if (budget_tally_has_waiting(&search->tally, route, port)) {
        struct trial bound = {.protocol = PROTOCOL_TCP,
                              .local = trial.local,
                              .reuseaddr = asked->reuseaddr,
                              .device = trial.device};
        return socket_trial(NETNS_HERE, &bound, &call);
    }
    silent_connect(NETNS_HERE, &trial, &answer);
    return answer.verdict == SILENT_TRIED ? answer.error : ENOTSUP;
}

/* Tries the ports that are to be named to bind(): those with sockets, and of the others those that
 * can be privileged, up to one that is not. */
static void settle_named(struct search *search, uint64_t end_ns) {
    struct budget *budget = search->budget;
    struct port_set ports, tried = {{0}}, refused = {{0}};
    unsigned first_free = budget->privileged_below;
    budget_tally_doubtful(&search->tally, &budget->routes[0], &ports);
    for (uint32_t port = budget->range.low; port <= budget->range.high; port++) {
        bool is_free = !port_set_has(&search->tally.occupied, (uint16_t)port);
        if (units_now_ns() > end_ns || (is_free && port >= first_free) ||
            (!is_free && !port_set_has(&ports, (uint16_t)port)))
            continue;
        int error = try_named(search, &budget->routes[0], (uint16_t)port);
        if (is_free && error != EACCES)
            first_free = 0; /* so may all be bound that are free */
        if (error != 0 && error != EADDRINUSE && error != EADDRNOTAVAIL && error != EACCES)
            return;
        port_set_add(&tried, (uint16_t)port);
        if (error != 0)
            port_set_add(&refused, (uint16_t)port);
    }
    budget_tally_settle(&search->tally, &tried, &refused);
}

/* Tries the doubtful ports, first those that matter to the first route. */
static void settle(struct search *search) {
    struct budget *budget = search->budget;
    const struct budget_route *first = &budget->routes[0];
    uint64_t end_ns = units_now_ns() + (uint64_t)TRIALS_MS * NS_PER_MS;
    struct silent_trial trial;
    struct port_set ports;
    if (budget->not_tried != NULL || budget->refused != 0 || budget->asked.bind_first ||
        first->remote.family == 0)
        return;
    if (budget->asked.named_high != 0) {
        settle_named(search, end_ns);
        return;
    }
    trial = trial_for(search, first);
    budget_tally_doubtful(&search->tally, first, &ports);
    try_ports(search, &trial, &ports, end_ns);
    budget_tally_doubtful(&search->tally, NULL, &ports);
    if (budget->not_tried == NULL)
        try_ports(search, &trial, &ports, end_ns);
}

static bool note_opener(void *context, const struct inet_socket *socket) {
    struct search *search = context;
    budget_tally_opened(&search->tally, socket);
    return true;
}

/* Finds out which side opened the connections, if that matters: a trial has shown ports to be kept
 * that were not named to bind(). */
static void find_openers(struct search *search) {
    struct diag_query query = sockdiag_query(1U << STATE_ESTABLISHED | 1U << STATE_CLOSE_WAIT |
                                             1U << STATE_FIN_WAIT_1 | 1U << STATE_FIN_WAIT_2);
    const struct budget_tally *tally = &search->tally;
    for (uint32_t port = 1; port <= UINT16_MAX; port++) {
        if (!port_set_has(&tally->refused, (uint16_t)port) ||
            port_set_has(&tally->named, (uint16_t)port))
            continue;
        query.low = query.low == 0 ? (uint16_t)port : query.low;
        query.high = (uint16_t)port;
    }
    query.opener = true;
    if (query.low != 0 && !search->sockets.from_proc)
        sockets_dump(&search->sockets, &query, note_opener, search);
}

/* --- TCP timestamps of what is in TIME-WAIT --- */

/* Returns whether the address is one of this namespace: bind() takes it. */
static bool is_local(const struct endpoint *address) {
    struct trial trial = {.protocol = PROTOCOL_UDP, .local = *address, .v6only = true};
    const char *call;
    trial.local.port = 0;
    return socket_trial(NETNS_HERE, &trial, &call) == 0;
}

/* Lets the kernel take over one TIME-WAIT, which ends it. */
static enum knowledge try_one(const struct search *search, const struct budget_route *route) {
    uint16_t port = budget_tally_waiting(&search->tally, route);
    struct silent_trial trial = trial_for(search, route);
    struct silent_answer answer;
    if (port == 0 || search->budget->not_tried != NULL)
        return NOT_KNOWN;
    trial.remote.port = route->remote.port;
    trial.local = route->local;
    trial.no_port = true;
    trial.low = trial.high = port;
    if (endpoint_is_mapped(&trial.remote))
        trial.remote = endpoint_unmapped(&trial.remote);
    silent_connect(NETNS_HERE, &trial, &answer);
    if (answer.verdict != SILENT_TRIED || (answer.error != 0 && answer.error != EADDRNOTAVAIL))
        return NOT_KNOWN;
    return knowledge_of(answer.error == 0);
}

/* The kernel's own memory tells, to those who may read it; then a trial, if one may end a
 * TIME-WAIT; then what is known of other connections. */
static void find_reuse(struct search *search, struct budget_route *route) {
    const struct budget *budget = search->budget;
    if (!budget_stamps_matter(budget, route) || search->sockets.from_proc)
        return;
    if (route->reuse == NOT_KNOWN && budget->asked.ends_time_wait && route->reusable > 0) {
        route->reuse = try_one(search, route);
        route->reuse_tried = route->reuse != NOT_KNOWN && route->reusable > 1;
    }
    if (route->reuse == NOT_KNOWN)
        route->reuse = budget_stamps_compare(route, budget->timestamps, is_local(&route->remote),
                                             &route->reuse_assumed);
}

/* --- the rate and the growth --- */

/* Returns for how long a closed connection keeps its port. */
static uint32_t held_ms(const struct budget *budget, const struct budget_route *route) {
    return budget_figures_reuse(budget, route) ? budget->tw_reuse_delay_ms : TIME_WAIT_MS;
}

/* A port is used from connect() to the end of TIME-WAIT; those that are open now stay so. */
static void find_rate(struct budget *budget) {
    const struct budget_route *route = &budget->routes[0];
    uint32_t held = held_ms(budget, route);
    uint32_t free_ports = route->left + route->waiting - route->reusable;
    budget->rate = free_ports * 1e3 / (held == 0 ? 1 : held);
}

static void wait_until(uint64_t end_ns) {
    struct timespec end = {(time_t)(end_ns / NS_PER_S), (long)(end_ns % NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
        continue;
}

/* Until the second sample, the first route is watched. Without sock_diag, users and control groups
 * are not known, and looking takes long. */
static void watch_makers(struct search *search, uint64_t end_ns) {
    struct budget *budget = search->budget;
    const struct makers_question question = {.local = budget->routes[0].local,
                                             .remote = budget->routes[0].remote,
                                             .low = budget->range.low,
                                             .high = budget->range.high,
                                             .end_ns = end_ns};
    if (!search->sockets.from_proc)
        search->watch_error = makers_watch(search->sockets.diag, &question, &budget->makers);
    if (search->sockets.from_proc)
        wait_until(end_ns);
    makers_name(&budget->makers, &budget->routes[0].owners);
}

static uint32_t count_new(const struct port_set *before, const struct port_set *after) {
    struct port_set new = *after;
    for (size_t i = 0; i < sizeof new.bits; i++)
        new.bits[i] &= (uint8_t)~before->bits[i];
    return port_set_count(&new);
}

/* Returns whether the first route has no connections but those of the first sample. What is neither
 * established nor in TIME-WAIT can end without being counted (for CLOSE-WAIT, before Linux 6.10).
 */
static bool is_unchanged(const struct search *search) {
    const struct budget_route *route = &search->budget->routes[0];
    struct counters_tcp now = counters_tcp(NETNS_HERE);
    uint32_t others = 0;
    for (unsigned i = 0; i < STATE_COUNT; i++)
        if (i != STATE_ESTABLISHED && i != STATE_TIME_WAIT)
            others += route->states[i];
    return others == 0 && !search->sockets.from_proc && counters_quiet(&search->before, &now);
}

/* Counts the open connections of the first route once more when the interval is over, which is
 * watched if there are ports in TIME-WAIT. Returns by how many per second they grow: 0 if that is
 * no more than the ups and downs of a steady load, in which opened and closed connections differ by
 * some standard deviations of their number. */
static double live_growth(struct search *search, uint64_t first_ns) {
    const struct budget_route *route = &search->budget->routes[0];
    struct port_set before, after;
    uint64_t now_ns = units_now_ns(), end_ns = search->budget->asked.interval_ns;
    budget_tally_live(&search->tally, route, &before);
    end_ns += route->waiting > 0 ? now_ns : first_ns; /* nobody is to be watched for otherwise */
    if (end_ns > now_ns)
        watch_makers(search, end_ns);
    if (is_unchanged(search))
        return 0;
    budget_tally_free(&search->tally);
    search->holders = NULL;
    if (walk_again(search, &route->remote) != 0)
        return 0;
    budget_tally_live(&search->tally, route, &after);
    double opened = count_new(&before, &after), closed = count_new(&after, &before);
    double seconds = (double)(units_now_ns() - first_ns) / NS_PER_S;
    double difference = opened - closed;
    bool is_steady = difference * difference <= 9 * (opened + closed);
    return is_steady ? 0 : difference / seconds;
}

/* How long will the ports last? What closes now has its port for a minute. At a steady load the
 * number of these ports comes to a limit: only if that is beyond the range do they run out. */
static void forecast(struct budget *budget, double live_per_s) {
    const struct budget_route *route = &budget->routes[0];
    double closings = (double)route->closed / BUDGET_RECENT_S;
    double endings = (double)route->ending / BUDGET_RECENT_S;
    double held_s = held_ms(budget, route) / 1e3;
    double live = (double)route->blocked - (route->waiting - route->taken_over);
    double limit = live + closings * held_s, room = (double)route->blocked + route->left_most;
    budget->growth = live_per_s + (budget_figures_reuse(budget, route) ? 0 : closings - endings);
    if (live_per_s <= 0 && limit < room)
        return;
    if (budget->growth > 0)
        budget->exhausted_s = route->left_most / budget->growth;
}

/* --- all together --- */

/* Without the settings no port can be counted: then `failure` says which one. Returns 0 or the
 * errno of that. */
static int read_settings(struct budget *budget) {
    struct sysctl_failure unread = {0};
    sysctl_port_range(NETNS_HERE, &budget->range, &unread);
    budget->tw_reuse = sysctl_number(NETNS_HERE, "net.ipv4.tcp_tw_reuse", 2, false, &unread);
    budget->tw_reuse_delay_ms =
        sysctl_number(NETNS_HERE, "net.ipv4.tcp_tw_reuse_delay", 1000, true, &unread);
    budget->timestamps =
        sysctl_number(NETNS_HERE, "net.ipv4.tcp_timestamps", 1, false, &unread) != 0;
    budget->fin_timeout_s =
        sysctl_number(NETNS_HERE, "net.ipv4.tcp_fin_timeout", 60, false, &unread);
    budget->privileged_below =
        sysctl_number(NETNS_HERE, "net.ipv4.ip_unprivileged_port_start", 1024, true, NULL);
    budget->autobind_reuse =
        sysctl_number(NETNS_HERE, "net.ipv4.ip_autobind_reuse", 0, true, &unread) == 1;
    budget->exhausted_s = -1;
    budget->failure = unread.what;
    return unread.error;
}

static void narrow_range(struct budget *budget) {
    const struct budget_question *asked = &budget->asked;
    struct port_range *range = &budget->range;
    if (asked->named_high != 0) { /* reservations are for the kernel's choice alone */
        const struct port_set none = {{0}};
        budget->own_range = true;
        *range = port_range(asked->named_low, asked->named_high, &none);
        return;
    }
    budget->own_range = asked->high != 0 || asked->low != 0;
    *range = port_range_narrow(range, asked->low, asked->high);
}

/* Begins with the route that is asked about. To connect(), the wildcard address means this host. */
static void begin_route(struct budget *budget) {
    struct budget_route *route = &budget->routes[0];
    const struct silent_trial trial = {.remote = budget->asked.remote,
                                       .local = budget->asked.local};
    const struct endpoint to = silent_destination(&trial);
    route->remote = endpoint_unmapped(&to);
    route->interface = netdev_index(budget->asked.device);
}

static void name_routes(struct budget *budget) {
    for (unsigned i = 0; i < budget->known; i++) {
        struct budget_route *route = &budget->routes[i];
        if (route->interface != 0)
            if_indextoname(route->interface, route->device);
    }
}

/* Returns 0 or an errno. */
static int find_owners(struct search *search) {
    struct budget *budget = search->budget;
    uint32_t places[BUDGET_ROUTES];
    for (unsigned i = 0; i < budget->known; i++)
        places[i] = i;
    if (!budget_tally_map(&search->tally, budget, search->holders))
        return ENOMEM;
    int error = holders_search(search->holders, places, budget->known);
    for (unsigned i = 0; i < budget->known; i++)
        holders_list(search->holders, i, &budget->routes[i].owners);
    budget->unseen = search->holders->unseen;
    return error;
}

/* The other end of an orphan is a socket of this namespace, if the peer is on this host. */
static bool note_peer(void *context, const struct inet_socket *socket) {
    uint32_t *inode = context;
    *inode = socket->inode;
    return *inode == 0;
}

static void find_peer(struct search *search) {
    struct budget *budget = search->budget;
    const struct budget_route *route = &budget->routes[0];
    struct diag_query query = sockdiag_query(1U << STATE_CLOSE_WAIT);
    struct owners owners = {0};
    if (budget_figures_cause(budget, route) != CAUSE_FIN_WAIT_2_ORPHAN)
        return;
    query.local = (struct endpoint_pattern){.endpoint = route->remote};
    query.remote = (struct endpoint_pattern){.any_port = true, .endpoint = route->local};
    if (walk_until(&query, note_peer, &owners.inode) != 0 || owners.inode == 0)
        return;
    owners_find(&owners, 1);
    if (owners.count > 0)
        budget->peer = owners.oldest[0];
}

/* Whatever the port, connect() is refused. */
static void leave_nothing(struct budget *budget) {
    struct budget_route *route = &budget->routes[0];
    route->left = route->left_least = route->left_most = 0;
    route->used = port_range_size(&budget->range);
}

/* Returns 0 or an errno. */
static int search_sockets(struct search *search) {
    struct budget *budget = search->budget;
    uint64_t first_ns = units_now_ns();
    search->before = counters_tcp(NETNS_HERE);
    int error = walk_idle(search);
    if (error == 0)
        error = walk_connections(search);
    if (error != 0)
        return error;
    budget->not_tried = silent_obstacle(NETNS_HERE, &error);
    if (error != 0)
        return error;
    if (budget->asked.remote.family != 0)
        find_source(search);
    budget_tally_choose(&search->tally, budget);
    settle(search);
    error = walk_named(search);
    if (error != 0)
        return error;
    find_openers(search);
    budget_tally_finish(&search->tally, budget);
    if (!search->sockets.from_proc)
        error = budget_stamps_read(&search->tally, budget);
    for (unsigned i = 0; i < budget->known; i++)
        find_reuse(search, &budget->routes[i]);
    budget_tally_finish(&search->tally, budget);
    if (budget->refused != 0)
        leave_nothing(budget);
    name_routes(budget);
    if (error == 0)
        error = find_owners(search);
    if (error != 0)
        return error;
    find_peer(search);
    budget->is_local = budget->routes[0].remote.family != 0 && is_local(&budget->routes[0].remote);
    find_rate(budget);
    bool again = budget->routes[0].remote.family != 0 && budget->asked.interval_ns > 0;
    forecast(budget, again ? live_growth(search, first_ns) : 0);
    return search->watch_error;
}

static void look_here(void *context, FILE *more) {
    struct budget *budget = context;
    struct holders holders;
    struct search search = {
        .budget = budget, .sockets = sockets_open(NETNS_HERE), .holders = &holders};
    (void)more;
    holders_begin(&holders);
    budget->is_first_netns = namespaces_is_first() && process_sees_all();
    budget->error = read_settings(budget);
    if (budget->error == 0) {
        narrow_range(budget);
        begin_route(budget);
        budget_tally_begin(&search.tally, budget);
        budget->failure = "listing the TCP sockets (sock_diag)";
        budget->error = search_sockets(&search);
        budget_tally_free(&search.tally);
    }
    holders_free(&holders);
    if (budget->error == 0)
        budget->failure = NULL;
    budget->from_proc = search.sockets.from_proc;
    sockets_close(&search.sockets);
}

void budget_look(const struct budget_question *question, const struct namespace *where,
                 struct budget *budget) {
    struct child child = {.where = where};
    const char *what;
    *budget = (struct budget){.where = *where, .asked = *question, .asked_by_root = geteuid() == 0};
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
