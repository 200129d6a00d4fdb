/* The kernel tells which process opens a connection, and which closes it first
 * (kernel/tcp_watch.h): every one, however short it is. A process is described as soon as it is
 * told of. If it has ended before that, its name and its parent are known if it began while the
 * route was watched.
 *
 * Events come from all network namespaces. Of the processes of others nothing is noted; and a
 * connection counts only when it is listed in TIME-WAIT here. */
#include "diagnose/makers_look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "kernel/process.h"
#include "kernel/tcp_watch.h"

/* A process that an event told of. */
struct process {
    pid_t pid, parent; /* parent 0: it began before the watch */
    char name[16];     /* that it took since, or "" */
    uint32_t place;    /* its place in the book plus 1; 0: not known */
    bool asked;        /* `place` is settled */
};

/* A connection in TIME-WAIT. */
struct ended {
    uint16_t port;
    uint64_t entered_ns;
};

struct watch {
    const struct makers_question *question;
    struct tcp_watch events;
    struct makers_book book;
    int diag;
    uint64_t began_ns, harvested_ns;
    struct table processes;    /* owns: of struct process, by pid */
    struct tcp_event *waiting; /* owned: of connections, until all processors were read */
    size_t waiting_count, waiting_room;
    struct ended *ended; /* owned: listed at one harvest */
    size_t ended_count, ended_room;
    bool no_memory;
};

static uint32_t since(const struct watch *watch, uint64_t now_ns) {
    return now_ns < watch->began_ns ? 0 : (uint32_t)((now_ns - watch->began_ns) / NS_PER_MS);
}

/* Makes room for one more item. */
static void grow(void *items, size_t count, size_t *room, size_t size) {
    void **list = items;
    enum { LEAST = 64 };
    if (count < *room)
        return;
    *room = *room == 0 ? LEAST : *room * 2;
    *list = memory_resized(*list, *room * size);
}

/* --- who --- */

static struct process *process_of(struct watch *watch, pid_t pid) {
    bool is_new;
    return table_add(&watch->processes, &pid, &is_new);
}

/* Finds the maker that a process of this name and parent belongs to, if one of them was described
 * while it lived. */
static const struct maker *find_sibling(const struct watch *watch, const struct process *process) {
    for (unsigned i = 0; i < watch->book.count; i++) {
        const struct maker *maker = &watch->book.list[i];
        if (strncmp(maker->owner.name, process->name, sizeof process->name - 1) == 0 &&
            (maker->starter == process->parent || maker->master == process->parent))
            return maker;
    }
    return NULL;
}

/* Says who a process was that has ended: by its name, and by the nearest ancestor that lives, whose
 * user it most likely had. Returns false if too little is known. */
static bool remember(const struct watch *watch, struct process process, struct maker *maker) {
    enum { GENERATIONS = 8 };
    struct maker parent;
    pid_t pid = process.pid;
    const struct maker *sibling = process.name[0] == '\0' ? NULL : find_sibling(watch, &process);
    if (sibling != NULL) {
        *maker = *sibling;
        maker->owner.pid = pid;
        return true;
    }
    for (unsigned i = 0; !makers_describe(process.parent, &parent); i++) {
        const struct process *next = table_find(&watch->processes, &process.parent);
        if (next == NULL || next->parent == 0 || i == GENERATIONS)
            return false;
        process.parent = next->parent;
        if (process.name[0] == '\0')
            memcpy(process.name, next->name, sizeof process.name);
    }
    *maker = parent;
    maker->owner.pid = pid;
    maker->owner.parent = process.parent;
    if (process.name[0] == '\0' || strcmp(process.name, parent.owner.name) == 0) {
        maker->master = parent.master != 0 ? parent.master : parent.owner.pid;
        return true;
    }
    memcpy(maker->owner.name, process.name, sizeof process.name);
    memcpy(maker->owner.program, process.name, sizeof process.name);
    maker->owner.command[0] = maker->owner.executable[0] = '\0';
    maker->starter = parent.owner.pid;
    memcpy(maker->starter_program, parent.owner.program, sizeof maker->starter_program);
    maker->master = 0;
    return true;
}

/* Who a process is. One that has ended meanwhile shows no executable any more. One of another
 * network namespace is nobody here; nor is a thread of the kernel, which closes for another one. */
static bool find_maker(const struct watch *watch, const struct process *process,
                       struct maker *maker) {
    enum { KERNEL_THREADS = 2 };
    bool known = makers_describe(process->pid, maker);
    struct maker last;
    char executable[8];
    if ((!known || process_link(process->pid, "exe", executable, sizeof executable) <= 0) &&
        process->parent != 0 && remember(watch, *process, &last)) {
        *maker = last;
        return true;
    }
    return known && maker->owner.parent != KERNEL_THREADS &&
           process_in_namespace(process->pid) != 0;
}

static uint32_t place_of(struct watch *watch, const struct tcp_event *event) {
    struct maker maker;
    if (event->pid <= 0)
        return 0;
    struct process *process = process_of(watch, event->pid);
    if (!process->asked && find_maker(watch, process, &maker))
        watch->no_memory |= !makers_know(&watch->book, &maker, event->cgroup, &process->place);
    process->asked = true;
    return process->place;
}

/* --- events --- */

static bool is_of_route(const struct watch *watch, const struct tcp_event *event) {
    const struct makers_question *question = watch->question;
    uint16_t port = event->local.port;
    struct endpoint local = event->local;
    local.port = question->local.port;
    return endpoint_equal(&event->remote, &question->remote) &&
           (question->local.family == 0 || endpoint_equal(&local, &question->local)) &&
           (event->kind == TCP_OPENED || (port >= question->low && port <= question->high));
}

static void note(void *context, const struct tcp_event *event) {
    struct watch *watch = context;
    if (event->kind == TCP_FORKED || event->kind == TCP_NAMED) {
        struct process *process = process_of(watch, event->pid);
        if (event->kind == TCP_FORKED)
            *process = (struct process){.pid = event->pid, .parent = event->other};
        else
            memcpy(process->name, event->name, sizeof process->name);
    } else if (is_of_route(watch, event)) {
        grow(&watch->waiting, watch->waiting_count, &watch->waiting_room, sizeof *event);
        watch->waiting[watch->waiting_count++] = *event;
    }
}

/* Takes what has happened. */
static void take(struct watch *watch) {
    tcp_watch_read(&watch->events, note, watch);
    for (size_t i = 0; i < watch->waiting_count; i++) {
        const struct tcp_event *event = &watch->waiting[i];
        uint32_t place = place_of(watch, event);
        if (event->kind == TCP_OPENED)
            makers_opens(&watch->book, place);
        else
            makers_closes(&watch->book, place, event->local.port, since(watch, event->time_ns));
    }
    watch->waiting_count = 0;
}

/* --- TIME-WAIT --- */

static bool note_ended(void *context, const struct inet_socket *socket) {
    struct watch *watch = context;
    struct ended ended = {.port = socket->local.port, .entered_ns = makers_entered_ns(socket)};
    if (ended.entered_ns <= watch->harvested_ns)
        return true;
    grow(&watch->ended, watch->ended_count, &watch->ended_room, sizeof ended);
    watch->ended[watch->ended_count++] = ended;
    return true;
}

/* Lists what has entered TIME-WAIT since the last time; then all events before that are read. */
static int harvest(struct watch *watch) {
    uint64_t now_ns = units_now_ns();
    watch->ended_count = 0;
    int error = makers_list(watch->diag, watch->question, 1U << STATE_TIME_WAIT, note_ended, watch);
    take(watch);
    for (size_t i = 0; i < watch->ended_count; i++)
        makers_close(&watch->book, watch->ended[i].port, since(watch, watch->ended[i].entered_ns));
    watch->harvested_ns = now_ns;
    return watch->no_memory ? ENOMEM : error;
}

/* --- all together --- */

static int watch_until(struct watch *watch, uint64_t end_ns) {
    enum { HARVEST_MS = 500 };
    const struct timespec pause = {.tv_nsec = NS_PER_MS};
    int error = 0;
    while (error == 0 && units_now_ns() < end_ns) {
        uint64_t harvest_ns = watch->harvested_ns + (uint64_t)HARVEST_MS * NS_PER_MS;
        tcp_watch_wait(&watch->events, harvest_ns < end_ns ? harvest_ns : end_ns);
        take(watch);
        if (units_now_ns() >= harvest_ns)
            error = harvest(watch);
        else
            nanosleep(&pause, NULL); /* more than one event is read at once */
    }
    return error != 0 ? error : harvest(watch);
}

int makers_watch_events(int diag, const struct makers_question *question, struct makers *makers) {
    struct watch watch = {
        .question = question,
        .diag = diag,
        .processes = {.entry_size = sizeof(struct process), .key_size = sizeof(pid_t)}};
    *makers = (struct makers){.all_events = true};
    int error = tcp_watch_open(&watch.events, question->remote.port);
    watch.began_ns = watch.harvested_ns = units_now_ns();
    if (error == 0) {
        error = makers_begin(&watch.book) ? watch_until(&watch, question->end_ns) : ENOMEM;
        if (error == 0)
            makers_sum_up(&watch.book, watch.began_ns, makers);
        makers_end(&watch.book);
    }
    tcp_watch_close(&watch.events);
    table_free(&watch.processes);
    free(watch.waiting);
    free(watch.ended);
    return error;
}
