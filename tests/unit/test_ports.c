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
    assert_int_equal(port_set_count(&set), 2);
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

static void a_range_of_a_socket_can_lack_a_bound(void **state) {
    static const char *const wrong[] = {"",    "5",     "5-",  "-5",   "5-4",
                                        "0-0", "1-2-3", "a-b", "1 -2", "1-65536"};
    static const struct {
        const char *text;
        uint16_t low, high, first, last; /* of 100 to 109 */
    } right[] = {{"102-105", 102, 105, 102, 105}, {"0-105", 0, 105, 100, 105},
                 {"102-0", 102, 0, 102, 109},     {"0-99", 0, 99, 100, 109},
                 {"110-0", 110, 0, 100, 109},     {"1-65535", 1, 65535, 100, 109}};
    const struct port_set none = {{0}};
    const struct port_range range = port_range(100, 109, &none);
    uint16_t low = 7, high = 7;
    (void)state;
    for (size_t i = 0; i < ROWS(wrong); i++)
        assert_false(port_range_parse_own(wrong[i], &low, &high));
    assert_true(low == 7 && high == 7);
    for (size_t i = 0; i < ROWS(right); i++) {
        assert_true(port_range_parse_own(right[i].text, &low, &high));
        assert_int_equal(low, right[i].low);
        assert_int_equal(high, right[i].high);
        struct port_range narrow = port_range_narrow(&range, low, high);
        assert_int_equal(narrow.low, right[i].first);
        assert_int_equal(narrow.high, right[i].last);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_has_ports_and_ranges),
        cmocka_unit_test(an_empty_list_has_none),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(a_port_is_new_once),
        cmocka_unit_test(reserved_ports_do_not_belong_to_the_range),
        cmocka_unit_test(a_range_of_a_socket_can_lack_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
