/* Ask the kernel, by trial binds; find what explains its answer; ask again. Sockets and processes
 * come and go meanwhile: if the second answer differs from the first, all of it is done once more,
 * and if that does not hold either, the answer says that things changed while looking. */
#include "diagnose/why.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diagnose/budget.h"
#include "diagnose/why_suspects.h"
#include "inspect/child.h"
#include "kernel/netdev.h"
#include "kernel/netns.h"
#include "kernel/socket.h"
#include "kernel/sysctl.h"

static void fail(struct why *why, int error, const char *failure) {
    why->verdict = WHY_UNKNOWN;
    why->error = error;
    why->failure = failure;
}

/* --- asking the kernel --- */

static struct trial trial_of(const struct why_question *asked, unsigned options) {
    return (struct trial){.local = asked->local,
                          .reuseaddr = (options & WHY_REUSEADDR) != 0,
                          .reuseport = (options & WHY_REUSEPORT) != 0,
                          .v6only = asked->v6only};
}

static unsigned asked_options(const struct why_question *asked) {
    return (asked->reuseaddr ? WHY_REUSEADDR : 0U) | (asked->reuseport ? WHY_REUSEPORT : 0U);
}

static void try_binds(void *context, FILE *more) {
    (void)more;
    struct why *why = context;
    for (unsigned options = 0; options < WHY_TRIALS; options++) {
        struct trial trial = trial_of(&why->asked, options);
        why->trials[options].error = socket_trial(NETNS_HERE, &trial, &why->trials[options].call);
    }
}

/* Makes the trials; for another user, in a process that becomes that user. */
static void make_trials(struct why *why) {
    struct child child = {.other_user = true, .uid = why->asked.uid};
    const char *what;
    if (!why->asked.other_user) {
        try_binds(why, NULL);
        return;
    }
    int error = child_run(&child, try_binds, why, sizeof *why, NULL, &what);
    if (error != 0)
        fail(why, error, what);
}

static bool asks_again(const struct why *why) {
    struct why again = {.asked = why->asked};
    if (why->asked.local.family == 0)
        return true;
    make_trials(&again);
    unsigned options = asked_options(&why->asked);
    return again.verdict != WHY_UNKNOWN &&
           again.trials[options].error == why->trials[options].error;
}

/* --- the answer --- */

static void refuse(struct why *why, const struct why_trial *trial) {
    why->verdict = WHY_REFUSED;
    why->error = trial->error;
    why->call = trial->call;
}

static void name(struct why *why, enum cause cause) {
    why->cause = cause;
    why->words = cause_sentence(cause, WHEN_NO_OCCUPANT);
}

/* Names the reason of a refusal that no socket explains. */
static void explain_without_socket(struct why *why) {
    uint16_t port = why->asked.local.port;
    if (why->error == EADDRNOTAVAIL)
        name(why, netdev_is_tentative(NETNS_HERE, &why->asked.local) ? CAUSE_ADDRESS_TENTATIVE
                                                                     : CAUSE_ADDRESS_NOT_LOCAL);
    else if (why->error == EACCES && port != 0 && port < why->privileged_below)
        name(why, CAUSE_PRIVILEGED_PORT);
    else
        name(why, CAUSE_NOT_PERMITTED);
}

/* connect() is not tried, as that would send something: the sockets show what it would answer. If
 * its port is bound already, no other connection may have the same two ends; otherwise it chooses a
 * port. */
static void judge_connect(struct why *why) {
    static const struct why_trial refused = {EADDRNOTAVAIL, "connect"};
    struct budget_question question = {.remote = why->asked.remote};
    struct namespace here = namespaces_here();
    struct budget budget;
    bool available = true;
    if (why->asked.local.port != 0) {
        available = !why_suspects_connected(why);
    } else if (why->asked.local.family == 0) {
        budget_look(&question, &here, &budget);
        if (budget.failure != NULL)
            fail(why, budget.error, budget.failure);
        available = budget.failure != NULL || budget.routes[0].left > 0;
    }
    if (available)
        return;
    refuse(why, &refused);
    why_suspects_find(why);
}

static void judge_bind(struct why *why) {
    const struct why_trial *trial = &why->trials[asked_options(&why->asked)];
    if (trial->error == 0)
        why_suspects_count(why);
    else
        refuse(why, trial);
    if (trial->error == EADDRINUSE)
        why_suspects_find(why);
    else if (trial->error == EADDRNOTAVAIL || trial->error == EACCES || trial->error == EPERM)
        explain_without_socket(why);
    else if (trial->error != 0)
        fail(why, trial->error, trial->call);
}

static void judge(struct why *why) {
    if (why->verdict != WHY_UNKNOWN && why->asked.local.family != 0)
        judge_bind(why);
    if (why->verdict == WHY_FREE && why->asked.remote.family != 0)
        judge_connect(why);
}

/* Returns whether this is the initial pid namespace, which has this inode (PROC_PID_INIT_INO in
 * include/linux/proc_ns.h). */
static bool sees_all_processes(void) {
    char link[32];
    ssize_t size = readlink("/proc/self/ns/pid", link, sizeof link - 1);
    link[size > 0 ? size : 0] = '\0';
    return strcmp(link, "pid:[4026531836]") == 0;
}

static void read_settings(struct why *why) {
    char text[16];
    sysctl_port_range(NETNS_HERE, &why->range);
    why->in_range =
        why->asked.local.port >= why->range.low && why->asked.local.port <= why->range.high;
    why->reserved = port_set_has(&why->range.reserved, why->asked.local.port);
    why->privileged_below = 1024;
    if (sysctl_read(NETNS_HERE, "net.ipv4.ip_unprivileged_port_start", text, sizeof text) == 0)
        why->privileged_below = (uint16_t)strtoul(text, NULL, 10);
    why->own_pids_only = !sees_all_processes();
}

static void look_once(struct why *why, const struct why_question *asked) {
    struct namespace place = why->place;
    *why = (struct why){.place = place, .asked = *asked};
    read_settings(why);
    if (asked->local.family != 0)
        make_trials(why);
    judge(why);
}

/* Looks, and if that does not hold, once more. */
static void look_twice(struct why *why, const struct why_question *asked) {
    look_once(why, asked);
    if (why->verdict == WHY_UNKNOWN || (asks_again(why) && why_suspects_hold(why)))
        return;
    look_once(why, asked);
    why->changed = why->verdict != WHY_UNKNOWN && !(asks_again(why) && why_suspects_hold(why));
}

/* Looks, in the namespace. A question without an address is about both wildcards: if the first is
 * free, the answer is that of the second, an IPv6 socket that takes the IPv4 port too. */
static void look_here(void *context, FILE *more) {
    (void)more;
    struct why *why = context;
    struct why_question asked = why->asked;
    look_twice(why, &asked);
    if (!asked.any_family || why->verdict != WHY_FREE || !netns_has_ipv6(NETNS_HERE))
        return;
    struct why first = *why;
    asked.local = endpoint_wildcard(AF_INET6, asked.local.port);
    look_twice(why, &asked);
    if (why->verdict == WHY_FREE)
        *why = first;
}

void why_look(const struct why_question *question, const struct namespace *place, struct why *why) {
    struct child child = {.where = place};
    const char *what;
    *why = (struct why){.place = *place, .asked = *question};
    if (place->path[0] == '\0') {
        look_here(why, NULL);
        return;
    }
    int error = child_run(&child, look_here, why, sizeof *why, NULL, &what);
    if (error != 0)
        fail(why, error, what);
}
