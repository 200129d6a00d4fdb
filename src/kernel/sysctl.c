#include "kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"

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
        return "there is no /proc/sys here: mount /proc";
    if ((status.f_flag & ST_RDONLY) != 0)
        return "/proc/sys is read-only here, as in a container: run that with --privileged or "
               "--security-opt systempaths=unconfined";
    return NULL;
}

/* Opens the file of a sysctl. Returns a descriptor, or -1 with errno set. */
static int open_sysctl(struct netns ns, const char *name, int flags) {
    char path[256];
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

int sysctl_read(struct netns ns, const char *name, char *value, size_t size) {
    ssize_t length = file_read_open(open_sysctl(ns, name, O_RDONLY), value, size);
    int error = length < 0 ? errno : 0;
    value[strcspn(value, "\n")] = '\0';
    for (char *tab = strchr(value, '\t'); tab != NULL; tab = strchr(tab, '\t'))
        *tab = ' ';
    return error;
}

int sysctl_port_range(struct netns ns, struct port_range *range) {
    enum { LIST_SIZE = 512 * 1024 }; /* more than all ports, one by one */
    struct port_set reserved = {0};
    uint16_t low = 32768, high = 60999;
    char text[64], *end, *list = malloc(LIST_SIZE);
    int error = sysctl_read(ns, "net.ipv4.ip_local_port_range", text, sizeof text);
    if (error == 0) {
        low = (uint16_t)strtoul(text, &end, 10);
        high = (uint16_t)strtoul(end, NULL, 10);
    }
    int reserved_error = list == NULL
                             ? ENOMEM
                             : sysctl_read(ns, "net.ipv4.ip_local_reserved_ports", list, LIST_SIZE);
    if (reserved_error == 0)
        port_set_parse(list, &reserved);
    free(list);
    *range = port_range(low, high, &reserved);
    return error != 0 ? error : reserved_error;
}
