#include "scenario/mistakes.h"

#include <string.h>

#include "base/utf8.h"

enum { EXCERPT_MAX = 160 }; /* bytes of a line that are shown */

/* Makes room for an error at this line of a file, after those of earlier lines: some errors show
 * only later. Returns NULL if there are too many. */
static struct mistake *next_mistake(struct mistakes *mistakes, const char *file, unsigned line) {
    size_t kept = mistakes->count++, index = kept;
    if (kept >= MISTAKES_KEPT)
        return NULL;
    mistakes->list = arena_grow(&mistakes->arena, mistakes->list, kept, sizeof mistakes->list[0]);
    while (index > 0 && mistakes->list[index - 1].line > line &&
           strcmp(mistakes->list[index - 1].file, file) == 0)
        index--;
    memmove(&mistakes->list[index + 1], &mistakes->list[index],
            (kept - index) * sizeof mistakes->list[0]);
    return &mistakes->list[index];
}

/* Moves `at` forward until it stands between two characters of the line. */
static size_t character_start(const char *text, size_t size, size_t at) {
    while (at < size && ((unsigned char)text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

void mistakes_add(struct mistakes *mistakes, const char *file, unsigned line, const char *text,
                  size_t size, size_t offset, const char *message) {
    struct mistake *mistake = next_mistake(mistakes, file, line);
    if (mistake == NULL)
        return;
    size_t start = 0;
    if (size > EXCERPT_MAX && offset > EXCERPT_MAX / 2)
        start = character_start(text, size, offset - EXCERPT_MAX / 2);
    size_t end = size - start > EXCERPT_MAX ? start + EXCERPT_MAX : size;
    end = character_start(text, size, end);
    *mistake = (struct mistake){
        .file = arena_copy(&mistakes->arena, file, strlen(file)),
        .line = line,
        .column = (unsigned)utf8_length(text, offset) + 1,
        .text = arena_copy(&mistakes->arena, message, strlen(message)),
        .excerpt = arena_copy(&mistakes->arena, text + start, end - start),
        .excerpt_size = end - start,
        .caret = offset - start,
    };
}

void mistakes_add_file(struct mistakes *mistakes, const char *file, const char *message) {
    struct mistake *mistake = next_mistake(mistakes, file, 0);
    if (mistake != NULL)
        *mistake = (struct mistake){
            .file = arena_copy(&mistakes->arena, file, strlen(file)),
            .text = arena_copy(&mistakes->arena, message, strlen(message)),
        };
}

static void print_text(FILE *out, const char *text) {
    utf8_print(out, text, strlen(text));
}

/* Prints the line and, below it, a caret. Every character takes one column except a tab, which is
 * repeated below so that the caret is in the right column whatever the terminal's tab stops. */
static void print_excerpt(const struct mistake *mistake, FILE *out) {
    const char *text = mistake->excerpt;
    uint32_t code;
    size_t length;
    fputs("  ", out);
    for (size_t at = 0; at < mistake->excerpt_size; at += length) {
        length = utf8_next(text + at, mistake->excerpt_size - at, &code);
        if (code == '\t')
            fputc('\t', out);
        else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
            fputc('?', out);
        else
            utf8_print(out, text + at, length);
    }
    fputs("\n  ", out);
    for (size_t at = 0; at < mistake->caret; at += length) {
        length = utf8_next(text + at, mistake->excerpt_size - at, &code);
        fputc(code == '\t' ? '\t' : ' ', out);
    }
    fputs("^\n", out);
}

static void print_one(const struct mistake *mistake, FILE *out) {
    print_text(out, mistake->file);
    if (mistake->line > 0)
        fprintf(out, ":%u:%u", mistake->line, mistake->column);
    fputs(": error: ", out);
    print_text(out, mistake->text);
    fputc('\n', out);
    if (mistake->line > 0)
        print_excerpt(mistake, out);
}

void mistakes_print(const struct mistakes *mistakes, FILE *out) {
    size_t kept = mistakes->count < MISTAKES_KEPT ? mistakes->count : MISTAKES_KEPT;
    for (size_t i = 0; i < kept; i++)
        print_one(&mistakes->list[i], out);
    if (kept < mistakes->count)
        fprintf(out, "... and %zu more errors\n", mistakes->count - kept);
}

void mistakes_free(struct mistakes *mistakes) {
    arena_free(&mistakes->arena);
    *mistakes = (struct mistakes){0};
}
