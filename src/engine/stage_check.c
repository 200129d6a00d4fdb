/* What a case needs of its surroundings, looked at before anything is done: where it cannot run,
 * that is a SKIP with its reason, not a FAIL in the middle. */
#include <stddef.h>

#include "engine/stage_parts.h"
#include "inspect/child.h"
#include "kernel/netns.h"
#include "kernel/sockdiag.h"
#include "kernel/sysctl.h"

typedef bool step_test(const struct step *step);

/* The first step of the case, setup included, of which `test` holds; or NULL. */
static const struct step *find_step(const struct stage *stage, step_test *test) {
    for (size_t i = 0; i < stage->board->result.step_count; i++) {
        const struct step *step = result_step(stage->scenario, stage->board->case_index, i);
        if (test(step))
            return step;
    }
    return NULL;
}

static bool changes_uid(const struct step *step) {
    return step->verb == VERB_UID;
}

static bool writes_sysctl(const struct step *step) {
    return step->verb == VERB_SYSCTL;
}

static bool asks_diag(const struct step *step) {
    return step->verb == VERB_AWAIT || step->verb == VERB_COUNT || step->verb == VERB_DESTROY;
}

static bool asks_for_bound(const struct step *step) {
    return step->states == 1U << STATE_BOUND;
}

static enum outcome check_needs(struct stage *stage) {
    const struct scenario *scenario = stage->scenario;
    const unsigned *needed = scenario->needs_kernel.part;
    if (!release_at_least(stage->kernel, scenario->needs_kernel))
        return stage_says(stage, OUTCOME_SKIP, "needs kernel >= %u.%u; this is %u.%u", needed[0],
                          needed[1], stage->kernel.part[0], stage->kernel.part[1]);
    if (scenario->needs_ipv6 && !netns_has_ipv6(NETNS_HERE))
        return stage_says(stage, OUTCOME_SKIP,
                          "needs ipv6: no socket can be bound to [::1] here; see the sysctl "
                          "net.ipv6.conf.lo.disable_ipv6 and the boot parameter ipv6.disable");
    if ((scenario->needs_uids || find_step(stage, changes_uid) != NULL) && !child_can_change_user())
        return stage_says(stage, OUTCOME_SKIP,
                          "needs uids: a process here cannot take another user id; run as root");
    if (find_step(stage, writes_sysctl) != NULL && sysctl_obstacle() != NULL)
        return stage_says(stage, OUTCOME_SKIP, "%s", sysctl_obstacle());
    if (find_step(stage, asks_diag) != NULL && stage->diag_error != 0)
        return stage_no_diag(stage, stage->diag_error);
    if (find_step(stage, asks_for_bound) != NULL &&
        sockdiag_sees_bound(stage->diag, NETNS_HERE) != 1)
        return stage_says(stage, OUTCOME_SKIP,
                          "asks for BOUND sockets, which this kernel does not list (Linux 6.8 "
                          "does)");
    return OUTCOME_ANSWERED;
}

/* --- the present namespace --- */

enum { ROUNDS_ON_HOST = 1000 };

static bool touches_host(const struct step *step) {
    return step->verb == VERB_SYSCTL || step->verb == VERB_DESTROY || step->verb == VERB_ADDRESS;
}

static bool floods_host(const struct step *step) {
    return step->verb == VERB_REPEAT && (!step->has_number || step->number > ROUNDS_ON_HOST);
}

static bool take_first(void *context, const struct tcp_socket *socket) {
    *(struct tcp_socket *)context = *socket;
    return false;
}

/* Finds a socket on a port that the case writes out: somebody else's, or what an earlier case left
 * behind in TIME-WAIT. */
static bool port_in_use(const struct stage *stage, struct tcp_socket *other) {
    for (size_t i = 0; i < stage->board->result.step_count; i++) {
        const struct step *step = result_step(stage->scenario, stage->board->case_index, i);
        uint16_t port = step->address.pattern.endpoint.port;
        if (step->verb != VERB_BIND || step->address.use != ADDRESS_WRITTEN || port == 0)
            continue;
        struct diag_query query = sockdiag_query(STATES_ANY);
        query.local = (struct endpoint_pattern){.any_address = true, .endpoint = {.port = port}};
        other->state = STATE_NONE;
        if (sockdiag_dump(stage->diag, &query, take_first, other) == 0 &&
            other->state != STATE_NONE)
            return true;
    }
    return false;
}

static enum outcome check_host(struct stage *stage) {
    const struct step *step = find_step(stage, touches_host);
    struct tcp_socket other;
    if (step != NULL)
        return stage_says(
            stage, OUTCOME_SKIP,
            "line %u: '%s' would touch the host; it needs a private namespace, without "
            "--net=current",
            step->line, verb_row(step->verb)->name);
    step = find_step(stage, floods_host);
    if (step != NULL)
        return stage_says(stage, OUTCOME_SKIP,
                          "line %u: more than %d rounds would flood the host; it needs a private "
                          "namespace, without --net=current",
                          step->line, ROUNDS_ON_HOST);
    if (stage->diag_error != 0 || !port_in_use(stage, &other))
        return OUTCOME_ANSWERED;
    return stage_says(stage, OUTCOME_SKIP,
                      "port %u is taken in this namespace (%s); run it without --net=current, or "
                      "when the port is free",
                      other.local.port, socket_state_name(other.state));
}

enum outcome stage_check(struct stage *stage) {
    enum outcome outcome = check_needs(stage);
    if (outcome == OUTCOME_ANSWERED && stage->options->current)
        outcome = check_host(stage);
    return outcome;
}
