/* portreuse list: the built-in scenarios, a line each. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "scenario/catalogue.h"

static int longest_name(void) {
    size_t longest = 0;
    for (size_t i = 0; i < catalogue_count; i++)
        if (strlen(catalogue[i].name) > longest)
            longest = strlen(catalogue[i].name);
    return (int)longest;
}

/* Prints the scenario if it has the tag, or if no tag is asked for. Returns whether it did. */
static bool list_one(const struct catalogue_entry *entry, const char *tag, int width) {
    struct mistakes mistakes = {0};
    struct scenario *scenario = catalogue_parse(entry, &mistakes);
    bool shown = tag == NULL || scenario_has_tag(scenario, tag);
    if (shown)
        printf("%-*s  %s%s\n", width, entry->name, scenario->title,
               scenario->slow ? " (slow)" : "");
    scenario_free(scenario);
    mistakes_free(&mistakes);
    return shown;
}

int cmd_list(int argc, char **argv) {
    static const struct option longs[] = {{"tag", required_argument, NULL, 't'}, {0}};
    const char *tag = NULL;
    options_begin();
    for (int option; (option = options_next(argc, argv, ":", longs)) != -1;) {
        if (option == '?')
            return EXIT_TROUBLE;
        tag = optarg;
    }
    if (!options_no_operands(argc, argv))
        return EXIT_TROUBLE;
    int width = longest_name();
    bool any = false;
    for (size_t i = 0; i < catalogue_count; i++)
        any |= list_one(&catalogue[i], tag, width);
    if (any)
        return EXIT_AS_EXPECTED;
    options_complain("list", "no scenario has the tag '%s'", tag);
    return EXIT_TROUBLE;
}
