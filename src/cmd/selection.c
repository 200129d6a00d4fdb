/* First the scenarios are opened, then the cases that were not asked for are taken out of them:
 * those that a CASE behind the colon of a word does not mean, and those that --filter leaves out.
 */
#include "cmd/selection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "report/shared/layout.h"
#include "scenario/catalogue.h"

/* --- options --- */

static bool add_tag(const struct option_use *use) {
    struct selection *selection = use->target;
    selection->tags = arena_grow(&selection->arena, selection->tags, selection->tag_count,
                                 sizeof selection->tags[0]);
    selection->tags[selection->tag_count++] = use->value;
    return true;
}

static bool set_filter(const struct option_use *use) {
    struct selection *selection = use->target;
    char wrong[128];
    if (selection->filter != NULL)
        regfree(&selection->expression);
    selection->filter = NULL;
    int error = regcomp(&selection->expression, use->value, REG_EXTENDED | REG_NOSUB);
    if (error != 0) {
        regerror(error, &selection->expression, wrong, sizeof wrong);
        options_complain(use->command, "%s '%s': not an extended regular expression: %s", use->name,
                         use->value, wrong);
        return false;
    }
    selection->filter = use->value;
    return true;
}

const struct option_row selection_options[] = {
    {.name = "all",
     .set = option_set_flag,
     .offset = offsetof(struct selection, all),
     .help = "run all built-in scenarios except slow ones"},
    {.name = "tag",
     .takes = VALUE_REQUIRED,
     .value_name = "TAG",
     .set = add_tag,
     .help = "run the built-in scenarios with this tag; may be given several times"},
    {.name = "slow",
     .set = option_set_flag,
     .offset = offsetof(struct selection, slow),
     .help = "also run slow scenarios, which wait for a minute or more"},
    {.name = "filter",
     .takes = VALUE_REQUIRED,
     .value_name = "REGEX",
     .set = set_filter,
     .help = "run only cases whose 'NAME:CASE' matches this extended regular expression; without "
             "names, of all built-in scenarios"},
    {0},
};

/* --- cases --- */

/* Says of each case whether it is wanted. */
typedef bool is_wanted(const struct scenario *scenario, size_t index, const void *context);

/* Takes out the cases that are not wanted. Returns how many are left. */
static size_t keep_cases(struct scenario *scenario, is_wanted *wanted, const void *context) {
    size_t kept = 0;
    for (size_t i = 0; i < scenario->case_count; i++)
        if (wanted(scenario, i, context))
            scenario->cases[kept++] = scenario->cases[i];
    return scenario->case_count = kept;
}

static bool has_title(const struct scenario *scenario, size_t index, const void *context) {
    return strcmp(scenario->cases[index].title, context) == 0;
}

static bool title_contains(const struct scenario *scenario, size_t index, const void *context) {
    return strcasestr(scenario->cases[index].title, context) != NULL;
}

/* The last line of a case that has a step. */
static unsigned last_line(const struct section *section, const struct scenario *scenario) {
    return section->count == 0 ? section->line
                               : scenario->steps[section->first + section->count - 1].line;
}

static bool matches(const struct scenario *scenario, size_t index, const void *context) {
    const struct selection *selection = context;
    char *text = memory_format("%s:%s", scenario->name, scenario->cases[index].title);
    bool matched = regexec(&selection->expression, text, 0, NULL, 0) == 0;
    free(text);
    return matched;
}

/* Returns whether any case is so. */
static bool any(const struct scenario *scenario, is_wanted *wanted, const void *context) {
    for (size_t i = 0; i < scenario->case_count; i++)
        if (wanted(scenario, i, context))
            return true;
    return false;
}

static void complain_of_case(const struct selection *selection, const struct scenario *scenario,
                             const char *text) {
    options_complain(selection->command,
                     "%s: no case has '%s' in its title; line and title of each:",
                     scenario->file == NULL ? scenario->name : scenario->file, text);
    for (size_t i = 0; i < scenario->case_count; i++) {
        fprintf(stderr, "  %5u  ", scenario->cases[i].line);
        layout_wrap(stderr, scenario->cases[i].title, 9, 9);
    }
}

/* Keeps the case that has this line; all, if it stands before the first. Returns false if none has
 * it. */
static bool keep_line(struct scenario *scenario, int64_t line) {
    size_t index = scenario->case_count;
    while (index > 0 && scenario->cases[index - 1].line > line)
        index--;
    if (index == 0)
        return true;
    if (line > last_line(&scenario->cases[index - 1], scenario))
        return false;
    scenario->cases[0] = scenario->cases[index - 1];
    scenario->case_count = 1;
    return true;
}

/* Keeps the cases that CASE means: by its title, by a line, as in the `FILE:LINE` of a report, or
 * by a part of the title. Returns false after a complaint. */
static bool keep_case(const struct selection *selection, struct scenario *scenario,
                      const char *text) {
    int64_t line;
    if (any(scenario, has_title, text)) {
        keep_cases(scenario, has_title, text);
        return true;
    }
    if (units_number(text, 1, UINT32_MAX, &line)) {
        if (keep_line(scenario, line))
            return true;
        options_complain(selection->command, "%s: line %s is in no case",
                         scenario->file == NULL ? scenario->name : scenario->file, text);
        return false;
    }
    if (*text != '\0' && any(scenario, title_contains, text)) {
        keep_cases(scenario, title_contains, text);
        return true;
    }
    complain_of_case(selection, scenario, text);
    return false;
}

/* --- scenarios --- */

static void add_scenario(struct selection *selection, struct scenario *scenario) {
    selection->scenarios = arena_grow(&selection->arena, selection->scenarios, selection->count,
                                      sizeof selection->scenarios[0]);
    selection->scenarios[selection->count++] = scenario;
}

static bool is_name(const char *word) {
    return catalogue_find(word) != NULL || access(word, F_OK) == 0;
}

/* Parts NAME:CASE. A colon can be part of the name of a file too: the first one behind which
 * something exists counts. Returns the name, and sets `*of_case` to what follows it, or NULL. */
static const char *part(struct arena *arena, const char *word, const char **of_case) {
    const char *first = strchr(word, ':');
    *of_case = NULL;
    if (first == NULL || first == word || is_name(word))
        return word;
    for (const char *colon = first; colon != NULL; colon = strchr(colon + 1, ':')) {
        const char *name = arena_copy(arena, word, (size_t)(colon - word));
        if (is_name(name)) {
            *of_case = colon + 1;
            return name;
        }
    }
    return arena_copy(arena, word, (size_t)(first - word)); /* which says that there is none */
}

/* Adds the scenario that a word names. Returns false after a complaint; the errors of a file are
 * collected. */
static bool add_named(struct selection *selection, const char *word) {
    const char *of_case;
    const char *name = part(&selection->arena, word, &of_case);
    size_t before = selection->errors.count;
    struct scenario *scenario = catalogue_open(name, &selection->errors);
    if (scenario == NULL)
        return true;
    add_scenario(selection, scenario);
    return of_case == NULL || selection->errors.count > before ||
           keep_case(selection, scenario, of_case);
}

static bool has_tag(const struct selection *selection, const struct scenario *scenario) {
    bool wanted = selection->tag_count == 0;
    for (size_t i = 0; i < selection->tag_count && !wanted; i++)
        wanted = scenario_has_tag(scenario, selection->tags[i]);
    return wanted;
}

/* Adds the built-in scenarios that --all, --tag and --filter ask for. */
static void add_built_in(struct selection *selection) {
    for (size_t i = 0; i < catalogue_count; i++) {
        struct scenario *scenario = catalogue_parse(&catalogue[i], &selection->errors);
        if (has_tag(selection, scenario) && (selection->slow || !scenario->slow) &&
            !scenario->needs_program)
            add_scenario(selection, scenario);
        else
            scenario_free(scenario);
    }
}

/* Returns whether a scenario has each --tag, even if it is left out; complains of the others. */
static bool check_tags(struct selection *selection) {
    bool sound = true;
    for (size_t i = 0; i < selection->tag_count; i++) {
        size_t k = 0;
        while (k < selection->count &&
               !scenario_has_tag(selection->scenarios[k], selection->tags[i]))
            k++;
        const char *wrong = k < selection->count
                                ? NULL
                                : catalogue_lacks_tag(&selection->arena, selection->tags[i]);
        if (wrong != NULL)
            options_complain(selection->command, "%s", wrong);
        sound &= wrong == NULL;
    }
    return sound;
}

/* Applies --filter to all; a scenario without cases is left out. Complaints about files come before
 * one about the filter. */
static void apply_filter(struct selection *selection) {
    size_t kept = 0;
    for (size_t i = 0; i < selection->count; i++) {
        struct scenario *scenario = selection->scenarios[i];
        if (keep_cases(scenario, matches, selection) > 0)
            selection->scenarios[kept++] = scenario;
        else
            scenario_free(scenario);
    }
    selection->count = kept;
}

bool selection_find(struct selection *selection, int count, char **words) {
    bool several = selection->all || selection->tag_count > 0;
    bool found = true;
    if (several && count > 0) {
        options_complain(selection->command, "'%s': names cannot be combined with --all or --tag",
                         words[0]);
        return false;
    }
    several |= count == 0 && selection->filter != NULL;
    if (several)
        add_built_in(selection);
    else if (count == 0)
        options_complain(selection->command,
                         "name a scenario or a file, or use --all; 'portreuse list' shows "
                         "the scenarios");
    for (int i = 0; i < count; i++)
        found &= add_named(selection, words[i]);
    found &= check_tags(selection);
    errors_print(&selection->errors, stderr);
    if (!found || selection->errors.count > 0)
        return false;
    bool any_tagged = selection->count > 0;
    if (selection->filter != NULL)
        apply_filter(selection);
    if (several && selection->count == 0)
        options_complain(selection->command, "no %s%s",
                         any_tagged ? "case matches --filter" : "scenario with this tag can be run",
                         selection->slow ? "" : "; slow scenarios need --slow");
    else if (any_tagged && selection->count == 0)
        options_complain(selection->command, "no case of these matches --filter");
    return selection->count > 0;
}

void selection_free(struct selection *selection) {
    for (size_t i = 0; i < selection->count; i++)
        scenario_free(selection->scenarios[i]);
    if (selection->filter != NULL)
        regfree(&selection->expression);
    errors_free(&selection->errors);
    arena_free(&selection->arena);
}
