/* The list of ip_local_reserved_ports, as a set of ports. */
#include "test.h"

#include "base/ports.h"

static void a_list_has_ports_and_ranges(void **state) {
    struct port_set set = {0};
    (void)state;
    assert_true(port_set_parse("8080,9148-9150,0,65535", &set));
    assert_true(port_set_has(&set, 0) && port_set_has(&set, 8080) && port_set_has(&set, 65535));
    assert_false(port_set_has(&set, 8079) || port_set_has(&set, 8081));
    assert_false(port_set_has(&set, 9147) || port_set_has(&set, 9151));
    for (uint16_t port = 9148; port <= 9150; port++)
        assert_true(port_set_has(&set, port));
}

static void an_empty_list_has_none(void **state) {
    struct port_set set = {0};
    (void)state;
    assert_true(port_set_parse("", &set));
    for (uint32_t port = 0; port <= UINT16_MAX; port++)
        assert_false(port_set_has(&set, (uint16_t)port));
}

static void other_texts_are_refused(void **state) {
    static const char *const wrong[] = {"x",     "80 81", "80-",   "-80",
                                        "81-80", "65536", "80;81", "80,,81"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct port_set set = {0};
        if (port_set_parse(wrong[i], &set))
            fail_msg("'%s' is taken as a list", wrong[i]);
    }
}

static void a_port_is_new_once(void **state) {
    struct port_set set = {0};
    (void)state;
    assert_true(port_set_add(&set, 4711));
    assert_false(port_set_add(&set, 4711));
    assert_true(port_set_add(&set, 4712));
}

static void reserved_ports_do_not_belong_to_the_range(void **state) {
    struct port_range range = {.low = 100, .high = 109, .reserved_count = 2};
    (void)state;
    assert_true(port_set_parse("100,109,110", &range.reserved));
    assert_int_equal(port_range_size(&range), 8);
    assert_false(port_range_has(&range, 99) || port_range_has(&range, 110));
    assert_false(port_range_has(&range, 100) || port_range_has(&range, 109));
    assert_true(port_range_has(&range, 101) && port_range_has(&range, 108));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_has_ports_and_ranges),
        cmocka_unit_test(an_empty_list_has_none),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(a_port_is_new_once),
        cmocka_unit_test(reserved_ports_do_not_belong_to_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
