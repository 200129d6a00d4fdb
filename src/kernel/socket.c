#include "kernel/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/sockopt.h"
#include "kernel/uapi.h"

/* --- a view of an open socket --- */

static struct endpoint name_of(int fd, bool peer) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    int failed = peer ? getpeername(fd, (struct sockaddr *)&address, &size)
                      : getsockname(fd, (struct sockaddr *)&address, &size);
    return failed < 0 ? (struct endpoint){0} : endpoint_from_sockaddr(&address);
}

void socket_look(struct socket_view *view, int fd) {
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
    if (peer.family != 0) { /* a reset connection has none: keep the last known one */
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

bool socket_is_idle_tcp(int fd) {
    struct tcp_info info;
    socklen_t size = sizeof info;
    sa_family_t family = (sa_family_t)sockopt_get_int(fd, SOL_SOCKET, SO_DOMAIN, 0);
    return (family == AF_INET || family == AF_INET6) &&
           sockopt_get_int(fd, SOL_SOCKET, SO_PROTOCOL, 0) == IPPROTO_TCP &&
           getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_CLOSE;
}

/* --- a trial bind --- */

static bool set(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static bool set_options(int fd, const struct trial *trial) {
    return (!trial->reuseaddr || set(fd, SOL_SOCKET, SO_REUSEADDR, 1)) &&
           (!trial->reuseport || set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
           (trial->device == 0 || set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)trial->device)) &&
           (trial->local.family != AF_INET6 || set(fd, IPPROTO_IPV6, IPV6_V6ONLY, trial->v6only));
}

int socket_trial(struct netns ns, const struct trial *trial, const char **call) {
    struct sockaddr_storage address;
    socklen_t size = endpoint_to_sockaddr(&trial->local, &address);
    int error = 0;
    if (trial->zone != 0 && trial->local.family == AF_INET6)
        ((struct sockaddr_in6 *)&address)->sin6_scope_id = trial->zone;
    *call = "socket";
    int fd = netns_socket(ns, trial->local.family,
                          trial->protocol == PROTOCOL_UDP ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (fd < 0)
        return errno;
    *call = "setsockopt";
    if (!set_options(fd, trial)) {
        error = errno;
    } else {
        *call = "bind";
        error = bind(fd, (struct sockaddr *)&address, size) < 0 ? errno : 0;
    }
    close(fd);
    return error;
}
