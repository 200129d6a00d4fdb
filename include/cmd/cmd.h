/* The commands: a file each, which exports one `struct command`, and a list of them in table.c. */
#ifndef PORTREUSE_CMD_CMD_H
#define PORTREUSE_CMD_CMD_H

#include <stddef.h>

enum exit_code { EXIT_AS_EXPECTED = 0, EXIT_FAIL = 1, EXIT_TROUBLE = 2 };

/* A command gets its own arguments, argv[0] being its name, and returns an exit code. Results go to
 * standard output, complaints to standard error. */
typedef int command_function(int argc, char **argv);

struct subject;

/* What the file of a command exports, by the name `command_NAME`. */
struct command {
    const char *name;
    command_function *function;
    const char *usage; /* what stands behind the name */
    const char *line;  /* one line of help */
    const char *help;  /* the options, a line each; or NULL */
    const struct subject
        *subject; /* of its report, which has the formats; NULL: it has no report */
};

/* All of them, in the order in which help shows them. */
extern const struct command *const commands[];
extern const size_t command_count;

/* Prints the help of one command. */
void command_print_help(const struct command *command);

/* The command called so, or NULL; _near is the one nearest to a misspelt name. */
const struct command *command_named(const char *name);
const struct command *command_near(const char *name);

#endif
