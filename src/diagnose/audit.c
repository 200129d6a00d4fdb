/* The listeners and their owners are collected first and judged after. Results that a child process
 * finds come back as the structure, followed by its arrays. */
#include "diagnose/audit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/memory.h"
#include "inspect/child.h"
#include "kernel/process.h"
#include "kernel/sockets.h"
#include "kernel/sysctl.h"

/* --- ports in danger --- */

struct port_key {
    uint16_t protocol;
    uint16_t port;
};

/* Of one port: the first listener with a known owner, or else the first. */
struct port_entry {
    struct port_key key;
    const struct audit_listener *listener;
};

static void index_port(struct table *ports, const struct audit_listener *listener) {
    struct port_key key = {(uint16_t)listener->socket.protocol, listener->socket.local.port};
    bool is_new;
    struct port_entry *entry = table_add(ports, &key, &is_new);
    if (is_new || entry->listener->owner.pid == 0)
        entry->listener = listener;
}

static void add_port(struct audit *audit, enum protocol protocol, uint16_t port,
                     const struct port_entry *entry) {
    port_set_add(&audit->wanted, port);
    audit->ports = arena_grow(&audit->arena, audit->ports, audit->port_count, sizeof *audit->ports);
    struct audit_port *added = &audit->ports[audit->port_count++];
    *added = (struct audit_port){.protocol = protocol, .port = port, .listening = entry != NULL};
    if (entry != NULL)
        added->owner = entry->listener->owner;
}

static void find_endangered(struct audit *audit, const struct table *ports) {
    static const enum protocol protocols[] = {PROTOCOL_TCP, PROTOCOL_UDP};
    audit->wanted = audit->range.reserved;
    for (size_t k = 0; k < sizeof protocols / sizeof protocols[0]; k++)
        for (uint32_t i = audit->range.low; i <= audit->range.high; i++) {
            uint16_t port = (uint16_t)i;
            struct port_key key = {(uint16_t)protocols[k], port};
            const struct port_entry *entry = table_find(ports, &key);
            /* A port that was named is told once, with TCP unless UDP has it. */
            bool named = protocols[k] == PROTOCOL_TCP && port_set_has(&audit->named, port);
            if (named && entry == NULL) {
                key.protocol = PROTOCOL_UDP;
                named = table_find(ports, &key) == NULL;
            }
            if (port_range_has(&audit->range, port) && (entry != NULL || named))
                add_port(audit, protocols[k], port, entry);
        }
}

/* --- shared addresses --- */

/* Two listeners that are bound to different devices have no connection in common, and one without a
 * device gets none of those that another has by its device (compute_score() in
 * net/ipv4/inet_hashtables.c). A link-local address belongs to a device. */
struct address_key {
    uint32_t interface;
    struct endpoint local;
};
_Static_assert(sizeof(struct address_key) == sizeof(uint32_t) + sizeof(struct endpoint),
               "a key has no padding");

/* Of one address: the first listener with a known owner. */
struct address_entry {
    struct address_key key;
    bool is_shared;
    const struct audit_listener *listener;
};

/* Two listeners can have one address and port only with SO_REUSEPORT. */
static void check_shared(struct audit *audit, struct table *addresses,
                         const struct audit_listener *listener) {
    struct address_key key = {listener->socket.interface, listener->socket.local};
    bool is_new;
    if (listener->owner.pid == 0 || listener->socket.protocol != PROTOCOL_TCP)
        return;
    struct address_entry *entry = table_add(addresses, &key, &is_new);
    if (is_new)
        entry->listener = listener;
    const struct owner *first = &entry->listener->owner;
    if (entry->is_shared || first->pid == listener->owner.pid ||
        owner_same_program(first, &listener->owner))
        return;
    entry->is_shared = true;
    audit->shared =
        arena_grow(&audit->arena, audit->shared, audit->shared_count, sizeof *audit->shared);
    struct audit_shared *shared = &audit->shared[audit->shared_count++];
    *shared = (struct audit_shared){.local = key.local, .owners = {*first, listener->owner}};
    if (key.interface != 0)
        if_indextoname(key.interface, shared->device);
}

void audit_listeners(struct audit *audit, const struct audit_listener *listeners, size_t count) {
    struct table ports = {.entry_size = sizeof(struct port_entry),
                          .key_size = sizeof(struct port_key)};
    struct table addresses = {.entry_size = sizeof(struct address_entry),
                              .key_size = sizeof(struct address_key)};
    for (size_t i = 0; i < count; i++) {
        index_port(&ports, &listeners[i]);
        check_shared(audit, &addresses, &listeners[i]);
    }
    find_endangered(audit, &ports);
    table_free(&ports);
    table_free(&addresses);
}

/* --- the listeners --- */

struct listeners {
    struct arena arena; /* owns: */
    struct audit_listener *list;
    size_t count;
};

static bool add_listener(void *context, const struct inet_socket *socket) {
    struct listeners *listeners = context;
    listeners->list =
        arena_grow(&listeners->arena, listeners->list, listeners->count, sizeof *listeners->list);
    listeners->list[listeners->count++] = (struct audit_listener){.socket = *socket};
    return true;
}

/* What kept the process of a socket from being found: that of others is not absent. */
static void note_missing(struct audit *audit, const struct owners *owners) {
    bool beyond = owners->search == OWNERS_HIDDEN || owners->search == OWNERS_OUTSIDE;
    if (owners->count == 0 && beyond)
        audit->owners_missing = owners_search_text(owners);
}

/* Finds the owner of each. Returns 0, or the errno of what could not be read. */
static int find_owners(struct audit *audit, struct listeners *listeners) {
    struct owners *owners = memory_zeroed(listeners->count, sizeof *owners);
    uint32_t asker = geteuid();
    int error = 0;
    for (size_t i = 0; i < listeners->count; i++)
        owners[i] = owners_wanted(&listeners->list[i].socket, asker);
    audit->unseen = owners_find(owners, listeners->count);
    for (size_t i = 0; i < listeners->count; i++) {
        if (owners[i].known > 0)
            listeners->list[i].owner = owners[i].oldest[0];
        note_missing(audit, &owners[i]);
        error = owners[i].error != 0 ? owners[i].error : error;
    }
    free(owners);
    return error;
}

/* Lists the TCP sockets that listen, and the UDP sockets that are servers: a client's port is
 * chosen by the kernel. Only sock_diag knows that; where it does not list UDP, that is left out.
 * Returns 0 or an errno of `failure`. */
static int list_servers(struct audit *audit, struct listeners *listeners) {
    struct diag_query query = sockdiag_query(1U << STATE_LISTEN);
    struct sockets sockets = sockets_open(NETNS_HERE);
    audit->failure = "listing the TCP sockets (sock_diag)";
    int error = sockets_dump(&sockets, &query, add_listener, listeners);
    query = sockdiag_query(1U << STATE_CLOSED);
    query.protocol = PROTOCOL_UDP;
    query.asked = true;
    int udp = error == 0 ? sockets_dump(&sockets, &query, add_listener, listeners) : 0;
    audit->udp_not_seen = udp != 0;
    audit->from_proc = sockets.from_proc;
    sockets_close(&sockets);
    if (!errno_says_nothing(udp))
        return error;
    audit->failure = "listing the UDP sockets (sock_diag)";
    return udp;
}

static void look_at_sockets(struct audit *audit) {
    struct listeners listeners = {0};
    audit->error = list_servers(audit, &listeners);
    if (audit->error == 0) {
        audit->failure = "reading the processes that have the sockets";
        audit->error = find_owners(audit, &listeners);
        audit_listeners(audit, listeners.list, listeners.count);
    }
    if (audit->error == 0)
        audit->failure = NULL;
    arena_free(&listeners.arena);
}

/* --- all together --- */

static void look_here(struct audit *audit) {
    struct sysctl_failure unread = {0};
    audit->is_first_netns = namespaces_is_first() && process_sees_all();
    sysctl_port_range(NETNS_HERE, &audit->range, &unread);
    look_at_sockets(audit);
    audit_settings(audit, &unread);
    if (audit->failure == NULL) {
        audit->failure = unread.what;
        audit->error = unread.error;
    }
}

/* The texts of an array follow it, one by one. */
static void look_in_child(void *data, FILE *more) {
    struct audit *audit = data;
    look_here(audit);
    child_give_array(more, audit->ports, audit->port_count, sizeof *audit->ports);
    child_give_array(more, audit->shared, audit->shared_count, sizeof *audit->shared);
    child_give_array(more, audit->settings, audit->setting_count, sizeof *audit->settings);
    for (size_t i = 0; i < audit->setting_count; i++) {
        fwrite(audit->settings[i].value, strlen(audit->settings[i].value) + 1, 1, more);
        fwrite(audit->settings[i].where, strlen(audit->settings[i].where) + 1, 1, more);
    }
    child_give_array(more, audit->unread, audit->unread_count, sizeof *audit->unread);
    for (size_t i = 0; i < audit->unread_count; i++)
        fwrite(audit->unread[i].path, strlen(audit->unread[i].path) + 1, 1, more);
}

static void take_arrays(struct audit *audit, struct child_bytes *more) {
    struct arena *arena = &audit->arena;
    *arena = (struct arena){0};
    audit->ports = child_take_array(more, arena, audit->port_count, sizeof *audit->ports);
    audit->shared = child_take_array(more, arena, audit->shared_count, sizeof *audit->shared);
    audit->settings = child_take_array(more, arena, audit->setting_count, sizeof *audit->settings);
    for (size_t i = 0; i < audit->setting_count; i++) {
        audit->settings[i].value = child_take_text(more, arena);
        audit->settings[i].where = child_take_text(more, arena);
    }
    audit->unread = child_take_array(more, arena, audit->unread_count, sizeof *audit->unread);
    for (size_t i = 0; i < audit->unread_count; i++)
        audit->unread[i].path = child_take_text(more, arena);
}

void audit_look(const struct namespace *where, struct audit *audit) {
    struct child child = {.where = where};
    struct child_bytes more;
    audit->where = *where;
    audit->asked_by_root = geteuid() == 0;
    if (where->path[0] == '\0') {
        look_here(audit);
        return;
    }
    const char *what;
    int error = child_run(&child, look_in_child, audit, sizeof *audit, &more, &what);
    if (error == 0) {
        take_arrays(audit, &more);
    } else {
        audit->error = error;
        audit->failure = what;
    }
    child_bytes_free(&more);
}

void audit_free(struct audit *audit) {
    arena_free(&audit->arena);
}
