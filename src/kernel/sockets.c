#include "kernel/sockets.h"

#include <errno.h>
#include <unistd.h>

#include "kernel/procnet.h"

struct sockets sockets_open(struct netns ns) {
    int diag = sockdiag_open(ns);
    return (struct sockets){.ns = ns, .diag = diag, .diag_error = diag < 0 ? errno : 0};
}

void sockets_close(struct sockets *sockets) {
    if (sockets->diag >= 0)
        close(sockets->diag);
    sockets->diag = -1;
}

/* Returns whether the errno means that this kernel cannot list these sockets: no sock_diag, no
 * inet_diag for the protocol, or, in gVisor, none of both. */
static bool is_missing(int error) {
    return error == ENOENT || error == EPROTONOSUPPORT || error == EOPNOTSUPP ||
           error == EAFNOSUPPORT;
}

int sockets_dump(struct sockets *sockets, const struct diag_query *query, sockdiag_visit *visit,
                 void *context) {
    int error = sockets->diag_error != 0 ? sockets->diag_error
                                         : sockdiag_dump(sockets->diag, query, visit, context);
    if (!is_missing(error) || procnet_dump(sockets->ns, query, visit, context) != 0)
        return error;
    sockets->from_proc = true;
    return 0;
}

int sockets_dump_unix(struct sockets *sockets, unixdiag_visit *visit, void *context) {
    int error = sockets->diag_error != 0 ? sockets->diag_error
                                         : unixdiag_dump(sockets->diag, visit, context);
    if (!is_missing(error) || procnet_dump_unix(sockets->ns, visit, context) != 0)
        return error;
    sockets->from_proc = true;
    return 0;
}

const char *sockets_proc_note(enum protocol protocol) {
    return protocol == PROTOCOL_UDP
               ? "read from /proc/net: load udp_diag (modprobe udp_diag) to see "
                 "devices and IPV6_V6ONLY"
               : "read from /proc/net: load tcp_diag (modprobe tcp_diag) to see bound, idle "
                 "sockets";
}
