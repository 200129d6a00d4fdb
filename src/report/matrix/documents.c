/* The matrix for documents: tables in Markdown and a picture in SVG, one for each state of the
 * first socket. In the picture, squares of one colour are one path, which keeps the file small. */
#include "report/matrix/matrix.h"

/* --- Markdown --- */

/* Writes a row: for each address of the second socket the marks of its options. */
static void write_row(const struct matrix_findings *findings, struct matrix_pair pair, FILE *out) {
    fprintf(out, "| %s %s |",
            matrix_first_name(findings->matrix->protocol, pair.state, pair.first.address),
            matrix_options_names[pair.first.options]);
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++) {
        fputs(" `", out);
        for (unsigned k = 0; k < MATRIX_OPTIONS; k++) {
            pair.second = (struct matrix_end){i, k};
            bool shown = matrix_shown(findings, &pair);
            fputc(shown ? matrix_mark(matrix_cell(findings->matrix, &pair)) : '-', out);
        }
        fputs("` |", out);
    }
    fputc('\n', out);
}

static void write_table(const struct matrix_findings *findings, enum matrix_state state,
                        enum matrix_user user, FILE *out) {
    struct matrix_pair pair = {.user = user, .state = state};
    fprintf(out, "\n## %s%s\n\n| first |", matrix_state_name(findings->matrix->protocol, state),
            user == MATRIX_OTHER_USER ? ", another user" : "");
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++)
        fprintf(out, " %s |", matrix_addresses[i].name);
    fputs("\n|---|", out);
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++)
        fputs("---|", out);
    fputc('\n', out);
    for (unsigned i = 0; i < MATRIX_FIRSTS; i++)
        for (unsigned k = 0; k < MATRIX_OPTIONS; k++) {
            pair.first = (struct matrix_end){matrix_row(i), k};
            if (findings->choice->first[pair.first.address][k] &&
                matrix_has_first(findings->matrix->protocol, state, pair.first.address) &&
                (user == MATRIX_SAME_USER || k >= MATRIX_REUSEPORT))
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

/* --- SVG --- */

enum {
    CELL = 9,
    GAP = 4, /* between the groups of an address */
    LABEL = 130,
    HEAD = 120,
    MARGIN = 20,
    LEGEND = 60,
    PANEL = LABEL + MATRIX_ADDRESSES * (MATRIX_OPTIONS * CELL + GAP) + MARGIN,
    PANEL_HEIGHT = HEAD + MATRIX_FIRSTS * (MATRIX_OPTIONS * CELL + GAP) + MARGIN
};

/* What a mark means, and its colour; they can be told apart without seeing red and green. */
static const struct kind {
    char mark;
    const char *fill, *words;
} kinds[] = {
    {'+', "#2c7fb8", "bind() and listen() succeed"},
    {'b', "#7fcdbb", "bind() succeeds, listen() fails with EADDRINUSE"},
    {'.', "#e8e4d8", "bind() fails with EADDRINUSE"},
    {'!', "#d7301f", "the kernel contradicts the model"},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Returns the place of an address of the first socket: see matrix_row(). */
static unsigned place(unsigned address) {
    unsigned row = 0;
    while (matrix_row(row) != address)
        row++;
    return row;
}

/* Returns how far a row or a column is from the first one. */
static int offset(struct matrix_end end) {
    return (int)end.address * (MATRIX_OPTIONS * CELL + GAP) + (int)end.options * CELL;
}

static void write_squares(const struct matrix_findings *findings, enum matrix_state state,
                          enum matrix_user user, const struct kind *kind, FILE *out) {
    struct matrix_pair pair = {0};
    fprintf(out, "<path fill=\"%s\" d=\"", kind->fill);
    do {
        if (pair.state == state && pair.user == user && matrix_shown(findings, &pair) &&
            matrix_mark(matrix_cell(findings->matrix, &pair)) == kind->mark)
            fprintf(out, "M%d %dh%dv%dh-%dz", LABEL + offset(pair.second),
                    HEAD +
                        offset((struct matrix_end){place(pair.first.address), pair.first.options}),
                    CELL - 1, CELL - 1, CELL - 1);
    } while (matrix_next(&pair));
    fputs("\"/>\n", out);
}

/* Returns the row of panels of a state: there are none for states that the protocol lacks. */
static unsigned panel_row(enum protocol protocol, enum matrix_state state) {
    unsigned row = 0;
    for (unsigned i = 0; i < state; i++)
        row += matrix_has_state(protocol, (enum matrix_state)i);
    return row;
}

static void write_panel(const struct matrix_findings *findings, enum matrix_state state,
                        enum matrix_user user, FILE *out) {
    fprintf(out, "<g transform=\"translate(%d %d)\">\n", (int)user * PANEL,
            LEGEND + (int)panel_row(findings->matrix->protocol, state) * PANEL_HEIGHT);
    fprintf(out, "<text x=\"6\" y=\"20\" class=\"title\">%s%s</text>\n",
            matrix_state_name(findings->matrix->protocol, state),
            user == MATRIX_OTHER_USER ? ", another user" : "");
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++) {
        int middle = offset((struct matrix_end){i, 2});
        fprintf(out, "<text transform=\"translate(%d %d) rotate(-60)\">%s</text>\n",
                LABEL + middle + 4, HEAD - 6, matrix_addresses[i].name);
    }
    for (unsigned i = 0; i < MATRIX_FIRSTS; i++)
        if (matrix_has_first(findings->matrix->protocol, state, matrix_row(i)))
            fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LABEL - 6,
                    HEAD + offset((struct matrix_end){i, 2}) + 4,
                    matrix_first_name(findings->matrix->protocol, state, matrix_row(i)));
    for (unsigned i = 0; i < KINDS; i++)
        write_squares(findings, state, user, &kinds[i], out);
    fputs("</g>\n", out);
}

static void write_svg(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    const struct matrix *matrix = findings->matrix;
    int width = MATRIX_USERS * PANEL,
        height = LEGEND + (int)panel_row(matrix->protocol, MATRIX_STATES) * PANEL_HEIGHT;
    bool udp = matrix->protocol == PROTOCOL_UDP;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"11\">\n"
            "<style>.title{font-size:14px;font-weight:bold}</style>\n"
            "<title>Which %ssockets may share a port on Linux %s</title>\n"
            "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
            width, height, udp ? "UDP " : "", matrix->kernel, width, height);
    for (unsigned i = 0; i < KINDS; i++)
        if (!udp || kinds[i].mark != 'b')
            fprintf(out,
                    "<rect x=\"%u\" y=\"8\" width=\"8\" height=\"8\" fill=\"%s\"/>"
                    "<text x=\"%u\" y=\"16\">%s</text>\n",
                    8 + 250 * i, kinds[i].fill, 20 + 250 * i,
                    udp && kinds[i].mark == '+' ? "bind() succeeds" : kinds[i].words);
    fputs("<text x=\"8\" y=\"34\">rows: the socket that has the port; columns: the one that wants "
          "it</text>\n<text x=\"8\" y=\"50\">in each group: no option, SO_REUSEADDR, SO_REUSEPORT, "
          "both</text>\n",
          out);
    matrix_each_grid(findings, write_panel, out);
    fputs("</svg>\n", out);
}

const struct format format_matrix_svg = {
    .name = "svg",
    .extensions = ".svg",
    .line = "a picture",
    .write = write_svg,
};
