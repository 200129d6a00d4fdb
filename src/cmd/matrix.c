/* portreuse matrix: which pairs of sockets may share a port, measured here and compared with the
 * model. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "cmd/commands.h"
#include "cmd/outputs.h"
#include "report/matrix/matrix.h"

struct request {
    bool udp;
    struct matrix_choice choice;
    bool states_named, first_named, second_named;
    struct outputs outputs;
    const char *diff;    /* a file, or NULL: */
    const char *earlier; /* its bytes, in the arena */
    size_t earlier_size;
    struct arena arena;
    bool must_run;
};

/* --- options --- */

/* The first --state, --first or --second replaces the choice of everything; others add to it. */
static bool set_state(const struct option_use *use) {
    struct request *request = use->target;
    int state = option_word(use);
    if (!request->states_named)
        memset(request->choice.states, false, sizeof request->choice.states);
    request->states_named = true;
    /* UNCONN, the last of them, is what BOUND is called for UDP */
    return state >= 0 && (request->choice.states[state % MATRIX_STATES] = true);
}

static bool choose_ends(const struct option_use *use, bool *named, unsigned addresses,
                        matrix_ends ends) {
    if (!*named)
        memset(ends, false, sizeof(matrix_ends));
    *named = true;
    return matrix_choose_ends(use->value, addresses, ends) ||
           options_wrong_value(use, "an address (0.0.0.0, 127.0.0.1, 127.0.0.2, ::, ::1, "
                                    "::ffff:0.0.0.0, ::ffff:127.0.0.1), v6only, options (none, "
                                    "REUSEADDR, REUSEPORT, both), or several separated by commas, "
                                    "as in '127.0.0.1,REUSEADDR'");
}

static bool set_first(const struct option_use *use) {
    struct request *request = use->target;
    return choose_ends(use, &request->first_named, MATRIX_FIRSTS, request->choice.first);
}

static bool set_second(const struct option_use *use) {
    struct request *request = use->target;
    return choose_ends(use, &request->second_named, MATRIX_ADDRESSES, request->choice.second);
}

static const char *const protocols[] = {"tcp", "udp", NULL};

static const struct option_row rows[] = {
    {.name = "protocol",
     .takes = VALUE_REQUIRED,
     .values = protocols,
     .set = option_set_either,
     .offset = offsetof(struct request, udp),
     .help = "the protocol of the sockets (default: tcp)"},
    {.name = "state",
     .takes = VALUE_REQUIRED,
     .value_name = "STATE",
     .values = matrix_state_names,
     .set = set_state,
     .help = "only this state of the first socket: BOUND, LISTEN, ESTABLISHED, TIME-WAIT or "
             "LISTEN-LATER (bound, and listening after the second bind()); of UDP: UNCONN or "
             "ESTABLISHED; may be given several times"},
    {.name = "first",
     .takes = VALUE_REQUIRED,
     .value_name = "SOCKET",
     .set = set_first,
     .help = "only these as the first socket, which has the port: an address, options (none, "
             "REUSEADDR, REUSEPORT, both), the client of :: (IPv4, IPv6), or several separated by "
             "commas: "
             "::,v6only,REUSEADDR"},
    {.name = "second",
     .takes = VALUE_REQUIRED,
     .value_name = "SOCKET",
     .set = set_second,
     .help = "only these as the second socket, which wants the port"},
    {.name = "diff",
     .takes = VALUE_REQUIRED,
     .value_name = "FILE",
     .set = option_set_text,
     .offset = offsetof(struct request, diff),
     .help = "show what has changed since FILE, the JSON of an earlier matrix"},
    {.name = "must-run",
     .set = option_set_flag,
     .offset = offsetof(struct request, must_run),
     .help = "treat what cannot run here as an error, instead of skipping it"},
    {0},
};

static const struct option_group groups[] = {
    {rows, 0},
    {outputs_options, offsetof(struct request, outputs)},
    {0},
};

/* --- the file of --diff --- */

/* Reads the file of --diff, before anything is measured. Returns false after a complaint. */
static bool read_earlier(struct request *request) {
    const char *wrong = NULL;
    int file = file_open_plain(request->diff, &wrong);
    if (file >= 0) {
        request->earlier =
            file_read_all(&request->arena, file, FILE_PLAIN_MOST, &request->earlier_size);
        wrong = request->earlier == NULL ? strerror(errno) : NULL;
        close(file);
    }
    if (wrong != NULL)
        options_complain("matrix", "--diff %s: cannot read this file: %s", request->diff, wrong);
    return wrong == NULL;
}

/* Compares with the file of --diff. Returns false after a complaint. */
static bool compare(const struct request *request, const struct matrix *matrix,
                    struct matrix_diff *diff) {
    const char *wrong = matrix_diff_read(diff, matrix, request->earlier, request->earlier_size);
    if (wrong != NULL)
        options_complain("matrix",
                         "--diff %s: not a report that can be compared: %s; make one with "
                         "'portreuse matrix --format json >FILE'",
                         request->diff, wrong);
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
    if ((request->diff != NULL && !read_earlier(request)) || !outputs_open(&request->outputs))
        return EXIT_TROUBLE;
    struct matrix *matrix = matrix_measure(request->udp ? PROTOCOL_UDP : PROTOCOL_TCP);
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
    free(matrix);
    return status;
}

/* Returns whether sockets of the protocol have one of the chosen states; complains if not. */
static bool check_states(const struct request *request) {
    enum protocol protocol = request->udp ? PROTOCOL_UDP : PROTOCOL_TCP;
    for (unsigned i = 0; i < MATRIX_STATES; i++)
        if (request->choice.states[i] && matrix_has_state(protocol, (enum matrix_state)i))
            return true;
    options_complain("matrix", "UDP sockets have no such state; theirs are UNCONN and ESTABLISHED");
    return false;
}

static int cmd_matrix(int argc, char **argv) {
    struct request request = {.outputs = {.command = "matrix", .subject = &subject_matrix}};
    int status = EXIT_TROUBLE;
    memset(&request.choice, true, sizeof request.choice);
    if (options_parse("matrix", groups, argc, argv, &request) && options_no_operands(argc, argv) &&
        check_states(&request))
        status = measure_and_report(&request);
    outputs_free(&request.outputs);
    arena_free(&request.arena);
    return status;
}

const struct command command_matrix = {
    .name = "matrix",
    .function = cmd_matrix,
    .usage = "[OPTION...]",
    .summary = "show which pairs of sockets may share a port on this kernel",
    .description =
        "Creates each pair of sockets: a first one that has a port, and a second one that wants "
        "it. Compares the kernel's answer with this program's model of the kernel's rules.",
    .options = groups,
    .subject = &subject_matrix,
};
