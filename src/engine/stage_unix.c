/* Unix sockets. They have names instead of addresses and ports; a name that is no abstract one is
 * that of a file in the case's own directory, which is the current one of the stage and of the
 * roles. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "diagnose/why_unix.h"
#include "engine/stage.h"
#include "kernel/unixdiag.h"

bool stage_is_unix(const struct stage *stage, const struct address *address) {
    return board_name(stage->board, address) != NULL;
}

/* --- await and count --- */

struct list {
    struct arena arena;
    struct unix_socket *sockets;
    size_t count;
};

/* The channels of the roles are of type SOCK_SEQPACKET, which no step makes. */
static bool list_one(void *context, const struct unix_socket *socket) {
    struct list *list = context;
    if (socket->type == SOCK_SEQPACKET)
        return true;
    list->sockets = arena_grow(&list->arena, list->sockets, list->count, sizeof *socket);
    list->sockets[list->count++] = *socket;
    return true;
}

static bool has_name(const struct unix_socket *socket, const char *name) {
    size_t size = strlen(name);
    if (size != socket->name_size)
        return false;
    if (size > 0 && name[0] == '@')
        return socket->name[0] == '\0' && memcmp(socket->name + 1, name + 1, size - 1) == 0;
    return memcmp(socket->name, name, size) == 0;
}

/* Returns whether the peer of a socket has this name. */
static bool peer_has_name(const struct list *list, const struct unix_socket *socket,
                          const char *name) {
    for (size_t i = 0; socket->peer != 0 && i < list->count; i++)
        if (list->sockets[i].inode == socket->peer)
            return has_name(&list->sockets[i], name);
    return false;
}

int stage_dump_unix(const struct stage *stage, const struct step *step, uint32_t states,
                    sockdiag_visit *visit, void *context) {
    const char *local = board_name(stage->board, &step->query.local);
    const char *remote = board_name(stage->board, &step->query.remote);
    struct list list = {0};
    bool more = true;
    int error = unixdiag_dump(stage->diag, list_one, &list);
    for (size_t i = 0; error == 0 && more && i < list.count; i++) {
        const struct unix_socket *socket = &list.sockets[i];
        struct inet_socket shown = {
            .protocol = PROTOCOL_UNIX, .state = socket->state, .inode = socket->inode};
        if ((states & 1U << socket->state) != 0 && (local == NULL || has_name(socket, local)) &&
            (remote == NULL || peer_has_name(&list, socket, remote)))
            more = visit(context, &shown);
    }
    arena_free(&list.arena);
    return error;
}

/* --- why --- */

static struct unix_question question_of(const char *name, bool client) {
    struct unix_question question = {.name_size = strlen(name), .is_client = client};
    memcpy(question.name, name, question.name_size);
    if (name[0] == '@')
        question.name[0] = '\0';
    return question;
}

int stage_why_unix(const struct stage *stage, const struct address *address, bool client,
                   struct evidence *evidence) {
    const char *name = board_name(stage->board, address);
    struct unix_question question = question_of(name, client);
    struct why_unix why;
    why_unix_look(&question, &why);
    *evidence =
        (struct evidence){.cause = why.cause, .words = cause_sentence(why.cause, WHEN_ALWAYS)};
    if (why.unread != 0) {
        evidence->missing = why_unix_unread;
        evidence->error = why.unread;
    }
    if (why.error == 0 || !why.found)
        return why.error;
    struct suspect *suspect = &evidence->suspects[evidence->suspect_count++];
    suspect->occupant.socket = (struct inet_socket){.protocol = PROTOCOL_UNIX,
                                                    .state = why.socket.state,
                                                    .inode = why.socket.inode,
                                                    .uid = why.socket.uid,
                                                    .receive_queue = why.socket.receive_queue,
                                                    .send_queue = why.socket.send_queue};
    suspect->blame.cause = why.cause;
    snprintf(suspect->name, sizeof suspect->name, "%s", name);
    evidence->total = 1;
    return why.error;
}
