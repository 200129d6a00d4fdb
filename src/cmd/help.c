/* portreuse help [COMMAND]: made from the table of commands. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/options.h"

static void print_all(FILE *out) {
    fputs("portreuse shows why a port cannot be bound or connected from, by reproducing it.\n\n"
          "usage: portreuse COMMAND [ARGUMENT...]\n\n",
          out);
    for (size_t i = 0; i < command_count; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].line);
    fputs(
        "\n'portreuse help COMMAND' tells more. A link called portreuse-COMMAND is that command.\n"
        "Exit status: 0 all as expected, 1 the kernel answered otherwise, 2 it could not be "
        "done.\n",
        out);
}

int cmd_help(int argc, char **argv) {
    if (argc < 2) {
        print_all(stdout);
        return EXIT_AS_EXPECTED;
    }
    const struct command *command = command_named(argv[1]);
    if (command == NULL) {
        const struct command *near = command_near(argv[1]);
        if (near != NULL)
            options_complain("help", "unknown command '%s'; did you mean '%s'?", argv[1],
                             near->name);
        else
            options_complain("help", "unknown command '%s'", argv[1]);
        return EXIT_TROUBLE;
    }
    command_help(command);
    return EXIT_AS_EXPECTED;
}
