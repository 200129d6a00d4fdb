/* A namespace is known by the inode of its file: of several files for one namespace the first found
 * counts. A namespace that neither a process is in nor a name stands for is not found. */
#include "inspect/namespaces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/memory.h"
#include "kernel/process.h"

static const char named_directory[] = "/run/netns";

/* Returns whether the path is that of a plain file, as the file of a namespace is: a FIFO or a
 * device is not even opened. */
static bool is_plain(const char *path) {
    struct stat status;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool plain = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    close(fd);
    errno = EINVAL;
    return plain;
}

/* Opens the file of a network namespace and reads its inode. Returns a descriptor, or -1 with errno
 * set: EINVAL if it is another file. */
static int open_namespace(const char *path, uint64_t *inode) {
    struct stat status;
    int fd = is_plain(path) ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (fd < 0)
        return -1;
    if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET || fstat(fd, &status) < 0) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    *inode = status.st_ino;
    return fd;
}

/* Returns 0 or an errno. */
static int read_inode(struct namespace *found) {
    int fd = open_namespace(found->path, &found->inode);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

struct namespace namespaces_here(void) {
    struct namespace here = {.name = "here"};
    struct stat status;
    if (stat("/proc/self/ns/net", &status) == 0)
        here.inode = status.st_ino;
    return here;
}

bool namespaces_is_first(void) {
    struct stat own, first;
    if (stat("/proc/1/ns/net", &first) != 0 || stat("/proc/self/ns/net", &own) != 0)
        return geteuid() != 0;
    return own.st_ino == first.st_ino;
}

int namespaces_of_process(pid_t pid, struct namespace *found) {
    *found = (struct namespace){0};
    snprintf(found->name, sizeof found->name, "pid %d", (int)pid);
    snprintf(found->path, sizeof found->path, "/proc/%d/ns/net", (int)pid);
    return read_inode(found);
}

int namespaces_named(const char *name, struct namespace *found) {
    *found = (struct namespace){0};
    bool is_path = strchr(name, '/') != NULL;
    int length = snprintf(found->path, sizeof found->path, "%s%s%s", is_path ? "" : named_directory,
                          is_path ? "" : "/", name);
    snprintf(found->name, sizeof found->name, "%s", name);
    return (size_t)length >= sizeof found->path ? ENAMETOOLONG : read_inode(found);
}

/* --- all of them --- */

struct listing {
    struct table table; /* owns: of struct namespace, by inode */
    unsigned unseen;
    int error; /* the errno of a look that failed for want of something, or 0 */
};

static void add_namespace(struct listing *listing, const struct namespace *found) {
    bool is_new;
    struct namespace *entry = table_add(&listing->table, &found->inode, &is_new);
    if (is_new)
        *entry = *found;
}

static void note_error(struct listing *listing, int error) {
    if (errno_says_nothing(error))
        listing->error = error;
}

static bool add_process(void *context, pid_t pid) {
    struct listing *listing = context;
    struct namespace found;
    int error = namespaces_of_process(pid, &found);
    note_error(listing, error);
    listing->unseen += error == EACCES || error == EPERM;
    if (error == 0)
        add_namespace(listing, &found);
    return true;
}

static void add_named(struct listing *listing) {
    struct namespace found;
    DIR *directory = opendir(named_directory);
    if (directory == NULL) {
        note_error(listing, errno);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        int error = entry->d_name[0] == '.' ? EINVAL : namespaces_named(entry->d_name, &found);
        note_error(listing, error);
        if (error == 0)
            add_namespace(listing, &found);
    }
    closedir(directory);
}

int namespaces_all(struct namespaces *all) {
    struct listing listing = {
        .table = {.entry_size = sizeof(struct namespace), .key_size = sizeof all->list->inode}};
    struct namespace here = namespaces_here();
    *all = (struct namespaces){0};
    add_namespace(&listing, &here);
    add_named(&listing);
    int error = process_each(add_process, &listing);
    error = error != 0 ? error : here.inode == 0 ? ENOENT : listing.error;
    if (error == 0) {
        all->count = listing.table.count;
        all->list = table_take(&listing.table);
        all->unseen = listing.unseen;
    }
    table_free(&listing.table);
    return error;
}

/* --- entering one --- */

/* Joins the user namespace that owns the network namespace `net`, in which its owner has every
 * capability (user_namespaces(7)). Returns 0 or an errno. */
static int join_owner(int net) {
    int user = ioctl(net, NS_GET_USERNS);
    if (user < 0)
        return errno;
    int error = setns(user, CLONE_NEWUSER) < 0 ? errno : 0;
    close(user);
    return error;
}

int namespaces_join(const struct namespace *where) {
    uint64_t inode;
    if (where->path[0] == '\0')
        return 0;
    int net = open_namespace(where->path, &inode);
    if (net < 0)
        return errno;
    int error = setns(net, CLONE_NEWNET) < 0 ? errno : 0;
    if (error == EPERM && join_owner(net) == 0)
        error = setns(net, CLONE_NEWNET) < 0 ? errno : 0;
    close(net);
    return error;
}
