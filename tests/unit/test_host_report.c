/* The text of a budget and of an audit at its widest: no line is wider than 80 columns, other than
 * commands to copy, and nothing is cut. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "report/host/audit.h"
#include "report/host/budget.h"

static const char widest[] = "2001:db8:1111:2222:3333:4444:5555:6666";

static struct endpoint at(const char *address, uint16_t port) {
    struct endpoint endpoint;
    unsigned bits;
    assert_null(endpoint_parse_network(address, &endpoint, &bits));
    endpoint.port = port;
    return endpoint;
}

static struct owner wide_owner(void) {
    struct owner owner = {.pid = 4194303, .fd = 3, .uid = 1000, .name = "a-long-name-of-"};
    memset(owner.user, 'u', 31);
    memset(owner.unit, 's', 200);
    strcpy(owner.program, "a-long-name-of-a-program-which-is-too-long-now");
    strcpy(owner.command, "/usr/local/bin/a-long-name-of-a-program --with several ...");
    return owner;
}

/* Returns the text of the report, which the caller frees. */
static char *text_of(const struct subject *subject, const void *findings) {
    struct report report = {.subject = subject, .findings = findings};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    format_named(subject, "text")->write(&report, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static bool is_command(const char *line) {
    line += strspn(line, " ");
    return strncmp(line, "sysctl ", 7) == 0 || strncmp(line, "echo ", 5) == 0;
}

static void assert_narrow(const char *text) {
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        if (length > LAYOUT_COLUMNS && !is_command(text))
            fail_msg("%zu columns: %.*s", length, (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static void a_budget_is_narrow(void **state) {
    static const struct port_set none;
    struct budget budget = {.where = {.name = "here"},
                            .range = port_range(1, 65535, &none),
                            .explicit_ports = 65535,
                            .explicit_sockets = 4000000000,
                            .route_count = 4000000000,
                            .known = 1,
                            .rate = 65535e3, /* each port for a millisecond */
                            .growth = 65535e3,
                            .exhausted_s = 1e9,
                            .unseen = 4000000000,
                            .asked = {.interval_ns = 1}};
    struct budget_route *route = &budget.routes[0];
    struct budget_findings findings = {.budget = &budget, .warn_percent = 1, .critical_percent = 1};
    (void)state;
    route->local = at(widest, 0);
    route->remote = at(widest, 65535);
    route->used = route->reusable = route->closed = route->by_bind = 65535;
    for (unsigned i = 1; i < STATE_COUNT; i++)
        route->states[i] = 65535;
    route->owners.known = BUDGET_OWNERS;
    route->owners.count = 4000000000;
    for (unsigned i = 0; i < BUDGET_OWNERS; i++)
        route->owners.list[i] = (struct budget_owner){
            .owner = wide_owner(), .sockets = 4000000000, .workers = 4000000, .estimated = true};
    char *text = text_of(&subject_budget, &findings);
    assert_narrow(text);
    assert_true(strncmp(text, "CRITICAL [2001:db8:1111:2222:3333:4444:5555:6666]:65535: 0 ", 59) ==
                0);
    assert_non_null(strstr(text, "\n  from 2001:db8:1111:2222:3333:4444:5555:6666\n"));
    assert_non_null(strstr(text, ": pid 4194303: a-long-name-of-\n"));
    assert_non_null(strstr(text, "and 3999999996 more\n"));
    assert_non_null(strstr(text, "and 3999999999 more destinations\n"));
    free(text);
}

static void an_audit_is_narrow(void **state) {
    struct port_set none = {0};
    struct audit audit = {.where = {.name = "here"}, .unseen = 4000000000};
    enum { PORTS = 28232 };
    (void)state;
    audit.range = port_range(32768, 60999, &none);
    audit.ports = arena_alloc(&audit.arena, PORTS * sizeof *audit.ports);
    audit.port_count = PORTS;
    audit.ports[0] = (struct audit_port){PROTOCOL_TCP, 32768, true, wide_owner()};
    audit.ports[1] = (struct audit_port){.port = 32769, .listening = true};
    audit.shared = arena_alloc(&audit.arena, 1000 * sizeof *audit.shared);
    audit.shared_count = 1000;
    for (unsigned i = 0; i < audit.shared_count; i++)
        audit.shared[i] = (struct audit_shared){.local = at(widest, 65535),
                                                .device = "wide_device_15c",
                                                .owners = {wide_owner(), wide_owner()}};
    audit_setting(&audit, "net.ipv4.ip_local_port_range", "1000 65000",
                  "/usr/local/lib/sysctl.d/60-ports.conf");
    for (int i = 0; i < 20; i++)
        audit_setting(&audit, "net.ipv4.tcp_timestamps", "0", "");
    struct audit_findings findings = {&audit};
    char *text = text_of(&subject_audit, &findings);
    assert_narrow(text);
    assert_true(strncmp(text,
                        "WARNING 28232 unreserved server ports, 1000 shared ports, "
                        "21 harmful sysctls\n",
                        77) == 0);
    assert_non_null(strstr(text, "and 28168 more\n"));
    assert_non_null(strstr(text, "and 936 more\n"));
    assert_non_null(strstr(text, "    in /usr/local/lib/sysctl.d/60-ports.conf\n"));
    free(text);
    audit_free(&audit);
}

/* Every remedy that sets a sysctl keeps it at the end of the same file: none undoes another. */
static void an_audit_reserves_ports_where_it_was_asked(void **state) {
    static const struct {
        const char *path, *now, *kept;
        bool root;
    } rows[] = {
        {"", "  sysctl -w net.ipv4.ip_local_reserved_ports=80,40000\n",
         "  echo 'net.ipv4.ip_local_reserved_ports = 80,40000' >>/etc/sysctl.d/90-ports.conf\n",
         true},
        {"", "  sudo sysctl -w net.ipv4.ip_local_reserved_ports=80,40000\n",
         "  echo 'net.ipv4.ip_local_reserved_ports = 80,40000' | sudo tee -a "
         "/etc/sysctl.d/90-ports.conf\n",
         false},
        {"/run/netns/blue",
         "  ip netns exec blue sysctl -w net.ipv4.ip_local_reserved_ports=80,40000\n",
         "  # this lasts as long as the network namespace;", true},
    };
    struct audit_port port = {.port = 40000};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct audit audit = {.is_first_netns = true, .asked_by_root = rows[i].root};
        struct audit_findings findings = {&audit};
        snprintf(audit.where.path, sizeof audit.where.path, "%s", rows[i].path);
        audit.ports = &port;
        audit.port_count = 1;
        port_set_parse("80,40000", &audit.wanted);
        char *text = text_of(&subject_audit, &findings);
        assert_non_null(strstr(text, "\nWhat to do\n"));
        assert_non_null(strstr(text, rows[i].now));
        assert_non_null(strstr(text, rows[i].kept));
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_budget_is_narrow),
        cmocka_unit_test(an_audit_is_narrow),
        cmocka_unit_test(an_audit_reserves_ports_where_it_was_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
