/* Addresses and namespaces on the command line, with complaints that say how to write them. */
#include "cmd/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

/* --- an address and port --- */

/* Always returns false. */
static bool wrong_address(const char *command, const char *option, const char *text,
                          const char *why) {
    const char *space = option == NULL ? "" : " ";
    int64_t port;
    option = option == NULL ? "" : option;
    if (units_number(text, 1, UINT16_MAX, &port))
        options_complain(command, "%s%s'%s': an address is written ADDRESS:PORT, or :%s", option,
                         space, text, text);
    else
        options_complain(command, "%s%s'%s': %s", option, space, text, why);
    return false;
}

bool target_parse(const char *command, const char *option, const char *text, struct endpoint any,
                  struct endpoint *endpoint, bool *is_any) {
    char whole[ENDPOINT_TEXT_SIZE];
    struct endpoint_pattern pattern;
    const char *at;
    int size = snprintf(whole, sizeof whole, "%s%s", text[0] == ':' ? "*" : "", text);
    if (size < 0 || (size_t)size >= sizeof whole)
        return wrong_address(command, option, text, "this is too long for an address");
    const char *wrong = endpoint_parse(whole, &pattern, &at);
    if (wrong == NULL && pattern.any_port)
        wrong = "a port is missing; 0 lets the kernel choose";
    if (wrong != NULL)
        return wrong_address(command, option, text, wrong);
    *endpoint = pattern.endpoint;
    if (pattern.any_address) {
        *endpoint = any;
        endpoint->port = pattern.endpoint.port;
    }
    if (is_any != NULL)
        *is_any = pattern.any_address;
    return true;
}

/* --- network namespaces --- */

bool target_begin(struct target *target, const char *command) {
    *target = (struct target){.namespaces = malloc(sizeof(struct namespace))};
    if (target->namespaces == NULL) {
        options_complain(command, "%s", strerror(ENOMEM));
        return false;
    }
    target->namespaces[0] = namespaces_here();
    target->count = 1;
    return true;
}

void target_free(struct target *target) {
    free(target->namespaces);
    *target = (struct target){0};
}

/* Returns whether there was no error; complains about one. */
static bool found(const struct option_use *use, int error) {
    if (error != 0)
        options_complain(use->command, "%s %s: %s", use->name, use->value, strerror(error));
    return error == 0;
}

static bool set_pid(const struct option_use *use) {
    struct target *target = use->target;
    struct option_use number = *use;
    int64_t pid;
    number.target = &pid;
    if (!option_set_number(&number))
        return false;
    int error = namespaces_of_process((pid_t)pid, &target->namespaces[0]);
    return found(use, error == ENOENT ? ESRCH : error);
}

static bool set_netns(const struct option_use *use) {
    struct target *target = use->target;
    return found(use, namespaces_named(use->value, &target->namespaces[0]));
}

static bool set_all(const struct option_use *use) {
    struct target *target = use->target;
    struct namespaces all;
    int error = namespaces_all(&all);
    if (error != 0) {
        options_complain(use->command, "%s: %s", use->name, strerror(error));
        return false;
    }
    free(target->namespaces);
    *target = (struct target){.namespaces = all.list, .count = all.count};
    if (all.unseen > 0)
        options_complain(use->command,
                         "%u process%s could not be examined; run as root to include their "
                         "network namespaces",
                         all.unseen, all.unseen == 1 ? "" : "es");
    return true;
}

const struct option_row target_options[] = {
    {.name = "pid",
     .takes = VALUE_REQUIRED,
     .value_name = "N",
     .set = set_pid,
     .low = 1,
     .high = INT32_MAX,
     .help = "look in the network namespace of process N"},
    {.name = "netns",
     .takes = VALUE_REQUIRED,
     .value_name = "NETNS",
     .set = set_netns,
     .help = "look in this network namespace: a name from 'ip netns', or a path"},
    {0},
};

const struct option_row target_all_options[] = {
    {.name = "all-netns", .set = set_all, .help = "look in all network namespaces"},
    {0},
};
