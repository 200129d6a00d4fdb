/* The header: a line each for title, tags and needs, prose for why and fix. */
#include <string.h>

#include "scenario/parser.h"

const char *parser_text(struct parser *parser) {
    const struct line *line = &parser->line;
    if (line->count == 2 && line->words[1].quoted)
        return parser_keep(parser, &line->words[1]);
    return lex_slice(&parser->scenario->arena, line, 1, line->content);
}

void parse_title(struct parser *parser) {
    struct scenario *scenario = parser->scenario;
    if (scenario->title != NULL)
        parser_mistake(parser, &parser->line.words[0], "a second title");
    scenario->title = parser_text(parser);
    if (*scenario->title == '\0' && !parser->line_is_wrong)
        parser_mistake(parser, NULL, "the text of the title is missing");
}

void parse_tags(struct parser *parser) {
    struct scenario *scenario = parser->scenario;
    struct cursor cursor = cursor_behind(parser, 1);
    const struct word *word = cursor_need(parser, &cursor, "a tag");
    for (; word != NULL; word = cursor_take(&cursor)) {
        scenario->tags = arena_grow(&scenario->arena, scenario->tags, scenario->tag_count,
                                    sizeof scenario->tags[0]);
        scenario->tags[scenario->tag_count++] = parser_keep(parser, word);
    }
}

static void parse_needs_kernel(struct parser *parser, struct cursor *cursor) {
    if (!cursor_skip(cursor, ">=")) {
        parser_mistake(parser, cursor_peek(cursor), "it is written: needs kernel >= 6.3");
        return;
    }
    const struct word *word = cursor_need(parser, cursor, "a kernel's version");
    if (word != NULL && !release_parse(word->text, false, &parser->scenario->needs_kernel))
        parser_mistake(parser, word, "'%s' is no version of Linux such as 6.8", word->text);
}

void parse_needs(struct parser *parser) {
    struct cursor cursor = cursor_behind(parser, 1);
    const struct word *word = cursor_need(parser, &cursor, "'kernel >= VERSION', 'ipv6' or 'uids'");
    if (word_is(word, "ipv6"))
        parser->scenario->needs_ipv6 = true;
    else if (word_is(word, "uids"))
        parser->scenario->needs_uids = true;
    else if (word_is(word, "kernel"))
        parse_needs_kernel(parser, &cursor);
    else if (word != NULL)
        parser_mistake(parser, word,
                       "unknown need '%s'; a scenario needs 'kernel >= VERSION', 'ipv6' or 'uids'",
                       word->text);
    cursor_need_no_more(parser, &cursor, NULL);
}

void parse_slow(struct parser *parser) {
    struct cursor cursor = cursor_behind(parser, 1);
    parser->scenario->slow = true;
    cursor_need_no_more(parser, &cursor, NULL);
}

/* --- prose --- */

static void begin_prose(struct parser *parser, const char **prose) {
    if (*prose != NULL && !parser->line_is_wrong)
        parser_mistake(parser, &parser->line.words[0], "a second '%s'", parser->line.words[0].text);
    *prose = parser_text(parser);
    parser->prose = prose;
    parser->prose_start = NULL;
}

void parse_stray_prose(struct parser *parser) {
    parser->stray_prose = NULL;
    begin_prose(parser, &parser->stray_prose);
}

void parse_why(struct parser *parser) {
    begin_prose(parser, &parser->scenario->why);
}

void parse_fix(struct parser *parser) {
    begin_prose(parser, &parser->scenario->fix);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* Copies the lines from `at` to `end` without the blanks around each; an empty one stays, as it
 * parts paragraphs. Returns where the copy ends. */
static char *copy_trimmed(char *to, const char *at, const char *end) {
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline == NULL ? end : newline;
        const char *next = newline == NULL ? end : newline + 1;
        while (at < stop && is_blank(*at))
            at++;
        while (stop > at && is_blank(stop[-1]))
            stop--;
        memcpy(to, at, (size_t)(stop - at));
        to += stop - at;
        *to++ = '\n';
        at = next;
    }
    return to;
}

void parse_prose_end(struct parser *parser) {
    if (parser->prose != NULL && parser->prose_start != NULL) {
        const char *first = *parser->prose; /* what stood behind the keyword */
        size_t size = strlen(first), lines = (size_t)(parser->prose_end - parser->prose_start);
        char *text = arena_alloc(&parser->scenario->arena, size + lines + 3), *to = text;
        memcpy(to, first, size);
        to += size;
        if (size > 0)
            *to++ = '\n';
        to = copy_trimmed(to, parser->prose_start, parser->prose_end);
        while (to > text && to[-1] == '\n')
            to--;
        *to = '\0';
        *parser->prose = text + strspn(text, "\n");
    }
    parser->prose = NULL;
}

void parse_prose_line(struct parser *parser, const char *text, size_t size) {
    if (parser->prose_start == NULL)
        parser->prose_start = text;
    parser->prose_end = text + size;
}
