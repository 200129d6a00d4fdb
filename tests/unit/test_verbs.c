/* Every verb is whole: its row, its action, its documentation, and a scenario that uses it. What a
 * new verb lacks, these tests say by name; docs/add-a-verb.md has the steps in order. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/protocol.h"
#include "scenario/scenario.h"

#define NAME_OF(NAME, name) [VERB_##NAME] = #name,

static const char *const names[VERBS] = {VERB_LIST(NAME_OF)};

/* Reads a file of the source tree; the caller frees it. */
static char *read_source(const char *path) {
    const char *slash = strrchr(__FILE__, '/');
    char *whole, *text = NULL;
    size_t size = 0;
    assert_true(asprintf(&whole, "%.*s/../../%s", (int)(slash - __FILE__), __FILE__, path) > 0);
    FILE *file = fopen(whole, "r");
    if (file == NULL)
        fail_msg("%s cannot be read", whole);
    assert_true(getdelim(&text, &size, '\0', file) > 0);
    fclose(file);
    free(whole);
    return text;
}

/* In a table of Markdown a bar is written `\|`. */
static void remove_escapes(char *text) {
    char *to = text;
    for (const char *from = text; *from != '\0'; from++)
        if (from[0] != '\\' || from[1] != '|')
            *to++ = *from;
    *to = '\0';
}

static void each_verb_has_a_complete_row(void **state) {
    (void)state;
    for (enum verb verb = VERB_NONE + 1; verb < VERB_END; verb++) {
        const struct verb_row *row = verb_row(verb);
        char *start;
        if (row->name == NULL || strcmp(row->name, names[verb]) != 0)
            fail_msg("verb_%s: .name is not \"%s\"", names[verb], names[verb]);
        assert_true(asprintf(&start, "%s%s", row->scope == SCOPE_ENVIRONMENT ? "" : "ROLE ",
                             names[verb]) > 0);
        if (row->usage == NULL || strncmp(row->usage, start, strlen(start)) != 0)
            fail_msg("verb_%s: .usage does not start with \"%s\"", names[verb], start);
        if (row->arguments != ARGUMENTS_NONE && row->parse == NULL)
            fail_msg("verb_%s: it has .arguments, but no .parse", names[verb]);
        if (verb_named(names[verb]) != verb)
            fail_msg("verb_%s: another verb or keyword has this name", names[verb]);
        free(start);
    }
}

static void each_verb_runs_where_it_may_stand(void **state) {
    (void)state;
    for (enum verb verb = VERB_NONE + 1; verb < VERB_END; verb++) {
        const struct action *action = action_of(verb);
        enum verb_scope scope = verb_row(verb)->scope;
        if (action == NULL)
            fail_msg("verb %s: no action", names[verb]);
        bool in_role = verb_row(verb)->in_block;
        if (scope == SCOPE_ENVIRONMENT &&
            (action->stage == NULL || (action->role != NULL) != in_role))
            fail_msg(
                "action_%s: a step of the environment runs in the stage, and in the role if it "
                "may stand in a block: set .stage%s",
                names[verb], in_role ? " and .role" : " alone");
        if (scope == SCOPE_CALL && action->role == NULL)
            fail_msg("action_%s: a call in a block runs in the role: set .role", names[verb]);
        if (scope == SCOPE_ROLE && action->stage == NULL && action->role == NULL)
            fail_msg("action_%s: set .role, or .stage, or both", names[verb]);
    }
}

static void each_verb_is_documented(void **state) {
    (void)state;
    char *page = read_source("docs/scenario-language.md");
    remove_escapes(page);
    for (enum verb verb = VERB_NONE + 1; verb < VERBS; verb++) {
        char *quoted;
        assert_true(asprintf(&quoted, "`%s`", verb_row(verb)->usage) > 0);
        if (strstr(page, quoted) == NULL)
            fail_msg("docs/scenario-language.md does not have %s", quoted);
        free(quoted);
    }
    free(page);
}

/* Notes which verbs a scenario of the tests uses. */
static void note_uses(const char *path, bool *used) {
    struct errors errors = {0};
    char *text = read_source(path);
    struct scenario *scenario = scenario_parse("test", path, text, strlen(text), &errors);
    for (size_t i = 0; i < scenario->step_count; i++)
        used[scenario->steps[i].verb] = true;
    errors_free(&errors);
    scenario_free(scenario);
    free(text);
}

static void each_verb_is_used_by_a_scenario_of_the_tests(void **state) {
    bool used[VERBS] = {false};
    (void)state;
    note_uses("tests/cli/scenarios/every-verb.scenario", used);
    note_uses("tests/cli/scenarios/hosts.scenario", used);
    note_uses("tests/cli/scenarios/programs.scenario", used);
    note_uses("tests/cli/scenarios/uids.scenario", used); /* needs root */
    for (enum verb verb = VERB_NONE + 1; verb < VERB_END; verb++)
        if (!used[verb])
            fail_msg("no scenario of tests/cli/scenarios uses '%s'", names[verb]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_verb_has_a_complete_row),
        cmocka_unit_test(each_verb_runs_where_it_may_stand),
        cmocka_unit_test(each_verb_is_documented),
        cmocka_unit_test(each_verb_is_used_by_a_scenario_of_the_tests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
