/* Each function has the name that the linker gives to the replacement of another one; the other one
 * has __real_ before its name. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "inspect/child.h"
#include "kernel/netns.h"

static const uint8_t *at, *end;
static bool active, in_datagrams, keep_sequence;
static uint32_t sequence; /* of the last request that was sent */

void world_begin(const uint8_t *data, size_t size) {
    at = data;
    end = data + size;
    active = true;
    in_datagrams = false;
}

void world_begin_datagrams(const uint8_t *data, size_t size) {
    world_begin(data, size);
    in_datagrams = true;
}

void world_end(void) {
    active = false;
}

static const uint8_t *datagram(size_t *size) {
    uint16_t length = 0;
    if (end - at < 2) {
        at = end;
        *size = 0;
        return at;
    }
    memcpy(&length, at, sizeof length);
    keep_sequence = (length & 0x8000) != 0;
    length &= 0x7fff;
    const uint8_t *piece = at + 2;
    *size = (size_t)(end - piece) < length ? (size_t)(end - piece) : length;
    at = piece + *size;
    return piece;
}

const uint8_t *world_piece(size_t *size) {
    if (in_datagrams)
        return datagram(size);
    const uint8_t *piece = at, *found = memchr(at, PIECE_END, (size_t)(end - at));
    *size = (size_t)((found == NULL ? end : found) - piece);
    at = found == NULL ? end : found + 1;
    return piece;
}

char *world_text(void) {
    size_t size;
    const uint8_t *piece = world_piece(&size);
    char *text = malloc(size + 1);
    if (text == NULL)
        abort();
    memcpy(text, piece, size);
    text[size] = '\0';
    return text;
}

int world_descriptor(void) {
    static int nowhere = -1;
    if (nowhere < 0)
        nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    return dup(nowhere);
}

/* --- files --- */

ssize_t __wrap_file_read(const char *path, char *text, size_t size);
ssize_t __real_file_read(const char *path, char *text, size_t size);
FILE *__wrap_file_stream_plain(const char *path, const char **why);
FILE *__real_file_stream_plain(const char *path, const char **why);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__real_fopen(const char *path, const char *mode);
ssize_t __wrap_readlink(const char *path, char *text, size_t size);
ssize_t __real_readlink(const char *path, char *text, size_t size);
ssize_t __wrap_readlinkat(int directory, const char *path, char *text, size_t size);
ssize_t __real_readlinkat(int directory, const char *path, char *text, size_t size);

/* A file of no bytes cannot be read, so that both happens. */
ssize_t __wrap_file_read(const char *path, char *text, size_t size) {
    size_t got;
    if (!active)
        return __real_file_read(path, text, size);
    const uint8_t *piece = world_piece(&got);
    text[0] = '\0';
    if (got == 0) {
        errno = ENOENT;
        return -1;
    }
    got = got < size ? got : size - 1;
    memcpy(text, piece, got);
    text[got] = '\0';
    return (ssize_t)got;
}

static FILE *stream(void) {
    size_t size;
    const uint8_t *piece = world_piece(&size);
    errno = ENOENT;
    return size == 0 ? NULL : fmemopen((void *)piece, size, "r");
}

FILE *__wrap_file_stream_plain(const char *path, const char **why) {
    if (!active)
        return __real_file_stream_plain(path, why);
    *why = "it is not there";
    return stream();
}

FILE *__wrap_fopen(const char *path, const char *mode) {
    return active ? stream() : __real_fopen(path, mode);
}

static ssize_t link_piece(char *text, size_t size) {
    size_t got;
    const uint8_t *piece = world_piece(&got);
    if (got == 0) {
        errno = EACCES;
        return -1;
    }
    got = got < size ? got : size;
    memcpy(text, piece, got);
    return (ssize_t)got;
}

ssize_t __wrap_readlink(const char *path, char *text, size_t size) {
    return active ? link_piece(text, size) : __real_readlink(path, text, size);
}

ssize_t __wrap_readlinkat(int directory, const char *path, char *text, size_t size) {
    return active ? link_piece(text, size) : __real_readlinkat(directory, path, text, size);
}

/* --- namespaces, sockets --- */

int __wrap_netns_open(struct netns ns, const char *path, int flags);
int __real_netns_open(struct netns ns, const char *path, int flags);
int __wrap_netns_socket(struct netns ns, int family, int type, int protocol);
int __real_netns_socket(struct netns ns, int family, int type, int protocol);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from,
                        socklen_t *from_size);
ssize_t __real_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from,
                        socklen_t *from_size);

/* A file with the bytes of the next piece. */
int __wrap_netns_open(struct netns ns, const char *path, int flags) {
    size_t size;
    if (!active)
        return __real_netns_open(ns, path, flags);
    const uint8_t *piece = world_piece(&size);
    int file = size == 0 ? -1 : memfd_create("piece", MFD_CLOEXEC);
    if (file < 0 || write(file, piece, size) < 0 || lseek(file, 0, SEEK_SET) < 0) {
        if (file >= 0)
            close(file);
        errno = ENOENT;
        return -1;
    }
    return file;
}

int __wrap_netns_socket(struct netns ns, int family, int type, int protocol) {
    return active ? world_descriptor() : __real_netns_socket(ns, family, type, protocol);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags) {
    if (!active)
        return __real_send(fd, bytes, size, flags);
    if (size >= sizeof(struct nlmsghdr))
        sequence = ((const struct nlmsghdr *)bytes)->nlmsg_seq;
    return (ssize_t)size;
}

/* Sets the sequence number of each message that is whole. */
static void set_sequence(char *bytes, size_t size) {
    struct nlmsghdr header;
    while (size >= sizeof header) {
        memcpy(&header, bytes, sizeof header);
        header.nlmsg_seq = sequence;
        memcpy(bytes, &header, sizeof header);
        size_t step = NLMSG_ALIGN((size_t)header.nlmsg_len);
        if (step < sizeof header || step > size)
            return;
        bytes += step;
        size -= step;
    }
}

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags) {
    size_t got;
    if (!active)
        return __real_recv(fd, bytes, size, flags);
    const uint8_t *piece = world_piece(&got);
    if (got == 0) {
        errno = EAGAIN;
        return -1;
    }
    got = got < size ? got : size;
    memcpy(bytes, piece, got);
    if (!keep_sequence)
        set_sequence(bytes, got);
    return (ssize_t)got;
}

ssize_t __wrap_recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from,
                        socklen_t *from_size) {
    return active ? __wrap_recv(fd, bytes, size, flags)
                  : __real_recvfrom(fd, bytes, size, flags, from, from_size);
}

/* --- what would ask the network, or fork --- */

int __wrap_child_run(const struct child *child, child_work *work, void *data, size_t size,
                     struct child_bytes *more, const char **what);
int __real_child_run(const struct child *child, child_work *work, void *data, size_t size,
                     struct child_bytes *more, const char **what);

int __wrap_child_run(const struct child *child, child_work *work, void *data, size_t size,
                     struct child_bytes *more, const char **what) {
    if (!active)
        return __real_child_run(child, work, data, size, more, what);
    *what = "the world has no processes";
    return EPERM;
}
