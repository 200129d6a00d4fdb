/* portreuse show NAME: the text of a scenario, a good start for one of your own. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "scenario/catalogue.h"

int cmd_show(int argc, char **argv) {
    static const struct option longs[] = {{"help", no_argument, NULL, 'h'}, {0}};
    int status = EXIT_AS_EXPECTED;
    options_begin();
    for (int option; (option = options_next(argc, argv, ":h", longs)) != -1;)
        return option == 'h' ? EXIT_AS_EXPECTED : EXIT_TROUBLE;
    if (optind == argc) {
        options_complain("show", "the name of a scenario is missing; 'portreuse list' shows them");
        return EXIT_TROUBLE;
    }
    for (; optind < argc; optind++) {
        struct mistakes mistakes = {0};
        struct scenario *scenario = catalogue_open(argv[optind], &mistakes);
        if (scenario != NULL)
            fwrite(scenario->source, 1, scenario->source_size, stdout);
        else
            status = EXIT_TROUBLE;
        mistakes_print(&mistakes, stderr);
        mistakes_free(&mistakes);
        scenario_free(scenario);
    }
    return status;
}
