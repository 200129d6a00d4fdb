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

static void write_markdown(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    const struct matrix *matrix = findings->matrix;
    char line[REPORT_LINE_SIZE];
    bool udp = matrix->protocol == PROTOCOL_UDP;
    fprintf(out,
            "# Which %ssockets may share a port on Linux %s\n\n%s\n\n"
            "A row is a socket that has the port; a column is the address of a second socket that "
            "wants it. The four\nmarks of a cell are for the options of the second socket: none, "
            "SO_REUSEADDR, SO_REUSEPORT, both.\n\n"
            "| mark | |\n|---|---|\n| `+` | %s |\n%s"
            "| `.` | bind() fails with EADDRINUSE |\n| `!` | the kernel contradicts the model |\n",
            udp ? "UDP " : "", matrix->kernel, matrix_verdict(matrix, line),
            udp ? "bind() succeeds" : "bind() and listen() succeed",
            udp ? "" : "| `b` | bind() succeeds, listen() fails with EADDRINUSE |\n");
    matrix_each_grid(findings, write_table, out);
}

const struct format format_matrix_markdown = {
    .name = "markdown",
    .extensions = ".md .markdown",
    .line = "tables, for a page of a wiki",
    .write = write_markdown,
};
