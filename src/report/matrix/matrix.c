/* What the formats of the matrix share (which pairs are shown, and what they are called), and the
 * text for people. */
#include <stdio.h>
#include <string.h>

#include "base/errnames.h"
#include "base/text.h"
#include "base/units.h"
#include "model/quirks.h"
#include "report/matrix/matrix.h"
#include "report/shared/layout.h"

/* --- the choice --- */

/* Everything is in the sample of the first states with bind() alone. */
bool matrix_has_grid(const struct matrix_findings *findings, const struct matrix_pair *pair) {
    const struct matrix *matrix = findings->matrix;
    const struct matrix_choice *choice = findings->choice;
    bool core = pair->state < STORIES_CORE && pair->call == STORY_CALL_BIND &&
                pair->device == MATRIX_NO_DEVICE;
    return matrix_has_state(matrix->protocol, pair->state) && choice->states[pair->state] &&
           choice->calls[pair->call] && choice->devices[pair->device] &&
           (matrix->means.users || pair->user == MATRIX_SAME_USER) && (core || !choice->sample);
}

static bool grid_has_pair(const struct matrix_findings *findings, const struct matrix_pair *grid) {
    struct matrix_pair pair = *grid;
    for (unsigned i = 0; i < MATRIX_FIRSTS * MATRIX_OPTIONS; i++)
        for (unsigned k = 0; k < MATRIX_ADDRESSES * MATRIX_OPTIONS; k++) {
            pair.first = (struct matrix_end){i / MATRIX_OPTIONS, i % MATRIX_OPTIONS};
            pair.second = (struct matrix_end){k / MATRIX_OPTIONS, k % MATRIX_OPTIONS};
            if (matrix_cell(findings->matrix, &pair)->measured)
                return true;
        }
    return false;
}

/* The ways to ask: the calls without a device, and then bind() with one. */
static struct matrix_pair grid_of(unsigned state, unsigned way, unsigned user) {
    bool device = way >= STORY_CALLS;
    return (struct matrix_pair){
        .state = state,
        .user = (enum matrix_user)user,
        .call = (enum story_call)(device ? STORY_CALL_BIND : way),
        .device = (enum matrix_device)(device ? way - STORY_CALLS + 1 : MATRIX_NO_DEVICE)};
}

unsigned matrix_each_grid(const struct matrix_findings *findings, matrix_grid *grid,
                          void *context) {
    unsigned count = 0;
    for (unsigned i = 0; i < STORIES * MATRIX_WAYS * MATRIX_USERS; i++) {
        struct matrix_pair pair = grid_of(i / (MATRIX_WAYS * MATRIX_USERS),
                                          i / MATRIX_USERS % MATRIX_WAYS, i % MATRIX_USERS);
        if (!matrix_has_grid(findings, &pair) || !grid_has_pair(findings, &pair))
            continue;
        if (grid != NULL)
            grid(findings, pair, count, context);
        count++;
    }
    return count;
}

const char *matrix_grid_title(const struct matrix *matrix, const struct matrix_pair *pair,
                              char *text) {
    static const char *const calls[STORY_CALLS] = {"", ", bind() to port 0", ", connect()",
                                                   ", bind() and connect()"};
    static const char *const devices[MATRIX_DEVICES] = {
        "", ", the first socket on lo", ", the second socket on lo", ", both sockets on lo",
        ", the first socket on lo, the second on another device"};
    snprintf(text, MATRIX_PAIR_SIZE, "%s%s%s%s", matrix_state_name(matrix->protocol, pair->state),
             pair->user == MATRIX_OTHER_USER ? ", another user" : "", calls[pair->call],
             devices[pair->device]);
    return text;
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
    if (row->family != NULL && word_is(word, size, row->family))
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

/* Writes ` of Linux 6.1` where the model takes into account what that does otherwise than others.
 */
static const char *model_of(const struct matrix *matrix, char *text, size_t size) {
    struct kernel_release release = {0};
    text[0] = '\0';
    if (quirks_any(matrix->quirks) && release_parse(matrix->kernel, true, &release))
        snprintf(text, size, " of Linux %u.%u", release.part[0], release.part[1]);
    return text;
}

const char *matrix_verdict(const struct matrix *matrix, char *text) {
    struct composed line;
    FILE *out = compose_begin(&line);
    char model[24];
    const char *udp = matrix->protocol == PROTOCOL_UDP ? "UDP " : "";
    model_of(matrix, model, sizeof model);
    if (matrix->verdict == VERDICT_PASS)
        fprintf(out, "PASS matrix: %zu pair%s of %ssockets, as the model%s says", matrix->pairs,
                matrix->pairs == 1 ? "" : "s", udp, model);
    else if (matrix->verdict == VERDICT_FAIL)
        fprintf(out, "FAIL matrix: %zu of %zu pairs of %ssockets not as the model%s says",
                matrix->disagreements, matrix->pairs, udp, model);
    else
        fprintf(out, "%s matrix: %s", verdict_name(matrix->verdict), matrix->reason);
    layout_line_end(&line, text);
    return text;
}

/* What is not so by default is said behind the rest. */
const char *matrix_pair_text(const struct matrix *matrix, const struct matrix_pair *pair,
                             char *text) {
    static const char *const calls[STORY_CALLS] = {"", " to port 0", "", ""};
    static const char *const devices[MATRIX_DEVICES] = {
        "", "; the first on lo", "; the second on lo", "; both on lo",
        "; the first on lo, the second on another device"};
    char first[MATRIX_NAME_SIZE];
    snprintf(text, MATRIX_PAIR_SIZE, "%s %s %s, then %s%s %s%s%s%s",
             matrix_state_name(matrix->protocol, pair->state),
             matrix_first_name(pair->state, pair->first.address, first),
             matrix_options_names[pair->first.options],
             pair->call == STORY_CALL_CONNECT ? "connect() to " : "",
             matrix_addresses[pair->second.address].name,
             matrix_options_names[pair->second.options], calls[pair->call],
             pair->user == MATRIX_OTHER_USER ? " of another user" : "", devices[pair->device]);
    return text;
}

const char *matrix_errno_text(int error, char *text) {
    if (error == MATRIX_NOT_ASKED)
        return "-";
    return error == 0 ? "ok" : errname(error, text);
}

const char *matrix_answer_text(const struct matrix_answer *answer, char *text) {
    const int answers[] = {answer->bind, answer->listen, answer->connect};
    static const char *const names[] = {"bind", "listen", "connect"};
    char error[ERRNAME_SIZE];
    size_t size = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (answers[i] != MATRIX_NOT_ASKED)
            size += (size_t)snprintf(text + size, MATRIX_ANSWER_SIZE - size, "%s%s %s",
                                     size == 0 ? "" : ", ", names[i],
                                     matrix_errno_text(answers[i], error));
    return text;
}

char matrix_mark(const struct matrix_cell *cell) {
    if (!cell->measured)
        return ' ';
    if (!matrix_agrees(cell))
        return '!';
    if (cell->got.bind > 0 || (cell->got.bind == MATRIX_NOT_ASKED && cell->got.connect > 0))
        return '.';
    return cell->got.listen > 0 || cell->got.connect > 0 ? 'b' : '+';
}

/* --- for people ---
 *
 * By default a summary (summary.c). Where something is chosen, a grid for each state of the first
 * socket, with a row for each address and option of the first socket, which has the port, and a
 * column for each address of the second one, which wants it. A cell has four marks for the options
 * of the second socket. The widest grid has 79 columns. If only a few pairs are chosen, they are
 * shown as text instead. */

enum { ADDRESS = 10, LABEL = 14, MARKS = 5, FEW = 16, PARTS = 2, PART_SIZE = 16, LINE_SIZE = 128 };

/* Splits the name of an address into two lines: `::ffff:` and `127.0.0.1`, `::` and `v6only`, `::`
 * and `over IPv4`. */
static void split_name(const char *name, char parts[PARTS][PART_SIZE]) {
    static const char mapped[] = "::ffff:", client[] = ":: (";
    if (strncmp(name, client, strlen(client)) == 0) {
        snprintf(parts[0], PART_SIZE, "::");
        snprintf(parts[1], PART_SIZE, "over %.*s", (int)strlen("IPv4"), name + strlen(client));
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

/* Returns whether anything was measured with this first socket. */
static bool row_shown(const struct matrix_findings *findings, struct matrix_pair pair) {
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++)
        for (unsigned k = 0; k < MATRIX_OPTIONS; k++) {
            pair.second = (struct matrix_end){i, k};
            if (matrix_cell(findings->matrix, &pair)->measured)
                return true;
        }
    return false;
}

/* Prints the rows of one address. Its name takes two lines, even if there is only one row. */
static void print_group(const struct matrix_findings *findings, struct matrix_pair pair,
                        FILE *out) {
    static const char *const names[MATRIX_OPTIONS] = {"none", "ADDR", "PORT", "both"};
    char parts[PARTS][PART_SIZE], line[LINE_SIZE], name[MATRIX_NAME_SIZE];
    unsigned lines = 0;
    split_name(matrix_first_name(pair.state, pair.first.address, name), parts);
    for (unsigned i = 0; i < MATRIX_OPTIONS; i++) {
        pair.first.options = i;
        if (!row_shown(findings, pair))
            continue;
        snprintf(line, sizeof line, "%-*s%-*s", ADDRESS, lines < PARTS ? parts[lines] : "",
                 LABEL - ADDRESS, names[i]);
        add_cells(findings, pair, line);
        print_line(line, out);
        lines++;
    }
    if (lines == 1 && parts[1][0] != '\0')
        fprintf(out, "%s\n", parts[1]);
}

static void print_grid(const struct matrix_findings *findings, struct matrix_pair pair,
                       unsigned number, void *context) {
    (void)number;
    FILE *out = context;
    char title[MATRIX_PAIR_SIZE];
    fputc('\n', out);
    layout_wrap(out, matrix_grid_title(findings->matrix, &pair, title), 0, 0);
    fputs("    ", out);
    layout_wrap(out, matrix_state_line(findings->matrix->protocol, pair.state), 4, 4);
    fputc('\n', out);
    print_heading(findings->choice, out);
    for (unsigned i = 0; i < MATRIX_FIRSTS; i++) {
        pair.first.address = matrix_row(i);
        print_group(findings, pair, out);
    }
}

static void print_legend(const struct matrix *matrix, FILE *out) {
    bool udp = matrix->protocol == PROTOCOL_UDP;
    fputs(udp ? "\nThe first UDP socket has the port. Can the second one bind to it?\n"
                "  +  yes    .  no    !  not as the model says\n"
              : "\nThe first socket has the port. Can the second one bind to it, and then listen?\n"
                "  +  both    b  bind only    .  neither    !  not as the model says\n",
          out);
    fprintf(out,
            "A refusal is EADDRINUSE; of connect(), it is %s.\n"
            "Options: none, ADDR (SO_REUSEADDR), PORT (SO_REUSEPORT), both.\n",
            udp ? "EAGAIN" : "EADDRNOTAVAIL");
}

void matrix_print_left_out(const struct matrix_means *means, FILE *out) {
    static const char *const lines[] = {
        "IPv6 is left out: it is not available here.",
        "Sockets of another user are left out: that needs root.",
        "Ports that the kernel chooses are left out: ip_local_port_range has no effect.",
        "A second device is left out: none can be made here.",
        "Closed connections are left out: sock_diag does not show them (modprobe tcp_diag).",
    };
    const bool there[] = {means->ipv6, means->users, means->ranges, means->devices, means->closed};
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (!there[i])
            layout_wrap(out, lines[i], 0, 0);
}

void matrix_print_pairs(const struct matrix_findings *findings, bool disagreeing, FILE *out) {
    struct matrix_pair pair = {0};
    char text[MATRIX_PAIR_SIZE], answer[MATRIX_ANSWER_SIZE];
    do {
        const struct matrix_cell *cell = matrix_cell(findings->matrix, &pair);
        if (!cell->measured || (disagreeing && matrix_agrees(cell)))
            continue;
        fputc('\n', out);
        layout_wrap(out, matrix_pair_text(findings->matrix, &pair, text), 4, 0);
        if (!matrix_agrees(cell)) {
            fprintf(out, "    want %s (by the model)\n", matrix_answer_text(&cell->want, answer));
            fprintf(out, "    got  %s (by the kernel)\n", matrix_answer_text(&cell->got, answer));
        } else {
            fprintf(out, "    %s\n", matrix_answer_text(&cell->got, answer));
        }
        int size = fprintf(out, "    %s: ", rules_text(cell->rule)->name);
        layout_wrap(out, rules_text(cell->rule)->says, 4, (unsigned)size);
    } while (matrix_next(findings->matrix->protocol, &pair));
}

static void write_text(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    const struct matrix *matrix = findings->matrix;
    char line[REPORT_LINE_SIZE];
    fprintf(out, "%s\n", matrix_verdict(matrix, line));
    if (matrix->verdict == VERDICT_SKIP || matrix->verdict == VERDICT_ERROR) {
        fputc('\n', out);
        layout_wrap(out, matrix->reason, 0, 0);
        return;
    }
    if (matrix->retried > 0)
        fprintf(out, "\nMade again, as at first they were not as the model says: %zu pairs\n",
                matrix->retried);
    matrix_print_pairs(findings, matrix->pairs > FEW, out);
    if (matrix->pairs <= FEW)
        return;
    print_legend(matrix, out);
    matrix_print_left_out(&matrix->means, out);
    if (!findings->grids) {
        matrix_print_summary(findings, out);
        return;
    }
    fputs("A row is for the first socket; the four marks of a cell are for the second: n,\n"
          "A, P, B. Over IPv4, over IPv6: the connection of a socket on ::.\n",
          out);
    matrix_each_grid(findings, print_grid, out);
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
    format_matrix_html, format_matrix_svg;

static const struct format *const formats[] = {
    &format_matrix_text,
    &format_matrix_json,
    &format_matrix_csv,
    &format_matrix_markdown,
    &format_matrix_html,
    &format_matrix_svg,
    NULL,
};

const struct subject subject_matrix = {
    .name = "matrix",
    .schema = 3,
    .formats = formats,
    .summarize = summarize_matrix,
};
