/* Devices are made by rtnetlink(7). The flags of an IPv6 address are read from /proc/net/if_inet6.
 */
#include "kernel/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "kernel/route.h"
#include "kernel/rtnetlink.h"

uint32_t netdev_index(const char *name) {
    return name[0] == '\0' ? 0 : if_nametoindex(name);
}

/* --- devices --- */

int netdev_make(struct netns ns, const char *name) {
    const struct ifinfomsg other = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP}, link = {0};
    struct rtnetlink_message message =
        rtnetlink_begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &other, sizeof other);
    size_t info = rtnetlink_open(&message, IFLA_LINKINFO);
    rtnetlink_add(&message, IFLA_INFO_KIND, "veth", strlen("veth"));
    size_t data = rtnetlink_open(&message, IFLA_INFO_DATA);
    size_t peer = rtnetlink_open(&message, VETH_INFO_PEER);
    rtnetlink_append(&message, &link, sizeof link);
    rtnetlink_add(&message, IFLA_IFNAME, name, strlen(name) + 1);
    rtnetlink_close(&message, peer);
    rtnetlink_close(&message, data);
    rtnetlink_close(&message, info);
    int error = rtnetlink_ask(ns, &message);
    return error != 0 ? error : netns_raise(ns, name);
}

/* Returns the number of a device, 0 if there is none. */
static unsigned device_index(struct netns ns, const char *name) {
    struct ifreq request = {0};
    strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
    int any = netns_socket(ns, AF_INET, SOCK_DGRAM, 0);
    bool found = any >= 0 && ioctl(any, SIOCGIFINDEX, &request) == 0;
    if (any >= 0)
        close(any);
    return found ? (unsigned)request.ifr_ifindex : 0;
}

bool netdev_is_up(struct netns ns, const char *name) {
    struct ifreq request = {0};
    strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
    int any = netns_socket(ns, AF_INET, SOCK_DGRAM, 0);
    bool up =
        any >= 0 && ioctl(any, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
    if (any >= 0)
        close(any);
    return up;
}

/* IFF_RUNNING follows the carrier after up to a second (net/core/link_watch.c); IFF_LOWER_UP, which
 * <net/if.h> lacks, at once. */
static void read_flags(unsigned flags, struct netdev_link *link) {
    const unsigned lower_up = 1U << 16;
    link->up = (flags & IFF_UP) != 0;
    link->carrier = link->up && (flags & lower_up) != 0;
    link->resolves = (flags & (IFF_NOARP | IFF_LOOPBACK)) == 0;
}

/* Returns 0 or an errno. */
static int read_name(struct netns ns, uint32_t index, char *name) {
    struct ifreq request = {.ifr_ifindex = (int)index};
    int any = netns_socket(ns, AF_INET, SOCK_DGRAM, 0);
    if (any < 0)
        return errno;
    int error = ioctl(any, SIOCGIFNAME, &request) < 0 ? errno : 0;
    close(any);
    memcpy(name, request.ifr_name, NETDEV_NAME_SIZE);
    name[NETDEV_NAME_SIZE - 1] = '\0';
    return error;
}

int netdev_link(struct netns ns, uint32_t index, struct netdev_link *link) {
    struct {
        struct nlmsghdr header;
        struct ifinfomsg body;
        char attributes[2048]; /* those that do not fit are not needed */
    } answer;
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
    struct rtnetlink_message message = rtnetlink_begin(RTM_GETLINK, 0, &body, sizeof body);
    message.header.nlmsg_flags = NLM_F_REQUEST;
    *link = (struct netdev_link){.up = false};
    int error = rtnetlink_get(ns, &message, &answer, sizeof answer);
    if (error == 0 && answer.header.nlmsg_type != RTM_NEWLINK)
        error = EBADMSG;
    if (error == 0)
        error = read_name(ns, index, link->name);
    if (error == 0)
        read_flags(answer.body.ifi_flags, link);
    return error;
}

static bool has_in_network(const struct ifaddrs *at, const struct endpoint *to) {
    struct sockaddr_in address, mask;
    uint32_t wanted;
    if (at->ifa_addr == NULL || at->ifa_netmask == NULL || at->ifa_addr->sa_family != AF_INET)
        return false;
    memcpy(&address, at->ifa_addr, sizeof address);
    memcpy(&mask, at->ifa_netmask, sizeof mask);
    memcpy(&wanted, to->address, sizeof wanted);
    return ((address.sin_addr.s_addr ^ wanted) & mask.sin_addr.s_addr) == 0;
}

bool netdev_blocked(const struct endpoint *to, struct netdev_link *link) {
    struct endpoint plain = endpoint_unmapped(to);
    struct ifaddrs *list = NULL;
    bool found = false;
    *link = (struct netdev_link){.up = false};
    if (plain.family != AF_INET || getifaddrs(&list) != 0)
        return false;
    for (const struct ifaddrs *at = list; !found && at != NULL; at = at->ifa_next) {
        if (!has_in_network(at, &plain) || strlen(at->ifa_name) >= sizeof link->name)
            continue;
        read_flags(at->ifa_flags, link);
        found = !link->carrier;
        memcpy(link->name, at->ifa_name, strlen(at->ifa_name) + 1);
    }
    freeifaddrs(list);
    return found;
}

/* Waits until the kernel has a route to an IPv6 address that was just added: a worker makes it,
 * even without duplicate address detection (addrconf_dad_start() in net/ipv6/addrconf.c), and until
 * then connect() to the address fails with EHOSTUNREACH. On a device that is down there is none. */
static void await_route(struct netns ns, const char *name, const struct endpoint *address) {
    const uint64_t longest_ns = 2ULL * NS_PER_S;
    uint64_t end_ns = units_now_ns() + longest_ns;
    struct timespec pause = {.tv_nsec = 20L * NS_PER_US};
    struct route_question question = {
        .to = *address, .device = device_index(ns, name), .protocol = IPPROTO_TCP};
    struct route route;
    while (netdev_is_up(ns, name) && units_now_ns() < end_ns &&
           (route_find(ns, &question, &route) != 0 || !route.local)) {
        nanosleep(&pause, NULL);
        pause.tv_nsec = pause.tv_nsec < (long)NS_PER_MS ? 2 * pause.tv_nsec : pause.tv_nsec;
    }
}

int netdev_address(struct netns ns, const char *name, const struct endpoint *address,
                   unsigned prefix, bool present) {
    size_t size = address->family == AF_INET6 ? 16 : 4;
    struct ifaddrmsg body = {.ifa_family = (uint8_t)address->family,
                             .ifa_prefixlen = (uint8_t)prefix,
                             .ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0,
                             .ifa_index = device_index(ns, name)};
    if (body.ifa_index == 0)
        return ENODEV;
    struct rtnetlink_message message =
        present ? rtnetlink_begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body)
                : rtnetlink_begin(RTM_DELADDR, 0, &body, sizeof body);
    rtnetlink_add(&message, IFA_LOCAL, address->address, size);
    rtnetlink_add(&message, IFA_ADDRESS, address->address, size);
    int error = rtnetlink_ask(ns, &message);
    if (error == 0 && present && address->family == AF_INET6)
        await_route(ns, name, address);
    return error;
}

/* --- tentative addresses --- */

/* Writes the 32 hexadecimal digits by which /proc/net/if_inet6 shows the address. */
static void print_digits(const struct endpoint *address, char *digits) {
    for (size_t i = 0; i < sizeof address->address; i++)
        snprintf(digits + 2 * i, 3, "%02x", address->address[i]);
}

/* Returns whether a line of that file says that the address is tentative. The fields are address,
 * index of the device, length of the prefix, scope and flags, all in hexadecimal, and the device.
 */
static bool says_tentative(char *line, const char *address) {
    enum { FLAGS = 4 };
    char *rest = line, *found = strtok_r(line, " ", &rest), *flags = found;
    for (int i = 0; i < FLAGS && flags != NULL; i++)
        flags = strtok_r(NULL, " ", &rest);
    return flags != NULL && strcmp(found, address) == 0 &&
           (strtoul(flags, NULL, 16) & IFA_F_TENTATIVE) != 0;
}

bool netdev_is_tentative(struct netns ns, const struct endpoint *address) {
    char wanted[2 * sizeof address->address + 1], line[256];
    bool tentative = false;
    if (address->family != AF_INET6)
        return false;
    int fd = netns_open(ns, "/proc/thread-self/net/if_inet6", O_RDONLY);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (file == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    print_digits(address, wanted);
    while (!tentative && fgets(line, sizeof line, file) != NULL)
        tentative = says_tentative(line, wanted);
    fclose(file);
    return tentative;
}

/* --- all addresses --- */

/* Appends to the text, unless that would leave no room for ` and more`. */
static bool append_address(char *text, size_t size, const char *address) {
    static const char more[] = " and more";
    size_t used = strlen(text);
    if (used + strlen(address) + 2 + sizeof more > size) {
        snprintf(text + used, size - used, "%s", more);
        return false;
    }
    snprintf(text + used, size - used, "%s%s", used == 0 ? "" : ", ", address);
    return true;
}

void netdev_list_addresses(char *text, size_t size) {
    struct ifaddrs *list = NULL;
    bool fits = true;
    text[0] = '\0';
    if (getifaddrs(&list) != 0)
        return;
    for (const struct ifaddrs *at = list; fits && at != NULL; at = at->ifa_next) {
        char address[NI_MAXHOST];
        socklen_t length = at->ifa_addr == NULL                  ? 0
                           : at->ifa_addr->sa_family == AF_INET  ? sizeof(struct sockaddr_in)
                           : at->ifa_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                 : 0;
        if (length > 0 && (at->ifa_flags & IFF_UP) != 0 &&
            getnameinfo(at->ifa_addr, length, address, sizeof address, NULL, 0, NI_NUMERICHOST) ==
                0)
            fits = append_address(text, size, address);
    }
    freeifaddrs(list);
}
