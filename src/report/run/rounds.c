#include "report/run/rounds.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/units.h"
#include "report/shared/page.h"
#include "report/shared/picture.h"

enum { MANY = 100 };

bool rounds_are_shown(const struct step *step, const struct step_result *result, bool verbose) {
    const struct step_rounds *rounds = step_rounds(step);
    return (rounds != NULL && rounds->timed) || (verbose && result->round_count >= MANY);
}

enum { TENTHS = 10, RANGE_WIDTH = 16, QUARTILES = 3 };

static int by_size(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Finds the quartiles of the rounds from `first` up to, without, `end`; there is at least one. */
static void find_quartiles(const uint64_t *rounds_ns, size_t first, size_t end,
                           uint64_t quartiles[QUARTILES]) {
    struct arena scratch = {0};
    size_t count = end - first;
    uint64_t *sorted = arena_alloc(&scratch, count * sizeof *sorted);
    memcpy(sorted, rounds_ns + first, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_size);
    for (size_t i = 0; i < QUARTILES; i++)
        quartiles[i] = sorted[count * (i + 1) / 4];
    arena_free(&scratch);
}

/* --- the table --- */

/* Prints a line for the rounds from `first` up to, without, `end`. */
static void print_tenth(FILE *out, const uint64_t *rounds_ns, size_t first, size_t end,
                        unsigned indent) {
    uint64_t quartiles[QUARTILES];
    char range[48], time[UNITS_DURATION_SIZE];
    find_quartiles(rounds_ns, first, end, quartiles);
    snprintf(range, sizeof range, "%zu..%zu", first + 1, end);
    fprintf(out, "%*s%-*s", indent, "", RANGE_WIDTH, range);
    for (size_t i = 0; i < QUARTILES; i++)
        fprintf(out, "%12s", units_duration_text(quartiles[i], time));
    fputc('\n', out);
}

void rounds_print(FILE *out, const uint64_t *rounds_ns, size_t count, unsigned indent) {
    if (count < ROUNDS_LEAST)
        return;
    fprintf(out, "%*s%-*s%12s%12s%12s\n", indent, "", RANGE_WIDTH, "rounds", "25% within",
            "50% within", "75% within");
    for (size_t i = 0; i < TENTHS; i++)
        print_tenth(out, rounds_ns, count * i / TENTHS, count * (i + 1) / TENTHS, indent);
}

/* --- the plot --- */

enum {
    AXIS = 64, /* of the plot: the times */
    HEADING = 28,
    PLOT_WIDTH = 420,
    PLOT_HEIGHT = 200,
    FOOT = 40, /* below it: the rounds */
    BUCKETS = 100,
    DECADE = 1000, /* thousandths of a power of ten */
    DECADES_MOST = 12
};

/* What is plotted. */
struct plot {
    uint64_t quartiles[BUCKETS][QUARTILES];
    size_t buckets;
};

/* Returns the thousandths of the logarithm to the base 10; `value` is at least 1. */
static int log10_milli(uint64_t value) {
    double x = (double)value, part = DECADE / 2.0, sum = 0;
    while (x >= 10) {
        x /= 10;
        sum += DECADE;
    }
    for (unsigned i = 0; i < 10; i++) { /* ten bits are enough for pixels */
        x *= x;
        if (x >= 10) {
            x /= 10;
            sum += part;
        }
        part /= 2;
    }
    return (int)sum;
}

static void find_buckets(const struct step_result *result, struct plot *plot) {
    size_t count = result->round_count;
    plot->buckets = count / ROUNDS_LEAST < BUCKETS ? count / ROUNDS_LEAST : BUCKETS;
    for (size_t i = 0; i < plot->buckets; i++)
        find_quartiles(result->rounds_ns, count * i / plot->buckets,
                       count * (i + 1) / plot->buckets, plot->quartiles[i]);
}

/* Widens the range of powers of ten so that it contains what is plotted. */
static void widen(const struct plot *plot, int *low, int *high) {
    for (size_t i = 0; i < plot->buckets; i++) {
        int least = log10_milli(plot->quartiles[i][0] | 1) / DECADE;
        int most = log10_milli(plot->quartiles[i][QUARTILES - 1] | 1) / DECADE + 1;
        *low = least < *low ? least : *low;
        *high = most > *high ? most : *high;
    }
}

/* Returns the result of the next block of the case to plot from `*i` on, or NULL. */
static const struct step_result *next_block(const struct scenario_result *scenario, size_t index,
                                            bool verbose, size_t *i) {
    const struct case_result *result = &scenario->cases[index];
    for (; *i < result->step_count; ++*i) {
        const struct step *step = result_step(scenario->scenario, index, *i);
        const struct step_result *block = &result->steps[*i];
        if (block->round_count >= ROUNDS_LEAST && rounds_are_shown(step, block, verbose)) {
            ++*i;
            return block;
        }
    }
    return NULL;
}

static void find_range(const struct scenario_result *scenario, bool verbose, int *low, int *high) {
    const struct step_result *block;
    struct plot plot;
    *low = DECADES_MOST;
    *high = 0;
    for (size_t index = 0; index < scenario->scenario->case_count; index++)
        for (size_t i = 0; (block = next_block(scenario, index, verbose, &i)) != NULL;) {
            find_buckets(block, &plot);
            widen(&plot, low, high);
        }
}

static int y_of(uint64_t ns, int low, int high) {
    int above = log10_milli(ns | 1) - low * DECADE;
    return HEADING + PLOT_HEIGHT - above * PLOT_HEIGHT / ((high - low) * DECADE);
}

/* Returns the size of the range of ports if the block took all of it, one in each round, or else 0.
 */
static unsigned ports_filled(const struct step_result *block) {
    const struct evidence *evidence = block->has_evidence ? block->evidence : NULL;
    if (evidence == NULL || !evidence->automatic)
        return 0;
    unsigned size = (unsigned)(evidence->range_high - evidence->range_low + 1);
    return size == block->round_count ? size : 0;
}

static void draw_axes(const struct page *page, const struct step_result *block, int low, int high) {
    char text[64], time[UNITS_DURATION_SIZE];
    unsigned ports = ports_filled(block);
    uint64_t ns = 1;
    for (int i = 0; i <= high; i++, ns *= 10) {
        if (i < low)
            continue;
        int y = y_of(ns, low, high);
        fprintf(page->out,
                "<path class=\"lane\" d=\"M%d %dh%d\"/><text x=\"%d\" y=\"%d\" "
                "text-anchor=\"end\">%s</text>\n",
                AXIS, y, PLOT_WIDTH, AXIS - 6, y + 4, units_duration_text(ns, time));
    }
    for (unsigned i = 0; i <= 4; i++) {
        int x = AXIS + (int)i * PLOT_WIDTH / 4;
        if (ports > 0)
            snprintf(text, sizeof text, "%u %%", i * 25);
        else
            snprintf(text, sizeof text, "%zu", block->round_count * i / 4);
        fprintf(page->out,
                "<path class=\"lane\" d=\"M%d %dv%d\"/><text x=\"%d\" y=\"%d\" "
                "text-anchor=\"middle\">%s</text>\n",
                x, HEADING, PLOT_HEIGHT + 4, x, HEADING + PLOT_HEIGHT + 18, text);
    }
    if (ports > 0)
        snprintf(text, sizeof text, "ports taken, of %u", ports);
    else
        snprintf(text, sizeof text, "rounds");
    fprintf(page->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" class=\"soft\">%s</text>\n",
            AXIS + PLOT_WIDTH / 2, HEADING + PLOT_HEIGHT + 36, text);
}

static void draw_curve(const struct page *page, const struct plot *plot, int low, int high) {
    int last = (int)plot->buckets;
    fputs("<path class=\"band\" d=\"", page->out);
    for (int i = 0; i < 2 * last; i++) { /* there above, and back below */
        int at = i < last ? i : 2 * last - 1 - i;
        fprintf(page->out, "%c%d %d", i == 0 ? 'M' : 'L',
                AXIS + (2 * at + 1) * PLOT_WIDTH / (2 * last),
                y_of(plot->quartiles[at][i < last ? 2 : 0], low, high));
    }
    fputs("z\"/>\n<path class=\"plot\" d=\"", page->out);
    for (int i = 0; i < last; i++)
        fprintf(page->out, "%c%d %d", i == 0 ? 'M' : 'L',
                AXIS + (2 * i + 1) * PLOT_WIDTH / (2 * last),
                y_of(plot->quartiles[i][1], low, high));
    fputs("\"/>\n", page->out);
}

void rounds_draw(const struct page *page, const struct scenario_result *scenario, size_t index,
                 bool verbose) {
    const struct step_result *block;
    int low, high;
    find_range(scenario, verbose, &low, &high);
    for (size_t i = 0; (block = next_block(scenario, index, verbose, &i)) != NULL;) {
        struct plot plot;
        find_buckets(block, &plot);
        picture_begin(page, "How long each round took", AXIS + PLOT_WIDTH + 24,
                      HEADING + PLOT_HEIGHT + FOOT);
        picture_text(page, AXIS, 16, "prose",
                     "Time per round: the line is the median, the band the middle half");
        draw_axes(page, block, low, high);
        draw_curve(page, &plot, low, high);
        picture_end(page);
    }
}
