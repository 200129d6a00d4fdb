#include "scenario/errors.h"

#include <string.h>

#include "base/text.h"

enum { EXCERPT_MAX = 160 }; /* bytes of a line that are shown */

/* Makes room for an error at this line of a file, after those of earlier lines: some errors show
 * only later. Returns NULL if there are too many. */
static struct error *next_error(struct errors *errors, const char *file, unsigned line) {
    size_t kept = errors->count++, index = kept;
    if (kept >= ERRORS_KEPT)
        return NULL;
    errors->list = arena_grow(&errors->arena, errors->list, kept, sizeof errors->list[0]);
    while (index > 0 && errors->list[index - 1].line > line &&
           strcmp(errors->list[index - 1].file, file) == 0)
        index--;
    memmove(&errors->list[index + 1], &errors->list[index],
            (kept - index) * sizeof errors->list[0]);
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

static void print_text(FILE *out, const char *text) {
    utf8_print(out, text, strlen(text));
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
        else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
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

static void print_one(const struct error *error, FILE *out) {
    print_text(out, error->file);
    if (error->line > 0)
        fprintf(out, ":%u:%u", error->line, error->column);
    fputs(": error: ", out);
    print_text(out, error->text);
    fputc('\n', out);
    if (error->line > 0)
        print_excerpt(error, out);
}

void errors_print(const struct errors *errors, FILE *out) {
    size_t kept = errors->count < ERRORS_KEPT ? errors->count : ERRORS_KEPT;
    for (size_t i = 0; i < kept; i++)
        print_one(&errors->list[i], out);
    if (kept < errors->count)
        fprintf(out, "... and %zu more errors\n", errors->count - kept);
}

void errors_free(struct errors *errors) {
    arena_free(&errors->arena);
    *errors = (struct errors){0};
}
