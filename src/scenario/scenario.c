/* Questions about a parsed scenario, and the errors in its text. */
#include "scenario/scenario.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

void scenario_free(struct scenario *scenario) {
    if (scenario == NULL)
        return;
    struct arena arena = scenario->arena; /* the scenario lies in it */
    arena_free(&arena);
}

bool scenario_has_tag(const struct scenario *scenario, const char *tag) {
    for (size_t i = 0; i < scenario->tag_count; i++)
        if (strcmp(scenario->tags[i], tag) == 0)
            return true;
    return false;
}

/* --- steps --- */

static bool has(const struct step *step, enum step_arguments arguments) {
    return verb_row(step->verb)->arguments == arguments;
}

const struct address *step_address(const struct step *step) {
    if (has(step, ARGUMENTS_AMOUNT) && step->amount.addressed)
        return &step->amount.address;
    return has(step, ARGUMENTS_ADDRESS) ? &step->address : NULL;
}

int step_host(const struct step *step) {
    return has(step, ARGUMENTS_HOST) ? step->other_host : step->host;
}

const char *host_address_text(const struct host_address *address, char *text) {
    char digits[INET6_ADDRSTRLEN] = "";
    inet_ntop(address->address.family, address->address.address, digits, sizeof digits);
    snprintf(text, HOST_ADDRESS_TEXT_SIZE, "%s/%u", digits, address->bits);
    return text;
}

int step_other_role(const struct step *step) {
    return has(step, ARGUMENTS_ROLE) ? step->other_role : NO_ROLE;
}

const struct step_query *step_query(const struct step *step) {
    return has(step, ARGUMENTS_QUERY) ? &step->query : NULL;
}

const struct step_rounds *step_rounds(const struct step *step) {
    return has(step, ARGUMENTS_ROUNDS) ? &step->rounds : NULL;
}

const struct step_question *step_question(const struct step *step) {
    return has(step, ARGUMENTS_QUESTION) ? &step->question : NULL;
}

/* --- time --- */

/* The longest time that a step says it will wait. */
static uint64_t step_declared_ns(const struct step *step) {
    uint64_t longest_ns = step->want.latest_ns;
    if (has(step, ARGUMENTS_TIME) && step->duration_ns > longest_ns)
        longest_ns = step->duration_ns;
    if (has(step, ARGUMENTS_QUERY) && step->query.within_ns > longest_ns)
        longest_ns = step->query.within_ns;
    if (has(step, ARGUMENTS_WATCH) && step->watch.within_ns > longest_ns)
        longest_ns = step->watch.within_ns;
    if (has(step, ARGUMENTS_WAIT) && step->wait.within_ns > longest_ns)
        longest_ns = step->wait.within_ns;
    return longest_ns;
}

/* The same for a line of a block whose counter ends at `last`: it may have the longest time then.
 */
static uint64_t line_declared_ns(const struct step *step, int64_t last) {
    struct arena scratch = {0};
    const struct variation *which;
    uint64_t first_ns = step_declared_ns(step);
    if (step->variation_count == 0)
        return first_ns;
    struct step *copy = step_copy(&scratch, step);
    uint64_t last_ns = step_fill(copy, last, &which) == NULL ? step_declared_ns(copy) : first_ns;
    arena_free(&scratch);
    return last_ns > first_ns ? last_ns : first_ns;
}

/* The steps of a block count once for each of its rounds, if it says how many there are. */
static uint64_t section_declared_ns(const struct scenario *scenario,
                                    const struct section *section) {
    uint64_t sum = 0, rounds = 1;
    int64_t last = 0;
    size_t body_left = 0;
    for (size_t i = section->first; i < section->first + section->count; i++) {
        const struct step *step = &scenario->steps[i];
        sum += line_declared_ns(step, last) * rounds;
        if (step->body > 0) {
            body_left = step->body + 1;
            last = step->rounds.start + (step->rounds.given ? (int64_t)step->rounds.most - 1 : 0);
            rounds = step->rounds.given ? step->rounds.most : 1;
        }
        body_left -= body_left > 0;
        rounds = body_left > 0 ? rounds : 1;
    }
    return sum;
}

uint64_t scenario_declared_ns(const struct scenario *scenario, size_t case_index) {
    const uint64_t day_ns = 24ULL * 3600 * 1000 * 1000 * 1000;
    uint64_t sum = section_declared_ns(scenario, &scenario->setup) +
                   section_declared_ns(scenario, &scenario->cases[case_index]);
    return sum < day_ns ? sum : day_ns;
}

/* --- errors --- */

enum { EXCERPT_MAX = 160 }; /* bytes of a line that are shown */

/* How many of the errors are in the list. */
static size_t errors_kept(const struct errors *errors) {
    return errors->count < ERRORS_KEPT || errors->keep_all ? errors->count : ERRORS_KEPT;
}

/* Makes room for an error at this line of a file, after those of earlier lines: some errors show
 * only later. If the list is full, its last error goes, or NULL is returned if that is this one. */
static struct error *next_error(struct errors *errors, const char *file, unsigned line) {
    size_t kept = errors_kept(errors), index = kept;
    bool full = kept == ERRORS_KEPT && !errors->keep_all;
    errors->count++;
    if (!full)
        errors->list = arena_grow(&errors->arena, errors->list, kept, sizeof errors->list[0]);
    while (index > 0 && errors->list[index - 1].line > line &&
           strcmp(errors->list[index - 1].file, file) == 0)
        index--;
    if (full && index == kept)
        return NULL;
    memmove(&errors->list[index + 1], &errors->list[index],
            (kept - index - full) * sizeof errors->list[0]);
    return &errors->list[index];
}

/* Moves `at` forward until it stands between two characters of the line. */
static size_t character_start(const char *text, size_t size, size_t at) {
    while (at < size && ((unsigned char)text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

void errors_add(struct errors *errors, const char *file, unsigned line, const char *text,
                size_t size, size_t offset, const char *message) {
    struct error *error = next_error(errors, file, line);
    if (error == NULL)
        return;
    size_t start = 0;
    if (size > EXCERPT_MAX && offset > EXCERPT_MAX / 2)
        start = character_start(text, size, offset - EXCERPT_MAX / 2);
    size_t end = size - start > EXCERPT_MAX ? start + EXCERPT_MAX : size;
    end = character_start(text, size, end);
    *error = (struct error){
        .file = arena_copy(&errors->arena, file, strlen(file)),
        .line = line,
        .column = (unsigned)utf8_length(text, offset) + 1,
        .text = arena_copy(&errors->arena, message, strlen(message)),
        .excerpt = arena_copy(&errors->arena, text + start, end - start),
        .excerpt_size = end - start,
        .caret = offset - start,
    };
}

void errors_add_file(struct errors *errors, const char *file, const char *message) {
    struct error *error = next_error(errors, file, 0);
    if (error != NULL)
        *error = (struct error){
            .file = arena_copy(&errors->arena, file, strlen(file)),
            .text = arena_copy(&errors->arena, message, strlen(message)),
        };
}

/* Prints the line and, below it, a caret. Every character takes one column except a tab, which is
 * repeated below so that the caret is in the right column whatever the terminal's tab stops. */
static void print_excerpt(const struct error *error, FILE *out) {
    const char *text = error->excerpt;
    uint32_t code;
    size_t length;
    fputs("  ", out);
    for (size_t at = 0; at < error->excerpt_size; at += length) {
        length = utf8_next(text + at, error->excerpt_size - at, &code);
        if (code == '\t')
            fputc('\t', out);
        else if (code < 0x20 || (code >= 0x7f && code < 0xa0) || utf8_deceives(code) ||
                 utf8_commands(text, error->excerpt_size, at))
            fputc('?', out);
        else
            utf8_print(out, text + at, length);
    }
    fputs("\n  ", out);
    for (size_t at = 0; at < error->caret; at += length) {
        length = utf8_next(text + at, error->excerpt_size - at, &code);
        fputc(code == '\t' ? '\t' : ' ', out);
    }
    fputs("^\n", out);
}

void errors_print(const struct errors *errors, FILE *out) {
    size_t kept = errors_kept(errors), more = errors->count - kept;
    for (size_t i = 0; i < kept; i++) {
        const struct error *error = &errors->list[i];
        utf8_print(out, error->file, strlen(error->file));
        if (error->line > 0)
            fprintf(out, ":%u:%u", error->line, error->column);
        fputs(": error: ", out);
        utf8_print(out, error->text, strlen(error->text));
        fputc('\n', out);
        if (error->line > 0)
            print_excerpt(error, out);
    }
    if (more > 0)
        fprintf(out, "... and %zu more error%s ('portreuse check --all' shows all)\n", more,
                more == 1 ? "" : "s");
}

void errors_free(struct errors *errors) {
    arena_free(&errors->arena);
    *errors = (struct errors){0};
}
