/* The steps are counted as they are written: each as often as its block has rounds. */
#include "engine/limits.h"

#include "base/units.h"

const struct limits limits_usual = {.most = {[LIMIT_SOCKETS] = 200000,
                                             [LIMIT_BYTES] = 64ULL * 1024 * 1024,
                                             [LIMIT_SECONDS] = 3600,
                                             [LIMIT_DEVICES] = 100,
                                             [LIMIT_CONNECTIONS] = 1000}};

const char *const limits_names[LIMITS + 1] = {[LIMIT_SOCKETS] = "sockets",
                                              [LIMIT_BYTES] = "bytes",
                                              [LIMIT_SECONDS] = "seconds",
                                              [LIMIT_DEVICES] = "devices",
                                              [LIMIT_CONNECTIONS] = "connections"};

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

/* A `serve` block has no number of rounds: what it accepts, a `connect` has made. A block that does
 * not say how many rounds it has ends by an answer, which is not known. */
static uint64_t rounds_of(const struct step *block) {
    const struct step_rounds *rounds = step_rounds(block);
    return rounds == NULL || block->verb == VERB_SERVE || !rounds->given ? 1 : rounds->most;
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

/* --- bytes --- */

/* Of one name of a role: how much is sent on it, and how many sockets have it in turn. */
struct sent {
    uint64_t bytes, sockets;
};

static void count_sent(const struct step *step, int role, int socket, uint64_t rounds,
                       struct sent *sent) {
    if (step->role != role)
        return;
    bool makes = (step->verb == VERB_SOCKET && step->socket == socket) ||
                 (step->verb == VERB_ACCEPT && step->made == socket);
    if (makes)
        sent->sockets = add(sent->sockets, rounds);
    if (step->verb == VERB_SEND && step->socket == socket && step->amount.number > 0)
        sent->bytes = add(sent->bytes, multiply(rounds, (uint64_t)step->amount.number));
}

static void sent_in(const struct scenario *scenario, const struct section *section, int role,
                    int socket, struct sent *sent) {
    const struct step *first = &scenario->steps[section->first];
    for (size_t i = 0; i < section->count; i++) {
        const struct step *step = first + i;
        uint64_t rounds = rounds_of(step);
        count_sent(step, role, socket, 1, sent);
        for (size_t k = 1; k <= step->body; k++)
            count_sent(step + k, role, socket, rounds, sent);
        i += step->body;
    }
}

/* What is received in between is not counted off: when that happens is not in the text. */
static uint64_t bytes_of_case(const struct scenario *scenario, size_t case_index) {
    uint64_t sum = 0;
    for (int role = 0; role < (int)scenario->role_count; role++)
        for (int socket = 0; socket < (int)scenario->socket_count; socket++) {
            struct sent sent = {0};
            sent_in(scenario, &scenario->setup, role, socket, &sent);
            sent_in(scenario, &scenario->cases[case_index], role, socket, &sent);
            uint64_t room = multiply(sent.sockets == 0 ? 1 : sent.sockets, BUFFERS);
            sum = add(sum, sent.bytes < room ? sent.bytes : room);
        }
    return sum;
}

uint64_t limits_of_case(const struct scenario *scenario, size_t case_index, enum limit limit) {
    if (limit == LIMIT_SECONDS)
        return scenario_declared_ns(scenario, case_index) / NS_PER_S;
    if (limit == LIMIT_BYTES)
        return bytes_of_case(scenario, case_index);
    uint64_t sum = add(of_section(scenario, &scenario->setup, limit),
                       of_section(scenario, &scenario->cases[case_index], limit));
    return limit == LIMIT_DEVICES ? add(sum, scenario->host_count) : sum;
}
