/* /proc is walked once for any number of sockets: a link of /proc/PID/fd that reads `socket:[4711]`
 * has the inode by which sock_diag knows the socket. */
#include "inspect/owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_getfd /* not in the headers of glibc 2.31 */
#define SYS_pidfd_getfd 438
#endif

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

static void descriptors_path(pid_t pid, char *path, size_t size) {
    snprintf(path, size, "/proc/%d/fd", (int)pid);
}

int owner_sockets(pid_t pid, owner_visit *visit, void *context) {
    return owner_sockets_lowest(pid, UINT_MAX, visit, context);
}

/* readdir(3) asks for so much at once that listing what is not wanted costs more than the rest. */
int owner_sockets_lowest(pid_t pid, unsigned most, owner_visit *visit, void *context) {
    enum { CHUNK = 4096 };
    _Alignas(struct dirent64) char chunk[CHUNK];
    void *entries = chunk; /* musl's getdents64() wants another pointer than glibc's */
    char path[32];
    descriptors_path(pid, path, sizeof path);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return errno;
    bool more = true;
    unsigned seen = 0;
    ssize_t size = 0;
    while (more && seen < most && (size = getdents64(directory, entries, sizeof chunk)) > 0)
        for (ssize_t at = 0; more && at < size; seen++) {
            const struct dirent64 *entry = (const struct dirent64 *)(chunk + at);
            uint32_t inode = socket_inode(directory, entry->d_name);
            if (inode != 0)
                more = visit(context, inode, (int)strtol(entry->d_name, NULL, 10));
            at += entry->d_reclen;
        }
    int error = size < 0 ? errno : 0;
    close(directory);
    return error;
}

int owner_processes(owner_process_visit *visit, void *context) {
    DIR *directory = opendir("/proc");
    if (directory == NULL)
        return errno;
    bool more = true;
    struct dirent *entry;
    errno = 0; /* by which the end is told from an error */
    while (more && (entry = readdir(directory)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0)
            more = visit(context, pid);
        errno = 0;
    }
    int error = errno;
    closedir(directory);
    return error;
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

/* The size of the directory tells since Linux 6.2; before, how many there is room for has to do. */
unsigned owner_descriptors(pid_t pid) {
    static const char key[] = "\nFDSize:";
    char text[4096];
    struct stat directory;
    descriptors_path(pid, text, sizeof text);
    if (stat(text, &directory) == 0 && directory.st_size > 0)
        return (unsigned)directory.st_size;
    read_proc(pid, "status", text, sizeof text);
    const char *found = strstr(text, key);
    return found == NULL ? 0 : (unsigned)strtoul(found + strlen(key), NULL, 10);
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
    read_proc(pid, "comm", owner->name, sizeof owner->name);
    owner->name[strcspn(owner->name, "\n")] = '\0';
    read_command(pid, owner->command);
    read_user(owner->uid, owner->user);
    read_proc(pid, "cgroup", cgroup, sizeof cgroup);
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
    int error = owner_sockets_lowest(pid, FIRST_DESCRIPTORS, match_socket, search);
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
    owner_sockets(pid, match_first, search);
    return search->sockets[0].count == 0;
}

/* Looks for those sockets that have an owner, in another process, at the same descriptor: there it
 * is where it was inherited. */
static bool search_same(void *context, pid_t pid) {
    struct search *search = context;
    char path[48];
    search->pid = pid;
    for (size_t i = 0; i < search->count; i++) {
        int fd = search->sockets[i].known == 0 ? 0 : search->sockets[i].oldest[0].fd;
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
        if (fd >= FIRST_DESCRIPTORS && socket_inode(AT_FDCWD, path) == search->sockets[i].inode)
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
    if (owner_processes(search_first, &search) != 0)
        search.unseen++; /* and perhaps more: there is no /proc */
    if (sockets[0].inode != 0 && sockets[0].count == 0) {
        owner_processes(search_rest, &search);
        owner_processes(search_same, &search);
    }
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
