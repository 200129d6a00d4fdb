#include "report/run/text_rounds.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/units.h"

enum { TENTHS = 10, RANGE_WIDTH = 16 };

static int by_size(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Prints a line for the rounds from `first` up to, without, `end`. */
static void print_tenth(FILE *out, const uint64_t *rounds_ns, size_t first, size_t end,
                        unsigned indent) {
    struct arena scratch = {0};
    size_t count = end - first;
    uint64_t *sorted = arena_alloc(&scratch, count * sizeof *sorted);
    char range[48], time[UNITS_DURATION_SIZE];
    for (size_t i = 0; i < count; i++)
        sorted[i] = rounds_ns[first + i];
    qsort(sorted, count, sizeof *sorted, by_size);
    snprintf(range, sizeof range, "%zu..%zu", first + 1, end);
    fprintf(out, "%*s%-*s", indent, "", RANGE_WIDTH, range);
    for (size_t quarter = 1; quarter <= 3; quarter++)
        fprintf(out, "%12s", units_duration_text(sorted[count * quarter / 4], time));
    fputc('\n', out);
    arena_free(&scratch);
}

void text_rounds(FILE *out, const uint64_t *rounds_ns, size_t count, unsigned indent) {
    if (count < TEXT_ROUNDS_LEAST)
        return;
    fprintf(out, "%*s%-*s%12s%12s%12s\n", indent, "", RANGE_WIDTH, "rounds", "25% within",
            "50% within", "75% within");
    for (size_t i = 0; i < TENTHS; i++)
        print_tenth(out, rounds_ns, count * i / TENTHS, count * (i + 1) / TENTHS, indent);
}
