#include "engine/protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

int protocol_send(int channel, const void *message, size_t size, int fd) {
    struct iovec part = {.iov_base = (void *)message, .iov_len = size};
    union control control = {0};
    struct msghdr envelope = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        control.header = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
        envelope.msg_control = &control;
        envelope.msg_controllen = sizeof control;
    }
    ssize_t sent;
    do
        sent = sendmsg(channel, &envelope, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

int protocol_receive(int channel, void *message, size_t size, int flags, int *fd) {
    struct iovec part = {.iov_base = message, .iov_len = size};
    union control control = {0};
    struct msghdr envelope = {.msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof control};
    ssize_t received;
    do
        received = recvmsg(channel, &envelope, flags | MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    if (fd != NULL)
        *fd = -1;
    if (received < 0)
        return errno == ECONNRESET ? EPIPE : errno;
    if (received == 0)
        return EPIPE;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&envelope);
    if (fd != NULL && header != NULL && header->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(header), sizeof *fd);
    return (size_t)received == size ? 0 : EBADMSG;
}
