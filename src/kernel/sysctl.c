#include "kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

const char *sysctl_refusal(const char *name) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./@:";
    if (strncmp(name, "net.", 4) != 0)
        return "only sysctls under 'net.' belong to a network namespace; this one is the host's";
    if (name[strspn(name, allowed)] != '\0' || strstr(name, "..") != NULL ||
        strstr(name, "//") != NULL || name[strlen(name) - 1] == '.')
        return "not the name of a sysctl";
    return NULL;
}

const char *sysctl_obstacle(void) {
    struct statvfs status;
    if (access("/proc/sys/net", F_OK) < 0 || statvfs("/proc/sys", &status) < 0)
        return "there is no /proc/sys here: mount /proc";
    if ((status.f_flag & ST_RDONLY) != 0)
        return "/proc/sys is read-only here, as in a container: run it with --privileged, or with "
               "--security-opt systempaths=unconfined";
    return NULL;
}

/* Opens the file of a sysctl. Returns a descriptor, or -1 with errno set. */
static int open_sysctl(const char *name, int flags) {
    char path[256];
    int prefix = snprintf(path, sizeof path, "/proc/sys/");
    int length = snprintf(path + prefix, sizeof path - (size_t)prefix, "%s", name);
    if ((size_t)length >= sizeof path - (size_t)prefix) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *c = path + prefix; *c != '\0'; c++)
        *c = *c == '.' ? '/' : *c == '/' ? '.' : *c;
    return open(path, flags | O_CLOEXEC);
}

int sysctl_write(const char *name, const char *value) {
    int file = open_sysctl(name, O_WRONLY);
    if (file < 0)
        return errno;
    int error = write(file, value, strlen(value)) < 0 ? errno : 0;
    close(file);
    return error;
}

int sysctl_read(const char *name, char *value, size_t size) {
    int file = open_sysctl(name, O_RDONLY);
    if (file < 0)
        return errno;
    ssize_t length = read(file, value, size - 1);
    int error = length < 0 ? errno : 0;
    close(file);
    value[length < 0 ? 0 : length] = '\0';
    value[strcspn(value, "\n")] = '\0';
    for (char *tab = strchr(value, '\t'); tab != NULL; tab = strchr(tab, '\t'))
        *tab = ' ';
    return error;
}
