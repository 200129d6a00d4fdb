/* The layout of the board: two mappings, each of which holds its parts one after the other. What
 * the roles may write is in the second. */
#include "engine/board.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/signames.h"
#include "scenario/verb.h"

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
static void lay_out(struct cutter *cutter, struct cutter *of_roles, const struct scenario *scenario,
                    size_t case_index) {
    size_t steps = scenario->setup.count + scenario->cases[case_index].count;
    size_t views_count = scenario->role_count * scenario->socket_count;
    struct board *board = cut(cutter, 1, sizeof *board);
    struct socket_view *checked = cut(cutter, views_count, sizeof *checked);
    struct socket_view *views = cut(of_roles, views_count, sizeof *views);
    struct step_result *results = cut(cutter, steps, sizeof *results);
    if (board != NULL) {
        board->head_size = cutter->used;
        board->scenario = scenario;
        board->case_index = case_index;
        board->under_way = NO_STEP;
        board->views = board->written = views;
        board->checked = checked;
        board->result.steps = results;
        board->result.reason = board->reason;
        board->result.step_count = steps;
    }
    for (size_t i = 0; i < steps; i++) {
        struct evidence *evidence = cut(cutter, 1, sizeof *evidence);
        const struct step *step = result_step(scenario, case_index, i);
        uint64_t *rounds_ns = cut(of_roles, board_rounds_kept(step), sizeof *rounds_ns);
        char *seen = cut(cutter, more_size(step), sizeof *seen);
        if (results != NULL) {
            results[i].evidence = evidence;
            results[i].rounds_ns = rounds_ns;
            results[i].seen = seen;
        }
    }
}

/* NULL with errno set if there is no memory. */
static void *share(size_t size) {
    void *base =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return base == MAP_FAILED ? NULL : base;
}

struct board *board_new(const struct scenario *scenario, size_t case_index) {
    struct cutter measure = {0}, of_roles = {0}, cutter = {0}, written = {0};
    lay_out(&measure, &of_roles, scenario, case_index);
    void *base = share(measure.used);
    cutter.base = base;
    written.base = base == NULL ? NULL : share(of_roles.used + 1);
    if (written.base == NULL) {
        int error = errno;
        if (base != NULL)
            munmap(base, measure.used);
        errno = error;
        return NULL;
    }
    lay_out(&cutter, &written, scenario, case_index);
    struct board *board = base;
    board->size = measure.used;
    board->written_by_roles = written.base;
    board->written_size = of_roles.used + 1;
    board->kernel = release_running();
    return board;
}

const char *board_ended_early(struct arena *arena, pid_t stage, int status) {
    char name[SIGNAME_SIZE];
    if (!WIFSIGNALED(status))
        return arena_format(arena, "the case's process ended early, with status %d",
                            WEXITSTATUS(status));
    return arena_format(arena, "the case's process was killed by %s, not by portreuse (pid %d)%s",
                        signame(WTERMSIG(status), name), (int)stage,
                        WTERMSIG(status) == SIGKILL ? "; see dmesg if memory ran out" : "");
}

const char *board_too_long(const struct board *board, struct arena *arena) {
    if (board->under_way == NO_STEP)
        return "the case did not end in time (--timeout), and was killed by SIGKILL";
    const struct step *step = &board->scenario->steps[board->under_way];
    return arena_format(
        arena, "line %u: %s did not end in time (--timeout): the case was killed by SIGKILL",
        step->line, verb_row(step->verb)->name);
}

void board_free(struct board *board) {
    if (board == NULL)
        return;
    munmap(board->written_by_roles, board->written_size);
    munmap(board, board->size);
}

/* --- whose it is --- */

void board_mistrust(struct board *board) {
    size_t count = board->scenario->role_count * board->scenario->socket_count;
    for (size_t i = 0; i < count; i++)
        board->checked[i] = board->written[i];
    board->views = board->checked;
}

int board_leave(struct board *board) {
    size_t size = board->size;
    struct board *copy =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED)
        return errno;
    memcpy(copy, board, board->head_size);
    copy->views = copy->written;
    return mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, board) == MAP_FAILED ? errno : 0;
}

/* The family of an endpoint. */
static sa_family_t checked_family(sa_family_t family) {
    return family == AF_INET || family == AF_INET6 ? family : 0;
}

/* A bool that is neither 0 nor 1 is undefined: it is looked at as a byte. */
static void check_bool(bool *value) {
    unsigned char byte;
    memcpy(&byte, value, sizeof byte);
    *value = byte != 0;
}

static void check_text(char text[UNIX_NAME_SIZE + 1]) {
    text[UNIX_NAME_SIZE] = '\0';
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == '\x7f')
            *c = '?';
}

/* Makes a view one that a role can have written. */
static void check_view(struct socket_view *view) {
    bool *const bools[] = {&view->made,      &view->open,      &view->has_peer,  &view->outgoing,
                           &view->bound,     &view->inherited, &view->reuseaddr, &view->nonblocking,
                           &view->reuseport, &view->v6only};
    for (size_t i = 0; i < sizeof bools / sizeof bools[0]; i++)
        check_bool(bools[i]);
    if ((unsigned)view->protocol >= PROTOCOL_COUNT)
        view->protocol = PROTOCOL_TCP;
    view->family = view->family == AF_UNIX ? AF_UNIX : checked_family(view->family);
    view->local.family = checked_family(view->local.family);
    view->peer.family = checked_family(view->peer.family);
    check_text(view->name);
    check_text(view->peer_name);
}

void board_take(struct board *board, unsigned role) {
    size_t count = board->scenario->socket_count;
    if (board->views != board->checked)
        return;
    for (size_t i = role * count; i < (role + 1) * count; i++) {
        board->checked[i] = board->written[i];
        check_view(&board->checked[i]);
    }
}

void board_give(struct board *board, unsigned role) {
    size_t count = board->scenario->socket_count;
    for (size_t i = role * count; i < (role + 1) * count; i++)
        board->written[i] = board->views[i];
}

/* --- reading it --- */

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
