/* What a list of listeners, and lists of settings, come to in an audit. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "diagnose/audit.h"

static struct audit_listener listener(uint16_t port, pid_t pid, const char *program) {
    struct audit_listener found = {
        .socket = {.state = STATE_LISTEN, .local = endpoint_wildcard(AF_INET, port)},
        .owner = {.pid = pid}};
    snprintf(found.owner.name, sizeof found.owner.name, "%s", program);
    return found;
}

static struct audit audit_of_range(uint16_t low, uint16_t high, const char *reserved) {
    struct port_set set = {0};
    assert_true(port_set_parse(reserved, &set));
    return (struct audit){.range = port_range(low, high, &set)};
}

/* --- ports --- */

static void ports_of_the_range_are_in_danger_unless_reserved(void **state) {
    struct audit audit = audit_of_range(2000, 2999, "2001,4000");
    struct audit_listener listeners[] = {listener(2002, 0, ""), listener(2001, 7, "a"),
                                         listener(1999, 7, "a"), listener(2002, 8, "b")};
    (void)state;
    port_set_add(&audit.named, 2999);
    port_set_add(&audit.named, 3000);
    audit_listeners(&audit, listeners, ROWS(listeners));
    assert_int_equal(audit.port_count, 2);
    assert_int_equal(audit.ports[0].port, 2002);
    assert_true(audit.ports[0].listening);
    assert_int_equal(audit.ports[0].owner.pid, 8); /* the first one that is known */
    assert_int_equal(audit.ports[1].port, 2999);
    assert_false(audit.ports[1].listening);
    assert_true(port_set_has(&audit.wanted, 2001) && port_set_has(&audit.wanted, 2002) &&
                port_set_has(&audit.wanted, 2999) && port_set_has(&audit.wanted, 4000));
    assert_false(port_set_has(&audit.wanted, 1999));
    assert_int_equal(audit.shared_count, 0);
    audit_free(&audit);
}

static void every_listener_counts_the_last_one_too(void **state) {
    enum { MANY = 2000, LAST = 40000 };
    struct audit audit = audit_of_range(32768, 60999, "");
    struct audit_listener *listeners = calloc(MANY + 1, sizeof *listeners);
    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        listeners[i] = listener((uint16_t)(10000 + i), 7, "a");
    listeners[MANY] = listener(LAST, 8, "b");
    audit_listeners(&audit, listeners, MANY + 1);
    assert_int_equal(audit.port_count, 1);
    assert_int_equal(audit.ports[0].port, LAST);
    assert_int_equal(audit.ports[0].owner.pid, 8);
    audit_free(&audit);
    free(listeners);
}

static void every_port_in_danger_is_listed(void **state) {
    enum { MANY = 2000 };
    struct audit audit = audit_of_range(32768, 60999, "");
    struct audit_listener *listeners = calloc(MANY, sizeof *listeners);
    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        listeners[i] = listener((uint16_t)(40000 + i), 7, "a");
    audit_listeners(&audit, listeners, MANY);
    assert_int_equal(audit.port_count, MANY);
    assert_int_equal(audit.ports[MANY - 1].port, 40000 + MANY - 1);
    audit_free(&audit);
    free(listeners);
}

/* --- shared addresses --- */

static void an_address_is_shared_if_the_programs_have_different_names(void **state) {
    struct audit audit = audit_of_range(32768, 60999, "");
    struct audit_listener listeners[] = {listener(80, 7, "a"), listener(80, 8, "a"),
                                         listener(81, 7, "a"), listener(81, 0, ""),
                                         listener(80, 9, "b"), listener(80, 10, "c")};
    (void)state;
    audit_listeners(&audit, listeners, ROWS(listeners));
    assert_int_equal(audit.shared_count, 1);
    assert_int_equal(audit.shared[0].local.port, 80);
    assert_int_equal(audit.shared[0].owners[0].pid, 7);
    assert_int_equal(audit.shared[0].owners[1].pid, 9);
    audit_free(&audit);
}

static void two_scripts_of_one_interpreter_are_two_programs(void **state) {
    static const struct {
        const char *programs[2];
        bool shared;
    } cases[] = {{{"web.py", "api.py"}, true},
                 {{"web.py", "web.py"}, false},
                 {{"python3 -c", "web.py"}, true}};
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct audit audit = audit_of_range(32768, 60999, "");
        struct audit_listener listeners[2];
        for (int k = 0; k < 2; k++) {
            struct owner *owner = &listeners[k].owner;
            listeners[k] = listener(80, 7 + k, "python3");
            snprintf(owner->executable, sizeof owner->executable, "/usr/bin/python3.13");
            snprintf(owner->program, sizeof owner->program, "%s", cases[i].programs[k]);
        }
        audit_listeners(&audit, listeners, 2);
        assert_int_equal(audit.shared_count, cases[i].shared);
        audit_free(&audit);
    }
}

static void listeners_on_different_devices_share_nothing(void **state) {
    struct audit audit = audit_of_range(32768, 60999, "");
    struct audit_listener listeners[] = {listener(80, 7, "a"), listener(80, 8, "b"),
                                         listener(80, 9, "c"), listener(80, 10, "d")};
    (void)state;
    listeners[0].socket.interface = 2;
    listeners[1].socket.interface = 3;
    listeners[3].socket.interface = 2;
    audit_listeners(&audit, listeners, ROWS(listeners));
    assert_int_equal(audit.shared_count, 1);
    assert_int_equal(audit.shared[0].owners[0].pid, 7);
    assert_int_equal(audit.shared[0].owners[1].pid, 10);
    audit_free(&audit);
}

static void a_udp_server_has_a_port_too(void **state) {
    struct audit audit = audit_of_range(2000, 2999, "");
    struct audit_listener listeners[] = {listener(2001, 7, "a"), listener(2001, 8, "b"),
                                         listener(2000, 9, "c"), listener(2001, 10, "d")};
    (void)state;
    for (int i = 1; i < 4; i++) {
        listeners[i].socket.protocol = PROTOCOL_UDP;
        listeners[i].socket.state = STATE_CLOSED;
    }
    port_set_add(&audit.named, 2000);
    port_set_add(&audit.named, 2001);
    port_set_add(&audit.named, 2002);
    audit_listeners(&audit, listeners, ROWS(listeners));
    assert_int_equal(audit.port_count, 4);
    assert_int_equal(audit.ports[0].protocol, PROTOCOL_TCP);
    assert_int_equal(audit.ports[0].owner.pid, 7);
    assert_int_equal(audit.ports[1].port, 2002);
    assert_false(audit.ports[1].listening);
    assert_int_equal(audit.ports[2].protocol, PROTOCOL_UDP);
    assert_int_equal(audit.ports[2].owner.pid, 9);
    assert_int_equal(audit.ports[3].owner.pid, 8);
    assert_int_equal(audit.shared_count, 0); /* multicast is shared on purpose */
    audit_free(&audit);
}

static void every_shared_address_is_listed(void **state) {
    enum { MANY = 100 };
    struct audit audit = audit_of_range(32768, 60999, "");
    struct audit_listener listeners[2 * MANY];
    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        listeners[i] = listener((uint16_t)(1000 + i), 7, "a");
        listeners[MANY + i] = listener((uint16_t)(1000 + i), 8, "b");
    }
    audit_listeners(&audit, listeners, (size_t)2 * MANY);
    assert_int_equal(audit.shared_count, MANY);
    audit_free(&audit);
}

/* --- settings --- */

static void settings_are_judged_by_their_value(void **state) {
    static const struct {
        const char *name, *value;
        unsigned said, harmful;
    } cases[] = {
        {"net.ipv4.tcp_tw_recycle", "0", 1, 1},
        {"net.ipv4.tcp_fin_timeout", "60", 0, 0},
        {"net.ipv4.tcp_fin_timeout", "10", 1, 0},
        {"net.ipv4.tcp_tw_reuse", "1", 1, 0},
        {"net.ipv4.tcp_tw_reuse", "2", 0, 0},
        {"net.ipv4.tcp_timestamps", "0", 1, 1},
        {"net.ipv4.tcp_timestamps", "1", 0, 0},
        {"net.ipv4.tcp_max_tw_buckets", "2047", 1, 1},
        {"net.ipv4.tcp_max_tw_buckets", "2048", 0, 0},
        {"net.ipv4.ip_local_port_range", "32768 60999", 0, 0},
        {"net.ipv4.ip_local_port_range", "32768 61000", 1, 0},
        {"net.ipv4.ip_local_port_range", "1000 60999", 1, 1},
        {"net.ipv4.ip_local_port_range", "1000 61000", 2, 1},
        {"net.ipv4.ip_nonlocal_bind", "1", 1, 0},
        {"net.ipv4.ip_autobind_reuse", "1", 1, 1},
        {"net.ipv4.ip_forward", "1", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct audit audit = {.default_tw_buckets = 2048}; /* as with 512 MiB of memory */
        unsigned harmful = 0;
        audit_setting(&audit, cases[i].name, cases[i].value, "");
        for (size_t k = 0; k < audit.setting_count; k++)
            harmful += audit.settings[k].harmful;
        if (audit.setting_count != cases[i].said || harmful != cases[i].harmful)
            fail_msg("%s = %s: %zu said, %u harmful", cases[i].name, cases[i].value,
                     audit.setting_count, harmful);
        audit_free(&audit);
    }
}

/* The sysctl exists in Debian's 5.10, and does nothing there. */
static void a_setting_that_this_kernel_ignores_is_told(void **state) {
    static const struct {
        struct kernel_release release;
        const char *value;
        unsigned said;
    } cases[] = {{{{5, 10, 262}}, "1", 1},
                 {{{5, 10, 262}}, "0", 0},
                 {{{5, 14, 0}}, "1", 0},
                 {{{6, 1, 0}}, "1", 0}};
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct audit audit = {.release = cases[i].release};
        audit_setting(&audit, "net.ipv4.tcp_migrate_req", cases[i].value, "");
        if (audit.setting_count != cases[i].said)
            fail_msg("row %zu: %zu said", i, audit.setting_count);
        audit_free(&audit);
    }
}

static void buckets_are_not_judged_without_a_default(void **state) {
    struct audit audit = {.error = 0};
    (void)state;
    audit_setting(&audit, "net.ipv4.tcp_max_tw_buckets", "1", "");
    assert_int_equal(audit.setting_count, 0);
    audit_free(&audit);
}

static void an_odd_range_with_reserved_ends_does_no_harm(void **state) {
    static const struct {
        const char *reserved;
        unsigned said;
    } cases[] = {{"", 1}, {"2000", 1}, {"2000,2010", 0}, {"2001-2009", 1}};
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct audit audit = audit_of_range(2000, 2010, cases[i].reserved);
        audit_setting(&audit, "net.ipv4.ip_local_port_range", "2000 2010", "");
        assert_int_equal(audit.setting_count, cases[i].said);
        audit_free(&audit);
    }
}

static void a_file_is_read_as_sysctl_reads_it(void **state) {
    static char text[] = "# net.ipv4.tcp_timestamps = 0\n"
                         "; net.ipv4.tcp_timestamps = 0\n"
                         "nonsense\n"
                         "  -net/ipv4/tcp_timestamps=0\n"
                         "net.ipv4.tcp_fin_timeout \t= 15 \n"
                         "net.ipv4.tcp_tw_reuse = 1";
    struct audit audit = {.error = 0};
    FILE *file = fmemopen(text, strlen(text), "r");
    (void)state;
    audit_settings_file(&audit, file, "/etc/sysctl.d/x.conf");
    fclose(file);
    assert_int_equal(audit.setting_count, 3);
    assert_string_equal(audit.settings[0].name, "net.ipv4.tcp_timestamps");
    assert_string_equal(audit.settings[0].value, "0");
    assert_string_equal(audit.settings[1].value, "15");
    assert_string_equal(audit.settings[2].value, "1");
    assert_string_equal(audit.settings[2].where, "/etc/sysctl.d/x.conf");
    audit_free(&audit);
}

static void every_setting_is_listed_and_none_is_cut(void **state) {
    enum { MANY = 100, LONG = 3000 };
    struct audit audit = {.error = 0};
    char value[LONG + 1], *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    memset(value, '1', LONG);
    value[LONG] = '\0';
    for (int i = 0; i < MANY; i++)
        fprintf(out, "net.ipv4.tcp_fin_timeout = %s\n", value);
    fclose(out);
    FILE *file = fmemopen(text, size, "r");
    audit_settings_file(&audit, file, "x");
    fclose(file);
    assert_int_equal(audit.setting_count, MANY);
    assert_string_equal(audit.settings[MANY - 1].value, value);
    audit_free(&audit);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_of_the_range_are_in_danger_unless_reserved),
        cmocka_unit_test(every_listener_counts_the_last_one_too),
        cmocka_unit_test(every_port_in_danger_is_listed),
        cmocka_unit_test(an_address_is_shared_if_the_programs_have_different_names),
        cmocka_unit_test(two_scripts_of_one_interpreter_are_two_programs),
        cmocka_unit_test(listeners_on_different_devices_share_nothing),
        cmocka_unit_test(a_udp_server_has_a_port_too),
        cmocka_unit_test(every_shared_address_is_listed),
        cmocka_unit_test(settings_are_judged_by_their_value),
        cmocka_unit_test(a_setting_that_this_kernel_ignores_is_told),
        cmocka_unit_test(buckets_are_not_judged_without_a_default),
        cmocka_unit_test(an_odd_range_with_reserved_ends_does_no_harm),
        cmocka_unit_test(a_file_is_read_as_sysctl_reads_it),
        cmocka_unit_test(every_setting_is_listed_and_none_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
