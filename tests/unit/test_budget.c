/* What a list of sockets comes to as a budget of local ports. */
#include "test.h"

#include <string.h>

#include "diagnose/budget_stamps.h"
#include "diagnose/budget_tally.h"

static struct endpoint at(const char *text) {
    struct endpoint_pattern pattern;
    const char *where;
    assert_null(endpoint_parse(text, &pattern, &where));
    return pattern.endpoint;
}

static struct inet_socket connection(const char *local, const char *remote, enum tcp_state state) {
    return (struct inet_socket){.state = state, .local = at(local), .remote = at(remote)};
}

/* A budget of 20 ports, 2000 to 2019. */
static struct budget twenty_ports(void) {
    static const struct port_set none;
    struct budget budget = {
        .exhausted_s = -1, .tw_reuse = 2, .tw_reuse_delay_ms = 1000, .timestamps = true};
    budget.range = port_range(2000, 2019, &none);
    return budget;
}

static void count(struct budget_tally *tally, const char *local, const char *remote,
                  enum tcp_state state) {
    struct inet_socket socket = connection(local, remote, state);
    assert_true(budget_tally_connection(tally, &socket, NULL));
}

static void finish(struct budget_tally *tally, struct budget *budget) {
    budget_tally_choose(tally, budget);
    budget_tally_finish(tally, budget);
}

static void connections_are_counted_by_route(void **state) {
    struct budget budget = twenty_ports();
    struct budget_tally tally;
    (void)state;
    budget_tally_begin(&tally, &budget);
    count(&tally, "192.0.2.1:2000", "198.51.100.1:80", STATE_ESTABLISHED);
    count(&tally, "192.0.2.1:2000", "198.51.100.2:80", STATE_ESTABLISHED);
    count(&tally, "192.0.2.1:2002", "198.51.100.2:80", STATE_TIME_WAIT);
    count(&tally, "[::ffff:192.0.2.1]:2004", "[::ffff:198.51.100.2]:80", STATE_FIN_WAIT_1);
    count(&tally, "192.0.2.1:3000", "198.51.100.2:80", STATE_ESTABLISHED); /* not of the range */
    finish(&tally, &budget);
    assert_int_equal(budget.route_count, 2);
    assert_int_equal(budget.known, 2);
    struct endpoint fullest = at("198.51.100.2:80");
    assert_true(endpoint_equal(&budget.routes[0].remote, &fullest));
    assert_int_equal(budget.routes[0].used, 3);
    assert_int_equal(budget.routes[0].left, 17);
    assert_int_equal(budget.routes[0].states[STATE_TIME_WAIT], 1);
    assert_int_equal(budget.routes[0].reusable, 0);
    assert_int_equal(budget.routes[1].used, 1);
    budget_tally_free(&tally);
}

static void explicit_ports_are_used_everywhere_and_incoming_connections_nowhere(void **state) {
    struct budget budget = twenty_ports();
    struct budget_tally tally;
    (void)state;
    budget_tally_begin(&tally, &budget);
    struct inet_socket listener = connection("192.0.2.1:2000", "0.0.0.0:0", STATE_LISTEN);
    struct inet_socket idle = connection("192.0.2.1:2001", "0.0.0.0:0", STATE_BOUND);
    struct inet_socket fixed = connection("192.0.2.1:2003", "198.51.100.1:80", STATE_ESTABLISHED);
    budget_tally_explicit(&tally, &listener);
    budget_tally_explicit(&tally, &listener);
    budget_tally_explicit(&tally, &idle);
    budget_tally_explicit(&tally, &fixed);
    count(&tally, "192.0.2.1:2000", "203.0.113.9:5000", STATE_ESTABLISHED); /* to the listener */
    count(&tally, "192.0.2.1:2003", "198.51.100.1:80", STATE_ESTABLISHED);
    count(&tally, "192.0.2.1:2004", "198.51.100.1:80", STATE_ESTABLISHED);
    finish(&tally, &budget);
    assert_int_equal(budget.explicit_ports, 3);
    assert_int_equal(budget.explicit_sockets, 1);
    assert_int_equal(budget.route_count, 1);
    assert_int_equal(budget.routes[0].used, 4);
    assert_int_equal(budget.routes[0].left, 16);
    budget_tally_free(&tally);
}

static void without_connections_all_but_the_explicit_ports_are_left(void **state) {
    struct budget budget = twenty_ports();
    struct budget_tally tally;
    (void)state;
    budget.asked.remote = budget.routes[0].remote = at("198.51.100.1:80");
    budget_tally_begin(&tally, &budget);
    struct inet_socket idle = connection("192.0.2.1:2001", "0.0.0.0:0", STATE_BOUND);
    budget_tally_explicit(&tally, &idle);
    finish(&tally, &budget);
    assert_int_equal(budget.route_count, 0);
    assert_int_equal(budget.known, 1);
    assert_int_equal(budget.routes[0].left, 19);
    assert_true(endpoint_equal(&budget.routes[0].remote, &budget.asked.remote));
    budget_tally_free(&tally);
}

static void time_wait_on_loopback_can_be_reused_after_the_delay(void **state) {
    struct budget budget = twenty_ports();
    struct budget_tally tally;
    (void)state;
    budget_tally_begin(&tally, &budget);
    struct inet_socket waiting = connection("127.0.0.1:2000", "127.0.0.1:80", STATE_TIME_WAIT);
    for (int i = 0; i < 3; i++) {
        static const uint32_t expires_ms[] = {59500, 59000, 100};
        waiting.local.port = (uint16_t)(2000 + 2 * i);
        waiting.expires_ms = expires_ms[i];
        assert_true(budget_tally_connection(&tally, &waiting, NULL));
    }
    finish(&tally, &budget);
    assert_int_equal(budget.routes[0].reusable, 2);
    assert_int_equal(budget.routes[0].used, 1);
    assert_int_equal(budget.routes[0].closed, 2);
    budget_tally_free(&tally);
}

/* Ports that a trial has shown to be kept; the others were tried and are not. */
static void settle(struct budget_tally *tally, const char *kept, const char *others) {
    struct port_set tried = {{0}}, refused = {{0}};
    assert_true(port_set_parse(kept, &refused) && port_set_parse(kept, &tried) &&
                port_set_parse(others, &tried));
    budget_tally_settle(tally, &tried, &refused);
}

/* bind() to port 0 chose 2002: tcp_tw_reuse does not help. */
static void time_wait_on_a_kept_port_cannot_be_reused(void **state) {
    struct budget budget = twenty_ports();
    struct budget_tally tally;
    (void)state;
    budget_tally_begin(&tally, &budget);
    count(&tally, "127.0.0.1:2000", "127.0.0.1:80", STATE_TIME_WAIT);
    count(&tally, "127.0.0.1:2002", "127.0.0.1:80", STATE_TIME_WAIT);
    count(&tally, "192.0.2.1:2004", "198.51.100.1:80", STATE_TIME_WAIT); /* not loopback */
    budget_tally_choose(&tally, &budget);
    settle(&tally, "2002", "2000,2004");
    budget_tally_finish(&tally, &budget);
    struct budget_route *far = &budget.routes[0], *near = &budget.routes[1];
    assert_int_equal(near->reusable, 1);
    assert_int_equal(near->may_reuse, 1);
    assert_int_equal(near->taken_over, 2);
    assert_int_equal(near->left, 19);
    assert_int_equal(far->reusable, 0);
    assert_int_equal(far->may_reuse, 1);
    assert_true(budget_stamps_matter(&budget, near));
    assert_false(budget_stamps_matter(&budget, far));
    far->used = 10; /* then tcp_tw_reuse=1 is advised */
    assert_true(budget_stamps_matter(&budget, far));
    budget_tally_free(&tally);
}

static void a_trial_settles_what_is_doubtful(void **state) {
    struct budget budget = twenty_ports();
    struct budget_tally tally;
    struct port_set ports, expected = {{0}};
    (void)state;
    budget.asked.remote = budget.routes[0].remote = at("198.51.100.1:80");
    budget.routes[0].local = at("192.0.2.1:0");
    budget_tally_begin(&tally, &budget);
    struct inet_socket idle = connection("192.0.2.1:2001", "0.0.0.0:0", STATE_BOUND);
    budget_tally_explicit(&tally, &idle);
    count(&tally, "192.0.2.1:2002", "198.51.100.1:80", STATE_ESTABLISHED);
    count(&tally, "192.0.2.1:2003", "198.51.100.2:80", STATE_ESTABLISHED);
    count(&tally, "192.0.2.9:2004", "198.51.100.1:80", STATE_TIME_WAIT);
    count(&tally, "192.0.2.1:2005", "198.51.100.2:80", STATE_ESTABLISHED);
    budget_tally_choose(&tally, &budget);
    assert_int_equal(budget.known, 2); /* from the other source */
    budget_tally_doubtful(&tally, &budget.routes[0], &ports);
    assert_true(port_set_parse("2003-2005", &expected));
    assert_memory_equal(&ports, &expected, sizeof ports);
    budget_tally_doubtful(&tally, NULL, &ports);
    assert_true(port_set_parse("2002", &expected));
    assert_memory_equal(&ports, &expected, sizeof ports);

    budget_tally_finish(&tally, &budget);
    assert_int_equal(budget.routes[0].left, 18); /* as long as nothing is known of them */
    assert_int_equal(budget.routes[0].left_least, 15);
    assert_int_equal(budget.routes[0].counted, 3);
    settle(&tally, "2003", "2002,2004,2005");
    budget_tally_finish(&tally, &budget);
    assert_int_equal(budget.routes[0].left, 17);
    assert_int_equal(budget.routes[0].left_least, 17);
    assert_int_equal(budget.routes[0].tried, 3);
    assert_int_equal(budget.routes[0].counted, 0);
    assert_int_equal(budget.kept_ports, 2);
    assert_int_equal(budget_tally_unused(&tally, &budget.asked.remote), 65535);
    budget_tally_free(&tally);
}

static void bind_to_port_0_is_proved_by_who_opened_the_connections(void **state) {
    struct budget budget = twenty_ports();
    struct budget_tally tally;
    (void)state;
    budget_tally_begin(&tally, &budget);
    struct inet_socket socket = connection("192.0.2.1:2000", "198.51.100.1:80", STATE_ESTABLISHED);
    for (int i = 0; i < 4; i++) {
        static const enum socket_opener openers[] = {OPENED_HERE, OPENED_THERE, OPENER_NOT_KNOWN,
                                                     OPENED_HERE};
        socket.local.port = (uint16_t)(2000 + i);
        socket.opener = openers[i];
        assert_true(budget_tally_connection(&tally, &socket, NULL));
        budget_tally_opened(&tally, &socket);
    }
    count(&tally, "192.0.2.9:2003", "198.51.100.3:80", STATE_TIME_WAIT);
    settle(&tally, "2000-2003", "");
    finish(&tally, &budget);
    assert_int_equal(budget.routes[0].kept_own, 4);
    assert_int_equal(budget.routes[0].by_bind, 1);
    budget_tally_free(&tally);
}

static void timestamps_decide_about_time_wait(void **state) {
    static const struct {
        enum knowledge reuse;
        bool setting;
        unsigned left, least, most;
    } cases[] = {{KNOWN_YES, false, 20, 20, 20},
                 {KNOWN_NO, true, 19, 19, 19},
                 {NOT_KNOWN, true, 20, 19, 20},
                 {NOT_KNOWN, false, 19, 19, 20}};
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct budget budget = twenty_ports();
        struct budget_tally tally;
        budget.timestamps = cases[i].setting;
        budget_tally_begin(&tally, &budget);
        struct inet_socket waiting = connection("127.0.0.1:2000", "127.0.0.1:80", STATE_TIME_WAIT);
        waiting.expires_ms = 1000;
        assert_true(budget_tally_connection(&tally, &waiting, NULL));
        settle(&tally, "", "2000");
        budget_tally_choose(&tally, &budget);
        budget.routes[0].reuse = cases[i].reuse;
        budget_tally_finish(&tally, &budget);
        assert_int_equal(budget.routes[0].left, cases[i].left);
        assert_int_equal(budget.routes[0].left_least, cases[i].least);
        assert_int_equal(budget.routes[0].left_most, cases[i].most);
        budget_tally_free(&tally);
    }
}

static void an_odd_range_leaves_one_to_chance(void **state) {
    static const struct {
        const char *reserved;
        bool own;
        unsigned left, least;
    } cases[] = {{"", false, 11, 10},
                 {"", true, 11, 11},
                 {"2000", false, 10, 9},
                 {"2000,2010", false, 9, 9},
                 {"2000-2009", false, 1, 0}};
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct port_set reserved = {{0}};
        struct budget budget = twenty_ports();
        struct budget_tally tally;
        assert_true(port_set_parse(cases[i].reserved, &reserved));
        budget.range = port_range(2000, 2010, &reserved);
        budget.own_range = cases[i].own;
        budget_tally_begin(&tally, &budget);
        finish(&tally, &budget);
        assert_int_equal(budget.routes[0].left, cases[i].left);
        assert_int_equal(budget.routes[0].left_least, cases[i].least);
        budget_tally_free(&tally);
    }
}

static void a_socket_with_a_device_meets_those_of_the_device(void **state) {
    struct budget budget = twenty_ports();
    struct budget_tally tally;
    (void)state;
    budget_tally_begin(&tally, &budget);
    for (uint32_t interface = 0; interface < 3; interface++) {
        struct inet_socket socket =
            connection("192.0.2.1:2000", "198.51.100.1:80", STATE_ESTABLISHED);
        socket.local.port = (uint16_t)(2000 + interface);
        socket.interface = interface;
        assert_true(budget_tally_connection(&tally, &socket, NULL));
    }
    settle(&tally, "", "2000-2002");
    finish(&tally, &budget);
    assert_int_equal(budget.known, 3);
    for (unsigned i = 0; i < budget.known; i++)
        assert_int_equal(budget.routes[i].left, budget.routes[i].interface == 0 ? 19 : 18);
    budget_tally_free(&tally);
}

static void the_fullest_routes_are_listed_and_all_are_counted(void **state) {
    enum { ROUTES = 2000 };
    struct budget budget = twenty_ports();
    struct budget_tally tally;
    (void)state;
    budget_tally_begin(&tally, &budget);
    struct inet_socket socket = connection("192.0.2.1:2000", "198.51.100.1:80", STATE_ESTABLISHED);
    for (unsigned i = 0; i < ROUTES; i++) {
        socket.remote.port = (uint16_t)(10000 + i);
        assert_true(budget_tally_connection(&tally, &socket, NULL));
    }
    socket.local.port = 2002; /* the last destination has one more than the others */
    assert_true(budget_tally_connection(&tally, &socket, NULL));
    finish(&tally, &budget);
    assert_int_equal(budget.route_count, ROUTES);
    assert_int_equal(budget.known, BUDGET_ROUTES);
    assert_int_equal(budget.routes[0].remote.port, 10000 + ROUTES - 1);
    assert_int_equal(budget.routes[0].used, 2);
    assert_int_equal(budget.routes[1].remote.port, 10000);
    budget_tally_free(&tally);
}

static void connections_that_should_have_ended_are_a_cause(void **state) {
    struct budget budget = twenty_ports();
    struct budget_route route = {.used = 10, .blocked = 10};
    (void)state;
    route.states[STATE_CLOSE_WAIT] = 6;
    route.states[STATE_ESTABLISHED] = 4;
    assert_int_equal(budget_figures_cause(&budget, &route), CAUSE_CLOSE_WAIT_LEAK);
    route.states[STATE_FIN_WAIT_2] = 4;
    assert_int_equal(budget_figures_cause(&budget, &route), CAUSE_UNKNOWN);
    route.states[STATE_CLOSE_WAIT] = 0;
    route.states[STATE_FIN_WAIT_2] = 6;
    assert_int_equal(budget_figures_cause(&budget, &route), CAUSE_FIN_WAIT_2_ORPHAN);
    route.used = 9; /* most ports are left */
    assert_int_equal(budget_figures_cause(&budget, &route), CAUSE_UNKNOWN);
    route.used = 20;
    route.blocked = 9; /* others have the ports */
    assert_int_equal(budget_figures_cause(&budget, &route), CAUSE_UNKNOWN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_that_should_have_ended_are_a_cause),
        cmocka_unit_test(connections_are_counted_by_route),
        cmocka_unit_test(explicit_ports_are_used_everywhere_and_incoming_connections_nowhere),
        cmocka_unit_test(without_connections_all_but_the_explicit_ports_are_left),
        cmocka_unit_test(time_wait_on_loopback_can_be_reused_after_the_delay),
        cmocka_unit_test(time_wait_on_a_kept_port_cannot_be_reused),
        cmocka_unit_test(a_trial_settles_what_is_doubtful),
        cmocka_unit_test(bind_to_port_0_is_proved_by_who_opened_the_connections),
        cmocka_unit_test(timestamps_decide_about_time_wait),
        cmocka_unit_test(an_odd_range_leaves_one_to_chance),
        cmocka_unit_test(a_socket_with_a_device_meets_those_of_the_device),
        cmocka_unit_test(the_fullest_routes_are_listed_and_all_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
