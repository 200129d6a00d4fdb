/* One child process in its own namespace makes every pair, on one processor (a late segment from
 * another one can end a TIME-WAIT with a reset, RFC 1337). The parent then asks the model about the
 * same pairs. */
#include "probe/matrix.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/errnames.h"
#include "inspect/child.h"
#include "kernel/process.h"
#include "kernel/sockdiag.h"
#include "kernel/sysctl.h"
#include "model/udp.h"

const struct matrix_address matrix_addresses[MATRIX_FIRSTS] = {
    {"0.0.0.0", NULL, "0.0.0.0:0", "127.0.0.1:0", false},
    {"127.0.0.1", NULL, "127.0.0.1:0", "127.0.0.1:0", false},
    {"127.0.0.2", NULL, "127.0.0.2:0", "127.0.0.2:0", false},
    {"::", ":: (IPv6 client)", "[::]:0", "[::1]:0", false},
    {"::,v6only", NULL, "[::]:0", "[::1]:0", true},
    {"::1", NULL, "[::1]:0", "[::1]:0", false},
    {"::ffff:0.0.0.0", NULL, "[::ffff:0.0.0.0]:0", "[::ffff:127.0.0.1]:0", false},
    {"::ffff:127.0.0.1", NULL, "[::ffff:127.0.0.1]:0", "[::ffff:127.0.0.1]:0", false},
    [MATRIX_ADDRESSES] = {"::", ":: (IPv4 client)", "[::]:0", "[::ffff:127.0.0.1]:0", false},
};

const char *const matrix_options_names[MATRIX_OPTIONS] = {"none", "REUSEADDR", "REUSEPORT", "both"};
const char *const matrix_state_names[MATRIX_STATES + 2] = {
    "BOUND", "LISTEN", "ESTABLISHED", "TIME-WAIT", "LISTEN-LATER", "UNCONN"};
const char *const matrix_user_names[MATRIX_USERS] = {"same", "other"};

enum {
    FIRST_PORT = 10000,       /* each pair has its own port, from here up */
    OTHER_USER = 65534,       /* nobody, by convention */
    TIME_LIMIT_S = 30,        /* for everything */
    TIME_WAIT_PATIENCE = 1000 /* ms */
};

/* --- the pairs --- */

static bool has_reuseport(struct matrix_end end) {
    return end.options == MATRIX_REUSEPORT || end.options == MATRIX_BOTH;
}

/* Adds one. Returns whether there was no carry. */
static bool count_up(unsigned *digit, unsigned base) {
    *digit = (*digit + 1) % base;
    return *digit != 0;
}

static bool accepts(enum protocol protocol, enum matrix_state state) {
    return protocol != PROTOCOL_UDP && (state == MATRIX_ESTABLISHED || state == MATRIX_TIME_WAIT);
}

bool matrix_has_first(enum protocol protocol, enum matrix_state state, unsigned address) {
    return address < MATRIX_ADDRESSES || accepts(protocol, state);
}

const char *matrix_first_name(enum protocol protocol, enum matrix_state state, unsigned address) {
    const struct matrix_address *row = &matrix_addresses[address];
    return row->accepted != NULL && accepts(protocol, state) ? row->accepted : row->name;
}

bool matrix_next(struct matrix_pair *pair) {
    do {
        bool carry = !count_up(&pair->second.options, MATRIX_OPTIONS) &&
                     !count_up(&pair->second.address, MATRIX_ADDRESSES) &&
                     !count_up(&pair->first.options, MATRIX_OPTIONS) &&
                     !count_up(&pair->first.address, MATRIX_FIRSTS);
        if (carry) {
            pair->state = (pair->state + 1) % MATRIX_STATES;
            pair->user += pair->state == 0;
        }
    } while (!matrix_has_first(PROTOCOL_TCP, pair->state, pair->first.address) ||
             (pair->user == MATRIX_OTHER_USER &&
              !(has_reuseport(pair->first) && has_reuseport(pair->second))));
    return pair->user < MATRIX_USERS;
}

struct matrix_cell *matrix_cell(const struct matrix *matrix, const struct matrix_pair *pair) {
    struct matrix *all = (struct matrix *)matrix;
    return &all->cells[pair->user][pair->state][pair->first.address][pair->first.options]
                      [pair->second.address][pair->second.options];
}

bool matrix_measured(const struct matrix_cell *cell) {
    return cell->got.bind != MATRIX_NOT_ASKED;
}

bool matrix_agrees(const struct matrix_cell *cell) {
    return cell->got.bind == cell->want.bind && cell->got.listen == cell->want.listen;
}

static struct endpoint endpoint_named(const char *text, uint16_t port) {
    struct endpoint_pattern pattern;
    const char *at;
    endpoint_parse(text, &pattern, &at);
    pattern.endpoint.port = port;
    return pattern.endpoint;
}

static struct endpoint bound_to(struct matrix_end end, uint16_t port) {
    return endpoint_named(matrix_addresses[end.address].text, port);
}

/* --- the model's answer --- */

bool matrix_has_state(enum protocol protocol, enum matrix_state state) {
    return protocol != PROTOCOL_UDP || state == MATRIX_BOUND || state == MATRIX_ESTABLISHED;
}

const char *matrix_state_name(enum protocol protocol, enum matrix_state state) {
    return matrix_state_names[protocol == PROTOCOL_UDP && state == MATRIX_BOUND
                                  ? (unsigned)MATRIX_STATES
                                  : (unsigned)state];
}

static struct claim claim_of(struct matrix_end end, uint16_t port, uint32_t uid) {
    return (struct claim){.local = bound_to(end, port),
                          .reuseaddr =
                              end.options == MATRIX_REUSEADDR || end.options == MATRIX_BOTH,
                          .reuseport = has_reuseport(end),
                          .v6only = matrix_addresses[end.address].v6only,
                          .uid = uid};
}

static struct occupant occupant_of(const struct matrix_pair *pair, const struct claim *first) {
    static const enum tcp_state states[MATRIX_STATES] = {
        STATE_BOUND, STATE_LISTEN, STATE_ESTABLISHED, STATE_TIME_WAIT, STATE_BOUND};
    const char *peer = matrix_addresses[pair->first.address].peer;
    bool accepted = accepts(PROTOCOL_TCP, pair->state);
    return (struct occupant){
        .socket = {.state = states[pair->state],
                   .local = accepted ? endpoint_named(peer, first->local.port) : first->local,
                   .inode = pair->state != MATRIX_TIME_WAIT,
                   .uid = first->uid,
                   .v6only = rules_v6only(first),
                   .v6only_known = true},
        .reuseaddr = knowledge_of(first->reuseaddr),
        .reuseport = knowledge_of(first->reuseport),
        .outgoing = KNOWN_NO,
        .bound = KNOWN_YES,
        .by_connect = KNOWN_NO};
}

static int16_t errno_of(const struct port_ruling *port) {
    return port->ruling.in_the_way == KNOWN_NO ? 0 : EADDRINUSE;
}

static void predict_udp(const struct matrix_pair *pair, struct matrix_cell *cell) {
    struct claim first = claim_of(pair->first, 1, 0);
    struct claim second = claim_of(pair->second, 1, pair->user);
    struct occupant occupant = occupant_of(pair, &first);
    struct port_ruling bind = udp_port(&second, &occupant, 1);
    cell->want = (struct matrix_answer){errno_of(&bind), MATRIX_NOT_ASKED};
    cell->bind_rule = cell->listen_rule = (uint8_t)bind.ruling.rule;
}

static void predict(const struct matrix_pair *pair, struct matrix_cell *cell) {
    struct claim first = claim_of(pair->first, 1, 0);
    struct claim second = claim_of(pair->second, 1, pair->user);
    struct occupant occupant = occupant_of(pair, &first);
    struct port_history history = {0};
    rules_remember(&history, &first);
    struct port_ruling bind = rules_port(CALL_BIND, &second, &occupant, 1, &history);
    cell->want = (struct matrix_answer){errno_of(&bind), MATRIX_NOT_ASKED};
    cell->bind_rule = cell->listen_rule = (uint8_t)bind.ruling.rule;
    if (cell->want.bind != 0)
        return;
    rules_remember(&history, &second);
    if (pair->state == MATRIX_LISTEN_LATER) {
        rules_remember(&history, &first);
        occupant.socket.state = STATE_LISTEN;
    }
    struct port_ruling listen = rules_port(CALL_LISTEN, &second, &occupant, 1, &history);
    cell->want.listen = errno_of(&listen);
    cell->listen_rule = (uint8_t)listen.ruling.rule;
}

/* --- the kernel's answer --- */

/* The sockets of the first end; -1 where there is none. */
struct first {
    int socket, client, accepted;
};

static void close_one(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A socket with the options of `end`, or -1 with errno set. */
static int open_socket(enum protocol protocol, struct matrix_end end, sa_family_t family) {
    static const int one = 1;
    int type = protocol == PROTOCOL_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    bool reuseaddr = end.options == MATRIX_REUSEADDR || end.options == MATRIX_BOTH;
    if (fd < 0)
        return -1;
    if ((reuseaddr && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0) ||
        (has_reuseport(end) && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0) ||
        (matrix_addresses[end.address].v6only &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)) {
        close_one(&fd);
        return -1;
    }
    return fd;
}

/* Returns 0 or an errno. */
static int call_bind(int fd, const struct endpoint *local) {
    struct sockaddr_storage address;
    socklen_t size = endpoint_to_sockaddr(local, &address);
    return bind(fd, (struct sockaddr *)&address, size) < 0 ? errno : 0;
}

/* Connects a client to the first socket, accepts, and closes the listener. Returns 0 or an errno.
 */
static int take_connection(struct first *first, const struct endpoint *peer) {
    struct sockaddr_storage address;
    socklen_t size = endpoint_to_sockaddr(peer, &address);
    first->client = socket(peer->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (first->client < 0 || connect(first->client, (struct sockaddr *)&address, size) < 0)
        return errno;
    first->accepted = accept4(first->socket, NULL, NULL, SOCK_CLOEXEC);
    if (first->accepted < 0)
        return errno;
    close_one(&first->socket);
    return 0;
}

/* Closes the accepted end, then the client's, and waits for TIME-WAIT. Returns 0 or an errno:
 * ETIMEDOUT if it does not come. */
static int close_to_time_wait(int diag, struct first *first, const struct endpoint *local) {
    static const struct timespec pause = {.tv_nsec = 1000000L};
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    struct inet_socket found;
    if (getsockname(first->client, (struct sockaddr *)&address, &size) < 0)
        return errno;
    struct endpoint remote = endpoint_from_sockaddr(&address);
    close_one(&first->accepted);
    close_one(&first->client);
    for (int i = 0; i < TIME_WAIT_PATIENCE; i++) {
        int error = sockdiag_find(diag, local, &remote, &found);
        if (error != 0 && error != ENOENT)
            return error;
        if (error == 0 && found.state == STATE_TIME_WAIT)
            return 0;
        nanosleep(&pause, NULL);
    }
    return ETIMEDOUT;
}

/* Connects a UDP socket to a port at which nobody needs to be; nothing is sent. Returns 0 or an
 * errno. */
static int call_connect(int fd, struct endpoint remote) {
    enum { DISCARD = 9 };
    struct sockaddr_storage address;
    remote.port = DISCARD;
    socklen_t size = endpoint_to_sockaddr(&remote, &address);
    return connect(fd, (struct sockaddr *)&address, size) < 0 ? errno : 0;
}

/* Brings the first socket into the state of the pair. Returns 0 or an errno. */
static int make_first(enum protocol protocol, int diag, const struct matrix_pair *pair,
                      uint16_t port, struct first *first) {
    struct endpoint local = bound_to(pair->first, port);
    struct endpoint peer = endpoint_named(matrix_addresses[pair->first.address].peer, port);
    first->socket = open_socket(protocol, pair->first, local.family);
    int error = first->socket < 0 ? errno : call_bind(first->socket, &local);
    if (protocol == PROTOCOL_UDP)
        return error == 0 && pair->state == MATRIX_ESTABLISHED ? call_connect(first->socket, peer)
                                                               : error;
    if (error == 0 && pair->state != MATRIX_BOUND && pair->state != MATRIX_LISTEN_LATER)
        error = listen(first->socket, 1) < 0 ? errno : 0;
    if (error == 0 && accepts(protocol, pair->state))
        error = take_connection(first, &peer);
    if (error == 0 && pair->state == MATRIX_TIME_WAIT)
        error = close_to_time_wait(diag, first, &peer);
    return error;
}

/* Makes the calls with the second socket. A socket belongs to the file system user of the process
 * that creates it (setfsuid(2)). Returns 0, or the errno of another call. */
static int ask_second(enum protocol protocol, const struct matrix_pair *pair, uint16_t port,
                      const struct first *first, struct matrix_answer *got) {
    struct endpoint local = bound_to(pair->second, port);
    if (pair->user == MATRIX_OTHER_USER)
        setfsuid(OTHER_USER);
    int second = open_socket(protocol, pair->second, local.family), error = errno;
    if (pair->user == MATRIX_OTHER_USER)
        setfsuid(geteuid());
    if (second < 0)
        return error;
    got->bind = (int16_t)call_bind(second, &local);
    error = 0;
    if (got->bind == 0 && pair->state == MATRIX_LISTEN_LATER)
        error = listen(first->socket, 1) < 0 ? errno : 0;
    if (got->bind == 0 && protocol == PROTOCOL_TCP)
        got->listen = (int16_t)(listen(second, 1) < 0 ? errno : 0);
    close_one(&second);
    return error;
}

static bool left_out(const struct matrix *matrix, const struct matrix_pair *pair) {
    return !matrix_has_state(matrix->protocol, pair->state) ||
           !matrix_has_first(matrix->protocol, pair->state, pair->first.address) ||
           (pair->user == MATRIX_OTHER_USER && !matrix->users) ||
           (!matrix->ipv6 && (bound_to(pair->first, 0).family == AF_INET6 ||
                              bound_to(pair->second, 0).family == AF_INET6));
}

static void measure_pair(struct matrix *matrix, int diag, const struct matrix_pair *pair) {
    struct matrix_cell *cell = matrix_cell(matrix, pair);
    struct first first = {-1, -1, -1};
    char name[ERRNAME_SIZE];
    uint16_t port = (uint16_t)(FIRST_PORT + matrix->pairs);
    if (left_out(matrix, pair))
        return;
    int error = make_first(matrix->protocol, diag, pair, port, &first);
    if (error == 0)
        error = ask_second(matrix->protocol, pair, port, &first, &cell->got);
    close_one(&first.socket);
    close_one(&first.accepted);
    close_one(&first.client);
    matrix->pairs++;
    if (error == 0)
        return;
    matrix->verdict = VERDICT_ERROR;
    snprintf(matrix->reason, sizeof matrix->reason, "a socket on %s did not reach %s: %s",
             matrix_first_name(matrix->protocol, pair->state, pair->first.address),
             matrix_state_name(matrix->protocol, pair->state), errname(error, name));
}

/* In the child: measures what it can, and leaves the rest as it was. */
static void measure(void *data, FILE *more) {
    struct matrix *matrix = data;
    struct matrix_pair pair = {0};
    char name[ERRNAME_SIZE];
    (void)more;
    enum netns_kind kind = netns_enter(matrix->reason);
    if (netns_is_none(kind)) {
        matrix->verdict = kind == NETNS_FAILED ? VERDICT_ERROR : VERDICT_SKIP;
        return;
    }
    process_stay_on_processor();
    /* A small machine keeps fewer sockets in TIME-WAIT than there are pairs. If this cannot be
     * written, a first socket will not reach TIME-WAIT. */
    sysctl_write(NETNS_HERE, "net.ipv4.tcp_max_tw_buckets", "65536");
    int error = netns_try_ipv6(NETNS_HERE);
    matrix->ipv6 = error == 0;
    if (errno_says_nothing(error)) {
        matrix->verdict = VERDICT_ERROR;
        snprintf(matrix->reason, sizeof matrix->reason,
                 "whether IPv6 works here could not be found out: %s", errname(error, name));
        return;
    }
    setfsuid(OTHER_USER);
    matrix->users = setfsuid(geteuid()) == OTHER_USER; /* it returns the user before */
    int diag = sockdiag_open(NETNS_HERE);
    do
        measure_pair(matrix, diag, &pair);
    while (matrix->verdict != VERDICT_ERROR && matrix_next(&pair));
    if (diag >= 0)
        close(diag);
}

/* --- both --- */

static void compare(struct matrix *matrix) {
    struct matrix_pair pair = {0};
    do {
        struct matrix_cell *cell = matrix_cell(matrix, &pair);
        if (matrix->protocol == PROTOCOL_UDP)
            predict_udp(&pair, cell);
        else
            predict(&pair, cell);
        matrix->disagreements += matrix_measured(cell) && !matrix_agrees(cell);
    } while (matrix_next(&pair));
    if (matrix->disagreements > 0 && matrix->verdict == VERDICT_PASS)
        matrix->verdict = VERDICT_FAIL;
}

struct matrix *matrix_measure(enum protocol protocol) {
    struct child child = {.seconds = TIME_LIMIT_S};
    struct utsname kernel;
    const char *what;
    struct matrix *matrix = calloc(1, sizeof *matrix);
    if (matrix == NULL)
        return NULL;
    matrix->protocol = protocol;
    uname(&kernel);
    snprintf(matrix->kernel, sizeof matrix->kernel, "%s", kernel.release);
    memset(matrix->cells, MATRIX_NOT_ASKED, sizeof matrix->cells);
    int error = child_run(&child, measure, matrix, sizeof *matrix, NULL, &what);
    if (error == ETIMEDOUT || error == ECHILD) {
        matrix->verdict = VERDICT_ERROR;
        snprintf(matrix->reason, sizeof matrix->reason, "the process that measures %s",
                 error == ETIMEDOUT ? "took too long" : "ended early");
    } else if (error != 0) {
        free(matrix);
        errno = error;
        return NULL;
    }
    compare(matrix);
    return matrix;
}
