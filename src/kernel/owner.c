/* /proc is walked once for any number of sockets: a link of /proc/PID/fd that reads `socket:[4711]`
 * has the inode by which sock_diag knows the socket. */
#include "kernel/owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- whose sockets --- */

/* The inode behind an entry of /proc/PID/fd; 0 if it is no socket. */
static uint32_t socket_inode(int directory, const char *entry) {
    char target[64];
    static const char prefix[] = "socket:[";
    ssize_t length = readlinkat(directory, entry, target, sizeof target - 1);
    target[length > 0 ? length : 0] = '\0';
    if (strncmp(target, prefix, sizeof prefix - 1) != 0)
        return 0;
    return (uint32_t)strtoul(target + sizeof prefix - 1, NULL, 10);
}

int owner_sockets(pid_t pid, owner_visit *visit, void *context) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    if (directory == NULL)
        return errno;
    bool more = true;
    for (struct dirent *entry; more && (entry = readdir(directory)) != NULL;) {
        uint32_t inode = socket_inode(dirfd(directory), entry->d_name);
        if (inode != 0)
            more = visit(context, inode, (int)strtol(entry->d_name, NULL, 10));
    }
    closedir(directory);
    return 0;
}

int owner_processes(owner_process_visit *visit, void *context) {
    DIR *directory = opendir("/proc");
    if (directory == NULL)
        return errno;
    bool more = true;
    for (struct dirent *entry; more && (entry = readdir(directory)) != NULL;) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0)
            more = visit(context, pid);
    }
    closedir(directory);
    return 0;
}

/* --- what a process is --- */

/* Reads at most `size` - 1 bytes of /proc/PID/NAME; returns how many, 0 if it cannot be read. */
static size_t read_proc(pid_t pid, const char *name, char *text, size_t size) {
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, text, size - 1);
    if (file >= 0)
        close(file);
    text[length > 0 ? length : 0] = '\0';
    return length > 0 ? (size_t)length : 0;
}

/* The command line with blanks between its words, or the name where there is none, as of a process
 * that is ending. */
static void read_command(pid_t pid, char *command) {
    size_t length = read_proc(pid, "cmdline", command, OWNER_COMMAND_SIZE);
    for (size_t i = 0; i < length; i++)
        if (command[i] == '\0')
            command[i] = ' ';
    while (length > 0 && command[length - 1] == ' ')
        command[--length] = '\0';
    if (length == 0)
        read_proc(pid, "comm", command, OWNER_COMMAND_SIZE);
    command[strcspn(command, "\n")] = '\0';
}

/* The 22nd field of /proc/PID/stat; the second, the name in parentheses, may hold anything. */
static uint64_t read_start(pid_t pid) {
    enum { FIELDS_BEHIND_NAME = 20 };
    char text[1024];
    read_proc(pid, "stat", text, sizeof text);
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
    read_command(pid, owner->command);
    read_user(owner->uid, owner->user);
    read_proc(pid, "cgroup", cgroup, sizeof cgroup);
    owner_unit(cgroup, owner->unit);
    return true;
}

/* --- the owners of sockets --- */

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

static bool search_process(void *context, pid_t pid) {
    struct search *search = context;
    search->pid = pid;
    int error = owner_sockets(pid, match_socket, search);
    search->unseen += error == EACCES || error == EPERM;
    return true;
}

unsigned owner_find(struct owners *sockets, size_t count) {
    struct search search = {.sockets = sockets, .count = count};
    for (size_t i = 0; i < count; i++)
        sockets[i].count = sockets[i].known = 0;
    owner_processes(search_process, &search);
    return search.unseen;
}

static int system_call(long number, long first, long second, long third) {
    return (int)syscall(number, first, second, third);
}

int owner_borrow(const struct owner *owner, uint32_t inode) {
    struct stat file;
    int process = system_call(SYS_pidfd_open, owner->pid, 0, 0);
    if (process < 0)
        return -1;
    int fd = system_call(SYS_pidfd_getfd, process, owner->fd, 0), error = errno;
    close(process);
    if (fd >= 0 &&
        (fstat(fd, &file) < 0 || !S_ISSOCK(file.st_mode) || (uint32_t)file.st_ino != inode)) {
        close(fd);
        fd = -1;
        error = ESTALE;
    }
    errno = error;
    return fd;
}
