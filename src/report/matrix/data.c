/* The matrix for programs: JSON and CSV with a record for each pair that was measured, and the
 * comparison of a matrix with the JSON of an earlier one. */
#include <stdlib.h>
#include <string.h>

#include "base/errnames.h"
#include "base/json_reader.h"
#include "base/text.h"
#include "report/matrix/matrix.h"
#include "report/shared/json.h"
#include "report/shared/layout.h"

/* --- JSON and CSV --- */

enum { FIELDS = 16 };

static const char *const field_names[FIELDS] = {
    "state", "user",   "first_address", "first_options", "second_address", "second_options",
    "bind",  "listen", "want_bind",     "want_listen",   "rule",           "protocol",
    "call",  "device", "connect",       "want_connect"};

/* Fills the fields in the order of their names. */
static void fill(const struct matrix *matrix, const struct matrix_pair *pair,
                 const char *fields[FIELDS], char texts[7][ERRNAME_SIZE]) {
    const struct matrix_cell *cell = matrix_cell(matrix, pair);
    fields[0] = matrix_state_name(matrix->protocol, pair->state);
    fields[1] = matrix_user_names[pair->user];
    fields[2] = matrix_first_name(pair->state, pair->first.address, texts[6]);
    fields[3] = matrix_options_names[pair->first.options];
    fields[4] = matrix_addresses[pair->second.address].name;
    fields[5] = matrix_options_names[pair->second.options];
    fields[6] = matrix_errno_text(cell->got.bind, texts[0]);
    fields[7] = matrix_errno_text(cell->got.listen, texts[1]);
    fields[8] = matrix_errno_text(cell->want.bind, texts[2]);
    fields[9] = matrix_errno_text(cell->want.listen, texts[3]);
    fields[10] = rules_text(cell->rule)->name;
    fields[11] = socket_protocol_name(matrix->protocol);
    fields[12] = matrix_call_names[pair->call];
    fields[13] = matrix_device_names[pair->device];
    fields[14] = matrix_errno_text(cell->got.connect, texts[4]);
    fields[15] = matrix_errno_text(cell->want.connect, texts[5]);
}

static void write_json(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    const struct matrix *matrix = findings->matrix;
    struct json json = {.out = out};
    struct matrix_pair pair = {0};
    const char *fields[FIELDS];
    char texts[7][ERRNAME_SIZE];
    json_object(&json, NULL);
    report_json_head(&json, report);
    json_string(&json, "portreuse", PORTREUSE_VERSION);
    json_string(&json, "protocol", socket_protocol_name(matrix->protocol));
    json_string(&json, "kernel", matrix->kernel);
    json_string(&json, "reason", matrix->reason[0] == '\0' ? NULL : matrix->reason);
    json_bool(&json, "ipv6", matrix->means.ipv6);
    json_bool(&json, "users", matrix->means.users);
    json_bool(&json, "ranges", matrix->means.ranges);
    json_bool(&json, "devices", matrix->means.devices);
    json_bool(&json, "closed", matrix->means.closed);
    json_number(&json, "disagreements", (int64_t)matrix->disagreements);
    json_number(&json, "retried", (int64_t)matrix->retried);
    json_array(&json, "pairs");
    do {
        if (!matrix_cell(matrix, &pair)->measured)
            continue;
        fill(matrix, &pair, fields, texts);
        json_object(&json, NULL);
        for (unsigned i = 0; i < FIELDS; i++)
            json_string(&json, field_names[i], fields[i]);
        json_end(&json);
    } while (matrix_next(matrix->protocol, &pair));
    json_end(&json);
    json_end(&json);
}

static void write_record(const char *const *fields, unsigned count, FILE *out) {
    for (unsigned i = 0; i < count; i++)
        fprintf(out, strchr(fields[i], ',') == NULL ? "%s%s" : "%s\"%s\"", i == 0 ? "" : ",",
                fields[i]);
    fputc('\n', out);
}

static void write_csv(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    const struct matrix *matrix = findings->matrix;
    struct matrix_pair pair = {0};
    const char *fields[FIELDS];
    char texts[7][ERRNAME_SIZE];
    write_record(field_names, FIELDS, out);
    do {
        if (!matrix_cell(matrix, &pair)->measured)
            continue;
        fill(matrix, &pair, fields, texts);
        write_record(fields, FIELDS, out);
    } while (matrix_next(matrix->protocol, &pair));
}

const struct format format_matrix_json = {
    .name = "json",
    .extensions = ".json",
    .line = "for programs, and for a later --diff",
    .write = write_json,
};

const struct format format_matrix_csv = {
    .name = "csv",
    .extensions = ".csv",
    .line = "for spreadsheets: one line per pair",
    .write = write_csv,
};

/* --- the JSON of an earlier matrix --- */

/* A pair that is being read. It is ignored if it has an unknown name. */
struct reading {
    struct matrix_diff *diff;
    struct matrix_pair pair;
    struct matrix_answer got;
    bool known, has_pairs;
};

static const struct matrix_answer nothing_asked = {MATRIX_NOT_ASKED, MATRIX_NOT_ASKED,
                                                   MATRIX_NOT_ASKED};

/* Returns the number of an errno. If its name is unknown, so is the pair: 0 would be `ok`. */
static int16_t take_errno(struct reading *reading, const char *name) {
    int number = errname_number(name);
    if (strcmp(name, "-") == 0)
        return MATRIX_NOT_ASKED;
    reading->known &= number != 0 || strcmp(name, "ok") == 0;
    return (int16_t)number;
}

/* Returns the index of a name. If it is unknown, so is the pair, and the index is 0. */
static unsigned take_name(struct reading *reading, const char *name, const char *const *names,
                          unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    reading->known = false;
    return 0;
}

/* The same for the name of an address. In older versions, [::] stood for an IPv6 connection. */
static unsigned take_address(struct reading *reading, const char *name) {
    size_t size = strcspn(name, " ");
    const char *family = name[size] == '\0' ? "IPv6" : name + size + 2; /* `:: (IPv4 client)` */
    for (unsigned i = 0; i < MATRIX_FIRSTS; i++) {
        const struct matrix_address *row = &matrix_addresses[i];
        if (strlen(row->name) == size && memcmp(row->name, name, size) == 0 &&
            (row->family == NULL || strncmp(family, row->family, strlen(row->family)) == 0))
            return i;
    }
    reading->known = false;
    return 0;
}

static unsigned take_state(struct reading *reading, const char *name) {
    unsigned state = matrix_state_named(reading->diff->earlier->protocol, name);
    reading->known &= state < STORIES;
    return state % STORIES;
}

static void take_field(struct reading *reading, const char *key, const char *text) {
    struct matrix_pair *pair = &reading->pair;
    if (strcmp(key, "state") == 0)
        pair->state = take_state(reading, text);
    else if (strcmp(key, "user") == 0)
        pair->user = take_name(reading, text, matrix_user_names, MATRIX_USERS);
    else if (strcmp(key, "call") == 0)
        pair->call = take_name(reading, text, matrix_call_names, STORY_CALLS);
    else if (strcmp(key, "device") == 0)
        pair->device = take_name(reading, text, matrix_device_names, MATRIX_DEVICES);
    else if (strcmp(key, "first_address") == 0)
        pair->first.address = take_address(reading, text);
    else if (strcmp(key, "second_address") == 0)
        pair->second.address = take_address(reading, text);
    else if (strcmp(key, "first_options") == 0)
        pair->first.options = take_name(reading, text, matrix_options_names, MATRIX_OPTIONS);
    else if (strcmp(key, "second_options") == 0)
        pair->second.options = take_name(reading, text, matrix_options_names, MATRIX_OPTIONS);
    else if (strcmp(key, "bind") == 0)
        reading->got.bind = take_errno(reading, text);
    else if (strcmp(key, "listen") == 0)
        reading->got.listen = take_errno(reading, text);
    else if (strcmp(key, "connect") == 0)
        reading->got.connect = take_errno(reading, text);
}

static void take_pair(struct reading *reading) {
    struct matrix_cell *cell = matrix_cell(reading->diff->earlier, &reading->pair);
    cell->got = reading->got;
    cell->measured = true;
}

enum { DEPTH_TOP = 1, DEPTH_PAIR = 2, DEPTH_FIELD = 3 }; /* of { "pairs": [ { ... */

static void take_event(void *context, enum json_event event, unsigned depth, const char *key,
                       const char *text) {
    struct reading *reading = context;
    struct matrix_diff *diff = reading->diff;
    if (event == JSON_READ_STRING && depth == DEPTH_TOP && strcmp(key, "kernel") == 0)
        snprintf(diff->kernel, sizeof diff->kernel, "%s", text);
    else if (event == JSON_READ_STRING && depth == DEPTH_TOP && strcmp(key, "protocol") == 0)
        diff->earlier->protocol = strcmp(text, "UDP") == 0 ? PROTOCOL_UDP : PROTOCOL_TCP;
    else if (event == JSON_READ_OPEN && depth == DEPTH_TOP && strcmp(key, "pairs") == 0)
        reading->has_pairs = true;
    else if (event == JSON_READ_OPEN && depth == DEPTH_PAIR)
        *reading = (struct reading){diff, {0}, nothing_asked, true, reading->has_pairs};
    else if (event == JSON_READ_STRING && depth == DEPTH_FIELD)
        take_field(reading, key, text);
    else if (event == JSON_READ_CLOSE && depth == DEPTH_PAIR && reading->known)
        take_pair(reading);
}

/* Returns whether both have measured the pair. */
static bool both_have(const struct matrix_diff *diff, const struct matrix *matrix,
                      const struct matrix_pair *pair) {
    return matrix_cell(diff->earlier, pair)->measured && matrix_cell(matrix, pair)->measured;
}

static bool changed(const struct matrix_diff *diff, const struct matrix *matrix,
                    const struct matrix_pair *pair) {
    return both_have(diff, matrix, pair) &&
           !matrix_same_answer(&matrix_cell(diff->earlier, pair)->got,
                               &matrix_cell(matrix, pair)->got);
}

const char *matrix_diff_read(struct matrix_diff *diff, const struct matrix *matrix,
                             const char *bytes, size_t size) {
    struct reading reading = {.diff = diff};
    struct matrix_pair pair = {0};
    *diff = (struct matrix_diff){.earlier = calloc(1, sizeof *diff->earlier)};
    if (diff->earlier == NULL)
        return "out of memory";
    diff->earlier->protocol = PROTOCOL_TCP; /* unless it says otherwise */
    const char *wrong = json_read(bytes, size, take_event, &reading);
    if (wrong != NULL)
        return wrong;
    if (diff->earlier->protocol != matrix->protocol)
        return "it is the matrix of another protocol";
    if (!reading.has_pairs)
        return "it has no pairs";
    do {
        diff->compared += both_have(diff, matrix, &pair);
        diff->changed += changed(diff, matrix, &pair);
    } while (matrix_next(matrix->protocol, &pair));
    return diff->compared == 0 ? "none of its pairs was measured now" : NULL;
}

static void write_diff(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    const struct matrix *matrix = findings->matrix;
    const struct matrix_diff *diff = findings->diff;
    struct matrix_pair pair = {0};
    char text[MATRIX_PAIR_SIZE], was[MATRIX_ANSWER_SIZE], is[MATRIX_ANSWER_SIZE];
    struct composed line;
    char first[REPORT_LINE_SIZE];
    fprintf(compose_begin(&line), "%s matrix: %zu of %zu pairs differ from Linux %s",
            diff->changed > 0 ? "FAIL" : "PASS", diff->changed, diff->compared, diff->kernel);
    layout_line_end(&line, first);
    fprintf(out, "%s\n", first);
    do {
        if (!changed(diff, matrix, &pair))
            continue;
        fputc('\n', out);
        layout_wrap(out, matrix_pair_text(matrix, &pair, text), 4, 0);
        fprintf(out, "    was %s\n    is  %s\n",
                matrix_answer_text(&matrix_cell(diff->earlier, &pair)->got, was),
                matrix_answer_text(&matrix_cell(matrix, &pair)->got, is));
    } while (matrix_next(matrix->protocol, &pair));
}

const struct format format_matrix_diff = {
    .name = "diff",
    .extensions = "",
    .line = "what has changed",
    .write = write_diff,
};

void matrix_diff_free(struct matrix_diff *diff) {
    free(diff->earlier);
    diff->earlier = NULL;
}
