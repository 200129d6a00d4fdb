/* budgets PORTREUSE [--as-user] [--random SEED COUNT] [NAME...]: asks `portreuse budget` in many
 * set-ups, connects until it fails, and compares the two numbers. Each set-up is a text, made in a
 * network namespace of its own; one line of TAP for each.
 *
 *   range LOW HIGH; reserved LIST; sysctl NAME VALUE   settings of net.ipv4
 *   psysctl NAME VALUE     the same in the namespace at the other end of the veth pair
 *   listen ADDRESS; plisten ADDRESS; unlisten          here, at the other end; the last one ends
 *   connect N ADDRESS HOW  N connections; HOW is any of: from ADDRESS (no port), ports PORT (bind()
 *                          to PORT and the next ones), bind0 (bind() to port 0), dev NAME, reuse,
 *                          reuseport, mptcp, own LOW HIGH (IP_LOCAL_PORT_RANGE)
 *   close client; close server; leave client; leave server   of the last connections: both ends
 *                          close, this one first; or only this one does
 *   dial N ADDRESS HOW     N calls of connect() that nobody waits for
 *   disconnect             the last connections' clients call connect() with AF_UNSPEC
 *   bind N ADDRESS HOW     N idle sockets, on this port and the next ones; HOW can be v6only, too
 *   wait MS
 *
 * The question is `ADDRESS HOW`, too, where HOW can also be tw (--try-time-wait), and each LOW HIGH
 * (--range: bind() to each port). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "kernel/netns.h"
#include "kernel/sysctl.h"
#include "kernel/time_wait.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

enum { MOST = 400, WORDS = 24, OTHER_USER = 65534 };

/* --- one set-up --- */

static struct {
    struct netns peer;
    int listeners[MOST], clients[MOST], servers[MOST], others[MOST];
    int listener_count, count, first, other_count;
} made;

static void need(bool good, const char *what) {
    if (good)
        return;
    printf("# %s: %s\n", what, strerror(errno));
    fflush(stdout);
    _exit(3);
}

static struct endpoint at(const char *text) {
    struct endpoint_pattern pattern;
    const char *where;
    errno = EINVAL;
    need(endpoint_parse(text, &pattern, &where) == NULL, text);
    return pattern.endpoint;
}

/* The number that the word must be. */
static int value(const char *word) {
    char *rest;
    errno = EINVAL;
    need(word != NULL, "a number is missing");
    long found = strtol(word, &rest, 10);
    need(rest != word && *rest == '\0', word);
    return (int)found;
}

/* How a client makes a connection. */
struct how {
    struct endpoint from; /* family 0: no bind() */
    bool bind0, reuse, reuseport, v6only, mptcp, ends_time_wait;
    int ports; /* the first port for bind(), or 0 */
    const char *device;
    unsigned low, high;
    int each, last; /* bind() to each port of this range, or 0 */
};

static struct how read_how(char **words) {
    struct how how = {.ports = 0};
    for (; *words != NULL; words++) {
        if (strcmp(*words, "from") == 0 && words[1] != NULL) {
            char text[80];
            bool six = strchr(*++words, ':') != NULL;
            snprintf(text, sizeof text, six ? "[%s]:0" : "%s:0", *words);
            how.from = at(text);
        } else if (strcmp(*words, "ports") == 0) {
            how.ports = value(*++words);
        } else if (strcmp(*words, "dev") == 0) {
            how.device = *++words;
        } else if (strcmp(*words, "own") == 0) {
            how.low = (unsigned)value(*++words);
            how.high = (unsigned)value(*++words);
        } else if (strcmp(*words, "each") == 0) {
            how.each = value(*++words);
            how.last = value(*++words);
        } else if (strcmp(*words, "bind0") == 0) {
            how.bind0 = true;
        } else if (strcmp(*words, "reuse") == 0) {
            how.reuse = true;
        } else if (strcmp(*words, "tw") == 0) {
            how.ends_time_wait = true;
        } else if (strcmp(*words, "reuseport") == 0) {
            how.reuseport = true;
        } else if (strcmp(*words, "v6only") == 0) {
            how.v6only = true;
        } else if (strcmp(*words, "mptcp") == 0) {
            how.mptcp = true;
        } else {
            errno = EINVAL;
            need(false, *words);
        }
    }
    return how;
}

static void set(int fd, int level, int option, unsigned number) {
    need(setsockopt(fd, level, option, &number, sizeof number) == 0, "setsockopt");
}

/* A socket for connect() to `to`, number `index` of its kind; -1 if bind() fails. */
static int client(const struct endpoint *to, const struct how *how, int index) {
    struct sockaddr_storage address;
    int fd = socket(to->family, SOCK_STREAM | SOCK_CLOEXEC, how->mptcp ? IPPROTO_MPTCP : 0);
    if (fd < 0 && how->mptcp) /* an older kernel, or switched off */
        _exit(77);
    need(fd >= 0, "socket");
    if (how->reuse)
        set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (how->reuseport)
        set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (how->v6only)
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (how->device != NULL)
        need(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, how->device,
                        (socklen_t)strlen(how->device)) == 0,
             "SO_BINDTODEVICE");
    if (how->high != 0 || how->low != 0)
        set(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, how->high << 16 | how->low);
    struct endpoint from = how->from;
    if (from.family == 0 && (how->bind0 || how->ports != 0))
        from = endpoint_wildcard(to->family, 0);
    if (from.family == 0)
        return fd;
    if (from.family == AF_INET && to->family == AF_INET6)
        from = endpoint_mapped(&from);
    if (how->ports != 0)
        from.port = (uint16_t)(how->ports + index);
    else if (!how->bind0)
        set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    socklen_t size = endpoint_to_sockaddr(&from, &address);
    if (bind(fd, (struct sockaddr *)&address, size) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int connects(int fd, const struct endpoint *to) {
    struct sockaddr_storage address;
    socklen_t size = endpoint_to_sockaddr(to, &address);
    return connect(fd, (struct sockaddr *)&address, size);
}

static int listener(struct netns ns, const struct endpoint *local) {
    struct sockaddr_storage address;
    socklen_t size = endpoint_to_sockaddr(local, &address);
    int fd = netns_socket(ns, local->family, SOCK_STREAM, 0);
    need(fd >= 0, "socket");
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    need(bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 4096) == 0, "listen");
    return fd;
}

static void op_connect(int count, const char *to_text, const struct how *how) {
    struct endpoint to = at(to_text);
    made.first = made.count;
    for (int i = 0; i < count; i++) {
        int fd = client(&to, how, i);
        need(fd >= 0, "bind");
        need(connects(fd, &to) == 0, "connect");
        int server = -1;
        /* Which listener has it? The last one that accepts. */
        for (int k = made.listener_count; server < 0 && k-- > 0;) {
            fcntl(made.listeners[k], F_SETFL, O_NONBLOCK);
            server = accept4(made.listeners[k], NULL, NULL, SOCK_CLOEXEC);
        }
        for (int tries = 0; server < 0 && tries < 2000; tries++) {
            usleep(1000);
            for (int k = made.listener_count; server < 0 && k-- > 0;)
                server = accept4(made.listeners[k], NULL, NULL, SOCK_CLOEXEC);
        }
        need(server >= 0, "accept");
        made.clients[made.count] = fd;
        made.servers[made.count++] = server;
    }
}

static void op_dial(int count, const char *to_text, const struct how *how) {
    struct endpoint to = at(to_text);
    for (int i = 0; i < count; i++) {
        int fd = client(&to, how, i);
        need(fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "bind");
        need(connects(fd, &to) == 0 || errno == EINPROGRESS, "connect");
        made.others[made.other_count++] = fd;
    }
}

static void op_disconnect(void) {
    static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    for (int i = made.first; i < made.count; i++)
        need(connect(made.clients[i], &nowhere, sizeof nowhere) == 0, "disconnect");
    usleep(20000);
}

static void op_close(bool client_first, bool both) {
    for (int i = made.first; i < made.count; i++) {
        close(client_first ? made.clients[i] : made.servers[i]);
        if (both) {
            usleep(200);
            close(client_first ? made.servers[i] : made.clients[i]);
        }
    }
    usleep(20000);
}

static void op_bind(int count, const char *text, const struct how *how) {
    struct how fixed = *how;
    struct endpoint local = at(text);
    fixed.from = local;
    fixed.ports = local.port;
    fixed.bind0 = local.port == 0;
    for (int i = 0; i < count; i++) {
        made.others[made.other_count] = client(&local, &fixed, i);
        need(made.others[made.other_count++] >= 0, "bind");
    }
}

static void run(const char *command) {
    int status = 1;
    pid_t pid = fork();
    need(pid >= 0, "fork");
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    need(waitpid(pid, &status, 0) == pid && status == 0, command);
}

/* A namespace at the other end of a veth pair. */
static void op_veth(void) {
    int ready[2];
    char byte, text[64], command[512];
    need(pipe2(ready, O_CLOEXEC) == 0, "pipe");
    pid_t pid = fork();
    need(pid >= 0, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        need(unshare(CLONE_NEWNET) == 0, "unshare");
        need(write(ready[1], "r", 1) == 1, "write");
        for (;;)
            pause();
    }
    need(read(ready[0], &byte, 1) == 1, "read");
    snprintf(text, sizeof text, "/proc/%d/ns/net", (int)pid);
    made.peer.fd = open(text, O_RDONLY | O_CLOEXEC);
    need(made.peer.fd >= 0, "open");
    snprintf(command, sizeof command,
             "ip link add v0 type veth peer name v1 netns %d && ip link set v0 up && "
             "ip addr add 10.0.0.1/24 dev v0 && ip addr add 10.0.0.11/24 dev v0 && "
             "{ ip addr add fd00::1/64 dev v0 nodad && ip addr add fd00::11/64 dev v0 nodad || "
             "true; } 2>/dev/null",
             (int)pid);
    run(command);
    int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    need(setns(made.peer.fd, CLONE_NEWNET) == 0, "setns");
    run("ip link set lo up && ip link set v1 up && ip addr add 10.0.0.2/24 dev v1 && "
        "ip addr add 10.0.0.12/24 dev v1 && { ip addr add fd00::2/64 dev v1 nodad || true; } "
        "2>/dev/null");
    need(setns(here, CLONE_NEWNET) == 0, "setns");
    close(here);
}

static void op_sysctl(struct netns ns, const char *name, const char *setting) {
    char whole[96];
    snprintf(whole, sizeof whole, "net.ipv4.%s", name);
    errno = sysctl_write(ns, whole, setting);
    if (errno == ENOENT) /* an older kernel */
        _exit(77);
    need(errno == 0, whole);
}

static void do_op(char **words) {
    if (words[0] == NULL)
        return;
    char text[64];
    if (strcmp(words[0], "range") == 0) {
        snprintf(text, sizeof text, "%s %s", words[1], words[2]);
        op_sysctl(NETNS_HERE, "ip_local_port_range", text);
    } else if (strcmp(words[0], "reserved") == 0) {
        op_sysctl(NETNS_HERE, "ip_local_reserved_ports", words[1]);
    } else if (strcmp(words[0], "sysctl") == 0) {
        op_sysctl(NETNS_HERE, words[1], words[2]);
    } else if (strcmp(words[0], "psysctl") == 0) {
        op_sysctl(made.peer, words[1], words[2]);
    } else if (strcmp(words[0], "veth") == 0) {
        op_veth();
    } else if (strcmp(words[0], "listen") == 0 || strcmp(words[0], "plisten") == 0) {
        struct endpoint local = at(words[1]);
        made.listeners[made.listener_count++] =
            listener(words[0][0] == 'p' ? made.peer : NETNS_HERE, &local);
    } else if (strcmp(words[0], "unlisten") == 0) {
        close(made.listeners[--made.listener_count]);
    } else if (strcmp(words[0], "connect") == 0) {
        struct how how = read_how(words + 3);
        op_connect(value(words[1]), words[2], &how);
    } else if (strcmp(words[0], "dial") == 0) {
        struct how how = read_how(words + 3);
        op_dial(value(words[1]), words[2], &how);
    } else if (strcmp(words[0], "disconnect") == 0) {
        op_disconnect();
    } else if (strcmp(words[0], "close") == 0 || strcmp(words[0], "leave") == 0) {
        op_close(words[1] != NULL && strcmp(words[1], "client") == 0, words[0][0] == 'c');
    } else if (strcmp(words[0], "bind") == 0) {
        struct how how = read_how(words + 3);
        op_bind(value(words[1]), words[2], &how);
    } else if (strcmp(words[0], "wait") == 0) {
        usleep((useconds_t)value(words[1]) * 1000);
    } else if (strcmp(words[0], "run") == 0) {
        char command[256] = "";
        for (int i = 1; i < WORDS && words[i] != NULL; i++) {
            size_t used = strlen(command);
            snprintf(command + used, sizeof command - used, "%s ", words[i]);
        }
        run(command);
    } else {
        errno = EINVAL;
        need(false, words[0]);
    }
}

static int split(char *text, char **words) {
    int count = 0;
    for (char *state, *word = strtok_r(text, " ", &state); word != NULL && count < WORDS;
         word = strtok_r(NULL, " ", &state))
        words[count++] = word;
    words[count] = NULL;
    return count;
}

/* --- asking and connecting --- */

struct told {
    long least, most;
    char summary[128];
};

static long number_of(const char *text, const char *key) {
    const char *found = strstr(text, key);
    return found == NULL ? -1 : strtol(found + strlen(key), NULL, 10);
}

static void drop(bool as_user) {
    if (as_user)
        need(setresgid(OTHER_USER, OTHER_USER, OTHER_USER) == 0 &&
                 setresuid(OTHER_USER, OTHER_USER, OTHER_USER) == 0,
             "setresuid");
}

static void ask(const char *portreuse, const char *to, const struct how *how, bool as_user,
                struct told *told) {
    char from[ENDPOINT_TEXT_SIZE], range[32], answer[65536];
    const char *argv[20] = {portreuse, "budget", "--format", "json", "--interval", "0"};
    int argc = 6, ends[2];
    if (how->from.family != 0) {
        argv[argc++] = "--from";
        argv[argc++] = inet_ntop(how->from.family, how->from.address, from, sizeof from);
    }
    if (how->bind0)
        argv[argc++] = "--bind";
    if (how->ends_time_wait)
        argv[argc++] = "--try-time-wait";
    if (how->device != NULL) {
        argv[argc++] = "--device";
        argv[argc++] = how->device;
    }
    if (how->each != 0) {
        snprintf(range, sizeof range, "%d-%d", how->each, how->last);
        argv[argc++] = "--range";
        argv[argc++] = range;
    }
    if (how->reuse)
        argv[argc++] = "--reuse-addr";
    if (how->high != 0 || how->low != 0) {
        snprintf(range, sizeof range, "%u-%u", how->low, how->high);
        argv[argc++] = "--port-range";
        argv[argc++] = range;
    }
    argv[argc++] = to;
    need(pipe(ends) == 0, "pipe");
    pid_t pid = fork();
    if (pid == 0) {
        drop(as_user);
        dup2(ends[1], STDOUT_FILENO);
        execv(portreuse, (char **)argv);
        _exit(127);
    }
    close(ends[1]);
    size_t used = 0;
    ssize_t got;
    while ((got = read(ends[0], answer + used, sizeof answer - 1 - used)) > 0)
        used += (size_t)got;
    close(ends[0]);
    waitpid(pid, NULL, 0);
    answer[used] = '\0';
    const char *routes = strstr(answer, "\"destinations\"");
    told->least = routes == NULL ? -1 : number_of(routes, "\"left_least\": ");
    told->most = routes == NULL ? -1 : number_of(routes, "\"left_most\": ");
    const char *summary = strstr(answer, "\"summary\": \"");
    snprintf(told->summary, sizeof told->summary, "%.*s",
             summary == NULL ? 0 : (int)strcspn(summary + 12, "\""),
             summary == NULL ? "" : summary + 12);
}

/* Counts the connections that succeed, port by port. */
static long connect_each(const struct endpoint *to, const struct how *how) {
    struct how one = *how;
    long count = 0;
    for (int port = how->each; port <= how->last; port++) {
        one.ports = port;
        int fd = client(to, &one, 0);
        if (fd < 0)
            continue;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        count += connects(fd, to) == 0 || errno == EINPROGRESS;
    }
    return count;
}

/* Returns how many connections succeed until one fails. */
static long connect_all(const char *to_text, const struct how *how, bool as_user) {
    int ends[2];
    long count = 0;
    need(pipe(ends) == 0, "pipe");
    pid_t pid = fork();
    if (pid == 0) {
        struct endpoint to = at(to_text);
        drop(as_user);
        if (how->each != 0)
            count = connect_each(&to, how);
        for (; how->each == 0 && count < MOST; count++) {
            int fd = client(&to, how, (int)count);
            if (fd < 0)
                break;
            fcntl(fd, F_SETFL, O_NONBLOCK);
            if (connects(fd, &to) < 0 && errno != EINPROGRESS && errno != ECONNREFUSED)
                break;
        }
        need(write(ends[1], &count, sizeof count) == sizeof count, "write");
        _exit(0);
    }
    close(ends[1]);
    need(read(ends[0], &count, sizeof count) == sizeof count, "read");
    close(ends[0]);
    waitpid(pid, NULL, 0);
    return count;
}

/* --- the table --- */

/* In which set-ups the answer may be a range of numbers. */
enum certainty {
    CERTAIN,   /* in none */
    BY_CHANCE, /* as chance decides */
    BY_STAMPS, /* if whoever asks cannot read in the kernel who had TCP timestamps */
    IF_READ,   /* the set-up is for those alone who can */
};

struct setup {
    const char *name, *make, *question;
    enum certainty certainty;
};

/* Root of the host can, on Linux 5.8. */
static bool can_read_stamps(bool as_user) {
    struct endpoint any = endpoint_wildcard(AF_INET, 0);
    struct time_wait_route route = {.local = any, .remote = any};
    return !as_user && time_wait_stamps(&route, 1) == 0;
}

#include "budgets.h"

/* Runs one in this process, which is its own. Returns whether the numbers agree. */
static int judge(const char *portreuse, const struct setup *setup, bool as_user) {
    char text[2048], question[256], reason[NETNS_REASON_SIZE], *words[WORDS + 1] = {NULL};
    made.peer.fd = -1;
    if (netns_enter(reason) == NETNS_REFUSED)
        return 77;
    bool reads = can_read_stamps(as_user);
    snprintf(text, sizeof text, "range 40000 40019;%s", setup->make);
    for (char *state, *op = strtok_r(text, ";", &state); op != NULL;
         op = strtok_r(NULL, ";", &state))
        if (split(op, words) > 0)
            do_op(words);
    snprintf(question, sizeof question, "%s", setup->question);
    split(question, words);
    struct how how = read_how(words + 1);
    struct told told = {0};
    ask(portreuse, words[0], &how, as_user, &told);
    long got = connect_all(words[0], &how, as_user);
    bool may_vary = setup->certainty == BY_CHANCE || (setup->certainty == BY_STAMPS && !reads);
    bool right = told.least <= got && got <= told.most && (may_vary || told.least == told.most);
    printf("# told %ld to %ld, connected %ld: %s\n", told.least, told.most, got, told.summary);
    if (!right)
        printf("# %s\n# asked: %s\n", setup->make, setup->question);
    return right ? 0 : 1;
}

/* Several set-ups are made at once, as most of the time is waiting. */
enum { AT_ONCE = 6 };

static struct running {
    pid_t pid;
    FILE *output;
    char name[96];
} running[AT_ONCE];

static int number, started, failures;

static void start(const char *portreuse, const struct setup *setup, bool as_user) {
    struct running *slot = &running[started++ % AT_ONCE];
    fflush(stdout);
    snprintf(slot->name, sizeof slot->name, "%s%s", setup->name,
             as_user ? ", as an ordinary user" : "");
    slot->output = tmpfile();
    need(slot->output != NULL, "tmpfile");
    slot->pid = fork();
    need(slot->pid >= 0, "fork");
    if (slot->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(fileno(slot->output), STDOUT_FILENO);
        int status = judge(portreuse, setup, as_user);
        fflush(stdout);
        _exit(status);
    }
}

/* Waits for the oldest that runs, and prints what it said. */
static void end(void) {
    struct running *slot = &running[number % AT_ONCE];
    int status = 1, byte;
    waitpid(slot->pid, &status, 0);
    rewind(slot->output);
    while ((byte = getc(slot->output)) != EOF)
        putchar(byte);
    fclose(slot->output);
    bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == 77;
    bool good = skipped || status == 0;
    failures += !good;
    printf("%sok %d - %s%s\n", good ? "" : "not ", ++number, slot->name,
           skipped ? " # SKIP it cannot be made here" : "");
}

static void run_setup(const char *portreuse, const struct setup *setup, bool as_user) {
    if (setup->certainty == IF_READ && !can_read_stamps(as_user)) {
        printf("# not run: %s: only root of the host can read who had timestamps\n", setup->name);
        return;
    }
    if (started - number == AT_ONCE)
        end();
    start(portreuse, setup, as_user);
}

static bool is_named(int count, char **names, const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return count == 0;
}

int main(int argc, char **argv) {
    bool as_user = false;
    int at_word = 2;
    if (argc < 2)
        return 2;
    if (at_word < argc && strcmp(argv[at_word], "--as-user") == 0) {
        as_user = true;
        at_word++;
    }
    if (at_word + 2 < argc && strcmp(argv[at_word], "--random") == 0) {
        srandom((unsigned)value(argv[at_word + 1]));
        for (int i = value(argv[at_word + 2]); i > 0; i--) {
            struct setup setup = random_setup();
            run_setup(argv[1], &setup, as_user);
        }
    } else {
        for (size_t i = 0; i < sizeof setups / sizeof setups[0]; i++)
            if (is_named(argc - at_word, argv + at_word, setups[i].name))
                run_setup(argv[1], &setups[i], as_user);
    }
    while (number < started)
        end();
    printf("1..%d\n", number);
    return failures == 0 ? 0 : 1;
}
