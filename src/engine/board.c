/* The layout of the board: one mapping, which holds all its parts one after the other. */
#include "engine/board.h"

#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>

size_t board_rounds_kept(const struct step *step) {
    const struct step_rounds *rounds = step_rounds(step);
    if (rounds == NULL)
        return 0;
    return rounds->most < ROUNDS_KEPT ? (size_t)rounds->most : ROUNDS_KEPT;
}

/* How many bytes the result of the step can say more. */
static size_t more_size(const struct step *step) {
    bool asks = step->verb == VERB_AWAIT || step->verb == VERB_CALLS ||
                step->verb == VERB_LISTENS || step_question(step) != NULL;
    return step->verb == VERB_EXEC ? OUTPUT_TEXT_SIZE : asks ? RESULT_TEXT_SIZE : 0;
}

/* Cuts parts off the front of a mapping; without a base it only measures them. */
struct cutter {
    char *base;
    size_t used;
};

static void *cut(struct cutter *cutter, size_t count, size_t size) {
    size_t unit = alignof(max_align_t);
    void *part = cutter->base == NULL || count == 0 ? NULL : cutter->base + cutter->used;
    cutter->used += (count * size + unit - 1) / unit * unit;
    return part;
}

/* Cuts all parts. Pages that are never touched cost nothing. */
static void lay_out(struct cutter *cutter, const struct scenario *scenario, size_t case_index) {
    size_t steps = scenario->setup.count + scenario->cases[case_index].count;
    struct board *board = cut(cutter, 1, sizeof *board);
    struct socket_view *views =
        cut(cutter, scenario->role_count * scenario->socket_count, sizeof *views);
    struct step_result *results = cut(cutter, steps, sizeof *results);
    if (board != NULL) {
        board->scenario = scenario;
        board->case_index = case_index;
        board->under_way = NO_STEP;
        board->views = views;
        board->result.steps = results;
        board->result.reason = board->reason;
        board->result.step_count = steps;
    }
    for (size_t i = 0; i < steps; i++) {
        struct evidence *evidence = cut(cutter, 1, sizeof *evidence);
        const struct step *step = result_step(scenario, case_index, i);
        uint64_t *rounds_ns = cut(cutter, board_rounds_kept(step), sizeof *rounds_ns);
        char *seen = cut(cutter, more_size(step), sizeof *seen);
        if (results != NULL) {
            results[i].evidence = evidence;
            results[i].rounds_ns = rounds_ns;
            results[i].seen = seen;
        }
    }
}

struct board *board_new(const struct scenario *scenario, size_t case_index) {
    struct cutter measure = {0}, cutter = {0};
    lay_out(&measure, scenario, case_index);
    void *base = mmap(NULL, measure.used, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    cutter.base = base;
    lay_out(&cutter, scenario, case_index);
    struct board *board = base;
    board->size = measure.used;
    return board;
}

void board_free(struct board *board) {
    if (board != NULL)
        munmap(board, board->size);
}

struct socket_view *board_view(const struct board *board, unsigned role, unsigned socket) {
    return &board->views[role * board->scenario->socket_count + socket];
}

struct step_result *board_result(const struct board *board, const struct step *step) {
    const struct scenario *scenario = board->scenario;
    const struct section *setup = &scenario->setup, *own = &scenario->cases[board->case_index];
    size_t index = (size_t)(step - scenario->steps);
    bool in_setup = index >= setup->first && index < setup->first + setup->count;
    return &board->result
                .steps[in_setup ? index - setup->first : setup->count + index - own->first];
}

size_t board_rounds(const struct board *board, const struct step *block) {
    const uint64_t *rounds_ns = board_result(board, block)->rounds_ns;
    size_t low = 0, high = board_rounds_kept(block);
    while (low < high) { /* they are filled from the front, and every round takes some time */
        size_t middle = low + (high - low) / 2;
        if (rounds_ns[middle] == 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool board_resolve_pattern(const struct board *board, const struct address *address,
                           struct endpoint_pattern *pattern) {
    *pattern = address->pattern;
    if (address->use == ADDRESS_WRITTEN)
        return true;
    const struct socket_view *view = board_view(board, address->role, address->socket);
    const struct endpoint *other = address->peer ? &view->peer : &view->local;
    if (!view->made || (address->peer && !view->has_peer))
        return false;
    if (address->use == ADDRESS_OF_SOCKET)
        pattern->endpoint = *other;
    else
        pattern->endpoint.port = other->port;
    return true;
}

const char *board_name(const struct board *board, const struct address *address) {
    if (address->use == ADDRESS_WRITTEN)
        return address->name;
    const struct socket_view *view = board_view(board, address->role, address->socket);
    if (!view->made || view->family != AF_UNIX || (address->peer && !view->has_peer))
        return NULL;
    return address->peer ? view->peer_name : view->name;
}

bool board_resolve(const struct board *board, const struct address *address, sa_family_t family,
                   struct endpoint *endpoint) {
    struct endpoint_pattern pattern;
    if (!board_resolve_pattern(board, address, &pattern))
        return false;
    *endpoint =
        pattern.any_address ? endpoint_wildcard(family, pattern.endpoint.port) : pattern.endpoint;
    return true;
}

bool board_place(const struct board *board, const struct address *address, sa_family_t family,
                 struct place *place) {
    const struct socket_view *view = address->use == ADDRESS_OF_SOCKET
                                         ? board_view(board, address->role, address->socket)
                                         : NULL;
    place->name = board_name(board, address);
    place->zone = address->zone;
    if (view != NULL && view->family == AF_INET6)
        place->zone = address->peer ? view->peer_name : view->name;
    if (place->zone != NULL && place->zone[0] == '\0')
        place->zone = NULL;
    return place->name != NULL || board_resolve(board, address, family, &place->endpoint);
}
