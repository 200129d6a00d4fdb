#include "kernel/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/errnames.h"
#include "kernel/sockopt.h"
#include "kernel/uapi.h"

/* --- kinds --- */

static const struct socket_kind_row kinds[SOCKET_KINDS] = {
    [KIND_TCP4] = {"tcp4", PROTOCOL_TCP, AF_INET, SOCK_STREAM, 0},
    [KIND_TCP6] = {"tcp6", PROTOCOL_TCP, AF_INET6, SOCK_STREAM, 0},
    [KIND_UDP4] = {"udp4", PROTOCOL_UDP, AF_INET, SOCK_DGRAM, 0},
    [KIND_UDP6] = {"udp6", PROTOCOL_UDP, AF_INET6, SOCK_DGRAM, 0},
    [KIND_MPTCP4] = {"mptcp4", PROTOCOL_MPTCP, AF_INET, SOCK_STREAM, IPPROTO_MPTCP},
    [KIND_MPTCP6] = {"mptcp6", PROTOCOL_MPTCP, AF_INET6, SOCK_STREAM, IPPROTO_MPTCP},
    [KIND_UNIX] = {"unix", PROTOCOL_UNIX, AF_UNIX, SOCK_STREAM, 0},
    [KIND_UNIX_DGRAM] = {"unix-dgram", PROTOCOL_UNIX, AF_UNIX, SOCK_DGRAM, 0},
};

const struct socket_kind_row *socket_kind_row(enum socket_kind kind) {
    return &kinds[kind];
}

enum socket_kind socket_kind_named(const char *name) {
    enum socket_kind kind = 0;
    while (kind < SOCKET_KINDS && strcmp(kinds[kind].name, name) != 0)
        kind++;
    return kind;
}

/* --- names --- */

socklen_t socket_unix_address(const char *name, struct sockaddr_storage *address) {
    struct sockaddr_un whole = {.sun_family = AF_UNIX};
    size_t size = strnlen(name, sizeof whole.sun_path - 1);
    memcpy(whole.sun_path, name, size);
    if (name[0] == '@')
        whole.sun_path[0] = '\0';
    else
        size++; /* the NUL at the end of a path */
    memcpy(address, &whole, sizeof whole);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

static void read_unix_name(const struct sockaddr_storage *address, socklen_t size, char *name) {
    const struct sockaddr_un *whole = (const struct sockaddr_un *)address;
    size_t front = offsetof(struct sockaddr_un, sun_path);
    size_t length = size > front ? size - front : 0;
    length = length < UNIX_NAME_SIZE ? length : UNIX_NAME_SIZE;
    memcpy(name, whole->sun_path, length);
    name[length] = '\0';
    if (length > 0 && name[0] == '\0')
        name[0] = '@';
}

int socket_name(int fd, bool peer, struct endpoint *endpoint, char *name) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    int failed = peer ? getpeername(fd, (struct sockaddr *)&address, &size)
                      : getsockname(fd, (struct sockaddr *)&address, &size);
    *name = '\0';
    *endpoint = (struct endpoint){0};
    if (failed < 0)
        return errno;
    if (address.ss_family == AF_UNIX) {
        endpoint->family = AF_UNIX;
        read_unix_name(&address, size, name);
        return 0;
    }
    *endpoint = endpoint_from_sockaddr(&address);
    if (address.ss_family != AF_INET6)
        return 0;
    uint32_t zone = ((const struct sockaddr_in6 *)&address)->sin6_scope_id;
    if (zone != 0 && if_indextoname(zone, name) == NULL)
        *name = '\0';
    return 0;
}

/* --- a view of an open socket --- */

static enum protocol protocol_of(int fd, sa_family_t family, int *error) {
    if (family == AF_UNIX)
        return PROTOCOL_UNIX;
    switch (sockopt_look_int(fd, SOL_SOCKET, SO_PROTOCOL, IPPROTO_TCP, error)) {
    case IPPROTO_UDP:
        return PROTOCOL_UDP;
    case IPPROTO_MPTCP:
        return PROTOCOL_MPTCP;
    default:
        return PROTOCOL_TCP;
    }
}

static void note(int *error, int happened) {
    if (*error == 0 && errno_is_shortage(happened))
        *error = happened;
}

static void look_at_ends(struct socket_view *view, int fd, int *error) {
    struct endpoint peer;
    char peer_name[sizeof view->peer_name];
    note(error, socket_name(fd, false, &view->local, view->name));
    view->family = view->local.family;
    int no_peer = socket_name(fd, true, &peer, peer_name);
    note(error, no_peer);
    if (no_peer != 0) /* a reset connection has none: keep the last known one */
        return;
    view->peer = peer;
    memcpy(view->peer_name, peer_name, sizeof peer_name);
    view->has_peer = true;
}

static void look_at_options(struct socket_view *view, int fd, int *error) {
    view->reuseaddr = sockopt_look_int(fd, SOL_SOCKET, SO_REUSEADDR, 0, error) != 0;
    view->reuseport = sockopt_look_int(fd, SOL_SOCKET, SO_REUSEPORT, 0, error) != 0;
    view->v6only =
        view->family == AF_INET6 && sockopt_look_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0, error) != 0;
    view->interface = (uint32_t)sockopt_look_int(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 0, error);
    unsigned range = (unsigned)sockopt_look_int(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, 0, error);
    view->range_low = (uint16_t)(range & 0xffff);
    view->range_high = (uint16_t)(range >> 16);
}

int socket_look(struct socket_view *view, int fd) {
    int error = 0;
    view->open = fd >= 0;
    if (fd < 0)
        return 0;
    view->made = true;
    struct stat file;
    if (fstat(fd, &file) == 0) {
        view->inode = (uint32_t)file.st_ino;
        view->uid = file.st_uid;
    } else {
        note(&error, errno);
    }
    look_at_ends(view, fd, &error);
    view->protocol = protocol_of(fd, view->family, &error);
    if (view->family != AF_UNIX)
        look_at_options(view, fd, &error);
    return error;
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

static void read_cookie(int fd, uint64_t *cookie) {
    socklen_t size = sizeof *cookie;
    if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &size) < 0)
        *cookie = 0;
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
    if (error == 0 && trial->cookie != NULL)
        read_cookie(fd, trial->cookie);
    close(fd);
    return error;
}
