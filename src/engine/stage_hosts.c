/* The hosts of a scenario: a network namespace each, and one in the middle with the bridge. The
 * stage is in the namespace of the host on which the present step is done, so that all that it does
 * is done there; a role is forked there, and stays.
 *
 * A host that was switched off leaves its namespace behind, cut off from the bridge, without a
 * process and, where the kernel can destroy sockets, without a socket: the kernel then drops it. To
 * switch it on again makes a new one. */
#include <errno.h>
#include <unistd.h>

#include "base/errnames.h"
#include "engine/stage.h"
#include "engine/stage_program.h"
#include "inspect/child.h"
#include "kernel/ethernet.h"
#include "kernel/netdev.h"
#include "kernel/sockdiag.h"

static struct ethernet_host on_wire(const struct stage *stage, int host) {
    return (struct ethernet_host){.middle = stage->middle,
                                  .ns = stage->hosts[host].ns,
                                  .device = SCENARIO_WIRE,
                                  .port = stage->hosts[host].port,
                                  .number = (unsigned)host + 1};
}

/* gVisor answers EINVAL to a kind of device that it does not have. */
static bool is_here_to_stay(int error) {
    return error == EOPNOTSUPP || error == EINVAL || error == EPERM || error == EACCES ||
           error == ENOSPC || error == EAFNOSUPPORT;
}

/* The case cannot run: `what` was refused. */
static enum outcome refused(struct stage *stage, const char *what, int error) {
    char name[ERRNAME_SIZE];
    return stage_reason(stage, is_here_to_stay(error) ? OUTCOME_SKIP : OUTCOME_ERROR,
                        "needs hosts: %s (%s)%s", what, errname(error, name),
                        error == EOPNOTSUPP ? ": load the modules bridge and veth, as root" : "");
}

/* --- making them --- */

/* Makes the namespace of a host, and connects it. The stage is in it then. */
static enum outcome make_host(struct stage *stage, int index) {
    struct stage_host *host = &stage->hosts[index];
    *host = (struct stage_host){.port = stage->ports++, .diag = -1};
    int error = netns_make(&host->ns);
    if (error != 0)
        return refused(stage, "no further network namespace could be made", error);
    stage->here = index;
    stage_keep_limits(stage->middle);
    host->diag = stage->diag = sockdiag_open(NETNS_HERE);
    struct ethernet_host wire = on_wire(stage, index);
    error = ethernet_plug(&wire);
    return error == 0 ? OUTCOME_ANSWERED
                      : refused(stage, "a host could not be connected to the bridge", error);
}

/* Waits until frames go both ways, and adds the addresses: only then is IPv6 ready for them. */
static enum outcome raise_host(struct stage *stage, int index) {
    const struct scenario_host *host = &stage->scenario->hosts[index];
    struct ethernet_host wire = on_wire(stage, index);
    int error = ethernet_await(&wire);
    if (error != 0)
        return refused(stage, "the bridge does not forward", error);
    for (size_t i = 0; i < host->address_count; i++) {
        const struct host_address *own = &host->addresses[i];
        error = netdev_address(wire.ns, SCENARIO_WIRE, &own->address, own->bits, true);
        if (error != 0 && error != EEXIST) {
            char text[ENDPOINT_TEXT_SIZE], name[ERRNAME_SIZE];
            endpoint_text(&own->address, text);
            return stage_reason(stage, stage_refusal(error),
                                "host '%.64s' cannot have the address of %s: %s", host->name, text,
                                error == EACCES || error == EOPNOTSUPP ? "IPv6 is disabled here"
                                                                       : errname(error, name));
        }
    }
    return OUTCOME_ANSWERED;
}

enum outcome stage_make_hosts(struct stage *stage) {
    int count = (int)stage->scenario->host_count;
    enum outcome outcome = OUTCOME_ANSWERED;
    if (count == 0)
        return outcome;
    int error = netns_keep(&stage->middle);
    if (error == ENOENT)
        return stage_reason(stage, OUTCOME_SKIP, "needs hosts: there is no /proc here: mount it");
    if (error != 0)
        return refused(stage, "the namespace could not be opened", error);
    stage_want_own_tables();
    error = ethernet_make(NETNS_HERE);
    if (error != 0)
        return refused(stage, "no bridge could be made", error);
    for (int i = 0; outcome == OUTCOME_ANSWERED && i < count; i++)
        outcome = make_host(stage, i);
    for (int i = 0; outcome == OUTCOME_ANSWERED && i < count; i++)
        outcome = raise_host(stage, i);
    return outcome == OUTCOME_ANSWERED ? stage_go(stage, 0) : outcome;
}

enum outcome stage_go(struct stage *stage, int host) {
    bool between = host == NO_HOST;
    if (stage->hosts == NULL || stage->here == host)
        return OUTCOME_ANSWERED;
    int error = netns_join(between ? stage->middle : stage->hosts[host].ns);
    if (error != 0)
        return refused(stage, "the namespace of a host could not be entered", error);
    stage->here = host;
    stage->diag = between ? -1 : stage->hosts[host].diag;
    return OUTCOME_ANSWERED;
}

bool stage_is_off(const struct stage *stage, const struct step *step) {
    return stage->hosts != NULL && step->host != NO_HOST && stage->hosts[step->host].ns.fd < 0;
}

/* --- ending them --- */

/* Ends the connections of a host off the wire that no process has any more: they would keep the
 * namespace for as long as the kernel repeats what nobody acknowledges. */
static void drop_orphans(const struct stage_host *host) {
    if (host->diag >= 0 && host->cut)
        stage_abort_sockets(host->diag, 1U << STATE_FIN_WAIT_1 | 1U << STATE_FIN_WAIT_2 |
                                            1U << STATE_CLOSING | 1U << STATE_LAST_ACK);
}

static void close_host(struct stage_host *host) {
    if (host->diag >= 0)
        close(host->diag);
    if (host->ns.fd >= 0)
        close(host->ns.fd);
    *host = (struct stage_host){.ns = NETNS_HERE, .diag = -1};
}

void stage_end_hosts(struct stage *stage) {
    for (size_t i = 0; stage->hosts != NULL && i < stage->scenario->host_count; i++) {
        drop_orphans(&stage->hosts[i]);
        close_host(&stage->hosts[i]);
    }
    if (stage->hosts != NULL && stage->middle.fd >= 0)
        close(stage->middle.fd);
    stage->diag = stage->hosts != NULL ? -1 : stage->diag;
}

/* --- a scenario without hosts that needs them nevertheless --- */

static void try_hosts(void *data, FILE *more) {
    int *error = data;
    struct ethernet_host host = {.device = SCENARIO_WIRE, .number = 1};
    (void)more;
    *error = netns_make(&host.middle);
    if (*error == 0)
        *error = ethernet_make(NETNS_HERE);
    if (*error == 0)
        *error = netns_make(&host.ns);
    if (*error == 0)
        *error = ethernet_plug(&host);
    if (*error == 0)
        *error = ethernet_await(&host);
}

enum outcome stage_try_hosts(struct stage *stage) {
    const char *what;
    int error = 0, failed = 0;
    if (stage->hosts != NULL)
        return OUTCOME_ANSWERED;
    failed = child_run(&(struct child){0}, try_hosts, &error, sizeof error, NULL, &what);
    if (failed != 0)
        return refused(stage, what, failed);
    return error == 0 ? OUTCOME_ANSWERED : refused(stage, "no two hosts could be connected", error);
}

/* --- the steps: cut, join, off, and the role's `on` --- */

static enum outcome do_cut(struct stage *stage, const struct step *step, struct reply *reply) {
    struct ethernet_host wire = on_wire(stage, step->other_host);
    stage_answer_errno(reply, ethernet_pass(&wire, false));
    stage->hosts[step->other_host].cut = true;
    return OUTCOME_ANSWERED;
}

const struct action action_cut = {.stage = do_cut, .needs = TOUCHES_HOST};

/* Switches a host on that is off, else has the bridge pass its frames on. */
static enum outcome do_join(struct stage *stage, const struct step *step, struct reply *reply) {
    int host = step->other_host;
    if (stage->hosts[host].ns.fd < 0) {
        enum outcome outcome = make_host(stage, host);
        if (outcome == OUTCOME_ANSWERED)
            outcome = raise_host(stage, host);
        stage_answer_errno(reply, 0);
        return outcome;
    }
    struct ethernet_host wire = on_wire(stage, host);
    stage_answer_errno(reply, ethernet_pass(&wire, true));
    stage->hosts[host].cut = false;
    return OUTCOME_ANSWERED;
}

const struct action action_join = {.stage = do_join, .needs = TOUCHES_HOST};

/* First no frame goes out any more, then the processes die, then the sockets are destroyed. */
static enum outcome do_off(struct stage *stage, const struct step *step, struct reply *reply) {
    struct stage_host *host = &stage->hosts[step->other_host];
    struct ethernet_host wire = on_wire(stage, step->other_host);
    int error = host->ns.fd < 0 ? 0 : ethernet_pass(&wire, false);
    stage_answer_errno(reply, error);
    if (error != 0 || host->ns.fd < 0)
        return OUTCOME_ANSWERED;
    ethernet_forget(&wire);
    stage_end_roles_on(stage, step->other_host);
    if (host->diag >= 0)
        stage_abort_sockets(host->diag, STATES_ANY);
    enum outcome outcome =
        stage->here == step->other_host ? stage_go(stage, NO_HOST) : OUTCOME_ANSWERED;
    close_host(host);
    return outcome;
}

const struct action action_off = {.stage = do_off, .needs = TOUCHES_HOST};

/* The role is there by now: it was forked where the stage is. */
static enum outcome do_on(struct stage *stage, const struct step *step, struct reply *reply) {
    (void)stage;
    (void)step;
    stage_answer_errno(reply, 0);
    return OUTCOME_ANSWERED;
}

const struct action action_on = {.stage = do_on, .needs = TOUCHES_HOST};
