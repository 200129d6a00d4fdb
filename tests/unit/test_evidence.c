/* What was in the way: suspects weigh the same in whichever order they come. */
#include "an_endpoint.h"
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inspect/evidence.h"
#include "inspect/examine.h"
#include "kernel/netns.h"
#include "kernel/process.h"
#include "kernel/socket.h"

enum { RANGE_LOW = 40000, RANGE_HIGH = 40003, PORT = 40001, MOST = 5 };

static const struct refusal bind_with_reuseaddr = {
    .call = CALL_BIND,
    .error = EADDRINUSE,
    .claim = {.local = {.family = AF_INET, .port = PORT},
              .reuseaddr = true,
              .range_low = RANGE_LOW,
              .range_high = RANGE_HIGH},
};

/* --- suspects --- */

static struct suspect a_connection(const char *local, const char *remote, uint32_t inode) {
    return (struct suspect){.occupant = {.socket = {.state = STATE_ESTABLISHED,
                                                    .local = an_endpoint(local),
                                                    .remote = an_endpoint(remote),
                                                    .inode = inode},
                                         .reuseaddr = KNOWN_NO,
                                         .reuseport = KNOWN_NO,
                                         .outgoing = KNOWN_NO,
                                         .bound = KNOWN_NO},
                            .owners = {.inode = inode}};
}

static struct suspect a_thief(void) {
    struct suspect suspect = a_connection("127.0.0.1:40001", "127.0.0.1:3000", 1);
    suspect.occupant.outgoing = KNOWN_YES;
    return suspect;
}

static struct suspect a_fixed_client(enum knowledge reuseaddr) {
    struct suspect suspect = a_connection("127.0.0.2:40001", "127.0.0.1:3000", 2);
    suspect.occupant.outgoing = suspect.occupant.bound = KNOWN_YES;
    suspect.occupant.reuseaddr = reuseaddr;
    return suspect;
}

static struct suspect a_leak(void) {
    struct suspect suspect = a_connection("127.0.0.1:40001", "127.0.0.1:3001", 3);
    suspect.occupant.socket.state = STATE_CLOSE_WAIT;
    return suspect;
}

static struct suspect a_listener(void) {
    struct suspect suspect = a_connection("127.0.0.3:40001", "0.0.0.0:0", 4);
    suspect.occupant.socket.state = STATE_LISTEN;
    return suspect;
}

/* --- every order --- */

/* Weighs the suspects in the order that `number`, less than count!, stands for. */
static struct evidence weigh(const struct suspect *suspects, unsigned count, unsigned number) {
    struct evidence evidence = {.total = count, .suspect_count = count};
    bool used[MOST] = {false};
    for (unsigned place = 0; place < count; place++) {
        unsigned pick = number % (count - place), at = 0;
        number /= count - place;
        for (;; at++)
            if (!used[at] && pick-- == 0)
                break;
        used[at] = true;
        evidence.suspects[place] = suspects[at];
    }
    evidence_weigh(&evidence, &bind_with_reuseaddr);
    return evidence;
}

static void check_orders(const struct suspect *suspects, unsigned count, enum cause cause,
                         const uint32_t *inodes, unsigned kept) {
    unsigned orders = 1;
    for (unsigned i = 2; i <= count; i++)
        orders *= i;
    for (unsigned number = 0; number < orders; number++) {
        struct evidence evidence = weigh(suspects, count, number);
        assert_string_equal(cause_name(evidence.cause), cause_name(cause));
        assert_non_null(evidence.words);
        assert_int_equal(evidence.suspect_count, kept);
        assert_int_equal(evidence.total, kept);
        for (unsigned i = 0; i < kept; i++) {
            assert_int_equal(evidence.suspects[i].occupant.socket.inode, inodes[i]);
            assert_int_equal(evidence.suspects[i].owners.inode, inodes[i]); /* they stay together */
        }
    }
}

static void the_heaviest_is_named_in_every_order(void **state) {
    const struct suspect suspects[] = {a_leak(), a_thief(), a_listener(), a_fixed_client(KNOWN_NO)};
    (void)state;
    check_orders(suspects, 4, CAUSE_WILDCARD_VS_SPECIFIC, (uint32_t[]){4, 1, 3, 2}, 4);
}

static void of_equals_the_first_cause_of_the_table_is_named(void **state) {
    const struct suspect suspects[] = {a_fixed_client(KNOWN_NO), a_leak(),
                                       a_connection("127.0.0.1:40001", "127.0.0.1:5", 5),
                                       a_connection("127.0.0.1:40001", "127.0.0.1:6", 6)};
    (void)state;
    check_orders(suspects, 4, CAUSE_LIVE_CONNECTION, (uint32_t[]){5, 6, 3, 2}, 4);
}

/* What is known of the one that shares the port must not be held against the other. */
static void who_shares_the_port_is_dropped_in_every_order(void **state) {
    const struct suspect suspects[] = {a_thief(), a_fixed_client(KNOWN_YES)};
    (void)state;
    check_orders(suspects, 2, CAUSE_STOLEN_PORT, (uint32_t[]){1}, 1);
}

static void nothing_is_named_anew_if_all_are_dropped(void **state) {
    struct evidence evidence = {.cause = CAUSE_FIXED_CLIENT_PORT, .total = 1, .suspect_count = 1};
    (void)state;
    evidence.suspects[0] = a_fixed_client(KNOWN_YES);
    evidence_weigh(&evidence, &bind_with_reuseaddr);
    assert_int_equal(evidence.suspect_count, 0);
    assert_int_equal(evidence.total, 0);
    assert_int_equal(evidence.cause, CAUSE_FIXED_CLIENT_PORT);
}

/* --- many of them --- */

/* A listener, of whose options nothing is known, and `count` connections that it has accepted. The
 * inodes are nobody's. Returns the number of connections that were examined. */
static size_t examine_server(unsigned count, struct evidence *evidence) {
    const struct evidence_source source = {.diag = -1, .diag_error = ENOENT};
    struct candidates candidates = {0};
    struct suspect listener = a_listener();
    size_t examined = 0;
    listener.occupant.reuseaddr = listener.occupant.reuseport = NOT_KNOWN;
    listener.occupant.socket.inode = UINT32_MAX;
    for (unsigned i = 0; i < count; i++) {
        struct suspect suspect = a_connection("127.0.0.3:40001", "127.0.0.1:5", UINT32_MAX - 1 - i);
        candidates_add(&candidates, &suspect.occupant);
    }
    candidates_add(&candidates, &listener.occupant);
    examine_candidates(&source, &bind_with_reuseaddr, &candidates, evidence);
    for (unsigned i = 0; i < count; i++)
        examined += candidates.list[i].examined;
    free(candidates.list);
    return examined;
}

/* Searching for their owners takes long, and changes nothing. */
static void many_connections_beside_a_listener_are_not_examined(void **state) {
    static struct evidence evidence;
    (void)state;
    assert_int_equal(examine_server(3, &evidence), 3);
    assert_int_equal(evidence.suspect_count, 4);
    assert_int_equal(evidence.suspects[0].occupant.socket.inode, UINT32_MAX);
    evidence = (struct evidence){0};
    assert_int_equal(examine_server(EVIDENCE_SUSPECTS + 1, &evidence), 0);
    assert_int_equal(evidence.suspect_count, 1);
    assert_int_equal(evidence.suspects[0].occupant.socket.inode, UINT32_MAX);
    assert_int_equal(evidence.cause, CAUSE_WILDCARD_VS_SPECIFIC);
}

/* --- the query --- */

static void check_query(struct endpoint local, bool any_port) {
    struct refusal refusal = {.claim = {.local = local}};
    struct diag_query query = evidence_query(&refusal);
    assert_int_equal(query.family, 0);
    assert_int_equal(query.states, STATES_ANY);
    assert_true(query.local.any_address);
    assert_int_equal(query.local.any_port, any_port);
    assert_int_equal(query.local.endpoint.port, local.port);
    assert_true(query.remote.any_address && query.remote.any_port);
}

static void the_query_is_for_the_port_on_any_address(void **state) {
    (void)state;
    check_query(an_endpoint("127.0.0.1:80"), false);
    check_query(an_endpoint("[::]:80"), false);
}

static void the_query_for_an_automatic_choice_is_for_every_port(void **state) {
    (void)state;
    check_query(an_endpoint("127.0.0.1:0"), true);
    check_query(an_endpoint("[::]:0"), true);
}

/* --- bound sockets that the kernel does not list --- */

static void know_nothing(void *context, struct suspect *suspect) {
    (void)context;
    (void)suspect;
}

static void a_range_that_cannot_be_read_has_no_cause(void **state) {
    static struct evidence evidence;
    const struct evidence_source source = {
        .diag = -1, .diag_error = ENOENT, .identify = know_nothing};
    const struct refusal refusal = {.call = CALL_BIND,
                                    .error = EADDRINUSE,
                                    .claim = {.local = an_endpoint("127.0.0.1:0")},
                                    .no_range = true};
    (void)state;
    evidence_look(&source, &refusal, &evidence);
    assert_int_equal(evidence.cause, CAUSE_UNKNOWN);
    assert_int_equal(evidence.total, 0);
    assert_string_equal(evidence.missing,
                        "the range of ports that the kernel chooses from cannot be read");
}

enum { NOT_PERMITTED = 77 };

/* Makes a bound socket in another process, and looks for it without the kernel's list. Returns the
 * number of the check that failed, or 0. */
static int find_bound_socket(void) {
    struct endpoint local = an_endpoint("127.0.0.1:2000");
    struct sockaddr_storage address;
    socklen_t size = endpoint_to_sockaddr(&local, &address);
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, diag = sockdiag_open(NETNS_HERE);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&address, size) < 0)
        return 1;
    struct socket_view view = {0};
    socket_look(&view, fd);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    int borrowed = process_borrow(child, fd, view.inode);
    const struct evidence_source source = {
        .diag = diag, .identify = know_nothing, .no_bound = true};
    struct refusal refusal = {.call = CALL_BIND, .error = EADDRINUSE, .claim = {.local = local}};
    static struct evidence evidence;
    close(fd);
    evidence_look(&source, &refusal, &evidence);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    const struct inet_socket *found = &evidence.suspects[0].occupant.socket;
    if (borrowed < 0)
        return NOT_PERMITTED;
    if (evidence.total != 1 || evidence.cause != CAUSE_BOUND_BUT_IDLE)
        return 2;
    return found->state == STATE_BOUND && endpoint_equal(&found->local, &local) &&
                   found->inode == view.inode
               ? 0
               : 3;
}

static void a_bound_socket_is_found_by_its_descriptor(void **state) {
    char reason[NETNS_REASON_SIZE];
    int status;
    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(netns_enter(reason) == NETNS_REFUSED ? NOT_PERMITTED : find_bound_socket());
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_PERMITTED)
        skip();
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_heaviest_is_named_in_every_order),
        cmocka_unit_test(of_equals_the_first_cause_of_the_table_is_named),
        cmocka_unit_test(who_shares_the_port_is_dropped_in_every_order),
        cmocka_unit_test(nothing_is_named_anew_if_all_are_dropped),
        cmocka_unit_test(many_connections_beside_a_listener_are_not_examined),
        cmocka_unit_test(the_query_is_for_the_port_on_any_address),
        cmocka_unit_test(the_query_for_an_automatic_choice_is_for_every_port),
        cmocka_unit_test(a_range_that_cannot_be_read_has_no_cause),
        cmocka_unit_test(a_bound_socket_is_found_by_its_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
