/* A link of /proc/PID/fd that reads `socket:[4711]` has the inode by which sock_diag knows the
 * socket. Reading one takes about 4 us, and a host can have 100,000 of them: the caller says how
 * many it wants. */
#include "kernel/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/file.h"
#include "base/memory.h"

/* The same on every architecture; older C libraries do not know them. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* Linux 5.3 */
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438 /* Linux 5.6, glibc 2.32 */
#endif
#ifndef SYS_fsopen
#define SYS_fsopen   430 /* Linux 5.2, glibc 2.36 */
#define SYS_fsconfig 431
#define SYS_fsmount  432
#endif
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL /* <linux/pidfd.h>, Linux 6.9 */
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

void process_go_to_processor(int processor, bool elsewhere) {
    cpu_set_t wanted;
    if (processor < 0 || processor >= CPU_SETSIZE ||
        sched_getaffinity(0, sizeof wanted, &wanted) < 0)
        return;
    if (elsewhere) {
        CPU_CLR((size_t)processor, &wanted);
    } else {
        CPU_ZERO(&wanted);
        CPU_SET((size_t)processor, &wanted);
    }
    sched_setaffinity(0, sizeof wanted, &wanted); /* EINVAL: no such processor, or an empty set */
}

/* A file system that is mounted nowhere: a descriptor of its root, or -1 with errno set. */
static int mount_nowhere(void) {
    enum { SET_STRING = 1, CREATE = 6, CLOSE_ON_EXEC = 1 }; /* <linux/mount.h> */
    int system = (int)syscall(SYS_fsopen, "tmpfs", CLOSE_ON_EXEC), root = -1;
    if (system < 0)
        return -1;
    if (syscall(SYS_fsconfig, system, SET_STRING, "mode", "0777", 0) == 0 &&
        syscall(SYS_fsconfig, system, CREATE, NULL, NULL, 0) == 0)
        root = (int)syscall(SYS_fsmount, system, CLOSE_ON_EXEC, 0);
    int error = errno;
    close(system);
    errno = error;
    return root;
}

/* The file system lives as long as a process has its root as the current directory. */
int process_enter_directory(void) {
    if (unshare(CLONE_NEWNS) < 0)
        return errno;
    int root = mount_nowhere();
    if (root < 0)
        return errno;
    int error = fchdir(root) < 0 ? errno : 0;
    close(root);
    return error;
}

/* --- the descriptors of this process --- */

void process_raise_limits(void) {
    enum { ENOUGH = 1024 * 1024 }; /* fs.nr_open, unless it was changed */
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    struct rlimit raised = {.rlim_cur = ENOUGH, .rlim_max = ENOUGH};
    if (limit.rlim_max < ENOUGH && setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void close_all(unsigned first, unsigned last) {
    enum { HIGHEST = 1023 };
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, last, 0) == 0)
        return;
#endif
    for (unsigned fd = first; fd <= last && fd <= HIGHEST; fd++)
        close((int)fd);
}

int process_keep_only(int fd) {
    enum { FIRST = 3, KEPT = 200 };
    if (fd != KEPT && dup3(fd, KEPT, O_CLOEXEC) == KEPT)
        fd = KEPT; /* else there may be fewer: then it stays where it is */
    if (fd > FIRST)
        close_all(FIRST, (unsigned)fd - 1);
    close_all((unsigned)fd + 1, ~0U);
    return fd;
}

/* --- /proc --- */

enum { PATH_SIZE = 256, ENTRY_SIZE = 64 };

static const char *root = "/proc";

void process_use_root(const char *path) {
    root = path == NULL ? "/proc" : path;
}

static pid_t only_group;

void process_use_group(pid_t group) {
    only_group = group;
}

static bool only_namespace;

void process_use_namespace(bool only) {
    only_namespace = only;
}

/* Returns whether process_each() visits the process. */
static bool is_visited(pid_t pid) {
    return pid > 0 && (only_group == 0 || getpgid(pid) == only_group) &&
           (!only_namespace || process_in_namespace(pid) == 1);
}

/* Writes the path of a file of /proc/PID, and returns it. */
static const char *path_of(pid_t pid, const char *name, char *path) {
    snprintf(path, PATH_SIZE, "%s/%d/%s", root, (int)pid, name);
    return path;
}

/* Few entries are read at once, so that each process is visited right after it was listed: one that
 * lives for a moment only is still there. */
int process_each(process_visit *visit, void *context) {
    enum { AT_ONCE = 128 };
    _Alignas(struct dirent64) char chunk[sizeof(struct dirent64)];
    void *entries = chunk; /* getdents64() of musl takes another pointer type than that of glibc */
    int directory = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return errno;
    bool more = true;
    ssize_t size = 0;
    while (more && (size = getdents64(directory, entries, AT_ONCE)) > 0)
        for (ssize_t at = 0; more && at < size;) {
            const struct dirent64 *entry = (const struct dirent64 *)(chunk + at);
            pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
            if (is_visited(pid))
                more = visit(context, pid);
            at += entry->d_reclen;
        }
    int error = size < 0 ? errno : 0;
    close(directory);
    return error;
}

/* The inode of the initial pid namespace is PROC_PID_INIT_INO in include/linux/proc_ns.h. */
bool process_sees_all(void) {
    char link[32];
    ssize_t size = readlink("/proc/self/ns/pid", link, sizeof link - 1);
    link[size > 0 ? size : 0] = '\0';
    return strcmp(link, "pid:[4026531836]") == 0;
}

/* Signal 0 is only checked, not sent: EPERM means that the process is there. */
bool process_hides_others(void) {
    char path[PATH_SIZE];
    bool exists = kill(1, 0) == 0 || errno == EPERM;
    return exists && access(path_of(1, "", path), F_OK) < 0 && access(root, F_OK) == 0;
}

ssize_t process_read(pid_t pid, const char *name, char *text, size_t size) {
    char path[PATH_SIZE];
    return file_read(path_of(pid, name, path), text, size);
}

ssize_t process_read_all(pid_t pid, const char *name, char **text) {
    enum { FIRST = 4 * 1024, LAST = 8 * 1024 * 1024 }; /* a command line has at most 6 MiB */
    *text = NULL;
    for (size_t size = FIRST;; size *= 2) {
        *text = memory_resized(*text, size);
        ssize_t length = process_read(pid, name, *text, size);
        if (length < (ssize_t)size - 1 || size >= LAST)
            return length;
    }
}

ssize_t process_link(pid_t pid, const char *name, char *text, size_t size) {
    static const char deleted[] = " (deleted)";
    char path[PATH_SIZE];
    ssize_t length = readlink(path_of(pid, name, path), text, size - 1);
    text[length > 0 ? length : 0] = '\0';
    ssize_t end = length - (ssize_t)(sizeof deleted - 1);
    if (end > 0 && strcmp(text + end, deleted) == 0)
        text[length = end] = '\0';
    return length;
}

/* Returns whether this process, or the one that has forked it to look at something, is the tracer
 * of that one. */
static bool is_traced_by_us(pid_t pid) {
    pid_t tracer = (pid_t)process_status(pid, "TracerPid");
    return tracer != 0 && (tracer == getpid() || tracer == getppid());
}

/* The second field, the name in parentheses, can contain anything; the third follows the last
 * parenthesis. */
bool process_stat(pid_t pid, struct process_stat *found) {
    enum { PARENT = 4, GROUP = 5, THREADS = 20, STARTED = 22, STACK = 28 };
    char text[1024];
    *found = (struct process_stat){0};
    process_read(pid, "stat", text, sizeof text);
    char *at = strrchr(text, ')');
    if (at == NULL || at[1] != ' ')
        return false;
    at += 2;
    found->state = *at;
    for (int field = 3; (at = strchr(at, ' ')) != NULL && field < STACK;) {
        unsigned long long number = strtoull(++at, NULL, 10);
        field++;
        if (field == PARENT)
            found->parent = (pid_t)number;
        else if (field == GROUP)
            found->group = (pid_t)number;
        else if (field == THREADS)
            found->threads = (unsigned)number;
        else if (field == STARTED)
            found->started = number;
        else if (field == STACK)
            found->stack = number;
    }
    if (found->state == 't' && is_traced_by_us(pid))
        found->state = 'S';
    return true;
}

/* /proc/PID/schedstat has the time that the process ran, the time that it waited to run, and how
 * often it was given a processor (proc_pid_schedstat() in fs/proc/base.c). One that runs since
 * before this look, and so counts as before, does not sleep: the state is read last. */
bool process_sleeps(pid_t pid, struct process_runs *runs) {
    char text[128], *at = text;
    struct process_stat stat;
    process_read(pid, "schedstat", text, sizeof text);
    runs->ns = strtoull(at, &at, 10);
    strtoull(at, &at, 10);
    runs->times = strtoull(at, &at, 10);
    return runs->times > 0 && process_stat(pid, &stat) && stat.threads == 1 &&
           strchr("SDITt", stat.state) != NULL;
}

bool process_user(pid_t pid, uint32_t *uid) {
    char path[PATH_SIZE];
    struct stat directory;
    if (stat(path_of(pid, "", path), &directory) < 0)
        return false;
    *uid = directory.st_uid;
    return true;
}

/* Returns the number behind a key of /proc/PID/status, to the base; `last`: the last one of its
 * line. */
static uint64_t status_number(const char *status, const char *key, int base, bool last) {
    const char *found = strstr(status, key);
    if (found == NULL)
        return 0;
    found += strlen(key);
    const char *end = found + strcspn(found, "\n");
    while (last && end > found && end[-1] != '\t')
        end--;
    return strtoull(last ? end : found, NULL, base);
}

long process_status_number(const char *status, const char *key) {
    char line[32];
    snprintf(line, sizeof line, "\n%s:\t", key);
    return (long)status_number(status, line, 10, false);
}

long process_status(pid_t pid, const char *key) {
    char *status;
    process_read_all(pid, "status", &status);
    long number = process_status_number(status, key);
    free(status);
    return number;
}

/* A signal that the first process of a pid namespace does not catch does nothing to it
 * (SIGNAL_UNKILLABLE in kernel/signal.c of the kernel). */
bool process_ignores(pid_t pid, int signal) {
    char *status;
    uint64_t bit = UINT64_C(1) << (signal - 1);
    process_read_all(pid, "status", &status);
    bool is_first = status_number(status, "\nNSpid:\t", 10, true) == 1;
    bool ignores = (status_number(status, "\nSigIgn:\t", 16, false) & bit) != 0 ||
                   (is_first && (status_number(status, "\nSigCgt:\t", 16, false) & bit) == 0);
    free(status);
    return ignores;
}

/* /proc/PID/ns may be read by few, /proc/PID/net by everybody; each network namespace has files of
 * its own there. */
uint64_t process_namespace(pid_t pid) {
    char path[PATH_SIZE];
    struct stat file;
    return stat(path_of(pid, "net/dev", path), &file) < 0 ? 0 : file.st_ino;
}

int process_in_namespace(pid_t pid) {
    uint64_t theirs = process_namespace(pid), ours = theirs == 0 ? 0 : process_namespace(getpid());
    return ours == 0 ? -1 : theirs == ours;
}

/* Visits the children that one thread has made. Returns 0 or an errno. */
static int visit_children(const char *path, process_visit *visit, void *context, bool *more) {
    FILE *file = fopen(path, "re");
    char child[16];
    if (file == NULL)
        return errno;
    while (*more && fscanf(file, "%15s", child) == 1)
        *more = visit(context, (pid_t)strtol(child, NULL, 10));
    fclose(file);
    return 0;
}

int process_children(pid_t pid, process_visit *visit, void *context) {
    char path[PATH_SIZE], name[64];
    DIR *directory = opendir(path_of(pid, "task", path));
    bool more = true, any = false;
    if (directory == NULL)
        return process_each(visit, context);
    for (struct dirent *entry; more && (entry = readdir(directory)) != NULL;) {
        long thread = strtol(entry->d_name, NULL, 10);
        snprintf(name, sizeof name, "task/%ld/children", thread);
        any |= thread > 0 && visit_children(path_of(pid, name, path), visit, context, &more) == 0;
    }
    closedir(directory);
    return any ? 0 : process_each(visit, context);
}

static bool shares_table(pid_t pid, pid_t thread) {
    return syscall(SYS_kcmp, (long)pid, (long)thread, (long)KCMP_FILES, 0L, 0L) == 0;
}

/* The number of links of the directory is that of its entries. */
static bool has_one_thread(const char *tasks) {
    enum { LINKS_OF_ONE = 3 };
    struct stat directory;
    return stat(tasks, &directory) == 0 && directory.st_nlink == LINKS_OF_ONE;
}

int process_own_tables(pid_t pid, process_thread_visit *visit, void *context) {
    char path[PATH_SIZE];
    if (has_one_thread(path_of(pid, "task", path)))
        return 0;
    DIR *directory = opendir(path);
    if (directory == NULL)
        return errno;
    bool more = true;
    struct dirent *entry;
    while (more && (entry = readdir(directory)) != NULL) {
        pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);
        if (thread > 0 && thread != pid && !shares_table(pid, thread))
            more = visit(context, pid, thread);
    }
    closedir(directory);
    return 0;
}

/* --- descriptors --- */

/* Returns the inode in `socket:[4711]`, 0 if the text is something else. */
static uint32_t inode_in(const char *text) {
    static const char prefix[] = "socket:[";
    if (strncmp(text, prefix, sizeof prefix - 1) != 0)
        return 0;
    return (uint32_t)strtoul(text + sizeof prefix - 1, NULL, 10);
}

uint32_t process_socket_at(pid_t pid, int fd) {
    char name[24], target[64];
    snprintf(name, sizeof name, "fd/%d", fd);
    process_link(pid, name, target, sizeof target);
    return inode_in(target);
}

/* A walk under way. */
struct progress {
    const struct process_walk *walk;
    process_socket_visit *visit;
    void *context;
    bool more, denied, moved;
    int error; /* an errno: why not everything could be visited */
};

/* Writes the name below /proc/PID of the descriptors, or of what is known of one of them. */
static const char *descriptors_of(const struct process_walk *walk, const char *what, int fd,
                                  char *name) {
    int used = walk->thread == 0 ? 0 : snprintf(name, ENTRY_SIZE, "task/%d/", (int)walk->thread);
    if (fd < 0)
        snprintf(name + used, ENTRY_SIZE - (size_t)used, "%s", what);
    else
        snprintf(name + used, ENTRY_SIZE - (size_t)used, "%s/%d", what, fd);
    return name;
}

/* Visits the sockets that are registered with an io_uring. Its fdinfo has a line `N: FILE` for each
 * (io_uring_show_fdinfo() in io_uring/fdinfo.c of the kernel). */
static void visit_ring(struct progress *progress, int fd) {
    char name[ENTRY_SIZE], path[PATH_SIZE], *line = NULL;
    size_t room = 0;
    const struct process_walk *walk = progress->walk;
    FILE *file = fopen(path_of(walk->pid, descriptors_of(walk, "fdinfo", fd, name), path), "re");
    while (file != NULL && progress->more && getline(&line, &room, file) >= 0) {
        const char *target = line + strspn(line, " 0123456789");
        uint32_t inode = *target == ':' ? inode_in(target + 1 + strspn(target + 1, " ")) : 0;
        if (inode != 0)
            progress->more = progress->visit(progress->context, inode, fd);
    }
    free(line);
    if (file != NULL)
        fclose(file);
    else if (errno != ENOENT && errno != ESRCH)
        progress->error = errno;
}

static void visit_descriptor(struct progress *progress, int directory, const char *entry) {
    char target[64];
    ssize_t length = readlinkat(directory, entry, target, sizeof target - 1);
    if (length < 0) {
        progress->denied |= errno == EACCES || errno == EPERM;
        progress->moved |= errno == ENOENT;
        if (errno_says_nothing(errno))
            progress->error = errno;
        return;
    }
    target[length] = '\0';
    int fd = (int)strtol(entry, NULL, 10);
    uint32_t inode = inode_in(target);
    if (inode != 0)
        progress->more = progress->visit(progress->context, inode, fd);
    else if (progress->walk->rings && strcmp(target, "anon_inode:[io_uring]") == 0)
        visit_ring(progress, fd);
}

/* Returns whether the links of the descriptors may be read: `cwd` is such a link, and takes the
 * same right (proc_pid_readlink() in fs/proc/base.c). Where they may not be, the directory is left
 * alone, although root can list it: even to list it, or to be refused a link, keeps each file open
 * for a moment, and a server that closes its listener and binds the port again in that moment is
 * refused (proc_readfd_common() and tid_fd_revalidate() in fs/proc/fd.c). */
static bool may_read_links(pid_t pid) {
    char path[PATH_SIZE], target[1];
    return readlink(path_of(pid, "cwd", path), target, sizeof target) >= 0 ||
           (errno != EACCES && errno != EPERM);
}

/* The kernel makes an inode for each entry that it lists, which costs more than to read the link.
 * So no more are listed than are wanted; readdir(3) lists very many at once. */
int process_walk(struct process_walk *walk, process_socket_visit *visit, void *context) {
    enum { CHUNK = 4096, ENTRY = 24 /* of at least so many bytes: offsetof(d_name) and a name */ };
    _Alignas(struct dirent64) char chunk[CHUNK];
    void *entries = chunk; /* getdents64() of musl takes another pointer type than that of glibc */
    char name[ENTRY_SIZE], path[PATH_SIZE];
    struct progress progress = {.walk = walk, .visit = visit, .context = context, .more = true};
    walk->moved = walk->complete = false;
    if (!may_read_links(walk->pid))
        return EACCES;
    path_of(walk->pid, descriptors_of(walk, "fd", -1, name), path);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return errno;
    unsigned seen = 0;
    ssize_t size = 0;
    /* Descriptor N is at N + 2, after `.` and `..` (proc_readfd_common() in fs/proc/fd.c). */
    if (walk->first > 0)
        lseek(directory, (off_t)walk->first + 2, SEEK_SET);
    size_t room = walk->most < CHUNK / ENTRY ? (size_t)(walk->most + 1) * ENTRY : sizeof chunk;
    while (progress.more && seen < walk->most && (size = getdents64(directory, entries, room)) > 0)
        for (ssize_t at = 0; progress.more && at < size; seen++) {
            const struct dirent64 *entry = (const struct dirent64 *)(chunk + at);
            if (entry->d_name[0] != '.')
                visit_descriptor(&progress, directory, entry->d_name);
            at += entry->d_reclen;
        }
    int error = size < 0 ? errno : progress.denied ? EACCES : progress.error;
    walk->moved = progress.moved;
    walk->complete = size == 0 && progress.more && seen < walk->most;
    close(directory);
    return error;
}

/* --- one descriptor --- */

struct wanted {
    uint32_t inode;
    bool found;
};

static bool match_wanted(void *context, uint32_t inode, int fd) {
    struct wanted *wanted = context;
    (void)fd;
    wanted->found |= inode == wanted->inode;
    return !wanted->found;
}

bool process_has_socket(pid_t pid, pid_t thread, int fd, uint32_t inode) {
    struct process_walk walk = {.pid = pid, .thread = thread, .rings = true};
    struct wanted wanted = {.inode = inode};
    struct progress progress = {
        .walk = &walk, .visit = match_wanted, .context = &wanted, .more = true};
    char name[ENTRY_SIZE], path[PATH_SIZE], number[16];
    path_of(pid, descriptors_of(&walk, "fd", -1, name), path);
    int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return false;
    snprintf(number, sizeof number, "%d", fd);
    visit_descriptor(&progress, directory, number);
    close(directory);
    return wanted.found;
}

int process_sockets(pid_t pid, unsigned most, process_socket_visit *visit, void *context) {
    struct process_walk walk = {.pid = pid, .most = most};
    return process_walk(&walk, visit, context);
}

/* Since Linux 6.2 the size of the directory is the number; before that, the size of the table of
 * descriptors has to do. */
unsigned process_descriptor_count(pid_t pid) {
    char path[PATH_SIZE];
    struct stat directory;
    if (stat(path_of(pid, "fd", path), &directory) == 0 && directory.st_size > 0)
        return (unsigned)directory.st_size;
    return (unsigned)process_status(pid, "FDSize");
}

bool process_has_ring(pid_t pid) {
    char path[PATH_SIZE], name[24], target[32];
    DIR *directory = opendir(path_of(pid, "fd", path));
    bool found = false;
    for (const struct dirent *entry;
         directory != NULL && !found && (entry = readdir(directory)) != NULL;) {
        int size = snprintf(name, sizeof name, "fd/%.12s", entry->d_name);
        found = size > 0 && process_link(pid, name, target, sizeof target) > 0 &&
                strcmp(target, "anon_inode:[io_uring]") == 0;
    }
    if (directory != NULL)
        closedir(directory);
    return found;
}

unsigned process_awaited_descriptors(pid_t pid, pid_t thread, int fd) {
    static const char key[] = "scm_fds:";
    struct process_walk walk = {.pid = pid, .thread = thread};
    char name[ENTRY_SIZE], text[512];
    process_read(pid, descriptors_of(&walk, "fdinfo", fd, name), text, sizeof text);
    const char *found = strstr(text, key);
    return found == NULL ? 0 : (unsigned)strtoul(found + strlen(key), NULL, 10);
}

bool process_passes_on(pid_t pid, int fd) {
    static const char key[] = "flags:";
    char name[24], text[512];
    snprintf(name, sizeof name, "fdinfo/%d", fd);
    process_read(pid, name, text, sizeof text);
    const char *found = strstr(text, key);
    return found != NULL && (strtoul(found + strlen(key), NULL, 8) & O_CLOEXEC) == 0;
}

static int duplicate(pid_t pid, unsigned flags, int fd) {
    int pidfd = (int)syscall(SYS_pidfd_open, (long)pid, (long)flags);
    if (pidfd < 0)
        return -1;
    int copy = (int)syscall(SYS_pidfd_getfd, (long)pidfd, (long)fd, 0L), error = errno;
    close(pidfd);
    errno = error;
    return copy;
}

int process_duplicate(pid_t pid, pid_t thread, int fd) {
    int copy = duplicate(thread, pid == thread ? 0 : PIDFD_THREAD, fd);
    return copy < 0 && pid != thread ? duplicate(pid, 0, fd) : copy;
}

int process_borrow(pid_t pid, int fd, uint32_t inode) {
    struct stat file;
    int copy = duplicate(pid, 0, fd), error = errno;
    if (copy >= 0 &&
        (fstat(copy, &file) < 0 || !S_ISSOCK(file.st_mode) || (uint32_t)file.st_ino != inode)) {
        close(copy);
        copy = -1;
        error = ESTALE;
    }
    errno = error;
    return copy;
}

int process_pidfd(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, (long)pid, 0L); /* it is closed at exec() */
}
