/* Any bytes as an answer of sock_diag: nothing is read beyond them, and what is visited is sound.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/sockdiag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool check(void *context, const struct tcp_socket *socket) {
    (void)context;
    if (socket->state >= STATE_COUNT ||
        (socket->local.family != AF_INET && socket->local.family != AF_INET6))
        abort();
    return true;
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
    sockdiag_parse(bytes, size, sequence, &query, check, NULL, &error);
    free(bytes);
    return 0;
}
