/* The processes are read and sorted by age. The oldest that can be a server is the main one; others
 * of its program are its workers; one of another program, which executed that with the socket still
 * open, is an heir that does not know of it. A program such as sleep(1) is always an heir. */
#include "inspect/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/process.h"

struct members {
    struct owner *list; /* owned; the oldest first */
    size_t count;
};

/* --- the processes --- */

static int compare_age(const void *left, const void *right) {
    const struct owner *a = left, *b = right;
    if (a->started != b->started)
        return a->started < b->started ? -1 : 1;
    return (a->pid > b->pid) - (a->pid < b->pid);
}

/* Reads the processes, without those that have handed the socket over meanwhile, unless it seems
 * that all have: one that a thread or an io_uring keeps is not at that descriptor. */
static struct members read_members(const struct owners *owners) {
    size_t most = owners->count < OWNERS_PIDS ? owners->count : OWNERS_PIDS, present = 0;
    struct members members = {.list = calloc(most + 1, sizeof *members.list)};
    for (size_t i = 0; i < most; i++)
        present += process_socket_at(owners->pids[i], owners->fds[i]) == owners->inode;
    for (size_t i = 0; members.list != NULL && i < most; i++) {
        struct owner *member = &members.list[members.count];
        if ((present > 0 && process_socket_at(owners->pids[i], owners->fds[i]) != owners->inode) ||
            !owner_read(owners->pids[i], member))
            continue;
        member->fd = owners->fds[i];
        members.count++;
    }
    if (members.count > 1)
        qsort(members.list, members.count, sizeof *members.list, compare_age);
    return members;
}

static const struct owner *member_with(const struct members *members, pid_t pid) {
    for (size_t i = 0; i < members->count; i++)
        if (members->list[i].pid == pid)
            return &members->list[i];
    return NULL;
}

/* Returns whether a process adopts those whose parent has ended. */
static bool adopts(const struct owner *owner) {
    static const char *const programs[] = {"systemd",     "init",      "tini",   "dumb-init",
                                           "docker-init", "catatonit", "conmon", "s6-svscan"};
    static const char shim[] = "containerd-shim";
    if (owner->pid == 1 || strncmp(owner->program, shim, strlen(shim)) == 0)
        return true;
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(owner->program, programs[i]) == 0)
            return true;
    return false;
}

/* --- heirs --- */

bool server_never_listens(const char *program) {
    static const char *const programs[] = {
        "sleep",  "cat",   "tail",   "head",     "tee",   "sh",    "bash", "dash",    "ash",
        "ksh",    "zsh",   "fish",   "tar",      "gzip",  "xz",    "zstd", "find",    "grep",
        "sed",    "awk",   "mawk",   "gawk",     "sort",  "xargs", "env",  "timeout", "nohup",
        "nice",   "make",  "ninja",  "flock",    "sudo",  "su",    "less", "more",    "vi",
        "vim",    "nano",  "top",    "htop",     "watch", "dd",    "cp",   "mv",      "curl",
        "wget",   "git",   "logger", "scp",      "sftp",  "gcc",   "cc1",  "gdb",     "strace",
        "setsid", "rsync", "ssh",    "logrotate"};
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(program, programs[i]) == 0)
            return true;
    return false;
}

/* A script is its shell, which cannot listen. rsync and ssh can, with certain options. */
static bool cannot_listen(const struct owner *owner) {
    static const char *const listening[] = {" --daemon", " -L", " -D", " -R"};
    const char *file = owner_file(owner);
    if (!server_never_listens(owner->program) && !server_never_listens(file))
        return false;
    for (size_t i = 0; i < sizeof listening / sizeof listening[0]; i++)
        if (strstr(owner->command, listening[i]) != NULL)
            return false;
    return true;
}

/* Returns whether the process was told of sockets that it gets from its parent. */
static bool was_told(const struct owner *owner) {
    static const char *const variables[] = {"LISTEN_FDS", "EINHORN_FD_COUNT", "EINHORN_FDS",
                                            "SERVER_STARTER_PORT", "CIRCUS_SOCKETS"};
    char value[256];
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        if (owner_variable(owner->pid, variables[i], value, sizeof value))
            return true;
    return false;
}

/* Returns whether the process waits for connections by epoll(7): an epoll instance of it has the
 * socket among its targets (ep_show_fdinfo() in fs/eventpoll.c of the kernel). Only descriptors
 * near the socket's are looked at. */
static bool polls(const struct owner *owner) {
    enum { DESCRIPTORS = 64 };
    char name[32], text[4096], target[24];
    snprintf(target, sizeof target, "tfd: %8d ", owner->fd);
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        snprintf(name, sizeof name, "fdinfo/%d", fd);
        if (process_read(owner->pid, name, text, sizeof text) > 0 && strstr(text, target) != NULL)
            return true;
    }
    return false;
}

/* Returns whether the process only inherited the socket of `main`: it runs another program, has the
 * socket at the same descriptor, which passes through execve(2), and does nothing with it. */
static bool is_heir(const struct owner *owner, const struct owner *main) {
    return cannot_listen(owner) ||
           (!owner_same_program(owner, main) && owner->fd == main->fd && owner->fd >= 0 &&
            process_passes_on(owner->pid, owner->fd) && !was_told(owner) && !polls(owner));
}

/* --- the shape --- */

static bool is_systemd(const struct owner *owner) {
    return strcmp(owner->program, "systemd") == 0;
}

/* Returns whether no process of the socket is the parent of another: all are workers. `*parent` is
 * then the parent that all of them have. */
static bool are_siblings(const struct members *members, const struct server *server,
                         struct owner *parent) {
    for (size_t i = 0; i < members->count; i++) {
        const struct owner *member = &members->list[i];
        bool counts = owner_same_program(member, &server->main);
        if (counts &&
            (member->parent != server->main.parent || member_with(members, member->parent) != NULL))
            return false;
    }
    return server->main.parent > 0 && owner_read(server->main.parent, parent);
}

/* Returns whether the process says of itself that it is somebody's worker, in what it has written
 * over its command line: `nginx: worker process`. */
static bool calls_itself_worker(const struct owner *owner) {
    const char *colon = strstr(owner->command, ": ");
    return colon != NULL && (strstr(colon, "worker") != NULL || strstr(colon, "pool ") != NULL);
}

/* The master may have left the socket to its workers, or have ended. */
static void find_master(const struct members *members, struct server *server) {
    struct owner parent;
    if (!are_siblings(members, server, &parent))
        return;
    if (server->workers > 0 && owner_same_program(&parent, &server->main)) {
        server->main = parent;
        server->workers++;
    } else if (adopts(&parent) && (server->workers > 0 || calls_itself_worker(&server->main))) {
        server->shape = SERVER_ORPHANS;
    }
}

/* Returns whether the process descends from the main one. */
static bool descends(const struct owner *owner, pid_t from) {
    enum { GENERATIONS = 16 };
    struct process_stat stat = {.parent = owner->parent};
    for (int i = 0; i < GENERATIONS && stat.parent > 1; i++) {
        pid_t pid = stat.parent;
        if (pid == from)
            return true;
        if (!process_stat(pid, &stat))
            return false;
    }
    return false;
}

static void add_heir(struct server *server, const struct owner *member) {
    if (server->heirs == 0)
        server->heir = *member;
    server->heirs++;
}

/* Counts workers and heirs. Returns the number of processes that are neither. */
static unsigned sort_members(const struct members *members, struct server *server) {
    unsigned others = 0;
    for (size_t i = 0; i < members->count; i++) {
        const struct owner *member = &members->list[i];
        if (member->pid == server->main.pid)
            continue;
        if (is_heir(member, &server->main))
            add_heir(server, member);
        else if (owner_same_program(member, &server->main) || descends(member, server->main.pid))
            server->workers++;
        else
            others++;
    }
    return others;
}

/* Only programs that cannot listen have the socket. */
static void describe_leak(const struct members *members, struct server *server) {
    struct owner parent;
    server->shape = SERVER_LEAK;
    server->main = members->list[0];
    server->heirs = (unsigned)members->count;
    server->parent_alive =
        server->main.parent > 1 && owner_read(server->main.parent, &parent) && !adopts(&parent);
}

static void find_shape(const struct members *members, struct server *server) {
    const struct owner *main = NULL;
    for (size_t i = 0; i < members->count; i++) {
        const struct owner *member = &members->list[i];
        if (is_systemd(member) || (main == NULL && !cannot_listen(member)))
            main = member;
        if (is_systemd(member))
            break;
    }
    if (main == NULL) {
        describe_leak(members, server);
        return;
    }
    server->main = *main;
    server->shape = SERVER_ONE;
    unsigned others = sort_members(members, server);
    if (is_systemd(main)) {
        server->shape = SERVER_SOCKET_UNIT;
        server->workers += others;
    } else if (others > 0) {
        server->shape = SERVER_SEVERAL;
        server->workers += others;
    } else {
        find_master(members, server);
    }
}

/* --- who started it --- */

enum { ANCESTORS = 16 };

/* Reads the ancestors, the nearest first; returns how many. */
static size_t read_ancestors(const struct owner *owner, struct owner *ancestors) {
    size_t count = 0;
    for (pid_t pid = owner->parent; pid > 0 && count < ANCESTORS; count++) {
        if (!owner_read(pid, &ancestors[count]))
            break;
        pid = ancestors[count].parent;
    }
    return count;
}

static void set_link(struct server *server, const struct owner *owner) {
    struct server_link *link = &server->chain[server->chain_count++];
    link->pid = owner->pid;
    memcpy(link->program, owner->program, sizeof link->program);
}

/* The first process, and the nearest ancestors. */
static void set_chain(struct server *server, const struct owner *ancestors, size_t count) {
    size_t near = count < SERVER_LINKS ? count : SERVER_LINKS - 1;
    if (count > near)
        set_link(server, &ancestors[count - 1]);
    server->chain_shortened = count > near + 1;
    for (size_t i = near; i-- > 0;)
        set_link(server, &ancestors[i]);
}

/* --- what frees the port --- */

/* Which processes a signal goes to. */
typedef bool is_target(const struct owner *member, const struct server *server);

static bool is_any(const struct owner *member, const struct server *server) {
    (void)member;
    (void)server;
    return true;
}

static bool is_left_over(const struct owner *member, const struct server *server) {
    return member->pid != server->main.pid && is_heir(member, &server->main);
}

/* Adds `kill PID ...`. */
static struct stop *add_kill(struct server *server, const struct members *members,
                             const char *signal, is_target *target) {
    char pids[STOP_LINE_SIZE - 16] = "";
    size_t used = 0;
    bool root = false;
    for (size_t i = 0; i < members->count && used < sizeof pids - 12; i++) {
        const struct owner *member = &members->list[i];
        if (!target(member, server))
            continue;
        used += (size_t)snprintf(pids + used, sizeof pids - used, " %d", (int)member->pid);
        root |= member->uid != geteuid();
    }
    struct stop *stop = stops_add(&server->stops, "kill%s%s", signal, pids);
    stop->root = root;
    return stop;
}

/* Servers whose master ends its workers. Of others the workers can stay behind. */
static bool ends_its_workers(const struct owner *owner) {
    static const char *const programs[] = {
        "nginx",    "apache2", "httpd",   "gunicorn",  "uvicorn",  "hypercorn",
        "uwsgi",    "puma",    "unicorn", "passenger", "haproxy",  "envoy",
        "postgres", "dovecot", "sshd",    "master",    "varnishd", "squid",
        "smbd",     "cupsd",   "angie",   "openresty", "lighttpd"};
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(owner->program, programs[i]) == 0)
            return true;
    return strncmp(owner->program, "php-fpm", strlen("php-fpm")) == 0;
}

static bool is_of_server(const struct owner *member, const struct server *server) {
    return member->pid == server->main.pid || !is_heir(member, &server->main);
}

static void kill_server(struct server *server, const struct members *members) {
    struct members one = {&server->main, 1};
    if (server->stopped) {
        struct stop *stop = add_kill(server, members, " -KILL", is_of_server);
        snprintf(
            stop->price, sizeof stop->price,
            "It is stopped, so that plain kill does nothing; kill -CONT %d lets it go on instead.",
            (int)server->main.pid);
        return;
    }
    bool alone = server->workers == 0 || ends_its_workers(&server->main) ||
                 member_with(members, server->main.pid) == NULL;
    struct stop *stop = add_kill(server, alone ? &one : members, "", is_of_server);
    if (server->main.pid == 1)
        snprintf(stop->price, sizeof stop->price,
                 "It is the first process here: the container, or the host, ends with it.");
}

static void find_stops(struct server *server, const struct members *members) {
    bool is_kept = server->stops.count > 0;
    switch (server->shape) {
    case SERVER_NOT_FOUND:
        return;
    case SERVER_LEAK:
    case SERVER_ORPHANS:
    case SERVER_SEVERAL:
        add_kill(server, members, server->stopped ? " -KILL" : "", is_any);
        return;
    case SERVER_ONE:
    case SERVER_SOCKET_UNIT:
        if (!is_kept && server->shape == SERVER_ONE)
            kill_server(server, members);
    }
    if (server->heirs > 0) {
        struct stop *stop = add_kill(server, members, "", is_left_over);
        snprintf(stop->price, sizeof stop->price,
                 "It inherited the socket, and keeps the port after the server has ended.");
    }
}

/* --- the whole --- */

void server_describe(const struct owners *owners, const struct inet_socket *socket,
                     struct server *server) {
    struct members members = read_members(owners);
    struct owner *ancestors = calloc(ANCESTORS, sizeof *ancestors);
    *server = (struct server){0};
    if (socket->state == STATE_LISTEN)
        server->waiting = socket->receive_queue;
    if (members.count > 0 && ancestors != NULL) {
        find_shape(&members, server);
        size_t count = read_ancestors(&server->main, ancestors);
        server->stopped = owner_is_stopped(&server->main);
        set_chain(server, ancestors, count);
        if (server->shape == SERVER_ONE || server->shape == SERVER_SOCKET_UNIT)
            server->keeper =
                keeper_of(&server->main, ancestors, count, socket->local.port, &server->stops);
        find_stops(server, &members);
    }
    free(ancestors);
    free(members.list);
}
