/* How a role sees its sockets, and the addresses that are taken from them. */
#include <netinet/in.h>
#include <sys/stat.h>

#include "engine/role.h"

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62 /* <asm/socket.h>, Linux 5.0 */
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51 /* <linux/in.h>, Linux 6.3 */
#endif

static struct endpoint name_of(int fd, bool peer) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    int failed = peer ? getpeername(fd, (struct sockaddr *)&address, &size)
                      : getsockname(fd, (struct sockaddr *)&address, &size);
    return failed < 0 ? (struct endpoint){0} : endpoint_from_sockaddr(&address);
}

void role_view(struct role *role, unsigned socket) {
    struct socket_view *view = board_view(role->board, (unsigned)role->index, socket);
    int fd = role->sockets[socket];
    view->open = fd >= 0;
    if (fd < 0)
        return;
    view->made = true;
    struct stat file;
    if (fstat(fd, &file) == 0) {
        view->inode = (uint32_t)file.st_ino;
        view->uid = file.st_uid;
    }
    view->local = name_of(fd, false);
    view->family = view->local.family;
    struct endpoint peer = name_of(fd, true);
    if (peer.family != 0) { /* one that was reset has none any more: the last known stays */
        view->peer = peer;
        view->has_peer = true;
    }
    view->reuseaddr = sockopt_get_int(fd, SOL_SOCKET, SO_REUSEADDR, 0) != 0;
    view->reuseport = sockopt_get_int(fd, SOL_SOCKET, SO_REUSEPORT, 0) != 0;
    view->v6only =
        view->family == AF_INET6 && sockopt_get_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) != 0;
    view->interface = (uint32_t)sockopt_get_int(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 0);
    unsigned range = (unsigned)sockopt_get_int(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, 0);
    view->range_low = (uint16_t)(range & 0xffff);
    view->range_high = (uint16_t)(range >> 16);
}

bool role_resolve(struct role *role, const struct address *address, sa_family_t family,
                  struct endpoint *endpoint) {
    bool own = address->use != ADDRESS_WRITTEN && address->role == (unsigned)role->index;
    if (own && role->sockets[address->socket] >= 0)
        role_view(role, address->socket);
    return board_resolve(role->board, address, family, endpoint);
}

static bool resolve(void *context, const struct address *address, struct endpoint *endpoint) {
    return role_resolve(context, address, 0, endpoint);
}

bool role_expected(struct role *role, const struct step *step, const struct answer *answer) {
    return expectation_met(&step->want, answer, role->kernel, resolve, role) != NULL;
}
