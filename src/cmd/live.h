/* What why, budget and audit have in common: where they look, and where their reports go. */
#ifndef PORTREUSE_CMD_LIVE_H
#define PORTREUSE_CMD_LIVE_H

#include <getopt.h>

#include "cmd/cmd.h"
#include "cmd/outputs.h"
#include "inspect/namespaces.h"

/* Begin with live_begin(), end with live_end(). */
struct live {
    struct outputs outputs;
    struct namespace *places; /* owned; the first is the only one, unless all are asked */
    size_t place_count;
};

/* The options that all three have, for the table of each. */
enum {
    LIVE_OPTION_PID = 512,
    LIVE_OPTION_NETNS,
    LIVE_OPTION_ALL_NETNS, /* of why alone */
    LIVE_OPTION_FORMAT,
    LIVE_OPTION_OUTPUT,
};

#define LIVE_OPTIONS                                                                               \
    {"pid", required_argument, NULL, LIVE_OPTION_PID},                                             \
        {"netns", required_argument, NULL, LIVE_OPTION_NETNS},                                     \
        {"format", required_argument, NULL, LIVE_OPTION_FORMAT},                                   \
        {"output", required_argument, NULL, LIVE_OPTION_OUTPUT}, {                                 \
        "quiet", no_argument, NULL, 'q'                                                            \
    }

#define LIVE_HELP                                                                                  \
    "  --pid N        look in the network namespace of this process\n"                             \
    "  --netns NAME   look in this one: a name of 'ip netns', or a path\n"                         \
    "  --format FORMAT what standard output gets: a format below\n"                                \
    "  --output FILE  a file with a report more, in the format of its ending, or told by\n"        \
    "                 FILE:FORMAT; it is put in its place whole\n"                                 \
    "  -q, --quiet    on standard output the verdict alone\n"

/* False if memory is out, which has been said. */
bool live_begin(struct live *live, const struct command *command);
void live_end(struct live *live); /* also where it could not begin */

/* Takes one of the common options, with `optarg`; false for another, or after a complaint. */
bool live_take(struct live *live, int option);

/* Takes an option of a command, its own or one of the common ones; false after a complaint. */
typedef bool live_take_option(void *request, int option);

/* Takes all options of a command; operands are left. False after a complaint. */
bool live_options(int argc, char **argv, const struct option *longs, live_take_option *take,
                  void *request);

#endif
