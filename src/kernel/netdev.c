/* rtnetlink(7): a request, its attributes behind it, and an acknowledgement. */
#include "kernel/netdev.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int netdev_raise(const char *name) {
    struct ifreq request = {.ifr_flags = IFF_UP};
    strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (any < 0)
        return errno;
    int error = ioctl(any, SIOCSIFFLAGS, &request) < 0 ? errno : 0;
    close(any);
    return error;
}

/* --- requests --- */

struct message {
    struct nlmsghdr header;
    char body[128];
};

static void append(struct message *message, const void *bytes, size_t size) {
    memcpy((char *)message + NLMSG_ALIGN(message->header.nlmsg_len), bytes, size);
    message->header.nlmsg_len = (uint32_t)(NLMSG_ALIGN(message->header.nlmsg_len) + size);
}

static struct message begin(uint16_t type, uint16_t flags, const void *body, size_t size) {
    struct message message = {
        .header = {.nlmsg_len = NLMSG_HDRLEN,
                   .nlmsg_type = type,
                   .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags)}};
    append(&message, body, size);
    return message;
}

static void add_attribute(struct message *message, uint16_t type, const void *value, size_t size) {
    struct rtattr attribute = {.rta_len = (uint16_t)RTA_LENGTH(size), .rta_type = type};
    append(message, &attribute, sizeof attribute);
    append(message, value, size);
}

/* Sends the request and receives the answer to it. Returns 0 or an errno. */
static int ask(const struct message *message) {
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[512]; /* the request once more, and what the kernel says about it */
    } answer = {0};
    int channel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (channel < 0)
        return errno;
    int error = 0;
    ssize_t size = 0;
    if (send(channel, message, message->header.nlmsg_len, 0) < 0 ||
        (size = recv(channel, &answer, sizeof answer, 0)) < 0)
        error = errno;
    else if ((size_t)size < NLMSG_LENGTH(sizeof answer.error) ||
             answer.header.nlmsg_type != NLMSG_ERROR)
        error = EBADMSG;
    else
        error = -answer.error.error;
    close(channel);
    return error;
}

int netdev_make(const char *name) {
    static const char kind[] = "veth";
    struct {
        struct rtattr attribute;
        char kind[sizeof kind - 1];
    } info = {.attribute = {.rta_len = RTA_LENGTH(sizeof kind - 1), .rta_type = IFLA_INFO_KIND}};
    memcpy(info.kind, kind, sizeof info.kind);
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    struct message message = begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
    add_attribute(&message, IFLA_IFNAME, name, strlen(name) + 1);
    add_attribute(&message, IFLA_LINKINFO, &info, sizeof info);
    int error = ask(&message);
    return error != 0 ? error : netdev_raise(name);
}

int netdev_address(const char *name, const struct endpoint *address, unsigned prefix,
                   bool present) {
    size_t size = address->family == AF_INET6 ? 16 : 4;
    struct ifaddrmsg body = {.ifa_family = (uint8_t)address->family,
                             .ifa_prefixlen = (uint8_t)prefix,
                             .ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0,
                             .ifa_index = if_nametoindex(name)};
    if (body.ifa_index == 0)
        return ENODEV;
    struct message message = present
                                 ? begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body)
                                 : begin(RTM_DELADDR, 0, &body, sizeof body);
    add_attribute(&message, IFA_LOCAL, address->address, size);
    add_attribute(&message, IFA_ADDRESS, address->address, size);
    return ask(&message);
}
