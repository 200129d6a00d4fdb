/* The list of commands. Each is in a file of its own, to which it owes only its name here: see
 * docs/add-a-command.md. */
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "cmd/cmd.h"
#include "report/subject.h"

extern const struct command command_list, command_show, command_run, command_matrix, command_why,
    command_budget, command_audit, command_check, command_server, command_client, command_version,
    command_help;

/* clang-format off */
const struct command *const commands[] = {
    &command_list,
    &command_show,
    &command_run,
    &command_matrix,
    &command_why,
    &command_budget,
    &command_audit,
    &command_check,
    &command_server,
    &command_client,
    &command_version,
    &command_help,
};
/* clang-format on */

const size_t command_count = sizeof commands / sizeof commands[0];

const struct command *command_named(const char *name) {
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

const struct command *command_near(const char *name) {
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; i < command_count; i++)
        suggest_offer(&nearest, commands[i]->name);
    return nearest.word == NULL ? NULL : command_named(nearest.word);
}

void command_print_help(const struct command *command) {
    printf("usage: portreuse %s %s\n\n%s\n", command->name, command->usage, command->line);
    if (command->help != NULL)
        printf("\n%s", command->help);
    if (command->subject == NULL)
        return;
    printf("\nFormats, and the endings of files that mean them\n");
    format_print_help(command->subject->formats, stdout);
}
