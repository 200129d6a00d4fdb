/* One walk over the sockets, each weighed as it comes; the heaviest few are kept, the rest counted.
 */
#include "inspect/evidence.h"

#include <errno.h>

#include "kernel/sysctl.h"

struct search {
    const struct evidence_source *source;
    const struct refusal *refusal;
    struct evidence *evidence;
    struct blame heaviest;
    unsigned heft;                      /* of that one: its weight, or how many stand for it */
    unsigned counts[CAUSE_COUNT];       /* automatic: how many stand for each cause */
    unsigned weights[EVIDENCE_SOCKETS]; /* of the sockets in the evidence */
    struct port_set ports;              /* that are taken */
    bool eliminating;                   /* the second look: at what is on the other ports */
};

/* --- adding it up --- */

static void count_group(struct evidence *evidence, const struct evidence_socket *found) {
    int role = found->holder_count > 0 ? found->holders[0].role : -1;
    for (unsigned i = 0; i < evidence->group_count; i++) {
        struct evidence_group *group = &evidence->groups[i];
        if (group->state == found->socket.state && group->role == role) {
            group->count++;
            return;
        }
    }
    if (evidence->group_count < EVIDENCE_GROUPS)
        evidence->groups[evidence->group_count++] =
            (struct evidence_group){found->socket.state, role, 1};
}

/* Keeps the heaviest sockets, in the order of weight and of equals in that in which they came. */
static void keep_socket(struct search *search, const struct evidence_socket *found,
                        unsigned weight) {
    struct evidence *evidence = search->evidence;
    unsigned place = evidence->socket_count;
    while (place > 0 && search->weights[place - 1] < weight)
        place--;
    if (place == EVIDENCE_SOCKETS)
        return;
    if (evidence->socket_count < EVIDENCE_SOCKETS)
        evidence->socket_count++;
    for (unsigned i = evidence->socket_count - 1; i > place; i--) {
        evidence->sockets[i] = evidence->sockets[i - 1];
        search->weights[i] = search->weights[i - 1];
    }
    evidence->sockets[place] = *found;
    search->weights[place] = weight;
}

static bool is_in_the_way(const struct search *search, const struct occupant *holder) {
    if (!search->eliminating)
        return cause_in_the_way(search->refusal, holder);
    return !port_set_has(&search->ports, holder->socket.local.port) &&
           cause_by_elimination(search->refusal, holder);
}

static bool waits_for_accept(const struct tcp_socket *socket) {
    return socket->inode == 0 &&
           (socket->state == STATE_ESTABLISHED || socket->state == STATE_SYN_RECEIVED ||
            socket->state == STATE_CLOSE_WAIT);
}

static bool weigh(void *context, const struct tcp_socket *socket) {
    struct search *search = context;
    const struct evidence_source *source = search->source;
    struct evidence_socket found = {
        .socket = *socket, .holding = waits_for_accept(socket) ? QUEUED : HELD_BY_NOBODY_KNOWN};
    if (socket->inode != 0 && socket->inode == source->own_inode)
        return true;
    struct occupant holder = source->identify(source->context, &found);
    if (holder.outgoing == NOT_KNOWN && socket->opener != OPENER_NOT_KNOWN)
        holder.outgoing = knowledge_of(socket->opener == OPENED_HERE);
    if (!is_in_the_way(search, &holder))
        return true;
    struct blame blame = cause_blame(search->refusal, &holder);
    unsigned heft = search->evidence->automatic ? ++search->counts[blame.cause] : blame.weight;
    if (heft > search->heft) {
        search->heaviest = blame;
        search->heft = heft;
    }
    search->evidence->total++;
    search->evidence->ports_taken += port_set_add(&search->ports, socket->local.port);
    count_group(search->evidence, &found);
    keep_socket(search, &found, blame.weight);
    return true;
}

/* The sockets of one port. The walk over those that are bound and idle is the kernel's longest, as
 * it passes all that are bound, and who opened each connection takes it time, too; a listener in
 * the way, of which there is a short list, outweighs both. Returns 0 or an errno. */
static int look_at_port(struct search *search, struct diag_query *query) {
    const uint32_t listening = 1U << STATE_LISTEN, bound = 1U << STATE_BOUND;
    uint32_t states = query->states;
    query->states = states & listening;
    int error = sockdiag_dump(search->source->diag, query, weigh, search);
    bool has_listener = search->evidence->total > 0;
    query->states = states & ~(listening | bound);
    query->opener = !has_listener;
    if (error == 0)
        error = sockdiag_dump(search->source->diag, query, weigh, search);
    query->states = states & bound;
    if (error == 0 && !has_listener)
        error = sockdiag_dump(search->source->diag, query, weigh, search);
    return error;
}

/* The sockets of a range, and if those that are surely in the way leave ports of it free, once more
 * what is on these. Returns 0 or an errno. */
static int look_at_range(struct search *search, const struct diag_query *query) {
    uint32_t range =
        (uint32_t)search->refusal->claim.range_high - search->refusal->claim.range_low + 1;
    int error = sockdiag_dump(search->source->diag, query, weigh, search);
    search->eliminating = true;
    if (error == 0 && search->evidence->ports_taken < range)
        error = sockdiag_dump(search->source->diag, query, weigh, search);
    return error;
}

static int look(struct search *search) {
    struct diag_query query = cause_query(search->refusal);
    query.family = search->source->families;
    if (search->source->diag_error != 0)
        return search->source->diag_error;
    return search->evidence->automatic ? look_at_range(search, &query)
                                       : look_at_port(search, &query);
}

/* --- the refusal --- */

/* The ports that the kernel chooses from. Each bound of the socket's own range counts if it lies in
 * that of the namespace (inet_sk_get_local_port_range() in net/ipv4/inet_connection_sock.c). */
static void find_range(const struct socket_view *view, struct refusal *refusal) {
    struct port_range range;
    sysctl_port_range(NETNS_HERE, &range);
    bool own_low = view->range_low >= range.low && view->range_low <= range.high;
    bool own_high = view->range_high >= range.low && view->range_high <= range.high;
    uint32_t port = own_low ? view->range_low : range.low;
    refusal->claim.range_low = (uint16_t)port;
    refusal->claim.range_high = own_high ? view->range_high : range.high;
    refusal->own_range = own_low || own_high;
    while (port <= refusal->claim.range_high && port_set_has(&range.reserved, (uint16_t)port))
        port++;
    refusal->all_reserved = port > refusal->claim.range_high;
}

struct refusal evidence_refusal(enum port_call call, int error, const struct socket_view *view) {
    struct refusal refusal = {
        .call = call,
        .error = error,
        .claim = {.local = view->local,
                  .reuseaddr = view->reuseaddr,
                  .reuseport = view->reuseport,
                  .v6only = view->v6only,
                  .uid = view->uid,
                  .interface = view->interface},
    };
    find_range(view, &refusal);
    return refusal;
}

void evidence_look(const struct evidence_source *source, const struct refusal *refusal,
                   struct evidence *evidence) {
    struct search search = {.source = source, .refusal = refusal, .evidence = evidence};
    bool no_such_address = refusal->call == CALL_BIND && refusal->error == EADDRNOTAVAIL;
    *evidence = (struct evidence){.automatic = refusal->claim.local.port == 0 && !no_such_address,
                                  .range_low = refusal->claim.range_low,
                                  .range_high = refusal->claim.range_high};
    if (look(&search) != 0)
        evidence->missing = "this kernel does not list its TCP sockets (sock_diag)";
    if (evidence->total == 0)
        search.heaviest = cause_without_occupant(
            refusal, source->diag_error == 0 && sockdiag_sees_bound(source->diag, NETNS_HERE) == 1);
    evidence->cause = search.heaviest.cause;
    evidence->words = search.heaviest.words;
}

/* --- the owners --- */

static void add_holders(struct evidence_socket *found, const struct owners *known,
                        struct evidence_owners *owners) {
    for (unsigned i = 0; i < known->known && i < EVIDENCE_HOLDERS; i++) {
        found->holding = HELD;
        found->pids[found->holder_count] = known->oldest[i].pid;
        found->holders[found->holder_count++] = (struct socket_name){(int)owners->count, -1};
        owners->owners[owners->count++] = known->oldest[i];
    }
}

void evidence_find_owners(struct evidence *evidence, struct evidence_owners *owners) {
    struct owners known[EVIDENCE_SOCKETS];
    for (unsigned i = 0; i < evidence->socket_count; i++)
        known[i].inode = evidence->sockets[i].socket.inode;
    owners->count = 0;
    owners_find(known, evidence->socket_count);
    for (unsigned i = 0; i < evidence->socket_count; i++)
        if (evidence->sockets[i].socket.inode != 0)
            add_holders(&evidence->sockets[i], &known[i], owners);
}
