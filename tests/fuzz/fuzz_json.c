/* Any bytes as JSON, and as the report on an earlier matrix (matrix --diff). */
#include <stdlib.h>
#include <string.h>

#include "base/json_reader.h"
#include "report/matrix/matrix.h"
#include "require.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(void *context, enum json_event event, unsigned depth, const char *key,
                  const char *text) {
    unsigned *open = context;
    *open -= event == JSON_READ_CLOSE;
    require(depth == *open && depth <= JSON_READ_DEPTH);
    *open += event == JSON_READ_OPEN;
    require(strlen(key) < JSON_READ_TEXT && strlen(text) < JSON_READ_TEXT);
}

/* All pairs of the earlier matrix are those of the present one; what was not known is not there. */
static void read_matrix(const char *bytes, size_t size) {
    static struct matrix matrix;
    static FILE *nowhere;
    struct matrix_diff diff;
    enum { COMPARES = 32 };
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    bool is_udp = memmem(bytes, size, "UDP", 3) != NULL;
    bool compares = size % COMPARES == 0; /* which takes long; else it is one of another protocol */
    matrix.protocol = is_udp == compares ? PROTOCOL_UDP : PROTOCOL_TCP;
    struct matrix_pair pair = {0};
    if (!matrix_cell(&matrix, &pair)->measured)
        do
            matrix_cell(&matrix, &pair)->measured = true;
        while (matrix_next(matrix.protocol, &pair));
    if (matrix_diff_read(&diff, &matrix, bytes, size) == NULL) {
        struct matrix_findings findings = {.matrix = &matrix, .diff = &diff};
        struct report report = {.findings = &findings};
        require(diff.changed <= diff.compared && strlen(diff.kernel) < sizeof diff.kernel);
        format_matrix_diff.write(&report, nowhere);
    }
    matrix_diff_free(&diff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned open = 0;
    char *bytes = malloc(size + (size == 0)); /* exactly as large */
    if (bytes == NULL)
        abort();
    memcpy(bytes, data, size);
    if (json_read(bytes, size, visit, &open) == NULL)
        require(open == 0);
    if (memmem(bytes, size, "\"pairs\"", 7) != NULL)
        read_matrix(bytes, size);
    free(bytes);
    return 0;
}
