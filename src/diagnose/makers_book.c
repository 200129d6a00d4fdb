/* What is known of each port of a route while it is watched, and who its makers are. Makes no
 * system call. */
#include "diagnose/makers_book.h"

#include <stdlib.h>
#include <string.h>

bool makers_begin(struct makers_book *book) {
    *book = (struct makers_book){
        .ports = calloc(MAKERS_PORTS, sizeof *book->ports),
        .list = calloc(MAKERS_MOST, sizeof *book->list),
        .processes = {.entry_size = 2 * sizeof(uint32_t), .key_size = 2 * sizeof(uint32_t)}};
    return book->ports != NULL && book->list != NULL;
}

void makers_end(struct makers_book *book) {
    free(book->ports);
    free(book->list);
    table_free(&book->processes);
}

enum { TICKS_MS = 20 }; /* the kernel's timers tick every few milliseconds */

/* Returns whether the port was seen at the last look before that time. */
static bool is_next(const struct makers_book *book, const struct makers_port *seen, uint32_t ms) {
    return seen->seen_ms <= ms + TICKS_MS && ms <= seen->seen_ms + book->gap_ms + TICKS_MS;
}

bool makers_see(struct makers_book *book, uint16_t port, uint32_t inode, uint32_t now_ms) {
    struct makers_port *seen = &book->ports[port];
    bool is_new = seen->inode != inode;
    if (inode == 0) { /* it was closed, and the peer has not closed yet */
        if (is_next(book, seen, now_ms))
            seen->seen_ms = now_ms;
        return false;
    }
    if (is_new)
        seen->maker = 0;
    book->opened += is_new && !book->is_first;
    if (is_new)
        seen->was_open = book->is_first;
    seen->inode = inode;
    seen->seen_ms = now_ms;
    return is_new || seen->maker == 0 || book->list[seen->maker - 1].owner.pid == 0;
}

static bool is_same(const struct maker *a, const struct maker *b) {
    if (a->owner.uid != b->owner.uid || (a->owner.pid == 0) != (b->owner.pid == 0))
        return false;
    return a->owner.pid == 0 || (strcmp(a->owner.program, b->owner.program) == 0 &&
                                 a->master == b->master && a->starter == b->starter);
}

/* Finds the maker, or adds it. `*place` is its place in the list plus 1; 0 if there are too many.
 * Returns false if out of memory. */
static bool find_place(struct makers_book *book, const struct maker *maker, uint64_t cgroup,
                       uint32_t *place) {
    struct {
        uint32_t place;
        pid_t pid;
    } key = {.pid = maker->owner.pid};
    while (key.place < book->count &&
           (!is_same(&book->list[key.place], maker) ||
            (maker->owner.pid == 0 && book->groups[key.place] != cgroup)))
        key.place++;
    *place = key.place == MAKERS_MOST ? 0 : key.place + 1;
    if (*place == 0)
        return true;
    struct maker *known = &book->list[key.place];
    bool is_new = key.place == book->count;
    if (is_new) {
        *known = *maker;
        book->groups[key.place] = cgroup;
        book->count++;
    }
    bool is_new_process;
    if (table_add(&book->processes, &key, &is_new_process) == NULL)
        return false;
    known->processes += is_new_process && maker->owner.pid != 0;
    return true;
}

bool makers_own(struct makers_book *book, uint16_t port, const struct maker *maker,
                uint64_t cgroup) {
    uint32_t place;
    if (!find_place(book, maker, cgroup, &place))
        return false;
    if (place == 0)
        return true;
    struct makers_port *seen = &book->ports[port];
    if (seen->maker != 0 && !seen->was_open) /* it was not found at the look before */
        book->list[seen->maker - 1].opened--;
    book->list[place - 1].opened += !seen->was_open;
    seen->maker = place;
    return true;
}

bool makers_know(struct makers_book *book, const struct maker *maker, uint64_t cgroup,
                 uint32_t *place) {
    return find_place(book, maker, cgroup, place);
}

void makers_opens(struct makers_book *book, uint32_t place) {
    book->opened++;
    if (place != 0)
        book->list[place - 1].opened++;
}

void makers_closes(struct makers_book *book, uint32_t place, uint16_t port, uint32_t now_ms) {
    enum { FOR_EVER_MS = 1 << 30 };
    struct makers_port *seen = &book->ports[port];
    seen->maker = place;
    seen->seen_ms = now_ms;
    book->gap_ms = FOR_EVER_MS; /* the peer can close at any time later */
}

void makers_close(struct makers_book *book, uint16_t port, uint32_t entered_ms) {
    const struct makers_port *seen = &book->ports[port];
    book->closed++;
    if (seen->maker == 0 || !is_next(book, seen, entered_ms))
        return;
    book->list[seen->maker - 1].closed++;
    book->attributed++;
}

static bool is_more(const struct maker *a, const struct maker *b) {
    return a->closed != b->closed ? a->closed > b->closed : a->opened > b->opened;
}

/* Moves what is nobody's of a user to the only program of that user, in that control group. */
static void find_owner(struct makers_book *book, unsigned index) {
    struct maker *nobody = &book->list[index], *only = NULL;
    for (unsigned i = 0; i < book->count; i++) {
        struct maker *maker = &book->list[i];
        if (maker->owner.pid == 0 || maker->owner.uid != nobody->owner.uid)
            continue;
        if (only != NULL || book->groups[i] != book->groups[index])
            return;
        only = maker;
    }
    if (only == NULL || book->count == MAKERS_MOST)
        return;
    only->opened += nobody->opened;
    only->closed += nobody->closed;
    only->estimated |= nobody->opened + nobody->closed > 0;
    nobody->opened = nobody->closed = 0;
}

void makers_finish(struct makers_book *book, struct makers *makers,
                   uint64_t cgroups[MAKERS_LISTED]) {
    makers->closed = book->closed;
    makers->attributed = book->attributed;
    makers->opened = book->opened;
    for (unsigned i = 0; i < book->count; i++)
        if (book->list[i].owner.pid == 0)
            find_owner(book, i);
    for (unsigned i = 0; i < book->count; i++) {
        const struct maker *maker = &book->list[i];
        unsigned place = makers->known;
        if (maker->closed == 0 && maker->opened == 0)
            continue;
        makers->count++;
        while (place > 0 && is_more(maker, &makers->list[place - 1]))
            place--;
        if (place == MAKERS_LISTED)
            continue;
        makers->known += makers->known < MAKERS_LISTED;
        for (unsigned k = makers->known - 1; k > place; k--) {
            makers->list[k] = makers->list[k - 1];
            cgroups[k] = cgroups[k - 1];
        }
        makers->list[place] = *maker;
        cgroups[place] = book->groups[i];
    }
}

static const struct maker *only_maker_of(const struct makers *makers, uint32_t uid) {
    const struct maker *only = NULL;
    for (unsigned i = 0; i < makers->known; i++) {
        const struct maker *maker = &makers->list[i];
        if (maker->owner.pid == 0 || maker->owner.uid != uid)
            continue;
        if (only != NULL)
            return NULL;
        only = maker;
    }
    return only;
}

void makers_name(const struct makers *makers, struct budget_owners *owners) {
    for (unsigned i = 0; i < owners->known && makers->count <= MAKERS_LISTED; i++) {
        struct budget_owner *owner = &owners->list[i];
        const struct maker *maker =
            owner->owner.pid != 0 ? NULL : only_maker_of(makers, owner->owner.uid);
        if (maker == NULL)
            continue;
        owner->owner = maker->owner;
        owner->estimated = true;
        owner->workers = maker->processes - 1;
        owners->hidden -= owner->sockets;
        owners->processes += maker->processes;
    }
}
