/* Any bytes as an answer of sock_diag, for TCP, UDP and Unix sockets, and as a line of /proc/net:
 * nothing is read beyond them, and what is visited is sound. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/procnet.h"
#include "kernel/sockdiag.h"
#include "kernel/unixdiag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool check(void *context, const struct inet_socket *socket) {
    (void)context;
    if (socket->state >= STATE_COUNT ||
        (socket->local.family != AF_INET && socket->local.family != AF_INET6))
        abort();
    return true;
}

static bool check_unix(void *context, const struct unix_socket *socket) {
    (void)context;
    if (socket->state >= STATE_COUNT || socket->name_size > UNIX_NAME_SIZE ||
        socket->name[socket->name_size] != '\0')
        abort();
    return true;
}

static void check_line(const uint8_t *data, size_t size) {
    struct inet_socket socket;
    struct unix_socket unix_socket;
    char *line = malloc(size + 1);
    if (line == NULL)
        return;
    memcpy(line, data, size);
    line[size] = '\0';
    if (procnet_parse(line, PROTOCOL_TCP, AF_INET6, &socket))
        check(NULL, &socket);
    if (procnet_parse(line, PROTOCOL_UDP, AF_INET, &socket))
        check(NULL, &socket);
    if (procnet_parse_unix(line, &unix_socket))
        check_unix(NULL, &unix_socket);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct diag_query query = sockdiag_query(STATES_ANY);
    uint32_t sequence = 0;
    int error = 0;
    void *bytes = malloc(size); /* exactly as large, and aligned */
    if (bytes == NULL)
        return 0;
    memcpy(bytes, data, size);
    if (size >= 12)
        memcpy(&sequence, data + 8,
               sizeof sequence); /* so that most inputs get beyond that check */
    for (unsigned protocol = 0; protocol <= PROTOCOL_MPTCP; protocol++) {
        query.protocol = (enum protocol)protocol;
        sockdiag_parse(bytes, size, sequence, &query, check, NULL, &error);
    }
    unixdiag_parse(bytes, size, sequence, check_unix, NULL, &error);
    check_line(data, size);
    free(bytes);
    return 0;
}
