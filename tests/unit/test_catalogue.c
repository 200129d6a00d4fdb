/* The scenarios that are built in: each is sound, and its tags are those that the docs explain. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "scenario/catalogue.h"

/* Besides the groups; docs/scenario-language.md says what they mean. */
static const char *const other_tags[] = {"address", "ipv6", "restart", "seed",
                                         "sysctl",  "udp",  "unix"};

static struct scenario *parsed(const struct catalogue_entry *entry, bool header_alone) {
    struct errors errors = {0};
    struct scenario *scenario =
        header_alone ? catalogue_header(entry, &errors) : catalogue_parse(entry, &errors);
    errors_print(&errors, stderr);
    size_t count = errors.count;
    errors_free(&errors);
    assert_int_equal(count, 0);
    return scenario;
}

static bool is_group(const char *tag) {
    for (size_t i = 0; i < catalogue_group_count; i++)
        if (strcmp(catalogue_groups[i].tag, tag) == 0)
            return true;
    return false;
}

static bool is_tag(const char *tag) {
    bool found = is_group(tag);
    for (size_t i = 0; i < ROWS(other_tags); i++)
        found |= strcmp(other_tags[i], tag) == 0;
    return found;
}

static void each_scenario_is_sound_and_explains_itself(void **state) {
    (void)state;
    for (size_t i = 0; i < catalogue_count; i++) {
        struct scenario *scenario = parsed(&catalogue[i], false);
        if (scenario->why == NULL || scenario->fix == NULL)
            fail_msg("%s: 'why' or 'fix' is missing", scenario->name);
        scenario_free(scenario);
    }
}

/* 0 for prose that is missing, which another test complains of. */
static unsigned lines_of(const char *prose) {
    if (prose == NULL)
        return 0;
    unsigned lines = 1;
    for (; *prose != '\0'; prose++)
        lines += *prose == '\n';
    return lines;
}

static void why_and_fix_are_short(void **state) {
    (void)state;
    for (size_t i = 0; i < catalogue_count; i++) {
        struct scenario *scenario = parsed(&catalogue[i], true);
        if (lines_of(scenario->why) > 5 || lines_of(scenario->fix) > 5)
            fail_msg(
                "scenarios/%s.scenario: 'why' has %u lines and 'fix' %u; at most 5 are allowed",
                scenario->name, lines_of(scenario->why), lines_of(scenario->fix));
        scenario_free(scenario);
    }
}

static void the_names_are_in_order_and_each_is_there_once(void **state) {
    (void)state;
    for (size_t i = 1; i < catalogue_count; i++)
        if (strcmp(catalogue[i - 1].name, catalogue[i].name) >= 0)
            fail_msg("%s stands before %s", catalogue[i - 1].name, catalogue[i].name);
}

static void the_first_tag_is_a_group_and_all_are_known(void **state) {
    (void)state;
    for (size_t i = 0; i < catalogue_count; i++) {
        struct scenario *scenario = parsed(&catalogue[i], true);
        if (scenario->tag_count == 0 || !is_group(scenario->tags[0]))
            fail_msg("%s: its first tag is no group", scenario->name);
        for (size_t tag = 0; tag < scenario->tag_count; tag++)
            if (!is_tag(scenario->tags[tag]))
                fail_msg("%s: unknown tag '%s'", scenario->name, scenario->tags[tag]);
        scenario_free(scenario);
    }
}

static void assert_same_prose(const char *header, const char *whole) {
    assert_int_equal(header == NULL, whole == NULL);
    if (whole != NULL)
        assert_string_equal(header, whole);
}

static void the_header_alone_is_that_of_the_whole(void **state) {
    (void)state;
    for (size_t i = 0; i < catalogue_count; i++) {
        struct scenario *whole = parsed(&catalogue[i], false);
        struct scenario *header = parsed(&catalogue[i], true);
        assert_string_equal(header->name, whole->name);
        assert_string_equal(header->title, whole->title);
        assert_same_prose(header->why, whole->why);
        assert_same_prose(header->fix, whole->fix);
        assert_int_equal(header->tag_count, whole->tag_count);
        assert_int_equal(header->slow, whole->slow);
        assert_int_equal(header->needs_uids, whole->needs_uids);
        assert_int_equal(header->step_count, 0);
        scenario_free(whole);
        scenario_free(header);
    }
}

static void what_list_shows_is_what_the_parser_reads(void **state) {
    (void)state;
    for (size_t i = 0; i < catalogue_count; i++) {
        const struct catalogue_entry *entry = &catalogue[i];
        struct scenario *scenario = parsed(entry, true);
        char tags[256] = "";
        for (size_t tag = 0; tag < scenario->tag_count; tag++) {
            size_t used = strlen(tags);
            snprintf(tags + used, sizeof tags - used, "%s%s", tag > 0 ? " " : "",
                     scenario->tags[tag]);
            assert_true(catalogue_has_tag(entry, scenario->tags[tag]));
        }
        assert_string_equal(entry->title, scenario->title);
        assert_string_equal(entry->tags, tags);
        assert_int_equal(entry->slow, scenario->slow);
        assert_string_equal(catalogue_group_of(entry)->tag, scenario->tags[0]);
        scenario_free(scenario);
    }
}

static void a_tag_is_a_whole_word(void **state) {
    (void)state;
    static const struct catalogue_entry entry = {.tags = "bind ipv6"}, none = {.tags = ""};
    assert_true(catalogue_has_tag(&entry, "ipv6"));
    assert_false(catalogue_has_tag(&entry, "ipv"));
    assert_false(catalogue_has_tag(&entry, "pv6"));
    assert_false(catalogue_has_tag(&entry, "bind ipv6"));
    assert_false(catalogue_has_tag(&entry, ""));
    assert_false(catalogue_has_tag(&none, "bind"));
    assert_null(catalogue_group_of(&none));
}

static void a_header_alone_needs_no_case(void **state) {
    (void)state;
    static const char text[] = "title t\ntags a b\nwhy\n  because\n";
    struct errors errors = {0};
    struct scenario *scenario = scenario_parse_header("name", text, sizeof text - 1, &errors);
    assert_int_equal(errors.count, 0);
    assert_string_equal(scenario->why, "because");
    assert_int_equal(scenario->tag_count, 2);
    scenario_free(scenario);
    errors_free(&errors);
}

/* --- what the tool itself says of the stories --- */

/* The scenarios whose failure, or whose own cause, a live look does not name, and why. */
static const struct {
    const char *scenario, *reason;
} unseen[] = {
    {"accept-after-reset", "no call is refused because of a port: a connection is reset"},
    {"accept-queue-full", "no call is refused because of a port: a SYN gets no answer"},
    {"bind-twice-listen-once",
     "the call that is refused is listen() on a socket that is bound already, and a live look is "
     "about bind(): it finds the listener"},
    {"connected-and-silent", "no call is refused: a connection gets no answer"},
    {"defer-accept", "no call fails"},
    {"epoll-hot-worker", "no call fails"},
    {"leaked-listener",
     "roles all run one program, so that a live look takes the process that inherited the listener "
     "for the server"},
    {"peer-close-wait", "no call fails"},
    {"reuseport-balance", "no call fails"},
    {"reuseport-blackhole", "no call is refused: a connection gets no answer"},
    {"reuseport-reload-drops", "no call is refused because of a port: connections are reset"},
    {"server-restart", "what is refused depends on the program that is given"},
    {"server-closed-first-reconnect",
     "the TIME-WAIT is at the other end: connect() is not refused, but waits"},
};

static const char *reason_unseen(const char *scenario) {
    for (size_t i = 0; i < ROWS(unseen); i++)
        if (strcmp(unseen[i].scenario, scenario) == 0)
            return unseen[i].reason;
    return NULL;
}

/* Returns whether a step of the scenario asks for this cause; CAUSE_COUNT: for any cause. An older
 * kernel may see less. */
static bool asks_for(const struct scenario *scenario, enum cause cause) {
    for (size_t i = 0; i < scenario->step_count; i++) {
        const struct step *step = &scenario->steps[i];
        const struct expectation *want = &step->want;
        if (step->verb != VERB_WHY || want->either_count != 1 || want->either[0].kind != WANT_CAUSE)
            continue;
        if (cause == CAUSE_COUNT || want->either[0].cause == cause)
            return true;
    }
    return false;
}

static void each_scenario_asks_for_its_cause_unless_it_cannot_be_seen(void **state) {
    (void)state;
    for (size_t i = 0; i < catalogue_count; i++) {
        struct scenario *scenario = parsed(&catalogue[i], false);
        enum cause own = cause_named(scenario->name);
        bool asks = asks_for(scenario, own);
        if (!asks && reason_unseen(scenario->name) == NULL)
            fail_msg(
                "scenarios/%s.scenario: no step 'why ADDRESS -> %s'; if a live look cannot see "
                "that, say why in %s",
                scenario->name, own < CAUSE_COUNT ? scenario->name : "CAUSE", __FILE__);
        if (asks && reason_unseen(scenario->name) != NULL)
            fail_msg("%s asks for its cause, and is listed as unseen", scenario->name);
        scenario_free(scenario);
    }
}

static void each_cause_with_a_scenario_is_asked_for_there(void **state) {
    (void)state;
    for (enum cause cause = 0; cause < CAUSE_COUNT; cause++) {
        const char *name = cause_row(cause)->scenario;
        if (name == NULL || reason_unseen(name) != NULL)
            continue;
        const struct catalogue_entry *entry = catalogue_find(name);
        assert_non_null(entry);
        struct scenario *scenario = parsed(entry, false);
        if (!asks_for(scenario, cause))
            fail_msg("scenarios/%s.scenario: no step 'why ADDRESS -> %s'", name, cause_name(cause));
        scenario_free(scenario);
    }
}

static void only_scenarios_are_listed_as_unseen(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(unseen); i++)
        if (catalogue_find(unseen[i].scenario) == NULL)
            fail_msg("there is no scenario %s", unseen[i].scenario);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_scenario_is_sound_and_explains_itself),
        cmocka_unit_test(why_and_fix_are_short),
        cmocka_unit_test(the_names_are_in_order_and_each_is_there_once),
        cmocka_unit_test(the_first_tag_is_a_group_and_all_are_known),
        cmocka_unit_test(the_header_alone_is_that_of_the_whole),
        cmocka_unit_test(what_list_shows_is_what_the_parser_reads),
        cmocka_unit_test(a_tag_is_a_whole_word),
        cmocka_unit_test(a_header_alone_needs_no_case),
        cmocka_unit_test(each_scenario_asks_for_its_cause_unless_it_cannot_be_seen),
        cmocka_unit_test(each_cause_with_a_scenario_is_asked_for_there),
        cmocka_unit_test(only_scenarios_are_listed_as_unseen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
