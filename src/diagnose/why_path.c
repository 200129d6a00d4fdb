/* The flags of the device say most; where it can send, the kernel's memory of the next hop does. */
#include "diagnose/why_path.h"

#include <errno.h>
#include <string.h>

#include "kernel/neighbour.h"
#include "kernel/netdev.h"

static struct why_path path_over(const struct netdev_link *link) {
    struct why_path path = {.fault = !link->up        ? PATH_DOWN
                                     : !link->carrier ? PATH_NO_CARRIER
                                                      : PATH_OPEN};
    memcpy(path.device, link->name, sizeof path.device);
    return path;
}

struct why_path why_path_of(const struct route *route) {
    struct netdev_link link;
    enum neighbour_state hop = NEIGHBOUR_UNKNOWN;
    if (route->device == 0 || netdev_link(NETNS_HERE, route->device, &link) != 0)
        return (struct why_path){.fault = PATH_OPEN};
    struct why_path path = path_over(&link);
    bool asks = link.resolves && !route->local && route->next_hop.family != 0;
    if (asks)
        hop = neighbour_state(NETNS_HERE, route->device, &route->next_hop);
    path.error = asks && hop != NEIGHBOUR_FIXED ? EHOSTUNREACH : ETIMEDOUT;
    if (path.fault == PATH_OPEN && hop == NEIGHBOUR_SILENT) {
        path.fault = PATH_SILENT;
        path.next_hop = route->next_hop;
    }
    return path;
}

struct why_path why_path_missing(const struct endpoint *to) {
    struct netdev_link link;
    return netdev_blocked(to, &link) ? path_over(&link) : (struct why_path){.fault = PATH_OPEN};
}

unsigned why_path_when(const struct why_path *path) {
    if (path->fault == PATH_DOWN)
        return strcmp(path->device, "lo") == 0 ? WHEN_LO_DOWN : WHEN_LINK_DOWN;
    return path->fault == PATH_NO_CARRIER ? WHEN_NO_CARRIER : WHEN_ALWAYS;
}
