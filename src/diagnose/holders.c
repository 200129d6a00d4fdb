/* The sockets of all routes are noted by inode while they are listed; afterwards one walk over
 * /proc says which process has which. Reading a descriptor takes about 5 us, so that a host with
 * hundreds of thousands of them cannot be read to the end: then of the largest processes only some
 * are looked at, here and there, and the sockets that were not found are spread over these
 * processes as those that were. If all of these processes are one program, that is exact. */
#include "diagnose/holders.h"

#include <stdlib.h>
#include <string.h>

/* Who opened a socket. */
struct group {
    uint64_t cgroup;
    uint32_t uid;
    uint32_t unused; /* a key has no padding */
};

/* How many sockets of a route a program has; `main` 0: those that were not found, of a group. */
struct share {
    uint32_t route, main, group;
    uint32_t sockets, close_wait;
    uint32_t processes; /* that have some of them */
    uint32_t process;   /* one of them, its place plus 1 */
    bool has_main;      /* the main one is among them */
    bool estimated;
};

struct bare_route {
    uint32_t route, sockets;
};

void holders_begin(struct holders *holders) {
    *holders = (struct holders){
        .sockets = {.entry_size = sizeof(struct holders_socket), .key_size = sizeof(uint32_t)},
        .groups = {.entry_size = sizeof(struct group), .key_size = sizeof(struct group)},
        .processes = {.entry_size = sizeof(struct holder), .key_size = sizeof(pid_t)},
        .shares = {.entry_size = sizeof(struct share), .key_size = 3 * sizeof(uint32_t)},
        .nobody = {.entry_size = sizeof(struct bare_route), .key_size = sizeof(uint32_t)}};
}

void holders_free(struct holders *holders) {
    table_free(&holders->sockets);
    table_free(&holders->groups);
    table_free(&holders->processes);
    table_free(&holders->shares);
    table_free(&holders->nobody);
}

static uint32_t place_of(const struct table *table, const void *entry) {
    return (uint32_t)(((const char *)entry - table->entries) / (ptrdiff_t)table->entry_size);
}

/* --- noting --- */

static bool note_nobody(struct holders *holders, uint32_t route) {
    bool is_new;
    struct bare_route *bare = table_add(&holders->nobody, &route, &is_new);
    if (bare != NULL)
        bare->sockets++;
    return bare != NULL;
}

bool holders_note(struct holders *holders, uint32_t route, const struct inet_socket *socket) {
    bool is_new;
    if (socket->inode == 0)
        return note_nobody(holders, route);
    struct group key = {.cgroup = socket->cgroup, .uid = socket->uid};
    const struct group *group = table_add(&holders->groups, &key, &is_new);
    struct holders_socket *noted = table_add(&holders->sockets, &socket->inode, &is_new);
    if (group == NULL || noted == NULL)
        return false;
    noted->route = route;
    noted->group = place_of(&holders->groups, group) |
                   (socket->state == STATE_CLOSE_WAIT ? HOLDERS_CLOSE_WAIT : 0);
    return true;
}

bool holders_map(struct holders *holders, const uint32_t *map, size_t count) {
    struct table nobody = {.entry_size = sizeof(struct bare_route), .key_size = sizeof(uint32_t)};
    bool good = true, is_new;
    for (size_t i = 0; i < holders->sockets.count; i++) {
        struct holders_socket *socket = table_entry(&holders->sockets, i);
        socket->route = socket->route < count ? map[socket->route] : HOLDERS_NO_ROUTE;
    }
    for (size_t i = 0; good && i < holders->nobody.count; i++) {
        const struct bare_route *old = table_entry(&holders->nobody, i);
        uint32_t route = old->route < count ? map[old->route] : HOLDERS_NO_ROUTE;
        struct bare_route *bare = table_add(&nobody, &route, &is_new);
        good = bare != NULL;
        if (good)
            bare->sockets += old->sockets;
    }
    table_free(&holders->nobody);
    holders->nobody = nobody;
    return good;
}

static bool is_older(const struct holder *a, const struct holder *b) {
    return a->started != b->started ? a->started < b->started : a->pid < b->pid;
}

bool holders_found(struct holders *holders, uint32_t inode, const struct holder *process) {
    struct holders_socket *noted = table_find(&holders->sockets, &inode);
    bool is_new;
    if (noted == NULL)
        return true;
    struct holder *entry = table_add(&holders->processes, &process->pid, &is_new);
    if (entry == NULL)
        return false;
    if (is_new)
        *entry = *process;
    const struct holder *other =
        noted->process == 0 ? NULL : table_entry(&holders->processes, noted->process - 1);
    if (other == NULL || is_older(entry, other))
        noted->process = place_of(&holders->processes, entry) + 1;
    return true;
}

/* --- programs --- */

/* Returns whether both are what is left of one server, whose master has ended. */
static bool are_orphans(const struct holder *a, const struct holder *b) {
    return a->adopted && b->adopted && a->group == b->group;
}

/* The process that stands for the program, plus 1: the parent's, as long as that is of the same
 * program; else the oldest of the orphans. */
static uint32_t find_main(const struct holders *holders, uint32_t place) {
    enum { GENERATIONS = 32 };
    const struct holder *process = table_entry(&holders->processes, place), *main = process;
    for (unsigned i = 0; i < GENERATIONS; i++) {
        const struct holder *parent = table_find(&holders->processes, &main->parent);
        if (parent == NULL || parent == main || strcmp(parent->program, main->program) != 0)
            break;
        main = parent;
    }
    for (size_t i = 0; main->adopted && i < holders->processes.count; i++) {
        const struct holder *other = table_entry(&holders->processes, i);
        if (are_orphans(main, other) && strcmp(main->program, other->program) == 0 &&
            is_older(other, main))
            main = other;
    }
    return place_of(&holders->processes, main) + 1;
}

void holders_join(struct holders *holders) {
    for (uint32_t i = 0; i < holders->processes.count; i++) {
        struct holder *process = table_entry(&holders->processes, i);
        process->main = find_main(holders, i);
        struct holder *main = table_entry(&holders->processes, process->main - 1);
        main->main_partly |= process->partly;
    }
}

/* --- counting --- */

static bool is_one_of(uint32_t route, const uint32_t *routes, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (routes[i] == route)
            return true;
    return false;
}

/* Which process has sockets of which route. */
struct pair {
    uint32_t route, process;
};

static bool add_process(struct table *pairs, struct share *share, uint32_t process) {
    struct pair key = {share->route, process};
    bool is_new;
    if (table_add(pairs, &key, &is_new) == NULL)
        return false;
    share->processes += is_new;
    share->process = process;
    share->has_main |= process == share->main;
    return true;
}

/* Adds up the sockets by route, program and group. */
static bool add_up(const struct holders *holders, const uint32_t *routes, unsigned count,
                   struct table *found) {
    struct table pairs = {.entry_size = sizeof(struct pair), .key_size = sizeof(struct pair)};
    bool good = true;
    for (size_t i = 0; good && i < holders->sockets.count; i++) {
        const struct holders_socket *noted = table_entry(&holders->sockets, i);
        bool is_new;
        if (!is_one_of(noted->route, routes, count))
            continue;
        struct share key = {.route = noted->route, .group = noted->group & ~HOLDERS_CLOSE_WAIT};
        if (noted->process != 0)
            key.main =
                ((struct holder *)table_entry(&holders->processes, noted->process - 1))->main;
        struct share *share = table_add(found, &key, &is_new);
        good = share != NULL && (noted->process == 0 || add_process(&pairs, share, noted->process));
        if (!good)
            break;
        share->sockets++;
        share->close_wait += (noted->group & HOLDERS_CLOSE_WAIT) != 0;
    }
    table_free(&pairs);
    return good;
}

/* Adds a part of a program's sockets to its share. */
static bool add_share(struct holders *holders, const struct share *part) {
    struct share key = {.route = part->route, .main = part->main};
    bool is_new;
    key.group = part->main == 0 ? part->group : 0;
    struct share *share = table_add(&holders->shares, &key, &is_new);
    if (share == NULL)
        return false;
    share->sockets += part->sockets;
    share->close_wait += part->close_wait;
    share->processes += part->processes;
    share->has_main |= part->has_main;
    if (part->process != 0)
        share->process = part->process;
    share->estimated |= part->estimated;
    return true;
}

/* Returns whether a process of the program was looked at partly. */
static bool is_partly(const struct holders *holders, uint32_t main) {
    return main != 0 && ((struct holder *)table_entry(&holders->processes, main - 1))->main_partly;
}

static unsigned count_partly(const struct holders *holders) {
    unsigned programs = 0;
    for (uint32_t i = 0; i < holders->processes.count; i++)
        programs += is_partly(holders, i + 1);
    return programs;
}

/* Gives the sockets that were not found to those programs that were looked at partly, and have
 * sockets of the same route, user and control group, in proportion. What nobody takes stays. */
static bool spread(struct holders *holders, const struct table *found, struct share *missing,
                   bool estimated) {
    uint32_t sum = 0, sockets = missing->sockets, close_wait = missing->close_wait;
    bool good = true;
    for (int giving = 0; good && giving < 2 && (giving == 0 || sum > 0); giving++)
        for (size_t i = 0; good && i < found->count; i++) {
            const struct share *taker = table_entry(found, i);
            if (taker->route != missing->route || taker->group != missing->group ||
                !is_partly(holders, taker->main))
                continue;
            if (giving == 0) {
                sum += taker->sockets;
                continue;
            }
            struct share part = {
                .route = taker->route, .main = taker->main, .estimated = estimated};
            part.sockets = (uint32_t)((uint64_t)sockets * taker->sockets / sum);
            part.close_wait = (uint32_t)((uint64_t)close_wait * taker->sockets / sum);
            missing->sockets -= part.sockets;
            missing->close_wait -= part.close_wait;
            good = add_share(holders, &part);
        }
    return good;
}

bool holders_count(struct holders *holders, const uint32_t *routes, unsigned count) {
    struct table found = {.entry_size = sizeof(struct share), .key_size = 3 * sizeof(uint32_t)};
    bool good = add_up(holders, routes, count, &found);
    unsigned partly = count_partly(holders);
    for (size_t i = 0; good && i < found.count; i++) {
        struct share part = *(struct share *)table_entry(&found, i);
        if (part.main == 0 && partly > 0)
            good = spread(holders, &found, &part, partly > 1 || holders->unseen > 0);
        if (good && part.sockets > 0)
            good = add_share(holders, &part);
    }
    table_free(&found);
    return good;
}

/* --- the largest --- */

static void list_share(const struct holders *holders, const struct share *share,
                       struct budget_owners *owners, uint64_t group[BUDGET_OWNERS]) {
    unsigned place = owners->known;
    while (place > 0 && owners->list[place - 1].sockets < share->sockets)
        place--;
    if (place == BUDGET_OWNERS)
        return;
    owners->known += owners->known < BUDGET_OWNERS;
    for (unsigned i = owners->known - 1; i > place; i--) {
        owners->list[i] = owners->list[i - 1];
        group[i] = group[i - 1];
    }
    const struct group *hidden = table_entry(&holders->groups, share->group);
    struct budget_owner *owner = &owners->list[place];
    *owner = (struct budget_owner){.sockets = share->sockets,
                                   .close_wait = share->close_wait,
                                   .estimated = share->estimated,
                                   .owner = {.fd = -1}};
    group[place] = share->main == 0 ? hidden->cgroup : 0;
    if (share->main == 0) {
        owner->owner.uid = hidden->uid;
        return;
    }
    /* A process that has them all itself is the one to name: its parent may do something else. */
    const struct holder *main = table_entry(
        &holders->processes, (share->processes == 1 ? share->process : share->main) - 1);
    owner->owner.pid = main->pid;
    memcpy(owner->owner.program, main->program, sizeof main->program);
    owner->workers = share->processes == 1 ? 0 : share->processes - share->has_main;
}

void holders_rank(const struct holders *holders, uint32_t route, struct budget_owners *owners,
                  uint64_t group[BUDGET_OWNERS]) {
    const struct bare_route *bare = table_find(&holders->nobody, &route);
    *owners = (struct budget_owners){.nobody = bare == NULL ? 0 : bare->sockets};
    for (size_t i = 0; i < holders->shares.count; i++) {
        const struct share *share = table_entry(&holders->shares, i);
        if (share->route != route)
            continue;
        owners->count++;
        owners->processes += share->processes;
        owners->hidden += share->main == 0 ? share->sockets : 0;
        list_share(holders, share, owners, group);
    }
}

uint32_t holders_example(const struct holders *holders, uint32_t route, pid_t pid) {
    const struct holder *process = table_find(&holders->processes, &pid);
    uint32_t inode = 0;
    for (size_t i = 0; process != NULL && i < holders->sockets.count; i++) {
        const struct holders_socket *socket = table_entry(&holders->sockets, i);
        if (socket->route != route || socket->process == 0)
            continue;
        const struct holder *holder = table_entry(&holders->processes, socket->process - 1);
        if (holder == process)
            return socket->inode;
        if (inode == 0 && holder->main == process->main)
            inode = socket->inode;
    }
    return inode;
}
