#include "kernel/rtnetlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the request --- */

void rtnetlink_append(struct rtnetlink_message *message, const void *bytes, size_t size) {
    memcpy((char *)message + NLMSG_ALIGN(message->header.nlmsg_len), bytes, size);
    message->header.nlmsg_len = (uint32_t)(NLMSG_ALIGN(message->header.nlmsg_len) + size);
}

struct rtnetlink_message rtnetlink_begin(uint16_t type, uint16_t flags, const void *body,
                                         size_t size) {
    struct rtnetlink_message message = {
        .header = {.nlmsg_len = NLMSG_HDRLEN,
                   .nlmsg_type = type,
                   .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags)}};
    rtnetlink_append(&message, body, size);
    return message;
}

void rtnetlink_add(struct rtnetlink_message *message, uint16_t type, const void *value,
                   size_t size) {
    struct rtattr attribute = {.rta_len = (uint16_t)RTA_LENGTH(size), .rta_type = type};
    rtnetlink_append(message, &attribute, sizeof attribute);
    rtnetlink_append(message, value, size);
}

size_t rtnetlink_open(struct rtnetlink_message *message, uint16_t type) {
    size_t opened = NLMSG_ALIGN(message->header.nlmsg_len);
    rtnetlink_add(message, type, "", 0);
    return opened;
}

void rtnetlink_close(struct rtnetlink_message *message, size_t opened) {
    struct rtattr *attribute = (struct rtattr *)((char *)message + opened);
    attribute->rta_len = (uint16_t)(message->header.nlmsg_len - opened);
}

/* --- the answer --- */

/* Sends the request and receives one datagram. Returns its size, or -1 with errno set. */
static ssize_t exchange(struct netns ns, const struct rtnetlink_message *message, void *answer,
                        size_t room) {
    int channel = netns_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    if (channel < 0)
        return -1;
    ssize_t size = send(channel, message, message->header.nlmsg_len, 0);
    if (size >= 0)
        size = recv(channel, answer, room, 0);
    int error = errno;
    close(channel);
    errno = error;
    return size;
}

/* The errno of an answer of type NLMSG_ERROR: 0 is an acknowledgement, and no number of the
 * kernel's EBADMSG. */
static int read_error(const void *answer, ssize_t size) {
    enum { MOST = 4095 }; /* MAX_ERRNO in include/linux/err.h */
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
    } start;
    if ((size_t)size < sizeof start)
        return EBADMSG;
    memcpy(&start, answer, sizeof start);
    return start.error.error > 0 || start.error.error < -MOST ? EBADMSG : -start.error.error;
}

static uint16_t type_of(const void *answer, ssize_t size) {
    struct nlmsghdr header = {0};
    if ((size_t)size >= sizeof header)
        memcpy(&header, answer, sizeof header);
    return header.nlmsg_type;
}

int rtnetlink_ask(struct netns ns, const struct rtnetlink_message *message) {
    char answer[1024]; /* with a copy of the request, and what the kernel says about it */
    ssize_t size = exchange(ns, message, answer, sizeof answer);
    if (size < 0)
        return errno;
    return type_of(answer, size) == NLMSG_ERROR ? read_error(answer, size) : EBADMSG;
}

int rtnetlink_get(struct netns ns, const struct rtnetlink_message *message, void *answer,
                  size_t size) {
    ssize_t got = exchange(ns, message, answer, size);
    if (got < 0)
        return errno;
    if (type_of(answer, got) == NLMSG_ERROR) {
        int error = read_error(answer, got);
        return error == 0 ? EBADMSG : error; /* it was not to be acknowledged, but answered */
    }
    return (size_t)got < sizeof(struct nlmsghdr) + sizeof(struct ifinfomsg) ? EBADMSG : 0;
}
