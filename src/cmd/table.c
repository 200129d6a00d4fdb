/* The table of commands: a row each. To add one: its file, its row here, its documentation, its
 * test. */
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "cmd/cmd.h"

const struct command commands[] = {
    {"list", cmd_list, "[--tag TAG] [WORD...]", "show the built-in scenarios, or search them",
     "  WORD...        only those with all these words in name, title, tags or why\n"
     "  --tag TAG      only those with this tag\n"},
    {"show", cmd_show, "NAME...", "print the text of a scenario: its steps, why, and what to do",
     NULL},
    {"run", cmd_run, "[OPTION...] NAME|FILE... | --all | --tag TAG",
     "run scenarios, and report what the kernel answered",
     "  --all          all built-in scenarios, but for slow ones\n"
     "  --tag TAG      those with this tag; may be given several times\n"
     "  --slow         slow ones too: they wait for timers of a minute\n"
     "  -j, --jobs[=N] N cases at a time; without N one for each processor\n"
     "  --repeat N     run each case N times\n"
     "  --timeout TIME give a case so long: 500ms, 10s (30s, and what it says that it waits)\n"
     "  --net=private  a network namespace of its own for each case (the default)\n"
     "  --net=current  stay in the present namespace; what would touch the host is skipped\n"
     "  --must-run     what cannot run here is an error, not skipped\n"
     "  --format F     text (the default) or json\n"
     "  -v, --verbose  process ids, chosen ports, times, and every scenario in full\n"
     "  -q, --quiet    the verdict alone\n"},
    {"check", cmd_check, "FILE...", "say every mistake of scenario files, and run nothing", NULL},
    {"version", cmd_version, "[-v]", "show the version; with -v what this kernel offers",
     "  -v, --verbose  what this kernel and these surroundings offer\n"},
    {"help", cmd_help, "[COMMAND]", "show this, or the options of a command",
     "  --words        what may be typed behind the words after `--`: shells ask for it\n"},
};

const size_t command_count = sizeof commands / sizeof commands[0];

const struct command *command_named(const char *name) {
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

const struct command *command_near(const char *name) {
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; i < command_count; i++)
        suggest_offer(&nearest, commands[i].name);
    return nearest.word == NULL ? NULL : command_named(nearest.word);
}

void command_help(const struct command *command) {
    printf("usage: portreuse %s %s\n\n%s\n", command->name, command->usage, command->line);
    if (command->help != NULL)
        printf("\n%s", command->help);
}
