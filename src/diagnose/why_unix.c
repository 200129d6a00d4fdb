/* A socket file outlives its server; only the kernel knows whether a socket is still bound to it.
 * It is asked by a connect() of another type, which looks at the file alone, whatever the network
 * namespace: ECONNREFUSED proves that the file is stale. unix_diag then says which socket has it.
 */
#include "diagnose/why_unix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errnames.h"
#include "kernel/sockets.h"

/* --- the judgement --- */

/* Of a socket file unixdiag_ask() knows; of an abstract name, which belongs to the network
 * namespace, unix_diag. */
static enum knowledge is_bound(const struct unix_signs *signs) {
    if (signs->found)
        return KNOWN_YES;
    if (signs->place == UNIX_ABSTRACT)
        return signs->listed ? KNOWN_NO : NOT_KNOWN;
    if (signs->place != UNIX_SOCKET_FILE)
        return signs->place == UNIX_UNREADABLE ? NOT_KNOWN : KNOWN_NO;
    switch (signs->asked) {
    case 0:
    case EPERM:
    case EPROTOTYPE:
        return KNOWN_YES;
    case ECONNREFUSED:
        return KNOWN_NO;
    default:
        return NOT_KNOWN;
    }
}

static void refuse(struct why_unix *why, int error, enum cause cause) {
    why->error = error;
    why->cause = cause;
}

static enum cause cause_without_file(const struct unix_signs *signs) {
    if (signs->ends_in_slash)
        return CAUSE_UNIX_ENDS_IN_SLASH;
    if (signs->error == ENOTDIR)
        return CAUSE_UNIX_NOT_A_DIRECTORY;
    if (signs->is_client)
        return CAUSE_UNIX_NO_SOCKET;
    return signs->error == ENOENT ? CAUSE_UNIX_NO_DIRECTORY : CAUSE_UNIX_DIRECTORY_NOT_WRITABLE;
}

static void judge_server(const struct unix_signs *signs, struct why_unix *why) {
    switch (signs->place) {
    case UNIX_NO_FILE:
        if (signs->error != 0)
            refuse(why, signs->error, cause_without_file(signs));
        break;
    case UNIX_UNREADABLE:
        refuse(why, EACCES, CAUSE_UNIX_DIRECTORY_NOT_WRITABLE);
        break;
    case UNIX_OTHER_FILE:
        refuse(why, EADDRINUSE, CAUSE_UNIX_NOT_A_SOCKET);
        break;
    case UNIX_SOCKET_FILE:
        refuse(why, EADDRINUSE,
               why->bound == KNOWN_YES  ? CAUSE_UNIX_SOCKET_IN_USE
               : why->bound == KNOWN_NO ? CAUSE_UNIX_STALE_SOCKET
                                        : CAUSE_UNKNOWN);
        break;
    case UNIX_ABSTRACT:
        if (why->bound == KNOWN_YES)
            refuse(why, EADDRINUSE, CAUSE_UNIX_SOCKET_IN_USE);
        break;
    }
}

static void judge_client(const struct unix_signs *signs, struct why_unix *why) {
    if (signs->place == UNIX_NO_FILE)
        refuse(why, signs->error, cause_without_file(signs));
    else if (signs->place == UNIX_UNREADABLE ||
             (signs->place == UNIX_SOCKET_FILE && signs->asked == EACCES))
        refuse(why, EACCES, CAUSE_UNIX_NOT_PERMITTED);
    else if (signs->place == UNIX_OTHER_FILE)
        refuse(why, signs->asked, CAUSE_UNIX_NOT_A_SOCKET);
    else if (why->bound == KNOWN_NO)
        refuse(why, ECONNREFUSED,
               signs->place == UNIX_ABSTRACT ? CAUSE_UNIX_NO_SOCKET : CAUSE_UNIX_STALE_SOCKET);
    else if (signs->found && !signs->listens)
        refuse(why, ECONNREFUSED, CAUSE_UNIX_NO_SOCKET);
}

void why_unix_judge(const struct unix_signs *signs, struct why_unix *why) {
    why->place = signs->place;
    why->bound = is_bound(signs);
    why->listed = signs->listed;
    why->found = signs->found;
    if (signs->is_client)
        judge_client(signs, why);
    else
        judge_server(signs, why);
    why->call = why->error == 0 ? NULL : signs->is_client ? "connect" : "bind";
}

/* --- the socket --- */

struct search {
    const struct unix_question *question;
    const struct stat *file; /* NULL: an abstract name */
    struct why_unix *why;
    unsigned match; /* how well the socket found so far matches */
};

enum { NO_MATCH, SAME_NAME, SAME_INODE_NUMBER, SAME_FILE };

static bool same_name(const struct unix_question *question, const struct unix_socket *socket) {
    return socket->name_size == question->name_size &&
           memcmp(socket->name, question->name, question->name_size) == 0;
}

/* On an overlay or btrfs the device numbers differ, and /proc/net has names alone. A name alone is
 * weak: another mount namespace has other files under it. It counts only together with a file that
 * is known to be in use. */
static unsigned match(const struct search *search, const struct unix_socket *socket) {
    const struct stat *file = search->file;
    bool named = same_name(search->question, socket);
    if (file == NULL)
        return named && socket->type == search->question->type ? SAME_FILE : NO_MATCH;
    if (unixdiag_is_at(socket, file->st_ino, file->st_dev))
        return SAME_FILE;
    if (!named)
        return NO_MATCH;
    return socket->has_file && (uint32_t)socket->file_inode == (uint32_t)file->st_ino
               ? SAME_INODE_NUMBER
               : SAME_NAME;
}

/* The sockets of accepted connections have the listener's name too: a listener goes first. */
static bool consider(void *context, const struct unix_socket *socket) {
    struct search *search = context;
    unsigned how_well = match(search, socket);
    bool better = how_well > search->match ||
                  (how_well == search->match && how_well != NO_MATCH &&
                   socket->state == STATE_LISTEN && search->why->socket.state != STATE_LISTEN);
    if (better) {
        search->match = how_well;
        search->why->socket = *socket;
    }
    return true;
}

static bool search_namespace(struct search *search, struct netns ns) {
    struct sockets sockets = sockets_open(ns);
    bool listed = sockets_dump_unix(&sockets, consider, search) == 0;
    search->why->from_proc |= sockets.from_proc;
    sockets_close(&sockets);
    return listed;
}

/* A socket file in use by no socket of this namespace is one of another. */
static void search_elsewhere(struct search *search) {
    struct namespaces all;
    if (namespaces_all(&all) != 0) {
        search->why->unseen++;
        return;
    }
    for (size_t i = 1; i < all.count && search->match == NO_MATCH; i++) {
        struct netns ns = {open(all.list[i].path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
        if (ns.fd < 0 || !search_namespace(search, ns))
            search->why->unseen++;
        if (ns.fd >= 0)
            close(ns.fd);
        if (search->match != NO_MATCH)
            memcpy(search->why->where, all.list[i].name, sizeof search->why->where);
    }
    free(all.list);
}

/* The types of an abstract name, as if each had a list of names of its own (unix_abstract_hash() in
 * net/unix/af_unix.c). Returns whether the sockets could be listed. */
static bool search_types(struct search *search, struct unix_question *asked, bool any_type) {
    static const int others[] = {SOCK_DGRAM, SOCK_SEQPACKET};
    bool listed = search_namespace(search, NETNS_HERE);
    for (size_t i = 0;
         any_type && listed && search->match == NO_MATCH && i < sizeof others / sizeof others[0];
         i++) {
        asked->type = others[i];
        listed = search_namespace(search, NETNS_HERE);
        search->why->other_type = search->match == NO_MATCH ? 0 : others[i];
    }
    return listed;
}

/* --- the look --- */

const char why_unix_unread[] = "looking at the file of the socket";

size_t why_unix_file_size(const struct unix_question *question) {
    size_t size = question->name_size;
    while (question->name[0] != '\0' && size > 1 && question->name[size - 1] == '/')
        size--;
    return size;
}

/* bind() finds a file in spite of slashes behind its name. */
static void cut_slashes(struct unix_question *question) {
    question->name_size = why_unix_file_size(question);
    question->name[question->name_size] = '\0';
}

/* Why the file cannot be created; 0 if it can. In a directory that was removed none can be, whose
 * working directory it still may be. Before the kernel asks for permission, it refuses to create a
 * file of a name that ends in a slash. */
static int creation_error(const struct unix_question *question, bool ends_in_slash) {
    char directory[UNIX_NAME_SIZE + 2];
    memcpy(directory, question->name, question->name_size);
    directory[question->name_size] = '\0';
    char *slash = strrchr(directory, '/');
    if (slash == NULL)
        strcpy(directory, ".");
    else
        slash[slash == directory] = '\0';
    struct stat status;
    if (stat(directory, &status) < 0)
        return errno;
    if (!S_ISDIR(status.st_mode))
        return ENOTDIR;
    if (ends_in_slash || status.st_nlink == 0)
        return ENOENT;
    return faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) < 0 ? errno : 0;
}

/* `*error` is that of the look, or 0. */
static enum unix_place place_of(const struct unix_question *question, struct stat *file,
                                int *error) {
    *error = 0;
    if (question->name[0] == '\0')
        return UNIX_ABSTRACT;
    /* bind() does not follow a symbolic link at the end of the path; connect() does. */
    int failed = question->is_client ? stat(question->name, file) : lstat(question->name, file);
    if (failed < 0) {
        *error = errno;
        return errno == EACCES ? UNIX_UNREADABLE : UNIX_NO_FILE;
    }
    return S_ISSOCK(file->st_mode) ? UNIX_SOCKET_FILE : UNIX_OTHER_FILE;
}

/* Looks at the path of `asked`, whose slashes at the end are cut off where they do not count. */
static struct unix_signs look_at_file(struct unix_question *asked, struct stat *file) {
    struct unix_signs signs = {.is_client = asked->is_client};
    signs.ends_in_slash = why_unix_file_size(asked) < asked->name_size;
    if (!asked->is_client)
        cut_slashes(asked);
    signs.place = place_of(asked, file, &signs.error);
    if (signs.place == UNIX_NO_FILE && !asked->is_client && !errno_is_shortage(signs.error))
        signs.error = creation_error(asked, signs.ends_in_slash);
    if (signs.place == UNIX_SOCKET_FILE || (signs.place == UNIX_OTHER_FILE && asked->is_client))
        signs.asked = unixdiag_ask(asked->name, asked->name_size);
    return signs;
}

void why_unix_look(const struct unix_question *question, struct why_unix *why) {
    struct unix_question asked = *question;
    struct stat file;
    asked.type = asked.type == 0 ? SOCK_STREAM : asked.type;
    struct unix_signs signs = look_at_file(&asked, &file);
    struct search search = {
        .question = &asked, .file = signs.place == UNIX_ABSTRACT ? NULL : &file, .why = why};
    *why = (struct why_unix){0};
    if (errno_is_shortage(signs.error)) {
        why->unread = signs.error;
        why->cause = CAUSE_UNKNOWN;
        return;
    }
    bool stale = signs.place == UNIX_SOCKET_FILE && signs.asked == ECONNREFUSED;
    if (signs.place == UNIX_ABSTRACT) {
        signs.listed = search_types(&search, &asked, question->type == 0);
    } else if (signs.place == UNIX_SOCKET_FILE && !stale) {
        signs.listed = search_namespace(&search, NETNS_HERE);
        if (search.match == NO_MATCH)
            search_elsewhere(&search);
    }
    signs.found =
        search.match > SAME_NAME ||
        (search.match == SAME_NAME && signs.place == UNIX_SOCKET_FILE && signs.asked != EACCES);
    signs.listens = why->socket.state == STATE_LISTEN || why->socket.type == SOCK_DGRAM;
    why_unix_judge(&signs, why);
}
