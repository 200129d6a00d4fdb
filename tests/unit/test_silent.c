/* The connect() that sends nothing: silent, right, and harmless to what is in TIME-WAIT. Each test
 * runs in a child process with a network namespace of its own. */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "kernel/netns.h"
#include "kernel/process.h"
#include "kernel/ptrace.h"
#include "kernel/silent.h"
#include "kernel/sockdiag.h"
#include "kernel/sysctl.h"

/* --- a namespace for each test --- */

/* Runs the checks in a child process. They return NULL, or what is wrong, static. */
static void in_namespace(const char *(*checks)(void)) {
    enum { SKIPPED = 77 };
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char reason[NETNS_REASON_SIZE];
        if (netns_enter(reason) == NETNS_REFUSED)
            _exit(SKIPPED);
        process_stay_on_processor();
        const char *wrong = checks();
        if (wrong != NULL)
            fprintf(stderr, "%s\n", wrong);
        _exit(wrong != NULL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
        skip();
    assert_int_equal(status, 0);
}

static struct endpoint at(const char *text) {
    struct endpoint_pattern pattern;
    const char *where;
    if (endpoint_parse(text, &pattern, &where) != NULL)
        abort();
    return pattern.endpoint;
}

static struct silent_answer answer_to(struct silent_trial trial) {
    struct silent_answer answer;
    silent_connect(NETNS_HERE, &trial, &answer);
    return answer;
}

static int listen_on(const char *text) {
    struct sockaddr_storage address;
    struct endpoint endpoint = at(text);
    socklen_t size = endpoint_to_sockaddr(&endpoint, &address);
    int fd = socket(endpoint.family, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 64) < 0)
        abort();
    return fd;
}

/* Opens a connection from `from`, or with NULL from a port that the kernel chooses. */
static int connect_from(const char *from, const char *to) {
    struct sockaddr_storage address;
    struct endpoint remote = at(to);
    int fd = socket(remote.family, SOCK_STREAM, 0), on = 1;
    if (from != NULL) {
        struct endpoint local = at(from);
        socklen_t size = endpoint_to_sockaddr(&local, &address);
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
            bind(fd, (struct sockaddr *)&address, size) < 0)
            abort();
    }
    socklen_t size = endpoint_to_sockaddr(&remote, &address);
    if (connect(fd, (struct sockaddr *)&address, size) < 0)
        abort();
    return fd;
}

/* Leaves a connection of the listener in TIME-WAIT, at the end that opened it. */
static void leave_time_wait(int listener, const char *from, const char *to) {
    int client = connect_from(from, to), server = accept(listener, NULL, NULL);
    if (server < 0)
        abort();
    close(client);
    close(server);
}

static bool count_socket(void *context, const struct inet_socket *socket) {
    *(unsigned *)context += socket->state != STATE_LISTEN;
    return true;
}

static unsigned count_sockets(uint32_t states) {
    unsigned count = 0;
    struct diag_query query = sockdiag_query(states);
    int diag = sockdiag_open(NETNS_HERE);
    if (diag < 0 || sockdiag_dump(diag, &query, count_socket, &count) != 0)
        abort();
    close(diag);
    return count;
}

/* --- silence --- */

enum { COUNTERS_SIZE = 64 * 1024 };

/* Reads all counters of the namespace, and those of its devices. */
static char *counters(void) {
    static const char *const files[] = {"/proc/self/net/snmp", "/proc/self/net/snmp6",
                                        "/proc/self/net/netstat", "/proc/self/net/dev"};
    char *text = calloc(ROWS(files), COUNTERS_SIZE);
    size_t used = 0;
    for (size_t i = 0; text != NULL && i < ROWS(files); i++) {
        ssize_t got = file_read(files[i], text + used, COUNTERS_SIZE);
        used += got > 0 ? (size_t)got : 0;
    }
    return text;
}

static const char *silence(void) {
    static const char *const remotes[] = {"127.0.0.1:4000", "[::1]:4000", "[::ffff:127.0.0.1]:4000",
                                          "0.0.0.0:4000",   "[::]:4000",  "127.0.0.1:4001"};
    int listener = listen_on("[::]:4000");
    char *before = counters();
    for (size_t i = 0; i < ROWS(remotes); i++) {
        if (at(remotes[i]).family == AF_INET6 && !netns_has_ipv6(NETNS_HERE))
            continue;
        struct silent_answer answer = answer_to((struct silent_trial){.remote = at(remotes[i])});
        if (answer.verdict != SILENT_TRIED || answer.error != 0 || answer.sent ||
            answer.from.port == 0)
            return remotes[i];
    }
    char *after = counters();
    if (before == NULL || after == NULL || strlen(before) < 1000)
        return "the counters cannot be read";
    if (strcmp(before, after) != 0)
        return "a counter has changed";
    if (accept(listener, NULL, NULL) >= 0 || errno != EAGAIN)
        return "the listener has a connection";
    if (count_sockets(STATES_ANY) != 0)
        return "a socket is left";
    free(before);
    free(after);
    close(connect_from(NULL, "127.0.0.1:4000"));
    if (accept(listener, NULL, NULL) < 0)
        return "the listener does not listen";
    return NULL;
}

static void silent_connect_is_silent(void **state) {
    (void)state;
    in_namespace(silence);
}

/* Runs a stopped child until connect() has returned in it. Returns false if it ends before. */
static bool run_past_connect(pid_t child) {
    bool connects = false;
    for (int status;;) {
        struct seccomp_call call;
        unsigned word;
        int64_t result;
        if (waitpid(child, &status, __WALL) != child || !WIFSTOPPED(status))
            return false;
        enum stop_kind kind = ptrace_read_stop(child, status).stop;
        if (kind == STOP_ENTRY || kind == STOP_EXIT)
            kind = ptrace_read_result(child, &result);
        if (kind == STOP_EXIT && connects)
            return true;
        if (kind == STOP_ENTRY)
            connects = ptrace_read_call(child, &call) &&
                       seccomp_which(&call, &word) == SOCKET_CALL_CONNECT;
        ptrace_resume(child, UNTIL_CALL, 0);
    }
}

/* Makes a trial in a child process, and kills it when connect() has returned. Returns whether it
 * came to that. */
static bool trial_is_killed(const char *remote) {
    struct silent_trial trial = {.remote = at(remote)};
    struct silent_answer answer;
    int start[2], status;
    char byte;
    if (pipe(start) < 0)
        return false;
    pid_t child = fork();
    if (child == 0) {
        close(start[1]);
        if (read(start[0], &byte, 1) < 0)
            _exit(1);
        silent_connect(NETNS_HERE, &trial, &answer);
        _exit(0);
    }
    if (child < 0 || ptrace_seize(child, true) != 0 || ptrace_interrupt(child) != 0)
        return false;
    close(start[0]);
    close(start[1]);
    bool held = run_past_connect(child) && count_sockets(1U << STATE_SYN_SENT) == 1;
    kill(child, SIGKILL);
    return waitpid(child, &status, __WALL) == child && WIFSIGNALED(status) && held;
}

static const char *killed(void) {
    int listener = listen_on("127.0.0.1:4000");
    char *before = counters();
    bool came = trial_is_killed("127.0.0.1:4000");
    char *after = counters();
    if (!came)
        return "the trial was not killed between connect() and close()";
    if (strcmp(before, after) != 0)
        return "a counter has changed";
    if (accept(listener, NULL, NULL) >= 0 || errno != EAGAIN)
        return "the listener has a connection";
    if (count_sockets(STATES_ANY) != 0)
        return "a socket is left";
    free(before);
    free(after);
    return NULL;
}

/* Under valgrind the process is valgrind's, with calls of its own. */
static void silent_connect_is_silent_when_it_is_killed(void **state) {
    (void)state;
    if (getenv("PORTREUSE_UNDER_VALGRIND") != NULL)
        skip();
    in_namespace(killed);
}

static const char *obstacle(void) {
    int error;
    if (silent_obstacle(NETNS_HERE, &error) != NULL || error != 0)
        return "there is an obstacle";
    if (sysctl_write(NETNS_HERE, "net.ipv4.tcp_fastopen", "2") != 0)
        return "tcp_fastopen cannot be written";
    const char *told = silent_obstacle(NETNS_HERE, &error);
    if (told == NULL || strcmp(told, "net.ipv4.tcp_fastopen lacks 0x1 (client)") != 0)
        return "tcp_fastopen=2 is no obstacle";
    struct silent_answer answer = answer_to((struct silent_trial){.remote = at("127.0.0.1:1")});
    if (answer.verdict != SILENT_NOT_TRIED || answer.reason == NULL)
        return "a trial was made";
    return NULL;
}

static void silent_obstacle_is_the_setting(void **state) {
    (void)state;
    in_namespace(obstacle);
}

/* --- answers --- */

static const char *answers(void) {
    struct silent_answer answer;
    answer = answer_to((struct silent_trial){.remote = at("192.0.2.1:80")});
    if (answer.error != ENETUNREACH || strcmp(answer.call, "connect") != 0)
        return "no route";
    answer =
        answer_to((struct silent_trial){.remote = at("127.0.0.1:80"), .local = at("192.0.2.7:0")});
    if (answer.error != EADDRNOTAVAIL || strcmp(answer.call, "bind") != 0)
        return "an address that is missing";
    answer = answer_to(
        (struct silent_trial){.remote = at("127.0.0.1:80"), .local = at("127.0.0.9:777")});
    struct endpoint from = at("127.0.0.9:777");
    if (answer.error != 0 || !endpoint_equal(&answer.from, &from))
        return "a port that is named";
    return NULL;
}

static void silent_connect_gives_the_errno_and_the_source(void **state) {
    (void)state;
    in_namespace(answers);
}

/* --- TIME-WAIT --- */

static const char *named_port(void) {
    static const char from[] = "127.0.0.1:5000", to[] = "127.0.0.1:4000";
    struct silent_trial trial = {.remote = at(to), .local = at(from), .reuseaddr = true};
    leave_time_wait(listen_on(to), from, to);
    struct silent_answer answer = answer_to(trial);
    if (answer.verdict != SILENT_TIME_WAIT || answer.time_waits != 1)
        return "the TIME-WAIT was not seen";
    if (count_sockets(1U << STATE_TIME_WAIT) != 1)
        return "the TIME-WAIT is gone";
    trial.reuseaddr = false;
    answer = answer_to(trial);
    if (answer.verdict != SILENT_TRIED || answer.error != EADDRINUSE)
        return "bind() is refused in any case";
    trial.reuseaddr = trial.any_time_wait = true;
    answer = answer_to(trial);
    if (answer.verdict != SILENT_TRIED || answer.error != 0)
        return "it could not take over the TIME-WAIT";
    if (count_sockets(STATES_ANY) != 0)
        return "the TIME-WAIT is still there";
    return NULL;
}

static void silent_connect_leaves_the_time_wait_of_a_named_port(void **state) {
    (void)state;
    in_namespace(named_port);
}

/* Of four ports three are in TIME-WAIT, and old enough to be taken over: the trial finds the
 * fourth; when that has a connection, nothing is left to try. */
static const char *chosen_port(void) {
    static const char to[] = "127.0.0.1:4000";
    struct silent_trial trial = {.remote = at(to)};
    char free_one[32] = "";
    int listener = listen_on(to), clients[3];
    if (sysctl_write(NETNS_HERE, "net.ipv4.ip_local_port_range", "40000 40003") != 0)
        return "the range cannot be written";
    for (int i = 0; i < 3; i++)
        clients[i] = connect_from(NULL, to);
    for (int i = 0; i < 3; i++) {
        close(clients[i]);
        close(accept(listener, NULL, NULL));
    }
    usleep(1200 * 1000);
    for (int i = 0; i < 20; i++) {
        struct silent_answer answer = answer_to(trial);
        if (answer.verdict == SILENT_NOT_TRIED) /* IP_LOCAL_PORT_RANGE is missing */
            return NULL;
        if (answer.error != 0 || answer.time_waits != 3)
            return "the free port is not found";
        if (count_sockets(1U << STATE_TIME_WAIT) != 3)
            return "a TIME-WAIT was taken over";
        snprintf(free_one, sizeof free_one, "127.0.0.1:%u", answer.from.port);
    }
    connect_from(free_one, to);
    struct silent_answer answer = answer_to(trial);
    if (answer.verdict != SILENT_TIME_WAIT || answer.error != EADDRNOTAVAIL)
        return "a port is left";
    if (count_sockets(1U << STATE_TIME_WAIT) != 3)
        return "a TIME-WAIT is gone";
    return NULL;
}

static void silent_connect_chooses_around_time_wait(void **state) {
    (void)state;
    in_namespace(chosen_port);
}

/* --- many ports --- */

static bool is_bound(unsigned port) {
    return (port / 37) % 12 == 0 || port % 11 == 0 || port % 16 == 4;
}

/* Of the ports from 40000 to `last` some are bound, alone and in runs of many lengths. */
static const char *settle_ports(unsigned last) {
    enum { FIRST = 40000 };
    struct silent_trial trial = {
        .protocol = PROTOCOL_TCP, .remote = at("127.0.0.1:80"), .any_time_wait = true};
    struct port_set ports = {{0}};
    struct silent_ports found;
    char range[32];
    snprintf(range, sizeof range, "%d %u", FIRST, last);
    sysctl_write(NETNS_HERE, "net.ipv4.ip_local_port_range", range);
    for (unsigned port = FIRST; port <= last; port++) {
        char address[32];
        snprintf(address, sizeof address, "127.0.0.9:%u", port);
        if (is_bound(port))
            listen_on(address);
        if (port % 100 != 0)
            port_set_add(&ports, (uint16_t)port);
    }
    int error = silent_ports(NETNS_HERE, &trial, &ports, UINT64_MAX, &found);
    if (error == ENOPROTOOPT)
        return NULL;
    if (error != 0)
        return "the trials end with an error";
    if (memcmp(&found.tried, &ports, sizeof ports) != 0)
        return "others were tried than asked for";
    for (unsigned port = FIRST; port <= last; port++)
        if (port_set_has(&found.refused, (uint16_t)port) != (is_bound(port) && port % 100 != 0))
            return "a port was refused, or taken, against its state";
    return NULL;
}

static const char *many_ports(void) {
    return settle_ports(40799);
}

/* So many that two threads try them. */
static const char *thousands_of_ports(void) {
    return settle_ports(42799);
}

static void silent_ports_settles_each(void **state) {
    (void)state;
    in_namespace(many_ports);
    in_namespace(thousands_of_ports);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silent_connect_is_silent),
        cmocka_unit_test(silent_connect_is_silent_when_it_is_killed),
        cmocka_unit_test(silent_obstacle_is_the_setting),
        cmocka_unit_test(silent_connect_gives_the_errno_and_the_source),
        cmocka_unit_test(silent_connect_leaves_the_time_wait_of_a_named_port),
        cmocka_unit_test(silent_connect_chooses_around_time_wait),
        cmocka_unit_test(silent_ports_settles_each),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
