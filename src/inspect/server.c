/* The oldest of the processes that can be a server is the main one; others of its program are its
 * workers; what only inherited the socket is an heir. Where all are workers, their master is the
 * main one, although it does not have the socket: haproxy(1) gives it away. */
#include "inspect/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "inspect/members.h"
#include "kernel/process.h"

bool server_adopts(const struct owner *owner) {
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

/* --- the shape --- */

/* Returns whether the process, of any program, is a worker that the main one has started: the
 * imap-login of dovecot(1). */
static bool is_worker_of_main(const struct owner *member, const struct server *server) {
    return member->parent == server->main.pid && !members_inherited(member, &server->main);
}

/* Returns whether no process of the socket is the parent of another: all are workers. `*parent` is
 * then the parent that all of them have. */
static bool are_siblings(const struct members *members, const struct server *server,
                         struct owner *parent) {
    for (size_t i = 0; i < members->count; i++) {
        const struct owner *member = &members->list[i];
        bool counts = owner_same_program(member, &server->main);
        if (is_worker_of_main(member, server))
            return false;
        if (counts && (member->parent != server->main.parent ||
                       members_with(members, member->parent) != NULL))
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

/* Programs that start a process for each session, which can listen for that session alone (`ssh
 * -R`, passive FTP): its parent is a server by itself. So are those that a uWSGI emperor starts. */
static bool serves_sessions(const struct owner *owner) {
    static const char *const programs[] = {"sshd",   "sshd-session", "sshd-auth", "dropbear",
                                           "vsftpd", "proftpd",      "pure-ftpd", "login"};
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(owner->program, programs[i]) == 0)
            return true;
    return strstr(owner->command, "--emperor") != NULL;
}

/* Servers whose master ends its workers. Of others the workers can stay behind. */
static bool ends_its_workers(const struct owner *owner) {
    static const char *const programs[] = {
        "nginx",    "apache2", "httpd",   "gunicorn",  "uvicorn",  "hypercorn",
        "uwsgi",    "puma",    "unicorn", "passenger", "haproxy",  "envoy",
        "postgres", "dovecot", "sshd",    "master",    "varnishd", "squid",
        "smbd",     "cupsd",   "angie",   "openresty", "lighttpd", "unitd"};
    static const char *const families[] = {"php-fpm", "uwsgi"};
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(owner->program, programs[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (strncmp(owner->program, families[i], strlen(families[i])) == 0)
            return true;
    return false;
}

/* A parent, and whether it has a child of its program that does not have the socket. */
struct family {
    const struct owner *parent;
    const struct members *members;
    bool others;
};

static bool look_at_child(void *context, pid_t pid) {
    struct family *family = context;
    struct process_stat stat;
    struct owner child;
    family->others = members_with(family->members, pid) == NULL && process_stat(pid, &stat) &&
                     stat.parent == family->parent->pid && stat.state != 'Z' &&
                     owner_read(pid, &child) && owner_same_program(&child, family->parent);
    return !family->others;
}

/* Returns whether the parent made the process by fork(2) alone, so that nothing shows which part of
 * one program each of them is. A reloader starts its program anew, by execve(2). */
static bool is_plain_fork(const struct owner *parent, const struct owner *child) {
    struct process_stat a, b;
    return process_stat(parent->pid, &a) && process_stat(child->pid, &b) && a.stack == b.stack &&
           strcmp(parent->command, child->command) == 0;
}

/* Returns whether the parent of a single process is its master. One that has other children of its
 * program too, which have nothing to do with the socket, does more than to serve this port. Nor is
 * an unknown program that has only forked: a script, or a test, that started a server. */
static bool is_master_of_one(const struct owner *parent, const struct server *server,
                             const struct members *members) {
    struct family family = {parent, members, false};
    if (ends_its_workers(parent))
        return true;
    process_children(parent->pid, look_at_child, &family);
    return !family.others && !is_plain_fork(parent, &server->main);
}

/* The master may have left the socket to its workers, or have ended. */
static void find_master(const struct members *members, struct server *server) {
    struct owner parent;
    if (!are_siblings(members, server, &parent))
        return;
    if (owner_same_program(&parent, &server->main) && !members_cannot_listen(&parent) &&
        !serves_sessions(&parent) &&
        (server->workers > 0 || is_master_of_one(&parent, server, members))) {
        server->main = parent;
        server->workers++;
    } else if (server_adopts(&parent) &&
               (server->workers > 0 || calls_itself_worker(&server->main))) {
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
        if (members_inherited(member, &server->main))
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
    server->parent_alive = server->main.parent > 1 && owner_read(server->main.parent, &parent) &&
                           !server_adopts(&parent);
}

static void find_shape(const struct members *members, struct server *server) {
    const struct owner *main = NULL;
    for (size_t i = 0; i < members->count; i++) {
        const struct owner *member = &members->list[i];
        if (owner_is_systemd(member) || (main == NULL && !members_cannot_listen(member)))
            main = member;
        if (owner_is_systemd(member))
            break;
    }
    if (main == NULL) {
        describe_leak(members, server);
        return;
    }
    server->main = *main;
    server->shape = SERVER_ONE;
    server->workers = (unsigned)members->unlisted;
    unsigned others = sort_members(members, server);
    if (owner_is_systemd(main)) {
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

/* --- what frees the port ---
 *
 * A master is told to end, which ends its workers; where the program is not known to do that, the
 * workers are told too. A process that would not obey SIGTERM gets another signal. */

/* Which processes a signal goes to. */
typedef bool is_target(const struct owner *member, const struct server *server,
                       const struct members *members);

static bool is_any(const struct owner *member, const struct server *server,
                   const struct members *members) {
    (void)member;
    (void)server;
    (void)members;
    return true;
}

static bool is_of_server(const struct owner *member, const struct server *server,
                         const struct members *members) {
    (void)members;
    return member->pid == server->main.pid || !members_inherited(member, &server->main);
}

static bool is_left_over(const struct owner *member, const struct server *server,
                         const struct members *members) {
    return !is_of_server(member, server, members);
}

/* The master; and another master that it has started to take its place, for a new version of the
 * program, which has workers of its own. */
static bool is_master(const struct owner *member, const struct server *server,
                      const struct members *members) {
    if (member->pid == server->main.pid)
        return true;
    for (size_t i = 0; i < members->count; i++)
        if (members->list[i].parent == member->pid && is_of_server(member, server, members))
            return true;
    return false;
}

/* Programs that do something else at SIGTERM. */
static const struct {
    const char *program; /* or the beginning of its name */
    const char *signal, *price;
} special[] = {
    {"uwsgi", " -INT", "Plain kill would make uWSGI start its workers again."},
    {"postgres", " -INT", "It ends all sessions (fast shutdown); plain kill would wait for them."},
};

/* A signal, and the reason why it is not SIGTERM. */
struct choice {
    const char *option, *price;
};

static struct choice choose_signal(const struct owner *owner, bool ignored) {
    static const struct choice usual = {"", ""};
    static const struct choice hard = {" -KILL", "It ignores SIGTERM, which plain kill sends."};
    if (ignored)
        return hard;
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        if (strncmp(owner->program, special[i].program, strlen(special[i].program)) == 0)
            return (struct choice){special[i].signal, special[i].price};
    return usual;
}

/* The processes that a command is for. */
struct targets {
    char pids[STOP_LINE_SIZE - 16];
    unsigned count;
    bool root, ignored; /* one of them belongs to another user; one ignores SIGTERM */
    bool all;           /* there was room for all of them */
};

static void add_target(struct targets *targets, const struct owner *owner) {
    size_t used = strlen(targets->pids);
    if (sizeof targets->pids - used < 12) {
        targets->all = false;
        return;
    }
    snprintf(targets->pids + used, sizeof targets->pids - used, " %d", (int)owner->pid);
    targets->count++;
    targets->root |= owner->uid != geteuid();
    targets->ignored |= process_ignores(owner->pid, SIGTERM);
}

static struct targets find_targets(const struct server *server, const struct members *members,
                                   is_target *target) {
    struct targets targets = {.all = true};
    if (members_with(members, server->main.pid) == NULL)
        add_target(&targets, &server->main);
    for (size_t i = 0; i < members->count; i++)
        if (target(&members->list[i], server, members))
            add_target(&targets, &members->list[i]);
    targets.all &= members->unlisted == 0 || target == is_master;
    return targets;
}

/* Adds `kill PID ...`, or a command that finds the processes, if they are too many for that. */
static struct stop *add_kill(struct server *server, const struct targets *targets,
                             const char *signal, uint32_t inode) {
    struct stop *stop;
    if (targets->all)
        stop = stops_add(&server->stops, "kill%s%s", signal, targets->pids);
    else
        stop = stops_add(&server->stops,
                         "kill%s $(find /proc/[0-9]*/fd -lname 'socket:\\[%u\\]' 2>/dev/null | "
                         "cut -d / -f 3 | sort -u)",
                         signal, (unsigned)inode);
    stop->root = targets->root;
    return stop;
}

static void set_price(struct stop *stop, const char *price) {
    snprintf(stop->price, sizeof stop->price, "%s", price);
}

static void kill_server(struct server *server, const struct members *members, uint32_t inode) {
    bool alone = server->workers == 0 || ends_its_workers(&server->main);
    struct targets targets =
        find_targets(server, members, alone && !server->stopped ? is_master : is_of_server);
    if (server->stopped) {
        struct stop *stop = add_kill(server, &targets, " -KILL", inode);
        snprintf(
            stop->price, sizeof stop->price,
            "It is stopped, so plain kill does nothing; kill -CONT %d lets it continue instead.",
            (int)server->main.pid);
        return;
    }
    struct choice choice = choose_signal(&server->main, targets.ignored);
    struct stop *stop = add_kill(server, &targets, choice.option, inode);
    if (!alone && members_with(members, server->main.pid) == NULL)
        snprintf(stop->price, sizeof stop->price,
                 "%d does not have the socket itself, but started the program that has it, and "
                 "could again.",
                 (int)server->main.pid);
    else
        set_price(stop,
                  server->main.pid == 1
                      ? "It is the first process here: the container, or the host, ends with it."
                      : choice.price);
}

static void kill_all(struct server *server, const struct members *members, uint32_t inode) {
    struct targets targets = find_targets(server, members, is_any);
    struct choice choice = choose_signal(&server->main, targets.ignored);
    struct stop *stop =
        add_kill(server, &targets, server->stopped ? " -KILL" : choice.option, inode);
    set_price(stop, choice.price);
}

static void kill_heirs(struct server *server, const struct members *members, uint32_t inode) {
    struct targets targets = {.all = true};
    for (size_t i = 0; i < members->count; i++)
        if (is_left_over(&members->list[i], server, members))
            add_target(&targets, &members->list[i]);
    struct stop *stop = add_kill(server, &targets, targets.ignored ? " -KILL" : "", inode);
    set_price(stop, "It inherited the socket, and keeps the port after the server has ended.");
}

static void find_stops(struct server *server, const struct members *members, uint32_t inode) {
    bool is_kept = server->stops.count > 0;
    switch (server->shape) {
    case SERVER_NOT_FOUND:
        return;
    case SERVER_LEAK:
    case SERVER_ORPHANS:
    case SERVER_SEVERAL:
        kill_all(server, members, inode);
        return;
    case SERVER_ONE:
    case SERVER_SOCKET_UNIT:
        if (!is_kept && server->shape == SERVER_ONE)
            kill_server(server, members, inode);
    }
    if (server->heirs > 0)
        kill_heirs(server, members, inode);
}

/* --- the whole --- */

/* Describes the owners of some sockets, as one server. */
static void describe(const struct server_socket *sockets, size_t count, struct server *server) {
    const struct owners *owners[SERVER_SOCKETS];
    *server = (struct server){0};
    for (size_t i = 0; i < count; i++) {
        owners[i] = sockets[i].owners;
        if (sockets[i].socket->state == STATE_LISTEN)
            server->waiting += sockets[i].socket->receive_queue;
    }
    struct members members = members_read(owners, count);
    struct owner *ancestors = memory_zeroed(ANCESTORS, sizeof *ancestors);
    if (members.list != NULL && members.count > 0) {
        find_shape(&members, server);
        size_t known = read_ancestors(&server->main, ancestors);
        server->stopped = owner_is_stopped(&server->main);
        set_chain(server, ancestors, known);
        if (server->shape == SERVER_ONE || server->shape == SERVER_SOCKET_UNIT)
            server->keeper =
                keeper_of(&server->main, ancestors, known, sockets[0].socket, &server->stops);
        find_stops(server, &members, owners[0]->inode);
    }
    free(ancestors);
    free(members.list);
}

/* Whether two descriptions can be of one server. */
typedef bool is_together(const struct server *a, const struct server *b);

static bool is_one(const struct server *a, const struct server *b) {
    return a->shape == SERVER_ONE && b->shape == SERVER_ONE && a->main.pid == b->main.pid;
}

static bool are_workers_of_one(const struct server *a, const struct server *b) {
    return a->shape == SERVER_ONE && b->shape == SERVER_ONE && a->main.parent == b->main.parent &&
           a->main.parent > 0 && owner_same_program(&a->main, &b->main);
}

/* Describes the sockets like number `first` together, if there are more than one; each keeps its
 * own queue. Workers are together only if their parent is their master. Returns whether it was
 * so. */
static bool describe_together(const struct server_socket *sockets, size_t count, size_t first,
                              is_together *together, struct server *servers) {
    struct server_socket group[SERVER_SOCKETS];
    const struct server model = servers[first];
    struct server whole;
    struct owner parent;
    size_t size = 0;
    if (together == are_workers_of_one &&
        (!owner_read(model.main.parent, &parent) || !owner_same_program(&parent, &model.main)))
        return false;
    for (size_t i = first; i < count && size < SERVER_SOCKETS; i++)
        if (together(&model, &servers[i]))
            group[size++] = sockets[i];
    if (size < 2)
        return false;
    describe(group, size, &whole);
    if (together == are_workers_of_one && whole.main.pid != model.main.parent)
        return false;
    for (size_t i = first; i < count; i++) {
        uint32_t waiting = servers[i].waiting;
        if (!together(&model, &servers[i]))
            continue;
        servers[i] = whole;
        servers[i].waiting = waiting;
    }
    return true;
}

void server_describe(const struct server_socket *sockets, size_t count, struct server *servers) {
    for (size_t i = 0; i < count; i++)
        describe(&sockets[i], 1, &servers[i]);
    for (size_t i = 0; i < count; i++) {
        bool is_first = true;
        for (size_t j = 0; j < i; j++)
            is_first &= !is_one(&servers[j], &servers[i]);
        if (is_first && !describe_together(sockets, count, i, are_workers_of_one, servers))
            describe_together(sockets, count, i, is_one, servers);
    }
}
