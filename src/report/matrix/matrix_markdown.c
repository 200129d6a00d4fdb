/* The matrix for documents: a table for each state, its cells four marks for the four sets of
 * options of the second socket. */
#include "report/matrix/matrix_report.h"

static void write_cell(const struct matrix *matrix, const struct matrix_choice *choice,
                       struct matrix_pair pair, FILE *out) {
    fputs(" `", out);
    for (unsigned i = 0; i < MATRIX_OPTIONS; i++) {
        pair.second.options = i;
        bool shown = matrix_shown(matrix, choice, &pair);
        fputc(shown ? matrix_mark(matrix_cell(matrix, &pair)) : '-', out);
    }
    fputs("` |", out);
}

static void write_row(const struct matrix *matrix, const struct matrix_choice *choice,
                      struct matrix_pair pair, FILE *out) {
    fprintf(out, "| %s %s |", matrix_addresses[pair.first.address].name,
            matrix_options_names[pair.first.options]);
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++) {
        pair.second.address = i;
        write_cell(matrix, choice, pair, out);
    }
    fputc('\n', out);
}

static void write_head(enum matrix_state state, enum matrix_user user, FILE *out) {
    fprintf(out, "\n## %s%s\n\n| first |", matrix_state_names[state],
            user == MATRIX_OTHER_USER ? ", another user" : "");
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++)
        fprintf(out, " %s |", matrix_addresses[i].name);
    fputs("\n|---|", out);
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++)
        fputs("---|", out);
    fputc('\n', out);
}

static void write_table(const struct matrix *matrix, const struct matrix_choice *choice,
                        enum matrix_state state, enum matrix_user user, FILE *out) {
    struct matrix_pair pair = {.user = user, .state = state};
    write_head(state, user, out);
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++)
        for (unsigned k = 0; k < MATRIX_OPTIONS; k++) {
            pair.first = (struct matrix_end){i, k};
            if (choice->first[i][k] && (user == MATRIX_SAME_USER || k >= MATRIX_REUSEPORT))
                write_row(matrix, choice, pair, out);
        }
}

static void write_markdown(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    const struct matrix *matrix = findings->matrix;
    const struct matrix_choice *choice = findings->choice;
    char line[REPORT_LINE_SIZE];
    fprintf(out,
            "# Which sockets may share a port on Linux %s\n\n%s\n\n"
            "A row is the socket that has the port, a column the address of the one that wants it; "
            "the four marks\nof a cell are for no option, SO_REUSEADDR, SO_REUSEPORT and both of "
            "the second socket.\n\n"
            "| mark | |\n|---|---|\n| `+` | bind() and listen() succeed |\n"
            "| `b` | bind() succeeds, listen() says EADDRINUSE |\n"
            "| `.` | bind() says EADDRINUSE |\n| `!` | the kernel contradicts the model |\n",
            matrix->kernel, matrix_verdict(matrix, line));
    for (unsigned state = 0; state < MATRIX_STATES; state++)
        for (unsigned user = 0; user < MATRIX_USERS; user++)
            if (choice->states[state] && (user == MATRIX_SAME_USER || matrix->users))
                write_table(matrix, choice, state, user, out);
}

const struct format format_matrix_markdown = {
    .name = "markdown",
    .endings = ".md .markdown",
    .line = "tables, as a page of a wiki",
    .write = write_markdown,
};
