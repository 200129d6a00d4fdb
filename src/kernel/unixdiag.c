/* unix_diag lists sockets without a name too, and connected ones: there are thousands of them on a
 * desktop. It has no filter but the states; the rest is the visitor's part. */
#include "kernel/unixdiag.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "kernel/diag_link.h"

/* Since Linux 5.3 (an enumerator in a newer <linux/unix_diag.h>). */
enum { SHOW_UID = 0x40, ATTRIBUTE_UID = 7 };

struct request {
    struct nlmsghdr header;
    struct unix_diag_req diag;
};

_Static_assert(sizeof(struct request) <= UNIXDIAG_REQUEST_SIZE, "room for a request");
_Static_assert(UNIX_NAME_SIZE == sizeof((struct sockaddr_un){0}.sun_path), "room for a name");

void unixdiag_request(uint32_t sequence, void *request) {
    const struct request whole = {
        .header = {.nlmsg_len = sizeof whole,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                   .nlmsg_seq = sequence},
        .diag = {.sdiag_family = AF_UNIX,
                 .udiag_states = STATES_ANY,
                 .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER |
                               UDIAG_SHOW_RQLEN | SHOW_UID},
    };
    memcpy(request, &whole, sizeof whole);
}

/* --- answers --- */

/* The kernel's own form of a device number (MKDEV in include/linux/kdev_t.h). */
static dev_t device_of(uint32_t number) {
    return makedev(number >> 20, number & 0xfffff);
}

static uint32_t read_number(const struct rtattr *attribute) {
    uint32_t number = 0;
    if (attribute->rta_len >= RTA_LENGTH(sizeof number))
        memcpy(&number, RTA_DATA(attribute), sizeof number);
    return number;
}

/* A name is as long as bind() made it. Where that counted the NUL of a path, it is left out. */
static void read_name(const struct rtattr *attribute, struct unix_socket *socket) {
    size_t size = attribute->rta_len - RTA_LENGTH(0);
    size = size < UNIX_NAME_SIZE ? size : UNIX_NAME_SIZE;
    memcpy(socket->name, RTA_DATA(attribute), size);
    socket->name[size] = '\0';
    socket->name_size = size > 0 && socket->name[0] != '\0' ? strlen(socket->name) : size;
}

static void read_attribute(const struct rtattr *attribute, struct unix_socket *socket) {
    struct unix_diag_vfs file;
    struct unix_diag_rqlen queues;
    switch (attribute->rta_type) {
    case UNIX_DIAG_NAME:
        read_name(attribute, socket);
        break;
    case UNIX_DIAG_VFS:
        if (attribute->rta_len < RTA_LENGTH(sizeof file))
            break;
        memcpy(&file, RTA_DATA(attribute), sizeof file);
        socket->has_file = true;
        socket->file_inode = file.udiag_vfs_ino;
        socket->file_device = device_of(file.udiag_vfs_dev);
        break;
    case UNIX_DIAG_PEER:
        socket->peer = read_number(attribute);
        break;
    case UNIX_DIAG_RQLEN:
        if (attribute->rta_len < RTA_LENGTH(sizeof queues))
            break;
        memcpy(&queues, RTA_DATA(attribute), sizeof queues);
        socket->receive_queue = queues.udiag_rqueue;
        socket->send_queue = queues.udiag_wqueue;
        break;
    case ATTRIBUTE_UID:
        socket->uid_known = attribute->rta_len >= RTA_LENGTH(sizeof socket->uid);
        socket->uid = read_number(attribute);
        break;
    default:
        break;
    }
}

struct parsing {
    unixdiag_visit *visit;
    void *context;
};

static enum sockdiag_status parse_message(void *context, const struct nlmsghdr *header) {
    const struct parsing *parsing = context;
    const struct unix_diag_msg *message = NLMSG_DATA(header);
    if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        header->nlmsg_len < NLMSG_LENGTH(sizeof *message) || message->udiag_family != AF_UNIX ||
        message->udiag_state >= STATE_COUNT)
        return SOCKDIAG_BROKEN;
    struct unix_socket socket = {
        .type = message->udiag_type,
        .state = (enum tcp_state)message->udiag_state,
        .inode = message->udiag_ino,
        .cookie = {message->udiag_cookie[0], message->udiag_cookie[1]},
    };
    struct diag_attributes list = diag_attributes(header, sizeof *message);
    for (const struct rtattr *attribute; (attribute = diag_next_attribute(&list)) != NULL;)
        read_attribute(attribute, &socket);
    return parsing->visit(parsing->context, &socket) ? SOCKDIAG_MORE : SOCKDIAG_ENDED;
}

enum sockdiag_status unixdiag_parse(const void *bytes, size_t size, uint32_t sequence,
                                    unixdiag_visit *visit, void *context, int *error) {
    struct parsing parsing = {visit, context};
    return diag_read(bytes, size, sequence, parse_message, &parsing, error);
}

static enum sockdiag_status take_datagram(void *context, const void *bytes, size_t size,
                                          uint32_t sequence, int *error) {
    return diag_read(bytes, size, sequence, parse_message, context, error);
}

int unixdiag_dump(int diag, unixdiag_visit *visit, void *context) {
    _Alignas(uint32_t) char request[UNIXDIAG_REQUEST_SIZE];
    struct parsing parsing = {visit, context};
    bool ended = false;
    unixdiag_request(diag_next_sequence(), request);
    return diag_dump(diag, request, sizeof(struct request), take_datagram, &parsing, &ended);
}

bool unixdiag_is_at(const struct unix_socket *socket, ino_t inode, dev_t device) {
    return socket->has_file && (uint32_t)socket->file_inode == (uint32_t)inode &&
           socket->file_device == device;
}

/* --- connect() --- */

int unixdiag_ask(const char *name, size_t size) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (size > sizeof address.sun_path)
        return ENAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    memcpy(address.sun_path, name, size);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    int error = connect(fd, (struct sockaddr *)&address, length) < 0 ? errno : 0;
    close(fd);
    return error;
}
