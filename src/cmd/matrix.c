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
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/outputs.h"
#include "report/matrix/matrix.h"

struct request {
    bool udp;
    struct matrix_choice choice;
    bool all, states_named, calls_named, devices_named, first_named, second_named;
    const char *states[STORIES]; /* as named: what they are depends on the protocol */
    unsigned state_count;
    struct outputs outputs;
    const char *diff;    /* a file, or NULL: */
    const char *earlier; /* its bytes, in the arena */
    size_t earlier_size;
    struct arena arena;
    bool must_run;
};

static enum protocol protocol_of(const struct request *request) {
    return request->udp ? PROTOCOL_UDP : PROTOCOL_TCP;
}

/* Returns whether the user has named what to try. */
static bool names_any(const struct request *request) {
    return request->states_named || request->calls_named || request->devices_named ||
           request->first_named || request->second_named;
}

/* --- options --- */

/* The first --state, --call, --device, --first or --second replaces the choice of everything;
 * others add to it. */
static bool set_state(const struct option_use *use) {
    struct request *request = use->target;
    request->states_named = true;
    if (request->state_count < STORIES)
        request->states[request->state_count++] = use->value;
    return true;
}

static bool set_call(const struct option_use *use) {
    struct request *request = use->target;
    int call = option_word(use);
    if (!request->calls_named)
        memset(request->choice.calls, false, sizeof request->choice.calls);
    request->calls_named = true;
    return call >= 0 && (request->choice.calls[call] = true);
}

static bool set_device(const struct option_use *use) {
    struct request *request = use->target;
    int device = option_word(use);
    if (!request->devices_named)
        memset(request->choice.devices, false, sizeof request->choice.devices);
    request->devices_named = true;
    return device >= 0 && (request->choice.devices[device] = true);
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
     .set = set_state,
     .help = "only this state of the first socket: one of those that 'portreuse matrix' lists; may "
             "be given several times"},
    {.name = "call",
     .takes = VALUE_REQUIRED,
     .values = matrix_call_names,
     .set = set_call,
     .help = "only these calls of the second socket: bind() and listen(), the same with port 0, "
             "connect() without bind(), or bind() and connect(); may be given several times"},
    {.name = "device",
     .takes = VALUE_REQUIRED,
     .values = matrix_device_names,
     .set = set_device,
     .help = "only with these sockets bound to lo (SO_BINDTODEVICE): none, the first, the second, "
             "both (same), or the first, and the second bound to another device (other)"},
    {.name = "first",
     .takes = VALUE_REQUIRED,
     .value_name = "SOCKET",
     .set = set_first,
     .help = "only these as the first socket, which has the port: an address, options (none, "
             "REUSEADDR, REUSEPORT, both), the connection of :: (IPv4, IPv6), or several separated "
             "by commas: "
             "::,v6only,REUSEADDR"},
    {.name = "second",
     .takes = VALUE_REQUIRED,
     .value_name = "SOCKET",
     .set = set_second,
     .help = "only these as the second socket, which wants the port; where it connects, "
             "this is the address that it connects to"},
    {.name = "all",
     .set = option_set_flag,
     .offset = offsetof(struct request, all),
     .help = "try every address, even where the summary needs only a few"},
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
    findings->diff = NULL;
    matrix_diff_free(&diff);
    return status;
}

static int measure_and_report(struct request *request) {
    if ((request->diff != NULL && !read_earlier(request)) || !outputs_open(&request->outputs))
        return EXIT_TROUBLE;
    struct matrix *matrix = matrix_measure(protocol_of(request), &request->choice);
    if (matrix == NULL) {
        options_complain("matrix", "cannot start to measure: %s", strerror(errno));
        return EXIT_TROUBLE;
    }
    if (request->must_run && matrix->verdict == VERDICT_SKIP)
        matrix->verdict = VERDICT_ERROR;
    struct matrix_findings findings = {
        .matrix = matrix, .choice = &request->choice, .grids = names_any(request)};
    struct report report = {.subject = &subject_matrix, .findings = &findings};
    int status = request->diff != NULL && matrix->pairs > 0
                     ? report_diff(request, &report, &findings)
                     : outputs_report(&request->outputs, &report);
    free(matrix);
    return status;
}

/* Complains about a state that sockets of the protocol do not have. */
static bool refuse_state(const struct request *request, const char *name) {
    enum protocol protocol = protocol_of(request);
    struct suggestion near = suggest_begin(name);
    for (unsigned i = 0; i < STORIES; i++)
        if (matrix_has_state(protocol, i))
            suggest_offer(&near, matrix_state_name(protocol, i));
    if (near.word != NULL)
        options_complain("matrix",
                         "--state '%s': %s sockets have no such state; did you mean '%s'?", name,
                         socket_protocol_name(protocol), near.word);
    else
        options_complain("matrix",
                         "--state '%s': %s sockets have no such state; 'portreuse matrix%s' lists "
                         "those that they have",
                         name, socket_protocol_name(protocol),
                         request->udp ? " --protocol udp" : "");
    return false;
}

static bool choose_states(struct request *request) {
    if (request->states_named)
        memset(request->choice.states, false, sizeof request->choice.states);
    for (unsigned i = 0; i < request->state_count; i++) {
        unsigned state = matrix_state_named(protocol_of(request), request->states[i]);
        if (state == STORIES)
            return refuse_state(request, request->states[i]);
        request->choice.states[state] = true;
    }
    return true;
}

/* Where nothing is named, everything is tried, but with a few addresses where the summary needs no
 * more. Where something is, what is not named is bind() alone, without a device. */
static void choose_rest(struct request *request) {
    struct matrix_choice *choice = &request->choice;
    bool any = names_any(request);
    choice->sample = !any && !request->all && !request->udp; /* that is quick */
    for (unsigned i = 0; any && !request->calls_named && i < STORY_CALLS; i++)
        choice->calls[i] = i == STORY_CALL_BIND || request->all;
    for (unsigned i = 0; any && !request->devices_named && i < MATRIX_DEVICES; i++)
        choice->devices[i] = i == MATRIX_NO_DEVICE || request->all;
}

static int cmd_matrix(int argc, char **argv) {
    struct request request = {.outputs = {.command = "matrix", .subject = &subject_matrix}};
    int status = EXIT_TROUBLE;
    memset(&request.choice, true, sizeof request.choice);
    if (options_parse("matrix", groups, argc, argv, &request) && options_no_operands(argc, argv) &&
        choose_states(&request)) {
        choose_rest(&request);
        status = measure_and_report(&request);
    }
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
