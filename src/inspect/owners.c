/* All processes of /proc are walked once for any number of sockets. Reading their descriptors is
 * what takes the time, so the lowest come first, where most sockets are, and the others only as far
 * as they are needed. */
#include "inspect/owners.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#include "base/units.h"
#include "kernel/process.h"

/* --- the owners of some sockets --- */

enum { FIRST_DESCRIPTORS = 128 };

/* A socket that is searched: which of the caller's. */
struct wanted {
    uint32_t inode;
    uint32_t index;
};

/* A socket and one of its owners. */
struct pair {
    uint32_t index;
    uint32_t pid;
};

struct search {
    struct owners *sockets;
    struct table wanted; /* owns: of struct wanted */
    struct table pairs;  /* owns: of struct pair, so that none counts twice */
    size_t missing;      /* sockets without an owner so far */
    unsigned unseen;
    struct table large; /* owns: the pid_t of each process with more than the lowest descriptors */
    struct table seen;  /* owns: the pid_t of each process of the first look and the later ones */
    unsigned look;      /* the how manieth look this is, from 0 */
    bool changed;       /* a process appeared meanwhile that can have got the socket */
    struct owner process; /* the one that is looked into, once it is read; pid is always set */
    bool is_read;
    pid_t thread; /* whose own descriptors are looked at, or 0 */
};

static bool is_older(const struct owner *a, const struct owner *b) {
    return a->started != b->started ? a->started < b->started : a->pid < b->pid;
}

/* Adds the process, in the order of age. */
static void add_owner(struct owners *socket, const struct owner *owner) {
    unsigned place = socket->known;
    if (socket->count < OWNERS_PIDS) {
        socket->pids[socket->count] = owner->pid;
        socket->fds[socket->count] = owner->fd;
    }
    socket->count++;
    while (place > 0 && is_older(owner, &socket->oldest[place - 1]))
        place--;
    if (place == OWNERS_MOST)
        return;
    if (socket->known < OWNERS_MOST)
        socket->known++;
    for (unsigned i = socket->known - 1; i > place; i--)
        socket->oldest[i] = socket->oldest[i - 1];
    socket->oldest[place] = *owner;
}

static void begin_process(struct search *search, pid_t pid) {
    search->process.pid = pid;
    search->is_read = false;
    search->thread = 0;
}

/* Adds the present process to the owners of the socket, if that is one of those searched. With
 * several descriptors for it, the first counts. */
static bool match_socket(void *context, uint32_t inode, int fd) {
    struct search *search = context;
    const struct wanted *wanted = table_find(&search->wanted, &inode);
    if (wanted == NULL)
        return true;
    struct pair pair = {wanted->index, (uint32_t)search->process.pid};
    bool is_new;
    if (table_add(&search->pairs, &pair, &is_new) == NULL || !is_new)
        return true;
    if (!search->is_read && !owner_read(search->process.pid, &search->process))
        return false; /* it is gone */
    search->is_read = true;
    search->process.fd = fd;
    search->process.thread = search->thread;
    struct owners *socket = &search->sockets[wanted->index];
    search->missing -= socket->count == 0;
    add_owner(socket, &search->process);
    return true;
}

static void note_process(struct search *search, pid_t pid) {
    bool is_new = false;
    table_add(&search->seen, &pid, &is_new);
    if (is_new && search->look > 0 && !search->changed)
        search->changed = process_in_namespace(pid) == 1;
}

static bool search_lowest(void *context, pid_t pid) {
    struct search *search = context;
    struct process_walk walk = {.pid = pid, .most = FIRST_DESCRIPTORS, .rings = true};
    bool is_new;
    begin_process(search, pid);
    note_process(search, pid);
    int error = process_walk(&walk, match_socket, search);
    if ((error == EACCES || error == EPERM) && process_in_namespace(pid) == 1)
        search->unseen++;
    if (error == 0 && !walk.complete)
        table_add(&search->large, &pid, &is_new);
    return true;
}

static bool match_until_none_is_missing(void *context, uint32_t inode, int fd) {
    const struct search *search = context;
    return match_socket(context, inode, fd) && search->missing > 0;
}

static bool search_table(struct search *search, pid_t pid, pid_t thread) {
    struct process_walk walk = {.pid = pid, .thread = thread, .most = UINT_MAX, .rings = true};
    search->thread = thread;
    process_walk(&walk, match_until_none_is_missing, search);
    return search->missing > 0;
}

static bool search_thread(void *context, pid_t pid, pid_t thread) {
    return search_table(context, pid, thread);
}

static bool search_threads(void *context, pid_t pid) {
    struct search *search = context;
    begin_process(search, pid);
    process_own_tables(pid, search_thread, search);
    return search->missing > 0;
}

/* Looks at the other descriptors of the processes that have more. */
static void search_large(struct search *search) {
    for (size_t i = 0; i < search->large.count && search->missing > 0; i++) {
        const pid_t *pid = table_entry(&search->large, i);
        begin_process(search, *pid);
        search_table(search, *pid, 0);
    }
}

/* Looks in the process for the sockets that another one has beyond the lowest descriptors, at the
 * same descriptor: there it is if it was inherited. */
static bool search_same(void *context, pid_t pid) {
    struct search *search = context;
    begin_process(search, pid);
    for (size_t i = 0; i < search->wanted.count; i++) {
        const struct wanted *wanted = table_entry(&search->wanted, i);
        const struct owners *socket = &search->sockets[wanted->index];
        int fd = socket->known == 0 ? 0 : socket->oldest[0].fd;
        if (fd >= FIRST_DESCRIPTORS && process_socket_at(pid, fd) == wanted->inode)
            match_socket(context, wanted->inode, fd);
    }
    return true;
}

static bool any_is_high(const struct search *search) {
    for (size_t i = 0; i < search->wanted.count; i++) {
        const struct wanted *wanted = table_entry(&search->wanted, i);
        const struct owners *socket = &search->sockets[wanted->index];
        if (socket->known > 0 && socket->oldest[0].fd >= FIRST_DESCRIPTORS)
            return true;
    }
    return false;
}

/* Lists the sockets to search, each inode once. Returns false if out of memory. */
static bool begin_search(struct search *search, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct owners *socket = &search->sockets[i];
        bool is_new;
        *socket = (struct owners){.inode = socket->inode};
        if (socket->inode == 0)
            continue;
        struct wanted *wanted = table_add(&search->wanted, &socket->inode, &is_new);
        if (wanted == NULL)
            return false;
        if (is_new)
            wanted->index = (uint32_t)i;
    }
    search->missing = search->wanted.count;
    return true;
}

/* Looks at every process once. Returns false if there is no /proc. */
static bool look_at_all(struct search *search) {
    search->unseen = 0;
    table_free(&search->large);
    if (process_each(search_lowest, search) != 0 || search->seen.count == 0)
        return false; /* in /proc there is at least this process itself */
    search_large(search);
    if (search->missing > 0)
        process_each(search_threads, search);
    return true;
}

/* Looks again while a socket has no owner, with longer and longer pauses, LOOKS times; on a large
 * host, where a look takes long, until TIME_MS have passed. */
static enum owners_search look_repeatedly(struct search *search) {
    enum { LOOKS = 8, LEAST_LOOKS = 2, TIME_MS = 500 };
    uint64_t end = units_now_ns() + (uint64_t)TIME_MS * NS_PER_MS;
    for (search->look = 0; search->look < LOOKS && search->missing > 0; search->look++) {
        struct timespec pause = {.tv_nsec = (long)search->look * NS_PER_MS};
        if (search->look >= LEAST_LOOKS && (search->unseen > 0 || units_now_ns() > end))
            break;
        nanosleep(&pause, NULL);
        if (!look_at_all(search))
            return OWNERS_NO_PROC;
    }
    return search->changed && search->missing > 0 ? OWNERS_CHANGED : OWNERS_SEARCHED;
}

/* Copies what was found to the other entries with the same inode, and notes how far the search
 * went. */
static void end_search(struct search *search, size_t count, enum owners_search end) {
    for (size_t i = 0; i < count; i++) {
        struct owners *socket = &search->sockets[i];
        const struct wanted *wanted = table_find(&search->wanted, &socket->inode);
        if (wanted != NULL && wanted->index != i)
            *socket = search->sockets[wanted->index];
        socket->search = socket->inode == 0 || (end == OWNERS_CHANGED && socket->count > 0)
                             ? OWNERS_SEARCHED
                             : end;
    }
}

unsigned owners_find(struct owners *sockets, size_t count) {
    struct search search = {
        .sockets = sockets,
        .wanted = {.entry_size = sizeof(struct wanted), .key_size = sizeof sockets->inode},
        .pairs = {.entry_size = sizeof(struct pair), .key_size = sizeof(struct pair)},
        .large = {.entry_size = sizeof(pid_t), .key_size = sizeof(pid_t)},
        .seen = {.entry_size = sizeof(pid_t), .key_size = sizeof(pid_t)}};
    if (!begin_search(&search, count)) {
        table_free(&search.wanted);
        return 1; /* nothing is searched */
    }
    enum owners_search end = look_repeatedly(&search);
    if (any_is_high(&search))
        process_each(search_same, &search);
    if (end == OWNERS_NO_PROC)
        search.unseen = 1;
    else if (process_hides_others())
        end = OWNERS_HIDDEN;
    else if (search.unseen > 0)
        end = OWNERS_DENIED;
    else if (!process_sees_all())
        end = OWNERS_OUTSIDE;
    end_search(&search, count, end);
    table_free(&search.wanted);
    table_free(&search.pairs);
    table_free(&search.large);
    table_free(&search.seen);
    return search.unseen;
}

const char *owners_search_text(enum owners_search search) {
    static const char *const texts[] = {
        [OWNERS_NOT_SEARCHED] = "its process was not searched for",
        [OWNERS_NO_PROC] = "there is no /proc to find its process in",
        [OWNERS_HIDDEN] = "/proc hides the processes of other users (hidepid)",
        [OWNERS_DENIED] = "processes of other users cannot be looked into",
        [OWNERS_OUTSIDE] = "processes outside of this container cannot be seen",
        [OWNERS_CHANGED] = "processes came and went while they were looked at",
        [OWNERS_SEARCHED] = "no process has it open",
    };
    return texts[search];
}

/* --- the owners of very many sockets --- */

enum { SAMPLED = 512 };

struct sampling {
    struct table *sample;
    unsigned unseen;
    pid_t pid; /* the process that is looked into */
    uint32_t weight;
};

/* If several processes have the socket, the first counts. */
static bool sample_socket(void *context, uint32_t inode, int fd) {
    const struct sampling *sampling = context;
    bool is_new;
    struct owners_sample *entry = table_add(sampling->sample, &inode, &is_new);
    (void)fd;
    if (entry == NULL)
        return false;
    if (is_new)
        *entry = (struct owners_sample){inode, sampling->pid, sampling->weight};
    return true;
}

static bool sample_process(void *context, pid_t pid) {
    struct sampling *sampling = context;
    sampling->pid = pid;
    sampling->weight = process_descriptor_count(pid) / SAMPLED + 1;
    int error = process_sockets(pid, SAMPLED, sample_socket, sampling);
    sampling->unseen += error == EACCES || error == EPERM;
    return true;
}

unsigned owners_sample(struct table *sample) {
    struct sampling sampling = {.sample = sample};
    *sample = (struct table){.entry_size = sizeof(struct owners_sample),
                             .key_size = sizeof((struct owners_sample *)0)->inode};
    process_each(sample_process, &sampling);
    return sampling.unseen;
}
