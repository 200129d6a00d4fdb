/* What the formats of the matrix share: which pairs are shown, and pairs and answers as text. */
#include <stdio.h>
#include <string.h>

#include "base/errnames.h"
#include "report/matrix/matrix.h"
#include "report/shared/layout.h"

/* --- the choice --- */

struct matrix_choice matrix_choose_all(void) {
    struct matrix_choice choice;
    memset(&choice, true, sizeof choice);
    return choice;
}

bool matrix_shown(const struct matrix_findings *findings, const struct matrix_pair *pair) {
    return matrix_measured(matrix_cell(findings->matrix, pair)) &&
           findings->choice->states[pair->state] &&
           findings->choice->first[pair->first.address][pair->first.options] &&
           findings->choice->second[pair->second.address][pair->second.options];
}

void matrix_each_grid(const struct matrix_findings *findings, matrix_grid *grid, FILE *out) {
    for (unsigned state = 0; state < MATRIX_STATES; state++)
        for (unsigned user = 0; user < MATRIX_USERS; user++)
            if (findings->choice->states[state] &&
                (user == MATRIX_SAME_USER || findings->matrix->users))
                grid(findings, state, user, out);
}

static bool word_is(const char *word, size_t size, const char *name) {
    return strlen(name) == size && memcmp(name, word, size) == 0;
}

/* Returns whether the `size` bytes at `word` apply to the end. */
static bool end_has(unsigned address, unsigned options, const char *word, size_t size) {
    const struct matrix_address *row = &matrix_addresses[address];
    bool bracketed = size >= 2 && word[0] == '[' && word[size - 1] == ']';
    const char *name = bracketed ? word + 1 : word;
    size_t length = bracketed ? size - 2 : size;
    if (row->v6only && word_is(word, size, "v6only"))
        return true;
    if (strcspn(row->name, ",") == length && memcmp(row->name, name, length) == 0)
        return true;
    if (size > 3 && memcmp(word, "SO_", 3) == 0)
        return word_is(word + 3, size - 3, matrix_options_names[options]);
    return word_is(word, size, matrix_options_names[options]);
}

static bool end_has_all(unsigned address, unsigned options, const char *text) {
    for (const char *word = text;; word++) {
        size_t size = strcspn(word, ",");
        if (!end_has(address, options, word, size))
            return false;
        word += size;
        if (*word == '\0')
            return true;
    }
}

bool matrix_choose_ends(const char *text, matrix_ends ends) {
    bool any = false;
    for (unsigned i = 0; i < MATRIX_ADDRESSES; i++)
        for (unsigned k = 0; k < MATRIX_OPTIONS; k++)
            if (end_has_all(i, k, text))
                any = ends[i][k] = true;
    return any;
}

/* --- text --- */

const char *matrix_verdict(const struct matrix *matrix, char *text) {
    struct layout_line line;
    FILE *out = layout_line_begin(&line);
    if (out != NULL && matrix->verdict == VERDICT_PASS)
        fprintf(out, "PASS matrix: %zu pairs of sockets, as the model says", matrix->pairs);
    else if (out != NULL && matrix->verdict == VERDICT_FAIL)
        fprintf(out, "FAIL matrix: %zu of %zu pairs not as the model says", matrix->disagreements,
                matrix->pairs);
    else if (out != NULL)
        fprintf(out, "%s matrix: %s", verdict_name(matrix->verdict), matrix->reason);
    layout_line_end(&line, text);
    return text;
}

const char *matrix_pair_text(const struct matrix_pair *pair, char *text) {
    snprintf(text, MATRIX_PAIR_SIZE, "%s %s %s, then %s %s%s", matrix_state_names[pair->state],
             matrix_addresses[pair->first.address].name, matrix_options_names[pair->first.options],
             matrix_addresses[pair->second.address].name,
             matrix_options_names[pair->second.options],
             pair->user == MATRIX_OTHER_USER ? " of another user" : "");
    return text;
}

const char *matrix_errno_text(int error, char *text) {
    if (error == MATRIX_NOT_ASKED)
        return "-";
    return error == 0 ? "ok" : errname(error, text);
}

const char *matrix_answer_text(const struct matrix_answer *answer, char *text) {
    char bind[ERRNAME_SIZE], listen[ERRNAME_SIZE];
    int size = snprintf(text, MATRIX_ANSWER_SIZE, "bind %s", matrix_errno_text(answer->bind, bind));
    if (answer->listen != MATRIX_NOT_ASKED)
        snprintf(text + size, MATRIX_ANSWER_SIZE - (size_t)size, ", listen %s",
                 matrix_errno_text(answer->listen, listen));
    return text;
}

const struct rule_text *matrix_rule(const struct matrix_cell *cell) {
    return rules_text(cell->want.bind != 0 ? cell->bind_rule : cell->listen_rule);
}

char matrix_mark(const struct matrix_cell *cell) {
    if (!matrix_measured(cell))
        return ' ';
    if (!matrix_agrees(cell))
        return '!';
    return cell->got.bind != 0 ? '.' : cell->got.listen != 0 ? 'b' : '+';
}

/* --- the subject --- */

static void summarize_matrix(const struct report *report, struct summary *summary) {
    const struct matrix_findings *findings = report->findings;
    summary->severity = severity_of(findings->matrix->verdict);
    summary->verdict = verdict_name(findings->matrix->verdict);
    matrix_verdict(findings->matrix, summary->line);
}

extern const struct format format_matrix_text, format_matrix_json, format_matrix_csv,
    format_matrix_markdown, format_matrix_svg;

static const struct format *const formats[] = {
    &format_matrix_text,     &format_matrix_json, &format_matrix_csv,
    &format_matrix_markdown, &format_matrix_svg,  NULL,
};

const struct subject subject_matrix = {
    .name = "matrix",
    .schema = 1,
    .formats = formats,
    .summarize = summarize_matrix,
};
