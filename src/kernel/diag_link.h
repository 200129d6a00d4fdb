/* What all kinds of sock_diag(7) share: the netlink socket, messages and attributes. */
#ifndef PORTREUSE_KERNEL_DIAG_LINK_H
#define PORTREUSE_KERNEL_DIAG_LINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* --- the bytes --- */

/* What reading an answer has come to. */
enum sockdiag_status {
    SOCKDIAG_MORE,   /* the dump continues in the next datagram */
    SOCKDIAG_DONE,   /* the dump is complete */
    SOCKDIAG_ENDED,  /* the visitor ended it */
    SOCKDIAG_ERRNO,  /* the kernel answered with an errno */
    SOCKDIAG_BROKEN, /* not a valid answer to our request */
};

/* Called for each message that is neither an end nor an error. Returns SOCKDIAG_MORE,
 * SOCKDIAG_ENDED or SOCKDIAG_BROKEN. */
typedef enum sockdiag_status diag_message(void *context, const struct nlmsghdr *header);

/* Reads the `size` bytes of one received datagram (aligned as a uint32_t). `*error` is set with
 * SOCKDIAG_ERRNO. */
enum sockdiag_status diag_read(const void *bytes, size_t size, uint32_t sequence,
                               diag_message *take, void *context, int *error);

/* The errno in a message of type NLMSG_ERROR or NLMSG_DONE: SOCKDIAG_DONE if it is 0. */
enum sockdiag_status diag_read_error(const struct nlmsghdr *header, int *error);

/* The attributes behind a message whose own part has `size` bytes; it is at least as long. */
struct diag_attributes {
    const char *at;
    size_t left;
};

struct diag_attributes diag_attributes(const struct nlmsghdr *header, size_t size);

/* Returns the next attribute, which lies within the message, or NULL. A broken one ends the list.
 */
const struct rtattr *diag_next_attribute(struct diag_attributes *list);

/* --- the socket --- */

uint32_t diag_next_sequence(void);

/* Receives one datagram of the kernel's. Returns its size, 0 if it came from elsewhere, or -1 with
 * errno set. */
ssize_t diag_receive(int diag, void *buffer, size_t size);

/* Called with each datagram of a dump; returns as diag_read() does. */
typedef enum sockdiag_status diag_datagram(void *context, const void *bytes, size_t size,
                                           uint32_t sequence, int *error);

/* Sends the dump request, which begins with its struct nlmsghdr, and reads the answer to its end.
 * Returns 0 or an errno: EBADMSG if the answer is not sound. `*ended` says whether `take` wanted no
 * more. */
int diag_dump(int diag, const void *request, size_t length, diag_datagram *take, void *context,
              bool *ended);

#endif
