/* The Unix domain sockets of a network namespace, by sock_diag(7) (unix_diag), and what connect()
 * to a socket file says.
 *
 * As with kernel/sockdiag.h, requests and answers are built and parsed as bytes.
 */
#ifndef PORTREUSE_KERNEL_UNIXDIAG_H
#define PORTREUSE_KERNEL_UNIXDIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/sockdiag.h"

/* sizeof sun_path. A path of that length has no NUL in the kernel, but has one here. */
enum { UNIX_NAME_SIZE = 108 };

struct unix_socket {
    int type;               /* SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET */
    enum tcp_state state;   /* LISTEN, ESTABLISHED, or CLOSED */
    uint32_t inode;         /* 0 if it has no file: not yet accepted */
    uint32_t peer;          /* the inode of the socket that it is connected to, or 0 */
    uint32_t uid;           /* where uid_known (Linux 5.3) */
    uint32_t receive_queue; /* LISTEN: connections waiting for accept() */
    uint32_t send_queue;    /* LISTEN: the backlog */
    uint32_t cookie[2];
    bool uid_known;
    bool has_file;                 /* it was bound to a socket file: */
    ino_t file_inode;              /* the file's inode number, 32 bits of it, */
    dev_t file_device;             /* and its file system */
    char name[UNIX_NAME_SIZE + 1]; /* as bind() was given it; an abstract one starts with a NUL */
    size_t name_size;              /* without the NUL at the end of a path; 0: none */
};

/* Returns whether the socket was bound to this file. False does not mean that it was not: on an
 * overlay or btrfs, unix_diag has another device number than stat(2). */
bool unixdiag_is_at(const struct unix_socket *socket, ino_t inode, dev_t device);

/* Called for each socket; `context` is the caller's own. False ends the visits. */
typedef bool unixdiag_visit(void *context, const struct unix_socket *socket);

/* Visits each Unix socket of the namespace that `diag`, from sockdiag_open(), was opened in.
 * Returns 0 or an errno: ENOENT where the kernel lacks unix_diag. */
int unixdiag_dump(int diag, unixdiag_visit *visit, void *context);

/* --- the bytes --- */

enum { UNIXDIAG_REQUEST_SIZE = 40 };

/* Writes the dump request into `request` (UNIXDIAG_REQUEST_SIZE bytes, aligned as a uint32_t). */
void unixdiag_request(uint32_t sequence, void *request);

/* Reads one received datagram, as sockdiag_parse() does. */
enum sockdiag_status unixdiag_parse(const void *bytes, size_t size, uint32_t sequence,
                                    unixdiag_visit *visit, void *context, int *error);

/* --- connect() --- */

/* Asks whether a socket is bound to the file, or abstract name, of `size` bytes at `name`, in any
 * network namespace: a file does not belong to one. Returns
 *   0             a datagram socket is bound to it;
 *   EPROTOTYPE    a socket of another type is;
 *   ECONNREFUSED  none is: the file is stale, or is not a socket at all;
 * or another errno: EACCES without the right to write to the file, ENOENT, ENOTDIR. EPERM is that
 * of a datagram socket that accepts datagrams from its peer alone.
 *
 * It is a connect() with a datagram socket: the server of a stream socket does not notice, because
 * the types differ (unix_find_bsd() in net/unix/af_unix.c), and no datagram is sent. An abstract
 * name is looked up for datagram sockets only: it then says nothing about other types. */
int unixdiag_ask(const char *name, size_t size);

#endif
