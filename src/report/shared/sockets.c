/* First the text of sockets, processes and servers, then the JSON. */
#include "report/shared/sockets.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "inspect/keeper.h"
#include "report/shared/layout.h"

static const char *endpoint(const void *context, const struct endpoint *endpoint, char *text) {
    (void)context;
    return endpoint_text(endpoint, text);
}

void sockets_print(FILE *out, const struct inet_socket *socket, sockets_endpoint *write,
                   const void *context) {
    char text[ENDPOINT_TEXT_SIZE];
    write = write == NULL ? endpoint : write;
    if (socket->protocol != PROTOCOL_TCP)
        fprintf(out, "%s ", socket_protocol_name(socket->protocol));
    fputs(socket_state_text(socket->protocol, socket->state), out);
    if (socket->protocol == PROTOCOL_UNIX) {
        const char *name = write(context, &socket->local, text);
        if (strcmp(name, "-") != 0)
            fprintf(out, " %s", name);
        if (socket->state == STATE_LISTEN && socket->send_queue > 0)
            fprintf(out, ", %" PRIu32 " waiting, backlog %" PRIu32, socket->receive_queue,
                    socket->send_queue);
        return;
    }
    fprintf(out, " %s", write(context, &socket->local, text));
    if (socket->remote.port != 0)
        fprintf(out, " to %s", write(context, &socket->remote, text));
}

void sockets_print_time_left(FILE *out, const struct inet_socket *socket) {
    bool orphan = socket->state == STATE_FIN_WAIT_2 && socket->inode == 0 && socket->expires_ms > 0;
    if (socket->state == STATE_TIME_WAIT || orphan)
        fprintf(out, ", %" PRIu32 " s left", (socket->expires_ms + 999) / 1000);
}

/* How much of a process is printed, from all to the least. */
enum extent { WHOLE_COMMAND, NO_ARGUMENTS, NO_UNIT, NO_USER, SHORT_NAME };

static void print_process(FILE *out, const struct owner *owner, enum extent extent) {
    fprintf(out, "pid %d", (int)owner->pid);
    if (extent < NO_USER && owner->user[0] == '\0')
        fprintf(out, ", user %" PRIu32, owner->uid);
    else if (extent < NO_USER) {
        fputs(", ", out);
        layout_text(out, owner->user);
    }
    if (extent < NO_UNIT && owner->unit[0] != '\0') {
        fputs(", ", out);
        layout_text(out, owner->unit);
    }
    fputs(": ", out);
    if (extent == WHOLE_COMMAND)
        layout_text(out, owner->command);
    else if (extent == SHORT_NAME && owner->name[0] != '\0')
        layout_text(out, owner->name);
    else
        sockets_print_program(out, owner);
}

void sockets_print_process(FILE *out, const struct owner *owner, unsigned column) {
    for (enum extent extent = WHOLE_COMMAND; extent <= SHORT_NAME; extent++) {
        struct composed line;
        print_process(compose_begin(&line), owner, extent);
        const char *text = compose_end(&line);
        bool fits = column + line.size <= layout_columns();
        if (fits || extent == SHORT_NAME)
            fputs(text, out);
        compose_free(&line);
        if (fits)
            return;
    }
}

void sockets_print_program(FILE *out, const struct owner *owner) {
    layout_text(out, owner->program);
}

/* --- servers --- */

static void print_named(FILE *out, const struct owner *owner) {
    sockets_print_program(out, owner);
    fprintf(out, " (%d%s)", (int)owner->pid, owner_is_stopped(owner) ? ", stopped" : "");
}

/* Prints ` for container 172.17.0.2:80`. */
static void print_forwarded(FILE *out, const struct keeper *keeper, enum sockets_extent extent) {
    bool is_service = keeper->kind == KEEPER_POD;
    if (is_service || keeper->name[0] == '\0' || extent != SOCKETS_WITH_UNIT) {
        fputs(is_service ? " for a NodePort service" : " for a container", out);
        return;
    }
    fputs(" for container ", out);
    layout_text(out, keeper->name);
}

/* Prints ` of nginx.service`, if that is what keeps the server. */
static void print_keeper(FILE *out, const struct server *server, enum sockets_extent extent) {
    const struct keeper *keeper = &server->keeper;
    bool is_unit = keeper->kind == KEEPER_SERVICE || keeper->kind == KEEPER_USER_SERVICE;
    if (keeper->forwards && extent != SOCKETS_PID) {
        print_forwarded(out, keeper, extent);
        return;
    }
    if (extent != SOCKETS_WITH_UNIT || keeper->name[0] == '\0')
        return;
    fputs(" of ", out);
    if (!is_unit && keeper->kind == KEEPER_POD)
        fputs("pod ", out);
    else if (!is_unit)
        fprintf(out, "%s ", keeper_kind_name(keeper->kind));
    layout_text(out, keeper->name);
}

static const char *plural(unsigned count) {
    return count == 1 ? "" : "s";
}

/* Prints the user of a socket whose process is not known. */
static void print_somebody(FILE *out, const struct owners *owners, uint32_t uid) {
    struct owner owner = {0};
    owner_user(uid, owner.user);
    if (owners_are_own(owners) && owners->own_count == 1) {
        fputs("most likely ", out);
        print_named(out, &owners->own);
    } else if (owners_are_own(owners)) {
        fputs("a process of your own", out);
    } else if (owners->search == OWNERS_SEARCHED || owners->search == OWNERS_NOT_SEARCHED) {
        fputs("another process", out);
    } else if (uid == 0 && owners->own_count > 0) { /* it can have given up root's rights since */
        fputs("a process of root or your own", out);
    } else if (owner.user[0] != '\0') {
        fputs("a process of ", out);
        layout_text(out, owner.user);
    } else {
        fprintf(out, "a process of user %" PRIu32, uid);
    }
}

void sockets_print_occupant(FILE *out, const struct server *server, const struct owners *owners,
                            uint32_t uid, enum sockets_extent extent) {
    const struct owner *main = &server->main;
    if (server->shape == SERVER_NOT_FOUND) {
        print_somebody(out, owners, uid);
        return;
    }
    unsigned orphans = server->shape == SERVER_ORPHANS ? server->workers + 1 : 0;
    if (extent == SOCKETS_PID) {
        if (orphans > 0)
            fprintf(out, "%u orphaned worker%s (%d)", orphans, plural(orphans), (int)main->pid);
        else
            fprintf(out, "pid %d", (int)main->pid);
        return;
    }
    if (orphans > 0)
        fprintf(out, extent == SOCKETS_PROGRAM ? "%u orphan%s of " : "%u orphaned worker%s of ",
                orphans, plural(orphans));
    if (server->shape == SERVER_SOCKET_UNIT && server->keeper.name[0] != '\0') {
        layout_text(out, server->keeper.name);
        fputs(" (systemd)", out);
    } else {
        print_named(out, main);
    }
    if (server->shape == SERVER_SEVERAL)
        fprintf(out, " and %u more", server->workers);
    else if (server->shape == SERVER_ONE && server->workers > 0)
        fprintf(out, " and %u worker%s", server->workers, plural(server->workers));
    if (server->shape == SERVER_ONE)
        print_keeper(out, server, extent);
}

const char *sockets_unseen_text(unsigned unseen, bool by_root, char *text) {
    const char *many = unseen == 1 ? "" : "es";
    if (by_root)
        snprintf(text, SOCKETS_UNSEEN_SIZE,
                 "%u process%s could not be searched, not even by root (a security module, or a "
                 "container), so %s sockets are unknown.",
                 unseen, many, unseen == 1 ? "its" : "their");
    else
        snprintf(text, SOCKETS_UNSEEN_SIZE,
                 "%u process%s could not be searched. As root, portreuse shows who owns the "
                 "sockets, and their options.",
                 unseen, many);
    return text;
}

bool sockets_is_plural(const struct server *server) {
    return server->workers > 0 && (server->shape == SERVER_ONE || server->shape == SERVER_ORPHANS ||
                                   server->shape == SERVER_SEVERAL);
}

/* `systemd (1) > supervisord (812) > gunicorn (901), 4 workers` */
static void print_chain(FILE *out, const struct server *server) {
    for (unsigned i = 0; i < server->chain_count; i++) {
        const struct server_link *link = &server->chain[i];
        layout_text(out, link->program);
        fprintf(out, " (%d) > ", (int)link->pid);
        if (i == 0 && server->chain_shortened)
            fputs("... > ", out);
    }
    print_named(out, &server->main);
    if (server->workers > 0)
        fprintf(out, ", %u worker%s", server->workers, plural(server->workers));
}

static void print_notes(FILE *out, const struct server *server) {
    const struct keeper *keeper = &server->keeper;
    if (server->shape == SERVER_LEAK)
        fprintf(out, "It only inherited the socket, and does not know of it. ");
    if (server->shape == SERVER_LEAK && server->parent_alive)
        fprintf(out, "The process that started it is still running, and need not be stopped. ");
    if (server->shape == SERVER_ORPHANS)
        fprintf(out, "The process that started the workers is gone. ");
    if (server->stopped)
        fprintf(out, "It is stopped by %s. ",
                server->main.state == 't' ? "a debugger" : "a signal (Ctrl-Z, SIGSTOP)");
    if (keeper->forwards) {
        fprintf(out, "It forwards the port to %s of %s",
                keeper->kind == KEEPER_POD ? "a service" : "a container",
                keeper_kind_name(keeper->kind));
        if (keeper->name[0] != '\0') {
            fputs(", ", out);
            layout_text(out, keeper->name);
        }
        fputs(". ", out);
    } else if (keeper->kind != KEEPER_NONE && keeper->kind != KEEPER_SOCKET_UNIT) {
        fprintf(out, "%s keeps it running", keeper_kind_name(keeper->kind));
        if (keeper->name[0] != '\0') {
            fputs(" as ", out);
            layout_text(out, keeper->name);
        }
        fputs(". ", out);
    }
    if (server->heirs > 0 && server->shape != SERVER_LEAK) {
        print_named(out, &server->heir);
        if (server->heirs > 1)
            fprintf(out, " and %u more", server->heirs - 1);
        fputs(" inherited the socket too. ", out);
    }
    if (server->waiting > 0)
        fprintf(out, "%" PRIu32 " connection%s wait%s to be accepted. ", server->waiting,
                plural(server->waiting), server->waiting == 1 ? "s" : "");
}

/* Prints what `print` prints, if anything, as a paragraph behind `indent` blanks. */
static void print_paragraph(FILE *out, void (*print)(FILE *, const struct server *),
                            const struct server *server, unsigned indent) {
    struct composed line;
    print(compose_begin(&line), server);
    const char *text = compose_end(&line);
    if (line.size > 0) {
        fprintf(out, "%*s", (int)indent, "");
        layout_wrap(out, text, indent, indent);
    }
    compose_free(&line);
}

/* Names the process of the asker's own user that may have the socket: one of root may have given up
 * root's rights since. */
static void print_own(FILE *out, const struct owners *owners, uint32_t uid, unsigned indent) {
    bool mine = owners_are_own(owners);
    if (owners->own_count == 0 || (!mine && uid != 0))
        return;
    const char *how = !mine                    ? "if root started it, it can be yours: "
                      : owners->own_count == 1 ? "most likely "
                                               : "the newest of these: ";
    fprintf(out, "%*s%s", (int)indent, "", how);
    sockets_print_process(out, &owners->own, indent + (unsigned)strlen(how));
    fprintf(out, "\n%*s", (int)indent, "");
    layout_wrap(out,
                "Not even its own user may look into it: it has changed its user, has "
                "capabilities, or has asked for this (PR_SET_DUMPABLE).",
                indent, indent);
}

void sockets_print_server(FILE *out, const struct server *server, const struct owners *owners,
                          uint32_t uid, unsigned indent) {
    if (server->shape == SERVER_NOT_FOUND) {
        bool partial = owners->search != OWNERS_SEARCHED && owners->search != OWNERS_NOT_SEARCHED &&
                       owners->search != OWNERS_IN_FLIGHT;
        fprintf(out, "%*s%s%s; user ID %" PRIu32 "\n", (int)indent, "",
                partial ? "not found: " : "", owners_search_text(owners), uid);
        print_own(out, owners, uid, indent);
        if (owners->search == OWNERS_IN_FLIGHT)
            fprintf(out, "%*spid %d was sent descriptors, and has not received them\n", (int)indent,
                    "", (int)owners->receiver);
        return;
    }
    fprintf(out, "%*s", (int)indent, "");
    sockets_print_process(out, &server->main, indent);
    fputc('\n', out);
    if (server->chain_count > 0 || server->workers > 0)
        print_paragraph(out, print_chain, server, indent);
    print_paragraph(out, print_notes, server, indent);
}

/* --- JSON --- */

void sockets_json_endpoint(struct json *json, const char *key, const struct endpoint *endpoint) {
    char text[ENDPOINT_TEXT_SIZE];
    json_string(json, key, endpoint->family == 0 ? NULL : endpoint_text(endpoint, text));
}

void sockets_json(struct json *json, const struct inet_socket *socket, const char *name) {
    static const struct endpoint none = {0};
    json_string(json, "protocol", socket_protocol_name(socket->protocol));
    json_string(json, "state", socket_state_text(socket->protocol, socket->state));
    if (name != NULL)
        json_string(json, "local", name);
    else
        sockets_json_endpoint(json, "local", &socket->local);
    sockets_json_endpoint(json, "remote", socket->remote.port == 0 ? &none : &socket->remote);
    if (socket->uid == SOCKET_UID_UNKNOWN)
        json_string(json, "uid", NULL);
    else
        json_number(json, "uid", socket->uid);
    json_number(json, "inode", socket->inode);
    if (socket->state == STATE_TIME_WAIT)
        json_number(json, "time_left_ms", socket->expires_ms);
}

void sockets_json_process(struct json *json, const struct owner *owner) {
    json_number(json, "pid", owner->pid);
    if (owner->fd < 0)
        json_string(json, "fd", NULL);
    else
        json_number(json, "fd", owner->fd);
    json_number(json, "uid", owner->uid);
    json_string(json, "user", owner->user[0] == '\0' ? NULL : owner->user);
    json_string(json, "name", owner->name);
    json_string(json, "program", owner->program);
    json_string(json, "command", owner->command);
    json_string(json, "unit", owner->unit[0] == '\0' ? NULL : owner->unit);
}

static const char *text_or_null(const char *text) {
    return text[0] == '\0' ? NULL : text;
}

static void write_stops(struct json *json, const struct stops *stops) {
    json_array(json, "stop");
    for (unsigned i = 0; i < stops->count; i++) {
        const struct stop *stop = &stops->list[i];
        json_object(json, NULL);
        json_string(json, "command", stop->line);
        json_bool(json, "root", stop->root);
        json_bool(json, "asks", stop->asks);
        json_string(json, "price", text_or_null(stop->price));
        json_end(json);
    }
    json_end(json);
}

static void write_chain(struct json *json, const struct server *server) {
    json_array(json, "chain");
    for (unsigned i = 0; i < server->chain_count; i++) {
        json_object(json, NULL);
        json_number(json, "pid", server->chain[i].pid);
        json_string(json, "program", server->chain[i].program);
        json_end(json);
    }
    json_end(json);
}

void sockets_json_server(struct json *json, const char *key, const struct server *server) {
    static const char *const shapes[] = {
        [SERVER_NOT_FOUND] = "not-found",     [SERVER_ONE] = "server",
        [SERVER_ORPHANS] = "orphans",         [SERVER_LEAK] = "leak",
        [SERVER_SOCKET_UNIT] = "socket-unit", [SERVER_SEVERAL] = "several"};
    if (server->shape == SERVER_NOT_FOUND) {
        json_string(json, key, NULL);
        return;
    }
    json_object(json, key);
    json_string(json, "shape", shapes[server->shape]);
    json_string(json, "program", server->main.program);
    json_number(json, "pid", server->main.pid);
    json_number(json, "workers", server->workers);
    json_number(json, "heirs", server->heirs);
    json_bool(json, "stopped", server->stopped);
    json_number(json, "waiting", server->waiting);
    if (server->keeper.kind == KEEPER_NONE) {
        json_string(json, "keeper", NULL);
    } else {
        json_object(json, "keeper");
        json_string(json, "kind", keeper_kind_name(server->keeper.kind));
        json_string(json, "name", text_or_null(server->keeper.name));
        json_end(json);
    }
    write_chain(json, server);
    write_stops(json, &server->stops);
    json_end(json);
}
