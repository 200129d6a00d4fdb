/* The table of commands, and their help. */
#include "cmd/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cmd/options.h"
#include "cmd/target.h"
#include "report/shared/layout.h"
#include "report/subject.h"

extern const struct command command_why, command_budget, command_audit, command_trace, command_run,
    command_list, command_show, command_check, command_matrix, command_server, command_client,
    command_version, command_help;

/* clang-format off */
const struct command *const commands[] = {
    &command_why,
    &command_budget,
    &command_audit,
    &command_trace,
    &command_run,
    &command_list,
    &command_show,
    &command_check,
    &command_matrix,
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

void commands_print(FILE *out) {
    fputs("portreuse explains why bind(), listen() or connect() fails, and reproduces it.\n\n"
          "usage: portreuse COMMAND [ARGUMENT...]\n\n",
          out);
    for (size_t i = 0; i < command_count; i++)
        fprintf(out, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\nExamples\n"
          "  portreuse why :8080             why a program cannot use port 8080 now\n"
          "  portreuse trace -- ./server     why it cannot, at the moment when it fails\n"
          "  portreuse run time-wait-rebind  how it comes about, call by call\n"
          "\n'portreuse help COMMAND' shows its options. A link named portreuse-COMMAND runs\n"
          "that command.\n"
          "Exit status: 0 all as expected, 1 not as expected, 2 an error.\n",
          out);
}

/* Returns whether the word after this option is its value. */
static bool takes_next(const char *option) {
    const struct option_row *row = options_find(command_why.options, option, strlen(option));
    return row != NULL && row->takes == VALUE_REQUIRED;
}

const struct command *command_for_question(int argc, char **argv) {
    char **words = malloc((size_t)argc * sizeof *words);
    int count = 0;
    for (int i = 1; words != NULL && i < argc; i++)
        if (argv[i][0] != '-' || argv[i][1] == '\0')
            words[count++] = argv[i];
        else if (takes_next(argv[i]))
            i++;
    bool misspelt = count == 2 && command_near(words[0]) != NULL && !target_is_address(1, words);
    bool is_question = count > 0 && !misspelt && target_is_address(count, words);
    free(words);
    return is_question ? &command_why : NULL;
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
