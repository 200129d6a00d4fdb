/* In the way: which sockets, and whose they are.
 *
 * Ports that the kernel chose, process ids and times differ from run to run, so they are printed
 * only on demand. */
#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "base/utf8.h"
#include "report/run/phrase.h"

/* Whether the port stands in the script; else the kernel chose it. */
static bool is_written(const struct scenario *scenario, uint16_t port) {
    for (size_t i = 0; i < scenario->step_count; i++) {
        const struct step *step = &scenario->steps[i];
        const struct address *address = step_address(step);
        const struct step_query *query = step_query(step);
        if (address != NULL && address->pattern.endpoint.port == port)
            return true;
        if (query != NULL && query->local.pattern.endpoint.port == port)
            return true;
    }
    return false;
}

static const char *place(const struct scenario *scenario, const struct endpoint *endpoint,
                         bool verbose, char *text) {
    bool chosen = endpoint->port != 0 && !is_written(scenario, endpoint->port);
    return chosen && !verbose ? endpoint_text_any_port(endpoint, text)
                              : endpoint_text(endpoint, text);
}

static void print_name(FILE *out, const char *name) {
    enum { MOST = 40 }; /* a name in the middle of a sentence */
    phrase_front(out, name, MOST);
}

static void print_holder(FILE *out, const struct scenario *scenario,
                         const struct evidence_socket *found, unsigned index, bool verbose) {
    struct socket_name holder = found->holders[index];
    fputs(index == 0 ? " " : ", ", out);
    print_name(out, scenario->roles[holder.role]);
    if (holder.socket >= 0) {
        fputc('.', out);
        print_name(out, scenario->sockets[holder.socket]);
    }
    if (verbose && found->holding == HELD)
        fprintf(out, " (pid %d)", (int)found->pids[index]);
}

static void print_owner(FILE *out, const struct scenario *scenario,
                        const struct evidence_socket *found, bool verbose) {
    static const char *const words[] = {[HELD] = ", held by",
                                        [LEFT] = ", left by",
                                        [QUEUED] = ", not accepted yet",
                                        [HELD_BY_NOBODY_KNOWN] = ""};
    fputs(words[found->holding], out);
    for (unsigned i = 0; i < found->holder_count; i++)
        print_holder(out, scenario, found, i, verbose);
    bool unseen = found->holding == HELD_BY_NOBODY_KNOWN && found->socket.inode != 0;
    if (unseen && verbose)
        fprintf(out, ", held by a process of user id %u that /proc does not show",
                found->socket.uid);
    else if (unseen)
        fputs(", held by another process", out);
}

static void print_socket(FILE *out, const struct scenario *scenario,
                         const struct evidence_socket *found, bool verbose) {
    char local[ENDPOINT_TEXT_SIZE], remote[ENDPOINT_TEXT_SIZE], left[UNITS_DURATION_SIZE];
    const struct tcp_socket *socket = &found->socket;
    fprintf(out, "%s %s", socket_state_name(socket->state),
            place(scenario, &socket->local, verbose, local));
    if (socket->remote.port != 0)
        fprintf(out, " to %s", place(scenario, &socket->remote, verbose, remote));
    print_owner(out, scenario, found, verbose);
    if (socket->state == STATE_TIME_WAIT && verbose)
        fprintf(out, ", %s left",
                units_duration_text((uint64_t)socket->expires_ms * NS_PER_MS, left));
}

/* Which kind of socket a state makes it, in words. A connection that was closed here is on its way
 * to TIME-WAIT, and how far it has got is a matter of microseconds: those are one kind. */
static const char *kind_of(enum tcp_state state) {
    switch (state) {
    case STATE_LISTEN:
        return "listeners";
    case STATE_BOUND:
    case STATE_CLOSED:
        return "sockets that are bound";
    case STATE_FIN_WAIT_1:
    case STATE_FIN_WAIT_2:
    case STATE_CLOSING:
    case STATE_LAST_ACK:
    case STATE_TIME_WAIT:
        return "closed connections, in TIME-WAIT or before it";
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
        fprintf(out, ", by %s", commonest_kind(evidence));
}

static bool is_range(const struct evidence *evidence) {
    return evidence->automatic && evidence->range_high >= evidence->range_low;
}

unsigned phrase_evidence_lines(const struct evidence *evidence) {
    if (evidence->missing != NULL || is_range(evidence))
        return 1;
    return evidence->socket_count + (evidence->total > evidence->socket_count);
}

void phrase_evidence(FILE *out, const struct scenario *scenario, const struct evidence *evidence,
                     unsigned line, bool verbose) {
    if (evidence->missing != NULL)
        fprintf(out, "not known: %s", evidence->missing);
    else if (is_range(evidence))
        print_range(out, scenario, evidence, verbose);
    else if (line < evidence->socket_count)
        print_socket(out, scenario, &evidence->sockets[line], verbose);
    else
        fprintf(out, "and %u more", evidence->total - evidence->socket_count);
}
