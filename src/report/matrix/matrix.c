/* What the formats of the matrix share: which pairs are shown, and what they are called. */
#include <stdio.h>
#include <string.h>

#include "base/errnames.h"
#include "base/text.h"
#include "base/units.h"
#include "model/quirks.h"
#include "report/matrix/matrix.h"
#include "report/shared/layout.h"

/* --- the choice --- */

/* Everything is in the sample of the first states with bind() alone. */
bool matrix_has_grid(const struct matrix_findings *findings, const struct matrix_pair *pair) {
    const struct matrix *matrix = findings->matrix;
    const struct matrix_choice *choice = findings->choice;
    bool core = pair->state < STORIES_CORE && pair->call == STORY_CALL_BIND &&
                pair->device == MATRIX_NO_DEVICE;
    return matrix_has_state(matrix->protocol, pair->state) && choice->states[pair->state] &&
           choice->calls[pair->call] && choice->devices[pair->device] &&
           (matrix->means.users || pair->user == MATRIX_SAME_USER) && (core || !choice->sample);
}

static bool grid_has_pair(const struct matrix_findings *findings, const struct matrix_pair *grid) {
    struct matrix_pair pair = *grid;
    for (unsigned i = 0; i < MATRIX_FIRSTS * MATRIX_OPTIONS; i++)
        for (unsigned k = 0; k < MATRIX_ADDRESSES * MATRIX_OPTIONS; k++) {
            pair.first = (struct matrix_end){i / MATRIX_OPTIONS, i % MATRIX_OPTIONS};
            pair.second = (struct matrix_end){k / MATRIX_OPTIONS, k % MATRIX_OPTIONS};
            if (matrix_cell(findings->matrix, &pair)->measured)
                return true;
        }
    return false;
}

/* The ways to ask: the calls without a device, and then bind() with one. */
static struct matrix_pair grid_of(unsigned state, unsigned way, unsigned user) {
    bool device = way >= STORY_CALLS;
    return (struct matrix_pair){
        .state = state,
        .user = (enum matrix_user)user,
        .call = (enum story_call)(device ? STORY_CALL_BIND : way),
        .device = (enum matrix_device)(device ? way - STORY_CALLS + 1 : MATRIX_NO_DEVICE)};
}

unsigned matrix_each_grid(const struct matrix_findings *findings, matrix_grid *grid,
                          void *context) {
    unsigned count = 0;
    for (unsigned i = 0; i < STORIES * MATRIX_WAYS * MATRIX_USERS; i++) {
        struct matrix_pair pair = grid_of(i / (MATRIX_WAYS * MATRIX_USERS),
                                          i / MATRIX_USERS % MATRIX_WAYS, i % MATRIX_USERS);
        if (!matrix_has_grid(findings, &pair) || !grid_has_pair(findings, &pair))
            continue;
        if (grid != NULL)
            grid(findings, pair, count, context);
        count++;
    }
    return count;
}

const char *matrix_grid_title(const struct matrix *matrix, const struct matrix_pair *pair,
                              char *text) {
    static const char *const calls[STORY_CALLS] = {"", ", bind() to port 0", ", connect()",
                                                   ", bind() and connect()"};
    static const char *const devices[MATRIX_DEVICES] = {
        "", ", the first socket on lo", ", the second socket on lo", ", both sockets on lo",
        ", the first socket on lo, the second on another device"};
    snprintf(text, MATRIX_PAIR_SIZE, "%s%s%s%s", matrix_state_name(matrix->protocol, pair->state),
             pair->user == MATRIX_OTHER_USER ? ", another user" : "", calls[pair->call],
             devices[pair->device]);
    return text;
}

unsigned matrix_row(unsigned row) {
    enum { DUAL_STACK = 3 };
    return row <= DUAL_STACK ? row : row == DUAL_STACK + 1 ? MATRIX_ADDRESSES : row - 1;
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
    if (row->family != NULL && word_is(word, size, row->family))
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

bool matrix_choose_ends(const char *text, unsigned addresses, matrix_ends ends) {
    bool any = false;
    for (unsigned i = 0; i < addresses; i++)
        for (unsigned k = 0; k < MATRIX_OPTIONS; k++)
            if (end_has_all(i, k, text))
                any = ends[i][k] = true;
    return any;
}

/* --- a pair and its answers in words --- */

/* Writes ` of Linux 6.1` where the model takes into account what that does otherwise than others.
 */
static const char *model_of(const struct matrix *matrix, char *text, size_t size) {
    struct kernel_release release = {0};
    text[0] = '\0';
    if (quirks_any(matrix->quirks) && release_parse(matrix->kernel, true, &release))
        snprintf(text, size, " of Linux %u.%u", release.part[0], release.part[1]);
    return text;
}

const char *matrix_verdict(const struct matrix *matrix, char *text) {
    struct composed line;
    FILE *out = compose_begin(&line);
    char model[24];
    const char *udp = matrix->protocol == PROTOCOL_UDP ? "UDP " : "";
    model_of(matrix, model, sizeof model);
    if (matrix->verdict == VERDICT_PASS)
        fprintf(out, "PASS matrix: %zu pair%s of %ssockets, as the model%s says", matrix->pairs,
                matrix->pairs == 1 ? "" : "s", udp, model);
    else if (matrix->verdict == VERDICT_FAIL)
        fprintf(out, "FAIL matrix: %zu of %zu pairs of %ssockets not as the model%s says",
                matrix->disagreements, matrix->pairs, udp, model);
    else
        fprintf(out, "%s matrix: %s", verdict_name(matrix->verdict), matrix->reason);
    layout_line_end(&line, text);
    return text;
}

/* What is not so by default is said behind the rest. */
const char *matrix_pair_text(const struct matrix *matrix, const struct matrix_pair *pair,
                             char *text) {
    static const char *const calls[STORY_CALLS] = {"", " to port 0", "", ""};
    static const char *const devices[MATRIX_DEVICES] = {
        "", "; the first on lo", "; the second on lo", "; both on lo",
        "; the first on lo, the second on another device"};
    char first[MATRIX_NAME_SIZE];
    snprintf(text, MATRIX_PAIR_SIZE, "%s %s %s, then %s%s %s%s%s%s",
             matrix_state_name(matrix->protocol, pair->state),
             matrix_first_name(pair->state, pair->first.address, first),
             matrix_options_names[pair->first.options],
             pair->call == STORY_CALL_CONNECT ? "connect() to " : "",
             matrix_addresses[pair->second.address].name,
             matrix_options_names[pair->second.options], calls[pair->call],
             pair->user == MATRIX_OTHER_USER ? " of another user" : "", devices[pair->device]);
    return text;
}

const char *matrix_errno_text(int error, char *text) {
    if (error == MATRIX_NOT_ASKED)
        return "-";
    return error == 0 ? "ok" : errname(error, text);
}

const char *matrix_answer_text(const struct matrix_answer *answer, char *text) {
    const int answers[] = {answer->bind, answer->listen, answer->connect};
    static const char *const names[] = {"bind", "listen", "connect"};
    char error[ERRNAME_SIZE];
    size_t size = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (answers[i] != MATRIX_NOT_ASKED)
            size += (size_t)snprintf(text + size, MATRIX_ANSWER_SIZE - size, "%s%s %s",
                                     size == 0 ? "" : ", ", names[i],
                                     matrix_errno_text(answers[i], error));
    return text;
}

char matrix_mark(const struct matrix_cell *cell) {
    if (!cell->measured)
        return ' ';
    if (!matrix_agrees(cell))
        return '!';
    if (cell->got.bind > 0 || (cell->got.bind == MATRIX_NOT_ASKED && cell->got.connect > 0))
        return '.';
    return cell->got.listen > 0 || cell->got.connect > 0 ? 'b' : '+';
}

/* --- the subject --- */

static void summarize_matrix(const struct report *report, struct summary *summary) {
    const struct matrix_findings *findings = report->findings;
    summary->severity = severity_of(findings->matrix->verdict);
    summary->verdict = verdict_name(findings->matrix->verdict);
    matrix_verdict(findings->matrix, summary->line);
}

extern const struct format format_matrix_text, format_matrix_json, format_matrix_csv,
    format_matrix_markdown, format_matrix_html, format_matrix_svg;

static const struct format *const formats[] = {
    &format_matrix_text,
    &format_matrix_json,
    &format_matrix_csv,
    &format_matrix_markdown,
    &format_matrix_html,
    &format_matrix_svg,
    NULL,
};

const struct subject subject_matrix = {
    .name = "matrix",
    .schema = 3,
    .formats = formats,
    .summarize = summarize_matrix,
};
