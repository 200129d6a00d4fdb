/* portreuse list: the built-in scenarios in their groups, all of them or those that are searched.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "report/shared/wrap.h"
#include "scenario/catalogue.h"

struct search {
    const char *tag; /* NULL: any */
    char **words;
    int word_count;
};

static bool has_word(const struct scenario *scenario, const char *word) {
    bool found = strcasestr(scenario->name, word) != NULL ||
                 strcasestr(scenario->title, word) != NULL ||
                 (scenario->why != NULL && strcasestr(scenario->why, word) != NULL);
    for (size_t i = 0; i < scenario->tag_count && !found; i++)
        found = strcasestr(scenario->tags[i], word) != NULL;
    return found;
}

static bool is_wanted(const struct search *search, const struct scenario *scenario) {
    bool wanted = search->tag == NULL || scenario_has_tag(scenario, search->tag);
    for (int i = 0; i < search->word_count && wanted; i++)
        wanted = has_word(scenario, search->words[i]);
    return wanted;
}

static void print_one(struct arena *arena, const struct scenario *scenario) {
    enum { NAME = 22, TITLE = 2 + NAME + 2 };
    const char *title =
        scenario->slow ? arena_format(arena, "%s (slow)", scenario->title) : scenario->title;
    printf("  %-*s  ", NAME, scenario->name);
    if (strlen(scenario->name) > NAME) /* it has the line to itself */
        printf("\n%*s", TITLE, "");
    wrap_print(stdout, title, TITLE, TITLE);
}

static bool in_group(const struct scenario *scenario, const struct catalogue_group *group) {
    return scenario->tag_count > 0 && strcmp(scenario->tags[0], group->tag) == 0;
}

/* Prints those of a group that are wanted, below its heading. Returns whether there are any. */
static bool print_group(struct arena *arena, const struct catalogue_group *group,
                        struct scenario *const *wanted, bool first) {
    bool any = false;
    for (size_t i = 0; i < catalogue_count; i++) {
        if (wanted[i] == NULL || !in_group(wanted[i], group))
            continue;
        if (!any)
            printf("%s%s: %s\n", first ? "" : "\n", group->tag, group->title);
        print_one(arena, wanted[i]);
        any = true;
    }
    return any;
}

/* Returns whether anything was found. */
static bool list(const struct search *search) {
    struct arena arena = {0};
    struct mistakes mistakes = {0};
    struct scenario **wanted = arena_alloc(&arena, catalogue_count * sizeof wanted[0]);
    bool any = false;
    for (size_t i = 0; i < catalogue_count; i++) {
        struct scenario *scenario = catalogue_header(&catalogue[i], &mistakes);
        if (is_wanted(search, scenario))
            wanted[i] = scenario;
        else
            scenario_free(scenario);
    }
    for (size_t i = 0; i < catalogue_group_count; i++)
        any |= print_group(&arena, &catalogue_groups[i], wanted, !any);
    for (size_t i = 0; i < catalogue_count; i++)
        scenario_free(wanted[i]);
    mistakes_free(&mistakes);
    arena_free(&arena);
    return any;
}

static void complain(const struct search *search) {
    bool of_tag = search->tag != NULL;
    if (search->word_count == 0)
        options_complain("list", "no scenario has the tag '%s'", search->tag);
    else
        options_complain("list", "no scenario%s%s%s has %s'%s'%s in name, title, tags or why",
                         of_tag ? " with the tag '" : "", of_tag ? search->tag : "",
                         of_tag ? "'" : "", search->word_count > 1 ? "all of " : "",
                         search->words[0], search->word_count > 1 ? ", ..." : "");
}

static int cmd_list(int argc, char **argv) {
    static const struct option longs[] = {{"tag", required_argument, NULL, 't'}, {0}};
    struct search search = {0};
    options_begin();
    for (int option; (option = options_next(argc, argv, ":", longs)) != -1;) {
        if (option == '?')
            return EXIT_TROUBLE;
        search.tag = optarg;
    }
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
    .usage = "[--tag TAG] [WORD...]",
    .line = "show the built-in scenarios, or search them",
    .help = "  WORD...        only those with all these words in name, title, tags or why\n"
            "  --tag TAG      only those with this tag\n",
};
