/* The owners of sockets and their units or containers, trial binds, and network namespaces. Tests
 * that bind do so in a network namespace of their own. */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "in_namespace.h"
#include "inspect/namespaces.h"
#include "inspect/owners.h"
#include "inspect/placement.h"
#include "kernel/netns.h"
#include "kernel/process.h"
#include "kernel/socket.h"
#include "kernel/sockets.h"

/* --- units and containers --- */

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
    const char *cgroup, *unit;
} units[] = {
    {"0::/system.slice/nginx.service\n", "nginx.service"},
    {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service\n", "web.service"},
    {"0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope"},
    {"0::/system.slice/docker-" ID ".scope\n", "docker 0123456789ab"},
    {"0::/system.slice/docker-" ID ".scope/system.slice/cron.service\n", "docker 0123456789ab"},
    {"0::/machine.slice/libpod-" ID ".scope/container\n", "podman 0123456789ab"},
    {"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope\n",
     "container 0123456789ab"},
    {"0::/kubepods/besteffort/pod1/" ID "\n", "container 0123456789ab"},
    {"4:memory:/docker/" ID "\n1:name=systemd:/docker/" ID "\n0::/\n", "docker 0123456789ab"},
    {"1:name=systemd:/system.slice/sshd.service\n0::/\n", "sshd.service"},
    {"0::/lxc.payload.web/init.scope\n", "lxc web"},
    {"0::/machine.slice/machine-web.scope/payload\n", "machine web"},
    {"0::/\n", ""},
    {"0::/system.slice\n", ""},
    {"0::/.service\n", ""},
    {"0::/docker-0123.scope\n", "docker-0123.scope"},
    {"", ""},
};

static const char *unit_of(const char *cgroup, char *unit) {
    struct placement placement = placement_of(cgroup);
    return placement_text(&placement, unit);
}

static void placement_text_knows_units_and_containers(void **state) {
    char unit[PLACEMENT_UNIT_SIZE];
    (void)state;
    for (size_t i = 0; i < ROWS(units); i++)
        assert_string_equal(unit_of(units[i].cgroup, unit), units[i].unit);
}

static void placement_text_shortens_a_long_name(void **state) {
    char cgroup[600], unit[OWNER_UNIT_SIZE];
    (void)state;
    snprintf(cgroup, sizeof cgroup, "0::/%0500d.service\n", 0);
    assert_int_equal(strlen(unit_of(cgroup, unit)), PLACEMENT_UNIT_SIZE - 1);
}

/* --- owners --- */

static uint32_t inode_of(int fd) {
    struct stat file;
    assert_int_equal(fstat(fd, &file), 0);
    return (uint32_t)file.st_ino;
}

/* A process that inherits every descriptor and ends when `*end` is closed. */
static pid_t spawn_heir(int *end) {
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(ends[0]);
    *end = ends[1];
    return child;
}

/* Returns the first word of our own command line: the program, or what runs it for us. */
static const char *own_first_word(void) {
    static char word[4096];
    FILE *file = fopen("/proc/self/cmdline", "r");
    assert_non_null(file);
    size_t size = fread(word, 1, sizeof word - 1, file);
    fclose(file);
    word[size] = '\0';
    return word;
}

static void owners_find_lists_every_owner_the_oldest_first(void **state) {
    struct owners sockets[2] = {{0}};
    int end, fd = socket(AF_INET, SOCK_STREAM, 0), closed = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;
    sockets[0].inode = inode_of(fd);
    sockets[1].inode = inode_of(closed);
    close(closed);
    pid_t child = spawn_heir(&end);
    owners_find(sockets, 2);
    assert_int_equal(sockets[0].count, 2);
    assert_int_equal(sockets[0].known, 2);
    assert_int_equal(sockets[0].oldest[0].pid, getpid());
    assert_int_equal(sockets[0].oldest[0].fd, fd);
    assert_int_equal(sockets[0].oldest[1].pid, child);
    assert_true(sockets[0].oldest[0].started <= sockets[0].oldest[1].started);
    assert_int_equal(sockets[0].oldest[0].uid, geteuid());
    assert_non_null(strstr(sockets[0].oldest[0].command, own_first_word()));
    assert_int_equal(sockets[1].count, 0);
    close(end);
    waitpid(child, NULL, 0);
    close(fd);
}

static void owners_find_counts_a_process_once(void **state) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), again = dup(fd);
    struct owners socket = {.inode = inode_of(fd)};
    (void)state;
    owners_find(&socket, 1);
    assert_int_equal(socket.count, 1);
    close(again);
    close(fd);
}

/* A socket that this process shares with a child in a process group of its own. */
static void owners_find_looks_into_one_process_group_alone_if_told(void **state) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), ends[2];
    struct owners all = {.inode = inode_of(fd)}, one = all, again = all;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    assert_int_equal(setpgid(child, child), 0);
    owners_find(&all, 1);
    process_use_group(child);
    owners_forget();
    owners_find(&one, 1);
    process_use_group(0);
    owners_forget();
    owners_find(&again, 1);
    close(ends[1]);
    close(ends[0]);
    waitpid(child, NULL, 0);
    close(fd);
    assert_int_equal(all.count, 2);
    assert_int_equal(one.count, 1);
    assert_int_equal(one.oldest[0].pid, child);
    assert_int_equal(again.count, 2);
}

enum { HIGH = 300 };

/* Fills the descriptors below HIGH, or empties them again. */
static void fill_descriptors(bool full) {
    for (int fd = 20; fd < HIGH; fd++)
        if (full)
            assert_int_equal(dup2(STDOUT_FILENO, fd), fd);
        else
            close(fd);
}

/* Moves `fd` to a descriptor beyond those that are searched first. */
static int moved_up(int fd, int where) {
    int high = fcntl(fd, F_DUPFD, where);
    assert_true(high >= where);
    close(fd);
    return high;
}

static void owners_find_gives_each_socket_its_owner_at_high_descriptors(void **state) {
    struct owners sockets[4] = {{0}};
    int fds[2], end;
    (void)state;
    fill_descriptors(true);
    for (int i = 0; i < 2; i++) {
        fds[i] = moved_up(socket(AF_INET, SOCK_STREAM, 0), HIGH + 20 - 10 * i);
        sockets[i].inode = inode_of(fds[i]);
    }
    sockets[2].inode = sockets[0].inode;
    pid_t child = spawn_heir(&end);
    owners_find(sockets, 4);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sockets[i].count, 2);
        assert_int_equal(sockets[i].oldest[0].pid, getpid());
        assert_int_equal(sockets[i].oldest[0].fd, fds[i % 2]);
        assert_int_equal(sockets[i].oldest[1].pid, child);
        assert_int_not_equal(sockets[i].search, OWNERS_NOT_SEARCHED);
    }
    assert_int_equal(sockets[3].count, 0);
    assert_int_equal(sockets[3].search, OWNERS_SEARCHED);
    close(end);
    waitpid(child, NULL, 0);
    close(fds[0]);
    close(fds[1]);
    fill_descriptors(false);
}

static void owners_find_counts_more_than_it_lists(void **state) {
    enum { HEIRS = OWNERS_PIDS + 4 };
    struct owners_place places[HEIRS + 2];
    pid_t heirs[HEIRS];
    int ends[HEIRS];
    struct owners found[2] = {{0}};
    (void)state;
    fill_descriptors(true);
    int fd = moved_up(socket(AF_INET, SOCK_STREAM, 0), HIGH);
    found[0].inode = inode_of(fd);
    found[1].inode = UINT32_MAX; /* nobody's, so that the search goes on to the end */
    for (int i = 0; i < HEIRS; i++)
        heirs[i] = spawn_heir(&ends[i]);
    owners_find(found, 2);
    size_t seen = owners_places(found[0].inode, places, HEIRS + 2);
    for (int i = HEIRS; i-- > 0;) {
        close(ends[i]);
        waitpid(heirs[i], NULL, 0);
    }
    assert_int_equal(found[0].count, HEIRS + 1);
    assert_int_equal(seen, HEIRS + 1);
    for (int i = 0; i < HEIRS + 1; i++)
        assert_int_equal(places[i].fd, fd);
    assert_int_equal(found[0].known, OWNERS_MOST);
    assert_int_equal(found[0].oldest[0].pid, getpid());
    assert_int_equal(found[1].count, 0);
    close(fd);
    fill_descriptors(false);
}

/* What was seen is used again only as far as it still holds. */
static void owners_find_looks_again_where_an_owner_is_gone(void **state) {
    int end, high, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct owners first[2] = {{.inode = inode_of(fd)}, {.inode = UINT32_MAX}}, again[2];
    (void)state;
    owners_forget();
    pid_t child = spawn_heir(&end);
    owners_find(first, 2);
    assert_int_equal(first[0].count, 2);
    memcpy(again, first, sizeof again);
    owners_find(again, 2);
    assert_int_equal(again[0].count, 2);
    assert_int_equal(again[0].oldest[1].pid, child);
    assert_int_equal(again[1].search, first[1].search);
    close(end);
    waitpid(child, NULL, 0);
    owners_find(again, 2);
    assert_int_equal(again[0].count, 1);
    high = moved_up(fd, HIGH);
    owners_find(again, 2);
    assert_int_equal(again[0].count, 1);
    assert_int_equal(again[0].oldest[0].fd, high);
    close(high);
    owners_find(again, 2);
    assert_int_equal(again[0].count, 0);
}

/* What was located is not searched for again: there is nothing to see any more, but what is known
 * is still there. */
static void owners_locate_finds_all_for_later_questions(void **state) {
    enum { SOCKETS = 12 };
    uint32_t inodes[SOCKETS];
    int fds[SOCKETS], end;
    (void)state;
    owners_forget();
    fill_descriptors(true);
    for (int i = 0; i < SOCKETS; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (i % 2 == 0)
            fds[i] = moved_up(fds[i], HIGH);
        inodes[i] = inode_of(fds[i]);
    }
    pid_t child = spawn_heir(&end);
    owners_locate(inodes, SOCKETS, false);
    process_use_group(child); /* nobody's */
    for (int i = 0; i < SOCKETS; i++) {
        struct owners found = {.inode = inodes[i]};
        owners_find(&found, 1);
        assert_int_equal(found.count, 2);
        assert_int_equal(found.oldest[0].pid, getpid());
        assert_int_equal(found.oldest[0].fd, fds[i]);
        assert_int_equal(found.oldest[1].pid, child);
    }
    process_use_group(0);
    close(end);
    waitpid(child, NULL, 0);
    for (int i = 0; i < SOCKETS; i++)
        close(fds[i]);
    fill_descriptors(false);
    owners_forget();
}

/* A child process that writes a byte for each that it reads, and then sleeps. */
static pid_t spawn_echo(int to[2], int from[2]) {
    assert_int_equal(pipe(to), 0);
    assert_int_equal(pipe(from), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(to[1]);
        while (read(to[0], &byte, 1) == 1 && write(from[1], &byte, 1) == 1)
            continue;
        _exit(0);
    }
    return child;
}

/* Waits until it sleeps. Returns false where the kernel does not count. */
static bool wait_for_sleep(pid_t pid, struct process_runs *runs) {
    enum { TIMES = 2000 };
    struct timespec pause = {.tv_nsec = NS_PER_MS};
    for (int i = 0; i < TIMES && !process_sleeps(pid, runs); i++)
        nanosleep(&pause, NULL);
    return process_sleeps(pid, runs);
}

static void process_sleeps_tells_whether_it_has_run_since(void **state) {
    struct process_runs first, second, third;
    int to[2], from[2];
    char byte = 0;
    (void)state;
    pid_t child = spawn_echo(to, from);
    assert_true(write(to[1], &byte, 1) == 1 && read(from[0], &byte, 1) == 1);
    bool counted = wait_for_sleep(child, &first);
    assert_true(!counted || process_sleeps(child, &second));
    assert_true(write(to[1], &byte, 1) == 1 && read(from[0], &byte, 1) == 1);
    assert_true(!counted || wait_for_sleep(child, &third));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    for (int i = 0; i < 2; i++) {
        close(to[i]);
        close(from[i]);
    }
    if (!counted)
        skip();
    assert_memory_equal(&first, &second, sizeof first);
    assert_memory_not_equal(&first, &third, sizeof first);
    assert_false(process_sleeps(getpid(), &first)); /* it runs */
}

/* A child process finds what its parent has seen, and the processes that have come since. */
static void owners_look_ahead_serves_child_processes(void **state) {
    enum { STALE_MS = 350 };
    int end, status, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct owners socket = {.inode = inode_of(fd)};
    (void)state;
    owners_look_ahead();
    pid_t child = spawn_heir(&end);
    struct timespec stale = {.tv_nsec = (long)STALE_MS * NS_PER_MS};
    nanosleep(&stale, NULL);
    pid_t looker = fork();
    if (looker == 0) {
        close(fd); /* so that it is none of the owners itself */
        owners_find(&socket, 1);
        _exit(socket.count == 2 ? 0 : 1);
    }
    waitpid(looker, &status, 0);
    close(end);
    waitpid(child, NULL, 0);
    close(fd);
    assert_int_equal(status, 0);
}

/* A process with this command line, which ends when `*end` is closed. */
static pid_t spawn_command(char *const *arguments, int *end) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[0], STDIN_FILENO);
        close(STDERR_FILENO);
        close(ends[1]);
        execv("/bin/cat", arguments);
        _exit(127);
    }
    close(ends[0]);
    *end = ends[1];
    return child;
}

static void owner_read_shortens_a_command_between_words(void **state) {
    static char name[] = "cat", input[] = "-", blank[] = "0123456789";
    static char wide[] = "0123456789012345678901234567890123456789012345678901234567890123456789";
    char *many[] = {name, input, blank, blank, blank, blank, blank, blank, NULL};
    char *one[] = {wide, input, NULL};
    struct owner owner;
    char line[256];
    int end;
    (void)state;
    for (int i = 0; i < 2; i++) {
        pid_t child = spawn_command(i == 0 ? many : one, &end);
        /* exec() changes the name first, and the command line after it. */
        do
            process_read(child, "cmdline", line, sizeof line);
        while (strcmp(line, i == 0 ? "cat" : wide) != 0);
        assert_true(owner_read(child, &owner));
        close(end);
        waitpid(child, NULL, 0);
        assert_string_equal(owner.command,
                            i == 0 ? "cat - 0123456789 0123456789 0123456789 0123456789 ..."
                                   : "cat");
    }
}

/* The command line and the environment can have megabytes. */
static void what_stands_far_behind_is_found(void **state) {
    enum { LONG = 100 * 1024 };
    static char name[] = "cat", input[] = "-", wide[LONG + 1];
    char *arguments[] = {name, input, wide, input, NULL}, value[8] = "";
    ssize_t length;
    int end;
    (void)state;
    memset(wide, 'x', LONG);
    setenv("PORTREUSE_FIRST", wide, 1);
    setenv("PORTREUSE_LAST", "far", 1);
    pid_t child = spawn_command(arguments, &end);
    do { /* exec() changes the command line last */
        char *line;
        length = process_read_all(child, "cmdline", &line);
        free(line);
    } while (length != (ssize_t)(sizeof "cat" + sizeof wide + 2 * sizeof "-"));
    assert_true(owner_argument(child, 3, value, sizeof value));
    assert_string_equal(value, "-");
    assert_true(owner_variable(child, "PORTREUSE_LAST", value, sizeof value));
    assert_string_equal(value, "far");
    close(end);
    waitpid(child, NULL, 0);
    unsetenv("PORTREUSE_FIRST");
    unsetenv("PORTREUSE_LAST");
}

static void owner_read_of_a_process_that_is_gone(void **state) {
    struct owner owner;
    pid_t child = fork();
    (void)state;
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    assert_false(owner_read(child, &owner));
}

static void process_borrow_gives_the_socket_itself(void **state) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), end;
    uint32_t inode = inode_of(fd);
    (void)state;
    pid_t child = spawn_heir(&end);
    int borrowed = process_borrow(child, fd, inode);
    int error = errno;
    int wrong = process_borrow(child, fd, inode + 1);
    int wrong_error = errno;
    close(end);
    waitpid(child, NULL, 0);
    if (borrowed < 0 && (error == EPERM || error == ENOSYS))
        skip();
    assert_true(borrowed >= 0);
    assert_int_equal(inode_of(borrowed), inode);
    assert_int_equal(wrong, -1);
    assert_int_equal(wrong_error, ESTALE);
    close(borrowed);
    close(fd);
}

/* --- trials and namespaces, each in a child process --- */

static int try_binds(void) {
    const char *call;
    struct endpoint_pattern pattern;
    const char *at;
    endpoint_parse("127.0.0.1:2000", &pattern, &at);
    struct trial trial = {.local = pattern.endpoint};
    for (int i = 0; i < 2; i++) /* the first must have let go of the port */
        if (socket_trial(NETNS_HERE, &trial, &call) != 0)
            return 1;
    struct sockaddr_storage address;
    socklen_t size = endpoint_to_sockaddr(&pattern.endpoint, &address);
    int occupant = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(occupant, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(occupant, (struct sockaddr *)&address, size) < 0 || listen(occupant, 1) < 0)
        return 2;
    if (socket_trial(NETNS_HERE, &trial, &call) != EADDRINUSE || strcmp(call, "bind") != 0)
        return 3;
    trial.reuseaddr = true;
    if (socket_trial(NETNS_HERE, &trial, &call) != EADDRINUSE)
        return 4;
    trial.reuseport = true;
    if (socket_trial(NETNS_HERE, &trial, &call) != 0)
        return 5;
    endpoint_parse("192.0.2.1:2000", &pattern, &at);
    trial.local = pattern.endpoint;
    return socket_trial(NETNS_HERE, &trial, &call) == EADDRNOTAVAIL ? 0 : 6;
}

static bool count_one(void *context, const struct inet_socket *socket) {
    (void)socket;
    ++*(int *)context;
    return true;
}

static bool count_and_end(void *context, const struct inet_socket *socket) {
    count_one(context, socket);
    return false;
}

static int listen_on_2000(const char *address) {
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(2000)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, address, &local.sin_addr);
    return bind(fd, (struct sockaddr *)&local, sizeof local) < 0 ? -1 : listen(fd, 1);
}

/* Counts the sockets of port 2000 in these states. */
static int count_on_2000(struct sockets *sockets, uint32_t states, bool opener,
                         sockdiag_visit *visit) {
    struct diag_query query = sockdiag_query(states);
    int count = 0;
    query.local = (struct endpoint_pattern){.any_address = true, .endpoint = {.port = 2000}};
    query.opener = opener;
    return sockets_dump(sockets, &query, visit, &count) == 0 ? count : -1;
}

/* Returns 0 if a list of two of the three listeners serves whoever wants a fresh one for as long as
 * it took to make, and no longer. */
static int count_fresh(struct sockets *sockets, uint32_t states) {
    struct sockets_list *list = &sockets->memory->lists[0];
    while (sockets->memory->count > 1)
        free(sockets->memory->lists[--sockets->memory->count].sockets);
    sockets->fresh = true;
    list->ended_ns = units_now_ns();
    list->begun_ns = 0;
    int within = count_on_2000(sockets, states, false, count_one);
    list->begun_ns = list->ended_ns;
    int later = count_on_2000(sockets, states, false, count_one);
    sockets->fresh = false;
    return within == 2 && later == 3 ? 0 : 1;
}

/* The same question is answered as before, and one that is wider is not. */
static int list_with_memory(void) {
    const uint32_t listening = 1U << STATE_LISTEN, closing = 1U << STATE_CLOSING;
    struct sockets_memory memory = {0};
    struct sockets sockets = sockets_open(NETNS_HERE);
    sockets.memory = &memory;
    if (listen_on_2000("127.0.0.1") < 0 || listen_on_2000("127.0.0.2") < 0)
        return 1;
    if (count_on_2000(&sockets, listening | closing, false, count_and_end) != 1)
        return 2;
    if (count_on_2000(&sockets, listening | closing, false, count_one) != 2)
        return 3; /* what ended early was kept */
    if (listen_on_2000("127.0.0.3") < 0)
        return 4;
    if (count_on_2000(&sockets, listening | closing, false, count_one) != 2 ||
        count_on_2000(&sockets, listening, false, count_one) != 2 ||
        count_on_2000(&sockets, closing, false, count_one) != 0)
        return 5;
    if (count_on_2000(&sockets, listening, true, count_one) != 3 ||
        count_on_2000(&sockets, STATES_ANY, false, count_one) != 3)
        return 6;
    if (count_fresh(&sockets, listening) != 0)
        return 8;
    sockets_forget(&memory);
    if (count_on_2000(&sockets, listening, false, count_one) != 3)
        return 7;
    sockets_forget(&memory);
    sockets_close(&sockets);
    return 0;
}

static void sockets_dump_remembers_if_told(void **state) {
    (void)state;
    run_in_namespace(list_with_memory);
}

static void socket_trial_answers_as_bind_does(void **state) {
    (void)state;
    run_in_namespace(try_binds);
}

static int join_back(void) {
    struct namespace parent, here = namespaces_here();
    struct namespaces all;
    if (namespaces_all(&all) != 0 || all.count < 1 || all.list[0].inode != here.inode ||
        all.list[0].path[0] != '\0')
        return 1;
    for (size_t i = 1; i < all.count; i++)
        if (all.list[i].inode == here.inode)
            return 2;
    free(all.list);
    if (namespaces_named("/proc/self/ns/net", &parent) != 0 || parent.inode != here.inode)
        return 3;
    return namespaces_join(&parent) == 0 ? 0 : 4;
}

static void namespaces_knows_the_present_one_and_each_once(void **state) {
    (void)state;
    run_in_namespace(join_back);
}

static void namespaces_refuses_what_is_no_network_namespace(void **state) {
    struct namespace found;
    (void)state;
    assert_int_equal(namespaces_named("/proc/self/ns/pid", &found), EINVAL);
    assert_int_equal(namespaces_named("/proc/self/status", &found), EINVAL);
    assert_int_equal(namespaces_named("no-such-namespace", &found), ENOENT);
    assert_int_equal(namespaces_of_process(INT32_MAX, &found), ENOENT);
}

/* From outside: a child in a namespace of its own is found by its process id and can be joined. */
static void namespaces_join_goes_where_a_process_is(void **state) {
    char reason[NETNS_REASON_SIZE], told;
    struct namespace found;
    int ready[2], end[2];
    (void)state;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(end), 0);
    pid_t child = fork();
    if (child == 0) {
        close(end[1]);
        told = netns_enter(reason) == NETNS_REFUSED ? 'n' : 'y';
        _exit(write(ready[1], &told, 1) == 1 && read(end[0], &told, 1) == 0 ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &told, 1), 1);
    pid_t joiner = told == 'y' ? fork() : -1;
    if (joiner == 0)
        _exit(namespaces_of_process(child, &found) == 0 && namespaces_here().inode != found.inode &&
                      namespaces_join(&found) == 0 && namespaces_here().inode == found.inode
                  ? 0
                  : 1);
    int status = 1;
    if (joiner > 0)
        waitpid(joiner, &status, 0);
    close(end[1]);
    close(end[0]);
    close(ready[0]);
    close(ready[1]);
    waitpid(child, NULL, 0);
    if (told == 'n')
        skip();
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placement_text_knows_units_and_containers),
        cmocka_unit_test(placement_text_shortens_a_long_name),
        cmocka_unit_test(owners_find_lists_every_owner_the_oldest_first),
        cmocka_unit_test(owners_find_counts_a_process_once),
        cmocka_unit_test(owners_find_looks_into_one_process_group_alone_if_told),
        cmocka_unit_test(owners_find_gives_each_socket_its_owner_at_high_descriptors),
        cmocka_unit_test(owners_find_counts_more_than_it_lists),
        cmocka_unit_test(owners_find_looks_again_where_an_owner_is_gone),
        cmocka_unit_test(owners_locate_finds_all_for_later_questions),
        cmocka_unit_test(process_sleeps_tells_whether_it_has_run_since),
        cmocka_unit_test(owners_look_ahead_serves_child_processes),
        cmocka_unit_test(owner_read_shortens_a_command_between_words),
        cmocka_unit_test(what_stands_far_behind_is_found),
        cmocka_unit_test(owner_read_of_a_process_that_is_gone),
        cmocka_unit_test(process_borrow_gives_the_socket_itself),
        cmocka_unit_test(sockets_dump_remembers_if_told),
        cmocka_unit_test(socket_trial_answers_as_bind_does),
        cmocka_unit_test(namespaces_knows_the_present_one_and_each_once),
        cmocka_unit_test(namespaces_refuses_what_is_no_network_namespace),
        cmocka_unit_test(namespaces_join_goes_where_a_process_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
