/* The matrix for people.
 *
 * By default a summary (summary.c). Where something is chosen, a grid for each state of the first
 * socket, with a row for each address and option of the first socket, which has the port, and a
 * column for each address of the second one, which wants it. A cell has four marks for the options
 * of the second socket. The widest grid has 79 columns. If only a few pairs are chosen, they are
 * shown as text instead. */
#include <stdio.h>
#include <string.h>

#include "report/matrix/matrix.h"
#include "report/shared/layout.h"

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

const struct format format_matrix_text = {
    .name = "text",
    .extensions = ".txt",
    .line = "for people; the default",
    .write = write_text,
};
