/* What `portreuse why` says to do, over the whole table of causes and in several situations: lines
 * that a shell can run, in the right namespace, with the price before the command. */
#include "an_endpoint.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/host/why.h"

enum { LINES = 64, LINE_SIZE = 700 };

struct lines {
    char list[LINES][LINE_SIZE];
    unsigned count;
};

static void take(void *context, const char *line) {
    struct lines *lines = context;
    assert_true(lines->count < LINES && strlen(line) < LINE_SIZE);
    strcpy(lines->list[lines->count++], line);
}

static struct lines lines_of(const struct why *why) {
    struct lines lines = {.count = 0};
    why_remedies(why, take, &lines);
    return lines;
}

/* A socket in the way, of a server that is known. */
static struct why a_refusal(enum cause cause, enum tcp_state tcp) {
    struct why why = {.asked = {.local = an_endpoint("127.0.0.1:40000"), .reuseaddr = true},
                      .verdict = WHY_REFUSED,
                      .call = "bind",
                      .error = EADDRINUSE,
                      .cause = cause,
                      .asked_by_root = true,
                      .hints = {.can_destroy = true, .is_first_netns = true},
                      .range = {.low = 40000, .high = 40003}};
    struct suspect *suspect = &why.evidence.suspects[0];
    why.evidence.total = why.evidence.suspect_count = 1;
    suspect->occupant.socket = (struct inet_socket){.state = tcp,
                                                    .local = an_endpoint("127.0.0.1:40000"),
                                                    .remote = an_endpoint("127.0.0.1:80"),
                                                    .expires_ms = 59000};
    suspect->server.shape = SERVER_ONE;
    suspect->server.main.pid = 4711;
    struct stop *stop = stops_add(&suspect->server.stops, "systemctl stop 'a b.service'");
    stop->root = true;
    strcpy(stop->price, "It stops the unit.");
    port_set_add(&why.hints.servers, 40001);
    port_set_parse("80,40000-40003", &why.range.reserved);
    return why;
}

static bool has(const struct lines *lines, const char *line) {
    for (unsigned i = 0; i < lines->count; i++)
        if (strcmp(lines->list[i], line) == 0)
            return true;
    return false;
}

static bool mentions(const struct lines *lines, const char *text) {
    for (unsigned i = 0; i < lines->count; i++)
        if (strstr(lines->list[i], text) != NULL)
            return true;
    return false;
}

static void assert_has(const struct lines *lines, const char *line) {
    for (unsigned i = 0; i < lines->count && !has(lines, line); i++)
        print_message("%s\n", lines->list[i]);
    assert_true(has(lines, line));
}

/* --- the whole table --- */

/* Calls the function for each cause, in several states and namespaces, for root and for others. */
static void each_situation(void (*check)(const char *name, const struct lines *lines)) {
    static const enum tcp_state states[] = {STATE_LISTEN,     STATE_BOUND,     STATE_ESTABLISHED,
                                            STATE_FIN_WAIT_2, STATE_TIME_WAIT, STATE_LAST_ACK};
    static const char *const paths[] = {"", "/run/netns/blue", "/proc/77/ns/net", "/tmp/a b"};
    for (unsigned cause = 0; cause < CAUSE_COUNT; cause++)
        for (size_t i = 0; i < ROWS(states) * ROWS(paths) * 2; i++) {
            struct why why = a_refusal((enum cause)cause, states[i / 2 % ROWS(states)]);
            strcpy(why.where.path, paths[i / 2 / ROWS(states)]);
            why.asked_by_root = i % 2 == 0;
            why.asked.unix_socket = (struct unix_question){.name = "/run/it's", .name_size = 9};
            struct lines lines = lines_of(&why);
            check(cause_name((enum cause)cause), &lines);
        }
}

static FILE *commands;

static void print_commands(const char *name, const struct lines *lines) {
    assert_true(lines->count > 0);
    for (unsigned i = 0; i < lines->count; i++) {
        if (strchr(lines->list[i], '{') != NULL && strstr(lines->list[i], "{{") == NULL)
            fail_msg("%s: not filled in: %s", name, lines->list[i]);
        if (strchr(lines->list[i], '\n') != NULL || lines->list[i][0] == '\0')
            fail_msg("%s: not one line: %s", name, lines->list[i]);
        fprintf(commands, "%s\n", lines->list[i]);
    }
}

static void a_shell_reads_every_line(void **state) {
    (void)state;
    commands = popen("sh -n", "w");
    assert_non_null(commands);
    each_situation(print_commands);
    assert_int_equal(pclose(commands), 0);
}

static void check_lists(const char *name, const struct lines *lines) {
    static const char setting[] = "ip_local_reserved_ports";
    for (unsigned i = 0; i < lines->count; i++) {
        const char *at = strstr(lines->list[i], setting);
        if (lines->list[i][0] == '#' || at == NULL || strstr(at, "=") == NULL)
            continue;
        at = strchr(at, '=') + 1;
        at += strspn(at, " \"'");
        if (*at == '\0' || strncmp(at, "80,", 3) != 0)
            fail_msg("%s: does not keep port 80: %s", name, lines->list[i]);
    }
}

static void what_others_have_reserved_stays_reserved(void **state) {
    (void)state;
    each_situation(check_lists);
}

static void check_sudo(const char *name, const struct lines *lines) {
    for (unsigned i = 0; i < lines->count; i++) {
        const char *line = lines->list[i];
        bool needs_root = strstr(line, "sysctl -w") != NULL || strstr(line, "ss -tK") != NULL;
        if (line[0] == '#' || !needs_root)
            continue;
        if (strchr("ins", line[0]) == NULL) /* ip, nsenter, sysctl, ss, sudo */
            fail_msg("%s: %s", name, line);
    }
}

static void what_needs_root_begins_as_it_must(void **state) {
    (void)state;
    each_situation(check_sudo);
}

/* --- one by one --- */

static void a_command_runs_in_the_namespace_that_was_asked_about(void **state) {
    static const struct {
        const char *path, *command;
        bool root;
    } rows[] = {
        {"", "sysctl -w net.ipv4.ip_nonlocal_bind=1", true},
        {"", "sudo sysctl -w net.ipv4.ip_nonlocal_bind=1", false},
        {"/run/netns/blue", "ip netns exec blue sysctl -w net.ipv4.ip_nonlocal_bind=1", true},
        {"/var/run/netns/b", "sudo ip netns exec b sysctl -w net.ipv4.ip_nonlocal_bind=1", false},
        {"/proc/77/ns/net", "nsenter -t 77 -n sysctl -w net.ipv4.ip_nonlocal_bind=1", true},
        {"/tmp/a b", "nsenter --net='/tmp/a b' sysctl -w net.ipv4.ip_nonlocal_bind=1", true},
        {"", "ip -brief address", false},
        {"/proc/77/ns/net", "sudo nsenter -t 77 -n ip -brief address", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct why why = a_refusal(CAUSE_ADDRESS_NOT_LOCAL, STATE_LISTEN);
        strcpy(why.where.path, rows[i].path);
        why.asked_by_root = rows[i].root;
        struct lines lines = lines_of(&why);
        assert_has(&lines, rows[i].command);
    }
}

static void a_setting_has_a_permanent_form_on_the_host_alone(void **state) {
    struct why why = a_refusal(CAUSE_ADDRESS_NOT_LOCAL, STATE_LISTEN);
    struct lines lines = lines_of(&why);
    (void)state;
    assert_has(&lines, "echo 'net.ipv4.ip_nonlocal_bind = 1' >>/etc/sysctl.d/90-ports.conf");
    why.asked_by_root = false;
    lines = lines_of(&why);
    assert_has(&lines,
               "echo 'net.ipv4.ip_nonlocal_bind = 1' | sudo tee -a /etc/sysctl.d/90-ports.conf");
    why.own_pids_only = true;
    lines = lines_of(&why);
    assert_false(mentions(&lines, "/etc/sysctl.d"));
    assert_true(mentions(&lines, "docker run --sysctl"));
}

static void the_price_comes_right_before_the_command(void **state) {
    struct why why = a_refusal(CAUSE_ADDRESS_IN_USE, STATE_LISTEN);
    struct lines lines = lines_of(&why);
    (void)state;
    assert_string_equal(lines.list[0], "# It stops the unit.");
    assert_string_equal(lines.list[1], "systemctl stop 'a b.service'");
    why.asked_by_root = false;
    lines = lines_of(&why);
    assert_string_equal(lines.list[1], "sudo systemctl stop 'a b.service'");
    why = a_refusal(CAUSE_TIME_WAIT_REBIND, STATE_TIME_WAIT);
    lines = lines_of(&why);
    for (unsigned i = 0; i < lines.count; i++)
        if (strncmp(lines.list[i], "ss -tK", 6) == 0) {
            assert_true(i > 0 && strstr(lines.list[i - 1], "late segments") != NULL);
            return;
        }
    fail_msg("no ss -tK");
}

static void only_the_connections_in_the_way_are_ended(void **state) {
    struct why why = a_refusal(CAUSE_TIME_WAIT_REBIND, STATE_TIME_WAIT);
    struct lines lines = lines_of(&why);
    (void)state;
    assert_has(&lines, "ss -tK state time-wait src 127.0.0.1:40000 dst 127.0.0.1:80");
    why.evidence.total = why.evidence.suspect_count = 2;
    why.evidence.suspects[1] = why.evidence.suspects[0];
    why.evidence.suspects[1].occupant.socket.state = STATE_FIN_WAIT_2;
    lines = lines_of(&why);
    assert_has(&lines, "ss -tK state time-wait state fin-wait-2 src 127.0.0.1:40000");
    why.asked.local = an_endpoint("0.0.0.0:40000");
    lines = lines_of(&why);
    assert_has(&lines, "ss -tK state time-wait state fin-wait-2 'sport = :40000'");
    why.hints.can_destroy = false;
    lines = lines_of(&why);
    assert_false(mentions(&lines, "ss -tK"));
}

/* The kernel refuses a range with a privileged port. */
static void the_wider_range_has_no_privileged_port(void **state) {
    struct why why = a_refusal(CAUSE_POISONED_PORT, STATE_BOUND);
    (void)state;
    why.privileged_below = 20000;
    struct lines lines = lines_of(&why);
    assert_has(&lines, "sysctl -w net.ipv4.ip_local_port_range=\"20000 65535\"");
    why.range = (struct port_range){.low = 20000, .high = UINT16_MAX};
    lines = lines_of(&why);
    assert_false(mentions(&lines, "ip_local_port_range"));
}

/* A socket file that bind() made with the usual umask is not open to its group. */
static void a_group_helps_only_if_it_may_write(void **state) {
    struct why why = a_refusal(CAUSE_UNIX_NOT_PERMITTED, STATE_LISTEN);
    (void)state;
    why.asked.unix_socket = (struct unix_question){.name = "/run/s", .name_size = 6};
    struct lines lines = lines_of(&why);
    assert_has(&lines, "ls -ld /run /run/s");
    assert_true(mentions(&lines, "if its group may write to it"));
}

/* After `ss -tK`, bind() to the port of such a client still fails. */
static void a_client_that_bound_its_port_keeps_it(void **state) {
    static const enum cause causes[] = {CAUSE_LIVE_CONNECTION, CAUSE_FIXED_CLIENT_PORT};
    (void)state;
    for (size_t i = 0; i < ROWS(causes); i++) {
        struct why why = a_refusal(causes[i], STATE_ESTABLISHED);
        struct lines lines = lines_of(&why);
        assert_true(mentions(&lines, "keeps it until it closes the socket"));
    }
}

/* With tcp_fin_timeout up to 60, and in LAST-ACK, the kernel sends none at `ss -tK`. */
static void no_reset_is_promised_at_once(void **state) {
    static const struct {
        enum cause cause;
        enum tcp_state state;
        const char *words;
    } rows[] = {{CAUSE_FIN_WAIT_2_ORPHAN, STATE_FIN_WAIT_2, "at the latest when it sends"},
                {CAUSE_LAST_ACK_ORPHAN, STATE_LAST_ACK, "only when it next sends"}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct why why = a_refusal(rows[i].cause, rows[i].state);
        struct lines lines = lines_of(&why);
        assert_true(mentions(&lines, rows[i].words));
    }
}

static void no_end_is_promised_where_it_is_not_known(void **state) {
    struct why why = a_refusal(CAUSE_FIN_WAIT_2_ORPHAN, STATE_FIN_WAIT_2);
    struct lines lines = lines_of(&why);
    (void)state;
    assert_has(&lines, "# or wait: it ends by itself in 59 s:");
    why.evidence.suspects[0].occupant.socket.expires_ms = 0;
    lines = lines_of(&why);
    assert_false(mentions(&lines, "in 0 s"));
}

static void reservations_are_given_up_only_where_nobody_listens(void **state) {
    struct why why = a_refusal(CAUSE_RESERVED_PORTS, STATE_LISTEN);
    struct lines lines = lines_of(&why);
    (void)state;
    assert_has(&lines, "sysctl -w net.ipv4.ip_local_reserved_ports=80,40001");
    memset(&why.hints.servers, 0, sizeof why.hints.servers);
    memset(&why.range.reserved, 0, sizeof why.range.reserved);
    port_set_parse("40000-40003", &why.range.reserved);
    lines = lines_of(&why);
    assert_false(mentions(&lines, "ip_local_reserved_ports=\n"));
    assert_has(&lines, "sysctl -w net.ipv4.ip_local_port_range=\"10000 65535\"");
}

static void sharing_a_port_with_a_listener_comes_last(void **state) {
    struct why why = a_refusal(CAUSE_ADDRESS_IN_USE, STATE_LISTEN);
    (void)state;
    why.tried = 1U << WHY_REUSEPORT;
    struct lines lines = lines_of(&why);
    assert_non_null(strstr(lines.list[lines.count - 1], "share the connections"));
    why = a_refusal(CAUSE_TIME_WAIT_REBIND, STATE_TIME_WAIT);
    why.tried = 1U << WHY_REUSEPORT;
    lines = lines_of(&why);
    assert_non_null(strstr(lines.list[0], "set SO_REUSEPORT before bind()"));
    assert_false(mentions(&lines, "share"));
}

static void each_server_of_several_is_stopped_once(void **state) {
    struct why why = a_refusal(CAUSE_WILDCARD_VS_SPECIFIC, STATE_LISTEN);
    (void)state;
    why.evidence.total = why.evidence.suspect_count = 3;
    why.evidence.suspects[1] = why.evidence.suspects[2] = why.evidence.suspects[0];
    why.evidence.suspects[2].server.main.pid = 4712;
    strcpy(why.evidence.suspects[2].server.stops.list[0].line, "kill 4712");
    struct lines lines = lines_of(&why);
    unsigned stops = 0;
    for (unsigned i = 0; i < lines.count; i++)
        stops += strncmp(lines.list[i], "systemctl", 9) == 0;
    assert_int_equal(stops, 1);
    assert_has(&lines, "kill 4712");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shell_reads_every_line),
        cmocka_unit_test(what_others_have_reserved_stays_reserved),
        cmocka_unit_test(what_needs_root_begins_as_it_must),
        cmocka_unit_test(a_command_runs_in_the_namespace_that_was_asked_about),
        cmocka_unit_test(a_setting_has_a_permanent_form_on_the_host_alone),
        cmocka_unit_test(the_price_comes_right_before_the_command),
        cmocka_unit_test(only_the_connections_in_the_way_are_ended),
        cmocka_unit_test(the_wider_range_has_no_privileged_port),
        cmocka_unit_test(a_group_helps_only_if_it_may_write),
        cmocka_unit_test(a_client_that_bound_its_port_keeps_it),
        cmocka_unit_test(no_reset_is_promised_at_once),
        cmocka_unit_test(no_end_is_promised_where_it_is_not_known),
        cmocka_unit_test(reservations_are_given_up_only_where_nobody_listens),
        cmocka_unit_test(sharing_a_port_with_a_listener_comes_last),
        cmocka_unit_test(each_server_of_several_is_stopped_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
