#include "diagnose/budget_tally.h"

#include <stdlib.h>
#include <string.h>

enum { LOOPBACK_INDEX = 1 };

/* What is known of a connection in TIME-WAIT. */
enum {
    AGED = 1,       /* it is older than tcp_tw_reuse_delay */
    RECENT = 2,     /* it is younger than BUDGET_RECENT_S */
    ENDING = 4,     /* it ends within that time */
    LOOPBACK = 8,   /* one of its addresses is loopback, or its device is */
    UNSTAMPED = 16, /* it had no TCP timestamps */
};

struct route_key {
    struct endpoint local, remote; /* the local port is 0 */
    uint32_t interface;
};

/* What is counted of every route: enough to choose from. */
struct route {
    struct route_key key;
    uint32_t total, blocked;
};

void budget_tally_begin(struct budget_tally *tally, const struct budget *budget) {
    *tally = (struct budget_tally){
        .budget = budget,
        .routes = {.entry_size = sizeof(struct route), .key_size = sizeof(struct route_key)}};
}

void budget_tally_free(struct budget_tally *tally) {
    table_free(&tally->routes);
    free(tally->entries);
    tally->entries = NULL;
    tally->entry_count = tally->entry_room = 0;
}

/* --- counting --- */

/* bind() to port 0 before connect() takes no port on which another socket has the address. */
static void note_in_the_way(struct budget_tally *tally, const struct inet_socket *socket) {
    const struct budget *budget = tally->budget;
    const struct budget_question *asked = &budget->asked;
    struct endpoint any = endpoint_wildcard(asked->remote.family, 0);
    struct claim claim = {.local = asked->local.family == 0 ? any : asked->local,
                          .reuseaddr = asked->reuseaddr,
                          .interface = budget->routes[0].interface,
                          .range_low = budget->range.low,
                          .range_high = budget->range.high};
    struct occupant occupant = {.socket = *socket};
    if (rules_between(CALL_BIND, &claim, &occupant).in_the_way == KNOWN_NO)
        return;
    port_set_add(&tally->in_the_way, socket->local.port);
    if (socket->state == STATE_LISTEN || !asked->reuseaddr || !budget->autobind_reuse)
        port_set_add(&tally->not_shared, socket->local.port);
}

/* Returns false if the port is not of the range. */
static bool note_socket(struct budget_tally *tally, const struct inet_socket *socket) {
    if (!port_range_has(&tally->budget->range, socket->local.port))
        return false;
    port_set_add(&tally->occupied, socket->local.port);
    if (tally->budget->asked.bind_first)
        note_in_the_way(tally, socket);
    return true;
}

/* A socket that is bound to a device of a VRF has a port of its own (inet_bind_bucket_match() in
 * net/ipv4/inet_hashtables.c). Whether the device is one is left to a trial. */
void budget_tally_explicit(struct budget_tally *tally, const struct inet_socket *socket) {
    uint16_t port = socket->local.port;
    if (!note_socket(tally, socket))
        return;
    tally->explicit_ports += port_set_add(&tally->named, port);
    if (socket->interface == 0 && tally->budget->asked.device[0] == '\0' &&
        tally->budget->asked.named_high == 0)
        port_set_add(&tally->taken, port);
    if (socket->state == STATE_LISTEN)
        port_set_add(&tally->listening, port);
    else if (socket->state != STATE_BOUND)
        tally->explicit_sockets++;
}

static struct route_key key_of(const struct endpoint *local, const struct endpoint *remote,
                               uint32_t interface) {
    struct route_key key = {endpoint_unmapped(local), endpoint_unmapped(remote), interface};
    key.local.port = 0;
    return key;
}

static uint8_t time_wait_flags(const struct budget *budget, const struct route_key *key,
                               uint32_t expires_ms) {
    enum { RECENT_MS = BUDGET_RECENT_S * 1000 };
    bool loopback = key->interface == LOOPBACK_INDEX || endpoint_is_loopback(&key->local) ||
                    endpoint_is_loopback(&key->remote);
    return (uint8_t)((expires_ms + budget->tw_reuse_delay_ms <= TIME_WAIT_MS ? AGED : 0) |
                     (expires_ms + RECENT_MS >= TIME_WAIT_MS ? RECENT : 0) |
                     (expires_ms <= RECENT_MS ? ENDING : 0) | (loopback ? LOOPBACK : 0));
}

/* tcp_twsk_unique() in net/ipv4/tcp_ipv4.c, without the timestamps, unless it is known that there
 * were none. With `setting` that is the value of tcp_tw_reuse. */
static bool may_take_over(const struct budget_entry *entry, unsigned setting) {
    return entry->state == STATE_TIME_WAIT && (entry->flags & (AGED | UNSTAMPED)) == AGED &&
           (setting == 1 || (setting == 2 && (entry->flags & LOOPBACK) != 0));
}

/* Returns whether a connection as it is asked about takes over this one, if that had timestamps. If
 * bind() named its port, neither tcp_tw_reuse nor the delay matters. */
static bool takes_over(const struct budget *budget, const struct budget_entry *entry) {
    if (budget->asked.named_high != 0)
        return entry->state == STATE_TIME_WAIT && (entry->flags & UNSTAMPED) == 0;
    return may_take_over(entry, budget->tw_reuse);
}

/* Returns false if out of memory. */
static bool add_entry(struct budget_tally *tally, struct budget_entry entry) {
    if (tally->entry_count == tally->entry_room) {
        size_t room = tally->entry_room == 0 ? 256 : tally->entry_room + tally->entry_room / 2;
        struct budget_entry *grown = realloc(tally->entries, room * sizeof entry);
        if (grown == NULL)
            return false;
        tally->entries = grown;
        tally->entry_room = room;
    }
    tally->entries[tally->entry_count++] = entry;
    return true;
}

bool budget_tally_connection(struct budget_tally *tally, const struct inet_socket *socket,
                             struct holders *holders) {
    uint16_t port = socket->local.port;
    if (!note_socket(tally, socket) || port_set_has(&tally->listening, port))
        return true;
    struct route_key key = key_of(&socket->local, &socket->remote, socket->interface);
    bool is_new;
    struct route *route = table_add(&tally->routes, &key, &is_new);
    if (route == NULL)
        return false;
    struct budget_entry entry = {.port = port, .state = (uint8_t)socket->state};
    entry.route = (uint32_t)(route - (struct route *)table_entry(&tally->routes, 0));
    if (socket->state == STATE_TIME_WAIT) {
        port_set_add(&tally->waiting, port);
        entry.flags = time_wait_flags(tally->budget, &key, socket->expires_ms);
    }
    route->total++;
    route->blocked += !takes_over(tally->budget, &entry);
    return add_entry(tally, entry) &&
           (holders == NULL || holders_note(holders, entry.route, socket));
}

/* --- routes --- */

static const struct route *route_at(const struct budget_tally *tally, size_t index) {
    return table_entry(&tally->routes, index);
}

/* Returns whether a connection is one of the route: a socket without a device is met by all, one
 * with a device by those of that device (inet_sk_bound_dev_eq() in include/net/inet_sock.h). */
static bool is_of_route(const struct route_key *key, const struct budget_route *route) {
    return (key->interface == 0 || key->interface == route->interface) &&
           endpoint_equal(&key->remote, &route->remote) &&
           endpoint_equal(&key->local, &route->local);
}

/* Lists a route at its place: the fullest first. */
static void list_route(struct budget *budget, uint32_t *weights, unsigned first,
                       const struct route *route) {
    unsigned place = budget->known;
    uint32_t weight = route->blocked * 2 + (route->total > route->blocked);
    while (place > first && weights[place - 1] < weight)
        place--;
    if (place == BUDGET_ROUTES)
        return;
    budget->known += budget->known < BUDGET_ROUTES;
    for (unsigned i = budget->known - 1; i > place; i--) {
        budget->routes[i] = budget->routes[i - 1];
        weights[i] = weights[i - 1];
    }
    weights[place] = weight;
    budget->routes[place] = (struct budget_route){
        .local = route->key.local, .remote = route->key.remote, .interface = route->key.interface};
}

void budget_tally_choose(const struct budget_tally *tally, struct budget *budget) {
    uint32_t weights[BUDGET_ROUTES] = {0};
    bool is_asked = budget->asked.remote.family != 0;
    budget->known = is_asked;
    for (size_t i = 0; i < tally->routes.count; i++) {
        const struct route *route = route_at(tally, i);
        const struct budget_route *asked = &budget->routes[0];
        if (is_asked && (!endpoint_equal(&route->key.remote, &asked->remote) ||
                         is_of_route(&route->key, asked)))
            continue;
        list_route(budget, weights, is_asked, route);
    }
    if (budget->known == 0) { /* no connections at all */
        budget->routes[0] = (struct budget_route){.remote = {.family = 0}};
        budget->known = 1;
    }
}

/* The entries of a route, one after the other. */
static const struct budget_entry *next_entry(const struct budget_tally *tally,
                                             const struct budget_route *route, size_t *at) {
    uint32_t known = UINT32_MAX;
    bool is_of_it = false;
    while (*at < tally->entry_count) {
        const struct budget_entry *entry = &tally->entries[(*at)++];
        if (entry->route != known) {
            known = entry->route;
            is_of_it = is_of_route(&route_at(tally, known)->key, route);
        }
        if (is_of_it)
            return entry;
    }
    return NULL;
}

/* --- which ports --- */

/* Finds the ports that connections of the route have: connect() does not choose those in `blocked`,
 * nor those in `waiting` unless it may take over a TIME-WAIT. */
static void find_ports(const struct budget_tally *tally, const struct budget_route *route,
                       struct port_set *blocked, struct port_set *waiting) {
    size_t at = 0;
    *blocked = *waiting = (struct port_set){{0}};
    for (const struct budget_entry *entry; (entry = next_entry(tally, route, &at)) != NULL;)
        port_set_add(takes_over(tally->budget, entry) ? waiting : blocked, entry->port);
}

void budget_tally_live(const struct budget_tally *tally, const struct budget_route *route,
                       struct port_set *ports) {
    size_t at = 0;
    *ports = (struct port_set){{0}};
    for (const struct budget_entry *entry; (entry = next_entry(tally, route, &at)) != NULL;)
        if (entry->state != STATE_TIME_WAIT)
            port_set_add(ports, entry->port);
}

void budget_tally_unstamped(struct budget_tally *tally, const struct budget_route *route,
                            const struct port_set *ports) {
    for (size_t i = 0; i < tally->entry_count; i++) {
        struct budget_entry *entry = &tally->entries[i];
        if (entry->state == STATE_TIME_WAIT && port_set_has(ports, entry->port) &&
            is_of_route(&route_at(tally, entry->route)->key, route))
            entry->flags |= UNSTAMPED;
    }
}

static bool is_doubtful(const struct budget_tally *tally, uint16_t port) {
    return port_set_has(&tally->occupied, port) && !port_set_has(&tally->taken, port) &&
           !port_set_has(&tally->tried, port);
}

void budget_tally_doubtful(const struct budget_tally *tally, const struct budget_route *route,
                           struct port_set *ports) {
    struct port_set blocked = {{0}}, waiting;
    const struct port_range *range = &tally->budget->range;
    if (route != NULL)
        find_ports(tally, route, &blocked, &waiting);
    *ports = (struct port_set){{0}};
    for (uint32_t i = range->low; i <= range->high; i++)
        if (is_doubtful(tally, (uint16_t)i) && !port_set_has(&blocked, (uint16_t)i))
            port_set_add(ports, (uint16_t)i);
}

void budget_tally_settle(struct budget_tally *tally, const struct port_set *tried,
                         const struct port_set *refused) {
    port_set_add_all(&tally->tried, tried);
    port_set_add_all(&tally->refused, refused);
}

bool budget_tally_all_chosen(const struct budget_tally *tally) {
    struct port_set doubtful;
    budget_tally_doubtful(tally, NULL, &doubtful);
    return !port_set_any(&doubtful) && !port_set_any(&tally->refused);
}

uint16_t budget_tally_unused(const struct budget_tally *tally, const struct endpoint *address) {
    struct endpoint plain = endpoint_unmapped(address);
    struct port_set used = {{0}};
    for (size_t i = 0; i < tally->routes.count; i++) {
        const struct endpoint *remote = &route_at(tally, i)->key.remote;
        if (endpoint_same_address(remote, &plain))
            port_set_add(&used, remote->port);
    }
    uint16_t port = UINT16_MAX;
    while (port > 1 && port_set_has(&used, port))
        port--;
    return port;
}

uint16_t budget_tally_vacant(const struct budget_tally *tally) {
    const struct port_range *range = &tally->budget->range;
    for (uint32_t i = range->low; i <= range->high; i++)
        if (port_range_has(range, (uint16_t)i) && !port_set_has(&tally->occupied, (uint16_t)i))
            return (uint16_t)i;
    return 0;
}

/* --- what the counts come to --- */

static bool is_kept(const struct budget_tally *tally, uint16_t port) {
    return port_set_has(&tally->taken, port) || port_set_has(&tally->refused, port) ||
           (port_set_has(&tally->named, port) && !port_set_has(&tally->tried, port) &&
            tally->budget->asked.named_high == 0);
}

void budget_tally_opened(struct budget_tally *tally, const struct inet_socket *socket) {
    if (socket->opener == OPENED_HERE)
        port_set_add(&tally->opened_here, socket->local.port);
    if (socket->opener == OPENED_THERE)
        port_set_add(&tally->opened_there, socket->local.port);
}

static bool is_by_bind(const struct budget_tally *tally, uint16_t port) {
    return port_set_has(&tally->refused, port) && !port_set_has(&tally->named, port) &&
           port_set_has(&tally->opened_here, port) && !port_set_has(&tally->opened_there, port) &&
           !port_set_has(&tally->waiting, port);
}

uint16_t budget_tally_waiting(const struct budget_tally *tally, const struct budget_route *route) {
    size_t at = 0;
    for (const struct budget_entry *entry; (entry = next_entry(tally, route, &at)) != NULL;)
        if (takes_over(tally->budget, entry) && !is_kept(tally, entry->port))
            return entry->port;
    return 0;
}

bool budget_tally_has_waiting(const struct budget_tally *tally, const struct budget_route *route,
                              uint16_t port) {
    size_t at = 0;
    for (const struct budget_entry *entry; (entry = next_entry(tally, route, &at)) != NULL;)
        if (entry->port == port && entry->state == STATE_TIME_WAIT)
            return true;
    return false;
}

/* The ports of a route, sorted out. */
struct sorted {
    uint32_t free;             /* certainly left */
    uint32_t waiting;          /* left if the connections had timestamps */
    uint32_t doubtful;         /* left, or kept: not tried */
    uint32_t waiting_doubtful; /* of those waiting: not tried */
    uint32_t shared;  /* perhaps chosen by bind() with ip_autobind_reuse, if no other is left */
    bool end_is_free; /* the lowest or the highest of the range is among them */
};

/* Returns the lowest port of those among which chance leaves out one, of a range with an odd
 * number. With SO_REUSEADDR, bind() to port 0 searches the lower half first, which has an even
 * number (inet_csk_find_open_port() in net/ipv4/inet_connection_sock.c). */
static uint32_t lowest_by_chance(const struct budget *budget) {
    uint32_t size = (uint32_t)budget->range.high - budget->range.low + 1;
    bool halves = budget->asked.bind_first && budget->asked.reuseaddr && size >= 4;
    return budget->range.low + (halves ? size / 4 * 2 : 0);
}

static bool is_at_end(const struct budget *budget, uint16_t port) {
    return port == lowest_by_chance(budget) || port == budget->range.high;
}

/* Sorts a port that connect() chooses. */
static void sort_port(const struct budget_tally *tally, uint16_t port, bool is_waiting,
                      struct sorted *sorted) {
    bool doubtful = !tally->budget->asked.bind_first && is_doubtful(tally, port);
    sorted->waiting += is_waiting;
    sorted->waiting_doubtful += is_waiting && doubtful;
    sorted->doubtful += !is_waiting && doubtful;
    sorted->free += !is_waiting && !doubtful;
    sorted->end_is_free |= is_at_end(tally->budget, port);
}

/* __inet_hash_connect() leaves out the lowest or the highest port of a range with an odd number of
 * ports, and goes on to leave out the same one as long as it finds no other. So the last connection
 * can fail, if one of these is free. IP_LOCAL_PORT_RANGE has no such effect. bind() to port 0 does
 * the same in inet_csk_find_open_port(). */
static bool chance_decides(const struct budget *budget, const struct sorted *sorted) {
    uint32_t size = (uint32_t)budget->range.high - budget->range.low + 1;
    return size % 2 == 1 && size > 1 && (!budget->own_range || budget->asked.bind_first) &&
           sorted->end_is_free;
}

/* When no other port is left, bind() to port 0 with SO_REUSEADDR takes one of these, if it is not
 * known to be in the way: one whose sockets have SO_REUSEADDR as well. Which one is chance; if it
 * has a connection to the same destination, connect() fails. */
static bool is_shared(const struct budget_tally *tally, uint16_t port) {
    return tally->budget->asked.bind_first && port_set_has(&tally->in_the_way, port) &&
           !port_set_has(&tally->not_shared, port);
}

static void find_left(const struct budget *budget, const struct sorted *sorted,
                      struct budget_route *route) {
    bool reuse = budget_figures_timestamps(budget, route);
    uint32_t size = port_range_size(&budget->range);
    route->left = sorted->free + sorted->doubtful + (reuse ? sorted->waiting : 0);
    route->left_most = route->left;
    route->left_least = sorted->free;
    if (route->reuse == KNOWN_YES)
        route->left_least += sorted->waiting - sorted->waiting_doubtful;
    if (route->reuse == NOT_KNOWN)
        route->left_most = sorted->free + sorted->doubtful + sorted->waiting;
    if (chance_decides(budget, sorted) && route->left_least > 0)
        route->left_least--;
    route->left_most += sorted->shared;
    route->shared = sorted->shared;
    route->used = size - route->left;
}

static void count_states(const struct budget_tally *tally, struct budget_route *route) {
    size_t at = 0;
    route->loopback = route->interface == LOOPBACK_INDEX || endpoint_is_loopback(&route->local) ||
                      endpoint_is_loopback(&route->remote);
    for (const struct budget_entry *entry; (entry = next_entry(tally, route, &at)) != NULL;) {
        route->states[entry->state]++;
        route->closed += (entry->flags & RECENT) != 0;
        route->ending += (entry->flags & ENDING) != 0;
        route->taken_over += takes_over(tally->budget, entry);
    }
    route->waiting = route->states[STATE_TIME_WAIT];
}

/* Finds the ports in TIME-WAIT that connect() could choose with tcp_tw_reuse=1, if they are not
 * kept. */
static void find_reusable(const struct budget_tally *tally, const struct budget_route *route,
                          struct port_set *ports) {
    size_t at = 0;
    *ports = (struct port_set){{0}};
    for (const struct budget_entry *entry; (entry = next_entry(tally, route, &at)) != NULL;)
        if (takes_over(tally->budget, entry) || may_take_over(entry, 1))
            port_set_add(ports, entry->port);
}

static void count_ports(const struct budget_tally *tally, struct budget_route *route) {
    const struct budget *budget = tally->budget;
    struct port_set blocked, waiting, reusable;
    struct sorted sorted = {0};
    find_ports(tally, route, &blocked, &waiting);
    find_reusable(tally, route, &reusable);
    for (uint32_t i = budget->range.low; i <= budget->range.high; i++) {
        uint16_t port = (uint16_t)i;
        if (!port_range_has(&budget->range, port))
            continue;
        if (!port_set_has(&tally->occupied, port) && !port_set_has(&tally->tried, port)) {
            sorted.free++;
            sorted.end_is_free |= is_at_end(budget, port);
            continue;
        }
        bool own = port_set_has(&blocked, port), again = port_set_has(&waiting, port);
        bool kept = budget->asked.bind_first ? port_set_has(&tally->in_the_way, port)
                                             : is_kept(tally, port);
        route->blocked += own;
        route->kept += kept && !own;
        route->kept_own += is_kept(tally, port) && (own || again);
        route->by_bind += own && is_by_bind(tally, port);
        route->tried += !own && port_set_has(&tally->tried, port);
        if (!kept && (!own || budget->asked.bind_first))
            sort_port(tally, port, again, &sorted);
        sorted.shared += is_shared(tally, port) && !own;
        if (!kept && route->reuse != KNOWN_NO) {
            route->reusable += again && !own;
            route->may_reuse += port_set_has(&reusable, port);
        }
    }
    route->counted = sorted.doubtful + sorted.waiting_doubtful;
    find_left(budget, &sorted, route);
}

/* Returns the place of the listed route that a route belongs to. */
static uint32_t place_of(const struct budget *budget, const struct route_key *key) {
    uint32_t place = HOLDERS_NO_ROUTE;
    for (unsigned i = budget->known; i-- > 0;)
        if (is_of_route(key, &budget->routes[i]) &&
            (place == HOLDERS_NO_ROUTE || key->interface == budget->routes[i].interface))
            place = i;
    return place;
}

bool budget_tally_map(const struct budget_tally *tally, const struct budget *budget,
                      struct holders *holders) {
    size_t count = tally->routes.count;
    uint32_t *map = malloc((count + 1) * sizeof *map);
    if (map == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        map[i] = place_of(budget, &route_at(tally, i)->key);
    bool good = holders_map(holders, map, count);
    free(map);
    return good;
}

/* The fewest ports left first. */
static int compare_routes(const void *a, const void *b) {
    const struct budget_route *one = a, *two = b;
    if (one->left != two->left)
        return one->left < two->left ? -1 : 1;
    return one->blocked == two->blocked ? 0 : one->blocked > two->blocked ? -1 : 1;
}

static void count_kept(const struct budget_tally *tally, struct budget *budget) {
    const struct port_range *range = &budget->range;
    budget->kept_ports = budget->by_bind_ports = 0;
    for (uint32_t i = range->low; i <= range->high; i++) {
        uint16_t port = (uint16_t)i;
        budget->kept_ports += port_range_has(range, port) && is_kept(tally, port);
        budget->by_bind_ports += port_range_has(range, port) && is_by_bind(tally, port);
    }
}

void budget_tally_finish(const struct budget_tally *tally, struct budget *budget) {
    budget->explicit_ports = tally->explicit_ports;
    budget->explicit_sockets = tally->explicit_sockets;
    count_kept(tally, budget);
    budget->route_count = (uint32_t)tally->routes.count;
    for (unsigned i = 0; i < budget->known; i++) {
        struct budget_route *route = &budget->routes[i];
        *route = (struct budget_route){.local = route->local,
                                       .remote = route->remote,
                                       .interface = route->interface,
                                       .reuse = route->reuse,
                                       .reuse_assumed = route->reuse_assumed,
                                       .reuse_tried = route->reuse_tried};
        count_states(tally, route);
        count_ports(tally, route);
    }
    if (budget->asked.remote.family == 0)
        qsort(budget->routes, budget->known, sizeof budget->routes[0], compare_routes);
}
