/* The nearest sign counts: a program that forwards the port of a container; a supervisor among the
 * ancestors; the control group, which has the container or the unit of systemd. */
#include "inspect/keeper.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "inspect/placement.h"
#include "kernel/process.h"

/* A keeper that is being described. */
struct kept {
    enum keeper_kind kind;
    pid_t pid;
    bool forwards;
    char name[KEEPER_NAME_SIZE];
    struct stops stops;
};

/* --- commands --- */

struct stop *stops_add(struct stops *stops, const char *format, ...) {
    static struct stop spare;
    struct stop *stop = stops->count < STOP_COMMANDS ? &stops->list[stops->count++] : &spare;
    va_list values;
    *stop = (struct stop){0};
    va_start(values, format);
    vsnprintf(stop->line, sizeof stop->line, format, values);
    va_end(values);
    return stop;
}

static bool is_plain(const char *word) {
    for (; *word != '\0'; word++)
        if (!isalnum((unsigned char)*word) && strchr("@%_+=:,./-", *word) == NULL)
            return false;
    return true;
}

bool stop_quote(const char *word, char *quoted, size_t size) {
    size_t used = 0;
    quoted[0] = '\0';
    if (is_plain(word) && word[0] != '\0' && word[0] != '-' && strlen(word) < size) {
        strcpy(quoted, word);
        return true;
    }
    for (const char *at = word; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f || (*at & 0x80) != 0)
            return false;
    if (strlen(word) + 3 > size || word[0] == '-')
        return false;
    quoted[used++] = '\'';
    for (; *word != '\0'; word++) {
        const char *text = *word == '\'' ? "'\\''" : (char[2]){*word, '\0'};
        if (used + strlen(text) + 2 > size) {
            quoted[0] = '\0';
            return false;
        }
        strcpy(quoted + used, text);
        used += strlen(text);
    }
    strcpy(quoted + used, "'");
    return true;
}

static void set_price(struct stop *stop, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void set_price(struct stop *stop, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(stop->price, sizeof stop->price, format, values);
    va_end(values);
}

static bool is_one_of(const char *name, const char *const *list) {
    for (; *list != NULL; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

/* --- programs that forward a port to a container --- */

/* Docker takes a port without a protocol for one of TCP. */
static void stop_published(struct kept *keeper, const struct inet_socket *socket, bool root) {
    struct stop *stop =
        stops_add(&keeper->stops, "docker stop $(docker ps -q --filter publish=%u%s)",
                  (unsigned)socket->local.port, socket->protocol == PROTOCOL_UDP ? "/udp" : "");
    stop->root = root;
    set_price(stop, "It stops the container that publishes port %u.", (unsigned)socket->local.port);
}

/* The argument behind `option` in the command line of a process. */
static bool value_of_option(pid_t pid, const char *option, char *value, size_t size) {
    enum { ARGUMENTS = 64 };
    char argument[256];
    for (unsigned i = 1; i < ARGUMENTS; i++)
        if (owner_argument(pid, i, argument, sizeof argument) && strcmp(argument, option) == 0)
            return owner_argument(pid, i + 1, value, size);
    value[0] = '\0';
    return false;
}

/* conmon(8), which watches over one container, holds its published ports; its option -n is the name
 * of the container. For a container without root another program forwards them. */
static void stop_podman(struct kept *keeper, const struct owner *server) {
    char name[KEEPER_NAME_SIZE];
    keeper->kind = KEEPER_PODMAN;
    if (strcmp(server->program, "conmon") == 0 &&
        value_of_option(server->pid, "-n", keeper->name, sizeof keeper->name) &&
        stop_quote(keeper->name, name, sizeof name)) {
        struct stop *stop = stops_add(&keeper->stops, "podman stop %s", name);
        stop->root = server->uid != geteuid();
        set_price(stop, "It stops the whole container.");
        return;
    }
    struct stop *stop = stops_add(&keeper->stops, "podman ps --format '{{.Names}} {{.Ports}}'");
    stop->root = server->uid != geteuid();
    stop->asks = true;
    set_price(stop, "It shows which container has the port; then: podman stop NAME");
}

/* dockerd(8) itself holds the port where it runs without docker-proxy; but these are its own: the
 * API and Swarm. */
static bool is_docker_port(uint16_t port) {
    return port == 2375 || port == 2376 || port == 2377 || port == 7946;
}

/* docker-proxy(1) has the address of the container in its arguments. */
static void name_container(struct kept *keeper, const struct owner *server) {
    char address[64], port[8];
    if (value_of_option(server->pid, "-container-ip", address, sizeof address) &&
        value_of_option(server->pid, "-container-port", port, sizeof port))
        snprintf(keeper->name, sizeof keeper->name, strchr(address, ':') ? "[%s]:%s" : "%s:%s",
                 address, port);
}

/* kube-proxy(8) of some versions holds the port of a NodePort service. */
static void stop_node_port(struct kept *keeper, const struct inet_socket *socket) {
    struct stop *stop = stops_add(&keeper->stops, "kubectl get services --all-namespaces | grep %u",
                                  (unsigned)socket->local.port);
    keeper->kind = KEEPER_POD;
    stop->asks = true;
    set_price(stop, "It shows the service with this node port: change that, or delete it.");
}

static bool find_forwarder(struct kept *keeper, const struct owner *server,
                           const struct inet_socket *socket) {
    static const char *const podman[] = {
        "rootlessport", "rootlessport-child", "slirp4netns", "pasta", "pasta.avx2", "conmon", NULL};
    bool docker = strcmp(server->program, "docker-proxy") == 0 ||
                  strncmp(server->program, "rootlesskit", strlen("rootlesskit")) == 0 ||
                  (strcmp(server->program, "dockerd") == 0 && !is_docker_port(socket->local.port));
    if (docker) {
        keeper->kind = KEEPER_DOCKER;
        stop_published(keeper, socket, server->uid != geteuid());
        name_container(keeper, server);
    } else if (is_one_of(server->program, podman)) {
        stop_podman(keeper, server);
    } else if (strcmp(server->program, "kube-proxy") == 0) {
        stop_node_port(keeper, socket);
    }
    keeper->forwards = keeper->kind != KEEPER_NONE;
    return keeper->forwards;
}

/* --- supervisors --- */

/* How to run a command in the container of the process: a prefix, or "". */
static const char *inside(const struct placement *placement, char prefix[128]) {
    char id[PLACEMENT_ID_SIZE];
    prefix[0] = '\0';
    if (!stop_quote(placement->id, id, sizeof id))
        return prefix;
    if (placement->kind == PLACED_DOCKER || placement->kind == PLACED_PODMAN)
        snprintf(prefix, 128, "%s exec %.12s ",
                 placement->kind == PLACED_DOCKER ? "docker" : "podman", id);
    else if (placement->kind == PLACED_LXC)
        snprintf(prefix, 128, "lxc-attach -n %s -- ", id);
    return prefix;
}

/* Makes the path of a file of another process absolute. Returns false if that cannot be done. */
static bool make_absolute(pid_t pid, char *path, size_t size) {
    char link[32], folder[256], name[256];
    if (path[0] == '/')
        return true;
    snprintf(link, sizeof link, "/proc/%d/cwd", (int)pid);
    ssize_t length = readlink(link, folder, sizeof folder - 1);
    if (path[0] == '\0' || length <= 0 || folder[0] != '/')
        return false;
    folder[length] = '\0';
    snprintf(name, sizeof name, "%s", path);
    return (size_t)snprintf(path, size, "%s/%s", folder, name) < size;
}

/* What the configuration of a supervisord has. */
struct sections {
    bool known;   /* the file was read */
    bool control; /* [supervisorctl], without which supervisorctl(1) reads no file */
    bool server;  /* one by which supervisord takes orders */
};

/* Reads a file as the other process sees it. */
static struct sections read_sections(pid_t pid, const char *path) {
    char name[300], *line = NULL;
    size_t room = 0;
    struct sections sections = {0};
    const char *why;
    snprintf(name, sizeof name, "/proc/%d/root%s", (int)pid, path);
    FILE *file = file_stream_plain(name, &why);
    if (file == NULL)
        return sections;
    while (getline(&line, &room, file) >= 0) {
        sections.control |= strncmp(line, "[supervisorctl]", 15) == 0;
        sections.server |= strncmp(line, "[unix_http_server]", 18) == 0 ||
                           strncmp(line, "[inet_http_server]", 18) == 0;
    }
    sections.known = feof(file) != 0;
    free(line);
    fclose(file);
    return sections;
}

/* Finds out which file supervisord has read: `path` is where, of `size` bytes, and "" if it is not
 * known. Returns whether supervisorctl(1) must be told. */
static bool find_configuration(pid_t pid, char *path, size_t size, struct sections *sections) {
    static const char *const usual[] = {"supervisord.conf", "etc/supervisord.conf",
                                        "/etc/supervisord.conf",
                                        "/etc/supervisor/supervisord.conf"};
    bool named = value_of_option(pid, "-c", path, size) ||
                 value_of_option(pid, "--configuration", path, size);
    *sections = (struct sections){0};
    if (named && make_absolute(pid, path, size))
        *sections = read_sections(pid, path);
    for (size_t i = 0; !named && i < sizeof usual / sizeof usual[0]; i++) {
        snprintf(path, size, "%s", usual[i]);
        if (make_absolute(pid, path, size))
            *sections = read_sections(pid, path);
        if (sections->known)
            return usual[i][0] != '/';
    }
    if (!named || path[0] != '/')
        path[0] = '\0';
    return named && path[0] != '\0';
}

/* Where supervisorctl(1) would reject the file, it gets an empty section and the address from the
 * environment of the program. Returns false if that is not known. */
static bool stop_by_address(struct kept *keeper, pid_t pid, const char *prefix, const char *name) {
    char address[256];
    if (!owner_variable(pid, "SUPERVISOR_SERVER_URL", address, sizeof address) ||
        !is_plain(address) || strpbrk(name, "\"$`\\") != NULL)
        return false;
    stops_add(&keeper->stops,
              "%ssh -c \"echo '[supervisorctl]' | supervisorctl -c /dev/stdin -s %s stop %s\"",
              prefix, address, name);
    return true;
}

/* The environment has the name of the program, and that of its group if it has another. */
static void stop_supervisord(struct kept *keeper, const struct owner *server, const char *prefix) {
    char name[KEEPER_NAME_SIZE], group[KEEPER_NAME_SIZE], quoted[KEEPER_NAME_SIZE], file[256];
    char option[300] = "", path[260];
    struct sections sections;
    owner_variable(server->pid, "SUPERVISOR_PROCESS_NAME", name, sizeof name / 2);
    owner_variable(server->pid, "SUPERVISOR_GROUP_NAME", group, sizeof group / 2 - 1);
    if (find_configuration(keeper->pid, file, sizeof file, &sections) &&
        stop_quote(file, path, sizeof path))
        snprintf(option, sizeof option, "-c %s ", path);
    if (sections.known && !sections.server) {
        struct stop *stop = stops_add(&keeper->stops, "kill %d", (int)keeper->pid);
        set_price(stop, "It stops supervisord, which takes no orders (it has no "
                        "[unix_http_server]), and all that it runs.");
        return;
    }
    if (name[0] != '\0' && group[0] != '\0' && strcmp(name, group) != 0) {
        strcat(group, ":");
        strcat(group, name);
        strcpy(name, group);
    }
    if (name[0] != '\0' && stop_quote(name, quoted, sizeof quoted)) {
        bool lacks = sections.known && !sections.control;
        snprintf(keeper->name, sizeof keeper->name, "%s", name);
        if (!lacks || !stop_by_address(keeper, server->pid, prefix, quoted))
            stops_add(&keeper->stops, "%ssupervisorctl %sstop %s", prefix, option, quoted);
        return;
    }
    struct stop *stop = stops_add(&keeper->stops, "%ssupervisorctl %sstatus", prefix, option);
    stop->asks = true;
    set_price(stop, "It shows the names of the programs; then: supervisorctl %sstop NAME", option);
}

/* The supervisors of one service run in the folder that describes it. */
static void stop_in_folder(struct kept *keeper, const char *prefix, const char *command) {
    char folder[PATH_MAX], quoted[KEEPER_NAME_SIZE];
    if (process_link(keeper->pid, "cwd", folder, sizeof folder) <= 0)
        owner_argument(keeper->pid, 1, folder, sizeof folder);
    const char *slash = strrchr(folder, '/');
    if (!stop_quote(folder, quoted, sizeof quoted))
        return;
    snprintf(keeper->name, sizeof keeper->name, "%.*s", KEEPER_NAME_SIZE - 1,
             slash == NULL ? folder : slash + 1);
    stops_add(&keeper->stops, "%s%s %s", prefix, command, quoted);
}

static void stop_openrc(struct kept *keeper, const char *prefix) {
    char name[KEEPER_NAME_SIZE];
    if (owner_argument(keeper->pid, 1, keeper->name, sizeof keeper->name) &&
        stop_quote(keeper->name, name, sizeof name))
        stops_add(&keeper->stops, "%src-service %s stop", prefix, name);
}

static void stop_pm2(struct kept *keeper, const struct owner *server, const char *prefix) {
    char name[KEEPER_NAME_SIZE], id[16];
    if (owner_variable(server->pid, "pm_id", id, sizeof id) &&
        owner_variable(server->pid, "name", keeper->name, sizeof keeper->name) &&
        stop_quote(keeper->name, name, sizeof name)) {
        stops_add(&keeper->stops, "%spm2 stop %s", prefix, name);
        return;
    }
    struct stop *stop = stops_add(&keeper->stops, "%spm2 list", prefix);
    stop->asks = true;
    set_price(stop, "It shows the names of the programs; then: pm2 stop NAME");
}

/* monit(1) names the service in the environment of what it starts. */
static void stop_monit(struct kept *keeper, const struct owner *server, const char *prefix) {
    char name[KEEPER_NAME_SIZE], file[256], path[260], option[300] = "";
    if (value_of_option(keeper->pid, "-c", file, sizeof file) && file[0] == '/' &&
        stop_quote(file, path, sizeof path))
        snprintf(option, sizeof option, "-c %s ", path);
    if (owner_variable(server->pid, "MONIT_SERVICE", keeper->name, sizeof keeper->name) &&
        stop_quote(keeper->name, name, sizeof name)) {
        stops_add(&keeper->stops, "%smonit %sstop %s", prefix, option, name);
        return;
    }
    struct stop *stop = stops_add(&keeper->stops, "%smonit %sstatus", prefix, option);
    stop->asks = true;
    set_price(stop, "It shows the names of the services; then: monit stop NAME");
}

static const struct {
    const char *program;
    enum keeper_kind kind;
    const char *command; /* for those that take the folder of the service */
} supervisors[] = {
    {"supervisord", KEEPER_SUPERVISORD, NULL}, {"runsv", KEEPER_RUNIT, "sv stop"},
    {"s6-supervise", KEEPER_S6, "s6-svc -d"},  {"supervise", KEEPER_DAEMONTOOLS, "svc -d"},
    {"supervise-daemon", KEEPER_OPENRC, NULL}, {"monit", KEEPER_MONIT, NULL},
};

/* PM2 calls itself `PM2 v5.3.0: God Daemon (/root/.pm2)`. */
static bool is_pm2(const struct owner *owner) {
    return strncmp(owner->command, "PM2 v", strlen("PM2 v")) == 0;
}

/* Names the supervisor, if this process is one. `server` is what it supervises. */
static void read_supervisor(struct kept *keeper, const struct owner *ancestor,
                            const struct owner *server, const char *prefix) {
    const char *command = NULL;
    for (size_t i = 0; i < sizeof supervisors / sizeof supervisors[0]; i++)
        if (strcmp(ancestor->program, supervisors[i].program) == 0) {
            keeper->kind = supervisors[i].kind;
            command = supervisors[i].command;
        }
    if (keeper->kind == KEEPER_NONE && is_pm2(ancestor))
        keeper->kind = KEEPER_PM2;
    if (keeper->kind == KEEPER_NONE)
        return;
    keeper->pid = ancestor->pid;
    if (command != NULL)
        stop_in_folder(keeper, prefix, command);
    else if (keeper->kind == KEEPER_SUPERVISORD)
        stop_supervisord(keeper, server, prefix);
    else if (keeper->kind == KEEPER_OPENRC)
        stop_openrc(keeper, prefix);
    else if (keeper->kind == KEEPER_PM2)
        stop_pm2(keeper, server, prefix);
    else
        stop_monit(keeper, server, prefix);
    for (unsigned i = 0; i < keeper->stops.count; i++)
        keeper->stops.list[i].root = ancestor->uid != geteuid();
}

static bool keep_monit(void *context, pid_t pid) {
    char name[16];
    pid_t *found = context;
    if (process_read(pid, "comm", name, sizeof name) <= 0 || strcmp(name, "monit\n") != 0)
        return true;
    *found = pid;
    return false;
}

/* What monit starts becomes a daemon: then monit is no ancestor of it. */
static void find_monit(struct kept *keeper, const struct owner *server, const char *prefix) {
    char name[KEEPER_NAME_SIZE];
    pid_t pid = 0;
    struct owner monit;
    if (owner_variable(server->pid, "MONIT_SERVICE", name, sizeof name) &&
        process_each(keep_monit, &pid) == 0 && pid > 0 && owner_read(pid, &monit))
        read_supervisor(keeper, &monit, server, prefix);
}

/* --- containers --- */

/* The kubelet keeps a link /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log for each container.
 */
static bool find_pod(const char *id, char *pod, char *namespace) {
    bool found = false;
    DIR *folder = opendir("/var/log/containers");
    const struct dirent *entry;
    while (folder != NULL && !found && (entry = readdir(folder)) != NULL) {
        const char *first = strchr(entry->d_name, '_');
        const char *second = first == NULL ? NULL : strchr(first + 1, '_');
        found = second != NULL && strstr(second, id) != NULL && first - entry->d_name < 254 &&
                second - first < 254;
        if (found) {
            snprintf(pod, KEEPER_NAME_SIZE, "%.*s", (int)(first - entry->d_name), entry->d_name);
            snprintf(namespace, KEEPER_NAME_SIZE, "%.*s", (int)(second - first - 1), first + 1);
        }
    }
    if (folder != NULL)
        closedir(folder);
    return found;
}

static void stop_pod(struct kept *keeper, const struct placement *placement) {
    char pod[KEEPER_NAME_SIZE], namespace[KEEPER_NAME_SIZE], a[128], b[128];
    keeper->kind = KEEPER_POD;
    if (find_pod(placement->id, pod, namespace) && stop_quote(pod, a, sizeof a) &&
        stop_quote(namespace, b, sizeof b)) {
        snprintf(keeper->name, sizeof keeper->name, "%.120s/%.120s", namespace, pod);
        struct stop *stop = stops_add(&keeper->stops, "kubectl --namespace %s delete pod %s", b, a);
        set_price(stop,
                  "If a Deployment, a DaemonSet or a static manifest made the pod, it is made "
                  "again: scale that down or delete it.");
        return;
    }
    snprintf(keeper->name, sizeof keeper->name, "%.12s", placement->id);
    struct stop *stop = stops_add(&keeper->stops, "crictl ps --id %.12s", placement->id);
    stop->root = stop->asks = true;
    set_price(stop,
              "It shows the pod; the kubelet restarts a container that is stopped: delete the "
              "pod, or what made it.");
}

static void stop_container(struct kept *keeper, const struct owner *server,
                           const struct placement *placement) {
    bool docker = placement->kind == PLACED_DOCKER, podman = placement->kind == PLACED_PODMAN;
    keeper->kind = docker ? KEEPER_DOCKER : podman ? KEEPER_PODMAN : KEEPER_CONTAINER;
    snprintf(keeper->name, sizeof keeper->name, "%.12s", placement->id);
    struct stop *stop = stops_add(&keeper->stops, "%s stop %.12s",
                                  docker   ? "docker"
                                  : podman ? "podman"
                                           : "nerdctl",
                                  placement->id);
    stop->root = !placement->of_user || (placement->user != geteuid() && server->uid != geteuid());
    set_price(stop, "It stops the whole container.");
}

/* A container of LXC, or a machine, usually has a systemd of its own. */
static void stop_machine(struct kept *keeper, const struct placement *placement) {
    char id[PLACEMENT_ID_SIZE], unit[KEEPER_NAME_SIZE];
    bool lxc = placement->kind == PLACED_LXC;
    bool has_unit = placement->unit[0] != '\0' && stop_quote(placement->unit, unit, sizeof unit);
    keeper->kind = lxc ? KEEPER_LXC : KEEPER_MACHINE;
    snprintf(keeper->name, sizeof keeper->name, "%s", placement->id);
    if (!stop_quote(placement->id, id, sizeof id))
        return;
    struct stop *stop;
    if (has_unit && lxc)
        stop = stops_add(&keeper->stops, "lxc-attach -n %s -- systemctl stop %s", id, unit);
    else if (has_unit)
        stop = stops_add(&keeper->stops, "systemctl --machine=%s stop %s", id, unit);
    else
        stop = lxc ? stops_add(&keeper->stops, "lxc-stop -n %s", id)
                   : stops_add(&keeper->stops, "machinectl poweroff %s", id);
    stop->root = true;
    if (!has_unit)
        set_price(stop, "It stops the whole %s.", lxc ? "container" : "machine");
}

/* --- systemd --- */

/* Programs that run what somebody else wants: their unit is not that of the server. */
static bool runs_for_others(const struct owner *owner) {
    static const char *const programs[] = {"sshd",   "sshd-session", "login",    "cron",
                                           "crond",  "atd",          "tmux",     "screen",
                                           "SCREEN", "xinetd",       "dropbear", NULL};
    return is_one_of(owner->program, programs);
}

/* Programs that run another one and wait for it. */
static bool only_wraps(const struct owner *owner) {
    static const char *const programs[] = {
        "npm",          "pnpm",    "yarn",    "sudo",    "su",     "env",
        "nice",         "timeout", "runuser", "setpriv", "flock",  "tini",
        "dumb-init",    "poetry",  "pipenv",  "uv",      "bundle", "authbind",
        "start_server", "einhorn", "gosu",    NULL};
    static const char *const shells[] = {"sh",  "bash", "dash",    "ash",
                                         "ksh", "zsh",  "busybox", NULL};
    return is_one_of(owner->program, programs) || is_one_of(owner->name, programs) ||
           is_one_of(owner_file(owner), shells);
}

/* Returns whether the unit was made for this server: its first process, whose parent is systemd, is
 * of the server's program, or only runs it. */
static bool is_unit_of(const struct owner *server, const struct owner *ancestors, size_t count) {
    for (size_t i = 0; i < count && ancestors[i].pid != 1; i++) {
        if (strcmp(ancestors[i].program, "systemd") == 0)
            return true;
        if (runs_for_others(&ancestors[i]) ||
            (!only_wraps(&ancestors[i]) && !owner_same_program(&ancestors[i], server)))
            return false;
    }
    return true;
}

static void stop_service(struct kept *keeper, const struct owner *server,
                         const struct placement *placement) {
    char unit[KEEPER_NAME_SIZE], variable[16], also[KEEPER_NAME_SIZE] = "";
    if (!stop_quote(placement->unit, unit, sizeof unit))
        return;
    keeper->kind = placement->of_user ? KEEPER_USER_SERVICE : KEEPER_SERVICE;
    snprintf(keeper->name, sizeof keeper->name, "%s", placement->unit);
    /* A service that systemd started for a connection: its socket unit would start it again. */
    size_t length = strlen(unit) - strlen(".service");
    if (owner_variable(server->pid, "LISTEN_FDS", variable, sizeof variable) &&
        is_plain(placement->unit) && strchr(unit, '@') == NULL)
        snprintf(also, sizeof also, "%.*s.socket ", (int)length, unit);
    struct stop *stop;
    if (!placement->of_user)
        stop = stops_add(&keeper->stops, "systemctl stop %s%s", also, unit);
    else if (placement->user == geteuid())
        stop = stops_add(&keeper->stops, "systemctl --user stop %s%s", also, unit);
    else
        stop = stops_add(&keeper->stops, "systemctl --user --machine=%u@ stop %s%s",
                         (unsigned)placement->user, also, unit);
    stop->root = !placement->of_user || placement->user != geteuid();
}

/* --- socket units --- */

static bool listens_on(const char *path, uint16_t port) {
    char *line = NULL;
    size_t room = 0;
    bool found = false;
    const char *why;
    FILE *file = file_stream_plain(path, &why);
    while (file != NULL && !found && getline(&line, &room, file) >= 0) {
        const char *at = line + strspn(line, " \t");
        if (strncmp(at, "ListenStream", strlen("ListenStream")) != 0)
            continue;
        at += strcspn(at, "=");
        at += *at == '=';
        at += strspn(at, " \t");
        size_t size = strcspn(at, " \t\r\n");
        while (size > 0 && isdigit((unsigned char)at[size - 1]))
            size--;
        bool is_port = size == 0 || at[size - 1] == ':';
        found = is_port && strtoul(at + size, NULL, 10) == port;
    }
    free(line);
    if (file != NULL)
        fclose(file);
    return found;
}

bool keeper_socket_unit(const char *const *folders, uint16_t port, char *unit) {
    static const char end[] = ".socket";
    unsigned found = 0;
    unit[0] = '\0';
    for (; *folders != NULL; folders++) {
        DIR *folder = opendir(*folders);
        const struct dirent *entry;
        while (folder != NULL && (entry = readdir(folder)) != NULL) {
            char path[600];
            size_t length = strlen(entry->d_name);
            snprintf(path, sizeof path, "%.300s/%s", *folders, entry->d_name);
            if (length < sizeof end || strcmp(entry->d_name + length - strlen(end), end) != 0 ||
                strcmp(entry->d_name, unit) == 0 || !listens_on(path, port))
                continue;
            snprintf(unit, KEEPER_NAME_SIZE, "%s", entry->d_name);
            found++;
        }
        if (folder != NULL)
            closedir(folder);
    }
    if (found != 1)
        unit[0] = '\0';
    return found == 1;
}

/* systemd listens itself. */
static void stop_socket_unit(struct kept *keeper, const struct owner *server, uint16_t port) {
    static const char *const folders[] = {"/etc/systemd/system",
                                          "/run/systemd/system",
                                          "/run/systemd/transient",
                                          "/run/systemd/generator",
                                          "/usr/local/lib/systemd/system",
                                          "/usr/lib/systemd/system",
                                          NULL};
    static const char *const user_folders[] = {"/etc/systemd/user", "/usr/lib/systemd/user", NULL};
    char name[KEEPER_NAME_SIZE], option[32] = "";
    keeper->kind = KEEPER_SOCKET_UNIT;
    keeper->pid = server->pid;
    if (server->pid != 1 && server->uid == geteuid())
        snprintf(option, sizeof option, "--user ");
    else if (server->pid != 1)
        snprintf(option, sizeof option, "--user --machine=%u@ ", (unsigned)server->uid);
    if (keeper_socket_unit(server->pid == 1 ? folders : user_folders, port, keeper->name) &&
        stop_quote(keeper->name, name, sizeof name)) {
        struct stop *stop = stops_add(&keeper->stops, "systemctl %sstop %s %.*s.service", option,
                                      name, (int)(strlen(name) - strlen(".socket")), name);
        stop->root = server->uid != geteuid() || server->pid == 1;
        set_price(stop, "Connections to the port no longer start the service.");
        return;
    }
    struct stop *stop = stops_add(&keeper->stops, "systemctl %slist-sockets", option);
    stop->asks = true;
    set_price(stop, "It shows the .socket unit of the port; then: systemctl %sstop X.socket",
              option);
}

/* --- the whole --- */

static void find_keeper(struct kept *keeper, const struct owner *server,
                        const struct owner *ancestors, size_t count,
                        const struct inet_socket *socket) {
    char *cgroup, prefix[128];
    process_read_all(server->pid, "cgroup", &cgroup);
    struct placement placement = placement_of(cgroup);
    free(cgroup);
    if (owner_is_systemd(server)) {
        stop_socket_unit(keeper, server, socket->local.port);
        return;
    }
    if (find_forwarder(keeper, server, socket))
        return;
    read_supervisor(keeper, server, server, inside(&placement, prefix));
    for (size_t i = 0; i < count && keeper->kind == KEEPER_NONE; i++)
        read_supervisor(keeper, &ancestors[i], server, inside(&placement, prefix));
    if (keeper->kind == KEEPER_NONE)
        find_monit(keeper, server, inside(&placement, prefix));
    if (keeper->kind != KEEPER_NONE)
        return;
    if (placement.kind == PLACED_POD)
        stop_pod(keeper, &placement);
    else if (placement.kind == PLACED_LXC || placement.kind == PLACED_MACHINE)
        stop_machine(keeper, &placement);
    else if (placement.kind > PLACED_SERVICE)
        stop_container(keeper, server, &placement);
    else if (placement.kind == PLACED_SERVICE && is_unit_of(server, ancestors, count))
        stop_service(keeper, server, &placement);
}

struct keeper keeper_of(const struct owner *server, const struct owner *ancestors, size_t count,
                        const struct inet_socket *socket, struct stops *stops) {
    struct kept found = {0};
    struct keeper keeper = {0};
    find_keeper(&found, server, ancestors, count, socket);
    keeper.forwards = found.forwards;
    keeper.kind = found.kind;
    keeper.pid = found.pid;
    memcpy(keeper.name, found.name, sizeof keeper.name);
    *stops = found.stops;
    return keeper;
}

const char *keeper_kind_name(enum keeper_kind kind) {
    static const char *const names[] = {
        [KEEPER_NONE] = "",
        [KEEPER_SERVICE] = "systemd",
        [KEEPER_USER_SERVICE] = "systemd --user",
        [KEEPER_SOCKET_UNIT] = "systemd",
        [KEEPER_SUPERVISORD] = "supervisord",
        [KEEPER_RUNIT] = "runit",
        [KEEPER_S6] = "s6",
        [KEEPER_DAEMONTOOLS] = "daemontools",
        [KEEPER_OPENRC] = "openrc",
        [KEEPER_PM2] = "pm2",
        [KEEPER_MONIT] = "monit",
        [KEEPER_DOCKER] = "docker",
        [KEEPER_PODMAN] = "podman",
        [KEEPER_CONTAINER] = "containerd",
        [KEEPER_POD] = "kubernetes",
        [KEEPER_LXC] = "lxc",
        [KEEPER_MACHINE] = "machine",
    };
    return names[kind];
}
