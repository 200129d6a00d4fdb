/* Each line is read field by field. Addresses are words of 32 bits in hexadecimal, which hold the
 * bytes of the address in the order of memory (net/ipv4/tcp_ipv4.c: get_tcp4_sock()). */
#include "kernel/procnet.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    TICKS_PER_S = 100,      /* USER_HZ */
    IS_LISTENING = 1 << 16, /* __SO_ACCEPTCON in include/linux/net.h */
    SS_CONNECTED = 3,       /* include/uapi/linux/net.h */
};

/* --- lines --- */

/* Take something off the front of a line. Return whether it is there. */
static bool take_char(const char **at, char wanted) {
    if (**at != wanted)
        return false;
    (*at)++;
    return true;
}

static bool take_number(const char **at, int base, uint64_t *number) {
    char *end;
    while (**at == ' ')
        (*at)++;
    if (!isxdigit((unsigned char)**at))
        return false;
    *number = strtoull(*at, &end, base);
    bool any = end != *at;
    *at = end;
    return any;
}

/* `0100007F:1F90` */
static bool take_endpoint(const char **at, sa_family_t family, struct endpoint *endpoint) {
    size_t words = family == AF_INET6 ? 4 : 1;
    uint64_t port;
    *endpoint = (struct endpoint){.family = family};
    while (**at == ' ')
        (*at)++;
    if (strspn(*at, "0123456789ABCDEF") != 8 * words)
        return false;
    for (size_t i = 0; i < words; i++, *at += 8) {
        char text[9] = "";
        memcpy(text, *at, 8);
        uint32_t word = (uint32_t)strtoul(text, NULL, 16);
        memcpy(endpoint->address + i * sizeof word, &word, sizeof word);
    }
    if (!take_char(at, ':') || !take_number(at, 16, &port) || port > UINT16_MAX || **at != ' ')
        return false;
    endpoint->port = (uint16_t)port;
    return true;
}

/* The number of the timer in /proc/net/tcp (get_tcp4_sock() in net/ipv4/tcp_ipv4.c of the kernel).
 */
enum { TIME_WAIT_TIMER = 3, ZERO_WINDOW_TIMER = 4 };

bool procnet_parse(const char *line, enum protocol protocol, sa_family_t family,
                   struct inet_socket *socket) {
    const char *at = line;
    uint64_t slot, state, sent, received, timer, ticks, retransmits, uid, timeout, inode;
    *socket = (struct inet_socket){.protocol = protocol};
    if (!take_number(&at, 10, &slot) || !take_char(&at, ':') ||
        !take_endpoint(&at, family, &socket->local) ||
        !take_endpoint(&at, family, &socket->remote) || !take_number(&at, 16, &state) ||
        state >= STATE_COUNT || !take_number(&at, 16, &sent) || !take_char(&at, ':') ||
        !take_number(&at, 16, &received) || !take_number(&at, 16, &timer) || !take_char(&at, ':') ||
        !take_number(&at, 16, &ticks) || !take_number(&at, 16, &retransmits) ||
        !take_number(&at, 10, &uid) || !take_number(&at, 10, &timeout) ||
        !take_number(&at, 10, &inode))
        return false;
    socket->state = (enum tcp_state)state;
    socket->send_queue = (uint32_t)sent;
    socket->receive_queue = (uint32_t)received;
    socket->uid = (uint32_t)uid;
    socket->inode = (uint32_t)inode;
    socket->probing = protocol != PROTOCOL_UDP && timer == ZERO_WINDOW_TIMER;
    uint64_t references, pointer, drops;
    bool first_part = socket->state == STATE_FIN_WAIT_2 && inode == 0 && timer != TIME_WAIT_TIMER;
    if (protocol != PROTOCOL_UDP && timer != 0 && !first_part && ticks < UINT32_MAX / 1000)
        socket->expires_ms = (uint32_t)(ticks * 1000 / TICKS_PER_S);
    if (protocol == PROTOCOL_UDP && take_number(&at, 10, &references) &&
        take_number(&at, 16, &pointer) && take_number(&at, 10, &drops))
        socket->drops = (uint32_t)drops;
    return true;
}

bool procnet_parse_unix(const char *line, struct unix_socket *socket) {
    const char *at = line;
    uint64_t pointer, references, protocol, flags, type, state, inode;
    *socket = (struct unix_socket){0};
    if (!take_number(&at, 16, &pointer) || !take_char(&at, ':') ||
        !take_number(&at, 16, &references) || !take_number(&at, 16, &protocol) ||
        !take_number(&at, 16, &flags) || !take_number(&at, 16, &type) ||
        !take_number(&at, 16, &state) || !take_number(&at, 10, &inode))
        return false;
    socket->inode = (uint32_t)inode;
    socket->type = (int)type;
    socket->state = (flags & IS_LISTENING) != 0 ? STATE_LISTEN
                    : state == SS_CONNECTED     ? STATE_ESTABLISHED
                                                : STATE_CLOSED;
    if (!take_char(&at, ' '))
        return true;
    const char *name = at;
    size_t size = strcspn(name, "\n");
    size = size < UNIX_NAME_SIZE ? size : UNIX_NAME_SIZE;
    memcpy(socket->name, name, size);
    if (size > 0 && socket->name[0] == '@')
        socket->name[0] = '\0';
    socket->name_size = size;
    return true;
}

/* --- files --- */

/* Takes a line; returns false if no more are wanted. */
typedef bool take_line(void *context, const char *line);

static int read_lines(struct netns ns, const char *path, take_line *take, void *context,
                      bool *ended) {
    char *line = NULL;
    size_t size = 0;
    int fd = netns_open(ns, path, O_RDONLY);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (file == NULL)
        return errno;
    while (!*ended && getline(&line, &size, file) >= 0)
        *ended = !take(context, line);
    int error = ferror(file) ? EIO : 0;
    free(line);
    fclose(file);
    return error;
}

struct reading {
    const struct diag_query *query;
    sa_family_t family;
    sockdiag_visit *visit;
    unixdiag_visit *visit_unix;
    void *context;
};

static bool take_socket(void *context, const char *line) {
    const struct reading *reading = context;
    struct inet_socket socket;
    return !procnet_parse(line, reading->query->protocol, reading->family, &socket) ||
           !sockdiag_wanted(reading->query, &socket) || reading->visit(reading->context, &socket);
}

int procnet_dump(struct netns ns, const struct diag_query *query, sockdiag_visit *visit,
                 void *context) {
    static const sa_family_t families[] = {AF_INET, AF_INET6};
    struct reading reading = {.query = query, .visit = visit, .context = context};
    bool ended = false, any = false;
    int error = 0;
    if (query->protocol == PROTOCOL_MPTCP || query->asked || query->chosen)
        return EOPNOTSUPP;
    for (size_t i = 0; i < 2 && !ended; i++) {
        char path[48];
        reading.family = families[i];
        if (query->family != 0 && query->family != families[i])
            continue;
        snprintf(path, sizeof path, "/proc/thread-self/net/%s%s",
                 query->protocol == PROTOCOL_UDP ? "udp" : "tcp",
                 families[i] == AF_INET6 ? "6" : "");
        int this_error = read_lines(ns, path, take_socket, &reading, &ended);
        any |= this_error == 0;
        error = error == 0 ? this_error : error;
    }
    return any ? 0 : error; /* a kernel without IPv6 has one file */
}

static bool take_unix(void *context, const char *line) {
    const struct reading *reading = context;
    struct unix_socket socket;
    return !procnet_parse_unix(line, &socket) || reading->visit_unix(reading->context, &socket);
}

int procnet_dump_unix(struct netns ns, unixdiag_visit *visit, void *context) {
    struct reading reading = {.visit_unix = visit, .context = context};
    bool ended = false;
    return read_lines(ns, "/proc/thread-self/net/unix", take_unix, &reading, &ended);
}
