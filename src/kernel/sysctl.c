#include "kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/file.h"
#include "base/memory.h"

const char *sysctl_refusal(const char *name) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./@:";
    if (strncmp(name, "net.", 4) != 0)
        return "only sysctls under 'net.' belong to a network namespace; this one affects the "
               "whole host";
    if (name[strspn(name, allowed)] != '\0' || strstr(name, "..") != NULL ||
        strstr(name, "//") != NULL || name[strlen(name) - 1] == '.')
        return "not the name of a sysctl";
    return NULL;
}

const char *sysctl_obstacle(void) {
    struct statvfs status;
    if (access("/proc/sys/net", F_OK) < 0 || statvfs("/proc/sys", &status) < 0)
        return errno_says_nothing(errno) ? NULL : "there is no /proc/sys here: mount /proc";
    if ((status.f_flag & ST_RDONLY) != 0)
        return "/proc/sys is read-only here, as in a container: run that with --privileged or "
               "--security-opt systempaths=unconfined";
    return NULL;
}

/* Opens the file of a sysctl. Returns a descriptor, or -1 with errno set. */
static int open_sysctl(struct netns ns, const char *name, int flags) {
    char path[PATH_MAX];
    int prefix = snprintf(path, sizeof path, "/proc/sys/");
    int length = snprintf(path + prefix, sizeof path - (size_t)prefix, "%s", name);
    if ((size_t)length >= sizeof path - (size_t)prefix) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *c = path + prefix; *c != '\0'; c++)
        *c = *c == '.' ? '/' : *c == '/' ? '.' : *c;
    return netns_open(ns, path, flags);
}

int sysctl_write(struct netns ns, const char *name, const char *value) {
    return file_write_open(open_sysctl(ns, name, O_WRONLY), value);
}

bool sysctl_failed(struct netns ns, const char *name, int error) {
    if (error != EIO)
        return errno_says_nothing(error);
    int file = open_sysctl(ns, name, O_RDONLY);
    bool opens = file >= 0;
    if (opens)
        close(file);
    return !opens;
}

int sysctl_read(struct netns ns, const char *name, char *value, size_t size) {
    ssize_t length = file_read_open(open_sysctl(ns, name, O_RDONLY), value, size);
    int error = length < 0 ? errno : 0;
    value[strcspn(value, "\n")] = '\0';
    for (char *tab = strchr(value, '\t'); tab != NULL; tab = strchr(tab, '\t'))
        *tab = ' ';
    return error;
}

int sysctl_read_all(struct netns ns, const char *name, char **value) {
    enum { FIRST = 512, LAST = 512 * 1024 }; /* the last has room for all ports, one by one */
    *value = NULL;
    for (size_t size = FIRST;; size *= 32) {
        *value = memory_resized(*value, size);
        int error = sysctl_read(ns, name, *value, size);
        if (error != 0 || strlen(*value) < size - 1 || size >= LAST)
            return error;
    }
}

/* --- what must be readable --- */

#define READING(folder, name)                                                                      \
    { "net." folder "." name, "reading /proc/sys/net/" folder "/" name }

/* Static texts, for a child process to hand back. */
static const struct {
    const char *name, *what;
} readings[] = {
    READING("ipv4", "ip_local_port_range"),
    READING("ipv4", "ip_local_reserved_ports"),
    READING("ipv4", "ip_unprivileged_port_start"),
    READING("ipv4", "ip_autobind_reuse"),
    READING("ipv4", "ip_nonlocal_bind"),
    READING("ipv4", "tcp_ehash_entries"),
    READING("ipv4", "tcp_fin_timeout"),
    READING("ipv4", "tcp_max_tw_buckets"),
    READING("ipv4", "tcp_timestamps"),
    READING("ipv4", "tcp_tw_reuse"),
    READING("ipv4", "tcp_tw_reuse_delay"),
};

void sysctl_note_failure(struct sysctl_failure *failure, const char *name, int error) {
    if (error == 0 || failure == NULL || failure->what != NULL)
        return;
    failure->what = "reading the settings under /proc/sys/net";
    failure->error = error;
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++)
        if (strcmp(readings[i].name, name) == 0)
            failure->what = readings[i].what;
}

unsigned sysctl_number(struct netns ns, const char *name, unsigned otherwise, bool newer,
                       struct sysctl_failure *failure) {
    char text[32], *end = text;
    int error = sysctl_read(ns, name, text, sizeof text);
    unsigned long number = strtoul(text, &end, 10);
    if (error == 0 && (end == text || *end != '\0'))
        error = EINVAL;
    if (error != ENOENT || !newer)
        sysctl_note_failure(failure, name, error);
    return error == 0 ? (unsigned)number : otherwise;
}

/* Two numbers. Leaves the limits as they are if it is something else. */
static bool parse_limits(const char *text, unsigned long *low, unsigned long *high) {
    char *middle, *end;
    unsigned long first = strtoul(text, &middle, 10), second = strtoul(middle, &end, 10);
    if (middle == text || end == middle || *end != '\0' || first > second || second > UINT16_MAX)
        return false;
    *low = first;
    *high = second;
    return true;
}

int sysctl_port_range(struct netns ns, struct port_range *range, struct sysctl_failure *failure) {
    static const char limits[] = "net.ipv4.ip_local_port_range",
                      kept_free[] = "net.ipv4.ip_local_reserved_ports";
    unsigned long low = 0, high = 0;
    char text[64], *list;
    int error = sysctl_read(ns, limits, text, sizeof text);
    if (error == 0 && !parse_limits(text, &low, &high))
        error = EINVAL;
    int reserved_error = sysctl_read_all(ns, kept_free, &list);
    *range = (struct port_range){0};
    if (error == 0 && reserved_error == 0) {
        range->low = (uint16_t)low;
        range->high = (uint16_t)high;
        port_set_parse(list, &range->reserved);
        port_range_count(range);
    }
    free(list);
    sysctl_note_failure(failure, limits, error);
    sysctl_note_failure(failure, kept_free, reserved_error);
    return error != 0 ? error : reserved_error;
}
