/* `why --as client` and connect(), side by side: in random set-ups of sockets on a few ports, what
 * why_look() says must be what connect() then answers, and the look must change nothing.
 *
 * PORTREUSE_SEED and PORTREUSE_ROUNDS choose other set-ups, and more of them. A set-up that fails
 * is told by its number, with which it can be repeated: PORTREUSE_SEED=NUMBER PORTREUSE_ROUNDS=1.
 */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errnames.h"
#include "diagnose/why.h"
#include "kernel/netdev.h"
#include "kernel/netns.h"
#include "kernel/process.h"
#include "kernel/sockdiag.h"
#include "kernel/sysctl.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

enum { FIRST_PORT = 40000, FIXED_PORT = 5000, SERVERS = 2, NARRATIVE = 4000, SKIPPED = 77 };

/* Shared with the child process that lives through a set-up. */
static struct shared {
    char story[NARRATIVE];
    size_t used;
    unsigned long asked, refused, taken, silent_hosts;
} * shared;

/* --- chance --- */

static uint64_t chance;

static unsigned below(unsigned count) {
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (unsigned)((chance >> 11) % count);
}

static bool one_in(unsigned count) {
    return below(count) == 0;
}

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void tell(const char *format, ...) {
    va_list values;
    va_start(values, format);
    int size = vsnprintf(shared->story + shared->used, NARRATIVE - shared->used, format, values);
    va_end(values);
    shared->used += (size_t)size < NARRATIVE - shared->used ? (size_t)size : 0;
}

static struct endpoint at(const char *address, unsigned port) {
    char text[ENDPOINT_TEXT_SIZE];
    struct endpoint_pattern pattern;
    const char *where;
    snprintf(text, sizeof text, strchr(address, ':') != NULL ? "[%s]:%u" : "%s:%u", address, port);
    if (endpoint_parse(text, &pattern, &where) != NULL)
        abort();
    return pattern.endpoint;
}

/* --- the set-up --- */

struct setup {
    unsigned ports;       /* of the range */
    struct endpoint last; /* where the last connection went, family 0: there is none */
    int servers[SERVERS];
    struct endpoint server[SERVERS];
    bool ipv6;
};

/* The IPv4 addresses that a client can have. */
static const char *const sources[] = {"127.0.0.1", "127.0.0.2", "198.51.100.1"};

static struct endpoint some_source(const struct endpoint *remote, unsigned port) {
    if (remote->family == AF_INET6 && !endpoint_is_mapped(remote))
        return at("::1", port);
    struct endpoint source = at(sources[below(3)], port);
    return remote->family == AF_INET6 ? endpoint_mapped(&source) : source;
}

static void set_number(const char *name, unsigned value) {
    char text[16];
    snprintf(text, sizeof text, "%u", value);
    if (sysctl_write(NETNS_HERE, name, text) == 0)
        tell("sysctl %s=%u\n", name, value);
}

/* The range has an even number of ports, or one: of an odd number connect() leaves one out, by
 * chance. */
static void choose_settings(struct setup *setup) {
    static const unsigned sizes[] = {1, 2, 2, 4, 4, 6};
    char text[32];
    setup->ports = sizes[below(6)];
    snprintf(text, sizeof text, "%u %u", FIRST_PORT, FIRST_PORT + setup->ports - 1);
    sysctl_write(NETNS_HERE, "net.ipv4.ip_local_port_range", text);
    tell("range %s\n", text);
    set_number("net.ipv4.tcp_tw_reuse", 0); /* while there are sockets to make */
    if (one_in(4))
        set_number("net.ipv4.tcp_timestamps", 0);
    if (one_in(6))
        set_number("net.ipv4.ip_autobind_reuse", 1);
    if (one_in(5)) {
        snprintf(text, sizeof text, "%u", FIRST_PORT + below(setup->ports));
        sysctl_write(NETNS_HERE, "net.ipv4.ip_local_reserved_ports", text);
        tell("reserved %s\n", text);
    }
}

static void choose_reuse(void) {
    set_number("net.ipv4.tcp_tw_reuse", below(3));
    set_number("net.ipv4.tcp_tw_reuse_delay", one_in(3) ? 60000 : 1);
}

static int new_socket(const struct endpoint *like, bool reuseaddr) {
    int fd = socket(like->family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd >= 0 && reuseaddr)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return fd;
}

static int bind_to(int fd, const struct endpoint *endpoint) {
    struct sockaddr_storage address;
    socklen_t size = endpoint_to_sockaddr(endpoint, &address);
    return bind(fd, (struct sockaddr *)&address, size);
}

static int connect_to(int fd, const struct endpoint *endpoint) {
    struct sockaddr_storage address;
    socklen_t size = endpoint_to_sockaddr(endpoint, &address);
    return connect(fd, (struct sockaddr *)&address, size);
}

static void start_servers(struct setup *setup) {
    for (unsigned i = 0; i < SERVERS; i++) {
        struct endpoint endpoint = setup->ipv6 ? at("::", 80 + i) : at("0.0.0.0", 80 + i);
        setup->servers[i] = new_socket(&endpoint, true);
        if (bind_to(setup->servers[i], &endpoint) < 0 || listen(setup->servers[i], 64) < 0)
            abort();
    }
}

/* Where a client goes: to a server, by one of the addresses of this host, or by an IPv6 socket. */
static struct endpoint some_destination(const struct setup *setup) {
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.1",        "198.51.100.1",
                                        "127.0.0.3", "::ffff:127.0.0.1", "::1"};
    return at(hosts[below(setup->ipv6 ? 6 : 4)], 80 + below(SERVERS));
}

/* How a client gets its port. */
enum { BY_CONNECT, BY_BIND_ZERO, BY_NUMBER, WAYS };

static void name_way(unsigned way, const struct endpoint *local) {
    char text[ENDPOINT_TEXT_SIZE];
    if (way != BY_CONNECT)
        tell(" from %s", endpoint_text(local, text));
}

/* Opens a connection in this way, and leaves it in some state. Returns false if it cannot. */
static bool add_connection(struct setup *setup, struct endpoint to, unsigned way, unsigned end) {
    static const char *const ends[] = {"stays", "TIME-WAIT", "TIME-WAIT", "CLOSE-WAIT",
                                       "FIN-WAIT-2"};
    char text[ENDPOINT_TEXT_SIZE];
    unsigned port = way == BY_BIND_ZERO ? 0
                    : one_in(3)         ? FIXED_PORT
                                        : FIRST_PORT + below(setup->ports);
    struct endpoint local = some_source(&to, port);
    bool reuseaddr = one_in(2);
    int fd = new_socket(&to, reuseaddr), accepted;
    if ((way != BY_CONNECT && bind_to(fd, &local) < 0) || connect_to(fd, &to) < 0) {
        close(fd);
        return false;
    }
    setup->last = to;
    accepted = accept(setup->servers[to.port - 80], NULL, NULL);
    tell("connection to %s", endpoint_text(&to, text));
    name_way(way, &local);
    tell("%s: %s\n", reuseaddr ? " SO_REUSEADDR" : "", ends[end]);
    if (end == 1 || end == 2) {
        close(fd);
        close(accepted);
    } else if (end == 3) {
        close(accepted);
    } else if (end == 4) {
        close(fd);
    }
    return true;
}

static void add_bound(const struct setup *setup, bool listens) {
    char text[ENDPOINT_TEXT_SIZE];
    struct endpoint local = at(sources[below(2)], FIRST_PORT + below(setup->ports));
    bool reuseaddr = one_in(2);
    int fd = new_socket(&local, reuseaddr);
    if (bind_to(fd, &local) < 0 || (listens && listen(fd, 4) < 0)) {
        close(fd);
        return;
    }
    tell("%s on %s%s\n", listens ? "listener" : "bound", endpoint_text(&local, text),
         reuseaddr ? " SO_REUSEADDR" : "");
}

/* Fills the range towards one destination, if that can be done. */
static void add_crowd(struct setup *setup) {
    struct endpoint to = some_destination(setup);
    unsigned way = one_in(3) ? BY_BIND_ZERO : BY_CONNECT, end = one_in(3) ? below(5) : 1;
    for (unsigned i = 0; i < setup->ports && add_connection(setup, to, way, end); i++)
        continue;
}

static void add_sockets(struct setup *setup) {
    for (unsigned left = below(8); left > 0; left--)
        if (one_in(6))
            add_bound(setup, one_in(2));
        else if (one_in(2))
            add_crowd(setup);
        else
            add_connection(setup, some_destination(setup), below(WAYS), below(5));
    usleep(2000); /* the last segments arrive */
}

/* --- the question --- */

static struct why_question some_question(const struct setup *setup) {
    bool again = setup->last.family != 0 && one_in(2);
    struct why_question question = {.remote = again ? setup->last : some_destination(setup)};
    if (again && one_in(2)) /* whatever has the ports has them for this */
        return question;
    if (one_in(8))
        question.remote.port = 99; /* nobody listens there */
    if (one_in(10))
        question.remote = at("198.51.100.77", 80);
    if (one_in(12))
        question.remote = at("203.0.113.1", 80);
    if (one_in(10))
        question.remote = at("0.0.0.0", 80);
    unsigned way = below(WAYS + 1);
    if (way != BY_CONNECT)
        question.local =
            some_source(&question.remote, way != BY_NUMBER ? 0
                                          : one_in(2)      ? FIXED_PORT
                                                           : FIRST_PORT + below(setup->ports));
    question.no_port = way == WAYS;
    question.reuseaddr = way == BY_NUMBER && one_in(2);
    if (one_in(6)) {
        question.range_low = (uint16_t)(FIRST_PORT + 2 * below(setup->ports / 2 + 1));
        question.range_high = (uint16_t)(question.range_low + (one_in(2) ? 0 : 1));
    }
    return question;
}

static void tell_question(const struct why_question *question) {
    char text[ENDPOINT_TEXT_SIZE];
    tell("asked: %s", endpoint_text(&question->remote, text));
    if (question->local.family != 0)
        tell(" from %s", endpoint_text(&question->local, text));
    tell("%s%s", question->no_port ? " no-port" : "", question->reuseaddr ? " SO_REUSEADDR" : "");
    if (question->range_low != 0)
        tell(" range %u-%u", question->range_low, question->range_high);
    tell("\n");
}

/* --- what the program itself would meet --- */

struct met {
    int error;
    const char *call;
    struct endpoint from;
    int later; /* what the handshake came to, within this host; EINPROGRESS: nothing yet */
};

static void set_question(int fd, const struct why_question *question) {
    const int on = 1;
    uint32_t range = (uint32_t)question->range_high << 16 | question->range_low;
    if (question->no_port)
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (range != 0)
        setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof range);
}

static struct met meet(const struct why_question *question) {
    struct met met = {.call = "bind"};
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int fd = new_socket(&question->remote, question->reuseaddr);
    set_question(fd, question);
    if (question->local.family != 0 && bind_to(fd, &question->local) < 0)
        met.error = errno;
    if (met.error == 0) {
        met.call = "connect";
        int error = 0;
        /* Not to wait for a host that does not answer. */
        struct timeval soon = {.tv_usec = 20000};
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
        if (connect_to(fd, &question->remote) < 0)
            error = errno;
        met.later = error;
        met.error = error == EINPROGRESS || error == ECONNREFUSED ? 0 : error;
    }
    if (met.error == 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        met.from = endpoint_from_sockaddr(&address);
    close(fd);
    return met;
}

/* --- side by side --- */

static bool count_waiting(void *context, const struct inet_socket *socket) {
    *(unsigned *)context += socket->inode == 0;
    return true;
}

/* Counts what is in TIME-WAIT, or an orphan. */
static unsigned remnants(void) {
    unsigned count = 0;
    struct diag_query query = sockdiag_query(1U << STATE_TIME_WAIT | 1U << STATE_FIN_WAIT_2);
    int diag = sockdiag_open(NETNS_HERE);
    if (diag < 0 || sockdiag_dump(diag, &query, count_waiting, &count) != 0)
        abort();
    close(diag);
    return count;
}

static void tell_why(const struct why *why) {
    char name[ERRNAME_SIZE], text[ENDPOINT_TEXT_SIZE];
    tell("why: %s %s %s, from %s, %s%s%s\n",
         why->verdict == WHY_FREE      ? "FREE"
         : why->verdict == WHY_REFUSED ? "REFUSED"
                                       : "UNKNOWN",
         errname(why->error, name), why->call == NULL ? "-" : why->call,
         endpoint_text(&why->client.from, text), why->client.tried ? "tried" : "counted",
         why->client.takes_time_wait ? ", takes TIME-WAIT" : "",
         why->client.listens == KNOWN_NO ? ", nobody listens" : "");
}

static bool agrees(const struct why *why, const struct met *met) {
    if (met->error != 0)
        return why->verdict == WHY_REFUSED && why->error == met->error &&
               strcmp(why->call, met->call) == 0;
    /* The device has no carrier: a call that begins well fails in the end. */
    if (why->client.path.fault == PATH_NO_CARRIER && why->client.route_error == 0)
        return why->asked.protocol == PROTOCOL_UDP ||
               (why->verdict == WHY_REFUSED && why->cause == CAUSE_NO_ROUTE &&
                why->error == why->client.path.error && met->later != 0);
    if (why->verdict != WHY_FREE)
        return false;
    /* A socket that was refused by the other side has no source any more. */
    if (met->later != ECONNREFUSED && !endpoint_same_address(&why->client.from, &met->from))
        return false;
    if (why->client.to_this_host && why->client.listens != NOT_KNOWN)
        return (why->client.listens == KNOWN_NO) == (met->later == ECONNREFUSED);
    return true;
}

/* Lives through one set-up. Returns whether why was right, and left no trace. */
static bool live(void) {
    static struct why why;
    struct setup setup = {.ipv6 = netns_has_ipv6(NETNS_HERE)};
    struct endpoint own = at("198.51.100.1", 0);
    char name[ERRNAME_SIZE], text[ENDPOINT_TEXT_SIZE];
    if (netdev_make(NETNS_HERE, "eth0") != 0 ||
        netdev_address(NETNS_HERE, "eth0", &own, 24, true) != 0)
        return true;
    choose_settings(&setup);
    start_servers(&setup);
    add_sockets(&setup);
    choose_reuse();
    struct why_question question = some_question(&setup);
    struct namespace here = namespaces_here();
    tell_question(&question);
    unsigned before = remnants();
    why_look(&question, &here, &why);
    unsigned after = remnants();
    tell_why(&why);
    struct met met = meet(&question);
    tell("connect(): %s %s, from %s, then %s\n", errname(met.error, name), met.call,
         endpoint_text(&met.from, text), met.later == 0 ? "ok" : errname(met.later, name));
    if (before > after) /* more can come: the last segments travel after close() */
        tell("of %u remnants %u are left\n", before, after);
    shared->asked++;
    shared->refused += met.error != 0; /* not for want of a carrier */
    shared->taken += why.client.takes_time_wait;
    shared->silent_hosts += why.client.listens == KNOWN_NO;
    return before <= after && agrees(&why, &met);
}

/* Returns the exit status of a child process that lives through the set-up with this number. */
static int play(uint64_t number) {
    shared->used = 0;
    shared->story[0] = '\0';
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        char reason[NETNS_REASON_SIZE];
        chance = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
        if (netns_enter(reason) == NETNS_REFUSED)
            _exit(SKIPPED);
        process_stay_on_processor();
        _exit(!live());
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static uint64_t number_of(const char *variable, uint64_t otherwise) {
    const char *text = getenv(variable);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

static void why_says_what_connect_answers(void **state) {
    (void)state;
    uint64_t first = number_of("PORTREUSE_SEED", 1), rounds = number_of("PORTREUSE_ROUNDS", 150);
    unsigned wrong = 0;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    for (uint64_t number = first; number < first + rounds && wrong < 10; number++) {
        int status = play(number);
        if (status == SKIPPED)
            skip();
        if (status != 0)
            fprintf(stderr, "--- set-up %llu:\n%s", (unsigned long long)number, shared->story);
        wrong += status != 0;
    }
    printf("# %lu asked: %lu refused, %lu over TIME-WAIT, %lu where nobody listens\n",
           shared->asked, shared->refused, shared->taken, shared->silent_hosts);
    assert_int_equal(wrong, 0);
    if (rounds >= 100) /* else the set-ups are too much alike to prove anything */
        assert_true(shared->refused > rounds / 10 && shared->refused < rounds);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(why_says_what_connect_answers)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
