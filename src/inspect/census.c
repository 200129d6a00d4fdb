/* The places lie in one array, those of one socket in a chain. Neither the right to look into a
 * process nor its absence is found out twice: an ordinary user may look into few. */
#include "inspect/census.h"

#include <errno.h>
#include <stdlib.h>

#include "base/errnames.h"
#include "base/units.h"
#include "kernel/process.h"

/* A socket, and the first and the last of its places, by number plus 1. */
struct entry {
    uint32_t inode;
    uint32_t first, last;
};

/* A look under way. */
struct taking {
    struct census *census;
    pid_t pid; /* the process that is looked into */
    bool again, renew;
};

/* --- places --- */

void census_note(struct census *census, int error) {
    if (errno_says_nothing(error))
        census->error = error;
}

static void make_room(struct census *census) {
    enum { FIRST = 256 };
    size_t room = census->room == 0 ? FIRST : 2 * census->room;
    if (census->count < census->room)
        return;
    census->places = memory_resized(census->places, room * sizeof *census->places);
    census->room = room;
}

/* A process that was just seen with the socket has it at another descriptor too: the first counts.
 */
void census_add(struct census *census, const struct census_place *place) {
    bool is_new;
    struct entry *entry = table_add(&census->sockets, &place->inode, &is_new);
    make_room(census);
    if (entry->last != 0 && census->places[entry->last - 1].pid == place->pid)
        return;
    struct census_place *added = &census->places[census->count++];
    uint32_t number = (uint32_t)census->count;
    *added = *place;
    added->next = 0;
    if (entry->last != 0)
        census->places[entry->last - 1].next = number;
    else
        entry->first = number;
    entry->last = number;
    if (census->visit != NULL)
        census->visit(census->context, place);
}

const struct census_place *census_find(const struct census *census, uint32_t inode) {
    const struct entry *entry = table_find(&census->sockets, &inode);
    return entry == NULL || entry->first == 0 ? NULL : &census->places[entry->first - 1];
}

const struct census_place *census_next(const struct census *census,
                                       const struct census_place *place) {
    return place->next == 0 ? NULL : &census->places[place->next - 1];
}

/* --- looking --- */

static bool add_socket(void *context, uint32_t inode, int fd) {
    const struct taking *taking = context;
    struct census_place place = {.inode = inode, .pid = taking->pid, .fd = fd};
    census_add(taking->census, &place);
    return true;
}

/* Looks at the descriptors of a process again while they move. Returns 0 or an errno. */
static int walk(struct taking *taking, struct census_process *process) {
    enum { WALKS = 4 };
    struct process_walk walk = {
        .pid = process->pid, .most = CENSUS_DESCRIPTORS, .rings = true, .moved = true};
    int error = 0;
    for (int i = 0; i < WALKS && error == 0 && walk.moved; i++) {
        error = process_walk(&walk, add_socket, taking);
        process->moves |= walk.moved;
    }
    if ((error == 0 && walk.moved) || error == ENOENT || error == ESRCH)
        taking->census->quiet &= process_in_namespace(process->pid) == 0;
    process->denied = error == EACCES || error == EPERM;
    process->more = error == 0 && !walk.complete;
    return error;
}

static bool look_into(void *context, pid_t pid) {
    struct taking *taking = context;
    struct census *census = taking->census;
    bool is_new;
    struct census_process *process = table_add(&census->processes, &pid, &is_new);
    if (!is_new && (taking->renew || process->denied))
        return true;
    if (is_new && taking->again && census->quiet)
        census->quiet = process_in_namespace(pid) == 0;
    taking->pid = pid;
    census_note(census, walk(taking, process));
    census->denied += process->denied;
    return true;
}

void census_forget(struct census *census) {
    table_free(&census->sockets);
    census->count = 0;
    census->taken_ns = 0;
    census->error = 0;
}

bool census_take(struct census *census) {
    struct taking taking = {.census = census, .again = census->processes.count > 0};
    census->sockets.entry_size = sizeof(struct entry);
    census->sockets.key_size = sizeof((struct entry *)0)->inode;
    census->processes.entry_size = sizeof(struct census_process);
    census->processes.key_size = sizeof(pid_t);
    census_forget(census);
    census->quiet = true;
    census_note(census, process_each(look_into, &taking));
    census->taken_ns = units_now_ns();
    return census->processes.count > 0;
}

void census_renew(struct census *census) {
    struct taking taking = {.census = census, .again = true, .renew = true};
    census_note(census, process_each(look_into, &taking));
    census->taken_ns = units_now_ns();
}

void census_free(struct census *census) {
    table_free(&census->sockets);
    table_free(&census->processes);
    free(census->places);
    *census = (struct census){0};
}
