/* Any bytes as what the roles of a case write: replies, and views of their sockets. What is taken
 * for sound is shown by every format of a report; what they wrote is looked up by every address. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/board.h"
#include "engine/protocol.h"
#include "report/run/run.h"
#include "scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char story[] = "title t\n"
                            "setup\n"
                            " a socket l SO_REUSEADDR SO_LINGER=3\n"
                            " a bind l 127.0.0.1:80\n"
                            "case one\n"
                            " b socket c\n"
                            " b bind c *:$a.l.port -> EADDRINUSE\n"
                            " b getsockname c -> 127.0.0.1:80\n"
                            " b getsockopt c SO_LINGER -> 3\n"
                            " b recv c -> eof\n"
                            " b repeat 10 as i\n"
                            "  connect c 127.0.0.1:$i\n"
                            " end -> EADDRNOTAVAIL at connect after 5\n"
                            " b connect c $a.l -> ok within 2s\n"
                            " b getpeername c -> $b.c.peer\n"
                            " a socket u unix\n"
                            " a getsockname u -> unix:db\n";

struct input {
    const uint8_t *at;
    size_t left;
};

/* What the input does not have is zero. */
static void take(struct input *input, void *to, size_t size) {
    size_t some = size < input->left ? size : input->left;
    memset(to, 0, size);
    memcpy(to, input->at, some);
    input->at += some;
    input->left -= some;
}

/* A reply is short where its first byte is even: then its answer is a number or an errno. */
static struct reply take_reply(const struct scenario *scenario, struct input *input) {
    struct reply reply = {0};
    uint8_t head[6];
    take(input, head, sizeof head);
    if (head[0] % 2 == 1) {
        take(input, &reply, sizeof reply);
    } else {
        reply.answer.kind = (enum answer_kind)(head[1] % 16);
        reply.answer.number = head[2] - 2;
        reply.answer.at = (enum verb)(head[3] % VERBS);
        reply.answer.in_block = head[3] / 128 != 0;
        reply.call_index = (uint32_t)(head[4] % (scenario->step_count + 1));
        reply.step_index = reply.call_index;
        reply.option = head[5] % 4;
    }
    reply.elapsed_ns %= (uint64_t)1000 * NS_PER_S;
    reply.answer.rounds %= SCENARIO_ROUNDS_MAX;
    return reply;
}

/* What was written out; what is taken from a socket is not known. */
static bool resolve(void *context, const struct address *address, struct place *place) {
    (void)context;
    *place = (struct place){.endpoint = address->pattern.endpoint, .name = address->name};
    return address->use == ADDRESS_WRITTEN;
}

static void set_results(const struct scenario *scenario, struct case_result *result,
                        struct input *input) {
    for (size_t i = 0; i < result->step_count; i++) {
        const struct step *step = result_step(scenario, 0, i);
        struct reply reply = take_reply(scenario, input);
        if (!protocol_is_sound(scenario, &reply))
            continue;
        struct step_outcome outcome = {.status = i % 4 == 3 ? STEP_UNMET : STEP_MET,
                                       .got = reply.answer,
                                       .elapsed_ns = reply.elapsed_ns,
                                       .call_index = reply.call_index,
                                       .option = reply.option};
        const struct wanted *met = expectation_met(
            &step->want, &reply.answer, (struct kernel_release){{6, 8, 0}}, resolve, NULL);
        outcome.met_index = expectation_index(&step->want, met);
        if (met == NULL)
            outcome.status = STEP_UNMET;
        result_set_outcome(&result->steps[i], step, &outcome);
    }
}

static void report(const struct scenario *scenario, struct case_result *result, unsigned how) {
    static FILE *nowhere;
    struct capabilities none = {0};
    struct scenario_result of_scenario = {.scenario = scenario, .cases = result};
    struct run_result run = {.scenarios = &of_scenario, .scenario_count = 1, .repeat = 1};
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    result->verdict = how % 3 == 0 ? VERDICT_PASS : VERDICT_FAIL;
    result->reason = "";
    result_sum_up(&run);
    struct run_findings findings = {.run = &run, .capabilities = &none};
    struct report whole = {.subject = &subject_run, .findings = &findings, .verbose = how % 2 == 1};
    unsigned formats = 0;
    while (subject_run.formats[formats] != NULL)
        formats++;
    const struct format *format = subject_run.formats[how / 8 % formats];
    if (format->write != NULL)
        format->write(&whole, nowhere);
}

static void look_up(const struct scenario *scenario, struct board *board, struct input *input) {
    size_t views = scenario->role_count * scenario->socket_count;
    struct endpoint endpoint;
    board_mistrust(board);
    take(input, board->written, views * sizeof board->written[0]);
    for (unsigned role = 0; role < scenario->role_count; role++)
        board_take(board, role);
    for (size_t i = 0; i < scenario->step_count; i++) {
        const struct address *address = step_address(&scenario->steps[i]);
        if (address != NULL && board_resolve(board, address, AF_INET, &endpoint) &&
            endpoint.family != AF_INET && endpoint.family != AF_INET6 && endpoint.family != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct scenario *scenario;
    struct input input = {data, size};
    struct errors errors = {0};
    uint8_t how;
    if (scenario == NULL)
        scenario = scenario_parse("fuzz", NULL, story, sizeof story - 1, &errors);
    if (errors.count != 0) {
        errors_print(&errors, stderr);
        abort();
    }
    struct board *board = board_new(scenario, 0);
    if (board == NULL)
        return 0;
    take(&input, &how, 1);
    if (how % 4 == 0)
        look_up(scenario, board, &input);
    else
        set_results(scenario, &board->result, &input);
    if (how % 4 != 0)
        report(scenario, &board->result, how);
    board_free(board);
    return 0;
}
