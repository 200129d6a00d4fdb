/* One walk over the sockets. Each is weighed as it comes; the heaviest few are kept, the rest are
 * counted. Suspects are kept in an order in which no two differ only by when they were
 * seen: the kernel's order is that of a hash table, and must not choose the cause. */
#include "inspect/evidence.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errnames.h"
#include "inspect/bound.h"
#include "kernel/sockets.h"
#include "kernel/sysctl.h"
#include "model/rules.h"

struct search {
    const struct evidence_source *source;
    struct sockets sockets; /* borrowed from the source */
    const struct refusal *refusal;
    struct evidence *evidence;
    uint32_t counts[CAUSE_COUNT]; /* how many stand for each cause */
    struct port_set ports;        /* that are taken */
    bool eliminating;             /* the second look: at what is on the other ports */
    size_t left;                  /* how many connections are still to be considered */
    struct suspect suspect;       /* the one that is weighed; its owners come later */
};

/* --- order --- */

static int compare_numbers(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int compare_endpoints(const struct endpoint *a, const struct endpoint *b) {
    int order = compare_numbers(a->family, b->family);
    order = order != 0 ? order : memcmp(a->address, b->address, sizeof a->address);
    return order != 0 ? order : compare_numbers(a->port, b->port);
}

/* The heaviest first; of equals by cause, then by what distinguishes the sockets. */
static int compare(const void *left, const void *right) {
    const struct suspect *a = left, *b = right;
    const struct inet_socket *mine = &a->occupant.socket, *theirs = &b->occupant.socket;
    int order = compare_numbers(b->blame.weight, a->blame.weight);
    order = order != 0 ? order : compare_numbers(a->blame.cause, b->blame.cause);
    order = order != 0 ? order : compare_numbers(mine->state, theirs->state);
    order = order != 0 ? order : compare_endpoints(&mine->local, &theirs->local);
    if (order == 0 && a->role_count > 0 && b->role_count > 0) {
        order = compare_numbers((unsigned)a->roles[0].role, (unsigned)b->roles[0].role);
        order = order != 0 ? order
                           : compare_numbers((unsigned)a->roles[0].socket + 1,
                                             (unsigned)b->roles[0].socket + 1);
    }
    order = order != 0 ? order : compare_endpoints(&mine->remote, &theirs->remote);
    return order != 0 ? order : compare_numbers(mine->inode, theirs->inode);
}

/* --- adding up --- */

static bool add_to_group(struct evidence *evidence, enum tcp_state state, int role, unsigned most) {
    unsigned i = 0;
    while (i < evidence->group_count &&
           (evidence->groups[i].state != state || evidence->groups[i].role != role))
        i++;
    if (i == evidence->group_count) {
        if (i >= most)
            return false;
        evidence->groups[evidence->group_count++] = (struct evidence_group){state, role, 0};
    }
    evidence->groups[i].count++;
    return true;
}

/* There is always room for a group of each state; where there is none for a role's, its sockets are
 * in the group of no role. */
static void count_group(struct evidence *evidence, const struct suspect *suspect) {
    enum tcp_state state = suspect->occupant.socket.state;
    int role = suspect->role_count > 0 ? suspect->roles[0].role : -1;
    if (role < 0 || !add_to_group(evidence, state, role, EVIDENCE_GROUPS - STATE_COUNT))
        add_to_group(evidence, state, -1, EVIDENCE_GROUPS);
}

static void keep_suspect(struct evidence *evidence, const struct suspect *suspect) {
    unsigned place = evidence->suspect_count;
    while (place > 0 && compare(suspect, &evidence->suspects[place - 1]) < 0)
        place--;
    if (place == EVIDENCE_SUSPECTS)
        return;
    if (evidence->suspect_count < EVIDENCE_SUSPECTS)
        evidence->suspect_count++;
    memmove(&evidence->suspects[place + 1], &evidence->suspects[place],
            (evidence->suspect_count - 1 - place) * sizeof *suspect);
    evidence->suspects[place] = *suspect;
}

static bool is_in_the_way(const struct search *search, const struct occupant *occupant) {
    if (!search->eliminating)
        return cause_in_the_way(search->refusal, occupant);
    return !port_set_has(&search->ports, occupant->socket.local.port) &&
           cause_by_elimination(search->refusal, occupant);
}

static bool waits_for_accept(const struct inet_socket *socket) {
    return socket->inode == 0 &&
           (socket->state == STATE_ESTABLISHED || socket->state == STATE_SYN_RECEIVED ||
            socket->state == STATE_CLOSE_WAIT);
}

/* The large parts of a suspect, which stay zero here, are not cleared for each socket. */
static bool consider(void *context, const struct inet_socket *socket) {
    struct search *search = context;
    const struct evidence_source *source = search->source;
    struct suspect *suspect = &search->suspect;
    memset(suspect, 0, offsetof(struct suspect, owners));
    suspect->occupant.socket = *socket;
    suspect->ownership = waits_for_accept(socket) ? UNACCEPTED : OWNER_NOT_KNOWN;
    if (socket->inode != 0 && socket->inode == source->own_inode)
        return true;
    source->identify(source->context, suspect);
    if (suspect->occupant.outgoing == NOT_KNOWN && socket->opener != OPENER_NOT_KNOWN)
        suspect->occupant.outgoing = knowledge_of(socket->opener == OPENED_HERE);
    if (!is_in_the_way(search, &suspect->occupant))
        return true;
    suspect->blame = cause_blame(search->refusal, &suspect->occupant);
    search->counts[suspect->blame.cause]++;
    search->evidence->total++;
    search->evidence->ports_taken += port_set_add(&search->ports, socket->local.port);
    count_group(search->evidence, suspect);
    keep_suspect(search->evidence, suspect);
    if (source->keep != NULL)
        source->keep(source->kept, &suspect->occupant);
    return true;
}

/* --- the walks --- */

struct diag_query evidence_query(const struct refusal *refusal) {
    struct diag_query query = sockdiag_query(STATES_ANY);
    query.protocol = refusal->claim.protocol;
    if (refusal->claim.local.port != 0)
        query.local = (struct endpoint_pattern){.any_address = true,
                                                .endpoint = {.port = refusal->claim.local.port}};
    return query;
}

/* Returns whether a listener is in the way, whatever is not known of it. */
static bool has_certain_listener(const struct search *search) {
    const struct occupant *first = &search->evidence->suspects[0].occupant;
    return search->evidence->suspect_count > 0 && first->socket.state == STATE_LISTEN &&
           rules_between(search->refusal->call, &search->refusal->claim, first).in_the_way ==
               KNOWN_YES;
}

static bool consider_some(void *context, const struct inet_socket *socket) {
    struct search *search = context;
    consider(search, socket);
    return --search->left > 0;
}

/* Visits some of the connections of a port. A dump that is not read to its end keeps its socket
 * busy (netlink_dump_start() in net/netlink/af_netlink.c), so it has one of its own. */
static int look_at_some(struct search *search, const struct diag_query *query) {
    struct sockets own = sockets_open(search->sockets.ns);
    own.memory = search->sockets.memory;
    search->left = search->source->connections_most;
    int error = sockets_dump(&own, query, consider_some, search);
    sockets_close(&own);
    return error;
}

/* Visits the sockets of one port. The kernel takes longest to list those that are bound and idle,
 * as it passes all that are bound, and to find out who opened each connection takes time too; a
 * listener in the way, which is in a short list, outweighs both. Returns 0 or an errno. */
static int look_at_port(struct search *search, struct diag_query *query) {
    const uint32_t listening = 1U << STATE_LISTEN, bound = 1U << STATE_BOUND;
    uint32_t states = query->states;
    query->states = states & listening;
    int error = sockets_dump(&search->sockets, query, consider, search);
    bool has_listener = search->evidence->total > 0;
    if (error == 0 && search->source->rest != NULL) {
        query->states = states & ~(listening | (has_listener ? bound : 0));
        return search->source->rest(search->source->context, query, consider, search);
    }
    query->states = states & ~(listening | bound);
    query->opener = !has_listener;
    if (error == 0 && search->source->connections_most > 0 && has_certain_listener(search))
        error = look_at_some(search, query);
    else if (error == 0)
        error = sockets_dump(&search->sockets, query, consider, search);
    query->states = states & bound;
    if (error == 0 && !has_listener && !search->source->no_bound)
        error = sockets_dump(&search->sockets, query, consider, search);
    return error;
}

/* Visits the sockets of a range, and if those that are certainly in the way leave ports of it free,
 * once more what is on these. Returns 0 or an errno. */
static int look_at_range(struct search *search, const struct diag_query *query) {
    uint32_t range =
        (uint32_t)search->refusal->claim.range_high - search->refusal->claim.range_low + 1;
    int error = sockets_dump(&search->sockets, query, consider, search);
    search->eliminating = true;
    if (error == 0 && search->evidence->ports_taken < range)
        error = sockets_dump(&search->sockets, query, consider, search);
    return error;
}

/* --- MPTCP --- */

static bool is_listener(const struct suspect *suspect) {
    return suspect->occupant.socket.protocol == PROTOCOL_TCP &&
           suspect->occupant.socket.state == STATE_LISTEN;
}

/* An MPTCP listener is listed as TCP too, in some kernels without the inode by which its owner is
 * found. */
static bool adopt_mptcp(void *context, const struct inet_socket *socket) {
    struct evidence *evidence = context;
    for (unsigned i = 0; i < evidence->suspect_count; i++) {
        struct inet_socket *mine = &evidence->suspects[i].occupant.socket;
        if (is_listener(&evidence->suspects[i]) &&
            (mine->inode == 0 || mine->inode == socket->inode) &&
            endpoint_equal(&mine->local, &socket->local)) {
            mine->protocol = PROTOCOL_MPTCP;
            mine->inode = socket->inode;
            mine->uid = socket->uid;
            return true;
        }
    }
    return true;
}

/* Finds out which listeners are MPTCP. One of the kernel's own (of the path manager) keeps no
 * inode. A kernel without MPTCP is not asked: it would look for a module each time. */
static void find_mptcp(struct search *search) {
    struct diag_query query = evidence_query(search->refusal);
    char enabled[8];
    bool any = false;
    for (unsigned i = 0; i < search->evidence->suspect_count; i++)
        any |= is_listener(&search->evidence->suspects[i]);
    query.protocol = PROTOCOL_MPTCP;
    query.states = 1U << STATE_LISTEN;
    if (any && sysctl_read(NETNS_HERE, "net.mptcp.enabled", enabled, sizeof enabled) == 0)
        sockets_dump(&search->sockets, &query, adopt_mptcp, search->evidence);
}

static int look(struct search *search) {
    struct diag_query query = evidence_query(search->refusal);
    query.family = search->source->families;
    if (search->evidence->automatic)
        return look_at_range(search, &query);
    if (query.protocol == PROTOCOL_UDP)
        return sockets_dump(&search->sockets, &query, consider, search);
    int error = look_at_port(search, &query);
    find_mptcp(search);
    return error;
}

/* --- the cause --- */

static void name(struct evidence *evidence, struct blame blame) {
    evidence->cause = blame.cause;
    evidence->words = cause_sentence(blame.cause, blame.when);
}

/* A range: the cause that most of the sockets stand for. */
static struct blame commonest(const struct search *search) {
    enum cause most = CAUSE_UNKNOWN;
    for (unsigned i = 0; i < CAUSE_COUNT; i++)
        if (search->counts[i] > search->counts[most])
            most = (enum cause)i;
    bool udp = search->refusal->claim.protocol == PROTOCOL_UDP;
    return (struct blame){.cause = most, .when = udp ? WHEN_RANGE | WHEN_UDP : WHEN_RANGE};
}

/* Returns whether the kernel lists sockets that are bound and idle, as far as that is known. */
static enum knowledge lists_bound(const struct search *search) {
    const struct evidence_source *source = search->source;
    if (search->refusal->claim.protocol == PROTOCOL_UDP)
        return KNOWN_YES;
    if (source->diag_error != 0 || source->no_bound)
        return search->evidence->error == 0 ? KNOWN_NO : NOT_KNOWN;
    int seen = sockdiag_sees_bound(source->diag, NETNS_HERE);
    return seen < 0 ? NOT_KNOWN : seen == 1 ? KNOWN_YES : KNOWN_NO;
}

/* Says why the sockets could not be listed. */
static const char *missing_text(const struct search *search) {
    if (search->evidence->error != 0)
        return "the sockets could not be listed";
    return search->refusal->claim.protocol == PROTOCOL_UDP
               ? "this kernel does not list its UDP sockets (udp_diag, /proc/net)"
               : "this kernel does not list its TCP sockets (tcp_diag, /proc/net)";
}

const char *evidence_missing(const struct evidence *evidence, char *text) {
    char name[ERRNAME_SIZE];
    if (evidence->missing == NULL || evidence->error == 0)
        return evidence->missing;
    snprintf(text, EVIDENCE_MISSING_SIZE, "%s: %s", evidence->missing,
             errname(evidence->error, name));
    return text;
}

/* Looks for the bound sockets of the port that the kernel does not list. */
static void look_at_descriptors(struct search *search) {
    if (search->refusal->error == EADDRINUSE && !search->evidence->automatic)
        bound_find(search->source->diag, search->refusal->claim.local.port, consider, search);
}

static struct blame without_occupant(const struct search *search, bool listed) {
    struct blame blame = cause_without_occupant(search->refusal, listed);
    if (search->evidence->from_proc)
        blame.when = (blame.when & ~(unsigned)WHEN_BOUND_UNLISTED) | WHEN_FROM_PROC;
    return blame;
}

void evidence_look(const struct evidence_source *source, const struct refusal *refusal,
                   struct evidence *evidence) {
    struct search search = {.source = source,
                            .sockets = {.ns = NETNS_HERE,
                                        .diag = source->diag,
                                        .diag_error = source->diag_error,
                                        .memory = source->memory},
                            .refusal = refusal,
                            .evidence = evidence};
    bool no_such_address = refusal->call == CALL_BIND && refusal->error == EADDRNOTAVAIL;
    memset(evidence, 0, offsetof(struct evidence, suspects)); /* which are many KiB */
    evidence->automatic = refusal->claim.local.port == 0 && !no_such_address;
    evidence->range_low = refusal->claim.range_low;
    evidence->range_high = refusal->claim.range_high;
    if (evidence->automatic && refusal->no_range) {
        evidence->missing = "the range of ports that the kernel chooses from cannot be read";
        name(evidence, (struct blame){.cause = CAUSE_UNKNOWN, .when = WHEN_NO_OCCUPANT});
        return;
    }
    int error = look(&search);
    evidence->error = errno_says_nothing(error) ? error : 0;
    if (error != 0)
        evidence->missing = missing_text(&search);
    evidence->from_proc = search.sockets.from_proc;
    enum knowledge listed = evidence->total > 0 ? KNOWN_YES : lists_bound(&search);
    if (listed != KNOWN_YES && evidence->missing == NULL)
        look_at_descriptors(&search);
    if (evidence->total == 0)
        name(evidence, without_occupant(&search, listed != KNOWN_NO));
    else
        name(evidence, evidence->automatic ? commonest(&search) : evidence->suspects[0].blame);
}

void evidence_clear(struct evidence *evidence) {
    evidence->total = evidence->suspect_count = 0;
}

void evidence_add(struct evidence *evidence, const struct refusal *refusal,
                  const struct occupant *occupant) {
    struct suspect suspect;
    if (!cause_in_the_way(refusal, occupant))
        return;
    memset(&suspect, 0, offsetof(struct suspect, owners));
    suspect.occupant = *occupant;
    suspect.ownership = waits_for_accept(&occupant->socket) ? UNACCEPTED : OWNER_NOT_KNOWN;
    suspect.blame = cause_blame(refusal, occupant);
    evidence->total++;
    keep_suspect(evidence, &suspect);
}

void evidence_weigh(struct evidence *evidence, const struct refusal *refusal) {
    unsigned kept = 0;
    for (unsigned i = 0; i < evidence->suspect_count; i++) {
        struct suspect *suspect = &evidence->suspects[i];
        if (!cause_in_the_way(refusal, &suspect->occupant))
            continue;
        suspect->blame = cause_blame(refusal, &suspect->occupant);
        if (kept != i)
            evidence->suspects[kept] = *suspect;
        kept++;
    }
    evidence->total -= evidence->suspect_count - kept;
    evidence->suspect_count = kept;
    qsort(evidence->suspects, kept, sizeof evidence->suspects[0], compare);
    if (kept > 0)
        name(evidence, evidence->suspects[0].blame);
}

/* --- the refusal --- */

/* The ports that the kernel chooses from. Each bound of the socket's own range counts if it lies in
 * that of the namespace (inet_sk_get_local_port_range() in net/ipv4/inet_connection_sock.c). */
static void find_range(const struct socket_view *view, struct refusal *refusal) {
    struct port_range range;
    if (sysctl_port_range(NETNS_HERE, &range, NULL) != 0) {
        refusal->no_range = true;
        return;
    }
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
        .claim = {.protocol = view->protocol == PROTOCOL_UDP ? PROTOCOL_UDP : PROTOCOL_TCP,
                  .local = view->local,
                  .reuseaddr = view->reuseaddr,
                  .reuseport = view->reuseport,
                  .v6only = view->v6only,
                  .uid = view->uid,
                  .interface = view->interface},
    };
    find_range(view, &refusal);
    return refusal;
}

/* --- the owners --- */

unsigned evidence_find_owners(struct evidence *evidence) {
    struct owners found[EVIDENCE_SUSPECTS] = {0};
    struct server_socket sockets[EVIDENCE_SUSPECTS];
    struct server servers[EVIDENCE_SUSPECTS];
    unsigned count = evidence->suspect_count;
    uint32_t asker = geteuid();
    for (unsigned i = 0; i < count; i++)
        found[i] = owners_wanted(&evidence->suspects[i].occupant.socket, asker);
    unsigned unseen = owners_find(found, count);
    for (unsigned i = 0; i < count; i++) {
        struct suspect *suspect = &evidence->suspects[i];
        suspect->owners = found[i];
        if (suspect->owners.count > 0)
            suspect->ownership = OWNED;
        sockets[i] = (struct server_socket){&suspect->owners, &suspect->occupant.socket};
    }
    server_describe(sockets, count, servers);
    for (unsigned i = 0; i < count; i++)
        evidence->suspects[i].server = servers[i];
    return unseen;
}

/* Returns whether all processes are needed to say what the server is. */
static bool names_all(enum server_shape shape) {
    return shape == SERVER_LEAK || shape == SERVER_ORPHANS || shape == SERVER_SEVERAL;
}

/* Returns whether no process has the socket, as a search has found; another one has to come to the
 * same end: 1 of 350 sockets that move between processes all the time escaped the first. */
static bool nobody_has(uint32_t inode, enum owners_search search) {
    struct owners again = {.inode = inode};
    owners_forget();
    owners_find(&again, 1);
    return again.count == 0 && again.search == search;
}

static bool owners_hold(const struct suspect *suspect) {
    const struct server *server = &suspect->server;
    const struct owners *owners = &suspect->owners;
    if (owners->count == 0)
        return owners->inode == 0 ||
               (owners->search != OWNERS_SEARCHED && owners->search != OWNERS_IN_FLIGHT) ||
               nobody_has(owners->inode, owners->search);
    bool holds = server->main.pid != 0 && owners_has(&server->main, owners->inode) &&
                 (server->heir.pid == 0 || owners_has(&server->heir, owners->inode));
    for (unsigned i = 0; holds && names_all(server->shape) && i < owners->known; i++)
        holds = owners_has(&owners->oldest[i], owners->inode);
    return holds;
}

bool evidence_owners_hold(const struct evidence *evidence) {
    bool holds = true;
    for (unsigned i = 0; holds && !evidence->automatic && i < evidence->suspect_count; i++)
        if (evidence->suspects[i].blame.weight == evidence->suspects[0].blame.weight)
            holds = owners_hold(&evidence->suspects[i]);
    return holds;
}
