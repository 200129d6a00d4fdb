/* rtnetlink(7): one request, one answer. */
#include "kernel/neighbour.h"

#include <linux/neighbour.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/rtnetlink.h"

enum neighbour_state neighbour_state(struct netns ns, uint32_t device,
                                     const struct endpoint *address) {
    struct {
        struct nlmsghdr header;
        struct ndmsg body;
        char attributes[512];
    } answer = {.body = {.ndm_state = 0}};
    struct ndmsg body = {.ndm_family = (uint8_t)address->family, .ndm_ifindex = (int)device};
    struct rtnetlink_message message = rtnetlink_begin(RTM_GETNEIGH, 0, &body, sizeof body);
    message.header.nlmsg_flags = NLM_F_REQUEST;
    rtnetlink_add(&message, NDA_DST, address->address, address->family == AF_INET6 ? 16 : 4);
    if (rtnetlink_get(ns, &message, &answer, sizeof answer) != 0 ||
        answer.header.nlmsg_type != RTM_NEWNEIGH)
        return NEIGHBOUR_UNKNOWN;
    uint16_t state = answer.body.ndm_state;
    return (state & NUD_FAILED) != 0                                  ? NEIGHBOUR_SILENT
           : (state & (NUD_PERMANENT | NUD_NOARP)) != 0               ? NEIGHBOUR_FIXED
           : (state & (NUD_INCOMPLETE | NUD_NONE)) != 0 || state == 0 ? NEIGHBOUR_UNKNOWN
                                                                      : NEIGHBOUR_KNOWN;
}
