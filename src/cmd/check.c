/* portreuse check FILE...: checks scenario files for errors without running them. */
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/options.h"
#include "scenario/catalogue.h"
#include "scenario/scenario.h"

static const struct option_row rows[] = {
    {.name = "all",
     .set = option_set_flag,
     .offset = offsetof(struct errors, keep_all),
     .help = "show all errors, not only the first 20"},
    {0},
};

static const struct option_group groups[] = {{rows, 0}, {0}};

static int cmd_check(int argc, char **argv) {
    struct errors errors = {0};
    if (!options_parse("check", groups, argc, argv, &errors))
        return EXIT_TROUBLE;
    int files = argc - optind;
    if (files == 0) {
        options_complain("check", "a FILE is missing");
        return EXIT_TROUBLE;
    }
    for (; optind < argc; optind++)
        scenario_free(catalogue_open(argv[optind], &errors));
    size_t count = errors.count;
    errors_print(&errors, stderr);
    errors_free(&errors);
    if (count == 0)
        printf("PASS %d file%s without errors\n", files, files == 1 ? "" : "s");
    else
        printf("ERROR %zu error%s in %d file%s\n", count, count == 1 ? "" : "s", files,
               files == 1 ? "" : "s");
    return count == 0 ? EXIT_AS_EXPECTED : EXIT_TROUBLE;
}

const struct command command_check = {
    .name = "check",
    .function = cmd_check,
    .usage = "[--all] FILE...",
    .summary = "check scenario files for errors without running them",
    .options = groups,
    .operands = {"FILE"},
};
