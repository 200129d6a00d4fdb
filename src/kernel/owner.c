#include "kernel/owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The inode behind an entry of /proc/PID/fd, whose link reads `socket:[4711]`; 0 if it is none. */
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
            more = visit(context, inode);
    }
    closedir(directory);
    return 0;
}
