#include "diagnose/other_protocol.h"

#include <unistd.h>

#include "kernel/sockets.h"

static bool keep_socket(void *context, const struct inet_socket *socket) {
    struct other_sockets *found = context;
    if (found->count < OTHER_SOCKETS) {
        found->sockets[found->count] = *socket;
        found->owners[found->count] = owners_wanted(socket, geteuid());
        found->count++;
    }
    found->total++;
    return true;
}

void other_protocol_look(enum protocol asked, uint16_t port, struct other_sockets *found) {
    struct sockets sockets = sockets_open(NETNS_HERE);
    bool udp = asked != PROTOCOL_UDP;
    struct diag_query query = sockdiag_query(1U << STATE_LISTEN);
    if (udp)
        query.states = 1U << STATE_CLOSED | 1U << STATE_ESTABLISHED;
    query.protocol = udp ? PROTOCOL_UDP : PROTOCOL_TCP;
    query.local = (struct endpoint_pattern){.any_address = true, .endpoint = {.port = port}};
    *found = (struct other_sockets){.protocol = query.protocol};
    found->listed = sockets_dump(&sockets, &query, keep_socket, found) == 0;
    sockets_close(&sockets);
    if (found->count > 0)
        owners_find(found->owners, found->count);
}
