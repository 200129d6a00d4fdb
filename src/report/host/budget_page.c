/* The budget as a page, with a plot: for each destination a bar, which is the range of local ports.
 */
#include <arpa/inet.h>
#include <string.h>

#include "report/host/budget.h"
#include "report/shared/page.h"
#include "report/shared/picture.h"

enum { BAR = 480, BAR_TOP = 22, BAR_HEIGHT = 16, ROW = 48, MARGIN = 10, KEY = 42 };

/* Draws a mark in each bar where a warning begins, and says so below the last. */
static void draw_threshold(const struct page *page, double percent, int rows, int line,
                           const char *what) {
    int x = MARGIN + (int)(percent * BAR / 100), bottom = rows * ROW + 8;
    fputs("<path class=\"arrow\" stroke-dasharray=\"3 3\" d=\"", page->out);
    for (int row = 0; row + 1 < rows; row++)
        fprintf(page->out, "M%d %dv%d", x, row * ROW + BAR_TOP, BAR_HEIGHT);
    fprintf(page->out, "M%d %dV%d\"/>\n", x, (rows - 1) * ROW + BAR_TOP, bottom);
    char text[48];
    snprintf(text, sizeof text, "%s from %.0f %%", what, percent);
    int width = (int)strlen(text) * PICTURE_COLUMN;
    picture_text(page, x + 4 + width > MARGIN + BAR ? x - width : x + 4,
                 bottom + 2 + line * PICTURE_LINE, "soft", text);
}

/* Writes the destination, and the source if there is room for it. */
static void name_route(const struct budget_route *route, size_t room, char *text) {
    char source[ENDPOINT_TEXT_SIZE];
    if (route->remote.family == 0) {
        strcpy(text, "any destination");
        return;
    }
    size_t used = strlen(endpoint_text(&route->remote, text));
    if (inet_ntop(route->local.family, route->local.address, source, sizeof source) != NULL &&
        used + strlen(" from ") + strlen(source) <= room)
        sprintf(text + used, " from %s", source);
}

static void draw_bar(const struct page *page, const struct budget_route *route, uint32_t size,
                     int row) {
    char name[2 * ENDPOINT_TEXT_SIZE], ports[48];
    int y = row * ROW + BAR_TOP, used = (int)((uint64_t)route->used * BAR / size);
    used = used == 0 && route->used > 0 ? 1 : used;
    int columns =
        snprintf(ports, sizeof ports, "%u of %u used", (unsigned)route->used, (unsigned)size);
    name_route(route, (size_t)(BAR / PICTURE_COLUMN - columns - 2), name);
    picture_text(page, MARGIN, y - 6, "b", name);
    fprintf(page->out,
            "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n"
            "<rect class=\"left\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\"/>"
            "<rect class=\"used\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\"/>\n",
            MARGIN + BAR, y - 6, ports, MARGIN, y, BAR, BAR_HEIGHT, MARGIN, y, used, BAR_HEIGHT);
}

static void draw_bars(const struct report *report, const struct page *page) {
    const struct budget_findings *findings = report->findings;
    const struct budget *budget = findings->budget;
    uint32_t size = port_range_size(&budget->range);
    if (budget->failure != NULL || size == 0 || budget->known == 0)
        return;
    int rows = (int)budget->known;
    picture_begin(page, "Local ports in use towards each destination", BAR + 2 * MARGIN,
                  rows * ROW + KEY + 8);
    for (int i = 0; i < rows; i++)
        draw_bar(page, &budget->routes[i], size, i);
    draw_threshold(page, (double)findings->warn_percent, rows, 1, "warning");
    draw_threshold(page, (double)findings->critical_percent, rows, 2, "critical");
    picture_end(page);
}

static void write_html(const struct report *report, FILE *out) {
    report_page(report, out, draw_bars);
}

const struct format format_budget_html = {
    .name = "html",
    .extensions = ".html .htm",
    .line = "a page for a browser, with a plot, in one file",
    .write = write_html,
};
