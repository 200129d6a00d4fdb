/* rtnetlink(7). What takes time is the carrier: a kernel worker sees it, and only then does the
 * bridge forward (net/core/link_watch.c). It comes at once, and not with the next tick of a second,
 * for a device whose index differs from that of its peer, so the ports have indexes of their own.
 */
#include "kernel/ethernet.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/units.h"
#include "kernel/netdev.h"
#include "kernel/rtnetlink.h"
#include "kernel/sysctl.h"

static const char bridge[] = "switch";

enum { FIRST_INDEX = 1000 }; /* of the ports, and of the bridge */

int ethernet_make(struct netns middle) {
    static const uint8_t no = 0;
    struct ifinfomsg link = {.ifi_index = FIRST_INDEX, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    struct rtnetlink_message message =
        rtnetlink_begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
    sysctl_write(middle, "net.ipv6.conf.default.disable_ipv6", "1"); /* it needs no addresses */
    rtnetlink_add(&message, IFLA_IFNAME, bridge, sizeof bridge);
    size_t info = rtnetlink_open(&message, IFLA_LINKINFO);
    rtnetlink_add(&message, IFLA_INFO_KIND, "bridge", strlen("bridge"));
    size_t data = rtnetlink_open(&message, IFLA_INFO_DATA);
    rtnetlink_add(&message, IFLA_BR_MCAST_SNOOPING, &no, sizeof no);
    rtnetlink_close(&message, data);
    rtnetlink_close(&message, info);
    return rtnetlink_ask(middle, &message);
}

static uint32_t port_index(const struct ethernet_host *host) {
    return FIRST_INDEX + 1 + host->port;
}

/* --- a host --- */

/* Makes the pair: the port is up and one of the bridge, the device of the host is down. */
static int make_pair(const struct ethernet_host *host) {
    uint8_t address[] = {2, 0, 0, 0, (uint8_t)(host->number >> 8), (uint8_t)host->number};
    const uint32_t master = FIRST_INDEX;
    struct ifinfomsg port = {
        .ifi_index = (int)port_index(host), .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    struct ifinfomsg device = {0};
    char name[NETDEV_NAME_SIZE];
    struct rtnetlink_message message =
        rtnetlink_begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &port, sizeof port);
    snprintf(name, sizeof name, "port%u", host->port);
    rtnetlink_add(&message, IFLA_IFNAME, name, strlen(name) + 1);
    rtnetlink_add(&message, IFLA_MASTER, &master, sizeof master);
    size_t info = rtnetlink_open(&message, IFLA_LINKINFO);
    rtnetlink_add(&message, IFLA_INFO_KIND, "veth", strlen("veth"));
    size_t data = rtnetlink_open(&message, IFLA_INFO_DATA);
    size_t peer = rtnetlink_open(&message, VETH_INFO_PEER);
    rtnetlink_append(&message, &device, sizeof device);
    rtnetlink_add(&message, IFLA_IFNAME, host->device, strlen(host->device) + 1);
    rtnetlink_add(&message, IFLA_ADDRESS, address, sizeof address);
    rtnetlink_add(&message, IFLA_NET_NS_FD, &host->ns.fd, sizeof host->ns.fd);
    rtnetlink_close(&message, peer);
    rtnetlink_close(&message, data);
    rtnetlink_close(&message, info);
    return rtnetlink_ask(host->middle, &message);
}

/* Has the kernel make no link-local address of the device: it would be tentative for a second. */
static int make_no_address(const struct ethernet_host *host) {
    const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
    struct ifinfomsg link = {0};
    struct rtnetlink_message message = rtnetlink_begin(RTM_NEWLINK, 0, &link, sizeof link);
    rtnetlink_add(&message, IFLA_IFNAME, host->device, strlen(host->device) + 1);
    size_t families = rtnetlink_open(&message, IFLA_AF_SPEC);
    size_t six = rtnetlink_open(&message, AF_INET6);
    rtnetlink_add(&message, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof none);
    rtnetlink_close(&message, six);
    rtnetlink_close(&message, families);
    return rtnetlink_ask(host->ns, &message);
}

int ethernet_plug(const struct ethernet_host *host) {
    struct endpoint address = {.family = AF_INET6, .address = {0xfe, 0x80}};
    enum { BITS = 64, LAST = 15 };
    int error = make_pair(host);
    if (error != 0)
        return error;
    bool six = make_no_address(host) == 0;
    error = netns_raise(host->ns, host->device);
    address.address[LAST - 1] = (uint8_t)(host->number >> 8);
    address.address[LAST] = (uint8_t)host->number;
    if (error == 0 && six) /* without IPv6 there is nothing to lack */
        netdev_address(host->ns, host->device, &address, BITS, true);
    return error;
}

/* --- the carrier --- */

/* Returns 0 if the device is ready to send, EAGAIN if it is not yet, or another errno. The kernel
 * since 6.8 brings its answer up to date for this question. */
static int is_running(struct netns ns, uint32_t index, const char *name) {
    struct {
        struct nlmsghdr header;
        struct ifinfomsg link;
        char rest[4096];
    } answer;
    struct ifinfomsg link = {.ifi_index = (int)index};
    struct rtnetlink_message message = rtnetlink_begin(RTM_GETLINK, 0, &link, sizeof link);
    message.header.nlmsg_flags = NLM_F_REQUEST;
    if (index == 0)
        rtnetlink_add(&message, IFLA_IFNAME, name, strlen(name) + 1);
    int error = rtnetlink_get(ns, &message, &answer, sizeof answer);
    if (error != 0)
        return error;
    return (answer.link.ifi_flags & IFF_RUNNING) != 0 ? 0 : EAGAIN;
}

/* Waits, in pauses that grow. */
static int await_running(struct netns ns, uint32_t index, const char *name) {
    const uint64_t longest_ns = 5ULL * NS_PER_S;
    uint64_t end_ns = units_now_ns() + longest_ns, pause_ns = 20ULL * NS_PER_US;
    for (;;) {
        int error = is_running(ns, index, name);
        if (error != EAGAIN)
            return error;
        if (units_now_ns() > end_ns)
            return ETIMEDOUT;
        nanosleep(&(struct timespec){.tv_nsec = (long)pause_ns}, NULL);
        pause_ns = pause_ns < NS_PER_MS ? 2 * pause_ns : pause_ns;
    }
}

int ethernet_await(const struct ethernet_host *host) {
    int error = await_running(host->ns, 0, host->device);
    return error != 0 ? error : await_running(host->middle, port_index(host), "");
}

/* --- the port --- */

static int set_port(const struct ethernet_host *host, uint16_t attribute, const void *value,
                    size_t size) {
    struct ifinfomsg link = {.ifi_family = AF_BRIDGE, .ifi_index = (int)port_index(host)};
    struct rtnetlink_message message = rtnetlink_begin(RTM_SETLINK, 0, &link, sizeof link);
    size_t port = rtnetlink_open(&message, IFLA_PROTINFO | NLA_F_NESTED);
    rtnetlink_add(&message, attribute, value, size);
    rtnetlink_close(&message, port);
    return rtnetlink_ask(host->middle, &message);
}

int ethernet_pass(const struct ethernet_host *host, bool passes) {
    const uint8_t state = passes ? BR_STATE_FORWARDING : BR_STATE_DISABLED;
    return set_port(host, IFLA_BRPORT_STATE, &state, sizeof state);
}

int ethernet_forget(const struct ethernet_host *host) {
    return set_port(host, IFLA_BRPORT_FLUSH, "", 0);
}
