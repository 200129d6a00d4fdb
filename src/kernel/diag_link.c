#include "kernel/diag_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { MAX_ERRNO = 4095 }; /* include/linux/err.h */

/* --- the bytes --- */

/* Both NLMSG_ERROR and NLMSG_DONE start with an errno, negative, or 0. A dump that fails says so in
 * the latter (netlink_dump_done() in net/netlink/af_netlink.c): so does one of a protocol that has
 * no inet_diag. */
enum sockdiag_status diag_read_error(const struct nlmsghdr *header, int *error) {
    int answer = 0;
    if (header->nlmsg_len >= NLMSG_LENGTH(sizeof answer))
        memcpy(&answer, NLMSG_DATA(header), sizeof answer);
    else if (header->nlmsg_type == NLMSG_ERROR)
        return SOCKDIAG_BROKEN;
    if (answer > 0 || answer < -MAX_ERRNO)
        return SOCKDIAG_BROKEN;
    *error = -answer;
    return *error == 0 ? SOCKDIAG_DONE : SOCKDIAG_ERRNO;
}

enum sockdiag_status diag_read(const void *bytes, size_t size, uint32_t sequence,
                               diag_message *take, void *context, int *error) {
    const char *at = bytes;
    while (size >= sizeof(struct nlmsghdr)) {
        const struct nlmsghdr *header = (const struct nlmsghdr *)at;
        if (header->nlmsg_len < sizeof *header || header->nlmsg_len > size ||
            header->nlmsg_seq != sequence)
            return SOCKDIAG_BROKEN;
        if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
            return diag_read_error(header, error);
        enum sockdiag_status status = take(context, header);
        if (status != SOCKDIAG_MORE)
            return status;
        size_t step = NLMSG_ALIGN(header->nlmsg_len);
        step = step < size ? step : size;
        at += step;
        size -= step;
    }
    return size == 0 ? SOCKDIAG_MORE : SOCKDIAG_BROKEN;
}

struct diag_attributes diag_attributes(const struct nlmsghdr *header, size_t size) {
    size_t offset = NLMSG_SPACE(size);
    return offset >= header->nlmsg_len ? (struct diag_attributes){NULL, 0}
                                       : (struct diag_attributes){(const char *)header + offset,
                                                                  header->nlmsg_len - offset};
}

const struct rtattr *diag_next_attribute(struct diag_attributes *list) {
    const struct rtattr *attribute = (const struct rtattr *)list->at;
    if (list->left < sizeof *attribute || attribute->rta_len < sizeof *attribute ||
        attribute->rta_len > list->left)
        return NULL;
    size_t step = RTA_ALIGN(attribute->rta_len);
    step = step < list->left ? step : list->left;
    list->at += step;
    list->left -= step;
    return attribute;
}

/* --- the socket --- */

uint32_t diag_next_sequence(void) {
    static uint32_t sequence;
    return ++sequence;
}

ssize_t diag_receive(int diag, void *buffer, size_t size) {
    struct sockaddr_nl from = {0};
    socklen_t from_size = sizeof from;
    ssize_t received;
    do
        received = recvfrom(diag, buffer, size, 0, (struct sockaddr *)&from, &from_size);
    while (received < 0 && errno == EINTR);
    return received > 0 && from.nl_pid != 0 ? 0 : received;
}

enum { DATAGRAM_SIZE = 32 * 1024 }; /* what the kernel fills for a reader that offers as much */

static int dump(int diag, const void *request, size_t length, diag_datagram *take, void *context,
                bool *ended, char *buffer) {
    uint32_t sequence = ((const struct nlmsghdr *)request)->nlmsg_seq;
    if (send(diag, request, length, 0) < 0)
        return errno;
    for (;;) {
        int error = 0;
        ssize_t received = diag_receive(diag, buffer, DATAGRAM_SIZE);
        if (received < 0)
            return errno;
        if (received == 0)
            continue;
        /* What a visitor left unread of an earlier dump still waits in the socket. */
        const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;
        if ((size_t)received >= sizeof *header && header->nlmsg_seq != sequence)
            continue;
        switch (take(context, buffer, (size_t)received, sequence, &error)) {
        case SOCKDIAG_MORE:
            break;
        case SOCKDIAG_ENDED:
            *ended = true;
            return 0;
        case SOCKDIAG_DONE:
            return 0;
        case SOCKDIAG_ERRNO:
            /* An earlier dump was not read to its end: it is now, a part with each answer. */
            if (error != EBUSY)
                return error;
            if (send(diag, request, length, 0) < 0)
                return errno;
            break;
        case SOCKDIAG_BROKEN:
            return EBADMSG;
        }
    }
}

/* On the stack, each page of the buffer would cost a page fault, used or not, as the compiler
 * touches all of them (-fstack-clash-protection). */
int diag_dump(int diag, const void *request, size_t length, diag_datagram *take, void *context,
              bool *ended) {
    char *buffer = malloc(DATAGRAM_SIZE);
    int error = buffer == NULL ? ENOMEM : dump(diag, request, length, take, context, ended, buffer);
    free(buffer);
    return error;
}
