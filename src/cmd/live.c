#include "cmd/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/errnames.h"
#include "cmd/cmd.h"
#include "cmd/options.h"

bool live_begin(struct live *live, const struct command *command) {
    *live = (struct live){.outputs.command = command, .place_count = 1};
    live->places = calloc(1, sizeof *live->places);
    if (live->places == NULL) {
        options_complain(command->name, "%s", strerror(ENOMEM));
        return false;
    }
    live->places[0] = namespaces_here();
    return true;
}

void live_end(struct live *live) {
    outputs_free(&live->outputs);
    free(live->places);
}

static bool take_pid(struct live *live) {
    char name[ERRNAME_SIZE];
    int64_t pid;
    if (!options_number(live->outputs.command->name, "--pid", optarg, 1, INT32_MAX, &pid))
        return false;
    int error = namespaces_of_process((pid_t)pid, &live->places[0]);
    if (error != 0)
        options_complain(live->outputs.command->name, "--pid %s: %s", optarg, errname(error, name));
    return error == 0;
}

static bool take_netns(struct live *live) {
    char name[ERRNAME_SIZE];
    int error = namespaces_named(optarg, &live->places[0]);
    if (error != 0)
        options_complain(live->outputs.command->name, "--netns %s: %s", optarg,
                         errname(error, name));
    return error == 0;
}

static bool take_all(struct live *live) {
    struct namespaces all;
    int error = namespaces_all(&all);
    if (error != 0) {
        options_complain(live->outputs.command->name, "%s", strerror(error));
        return false;
    }
    free(live->places);
    live->places = all.list;
    live->place_count = all.count;
    if (all.unseen > 0)
        options_complain(live->outputs.command->name,
                         "%u processes could not be looked into; root also sees the network "
                         "namespaces that only these are in",
                         all.unseen);
    return true;
}

bool live_take(struct live *live, int option) {
    switch (option) {
    case LIVE_OPTION_PID:
        return take_pid(live);
    case LIVE_OPTION_NETNS:
        return take_netns(live);
    case LIVE_OPTION_ALL_NETNS:
        return take_all(live);
    case LIVE_OPTION_FORMAT:
        return outputs_take_format(&live->outputs, optarg);
    case LIVE_OPTION_OUTPUT:
        return outputs_take_file(&live->outputs, optarg);
    case 'q':
        live->outputs.quiet = true;
        return true;
    default:
        return false;
    }
}

bool live_options(int argc, char **argv, const struct option *longs, live_take_option *take,
                  void *request) {
    options_begin();
    for (int option; (option = options_next(argc, argv, ":q", longs)) != -1;)
        if (option == '?' || !take(request, option))
            return false;
    return true;
}
