/* A link of /proc/PID/fd that reads `socket:[4711]` has the inode by which sock_diag knows the
 * socket. Reading one takes about 4 us, and a host can have 100,000 of them: the caller says how
 * many it wants. */
#include "kernel/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

/* The same on every architecture; older C libraries do not know them. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* Linux 5.3 */
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438 /* Linux 5.6, glibc 2.32 */
#endif

void process_stay_on_processor(void) {
    cpu_set_t here;
    int processor = sched_getcpu();
    CPU_ZERO(&here);
    if (processor < 0 || processor >= CPU_SETSIZE)
        return;
    CPU_SET((size_t)processor, &here);
    sched_setaffinity(0, sizeof here, &here);
}

/* --- /proc --- */

int process_each(process_visit *visit, void *context) {
    DIR *directory = opendir("/proc");
    if (directory == NULL)
        return errno;
    bool more = true;
    struct dirent *entry;
    errno = 0; /* tells the end from an error */
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

/* The inode of the initial pid namespace is PROC_PID_INIT_INO in include/linux/proc_ns.h. */
bool process_sees_all(void) {
    char link[32];
    ssize_t size = readlink("/proc/self/ns/pid", link, sizeof link - 1);
    link[size > 0 ? size : 0] = '\0';
    return strcmp(link, "pid:[4026531836]") == 0;
}

ssize_t process_read(pid_t pid, const char *name, char *text, size_t size) {
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return file_read(path, text, size);
}

/* --- descriptors --- */

/* Returns the inode behind an entry of /proc/PID/fd, 0 if it is not a socket. */
static uint32_t socket_inode(int directory, const char *entry) {
    char target[64];
    static const char prefix[] = "socket:[";
    ssize_t length = readlinkat(directory, entry, target, sizeof target - 1);
    target[length > 0 ? length : 0] = '\0';
    if (strncmp(target, prefix, sizeof prefix - 1) != 0)
        return 0;
    return (uint32_t)strtoul(target + sizeof prefix - 1, NULL, 10);
}

uint32_t process_socket_at(pid_t pid, int fd) {
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
    return socket_inode(AT_FDCWD, path);
}

static void descriptors_path(pid_t pid, char *path, size_t size) {
    snprintf(path, size, "/proc/%d/fd", (int)pid);
}

/* readdir(3) reads so many entries at once that listing the unwanted ones costs more than the
 * rest. */
int process_sockets(pid_t pid, unsigned most, process_socket_visit *visit, void *context) {
    enum { CHUNK = 4096 };
    _Alignas(struct dirent64) char chunk[CHUNK];
    void *entries = chunk; /* getdents64() of musl takes another pointer type than that of glibc */
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

/* Since Linux 6.2 the size of the directory is the number; before that, the size of the table of
 * descriptors has to do. */
unsigned process_descriptor_count(pid_t pid) {
    static const char key[] = "\nFDSize:";
    char text[4096];
    struct stat directory;
    descriptors_path(pid, text, sizeof text);
    if (stat(text, &directory) == 0 && directory.st_size > 0)
        return (unsigned)directory.st_size;
    process_read(pid, "status", text, sizeof text);
    const char *found = strstr(text, key);
    return found == NULL ? 0 : (unsigned)strtoul(found + strlen(key), NULL, 10);
}

int process_borrow(pid_t pid, int fd, uint32_t inode) {
    struct stat file;
    int process = (int)syscall(SYS_pidfd_open, (long)pid, 0L);
    if (process < 0)
        return -1;
    int copy = (int)syscall(SYS_pidfd_getfd, (long)process, (long)fd, 0L), error = errno;
    close(process);
    if (copy >= 0 &&
        (fstat(copy, &file) < 0 || !S_ISSOCK(file.st_mode) || (uint32_t)file.st_ino != inode)) {
        close(copy);
        copy = -1;
        error = ESTALE;
    }
    errno = error;
    return copy;
}
