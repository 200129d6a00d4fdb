/* portreuse help [COMMAND]: made from the table of commands. */
#include <getopt.h>
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/completion.h"
#include "cmd/options.h"

static void print_all(void) {
    fputs("portreuse shows why a port cannot be bound or connected from, by reproducing it.\n\n"
          "usage: portreuse COMMAND [ARGUMENT...]\n\n",
          stdout);
    for (size_t i = 0; i < command_count; i++)
        printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n'portreuse help COMMAND' shows its options. A link named portreuse-COMMAND runs\n"
          "that command.\n"
          "Exit status: 0 all as expected, 1 the kernel answered otherwise, 2 an error.\n",
          stdout);
}

static int help_on(const char *name) {
    const struct command *command = command_named(name), *near = command_near(name);
    if (command == NULL && near != NULL)
        options_complain("help", "unknown command '%s'; did you mean '%s'?", name, near->name);
    else if (command == NULL)
        options_complain("help", "unknown command '%s'", name);
    else
        command_print_help(command);
    return command == NULL ? EXIT_TROUBLE : EXIT_AS_EXPECTED;
}

static const struct option_row rows[] = {
    {.name = "words",
     .set = option_set_flag,
     .help = "print the words that can follow those after '--'; shells use it for completion"},
    {0},
};

static const struct option_group groups[] = {{rows, 0}, {0}};

static int cmd_help(int argc, char **argv) {
    bool words = false;
    if (!options_parse("help", groups, argc, argv, &words))
        return EXIT_TROUBLE;
    if (words)
        completion_print((size_t)(argc - optind), argv + optind, stdout);
    else if (optind < argc)
        return help_on(argv[optind]);
    else
        print_all();
    return EXIT_AS_EXPECTED;
}

const struct command command_help = {
    .name = "help",
    .function = cmd_help,
    .usage = "[COMMAND]",
    .summary = "show the commands, or the options of one",
    .options = groups,
    .operands = {"COMMAND"},
};
