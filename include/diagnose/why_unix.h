/* Would bind(), or connect(), to the name of a Unix socket succeed now, and if not, why? A look
 * that changes nothing: lstat(2), a connect() that no server notices (kernel/unixdiag.h), unix_diag
 * in this network namespace and, for a socket file that is in use elsewhere, in all others. */
#ifndef PORTREUSE_DIAGNOSE_WHY_UNIX_H
#define PORTREUSE_DIAGNOSE_WHY_UNIX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "inspect/namespaces.h"
#include "kernel/unixdiag.h"
#include "model/cause.h"

struct unix_question {
    char name[UNIX_NAME_SIZE + 1]; /* the path, or an abstract name, which starts with a NUL */
    size_t name_size;              /* of the name, without the NUL at the end of a path */
    int type;       /* SOCK_STREAM, ...; 0: SOCK_STREAM. It matters for abstract names only */
    bool is_client; /* it connects, rather than binds */
};

/* What is at the name. */
enum unix_place {
    UNIX_ABSTRACT,
    UNIX_NO_FILE,
    UNIX_SOCKET_FILE,
    UNIX_OTHER_FILE,
    UNIX_UNREADABLE, /* the directory cannot be searched */
};

struct why_unix {
    int unread;       /* the errno for which the file could not be looked at: want of memory or the
                         like, not its rights. Then nothing else is known */
    int error;        /* what the call answers, or 0 */
    const char *call; /* "bind" or "connect", static; NULL if it succeeds */
    enum cause cause;
    enum unix_place place;
    enum knowledge bound; /* whether a socket is bound to the name, in any network namespace */
    bool found;           /* such a socket, in the namespace `where` ("" is this one): */
    char where[NAMESPACE_NAME_SIZE];
    struct unix_socket socket;
    int other_type; /* of an abstract name: no SOCK_STREAM socket has it, but this type does, and
                       the answer is about that; else 0 */
    pid_t
        files_of; /* the path is one in the root, or from the directory, of this process; else 0 */
    bool listed;  /* the Unix sockets of this namespace could be listed, */
    bool from_proc;  /* from /proc/net, which has no user and no file */
    unsigned unseen; /* namespaces that could not be looked at */
};

/* Looks, as the user and in the network namespace of the caller. Of an abstract name each type has
 * its own; of a question without a type the first that is in use counts. */
void why_unix_look(const struct unix_question *question, struct why_unix *why);

/* The size of the path without slashes at its end, with which it names no file. */
size_t why_unix_file_size(const struct unix_question *question);

/* What was not possible if `unread` is set. */
extern const char why_unix_unread[];

/* --- the pure part, for tests --- */

/* What the looks have shown about a name. */
struct unix_signs {
    enum unix_place place;
    int error; /* UNIX_NO_FILE: that of connect(), or why bind() cannot create the file, or 0 */
    int asked; /* unixdiag_ask(), for a socket file, and for the other file of a client */
    bool ends_in_slash;
    bool found, listed; /* in unix_diag: such a socket; all sockets */
    bool listens;       /* the socket found */
    bool is_client;
};

/* Sets error, call, cause and bound. */
void why_unix_judge(const struct unix_signs *signs, struct why_unix *why);

#endif
