/* To list the connections of a namespace the kernel walks through those of all namespaces, which
 * takes some 20 ms with 200,000 of them. On a host with thousands of namespaces, most of them
 * without a connection, that is nearly all of the time. So it is not asked where /proc/net/sockstat
 * counts none. */
#include "kernel/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/units.h"
#include "kernel/procnet.h"

/* --- opening --- */

struct sockets sockets_open(struct netns ns) {
    int diag = sockdiag_open(ns);
    return (struct sockets){.ns = ns, .diag = diag, .diag_error = diag < 0 ? errno : 0};
}

void sockets_close(struct sockets *sockets) {
    if (sockets->diag >= 0)
        close(sockets->diag);
    sockets->diag = -1;
}

/* --- whether there are connections --- */

enum { NO_COUNT = -1 };

/* Returns the number behind `word` in the line of /proc/net/NAME that starts with `line`. */
static long count_in(struct netns ns, const char *name, const char *line, const char *word) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/thread-self/net/%s", name);
    if (file_read_open(netns_open(ns, path, O_RDONLY), text, sizeof text) < 0)
        return NO_COUNT;
    char *found = strstr(text, line);
    if (found == NULL)
        return NO_COUNT;
    found[strcspn(found, "\n")] = '\0';
    found = strstr(found, word);
    return found == NULL ? NO_COUNT : strtol(found + strlen(word), NULL, 10);
}

/* Returns how many TCP sockets the namespace has, those in TIME-WAIT and those that are bound only
 * left out; NO_COUNT if that is not known, or if it has any in TIME-WAIT. */
static long count_open(struct netns ns) {
    long ipv4 = count_in(ns, "sockstat", "TCP: ", " inuse ");
    long waiting = count_in(ns, "sockstat", "TCP: ", " tw ");
    long ipv6 = count_in(ns, "sockstat6", "TCP6: ", " inuse ");
    if (ipv6 == NO_COUNT && access("/proc/net/sockstat6", F_OK) < 0)
        ipv6 = 0; /* a kernel without IPv6 */
    return ipv4 == NO_COUNT || ipv6 == NO_COUNT || waiting != 0 ? NO_COUNT : ipv4 + ipv6;
}

static bool count_one(void *context, const struct inet_socket *socket) {
    (void)socket;
    ++*(long *)context;
    return true;
}

/* Returns whether the namespace has listeners at most. The kernel adds up the counts of its
 * processors one after the other, so that a socket that comes and goes meanwhile can be missed: it
 * is asked twice. */
static bool has_no_connections(const struct sockets *sockets) {
    enum { FEW = 64 };
    struct diag_query listening = sockdiag_query(1U << STATE_LISTEN);
    long listeners = 0, open = count_open(sockets->ns);
    if (open == NO_COUNT || open > FEW || count_open(sockets->ns) != open)
        return false;
    return open == 0 || (sockdiag_dump(sockets->diag, &listening, count_one, &listeners) == 0 &&
                         listeners == open);
}

/* --- listing --- */

/* Lists by sock_diag. */
static int dump_by_diag(const struct sockets *sockets, const struct diag_query *query,
                        sockdiag_visit *visit, void *context) {
    const uint32_t others = 1U << STATE_LISTEN | 1U << STATE_BOUND;
    struct diag_query reduced = *query;
    if (query->protocol == PROTOCOL_TCP && (query->states & ~others) != 0 &&
        has_no_connections(sockets))
        reduced.states &= others;
    return reduced.states == 0 ? 0 : sockdiag_dump(sockets->diag, &reduced, visit, context);
}

/* Returns whether the errno means that this kernel cannot list these sockets: no sock_diag, no
 * inet_diag for the protocol, or, in gVisor, none of both. */
static bool is_missing(int error) {
    return error == ENOENT || error == EPROTONOSUPPORT || error == EOPNOTSUPP ||
           error == EAFNOSUPPORT;
}

static int list(struct sockets *sockets, const struct diag_query *query, sockdiag_visit *visit,
                void *context) {
    int error = sockets->diag_error != 0 ? sockets->diag_error
                                         : dump_by_diag(sockets, query, visit, context);
    if (!is_missing(error) || procnet_dump(sockets->ns, query, visit, context) != 0)
        return error;
    sockets->from_proc = true;
    return 0;
}

/* --- the memory --- */

static bool same_pattern(const struct endpoint_pattern *a, const struct endpoint_pattern *b) {
    return a->any_address == b->any_address && a->any_port == b->any_port &&
           (a->any_port || a->endpoint.port == b->endpoint.port) &&
           (a->any_address || endpoint_equal(&a->endpoint, &b->endpoint));
}

/* Returns whether what answers `query` is part of the answer to `wider`. */
static bool is_within(const struct diag_query *query, const struct diag_query *wider) {
    return query->protocol == wider->protocol && query->family == wider->family &&
           (query->states & ~wider->states) == 0 && same_pattern(&query->local, &wider->local) &&
           same_pattern(&query->remote, &wider->remote) && query->low == wider->low &&
           query->high == wider->high && query->asked == wider->asked &&
           query->chosen == wider->chosen && (wider->opener || !query->opener);
}

static bool is_fresh(const struct sockets_list *list) {
    return units_now_ns() - list->ended_ns <= list->ended_ns - list->begun_ns;
}

static const struct sockets_list *recall(const struct sockets *sockets,
                                         const struct diag_query *query) {
    const struct sockets_memory *memory = sockets->memory;
    for (unsigned i = 0; memory != NULL && i < memory->count; i++)
        if (is_within(query, &memory->lists[i].query) &&
            (!sockets->fresh || is_fresh(&memory->lists[i])))
            return &memory->lists[i];
    return NULL;
}

static void replay(struct sockets *sockets, const struct sockets_list *list,
                   const struct diag_query *query, sockdiag_visit *visit, void *context) {
    bool more = true;
    sockets->from_proc |= list->from_proc;
    for (size_t i = 0; more && i < list->count; i++)
        if (sockdiag_wanted(query, &list->sockets[i]))
            more = visit(context, &list->sockets[i]);
}

/* A visit that is kept. */
struct recording {
    sockdiag_visit *visit;
    void *context;
    struct sockets_list list;
    bool incomplete;
};

static bool record(void *context, const struct inet_socket *socket) {
    enum { FIRST = 64, MOST = 64 * 1024 };
    struct recording *recording = context;
    struct sockets_list *list = &recording->list;
    if (!recording->incomplete && list->count == list->room) {
        size_t room = list->room == 0 ? FIRST : 2 * list->room;
        struct inet_socket *grown =
            room > MOST ? NULL : realloc(list->sockets, room * sizeof *grown);
        recording->incomplete = grown == NULL;
        list->room = grown == NULL ? list->room : room;
        list->sockets = grown == NULL ? list->sockets : grown;
    }
    if (!recording->incomplete)
        list->sockets[list->count++] = *socket;
    bool more = recording->visit(recording->context, socket);
    recording->incomplete |= !more;
    return more;
}

/* Asks the kernel, and keeps the answer if it is complete. */
static int list_and_keep(struct sockets *sockets, const struct diag_query *query,
                         sockdiag_visit *visit, void *context) {
    struct sockets_memory *memory = sockets->memory;
    struct recording recording = {.visit = visit, .context = context, .list = {.query = *query}};
    bool from_proc = sockets->from_proc;
    sockets->from_proc = false;
    recording.list.begun_ns = units_now_ns();
    int error = list(sockets, query, record, &recording);
    recording.list.ended_ns = units_now_ns();
    recording.list.from_proc = sockets->from_proc;
    sockets->from_proc |= from_proc;
    if (error == 0 && !recording.incomplete)
        memory->lists[memory->count++] = recording.list;
    else
        free(recording.list.sockets);
    return error;
}

int sockets_dump(struct sockets *sockets, const struct diag_query *query, sockdiag_visit *visit,
                 void *context) {
    const struct sockets_list *known = recall(sockets, query);
    if (known != NULL)
        replay(sockets, known, query, visit, context);
    else if (sockets->memory != NULL && sockets->memory->count < SOCKETS_LISTS)
        return list_and_keep(sockets, query, visit, context);
    else
        return list(sockets, query, visit, context);
    return 0;
}

void sockets_forget(struct sockets_memory *memory) {
    for (unsigned i = 0; i < memory->count; i++)
        free(memory->lists[i].sockets);
    *memory = (struct sockets_memory){0};
}

int sockets_dump_unix(struct sockets *sockets, unixdiag_visit *visit, void *context) {
    int error = sockets->diag_error != 0 ? sockets->diag_error
                                         : unixdiag_dump(sockets->diag, visit, context);
    if (!is_missing(error) || procnet_dump_unix(sockets->ns, visit, context) != 0)
        return error;
    sockets->from_proc = true;
    return 0;
}

const char *sockets_proc_note(enum protocol protocol) {
    return protocol == PROTOCOL_UDP
               ? "read from /proc/net: load udp_diag (modprobe udp_diag) to see "
                 "devices and IPV6_V6ONLY"
               : "read from /proc/net: load tcp_diag (modprobe tcp_diag) to see bound, idle "
                 "sockets";
}
