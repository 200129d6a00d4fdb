/* Addresses on the command line. */
#include "test.h"

#include <string.h>

#include "cmd/target.h"

static const struct {
    const char *text, *endpoint; /* NULL: it is refused */
    bool is_any;
} rows[] = {
    {"127.0.0.1:80", "127.0.0.1:80", false},
    {"[::1]:80", "[::1]:80", false},
    {":80", "127.0.0.9:80", true},
    {"*:80", "127.0.0.9:80", true},
    {"0.0.0.0:0", "0.0.0.0:0", false},
    {"", NULL, false},
    {":", NULL, false},
    {"80", "127.0.0.9:80", true},
    {"80a", NULL, false},
    {"127.0.0.1", NULL, false},
    {"127.0.0.1:*", NULL, false},
    {"127.0.0.1:65536", NULL, false},
    {"localhost:80", NULL, false},
    {"::1:80", NULL, false},
    {"[fe80::1%abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz]:80",
     NULL, false},
};

static void an_address_is_parsed_or_refused(void **state) {
    struct endpoint any = {.family = AF_INET, .address = {127, 0, 0, 9}, .port = 7};
    char text[ENDPOINT_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint endpoint;
        bool is_any = !rows[i].is_any;
        bool good = target_parse("test", "-l", rows[i].text, any, &endpoint, &is_any);
        assert_int_equal(good, rows[i].endpoint != NULL);
        assert_int_equal(good, target_parse("test", NULL, rows[i].text, any, &endpoint, NULL));
        if (!good)
            continue;
        assert_string_equal(endpoint_text(&endpoint, text), rows[i].endpoint);
        assert_int_equal(is_any, rows[i].is_any);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_address_is_parsed_or_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
