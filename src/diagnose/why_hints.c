/* Some are facts about the host, others about the first socket in the way. */
#include "diagnose/why_hints.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inspect/namespaces.h"
#include "kernel/netdev.h"
#include "kernel/sysctl.h"

static bool has_no_ipv6(void) {
    char text[16];
    return sysctl_read(NETNS_HERE, "net.ipv6.conf.all.disable_ipv6", text, sizeof text) == 0 &&
           text[0] == '1';
}

static bool add_port(void *context, const struct inet_socket *socket) {
    port_set_add(context, socket->local.port);
    return true;
}

static void find_servers(int diag, struct port_set *servers) {
    struct diag_query query = sockdiag_query(1U << STATE_LISTEN);
    sockdiag_dump(diag, &query, add_port, servers);
}

/* Nobody knows which device the other end is bound to, if to one: it need not be that of this end.
 */
static bool find_on_any_device(int diag, const struct endpoint *local,
                               const struct endpoint *remote, struct inet_socket *found) {
    if (sockdiag_find(diag, local, remote, found) == 0)
        return true;
    struct if_nameindex *devices = if_nameindex();
    const struct if_nameindex *device = devices;
    while (device != NULL && device->if_index != 0 &&
           sockdiag_find_on(diag, device->if_index, local, remote, found) != 0)
        device++;
    bool is_found = device != NULL && device->if_index != 0;
    if_freenameindex(devices);
    return is_found;
}

/* The peer has not ended the connection: its socket is open in some process, if it is here. */
static void find_peer(int diag, const struct inet_socket *socket, struct owner *peer) {
    struct inet_socket other;
    struct owners owners = {0};
    bool closed = socket->state == STATE_FIN_WAIT_1 || socket->state == STATE_FIN_WAIT_2 ||
                  socket->state == STATE_CLOSING || socket->state == STATE_LAST_ACK;
    if (socket->inode != 0 || !closed ||
        !find_on_any_device(diag, &socket->remote, &socket->local, &other) || other.inode == 0)
        return;
    owners.inode = other.inode;
    owners_find(&owners, 1);
    if (owners.known > 0)
        *peer = owners.oldest[0];
}

void why_hints_look(int error, const struct endpoint *local, const struct evidence *evidence,
                    struct why_hints *hints) {
    int diag = sockdiag_open(NETNS_HERE);
    *hints = (struct why_hints){.is_first_netns = namespaces_is_first()};
    if (error == EADDRNOTAVAIL && local->family == AF_INET6)
        hints->no_ipv6 = has_no_ipv6();
    if (error == EADDRNOTAVAIL)
        netdev_list_addresses(hints->addresses, sizeof hints->addresses);
    if (diag < 0)
        return;
    hints->can_destroy = sockdiag_can_destroy(diag);
    if (evidence->automatic)
        find_servers(diag, &hints->servers);
    if (evidence->suspect_count > 0)
        find_peer(diag, &evidence->suspects[0].occupant.socket, &hints->peer);
    close(diag);
}
