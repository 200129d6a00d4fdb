/* The summary of a matrix: what a state answers between two sockets on one address, in one line;
 * which states answer alike; which addresses overlap; and whether that is all there is to it, that
 * is, whether each pair that was measured is what the lines say. */
#include <stdio.h>
#include <string.h>

#include "report/matrix/matrix.h"
#include "report/shared/layout.h"

enum {
    LABEL = 22,   /* as wide as the longest name of a state, and a space */
    ADDRESS = 17, /* of an address */
    ANY_4 = 0,    /* of matrix_addresses */
    ONE = 1,
    ANOTHER = 2,
    DUAL_STACK = 3
};

/* How the states compare: bit N of `alike` is set if the state answers as state N does, wherever
 * both were measured. */
struct likeness {
    uint32_t alike[STORIES];
};

static const struct matrix_cell *cell_at(const struct matrix_findings *findings,
                                         struct matrix_pair pair) {
    return matrix_cell(findings->matrix, &pair);
}

/* --- which states answer alike --- */

static struct likeness compare_states(const struct matrix_findings *findings) {
    struct likeness found = {{0}};
    uint32_t common[STORIES] = {0}, differ[STORIES] = {0};
    struct matrix_pair pair = {0};
    do {
        const struct matrix_cell *cell = cell_at(findings, pair);
        struct matrix_pair other = pair;
        for (other.state = 0; cell->measured && other.state < pair.state; other.state++) {
            const struct matrix_cell *there = cell_at(findings, other);
            uint32_t bit = there->measured ? UINT32_C(1) << other.state : 0;
            common[pair.state] |= bit;
            differ[pair.state] |= matrix_same_answer(&cell->got, &there->got) ? 0 : bit;
        }
    } while (matrix_next(findings->matrix->protocol, &pair));
    for (unsigned i = 0; i < STORIES; i++)
        found.alike[i] = common[i] & ~differ[i];
    return found;
}

/* Returns the first state that answers like this one, or STORIES. */
static unsigned first_alike(const struct likeness *likeness, unsigned state) {
    for (unsigned i = 0; i < state; i++)
        if (likeness->alike[state] >> i & 1)
            return i;
    return STORIES;
}

/* --- one line for each state --- */

/* Returns the address of the first socket in the lines: the same for all, but without bind() it
 * comes from the wildcard. */
static unsigned line_address(unsigned state) {
    return matrix_has_first(state, ONE) ? ONE : ANY_4;
}

static char mark_at(const struct matrix_findings *findings, struct matrix_pair pair, unsigned first,
                    unsigned second) {
    pair.first = (struct matrix_end){line_address(pair.state), first};
    pair.second.options = second;
    return matrix_mark(cell_at(findings, pair));
}

static void print_marks(const struct matrix_findings *findings, struct matrix_pair pair,
                        unsigned from, FILE *out) {
    for (unsigned i = from; i < MATRIX_OPTIONS; i++) {
        for (unsigned k = from; k < MATRIX_OPTIONS; k++)
            fputc(mark_at(findings, pair, i, k), out);
        fputs(from == 0 ? " " : "   ", out);
    }
}

/* Prints two marks for a call: without options, and where both sockets have both. */
static void print_two(const struct matrix_findings *findings, struct matrix_pair pair, FILE *out) {
    fprintf(out, "%c%c", mark_at(findings, pair, MATRIX_NONE, MATRIX_NONE),
            mark_at(findings, pair, MATRIX_BOTH, MATRIX_BOTH));
}

static void print_line(const struct matrix_findings *findings, unsigned state, FILE *out) {
    struct matrix_pair pair = {.state = state, .second = {.address = ONE}};
    bool udp = findings->matrix->protocol == PROTOCOL_UDP;
    fprintf(out, "%-*s", LABEL, matrix_state_name(findings->matrix->protocol, state));
    print_marks(findings, pair, MATRIX_NONE, out);
    pair.user = MATRIX_OTHER_USER;
    print_marks(findings, pair, MATRIX_REUSEPORT, out);
    pair.user = MATRIX_SAME_USER;
    pair.call = STORY_CALL_PORT_0;
    print_two(findings, pair, out);
    pair.call = STORY_CALL_CONNECT;
    fputs("     ", out);
    print_two(findings, pair, out);
    if (udp) {
        fputc('\n', out);
        return;
    }
    pair.second.address = ANOTHER;
    fputs("   ", out);
    print_two(findings, pair, out);
    pair.second.address = ONE;
    pair.call = STORY_CALL_BIND_CONNECT;
    fputs("   ", out);
    print_two(findings, pair, out);
    fputc('\n', out);
}

static void print_lines(const struct matrix_findings *findings, const struct likeness *likeness,
                        FILE *out) {
    bool udp = findings->matrix->protocol == PROTOCOL_UDP;
    fprintf(out, "\n%-*soptions of the first other user  port 0 connect()%s\n", LABEL, "",
            udp ? "" : " bind(),");
    fprintf(out, "%-*snone ADDR PORT both  PORT both%s\n", LABEL, "both on 127.0.0.1",
            udp ? "" : "         same else connect()");
    for (unsigned state = 0; state < STORIES; state++)
        if (matrix_has_state(findings->matrix->protocol, state) &&
            first_alike(likeness, state) == STORIES)
            print_line(findings, state, out);
    fputs("\nA column is for the options of the first socket; its four marks are for those of\n"
          "the second: none, ADDR, PORT, both. The columns of two marks are for no options,\n"
          "and for both on both sockets.\n"
          "  port 0     bind() to port 0 where no other port is left",
          out);
    fputs(udp ? "\n  connect()  without bind(), where no other port is left\n"
              : ", and listen()\n"
                "  connect()  without bind(), where no other port is left: to the first\n"
                "             socket's server (same), or elsewhere (else)\n"
                "  bind(), connect()  to the first socket's server\n",
          out);
}

static void print_states(const struct matrix_findings *findings, const struct likeness *likeness,
                         FILE *out) {
    enum protocol protocol = findings->matrix->protocol;
    fputc('\n', out);
    for (unsigned state = 0; state < STORIES; state++) {
        char text[MATRIX_PAIR_SIZE];
        unsigned like = first_alike(likeness, state);
        if (!matrix_has_state(protocol, state))
            continue;
        fprintf(out, "%-*s", LABEL, matrix_state_name(protocol, state));
        snprintf(text, sizeof text, "%s%s%s", matrix_state_line(protocol, state),
                 like < STORIES ? ": as " : "",
                 like < STORIES ? matrix_state_name(protocol, like) : "");
        layout_wrap(out, text, LABEL, LABEL);
    }
}

/* --- the addresses --- */

/* Two marks for two addresses: do they overlap if the first socket is bound, and if it has a
 * connection? Without options, that alone decides. */
static struct matrix_pair overlap_pair(const struct matrix_findings *findings, bool connected,
                                       unsigned first, unsigned second) {
    bool udp = findings->matrix->protocol == PROTOCOL_UDP;
    unsigned state = !connected ? STORY_OF_BOUND : udp ? STORY_OF_OUT_BOUND : STORY_OF_ESTABLISHED;
    if (!matrix_has_first(state, first))
        first = DUAL_STACK;
    return (struct matrix_pair){.state = state, .first = {first, 0}, .second = {second, 0}};
}

static const char *address_label(unsigned address, char *text) {
    const struct matrix_address *row = &matrix_addresses[address];
    snprintf(text, MATRIX_NAME_SIZE, "%s%s%s", row->name, row->family != NULL ? " over " : "",
             row->family != NULL ? row->family : "");
    return text;
}

static void print_addresses(const struct matrix_findings *findings, FILE *out) {
    static const int widths[MATRIX_ADDRESSES] = {7, 9, 9, 2, 6, 3, 7, 0};
    char name[MATRIX_NAME_SIZE];
    fputs("\nDo two addresses overlap? A + says no. The first mark is for a first socket that\n"
          "is bound or listens, the second for one that has a connection.\n\n"
          "first \\ second    0.0.0.0 127.0.0.1 127.0.0.2 :: ::     ::1 ::ffff: ::ffff:\n"
          "                                              v6only     0.0.0.0 127.0.0.1\n",
          out);
    for (unsigned row = 0; row < MATRIX_FIRSTS; row++) {
        unsigned first = matrix_row(row);
        fprintf(out, "%-*s", ADDRESS, address_label(first, name));
        for (unsigned i = 0; i < MATRIX_ADDRESSES; i++)
            fprintf(out, " %c%c%*s",
                    matrix_mark(cell_at(findings, overlap_pair(findings, false, first, i))),
                    matrix_mark(cell_at(findings, overlap_pair(findings, true, first, i))),
                    widths[i] > 2 ? widths[i] - 2 : 0, "");
        fputc('\n', out);
    }
}

/* --- whether that is all --- */

/* Returns whether no socket has the port but one with a connection. */
static bool is_connection_alone(const struct story *story) {
    return story->kind == STORY_OUTGOING || story_has(story, STORY_DROP_LISTENER);
}

/* Returns whether a pair of bind() is what the lines say: `+` if the addresses do not overlap, else
 * the mark of the line. */
static bool is_as_summarized(const struct matrix_findings *findings,
                             const struct matrix_pair *pair) {
    struct matrix_pair line = *pair;
    struct matrix_pair meeting = overlap_pair(findings, is_connection_alone(&stories[pair->state]),
                                              pair->first.address, pair->second.address);
    line.second.address = ONE;
    char want = matrix_mark(cell_at(findings, meeting)) == '+'
                    ? '+'
                    : mark_at(findings, line, pair->first.options, pair->second.options);
    return matrix_mark(cell_at(findings, *pair)) == want;
}

/* Returns the states with a pair that is not, as a set. */
static uint32_t find_exceptions(const struct matrix_findings *findings) {
    struct matrix_pair pair = {0};
    uint32_t exceptions = 0;
    do
        if (pair.call == STORY_CALL_BIND && pair.device == MATRIX_NO_DEVICE &&
            cell_at(findings, pair)->measured && !is_as_summarized(findings, &pair))
            exceptions |= UINT32_C(1) << pair.state;
    while (matrix_next(findings->matrix->protocol, &pair));
    return exceptions;
}

/* Writes the names of a set of states, `A, B and C`. */
static void write_names(const struct matrix_findings *findings, uint32_t states, char *text,
                        size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < STORIES; i++) {
        bool last = states >> i == 1;
        if ((states >> i & 1) && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s",
                                     used == 0 ? ""
                                     : last    ? " and "
                                               : ", ",
                                     matrix_state_name(findings->matrix->protocol, i));
    }
}

static void print_rest(const struct matrix_findings *findings, FILE *out) {
    uint32_t exceptions = find_exceptions(findings);
    char names[256], text[512];
    write_names(findings, exceptions, names, sizeof names);
    snprintf(text, sizeof text,
             "Where they overlap, a pair is as on 127.0.0.1; where they do not, both calls "
             "succeed%s%s%s",
             exceptions == 0 ? "." : ". There is more to ", names,
             exceptions == 0 ? "" : ", where the order of the calls matters: see --state.");
    fputc('\n', out);
    layout_wrap(out, text, 0, 0);
}

/* --- devices --- */

/* Returns whether every pair with the device that was measured is as without one, and whether it is
 * `+`. */
static void compare_device(const struct matrix_findings *findings, enum matrix_device device,
                           bool *same, bool *free, size_t *count) {
    struct matrix_pair pair = {.device = device};
    *same = *free = true;
    *count = 0;
    do {
        struct matrix_pair without = pair;
        const struct matrix_cell *cell = cell_at(findings, pair);
        without.device = MATRIX_NO_DEVICE;
        if (pair.device != device || !cell->measured)
            continue;
        ++*count;
        *free &= matrix_mark(cell) == '+';
        *same &= matrix_same_answer(&cell->got, &cell_at(findings, without)->got);
    } while (matrix_next(findings->matrix->protocol, &pair) && pair.device <= device);
}

static void print_devices(const struct matrix_findings *findings, FILE *out) {
    static const char *const what[MATRIX_DEVICES] = {
        NULL, "the first socket on lo", "the second on lo", "both on lo",
        "the first on lo, the second on another device"};
    bool any = false;
    for (unsigned i = MATRIX_NO_DEVICE + 1; i < MATRIX_DEVICES; i++) {
        bool same, free;
        size_t count;
        compare_device(findings, (enum matrix_device)i, &same, &free, &count);
        if (count == 0)
            continue;
        fprintf(out, "%s  %-46s %s\n", any ? "" : "\nSO_BINDTODEVICE\n", what[i],
                same   ? "as without"
                : free ? "+ throughout"
                       : "differs: see --device");
        any = true;
    }
}

void matrix_print_summary(const struct matrix_findings *findings, FILE *out) {
    struct likeness likeness = compare_states(findings);
    print_lines(findings, &likeness, out);
    print_states(findings, &likeness, out);
    print_addresses(findings, out);
    print_rest(findings, out);
    print_devices(findings, out);
}
