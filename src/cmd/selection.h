/* Which scenarios, and which of their cases, the command line asks for. */
#ifndef PORTREUSE_CMD_SELECTION_H
#define PORTREUSE_CMD_SELECTION_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "cmd/options.h"
#include "scenario/scenario.h"

/* The options fill the first part, selection_find() the rest. Zeroed at first. */
struct selection {
    const char *command; /* for complaints; set by the caller */
    bool all, slow;
    const char **tags; /* in the arena */
    size_t tag_count;
    const char *filter; /* borrowed; NULL: none */
    regex_t expression; /* compiled, if there is a filter */

    struct scenario **scenarios; /* in the arena; each owned, with only the cases to run */
    size_t count;
    struct errors errors;
    struct arena arena;
};

/* --all, --tag, --slow and --filter; the target is a struct selection. */
extern const struct option_row selection_options[];

/* Finds the scenarios: those that the options ask for, or those that `count` words name as NAME,
 * FILE, NAME:CASE or FILE:CASE. Returns false after a complaint. */
bool selection_find(struct selection *selection, int count, char **words);

void selection_free(struct selection *selection);

#endif
