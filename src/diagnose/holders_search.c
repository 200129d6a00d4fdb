/* Small processes are read to the end, in the order of /proc; large ones afterwards, the smallest
 * first, for as long as there is something to find and enough of the descriptors that may be looked
 * at is left. */
#include "diagnose/holders.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/errnames.h"
#include "inspect/server.h"
#include "kernel/process.h"

/* How many descriptors are looked at. With the listing of 200,000 sockets, all of them take no
 * longer than `ss -Htan` does; so of very many sockets fewer are read. */
enum {
    SMALL = 512,      /* a process with so many or fewer is always read to the end */
    WHOLE = 20000,    /* in processes that are larger and are read to the end, together */
    PART = 6000,      /* in those that are not */
    MANY = 32 * 1024, /* of so many sockets, a quarter of WHOLE */
    CHUNK = 64,       /* so many after each other */
    CHUNKS_MOST = 32  /* in one process */
};

/* A process that is to be read later. */
struct large {
    pid_t pid;
    unsigned size; /* how many descriptors it has */
};

struct search {
    struct holders *holders;
    const uint32_t *routes;
    unsigned route_count;
    struct table large; /* owns: of struct large */
    size_t missing;     /* sockets of the routes that were not found yet */
    int error;          /* ENOMEM, EMFILE */
    struct holder process;
    bool is_read;
};

/* --- descriptors --- */

static bool is_wanted(const struct search *search, const struct holders_socket *socket) {
    for (unsigned i = 0; i < search->route_count; i++)
        if (search->routes[i] == socket->route)
            return true;
    return false;
}

/* The kernel's name, which has to do if the process ends before it is read. */
static void read_name(struct holder *process) {
    ssize_t size = process_read(process->pid, "comm", process->program, sizeof process->program);
    if (size > 0 && process->program[size - 1] == '\n')
        process->program[size - 1] = '\0';
}

static bool match(void *context, uint32_t inode, int fd) {
    struct search *search = context;
    const struct holders_socket *socket = table_find(&search->holders->sockets, &inode);
    (void)fd;
    if (socket == NULL || !is_wanted(search, socket))
        return true;
    if (!search->is_read) {
        struct process_stat stat;
        if (!process_stat(search->process.pid, &stat))
            return false; /* it is gone */
        search->process.parent = stat.parent;
        search->process.group = stat.group;
        search->process.started = stat.started;
        read_name(&search->process);
        search->is_read = true;
    }
    search->missing -= socket->process == 0;
    if (!holders_found(search->holders, inode, &search->process))
        search->error = ENOMEM;
    return search->error == 0;
}

static void begin_process(struct search *search, pid_t pid, bool partly) {
    search->process = (struct holder){.pid = pid, .partly = partly};
    search->is_read = false;
}

/* Notes an errno of a walk; only the want of memory or descriptors ends the search. */
static void note_error(struct search *search, int error) {
    if (errno_is_shortage(error))
        search->error = error;
}

/* Reads the descriptors of a process, or of a thread that has a table of its own. Returns 0 or an
 * errno. */
static int read_all(struct search *search, pid_t pid, pid_t thread) {
    struct process_walk walk = {.pid = pid, .thread = thread, .most = UINT_MAX, .rings = true};
    begin_process(search, pid, false);
    int error = process_walk(&walk, match, search);
    note_error(search, error);
    return error;
}

static bool visit(void *context, pid_t pid) {
    struct search *search = context;
    unsigned size = process_descriptor_count(pid);
    if (size > SMALL) {
        bool is_new;
        struct large *large = table_add(&search->large, &pid, &is_new);
        large->size = size;
        return true;
    }
    int error = read_all(search, pid, 0);
    if ((error == EACCES || error == EPERM) && process_in_namespace(pid) == 1)
        search->holders->unseen++;
    return search->error == 0;
}

static int compare_size(const void *left, const void *right) {
    unsigned a = ((const struct large *)left)->size, b = ((const struct large *)right)->size;
    return (a > b) - (a < b);
}

/* Reads some descriptors in many places. */
static void read_part(struct search *search, const struct large *large, unsigned chunks) {
    begin_process(search, large->pid, true);
    for (unsigned i = 0; i < chunks; i++) {
        struct process_walk walk = {.pid = large->pid,
                                    .first = (unsigned)((uint64_t)large->size * i / chunks),
                                    .most = CHUNK};
        note_error(search, process_walk(&walk, match, search));
    }
}

static void read_large(struct search *search) {
    size_t count = search->large.count, part = 0;
    struct large *list = table_take(&search->large);
    unsigned left = search->holders->sockets.count < MANY ? WHOLE : WHOLE / 4;
    if (list == NULL)
        return;
    qsort(list, count, sizeof *list, compare_size);
    for (size_t i = 0; i < count && search->missing > 0; i++) {
        if (list[i].size > left)
            break;
        read_all(search, list[i].pid, 0);
        left -= list[i].size;
        part = i + 1;
    }
    if (part < count) {
        size_t chunks = PART / CHUNK / (count - part);
        chunks = chunks > CHUNKS_MOST ? CHUNKS_MOST : chunks + 1;
        for (size_t i = part; i < count && search->missing > 0; i++)
            read_part(search, &list[i], (unsigned)chunks);
    }
    free(list);
}

static bool read_thread(void *context, pid_t pid, pid_t thread) {
    struct search *search = context;
    read_all(search, pid, thread);
    return search->missing > 0 && search->error == 0;
}

static bool visit_threads(void *context, pid_t pid) {
    struct search *search = context;
    process_own_tables(pid, read_thread, search);
    return search->missing > 0 && search->error == 0;
}

/* --- programs --- */

/* Adds the parents of the same program: a master need not have any of the sockets itself. */
static void add_parents(struct holders *holders, const struct owner *first) {
    enum { GENERATIONS = 16 };
    struct owner process = *first, parent;
    for (unsigned i = 0; i < GENERATIONS && process.parent > 1; i++) {
        bool is_new;
        if (!owner_read(process.parent, &parent) || !owner_same_program(&process, &parent))
            return;
        struct holder *holder = table_add(&holders->processes, &parent.pid, &is_new);
        if (!is_new)
            return;
        holder->parent = parent.parent;
        holder->group = parent.group;
        holder->started = parent.started;
        memcpy(holder->program, parent.program, sizeof holder->program);
        process = parent;
    }
}

/* Returns whether the parent is a process that takes over those whose parent has ended. */
static bool is_adopted(const struct owner *process) {
    struct owner parent;
    return process->parent <= 1 || (owner_read(process->parent, &parent) && server_adopts(&parent));
}

static void read_programs(struct holders *holders) {
    size_t count = holders->processes.count;
    for (size_t i = 0; i < count; i++) {
        struct owner owner;
        struct holder *holder = table_entry(&holders->processes, i);
        if (!owner_read(holder->pid, &owner))
            continue; /* it has ended */
        memcpy(holder->program, owner.program, sizeof holder->program);
        holder->adopted = is_adopted(&owner);
        add_parents(holders, &owner);
    }
}

/* --- all together --- */

static size_t count_wanted(const struct search *search) {
    size_t wanted = 0;
    for (size_t i = 0; i < search->holders->sockets.count; i++)
        wanted += is_wanted(search, table_entry(&search->holders->sockets, i));
    return wanted;
}

int holders_search(struct holders *holders, const uint32_t *routes, unsigned count) {
    struct search search = {
        .holders = holders,
        .routes = routes,
        .route_count = count,
        .large = {.entry_size = sizeof(struct large), .key_size = sizeof(pid_t)}};
    search.missing = count_wanted(&search);
    if (search.missing > 0)
        note_error(&search, process_each(visit, &search));
    if (search.error == 0)
        read_large(&search);
    if (search.missing > 0 && search.error == 0)
        note_error(&search, process_each(visit_threads, &search));
    table_free(&search.large);
    read_programs(holders);
    holders_join(holders);
    if (!holders_count(holders, routes, count))
        search.error = ENOMEM;
    return search.error;
}

void holders_list(const struct holders *holders, uint32_t route, struct budget_owners *owners) {
    struct cgroup groups[BUDGET_OWNERS] = {0};
    uint64_t ids[BUDGET_OWNERS] = {0};
    bool any = false;
    holders_rank(holders, route, owners, ids);
    for (unsigned i = 0; i < owners->known; i++) {
        groups[i].id = ids[i];
        any |= ids[i] != 0;
    }
    if (any)
        cgroup_find(groups, owners->known);
    for (unsigned i = 0; i < owners->known; i++) {
        struct owner *owner = &owners->list[i].owner;
        if (owner->pid != 0) {
            struct owner read;
            if (owner_read(owner->pid, &read))
                *owner = read;
            owner->fd = -1;
            continue;
        }
        owner_user(owner->uid, owner->user);
        memcpy(owner->unit, groups[i].unit, sizeof groups[i].unit);
        memcpy(owners->list[i].cgroup, groups[i].path, sizeof groups[i].path);
    }
}
