/* portreuse matrix: which pairs of sockets may share a port, measured here, beside the model. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/outputs.h"
#include "report/matrix/matrix_report.h"

struct request {
    struct matrix_choice choice;
    bool states_named, first_named, second_named;
    struct outputs outputs;
    const char *diff; /* a file, or NULL */
    bool must_run;
};

enum {
    OPTION_STATE = 256,
    OPTION_FIRST,
    OPTION_SECOND,
    OPTION_FORMAT,
    OPTION_OUTPUT,
    OPTION_DIFF,
    OPTION_MUST_RUN
};

static const struct option longs[] = {
    {"state", required_argument, NULL, OPTION_STATE},
    {"first", required_argument, NULL, OPTION_FIRST},
    {"second", required_argument, NULL, OPTION_SECOND},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"diff", required_argument, NULL, OPTION_DIFF},
    {"must-run", no_argument, NULL, OPTION_MUST_RUN},
    {0},
};

/* --- options --- */

static bool take_state(struct request *request, const char *name) {
    if (!request->states_named)
        memset(request->choice.states, false, sizeof request->choice.states);
    request->states_named = true;
    for (unsigned i = 0; i < MATRIX_STATES; i++)
        if (strcmp(matrix_state_names[i], name) == 0)
            return request->choice.states[i] = true;
    options_wrong_value("matrix", "--state", name, "BOUND, LISTEN, ESTABLISHED or TIME-WAIT");
    return false;
}

static bool take_ends(const char *option, bool *named, matrix_ends ends, const char *text) {
    if (!*named)
        memset(ends, false, sizeof(matrix_ends));
    *named = true;
    if (matrix_choose_ends(text, ends))
        return true;
    options_wrong_value("matrix", option, text,
                        "an address (0.0.0.0, 127.0.0.1, 127.0.0.2, ::, ::1, ::ffff:0.0.0.0, "
                        "::ffff:127.0.0.1), v6only, options (none, REUSEADDR, REUSEPORT, both), or "
                        "several with commas between: '127.0.0.1,REUSEADDR'");
    return false;
}

static bool take_option(int option, struct request *request) {
    switch (option) {
    case OPTION_STATE:
        return take_state(request, optarg);
    case OPTION_FIRST:
        return take_ends("--first", &request->first_named, request->choice.first, optarg);
    case OPTION_SECOND:
        return take_ends("--second", &request->second_named, request->choice.second, optarg);
    case OPTION_FORMAT:
        return outputs_take_format(&request->outputs, optarg);
    case OPTION_OUTPUT:
        return outputs_take_file(&request->outputs, optarg);
    case OPTION_DIFF:
        request->diff = optarg;
        return true;
    case OPTION_MUST_RUN:
        return request->must_run = true;
    default:
        return false;
    }
}

/* --- the file of --diff --- */

/* Reads a whole file; NULL with errno set. The caller frees it. */
static char *read_file(const char *path, size_t *size) {
    char *bytes = NULL, part[16 * 1024];
    FILE *file = fopen(path, "re"), *copy = NULL;
    if (file != NULL)
        copy = open_memstream(&bytes, size);
    if (copy != NULL)
        for (size_t got; (got = fread(part, 1, sizeof part, file)) > 0;)
            fwrite(part, 1, got, copy);
    int error = file == NULL || copy == NULL || ferror(file) ? errno : 0;
    if (copy != NULL && fclose(copy) != 0)
        error = errno;
    if (file != NULL)
        fclose(file);
    if (error == 0)
        return bytes;
    free(bytes);
    errno = error;
    return NULL;
}

/* Compares with the file of --diff. Returns false after a complaint. */
static bool compare(const struct request *request, const struct matrix *matrix,
                    struct matrix_diff *diff) {
    size_t size = 0;
    char *bytes = read_file(request->diff, &size);
    const char *wrong =
        bytes == NULL ? strerror(errno) : matrix_diff_read(diff, matrix, bytes, size);
    if (wrong != NULL)
        options_complain("matrix", "--diff %s: %s", request->diff, wrong);
    free(bytes);
    return wrong == NULL;
}

/* --- all together --- */

/* Reports what has changed on standard output, and the matrix itself to the files. */
static int report_diff(struct request *request, struct report *report,
                       struct matrix_findings *findings) {
    struct matrix_diff diff = {0};
    bool compared = compare(request, findings->matrix, &diff);
    findings->diff = &diff;
    request->outputs.rows[0].format = compared ? &format_matrix_diff : NULL;
    bool written = outputs_write(&request->outputs, report);
    int status = !compared || !written ? EXIT_TROUBLE
                 : diff.changed > 0    ? EXIT_FAIL
                                       : EXIT_AS_EXPECTED;
    matrix_diff_free(&diff);
    return status;
}

static int measure_and_report(struct request *request) {
    if (!outputs_open(&request->outputs))
        return EXIT_TROUBLE;
    struct matrix *matrix = matrix_measure();
    if (matrix == NULL) {
        options_complain("matrix", "cannot start to measure: %s", strerror(errno));
        return EXIT_TROUBLE;
    }
    if (request->must_run && matrix->verdict == VERDICT_SKIP)
        matrix->verdict = VERDICT_ERROR;
    struct matrix_findings findings = {.matrix = matrix, .choice = &request->choice};
    struct report report = {.subject = &subject_matrix, .findings = &findings};
    int status = request->diff != NULL && matrix->pairs > 0
                     ? report_diff(request, &report, &findings)
                     : outputs_report(&request->outputs, &report);
    matrix_free(matrix);
    return status;
}

static int cmd_matrix(int argc, char **argv) {
    struct request request = {.choice = matrix_choose_all(),
                              .outputs.command = command_named(argv[0])};
    int status = EXIT_TROUBLE, option;
    options_begin();
    while ((option = options_next(argc, argv, ":", longs)) != -1)
        if (option == '?' || !take_option(option, &request))
            goto cleanup;
    if (options_no_operands(argc, argv))
        status = measure_and_report(&request);
cleanup:
    outputs_free(&request.outputs);
    return status;
}

const struct command command_matrix = {
    .name = "matrix",
    .function = cmd_matrix,
    .usage = "[OPTION...]",
    .line = "show which pairs of sockets may share a port on this kernel",
    .help =
        "  --state STATE  only this state of the first socket: BOUND, LISTEN, ESTABLISHED or\n"
        "                 TIME-WAIT; may be given several times\n"
        "  --first END    only such sockets have the port: an address, options (none, REUSEADDR,\n"
        "                 REUSEPORT, both), or several with commas between: ::,v6only,REUSEADDR\n"
        "  --second END   only such sockets want it\n"
        "  --format FORMAT what standard output gets: a format below\n"
        "  --output FILE  a file with a report more, in the format of its ending, or told by\n"
        "                 FILE:FORMAT; may be given several times\n"
        "  --diff FILE    what has changed since FILE, the JSON of an earlier matrix\n"
        "  --must-run     what cannot run here is an error, not skipped\n",
    .subject = &subject_matrix,
};
