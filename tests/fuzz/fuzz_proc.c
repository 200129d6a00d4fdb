/* Any text as the files of /proc: those of processes, of namespaces, of sockets, the settings. The
 * first byte chooses who reads; each file that is read is the next piece (world.h). */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect/cgroup.h"
#include "inspect/keeper.h"
#include "inspect/owner.h"
#include "inspect/placement.h"
#include "kernel/activity.h"
#include "kernel/counters.h"
#include "kernel/credentials.c" /* for what it reads; to take over a process's rights is no parser */
#include "kernel/gvisor.h"
#include "kernel/netdev.h"
#include "kernel/process.h"
#include "kernel/procnet.h"
#include "kernel/sockets.h"
#include "kernel/sysctl.h"
#include "sound.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- a tree like /proc: only its directories and names are read as they are --- */

enum { PID = 7 };

static char tree[] = "/tmp/fuzz-proc-XXXXXX";

static const char *const folders[] = {"/7",    "/7/task",   "/7/task/7", "/7/task/8",
                                      "/7/fd", "/7/fdinfo", "/7/net",    "/7/task/8/fd",
                                      "/7/ns", "/7/cwd",    NULL};
static const char *const files[] = {"/7/fd/0", "/7/fd/3", "/7/task/8/fd/4", "/7/net/dev", NULL};

static void remove_tree(void) {
    char path[64];
    for (size_t i = sizeof files / sizeof files[0] - 1; i-- > 0;) {
        snprintf(path, sizeof path, "%s%s", tree, files[i]);
        unlink(path);
    }
    for (size_t i = sizeof folders / sizeof folders[0] - 1; i-- > 0;) {
        snprintf(path, sizeof path, "%s%s", tree, folders[i]);
        rmdir(path);
    }
    rmdir(tree);
}

static void make_tree(void) {
    static bool made;
    char path[64];
    if (made)
        return;
    made = true;
    if (mkdtemp(tree) == NULL)
        abort();
    for (size_t i = 0; folders[i] != NULL; i++) {
        snprintf(path, sizeof path, "%s%s", tree, folders[i]);
        if (mkdir(path, 0700) < 0)
            abort();
    }
    for (size_t i = 0; files[i] != NULL; i++) {
        snprintf(path, sizeof path, "%s%s", tree, files[i]);
        FILE *file = fopen(path, "w");
        if (file != NULL)
            fclose(file);
    }
    atexit(remove_tree);
    process_use_root(tree);
}

/* --- processes --- */

static bool next_socket(void *context, uint32_t inode, int fd) {
    (void)inode;
    (void)fd;
    return --*(int *)context > 0;
}

static bool next_process(void *context, pid_t pid) {
    (void)pid;
    return --*(int *)context > 0;
}

static bool next_thread(void *context, pid_t pid, pid_t thread) {
    (void)pid;
    (void)thread;
    return --*(int *)context > 0;
}

static void read_process(unsigned how) {
    struct process_stat stat;
    struct process_runs runs;
    struct activity activity = {0};
    struct process_walk walk = {
        .pid = PID, .thread = how % 2 == 0 ? 0 : 8, .most = 100, .rings = true};
    char text[64];
    int most = 10;
    switch (how % 8) {
    case 0:
        process_stat(PID, &stat);
        process_sleeps(PID, &runs);
        break;
    case 1:
        process_ignores(PID, 15);
        activity_add(getpid(), &activity);
        process_children(PID, next_process, &most);
        break;
    case 2:
    case 3:
        process_walk(&walk, next_socket, &most);
        break;
    case 4:
        process_has_socket(PID, 0, 3, 1);
        process_has_ring(PID);
        break;
    case 5:
        process_awaited_descriptors(PID, 0, 3);
        process_passes_on(PID, 3);
        process_socket_at(PID, 3);
        process_descriptor_count(PID);
        break;
    case 6:
        process_own_tables(PID, next_thread, &most);
        process_sees_all();
        break;
    default:
        process_link(PID, "exe", text, sizeof text);
        require_text(text, sizeof text);
        break;
    }
}

static void check_owner(const struct owner *owner) {
    require_text(owner->name, sizeof owner->name);
    require_text(owner->program, sizeof owner->program);
    require_text(owner->command, sizeof owner->command);
    require_text(owner->executable, sizeof owner->executable);
    require_text(owner->unit, sizeof owner->unit);
    require_text(owner->user, sizeof owner->user);
}

static void read_owner(unsigned how) {
    struct owner one, other;
    char value[100];
    if (how % 3 == 0) {
        owner_variable(PID, "pm_id", value, sizeof value);
        require_text(value, sizeof value);
        owner_argument(PID, how / 3, value, sizeof value);
        require_text(value, sizeof value);
        return;
    }
    if (!owner_read(PID, &one))
        return;
    check_owner(&one);
    if (how % 3 == 1 || !owner_read(PID, &other))
        return;
    owner_same_program(&one, &other);
    owner_is_systemd(&one);
}

/* A command to paste has no line of its own making. */
static void check_stops(const struct stops *stops) {
    if (stops->count > STOP_COMMANDS)
        abort();
    for (unsigned i = 0; i < stops->count; i++) {
        require_text(stops->list[i].line, STOP_LINE_SIZE);
        require_text(stops->list[i].price, STOP_PRICE_SIZE);
        for (const char *c = stops->list[i].line; *c != '\0'; c++)
            if ((unsigned char)*c < ' ' || *c == 0x7f)
                abort();
    }
}

static void read_keeper(void) {
    struct inet_socket socket = {
        .protocol = PROTOCOL_TCP, .state = STATE_LISTEN, .local = {.family = AF_INET, .port = 80}};
    struct owner chain[3];
    struct stops stops;
    size_t count = 0;
    while (count < sizeof chain / sizeof chain[0] && owner_read(PID, &chain[count]))
        count++;
    if (count == 0)
        return;
    struct keeper keeper = keeper_of(&chain[0], chain + 1, count - 1, &socket, &stops);
    require_text(keeper.name, sizeof keeper.name);
    keeper_kind_name(keeper.kind);
    check_stops(&stops);
}

static void read_group(unsigned how) {
    struct cgroup group = {.id = 0};
    char shown[PLACEMENT_UNIT_SIZE];
    char *text = how % 2 == 0 ? NULL : world_text();
    if (text == NULL) {
        cgroup_find(&group, 1);
        return;
    }
    struct placement placement = placement_of(text);
    require_text(placement.unit, sizeof placement.unit);
    require_text(placement.id, sizeof placement.id);
    placement_text(&placement, shown);
    require_text(shown, sizeof shown);
    free(text);
}

static void read_rights(void) {
    struct credentials found;
    if (read_credentials(PID, &found) == 0 && found.group_count > MOST_GROUPS)
        abort();
    free(found.groups);
}

/* --- namespaces --- */

static void read_lines(void) {
    struct inet_socket socket;
    struct unix_socket unix_socket;
    char *line = world_text();
    for (unsigned i = 0; i < 4; i++)
        if (procnet_parse(line, i < 2 ? PROTOCOL_TCP : PROTOCOL_UDP,
                          i % 2 == 0 ? AF_INET : AF_INET6, &socket))
            sound_inet(NULL, &socket);
    if (procnet_parse_unix(line, &unix_socket))
        sound_unix(NULL, &unix_socket);
    free(line);
}

static void read_sockets(unsigned how) {
    struct sockets sockets = {.ns = NETNS_HERE, .diag = -1, .diag_error = ENOENT};
    struct diag_query query = sockdiag_query(how % 2 == 0 ? STATES_ANY : 1U << STATE_LISTEN);
    query.protocol = (enum protocol)(how % 3);
    query.family = how % 5 == 0 ? AF_INET : 0;
    if (how % 4 == 3) {
        sockets.diag_error = 0; /* its counts, and then a descriptor that is no netlink socket */
        sockets.diag = world_descriptor();
    }
    sockets_dump(&sockets, &query, sound_inet, NULL);
    sockets_dump_unix(&sockets, sound_unix, NULL);
    sockets_close(&sockets);
}

static void read_settings(unsigned how) {
    char value[8], *whole;
    struct sysctl_failure failure = {0};
    struct port_range range;
    struct endpoint address = {.family = AF_INET6, .address = {[15] = 1}};
    uint64_t number;
    switch (how % 5) {
    case 0:
        if (sysctl_port_range(NETNS_HERE, &range, &failure) == 0 && range.low > range.high)
            abort();
        break;
    case 1:
        sysctl_number(NETNS_HERE, "net.ipv4.tcp_tw_reuse", 2, false, &failure);
        sysctl_read(NETNS_HERE, "net.ipv4.tcp_rmem", value, sizeof value);
        sysctl_read_all(NETNS_HERE, "net.ipv4.tcp_rmem", &whole);
        free(whole);
        break;
    case 2:
        netdev_is_tentative(NETNS_HERE, &address);
        break;
    case 3:
        counters_tcp(NETNS_HERE);
        counters_read(NETNS_HERE, "netstat", "TcpExt", "TW", &number);
        break;
    default:
        gvisor_is_here();
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { READERS = 9 };
    make_tree();
    if (size == 0)
        return 0;
    unsigned who = data[0] % READERS, how = data[0] / READERS;
    world_begin(data + 1, size - 1);
    switch (who) {
    case 0:
        read_process(how);
        break;
    case 1:
        read_owner(how);
        break;
    case 2:
        read_keeper();
        break;
    case 3:
        read_group(how);
        break;
    case 4:
        read_rights();
        break;
    case 5:
    case 6:
        read_lines();
        break;
    case 7:
        read_sockets(how);
        break;
    default:
        read_settings(how);
        break;
    }
    world_end();
    return 0;
}
