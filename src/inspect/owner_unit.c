/* By which names systemd and the container engines put their processes into control groups. */
#include "inspect/owner.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { ID_LENGTH = 64, ID_SHOWN = 12 };

/* Whether 64 hexadecimal digits stand here: the id of a container. */
static bool is_id(const char *text) {
    size_t length = strspn(text, "0123456789abcdef");
    return length == ID_LENGTH && !isalnum((unsigned char)text[length]);
}

static bool ends_with(const char *text, size_t size, const char *end) {
    size_t length = strlen(end);
    return size > length && memcmp(text + size - length, end, length) == 0;
}

/* The container that one component of a path stands for: Docker's and Podman's, containerd's and
 * CRI-O's are `docker-ID.scope`, `libpod-ID.scope`, `cri-containerd-ID.scope`, `crio-ID.scope`
 * where systemd makes the groups, and the bare ID below `docker` or a pod where they do it
 * themselves; LXC has `lxc.payload.NAME`, systemd-nspawn `machine-NAME.scope`. */
static bool container_of(const char *part, size_t size, const char *parent, char *unit) {
    static const char *const prefixes[] = {"docker-", "libpod-", "cri-containerd-", "crio-"};
    static const char *const engines[] = {"docker", "podman", "container", "container"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t length = strlen(prefixes[i]);
        if (strncmp(part, prefixes[i], length) == 0 && is_id(part + length)) {
            snprintf(unit, OWNER_UNIT_SIZE, "%s %.*s", engines[i], ID_SHOWN, part + length);
            return true;
        }
    }
    if (is_id(part)) {
        bool docker = strncmp(parent, "docker/", strlen("docker/")) == 0;
        snprintf(unit, OWNER_UNIT_SIZE, "%s %.*s", docker ? "docker" : "container", ID_SHOWN, part);
        return true;
    }
    static const char lxc[] = "lxc.payload.", machine[] = "machine-";
    if (strncmp(part, lxc, strlen(lxc)) == 0)
        snprintf(unit, OWNER_UNIT_SIZE, "lxc %.*s", (int)(size - strlen(lxc)), part + strlen(lxc));
    else if (strncmp(part, machine, strlen(machine)) == 0 && ends_with(part, size, ".scope"))
        snprintf(unit, OWNER_UNIT_SIZE, "machine %.*s",
                 (int)(size - strlen(machine) - strlen(".scope")), part + strlen(machine));
    else
        return false;
    return true;
}

/* Where the path of the group starts in the text: that of cgroup v2 (`0::/...`), or where it is the
 * root, that of systemd's own hierarchy of v1. NULL if there is neither. */
static const char *find_path(const char *cgroup) {
    static const char *const hierarchies[] = {"0::/", ":name=systemd:/"};
    for (size_t i = 0; i < sizeof hierarchies / sizeof hierarchies[0]; i++) {
        const char *found = strstr(cgroup, hierarchies[i]);
        const char *path = found == NULL ? NULL : found + strlen(hierarchies[i]);
        if (path != NULL && *path != '\n' && *path != '\0')
            return path;
    }
    return NULL;
}

/* The innermost container or unit wins, and a container over the units around and inside of it. */
const char *owner_unit(const char *cgroup, char *unit) {
    const char *part = find_path(cgroup), *parent = "";
    unit[0] = '\0';
    bool contained = false;
    while (part != NULL && *part != '\n' && *part != '\0') {
        size_t size = strcspn(part, "/\n");
        if (container_of(part, size, parent, unit))
            contained = true;
        else if (!contained &&
                 (ends_with(part, size, ".service") || ends_with(part, size, ".scope")))
            snprintf(unit, OWNER_UNIT_SIZE, "%.*s", (int)size, part);
        parent = part;
        part += size + (part[size] == '/');
    }
    return unit;
}
