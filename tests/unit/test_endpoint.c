/* Endpoints: how they are written, compared, and given to the kernel. */
#include "an_endpoint.h"
#include "test.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endpoint.h"

static void endpoint_parse_takes_addresses_ports_and_stars(void **state) {
    static const struct {
        const char *text;
        sa_family_t family;
        uint16_t port;
        uint8_t address[16];
        bool any_address, any_port;
    } rows[] = {
        {"127.0.0.1:80", AF_INET, 80, {127, 0, 0, 1}, false, false},
        {"0.0.0.0:0", AF_INET, 0, {0}, false, false},
        {"192.0.2.255:65535", AF_INET, 65535, {192, 0, 2, 255}, false, false},
        {"127.0.0.1:*", AF_INET, 0, {127, 0, 0, 1}, false, true},
        {"[::]:0", AF_INET6, 0, {0}, false, false},
        {"[::1]:80", AF_INET6, 80, {[15] = 1}, false, false},
        {"[::1]:*", AF_INET6, 0, {[15] = 1}, false, true},
        {"[2001:DB8::a]:443", AF_INET6, 443, {0x20, 0x01, 0x0d, 0xb8, [15] = 10}, false, false},
        {"[::ffff:10.1.2.3]:7", AF_INET6, 7, {[10] = 0xff, 0xff, 10, 1, 2, 3}, false, false},
        {"[0000:0000:0000:0000:0000:ffff:255.255.255.255]:1", /* the longest there is */
         AF_INET6,
         1,
         {[10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
         false,
         false},
        {"*:80", 0, 80, {0}, true, false},
        {"*:*", 0, 0, {0}, true, true},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint_pattern got;
        const char *at, *wrong = endpoint_parse(rows[i].text, &got, &at);
        if (wrong != NULL)
            fail_msg("%s: %s", rows[i].text, wrong);
        assert_int_equal(got.endpoint.family, rows[i].family);
        assert_int_equal(got.endpoint.port, rows[i].port);
        assert_memory_equal(got.endpoint.address, rows[i].address, sizeof rows[i].address);
        assert_int_equal(got.any_address, rows[i].any_address);
        assert_int_equal(got.any_port, rows[i].any_port);
    }
}

static void endpoint_parse_says_what_is_wrong_and_where(void **state) {
    static const struct {
        const char *text;
        size_t at;         /* the wrong place */
        const char *words; /* that the complaint must hold */
    } rows[] = {
        {"", 0, "port is missing"},
        {"80", 0, "port is missing"},
        {"127.0.0.1", 0, "port is missing"},
        {"[::1]", 0, "port is missing"},
        {"*", 0, "port is missing"},
        {":80", 0, "address is missing"},
        {"[]:80", 0, "address is missing"},
        {"localhost:80", 0, "not an IPv4 address"},
        {"127.0.0:80", 0, "not an IPv4 address"},
        {"127.0.0.256:80", 0, "not an IPv4 address"},
        {" 127.0.0.1:80", 0, "not an IPv4 address"},
        {"**:80", 0, "not an IPv4 address"},
        {"::1:80", 0, "brackets"},
        {"[::1:80", 0, "brackets"},
        {"[::g]:80", 0, "not an IPv6 address"},
        {"[*]:80", 0, "not an IPv6 address"},
        {"[127.0.0.1]:80", 0, "not an IPv6 address"},
        {"[fe80::1%lo]:80", 0, "not an IPv6 address"},
        {"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]:80", 0, "too long for an address"},
        {"127.0.0.1:", 10, "not a port"},
        {"127.0.0.1:65536", 10, "not a port"},
        {"127.0.0.1:-1", 10, "not a port"},
        {"127.0.0.1:80x", 10, "not a port"},
        {"127.0.0.1: 80", 10, "not a port"},
        {"127.0.0.1:**", 10, "not a port"},
        {"[::1]:http", 6, "not a port"},
        {"*:x", 2, "not a port"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint_pattern pattern;
        const char *at = NULL, *wrong = endpoint_parse(rows[i].text, &pattern, &at);
        if (wrong == NULL || strstr(wrong, rows[i].words) == NULL)
            fail_msg("%s: %s", rows[i].text, wrong == NULL ? "was taken" : wrong);
        assert_ptr_equal(at, rows[i].text + rows[i].at);
    }
}

static void endpoint_parse_refuses_addresses_of_any_length(void **state) {
    char text[104];
    (void)state;
    for (size_t size = 1; size <= 100; size++) {
        struct endpoint_pattern pattern;
        const char *at;
        memset(text, '1', size);
        strcpy(text + size, ":80");
        assert_non_null(endpoint_parse(text, &pattern, &at));
        assert_ptr_equal(at, text);
    }
}

static void endpoint_text_is_what_parse_takes(void **state) {
    static const struct {
        const char *text, *any_port;
    } rows[] = {
        {"127.0.0.1:80", "127.0.0.1:*"},
        {"0.0.0.0:0", "0.0.0.0:*"},
        {"255.255.255.255:65535", "255.255.255.255:*"},
        {"[::]:1", "[::]:*"},
        {"[::1]:65535", "[::1]:*"},
        {"[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:*"},
        {"[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
         "[1111:2222:3333:4444:5555:6666:7777:8888]:*"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint endpoint = an_endpoint(rows[i].text);
        char *text = malloc(ENDPOINT_TEXT_SIZE);
        assert_ptr_equal(endpoint_text(&endpoint, text), text);
        assert_string_equal(text, rows[i].text);
        assert_ptr_equal(endpoint_text_any_port(&endpoint, text), text);
        assert_string_equal(text, rows[i].any_port);
        free(text);
    }
}

static void endpoint_text_of_no_endpoint_is_a_dash(void **state) {
    struct endpoint none = {.port = 80};
    char text[ENDPOINT_TEXT_SIZE];
    (void)state;
    assert_string_equal(endpoint_text(&none, text), "-");
    assert_string_equal(endpoint_text_any_port(&none, text), "-");
}

static void endpoint_equal_compares_family_address_and_port(void **state) {
    static const struct {
        const char *a, *b;
        bool want;
    } rows[] = {
        {"127.0.0.1:80", "127.0.0.1:80", true},  {"[::1]:80", "[::1]:80", true},
        {"127.0.0.1:80", "127.0.0.1:81", false}, {"127.0.0.1:80", "127.0.0.2:80", false},
        {"[::1]:80", "[::2]:80", false},         {"[1::]:80", "[2::]:80", false},
        {"0.0.0.0:80", "[::]:80", false},        {"127.0.0.1:80", "[::ffff:127.0.0.1]:80", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint a = an_endpoint(rows[i].a), b = an_endpoint(rows[i].b);
        if (endpoint_equal(&a, &b) != rows[i].want || endpoint_equal(&b, &a) != rows[i].want)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
    }
}

static void endpoint_matches_stars_and_mapped_addresses(void **state) {
    static const struct {
        const char *pattern, *endpoint;
        bool want;
    } rows[] = {
        {"127.0.0.1:80", "127.0.0.1:80", true},
        {"127.0.0.1:80", "127.0.0.1:81", false},
        {"127.0.0.1:80", "127.0.0.2:80", false},
        {"127.0.0.1:*", "127.0.0.1:4711", true},
        {"127.0.0.1:*", "127.0.0.2:4711", false},
        {"*:80", "127.0.0.1:80", true},
        {"*:80", "[::1]:80", true},
        {"*:80", "[::1]:81", false},
        {"*:*", "[::1]:81", true},
        {"[::1]:80", "[::1]:80", true},
        {"[::1]:*", "[::2]:80", false},
        {"127.0.0.1:80", "[::ffff:127.0.0.1]:80", true},
        {"127.0.0.1:*", "[::ffff:127.0.0.1]:9", true},
        {"127.0.0.1:80", "[::ffff:127.0.0.1]:81", false},
        {"127.0.0.1:80", "[::ffff:127.0.0.2]:80", false},
        {"127.0.0.1:80", "[::127.0.0.1]:80", false},
        {"[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80", true},
        {"[::ffff:127.0.0.1]:80", "127.0.0.1:80", false},
        {"0.0.0.0:80", "127.0.0.1:80", false},
        {"0.0.0.0:80", "[::]:80", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint endpoint = an_endpoint(rows[i].endpoint);
        struct endpoint_pattern pattern;
        const char *at;
        assert_null(endpoint_parse(rows[i].pattern, &pattern, &at));
        if (endpoint_matches(&pattern, &endpoint) != rows[i].want)
            fail_msg("%s and %s", rows[i].pattern, rows[i].endpoint);
    }
}

static void endpoint_knows_wildcards_and_mapped_addresses(void **state) {
    static const struct {
        const char *text;
        bool wildcard, mapped;
        const char *unmapped;
    } rows[] = {
        {"0.0.0.0:80", true, false, "0.0.0.0:80"},
        {"127.0.0.1:80", false, false, "127.0.0.1:80"},
        {"0.0.0.1:80", false, false, "0.0.0.1:80"},
        {"[::]:80", true, false, "[::]:80"},
        {"[::1]:80", false, false, "[::1]:80"},
        {"[8000::]:80", false, false, "[8000::]:80"},
        {"[::ffff:0.0.0.0]:80", true, true, "0.0.0.0:80"},
        {"[::ffff:10.1.2.3]:80", false, true, "10.1.2.3:80"},
        {"[1::ffff:10.1.2.3]:80", false, false, "[1::ffff:a01:203]:80"},
        {"[::fffe:10.1.2.3]:80", false, false, "[::fffe:a01:203]:80"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint endpoint = an_endpoint(rows[i].text);
        struct endpoint plain = endpoint_unmapped(&endpoint), want = an_endpoint(rows[i].unmapped);
        if (endpoint_is_wildcard(&endpoint) != rows[i].wildcard ||
            endpoint_is_mapped(&endpoint) != rows[i].mapped || !endpoint_equal(&plain, &want))
            fail_msg("%s", rows[i].text);
    }
}

static void endpoint_knows_loopback(void **state) {
    static const struct {
        const char *text;
        bool loopback;
    } rows[] = {{"127.0.0.1:80", true},  {"127.255.0.9:0", true},
                {"[::1]:80", true},      {"[::ffff:127.0.0.1]:80", true},
                {"0.0.0.0:80", false},   {"128.0.0.1:80", false},
                {"[::]:80", false},      {"[::2]:80", false},
                {"[7f00::1]:80", false}, {"[::ffff:10.1.2.3]:80", false}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint endpoint = an_endpoint(rows[i].text);
        if (endpoint_is_loopback(&endpoint) != rows[i].loopback)
            fail_msg("%s", rows[i].text);
    }
}

static void endpoint_wildcard_is_one_of_its_family(void **state) {
    static const struct {
        sa_family_t family;
        const char *want;
    } rows[] = {{AF_INET, "0.0.0.0:80"}, {AF_INET6, "[::]:80"}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint got = endpoint_wildcard(rows[i].family, 80),
                        want = an_endpoint(rows[i].want);
        assert_true(endpoint_equal(&got, &want));
    }
}

static void endpoint_goes_to_sockaddr_and_back(void **state) {
    static const char *const rows[] = {"127.0.0.1:80", "0.0.0.0:0", "192.0.2.1:65535",
                                       "[::1]:80",     "[::]:0",    "[2001:db8::1:2]:513"};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint endpoint = an_endpoint(rows[i]);
        struct sockaddr_storage address;
        memset(&address, 0xff, sizeof address);
        size_t want =
            endpoint.family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
        assert_int_equal(endpoint_to_sockaddr(&endpoint, &address), want);
        assert_int_equal(address.ss_family, endpoint.family);
        struct endpoint again = endpoint_from_sockaddr(&address);
        if (!endpoint_equal(&again, &endpoint))
            fail_msg("%s came back as another", rows[i]);
    }
}

static void endpoint_sockaddr_is_in_network_order_without_rubbish(void **state) {
    struct endpoint four = an_endpoint("127.0.0.1:80"), six = an_endpoint("[::1]:80");
    struct sockaddr_storage address;
    (void)state;
    memset(&address, 0xff, sizeof address);
    endpoint_to_sockaddr(&four, &address);
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address;
    assert_int_equal(in->sin_port, htons(80));
    assert_int_equal(in->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    memset(&address, 0xff, sizeof address);
    endpoint_to_sockaddr(&six, &address);
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address;
    assert_int_equal(in6->sin6_port, htons(80));
    assert_memory_equal(&in6->sin6_addr, &in6addr_loopback, sizeof in6addr_loopback);
    assert_int_equal(in6->sin6_scope_id, 0);
    assert_int_equal(in6->sin6_flowinfo, 0);
}

static void endpoint_from_another_family_is_none(void **state) {
    struct sockaddr_storage address;
    (void)state;
    memset(&address, 0xff, sizeof address);
    address.ss_family = AF_UNIX;
    struct endpoint endpoint = endpoint_from_sockaddr(&address), none = {0};
    assert_true(endpoint_equal(&endpoint, &none));
}

static void a_network_is_an_address_and_its_bits(void **state) {
    (void)state;
    struct endpoint address;
    unsigned bits = 0;
    char text[ENDPOINT_TEXT_SIZE];
    assert_null(endpoint_parse_network("192.0.2.1/24", &address, &bits));
    assert_int_equal(bits, 24);
    assert_string_equal(endpoint_text(&address, text), "192.0.2.1:0");
    assert_null(endpoint_parse_network("2001:db8::1", &address, &bits));
    assert_int_equal(bits, 128);
    assert_string_equal(endpoint_text(&address, text), "[2001:db8::1]:0");
    assert_non_null(endpoint_parse_network("", &address, &bits));
    assert_non_null(endpoint_parse_network("/8", &address, &bits));
    assert_non_null(endpoint_parse_network("192.0.2.1/8x", &address, &bits));
    assert_non_null(endpoint_parse_network(
        "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001", &address, &bits));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_is_an_address_and_its_bits),
        cmocka_unit_test(endpoint_parse_takes_addresses_ports_and_stars),
        cmocka_unit_test(endpoint_parse_says_what_is_wrong_and_where),
        cmocka_unit_test(endpoint_parse_refuses_addresses_of_any_length),
        cmocka_unit_test(endpoint_text_is_what_parse_takes),
        cmocka_unit_test(endpoint_text_of_no_endpoint_is_a_dash),
        cmocka_unit_test(endpoint_equal_compares_family_address_and_port),
        cmocka_unit_test(endpoint_matches_stars_and_mapped_addresses),
        cmocka_unit_test(endpoint_knows_wildcards_and_mapped_addresses),
        cmocka_unit_test(endpoint_knows_loopback),
        cmocka_unit_test(endpoint_wildcard_is_one_of_its_family),
        cmocka_unit_test(endpoint_goes_to_sockaddr_and_back),
        cmocka_unit_test(endpoint_sockaddr_is_in_network_order_without_rubbish),
        cmocka_unit_test(endpoint_from_another_family_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
