#include "inspect/namespaces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/process.h"

static const char named_directory[] = "/run/netns";

/* Opens the file of a network namespace and tells its inode. Returns a descriptor, or -1 with errno
 * set. */
static int open_place(const char *path, uint64_t *inode) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
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
static int look_at(struct namespace *place) {
    int fd = open_place(place->path, &place->inode);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

int namespaces_of_process(pid_t pid, struct namespace *place) {
    *place = (struct namespace){0};
    snprintf(place->name, sizeof place->name, "pid %d", (int)pid);
    snprintf(place->path, sizeof place->path, "/proc/%d/ns/net", (int)pid);
    return look_at(place);
}

int namespaces_named(const char *name, struct namespace *place) {
    *place = (struct namespace){0};
    bool is_path = strchr(name, '/') != NULL;
    int length = snprintf(place->path, sizeof place->path, "%s%s%s", is_path ? "" : named_directory,
                          is_path ? "" : "/", name);
    snprintf(place->name, sizeof place->name, "%s", name);
    return (size_t)length >= sizeof place->path ? ENAMETOOLONG : look_at(place);
}

struct namespace namespaces_here(void) {
    struct namespace here = {.name = "here"};
    struct stat status;
    if (stat("/proc/self/ns/net", &status) == 0)
        here.inode = status.st_ino;
    return here;
}

/* --- all of them --- */

struct listing {
    struct namespace *places;
    size_t count, most;
    unsigned unseen;
};

static void add_place(struct listing *listing, const struct namespace *place) {
    for (size_t i = 0; i < listing->count; i++)
        if (listing->places[i].inode == place->inode)
            return;
    if (listing->count < listing->most)
        listing->places[listing->count++] = *place;
}

static bool add_process(void *context, pid_t pid) {
    struct listing *listing = context;
    struct namespace place;
    int error = namespaces_of_process(pid, &place);
    if (error == 0)
        add_place(listing, &place);
    else
        listing->unseen += error == EACCES || error == EPERM;
    return true;
}

static void add_named(struct listing *listing) {
    struct namespace place;
    DIR *directory = opendir(named_directory);
    if (directory == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (entry->d_name[0] != '.' && namespaces_named(entry->d_name, &place) == 0)
            add_place(listing, &place);
    closedir(directory);
}

size_t namespaces_all(struct namespace *places, size_t most, unsigned *unseen) {
    struct listing listing = {.places = places, .most = most};
    struct namespace here = namespaces_here();
    add_place(&listing, &here);
    add_named(&listing);
    process_each(add_process, &listing);
    *unseen = listing.unseen;
    return listing.count;
}

/* --- going there --- */

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

int namespaces_join(const struct namespace *place) {
    uint64_t inode;
    if (place->path[0] == '\0')
        return 0;
    int net = open_place(place->path, &inode);
    if (net < 0)
        return errno;
    int error = setns(net, CLONE_NEWNET) < 0 ? errno : 0;
    if (error == EPERM && join_owner(net) == 0)
        error = setns(net, CLONE_NEWNET) < 0 ? errno : 0;
    close(net);
    return error;
}
