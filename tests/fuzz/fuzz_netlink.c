/* Any bytes as answers of the kernel over netlink: sock_diag for TCP, UDP and Unix sockets, routes,
 * neighbours, devices, tunnels, endpoints of MPTCP. The first byte chooses who asks; the datagrams
 * follow (world.h). Nothing is read beyond them, and what is visited is sound. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/endings.h"
#include "kernel/holder.h"
#include "kernel/neighbour.h"
#include "kernel/netdev.h"
#include "kernel/route.h"
#include "kernel/sockdiag.h"
#include "kernel/unixdiag.h"
#include "sound.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as they are: exactly as large, and aligned. */
static void parse(unsigned protocol) {
    struct diag_query query = sockdiag_query(STATES_ANY);
    uint32_t sequence = 0;
    size_t size;
    int error = 0;
    const uint8_t *piece = world_piece(&size);
    char *bytes = malloc(size + (size == 0));
    if (bytes == NULL)
        abort();
    memcpy(bytes, piece, size);
    if (size >= 12)
        memcpy(&sequence, bytes + 8, sizeof sequence);
    query.protocol = (enum protocol)protocol;
    query.opener = protocol == PROTOCOL_TCP;
    if (protocol <= PROTOCOL_MPTCP)
        sockdiag_parse(bytes, size, sequence, &query, sound_inet, NULL, &error);
    else
        unixdiag_parse(bytes, size, sequence, sound_unix, NULL, &error);
    free(bytes);
}

static void dump(unsigned how) {
    struct diag_query query = sockdiag_query(STATES_ANY);
    query.protocol = how % 2 == 0 ? PROTOCOL_TCP : PROTOCOL_UDP;
    query.family = how % 3 == 0 ? AF_INET : how % 3 == 1 ? AF_INET6 : 0;
    query.local.any_address = query.remote.any_address = true;
    query.local.any_port = query.remote.any_port = true;
    int diag = sockdiag_open(NETNS_HERE);
    sockdiag_dump(diag, &query, sound_inet, NULL);
    close(diag);
}

static void find_one(unsigned how) {
    struct endpoint local = {.family = AF_INET, .port = 80},
                    remote = {.family = AF_INET, .port = 81};
    struct inet_socket found;
    int diag = sockdiag_open(NETNS_HERE);
    if (how % 2 == 0)
        sockdiag_find_opener(diag, &local, &remote, &found);
    else
        sockdiag_find(diag, &local, &remote, &found);
    close(diag);
}

static void ask(unsigned who, unsigned how) {
    struct endpoint to = {.family = how % 2 == 0 ? AF_INET : AF_INET6, .port = 4789};
    struct route_question question = {.to = to, .protocol = 6};
    struct route route;
    struct netdev_link link;
    struct kernel_holder holder;
    int watch;
    to.address[0] = 10;
    switch (who) {
    case 0:
        if (route_find(NETNS_HERE, &question, &route) == 0 && route.next_hop.family != AF_INET &&
            route.next_hop.family != AF_INET6)
            abort();
        break;
    case 1:
        neighbour_state(NETNS_HERE, 1, &to);
        break;
    case 2:
        if (netdev_link(NETNS_HERE, 1, &link) == 0)
            require_text(link.name, sizeof link.name);
        break;
    case 3:
        holder = holder_find(how % 4 < 2, &to);
        require_text(holder.name, sizeof holder.name);
        break;
    case 4:
        watch = world_descriptor();
        endings_read(watch, how % 2 == 0 ? PROTOCOL_TCP : PROTOCOL_UDP, sound_inet, NULL);
        close(watch);
        break;
    default:
        (how < 20 ? dump : find_one)(how);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { PARSES = 5, ASKS = 6 };
    if (size == 0)
        return 0;
    unsigned who = data[0] % (PARSES + ASKS), how = data[0] / (PARSES + ASKS);
    world_begin_datagrams(data + 1, size - 1);
    if (who < PARSES)
        parse(who);
    else
        ask(who - PARSES, how);
    world_end();
    return 0;
}
