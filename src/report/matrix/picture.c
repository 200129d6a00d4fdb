/* The matrix as a picture: a panel for each state of the first socket, and a key. In SVG they stand
 * in one picture, in HTML beside or below each other as there is room. What a square means can be
 * told without seeing colours. The squares of one kind are one path, which keeps the file small. */
#include <string.h>

#include "base/text.h"
#include "report/matrix/matrix.h"
#include "report/shared/page.h"
#include "report/shared/picture.h"

enum {
    CELL = 9,
    GROUP = MATRIX_OPTIONS * CELL + 5, /* of an address */
    LABEL = 88,                        /* left of the squares */
    HEAD = 138,                        /* above them: the title, and the addresses */
    PANEL = LABEL + MATRIX_ADDRESSES * GROUP + 4,
    PANEL_HEIGHT = HEAD + MATRIX_FIRSTS * GROUP,
    TITLE_COLUMNS = PANEL / 7, /* in a font that is narrower than the others */
    KEY_CELL = 26,
    KEY_LABEL = 104,
    KEY = 304,
    KEY_HEIGHT = 16 + KEY_LABEL + MATRIX_OPTIONS * KEY_CELL + 4,
    LEGEND = 340,
    LEGEND_CELL = 18,
    LEGEND_LINE = 22,
    MARGIN = 36,
    HEAD_HEIGHT = 328,
    PART_SIZE = 16
};

/* What a mark means, and its class. */
static const struct kind {
    char mark;
    const char *class, *words;
} kinds[] = {
    {'+', "yes", "every call succeeds"},
    {'b', "part", "bind() succeeds, the next call fails"},
    {'.', "no", "the first call fails"},
    {'!', "wrong", "not as the model of the kernel's rules says"},
    {' ', "untried", "not tried"},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static bool is_udp(const struct matrix_findings *findings) {
    return findings->matrix->protocol == PROTOCOL_UDP;
}

static const char *title_of(const struct matrix_findings *findings) {
    return is_udp(findings) ? "Which UDP sockets may share a port"
                            : "Which TCP sockets may share a port";
}

static const char *reading_of(const struct matrix_findings *findings) {
    return is_udp(findings)
               ? "A row is a socket that has the port. A column is a second one that wants it, and "
                 "calls "
                 "bind(), unless the panel says otherwise. In each block of squares, the rows are "
                 "the "
                 "options of the first socket, and the columns those of the second."
               : "A row is a socket that has the port. A column is a second one that wants it, and "
                 "calls "
                 "bind() and listen(), unless the panel says otherwise. In each block of squares, "
                 "the "
                 "rows are the options of the first socket, and the columns those of the second.";
}

/* Without a choice there are panels for some of the states only. */
static const char *rest_of(const struct matrix_findings *findings) {
    return findings->grids ? ""
                           : "For the states without a panel, only a few addresses were tried: the "
                             "text and the Markdown sum them up.";
}

/* --- squares --- */

/* A square for which a pair stands; `size` is what it takes. */
static void path_square(FILE *out, int x, int y, int size) {
    fprintf(out, "M%d %dh%dv%dh-%dz", x, y, size - 1, size - 1, size - 1);
}

/* The half of a square, below its diagonal. */
static void path_half(FILE *out, int x, int y, int size) {
    fprintf(out, "M%d %dv%dh%dz", x, y, size - 1, size - 1);
}

static void path_cross(FILE *out, int x, int y, int size) {
    int inset = size / 4, side = size - 1 - 2 * inset;
    fprintf(out, "M%d %dl%d %dm0 -%dl-%d %d", x + inset, y + inset, side, side, side, side, side);
}

/* The squares of a picture, path by path. */
struct squares {
    struct composed path[KINDS + 2];
};

enum { HALVES = KINDS, CROSSES = KINDS + 1 };

static void squares_open(struct squares *squares) {
    for (unsigned i = 0; i < KINDS + 2; i++)
        compose_begin(&squares->path[i]);
}

/* Adds the square of a mark. */
static void squares_add(struct squares *squares, char mark, int x, int y, int size) {
    for (unsigned i = 0; i < KINDS; i++)
        if (kinds[i].mark == mark)
            path_square(squares->path[mark == 'b' ? 2 : i].out, x, y, size);
    if (mark == 'b')
        path_half(squares->path[HALVES].out, x, y, size);
    if (mark == '!')
        path_cross(squares->path[CROSSES].out, x, y, size);
}

static void squares_close(struct squares *squares, FILE *out) {
    for (unsigned i = 0; i < KINDS + 2; i++) {
        const char *path = compose_end(&squares->path[i]);
        if (*path != '\0')
            fprintf(out, "<path class=\"%s\" d=\"%s\"/>\n",
                    i == HALVES    ? "part"
                    : i == CROSSES ? "cross"
                                   : kinds[i].class,
                    path);
        compose_free(&squares->path[i]);
    }
}

/* --- labels --- */

/* Splits `::ffff:127.0.0.1`, `::,v6only` and `:: (IPv4 client)` into two lines. Returns how many.
 */
static int split_name(const char *name, char parts[2][PART_SIZE]) {
    static const char mapped[] = "::ffff:";
    size_t head = strncmp(name, mapped, strlen(mapped)) == 0 ? strlen(mapped) : strcspn(name, ", ");
    const char *rest = name + head + strspn(name + head, ", (");
    snprintf(parts[0], PART_SIZE, "%.*s", (int)head, name);
    snprintf(parts[1], PART_SIZE, "%.*s", (int)strcspn(rest, ")"), rest);
    return parts[1][0] == '\0' ? 1 : 2;
}

/* Writes a name left of the squares, or above them from below; its middle is at `at`. */
static void draw_name(const struct page *page, const char *name, bool upright, int at, int end) {
    char parts[2][PART_SIZE];
    int lines = split_name(name, parts);
    for (int i = 0; i < lines; i++) {
        int middle = at + 4 + (2 * i - lines + 1) * 7;
        if (upright)
            fprintf(page->out, "<text transform=\"translate(%d %d) rotate(-90)\">%s</text>\n",
                    middle, end, parts[i]);
        else
            fprintf(page->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", end,
                    middle, parts[i]);
    }
}

/* --- a panel --- */

/* Returns whether anything was measured with this address of the first socket. */
static bool row_shown(const struct matrix_findings *findings, struct matrix_pair pair) {
    for (unsigned i = 0; i < MATRIX_OPTIONS * MATRIX_ADDRESSES * MATRIX_OPTIONS; i++) {
        pair.first.options = i % MATRIX_OPTIONS;
        pair.second = (struct matrix_end){i / MATRIX_OPTIONS / MATRIX_OPTIONS,
                                          i / MATRIX_OPTIONS % MATRIX_OPTIONS};
        if (matrix_cell(findings->matrix, &pair)->measured)
            return true;
    }
    return false;
}

static void add_row(const struct matrix_findings *findings, struct matrix_pair pair,
                    struct squares *squares, int y) {
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++)
        for (unsigned k = 0; k < MATRIX_OPTIONS * MATRIX_OPTIONS; k++) {
            pair.first.options = k / MATRIX_OPTIONS;
            pair.second = (struct matrix_end){i, k % MATRIX_OPTIONS};
            squares_add(squares, matrix_mark(matrix_cell(findings->matrix, &pair)),
                        LABEL + (int)i * GROUP + (int)(k % MATRIX_OPTIONS) * CELL,
                        y + (int)(k / MATRIX_OPTIONS) * CELL, CELL);
        }
}

static void draw_panel(const struct matrix_findings *findings, struct matrix_pair pair,
                       const struct page *page) {
    char text[MATRIX_PAIR_SIZE];
    struct squares squares;
    const char *state = matrix_state_name(findings->matrix->protocol, pair.state);
    matrix_grid_title(findings->matrix, &pair, text);
    picture_text(page, 0, 14, "name", state);
    const char *rest = text + strlen(state) + strspn(text + strlen(state), ", ");
    int lines = picture_lines(page, 0, 32, TITLE_COLUMNS, "soft prose",
                              matrix_state_line(findings->matrix->protocol, pair.state));
    picture_lines(page, 0, 32 + lines * PICTURE_LINE, TITLE_COLUMNS, "prose b", rest);
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++)
        draw_name(page, matrix_addresses[i].name, true, LABEL + (int)i * GROUP + 2 * CELL,
                  HEAD - 6);
    squares_open(&squares);
    int y = HEAD;
    for (unsigned i = 0; i < MATRIX_FIRSTS; i++) {
        pair.first.address = matrix_row(i);
        if (!row_shown(findings, pair))
            continue;
        draw_name(page, matrix_first_name(pair.state, pair.first.address, text), false,
                  y + 2 * CELL, LABEL - 6);
        add_row(findings, pair, &squares, y);
        y += GROUP;
    }
    squares_close(&squares, page->out);
}

/* --- the key --- */

enum { EXAMPLE = 1 }; /* 127.0.0.1 */

static void take_first(const struct matrix_findings *findings, struct matrix_pair pair,
                       unsigned number, void *context) {
    (void)findings;
    if (number == 0)
        *(struct matrix_pair *)context = pair;
}

/* A block of squares of the first panel, larger: that of 127.0.0.1 on both sides. */
static void draw_key(const struct matrix_findings *findings, const struct page *page) {
    enum { TOP = 16 + KEY_LABEL };
    static const char *const options[MATRIX_OPTIONS] = {"no option", "SO_REUSEADDR", "SO_REUSEPORT",
                                                        "both"};
    struct matrix_pair pair = {0};
    struct squares squares;
    char text[MATRIX_PAIR_SIZE];
    matrix_each_grid(findings, take_first, &pair);
    pair.first.address = pair.second.address = EXAMPLE;
    snprintf(text, sizeof text, "%s, both on %s",
             matrix_state_name(findings->matrix->protocol, pair.state),
             matrix_addresses[EXAMPLE].name);
    picture_text(page, 0, 12, "prose b", text);
    fprintf(
        page->out,
        "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" class=\"prose soft\">the second "
        "\xe2\x86\x92</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\" class=\"prose soft\">the "
        "first \xe2\x86\x93</text>\n",
        KEY_LABEL - 6, TOP - 40, KEY_LABEL - 6, TOP - 10);
    squares_open(&squares);
    for (unsigned i = 0; i < MATRIX_OPTIONS * MATRIX_OPTIONS; i++) {
        pair.first.options = i / MATRIX_OPTIONS;
        pair.second.options = i % MATRIX_OPTIONS;
        squares_add(&squares, matrix_mark(matrix_cell(findings->matrix, &pair)),
                    KEY_LABEL + (int)pair.second.options * KEY_CELL,
                    TOP + (int)pair.first.options * KEY_CELL, KEY_CELL);
    }
    squares_close(&squares, page->out);
    for (int i = 0; i < MATRIX_OPTIONS; i++)
        fprintf(page->out,
                "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>"
                "<text transform=\"translate(%d %d) rotate(-90)\">%s</text>\n",
                KEY_LABEL - 6, TOP + i * KEY_CELL + 17, options[i], KEY_LABEL + i * KEY_CELL + 17,
                TOP - 6, options[i]);
}

/* A mark that the panels are searched for. */
struct search {
    char mark;
    bool found;
};

static void search_panel(const struct matrix_findings *findings, struct matrix_pair pair,
                         unsigned number, void *context) {
    struct search *search = context;
    (void)number;
    for (unsigned i = 0; i < MATRIX_FIRSTS; i++) {
        pair.first.address = matrix_row(i);
        if (!row_shown(findings, pair))
            continue;
        for (unsigned k = 0; k < MATRIX_OPTIONS * MATRIX_OPTIONS * MATRIX_ADDRESSES; k++) {
            pair.first.options = k % MATRIX_OPTIONS;
            pair.second = (struct matrix_end){k / MATRIX_OPTIONS / MATRIX_OPTIONS,
                                              k / MATRIX_OPTIONS % MATRIX_OPTIONS};
            search->found |= matrix_mark(matrix_cell(findings->matrix, &pair)) == search->mark;
        }
    }
}

static bool has_mark(const struct matrix_findings *findings, char mark) {
    struct search search = {.mark = mark};
    matrix_each_grid(findings, search_panel, &search);
    return search.found;
}

/* The squares that there are and what they mean, one below the other. */
static void draw_legend(const struct matrix_findings *findings, const struct page *page, int x,
                        int y) {
    for (unsigned i = 0; i < KINDS; i++) {
        struct squares squares;
        if (!has_mark(findings, kinds[i].mark))
            continue;
        squares_open(&squares);
        squares_add(&squares, kinds[i].mark, x, y, LEGEND_CELL);
        squares_close(&squares, page->out);
        picture_text(page, x + LEGEND_CELL + 8, y + 13, "prose", kinds[i].words);
        y += LEGEND_LINE;
    }
}

/* --- SVG --- */

/* A file, and where its panels stand: in a row those of one user, in the rows below those of
 * another. */
struct poster {
    struct page page;
    enum matrix_user user; /* whose panels are being placed */
    int columns, count, top;
};

static int column_x(int column) {
    return MARGIN + column * (PANEL + MARGIN);
}

static void count_panel(const struct matrix_findings *findings, struct matrix_pair pair,
                        unsigned number, void *context) {
    struct poster *poster = context;
    (void)findings;
    (void)number;
    poster->count += pair.user == poster->user;
}

static void place_panel(const struct matrix_findings *findings, struct matrix_pair pair,
                        unsigned number, void *context) {
    struct poster *poster = context;
    (void)number;
    if (pair.user != poster->user)
        return;
    fprintf(poster->page.out, "<g transform=\"translate(%d %d)\">\n",
            column_x(poster->count % poster->columns),
            poster->top + poster->count / poster->columns * (PANEL_HEIGHT + MARGIN));
    draw_panel(findings, pair, &poster->page);
    fputs("</g>\n", poster->page.out);
    poster->count++;
}

/* The title, how to read it, and the key; what these need beside each other is there in more than
 * one column, or else they stand below each other. */
static void draw_head(const struct matrix_findings *findings, const struct poster *poster) {
    const struct page *page = &poster->page;
    char line[REPORT_LINE_SIZE], kernel[80];
    bool wide = poster->columns >= 4, narrow = poster->columns == 1;
    int columns = (wide ? 2 : 1) * TITLE_COLUMNS;
    picture_text(page, MARGIN, 58, narrow ? "name" : "title", title_of(findings));
    snprintf(kernel, sizeof kernel, "Linux %s", findings->matrix->kernel);
    picture_text(page, MARGIN, 90, "soft prose", kernel);
    picture_text(page, MARGIN, 106, "soft prose", matrix_verdict(findings->matrix, line));
    int lines = picture_lines(page, MARGIN, 138, columns, "prose", reading_of(findings));
    picture_lines(page, MARGIN, 138 + lines * PICTURE_LINE, columns, "prose", rest_of(findings));
    draw_legend(findings, page, wide ? column_x(3) : MARGIN, wide ? 86 : 216);
    fprintf(page->out, "<g transform=\"translate(%d %d)\">\n",
            narrow ? MARGIN : column_x(wide ? 2 : 1), narrow ? HEAD_HEIGHT : 78);
    draw_key(findings, page);
    fputs("</g>\n", page->out);
}

/* Returns how many rows the panels of a user take. */
static int rows_of(const struct matrix_findings *findings, enum matrix_user user, int columns) {
    struct poster poster = {.user = user};
    matrix_each_grid(findings, count_panel, &poster);
    return (poster.count + columns - 1) / columns;
}

static void write_svg(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    struct poster poster = {.columns = rows_of(findings, MATRIX_SAME_USER, 1)};
    poster.columns = poster.columns > 5 ? 5 : poster.columns < 1 ? 1 : poster.columns;
    int same = rows_of(findings, MATRIX_SAME_USER, poster.columns);
    int rows = same + rows_of(findings, MATRIX_OTHER_USER, poster.columns);
    poster.top = HEAD_HEIGHT + (poster.columns == 1 ? KEY_HEIGHT + MARGIN : 0);
    picture_begin_file(&poster.page, out, title_of(findings), column_x(poster.columns),
                       poster.top + rows * (PANEL_HEIGHT + MARGIN));
    draw_head(findings, &poster);
    matrix_each_grid(findings, place_panel, &poster);
    poster.user = MATRIX_OTHER_USER;
    poster.count = same * poster.columns;
    matrix_each_grid(findings, place_panel, &poster);
    picture_end_file(&poster.page);
}

const struct format format_matrix_svg = {
    .name = "svg",
    .extensions = ".svg",
    .line = "a picture to hang up",
    .write = write_svg,
};

/* --- HTML --- */

static void write_panel(const struct matrix_findings *findings, struct matrix_pair pair,
                        unsigned number, void *context) {
    struct poster *poster = context;
    char title[MATRIX_PAIR_SIZE];
    (void)number;
    if (pair.user != poster->user)
        return;
    if (poster->count++ == 0)
        fprintf(poster->page.out, "<h2>%s</h2>\n<div class=\"panels\">\n",
                pair.user == MATRIX_SAME_USER ? "Two sockets of one user"
                                              : "The second socket is another user's");
    picture_begin_plain(&poster->page, matrix_grid_title(findings->matrix, &pair, title), PANEL,
                        PANEL_HEIGHT);
    draw_panel(findings, pair, &poster->page);
    fputs("</svg>\n", poster->page.out);
}

static void write_pictures(const struct matrix_findings *findings, const struct page *page) {
    fprintf(page->out, "<p>%s on Linux %s? %s %s</p>\n<div class=\"key\">\n", title_of(findings),
            findings->matrix->kernel, reading_of(findings), rest_of(findings));
    picture_begin_plain(page, "One block of squares", KEY, KEY_HEIGHT);
    draw_key(findings, page);
    fputs("</svg>\n", page->out);
    picture_begin_plain(page, "What the squares mean", LEGEND, KINDS * LEGEND_LINE);
    draw_legend(findings, page, 0, 0);
    fputs("</svg>\n</div>\n", page->out);
    for (unsigned i = 0; i < MATRIX_USERS; i++) {
        struct poster poster = {.page = *page, .user = (enum matrix_user)i};
        matrix_each_grid(findings, write_panel, &poster);
        if (poster.count > 0)
            fputs("</div>\n", page->out);
    }
}

/* What the text says stands below, folded if all is as the model says. */
static void write_html(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    char line[REPORT_LINE_SIZE];
    struct composed whole;
    const char *text = report_text(report, &whole);
    bool pictures = matrix_each_grid(findings, NULL, NULL) > 0;
    struct page page;
    page_begin(&page, out, matrix_verdict(findings->matrix, line), findings->matrix->verdict);
    if (pictures)
        write_pictures(findings, &page);
    page_table(&page, "In words", text + strcspn(text, "\n"),
               !pictures || findings->matrix->verdict != VERDICT_PASS);
    page_end(&page);
    compose_free(&whole);
}

const struct format format_matrix_html = {
    .name = "html",
    .extensions = ".html .htm",
    .line = "a page for a browser: the pictures, in one file",
    .write = write_html,
};
