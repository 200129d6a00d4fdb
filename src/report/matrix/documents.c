/* The matrix for documents: tables in Markdown and a picture in SVG, one for each state of the
 * first socket. In the picture, squares of one colour are one path, which keeps the file small. */
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
                        unsigned number, FILE *out) {
    (void)number;
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

/* --- SVG --- */

enum {
    CELL = 9,
    GAP = 4, /* between the groups of an address */
    COLUMNS = 2,
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

/* Returns how far a row or a column is from the first one. */
static int offset(struct matrix_end end) {
    return (int)end.address * (MATRIX_OPTIONS * CELL + GAP) + (int)end.options * CELL;
}

static void write_squares(const struct matrix_findings *findings, struct matrix_pair pair,
                          const struct kind *kind, FILE *out) {
    fprintf(out, "<path fill=\"%s\" d=\"", kind->fill);
    for (unsigned i = 0; i < MATRIX_FIRSTS * MATRIX_OPTIONS; i++)
        for (unsigned k = 0; k < MATRIX_ADDRESSES * MATRIX_OPTIONS; k++) {
            struct matrix_end row = {i / MATRIX_OPTIONS, i % MATRIX_OPTIONS};
            pair.first = (struct matrix_end){matrix_row(row.address), row.options};
            pair.second = (struct matrix_end){k / MATRIX_OPTIONS, k % MATRIX_OPTIONS};
            if (matrix_mark(matrix_cell(findings->matrix, &pair)) == kind->mark)
                fprintf(out, "M%d %dh%dv%dh-%dz", LABEL + offset(pair.second), HEAD + offset(row),
                        CELL - 1, CELL - 1, CELL - 1);
        }
    fputs("\"/>\n", out);
}

/* Two panels stand beside each other. */
static void write_panel(const struct matrix_findings *findings, struct matrix_pair pair,
                        unsigned number, FILE *out) {
    char text[MATRIX_PAIR_SIZE];
    fprintf(out, "<g transform=\"translate(%d %d)\">\n", (int)(number % COLUMNS) * PANEL,
            LEGEND + (int)(number / COLUMNS) * PANEL_HEIGHT);
    fprintf(out, "<text x=\"6\" y=\"20\" class=\"title\">%s</text>\n",
            matrix_grid_title(findings->matrix, &pair, text));
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++) {
        int middle = offset((struct matrix_end){i, 2});
        fprintf(out, "<text transform=\"translate(%d %d) rotate(-60)\">%s</text>\n",
                LABEL + middle + 4, HEAD - 6, matrix_addresses[i].name);
    }
    for (unsigned i = 0; i < MATRIX_FIRSTS; i++) {
        pair.first.address = matrix_row(i);
        if (matrix_has_first(pair.state, matrix_row(i)))
            fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LABEL - 6,
                    HEAD + offset((struct matrix_end){i, 2}) + 4,
                    matrix_first_name(pair.state, matrix_row(i), text));
    }
    for (unsigned i = 0; i < KINDS; i++)
        write_squares(findings, pair, &kinds[i], out);
    fputs("</g>\n", out);
}

static void write_svg(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    const struct matrix *matrix = findings->matrix;
    unsigned panels = matrix_each_grid(findings, NULL, out);
    int width = COLUMNS * PANEL,
        height = LEGEND + (int)((panels + COLUMNS - 1) / COLUMNS) * PANEL_HEIGHT;
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
