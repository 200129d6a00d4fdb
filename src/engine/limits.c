/* The steps are counted as they are written: each as often as its block has rounds. A block without
 * a number of rounds counts once; how many it may run is told when it begins. */
#include "engine/limits.h"

#include <string.h>

#include "base/units.h"
#include "engine/board.h"
#include "engine/protocol.h"

const struct limits limits_usual = {.most = {[LIMIT_SOCKETS] = 200000,
                                             [LIMIT_BYTES] = 64ULL * 1024 * 1024,
                                             [LIMIT_SECONDS] = 3600,
                                             [LIMIT_DEVICES] = 100,
                                             [LIMIT_CONNECTIONS] = 1000,
                                             [LIMIT_MEMORY] = 256ULL * 1024 * 1024}};

const char *const limits_names[LIMITS + 1] = {
    [LIMIT_SOCKETS] = "sockets",         [LIMIT_BYTES] = "bytes",
    [LIMIT_SECONDS] = "seconds",         [LIMIT_DEVICES] = "devices",
    [LIMIT_CONNECTIONS] = "connections", [LIMIT_MEMORY] = "memory"};

const char *const limits_nouns[LIMITS] = {[LIMIT_SOCKETS] = "sockets",
                                          [LIMIT_BYTES] = "bytes in flight",
                                          [LIMIT_SECONDS] = "seconds of waiting",
                                          [LIMIT_DEVICES] = "network devices",
                                          [LIMIT_CONNECTIONS] = "connections on the host",
                                          [LIMIT_MEMORY] = "bytes of results"};

/* What one send() can leave in the buffers of a connection, with the kernel's usual limits: the
 * largest tcp_wmem and tcp_rmem. */
enum { BUFFERS = 10 * 1024 * 1024 };

static uint64_t add(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t multiply(uint64_t a, uint64_t b) {
    return a != 0 && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

/* How much one call of the step takes. */
static uint64_t of_step(const struct step *step, enum limit limit) {
    switch (limit) {
    case LIMIT_SOCKETS:
        return step->verb == VERB_SOCKET || step->verb == VERB_ACCEPT;
    case LIMIT_DEVICES:
        return step->verb == VERB_ADDRESS;
    case LIMIT_CONNECTIONS:
        return step->verb == VERB_CONNECT;
    default:
        return 0;
    }
}

/* Whether the body closes what the step makes, so that the rounds do not add up. */
static bool is_closed(const struct step *block, const struct step *step) {
    int made = step->verb == VERB_ACCEPT ? step->made : step->socket;
    for (size_t k = 1; k <= block->body; k++)
        if (block[k].verb == VERB_CLOSE && block[k].role == step->role && block[k].socket == made)
            return true;
    return false;
}

/* Whether the text does not say how many rounds it has: a `serve` block, and one that ends by an
 * answer. */
static bool is_endless(const struct step *block) {
    const struct step_rounds *rounds = step_rounds(block);
    return rounds != NULL && (block->verb == VERB_SERVE || !rounds->given);
}

static uint64_t rounds_of(const struct step *block) {
    const struct step_rounds *rounds = step_rounds(block);
    return rounds == NULL || is_endless(block) ? 1 : rounds->most;
}

static uint64_t of_section(const struct scenario *scenario, const struct section *section,
                           enum limit limit) {
    const struct step *first = &scenario->steps[section->first];
    uint64_t sum = 0;
    for (size_t i = 0; i < section->count; i++) {
        const struct step *step = first + i;
        uint64_t rounds = rounds_of(step);
        sum = add(sum, of_step(step, limit));
        for (size_t k = 1; k <= step->body; k++) {
            bool once = limit == LIMIT_SOCKETS && is_closed(step, step + k);
            sum = add(sum, multiply(once ? 1 : rounds, of_step(step + k, limit)));
        }
        i += step->body;
    }
    return sum;
}

static uint64_t of_case(const struct scenario *scenario, size_t case_index, enum limit limit) {
    return add(of_section(scenario, &scenario->setup, limit),
               of_section(scenario, &scenario->cases[case_index], limit));
}

/* --- bytes --- */

/* Whether the scenario changes how much the buffers take. */
static bool has_other_buffers(const struct scenario *scenario) {
    for (size_t i = 0; i < scenario->step_count; i++)
        if (scenario->steps[i].verb == VERB_SYSCTL &&
            strstr(scenario->steps[i].sysctl.name, "mem") != NULL)
            return true;
    return false;
}

/* Of one name of a role: how much is sent on it, and how many sockets have it in turn. */
struct sent {
    uint64_t bytes, sockets;
};

static bool makes(const struct step *step, int role, int socket) {
    return step->role == role && ((step->verb == VERB_SOCKET && step->socket == socket) ||
                                  (step->verb == VERB_ACCEPT && step->made == socket));
}

/* Whether each round sends on a socket of its own. */
static bool makes_in(const struct step *block, int role, int socket) {
    for (size_t k = 1; k <= block->body; k++)
        if (makes(block + k, role, socket))
            return true;
    return false;
}

/* How much one call sends; what the counter of a block changes can be any amount. */
static uint64_t sent_by(const struct step *step) {
    if (step->verb != VERB_SEND)
        return 0;
    if (step->variation_count > 0)
        return BUFFERS;
    return step->amount.number > 0 ? (uint64_t)step->amount.number : 0;
}

static void count_sent(const struct step *step, int role, int socket, uint64_t rounds,
                       struct sent *sent) {
    if (makes(step, role, socket))
        sent->sockets = add(sent->sockets, rounds);
    if (step->role == role && step->socket == socket)
        sent->bytes = add(sent->bytes, multiply(rounds, sent_by(step)));
}

/* An endless block sends without end on a socket that it has not made. What a `serve` block sends
 * on those that it accepts is counted by the connections. */
static void count_body(const struct step *block, int role, int socket, struct sent *sent) {
    bool own = makes_in(block, role, socket);
    uint64_t rounds = is_endless(block) && !own ? UINT64_MAX : rounds_of(block);
    if (block->verb == VERB_SERVE && own)
        return;
    for (size_t k = 1; k <= block->body; k++)
        count_sent(block + k, role, socket, rounds, sent);
}

static void sent_in(const struct scenario *scenario, const struct section *section, int role,
                    int socket, struct sent *sent) {
    const struct step *first = &scenario->steps[section->first];
    for (size_t i = 0; i < section->count; i++) {
        const struct step *step = first + i;
        count_sent(step, role, socket, 1, sent);
        count_body(step, role, socket, sent);
        i += step->body;
    }
}

/* What a round of the block sends on the sockets that it makes. */
static uint64_t sent_in_round(const struct step *block) {
    uint64_t sum = 0;
    for (size_t k = 1; k <= block->body; k++)
        if (makes_in(block, block[k].role, block[k].socket))
            sum = add(sum, sent_by(block + k));
    return sum;
}

/* What is sent to each connection: by all `serve` blocks, as they may share a listener. */
static uint64_t served_in(const struct scenario *scenario, const struct section *section) {
    const struct step *first = &scenario->steps[section->first];
    uint64_t sum = 0;
    for (size_t i = 0; i < section->count; i++)
        if (first[i].verb == VERB_SERVE)
            sum = add(sum, sent_in_round(first + i));
    return sum;
}

static uint64_t served_per_connection(const struct scenario *scenario, size_t case_index) {
    return add(served_in(scenario, &scenario->setup),
               served_in(scenario, &scenario->cases[case_index]));
}

/* What is received in between is not counted off: when that happens is not in the text. */
static uint64_t bytes_of_case(const struct scenario *scenario, size_t case_index) {
    uint64_t sum = multiply(of_case(scenario, case_index, LIMIT_CONNECTIONS),
                            served_per_connection(scenario, case_index));
    uint64_t buffers = has_other_buffers(scenario) ? UINT64_MAX : BUFFERS;
    for (int role = 0; role < (int)scenario->role_count; role++)
        for (int socket = 0; socket < (int)scenario->socket_count; socket++) {
            struct sent sent = {0};
            sent_in(scenario, &scenario->setup, role, socket, &sent);
            sent_in(scenario, &scenario->cases[case_index], role, socket, &sent);
            uint64_t room = multiply(sent.sockets == 0 ? 1 : sent.sockets, buffers);
            sum = add(sum, sent.bytes < room ? sent.bytes : room);
        }
    return sum;
}

/* --- memory --- */

/* What the runner keeps of a section: the times of rounds, and what stands in the way of calls that
 * may fail for their port. */
static uint64_t results_of(const struct scenario *scenario, const struct section *section) {
    uint64_t sum = 0;
    for (size_t i = 0; i < section->count; i++) {
        const struct step *step = &scenario->steps[section->first + i];
        sum = add(sum, board_rounds_kept(step) * sizeof(uint64_t));
        sum = add(sum, action_of(step->verb)->takes_port ? sizeof(struct evidence) : 0);
    }
    return sum;
}

static uint64_t results_of_all(const struct scenario *scenario) {
    uint64_t sum = multiply(scenario->case_count, results_of(scenario, &scenario->setup));
    for (size_t i = 0; i < scenario->case_count; i++)
        sum = add(sum, results_of(scenario, &scenario->cases[i]));
    return sum;
}

uint64_t limits_of_case(const struct scenario *scenario, size_t case_index, enum limit limit) {
    if (limit == LIMIT_MEMORY)
        return results_of_all(scenario);
    if (limit == LIMIT_SECONDS)
        return scenario_declared_ns(scenario, case_index) / NS_PER_S;
    if (limit == LIMIT_BYTES)
        return bytes_of_case(scenario, case_index);
    uint64_t sum = of_case(scenario, case_index, limit);
    return limit == LIMIT_DEVICES ? add(sum, scenario->host_count) : sum;
}

/* --- the rounds of endless blocks --- */

/* What each round leaves behind. */
static uint64_t of_round(const struct scenario *scenario, size_t case_index,
                         const struct step *block, enum limit limit) {
    uint64_t sum = limit == LIMIT_BYTES ? sent_in_round(block) : 0;
    for (size_t k = 1; k <= block->body; k++) {
        const struct step *step = block + k;
        if (limit == LIMIT_SOCKETS && !is_closed(block, step))
            sum = add(sum, of_step(step, LIMIT_SOCKETS));
        if (limit == LIMIT_BYTES && step->verb == VERB_CONNECT)
            sum = add(sum, served_per_connection(scenario, case_index));
    }
    return sum;
}

/* How many endless blocks of the section share what is left. */
static uint64_t sharing_in(const struct scenario *scenario, size_t case_index,
                           const struct section *section, enum limit limit) {
    const struct step *first = &scenario->steps[section->first];
    uint64_t count = 0;
    for (size_t i = 0; i < section->count; i++)
        count += first[i].verb == VERB_REPEAT && is_endless(first + i) &&
                 of_round(scenario, case_index, first + i, limit) > 0;
    return count;
}

uint64_t limits_of_rounds(const struct scenario *scenario, size_t case_index,
                          const struct step *block, const struct limits *limits,
                          enum limit *which) {
    static const enum limit counted[] = {LIMIT_SOCKETS, LIMIT_BYTES};
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < sizeof counted / sizeof counted[0] && is_endless(block); i++) {
        enum limit limit = counted[i];
        uint64_t each = of_round(scenario, case_index, block, limit);
        uint64_t taken = limits_of_case(scenario, case_index, limit), most = limits->most[limit];
        uint64_t sharing = sharing_in(scenario, case_index, &scenario->setup, limit) +
                           sharing_in(scenario, case_index, &scenario->cases[case_index], limit);
        if (each == 0 || sharing == 0)
            continue;
        uint64_t rounds = (taken < most ? most - taken : 0) / sharing / each;
        if (rounds < least) {
            least = rounds;
            *which = limit;
        }
    }
    return least == UINT64_MAX ? least : least + 1; /* one is among what is taken */
}
