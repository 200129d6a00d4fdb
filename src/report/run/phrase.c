/* What all formats of the report on a run say in the same words. */
#include "report/run/phrase.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/shared/sockets.h"

void phrase_text(FILE *out, const char *text) {
    utf8_print(out, text, strlen(text));
}

void phrase_front(FILE *out, const char *text, size_t most) {
    size_t size = utf8_cut(text, most);
    if (text[size] == '\0') {
        utf8_print(out, text, size);
        return;
    }
    while (size > 0 && text[size] != ' ')
        size--;
    if (size == 0)
        size = strcspn(text, " ");
    utf8_print(out, text, size);
    fputs(text[size] == '\0' ? "" : " ...", out);
}

void phrase_call(FILE *out, const struct step *step) {
    fprintf(out, "%s%s", verb_row(step->verb)->name, *step->arguments == '\0' ? "" : " ");
    phrase_text(out, step->arguments);
}

void phrase_answer(FILE *out, const struct step_result *result, bool verbose) {
    static const char *const words[] = {
        [STEP_NOT_RUN] = "not run", [STEP_RUNNING] = "no answer", [STEP_BROKEN] = "not done"};
    char got[ANSWER_TEXT_SIZE];
    if (result->status != STEP_MET && result->status != STEP_UNMET)
        fputs(words[result->status], out);
    else if (verbose || result->status == STEP_UNMET || wanted_pins(result->met, &result->got))
        fputs(answer_text(&result->got, got), out);
    else
        phrase_text(out, result->met->text);
}

void phrase_case(FILE *out, const struct scenario_result *scenario, size_t index,
                 enum phrase_detail detail) {
    enum { WANT_MOST = 20 };
    const struct case_result *result = &scenario->cases[index];
    const struct step_result *failed = result_failed_step(result);
    char got[ANSWER_TEXT_SIZE];
    if (result->verdict != VERDICT_FAIL)
        phrase_text(out, result->reason);
    if (result->verdict != VERDICT_FAIL || failed == NULL)
        return;
    const struct step *step =
        result_step(scenario->scenario, index, (size_t)(failed - result->steps));
    const struct step *judge = result_judge(step, failed);
    fprintf(out, "line %u", judge->line);
    if (detail == PHRASE_LINE)
        return;
    if (detail != PHRASE_GOT) {
        fputs(": want ", out);
        phrase_front(out, judge->want.text, detail == PHRASE_ALL ? SIZE_MAX : WANT_MOST);
    }
    fprintf(out, "%s got %s", detail == PHRASE_GOT ? ":" : ",", answer_text(&failed->got, got));
}

/* The part of a reason behind `line 7: `; `*line` is set to that line, or left alone. */
static const char *without_line(const char *reason, unsigned *line) {
    static const char start[] = "line ";
    char *end;
    if (strncmp(reason, start, sizeof start - 1) != 0)
        return reason;
    unsigned long number = strtoul(reason + sizeof start - 1, &end, 10);
    if (strncmp(end, ": ", 2) != 0)
        return reason;
    *line = (unsigned)number;
    return end + 2;
}

unsigned phrase_trouble(FILE *out, const struct scenario_result *scenario, size_t index) {
    const struct case_result *result = &scenario->cases[index];
    const struct step_result *failed = result_failed_step(result);
    unsigned line = scenario->scenario->cases[index].line;
    char got[ANSWER_TEXT_SIZE];
    const struct step *judge = NULL;
    if (failed != NULL) {
        size_t at = (size_t)(failed - result->steps);
        judge = result_judge(result_step(scenario->scenario, index, at), failed);
        line = judge->line;
    }
    if (result->verdict == VERDICT_FAIL && judge != NULL) {
        fputs("want ", out);
        phrase_text(out, judge->want.text);
        fprintf(out, ", got %s", answer_text(&failed->got, got));
    } else {
        phrase_text(out, without_line(result->reason, &line));
    }
    return line;
}

/* --- what is said below a step --- */

/* Returns whether a step has more to say. A question whose answer was as expected has not. */
static bool says_more(const struct step *step, const struct step_result *result, bool verbose) {
    return step_question(step) == NULL || result->status != STEP_MET || verbose;
}

bool phrase_shows_evidence(const struct step *step, const struct step_result *result,
                           bool verbose) {
    return result->has_evidence && says_more(step, result, verbose);
}

const char *phrase_seen(const struct step *step, const struct step_result *result, bool verbose,
                        const char **label) {
    bool nothing = result->seen == NULL || result->seen[0] == '\0';
    *label = step_question(step) != NULL        ? "found"
             : step->verb == VERB_EXEC          ? "output"
             : verb_row(step->verb)->of_program ? "seen"
                                                : "seen there";
    bool quiet = verb_row(step->verb)->of_program && result->status == STEP_MET && !verbose;
    return nothing || quiet || !says_more(step, result, verbose) ? NULL : result->seen;
}

/* --- what was in the way: which sockets, and whose they are ---
 *
 * Ports that the kernel chose, process IDs and times differ from run to run, so they are printed
 * only on demand.
 */

/* Returns whether the port is written in the scenario; if not, the kernel chose it. */
static bool is_written(const struct scenario *scenario, uint16_t port) {
    for (size_t i = 0; i < scenario->step_count; i++) {
        const struct step *step = &scenario->steps[i];
        const struct address *address = step_address(step);
        const struct step_query *query = step_query(step);
        const struct step_question *question = step_question(step);
        if (question != NULL && question->address.pattern.endpoint.port == port)
            return true;
        if (address != NULL && address->pattern.endpoint.port == port)
            return true;
        if (query != NULL && query->local.pattern.endpoint.port == port)
            return true;
    }
    return false;
}

/* How the endpoints of a report are written. */
struct style {
    const struct scenario *scenario;
    bool verbose;
    const char *unix_address; /* of a Unix socket, which has no endpoint */
};

static const char *write_endpoint(const void *context, const struct endpoint *endpoint,
                                  char *text) {
    const struct style *style = context;
    if (endpoint->family == 0 && style->unix_address != NULL)
        return style->unix_address;
    bool chosen = endpoint->port != 0 && !is_written(style->scenario, endpoint->port);
    return chosen && !style->verbose ? endpoint_text_any_port(endpoint, text)
                                     : endpoint_text(endpoint, text);
}

static void print_name(FILE *out, const char *name) {
    enum { MOST = 40 }; /* a name in the middle of a sentence */
    phrase_front(out, name, MOST);
}

static void print_role(FILE *out, const struct scenario *scenario, const struct suspect *suspect,
                       unsigned index, bool verbose) {
    const struct suspect_role *role = &suspect->roles[index];
    fputs(index == 0 ? " " : ", ", out);
    print_name(out, scenario->roles[role->role]);
    if (role->socket >= 0) {
        fputc('.', out);
        print_name(out, scenario->sockets[role->socket]);
    }
    if (verbose && suspect->ownership == OWNED)
        fprintf(out, " (pid %d)", (int)role->pid);
}

/* Prints whose the socket is: the roles' of a scenario, else the processes'. */
static void print_owners(FILE *out, const struct scenario *scenario, const struct suspect *suspect,
                         bool verbose) {
    static const char *const words[] = {[OWNED] = ", held by",
                                        [LEFT] = ", left by",
                                        [UNACCEPTED] = ", not accepted yet",
                                        [OWNER_NOT_KNOWN] = ""};
    fputs(words[suspect->ownership], out);
    for (unsigned i = 0; i < suspect->role_count; i++)
        print_role(out, scenario, suspect, i, verbose);
    for (unsigned i = 0; i < suspect->owners.known; i++) {
        const struct owner *owner = &suspect->owners.oldest[i];
        fputs(i == 0 ? " " : ", ", out);
        sockets_print_program(out, owner);
        fprintf(out, " (pid %d)", (int)owner->pid);
    }
    if (suspect->ownership != OWNER_NOT_KNOWN || suspect->occupant.socket.inode == 0)
        return;
    static const struct server not_found = {.shape = SERVER_NOT_FOUND};
    bool guess = verbose && owners_are_own(&suspect->owners);
    fputs(guess ? "; its owner: " : ", held by ", out);
    if (verbose)
        sockets_print_occupant(out, &not_found, &suspect->owners, suspect->occupant.socket.uid,
                               SOCKETS_PROGRAM);
    else
        fputs("another process", out);
}

static void print_suspect(FILE *out, const struct scenario *scenario, const struct suspect *suspect,
                          bool verbose) {
    char address[sizeof suspect->name + 8];
    snprintf(address, sizeof address, "unix:%s", suspect->name);
    const struct style style = {scenario, verbose, suspect->name[0] == '\0' ? NULL : address};
    sockets_print(out, &suspect->occupant.socket, write_endpoint, &style);
    print_owners(out, scenario, suspect, verbose);
    if (verbose)
        sockets_print_time_left(out, &suspect->occupant.socket);
}

/* Returns a noun for sockets in this state. A connection that was closed here is on its way to
 * TIME-WAIT, and how far it has come is a matter of microseconds: those are one kind. */
static const char *kind_of(enum tcp_state state) {
    switch (state) {
    case STATE_LISTEN:
        return "listeners";
    case STATE_BOUND:
    case STATE_CLOSED:
        return "bound sockets";
    case STATE_FIN_WAIT_1:
    case STATE_FIN_WAIT_2:
    case STATE_CLOSING:
    case STATE_LAST_ACK:
    case STATE_TIME_WAIT:
        return "closed connections, in TIME-WAIT or on their way to it";
    default:
        return "open connections";
    }
}

/* The kind of most of the sockets. */
static const char *commonest_kind(const struct evidence *evidence) {
    const char *most = "sockets";
    uint32_t most_count = 0;
    for (unsigned i = 0; i < evidence->group_count; i++) {
        const char *kind = kind_of(evidence->groups[i].state);
        uint32_t count = 0;
        for (unsigned k = 0; k < evidence->group_count; k++)
            if (strcmp(kind_of(evidence->groups[k].state), kind) == 0)
                count += evidence->groups[k].count;
        if (count > most_count) {
            most = kind;
            most_count = count;
        }
    }
    return most;
}

static void print_groups(FILE *out, const struct scenario *scenario,
                         const struct evidence *evidence) {
    for (unsigned i = 0; i < evidence->group_count; i++) {
        const struct evidence_group *group = &evidence->groups[i];
        fprintf(out, "%s %u %s", i == 0 ? ":" : ",", group->count, socket_state_name(group->state));
        if (group->role >= 0) {
            fputs(" held by ", out);
            print_name(out, scenario->roles[group->role]);
        }
    }
}

/* How full the range of ports was. */
static void print_range(FILE *out, const struct scenario *scenario, const struct evidence *evidence,
                        bool verbose) {
    uint32_t size = (uint32_t)(evidence->range_high - evidence->range_low) + 1;
    if (evidence->ports_taken == size)
        fprintf(out, "all %u", size);
    else
        fprintf(out, "%u of %u", evidence->ports_taken, size);
    fprintf(out, " ports of %u-%u", evidence->range_low, evidence->range_high);
    if (verbose)
        print_groups(out, scenario, evidence);
    else if (evidence->total > 0)
        fprintf(out, ", used by %s", commonest_kind(evidence));
}

static bool is_range(const struct evidence *evidence) {
    return evidence->automatic && evidence->range_high >= evidence->range_low;
}

unsigned phrase_evidence_lines(const struct evidence *evidence) {
    if (evidence->missing != NULL || is_range(evidence))
        return 1;
    return evidence->suspect_count + (evidence->total > evidence->suspect_count);
}

void phrase_evidence(FILE *out, const struct scenario *scenario, const struct evidence *evidence,
                     unsigned line, bool verbose) {
    char missing[EVIDENCE_MISSING_SIZE];
    if (evidence->missing != NULL)
        fprintf(out, "not known: %s", evidence_missing(evidence, missing));
    else if (is_range(evidence))
        print_range(out, scenario, evidence, verbose);
    else if (line < evidence->suspect_count)
        print_suspect(out, scenario, &evidence->suspects[line], verbose);
    else
        fprintf(out, "and %u more", evidence->total - evidence->suspect_count);
}

/* --- the story of a case that did not pass --- */

static void tell_evidence(FILE *out, const struct scenario *scenario,
                          const struct evidence *evidence, bool verbose) {
    for (unsigned i = 0; i < phrase_evidence_lines(evidence); i++) {
        fputs("\nin the way: ", out);
        phrase_evidence(out, scenario, evidence, i, verbose);
    }
    if (evidence->missing != NULL)
        return;
    fprintf(out, "\ncause: %s: ", cause_name(evidence->cause));
    phrase_text(out, evidence->words);
}

void phrase_story(FILE *out, const struct scenario_result *scenario, size_t index, bool verbose) {
    const struct case_result *result = &scenario->cases[index];
    const struct step_result *failed = result_failed_step(result);
    phrase_case(out, scenario, index, PHRASE_ALL);
    if (failed == NULL)
        return;
    const struct step *step =
        result_step(scenario->scenario, index, (size_t)(failed - result->steps));
    fputc('\n', out);
    phrase_text(out, step->who);
    fputs(*step->who == '\0' ? "" : " ", out);
    phrase_call(out, result_judge(step, failed));
    if (failed->seen != NULL && failed->seen[0] != '\0') {
        fputs("\nseen: ", out);
        phrase_text(out, failed->seen);
    }
    if (failed->has_evidence)
        tell_evidence(out, scenario->scenario, failed->evidence, verbose);
}
