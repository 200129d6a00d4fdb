/* Again and again, as often as half of the time allows, the sockets of the processes that open any
 * are read from /proc, those of new processes first of all, and then the open connections are
 * listed: so a process can be found that lives for a few milliseconds. What has ended in TIME-WAIT
 * is listed every half second, before the port can be used again (tcp_tw_reuse_delay). */
#include "diagnose/makers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/errnames.h"
#include "base/units.h"
#include "kernel/process.h"
#include "kernel/sockdiag.h"

/* --- the book --- */

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

bool makers_own(struct makers_book *book, uint16_t port, const struct maker *maker,
                uint64_t cgroup) {
    struct {
        uint32_t place;
        pid_t pid;
    } key = {.pid = maker->owner.pid};
    while (key.place < book->count &&
           (!is_same(&book->list[key.place], maker) ||
            (maker->owner.pid == 0 && book->groups[key.place] != cgroup)))
        key.place++;
    if (key.place == MAKERS_MOST)
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
    struct makers_port *seen = &book->ports[port];
    if (seen->maker != 0 && !seen->was_open) /* it was not found at the look before */
        book->list[seen->maker - 1].opened--;
    known->opened += !seen->was_open;
    seen->maker = key.place + 1;
    return true;
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

void makers_finish(const struct makers_book *book, struct makers *makers,
                   uint64_t cgroups[MAKERS_LISTED]) {
    makers->closed = book->closed;
    makers->attributed = book->attributed;
    makers->opened = book->opened;
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
        cgroups[place] = maker->owner.pid == 0 ? book->groups[i] : 0;
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

/* --- a look --- */

/* A process that may open connections. */
struct candidate {
    pid_t pid;
    uint32_t sum;  /* of the inodes of its sockets: whether they change */
    uint32_t idle; /* for how many looks they have not */
    bool is_young; /* it began while the route was watched */
    bool parked;   /* it is idle, and looked into only if a connection is nobody's */
};

/* An open connection whose process is searched. */
struct opened {
    uint32_t inode;
    uint32_t uid;
    uint64_t cgroup;
    uint16_t port;
};

/* A socket, and who has it. */
struct held {
    uint32_t inode;
    pid_t pid;
};

/* Who a process is. */
struct described {
    pid_t pid;
    struct maker maker;
};

struct watch {
    const struct makers_question *question;
    struct makers_book book;
    int diag;
    uint64_t began_ns, harvested_ns;
    struct table visited;        /* owns: the processes that were seen, a pid_t each */
    struct table candidates;     /* owns: of struct candidate */
    struct table held;           /* owns: of struct held, for one look */
    struct table opened;         /* owns: of struct opened, for one look */
    struct table described;      /* owns: of struct described */
    struct candidate *candidate; /* the one that is looked into */
    uint32_t sum;
    uint64_t parked_ns, parked_took_ns; /* when the parked ones were looked into, and how long */
    int error;
};

static uint32_t since(const struct watch *watch, uint64_t now_ns) {
    return (uint32_t)((now_ns - watch->began_ns) / NS_PER_MS);
}

static void note_error(struct watch *watch, int error) {
    if (errno_is_shortage(error))
        watch->error = error;
}

/* Adds an entry with this key, or notes that there is no memory. */
static void *add(struct watch *watch, struct table *table, const void *key, bool *is_new) {
    void *entry = table_add(table, key, is_new);
    if (entry == NULL)
        watch->error = ENOMEM;
    return entry;
}

/* --- processes --- */

/* Reads who a process is, and where it comes from; NULL if it has ended. */
static const struct maker *describe(struct watch *watch, pid_t pid) {
    enum { GENERATIONS = 8 };
    struct maker maker = {0};
    struct owner owner, parent;
    bool is_new;
    struct described *found = table_find(&watch->described, &pid);
    if (found != NULL)
        return &found->maker;
    if (!owner_read(pid, &maker.owner))
        return NULL;
    maker.owner.fd = -1;
    owner = maker.owner;
    for (unsigned i = 0; i < GENERATIONS && owner.parent > 0; i++) {
        if (!owner_read(owner.parent, &parent))
            break;
        if (!owner_same_program(&owner, &parent)) {
            maker.starter = parent.pid;
            memcpy(maker.starter_program, parent.program, sizeof parent.program);
            break;
        }
        maker.master = parent.pid;
        owner = parent;
    }
    found = add(watch, &watch->described, &pid, &is_new);
    if (found == NULL)
        return NULL;
    found->maker = maker;
    return &found->maker;
}

static bool note_held(void *context, uint32_t inode, int fd) {
    struct watch *watch = context;
    bool is_new;
    struct held *held = add(watch, &watch->held, &inode, &is_new);
    (void)fd;
    watch->sum = watch->sum * 31 + inode;
    if (held != NULL && is_new)
        held->pid = watch->candidate->pid;
    return watch->error == 0;
}

/* Looks into a process. One that is new may have ended when its connection is listed, so that it is
 * described at once. */
static void look_into(struct watch *watch, struct candidate *candidate) {
    enum { DESCRIPTORS = 4096 };
    watch->candidate = candidate;
    watch->sum = 0;
    note_error(watch, process_sockets(candidate->pid, DESCRIPTORS, note_held, watch));
    candidate->idle = watch->sum == candidate->sum ? candidate->idle + 1 : 0;
    candidate->sum = watch->sum;
    if (candidate->is_young && watch->sum != 0)
        describe(watch, candidate->pid);
}

static bool has_time(const struct watch *watch) {
    return watch->error == 0 && units_now_ns() < watch->question->end_ns;
}

static bool visit(void *context, pid_t pid) {
    struct watch *watch = context;
    bool is_new;
    if (add(watch, &watch->visited, &pid, &is_new) == NULL || !is_new)
        return watch->error == 0;
    struct candidate *candidate = add(watch, &watch->candidates, &pid, &is_new);
    if (candidate != NULL) {
        candidate->is_young = watch->harvested_ns != 0;
        look_into(watch, candidate);
    }
    return has_time(watch);
}

/* A process whose sockets stay the same opens and closes none. A young one may be about to. */
static bool is_idle(const struct candidate *candidate) {
    enum { PATIENCE = 8, WITH_YOUNG = 32 };
    if (candidate->is_young)
        return candidate->idle >= WITH_YOUNG;
    return candidate->idle >= (candidate->sum == 0 ? 1 : PATIENCE);
}

/* Looks into the processes that were there before: the parked ones, or the others. */
static void look_into_known(struct watch *watch, bool parked) {
    for (size_t i = 0; i < watch->candidates.count && has_time(watch); i++) {
        struct candidate *candidate = table_entry(&watch->candidates, i);
        if (candidate->parked != parked)
            continue;
        look_into(watch, candidate);
        candidate->parked = is_idle(candidate);
    }
}

static bool is_nobodys(const struct watch *watch) {
    for (size_t i = 0; i < watch->opened.count; i++) {
        const struct opened *opened = table_entry(&watch->opened, i);
        if (table_find(&watch->held, &opened->inode) == NULL)
            return true;
    }
    return false;
}

/* Looks for what is nobody's in all processes, if that takes no more than a third of the time. */
static void look_into_parked(struct watch *watch) {
    uint64_t now_ns = units_now_ns();
    if (!is_nobodys(watch) || now_ns < watch->parked_ns + 2 * watch->parked_took_ns)
        return;
    look_into_known(watch, true);
    watch->parked_ns = units_now_ns();
    watch->parked_took_ns = watch->parked_ns - now_ns;
}

/* --- connections --- */

static bool note_open(void *context, const struct inet_socket *socket) {
    struct watch *watch = context;
    uint32_t now_ms = since(watch, units_now_ns());
    bool is_new;
    if (!makers_see(&watch->book, socket->local.port, socket->inode, now_ms))
        return true;
    struct opened *opened = add(watch, &watch->opened, &socket->inode, &is_new);
    if (opened != NULL) {
        opened->uid = socket->uid;
        opened->cgroup = socket->cgroup;
        opened->port = socket->local.port;
    }
    return watch->error == 0;
}

static void own(struct watch *watch, const struct opened *opened) {
    struct maker unknown = {.owner = {.uid = opened->uid, .fd = -1}};
    const struct held *held = table_find(&watch->held, &opened->inode);
    const struct maker *maker = held == NULL ? NULL : describe(watch, held->pid);
    if (!makers_own(&watch->book, opened->port, maker == NULL ? &unknown : maker, opened->cgroup))
        watch->error = ENOMEM;
}

static bool note_closed(void *context, const struct inet_socket *socket) {
    struct watch *watch = context;
    uint32_t left_ms = socket->expires_ms < TIME_WAIT_MS ? socket->expires_ms : TIME_WAIT_MS;
    uint64_t entered_ns = units_now_ns() - (uint64_t)(TIME_WAIT_MS - left_ms) * NS_PER_MS;
    if (entered_ns > watch->harvested_ns)
        makers_close(&watch->book, socket->local.port, since(watch, entered_ns));
    return true;
}

/* Lists the sockets of the route in these states. Returns 0 or an errno. */
static int list(struct watch *watch, uint32_t states, sockdiag_visit *note) {
    const struct makers_question *question = watch->question;
    struct diag_query query = sockdiag_query(states);
    query.low = question->low;
    query.high = question->high;
    query.remote = (struct endpoint_pattern){.endpoint = question->remote};
    if (question->local.family != 0)
        query.local = (struct endpoint_pattern){.any_port = true, .endpoint = question->local};
    int error = sockdiag_dump(watch->diag, &query, note, watch);
    return watch->error != 0 ? watch->error : error;
}

static int look(struct watch *watch) {
    const uint32_t open_here = STATES_ANY & ~(1U << STATE_TIME_WAIT | 1U << STATE_LISTEN |
                                              1U << STATE_BOUND | 1U << STATE_SYN_RECEIVED);
    note_error(watch, process_each(visit, watch));
    if (watch->harvested_ns != 0) /* else that was just done */
        look_into_known(watch, false);
    int error = watch->error != 0 ? watch->error : list(watch, open_here, note_open);
    if (watch->opened.count > 0)
        look_into_known(watch, false); /* what was opened before it was listed */
    look_into_parked(watch);
    for (size_t i = 0; i < watch->opened.count; i++)
        own(watch, table_entry(&watch->opened, i));
    table_free(&watch->opened);
    table_free(&watch->held);
    return error != 0 ? error : watch->error;
}

static int harvest(struct watch *watch) {
    uint64_t now_ns = units_now_ns();
    int error = list(watch, 1U << STATE_TIME_WAIT, note_closed);
    watch->harvested_ns = now_ns;
    return error;
}

/* --- all together --- */

static void pause_until(uint64_t end_ns) {
    struct timespec end = {(time_t)(end_ns / NS_PER_S), (long)(end_ns % NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
        continue;
}

/* Looks, and rests as long as the look took, at least 1 ms. */
static int watch_until(struct watch *watch) {
    enum { LEAST_MS = 1, HARVEST_MS = 500 };
    uint64_t last_ns = watch->began_ns, end_ns = watch->question->end_ns;
    watch->book.is_first = true;
    int error = look(watch);
    watch->book.is_first = false;
    watch->harvested_ns = watch->began_ns;
    for (uint64_t now_ns = last_ns; error == 0 && now_ns < end_ns;) {
        error = look(watch);
        uint64_t took_ns = units_now_ns() - now_ns, rest_ns = took_ns;
        if (rest_ns < (uint64_t)LEAST_MS * NS_PER_MS)
            rest_ns = (uint64_t)LEAST_MS * NS_PER_MS;
        if (error == 0 && units_now_ns() > watch->harvested_ns + (uint64_t)HARVEST_MS * NS_PER_MS)
            error = harvest(watch);
        uint64_t next_ns = units_now_ns() + rest_ns;
        pause_until(next_ns < end_ns ? next_ns : end_ns);
        now_ns = units_now_ns();
        uint32_t gap_ms = (uint32_t)((now_ns - last_ns) / NS_PER_MS) + 1;
        watch->book.gap_ms = gap_ms > watch->book.gap_ms ? gap_ms : watch->book.gap_ms;
        last_ns = now_ns;
    }
    return error != 0 ? error : harvest(watch);
}

static void name_groups(struct makers *makers, const uint64_t ids[MAKERS_LISTED]) {
    struct cgroup groups[MAKERS_LISTED] = {0};
    bool any = false;
    for (unsigned i = 0; i < makers->known; i++) {
        groups[i].id = ids[i];
        any |= ids[i] != 0;
    }
    if (any)
        cgroup_find(groups, makers->known);
    for (unsigned i = 0; i < makers->known; i++) {
        struct maker *maker = &makers->list[i];
        if (maker->owner.pid != 0)
            continue;
        owner_user(maker->owner.uid, maker->owner.user);
        memcpy(maker->owner.unit, groups[i].unit, sizeof groups[i].unit);
        memcpy(maker->cgroup, groups[i].path, sizeof groups[i].path);
    }
}

int makers_watch(int diag, const struct makers_question *question, struct makers *makers) {
    struct watch watch = {
        .question = question,
        .diag = diag,
        .began_ns = units_now_ns(),
        .visited = {.entry_size = sizeof(pid_t), .key_size = sizeof(pid_t)},
        .candidates = {.entry_size = sizeof(struct candidate), .key_size = sizeof(pid_t)},
        .opened = {.entry_size = sizeof(struct opened), .key_size = sizeof(uint32_t)},
        .held = {.entry_size = sizeof(struct held), .key_size = sizeof(uint32_t)},
        .described = {.entry_size = sizeof(struct described), .key_size = sizeof(pid_t)}};
    uint64_t cgroups[MAKERS_LISTED] = {0};
    *makers = (struct makers){0};
    int error = makers_begin(&watch.book) ? watch_until(&watch) : ENOMEM;
    if (error == 0) {
        makers_finish(&watch.book, makers, cgroups);
        makers->seconds = (double)(units_now_ns() - watch.began_ns) / NS_PER_S;
        name_groups(makers, cgroups);
    }
    makers_end(&watch.book);
    table_free(&watch.visited);
    table_free(&watch.candidates);
    table_free(&watch.held);
    table_free(&watch.opened);
    table_free(&watch.described);
    return error;
}
