/* What the formats of the matrix share (which pairs are shown, and what they are called), and the
 * text for people. */
#include <stdio.h>
#include <string.h>

#include "base/errnames.h"
#include "report/matrix/matrix.h"
#include "report/shared/layout.h"

/* --- the choice --- */

bool matrix_shown(const struct matrix_findings *findings, const struct matrix_pair *pair) {
    return matrix_measured(matrix_cell(findings->matrix, pair)) &&
           findings->choice->states[pair->state] &&
           findings->choice->first[pair->first.address][pair->first.options] &&
           findings->choice->second[pair->second.address][pair->second.options];
}

void matrix_each_grid(const struct matrix_findings *findings, matrix_grid *grid, FILE *out) {
    for (unsigned state = 0; state < MATRIX_STATES; state++)
        for (unsigned user = 0; user < MATRIX_USERS; user++)
            if (findings->choice->states[state] &&
                matrix_has_state(findings->matrix->protocol, state) &&
                (user == MATRIX_SAME_USER || findings->matrix->users))
                grid(findings, state, user, out);
}

unsigned matrix_row(unsigned row) {
    enum { DUAL_STACK = 3 };
    return row <= DUAL_STACK ? row : row == DUAL_STACK + 1 ? MATRIX_ADDRESSES : row - 1;
}

static bool word_is(const char *word, size_t size, const char *name) {
    return strlen(name) == size && memcmp(name, word, size) == 0;
}

/* Returns whether the `size` bytes at `word` apply to the end. */
static bool end_has(unsigned address, unsigned options, const char *word, size_t size) {
    const struct matrix_address *row = &matrix_addresses[address];
    bool bracketed = size >= 2 && word[0] == '[' && word[size - 1] == ']';
    const char *name = bracketed ? word + 1 : word;
    size_t length = bracketed ? size - 2 : size;
    if (row->v6only && word_is(word, size, "v6only"))
        return true;
    if (row->accepted != NULL && size == strlen("IPv4") && strstr(row->accepted, "(IPv") != NULL &&
        memcmp(strstr(row->accepted, "IPv"), word, size) == 0)
        return true;
    if (strcspn(row->name, ",") == length && memcmp(row->name, name, length) == 0)
        return true;
    if (size > 3 && memcmp(word, "SO_", 3) == 0)
        return word_is(word + 3, size - 3, matrix_options_names[options]);
    return word_is(word, size, matrix_options_names[options]);
}

static bool end_has_all(unsigned address, unsigned options, const char *text) {
    for (const char *word = text;; word++) {
        size_t size = strcspn(word, ",");
        if (!end_has(address, options, word, size))
            return false;
        word += size;
        if (*word == '\0')
            return true;
    }
}

bool matrix_choose_ends(const char *text, unsigned addresses, matrix_ends ends) {
    bool any = false;
    for (unsigned i = 0; i < addresses; i++)
        for (unsigned k = 0; k < MATRIX_OPTIONS; k++)
            if (end_has_all(i, k, text))
                any = ends[i][k] = true;
    return any;
}

/* --- a pair and its answers in words --- */

const char *matrix_verdict(const struct matrix *matrix, char *text) {
    struct layout_line line;
    FILE *out = layout_line_begin(&line);
    if (out != NULL && matrix->verdict == VERDICT_PASS)
        fprintf(out, "PASS matrix: %zu pairs of %ssockets, as the model says", matrix->pairs,
                matrix->protocol == PROTOCOL_UDP ? "UDP " : "");
    else if (out != NULL && matrix->verdict == VERDICT_FAIL)
        fprintf(out, "FAIL matrix: %zu of %zu pairs %snot as the model says", matrix->disagreements,
                matrix->pairs, matrix->protocol == PROTOCOL_UDP ? "of UDP sockets " : "");
    else if (out != NULL)
        fprintf(out, "%s matrix: %s", verdict_name(matrix->verdict), matrix->reason);
    layout_line_end(&line, text);
    return text;
}

const char *matrix_pair_text(const struct matrix *matrix, const struct matrix_pair *pair,
                             char *text) {
    snprintf(text, MATRIX_PAIR_SIZE, "%s %s %s, then %s %s%s",
             matrix_state_name(matrix->protocol, pair->state),
             matrix_first_name(matrix->protocol, pair->state, pair->first.address),
             matrix_options_names[pair->first.options], matrix_addresses[pair->second.address].name,
             matrix_options_names[pair->second.options],
             pair->user == MATRIX_OTHER_USER ? " of another user" : "");
    return text;
}

const char *matrix_errno_text(int error, char *text) {
    if (error == MATRIX_NOT_ASKED)
        return "-";
    return error == 0 ? "ok" : errname(error, text);
}

const char *matrix_answer_text(const struct matrix_answer *answer, char *text) {
    char bind[ERRNAME_SIZE], listen[ERRNAME_SIZE];
    int size = snprintf(text, MATRIX_ANSWER_SIZE, "bind %s", matrix_errno_text(answer->bind, bind));
    if (answer->listen != MATRIX_NOT_ASKED)
        snprintf(text + size, MATRIX_ANSWER_SIZE - (size_t)size, ", listen %s",
                 matrix_errno_text(answer->listen, listen));
    return text;
}

const struct rule_text *matrix_rule(const struct matrix_cell *cell) {
    return rules_text(cell->want.bind != 0 ? cell->bind_rule : cell->listen_rule);
}

char matrix_mark(const struct matrix_cell *cell) {
    if (!matrix_measured(cell))
        return ' ';
    if (!matrix_agrees(cell))
        return '!';
    return cell->got.bind != 0 ? '.' : cell->got.listen > 0 ? 'b' : '+';
}

/* --- for people ---
 *
 * A grid for each state of the first socket, with a row for each address and option of the first
 * socket, which has the port, and a column for each address of the second one, which wants it. A
 * cell has four marks for the options of the second socket. The widest grid has 79 columns. If only
 * a few pairs are chosen, they are shown as text instead. */

enum { ADDRESS = 10, LABEL = 14, MARKS = 5, FEW = 16, PARTS = 2, PART_SIZE = 16, LINE_SIZE = 128 };

/* What the first socket is. */
static const char *const state_lines[MATRIX_STATES] = {
    "a bound socket", "a listening socket", "an accepted socket whose listener is closed",
    "an accepted socket that closed first, and whose listener is closed",
    "a bound socket, which listens after the second bind()"};
static const char *const udp_state_lines[MATRIX_STATES] = {
    [MATRIX_BOUND] = "a bound socket", [MATRIX_ESTABLISHED] = "a bound and connected socket"};

/* Splits the name of an address into two lines: `::ffff:` and `127.0.0.1`, `::` and `v6only`, `::`
 * and `from IPv4`. */
static void split_name(const char *name, char parts[PARTS][PART_SIZE]) {
    static const char mapped[] = "::ffff:", client[] = ":: (";
    if (strncmp(name, client, strlen(client)) == 0) {
        snprintf(parts[0], PART_SIZE, "::");
        snprintf(parts[1], PART_SIZE, "from %.*s", (int)strlen("IPv4"), name + strlen(client));
        return;
    }
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

/* Prints a line without the spaces at its end. */
static void print_line(const char *line, FILE *out) {
    size_t size = strlen(line);
    while (size > 0 && line[size - 1] == ' ')
        size--;
    fprintf(out, "%.*s\n", (int)size, line);
}

/* Appends a column to a line. It is as wide as the heading and the marks of the address. */
static void add_column(char *line, unsigned address, const char *text) {
    char parts[PARTS][PART_SIZE];
    size_t used = strlen(line), width = MARKS;
    split_name(matrix_addresses[address].name, parts);
    for (unsigned i = 0; i < PARTS; i++)
        width = strlen(parts[i]) > width ? strlen(parts[i]) : width;
    snprintf(line + used, LINE_SIZE - used, " %-*s", (int)width, text);
}

static void print_heading(const struct matrix_choice *choice, FILE *out) {
    char parts[PARTS][PART_SIZE], line[LINE_SIZE];
    for (unsigned part = 0; part <= PARTS; part++) {
        snprintf(line, sizeof line, "%-*s", LABEL, part == 0 ? "first \\ second" : "");
        for (unsigned i = 0; i < MATRIX_ADDRESSES; i++) {
            split_name(matrix_addresses[i].name, parts);
            if (any_end(choice->second, i))
                add_column(line, i, part < PARTS ? parts[part] : "nAPB");
        }
        print_line(line, out);
    }
}

/* Appends the cells of a row. */
static void add_cells(const struct matrix_findings *findings, struct matrix_pair pair, char *line) {
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++) {
        char marks[MATRIX_OPTIONS + 1] = "";
        if (!any_end(findings->choice->second, i))
            continue;
        for (unsigned k = 0; k < MATRIX_OPTIONS; k++) {
            pair.second = (struct matrix_end){i, k};
            marks[k] = findings->choice->second[i][k]
                           ? matrix_mark(matrix_cell(findings->matrix, &pair))
                           : ' ';
        }
        add_column(line, i, marks);
    }
}

static bool row_chosen(const struct matrix_choice *choice, enum matrix_user user, unsigned address,
                       unsigned options) {
    return choice->first[address][options] &&
           (user == MATRIX_SAME_USER || options == MATRIX_REUSEPORT || options == MATRIX_BOTH);
}

/* Prints the rows of one address. Its name takes two lines, even if there is only one row. */
static void print_group(const struct matrix_findings *findings, struct matrix_pair pair,
                        FILE *out) {
    static const char *const names[MATRIX_OPTIONS] = {"none", "ADDR", "PORT", "both"};
    char parts[PARTS][PART_SIZE], line[LINE_SIZE];
    unsigned lines = 0;
    if (!matrix_has_first(findings->matrix->protocol, pair.state, pair.first.address))
        return;
    split_name(matrix_first_name(findings->matrix->protocol, pair.state, pair.first.address),
               parts);
    for (unsigned i = 0; i < MATRIX_OPTIONS; i++) {
        if (!row_chosen(findings->choice, pair.user, pair.first.address, i))
            continue;
        pair.first.options = i;
        snprintf(line, sizeof line, "%-*s%-*s", ADDRESS, lines < PARTS ? parts[lines] : "",
                 LABEL - ADDRESS, names[i]);
        add_cells(findings, pair, line);
        print_line(line, out);
        lines++;
    }
    if (lines == 1 && parts[1][0] != '\0')
        fprintf(out, "%s\n", parts[1]);
}

static void print_grid(const struct matrix_findings *findings, enum matrix_state state,
                       enum matrix_user user, FILE *out) {
    struct matrix_pair pair = {.user = user, .state = state};
    bool any = false;
    for (unsigned i = 0; i < MATRIX_FIRSTS; i++)
        for (unsigned k = 0; k < MATRIX_OPTIONS; k++)
            any |= row_chosen(findings->choice, user, i, k) &&
                   matrix_has_first(findings->matrix->protocol, state, i);
    if (!any)
        return;
    bool udp = findings->matrix->protocol == PROTOCOL_UDP;
    fprintf(out, "\n%s: %s%s\n\n", matrix_state_name(findings->matrix->protocol, state),
            udp ? udp_state_lines[state] : state_lines[state],
            user == MATRIX_OTHER_USER ? ".\nThe second socket belongs to another user." : "");
    print_heading(findings->choice, out);
    for (unsigned i = 0; i < MATRIX_FIRSTS; i++) {
        pair.first.address = matrix_row(i);
        print_group(findings, pair, out);
    }
}

static void print_legend(const struct matrix *matrix, FILE *out) {
    fputs(matrix->protocol == PROTOCOL_UDP
              ? "\nThe first UDP socket has the port. Can the second one bind to it?\n"
                "  +  yes    .  no: EADDRINUSE    !  not as the model says\n"
              : "\nThe first socket has the port. Can the second one bind to it, and then listen?\n"
                "  +  both    b  bind only    .  neither: EADDRINUSE    !  not as the model says\n",
          out);
    fputs("Options: none, ADDR (SO_REUSEADDR), PORT (SO_REUSEPORT), both. A row is for the\n"
          "first socket; the four marks of a cell are for the second: n, A, P, B.\n",
          out);
    if (matrix->protocol != PROTOCOL_UDP && matrix->ipv6)
        fputs("from IPv4, from IPv6: the client of the connection that a socket on :: accepted.\n",
              out);
    if (!matrix->ipv6)
        fputs("IPv6 is left out: it is not available here.\n", out);
    if (!matrix->users)
        fputs("Sockets of another user are left out: that needs root.\n", out);
}

/* Prints pairs as text, those that disagree or all that are chosen: the answers, and the rule that
 * decided. */
static void print_pairs(const struct matrix_findings *findings, bool disagreeing, FILE *out) {
    struct matrix_pair pair = {0};
    char text[MATRIX_PAIR_SIZE], answer[MATRIX_ANSWER_SIZE];
    do {
        const struct matrix_cell *cell = matrix_cell(findings->matrix, &pair);
        if (!matrix_shown(findings, &pair) || (disagreeing && matrix_agrees(cell)))
            continue;
        fputc('\n', out);
        layout_wrap(out, matrix_pair_text(findings->matrix, &pair, text), 4, 0);
        if (!matrix_agrees(cell)) {
            fprintf(out, "    want %s (by the model)\n", matrix_answer_text(&cell->want, answer));
            fprintf(out, "    got  %s (by the kernel)\n", matrix_answer_text(&cell->got, answer));
        } else {
            fprintf(out, "    %s\n", matrix_answer_text(&cell->got, answer));
        }
        int size = fprintf(out, "    %s: ", matrix_rule(cell)->name);
        layout_wrap(out, matrix_rule(cell)->says, 4, (unsigned)size);
    } while (matrix_next(&pair));
}

static void write_text(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    const struct matrix *matrix = findings->matrix;
    struct matrix_pair pair = {0};
    char line[REPORT_LINE_SIZE];
    size_t shown = 0;
    fprintf(out, "%s\n", matrix_verdict(matrix, line));
    if (matrix->verdict == VERDICT_SKIP || matrix->verdict == VERDICT_ERROR) {
        fputc('\n', out);
        layout_wrap(out, matrix->reason, 0, 0);
        return;
    }
    do
        shown += matrix_shown(findings, &pair);
    while (matrix_next(&pair));
    print_pairs(findings, shown > FEW, out);
    if (shown > FEW) {
        print_legend(matrix, out);
        matrix_each_grid(findings, print_grid, out);
    }
}

static const struct format format_matrix_text = {
    .name = "text",
    .extensions = ".txt",
    .line = "for people; the default",
    .write = write_text,
};

/* --- the subject --- */

static void summarize_matrix(const struct report *report, struct summary *summary) {
    const struct matrix_findings *findings = report->findings;
    summary->severity = severity_of(findings->matrix->verdict);
    summary->verdict = verdict_name(findings->matrix->verdict);
    matrix_verdict(findings->matrix, summary->line);
}

extern const struct format format_matrix_json, format_matrix_csv, format_matrix_markdown,
    format_matrix_svg;

static const struct format *const formats[] = {
    &format_matrix_text,     &format_matrix_json, &format_matrix_csv,
    &format_matrix_markdown, &format_matrix_svg,  NULL,
};

const struct subject subject_matrix = {
    .name = "matrix",
    .schema = 2,
    .formats = formats,
    .summarize = summarize_matrix,
};
