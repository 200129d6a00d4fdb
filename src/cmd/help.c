/* portreuse help [COMMAND]: made from the list of commands. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/words.h"

static void print_all(FILE *out) {
    fputs("portreuse shows why a port cannot be bound or connected from, by reproducing it.\n\n"
          "usage: portreuse COMMAND [ARGUMENT...]\n\n",
          out);
    for (size_t i = 0; i < command_count; i++)
        fprintf(out, "  %-8s %s\n", commands[i]->name, commands[i]->line);
    fputs(
        "\n'portreuse help COMMAND' tells more. A link called portreuse-COMMAND is that command.\n"
        "Exit status: 0 all as expected, 1 the kernel answered otherwise, 2 it could not be "
        "done.\n",
        out);
}

static int help_on(const char *name) {
    const struct command *command = command_named(name);
    if (command == NULL) {
        const struct command *near = command_near(name);
        if (near != NULL)
            options_complain("help", "unknown command '%s'; did you mean '%s'?", name, near->name);
        else
            options_complain("help", "unknown command '%s'", name);
        return EXIT_TROUBLE;
    }
    command_print_help(command);
    return EXIT_AS_EXPECTED;
}

static int cmd_help(int argc, char **argv) {
    static const struct option longs[] = {{"words", no_argument, NULL, 'w'}, {0}};
    bool words = false;
    options_begin();
    for (int option; (option = options_next(argc, argv, ":", longs)) != -1;) {
        if (option == '?')
            return EXIT_TROUBLE;
        words = true;
    }
    if (words)
        words_print((size_t)(argc - optind), argv + optind, stdout);
    else if (optind < argc)
        return help_on(argv[optind]);
    else
        print_all(stdout);
    return EXIT_AS_EXPECTED;
}

const struct command command_help = {
    .name = "help",
    .function = cmd_help,
    .usage = "[COMMAND]",
    .line = "show this, or the options of a command",
    .help = "  --words        what may be typed behind the words after `--`: shells ask for it\n",
};
