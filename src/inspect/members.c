/* Processes are read and sorted by age. A process of another program that executed that with the
 * socket still open is an heir that does not know of it; a program such as sleep(1) always is. */
#include "inspect/members.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errnames.h"
#include "base/memory.h"
#include "kernel/process.h"

/* --- the processes --- */

static int compare_age(const void *left, const void *right) {
    const struct owner *a = left, *b = right;
    if (a->started != b->started)
        return a->started < b->started ? -1 : 1;
    return (a->pid > b->pid) - (a->pid < b->pid);
}

const struct owner *members_with(const struct members *members, pid_t pid) {
    for (size_t i = 0; i < members->count; i++)
        if (members->list[i].pid == pid)
            return &members->list[i];
    return NULL;
}

/* The owners of one socket: all that the search has seen, of which struct owners has room for some.
 */
struct places {
    struct owners_place *list; /* owned */
    size_t count;
};

static struct places read_places(const struct owners *owners) {
    size_t room = owners->count, listed = room < OWNERS_PIDS ? room : OWNERS_PIDS;
    struct places places = {.list = memory_zeroed(room + 1, sizeof *places.list)};
    if (room > listed)
        places.count = owners_places(owners->inode, places.list, room);
    if (places.count >= listed)
        return places;
    for (places.count = 0; places.count < listed; places.count++)
        places.list[places.count] =
            (struct owners_place){owners->pids[places.count], owners->fds[places.count]};
    return places;
}

/* Returns whether the process has the socket at that place no longer. A link that could not be read
 * for lack of memory, say, does not show that. */
static bool has_moved(const struct owners_place *place, uint32_t inode) {
    uint32_t now = process_socket_at(place->pid, place->fd);
    return now != inode && (now != 0 || !errno_says_nothing(errno));
}

/* Reads a process; what cannot be read now is as the search has read it. */
static bool read_member(const struct owners *owners, pid_t pid, struct owner *member) {
    if (owner_read(pid, member))
        return true;
    for (unsigned i = 0; errno_says_nothing(errno) && i < owners->known; i++) {
        *member = owners->oldest[i];
        if (member->pid == pid)
            return true;
    }
    return false;
}

/* Adds the owners of one socket. It may seem that all have handed it over: one that a thread or an
 * io_uring keeps is not at that descriptor. Then all count. */
static void add_owners(struct members *members, const struct owners *owners) {
    struct places places = read_places(owners);
    size_t present = 0;
    for (size_t i = 0; i < places.count; i++)
        present += !has_moved(&places.list[i], owners->inode);
    for (size_t i = 0; i < places.count; i++) {
        const struct owners_place *place = &places.list[i];
        struct owner *member = &members->list[members->count];
        if ((present > 0 && has_moved(place, owners->inode)) ||
            members_with(members, place->pid) != NULL || !read_member(owners, place->pid, member))
            continue;
        member->fd = place->fd;
        members->count++;
    }
    members->unlisted += owners->count > places.count ? owners->count - places.count : 0;
    free(places.list);
}

struct members members_read(const struct owners *const *sockets, size_t count) {
    size_t most = 0;
    for (size_t i = 0; i < count; i++)
        most += sockets[i]->count;
    struct members members = {.list = memory_zeroed(most + 1, sizeof *members.list)};
    for (size_t i = 0; i < count; i++)
        add_owners(&members, sockets[i]);
    if (members.count > 1)
        qsort(members.list, members.count, sizeof *members.list, compare_age);
    return members;
}

/* --- heirs --- */

static bool never_listens(const char *program) {
    static const char *const programs[] = {
        "sleep",  "cat",   "tail",   "head",     "tee",   "sh",    "bash", "dash",    "ash",
        "ksh",    "zsh",   "fish",   "tar",      "gzip",  "xz",    "zstd", "find",    "grep",
        "sed",    "awk",   "mawk",   "gawk",     "sort",  "xargs", "env",  "timeout", "nohup",
        "nice",   "make",  "ninja",  "flock",    "sudo",  "su",    "less", "more",    "vi",
        "vim",    "nano",  "top",    "htop",     "watch", "dd",    "cp",   "mv",      "curl",
        "wget",   "git",   "logger", "scp",      "sftp",  "gcc",   "cc1",  "gdb",     "strace",
        "setsid", "rsync", "ssh",    "logrotate"};
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(program, programs[i]) == 0)
            return true;
    return false;
}

/* A script is its shell, which cannot listen. rsync and ssh can, with certain options. */
bool members_cannot_listen(const struct owner *owner) {
    static const char *const listening[] = {" --daemon", " -L", " -D", " -R"};
    const char *file = owner_file(owner);
    if (!never_listens(owner->program) && !never_listens(file))
        return false;
    for (size_t i = 0; i < sizeof listening / sizeof listening[0]; i++)
        if (strstr(owner->command, listening[i]) != NULL)
            return false;
    return true;
}

/* Returns whether the process was told of sockets that it gets from its parent. */
static bool was_told(const struct owner *owner) {
    static const char *const variables[] = {"LISTEN_FDS",     "EINHORN_FD_COUNT",
                                            "EINHORN_FDS",    "SERVER_STARTER_PORT",
                                            "CIRCUS_SOCKETS", NULL};
    return owner_has_variable(owner->pid, variables);
}

/* Returns whether the process waits for connections by epoll(7): an epoll instance of it has the
 * socket among its targets (ep_show_fdinfo() in fs/eventpoll.c of the kernel). Only descriptors
 * near the socket's are looked at. */
static bool polls(const struct owner *owner) {
    enum { DESCRIPTORS = 64 };
    char name[32], *text, target[24];
    bool found = false;
    snprintf(target, sizeof target, "tfd: %8d ", owner->fd);
    for (int fd = 0; fd < DESCRIPTORS && !found; fd++) {
        snprintf(name, sizeof name, "fdinfo/%d", fd);
        found = process_read_all(owner->pid, name, &text) > 0 && strstr(text, target) != NULL;
        free(text);
    }
    return found;
}

/* Returns whether the process only inherited the socket of `main`: it runs another program, has the
 * socket at the same descriptor, which passes through execve(2), and does nothing with it. */
bool members_inherited(const struct owner *owner, const struct owner *main) {
    return members_cannot_listen(owner) ||
           (!owner_same_program(owner, main) && owner->fd == main->fd && owner->fd >= 0 &&
            process_passes_on(owner->pid, owner->fd) && !was_told(owner) && !polls(owner));
}
