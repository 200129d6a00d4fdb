/* First the text, then the JSON. */
#include "report/shared/sockets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "report/shared/layout.h"

static const char *endpoint(const void *context, const struct endpoint *endpoint, char *text) {
    (void)context;
    return endpoint_text(endpoint, text);
}

void sockets_print(FILE *out, const struct tcp_socket *socket, sockets_endpoint *write,
                   const void *context) {
    char text[ENDPOINT_TEXT_SIZE];
    write = write == NULL ? endpoint : write;
    fprintf(out, "%s %s", socket_state_name(socket->state), write(context, &socket->local, text));
    if (socket->remote.port != 0)
        fprintf(out, " to %s", write(context, &socket->remote, text));
}

void sockets_print_time_left(FILE *out, const struct tcp_socket *socket) {
    char text[UNITS_DURATION_SIZE];
    if (socket->state == STATE_TIME_WAIT)
        fprintf(out, ", %s left",
                units_duration_text((uint64_t)socket->expires_ms * NS_PER_MS, text));
}

/* How much of a process is printed, from all to the least. */
enum extent { WHOLE_COMMAND, NO_ARGUMENTS, NO_UNIT, NO_USER };

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
    else
        sockets_print_program(out, owner);
}

void sockets_print_process(FILE *out, const struct owner *owner, unsigned column) {
    for (enum extent extent = WHOLE_COMMAND; extent <= NO_USER; extent++) {
        char *text = NULL;
        size_t size = 0;
        FILE *line = open_memstream(&text, &size);
        if (line == NULL)
            return;
        print_process(line, owner, extent);
        bool whole = fclose(line) == 0, fits = column + size <= LAYOUT_COLUMNS;
        if (whole && (fits || extent == NO_USER))
            fputs(text, out);
        free(text);
        if (whole && fits)
            return;
    }
}

/* A server can write what it does behind its name: `nginx: master process`. */
void sockets_print_program(FILE *out, const struct owner *owner) {
    enum { MOST = 15 }; /* TASK_COMM_LEN of the kernel, less the NUL */
    const char *name = owner->command;
    size_t size = strcspn(name, " :");
    for (const char *slash; (slash = memchr(name, '/', size)) != NULL;) {
        size -= (size_t)(slash + 1 - name);
        name = slash + 1;
    }
    if (size == 0 || size > MOST)
        layout_text(out, owner->name);
    else
        utf8_print(out, name, size);
}

void sockets_json_endpoint(struct json *json, const char *key, const struct endpoint *endpoint) {
    char text[ENDPOINT_TEXT_SIZE];
    json_string(json, key, endpoint->family == 0 ? NULL : endpoint_text(endpoint, text));
}

void sockets_json(struct json *json, const struct tcp_socket *socket) {
    static const struct endpoint none = {0};
    json_string(json, "state", socket_state_name(socket->state));
    sockets_json_endpoint(json, "local", &socket->local);
    sockets_json_endpoint(json, "remote", socket->remote.port == 0 ? &none : &socket->remote);
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
    json_string(json, "command", owner->command);
    json_string(json, "unit", owner->unit[0] == '\0' ? NULL : owner->unit);
}
