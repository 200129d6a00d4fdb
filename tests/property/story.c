#include "story.h"

/* splitmix64 */
static uint64_t next(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static uint8_t below(uint64_t *state, unsigned limit) {
    return (uint8_t)(next(state) % limit);
}

/* How often a kind of move comes, of 100. */
static const uint8_t shares[MOVE_KINDS] = {
    [MOVE_SOCKET] = 22,  [MOVE_OPTION] = 9,   [MOVE_BIND] = 27,      [MOVE_LISTEN] = 13,
    [MOVE_CONNECT] = 14, [MOVE_SHUTDOWN] = 4, [MOVE_DISCONNECT] = 3, [MOVE_CLOSE] = 8,
};

static uint8_t random_kind(uint64_t *state) {
    unsigned left = below(state, 100), kind = 0;
    while (left >= shares[kind])
        left -= shares[kind++];
    return (uint8_t)kind;
}

/* Mostly one of two ports that are outside the range of automatic ones, at times in it. */
static uint8_t random_port(uint64_t *state) {
    static const uint8_t ports[] = {0, 0, 0, 1, 4, 5, PORT_ANY, PORT_ANY};
    return ports[below(state, sizeof ports)];
}

static struct move random_move(uint64_t *state, bool other_users) {
    static const uint8_t devices[] = {0, 0, 0, 0, 0, 0, 1, 77};
    return (struct move){.kind = random_kind(state),
                         .slot = below(state, SLOTS),
                         .other = below(state, SLOTS),
                         .address = below(state, 15),
                         .port = random_port(state),
                         .options = below(state, 16),
                         .device = devices[below(state, sizeof devices)],
                         .other_user = below(state, 4) == 0 && other_users};
}

struct story story_random(uint64_t number, bool other_users) {
    uint64_t state = number;
    struct story story = {.autobind_reuse = below(&state, 4) == 0, .count = STORY_MOVES};
    for (unsigned i = 0; i < STORY_MOVES; i++)
        story.moves[i] = random_move(&state, other_users);
    return story;
}
