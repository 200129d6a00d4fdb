/* All processes of /proc are walked once for any number of sockets. Reading their descriptors is
 * what takes the time, so the lowest come first, where most sockets are, and the others only as far
 * as they are needed. */
#include "inspect/owners.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/process.h"

/* --- units and containers: how systemd and the container engines name control groups --- */

enum { ID_LENGTH = 64, ID_SHOWN = 12 };

/* Returns whether 64 hexadecimal digits stand here: the id of a container. */
static bool is_id(const char *text) {
    size_t length = strspn(text, "0123456789abcdef");
    return length == ID_LENGTH && !isalnum((unsigned char)text[length]);
}

static bool ends_with(const char *text, size_t size, const char *end) {
    size_t length = strlen(end);
    return size > length && memcmp(text + size - length, end, length) == 0;
}

/* Returns whether one component of a path stands for a container, and writes its name. The groups
 * of Docker, Podman, containerd and CRI-O are `docker-ID.scope`, `libpod-ID.scope`,
 * `cri-containerd-ID.scope` and `crio-ID.scope` where systemd makes them, and the bare ID below
 * `docker` or a pod where the engine does. LXC has `lxc.payload.NAME`, and systemd-nspawn
 * `machine-NAME.scope`. */
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

/* The innermost one wins, and a container wins over the units around and inside it. */
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

/* --- one process --- */

/* Copies a command line; if it is too long, as many of its words as fit, and ` ...`. Returns false,
 * and copies nothing, if not even the first word fits. */
static bool shorten(const char *line, char *command) {
    static const char more[] = " ...";
    size_t length = strlen(line);
    if (length < OWNER_COMMAND_SIZE) {
        memcpy(command, line, length + 1);
        return true;
    }
    length = OWNER_COMMAND_SIZE - sizeof more;
    while (length > 0 && line[length] != ' ')
        length--;
    if (length == 0)
        return false;
    snprintf(command, OWNER_COMMAND_SIZE, "%.*s%s", (int)length, line, more);
    return true;
}

/* Reads the command line, with blanks between its words; the name if there is none, as for a
 * process that is ending. */
static void read_command(pid_t pid, const char *name, char *command) {
    char line[1024];
    ssize_t length = process_read(pid, "cmdline", line, sizeof line);
    for (ssize_t i = 0; i < length; i++)
        if (line[i] == '\0')
            line[i] = ' ';
    while (length > 0 && line[length - 1] == ' ')
        line[--length] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0' || !shorten(line, command))
        snprintf(command, OWNER_COMMAND_SIZE, "%s", name);
}

/* The 22nd field of /proc/PID/stat. The second, the name in parentheses, can contain anything. */
static uint64_t read_start(pid_t pid) {
    enum { FIELDS_AFTER_NAME = 20 };
    char text[1024];
    process_read(pid, "stat", text, sizeof text);
    const char *at = strrchr(text, ')');
    for (int i = 0; at != NULL && i < FIELDS_AFTER_NAME; i++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoull(at, NULL, 10);
}

/* Reads /etc/passwd and nothing else: the name services of getpwuid(3) load libraries, and may ask
 * a network that does not answer. */
static void read_user(uint32_t uid, char *user) {
    FILE *file = fopen("/etc/passwd", "re");
    user[0] = '\0';
    if (file == NULL)
        return;
    for (const struct passwd *entry; (entry = fgetpwent(file)) != NULL;)
        if (entry->pw_uid == uid) {
            snprintf(user, OWNER_USER_SIZE, "%s", entry->pw_name);
            break;
        }
    fclose(file);
}

bool owner_read(pid_t pid, struct owner *owner) {
    char path[32], cgroup[4096];
    struct stat status;
    *owner = (struct owner){.pid = pid, .fd = -1};
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    if (stat(path, &status) < 0)
        return false;
    owner->uid = status.st_uid;
    owner->started = read_start(pid);
    process_read(pid, "comm", owner->name, sizeof owner->name);
    owner->name[strcspn(owner->name, "\n")] = '\0';
    read_command(pid, owner->name, owner->command);
    read_user(owner->uid, owner->user);
    process_read(pid, "cgroup", cgroup, sizeof cgroup);
    owner_unit(cgroup, owner->unit);
    return true;
}

/* --- the owners of some sockets --- */

enum { FIRST_DESCRIPTORS = 128 };

/* A socket that is searched: which of the caller's. */
struct wanted {
    uint32_t inode;
    uint32_t index;
};

/* A socket and one of its owners. */
struct pair {
    uint32_t index;
    uint32_t pid;
};

struct search {
    struct owners *sockets;
    struct table wanted; /* owns: of struct wanted */
    struct table pairs;  /* owns: of struct pair, so that none counts twice */
    size_t missing;      /* sockets without an owner so far */
    unsigned unseen;
    struct owner process; /* the one that is looked into, once it is read; pid is always set */
    bool is_read;
};

static bool is_older(const struct owner *a, const struct owner *b) {
    return a->started != b->started ? a->started < b->started : a->pid < b->pid;
}

/* Adds the process, in the order of age. */
static void add_owner(struct owners *socket, const struct owner *owner) {
    unsigned place = socket->known;
    socket->count++;
    while (place > 0 && is_older(owner, &socket->oldest[place - 1]))
        place--;
    if (place == OWNERS_MOST)
        return;
    if (socket->known < OWNERS_MOST)
        socket->known++;
    for (unsigned i = socket->known - 1; i > place; i--)
        socket->oldest[i] = socket->oldest[i - 1];
    socket->oldest[place] = *owner;
}

static void begin_process(struct search *search, pid_t pid) {
    search->process.pid = pid;
    search->is_read = false;
}

/* Adds the present process to the owners of the socket, if that is one of those searched. With
 * several descriptors for it, the first counts. */
static bool match_socket(void *context, uint32_t inode, int fd) {
    struct search *search = context;
    const struct wanted *wanted = table_find(&search->wanted, &inode);
    if (wanted == NULL)
        return true;
    struct pair pair = {wanted->index, (uint32_t)search->process.pid};
    bool is_new;
    if (table_add(&search->pairs, &pair, &is_new) == NULL || !is_new)
        return true;
    if (!search->is_read && !owner_read(search->process.pid, &search->process))
        return false; /* it is gone */
    search->is_read = true;
    search->process.fd = fd;
    struct owners *socket = &search->sockets[wanted->index];
    search->missing -= socket->count == 0;
    add_owner(socket, &search->process);
    return true;
}

static bool search_lowest(void *context, pid_t pid) {
    struct search *search = context;
    begin_process(search, pid);
    int error = process_sockets(pid, FIRST_DESCRIPTORS, match_socket, search);
    search->unseen += error != 0 && error != ENOENT && error != ESRCH; /* these two: it is gone */
    return true;
}

static bool match_until_none_is_missing(void *context, uint32_t inode, int fd) {
    const struct search *search = context;
    return match_socket(context, inode, fd) && search->missing > 0;
}

static bool search_all(void *context, pid_t pid) {
    struct search *search = context;
    begin_process(search, pid);
    process_sockets(pid, UINT_MAX, match_until_none_is_missing, search);
    return search->missing > 0;
}

/* Looks in the process for the sockets that another one has beyond the lowest descriptors, at the
 * same descriptor: there it is if it was inherited. */
static bool search_same(void *context, pid_t pid) {
    struct search *search = context;
    begin_process(search, pid);
    for (size_t i = 0; i < search->wanted.count; i++) {
        const struct wanted *wanted = table_entry(&search->wanted, i);
        const struct owners *socket = &search->sockets[wanted->index];
        int fd = socket->known == 0 ? 0 : socket->oldest[0].fd;
        if (fd >= FIRST_DESCRIPTORS && process_socket_at(pid, fd) == wanted->inode)
            match_socket(context, wanted->inode, fd);
    }
    return true;
}

/* Lists the sockets to search, each inode once. Returns false if out of memory. */
static bool begin_search(struct search *search, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct owners *socket = &search->sockets[i];
        bool is_new;
        *socket = (struct owners){.inode = socket->inode};
        if (socket->inode == 0)
            continue;
        struct wanted *wanted = table_add(&search->wanted, &socket->inode, &is_new);
        if (wanted == NULL)
            return false;
        if (is_new)
            wanted->index = (uint32_t)i;
    }
    search->missing = search->wanted.count;
    return true;
}

/* Copies what was found to the other entries with the same inode, and marks all as searched. */
static void end_search(struct search *search, size_t count, bool complete) {
    for (size_t i = 0; i < count; i++) {
        struct owners *socket = &search->sockets[i];
        const struct wanted *wanted = table_find(&search->wanted, &socket->inode);
        if (wanted != NULL && wanted->index != i)
            *socket = search->sockets[wanted->index];
        socket->search = complete || socket->inode == 0 ? OWNERS_SEARCHED : OWNERS_SEARCHED_IN_PART;
    }
}

unsigned owners_find(struct owners *sockets, size_t count) {
    struct search search = {
        .sockets = sockets,
        .wanted = {.entry_size = sizeof(struct wanted), .key_size = sizeof sockets->inode},
        .pairs = {.entry_size = sizeof(struct pair), .key_size = sizeof(struct pair)}};
    if (!begin_search(&search, count)) {
        table_free(&search.wanted);
        return 1; /* nothing is searched */
    }
    if (search.missing > 0 && process_each(search_lowest, &search) != 0)
        search.unseen++; /* at least: there is no /proc */
    if (search.missing > 0) {
        process_each(search_all, &search);
        process_each(search_same, &search);
    }
    end_search(&search, count, search.unseen == 0 && process_sees_all());
    table_free(&search.wanted);
    table_free(&search.pairs);
    return search.unseen;
}

/* --- the owners of very many sockets --- */

enum { SAMPLED = 512 };

struct sampling {
    struct table *sample;
    unsigned unseen;
    pid_t pid; /* the process that is looked into */
    uint32_t weight;
};

/* If several processes have the socket, the first counts. */
static bool sample_socket(void *context, uint32_t inode, int fd) {
    const struct sampling *sampling = context;
    bool is_new;
    struct owners_sample *entry = table_add(sampling->sample, &inode, &is_new);
    (void)fd;
    if (entry == NULL)
        return false;
    if (is_new)
        *entry = (struct owners_sample){inode, sampling->pid, sampling->weight};
    return true;
}

static bool sample_process(void *context, pid_t pid) {
    struct sampling *sampling = context;
    sampling->pid = pid;
    sampling->weight = process_descriptor_count(pid) / SAMPLED + 1;
    int error = process_sockets(pid, SAMPLED, sample_socket, sampling);
    sampling->unseen += error == EACCES || error == EPERM;
    return true;
}

unsigned owners_sample(struct table *sample) {
    struct sampling sampling = {.sample = sample};
    *sample = (struct table){.entry_size = sizeof(struct owners_sample),
                             .key_size = sizeof((struct owners_sample *)0)->inode};
    process_each(sample_process, &sampling);
    return sampling.unseen;
}
