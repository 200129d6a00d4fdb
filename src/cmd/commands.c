/* The table of commands, and their help. */
#include "cmd/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cmd/options.h"
#include "report/shared/layout.h"
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
    printf("usage: portreuse %s%s%s\n\n%s\n", command->name, command->usage[0] == '\0' ? "" : " ",
           command->usage, command->summary);
    if (command->description != NULL) {
        putchar('\n');
        layout_wrap(stdout, command->description, 0, 0);
    }
    if (command->options != NULL) {
        printf("\nOptions\n");
        options_print_help(command->options, stdout);
    }
    if (command->subject != NULL) {
        printf("\nFormats, and the file extensions that select them\n");
        format_print_help(command->subject, stdout);
    }
    if (command->notes != NULL)
        printf("\n%s", command->notes);
}
