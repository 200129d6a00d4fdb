/* Without CAP_NET_ADMIN: a SYN from the old peer's endpoint makes TIME-WAIT answer with the last
 * ACK of the old connection; the new socket knows nothing of that and sends a reset, which ends
 * TIME-WAIT (tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c). On loopback all of that
 * happens within connect(). */
#include "kernel/timewait.h"

#include <sys/socket.h>
#include <unistd.h>

static void reset_from(const struct endpoint *peer, const struct endpoint *waiting) {
    struct sockaddr_storage from, to;
    socklen_t from_size = endpoint_to_sockaddr(peer, &from);
    socklen_t to_size = endpoint_to_sockaddr(waiting, &to);
    int fd = socket(peer->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (bind(fd, (struct sockaddr *)&from, from_size) == 0 &&
        connect(fd, (struct sockaddr *)&to, to_size) == 0)
        shutdown(fd, SHUT_RDWR); /* cannot be: nobody listens there */
    close(fd);
}

void timewait_end(int diag, const struct tcp_socket *socket) {
    if (sockdiag_destroy(diag, socket) != 0)
        reset_from(&socket->remote, &socket->local);
}
