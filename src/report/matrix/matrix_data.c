/* The matrix for programs: a record for each pair that was measured. */
#include <string.h>

#include "base/errnames.h"
#include "report/matrix/matrix_report.h"
#include "report/shared/json.h"

enum { FIELDS = 11, FIELD_SIZE = 32 };

static const char *const field_names[FIELDS] = {
    "state",          "user",           "first_address", "first_options",
    "second_address", "second_options", "bind",          "listen",
    "want_bind",      "want_listen",    "rule"};

/* Fills the fields in the order of their names. */
static void fill(const struct matrix_pair *pair, const struct matrix_cell *cell,
                 const char *fields[FIELDS], char texts[4][ERRNAME_SIZE]) {
    fields[0] = matrix_state_names[pair->state];
    fields[1] = matrix_user_names[pair->user];
    fields[2] = matrix_addresses[pair->first.address].name;
    fields[3] = matrix_options_names[pair->first.options];
    fields[4] = matrix_addresses[pair->second.address].name;
    fields[5] = matrix_options_names[pair->second.options];
    fields[6] = matrix_errno_text(cell->got.bind, texts[0]);
    fields[7] = matrix_errno_text(cell->got.listen, texts[1]);
    fields[8] = matrix_errno_text(cell->want.bind, texts[2]);
    fields[9] = matrix_errno_text(cell->want.listen, texts[3]);
    fields[10] = matrix_rule(cell)->name;
}

static void write_json(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    const struct matrix *matrix = findings->matrix;
    const struct matrix_choice *choice = findings->choice;
    struct json json = {.out = out};
    struct matrix_pair pair = {0};
    const char *fields[FIELDS];
    char texts[4][ERRNAME_SIZE];
    json_object(&json, NULL);
    report_json_head(&json, report);
    json_string(&json, "portreuse", PORTREUSE_VERSION);
    json_string(&json, "kernel", matrix->kernel);
    json_string(&json, "reason", matrix->reason[0] == '\0' ? NULL : matrix->reason);
    json_bool(&json, "ipv6", matrix->ipv6);
    json_bool(&json, "users", matrix->users);
    json_number(&json, "disagreements", (int64_t)matrix->disagreements);
    json_array(&json, "pairs");
    do {
        if (!matrix_shown(matrix, choice, &pair))
            continue;
        fill(&pair, matrix_cell(matrix, &pair), fields, texts);
        json_object(&json, NULL);
        for (unsigned i = 0; i < FIELDS; i++)
            json_string(&json, field_names[i], fields[i]);
        json_end(&json);
    } while (matrix_next(&pair));
    json_end(&json);
    json_end(&json);
}

static void write_record(const char *const fields[FIELDS], FILE *out) {
    for (unsigned i = 0; i < FIELDS; i++)
        fprintf(out, strchr(fields[i], ',') == NULL ? "%s%s" : "%s\"%s\"", i == 0 ? "" : ",",
                fields[i]);
    fputc('\n', out);
}

static void write_csv(const struct report *report, FILE *out) {
    const struct matrix_findings *findings = report->findings;
    const struct matrix *matrix = findings->matrix;
    const struct matrix_choice *choice = findings->choice;
    struct matrix_pair pair = {0};
    const char *fields[FIELDS];
    char texts[4][ERRNAME_SIZE];
    write_record(field_names, out);
    do {
        if (!matrix_shown(matrix, choice, &pair))
            continue;
        fill(&pair, matrix_cell(matrix, &pair), fields, texts);
        write_record(fields, out);
    } while (matrix_next(&pair));
}

const struct format format_matrix_json = {
    .name = "json",
    .endings = ".json",
    .line = "for programs, and for --diff",
    .write = write_json,
};

const struct format format_matrix_csv = {
    .name = "csv",
    .endings = ".csv",
    .line = "for spreadsheets: a line a pair",
    .write = write_csv,
};
