/* The scenarios that are built in: each is sound, and its tags are those that the docs explain. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "scenario/catalogue.h"

/* Besides the groups; docs/scenario-language.md says what they mean. */
static const char *const other_tags[] = {"address", "ipv6", "restart", "seed", "sysctl"};

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

static unsigned lines_of(const char *prose) {
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

static void the_header_alone_is_that_of_the_whole(void **state) {
    (void)state;
    for (size_t i = 0; i < catalogue_count; i++) {
        struct scenario *whole = parsed(&catalogue[i], false);
        struct scenario *header = parsed(&catalogue[i], true);
        assert_string_equal(header->name, whole->name);
        assert_string_equal(header->title, whole->title);
        assert_string_equal(header->why, whole->why);
        assert_string_equal(header->fix, whole->fix);
        assert_int_equal(header->tag_count, whole->tag_count);
        assert_int_equal(header->slow, whole->slow);
        assert_int_equal(header->needs_uids, whole->needs_uids);
        assert_int_equal(header->step_count, 0);
        scenario_free(whole);
        scenario_free(header);
    }
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_scenario_is_sound_and_explains_itself),
        cmocka_unit_test(why_and_fix_are_short),
        cmocka_unit_test(the_names_are_in_order_and_each_is_there_once),
        cmocka_unit_test(the_first_tag_is_a_group_and_all_are_known),
        cmocka_unit_test(the_header_alone_is_that_of_the_whole),
        cmocka_unit_test(a_header_alone_needs_no_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
