/* What every part of the parser needs: mistakes, words, names. */
#include <string.h>

#include "scenario/parser.h"

/* --- mistakes --- */

__attribute__((format(printf, 4, 0))) static void add_mistake(struct parser *parser,
                                                              const struct line *line,
                                                              size_t offset, const char *format,
                                                              va_list values) {
    char *message = arena_vformat(&parser->mistakes->arena, format, values);
    size_t place = offset < line->size ? offset : line->size;
    mistakes_add(parser->mistakes, parser->file, line->number, line->text, line->size, place,
                 message);
}

void parser_mistake(struct parser *parser, const struct word *word, const char *format, ...) {
    va_list values;
    va_start(values, format);
    add_mistake(parser, &parser->line, word == NULL ? parser->line.content : word->at, format,
                values);
    va_end(values);
    parser->line_is_wrong = true;
}

void parser_mistake_in(struct parser *parser, const struct word *word, const char *text,
                       const char *format, ...) {
    va_list values;
    va_start(values, format);
    /* Quotes and escapes move the text of a quoted word: its start is near enough. */
    size_t inside = word->quoted ? 0 : (size_t)(text - word->text);
    add_mistake(parser, &parser->line, word->at + inside, format, values);
    va_end(values);
    parser->line_is_wrong = true;
}

void parser_mistake_at(struct parser *parser, const struct line *line, const char *format, ...) {
    va_list values;
    va_start(values, format);
    add_mistake(parser, line, line->count > 0 ? line->words[0].at : 0, format, values);
    va_end(values);
}

const char *parser_keep(struct parser *parser, const struct word *word) {
    return arena_copy(&parser->scenario->arena, word->text, strlen(word->text));
}

/* --- cursor --- */

struct cursor cursor_behind(const struct parser *parser, size_t skipped) {
    return (struct cursor){&parser->line, skipped, parser->line.count};
}

const struct word *cursor_peek(const struct cursor *cursor) {
    return cursor->next < cursor->end ? &cursor->line->words[cursor->next] : NULL;
}

const struct word *cursor_take(struct cursor *cursor) {
    const struct word *word = cursor_peek(cursor);
    cursor->next += word != NULL;
    return word;
}

bool word_is(const struct word *word, const char *text) {
    return word != NULL && !word->quoted && strcmp(word->text, text) == 0;
}

bool cursor_skip(struct cursor *cursor, const char *word) {
    bool there = word_is(cursor_peek(cursor), word);
    cursor->next += there;
    return there;
}

const struct word *cursor_need(struct parser *parser, struct cursor *cursor, const char *what) {
    const struct word *word = cursor_take(cursor);
    if (word == NULL && !parser->line_is_wrong) {
        bool arrow = cursor->end < cursor->line->count;
        parser_mistake(parser, arrow ? &cursor->line->words[cursor->end] : NULL, "%s is missing",
                       what);
    }
    return word;
}

void cursor_need_no_more(struct parser *parser, const struct cursor *cursor, const char *usage) {
    const struct word *word = cursor_peek(cursor);
    if (word == NULL || parser->line_is_wrong)
        return;
    if (usage == NULL)
        parser_mistake(parser, word, "unexpected '%s'", word->text);
    else
        parser_mistake(parser, word, "unexpected '%s'; it is written: %s", word->text, usage);
}

/* --- names --- */

enum keyword word_keyword(const struct word *word) {
    return word == NULL || word->quoted ? KEYWORDS : keyword_named(word->text);
}

enum verb word_verb(const struct word *word) {
    return word == NULL || word->quoted ? VERB_NONE : verb_named(word->text);
}

void parser_refuse_role(struct parser *parser, const struct word *word) {
    parser_mistake(parser, word, "'%s' is a keyword and cannot name a role", word->text);
}

/* The index of a name in a list, or -1. */
static int find_name(const char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}

/* The same, with the name added if it is new; -1 if the list would grow beyond `most`. */
static int intern(struct arena *arena, const char ***names, size_t *count, size_t most,
                  const char *name) {
    int place = find_name(*names, *count, name);
    if (place >= 0 || *count == most)
        return place;
    *names = arena_grow(arena, *names, *count, sizeof **names);
    (*names)[*count] = arena_copy(arena, name, strlen(name));
    return (int)(*count)++;
}

int parser_role(struct parser *parser, const struct word *word) {
    struct scenario *scenario = parser->scenario;
    if (word_keyword(word) < KEYWORDS || word_verb(word) != VERB_NONE) {
        parser_refuse_role(parser, word);
        return NO_ROLE;
    }
    int role = intern(&scenario->arena, &scenario->roles, &scenario->role_count, SCENARIO_ROLES_MAX,
                      word->text);
    if (role < 0)
        parser_mistake(parser, word, "more than %d roles", SCENARIO_ROLES_MAX);
    return role;
}

int parser_socket(struct parser *parser, const struct word *word) {
    struct scenario *scenario = parser->scenario;
    int socket = intern(&scenario->arena, &scenario->sockets, &scenario->socket_count,
                        SCENARIO_SOCKETS_MAX, word->text);
    if (socket < 0 && !parser->line_is_wrong)
        parser_mistake(parser, word, "more than %d names of sockets", SCENARIO_SOCKETS_MAX);
    return socket;
}

bool parser_knows_role(const struct parser *parser, const struct word *word) {
    return find_name(parser->scenario->roles, parser->scenario->role_count, word->text) >= 0;
}

void parser_check_role(struct parser *parser, const struct word *word, int role, enum verb verb) {
    unsigned char *state = &parser->flow.role[role];
    bool ends_serving = verb == VERB_STOP || verb == VERB_EXIT || verb == VERB_KILL;
    if (*state == ROLE_ENDED)
        parser_mistake(parser, word, "role '%s' has ended; a new process needs a new name",
                       word->text);
    else if (*state == ROLE_SERVES && !ends_serving)
        parser_mistake(parser, word, "role '%s' is serving; '%s stop' has to come first",
                       word->text, word->text);
    else if (*state == ROLE_UNBORN)
        *state = ROLE_RUNS;
}
