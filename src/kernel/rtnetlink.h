/* Requests of rtnetlink(7): a message followed by attributes, which may contain others, and an
 * acknowledgement. */
#ifndef PORTREUSE_KERNEL_RTNETLINK_H
#define PORTREUSE_KERNEL_RTNETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/netns.h"

struct rtnetlink_message {
    struct nlmsghdr header;
    char body[500]; /* more than any of our requests has */
};

/* Begins a request that is acknowledged, with a body of `size` bytes. */
struct rtnetlink_message rtnetlink_begin(uint16_t type, uint16_t flags, const void *body,
                                         size_t size);

/* Adds an attribute. */
void rtnetlink_add(struct rtnetlink_message *message, uint16_t type, const void *value,
                   size_t size);

/* _open begins an attribute that contains what is added until _close is called with what _open
 * returned. _append adds bytes that are no attribute. */
size_t rtnetlink_open(struct rtnetlink_message *message, uint16_t type);
void rtnetlink_close(struct rtnetlink_message *message, size_t opened);
void rtnetlink_append(struct rtnetlink_message *message, const void *bytes, size_t size);

/* Sends the request in the namespace and receives the acknowledgement. Returns 0 or an errno. */
int rtnetlink_ask(struct netns ns, const struct rtnetlink_message *message);

/* Sends a request whose answer is one message, and receives that in `answer`, of `size` bytes.
 * Returns 0 or an errno: EBADMSG if the answer is not sound. */
int rtnetlink_get(struct netns ns, const struct rtnetlink_message *message, void *answer,
                  size_t size);

#endif
