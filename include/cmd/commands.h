/* The commands: one file each, which exports one `struct command`, and the table of them. */
#ifndef PORTREUSE_CMD_COMMANDS_H
#define PORTREUSE_CMD_COMMANDS_H

#include <stddef.h>
#include <stdio.h>

enum exit_code { EXIT_AS_EXPECTED = 0, EXIT_FAIL = 1, EXIT_TROUBLE = 2 };

/* Runs a command and returns an exit code. argv[0] is the name of the command. Results go to
 * standard output, complaints to standard error. */
typedef int command_function(int argc, char **argv);

struct option_group;
struct subject;

struct command {
    const char *name;
    command_function *function;
    const char *usage;                  /* what follows the name */
    const char *summary;                /* one line for the list of commands */
    const char *description;            /* more, in paragraphs; or NULL */
    const struct option_group *options; /* see src/cmd/options.h; NULL: it has none */
    const char *operands[2];            /* kinds of operands that completion knows: CASE, FILE */
    const struct subject *subject;      /* of its report; NULL: it has no report */
    const char *notes;                  /* preformatted text after the options; or NULL */
};

/* All of them, in the order of help. */
extern const struct command *const commands[];
extern const size_t command_count;

/* Returns the command with this name, or NULL; command_near() the one whose name is most similar,
 * or NULL. */
const struct command *command_named(const char *name);
const struct command *command_near(const char *name);

/* Returns the command that answers a question without a command (`portreuse :8080`, or the error
 * message of a program), or NULL if the words from argv[1] on are none. Options may stand among
 * them. */
const struct command *command_for_question(int argc, char **argv);

/* Prints what portreuse is, with all commands and some examples. */
void commands_print(FILE *out);

/* Prints the help of one command. */
void command_print_help(const struct command *command);

#endif
