/* portreuse why: what it concludes from trials, sockets and owners, and how it says so. */
#include "an_endpoint.h"
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/why.h"
#include "diagnose/why_steady.h"
#include "report/host/why.h"

enum { PORT = 65535, INODE = 4711, UID = 1000 };

#define LONG_NAME "fifteen-letters"

/* An answer about a listener of another process. */
static struct why a_refusal(void) {
    struct why why = {.asked = {.local = an_endpoint("127.0.0.1:65535")},
                      .verdict = WHY_REFUSED,
                      .call = "bind",
                      .error = EADDRINUSE,
                      .cause = CAUSE_ADDRESS_IN_USE,
                      .privileged_below = 1024,
                      .time_left_ms = 59999,
                      .range = {.low = 32768, .high = 60999}};
    for (unsigned i = 0; i < WHY_TRIALS; i++)
        why.trials[i] = (struct why_trial){.error = EADDRINUSE, .call = "bind"};
    why.tried = (1U << WHY_TRIALS) - 1;
    why.evidence = (struct evidence){
        .cause = CAUSE_ADDRESS_IN_USE, .words = "words", .total = 1, .suspect_count = 1};
    why.evidence.suspects[0] =
        (struct suspect){.occupant = {.socket = {.state = STATE_LISTEN,
                                                 .local = an_endpoint("127.0.0.1:65535"),
                                                 .remote = an_endpoint("0.0.0.0:0"),
                                                 .inode = INODE,
                                                 .uid = UID}},
                         .owners = {.inode = INODE, .search = OWNERS_SEARCHED}};
    return why;
}

static void add_owner(struct why *why, pid_t pid) {
    struct suspect *suspect = &why->evidence.suspects[0];
    struct server *server = &suspect->server;
    struct owner owner = {.pid = pid, .uid = UID, .name = "comm"};
    strcpy(owner.command, "/usr/sbin/nginx -g daemon");
    strcpy(owner.program, "nginx");
    strcpy(owner.user, "www-data");
    suspect->owners.oldest[suspect->owners.known++] = owner;
    suspect->owners.count++;
    if (server->shape == SERVER_NOT_FOUND)
        server->main = owner;
    else
        server->workers++;
    server->shape = SERVER_ONE;
    if (server->stops.count == 0)
        stops_add(&server->stops, "kill %d", (int)pid);
}

/* --- what the trials say of others --- */

static enum knowledge reuseaddr_by_trial(int error) {
    struct why why = a_refusal();
    struct occupant occupant = {
        .socket = {.state = STATE_TIME_WAIT, .local = an_endpoint("127.0.0.1:80")}};
    why.trials[WHY_REUSEADDR].error = error;
    why_describe(&why, &occupant);
    return occupant.reuseaddr;
}

static void a_trial_shows_whether_the_old_socket_had_the_option(void **state) {
    (void)state;
    assert_int_equal(reuseaddr_by_trial(0), KNOWN_YES);
    assert_int_equal(reuseaddr_by_trial(EADDRINUSE), KNOWN_NO);
    assert_int_equal(reuseaddr_by_trial(EACCES), NOT_KNOWN);
}

static void a_trial_with_both_options_shows_it_too_if_it_fails(void **state) {
    struct why why = a_refusal();
    struct occupant occupant = {.socket = {.state = STATE_TIME_WAIT}};
    const unsigned both = WHY_REUSEADDR | WHY_REUSEPORT;
    (void)state;
    why.tried = 1U << both;
    why_describe(&why, &occupant);
    assert_int_equal(occupant.reuseaddr, KNOWN_NO);
    why.trials[both].error = 0; /* it had one of the two */
    why_describe(&why, &occupant);
    assert_int_equal(occupant.reuseaddr, NOT_KNOWN);
}

/* --- whether the sockets prove the answer --- */

static bool is_proved(int error, enum tcp_state state, enum knowledge reuseaddr) {
    struct why why = a_refusal();
    why.asked.reuseaddr = true;
    why.tried = 1U << WHY_REUSEADDR;
    why.trials[WHY_REUSEADDR].error = error;
    why.verdict = error == 0 ? WHY_FREE : WHY_REFUSED;
    why.evidence.suspects[0].occupant.socket.state = state;
    why.evidence.suspects[0].occupant.reuseaddr = reuseaddr;
    why.evidence.suspect_count = state != STATE_NONE;
    return why_is_proved(&why);
}

static void only_a_socket_that_is_certainly_in_the_way_proves_a_refusal(void **state) {
    (void)state;
    assert_true(is_proved(EADDRINUSE, STATE_LISTEN, NOT_KNOWN));
    assert_true(is_proved(EADDRINUSE, STATE_BOUND, KNOWN_NO));
    assert_true(is_proved(EADDRINUSE, STATE_ESTABLISHED, KNOWN_NO));
    assert_false(is_proved(EADDRINUSE, STATE_NONE, NOT_KNOWN));
    assert_false(is_proved(EADDRINUSE, STATE_BOUND, NOT_KNOWN));
    assert_false(is_proved(EADDRINUSE, STATE_BOUND, KNOWN_YES));
    assert_false(is_proved(EADDRINUSE, STATE_TIME_WAIT, NOT_KNOWN));
    assert_false(is_proved(EADDRINUSE, STATE_TIME_WAIT, KNOWN_NO)); /* so the trial itself says */
    assert_true(is_proved(EACCES, STATE_NONE, NOT_KNOWN));
}

static void a_socket_that_must_have_refused_the_trial_came_later(void **state) {
    struct why why = {.tried = 1U << WHY_REUSEADDR, .asked.reuseaddr = true};
    (void)state;
    assert_true(is_proved(0, STATE_NONE, NOT_KNOWN));
    assert_true(is_proved(0, STATE_TIME_WAIT, NOT_KNOWN));
    assert_true(is_proved(0, STATE_BOUND, NOT_KNOWN));
    assert_false(is_proved(0, STATE_LISTEN, NOT_KNOWN));
    assert_true(why_is_proved(&why));
    why.late = 1;
    assert_false(why_is_proved(&why));
}

static enum knowledge outgoing(enum tcp_state tcp, const char *local, const char *remote,
                               enum socket_opener opener) {
    struct why why = a_refusal();
    struct occupant occupant = {.socket = {.state = tcp,
                                           .local = an_endpoint(local),
                                           .remote = an_endpoint(remote),
                                           .opener = opener}};
    why_describe(&why, &occupant);
    return occupant.outgoing;
}

static void in_time_wait_the_range_shows_who_opened_the_connection(void **state) {
    const char *ours = "127.0.0.1:40000", *theirs = "127.0.0.1:80";
    (void)state;
    assert_int_equal(outgoing(STATE_TIME_WAIT, ours, theirs, OPENER_NOT_KNOWN), KNOWN_YES);
    assert_int_equal(outgoing(STATE_TIME_WAIT, theirs, ours, OPENER_NOT_KNOWN), KNOWN_NO);
    assert_int_equal(outgoing(STATE_TIME_WAIT, ours, ours, OPENER_NOT_KNOWN), NOT_KNOWN);
    assert_int_equal(outgoing(STATE_TIME_WAIT, theirs, theirs, OPENER_NOT_KNOWN), NOT_KNOWN);
    assert_int_equal(outgoing(STATE_ESTABLISHED, ours, theirs, OPENER_NOT_KNOWN), NOT_KNOWN);
    assert_int_equal(outgoing(STATE_ESTABLISHED, ours, theirs, OPENED_THERE), KNOWN_NO);
    assert_int_equal(outgoing(STATE_ESTABLISHED, theirs, ours, OPENED_HERE), KNOWN_YES);
}

static void the_refusal_is_that_of_the_program_asked_about(void **state) {
    struct why why = a_refusal();
    (void)state;
    why.asked.reuseaddr = why.asked.other_user = true;
    why.asked.uid = UID;
    struct refusal refusal = why_refusal(&why);
    assert_int_equal(refusal.call, CALL_BIND);
    assert_true(refusal.claim.reuseaddr && !refusal.claim.reuseport && !refusal.all_reserved);
    assert_int_equal(refusal.claim.uid, UID);
    assert_int_equal(refusal.claim.range_low, 32768);
    why.asked.local = (struct endpoint){0};
    why.asked.remote = an_endpoint("[::1]:80");
    why.call = "connect";
    refusal = why_refusal(&why);
    assert_int_equal(refusal.call, CALL_CONNECT);
    assert_int_equal(refusal.claim.local.family, AF_INET6);
    assert_int_equal(refusal.claim.local.port, 0);
}

/* --- what the owners say --- */

static void one_owner_leaves_the_cause_as_it_is(void **state) {
    struct why why = a_refusal();
    (void)state;
    add_owner(&why, 1);
    why_name(&why);
    assert_int_equal(why.cause, CAUSE_ADDRESS_IN_USE);
    assert_string_equal(why.words, "words");
}

static void several_owners_are_a_server_unless_they_only_inherited_it(void **state) {
    struct why why = a_refusal();
    (void)state;
    add_owner(&why, 1);
    add_owner(&why, 2);
    why_name(&why);
    assert_int_equal(why.cause, CAUSE_ADDRESS_IN_USE);
    why.evidence.suspects[0].server.shape = SERVER_LEAK;
    why_name(&why);
    assert_int_equal(why.cause, CAUSE_LEAKED_LISTENER);
    why.evidence.suspects[0].occupant.socket.state = STATE_ESTABLISHED;
    why_name(&why);
    assert_int_equal(why.cause, CAUSE_ADDRESS_IN_USE);
}

static enum cause cause_without_owner(enum owners_search search, uint32_t inode) {
    struct why why = a_refusal();
    why.evidence.suspects[0].owners.search = search;
    why.evidence.suspects[0].occupant.socket.inode = inode;
    why_name(&why);
    return why.cause;
}

/* What is known to be the kernel's needs no search. */
static void the_kernel_can_have_a_port(void **state) {
    struct why why = a_refusal();
    (void)state;
    why.holder.kind = HOLDER_VXLAN;
    why.evidence.suspects[0].owners.search = OWNERS_DENIED;
    why.evidence.suspects[0].occupant.socket.inode = 0;
    why_name(&why);
    assert_int_equal(why.cause, CAUSE_ADDRESS_IN_USE);
    why.evidence.suspects[0].occupant.socket.inode = INODE;
    why_name(&why);
    assert_int_equal(why.cause, CAUSE_KERNEL_SOCKET);
    why.evidence.suspects[0].owners.count = 1;
    why_name(&why);
    assert_int_equal(why.cause, CAUSE_ADDRESS_IN_USE);
}

static void no_process_has_it_only_if_all_were_searched(void **state) {
    (void)state;
    assert_int_equal(cause_without_owner(OWNERS_SEARCHED, INODE), CAUSE_HELD_BY_NO_PROCESS);
    assert_int_equal(cause_without_owner(OWNERS_IN_FLIGHT, INODE), CAUSE_HELD_BY_NO_PROCESS);
    assert_int_equal(cause_without_owner(OWNERS_CHANGED, INODE), CAUSE_ADDRESS_IN_USE);
    assert_int_equal(cause_without_owner(OWNERS_SEARCHED, 0), CAUSE_ADDRESS_IN_USE);
    assert_int_equal(cause_without_owner(OWNERS_DENIED, INODE), CAUSE_ADDRESS_IN_USE);
    assert_int_equal(cause_without_owner(OWNERS_NOT_SEARCHED, INODE), CAUSE_ADDRESS_IN_USE);
}

/* --- the fields of the texts --- */

static char *filled(const char *text, const struct why *why, bool *known) {
    char *result = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&result, &size);
    *known = why_fill(out, text, why);
    fclose(out);
    return result;
}

static void check_filled(const struct why *why, const char *text, const char *want) {
    bool known;
    char *got = filled(text, why, &known);
    assert_true(known);
    assert_string_equal(got, want);
    free(got);
}

static void fields_are_filled_in(void **state) {
    struct why why = a_refusal();
    (void)state;
    add_owner(&why, 4711);
    add_owner(&why, 4712);
    check_filled(&why, "", "");
    check_filled(&why, "{occupant} {listens}", "nginx (4711) and 1 worker listen");
    check_filled(&why, "{has} {is} {runs} {leaks} {uses}", "have are run leak use");
    check_filled(&why, "kill: {stop}.", "kill: kill 4711.");
    check_filled(&why, "{asked}{on_address} {port}", "127.0.0.1:65535 65535");
    why.asked.local = an_endpoint("0.0.0.0:65535");
    check_filled(&why, "{asked}{on_address}", "0.0.0.0:65535 on 127.0.0.1:65535");
    why.asked.local = an_endpoint("127.0.0.1:65535");
    check_filled(&why, "{user} {pid}", "www-data 4711");
    check_filled(&why, "{time_left} {privileged_below} {range_ports}", "60 s 1024 28232");
    check_filled(&why, "{reuse_or_stop}, {reuse_or_wait}", "stop it, wait");
    check_filled(&why, "{reserved}", "65535");
    check_filled(&why, "{question}, {apart}",
                 "--no-reuse-addr 127.0.0.1:65535, [::] includes IPv4: set IPV6_V6ONLY on it");
    why.trials[WHY_REUSEADDR].error = 0;
    check_filled(&why, "{reuse_or_stop}, {reuse_or_wait}",
                 "set SO_REUSEADDR, set SO_REUSEADDR or wait");
    why.trials[WHY_REUSEADDR].error = EADDRINUSE;
    why.trials[WHY_REUSEPORT].error = 0;
    check_filled(&why, "{reuse_or_stop}, {reuse_or_wait}",
                 "set SO_REUSEPORT, set SO_REUSEPORT or wait");
}

static void the_same_question_can_be_asked_again(void **state) {
    struct why why = a_refusal();
    (void)state;
    why.asked.reuseaddr = true;
    check_filled(&why, "{question}", "127.0.0.1:65535");
    why.asked.reuseport = why.asked.v6only = why.asked.other_user = true;
    why.asked.uid = UID;
    why.asked.as = 4711;
    strcpy(why.asked.device, "eth0");
    strcpy(why.asked.text, ":80");
    check_filled(&why, "{question}",
                 "--pid 4711 --uid 1000 --reuse-port --v6only --device eth0 :80");
    why = a_refusal();
    why.asked.protocol = PROTOCOL_UDP;
    strcpy(why.where.path, "/run/netns/blue");
    check_filled(&why, "{question}", "--netns blue 127.0.0.1:65535/udp");
    why = a_refusal();
    why.asked.protocol = PROTOCOL_UNIX;
    strcpy(why.asked.unix_socket.name, "/run/my x.sock");
    why.asked.unix_socket.name_size = strlen("/run/my x.sock");
    check_filled(&why, "{question}", "unix:'/run/my x.sock'");
}

static void keep_first(void *first, const char *line) {
    char *text = first;
    if (text[0] == '\0')
        snprintf(text, 80, "%s", line);
}

static void the_first_line_is_no_alternative(void **state) {
    struct why why = a_refusal();
    char first[80] = "";
    (void)state;
    why.asked_by_root = true;
    why_remedies(&why, keep_first, first);
    assert_string_equal(first, "# have your program use another port or address");
    why.asked_by_root = false;
    why.evidence.suspects[0].owners.search = OWNERS_DENIED;
    first[0] = '\0';
    why_remedies(&why, keep_first, first);
    assert_string_equal(first, "sudo portreuse why --no-reuse-addr 127.0.0.1:65535");
}

static void every_command_that_is_needed_is_given(void **state) {
    struct why why = a_refusal();
    (void)state;
    add_owner(&why, 4711);
    stops_add(&why.evidence.suspects[0].server.stops, "kill %d", 4712);
    check_filled(&why, "{stop}", "kill 4711; kill 4712");
}

static void who_has_it_is_named_as_far_as_it_is_known(void **state) {
    struct why why = a_refusal();
    struct suspect *suspect = &why.evidence.suspects[0];
    (void)state;
    check_filled(&why, "{occupant} {listens}", "another process listens");
    suspect->owners.search = OWNERS_DENIED;
    suspect->occupant.socket.uid = 0;
    check_filled(&why, "{occupant} {listens}", "a process of root listens");
    add_owner(&why, 4711);
    suspect->server.keeper.kind = KEEPER_SERVICE;
    strcpy(suspect->server.keeper.name, "web.service");
    check_filled(&why, "{occupant}", "nginx (4711) of web.service");
    suspect->server.keeper.kind = KEEPER_DOCKER;
    strcpy(suspect->server.keeper.name, "0123456789ab");
    check_filled(&why, "{occupant}", "nginx (4711) of docker 0123456789ab");
    suspect->server.main.state = 'T';
    suspect->server.keeper.name[0] = '\0';
    check_filled(&why, "{occupant}", "nginx (4711, stopped)");
    suspect->server.main.state = 'S';
    suspect->server.shape = SERVER_ORPHANS;
    suspect->server.workers = 1;
    check_filled(&why, "{occupant} {listens}", "2 orphaned workers of nginx (4711) listen");
    suspect->server.shape = SERVER_SEVERAL;
    check_filled(&why, "{occupant} {listens}", "nginx (4711) and 1 more listen");
    suspect->server.shape = SERVER_SOCKET_UNIT;
    strcpy(suspect->server.keeper.name, "web.socket");
    check_filled(&why, "{occupant} {listens}", "web.socket (systemd) listens");
}

static void an_unknown_field_is_reported(void **state) {
    static const char *const texts[] = {"{nonsense}", "a {stop", "{",
                                        "{}",         "{stop }", "{stop {stop"};
    struct why why = a_refusal();
    (void)state;
    for (size_t i = 0; i < ROWS(texts); i++) {
        bool known;
        char *got = filled(texts[i], &why, &known);
        assert_false(known);
        assert_string_equal(got, texts[i]);
        free(got);
    }
}

static void check_fields(const char *name, const char *text, const struct why *why) {
    bool known;
    char *got = filled(text, why, &known);
    if (!known)
        fail_msg("%s: a field that is not known: %s", name, text);
    free(got);
}

static void check_remedy(const char *name, const struct cause_remedy *remedy,
                         const struct why *why) {
    if (remedy->text != NULL)
        check_fields(name, remedy->text, why);
    if (remedy->price != NULL)
        check_fields(name, remedy->price, why);
}

static void every_field_of_the_table_is_known(void **state) {
    struct why why = a_refusal();
    (void)state;
    add_owner(&why, 4711);
    for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
        const struct cause_row *row = cause_row((enum cause)cause);
        check_fields(row->name, row->headline, &why);
        for (size_t i = 0; i < CAUSE_REMEDIES && cause_remedy_is(&row->remedies[i]); i++)
            check_remedy(row->name, &row->remedies[i], &why);
    }
}

static void count_line(void *context, const char *line) {
    assert_null(strchr(line, '{'));
    ++*(unsigned *)context;
}

static void without_an_owner_no_remedy_names_one(void **state) {
    struct why why = a_refusal();
    unsigned with = 0, without = 0;
    (void)state;
    why_remedies(&why, count_line, &without);
    add_owner(&why, 4711);
    why_remedies(&why, count_line, &with);
    assert_int_equal(without, 1); /* use another port */
    assert_int_equal(with, 2);
}

/* --- the line --- */

/* The longest values that there are. */
static struct why the_longest(enum cause cause, bool has_owner) {
    static const char longest[] = "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535";
    struct why why = a_refusal();
    why.cause = cause;
    why.error = EADDRNOTAVAIL;
    why.asked.local = an_endpoint(longest);
    why.evidence.suspects[0].occupant.socket.local = an_endpoint(longest);
    why.evidence.suspects[0].occupant.socket.uid = UINT32_MAX - 1;
    why.trials[WHY_REUSEADDR].error = 0;
    if (!has_owner)
        return why;
    add_owner(&why, 4194304);
    add_owner(&why, 4194303);
    struct suspect *suspect = &why.evidence.suspects[0];
    strcpy(suspect->server.main.program, LONG_NAME);
    strcpy(suspect->owners.oldest[0].user, "a-user-with-a-name-of-31-bytes-");
    suspect->server.workers = 1000;
    return why;
}

/* Returns whether the text ends with a whole word of the other one. */
static bool ends_with_word_of(const char *line, const char *text) {
    const char *word = strrchr(line, ' ') + 1;
    size_t size = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
        if ((at == text || at[-1] == ' ') && (at[size] == '\0' || strchr(" ;", at[size]) != NULL))
            return true;
    /* Short forms: of an address, of a user, and of a verb behind `pid 4711` instead of several. */
    return strcmp(word, "it") == 0 || strcmp(word, "address") == 0 ||
           strcmp(word, "4294967294") == 0 || strcmp(word, "listens") == 0;
}

static void check_line(const struct why *why) {
    char line[REPORT_LINE_SIZE], address[ENDPOINT_TEXT_SIZE];
    const char *name = why_cause(why)->name;
    bool known;
    char *headline = filled(why_cause(why)->headline, why, &known);
    why_line(why, line);
    if (strstr(line, "port 65535: ") == NULL &&
        strstr(line, endpoint_text(&why->asked.local, address)) == NULL)
        fail_msg("%s: the address is cut: %s", name, line);
    if (!ends_with_word_of(line, headline))
        fail_msg("%s: the end is cut: %s", name, line);
    free(headline);
}

static void the_longest_line_is_not_cut(void **state) {
    (void)state;
    for (unsigned cause = 0; cause < CAUSE_COUNT; cause++)
        for (unsigned i = 0; i < 4; i++) {
            struct why why = the_longest((enum cause)cause, i & 1);
            why.changed = (i & 2) != 0;
            check_line(&why);
        }
}

/* Commands are not wrapped, as they are to be copied. */
static bool is_command(const char *line, size_t size) {
    static const char *const starts[] = {"  portreuse ", "  sudo ", "  sysctl ", "  ss ",
                                         "  ps ",        "  echo ", "  kill ",   "  journalctl "};
    for (size_t i = 0; i < ROWS(starts); i++)
        if (size > strlen(starts[i]) && strncmp(line, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static void no_line_of_the_text_is_wider_than_80_columns(void **state) {
    (void)state;
    for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
        struct why looks[] = {the_longest((enum cause)cause, true),
                              the_longest(CAUSE_UNKNOWN, false)};
        struct why_findings findings = {looks, 2};
        struct report report = {.subject = &subject_why, .findings = &findings};
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        looks[0].words = cause_sentence((enum cause)cause, 0);
        looks[1].words = cause_sentence(CAUSE_UNKNOWN, WHEN_BOUND_UNLISTED);
        looks[0].evidence.suspects[0].occupant.reuseaddr = KNOWN_NO;
        looks[0].evidence.suspects[0].occupant.reuseport = KNOWN_NO;
        looks[0].unseen = 4194304;
        looks[0].own_pids_only = looks[0].changed = looks[0].in_range = true;
        strcpy(looks[0].where.name, "a-namespace-with-a-name");
        subject_why.formats[0]->write(&report, out);
        fclose(out);
        for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
            size_t width = strcspn(line, "\n");
            if (width > 80 && !is_command(line, width))
                fail_msg("%s: %.*s", cause_name((enum cause)cause), (int)width, line);
        }
        free(text);
    }
}

static void check_line_is(const struct why *why, const char *want) {
    char line[REPORT_LINE_SIZE];
    assert_string_equal(why_line(why, line), want);
}

static void a_line_that_is_too_long_is_shortened_step_by_step(void **state) {
    struct why why = a_refusal();
    (void)state;
    check_line_is(&why, "EADDRINUSE 127.0.0.1:65535: another process listens; stop it or change "
                        "the port");
    add_owner(&why, 4711);
    check_line_is(&why,
                  "EADDRINUSE 127.0.0.1:65535: nginx (4711) listens; stop it or change the port");
    why.changed = true;
    check_line_is(&why, "changed while looking; EADDRINUSE 127.0.0.1:65535: nginx (4711) listens");
    why = the_longest(CAUSE_STOLEN_PORT, true);
    check_line_is(&why, "EADDRNOTAVAIL port 65535: pid 4194304 uses it as a client");
}

static void that_workers_are_orphans_is_told_in_the_shortest_line_too(void **state) {
    struct why why = a_refusal();
    struct suspect *suspect = &why.evidence.suspects[0];
    (void)state;
    add_owner(&why, 31639);
    suspect->server.shape = SERVER_ORPHANS;
    suspect->server.workers = 1;
    why.asked.local = an_endpoint("0.0.0.0:65535");
    why.cause = why.evidence.cause = suspect->blame.cause = CAUSE_WILDCARD_VS_SPECIFIC;
    strcpy(suspect->server.main.program, "nginx");
    check_line_is(&why,
                  "EADDRINUSE 0.0.0.0:65535: 2 orphans of nginx (31639) listen on 127.0.0.1:65535");
    strcpy(suspect->server.main.program, "a-very-long-name-of-a-program");
    check_line_is(&why,
                  "EADDRINUSE port 65535: 2 orphaned workers (31639) listen on another address");
}

static void what_is_free_has_no_cause(void **state) {
    struct why why = {.verdict = WHY_FREE, .asked = {.local = an_endpoint("0.0.0.0:80")}};
    unsigned remedies = 0;
    (void)state;
    assert_null(why_cause(&why));
    why_remedies(&why, count_line, &remedies);
    assert_int_equal(remedies, 0);
    check_line_is(&why, "FREE 0.0.0.0:80: bind() and listen() would succeed now");
    why.asked.remote = an_endpoint("127.0.0.1:81");
    check_line_is(&why, "FREE 127.0.0.1:81 from 0.0.0.0:80: bind() and connect() can use the port");
}

static void what_is_free_with_reuseaddr_alone_says_what_else_is_in_the_way(void **state) {
    struct why why = a_refusal();
    struct inet_socket *socket = &why.evidence.suspects[0].occupant.socket;
    unsigned remedies = 0;
    (void)state;
    why.verdict = WHY_FREE;
    why.error = 0;
    why.needs_reuseaddr = why.asked.reuseaddr = true;
    why.time_left_ms = 58001;
    socket->state = STATE_TIME_WAIT;
    check_line_is(&why, "FREE with SO_REUSEADDR (most servers set it); without: TIME-WAIT, 59 s");
    strcpy(why.asked.text, ":80");
    check_line_is(&why,
                  "FREE :80 with SO_REUSEADDR (most servers set it); without: TIME-WAIT, 59 s");
    socket->state = STATE_ESTABLISHED;
    add_owner(&why, 4711);
    check_line_is(&why, "FREE port 65535 with SO_REUSEADDR; without: ESTABLISHED of nginx (4711)");
    why_remedies(&why, count_line, &remedies);
    assert_int_equal(remedies, 3);
}

static void the_namespace_is_named_where_it_is_another_one(void **state) {
    struct why why = a_refusal();
    (void)state;
    add_owner(&why, 4711);
    strcpy(why.where.name, "blue");
    why.asked.name_namespace = true;
    check_line_is(&why,
                  "EADDRINUSE 127.0.0.1:65535: nginx (4711) listens; stop it or change the port");
    strcpy(why.where.path, "/run/netns/blue");
    check_line_is(&why, "EADDRINUSE 127.0.0.1:65535 in netns blue: nginx (4711) listens");
    why.cause = CAUSE_STOLEN_PORT;
    strcpy(why.where.name, "a-network-namespace-with-a-name");
    check_line_is(&why,
                  "EADDRINUSE port 65535 in netns a-network-namespace-with-a-name: stolen-port");
    strcpy(why.where.name, "pid 12");
    why.verdict = WHY_UNKNOWN;
    why.error = EPERM;
    why.failure = "entering the network namespace";
    check_line_is(&why, "UNKNOWN port 65535 in the netns of pid 12: EPERM; needs root");
}

/* --- several addresses --- */

static unsigned rank_of(enum cause cause, unsigned weight) {
    struct why why = a_refusal();
    why.cause = cause;
    why.evidence.suspects[0].blame.weight = weight;
    return why_rank(&why);
}

static void the_most_telling_refusal_is_the_answer(void **state) {
    struct why why = {.verdict = WHY_FREE};
    unsigned rank = why_rank(&why);
    (void)state;
    why.needs_reuseaddr = true;
    assert_true(why_rank(&why) > rank);
    rank = why_rank(&why);
    why.verdict = WHY_REFUSED;
    why.error = EACCES;
    assert_true(why_rank(&why) > rank);
    assert_true(rank_of(CAUSE_TIME_WAIT_REBIND, 1) > why_rank(&why));
    assert_true(rank_of(CAUSE_DUAL_STACK, 9) > rank_of(CAUSE_TIME_WAIT_REBIND, 1));
    assert_true(rank_of(CAUSE_WILDCARD_VS_SPECIFIC, 9) > rank_of(CAUSE_DUAL_STACK, 9));
    assert_true(rank_of(CAUSE_ADDRESS_IN_USE, 9) > rank_of(CAUSE_WILDCARD_VS_SPECIFIC, 9));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_shows_whether_the_old_socket_had_the_option),
        cmocka_unit_test(a_trial_with_both_options_shows_it_too_if_it_fails),
        cmocka_unit_test(in_time_wait_the_range_shows_who_opened_the_connection),
        cmocka_unit_test(the_refusal_is_that_of_the_program_asked_about),
        cmocka_unit_test(one_owner_leaves_the_cause_as_it_is),
        cmocka_unit_test(several_owners_are_a_server_unless_they_only_inherited_it),
        cmocka_unit_test(the_kernel_can_have_a_port),
        cmocka_unit_test(no_process_has_it_only_if_all_were_searched),
        cmocka_unit_test(fields_are_filled_in),
        cmocka_unit_test(the_first_line_is_no_alternative),
        cmocka_unit_test(every_command_that_is_needed_is_given),
        cmocka_unit_test(who_has_it_is_named_as_far_as_it_is_known),
        cmocka_unit_test(an_unknown_field_is_reported),
        cmocka_unit_test(every_field_of_the_table_is_known),
        cmocka_unit_test(without_an_owner_no_remedy_names_one),
        cmocka_unit_test(the_longest_line_is_not_cut),
        cmocka_unit_test(no_line_of_the_text_is_wider_than_80_columns),
        cmocka_unit_test(a_line_that_is_too_long_is_shortened_step_by_step),
        cmocka_unit_test(that_workers_are_orphans_is_told_in_the_shortest_line_too),
        cmocka_unit_test(what_is_free_has_no_cause),
        cmocka_unit_test(the_same_question_can_be_asked_again),
        cmocka_unit_test(only_a_socket_that_is_certainly_in_the_way_proves_a_refusal),
        cmocka_unit_test(a_socket_that_must_have_refused_the_trial_came_later),
        cmocka_unit_test(what_is_free_with_reuseaddr_alone_says_what_else_is_in_the_way),
        cmocka_unit_test(the_namespace_is_named_where_it_is_another_one),
        cmocka_unit_test(the_most_telling_refusal_is_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
