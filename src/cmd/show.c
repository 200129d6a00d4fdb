/* portreuse show NAME: the text of a scenario, which is a good start for your own. */
#include <getopt.h>
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/options.h"
#include "scenario/catalogue.h"

static int cmd_show(int argc, char **argv) {
    int status = EXIT_AS_EXPECTED;
    if (!options_parse("show", NULL, argc, argv, NULL))
        return EXIT_TROUBLE;
    if (optind == argc) {
        options_complain("show",
                         "a scenario NAME is missing; 'portreuse list' shows all scenarios");
        return EXIT_TROUBLE;
    }
    for (; optind < argc; optind++) {
        struct errors errors = {0};
        struct scenario *scenario = catalogue_open(argv[optind], &errors);
        if (scenario != NULL)
            fwrite(scenario->source, 1, scenario->source_size, stdout);
        else
            status = EXIT_TROUBLE;
        errors_print(&errors, stderr);
        errors_free(&errors);
        scenario_free(scenario);
    }
    return status;
}

const struct command command_show = {
    .name = "show",
    .function = cmd_show,
    .usage = "NAME...",
    .summary = "print the text of a scenario: its steps, why, and what to do",
    .operands = {"NAME"},
};
