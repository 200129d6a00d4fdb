/* Words are separated by blanks. A word that starts with a double quote ends at the next one;
 * inside,
 * \" and \\ stand for a quote and a backslash. `#` outside quotes starts a comment. */
#include "scenario/lex.h"

#include <string.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static struct word *add_word(struct arena *arena, struct line *line, size_t at) {
    line->words = arena_grow(arena, line->words, line->count, sizeof line->words[0]);
    struct word *word = &line->words[line->count++];
    *word = (struct word){.at = at};
    return word;
}

static size_t plain_word(struct arena *arena, struct line *line, size_t at) {
    size_t end = at;
    while (end < line->size && !is_blank(line->text[end]) && line->text[end] != '#')
        end++;
    struct word *word = add_word(arena, line, at);
    word->text = arena_copy(arena, line->text + at, end - at);
    return word->end = end;
}

/* Returns whether the byte at `at` is a backslash that escapes the next one. */
static bool is_escape(const struct line *line, size_t at) {
    return line->text[at] == '\\' && at + 1 < line->size &&
           (line->text[at + 1] == '"' || line->text[at + 1] == '\\');
}

/* Reads the word that the quote at `at` opens. Returns its end, or `at` with `*wrong` set. */
static size_t quoted_word(struct arena *arena, struct line *line, size_t at, const char **wrong) {
    size_t close = at + 1;
    while (close < line->size && line->text[close] != '"')
        close += is_escape(line, close) ? 2 : 1;
    if (close >= line->size) {
        *wrong = "this quote is not closed";
        return at;
    }
    size_t end = close + 1;
    if (end < line->size && !is_blank(line->text[end]) && line->text[end] != '#') {
        *wrong = "a blank is missing after the quoted word";
        return at;
    }
    char *text = arena_alloc(arena, close - at), *to = text;
    for (size_t from = at + 1; from < close; from++) {
        from += is_escape(line, from);
        *to++ = line->text[from];
    }
    struct word *word = add_word(arena, line, at);
    word->text = text;
    word->quoted = true;
    return word->end = end;
}

const char *lex_line(struct arena *arena, const char *text, size_t size, unsigned number,
                     struct line *line, size_t *at) {
    const char *wrong = NULL;
    *line = (struct line){.text = text, .size = size, .number = number, .comment = size};
    line->indented = size > 0 && is_blank(text[0]);
    for (size_t next = 0; next < size && wrong == NULL;) {
        *at = next;
        if (is_blank(text[next])) {
            next++;
        } else if (text[next] == '#') {
            line->comment = next + 1;
            break;
        } else if (text[next] == '"') {
            next = quoted_word(arena, line, next, &wrong);
        } else {
            next = plain_word(arena, line, next);
        }
    }
    if (line->count > 0)
        line->content = line->words[line->count - 1].end;
    return wrong;
}

const char *lex_slice(struct arena *arena, const struct line *line, size_t first, size_t end) {
    if (first >= line->count || line->words[first].at >= end)
        return "";
    size_t start = line->words[first].at;
    char *slice = arena_alloc(arena, end - start + 1), *to = slice;
    size_t word = first;
    for (; word < line->count && line->words[word].at < end; word++) {
        const struct word *w = &line->words[word];
        if (word > first)
            *to++ = ' ';
        memcpy(to, line->text + w->at, w->end - w->at);
        to += w->end - w->at;
    }
    return slice;
}
