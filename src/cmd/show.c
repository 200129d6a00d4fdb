/* portreuse show NAME: the text of a scenario, which is a good start for your own. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "scenario/catalogue.h"

/* Prints the text as it is, so that it can be kept as a file; but on a terminal, which it could do
 * harm to, with escapes for what is not shown. Returns false if it is no text. */
static bool print(const char *text, size_t whole) {
    const char *end = text + whole;
    if (memchr(text, '\0', whole) != NULL) /* the parser has complained */
        return false;
    if (!isatty(STDOUT_FILENO))
        return fwrite(text, 1, whole, stdout) == whole;
    while (text < end) {
        size_t size = 0;
        while (text + size < end && text[size] != '\t' && text[size] != '\n')
            size++;
        utf8_print(stdout, text, size);
        text += size;
        if (text < end)
            putchar(*text++);
    }
    return true;
}

/* A file is parsed, so that its errors are shown too. */
static bool show(const char *word) {
    const struct catalogue_entry *entry = catalogue_find(word);
    if (entry != NULL)
        return print(entry->text, entry->size);
    struct errors errors = {0};
    struct scenario *scenario = catalogue_open(word, &errors);
    bool shown = scenario != NULL && print(scenario->source, scenario->source_size);
    errors_print(&errors, stderr);
    errors_free(&errors);
    scenario_free(scenario);
    return shown;
}

static int cmd_show(int argc, char **argv) {
    int status = EXIT_AS_EXPECTED;
    if (!options_parse("show", NULL, argc, argv, NULL))
        return EXIT_TROUBLE;
    if (optind == argc) {
        options_complain("show",
                         "a scenario NAME is missing; 'portreuse list' shows all scenarios");
        return EXIT_TROUBLE;
    }
    for (; optind < argc; optind++)
        if (!show(argv[optind]))
            status = EXIT_TROUBLE;
    return status;
}

const struct command command_show = {
    .name = "show",
    .function = cmd_show,
    .usage = "NAME...",
    .summary = "print the text of a scenario: its steps, why, and what to do",
    .operands = {"NAME"},
};
