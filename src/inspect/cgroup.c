/* The id of a control group is the inode of its folder (cgroup_id() in include/linux/cgroup.h of
 * the kernel), so readdir(3) shows the ids of all of them. Where inodes have 32 bits, the id has
 * the generation in its upper half. */
#include "inspect/cgroup.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "inspect/placement.h"

_Static_assert((int)CGROUP_UNIT_SIZE >= (int)PLACEMENT_UNIT_SIZE, "a unit fits");

enum { FULL_PATH = 4096, DEPTH = 32 };

/* A walk under way. */
struct walk {
    struct cgroup *groups;
    size_t count, missing;
    char path[FULL_PATH]; /* of the folder */
    size_t mount;         /* the length of the part that is the mount point */
};

static void name_group(struct cgroup *group, const char *path) {
    char text[FULL_PATH + 8];
    size_t length = strlen(path), most = sizeof group->path - 1;
    snprintf(group->path, sizeof group->path, "%s", path + (length > most ? length - most : 0));
    snprintf(text, sizeof text, "0::%s", path);
    struct placement placement = placement_of(text);
    placement_text(&placement, group->unit);
}

/* Notes the folder with this inode, if it is one of those searched. */
static void match(struct walk *walk, ino_t inode) {
    for (size_t i = 0; i < walk->count; i++) {
        struct cgroup *group = &walk->groups[i];
        bool same = sizeof inode >= sizeof group->id ? group->id == inode
                                                     : (uint32_t)group->id == (uint32_t)inode;
        if (!same || group->id == 0 || group->path[0] != '\0')
            continue;
        name_group(group, walk->path[walk->mount] == '\0' ? "/" : walk->path + walk->mount);
        walk->missing--;
    }
}

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Control groups lie within one another, but not deep. */
// NOLINTNEXTLINE(misc-no-recursion)
static void walk_folder(struct walk *walk, unsigned depth) {
    DIR *folder = opendir(walk->path);
    size_t length = strlen(walk->path);
    const struct dirent *entry;
    while (folder != NULL && walk->missing > 0 && (entry = readdir(folder)) != NULL) {
        size_t size = strlen(entry->d_name);
        if (entry->d_type != DT_DIR || is_dots(entry->d_name) ||
            length + size + 2 > sizeof walk->path)
            continue;
        snprintf(walk->path + length, sizeof walk->path - length, "/%s", entry->d_name);
        match(walk, entry->d_ino);
        if (depth < DEPTH)
            walk_folder(walk, depth + 1);
        walk->path[length] = '\0';
    }
    if (folder != NULL)
        closedir(folder);
}

void cgroup_find_below(const char *mount, struct cgroup *groups, size_t count) {
    struct walk walk = {.groups = groups, .count = count, .mount = strlen(mount)};
    struct stat root;
    for (size_t i = 0; i < count; i++)
        walk.missing += groups[i].id != 0 && groups[i].path[0] == '\0';
    if (strlen(mount) >= sizeof walk.path || stat(mount, &root) < 0)
        return;
    snprintf(walk.path, sizeof walk.path, "%s", mount);
    match(&walk, root.st_ino);
    if (walk.missing > 0)
        walk_folder(&walk, 0);
}

/* Reads the mount point of cgroup v2 from a line of /proc/self/mountinfo, where it is the fifth
 * field; the type follows a `-`. */
static bool read_mount(const char *line, char mount[FULL_PATH]) {
    static const char type[] = " - cgroup2 ";
    return strstr(line, type) != NULL && sscanf(line, "%*s %*s %*s %*s %4095s", mount) == 1;
}

void cgroup_find(struct cgroup *groups, size_t count) {
    char line[2 * FULL_PATH], mount[FULL_PATH] = "";
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    bool found = false;
    for (size_t i = 0; i < count; i++)
        groups[i].path[0] = groups[i].unit[0] = '\0';
    while (mounts != NULL && !found && fgets(line, sizeof line, mounts) != NULL)
        found = read_mount(line, mount);
    if (mounts != NULL)
        fclose(mounts);
    if (found)
        cgroup_find_below(mount, groups, count);
}
