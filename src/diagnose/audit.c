#include "diagnose/audit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/child.h"
#include "kernel/sockdiag.h"
#include "kernel/sysctl.h"

enum { LISTENERS_MOST = 1024 };

/* Listeners, of which as many are kept as a host sensibly has. */
struct listeners {
    struct tcp_socket sockets[LISTENERS_MOST];
    struct owners owners[LISTENERS_MOST];
    size_t count;
    struct port_set ports; /* of all of them */
};

static bool add_listener(void *context, const struct tcp_socket *socket) {
    struct listeners *listeners = context;
    port_set_add(&listeners->ports, socket->local.port);
    if (listeners->count < LISTENERS_MOST) {
        listeners->owners[listeners->count].inode = socket->inode;
        listeners->sockets[listeners->count++] = *socket;
    }
    return true;
}

/* --- ports --- */

static const struct owner *listener_of(const struct listeners *listeners, uint16_t port) {
    static const struct owner nobody;
    for (size_t i = 0; i < listeners->count; i++)
        if (listeners->sockets[i].local.port == port && listeners->owners[i].known > 0)
            return &listeners->owners[i].oldest[0];
    return &nobody;
}

static void find_endangered(struct audit *audit, const struct listeners *listeners) {
    audit->wanted = audit->range.reserved;
    for (uint32_t i = audit->range.low; i <= audit->range.high; i++) {
        uint16_t port = (uint16_t)i;
        bool listening = port_set_has(&listeners->ports, port);
        if (!port_range_has(&audit->range, port) ||
            (!listening && !port_set_has(&audit->named, port)))
            continue;
        audit->endangered++;
        port_set_add(&audit->wanted, port);
        if (audit->port_count < AUDIT_PORTS)
            audit->ports[audit->port_count++] =
                (struct audit_port){port, listening, *listener_of(listeners, port)};
    }
}

/* --- shared --- */

static bool same_program(const struct owner *a, const struct owner *b) {
    return strcmp(a->name, b->name) == 0 || a->pid == b->pid;
}

static bool is_told(const struct audit *audit, const struct endpoint *local) {
    for (unsigned i = 0; i < audit->shared_count; i++)
        if (endpoint_equal(&audit->shared[i].local, local))
            return true;
    return false;
}

/* Two listeners on one address and port can only be by SO_REUSEPORT. */
static void find_shared(struct audit *audit, const struct listeners *listeners) {
    for (size_t i = 0; i < listeners->count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct owners *a = &listeners->owners[k], *b = &listeners->owners[i];
            const struct endpoint *local = &listeners->sockets[i].local;
            if (!endpoint_equal(local, &listeners->sockets[k].local) || a->known == 0 ||
                b->known == 0 || same_program(&a->oldest[0], &b->oldest[0]) ||
                audit->shared_count == AUDIT_SHARED || is_told(audit, local))
                continue;
            audit->shared[audit->shared_count++] =
                (struct audit_shared){*local, {a->oldest[0], b->oldest[0]}};
        }
}

/* --- all together --- */

static int look_at_sockets(struct audit *audit, struct listeners *listeners) {
    struct diag_query query = sockdiag_query(1U << STATE_LISTEN);
    int diag = sockdiag_open(NETNS_HERE);
    if (diag < 0)
        return errno;
    int error = sockdiag_dump(diag, &query, add_listener, listeners);
    close(diag);
    if (error != 0)
        return error;
    audit->unseen = owners_find(listeners->owners, listeners->count);
    find_endangered(audit, listeners);
    find_shared(audit, listeners);
    return 0;
}

static void look_here(void *context, FILE *more) {
    (void)more;
    struct audit *audit = context;
    struct listeners *listeners = calloc(1, sizeof *listeners);
    sysctl_port_range(NETNS_HERE, &audit->range);
    audit->error = listeners == NULL ? ENOMEM : look_at_sockets(audit, listeners);
    audit->failure = audit->error == 0 ? NULL : "listing the TCP sockets (sock_diag)";
    free(listeners);
    audit_settings(audit);
}

void audit_look(const struct namespace *place, struct audit *audit) {
    struct child child = {.where = place};
    const char *what;
    audit->place = *place;
    if (place->path[0] == '\0') {
        look_here(audit, NULL);
        return;
    }
    int error = child_run(&child, look_here, audit, sizeof *audit, NULL, &what);
    if (error != 0) {
        audit->error = error;
        audit->failure = what;
    }
}
