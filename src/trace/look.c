#include "trace/look.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/errnames.h"
#include "kernel/process.h"
#include "kernel/sockopt.h"
#include "kernel/uapi.h"

#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C /* <linux/sockios.h>, Linux 4.10 */
#endif

/* Returns an option that is a number. */
static int option_of(int fd, int level, int number, int otherwise, struct recorded_socket *socket) {
    return sockopt_look_int(fd, level, number, otherwise, &socket->error);
}

static bool find_protocol(int fd, struct recorded_socket *socket) {
    int family = option_of(fd, SOL_SOCKET, SO_DOMAIN, -1, socket);
    socket->type = option_of(fd, SOL_SOCKET, SO_TYPE, 0, socket);
    switch (option_of(fd, SOL_SOCKET, SO_PROTOCOL, -1, socket)) {
    case IPPROTO_TCP:
        socket->protocol = PROTOCOL_TCP;
        break;
    case IPPROTO_UDP:
        socket->protocol = PROTOCOL_UDP;
        break;
    case IPPROTO_MPTCP:
        socket->protocol = PROTOCOL_MPTCP;
        break;
    default:
        socket->protocol = PROTOCOL_UNIX;
        return family == AF_UNIX;
    }
    return family == AF_INET || family == AF_INET6;
}

static void look_at_options(int fd, struct recorded_socket *socket) {
    socklen_t size = sizeof socket->device - 1;
    int error = socket_look(&socket->view, fd);
    if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, socket->device, &size) < 0) {
        error = error == 0 && errno_is_shortage(errno) ? errno : error;
        socket->device[0] = '\0';
    }
    if (socket->error == 0)
        socket->error = error;
    socket->freebind = option_of(fd, IPPROTO_IP, IP_FREEBIND, 0, socket) != 0;
    socket->no_port = option_of(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 0, socket) != 0;
    int flags = fcntl(fd, F_GETFL);
    socket->nonblocking = flags >= 0 && (flags & O_NONBLOCK) != 0;
}

/* What a look that broke off has found is not used: some of it would be guessed. */
void look_at_socket(const struct traced_call *call, struct recorded_socket *socket) {
    int fd = process_duplicate(call->process, call->thread, call->fd);
    *socket = (struct recorded_socket){.known = fd >= 0};
    if (fd >= 0) {
        socket->protocol_known = find_protocol(fd, socket);
        look_at_options(fd, socket);
        close(fd);
    } else if (errno_is_shortage(errno)) {
        socket->error = errno;
    }
    if (socket->error != 0)
        *socket = (struct recorded_socket){.error = socket->error};
    if (!socket->known && call->address_size >= sizeof(sa_family_t)) {
        socket->protocol = PROTOCOL_UNIX;
        socket->protocol_known = call->address.ss_family == AF_UNIX;
    }
}

int look_at_namespace(const struct traced_call *call) {
    char path[40];
    int fd = process_duplicate(call->process, call->thread, call->fd);
    int found = fd < 0 ? -1 : ioctl(fd, SIOCGSKNS);
    if (fd >= 0)
        close(fd);
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)call->thread);
    return found >= 0 ? found : open(path, O_RDONLY | O_CLOEXEC);
}

/* The path ends at a NUL, or with the address; an abstract name begins with a NUL. */
static bool read_name(const struct traced_call *call, int type, struct unix_question *asked) {
    const size_t start = offsetof(struct sockaddr_un, sun_path);
    const struct sockaddr_un *address = (const void *)&call->address;
    size_t size = call->address_size <= start ? 0 : call->address_size - start;
    if (size == 0 || size > sizeof address->sun_path)
        return false;
    if (address->sun_path[0] != '\0')
        size = strnlen(address->sun_path, size);
    *asked = (struct unix_question){
        .name_size = size, .type = type, .is_client = call->call == SOCKET_CALL_CONNECT};
    memcpy(asked->name, address->sun_path, size);
    return true;
}

static void read_zone(const struct sockaddr_in6 *address, char *zone) {
    if (address->sin6_scope_id == 0 || if_indextoname(address->sin6_scope_id, zone) == NULL)
        zone[0] = '\0';
}

bool look_at_address(const struct traced_call *call, const struct recorded_socket *socket,
                     struct recorded_call *recorded, char *zone) {
    zone[0] = '\0';
    if (call->call == SOCKET_CALL_LISTEN) {
        recorded->address = socket->view.local;
        return recorded->address.family != 0 || socket->protocol == PROTOCOL_UNIX;
    }
    if (call->address_size < sizeof(sa_family_t))
        return false;
    if (call->address.ss_family == AF_UNIX)
        return read_name(call, socket->type, &recorded->unix_socket);
    if (call->address.ss_family == AF_INET6)
        read_zone((const void *)&call->address, zone);
    recorded->address = endpoint_from_sockaddr(&call->address);
    return recorded->address.family != 0;
}
