/* Root is told by the kernel who closes a connection (makers_events.c). Otherwise samples are
 * taken. Again and again, as often as half of the time allows, the sockets of the processes that
 * open any are read from /proc, those of new processes first of all, and then the open connections
 * are listed: so a process can be found that lives for a few milliseconds. What has ended in
 * TIME-WAIT is listed every half second, before the port can be used again (tcp_tw_reuse_delay). */
#include "diagnose/makers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/errnames.h"
#include "base/units.h"
#include "diagnose/makers_look.h"
#include "kernel/process.h"
#include "kernel/sockdiag.h"

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

/* --- processes --- */

/* Returns who a process is; NULL if it has ended. */
static const struct maker *describe(struct watch *watch, pid_t pid) {
    struct maker maker;
    bool is_new;
    struct described *found = table_find(&watch->described, &pid);
    if (found != NULL)
        return &found->maker;
    if (!makers_describe(pid, &maker))
        return NULL;
    found = table_add(&watch->described, &pid, &is_new);
    found->maker = maker;
    return &found->maker;
}

static bool note_held(void *context, uint32_t inode, int fd) {
    struct watch *watch = context;
    bool is_new;
    struct held *held = table_add(&watch->held, &inode, &is_new);
    (void)fd;
    watch->sum = watch->sum * 31 + inode;
    if (is_new)
        held->pid = watch->candidate->pid;
    return true;
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
    table_add(&watch->visited, &pid, &is_new);
    if (!is_new)
        return watch->error == 0;
    struct candidate *candidate = table_add(&watch->candidates, &pid, &is_new);
    candidate->is_young = watch->harvested_ns != 0;
    look_into(watch, candidate);
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
    struct opened *opened = table_add(&watch->opened, &socket->inode, &is_new);
    opened->uid = socket->uid;
    opened->cgroup = socket->cgroup;
    opened->port = socket->local.port;
    return true;
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
    uint64_t entered_ns = makers_entered_ns(socket);
    if (entered_ns > watch->harvested_ns)
        makers_close(&watch->book, socket->local.port, since(watch, entered_ns));
    return true;
}

/* Returns 0 or an errno. */
static int list(struct watch *watch, uint32_t states, sockdiag_visit *note) {
    int error = makers_list(watch->diag, watch->question, states, note, watch);
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

static uint64_t cpu_ns(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
}

/* Looks, and rests as long as the look had a processor, at least 1 ms. */
static int watch_until(struct watch *watch) {
    enum { LEAST_MS = 1, HARVEST_MS = 500 };
    uint64_t last_ns = watch->began_ns, end_ns = watch->question->end_ns;
    watch->book.is_first = true;
    int error = look(watch);
    watch->book.is_first = false;
    watch->harvested_ns = watch->began_ns;
    for (uint64_t now_ns = last_ns; error == 0 && now_ns < end_ns;) {
        uint64_t before_ns = cpu_ns();
        error = look(watch);
        uint64_t rest_ns = cpu_ns() - before_ns;
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

int makers_watch(int diag, const struct makers_question *question, struct makers *makers) {
    int refused = makers_watch_events(diag, question, makers);
    if (refused == 0 || errno_is_shortage(refused))
        return refused;
    struct watch watch = {
        .question = question,
        .diag = diag,
        .began_ns = units_now_ns(),
        .visited = {.entry_size = sizeof(pid_t), .key_size = sizeof(pid_t)},
        .candidates = {.entry_size = sizeof(struct candidate), .key_size = sizeof(pid_t)},
        .opened = {.entry_size = sizeof(struct opened), .key_size = sizeof(uint32_t)},
        .held = {.entry_size = sizeof(struct held), .key_size = sizeof(uint32_t)},
        .described = {.entry_size = sizeof(struct described), .key_size = sizeof(pid_t)}};
    *makers = (struct makers){0};
    int error = makers_begin(&watch.book) ? watch_until(&watch) : ENOMEM;
    if (error == 0)
        makers_sum_up(&watch.book, watch.began_ns, makers);
    makers_end(&watch.book);
    table_free(&watch.visited);
    table_free(&watch.candidates);
    table_free(&watch.held);
    table_free(&watch.opened);
    table_free(&watch.described);
    return error;
}
