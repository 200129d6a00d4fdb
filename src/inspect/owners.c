/* All processes of /proc are walked once for any number of sockets, and what was seen of all
 * sockets is kept (census.h): a question about several addresses, or in very many namespaces, asks
 * for the same ones again. Before it is used again, each place is looked at once more. Reading
 * descriptors is what takes the time, so the lowest come first, where most sockets are, and the
 * others only as far as they are needed. */
#include "inspect/owners.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/units.h"
#include "inspect/census.h"
#include "inspect/flight.h"
#include "kernel/process.h"

/* --- what is kept --- */

/* A socket that was not found. */
struct absent {
    uint32_t inode;
    enum owners_search search;
};

/* What the earlier searches found out, until owners_forget(). */
static struct {
    struct census census;
    struct table absent;      /* owns: of struct absent */
    enum owners_search reach; /* how far they could search at all */
    struct owner own;         /* of struct owners */
    unsigned own_count;
    pid_t receiver; /* of descriptors in a message, or 0 */
    unsigned unseen;
    unsigned denied; /* how many could not be looked into when it was found out that some of these
                        are in this namespace, or that none is: */
    bool denied_here;
    bool passed;       /* a message with descriptors was met between the looks */
    unsigned searches; /* so far; this is the number of the present one, too */
} kept = {
    .absent = {.entry_size = sizeof(struct absent), .key_size = sizeof((struct absent *)0)->inode}};

void owners_forget(void) {
    census_free(&kept.census);
    table_free(&kept.absent);
    kept.unseen = kept.denied = 0;
}

void owners_look_ahead(void) {
    owners_forget();
    census_take(&kept.census);
}

/* --- the owners of some sockets --- */

/* A socket that is searched: which of the caller's, and whether it has been found. */
struct wanted {
    uint32_t inode;
    uint32_t index;
    bool found;
};

/* A socket and one of its owners. */
struct pair {
    uint32_t index;
    uint32_t pid;
};

struct search {
    struct owners *sockets; /* NULL: they are only located */
    struct table wanted;    /* owns: of struct wanted */
    struct table pairs;     /* owns: of struct pair, so that none counts twice */
    size_t missing;         /* sockets without an owner so far */
    size_t hits;            /* how often one of them was met */
    struct owner process;   /* the one that is looked into, once it is read; pid is always set */
    bool is_read;
    pid_t thread; /* whose own descriptors are looked at, or 0 */
    bool others;  /* other users made all of the sockets */
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
    struct wanted *wanted = table_find(&search->wanted, &inode);
    if (wanted == NULL)
        return true;
    search->hits++;
    if (search->sockets == NULL) {
        search->missing -= !wanted->found;
        wanted->found = true;
        return true;
    }
    struct pair pair = {wanted->index, (uint32_t)search->process.pid};
    bool is_new;
    if (table_find(&search->pairs, &pair) != NULL)
        return true;
    if (!search->is_read && !owner_read(search->process.pid, &search->process)) {
        census_note(&kept.census, errno);
        kept.census.quiet = false; /* it is gone */
        return false;
    }
    table_add(&search->pairs, &pair, &is_new); /* one that could not be read may be, later */
    search->is_read = true;
    search->process.fd = fd;
    search->process.thread = search->thread;
    struct owners *socket = &search->sockets[wanted->index];
    search->missing -= !wanted->found;
    wanted->found = true;
    add_owner(socket, &search->process);
    return true;
}

/* A process can be gone a moment later, so it is read at once. */
static void match_place(void *context, const struct census_place *place) {
    struct search *search = context;
    if (table_find(&search->wanted, &place->inode) == NULL)
        return;
    if (place->pid != search->process.pid)
        begin_process(search, place->pid);
    search->thread = place->thread;
    match_socket(search, place->inode, place->fd);
}

/* Takes the owners from what was seen. */
static void match_census(struct search *search) {
    for (size_t i = 0; i < search->wanted.count; i++) {
        const struct wanted *wanted = table_entry(&search->wanted, i);
        const struct census_place *place = census_find(&kept.census, wanted->inode);
        for (; place != NULL; place = census_next(&kept.census, place))
            match_place(search, place);
    }
}

/* What is found beyond the lowest descriptors is kept too. */
static bool match_beyond(void *context, uint32_t inode, int fd) {
    struct search *search = context;
    if (table_find(&search->wanted, &inode) == NULL)
        return true;
    struct census_place place = {
        .inode = inode, .pid = search->process.pid, .thread = search->thread, .fd = fd};
    census_add(&kept.census, &place);
    return match_socket(search, inode, fd);
}

static bool goes_on(const struct search *search) {
    return search->missing > 0 || search->sockets == NULL;
}

static bool match_while_it_goes_on(void *context, uint32_t inode, int fd) {
    return match_beyond(context, inode, fd) && goes_on(context);
}

static bool search_table(struct search *search, pid_t pid, pid_t thread) {
    struct process_walk walk = {.pid = pid, .thread = thread, .most = UINT_MAX, .rings = true};
    search->thread = thread;
    census_note(&kept.census, process_walk(&walk, match_while_it_goes_on, search));
    return goes_on(search);
}

static bool search_thread(void *context, pid_t pid, pid_t thread) {
    return search_table(context, pid, thread);
}

/* Looks at the other descriptors of a process. Where this search has done so in vain, they are what
 * they were if the process has slept since: a server that is idle is not read again and again. */
static void search_process(struct search *search, struct census_process *process) {
    struct process_runs runs;
    size_t hits = search->hits;
    bool sleeps = process_sleeps(process->pid, &runs);
    begin_process(search, process->pid);
    if (sleeps && process->past == kept.searches && memcmp(&runs, &process->runs, sizeof runs) == 0)
        return;
    search_table(search, process->pid, 0);
    process->past = sleeps && search->hits == hits ? kept.searches : 0;
    process->runs = runs;
}

/* Looks at the other descriptors of the processes that have more, then at those that threads have
 * for themselves. */
static void search_beyond(struct search *search) {
    const struct table *processes = &kept.census.processes;
    for (size_t i = 0; i < processes->count && goes_on(search); i++) {
        struct census_process *process = table_entry(processes, i);
        if (process->more && !process->denied)
            search_process(search, process);
    }
    for (size_t i = 0; i < processes->count && search->missing > 0; i++) {
        const struct census_process *process = table_entry(processes, i);
        begin_process(search, process->pid);
        if (!process->denied)
            census_note(&kept.census, process_own_tables(process->pid, search_thread, search));
    }
}

/* Looks in the process for the sockets that another one has beyond the lowest descriptors, at the
 * same descriptor: there it is if it was inherited. A process with few descriptors was looked at.
 */
static void search_same(struct search *search, pid_t pid) {
    begin_process(search, pid);
    for (size_t i = 0; i < search->wanted.count; i++) {
        const struct wanted *wanted = table_entry(&search->wanted, i);
        const struct owners *socket = &search->sockets[wanted->index];
        int fd = socket->known == 0 ? 0 : socket->oldest[0].fd;
        if (fd >= CENSUS_DESCRIPTORS && process_socket_at(pid, fd) == wanted->inode)
            match_beyond(search, wanted->inode, fd);
    }
}

static bool any_is_high(const struct search *search) {
    for (size_t i = 0; i < search->wanted.count; i++) {
        const struct wanted *wanted = table_entry(&search->wanted, i);
        const struct owners *socket = &search->sockets[wanted->index];
        if (socket->known > 0 && socket->oldest[0].fd >= CENSUS_DESCRIPTORS)
            return true;
    }
    return false;
}

static void search_heirs(struct search *search) {
    const struct table *processes = &kept.census.processes;
    for (size_t i = 0; any_is_high(search) && i < processes->count; i++) {
        const struct census_process *process = table_entry(processes, i);
        if (process->more && !process->denied)
            search_same(search, process->pid);
    }
}

/* --- the search --- */

/* Adds a socket to those to search, as number `index`. */
static void add_wanted(struct search *search, uint32_t inode, size_t index) {
    bool is_new;
    if (inode == 0)
        return;
    struct wanted *wanted = table_add(&search->wanted, &inode, &is_new);
    if (is_new)
        wanted->index = (uint32_t)index;
    search->missing += is_new;
}

/* Lists the sockets to search, each inode once. */
static void begin_search(struct search *search, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct owners *socket = &search->sockets[i];
        *socket =
            (struct owners){.inode = socket->inode, .others = socket->others, .mine = socket->mine};
        search->others &= socket->inode == 0 || socket->others;
        add_wanted(search, socket->inode, i);
    }
}

/* Makes the search as if nothing had been found. */
static void begin_again(struct search *search) {
    search->missing = search->wanted.count;
    table_free(&search->pairs);
    for (size_t i = 0; i < search->wanted.count; i++) {
        struct wanted *wanted = table_entry(&search->wanted, i);
        wanted->found = false;
        if (search->sockets == NULL)
            continue;
        struct owners *socket = &search->sockets[wanted->index];
        *socket =
            (struct owners){.inode = wanted->inode, .others = socket->others, .mine = socket->mine};
    }
}

/* Returns whether the socket was seen, and is still where it was seen. */
static bool holds(uint32_t inode) {
    const struct census_place *place = census_find(&kept.census, inode);
    bool holds = place != NULL;
    for (; holds && place != NULL; place = census_next(&kept.census, place))
        holds = process_has_socket(place->pid, place->thread, place->fd, inode);
    return holds;
}

/* Returns whether the earlier searches have the answer. */
static bool recall(struct search *search) {
    enum { FRESH_MS = 300 };
    size_t absent = 0;
    if (kept.census.taken_ns == 0)
        return false;
    if (units_now_ns() - kept.census.taken_ns > (uint64_t)FRESH_MS * NS_PER_MS)
        census_renew(&kept.census);
    for (size_t i = 0; i < search->wanted.count; i++) {
        const struct wanted *wanted = table_entry(&search->wanted, i);
        bool is_absent = table_find(&kept.absent, &wanted->inode) != NULL;
        if (!is_absent && !holds(wanted->inode))
            return false;
        absent += is_absent;
    }
    match_census(search);
    return search->missing <= absent;
}

/* Looks at every process once. Returns false if there is no /proc. */
static bool look_at_all(struct search *search) {
    kept.census.visit = match_place;
    kept.census.context = search;
    bool taken = census_take(&kept.census);
    kept.census.visit = NULL;
    if (taken)
        search_beyond(search);
    return taken;
}

/* Returns whether a process of this network namespace could not be looked into. To ask each of
 * thousands for its namespace takes longer than all the rest: the oldest and the newest come first,
 * one of each in turn, as in most namespaces one of them is of the same. */
static bool any_is_denied_here(void) {
    const struct table *processes = &kept.census.processes;
    uint64_t here = process_namespace(getpid());
    for (size_t i = 0; i < processes->count; i++) {
        size_t place = i % 2 == 0 ? i / 2 : processes->count - 1 - i / 2;
        const struct census_process *process = table_entry(processes, place);
        if (process->denied && process_namespace(process->pid) == here)
            return true;
    }
    return false;
}

/* Counts the processes that could not be looked into, if one of them is in this network namespace;
 * otherwise 0. */
static unsigned count_unseen(void) {
    if (kept.denied != kept.census.denied)
        kept.denied_here = any_is_denied_here();
    kept.denied = kept.census.denied;
    return kept.denied > 0 && kept.denied_here ? kept.denied : 0;
}

/* Returns whether a process that may not be looked into most likely has the sockets: other users
 * made them all. */
static bool is_out_of_reach(const struct search *search) {
    return search->others && kept.census.quiet && count_unseen() > 0;
}

/* Returns whether another look is worth while. On a large host, where a look takes long, there are
 * few. Where processes could not be looked into, most likely one of them has the socket. */
static bool looks_again(const struct search *search, long looks, uint64_t begin) {
    enum {
        LOOKS = 32,
        LEAST = 2,
        LEAST_IF_SMALL = 16,
        SMALL = 2000,
        TIME_MS = 500,
        DENIED_MS = 50
    };
    bool denied = kept.census.denied > 0, small = kept.census.processes.count < SMALL;
    uint64_t time_ms = denied ? DENIED_MS : TIME_MS;
    if (search->missing > 0 && looks > 0 && is_out_of_reach(search))
        return false;
    return search->missing > 0 && looks < LOOKS &&
           (looks < (small && !denied ? LEAST_IF_SMALL : LEAST) ||
            units_now_ns() - begin < time_ms * NS_PER_MS);
}

/* With pauses of changing length, so that the looks do not go along with whatever moves the socket.
 */
static void pause_before(long look) {
    enum { PAUSES = 8, STEP_US = 1137 };
    struct timespec pause = {.tv_nsec = look * 3 % PAUSES * STEP_US * NS_PER_US};
    nanosleep(&pause, NULL);
}

/* What moves from one descriptor to another all the time is easily missed in a list of them. So a
 * process that did so during the looks is looked at again and again. Returns whether there was the
 * time for all such processes. */
static bool search_movers(struct search *search) {
    enum { EACH_MS = 40, ALL_MS = 400 };
    const struct table *processes = &kept.census.processes;
    uint64_t end = units_now_ns() + (uint64_t)ALL_MS * NS_PER_MS;
    bool complete = true;
    for (size_t i = 0; i < processes->count && search->missing > 0; i++) {
        const struct census_process *process = table_entry(processes, i);
        uint64_t begin = units_now_ns();
        if (!process->moves || process_in_namespace(process->pid) == 0)
            continue;
        complete = begin < end;
        begin_process(search, process->pid);
        while (complete && units_now_ns() - begin < (uint64_t)EACH_MS * NS_PER_MS &&
               search_table(search, process->pid, 0))
            continue;
    }
    return complete;
}

/* The socket was found nowhere. A message that waits for good is found each time; one between
 * processes that pass sockets on all the time is not, even if they wait for a processor. */
static enum owners_search look_in_flight(void) {
    enum { TIMES = 12, PAUSE_MS = 25 };
    struct timespec pause = {.tv_nsec = (long)PAUSE_MS * NS_PER_MS};
    unsigned times = 0;
    kept.receiver = 0;
    for (unsigned i = 0; i < TIMES && times == i; i++) {
        pid_t receiver = flight_receiver(&kept.census);
        times += receiver != 0 && (i == 0 || receiver == kept.receiver);
        kept.receiver = receiver;
        if (receiver != 0)
            nanosleep(&pause, NULL);
    }
    return times == TIMES ? OWNERS_IN_FLIGHT : times > 0 ? OWNERS_CHANGED : OWNERS_SEARCHED;
}

/* One look at everything. What is passed from process to process is in a message for as long as its
 * receiver waits for a processor: on a busy host that is most of the time, and above all while we
 * look. Returns false if there is no /proc. */
static bool look_once(struct search *search) {
    bool looked = look_at_all(search);
    if (looked && search->missing > 0 && !kept.passed)
        kept.passed = flight_receiver(&kept.census) != 0;
    return looked;
}

/* Looks again while a socket has no owner. Only if no process came or went during the last looks,
 * and no message with descriptors was met, it is certain that none has the socket: one that was not
 * there in time can have passed it on to one that came too late. */
static enum owners_search look_repeatedly(struct search *search) {
    enum { QUIET_LOOKS = 2 };
    uint64_t begin = units_now_ns();
    unsigned quiet = 0;
    kept.searches++;
    kept.passed = false;
    for (long look = 0; looks_again(search, look, begin); look++) {
        pause_before(look);
        if (!look_once(search))
            return kept.census.error == 0 ? OWNERS_NO_PROC : OWNERS_NOT_SEARCHED;
        quiet = kept.census.quiet ? quiet + 1 : 0;
    }
    bool complete = search->missing == 0 || search_movers(search);
    if (search->sockets != NULL)
        search_heirs(search);
    if (kept.census.error != 0)
        return OWNERS_NOT_SEARCHED;
    enum owners_search end = search->missing > 0 ? look_in_flight() : OWNERS_SEARCHED;
    bool moving = search->missing > 0 && (quiet < QUIET_LOOKS || !complete || kept.passed) &&
                  end == OWNERS_SEARCHED;
    return moving ? OWNERS_CHANGED : end;
}

/* Returns what kept the search from being complete, whatever else happened. */
static enum owners_search limit_of(enum owners_search end) {
    if (end == OWNERS_NO_PROC || end == OWNERS_NOT_SEARCHED)
        return end;
    if (process_hides_others())
        return OWNERS_HIDDEN;
    if (kept.unseen > 0)
        return OWNERS_DENIED;
    return process_sees_all() || end == OWNERS_IN_FLIGHT ? end : OWNERS_OUTSIDE;
}

/* Finds the processes of this user that may not be looked into: they have changed their user or
 * got capabilities when they were executed, or want it so (PR_SET_DUMPABLE). Whose a process is
 * tells its folder in /proc, for these as well (task_dump_owner() in fs/proc/base.c). */
static void find_own(void) {
    const struct table *processes = &kept.census.processes;
    uint64_t here = process_namespace(getpid());
    struct owner owner;
    uint32_t uid;
    kept.own = (struct owner){.pid = 0};
    kept.own_count = 0;
    for (size_t i = 0; geteuid() != 0 && kept.unseen > 0 && i < processes->count; i++) {
        const struct census_process *process = table_entry(processes, i);
        if (!process->denied || !process_user(process->pid, &uid) || uid != geteuid() ||
            process_namespace(process->pid) != here || !owner_read(process->pid, &owner))
            continue;
        if (kept.own_count == 0 || is_older(&kept.own, &owner))
            kept.own = owner;
        kept.own_count++;
    }
    kept.own.fd = -1;
}

/* Notes how far the search could go, and which sockets it did not find. */
static void keep(const struct search *search, enum owners_search end) {
    kept.unseen = end == OWNERS_NO_PROC ? 1 : count_unseen();
    kept.reach = limit_of(end);
    if (search->missing > 0)
        find_own();
    for (size_t i = 0; i < search->wanted.count; i++) {
        const struct wanted *wanted = table_entry(&search->wanted, i);
        bool is_new;
        if (wanted->found)
            continue;
        struct absent *absent = table_add(&kept.absent, &wanted->inode, &is_new);
        absent->search = kept.reach;
    }
}

/* Copies what was found to the other entries with the same inode, and notes how far the search
 * went. */
static void end_search(struct search *search, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct owners *socket = &search->sockets[i];
        const struct wanted *wanted = table_find(&search->wanted, &socket->inode);
        const struct absent *absent = table_find(&kept.absent, &socket->inode);
        if (wanted != NULL && wanted->index != i)
            *socket = search->sockets[wanted->index];
        socket->search = kept.reach;
        socket->error = kept.reach == OWNERS_NOT_SEARCHED ? kept.census.error : 0;
        if (socket->count == 0 && absent != NULL)
            socket->search = absent->search;
        if (socket->inode == 0 ||
            (socket->count > 0 && (kept.reach == OWNERS_CHANGED || kept.reach == OWNERS_IN_FLIGHT)))
            socket->search = OWNERS_SEARCHED;
        if (socket->search == OWNERS_IN_FLIGHT)
            socket->receiver = kept.receiver;
        if (socket->search == OWNERS_DENIED && socket->count == 0) {
            socket->own = kept.own;
            socket->own_count = kept.own_count;
        }
    }
}

static struct search make_search(struct owners *sockets, bool others) {
    return (struct search){
        .sockets = sockets,
        .others = others,
        .wanted = {.entry_size = sizeof(struct wanted), .key_size = sizeof sockets->inode},
        .pairs = {.entry_size = sizeof(struct pair), .key_size = sizeof(struct pair)}};
}

static void run_search(struct search *search) {
    if (search->wanted.count == 0 || recall(search))
        return;
    begin_again(search); /* what was recalled is no longer so */
    table_free(&kept.absent);
    keep(search, look_repeatedly(search));
}

static void free_search(struct search *search) {
    table_free(&search->wanted);
    table_free(&search->pairs);
}

unsigned owners_find(struct owners *sockets, size_t count) {
    struct search search = make_search(sockets, true);
    begin_search(&search, count);
    run_search(&search);
    end_search(&search, count);
    free_search(&search);
    return kept.unseen;
}

bool owners_of_others(const struct inet_socket *socket, uint32_t asker) {
    return socket->uid != SOCKET_UID_UNKNOWN && socket->uid != asker;
}

struct owners owners_wanted(const struct inet_socket *socket, uint32_t asker) {
    return (struct owners){.inode = socket->inode,
                           .others = owners_of_others(socket, asker),
                           .mine = socket->uid == asker};
}

void owners_locate(const uint32_t *inodes, size_t count, bool others) {
    struct search search = make_search(NULL, others);
    for (size_t i = 0; i < count; i++)
        add_wanted(&search, inodes[i], i);
    run_search(&search);
    free_search(&search);
}

/* Two searches can have found the same place. */
static bool has_place(const struct owners_place *places, size_t count, pid_t pid) {
    for (size_t i = 0; i < count; i++)
        if (places[i].pid == pid)
            return true;
    return false;
}

size_t owners_places(uint32_t inode, struct owners_place *places, size_t most) {
    size_t count = 0;
    const struct census_place *place = census_find(&kept.census, inode);
    for (; place != NULL && count < most; place = census_next(&kept.census, place))
        if (!has_place(places, count, place->pid))
            places[count++] = (struct owners_place){place->pid, place->fd};
    return count;
}

/* --- whether an owner still is one --- */

/* A process can give itself another name (prctl(), setproctitle()): it runs the same program as
 * long as its stack is where it was. It can also execute the same program again. */
static bool same_process(const struct owner *owner) {
    struct owner now;
    if (!owner_read(owner->pid, &now))
        return errno_says_nothing(errno); /* nothing shows that it is gone */
    if (now.started != owner->started)
        return false;
    bool same_image = owner->image != 0 && now.image == owner->image &&
                      strcmp(now.executable, owner->executable) == 0;
    return same_image ||
           (strcmp(now.name, owner->name) == 0 && strcmp(now.program, owner->program) == 0);
}

struct again {
    uint32_t inode;
    bool found;
};

static bool match_again(void *context, uint32_t inode, int fd) {
    struct again *again = context;
    (void)fd;
    again->found |= inode == again->inode;
    return !again->found;
}

static bool search_table_again(void *context, pid_t pid, pid_t thread) {
    struct again *again = context;
    struct process_walk walk = {.pid = pid, .thread = thread, .most = UINT_MAX, .rings = true};
    process_walk(&walk, match_again, again);
    return !again->found;
}

bool owners_has(const struct owner *owner, uint32_t inode) {
    enum { TIMES = 3 }; /* it may move from one descriptor to another */
    struct again again = {.inode = inode};
    if (!same_process(owner))
        return false;
    if (owner->fd < 0 || process_has_socket(owner->pid, owner->thread, owner->fd, inode))
        return true;
    for (int i = 0; i < TIMES && search_table_again(&again, owner->pid, 0); i++)
        process_own_tables(owner->pid, search_table_again, &again);
    return again.found;
}

bool owners_are_own(const struct owners *owners) {
    return owners->search == OWNERS_DENIED && owners->count == 0 && owners->own_count > 0 &&
           owners->mine;
}

const char *owners_search_text(const struct owners *owners) {
    static const char *const texts[] = {
        [OWNERS_NOT_SEARCHED] = "its process was not searched for",
        [OWNERS_NO_PROC] = "there is no /proc to find its process in",
        [OWNERS_HIDDEN] = "/proc hides the processes of other users (hidepid)",
        [OWNERS_DENIED] = "processes of other users cannot be searched",
        [OWNERS_OUTSIDE] = "processes outside of this container cannot be seen",
        [OWNERS_IN_FLIGHT] = "no process has it open: it may be in a message (SCM_RIGHTS)",
        [OWNERS_CHANGED] = "processes came and went while they were looked at",
        [OWNERS_SEARCHED] = "no process has it open",
    };
    if (owners_are_own(owners))
        return owners->own_count == 1 ? "a process of your own cannot be searched"
                                      : "some processes of your own cannot be searched";
    if (owners->search == OWNERS_NOT_SEARCHED && owners->error != 0) {
        static char text[96];
        char name[ERRNAME_SIZE];
        snprintf(text, sizeof text, "the processes could not all be read: %s",
                 errname(owners->error, name));
        return text;
    }
    return texts[owners->search];
}
