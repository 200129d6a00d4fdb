/* The path of the control group is read component by component. systemd names groups after its
 * units. Docker, Podman, containerd and CRI-O name them `docker-ID.scope`, `libpod-ID.scope`,
 * `cri-containerd-ID.scope` and `crio-ID.scope` where systemd makes them, and just ID, below
 * `docker` or a pod, where they do it themselves. */
#include "inspect/placement.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_LENGTH = PLACEMENT_ID_SIZE - 1, ID_SHOWN = 12 };

/* Returns whether 64 hexadecimal digits stand here: the ID of a container. */
static bool is_id(const char *text) {
    size_t length = strspn(text, "0123456789abcdef");
    return length == ID_LENGTH && !isalnum((unsigned char)text[length]);
}

static bool begins(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *text, size_t size, const char *end) {
    size_t length = strlen(end);
    return size > length && memcmp(text + size - length, end, length) == 0;
}

static void set_id(struct placement *placement, enum placement_kind kind, const char *id,
                   size_t size) {
    placement->kind = kind;
    placement->unit[0] = '\0'; /* that of the engine, or of the container itself */
    snprintf(placement->id, sizeof placement->id, "%.*s", (int)size, id);
}

/* Returns whether a component stands for a container; `pod` says whether it is part of a pod. */
static bool read_container(struct placement *placement, const char *part, size_t size,
                           const char *parent, bool pod) {
    static const struct {
        const char *prefix;
        enum placement_kind kind;
    } engines[] = {{"docker-", PLACED_DOCKER},
                   {"libpod-", PLACED_PODMAN},
                   {"cri-containerd-", PLACED_POD},
                   {"crio-", PLACED_POD},
                   {"nerdctl-", PLACED_CONTAINER}};
    static const char lxc[] = "lxc.payload.", machine[] = "machine-", scope[] = ".scope";
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        const char *id = part + strlen(engines[i].prefix);
        if (begins(part, engines[i].prefix) && is_id(id)) {
            set_id(placement, pod ? PLACED_POD : engines[i].kind, id, ID_LENGTH);
            return true;
        }
    }
    if (is_id(part))
        set_id(placement,
               pod                         ? PLACED_POD
               : begins(parent, "docker/") ? PLACED_DOCKER
                                           : PLACED_CONTAINER,
               part, ID_LENGTH);
    else if (begins(part, lxc))
        set_id(placement, PLACED_LXC, part + strlen(lxc), size - strlen(lxc));
    else if (begins(part, machine) && ends_with(part, size, scope))
        set_id(placement, PLACED_MACHINE, part + strlen(machine),
               size - strlen(machine) - strlen(scope));
    else
        return false;
    return true;
}

/* The outermost unit counts, as a unit may make groups of any name below its own; but the units of
 * a user's manager, and of a container that has a systemd of its own, lie within another. */
static void read_unit(struct placement *placement, const char *part, size_t size) {
    static const char manager[] = "user@";
    bool service = ends_with(part, size, ".service");
    bool inside = placement->kind == PLACED_LXC || placement->kind == PLACED_MACHINE;
    if ((!service && !ends_with(part, size, ".scope")) || placement->unit[0] != '\0' ||
        (placement->kind > PLACED_SERVICE && !inside) || (inside && !service))
        return;
    if (service && begins(part, manager) && !placement->of_user && !inside) {
        placement->of_user = true;
        placement->user = (uint32_t)strtoul(part + strlen(manager), NULL, 10);
        return;
    }
    snprintf(placement->unit, sizeof placement->unit, "%.*s", (int)size, part);
    if (!inside)
        placement->kind = service ? PLACED_SERVICE : PLACED_SCOPE;
}

/* Returns where the path of the group starts in the text: that of cgroup v2 (`0::/...`) or, if it
 * is the root, that of systemd's own hierarchy of v1. NULL if there is neither. */
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

struct placement placement_of(const char *cgroup) {
    struct placement placement = {0};
    const char *part = find_path(cgroup), *parent = "";
    bool pod = false;
    while (part != NULL && *part != '\n' && *part != '\0') {
        size_t size = strcspn(part, "/\n");
        pod |= begins(part, "kubepods");
        if (placement.id[0] != '\0' || !read_container(&placement, part, size, parent, pod))
            read_unit(&placement, part, size);
        parent = part;
        part += size + (part[size] == '/');
    }
    return placement;
}

const char *placement_text(const struct placement *placement, char *text) {
    static const char *const names[] = {
        [PLACED_DOCKER] = "docker", [PLACED_PODMAN] = "podman", [PLACED_CONTAINER] = "container",
        [PLACED_POD] = "container", [PLACED_LXC] = "lxc",       [PLACED_MACHINE] = "machine"};
    bool named = placement->kind == PLACED_LXC || placement->kind == PLACED_MACHINE;
    if (placement->kind <= PLACED_SERVICE)
        snprintf(text, PLACEMENT_UNIT_SIZE, "%s", placement->unit);
    else
        snprintf(text, PLACEMENT_UNIT_SIZE, "%s %.*s", names[placement->kind],
                 named ? PLACEMENT_ID_SIZE : ID_SHOWN, placement->id);
    return text;
}
