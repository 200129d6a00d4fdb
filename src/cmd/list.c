/* portreuse list: shows the built-in scenarios in their groups, or searches them; for programs as
 * one JSON document, docs/list.schema.json. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "report/shared/json.h"
#include "report/shared/layout.h"
#include "scenario/catalogue.h"

struct search {
    const char *tag; /* NULL: any */
    char **words;
    int word_count;
    bool json;
};

static bool in_prose(const struct catalogue_entry *entry, const char *word) {
    struct errors errors = {0};
    struct scenario *scenario = catalogue_header(entry, &errors);
    bool found = scenario->why != NULL && strcasestr(scenario->why, word) != NULL;
    scenario_free(scenario);
    errors_free(&errors);
    return found;
}

/* No tag has a blank in it. */
static bool has_word(const struct catalogue_entry *entry, const char *word) {
    bool in_tags = strchr(word, ' ') == NULL && strcasestr(entry->tags, word) != NULL;
    return in_tags || strcasestr(entry->name, word) != NULL ||
           strcasestr(entry->title, word) != NULL || in_prose(entry, word);
}

static bool is_wanted(const struct search *search, const struct catalogue_entry *entry) {
    bool wanted = search->tag == NULL || catalogue_has_tag(entry, search->tag);
    for (int i = 0; i < search->word_count && wanted; i++)
        wanted = has_word(entry, search->words[i]);
    return wanted;
}

static void print_one(const struct catalogue_entry *entry) {
    enum { NAME = 22, TITLE = 2 + NAME + 2 };
    char *slow = entry->slow ? memory_format("%s (slow)", entry->title) : NULL;
    if (strlen(entry->name) > NAME) /* it has the line to itself */
        printf("  %s\n%*s", entry->name, TITLE, "");
    else
        printf("  %-*s  ", NAME, entry->name);
    layout_wrap(stdout, slow != NULL ? slow : entry->title, TITLE, TITLE);
    free(slow);
}

/* Prints the wanted scenarios of a group below its heading, or with NULL those of none: one that
 * somebody is writing may have no tag yet, or a misspelt one. Returns whether there are any. */
static bool print_group(const struct catalogue_group *group, const bool *wanted, bool first) {
    static const struct catalogue_group none = {"other", "their first tag is no group"};
    const struct catalogue_group *heading = group != NULL ? group : &none;
    bool any = false;
    for (size_t i = 0; i < catalogue_count; i++) {
        if (!wanted[i] || catalogue_group_of(&catalogue[i]) != group)
            continue;
        if (!any)
            printf("%s%s: %s\n", first ? "" : "\n", heading->tag, heading->title);
        print_one(&catalogue[i]);
        any = true;
    }
    return any;
}

static void print_groups(const bool *wanted) {
    bool first = true;
    for (size_t i = 0; i < catalogue_group_count; i++)
        first &= !print_group(&catalogue_groups[i], wanted, first);
    print_group(NULL, wanted, first);
}

/* --- for programs --- */

/* What the scenario needs, in the words of its `needs` lines. */
static void write_needs(struct json *json, struct arena *arena, const struct scenario *scenario) {
    static const struct kernel_release any = {{0}};
    const unsigned *kernel = scenario->needs_kernel.part;
    json_array(json, "needs");
    if (memcmp(&scenario->needs_kernel, &any, sizeof any) != 0)
        json_string(json, NULL,
                    kernel[2] == 0 ? arena_format(arena, "kernel >= %u.%u", kernel[0], kernel[1])
                                   : arena_format(arena, "kernel >= %u.%u.%u", kernel[0], kernel[1],
                                                  kernel[2]));
    if (scenario->needs_ipv6)
        json_string(json, NULL, "ipv6");
    if (scenario->needs_uids)
        json_string(json, NULL, "uids");
    if (scenario->needs_program)
        json_string(json, NULL, "program");
    for (size_t i = 0; i < scenario->need_count; i++) {
        const struct need *need = &scenario->needs[i];
        json_string(json, NULL,
                    need->kind == NEED_SYSCTL ? arena_format(arena, "sysctl %s", need->name)
                                              : need->name);
    }
    json_end(json);
}

static void write_cases(struct json *json, const struct scenario *scenario) {
    json_array(json, "cases");
    for (size_t i = 0; i < scenario->case_count; i++) {
        json_object(json, NULL);
        json_string(json, "title", scenario->cases[i].title);
        json_number(json, "line", scenario->cases[i].line);
        json_end(json);
    }
    json_end(json);
}

static void write_scenario(struct json *json, struct arena *arena,
                           const struct scenario *scenario) {
    json_object(json, NULL);
    json_string(json, "name", scenario->name);
    json_string(json, "title", scenario->title);
    json_string(json, "group", scenario->tag_count == 0 ? NULL : scenario->tags[0]);
    json_array(json, "tags");
    for (size_t i = 0; i < scenario->tag_count; i++)
        json_string(json, NULL, scenario->tags[i]);
    json_end(json);
    json_bool(json, "slow", scenario->slow);
    write_needs(json, arena, scenario);
    json_string(json, "why", scenario->why);
    json_string(json, "fix", scenario->fix);
    write_cases(json, scenario);
    json_end(json);
}

static void write_json(struct arena *arena, const bool *wanted) {
    struct json json = {.out = stdout};
    json_object(&json, NULL);
    json_number(&json, "schema", 1);
    json_string(&json, "version", PORTREUSE_VERSION);
    json_array(&json, "scenarios");
    for (size_t i = 0; i < catalogue_count; i++) {
        struct errors errors = {0};
        struct scenario *scenario = wanted[i] ? catalogue_parse(&catalogue[i], &errors) : NULL;
        if (scenario != NULL)
            write_scenario(&json, arena, scenario);
        scenario_free(scenario);
        errors_free(&errors);
    }
    json_end(&json);
    json_end(&json);
}

/* --- the command --- */

/* Returns whether any was found. */
static bool list(const struct search *search) {
    struct arena arena = {0};
    bool *wanted = arena_alloc(&arena, catalogue_count * sizeof wanted[0]), any = false;
    for (size_t i = 0; i < catalogue_count; i++) {
        wanted[i] = is_wanted(search, &catalogue[i]);
        any |= wanted[i];
    }
    if (search->json && any)
        write_json(&arena, wanted);
    else if (any)
        print_groups(wanted);
    arena_free(&arena);
    return any;
}

/* Returns the tag or the name that is most similar to the word, or NULL. */
static const char *near(struct arena *arena, const char *word) {
    struct suggestion nearest = suggest_begin(word);
    for (const char *const *tag = catalogue_tags(arena); *tag != NULL; tag++)
        suggest_offer(&nearest, *tag);
    for (size_t i = 0; i < catalogue_count; i++)
        suggest_offer(&nearest, catalogue[i].name);
    return nearest.word;
}

static void complain_of_words(const struct search *search, struct arena *arena) {
    const char *meant = search->word_count == 1 ? near(arena, search->words[0]) : NULL;
    const char *tagged =
        search->tag == NULL ? "" : arena_format(arena, " with the tag '%s'", search->tag);
    if (search->word_count > 1)
        options_complain("list",
                         "no scenario%s has all of '%s', ... in its name, title, tags or why",
                         tagged, search->words[0]);
    else if (meant != NULL)
        options_complain("list", "no scenario%s has '%s'; did you mean '%s'?", tagged,
                         search->words[0], meant);
    else
        options_complain("list", "no scenario%s has '%s' in its name, title, tags or why", tagged,
                         search->words[0]);
}

static void complain(const struct search *search) {
    struct arena arena = {0};
    const char *wrong = search->tag == NULL ? NULL : catalogue_lacks_tag(&arena, search->tag);
    if (wrong != NULL)
        options_complain("list", "%s", wrong);
    else
        complain_of_words(search, &arena);
    arena_free(&arena);
}

static const char *const formats[] = {"text", "json", NULL};

static const struct option_row rows[] = {
    {.name = "tag",
     .takes = VALUE_REQUIRED,
     .value_name = "TAG",
     .set = option_set_text,
     .offset = offsetof(struct search, tag),
     .help = "show only scenarios with this tag"},
    {.name = "format",
     .takes = VALUE_REQUIRED,
     .values = formats,
     .set = option_set_either,
     .offset = offsetof(struct search, json),
     .help = "text (default), or json: all about them, with their cases"},
    {0},
};

static const struct option_group groups[] = {{rows, 0}, {0}};

static int cmd_list(int argc, char **argv) {
    struct search search = {0};
    if (!options_parse("list", groups, argc, argv, &search))
        return EXIT_TROUBLE;
    search.words = argv + optind;
    search.word_count = argc - optind;
    if (list(&search))
        return EXIT_AS_EXPECTED;
    complain(&search);
    return EXIT_TROUBLE;
}

const struct command command_list = {
    .name = "list",
    .function = cmd_list,
    .usage = "[--tag TAG] [--format FORMAT] [WORD...]",
    .summary = "show the built-in scenarios, or search them",
    .description = "With WORDs, shows only scenarios that have all of them in their name, title, "
                   "tags or explanation.",
    .options = groups,
};
