/* The matrix for people: a grid for each state, rows for the socket that has the port and columns
 * for the one that wants it, a group for each address and in it one for each set of options. The
 * widest grid has 100 columns. Where few pairs are chosen, they are told in words. */
#include <string.h>

#include "report/matrix/matrix_report.h"
#include "report/shared/layout.h"

enum { LABEL = 20, GROUP = 10, FEW = 16, PARTS = 2, PART_SIZE = 16 };

static const char *const state_lines[MATRIX_STATES] = {
    "the first socket is bound", "the first socket listens",
    "the first socket was accepted, and its listener is closed",
    "the first socket was accepted, its listener is closed, and it closed first"};

/* The name of an address in two lines: `::ffff:` and `127.0.0.1`, `::` and `v6only`. */
static void split_name(const char *name, char parts[PARTS][PART_SIZE]) {
    static const char mapped[] = "::ffff:";
    size_t size = strncmp(name, mapped, strlen(mapped)) == 0 ? strlen(mapped) : strcspn(name, ",");
    snprintf(parts[0], PART_SIZE, "%.*s", (int)size, name);
    snprintf(parts[1], PART_SIZE, "%s", name + size + (name[size] == ','));
}

static bool any_end(const matrix_ends ends, unsigned address) {
    for (unsigned i = 0; i < MATRIX_OPTIONS; i++)
        if (ends[address][i])
            return true;
    return false;
}

/* Prints a line without the blanks at its end. */
static void print_line(const char *line, FILE *out) {
    size_t size = strlen(line);
    while (size > 0 && line[size - 1] == ' ')
        size--;
    fprintf(out, "%.*s\n", (int)size, line);
}

static void print_heading(const struct matrix_choice *choice, FILE *out) {
    char parts[PARTS][PART_SIZE], line[LABEL + GROUP * MATRIX_ADDRESSES + 1];
    for (unsigned part = 0; part <= PARTS; part++) {
        int at =
            snprintf(line, sizeof line, "%-*s", LABEL, part == 0 ? "first    \\   second" : "");
        for (unsigned i = 0; i < MATRIX_ADDRESSES; i++) {
            split_name(matrix_addresses[i].name, parts);
            if (any_end(choice->second, i))
                at += snprintf(line + at, sizeof line - (size_t)at, " %-*s", GROUP - 1,
                               part < PARTS ? parts[part] : "n A P B");
        }
        print_line(line, out);
    }
}

/* The cells of a row, each behind a blank; the line goes no further than the last that is set. */
static void print_cells(const struct matrix *matrix, const struct matrix_choice *choice,
                        struct matrix_pair pair, char *line, size_t size) {
    size_t at = strlen(line);
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++) {
        if (!any_end(choice->second, i))
            continue;
        for (unsigned k = 0; k < MATRIX_OPTIONS; k++) {
            pair.second = (struct matrix_end){i, k};
            char mark = choice->second[i][k] ? matrix_mark(matrix_cell(matrix, &pair)) : ' ';
            at += (size_t)snprintf(line + at, size - at, " %c", mark);
        }
        at += (size_t)snprintf(line + at, size - at, "  ");
    }
}

static bool row_chosen(const struct matrix_choice *choice, enum matrix_user user, unsigned address,
                       unsigned options) {
    return choice->first[address][options] &&
           (user == MATRIX_SAME_USER || options == MATRIX_REUSEPORT || options == MATRIX_BOTH);
}

/* The rows of one address; its name stands in two lines, even if there is but one row. */
static void print_group(const struct matrix *matrix, const struct matrix_choice *choice,
                        struct matrix_pair pair, FILE *out) {
    char parts[PARTS][PART_SIZE], line[256];
    unsigned lines = 0;
    split_name(matrix_addresses[pair.first.address].name, parts);
    for (unsigned i = 0; i < MATRIX_OPTIONS; i++) {
        if (!row_chosen(choice, pair.user, pair.first.address, i))
            continue;
        pair.first.options = i;
        snprintf(line, sizeof line, "%-*s%-*s", LABEL / 2, lines < PARTS ? parts[lines] : "",
                 LABEL / 2, matrix_options_names[i]);
        print_cells(matrix, choice, pair, line, sizeof line);
        print_line(line, out);
        lines++;
    }
    if (lines == 1 && parts[1][0] != '\0')
        fprintf(out, "%s\n", parts[1]);
}

static bool has_rows(const struct matrix_choice *choice, enum matrix_user user) {
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++)
        for (unsigned k = 0; k < MATRIX_OPTIONS; k++)
            if (row_chosen(choice, user, i, k))
                return true;
    return false;
}

static void print_grid(const struct matrix *matrix, const struct matrix_choice *choice,
                       enum matrix_state state, enum matrix_user user, FILE *out) {
    struct matrix_pair pair = {.user = user, .state = state};
    fprintf(out, "\n%s: %s%s\n\n", matrix_state_names[state], state_lines[state],
            user == MATRIX_OTHER_USER ? ".\nThe second is of another user" : "");
    print_heading(choice, out);
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++) {
        pair.first.address = i;
        print_group(matrix, choice, pair, out);
    }
}

static void print_legend(const struct matrix *matrix, FILE *out) {
    fputs("\nThe first socket has the port: may the second bind to it, and then listen?\n"
          "  +  both    b  bind alone    .  neither: EADDRINUSE    !  not as the model says\n"
          "  n  no option    A  SO_REUSEADDR    P  SO_REUSEPORT    B  both of them\n",
          out);
    if (!matrix->ipv6)
        fputs("IPv6 is left out: there is none here.\n", out);
    if (!matrix->users)
        fputs("Another user is left out: no other user id can be taken here; run as root.\n", out);
}

/* One pair in words: the answers, and the rule that decided. */
static void print_pair(const struct matrix_pair *pair, const struct matrix_cell *cell, FILE *out) {
    char text[MATRIX_PAIR_SIZE], answer[MATRIX_ANSWER_SIZE];
    const struct rule_text *rule = matrix_rule(cell);
    fprintf(out, "\n%s\n", matrix_pair_text(pair, text));
    if (!matrix_agrees(cell)) {
        fprintf(out, "    want %s (by the model)\n", matrix_answer_text(&cell->want, answer));
        fprintf(out, "    got  %s (by the kernel)\n", matrix_answer_text(&cell->got, answer));
    } else {
        fprintf(out, "    %s\n", matrix_answer_text(&cell->got, answer));
    }
    int size = fprintf(out, "    %s: ", rule->name);
    layout_wrap(out, rule->says, 4, (unsigned)size);
}

/* Prints the pairs in words: those that disagree, or all that are chosen. */
static void print_pairs(const struct matrix *matrix, const struct matrix_choice *choice,
                        bool disagreeing, FILE *out) {
    struct matrix_pair pair = {0};
    do {
        const struct matrix_cell *cell = matrix_cell(matrix, &pair);
        if (matrix_shown(matrix, choice, &pair) && (!disagreeing || !matrix_agrees(cell)))
            print_pair(&pair, cell, out);
    } while (matrix_next(&pair));
}

static size_t count_chosen(const struct matrix *matrix, const struct matrix_choice *choice) {
    struct matrix_pair pair = {0};
    size_t count = 0;
    do
        count += matrix_shown(matrix, choice, &pair);
    while (matrix_next(&pair));
    return count;
}

static void write_text(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    const struct matrix *matrix = findings->matrix;
    const struct matrix_choice *choice = findings->choice;
    char line[REPORT_LINE_SIZE];
    fprintf(out, "%s\n", matrix_verdict(matrix, line));
    if (matrix->verdict == VERDICT_SKIP || matrix->verdict == VERDICT_ERROR) {
        fprintf(out, "\n%s\n", matrix->reason);
        return;
    }
    if (count_chosen(matrix, choice) <= FEW) {
        print_pairs(matrix, choice, false, out);
        return;
    }
    print_pairs(matrix, choice, true, out);
    print_legend(matrix, out);
    for (unsigned state = 0; state < MATRIX_STATES; state++)
        for (unsigned user = 0; user < MATRIX_USERS; user++)
            if (choice->states[state] && has_rows(choice, user) &&
                (user == MATRIX_SAME_USER || matrix->users))
                print_grid(matrix, choice, state, user, out);
}

const struct format format_matrix_text = {
    .name = "text",
    .endings = ".txt",
    .line = "for people; the default",
    .write = write_text,
};
