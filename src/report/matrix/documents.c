/* The matrix as a document in Markdown, with a table for each state of the first socket. */
#include "report/matrix/matrix.h"

/* --- Markdown --- */

/* Writes a row: for each address of the second socket the marks of its options. */
static void write_row(const struct matrix_findings *findings, struct matrix_pair pair, FILE *out) {
    char first[MATRIX_NAME_SIZE];
    fprintf(out, "| %s %s |", matrix_first_name(pair.state, pair.first.address, first),
            matrix_options_names[pair.first.options]);
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++) {
        fputs(" `", out);
        for (unsigned k = 0; k < MATRIX_OPTIONS; k++) {
            pair.second = (struct matrix_end){i, k};
            char mark = matrix_mark(matrix_cell(findings->matrix, &pair));
            fputc(mark == ' ' ? '-' : mark, out);
        }
        fputs("` |", out);
    }
    fputc('\n', out);
}

static bool has_row(const struct matrix_findings *findings, struct matrix_pair pair) {
    for (unsigned i = 0; i < MATRIX_ADDRESSES * MATRIX_OPTIONS; i++) {
        pair.second = (struct matrix_end){i / MATRIX_OPTIONS, i % MATRIX_OPTIONS};
        if (matrix_cell(findings->matrix, &pair)->measured)
            return true;
    }
    return false;
}

static void write_table(const struct matrix_findings *findings, struct matrix_pair pair,
                        unsigned number, void *context) {
    (void)number;
    FILE *out = context;
    char title[MATRIX_PAIR_SIZE];
    fprintf(out, "\n## %s\n\n%s\n\n| first |", matrix_grid_title(findings->matrix, &pair, title),
            matrix_state_line(findings->matrix->protocol, pair.state));
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++)
        fprintf(out, " %s |", matrix_addresses[i].name);
    fputs("\n|---|", out);
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++)
        fputs("---|", out);
    fputc('\n', out);
    for (unsigned i = 0; i < MATRIX_FIRSTS; i++)
        for (unsigned k = 0; k < MATRIX_OPTIONS; k++) {
            pair.first = (struct matrix_end){matrix_row(i), k};
            if (has_row(findings, pair))
                write_row(findings, pair, out);
        }
}

/* What the text form says by default: the tables have only the states of which every address was
 * tried. */
static void write_summary(const struct matrix_findings *findings, FILE *out) {
    if (findings->matrix->verdict == VERDICT_FAIL) {
        fputs("\n## Not as the model says\n\n```text", out);
        matrix_print_pairs(findings, true, out);
        fputs("```\n", out);
    }
    if (findings->grids)
        return;
    fputs("\n## In short\n\n```text\n", out);
    matrix_print_left_out(&findings->matrix->means, out);
    matrix_print_summary(findings, out);
    fputs("```\n", out);
}

static void write_markdown(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    const struct matrix *matrix = findings->matrix;
    char line[REPORT_LINE_SIZE];
    bool udp = matrix->protocol == PROTOCOL_UDP;
    if (matrix->verdict == VERDICT_SKIP || matrix->verdict == VERDICT_ERROR) {
        fprintf(out, "# Which sockets may share a port\n\n%s\n\n%s\n", matrix_verdict(matrix, line),
                matrix->reason);
        return;
    }
    fprintf(out,
            "# Which %ssockets may share a port on Linux %s\n\n%s\n\n"
            "A row is a socket that has the port; a column is the address of a second socket that "
            "wants it. The four\nmarks of a cell are for the options of the second socket: none, "
            "SO_REUSEADDR, SO_REUSEPORT, both.\n\n"
            "| mark | |\n|---|---|\n| `+` | %s |\n%s"
            "| `.` | bind() fails with EADDRINUSE; connect() without bind() fails with %s |\n"
            "| `-` | not tried |\n| `!` | the kernel contradicts the model |\n",
            udp ? "UDP " : "", matrix->kernel, matrix_verdict(matrix, line),
            udp ? "bind() or connect() succeeds"
                : "bind() and then listen() succeed; connect() succeeds",
            udp ? ""
                : "| `b` | bind() succeeds; then listen() fails with EADDRINUSE, connect() with "
                  "EADDRNOTAVAIL |\n",
            udp ? "EAGAIN" : "EADDRNOTAVAIL");
    write_summary(findings, out);
    matrix_each_grid(findings, write_table, out);
}

const struct format format_matrix_markdown = {
    .name = "markdown",
    .extensions = ".md .markdown",
    .line = "tables, for a page of a wiki",
    .write = write_markdown,
};
