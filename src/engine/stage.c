/* The course of one case: enter a namespace, check what the case needs, do the steps in order until
 * one answers otherwise than expected, end every role. */
#include "engine/stage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/units.h"
#include "inspect/child.h"
#include "kernel/netns.h"
#include "kernel/process.h"
#include "kernel/sockdiag.h"
#include "kernel/sysctl.h"

/* --- reasons and time --- */

enum outcome stage_reason(struct stage *stage, enum outcome outcome, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(stage->board->reason, RESULT_TEXT_SIZE, format, values);
    va_end(values);
    return outcome;
}

enum outcome stage_refusal(int error) {
    return errno_says_nothing(error) ? OUTCOME_ERROR : OUTCOME_SKIP;
}

enum outcome stage_no_diag(struct stage *stage, int error) {
    char name[ERRNAME_SIZE];
    return stage_reason(stage, stage_refusal(error),
                        "the kernel does not list its TCP sockets here (sock_diag: %s)%s",
                        errname(error, name),
                        error == ENOENT ? ": load the module tcp_diag, as root" : "");
}

uint64_t stage_time_left(const struct stage *stage) {
    uint64_t now_ns = units_now_ns(), end_ns = stage->options->deadline_ns;
    return now_ns < end_ns ? end_ns - now_ns : 0;
}

enum outcome stage_no_endpoint(struct stage *stage, const struct step *step) {
    return stage_reason(stage, OUTCOME_ERROR,
                        "line %u: the socket that the address is taken from has no endpoint",
                        step->line);
}

uint32_t stage_index(const struct stage *stage, const struct step *step) {
    return (uint32_t)(step - stage->scenario->steps);
}

/* --- telling the runner --- */

/* Returns whether the runner can hear it. */
static bool say(const struct stage *stage, const struct stage_event *event) {
    ssize_t said;
    do
        said = send(stage->options->runner, event, sizeof *event, MSG_NOSIGNAL);
    while (said < 0 && errno == EINTR);
    return said == (ssize_t)sizeof *event;
}

/* Reports a step, if the runner wants to know. */
static void tell(const struct stage *stage, const struct step *step, bool ended) {
    if (!stage->options->tells_steps)
        return;
    const struct step_result *result = board_result(stage->board, step);
    struct stage_event event = {
        .kind = ended ? STAGE_STEP_ENDS : STAGE_STEP_BEGINS,
        .at_ns = units_now_ns(),
        .step_index = stage_index(stage, step),
        .outcome = {.status = result->status,
                    .got = result->got,
                    .met_index = expectation_index(&step->want, result->met),
                    .elapsed_ns = result->elapsed_ns,
                    .call_index = result->call_index,
                    .option = result->option,
                    .has_evidence = result->has_evidence,
                    .round_count = result->round_count}};
    say(stage, &event);
}

/* Waits for the runner's word that the case begins. Returns false if there is none. */
static bool await_word(struct stage_options *options) {
    struct stage_word word;
    ssize_t size;
    do
        size = recv(options->runner, &word, sizeof word, 0);
    while (size < 0 && errno == EINTR);
    if (size != (ssize_t)sizeof word)
        return false;
    options->began_ns = word.began_ns;
    options->deadline_ns = word.deadline_ns;
    return true;
}

/* Says that the result is final, where the next case need not wait for the rest. */
static void say_done(const struct stage *stage) {
    struct stage_event done = {.kind = STAGE_DONE};
    bool programs = stage->scenario->needs_program;
    for (size_t i = 0; i < stage->scenario->role_count; i++)
        programs |= stage->roles[i].log != NULL;
    if (!programs && !stage->options->current)
        say(stage, &done);
}

/* --- what the case needs: where it cannot run, that is a SKIP before it begins, not a FAIL in the
 * middle --- */

/* The first step of the case, setup included, whose verb needs this; or NULL. */
static const struct step *find_need(const struct stage *stage, unsigned need) {
    for (size_t i = 0; i < stage->board->result.step_count; i++) {
        const struct step *step = result_step(stage->scenario, stage->board->case_index, i);
        if ((action_of(step->verb)->needs & need) != 0)
            return step;
    }
    return NULL;
}

/* Returns whether the case asks for BOUND sockets, and for no others, by some step. */
static bool asks_for_bound(const struct stage *stage) {
    for (size_t i = 0; i < stage->board->result.step_count; i++) {
        const struct step_query *query =
            step_query(result_step(stage->scenario, stage->board->case_index, i));
        if (query != NULL && query->states == 1U << STATE_BOUND)
            return true;
    }
    return false;
}

/* The case needs what is not here, says `error`; or the errno leaves that open. */
static enum outcome lacks(struct stage *stage, int error, const char *reason,
                          const char *in_doubt) {
    char name[ERRNAME_SIZE];
    if (stage_refusal(error) == OUTCOME_ERROR)
        return stage_reason(stage, OUTCOME_ERROR, "%s could not be found out: %s", in_doubt,
                            errname(error, name));
    return stage_reason(stage, OUTCOME_SKIP, "%s", reason);
}

/* What needs no trial. */
static enum outcome check_given(struct stage *stage) {
    const struct scenario *scenario = stage->scenario;
    const unsigned *needed = scenario->needs_kernel.part;
    if (!release_at_least(stage->board->kernel, scenario->needs_kernel))
        return stage_reason(stage, OUTCOME_SKIP, "needs kernel >= %u.%u; this is %u.%u", needed[0],
                            needed[1], stage->board->kernel.part[0], stage->board->kernel.part[1]);
    if (scenario->needs_program && scenario->program == NULL)
        return stage_reason(stage, OUTCOME_SKIP,
                            "needs program: portreuse run %.64s -- PROGRAM ARG...", scenario->name);
    return OUTCOME_ANSWERED;
}

static enum outcome check_needs(struct stage *stage) {
    const struct scenario *scenario = stage->scenario;
    int error = scenario->needs_ipv6 ? netns_try_ipv6(NETNS_HERE) : 0;
    if (error != 0)
        return lacks(stage, error,
                     "needs ipv6: no socket can be bound to [::1] here; see the sysctl "
                     "net.ipv6.conf.lo.disable_ipv6 and the boot parameter ipv6.disable",
                     "whether IPv6 works here");
    bool uids = scenario->needs_uids || find_need(stage, NEEDS_UIDS) != NULL;
    error = uids ? child_try_other_user() : 0;
    if (error != 0)
        return lacks(stage, error,
                     "needs uids: a process cannot switch to another user ID here; run as root",
                     "whether a process can switch to another user ID");
    enum outcome outcome = stage_probe_needs(stage);
    if (outcome != OUTCOME_ANSWERED)
        return outcome;
    if (find_need(stage, NEEDS_SYSCTL) != NULL && sysctl_obstacle() != NULL)
        return stage_reason(stage, OUTCOME_SKIP, "%s", sysctl_obstacle());
    if (find_need(stage, NEEDS_SOCK_DIAG) != NULL && stage->diag_error != 0)
        return stage_no_diag(stage, stage->diag_error);
    int sees = asks_for_bound(stage) ? sockdiag_sees_bound(stage->diag, NETNS_HERE) : 1;
    if (sees != 1)
        return lacks(stage, sees < 0 ? errno : ENOENT,
                     "asks for BOUND sockets, which this kernel does not list (Linux 6.8 does)",
                     "whether this kernel lists BOUND sockets");
    return OUTCOME_ANSWERED;
}

/* --- the same with --net=current --- */

/* The first block that could run more rounds than the host should bear, or NULL. */
static const struct step *find_flood(const struct stage *stage) {
    uint64_t most = stage->options->limits.most[LIMIT_CONNECTIONS];
    for (size_t i = 0; i < stage->board->result.step_count; i++) {
        const struct step *step = result_step(stage->scenario, stage->board->case_index, i);
        if (step->verb == VERB_REPEAT && step->rounds.most > most)
            return step;
    }
    return NULL;
}

static bool take_first(void *context, const struct inet_socket *socket) {
    *(struct inet_socket *)context = *socket;
    return false;
}

/* Finds a socket on a port that the case binds by its number: somebody else's, or one that an
 * earlier case left in TIME-WAIT. Its state is STATE_NONE if there is none. Returns 0, or an errno
 * if the kernel did not list them. */
static int port_in_use(const struct stage *stage, struct inet_socket *other) {
    int error = 0;
    other->state = STATE_NONE;
    for (size_t i = 0; i < stage->board->result.step_count; i++) {
        const struct step *step = result_step(stage->scenario, stage->board->case_index, i);
        const struct address *address = step_address(step);
        if (step->verb != VERB_BIND || address->use != ADDRESS_WRITTEN || address->name != NULL ||
            address->pattern.endpoint.port == 0)
            continue;
        struct diag_query query = sockdiag_query(STATES_ANY);
        query.protocol = socket_kind_row(step->kind)->protocol;
        if (query.protocol == PROTOCOL_MPTCP) /* each is listed as TCP, too; in TIME-WAIT only so */
            query.protocol = PROTOCOL_TCP;
        query.local = (struct endpoint_pattern){
            .any_address = true, .endpoint = {.port = address->pattern.endpoint.port}};
        int failure = sockdiag_dump(stage->diag, &query, take_first, other);
        if (failure == 0 && other->state != STATE_NONE)
            return 0;
        error = error == 0 ? failure : error;
    }
    return error;
}

static enum outcome check_host(struct stage *stage) {
    const struct step *step = find_need(stage, TOUCHES_HOST);
    struct inet_socket other;
    if (step != NULL)
        return stage_reason(stage, OUTCOME_SKIP,
                            "line %u: '%s' would change the host; it needs a private namespace, "
                            "without --net=current",
                            step->line, verb_row(step->verb)->name);
    step = find_flood(stage);
    if (step != NULL)
        return stage_reason(stage, OUTCOME_SKIP,
                            "line %u: more than %" PRIu64
                            " rounds would flood the host; it needs a "
                            "private namespace, without --net=current",
                            step->line, stage->options->limits.most[LIMIT_CONNECTIONS]);
    int error = stage->diag_error != 0 ? stage->diag_error : port_in_use(stage, &other);
    if (stage_refusal(error) == OUTCOME_ERROR)
        return stage_no_diag(stage, error);
    if (error != 0 || other.state == STATE_NONE)
        return OUTCOME_ANSWERED;
    return stage_reason(
        stage, OUTCOME_SKIP,
        "port %u is in use in this namespace (%s); run it without --net=current, or "
        "when the port is free",
        other.local.port, socket_state_name(other.state));
}

/* --- judging --- */

static bool resolve(void *context, const struct address *address, struct place *place) {
    return board_place(context, address, 0, place);
}

/* Returns whether the errno says that an address or a port could not be had. connect() of UDP
 * answers EAGAIN where there is no port left. */
static bool is_refusal(const struct step *call, int error) {
    const struct socket_kind_row *kind = socket_kind_row(call->kind);
    if (kind->protocol == PROTOCOL_UNIX && call->verb == VERB_CONNECT)
        return error == ECONNREFUSED || error == ENOENT || error == EACCES;
    if (kind->protocol == PROTOCOL_UDP && call->verb == VERB_CONNECT && error == EAGAIN)
        return true;
    return error == EADDRINUSE || error == EADDRNOTAVAIL;
}

/* The evidence is about the call as it was in the round that it ended. */
static void take_evidence(struct stage *stage, const struct step *step, const struct reply *reply,
                          struct step_result *result) {
    const struct step *call = &stage->scenario->steps[reply->call_index];
    const struct variation *which;
    struct arena scratch = {0};
    if (reply->answer.kind != ANSWER_ERRNO || !action_of(call->verb)->takes_port ||
        !is_refusal(call, reply->answer.error))
        return;
    if (call->variation_count > 0) {
        struct step *copy = step_copy(&scratch, call);
        step_fill(copy, step->rounds.start + (int64_t)reply->answer.rounds, &which);
        call = copy;
    }
    stage_evidence(stage, call, reply->answer.error, result->evidence);
    result->has_evidence = true;
    arena_free(&scratch);
}

bool stage_met(const struct stage *stage, const struct step *step, const struct reply *reply) {
    return expectation_met(&step->want, &reply->answer, stage->board->kernel, resolve,
                           stage->board) != NULL;
}

/* No more rounds than the board has room for, whatever the role says. */
static void keep_rounds(const struct stage *stage, const struct step *block,
                        const struct reply *reply) {
    size_t most = board_rounds_kept(block);
    board_result(stage->board, block)->round_count =
        reply->round_count < most ? reply->round_count : (uint32_t)most;
}

/* Writes the answer on the board, and judges it. */
static void record(struct stage *stage, const struct step *step, const struct reply *reply) {
    struct step_result *result = board_result(stage->board, step);
    result->got = reply->answer;
    result->elapsed_ns = reply->elapsed_ns;
    result->call_index = reply->call_index;
    result->option = reply->option;
    if (step->verb == VERB_STOP) /* the rounds were the block's */
        keep_rounds(stage, stage->roles[step->role].serve, reply);
    else
        keep_rounds(stage, step, reply);
    take_evidence(stage, step, reply, result);
    result->met =
        expectation_met(&step->want, &reply->answer, stage->board->kernel, resolve, stage->board);
    bool in_time = expectation_in_time(&step->want, reply->elapsed_ns);
    result->status = result->met != NULL && in_time ? STEP_MET : STEP_UNMET;
}

/* Records how a serve block ended if it met an unexpected answer. Returns whether it did. */
static bool note_broken(struct stage *stage, const struct step *serve, const struct reply *reply) {
    if (!reply->answer.in_block)
        return false;
    record(stage, serve, reply);
    board_result(stage->board, serve)->status = STEP_UNMET;
    bool lacking = stage_check_answer(stage, reply) == OUTCOME_ERROR;
    stage->board->result.verdict = lacking ? VERDICT_ERROR : VERDICT_FAIL;
    tell(stage, serve, true);
    return true;
}

/* Has a role stop serving where no `stop` step judges its block. */
static enum outcome end_serving(struct stage *stage, int role) {
    struct reply reply;
    const struct step *serve = stage->roles[role].serve;
    enum outcome outcome = stage_stop_serving(stage, role, serve, &reply);
    if (outcome == OUTCOME_ANSWERED && !note_broken(stage, serve, &reply))
        keep_rounds(stage, serve, &reply);
    return outcome;
}

/* --- steps --- */

static enum outcome do_step(struct stage *stage, const struct step *step, struct reply *reply) {
    uint64_t start_ns = units_now_ns();
    *reply = protocol_reply(stage_index(stage, step));
    bool stays = step->host == NO_HOST || stage_is_off(stage, step);
    enum outcome outcome = stays ? OUTCOME_ANSWERED : stage_go(stage, step->host);
    if (outcome != OUTCOME_ANSWERED)
        return outcome;
    if (step->role == NO_ROLE) {
        outcome = action_of(step->verb)->stage(stage, step, reply);
        reply->elapsed_ns = units_now_ns() - start_ns;
        return outcome;
    }
    outcome = stage_ask(stage, step, reply);
    if (outcome == OUTCOME_ANSWERED && reply->no_endpoint)
        return stage_no_endpoint(stage, step);
    if (outcome == OUTCOME_ANSWERED && !stage_met(stage, step, reply))
        return stage_check_answer(stage, reply);
    return outcome;
}

/* Judges an answer. If it is not as expected, a serve block that broke before is reported too,
 * because it may be the reason; and instead of the step if no answer came at all. */
static enum outcome judge(struct stage *stage, const struct step *step, const struct reply *reply) {
    struct step_result *result = board_result(stage->board, step);
    struct reply said;
    int role;
    record(stage, step, reply);
    if (result->status == STEP_MET)
        return OUTCOME_ANSWERED;
    stage->board->result.verdict = VERDICT_FAIL;
    enum outcome outcome = stage_check_roles(stage);
    if (outcome != OUTCOME_ANSWERED)
        return outcome;
    outcome = stage_poll_serving(stage, &role, &said);
    bool broken = outcome == OUTCOME_ANSWERED && role != NO_ROLE &&
                  note_broken(stage, &stage->scenario->steps[said.step_index], &said);
    if (broken && reply->answer.kind == ANSWER_NONE)
        result->status = STEP_NOT_RUN;
    if (outcome == OUTCOME_ANSWERED)
        outcome = stage_check_surroundings(stage);
    if (broken || outcome != OUTCOME_ANSWERED || step->want.reason == NULL)
        return outcome;
    result->status = STEP_BROKEN;
    return stage_reason(stage, step->want.verdict == VERDICT_SKIP ? OUTCOME_SKIP : OUTCOME_ERROR,
                        "%s", step->want.reason);
}

/* Sets the verdict where a step could not be done. */
static void give_up(struct stage *stage, enum outcome outcome) {
    if (outcome != OUTCOME_ANSWERED)
        stage->board->result.verdict = outcome == OUTCOME_SKIP ? VERDICT_SKIP : VERDICT_ERROR;
}

/* Does one step and judges it; a role that serves is stopped before it exits. Returns whether the
 * case goes on. */
static bool run_step(struct stage *stage, const struct step *step) {
    struct reply reply;
    if (step->verb == VERB_EXIT && stage->roles[step->role].state == STAGE_ROLE_SERVES) {
        give_up(stage, end_serving(stage, step->role));
        if (stage->board->result.verdict != VERDICT_PASS)
            return false;
    }
    board_result(stage->board, step)->status = STEP_RUNNING;
    stage->board->under_way_since_ns = units_now_ns();
    stage->board->under_way = (int)stage_index(stage, step);
    tell(stage, step, false);
    enum outcome outcome = do_step(stage, step, &reply);
    if (outcome == OUTCOME_ANSWERED)
        outcome = judge(stage, step, &reply);
    else
        board_result(stage->board, step)->status = STEP_BROKEN;
    give_up(stage, outcome);
    tell(stage, step, true);
    return stage->board->result.verdict == VERDICT_PASS;
}

/* Runs the steps of the setup and of the case, a block's body with its block. If all went as
 * expected, each role that still serves is stopped: its block must have gone as expected too. */
static void run_case(struct stage *stage) {
    for (size_t i = 0; i < stage->board->result.step_count; i++) {
        const struct step *step = result_step(stage->scenario, stage->board->case_index, i);
        if (!run_step(stage, step))
            return;
        i += step->body;
    }
    for (int i = 0; i < (int)stage->scenario->role_count; i++)
        if (stage->roles[i].state == STAGE_ROLE_SERVES)
            give_up(stage, end_serving(stage, i));
    if (stage->board->result.verdict == VERDICT_PASS)
        give_up(stage, stage_check_roles(stage));
}

/* --- the case --- */

/* Returns whether IPv6 sockets may exist. A private namespace has only those that the case makes.
 * To look for them costs a walk over the kernel's whole table. */
static bool may_have_ipv6(const struct stage *stage) {
    for (size_t i = 0; i < stage->board->result.step_count; i++) {
        const struct step *step = result_step(stage->scenario, stage->board->case_index, i);
        if (step->verb == VERB_EXEC ||
            (step->verb == VERB_SOCKET && socket_kind_row(step->kind)->family == AF_INET6))
            return true;
    }
    return stage->options->current;
}

/* The socket files of the case are in a directory of its own. Whoever may connect to one must not
 * depend on the umask of whoever runs this. */
static enum outcome enter_directory(struct stage *stage) {
    const mode_t usual_umask = 022;
    char name[ERRNAME_SIZE];
    if (!stage->scenario->has_files)
        return OUTCOME_ANSWERED;
    int error = process_enter_directory();
    umask(usual_umask);
    if (error == 0)
        return OUTCOME_ANSWERED;
    return stage_reason(stage, stage_refusal(error),
                        "no private directory for unix:NAME can be made here (%s)%s",
                        errname(error, name),
                        error == ENOSPC           ? ": raise user.max_mnt_namespaces"
                        : stage->options->current ? ": run as root, or without --net=current"
                                                  : "");
}

/* What a case can take of the host is known from its text. With --timeout the person says how long
 * it may last. */
static enum outcome check_limits(struct stage *stage) {
    for (unsigned i = 0; i < LIMITS; i++) {
        uint64_t most = stage->options->limits.most[i];
        bool applies = i == LIMIT_SECONDS       ? !stage->options->timed
                       : i == LIMIT_CONNECTIONS ? stage->options->current
                                                : true;
        uint64_t can = limits_of_case(stage->scenario, stage->board->case_index, (enum limit)i);
        if (applies && can > most)
            return stage_reason(stage, i == LIMIT_CONNECTIONS ? OUTCOME_SKIP : OUTCOME_ERROR,
                                "up to %" PRIu64 " %s, and the limit is %" PRIu64 " (--limit %s=N)",
                                can, limits_nouns[i], most, limits_names[i]);
    }
    return OUTCOME_ANSWERED;
}

/* Makes the hosts of the case, if it has some and may. */
static enum outcome make_hosts(struct stage *stage) {
    if (!stage->options->current)
        return stage_make_hosts(stage);
    if (stage->scenario->host_count > 0)
        return stage_reason(stage, OUTCOME_SKIP,
                            "needs hosts: they are private namespaces, without --net=current");
    return OUTCOME_ANSWERED;
}

/* Enters a private namespace, if it may. */
static enum outcome enter_namespace(struct stage *stage) {
    char reason[NETNS_REASON_SIZE], name[ERRNAME_SIZE];
    if (stage->options->current)
        return OUTCOME_ANSWERED;
    enum netns_kind kind = netns_enter(reason);
    if (netns_is_none(kind))
        return stage_reason(stage, kind == NETNS_FAILED ? OUTCOME_ERROR : OUTCOME_SKIP, "%s",
                            reason);
    int error = stage->hosts == NULL ? stage_enter_own_table(stage) : 0;
    if (error != 0)
        return stage_reason(stage, OUTCOME_ERROR, "cannot return to the private namespace (%s)",
                            errname(error, name));
    process_use_group(getpgrp()); /* the sockets of this namespace belong to the roles */
    return OUTCOME_ANSWERED;
}

/* Enters the namespace, opens what is needed, checks what the case needs. */
static enum outcome prepare(struct stage *stage) {
    enum outcome outcome = check_limits(stage);
    if (outcome == OUTCOME_ANSWERED)
        outcome = check_given(stage);
    if (outcome != OUTCOME_ANSWERED)
        return outcome;
    stage->has_tried = true;
    process_go_to_processor(stage->options->processor, stage->options->elsewhere);
    process_stay_on_processor();
    outcome = enter_namespace(stage);
    if (outcome != OUTCOME_ANSWERED)
        return outcome;
    outcome = enter_directory(stage);
    if (outcome != OUTCOME_ANSWERED)
        return outcome;
    stage->families = may_have_ipv6(stage) ? 0 : AF_INET;
    outcome = make_hosts(stage);
    if (outcome != OUTCOME_ANSWERED)
        return outcome;
    if (stage->hosts == NULL)
        stage->diag = sockdiag_open(NETNS_HERE);
    stage->diag_error = stage->diag < 0 ? errno : sockdiag_works(stage->diag);
    stage->entered = true;
    outcome = check_needs(stage);
    return outcome == OUTCOME_ANSWERED && stage->options->current ? check_host(stage) : outcome;
}

/* The connections in TIME-WAIT that a case has left in the current namespace. */
struct leftovers {
    const struct stage *stage;
    struct arena arena;
    struct inet_socket *sockets;
    size_t count;
};

/* Returns whether a socket of the roles has, or had, this endpoint. */
static bool was_theirs(const struct stage *stage, const struct endpoint *endpoint) {
    size_t count = stage->scenario->role_count * stage->scenario->socket_count;
    for (size_t i = 0; i < count; i++) {
        const struct endpoint *own = &stage->board->views[i].local;
        struct endpoint_pattern pattern = {.any_address = endpoint_is_wildcard(own),
                                           .endpoint = *own};
        if (stage->board->views[i].made && stage->board->views[i].protocol != PROTOCOL_UDP &&
            own->port != 0 && endpoint_matches(&pattern, endpoint))
            return true;
    }
    return false;
}

static bool take_leftover(void *context, const struct inet_socket *socket) {
    struct leftovers *left = context;
    bool at_home = endpoint_is_loopback(&socket->remote) ||
                   endpoint_same_address(&socket->remote, &socket->local);
    if (!was_theirs(left->stage, &socket->local) &&
        !(at_home && was_theirs(left->stage, &socket->remote)))
        return true;
    left->sockets = arena_grow(&left->arena, left->sockets, left->count, sizeof *socket);
    left->sockets[left->count++] = *socket;
    return true;
}

/* In the current namespace: has the kernel drop the connections of the case that are in TIME-WAIT,
 * so that the next case finds its ports free. Only those with an endpoint that a socket of the
 * roles had are touched; if one stays, the check of the next case reports it. */
static void drop_leftovers(const struct stage *stage) {
    struct leftovers left = {.stage = stage};
    struct diag_query query = sockdiag_query(1U << STATE_TIME_WAIT);
    sockdiag_dump(stage->diag, &query, take_leftover, &left);
    for (size_t i = 0; i < left.count; i++)
        sockdiag_end_time_wait(stage->diag, NETNS_HERE, &left.sockets[i]);
    arena_free(&left.arena);
}

/* Prepares the case, does it, and sets its verdict. */
static void do_case(struct stage *stage, struct stage_options *options) {
    const struct stage_event made = {.kind = STAGE_READY};
    enum outcome outcome = prepare(stage);
    if (outcome == OUTCOME_ANSWERED)
        stage_raise_roles(stage);
    bool refused = outcome != OUTCOME_ANSWERED && stage->has_tried;
    stage->board->refused = refused;
    stage->board->scarce = refused && (outcome == OUTCOME_ERROR || !stage->entered);
    bool ready = !refused && say(stage, &made);
    if (options->ahead && (!ready || !await_word(options)))
        return; /* what was refused may be to be had when no other case is under way */
    if (outcome == OUTCOME_ANSWERED)
        run_case(stage);
    else
        stage->board->result.verdict = outcome == OUTCOME_SKIP ? VERDICT_SKIP : VERDICT_ERROR;
    stage->board->result.elapsed_ns = units_now_ns() - options->began_ns;
    if (!refused)
        say_done(stage);
}

void stage_run(struct board *board, struct stage_options *options) {
    struct arena arena = {0};
    struct stage stage = {.scenario = board->scenario,
                          .board = board,
                          .options = options,
                          .diag = -1,
                          .middle = NETNS_HERE,
                          .here = NO_HOST};
    board_mistrust(board);
    stage.roles = arena_alloc(&arena, (board->scenario->role_count + 1) * sizeof stage.roles[0]);
    if (board->scenario->host_count > 0 && !options->current)
        stage.hosts = arena_alloc(&arena, board->scenario->host_count * sizeof stage.hosts[0]);
    for (size_t i = 0; stage.hosts != NULL && i < board->scenario->host_count; i++)
        stage.hosts[i] = (struct stage_host){.ns = NETNS_HERE, .diag = -1};
    board->result.verdict = VERDICT_PASS;
    stage_read_outside(&stage, &arena);
    do_case(&stage, options);
    stage_end_programs(&stage);
    stage_end_hosts(&stage);
    if (options->current && stage.diag >= 0)
        drop_leftovers(&stage);
    if (stage.diag >= 0)
        close(stage.diag);
    arena_free(&arena);
}
