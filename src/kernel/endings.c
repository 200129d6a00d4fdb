/* A netlink socket in the multicast groups of sock_diag(7), with a filter for one port: each
 * message is like one of a dump. */
#include "kernel/endings.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

/* Lets pass what has this local port, which is in network order, as the filter's loads are. */
static int filter_port(int watch, uint16_t port) {
    enum { PORT_AT = NLMSG_HDRLEN + offsetof(struct inet_diag_msg, id.idiag_sport) };
    struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, PORT_AT),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
                                 BPF_STMT(BPF_RET | BPF_K, 0)};
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    return setsockopt(watch, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static uint32_t group(enum sknetlink_groups number) {
    return 1U << (number - 1);
}

int endings_open(struct netns ns, enum protocol protocol, uint16_t port) {
    bool udp = protocol == PROTOCOL_UDP;
    struct sockaddr_nl groups = {
        .nl_family = AF_NETLINK,
        .nl_groups = udp ? group(SKNLGRP_INET_UDP_DESTROY) | group(SKNLGRP_INET6_UDP_DESTROY)
                         : group(SKNLGRP_INET_TCP_DESTROY) | group(SKNLGRP_INET6_TCP_DESTROY)};
    int watch = sockdiag_open(ns);
    if (watch < 0)
        return -1;
    if (filter_port(watch, port) == 0 &&
        bind(watch, (struct sockaddr *)&groups, sizeof groups) == 0)
        return watch;
    int error = errno;
    close(watch);
    errno = error;
    return -1;
}

int endings_read(int watch, enum protocol protocol, sockdiag_visit *visit, void *context) {
    _Alignas(uint32_t) char buffer[4096];
    struct diag_query query = sockdiag_query(STATES_ANY);
    ssize_t received;
    int error = 0;
    query.protocol = protocol;
    while ((received = recv(watch, buffer, sizeof buffer, MSG_DONTWAIT)) >= 0)
        sockdiag_parse(buffer, (size_t)received, 0, &query, visit, context, &error);
    return errno == EAGAIN ? 0 : errno;
}
