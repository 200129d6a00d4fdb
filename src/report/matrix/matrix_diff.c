/* Reads the JSON of an earlier matrix into cells, and compares them one by one. */
#include <stdlib.h>
#include <string.h>

#include "base/errnames.h"
#include "base/json_reader.h"
#include "report/matrix/matrix_report.h"

/* A pair that is being read: names not known make it one of no matrix. */
struct reading {
    struct matrix_diff *diff;
    struct matrix_pair pair;
    struct matrix_answer got;
    bool known, has_pairs;
};

/* Finds the name among `count`, `stride` bytes apart. */
static int find_name(const char *name, const char *const *names, int count) {
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static int find_address(const char *name) {
    for (int i = 0; i < MATRIX_ADDRESSES; i++)
        if (strcmp(matrix_addresses[i].name, name) == 0)
            return i;
    return -1;
}

static int errno_named(const char *name) {
    if (strcmp(name, "-") == 0)
        return MATRIX_NOT_ASKED;
    return strcmp(name, "ok") == 0 ? 0 : errname_number(name);
}

/* Takes an index; -1 makes the pair unknown. */
static unsigned take_index(struct reading *reading, int index) {
    reading->known = reading->known && index >= 0;
    return index < 0 ? 0 : (unsigned)index;
}

static void take_field(struct reading *reading, const char *key, const char *text) {
    struct matrix_pair *pair = &reading->pair;
    if (strcmp(key, "state") == 0)
        pair->state = take_index(reading, find_name(text, matrix_state_names, MATRIX_STATES));
    else if (strcmp(key, "user") == 0)
        pair->user = take_index(reading, find_name(text, matrix_user_names, MATRIX_USERS));
    else if (strcmp(key, "first_address") == 0)
        pair->first.address = take_index(reading, find_address(text));
    else if (strcmp(key, "second_address") == 0)
        pair->second.address = take_index(reading, find_address(text));
    else if (strcmp(key, "first_options") == 0)
        pair->first.options =
            take_index(reading, find_name(text, matrix_options_names, MATRIX_OPTIONS));
    else if (strcmp(key, "second_options") == 0)
        pair->second.options =
            take_index(reading, find_name(text, matrix_options_names, MATRIX_OPTIONS));
    else if (strcmp(key, "bind") == 0)
        reading->got.bind = (int16_t)errno_named(text);
    else if (strcmp(key, "listen") == 0)
        reading->got.listen = (int16_t)errno_named(text);
}

enum { DEPTH_TOP = 1, DEPTH_PAIR = 2, DEPTH_FIELD = 3 }; /* of { "pairs": [ { ... */

static void take_event(void *context, enum json_event event, unsigned depth, const char *key,
                       const char *text) {
    struct reading *reading = context;
    const struct matrix_pair *pair = &reading->pair;
    if (event == JSON_READ_STRING && depth == DEPTH_TOP && strcmp(key, "kernel") == 0)
        snprintf(reading->diff->kernel, sizeof reading->diff->kernel, "%s", text);
    else if (event == JSON_READ_OPEN && depth == DEPTH_TOP && strcmp(key, "pairs") == 0)
        reading->has_pairs = true;
    else if (event == JSON_READ_OPEN && depth == DEPTH_PAIR)
        *reading = (struct reading){reading->diff, {0}, {-1, -1}, true, reading->has_pairs};
    else if (event == JSON_READ_STRING && depth == DEPTH_FIELD)
        take_field(reading, key, text);
    else if (event == JSON_READ_CLOSE && depth == DEPTH_PAIR && reading->known)
        reading->diff->earlier
            ->cells[pair->user][pair->state][pair->first.address][pair->first.options]
                   [pair->second.address][pair->second.options]
            .got = reading->got;
}

/* Whether both have the pair. */
static bool both_have(const struct matrix_diff *diff, const struct matrix *matrix,
                      const struct matrix_pair *pair) {
    return matrix_measured(matrix_cell(diff->earlier, pair)) &&
           matrix_measured(matrix_cell(matrix, pair));
}

static bool changed(const struct matrix_diff *diff, const struct matrix *matrix,
                    const struct matrix_pair *pair) {
    const struct matrix_answer *was = &matrix_cell(diff->earlier, pair)->got;
    const struct matrix_answer *is = &matrix_cell(matrix, pair)->got;
    return both_have(diff, matrix, pair) && (was->bind != is->bind || was->listen != is->listen);
}

const char *matrix_diff_read(struct matrix_diff *diff, const struct matrix *matrix,
                             const char *bytes, size_t size) {
    struct reading reading = {.diff = diff};
    struct matrix_pair pair = {0};
    *diff = (struct matrix_diff){.earlier = malloc(sizeof *diff->earlier)};
    if (diff->earlier == NULL)
        return "out of memory";
    memset(diff->earlier, 0xff, sizeof *diff->earlier); /* MATRIX_NOT_ASKED throughout */
    const char *wrong = json_read(bytes, size, take_event, &reading);
    if (wrong != NULL)
        return wrong;
    if (!reading.has_pairs)
        return "it has no pairs; 'portreuse matrix --format json' writes them";
    do {
        diff->compared += both_have(diff, matrix, &pair);
        diff->changed += changed(diff, matrix, &pair);
    } while (matrix_next(&pair));
    return NULL;
}

static void write_diff(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    const struct matrix *matrix = findings->matrix;
    const struct matrix_diff *diff = findings->diff;
    struct matrix_pair pair = {0};
    char text[MATRIX_PAIR_SIZE], was[MATRIX_ANSWER_SIZE], is[MATRIX_ANSWER_SIZE];
    fprintf(out, "%s matrix: %zu of %zu pairs answer otherwise than on Linux %.20s\n",
            diff->changed > 0 ? "FAIL" : "PASS", diff->changed, diff->compared, diff->kernel);
    do {
        if (!matrix_shown(matrix, findings->choice, &pair) || !changed(diff, matrix, &pair))
            continue;
        fprintf(out, "\n%s\n    was %s\n    is  %s\n", matrix_pair_text(&pair, text),
                matrix_answer_text(&matrix_cell(diff->earlier, &pair)->got, was),
                matrix_answer_text(&matrix_cell(matrix, &pair)->got, is));
    } while (matrix_next(&pair));
}

const struct format format_matrix_diff = {
    .name = "diff",
    .endings = "",
    .line = "what has changed",
    .write = write_diff,
};

void matrix_diff_free(struct matrix_diff *diff) {
    free(diff->earlier);
    diff->earlier = NULL;
}
