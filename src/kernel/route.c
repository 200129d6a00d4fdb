/* rtnetlink(7): one request, one answer. */
#include "kernel/route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "kernel/diag_link.h"

/* <linux/rtnetlink.h>, Linux 4.19; an older kernel ignores them. */
enum { ROUTE_PROTOCOL = 27 /* RTA_IP_PROTO */, ROUTE_SOURCE_PORT, ROUTE_DESTINATION_PORT };

struct route_request {
    struct nlmsghdr header;
    struct rtmsg route;
    char attributes[128];
};

static void add(struct route_request *request, unsigned short type, const void *value,
                size_t size) {
    char *at = (char *)request + NLMSG_ALIGN(request->header.nlmsg_len);
    struct rtattr attribute = {.rta_len = (unsigned short)RTA_LENGTH(size), .rta_type = type};
    memcpy(at, &attribute, sizeof attribute);
    memcpy(at + RTA_LENGTH(0), value, size);
    request->header.nlmsg_len =
        (uint32_t)(NLMSG_ALIGN(request->header.nlmsg_len) + RTA_SPACE(size));
}

static size_t address_size(const struct endpoint *endpoint) {
    return endpoint->family == AF_INET6 ? 16 : 4;
}

/* A source of the other family gives no route, nor does connect() from it. */
static bool write_request(const struct route_question *question, struct route_request *request) {
    struct endpoint to = endpoint_unmapped(&question->to),
                    from = endpoint_unmapped(&question->from);
    uint16_t port = htons(to.port);
    *request =
        (struct route_request){.header = {.nlmsg_len = NLMSG_LENGTH(sizeof request->route),
                                          .nlmsg_type = RTM_GETROUTE,
                                          .nlmsg_flags = NLM_F_REQUEST},
                               .route = {.rtm_family = (unsigned char)to.family,
                                         .rtm_dst_len = (unsigned char)(8 * address_size(&to))}};
    add(request, RTA_DST, to.address, address_size(&to));
    if (from.family != 0 && !endpoint_is_wildcard(&from)) {
        if (from.family != to.family)
            return false;
        request->route.rtm_src_len = (unsigned char)(8 * address_size(&from));
        add(request, RTA_SRC, from.address, address_size(&from));
    }
    if (question->device != 0)
        add(request, RTA_OIF, &question->device, sizeof question->device);
    add(request, ROUTE_PROTOCOL, &question->protocol, sizeof question->protocol);
    if (port != 0)
        add(request, ROUTE_DESTINATION_PORT, &port, sizeof port);
    return true;
}

static bool is_family(unsigned family) {
    return family == AF_INET || family == AF_INET6;
}

/* Returns whether the answer is about an address of a family that we know. */
static bool read_route(const struct nlmsghdr *header, struct route *route) {
    const struct rtmsg *message = NLMSG_DATA(header);
    struct diag_attributes list = diag_attributes(header, sizeof *message);
    *route = (struct route){.local = message->rtm_type == RTN_LOCAL,
                            .broadcast = message->rtm_type == RTN_BROADCAST,
                            .multicast = message->rtm_type == RTN_MULTICAST};
    for (const struct rtattr *attribute; (attribute = diag_next_attribute(&list)) != NULL;) {
        size_t size = attribute->rta_len - RTA_LENGTH(0);
        if (attribute->rta_type == RTA_PREFSRC && size <= sizeof route->source.address) {
            route->source.family = message->rtm_family;
            memcpy(route->source.address, RTA_DATA(attribute), size);
        } else if (attribute->rta_type == RTA_GATEWAY && size <= sizeof route->next_hop.address) {
            route->next_hop.family = message->rtm_family;
            memcpy(route->next_hop.address, RTA_DATA(attribute), size);
        } else if (attribute->rta_type == RTA_VIA && size >= sizeof(struct rtvia) &&
                   size - sizeof(struct rtvia) <= sizeof route->next_hop.address) {
            const struct rtvia *via = RTA_DATA(attribute); /* IPv4 by way of an IPv6 gateway */
            if (!is_family(via->rtvia_family))
                continue;
            route->next_hop.family = via->rtvia_family;
            memcpy(route->next_hop.address, via->rtvia_addr, size - sizeof *via);
        } else if (attribute->rta_type == RTA_OIF && size == sizeof route->device) {
            memcpy(&route->device, RTA_DATA(attribute), size);
        }
    }
    return is_family(message->rtm_family);
}

/* Reads the answer. Returns 0 or an errno. */
static int read_answer(const void *bytes, size_t size, struct route *route) {
    const struct nlmsghdr *header = bytes;
    if (size < sizeof *header || header->nlmsg_len > size)
        return EBADMSG;
    int error = 0;
    if (header->nlmsg_type == NLMSG_ERROR)
        return diag_read_error(header, &error) == SOCKDIAG_ERRNO ? error : EBADMSG;
    if (header->nlmsg_type != RTM_NEWROUTE ||
        header->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtmsg)))
        return EBADMSG;
    return read_route(header, route) ? 0 : EBADMSG;
}

int route_find(struct netns ns, const struct route_question *question, struct route *route) {
    struct route_request request;
    _Alignas(struct nlmsghdr) char answer[4096];
    *route = (struct route){0};
    if (!write_request(question, &request))
        return EINVAL;
    int channel = netns_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    if (channel < 0)
        return errno;
    ssize_t size = send(channel, &request, request.header.nlmsg_len, 0);
    if (size >= 0)
        size = recv(channel, answer, sizeof answer, 0);
    int error = size < 0 ? errno : read_answer(answer, (size_t)size, route);
    close(channel);
    if (error == 0 && route->next_hop.family == 0) {
        route->next_hop = endpoint_unmapped(&question->to);
        route->next_hop.port = 0;
    }
    return error;
}
