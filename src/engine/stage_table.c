/* A table of TCP connections for a case alone. The kernel's table is one for all namespaces, and
 * long: on a host with 24 GiB of memory it takes 3 ms to list the connections of one, however few
 * they are. Since Linux 6.1 a namespace has a table of its own if the one in which it is made asks
 * for that. So the host's setting is never written. */
#include <unistd.h>

#include "engine/stage.h"
#include "kernel/sysctl.h"

int stage_want_own_tables(void) {
    return sysctl_write(NETNS_HERE, "net.ipv4.tcp_child_ehash_entries", "16384");
}

void stage_keep_limits(struct netns middle) {
    static const char *const names[] = {"net.ipv4.tcp_max_tw_buckets",
                                        "net.ipv4.tcp_max_syn_backlog"};
    char value[32];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (sysctl_read(middle, names[i], value, sizeof value) == 0)
            sysctl_write(NETNS_HERE, names[i], value);
}

/* Returns whether the kernel is to list sockets for the step. What awaits one socket looks it up.
 */
static bool lists_sockets(const struct step *step) {
    bool looks_up = step->verb == VERB_AWAIT && step->query.least == 1 && !step->query.absent;
    enum step_arguments arguments = verb_row(step->verb)->arguments;
    return arguments == ARGUMENTS_QUESTION || (arguments == ARGUMENTS_QUERY && !looks_up);
}

/* Returns whether a step has the kernel list sockets, and none judges how long calls take: that may
 * depend on the table. */
static bool gains(const struct stage *stage) {
    bool lists = false;
    for (size_t i = 0; i < stage->board->result.step_count; i++) {
        const struct step *step = result_step(stage->scenario, stage->board->case_index, i);
        if (step->verb == VERB_SLOWDOWN)
            return false;
        lists |= lists_sockets(step);
    }
    return lists;
}

/* If there can be no further namespace, the case stays in the one that it is in. */
int stage_enter_own_table(const struct stage *stage) {
    struct netns middle, own;
    if (!gains(stage) || stage_want_own_tables() != 0 || netns_keep(&middle) != 0)
        return 0;
    int error = netns_make(&own);
    if (error == 0) {
        stage_keep_limits(middle);
        close(own.fd);
    } else {
        error = netns_join(middle);
    }
    close(middle.fd);
    return error;
}
