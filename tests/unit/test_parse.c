/* Sound texts: what each form of a line becomes in struct scenario and struct step. */
#include "test.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/units.h"
#include "model/socket.h"
#include "scenario/scenario.h"

/* --- the scenario of the present test --- */

static struct scenario *now; /* freed behind each test */

/* Parses bytes that hold no error, from a block of exactly their size. */
static struct scenario *sound_bytes(const char *bytes, size_t size) {
    struct errors errors = {0};
    char *text = malloc(size == 0 ? 1 : size);
    assert_non_null(text);
    memcpy(text, bytes, size);
    scenario_free(now);
    now = scenario_parse("name", "file.scenario", text, size, &errors);
    free(text);
    errors_print(&errors, stderr);
    size_t count = errors.count;
    errors_free(&errors);
    assert_int_equal(count, 0);
    return now;
}

static struct scenario *sound(const char *text) {
    return sound_bytes(text, strlen(text));
}

/* The same of the steps of one case, of which the first stands in line 3. */
static struct scenario *story(const char *steps) {
    char *text;
    assert_true(asprintf(&text, "title t\ncase c\n%s\n", steps) > 0);
    struct scenario *scenario = sound(text);
    free(text);
    return scenario;
}

/* The last step of a story. */
static const struct step *last_of(const char *steps) {
    struct scenario *scenario = story(steps);
    assert_true(scenario->step_count > 0);
    return &scenario->steps[scenario->step_count - 1];
}

/* The last step of a story that begins with a socket `s` of role `r`. */
static const struct step *behind_socket(const char *line) {
    char *text;
    assert_true(asprintf(&text, "r socket s\n%s", line) > 0);
    const struct step *step = last_of(text);
    free(text);
    return step;
}

static int forget(void **state) {
    (void)state;
    scenario_free(now);
    now = NULL;
    return 0;
}

static const char *role_of(const struct step *step) {
    assert_in_range(step->role, 0, now->role_count - 1);
    return now->roles[step->role];
}

static const char *socket_of(int socket) {
    assert_true(socket >= 0 && (size_t)socket < now->socket_count);
    return now->sockets[socket];
}

/* --- the header --- */

static const char whole[] = "# a comment\n"
                            "title  Two   sockets # on one port\n"
                            "tags   bind time-wait\n"
                            "tags   \"with blank\"\n"
                            "needs  kernel >= 6.3\n"
                            "needs  ipv6\n"
                            "needs  uids\n"
                            "slow\n"
                            "why\n"
                            "  Because.\n"
                            "fix\n"
                            "  Do it.\n"
                            "\n"
                            "setup\n"
                            "  server socket listener\n"
                            "  server listen listener\n"
                            "\n"
                            "case the first one\n"
                            "  client socket conn\n"
                            "case the second one\n";

static void the_header_is_read_in_full(void **state) {
    (void)state;
    const struct scenario *scenario = sound(whole);
    assert_string_equal(scenario->name, "name");
    assert_string_equal(scenario->file, "file.scenario");
    assert_int_equal(scenario->source_size, strlen(whole));
    assert_string_equal(scenario->source, whole);
    assert_string_equal(scenario->title, "Two sockets");
    assert_int_equal(scenario->needs_kernel.part[0], 6);
    assert_int_equal(scenario->needs_kernel.part[1], 3);
    assert_int_equal(scenario->needs_kernel.part[2], 0);
    assert_true(scenario->needs_ipv6);
    assert_true(scenario->needs_uids);
    assert_true(scenario->slow);
    assert_string_equal(scenario->why, "Because.");
    assert_string_equal(scenario->fix, "Do it.");
}

static void what_a_header_leaves_out_is_not_there(void **state) {
    (void)state;
    const struct scenario *scenario = sound("title t\ncase c\n a socket s\n");
    assert_int_equal(scenario->tag_count, 0);
    assert_int_equal(scenario->needs_kernel.part[0], 0);
    assert_false(scenario->needs_ipv6);
    assert_false(scenario->needs_uids);
    assert_false(scenario->slow);
    assert_null(scenario->why);
    assert_null(scenario->fix);
    assert_int_equal(scenario->setup.count, 0);
    assert_null(scenario->steps[0].comment);
}

static void each_need_is_apart_from_the_others(void **state) {
    static const struct {
        const char *line;
        bool ipv6, uids;
        unsigned kernel;
    } rows[] = {{"needs ipv6", true, false, 0},
                {"needs uids", false, true, 0},
                {"needs kernel >= 5.10.7", false, false, 5}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[100];
        snprintf(text, sizeof text, "title t\n%s\ncase c\n a socket s\n", rows[i].line);
        const struct scenario *scenario = sound(text);
        assert_int_equal(scenario->needs_ipv6, rows[i].ipv6);
        assert_int_equal(scenario->needs_uids, rows[i].uids);
        assert_int_equal(scenario->needs_kernel.part[0], rows[i].kernel);
        assert_false(scenario->slow);
    }
}

static void a_scenario_has_the_tags_of_all_its_tag_lines(void **state) {
    (void)state;
    const struct scenario *scenario = sound(whole);
    assert_int_equal(scenario->tag_count, 3);
    assert_true(scenario_has_tag(scenario, "bind"));
    assert_true(scenario_has_tag(scenario, "time-wait"));
    assert_true(scenario_has_tag(scenario, "with blank"));
    assert_false(scenario_has_tag(scenario, "time"));
    assert_false(scenario_has_tag(scenario, "BIND"));
    assert_false(scenario_has_tag(scenario, ""));
}

static void a_title_is_text_and_need_not_be_quoted(void **state) {
    static const struct {
        const char *line, *title;
    } rows[] = {
        {"title bind after a socket", "bind after a socket"},
        {"title \"One  # two\"", "One  # two"},
        {"title say \"hi\" # c", "say \"hi\""},
        {"title \"hi\" he said", "\"hi\" he said"},
        {"title \"say \\\"hi\\\"\"", "say \"hi\""},
        {"title the 5\" disk", "the 5\" disk"},
        {"title a -> b | c", "a -> b | c"},
        {"title bad \xff\xc3 bytes", "bad \xff\xc3 bytes"},
        {"   title indented", "indented"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[100];
        snprintf(text, sizeof text, "%s\ncase c\n a socket s\n", rows[i].line);
        assert_string_equal(sound(text)->title, rows[i].title);
    }
}

/* --- prose --- */

static const struct {
    const char *lines, *why;
} prose_rows[] = {
    {"why\n  one\n  two\n", "one\ntwo"},
    {"why\n  one\n\n  two\n", "one\n\ntwo"},
    {"why\n\n\n  one\n\n\n", "one"},
    {"why\n  one \t\n\ttwo\n", "one\ntwo"},
    {"why\n  one\n   \n  two\n", "one\n\ntwo"},
    {"why the first\n  the second\n", "the first\nthe second"},
    {"why the first\n", "the first"},
    {"why\n  bug #12 is # no comment\n", "bug #12 is # no comment"},
    {"why\n  an \"open quote, a NAME -> and |\n", "an \"open quote, a NAME -> and |"},
    {"why\n  setup\n  case x\n  title y\n", "setup\ncase x\ntitle y"},
    {"why\n  one\n# ends it\n", "one"},
    {"why\n  one\nslow\n", "one"},
    {"why\n  \xc3\xa9\xff\n", "\xc3\xa9\xff"},
    {"why\r\n  one\r\n\r\n  two\r\n", "one\n\ntwo"},
    {"why # nothing\n", ""},
    {"why\n", ""},
};

static void prose_is_the_indented_lines_up_to_column_one(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(prose_rows); i++) {
        char text[200];
        snprintf(text, sizeof text, "title t\n%scase c\n a socket s\n", prose_rows[i].lines);
        const struct scenario *scenario = sound(text);
        assert_string_equal(scenario->why, prose_rows[i].why);
        assert_null(scenario->fix);
        assert_int_equal(scenario->case_count, 1);
    }
}

static void fix_follows_why_and_each_has_its_own_lines(void **state) {
    (void)state;
    const struct scenario *scenario =
        sound("why\n  one\nfix\n  two\n\n  three\ntitle t\ncase c\n a socket s\n");
    assert_string_equal(scenario->why, "one");
    assert_string_equal(scenario->fix, "two\n\nthree");
    assert_string_equal(scenario->title, "t");
}

/* --- sections --- */

static void steps_belong_to_the_setup_or_to_their_case(void **state) {
    (void)state;
    const struct scenario *scenario = sound(whole);
    assert_int_equal(scenario->step_count, 3);
    assert_int_equal(scenario->setup.first, 0);
    assert_int_equal(scenario->setup.count, 2);
    assert_int_equal(scenario->setup.line, 14);
    assert_int_equal(scenario->case_count, 2);
    assert_string_equal(scenario->cases[0].title, "the first one");
    assert_int_equal(scenario->cases[0].line, 18);
    assert_int_equal(scenario->cases[0].first, 2);
    assert_int_equal(scenario->cases[0].count, 1);
    assert_string_equal(scenario->cases[1].title, "the second one");
    assert_int_equal(scenario->cases[1].line, 20);
    assert_int_equal(scenario->cases[1].count, 0);
}

static void every_case_starts_from_where_the_setup_ended(void **state) {
    (void)state;
    sound("title t\nsetup\n a socket s\n"
          "case one\n a close s\n a exit\n b socket mine\n"
          "case two\n a listen s\n b socket other\n");
    assert_int_equal(now->role_count, 2);
    assert_int_equal(now->socket_count, 3);
}

static void a_title_of_a_case_may_read_like_a_step(void **state) {
    (void)state;
    const struct scenario *scenario = story("a socket s\ncase socket s is bound\n a socket s\n"
                                            "case \"quoted # title\"\n a socket s");
    assert_string_equal(scenario->cases[1].title, "socket s is bound");
    assert_string_equal(scenario->cases[2].title, "quoted # title");
}

/* --- steps in general --- */

static void a_step_keeps_its_line_arguments_and_comment(void **state) {
    (void)state;
    const struct step *step =
        behind_socket("r  bind   s   \"127.0.0.1:80\"  ->   ok |  EINVAL   #  why not \t");
    assert_int_equal(step->verb, VERB_BIND);
    assert_int_equal(step->line, 4);
    assert_string_equal(step->arguments, "s \"127.0.0.1:80\"");
    assert_string_equal(step->comment, "why not");
    assert_true(step->want.given);
    assert_string_equal(step->want.text, "ok | EINVAL");
}

static void a_step_without_arguments_has_none(void **state) {
    (void)state;
    assert_string_equal(behind_socket("r exit")->arguments, "");
    assert_string_equal(behind_socket("r exit -> ok")->arguments, "");
}

static void a_step_without_an_arrow_expects_ok(void **state) {
    (void)state;
    const struct step *step = behind_socket("r listen s");
    assert_false(step->want.given);
    assert_string_equal(step->want.text, "ok");
    assert_int_equal(step->want.either_count, 1);
    assert_int_equal(step->want.either[0].kind, WANT_OK);
    assert_null(step->comment);
    assert_null(behind_socket("r listen s #  ")->comment);
}

static void a_name_means_the_same_role_and_socket_everywhere(void **state) {
    (void)state;
    const struct scenario *scenario =
        story("\"r\" socket s\nb socket s\nr socket \"two words\"\n\"b\" listen \"s\"");
    assert_int_equal(scenario->role_count, 2);
    assert_int_equal(scenario->socket_count, 2);
    assert_int_equal(scenario->steps[0].role, scenario->steps[2].role);
    assert_int_equal(scenario->steps[1].role, scenario->steps[3].role);
    assert_int_equal(scenario->steps[0].socket, scenario->steps[3].socket);
    assert_string_equal(socket_of(scenario->steps[2].socket), "two words");
}

static void a_quoted_keyword_may_name_a_role(void **state) {
    (void)state;
    assert_string_equal(role_of(last_of("\"case\" socket s")), "case");
    assert_string_equal(role_of(last_of("\"socket\" socket s")), "socket");
    assert_string_equal(role_of(last_of("a fork \"kill\"\n\"kill\" exit")), "kill");
}

static void a_socket_may_be_called_like_anything(void **state) {
    static const char *const names[] = {"socket", "peer", "port", "case", "within", "no", "ok"};
    (void)state;
    for (size_t i = 0; i < ROWS(names); i++) {
        char steps[100];
        snprintf(steps, sizeof steps, "a socket %s\na close %s", names[i], names[i]);
        assert_string_equal(socket_of(last_of(steps)->socket), names[i]);
    }
}

/* --- the environment --- */

static void sysctl_takes_a_name_and_words(void **state) {
    (void)state;
    const struct step *step = last_of("sysctl net.ipv4.ip_local_port_range 40000 40099");
    assert_int_equal(step->verb, VERB_SYSCTL);
    assert_int_equal(step->role, NO_ROLE);
    assert_string_equal(step->sysctl.name, "net.ipv4.ip_local_port_range");
    assert_int_equal(step->sysctl.value_count, 2);
    assert_string_equal(step->sysctl.values[0].text, "40000");
    assert_string_equal(step->sysctl.values[1].text, "40099");
    assert_false(step->sysctl.values[0].is_address);
}

static void sysctl_takes_the_port_of_a_socket_for_a_word(void **state) {
    (void)state;
    const struct step *step = behind_socket("sysctl net.ipv4.x 1 $r.s.port \"$r.s.port\"");
    assert_int_equal(step->sysctl.value_count, 3);
    assert_false(step->sysctl.values[0].is_address);
    assert_true(step->sysctl.values[1].is_address);
    assert_int_equal(step->sysctl.values[1].address.use, ADDRESS_AND_ITS_PORT);
    assert_string_equal(step->sysctl.values[1].text, "$r.s.port");
    assert_false(step->sysctl.values[2].is_address); /* quoted: as it stands */
}

static void await_waits_five_seconds_unless_told(void **state) {
    (void)state;
    const struct step *step = last_of("await TIME-WAIT 127.0.0.1:80");
    assert_int_equal(step->verb, VERB_AWAIT);
    assert_int_equal(step->query.states, 1U << STATE_TIME_WAIT);
    assert_false(step->query.absent);
    assert_int_equal(step->query.within_ns, 5ULL * NS_PER_S);
    assert_int_equal(step->query.local.pattern.endpoint.port, 80);
    assert_true(step->query.remote.pattern.any_address);
    assert_true(step->query.remote.pattern.any_port);
}

static void await_takes_no_remote_and_within(void **state) {
    (void)state;
    const struct step *step = last_of("await no ANY *:* [::1]:80 within 200ms");
    assert_true(step->query.absent);
    assert_int_equal(step->query.states, (uint32_t)STATES_ANY);
    assert_true(step->query.local.pattern.any_address);
    assert_true(step->query.local.pattern.any_port);
    assert_int_equal(step->query.remote.pattern.endpoint.family, AF_INET6);
    assert_int_equal(step->query.remote.pattern.endpoint.port, 80);
    assert_false(step->query.remote.pattern.any_port);
    assert_int_equal(step->query.within_ns, 200ULL * NS_PER_MS);
    step = last_of("await BOUND 127.0.0.1:* within 3s");
    assert_int_equal(step->query.within_ns, 3ULL * NS_PER_S);
    assert_false(step->query.absent);
    assert_true(step->query.local.pattern.any_port);
    assert_false(step->query.local.pattern.any_address);
}

static void every_state_has_its_name(void **state) {
    static const struct {
        const char *name;
        enum tcp_state number;
    } rows[] = {
        {"LISTEN", STATE_LISTEN},
        {"SYN-SENT", STATE_SYN_SENT},
        {"SYN-RECEIVED", STATE_SYN_RECEIVED},
        {"ESTABLISHED", STATE_ESTABLISHED},
        {"FIN-WAIT-1", STATE_FIN_WAIT_1},
        {"FIN-WAIT-2", STATE_FIN_WAIT_2},
        {"CLOSE-WAIT", STATE_CLOSE_WAIT},
        {"CLOSING", STATE_CLOSING},
        {"LAST-ACK", STATE_LAST_ACK},
        {"TIME-WAIT", STATE_TIME_WAIT},
        {"CLOSED", STATE_CLOSED},
        {"BOUND", STATE_BOUND},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char line[60];
        snprintf(line, sizeof line, "count %s *:80 -> 0", rows[i].name);
        assert_int_equal(last_of(line)->query.states, 1U << rows[i].number);
        assert_true((STATES_ANY & 1U << rows[i].number) != 0);
    }
}

static void count_and_destroy_take_local_and_remote(void **state) {
    (void)state;
    const struct step *step = last_of("count LISTEN 127.0.0.1:80 *:90 -> 2");
    assert_int_equal(step->verb, VERB_COUNT);
    assert_int_equal(step->query.states, 1U << STATE_LISTEN);
    assert_int_equal(step->query.local.pattern.endpoint.port, 80);
    assert_int_equal(step->query.remote.pattern.endpoint.port, 90);
    assert_true(step->query.remote.pattern.any_address);
    assert_int_equal(step->want.either[0].kind, WANT_NUMBER);
    assert_int_equal(step->want.either[0].low, 2);
    step = last_of("destroy 127.0.0.1:80 127.0.0.1:90");
    assert_int_equal(step->verb, VERB_DESTROY);
    assert_int_equal(step->query.remote.pattern.endpoint.port, 90);
    step = last_of("destroy *:80");
    assert_true(step->query.remote.pattern.any_port);
}

static void times_are_read_to_the_nanosecond(void **state) {
    static const struct {
        const char *time;
        uint64_t ns;
    } rows[] = {{"200ms", 200ULL * NS_PER_MS},
                {"3s", 3ULL * NS_PER_S},
                {"1.5s", 1500ULL * NS_PER_MS},
                {"0s", 0}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char line[40];
        snprintf(line, sizeof line, "sleep %s", rows[i].time);
        assert_int_equal(last_of(line)->verb, VERB_SLEEP);
        assert_int_equal(now->steps[0].duration_ns, rows[i].ns);
    }
}

/* --- sockets and options --- */

static void socket_is_tcp4_unless_told(void **state) {
    static const struct {
        const char *line;
        sa_family_t family;
        size_t options;
    } rows[] = {
        {"a socket s", AF_INET, 0},
        {"a socket s tcp4", AF_INET, 0},
        {"a socket s tcp6", AF_INET6, 0},
        {"a socket s SO_REUSEADDR", AF_INET, 1},
        {"a socket s tcp6 SO_REUSEADDR IPV6_V6ONLY=0", AF_INET6, 2},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct step *step = last_of(rows[i].line);
        assert_int_equal(step->verb, VERB_SOCKET);
        assert_string_equal(socket_of(step->socket), "s");
        assert_int_equal(socket_kind_row(step->kind)->family, rows[i].family);
        assert_int_equal(step->options.count, rows[i].options);
    }
}

static void options_are_kept_in_the_order_written(void **state) {
    (void)state;
    const struct step *step = last_of("a socket s SO_REUSEPORT=0 SO_REUSEADDR SO_REUSEPORT=1");
    assert_int_equal(step->options.count, 3);
    assert_string_equal(step->options.list[0].option->name, "SO_REUSEPORT");
    assert_int_equal(step->options.list[0].value.number, 0);
    assert_string_equal(step->options.list[1].option->name, "SO_REUSEADDR");
    assert_int_equal(step->options.list[1].value.number, 1);
    assert_string_equal(step->options.list[2].option->name, "SO_REUSEPORT");
    assert_int_equal(step->options.list[2].value.number, 1);
}

static const struct {
    const char *written, *value; /* as sockopt_text() writes it */
    int level, number;
} option_rows[] = {
    {"SO_REUSEADDR", "1", SOL_SOCKET, SO_REUSEADDR},
    {"SO_REUSEADDR=0", "0", SOL_SOCKET, SO_REUSEADDR},
    {"SO_REUSEPORT=1", "1", SOL_SOCKET, SO_REUSEPORT},
    {"SO_LINGER", "1", SOL_SOCKET, SO_LINGER},
    {"SO_LINGER=0", "0", SOL_SOCKET, SO_LINGER},
    {"SO_LINGER=off", "off", SOL_SOCKET, SO_LINGER},
    {"SO_BINDTODEVICE=lo", "lo", SOL_SOCKET, SO_BINDTODEVICE},
    {"SO_BINDTODEVICE=", "", SOL_SOCKET, SO_BINDTODEVICE},
    {"SO_KEEPALIVE", "1", SOL_SOCKET, SO_KEEPALIVE},
    {"SO_RCVTIMEO=200ms", "200ms", SOL_SOCKET, SO_RCVTIMEO},
    {"SO_SNDTIMEO=3s", "3s", SOL_SOCKET, SO_SNDTIMEO},
    {"IPV6_V6ONLY=0", "0", IPPROTO_IPV6, IPV6_V6ONLY},
    {"IP_FREEBIND", "1", IPPROTO_IP, IP_FREEBIND},
    {"IP_TRANSPARENT", "1", IPPROTO_IP, IP_TRANSPARENT},
    {"IP_BIND_ADDRESS_NO_PORT", "1", IPPROTO_IP, 24},
    {"IP_LOCAL_PORT_RANGE=40000-40099", "40000-40099", IPPROTO_IP, 51},
    {"IP_LOCAL_PORT_RANGE=0-0", "0-0", IPPROTO_IP, 51},
    {"TCP_DEFER_ACCEPT=5", "5", IPPROTO_TCP, TCP_DEFER_ACCEPT},
    {"TCP_USER_TIMEOUT=1000", "1000", IPPROTO_TCP, TCP_USER_TIMEOUT},
    {"TCP_LINGER2=-1", "-1", IPPROTO_TCP, TCP_LINGER2},
    {"TCP_NODELAY", "1", IPPROTO_TCP, TCP_NODELAY},
    {"TCP_FASTOPEN=16", "16", IPPROTO_TCP, TCP_FASTOPEN},
    {"TCP_SYNCNT=2", "2", IPPROTO_TCP, TCP_SYNCNT},
};

static void setsockopt_takes_every_option(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(option_rows); i++) {
        char line[100], text[SOCKOPT_TEXT_SIZE];
        snprintf(line, sizeof line, "r setsockopt s %s", option_rows[i].written);
        const struct step *step = behind_socket(line);
        assert_int_equal(step->verb, VERB_SETSOCKOPT);
        assert_int_equal(step->options.count, 1);
        assert_int_equal(step->options.list[0].option->level, option_rows[i].level);
        assert_int_equal(step->options.list[0].option->number, option_rows[i].number);
        assert_string_equal(sockopt_text(&step->options.list[0].value, text), option_rows[i].value);
    }
}

static void setsockopt_takes_several_options(void **state) {
    (void)state;
    const struct step *step = behind_socket("r setsockopt s SO_KEEPALIVE TCP_NODELAY=0");
    assert_int_equal(step->options.count, 2);
    assert_string_equal(step->options.list[1].option->name, "TCP_NODELAY");
}

static void getsockopt_takes_one_option(void **state) {
    (void)state;
    const struct step *step = behind_socket("r getsockopt s SO_LINGER -> off");
    assert_int_equal(step->verb, VERB_GETSOCKOPT);
    assert_string_equal(step->options.list[0].option->name, "SO_LINGER");
    assert_int_equal(step->want.either[0].kind, WANT_VALUE);
    assert_true(step->want.either[0].value.off);
}

/* --- questions to the tool itself --- */

static void needs_names_options_and_sysctls(void **state) {
    (void)state;
    const struct scenario *scenario = sound("title t\n"
                                            "needs IP_LOCAL_PORT_RANGE\n"
                                            "needs sysctl net.ipv4.tcp_tw_reuse\n"
                                            "needs sock_diag\n"
                                            "case c\n"
                                            " r socket s\n");
    assert_int_equal(scenario->need_count, 3);
    assert_int_equal(scenario->needs[0].kind, NEED_OPTION);
    assert_string_equal(scenario->needs[0].option->name, "IP_LOCAL_PORT_RANGE");
    assert_int_equal(scenario->needs[1].kind, NEED_SYSCTL);
    assert_string_equal(scenario->needs[1].name, "net.ipv4.tcp_tw_reuse");
    assert_int_equal(scenario->needs[2].kind, NEED_SOCK_DIAG);
}

static void a_socket_may_be_non_blocking(void **state) {
    (void)state;
    assert_int_equal(last_of("r socket s")->options.flags, 0);
    const struct step *step = last_of("r socket s nonblock tcp6 cloexec TCP_NODELAY");
    assert_int_equal(step->options.flags, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_int_equal(socket_kind_row(step->kind)->family, AF_INET6);
    assert_int_equal(step->options.count, 1);
    behind_socket("r connect s *:80 -> EINPROGRESS\nr connect s $r.s.peer");
}

static void poll_takes_what_to_wait_for_and_how_long(void **state) {
    (void)state;
    const struct step *step = behind_socket("r poll s write within 2s -> ready | timeout");
    assert_true(step->wait.write);
    assert_int_equal(step->wait.within_ns, 2ULL * NS_PER_S);
    assert_int_equal(step->want.either[0].kind, WANT_READY);
    assert_int_equal(step->want.either[1].kind, WANT_TIMEOUT);
    assert_int_equal(scenario_declared_ns(now, 0), 2ULL * NS_PER_S);
    step = behind_socket("r poll s read");
    assert_false(step->wait.write);
    assert_int_equal(step->wait.within_ns, 5ULL * NS_PER_S);
}

static void await_takes_a_number_of_sockets(void **state) {
    (void)state;
    assert_int_equal(last_of("await LISTEN *:80")->query.least, 1);
    assert_int_equal(last_of("await no LISTEN *:80")->query.least, 1);
    const struct step *step = last_of("await 200 TIME-WAIT *:* *:80 within 3s");
    assert_int_equal(step->query.least, 200);
    assert_false(step->query.absent);
}

static void after_a_block_that_ended_early_its_sockets_are_open(void **state) {
    (void)state;
    story("r repeat\n socket s\n close s\nend -> EMFILE at socket\nr listen s");
    story("r repeat 5\n socket s\n close s\nend -> ok | EMFILE\nr listen s");
    story("r repeat 5\n socket s\n close s\nend -> any\nr listen s");
    story("a socket l\na repeat\n accept l p\n close p\nend -> EINVAL since 6.8, else ok\n"
          "a recv p");
}

static void sleep_may_stand_in_a_block_and_counts_for_each_round(void **state) {
    (void)state;
    const struct scenario *scenario = story("r repeat 20\n socket s\n sleep 10ms\nend");
    assert_int_equal(scenario->steps[0].body, 2);
    assert_int_equal(scenario->steps[2].verb, VERB_SLEEP);
    assert_int_equal(scenario_declared_ns(scenario, 0), 20 * 10 * NS_PER_MS);
}

static void why_takes_an_address_and_is_about_a_server(void **state) {
    (void)state;
    const struct step *step = last_of("why 127.0.0.1:1215 -> free");
    const struct step_question *question = step_question(step);
    assert_int_equal(step->verb, VERB_WHY);
    assert_int_equal(step->role, NO_ROLE);
    assert_int_equal(question->address.pattern.endpoint.port, 1215);
    assert_false(question->client || question->udp || question->has_from);
    assert_int_equal(question->options.count, 0);
    assert_int_equal(question->as, NO_ROLE);
    assert_int_equal(step->want.either[0].kind, WANT_FREE);
    assert_null(step_question(last_of("sleep 1s")));
}

static void why_takes_the_other_words_in_any_order(void **state) {
    (void)state;
    const struct step *step = behind_socket("why $r.s client from 127.0.0.2:5 as r SO_REUSEPORT "
                                            "no SO_REUSEADDR SO_BINDTODEVICE=lo -> any");
    const struct step_question *question = step_question(step);
    assert_int_equal(question->address.use, ADDRESS_OF_SOCKET);
    assert_true(question->client);
    assert_int_equal(question->from.pattern.endpoint.port, 5);
    assert_string_equal(role_of(step - 1), now->roles[question->as]);
    assert_int_equal(question->options.count, 3);
    assert_string_equal(question->options.list[0].option->name, "SO_REUSEPORT");
    assert_int_equal(question->options.list[0].value.number, 1);
    assert_int_equal(question->options.list[1].value.number, 0);
    assert_string_equal(question->options.list[2].value.text, "lo");
    question = step_question(last_of("why *:80 IP_LOCAL_PORT_RANGE=40000-40009 -> any"));
    assert_true(question->client);
    assert_int_equal(question->options.list[0].value.high, 40009);
    question = step_question(behind_socket("why *:53 IPV6_V6ONLY=0 udp server -> any"));
    assert_true(question->udp && !question->client && question->address.pattern.any_address);
    assert_int_equal(question->options.list[0].value.kind, SOCKOPT_NUMBER);
}

static void from_alone_means_a_client_and_may_leave_the_port_out(void **state) {
    static const char *const sources[] = {"127.0.0.2", "127.0.0.2:0", "127.0.0.2:*"};
    (void)state;
    for (size_t i = 0; i < ROWS(sources); i++) {
        char line[100];
        snprintf(line, sizeof line, "why *:80 from %s -> free", sources[i]);
        const struct step_question *question = step_question(last_of(line));
        assert_true(question->client && question->has_from);
        assert_int_equal(question->from.pattern.endpoint.port, 0);
        assert_int_equal(question->from.pattern.endpoint.address[3], 2);
    }
    const struct step_question *six = step_question(last_of("why [::1]:80 from ::1 -> free"));
    assert_int_equal(six->from.pattern.endpoint.family, AF_INET6);
}

static void budget_takes_a_destination_and_a_source(void **state) {
    (void)state;
    const struct step *step = last_of("budget 10.0.0.1:80 -> 90..100");
    assert_int_equal(step->verb, VERB_BUDGET);
    assert_true(step_question(step)->client && !step_question(step)->has_from);
    assert_int_equal(step->want.either[0].kind, WANT_NUMBER);
    step = behind_socket("budget 10.0.0.1:80 from 10.0.0.2 -> 0");
    assert_int_equal(step_question(step)->from.pattern.endpoint.address[3], 2);
}

static void the_cause_is_free_or_one_of_the_table(void **state) {
    (void)state;
    const struct expectation *want =
        &last_of("why *:80 -> free | stolen-port since 6.8, else unknown | any within 1s")->want;
    assert_int_equal(want->either_count, 2);
    assert_int_equal(want->either[1].kind, WANT_CAUSE);
    assert_int_equal(want->either[1].cause, CAUSE_STOLEN_PORT);
    assert_int_equal(want->otherwise[0].cause, CAUSE_UNKNOWN);
    assert_int_equal(want->otherwise[1].kind, WANT_ANY);
    assert_true(want->timed);
}

static void why_is_prose_in_the_header_and_a_step_behind_it(void **state) {
    (void)state;
    const struct scenario *scenario = sound("title t\n"
                                            "why 127.0.0.1:80 -> free is what people ask\n"
                                            "  indeed\n"
                                            "setup\n"
                                            "why 127.0.0.1:80 -> free\n"
                                            "case c\n"
                                            "why [::1]:80 -> free\n");
    assert_string_equal(scenario->why, "127.0.0.1:80 -> free is what people ask\nindeed");
    assert_int_equal(scenario->setup.count, 1);
    assert_int_equal(scenario->cases[0].count, 1);
}

/* --- the other calls --- */

static void calls_take_their_socket_and_their_arguments(void **state) {
    (void)state;
    const struct step *step = behind_socket("r bind s 127.0.0.1:1215");
    assert_int_equal(step->verb, VERB_BIND);
    assert_string_equal(role_of(step), "r");
    assert_string_equal(socket_of(step->socket), "s");
    assert_int_equal(step->address.pattern.endpoint.port, 1215);
    step = behind_socket("r connect s [::1]:0");
    assert_int_equal(step->verb, VERB_CONNECT);
    assert_int_equal(step->address.pattern.endpoint.family, AF_INET6);
    step = behind_socket("r accept s peer");
    assert_int_equal(step->verb, VERB_ACCEPT);
    assert_string_equal(socket_of(step->socket), "s");
    assert_string_equal(socket_of(step->made), "peer");
}

static void numbers_are_taken_and_may_be_left_out_where_the_table_says_so(void **state) {
    static const struct {
        const char *line;
        enum verb verb;
        bool has_number;
        int64_t number;
    } rows[] = {
        {"r listen s", VERB_LISTEN, false, 0},      {"r listen s 0", VERB_LISTEN, true, 0},
        {"r listen s 128", VERB_LISTEN, true, 128}, {"r send s 10", VERB_SEND, true, 10},
        {"r recv s", VERB_RECV, false, 0},          {"r recv s 10 -> eof", VERB_RECV, true, 10},
    };
    (void)state;
    assert_int_equal(behind_socket("r uid 65534")->uid, 65534);
    assert_int_equal(behind_socket("r uid 0")->uid, 0);
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct step *step = behind_socket(rows[i].line);
        assert_int_equal(step->verb, rows[i].verb);
        assert_int_equal(step->amount.given, rows[i].has_number);
        if (rows[i].has_number)
            assert_int_equal(step->amount.number, rows[i].number);
    }
}

static void shutdown_takes_read_write_and_both(void **state) {
    (void)state;
    assert_int_equal(behind_socket("r shutdown s read -> any")->how, SHUT_RD);
    assert_int_equal(behind_socket("r shutdown s write -> any")->how, SHUT_WR);
    assert_int_equal(behind_socket("r shutdown s both -> any")->how, SHUT_RDWR);
    assert_int_equal(now->steps[1].verb, VERB_SHUTDOWN);
}

static void calls_on_a_socket_alone_take_its_name(void **state) {
    static const struct {
        const char *line;
        enum verb verb;
    } rows[] = {
        {"r disconnect s", VERB_DISCONNECT},
        {"r close s", VERB_CLOSE},
        {"r getsockname s -> 127.0.0.1:*", VERB_GETSOCKNAME},
        {"r getpeername s -> ENOTCONN", VERB_GETPEERNAME},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct step *step = behind_socket(rows[i].line);
        assert_int_equal(step->verb, rows[i].verb);
        assert_string_equal(socket_of(step->socket), "s");
    }
}

static void an_address_has_a_network_and_a_device(void **state) {
    (void)state;
    const struct {
        const char *line;
        bool absent;
        sa_family_t family;
        int64_t bits;
        const char *device;
    } rows[] = {
        {"address 192.0.2.1", false, AF_INET, 32, "lo"},
        {"address 192.0.2.1/24 eth0", false, AF_INET, 24, "eth0"},
        {"address no 192.0.2.1", true, AF_INET, 32, "lo"},
        {"address 2001:db8::1/64 eth0", false, AF_INET6, 64, "eth0"},
        {"address ::1", false, AF_INET6, 128, "lo"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct step *step = last_of(rows[i].line);
        assert_int_equal(step->verb, VERB_ADDRESS);
        assert_int_equal(step->role, NO_ROLE);
        assert_int_equal(step->device.absent, rows[i].absent);
        assert_int_equal(step->device.address.family, rows[i].family);
        assert_int_equal(step->device.bits, rows[i].bits);
        assert_string_equal(step->device.name, rows[i].device);
    }
}

static void steps_of_a_process_are_the_roles_own(void **state) {
    (void)state;
    assert_int_equal(last_of("a exit")->verb, VERB_EXIT);
    assert_int_equal(last_of("a kill")->verb, VERB_KILL);
    const struct step *step = last_of("a fork b");
    assert_int_equal(step->verb, VERB_FORK);
    assert_string_equal(role_of(step), "a");
    assert_string_equal(now->roles[step->other_role], "b");
}

static void a_pass_names_who_gets_the_socket(void **state) {
    (void)state;
    const struct step *step = last_of("a socket s\na pass s b");
    assert_int_equal(step->verb, VERB_PASS);
    assert_string_equal(role_of(step), "a");
    assert_string_equal(socket_of(step->socket), "s");
    assert_string_equal(now->roles[step->other_role], "b");
}

/* --- the story --- */

static void a_socket_that_is_passed_is_open_on_both_sides(void **state) {
    (void)state;
    story("a socket s\na connect s 127.0.0.1:80\na pass s b\n"
          "b send s 1\n"
          "a close s\nb close s\n"
          "c socket x\nc bind x $b.s.peer");
}

static void a_fork_inherits_open_sockets_and_their_peers(void **state) {
    (void)state;
    story("a socket s\na connect s 127.0.0.1:80\na fork b\n"
          "b send s 1\n"
          "a close s\nb close s\n" /* each has its own copy */
          "c socket x\nc bind x $b.s.peer");
}

static void an_accepted_socket_and_a_connected_one_have_a_peer(void **state) {
    (void)state;
    story("a socket s\na accept s p\nb socket t\nb connect t $a.p.peer\n"
          "c socket u\nc connect u 127.0.0.1:$b.t.peer.port");
}

static void a_name_may_be_used_again_once_its_socket_is_closed(void **state) {
    (void)state;
    story("a socket s\na close s\na socket s\na listen s\na socket s");
}

static void a_call_that_is_to_fail_changes_nothing(void **state) {
    (void)state;
    story("a socket s\na close s -> EBADF\na listen s\na exit -> EPERM\na close s");
}

static void a_call_that_may_succeed_is_taken_to_have_done_so(void **state) {
    (void)state;
    story("a socket s -> any\na accept s p -> ok | EAGAIN\na close p\n"
          "a accept s q -> EAGAIN since 6.8, else ok\na close q");
}

static void a_serving_role_may_be_stopped_exited_or_killed(void **state) {
    static const char *const ends[] = {"a stop\na listen s", "a stop -> 5..10\na exit", "a exit",
                                       "a kill"};
    (void)state;
    for (size_t i = 0; i < ROWS(ends); i++) {
        char steps[100];
        snprintf(steps, sizeof steps, "a socket s\na serve\n accept s p\n close p\nend\n%s",
                 ends[i]);
        story(steps);
    }
}

static void a_role_that_serves_in_the_setup_serves_in_every_case(void **state) {
    (void)state;
    sound("title t\nsetup\n a socket s\n a serve\n  accept s p\n end\n"
          "case c\n a stop\n a close s\ncase d\n a stop -> any\n");
}

static void the_peer_of_an_ended_role_is_still_known(void **state) {
    (void)state;
    story("a socket s\na connect s 127.0.0.1:80\na exit\nb socket t\nb bind t $a.s\n"
          "b connect t $a.s.peer");
}

/* --- blocks --- */

static void a_block_counts_its_body_and_keeps_its_role(void **state) {
    (void)state;
    const struct scenario *scenario = story("a repeat 200\n socket s\n bind s *:80\n close s\nend");
    assert_int_equal(scenario->step_count, 4);
    assert_int_equal(scenario->cases[0].count, 4);
    assert_int_equal(scenario->steps[0].verb, VERB_REPEAT);
    assert_int_equal(scenario->steps[0].body, 3);
    assert_true(scenario->steps[0].rounds.given);
    assert_int_equal(scenario->steps[0].rounds.most, 200);
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(scenario->steps[i].role, scenario->steps[0].role);
        assert_int_equal(scenario->steps[i].line, 3 + i);
        assert_int_equal(scenario->steps[i].body, 0);
    }
}

static void a_repeat_without_a_number_has_none(void **state) {
    (void)state;
    const struct scenario *scenario = story("a repeat\n socket s\nend -> EMFILE at socket");
    assert_false(scenario->steps[0].rounds.given);
    assert_string_equal(scenario->steps[0].want.text, "EMFILE at socket");
    assert_true(scenario->steps[0].want.given);
}

static void a_repeat_may_be_timed(void **state) {
    (void)state;
    const struct step *step = story("a repeat 9 timed\n socket s\nend")->steps;
    assert_true(step->rounds.timed);
    assert_int_equal(step->rounds.most, 9);
    step = story("a repeat timed\n socket s\nend -> EMFILE")->steps;
    assert_true(step->rounds.timed);
    assert_false(step->rounds.given);
    assert_false(story("a repeat 9\n socket s\nend")->steps[0].rounds.timed);
}

/* What stands at the end replaces the `ok` that a block is expected to answer without it. */
static void a_block_expects_what_stands_at_its_end_alone(void **state) {
    (void)state;
    const struct expectation *want =
        &story("a repeat 9\n socket s\nend -> EMFILE at socket after 5..7")->steps[0].want;
    assert_int_equal(want->either_count, 1);
    assert_int_equal(want->either[0].kind, WANT_ERRNO);
    assert_int_equal(want->either[0].at, VERB_SOCKET);
    assert_true(want->either[0].counted);
    assert_int_equal(want->either[0].rounds_low, 5);
    assert_int_equal(want->either[0].rounds_high, 7);
    want = &story("a repeat 9\n socket s\nend")->steps[0].want;
    assert_int_equal(want->either_count, 1);
    assert_int_equal(want->either[0].kind, WANT_OK);
    assert_false(want->given);
}

static void a_block_may_expect_one_of_several(void **state) {
    (void)state;
    const struct expectation *want =
        &story("a repeat\n socket s\n bind s *:0\nend -> EMFILE at socket | EADDRINUSE at bind "
               "after 5 | ENFILE | ENOBUFS since 6.8, else ENOMEM at socket")
             ->steps[0]
             .want;
    assert_int_equal(want->either_count, 4);
    assert_int_equal(want->either[0].at, VERB_SOCKET);
    assert_int_equal(want->either[1].at, VERB_BIND);
    assert_int_equal(want->either[1].rounds_low, 5);
    assert_false(want->either[2].counted);
    assert_int_equal(want->either[2].at, VERB_NONE);
    assert_int_equal(want->otherwise_count, 1);
    assert_int_equal(want->otherwise[0].at, VERB_SOCKET);
}

static void serve_has_a_body_and_no_expectation(void **state) {
    (void)state;
    const struct scenario *scenario =
        story("a socket s\na serve\n accept s p\n recv p -> eof\n close p\nend\na stop -> 50..150");
    assert_int_equal(scenario->step_count, 6);
    assert_int_equal(scenario->steps[1].verb, VERB_SERVE);
    assert_int_equal(scenario->steps[1].body, 3);
    assert_int_equal(scenario->steps[3].want.either[0].kind, WANT_EOF);
    assert_int_equal(scenario->steps[5].verb, VERB_STOP);
    assert_int_equal(scenario->steps[5].want.either[0].low, 50);
    assert_int_equal(scenario->steps[5].want.either[0].high, 150);
}

static void a_block_may_stand_behind_a_block(void **state) {
    (void)state;
    const struct scenario *scenario = story("a repeat 2\n socket s\nend\na repeat 3\n close s\n"
                                            " socket s\nend # done\nb socket t");
    assert_int_equal(scenario->steps[0].body, 1);
    assert_int_equal(scenario->steps[2].body, 2);
    assert_string_equal(now->roles[scenario->steps[5].role], "b");
}

/* --- addresses --- */

static const struct {
    const char *written;
    sa_family_t family;
    uint16_t port;
    bool any_address;
} written_rows[] = {
    {"127.0.0.1:1215", AF_INET, 1215, false},
    {"[::1]:1215", AF_INET6, 1215, false},
    {"0.0.0.0:80", AF_INET, 80, false},
    {"[::]:80", AF_INET6, 80, false},
    {"*:80", 0, 80, true},
    {"127.0.0.1:0", AF_INET, 0, false},
    {"*:0", 0, 0, true},
    {"127.0.0.1:65535", AF_INET, 65535, false},
    {"[::ffff:127.0.0.1]:1", AF_INET6, 1, false},
    {"\"127.0.0.1:1\"", AF_INET, 1, false},
};

static void addresses_are_written_in_every_form(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(written_rows); i++) {
        char line[100];
        snprintf(line, sizeof line, "r bind s %s", written_rows[i].written);
        const struct address *address = &behind_socket(line)->address;
        assert_int_equal(address->use, ADDRESS_WRITTEN);
        assert_int_equal(address->pattern.endpoint.family, written_rows[i].family);
        assert_int_equal(address->pattern.endpoint.port, written_rows[i].port);
        assert_int_equal(address->pattern.any_address, written_rows[i].any_address);
        assert_false(address->pattern.any_port);
    }
}

static void an_address_keeps_its_bytes(void **state) {
    static const uint8_t loopback6[16] = {[15] = 1};
    static const uint8_t loopback4[16] = {127, 0, 0, 1};
    (void)state;
    const struct address *address = &behind_socket("r bind s 127.0.0.1:1")->address;
    assert_memory_equal(address->pattern.endpoint.address, loopback4, sizeof loopback4);
    address = &behind_socket("r bind s [::1]:1")->address;
    assert_memory_equal(address->pattern.endpoint.address, loopback6, sizeof loopback6);
}

#define TWO_ROLES                                                                                  \
    "r socket s\nr connect s 127.0.0.1:9\n\"my role\" socket \"a.b\"\n"                            \
    "\"my role\" connect \"a.b\" 127.0.0.1:9\nr.x socket peer\nr.x connect peer 127.0.0.1:9\n"     \
    "r.x socket port\nr.x connect port 127.0.0.1:9\n"

static const struct {
    const char *written, *role, *socket;
    bool peer, port;
} reference_rows[] = {
    {"$r.s", "r", "s", false, false},
    {"$r.s.peer", "r", "s", true, false},
    {"127.0.0.1:$r.s.port", "r", "s", false, true},
    {"127.0.0.1:$r.s.peer.port", "r", "s", true, true},
    {"[::1]:$r.s.port", "r", "s", false, true},
    {"*:$r.s.peer.port", "r", "s", true, true},
    {"\"$my role.a.b\"", "my role", "a.b", false, false},
    {"\"$my role.a.b.peer\"", "my role", "a.b", true, false},
    {"\"127.0.0.1:$my role.a.b.port\"", "my role", "a.b", false, true},
    {"$r.x.peer", "r.x", "peer", false, false},
    {"$r.x.peer.peer", "r.x", "peer", true, false},
    {"$r.x.port", "r.x", "port", false, false},
    {"$r.x.port.peer", "r.x", "port", true, false},
    {"127.0.0.1:$r.x.peer.port", "r.x", "peer", false, true},
    {"127.0.0.1:$r.x.port.port", "r.x", "port", false, true},
    {"127.0.0.1:$r.x.peer.peer.port", "r.x", "peer", true, true},
};

static void references_name_a_socket_and_what_of_it(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(reference_rows); i++) {
        char steps[300];
        snprintf(steps, sizeof steps, TWO_ROLES "r connect s %s", reference_rows[i].written);
        const struct address *address = &last_of(steps)->address;
        assert_int_equal(address->use,
                         reference_rows[i].port ? ADDRESS_AND_ITS_PORT : ADDRESS_OF_SOCKET);
        assert_string_equal(now->roles[address->role], reference_rows[i].role);
        assert_string_equal(socket_of((int)address->socket), reference_rows[i].socket);
        assert_int_equal(address->peer, reference_rows[i].peer);
    }
}

static void a_port_reference_keeps_the_written_address(void **state) {
    (void)state;
    const struct address *address = &behind_socket("r connect s [::1]:$r.s.port")->address;
    assert_int_equal(address->pattern.endpoint.family, AF_INET6);
    assert_int_equal(address->pattern.endpoint.address[15], 1);
    assert_true(behind_socket("r connect s *:$r.s.port")->address.pattern.any_address);
}

static void patterns_may_be_references(void **state) {
    (void)state;
    const struct step *step = behind_socket("await ESTABLISHED $r.s 127.0.0.1:$r.s.port within 1s");
    assert_int_equal(step->query.local.use, ADDRESS_OF_SOCKET);
    assert_int_equal(step->query.remote.use, ADDRESS_AND_ITS_PORT);
    assert_int_equal(step->query.within_ns, NS_PER_S);
}

/* --- expectations --- */

static void an_expectation_may_be_split_by_kernel_and_timed(void **state) {
    (void)state;
    const struct expectation *want =
        &behind_socket("r bind s *:80 -> ok since 6.8.2, else EADDRNOTAVAIL | EINVAL within 2s")
             ->want;
    assert_true(want->split);
    assert_int_equal(want->since.part[0], 6);
    assert_int_equal(want->since.part[1], 8);
    assert_int_equal(want->since.part[2], 2);
    assert_int_equal(want->either_count, 1);
    assert_int_equal(want->otherwise_count, 2);
    assert_true(want->timed);
    assert_int_equal(want->soonest_ns, 0);
    assert_int_equal(want->latest_ns, 2ULL * NS_PER_S);
    want = &behind_socket("r bind s *:80 -> ok in 59s..62s")->want;
    assert_int_equal(want->soonest_ns, 59ULL * NS_PER_S);
    assert_int_equal(want->latest_ns, 62ULL * NS_PER_S);
}

static void bars_and_commas_need_no_blanks(void **state) {
    static const char *const forms[] = {
        "ok|EINVAL since 6.8,else EPERM", "ok | EINVAL since 6.8 , else EPERM",
        "ok| EINVAL since 6.8 else EPERM", "ok |EINVAL since 6.8, else EPERM"};
    (void)state;
    for (size_t i = 0; i < ROWS(forms); i++) {
        char line[100];
        snprintf(line, sizeof line, "r bind s *:80 -> %s", forms[i]);
        const struct expectation *want = &behind_socket(line)->want;
        assert_int_equal(want->either_count, 2);
        assert_int_equal(want->either[1].kind, WANT_ERRNO);
        assert_int_equal(want->otherwise_count, 1);
        assert_int_equal(want->since.part[1], 8);
    }
}

/* --- bytes --- */

static void a_file_may_have_a_byte_order_mark_or_cr_or_no_last_newline(void **state) {
    static const char *const texts[] = {
        "title t\ncase c\n  a socket s -> ok # x",
        "title t\ncase c\n  a socket s -> ok # x\n\n\n",
        "\xef\xbb\xbftitle t\ncase c\n  a socket s -> ok # x\n",
        "title t\r\ncase c\r\n  a socket s -> ok # x\r\n",
        "\xef\xbb\xbftitle t\r\ncase c\r\n  a socket s -> ok # x\r",
    };
    (void)state;
    for (size_t i = 0; i < ROWS(texts); i++) {
        const struct scenario *scenario = sound(texts[i]);
        assert_string_equal(scenario->title, "t");
        assert_string_equal(scenario->cases[0].title, "c");
        assert_int_equal(scenario->step_count, 1);
        assert_string_equal(scenario->steps[0].arguments, "s");
        assert_string_equal(scenario->steps[0].want.text, "ok");
        assert_string_equal(scenario->steps[0].comment, "x");
        assert_int_equal(scenario->steps[0].line, 3);
    }
}

/* An empty file is no scenario, but nothing worse happens than two errors. */
static void an_empty_file_gives_an_empty_scenario(void **state) {
    struct errors errors = {0};
    (void)state;
    now = scenario_parse("empty", NULL, "", 0, &errors);
    assert_int_equal(errors.count, 2);
    assert_string_equal(errors.list[0].file, "empty");
    errors_free(&errors);
    assert_null(now->title);
    assert_null(now->file);
    assert_int_equal(now->case_count, 0);
    assert_int_equal(now->step_count, 0);
    assert_int_equal(now->source_size, 0);
}

static void nothing_but_comments_and_blanks_is_no_step(void **state) {
    (void)state;
    const struct scenario *scenario =
        story("# one\n\n   \n\t# two\n  a socket s\n#three\n   # a socket t");
    assert_int_equal(scenario->step_count, 1);
    assert_int_equal(scenario->steps[0].line, 7);
}

static void a_role_may_have_a_name_of_four_kilobytes(void **state) {
    enum { LONG = 4096 };
    char name[LONG + 1], *steps;
    (void)state;
    memset(name, 'r', LONG);
    name[LONG] = '\0';
    assert_true(asprintf(&steps, "%s socket s\nb socket t\nb connect t $%s.s", name, name) > 0);
    const struct step *step = last_of(steps);
    free(steps);
    assert_string_equal(now->roles[0], name);
    assert_int_equal(step->address.role, 0);
}

static void a_line_may_have_as_many_bytes_as_the_limit(void **state) {
    char *text = malloc(SCENARIO_LINE_MAX + 100);
    (void)state;
    assert_non_null(text);
    int head = sprintf(text, "title t\ncase c\n a socket s\n");
    memset(text + head, '#', SCENARIO_LINE_MAX);
    sound_bytes(text, (size_t)head + SCENARIO_LINE_MAX);
    free(text);
}

static void there_may_be_as_many_steps_roles_and_sockets_as_the_limits(void **state) {
    char *text = NULL;
    size_t size = 0;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fputs("title t\ncase c\n", out);
    for (int i = 0; i < SCENARIO_STEPS_MAX; i++)
        fprintf(out, "r%d socket s%d\n", i % SCENARIO_ROLES_MAX, i % SCENARIO_SOCKETS_MAX);
    fclose(out);
    const struct scenario *scenario = sound_bytes(text, size);
    free(text);
    assert_int_equal(scenario->step_count, SCENARIO_STEPS_MAX);
    assert_int_equal(scenario->role_count, SCENARIO_ROLES_MAX);
    assert_int_equal(scenario->socket_count, SCENARIO_SOCKETS_MAX);
    assert_int_equal(scenario->steps[SCENARIO_STEPS_MAX - 1].line, SCENARIO_STEPS_MAX + 2);
    assert_string_equal(socket_of(scenario->steps[SCENARIO_STEPS_MAX - 1].socket), "s255");
}

/* --- how long a case says it waits --- */

static void a_case_declares_the_waits_of_the_setup_and_its_own(void **state) {
    (void)state;
    const struct scenario *scenario =
        sound("title t\nsetup\n sleep 1s\n"
              "case a\n await TIME-WAIT *:80\n await LISTEN *:80 within 200ms\n"
              "case b\n r socket s\n r accept s p -> ok within 2s\n r close s -> ok in 3s..4s\n"
              "case c\n");
    assert_int_equal(scenario_declared_ns(scenario, 0), 6200ULL * NS_PER_MS);
    assert_int_equal(scenario_declared_ns(scenario, 1), 7ULL * NS_PER_S);
    assert_int_equal(scenario_declared_ns(scenario, 2), NS_PER_S);
}

static void of_two_waits_of_one_step_the_longer_counts(void **state) {
    (void)state;
    assert_int_equal(scenario_declared_ns(story("await LISTEN *:80 within 3s -> ok within 1s"), 0),
                     3ULL * NS_PER_S);
    assert_int_equal(scenario_declared_ns(story("await LISTEN *:80 within 3s -> ok within 9s"), 0),
                     9ULL * NS_PER_S);
    assert_int_equal(scenario_declared_ns(story("a socket s"), 0), 0);
}

#define TEST(function) cmocka_unit_test_teardown(function, forget)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_header_is_read_in_full),
        TEST(what_a_header_leaves_out_is_not_there),
        TEST(each_need_is_apart_from_the_others),
        TEST(a_scenario_has_the_tags_of_all_its_tag_lines),
        TEST(a_title_is_text_and_need_not_be_quoted),
        TEST(prose_is_the_indented_lines_up_to_column_one),
        TEST(fix_follows_why_and_each_has_its_own_lines),
        TEST(steps_belong_to_the_setup_or_to_their_case),
        TEST(every_case_starts_from_where_the_setup_ended),
        TEST(a_title_of_a_case_may_read_like_a_step),
        TEST(a_step_keeps_its_line_arguments_and_comment),
        TEST(a_step_without_arguments_has_none),
        TEST(a_step_without_an_arrow_expects_ok),
        TEST(a_name_means_the_same_role_and_socket_everywhere),
        TEST(a_quoted_keyword_may_name_a_role),
        TEST(a_socket_may_be_called_like_anything),
        TEST(sysctl_takes_a_name_and_words),
        TEST(sysctl_takes_the_port_of_a_socket_for_a_word),
        TEST(await_waits_five_seconds_unless_told),
        TEST(await_takes_no_remote_and_within),
        TEST(every_state_has_its_name),
        TEST(count_and_destroy_take_local_and_remote),
        TEST(times_are_read_to_the_nanosecond),
        TEST(socket_is_tcp4_unless_told),
        TEST(options_are_kept_in_the_order_written),
        TEST(setsockopt_takes_every_option),
        TEST(setsockopt_takes_several_options),
        TEST(getsockopt_takes_one_option),
        TEST(needs_names_options_and_sysctls),
        TEST(a_socket_may_be_non_blocking),
        TEST(poll_takes_what_to_wait_for_and_how_long),
        TEST(await_takes_a_number_of_sockets),
        TEST(after_a_block_that_ended_early_its_sockets_are_open),
        TEST(sleep_may_stand_in_a_block_and_counts_for_each_round),
        TEST(why_takes_an_address_and_is_about_a_server),
        TEST(why_takes_the_other_words_in_any_order),
        TEST(from_alone_means_a_client_and_may_leave_the_port_out),
        TEST(budget_takes_a_destination_and_a_source),
        TEST(the_cause_is_free_or_one_of_the_table),
        TEST(why_is_prose_in_the_header_and_a_step_behind_it),
        TEST(calls_take_their_socket_and_their_arguments),
        TEST(numbers_are_taken_and_may_be_left_out_where_the_table_says_so),
        TEST(shutdown_takes_read_write_and_both),
        TEST(calls_on_a_socket_alone_take_its_name),
        TEST(an_address_has_a_network_and_a_device),
        TEST(steps_of_a_process_are_the_roles_own),
        TEST(a_pass_names_who_gets_the_socket),
        TEST(a_socket_that_is_passed_is_open_on_both_sides),
        TEST(a_fork_inherits_open_sockets_and_their_peers),
        TEST(an_accepted_socket_and_a_connected_one_have_a_peer),
        TEST(a_name_may_be_used_again_once_its_socket_is_closed),
        TEST(a_call_that_is_to_fail_changes_nothing),
        TEST(a_call_that_may_succeed_is_taken_to_have_done_so),
        TEST(a_serving_role_may_be_stopped_exited_or_killed),
        TEST(a_role_that_serves_in_the_setup_serves_in_every_case),
        TEST(the_peer_of_an_ended_role_is_still_known),
        TEST(a_block_counts_its_body_and_keeps_its_role),
        TEST(a_repeat_without_a_number_has_none),
        TEST(a_repeat_may_be_timed),
        TEST(a_block_expects_what_stands_at_its_end_alone),
        TEST(a_block_may_expect_one_of_several),
        TEST(serve_has_a_body_and_no_expectation),
        TEST(a_block_may_stand_behind_a_block),
        TEST(addresses_are_written_in_every_form),
        TEST(an_address_keeps_its_bytes),
        TEST(references_name_a_socket_and_what_of_it),
        TEST(a_port_reference_keeps_the_written_address),
        TEST(patterns_may_be_references),
        TEST(an_expectation_may_be_split_by_kernel_and_timed),
        TEST(bars_and_commas_need_no_blanks),
        TEST(a_file_may_have_a_byte_order_mark_or_cr_or_no_last_newline),
        TEST(an_empty_file_gives_an_empty_scenario),
        TEST(nothing_but_comments_and_blanks_is_no_step),
        TEST(a_role_may_have_a_name_of_four_kilobytes),
        TEST(a_line_may_have_as_many_bytes_as_the_limit),
        TEST(there_may_be_as_many_steps_roles_and_sockets_as_the_limits),
        TEST(a_case_declares_the_waits_of_the_setup_and_its_own),
        TEST(of_two_waits_of_one_step_the_longer_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
