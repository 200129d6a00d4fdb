/* Tunnels have their port among the attributes of their device; the endpoints of MPTCP are asked by
 * generic netlink; NFS has files in /proc. WireGuard tells its port to programs with CAP_NET_ADMIN
 * alone, and is not asked. */
#include "kernel/holder.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "kernel/diag_link.h"
#include "kernel/netns.h"

/* --- attributes --- */

static struct diag_attributes nested(const struct rtattr *attribute) {
    return (struct diag_attributes){RTA_DATA(attribute), RTA_PAYLOAD(attribute)};
}

static unsigned type_of(const struct rtattr *attribute) {
    return attribute->rta_type & (unsigned)NLA_TYPE_MASK;
}

static const struct rtattr *attribute_of(struct diag_attributes list, unsigned type) {
    const struct rtattr *attribute;
    while ((attribute = diag_next_attribute(&list)) != NULL)
        if (type_of(attribute) == type)
            return attribute;
    return NULL;
}

static void copy_name(const struct rtattr *attribute, char name[HOLDER_NAME_SIZE]) {
    size_t size = attribute == NULL ? 0 : RTA_PAYLOAD(attribute);
    size = size < HOLDER_NAME_SIZE ? size : HOLDER_NAME_SIZE - 1;
    if (size > 0)
        memcpy(name, RTA_DATA(attribute), size);
    name[size] = '\0';
}

/* Returns a port in the order of the network, or of the host; 0 if there is none. */
static uint16_t port_of(const struct rtattr *attribute, bool of_network) {
    uint16_t port;
    if (attribute == NULL || RTA_PAYLOAD(attribute) < sizeof port)
        return 0;
    memcpy(&port, RTA_DATA(attribute), sizeof port);
    return of_network ? ntohs(port) : port;
}

/* --- network devices --- */

/* The attribute of each kind with its port; older headers do not have all of them. */
static const struct {
    const char *kind;
    enum holder_kind holder;
    unsigned port;
} tunnels[] = {
    {"vxlan", HOLDER_VXLAN, 15},
    {"geneve", HOLDER_GENEVE, 5},
    {"bareudp", HOLDER_BAREUDP, 1},
};

struct link_search {
    uint16_t port;
    struct kernel_holder *found;
};

static void read_info(const struct link_search *search, const struct rtattr *info,
                      const struct rtattr *name) {
    char kind[HOLDER_NAME_SIZE];
    copy_name(attribute_of(nested(info), IFLA_INFO_KIND), kind);
    const struct rtattr *data = attribute_of(nested(info), IFLA_INFO_DATA);
    for (size_t i = 0; data != NULL && i < sizeof tunnels / sizeof tunnels[0]; i++)
        if (strcmp(kind, tunnels[i].kind) == 0 &&
            port_of(attribute_of(nested(data), tunnels[i].port), true) == search->port) {
            search->found->kind = tunnels[i].holder;
            copy_name(name, search->found->name);
        }
}

static enum sockdiag_status take_link(void *context, const struct nlmsghdr *header) {
    const struct link_search *search = context;
    if (header->nlmsg_type != RTM_NEWLINK ||
        header->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifinfomsg)))
        return SOCKDIAG_BROKEN;
    struct diag_attributes list = diag_attributes(header, sizeof(struct ifinfomsg));
    const struct rtattr *info = attribute_of(list, IFLA_LINKINFO);
    if (info != NULL)
        read_info(search, info, attribute_of(list, IFLA_IFNAME));
    return SOCKDIAG_MORE;
}

static enum sockdiag_status read_links(void *context, const void *bytes, size_t size,
                                       uint32_t sequence, int *error) {
    return diag_read(bytes, size, sequence, take_link, context, error);
}

static void find_tunnel(uint16_t port, struct kernel_holder *found) {
    struct {
        struct nlmsghdr header;
        struct ifinfomsg link;
    } request = {.header = {.nlmsg_len = sizeof request,
                            .nlmsg_type = RTM_GETLINK,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                            .nlmsg_seq = diag_next_sequence()}};
    struct link_search search = {port, found};
    bool ended = false;
    int route = netns_socket(NETNS_HERE, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    if (route < 0)
        return;
    diag_dump(route, &request, sizeof request, read_links, &search, &ended);
    close(route);
}

/* --- generic netlink --- */

struct generic {
    struct nlmsghdr header;
    struct genlmsghdr command;
    char attributes[32];
};

static struct generic generic_request(uint16_t type, uint8_t command, uint16_t flags) {
    return (struct generic){.header = {.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN),
                                       .nlmsg_type = type,
                                       .nlmsg_flags = NLM_F_REQUEST | flags,
                                       .nlmsg_seq = diag_next_sequence()},
                            .command = {.cmd = command, .version = 1}};
}

/* Adds the only attribute: a text. */
static void add_text(struct generic *request, unsigned type, const char *text) {
    size_t size = strlen(text) + 1;
    struct rtattr attribute = {.rta_len = (uint16_t)RTA_LENGTH(size), .rta_type = (uint16_t)type};
    memcpy(request->attributes, &attribute, sizeof attribute);
    memcpy(request->attributes + RTA_LENGTH(0), text, size);
    request->header.nlmsg_len += RTA_ALIGN(attribute.rta_len);
}

struct family_search {
    uint16_t id;
};

static enum sockdiag_status take_family(void *context, const struct nlmsghdr *header) {
    struct family_search *search = context;
    if (header->nlmsg_len < NLMSG_LENGTH(GENL_HDRLEN))
        return SOCKDIAG_BROKEN;
    search->id =
        port_of(attribute_of(diag_attributes(header, GENL_HDRLEN), CTRL_ATTR_FAMILY_ID), false);
    return SOCKDIAG_ENDED;
}

static enum sockdiag_status read_family(void *context, const void *bytes, size_t size,
                                        uint32_t sequence, int *error) {
    return diag_read(bytes, size, sequence, take_family, context, error);
}

/* Returns the number of the family; 0 if there is none of this name. */
static uint16_t family_of(int generic, const char *name) {
    struct generic request = generic_request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
    struct family_search search = {0};
    bool ended = false;
    add_text(&request, CTRL_ATTR_FAMILY_NAME, name);
    diag_dump(generic, &request, request.header.nlmsg_len, read_family, &search, &ended);
    return search.id;
}

/* MPTCP_PM_CMD_GET_ADDR and its attributes (include/uapi/linux/mptcp_pm.h of the kernel). */
enum { GET_ADDR = 3, ATTR_ADDR = 1, ADDR_ID = 2, ADDR_ADDR4 = 3, ADDR_ADDR6 = 4, ADDR_PORT = 5 };

struct endpoint_search {
    const struct endpoint *local;
    struct kernel_holder *found;
};

static bool has_address(struct diag_attributes list, const struct endpoint *local) {
    bool is_ipv6 = local->family == AF_INET6;
    const struct rtattr *address = attribute_of(list, is_ipv6 ? ADDR_ADDR6 : ADDR_ADDR4);
    size_t size = is_ipv6 ? 16 : 4;
    return address != NULL && RTA_PAYLOAD(address) >= size &&
           memcmp(RTA_DATA(address), local->address, size) == 0;
}

static enum sockdiag_status take_endpoint(void *context, const struct nlmsghdr *header) {
    const struct endpoint_search *search = context;
    if (header->nlmsg_len < NLMSG_LENGTH(GENL_HDRLEN))
        return SOCKDIAG_BROKEN;
    const struct rtattr *address = attribute_of(diag_attributes(header, GENL_HDRLEN), ATTR_ADDR);
    if (address == NULL)
        return SOCKDIAG_MORE;
    struct diag_attributes list = nested(address);
    const struct rtattr *id = attribute_of(list, ADDR_ID);
    if (id == NULL || RTA_PAYLOAD(id) < 1 || !has_address(list, search->local) ||
        port_of(attribute_of(list, ADDR_PORT), false) != search->local->port)
        return SOCKDIAG_MORE;
    search->found->kind = HOLDER_MPTCP;
    snprintf(search->found->name, HOLDER_NAME_SIZE, "%u", *(const uint8_t *)RTA_DATA(id));
    return SOCKDIAG_ENDED;
}

static enum sockdiag_status read_endpoints(void *context, const void *bytes, size_t size,
                                           uint32_t sequence, int *error) {
    return diag_read(bytes, size, sequence, take_endpoint, context, error);
}

/* A kernel without MPTCP is not asked: it would look for a module each time. */
static void find_endpoint(const struct endpoint *local, struct kernel_holder *found) {
    struct endpoint_search search = {local, found};
    bool ended = false;
    int generic = netns_socket(NETNS_HERE, AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
    if (generic < 0)
        return;
    uint16_t family = family_of(generic, "mptcp_pm");
    struct generic request = generic_request(family, GET_ADDR, NLM_F_DUMP);
    if (family != 0)
        diag_dump(generic, &request, request.header.nlmsg_len, read_endpoints, &search, &ended);
    close(generic);
}

/* --- NFS --- */

/* The lines of the list are `tcp 2049`. */
static void find_nfs(bool udp, uint16_t port, struct kernel_holder *found) {
    char text[1024], line[32];
    const char *lockd = udp ? "/proc/sys/fs/nfs/nlm_udpport" : "/proc/sys/fs/nfs/nlm_tcpport";
    snprintf(line, sizeof line, "%s %u\n", udp ? "udp" : "tcp", port);
    if (file_read("/proc/fs/nfsd/portlist", text, sizeof text) > 0 && strstr(text, line) != NULL)
        found->kind = HOLDER_NFSD;
    else if (file_read(lockd, text, sizeof text) > 0 && strtoul(text, NULL, 10) == port)
        found->kind = HOLDER_LOCKD;
}

struct kernel_holder holder_find(bool udp, const struct endpoint *local) {
    struct kernel_holder found = {0};
    if (udp)
        find_tunnel(local->port, &found);
    else
        find_endpoint(local, &found);
    if (found.kind == HOLDER_NONE)
        find_nfs(udp, local->port, &found);
    return found;
}
