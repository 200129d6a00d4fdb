/* Names of hosts and services: files first, the resolver last. */
#include "cmd/names.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

static char hosts[] = "/tmp/portreuse-hosts-XXXXXX", services[] = "/tmp/portreuse-services-XXXXXX";

static void write_file(char *path, const char *text) {
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* A line of hundreds of names, as lists of servers that show advertisements have it. */
static void write_long_line(void) {
    FILE *file = fopen(hosts, "a");
    assert_non_null(file);
    fprintf(file, "\n10.0.0.2");
    for (int i = 0; i < 500; i++)
        fprintf(file, " name-%d.example.test", i);
    assert_int_equal(fclose(file), 0);
}

static int make_files(void **state) {
    (void)state;
    write_file(hosts, "# comment\n"
                      "127.0.1.1\tweb1.example.test web1 # its own name\n"
                      "192.0.2.7 db db.example.test\r\n"
                      "2001:db8::7 db\n"
                      "192.0.2.7 db\n"
                      "not-an-address broken\n"
                      "fe80::1%lo zone\n"
                      "192.0.2.9\n"
                      "10.0.0.1 last");
    write_file(services, "http 80/tcp www # WorldWideWeb\n"
                         "domain 53/tcp\n"
                         "domain 53/udp\n"
                         "app 8080/tcp application app-alt\n"
                         "game 9000/udp\n"
                         "wrong 70000/tcp\n"
                         "shapeless 12\n"
                         "ftp 2121/tcp\n");
    write_long_line();
    names_use_files(hosts, services);
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    unlink(hosts);
    unlink(services);
    names_use_files(NULL, NULL);
    return 0;
}

/* --- services --- */

static void a_service_is_found_by_name_alias_and_protocol(void **state) {
    static const struct {
        const char *name, *protocol;
        uint16_t port; /* 0: it is not found */
    } rows[] = {
        {"http", "tcp", 80},     {"HTTP", "tcp", 80},        {"www", "tcp", 80},
        {"domain", "udp", 53},   {"app-alt", "tcp", 8080},   {"application", "tcp", 8080},
        {"game", "udp", 9000},   {"game", "tcp", 0},         {"wrong", "tcp", 0},
        {"shapeless", "tcp", 0}, {"WorldWideWeb", "tcp", 0}, {"nobody-knows", "tcp", 0},
        {"ftp", "tcp", 2121},  /* the file goes before the table of the program */
        {"https", "tcp", 443}, /* and the table comes after it */
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint16_t port = 0;
        bool found = names_service(rows[i].name, rows[i].protocol, &port);
        if (found != (rows[i].port != 0) || port != rows[i].port)
            fail_msg("%s/%s: found %d, port %u", rows[i].name, rows[i].protocol, found, port);
    }
}

static void without_the_file_the_common_services_are_known(void **state) {
    uint16_t port = 0;
    (void)state;
    names_use_files(hosts, "/nonexistent/services");
    assert_true(names_service("http", "tcp", &port));
    assert_int_equal(port, 80);
    assert_false(names_service("app", "tcp", &port));
    names_use_files(hosts, services);
}

/* --- hosts --- */

/* The addresses of a name, in one text. */
static enum names_source look_up(const char *name, sa_family_t family, char *text, size_t room) {
    struct endpoint found[4];
    size_t count;
    enum names_source source = names_host(name, family, found, ROWS(found), &count);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char one[INET6_ADDRSTRLEN];
        size_t used = strlen(text);
        inet_ntop(found[i].family, found[i].address, one, sizeof one);
        snprintf(text + used, room - used, "%s%s", i == 0 ? "" : " ", one);
    }
    return source;
}

static void localhost_has_both_families_whatever_the_file_says(void **state) {
    char text[256];
    (void)state;
    assert_int_equal(look_up("localhost", 0, text, sizeof text), NAMES_LOCALHOST);
    assert_string_equal(text, "127.0.0.1 ::1");
    assert_int_equal(look_up("LocalHost", AF_INET6, text, sizeof text), NAMES_LOCALHOST);
    assert_string_equal(text, "::1");
    assert_int_equal(look_up("localhost.localdomain", AF_INET, text, sizeof text), NAMES_LOCALHOST);
    assert_string_equal(text, "127.0.0.1");
}

static void a_host_has_all_addresses_of_the_file_each_once(void **state) {
    char text[256];
    (void)state;
    assert_int_equal(look_up("db", 0, text, sizeof text), NAMES_HOSTS);
    assert_string_equal(text, "192.0.2.7 2001:db8::7");
    assert_int_equal(look_up("DB.example.test", 0, text, sizeof text), NAMES_HOSTS);
    assert_string_equal(text, "192.0.2.7");
    assert_int_equal(look_up("db", AF_INET6, text, sizeof text), NAMES_HOSTS);
    assert_string_equal(text, "2001:db8::7");
    assert_int_equal(look_up("web1", 0, text, sizeof text), NAMES_HOSTS);
    assert_string_equal(text, "127.0.1.1");
    assert_int_equal(look_up("name-499.example.test", 0, text, sizeof text), NAMES_HOSTS);
    assert_string_equal(text, "10.0.0.2");
    assert_int_equal(look_up("last", 0, text, sizeof text), NAMES_HOSTS);
    assert_string_equal(text, "10.0.0.1");
}

static void the_name_of_this_host_means_every_address(void **state) {
    char own[256] = "", text[256];
    (void)state;
    assert_int_equal(gethostname(own, sizeof own - 1), 0);
    if (strchr(own, '.') != NULL || strcmp(own, "localhost") == 0 || own[0] == '\0')
        skip();
    assert_int_equal(look_up(own, 0, text, sizeof text), NAMES_THIS_HOST);
    assert_string_equal(text, "");
}

/* `.invalid` is never in the DNS (RFC 6761); without a network the resolver fails, too. */
static void a_name_that_nobody_knows_is_not_found(void **state) {
    char text[256];
    (void)state;
    enum names_source source = look_up("no-such-host.invalid", 0, text, sizeof text);
    assert_true(source == NAMES_NOT_FOUND || source == NAMES_NO_RESOLVER);
    assert_string_equal(text, "");
}

static void no_more_addresses_than_asked_for(void **state) {
    struct endpoint found[1];
    size_t count;
    (void)state;
    assert_int_equal(names_host("localhost", 0, found, 1, &count), NAMES_LOCALHOST);
    assert_int_equal(count, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_is_found_by_name_alias_and_protocol),
        cmocka_unit_test(without_the_file_the_common_services_are_known),
        cmocka_unit_test(localhost_has_both_families_whatever_the_file_says),
        cmocka_unit_test(a_host_has_all_addresses_of_the_file_each_once),
        cmocka_unit_test(the_name_of_this_host_means_every_address),
        cmocka_unit_test(a_name_that_nobody_knows_is_not_found),
        cmocka_unit_test(no_more_addresses_than_asked_for),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
