/* The steps that ask the tool itself. The stage asks diagnose/ about its own namespace, in its own
 * process: the sockets of the case are there, and nobody else's. What the answer rests on is kept
 * as the evidence of the step. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/errnames.h"
#include "diagnose/budget.h"
#include "diagnose/why.h"
#include "engine/stage.h"
#include "kernel/sysctl.h"

/* Without sock_diag, /proc/net shows less: an answer that is not as expected then says nothing. */
static enum outcome doubt(struct stage *stage, const struct step *step, const struct reply *reply) {
    return stage->diag_error == 0 || stage_met(stage, step, reply)
               ? OUTCOME_ANSWERED
               : stage_no_diag(stage, stage->diag_error);
}

/* --- why: the question --- */

static bool option_is(const struct option_setting *setting, const char *name) {
    return strcmp(setting->option->name, name) == 0;
}

static void set_option(struct why_question *asked, const struct option_setting *setting) {
    bool set = setting->value.number != 0;
    if (option_is(setting, "SO_REUSEADDR")) {
        asked->reuseaddr = set;
    } else if (option_is(setting, "SO_REUSEPORT")) {
        asked->reuseport = set;
    } else if (option_is(setting, "IPV6_V6ONLY")) {
        asked->v6only = set;
    } else if (option_is(setting, "IP_BIND_ADDRESS_NO_PORT")) {
        asked->no_port = set;
    } else if (option_is(setting, "IP_LOCAL_PORT_RANGE")) {
        asked->range_low = setting->value.low;
        asked->range_high = setting->value.high;
    } else {
        snprintf(asked->device, sizeof asked->device, "%s", setting->value.text);
    }
}

/* A TCP program that names its port is taken to set SO_REUSEADDR, as by `portreuse why`. */
static void set_options(struct why_question *asked, const struct step_question *question) {
    asked->reuseaddr = !question->udp && (!question->client || asked->local.port != 0);
    for (size_t i = 0; i < question->options.count; i++)
        set_option(asked, &question->options.list[i]);
}

/* Resolves an address; `*` is the wildcard of `family`. The port `*` is left to the kernel. */
static bool resolve(const struct stage *stage, const struct address *address, sa_family_t family,
                    struct endpoint *endpoint) {
    return board_resolve(stage->board, address, family, endpoint);
}

/* `*:80` means the wildcards of both families, as a server binds them that is told a port alone; a
 * client takes it for this host. Returns false if a socket has no endpoint. */
static bool make_question(const struct stage *stage, const struct step_question *question,
                          struct why_question *asked) {
    struct endpoint *address = question->client ? &asked->remote : &asked->local;
    *asked = (struct why_question){.protocol = question->udp ? PROTOCOL_UDP : PROTOCOL_TCP,
                                   .as = question->as < 0 ? 0 : stage->roles[question->as].pid};
    if (!resolve(stage, &question->address, AF_INET, address))
        return false;
    if (question->address.pattern.any_address && !question->client)
        asked->others[asked->other_count++] = endpoint_wildcard(AF_INET6, address->port);
    if (question->has_from && !resolve(stage, &question->from, asked->remote.family, &asked->local))
        return false;
    const char *zone =
        question->address.zone != NULL ? question->address.zone : question->from.zone;
    if (zone != NULL)
        snprintf(asked->zone, sizeof asked->zone, "%s", zone);
    set_options(asked, question);
    return true;
}

/* --- why: the answer --- */

/* Keeps what the answer rests on, with the names that the scenario has for the sockets. */
static void keep_evidence(struct stage *stage, const struct why *why, struct step_result *result) {
    *result->evidence = why->evidence;
    result->evidence->cause = why->cause;
    result->evidence->words = why->words;
    result->has_evidence = true;
    stage_name_owners(stage, result->evidence);
}

/* Says which call would answer what. */
static void say_more(const struct why *why, char *text) {
    const char *call = why->asked.remote.family != 0 ? "connect" : "bind";
    char name[ERRNAME_SIZE];
    if (why->verdict == WHY_REFUSED)
        snprintf(text, RESULT_TEXT_SIZE, "%s() would answer %s%s", why->call,
                 errname(why->error, name),
                 why->changed ? "; the sockets changed during the look" : "");
    else
        snprintf(text, RESULT_TEXT_SIZE, "%s() would succeed%s", call,
                 why->needs_reuseaddr ? " with SO_REUSEADDR; without it, it would answer EADDRINUSE"
                                      : "");
}

/* Of the name of a Unix socket. */
static enum outcome do_why_unix(struct stage *stage, const struct step *step, struct reply *reply) {
    struct step_result *result = board_result(stage->board, step);
    const char *call = step->question.client ? "connect" : "bind";
    char name[ERRNAME_SIZE];
    int error =
        stage_why_unix(stage, &step->question.address, step->question.client, result->evidence);
    stage_name_owners(stage, result->evidence);
    const struct evidence *evidence = result->evidence;
    if (evidence->error != 0)
        return stage_reason(stage, OUTCOME_ERROR, "line %u: %s: %s", step->line, evidence->missing,
                            errname(evidence->error, name));
    result->has_evidence = error != 0;
    if (error == 0) {
        reply->answer = (struct answer){.kind = ANSWER_FREE};
        snprintf(result->seen, RESULT_TEXT_SIZE, "%s() would succeed", call);
    } else {
        reply->answer = (struct answer){.kind = ANSWER_CAUSE, .cause = evidence->cause};
        snprintf(result->seen, RESULT_TEXT_SIZE, "%s() would answer %s", call,
                 errname(error, name));
    }
    return OUTCOME_ANSWERED;
}

/* The sockets of a case stand still while it asks. But the kernel tells of the end of a socket from
 * a work queue (sock_diag_broadcast_destroy() in net/core/sock_diag.c): on a busy machine the news
 * of one that an earlier step closed arrives during the look, which then takes it for a change. */
static void look(const struct why_question *question, struct why *why) {
    enum { LOOKS = 3 };
    struct namespace here = namespaces_here();
    why->changed = true;
    for (int i = 0; i < LOOKS && why->changed; i++)
        why_look(question, &here, why);
}

static enum outcome do_why(struct stage *stage, const struct step *step, struct reply *reply) {
    struct step_result *result = board_result(stage->board, step);
    struct why_question question;
    struct arena arena = {0};
    char name[ERRNAME_SIZE];
    if (stage_is_unix(stage, &step->question.address))
        return do_why_unix(stage, step, reply);
    if (!make_question(stage, &step->question, &question))
        return stage_no_endpoint(stage, step);
    struct why *why = arena_alloc(&arena, sizeof *why);
    enum outcome outcome = OUTCOME_ANSWERED;
    look(&question, why);
    if (why->verdict == WHY_UNKNOWN)
        outcome = stage_reason(stage, OUTCOME_ERROR, "line %u: %s: %s", step->line, why->failure,
                               errname(why->error, name));
    if (why->verdict == WHY_FREE)
        reply->answer = (struct answer){.kind = ANSWER_FREE};
    else
        reply->answer = (struct answer){.kind = ANSWER_CAUSE, .cause = why->cause};
    if (why->verdict == WHY_REFUSED || why->needs_reuseaddr)
        keep_evidence(stage, why, result);
    say_more(why, result->seen);
    arena_free(&arena);
    bool in_doubt = outcome == OUTCOME_ANSWERED && reply->answer.kind == ANSWER_CAUSE &&
                    reply->answer.cause == CAUSE_UNKNOWN && !stage_met(stage, step, reply);
    if (in_doubt && stage->diag_error == 0)
        return stage_reason(stage, OUTCOME_ERROR,
                            "line %u: what is in the way could not be found out", step->line);
    return outcome == OUTCOME_ANSWERED ? doubt(stage, step, reply) : outcome;
}

const struct action action_why = {.stage = do_why};

/* --- budget --- */

static void say_budget(const struct budget *budget, char *text) {
    const struct budget_route *route = &budget->routes[0];
    char name[ERRNAME_SIZE];
    if (budget->refused != 0)
        snprintf(text, RESULT_TEXT_SIZE, "%s() would answer %s, whatever the port",
                 budget->refused_call, errname(budget->refused, name));
    else
        snprintf(text, RESULT_TEXT_SIZE,
                 "%u of the %u ports of %u-%u are left (in use towards it: %u, kept by bound "
                 "sockets: %u)",
                 route->left, port_range_size(&budget->range), budget->range.low,
                 budget->range.high, route->blocked, route->kept);
}

/* Returns whether the kernel has none of the settings that decide, as gVisor. */
static bool lacks_sysctl(const struct budget *budget) {
    return budget->error == ENOENT && strncmp(budget->failure, "reading /proc/sys/", 18) == 0;
}

static enum outcome do_budget(struct stage *stage, const struct step *step, struct reply *reply) {
    const struct step_question *question = &step->question;
    struct namespace here = namespaces_here();
    struct budget_question asked = {0};
    struct arena arena = {0};
    char name[ERRNAME_SIZE];
    if (!resolve(stage, &question->address, AF_INET, &asked.remote) ||
        (question->has_from && !resolve(stage, &question->from, asked.remote.family, &asked.local)))
        return stage_no_endpoint(stage, step);
    struct budget *budget = arena_alloc(&arena, sizeof *budget);
    enum outcome outcome = OUTCOME_ANSWERED;
    budget_look(&asked, &here, budget);
    if (budget->failure != NULL)
        outcome = stage_reason(stage, lacks_sysctl(budget) ? OUTCOME_SKIP : OUTCOME_ERROR,
                               "line %u: %s: %s", step->line, budget->failure,
                               errname(budget->error, name));
    reply->answer = (struct answer){.kind = ANSWER_NUMBER, .number = budget->routes[0].left};
    say_budget(budget, board_result(stage->board, step)->seen);
    arena_free(&arena);
    return outcome == OUTCOME_ANSWERED ? doubt(stage, step, reply) : outcome;
}

const struct action action_budget = {.stage = do_budget};

/* --- ephemeral --- */

static const char *why_not_ephemeral(const struct port_range *range, uint16_t port) {
    return port_set_has(&range->reserved, port) ? "it is in ip_local_reserved_ports"
                                                : "it is outside of ip_local_port_range";
}

static enum outcome do_ephemeral(struct stage *stage, const struct step *step,
                                 struct reply *reply) {
    char *seen = board_result(stage->board, step)->seen, name[ERRNAME_SIZE];
    struct sysctl_failure failure = {0};
    struct endpoint endpoint;
    struct port_range range;
    if (!resolve(stage, &step->question.address, AF_INET, &endpoint))
        return stage_no_endpoint(stage, step);
    int error = sysctl_port_range(NETNS_HERE, &range, &failure);
    if (error != 0)
        return stage_reason(stage, OUTCOME_ERROR, "line %u: %s: %s", step->line, failure.what,
                            errname(error, name));
    bool chosen = port_range_has(&range, endpoint.port);
    reply->answer = (struct answer){.kind = ANSWER_NUMBER, .number = chosen};
    if (chosen)
        snprintf(seen, RESULT_TEXT_SIZE,
                 "port %u is in ip_local_port_range (%u-%u): an outgoing connection can take it; "
                 "use one outside of it, or reserve it where the program runs: sysctl -w "
                 "net.ipv4.ip_local_reserved_ports=%u",
                 endpoint.port, range.low, range.high, endpoint.port);
    else
        snprintf(seen, RESULT_TEXT_SIZE, "port %u: %s", endpoint.port,
                 why_not_ephemeral(&range, endpoint.port));
    return OUTCOME_ANSWERED;
}

const struct action action_ephemeral = {.stage = do_ephemeral};
