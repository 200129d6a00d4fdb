/* /proc is walked once for any number of sockets: a link of /proc/PID/fd that reads `socket:[4711]`
 * has the inode by which sock_diag knows the socket. */
#include "inspect/owner.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/process.h"

/* --- what a process is --- */

/* The command line with blanks between its words, or the name where there is none, as of a process
 * that is ending. */
static void read_command(pid_t pid, char *command) {
    ssize_t length = process_read(pid, "cmdline", command, OWNER_COMMAND_SIZE);
    for (ssize_t i = 0; i < length; i++)
        if (command[i] == '\0')
            command[i] = ' ';
    while (length > 0 && command[length - 1] == ' ')
        command[--length] = '\0';
    if (length <= 0)
        process_read(pid, "comm", command, OWNER_COMMAND_SIZE);
    command[strcspn(command, "\n")] = '\0';
}

/* The 22nd field of /proc/PID/stat; the second, the name in parentheses, may hold anything. */
static uint64_t read_start(pid_t pid) {
    enum { FIELDS_BEHIND_NAME = 20 };
    char text[1024];
    process_read(pid, "stat", text, sizeof text);
    const char *at = strrchr(text, ')');
    for (int i = 0; at != NULL && i < FIELDS_BEHIND_NAME; i++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoull(at, NULL, 10);
}

/* /etc/passwd and nothing else: the name services behind getpwuid(3) load libraries, and may ask a
 * network that does not answer. */
static void read_user(uint32_t uid, char *user) {
    FILE *file = fopen("/etc/passwd", "re");
    user[0] = '\0';
    if (file == NULL)
        return;
    for (const struct passwd *entry; (entry = fgetpwent(file)) != NULL;)
        if (entry->pw_uid == uid) {
            snprintf(user, OWNER_USER_SIZE, "%s", entry->pw_name);
            break;
        }
    fclose(file);
}

bool owner_read(pid_t pid, struct owner *owner) {
    char path[32], cgroup[4096];
    struct stat status;
    *owner = (struct owner){.pid = pid, .fd = -1};
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    if (stat(path, &status) < 0)
        return false;
    owner->uid = status.st_uid;
    owner->started = read_start(pid);
    process_read(pid, "comm", owner->name, sizeof owner->name);
    owner->name[strcspn(owner->name, "\n")] = '\0';
    read_command(pid, owner->command);
    read_user(owner->uid, owner->user);
    process_read(pid, "cgroup", cgroup, sizeof cgroup);
    owner_unit(cgroup, owner->unit);
    return true;
}

/* --- the owners of sockets --- */

enum { FIRST_DESCRIPTORS = 128 };

struct search {
    struct owners *sockets;
    size_t count;
    unsigned unseen;
    pid_t pid; /* that is looked into */
};

static bool is_older(const struct owner *a, const struct owner *b) {
    return a->started != b->started ? a->started < b->started : a->pid < b->pid;
}

/* Puts the process in its place by age; of one with several descriptors the first counts. */
static void add_owner(struct owners *socket, const struct owner *owner) {
    unsigned place = socket->known;
    for (unsigned i = 0; i < socket->known; i++)
        if (socket->oldest[i].pid == owner->pid)
            return;
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

static bool match_socket(void *context, uint32_t inode, int fd) {
    struct search *search = context;
    struct owner owner;
    for (size_t i = 0; i < search->count; i++)
        if (search->sockets[i].inode == inode && owner_read(search->pid, &owner)) {
            owner.fd = fd;
            add_owner(&search->sockets[i], &owner);
        }
    return true;
}

static bool search_first(void *context, pid_t pid) {
    struct search *search = context;
    search->pid = pid;
    int error = process_sockets(pid, FIRST_DESCRIPTORS, match_socket, search);
    search->unseen += error != 0 && error != ENOENT && error != ESRCH; /* these: it is gone */
    return true;
}

static bool match_first(void *context, uint32_t inode, int fd) {
    struct search *search = context;
    match_socket(context, inode, fd);
    return search->sockets[0].count == 0;
}

static bool search_rest(void *context, pid_t pid) {
    struct search *search = context;
    search->pid = pid;
    process_sockets(pid, UINT_MAX, match_first, search);
    return search->sockets[0].count == 0;
}

/* Looks for those sockets that have an owner, in another process, at the same descriptor: there it
 * is where it was inherited. */
static bool search_same(void *context, pid_t pid) {
    struct search *search = context;
    search->pid = pid;
    for (size_t i = 0; i < search->count; i++) {
        int fd = search->sockets[i].known == 0 ? 0 : search->sockets[i].oldest[0].fd;
        if (fd >= FIRST_DESCRIPTORS && process_socket_at(pid, fd) == search->sockets[i].inode)
            match_socket(context, search->sockets[i].inode, fd);
    }
    return true;
}

unsigned owner_find(struct owners *sockets, size_t count) {
    struct search search = {.sockets = sockets, .count = count};
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        sockets[i].count = sockets[i].known = 0;
        any |= sockets[i].inode != 0;
    }
    if (!any)
        return 0;
    if (process_each(search_first, &search) != 0)
        search.unseen++; /* and perhaps more: there is no /proc */
    if (sockets[0].inode != 0 && sockets[0].count == 0) {
        process_each(search_rest, &search);
        process_each(search_same, &search);
    }
    return search.unseen;
}
