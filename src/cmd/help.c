/* portreuse help [COMMAND]: made from the table of commands. With --words, what can be typed next:
 * the program's part of completion in shells. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "kernel/sockdiag.h"
#include "probe/matrix_pairs.h"
#include "report/subject.h"
#include "scenario/catalogue.h"

/* --- help --- */

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

/* --- completion: what can be typed next ---
 *
 * The words come from the rows of the options and from the operands of the commands. Where a value
 * has no list of words, the name that help gives it, such as TAG, selects one of these kinds. */

/* `before` is what is typed before the word, as in `--tag=` or `localhost:`. */
static void print_word(const char *before, const char *word, const char *line, FILE *out) {
    fprintf(out, "%s%s", before, word);
    if (line != NULL)
        fprintf(out, "\t%s", line);
    fputc('\n', out);
}

static void print_commands(const struct command *command, const char *before, FILE *out) {
    (void)command;
    for (size_t i = 0; i < command_count; i++)
        print_word(before, commands[i]->name, commands[i]->summary, out);
}

static void print_names(const struct command *command, const char *before, FILE *out) {
    (void)command;
    for (size_t i = 0; i < catalogue_count; i++)
        print_word(before, catalogue[i].name, catalogue[i].title, out);
}

/* Behind the name of a scenario and a colon, the lines of its cases. */
static void print_cases(const struct command *command, const char *before, FILE *out) {
    char name[64], line[16];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(before, ":"), before);
    const struct catalogue_entry *entry = catalogue_find(name);
    struct errors errors = {0};
    struct scenario *scenario = entry == NULL ? NULL : catalogue_parse(entry, &errors);
    if (before[0] == '\0')
        print_names(command, "", out);
    for (size_t i = 0; scenario != NULL && i < scenario->case_count; i++) {
        snprintf(line, sizeof line, "%u", scenario->cases[i].line);
        print_word(before, line, scenario->cases[i].title, out);
    }
    scenario_free(scenario);
    errors_free(&errors);
}

static void print_tags(const struct command *command, const char *before, FILE *out) {
    (void)command;
    struct arena arena = {0};
    for (const char *const *tag = catalogue_tags(&arena); *tag != NULL; tag++)
        print_word(before, *tag, NULL, out);
    arena_free(&arena);
}

static void print_formats(const struct command *command, const char *before, FILE *out) {
    if (command->subject == NULL)
        return;
    for (const struct format *const *list = command->subject->formats; *list != NULL; list++)
        print_word(before, (*list)->name, (*list)->line, out);
}

/* Those of TCP, and what UDP calls one of its own. */
static void print_states(const struct command *command, const char *before, FILE *out) {
    (void)command;
    for (unsigned i = 0; i < STORIES; i++)
        print_word(before, matrix_state_name(PROTOCOL_TCP, i), matrix_state_line(PROTOCOL_TCP, i),
                   out);
    for (unsigned i = 0; i < STORIES; i++)
        if (matrix_state_named(PROTOCOL_TCP, matrix_state_name(PROTOCOL_UDP, i)) == STORIES)
            print_word(before, matrix_state_name(PROTOCOL_UDP, i),
                       matrix_state_line(PROTOCOL_UDP, i), out);
}

static bool note_port(void *context, const struct inet_socket *socket) {
    bool *listening = context;
    listening[socket->local.port] = true;
    return true;
}

/* The TCP ports that have a listener here; none if the kernel does not list them. */
static void print_listeners(const struct command *command, const char *before, FILE *out) {
    (void)command;
    static bool listening[UINT16_MAX + 1];
    struct diag_query query = sockdiag_query(1U << STATE_LISTEN);
    int diag = sockdiag_open(NETNS_HERE);
    if (diag < 0)
        return;
    if (sockdiag_dump(diag, &query, note_port, listening) == 0)
        for (unsigned port = 1; port <= UINT16_MAX; port++)
            if (listening[port])
                fprintf(out, "%s%u\n", before, port);
    close(diag);
}

static const struct kind {
    const char *name;
    /* NULL: files, which the shell completes */
    void (*print)(const struct command *command, const char *before, FILE *out);
    bool has_colon; /* what stands before a colon belongs to the word */
} kinds[] = {
    {"CASE", print_cases, true},
    {"COMMAND", print_commands, false},
    {"FILE", NULL, false},
    {"FORMAT", print_formats, false},
    {"LISTENER", print_listeners, true},
    {"NAME", print_names, false},
    {"STATE", print_states, false},
    {"TAG", print_tags, false},
};

/* Returns whether there is such a kind. `before` ends in a colon if there is one. */
static bool print_kind(const struct command *command, const char *name, const char *before,
                       FILE *out) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) != 0)
            continue;
        bool whole = strchr(before, ':') == NULL || kinds[i].has_colon;
        if (kinds[i].print != NULL)
            kinds[i].print(command, whole ? before : "", out);
        return true;
    }
    return false;
}

/* --- what can come next --- */

static void print_values(const struct command *command, const struct option_row *row,
                         const char *before, FILE *out) {
    if (row->values == NULL)
        print_kind(command, row->value_name, before, out);
    for (size_t i = 0; row->values != NULL && row->values[i] != NULL; i++)
        print_word(before, row->values[i], NULL, out);
}

static void print_options(const struct command *command, FILE *out) {
    const struct option_row *row;
    for (size_t i = 0; (row = options_row(command->options, i)) != NULL; i++) {
        if (row->help != NULL && row->letter != 0)
            fprintf(out, "-%c\t%s\n", row->letter, row->help);
        if (row->help != NULL && row->name != NULL)
            fprintf(out, "--%s\t%s\n", row->name, row->help);
    }
}

static bool print_operands(const struct command *command, const char *last, FILE *out) {
    const char *colon = strrchr(last, ':');
    char before[256];
    bool known = false;
    snprintf(before, sizeof before, "%.*s", colon == NULL ? 0 : (int)(colon + 1 - last), last);
    for (size_t i = 0; i < 2 && command->operands[i] != NULL; i++)
        known |= print_kind(command, command->operands[i], before, out);
    return known;
}

/* `before` is the word before the last one, or NULL. */
static void print_after(const struct command *command, const char *before, const char *last,
                        FILE *out) {
    const struct option_row *row = NULL;
    const char *equals = strchr(last, '=');
    char start[64];
    if (before != NULL && (row = options_find(command->options, before, strlen(before))) != NULL &&
        row->takes == VALUE_REQUIRED) {
        print_values(command, row, "", out);
        return;
    }
    if (equals != NULL)
        row = options_find(command->options, last, (size_t)(equals - last));
    if (equals != NULL && row != NULL && row->takes != VALUE_NONE) {
        snprintf(start, sizeof start, "%.*s", (int)(equals + 1 - last), last);
        print_values(command, row, start, out);
    } else if (*last == '-' || !print_operands(command, last, out)) {
        print_options(command, out);
    }
}

/* Prints the words that the last one of `words` can become; the others stand before it on the
 * command line: {"run", "--tag", ""} prints the tags, {} and {"r"} the commands. One word per line,
 * followed by a tab and a description if there is one. The shell selects those that match what is
 * typed. Prints nothing where a file can stand and no word of ours. */
static void complete(size_t count, char **words, FILE *out) {
    const struct command *command = count > 1 ? command_named(words[0]) : NULL;
    if (count < 2)
        print_commands(NULL, "", out);
    else if (command != NULL)
        print_after(command, count > 2 ? words[count - 2] : NULL, words[count - 1], out);
}

/* --- the command --- */

static const struct option_row rows[] = {
    {.name = "words",
     .set = option_set_flag,
     .help = "print the words that can follow the words after '--'; shells use it for completion"},
    {0},
};

static const struct option_group groups[] = {{rows, 0}, {0}};

static int cmd_help(int argc, char **argv) {
    bool words = false;
    if (!options_parse("help", groups, argc, argv, &words))
        return EXIT_TROUBLE;
    if (!words && argc - optind > 1) {
        options_complain("help", "unexpected '%s': one command at a time", argv[optind + 1]);
        return EXIT_TROUBLE;
    }
    if (words)
        complete((size_t)(argc - optind), argv + optind, stdout);
    else if (optind < argc)
        return help_on(argv[optind]);
    else
        commands_print(stdout);
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
