/* What kind of line it is, by its first two words. */
#include <string.h>

#include "base/suggest.h"
#include "scenario/parser.h"

/* --- keywords --- */

struct keyword {
    const char *name;
    parse_keyword_line *parse;
    bool in_header;
    bool takes_text; /* whatever stands behind it is text, or a result */
};

static const struct keyword keywords[] = {
    {"title", parse_title, true, true},   {"tags", parse_tags, true, true},
    {"needs", parse_needs, true, false},  {"slow", parse_slow, true, false},
    {"why", parse_why, true, true},       {"fix", parse_fix, true, true},
    {"setup", parse_setup, false, false}, {"case", parse_case, false, true},
    {"end", parse_end, false, false},
};

enum { KEYWORDS = sizeof keywords / sizeof keywords[0] };

static const struct keyword *keyword_named(const struct word *word) {
    for (size_t i = 0; i < KEYWORDS; i++)
        if (word_is(word, keywords[i].name))
            return &keywords[i];
    return NULL;
}

static const struct keyword *keyword_near(const struct word *word) {
    struct suggestion nearest = suggest_begin(word->text);
    for (size_t i = 0; i < KEYWORDS; i++)
        suggest_offer(&nearest, keywords[i].name);
    struct word near = {.text = nearest.word};
    return nearest.word == NULL ? NULL : keyword_named(&near);
}

static void suggest_keyword(struct parser *parser, const struct keyword *keyword) {
    const struct word *first = &parser->line.words[0];
    parser_mistake(parser, first, "unknown keyword '%s'; did you mean '%s'?", first->text,
                   keyword->name);
}

static void suggest_verb(struct parser *parser, const struct word *word, enum verb verb) {
    parser_mistake(parser, word, "unknown verb '%s'; did you mean '%s'?", word->text,
                   verb_row(verb)->name);
}

/* --- names --- */

/* The verb that a word is; a quoted one only where nothing but a verb can stand. */
static enum verb plain_verb(const struct word *word) {
    return word == NULL || word->quoted ? VERB_NONE : verb_named(word->text);
}

static void refuse_role_name(struct parser *parser, const struct word *word) {
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
    (*names)[*count] = name;
    return (int)(*count)++;
}

int parser_role(struct parser *parser, const struct word *word) {
    struct scenario *scenario = parser->scenario;
    if (keyword_named(word) != NULL || plain_verb(word) != VERB_NONE) {
        refuse_role_name(parser, word);
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

static int known_role(const struct parser *parser, const struct word *word) {
    return find_name(parser->scenario->roles, parser->scenario->role_count, word->text);
}

/* A verb that resembles none: what the line names is taken as a socket that it made, so that the
 * lines below are not blamed for it. */
static void unknown_verb(struct parser *parser, int role, size_t verb) {
    const struct line *line = &parser->line;
    parser_mistake(parser, &line->words[verb], "unknown verb '%s'", line->words[verb].text);
    int socket = line->count > verb + 1 ? parser_socket(parser, &line->words[verb + 1]) : -1;
    if (role >= 0 && socket >= 0)
        parser->flow.socket[role][socket] = SOCKET_OPEN;
}

/* --- lines --- */

static void parse_keyword(struct parser *parser, const struct keyword *keyword) {
    const struct line *line = &parser->line;
    bool names_a_role =
        !keyword->takes_text && line->count > 1 && plain_verb(&line->words[1]) != VERB_NONE;
    bool prose = keyword->parse == parse_why || keyword->parse == parse_fix;
    if (names_a_role) {
        refuse_role_name(parser, &line->words[0]);
    } else if (keyword->in_header && parser->part != PART_HEADER) {
        parser_mistake(parser, &line->words[0],
                       "'%s' belongs to the header, before the setup and the cases", keyword->name);
        if (prose)
            parse_stray_prose(parser);
    } else {
        keyword->parse(parser);
    }
}

/* Says if the role cannot take this step now. */
static void check_role(struct parser *parser, const struct word *word, int role, enum verb verb) {
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

/* ROLE VERB ...: both are there. */
static void parse_role_line(struct parser *parser) {
    const struct word *words = parser->line.words;
    int role = parser_role(parser, &words[0]);
    if (role < 0)
        return;
    enum verb verb = verb_named(words[1].text);
    if (verb != VERB_NONE && verb_row(verb)->place == PLACE_ENVIRONMENT) {
        parser_mistake(parser, &words[1], "'%s' is a step of the environment and takes no role",
                       words[1].text);
        return;
    }
    if (verb == VERB_NONE) {
        verb = verb_near(words[1].text, PLACE_ROLE);
        if (verb == VERB_NONE) {
            unknown_verb(parser, role, 1);
            parser->after_unknown_verb = true;
            return;
        }
        suggest_verb(parser, &words[1], verb);
    }
    check_role(parser, &words[0], role, verb);
    parse_step(parser, verb, role, 2);
}

/* A line that starts with neither a keyword nor a verb. It is a role's if that role is known or a
 * verb follows; else its first word may be a misspelt keyword or verb. */
static void parse_other_line(struct parser *parser) {
    const struct line *line = &parser->line;
    const struct word *first = &line->words[0], *second = line->count > 1 ? first + 1 : NULL;
    bool of_a_role = known_role(parser, first) >= 0 || plain_verb(second) != VERB_NONE;
    const struct keyword *keyword = of_a_role ? NULL : keyword_near(first);
    enum verb verb = of_a_role ? VERB_NONE : verb_near(first->text, PLACE_ENVIRONMENT);
    bool verb_may_follow = second != NULL && verb_near(second->text, PLACE_ROLE) != VERB_NONE;
    if (keyword != NULL && !(verb_may_follow && verb == VERB_NONE)) {
        suggest_keyword(parser, keyword);
        parse_keyword(parser, keyword);
    } else if (verb != VERB_NONE) {
        parse_need_section(parser);
        suggest_verb(parser, first, verb);
        parse_step(parser, verb, NO_ROLE, 1);
    } else if (parser->part == PART_HEADER && !of_a_role && !verb_may_follow) {
        parser_mistake(parser, first, "unknown keyword '%s'", first->text);
    } else if (second == NULL || word_is(second, "->")) {
        parser_mistake(parser, first, "a step is written ROLE VERB ...; '%s' stands alone",
                       first->text);
    } else {
        parse_need_section(parser);
        parse_role_line(parser);
    }
}

static void parse_verb_line(struct parser *parser, enum verb verb) {
    const struct line *line = &parser->line;
    parse_need_section(parser);
    bool names_a_role = line->count > 1 && plain_verb(&line->words[1]) != VERB_NONE;
    if (names_a_role)
        refuse_role_name(parser, &line->words[0]);
    else if (verb_row(verb)->place == PLACE_CALL && parser->after_unknown_verb)
        return;
    else if (verb_row(verb)->place != PLACE_ENVIRONMENT)
        parser_mistake(parser, &line->words[0], "whose '%s' is it? The role is missing: %s",
                       line->words[0].text, verb_row(verb)->usage);
    else
        parse_step(parser, verb, NO_ROLE, 1);
}

/* --- lines of a block --- */

/* A block inside a block is a mistake; its `end` is then not taken for that of the outer one. */
static void refuse_inner_block(struct parser *parser) {
    parser_mistake(parser, &parser->line.words[0],
                   "a block cannot stand in a block: 'end' the one of line %u first",
                   parse_block(parser)->line);
    parser->inner_blocks++;
}

static void parse_body_call(struct parser *parser, enum verb verb, size_t arguments) {
    if (verb == VERB_REPEAT || verb == VERB_SERVE)
        refuse_inner_block(parser);
    else if (verb_row(verb)->place != PLACE_CALL)
        parser_mistake(parser, &parser->line.words[arguments - 1],
                       "'%s' cannot stand in a block: only calls on sockets can",
                       verb_row(verb)->name);
    else
        parse_step(parser, verb, parse_block(parser)->role, arguments);
}

/* ROLE VERB ... in a block. Another role's line tells that the block's `end` was forgotten. */
static void parse_role_line_in_block(struct parser *parser, enum verb verb) {
    const struct word *first = &parser->line.words[0];
    const char *own = parser->scenario->roles[parse_block(parser)->role];
    if (strcmp(first->text, own) != 0) {
        parse_block_missed_end(parser);
        parse_role_line(parser);
        return;
    }
    if (verb_row(verb)->place == PLACE_CALL)
        parser_mistake(parser, first, "in a block the role is not named again: drop '%s'",
                       first->text);
    parse_body_call(parser, verb, 2);
}

/* A line that starts with neither a keyword nor a verb. */
static void parse_other_line_in_block(struct parser *parser) {
    const struct line *line = &parser->line;
    const struct word *first = &line->words[0];
    const struct keyword *keyword = keyword_near(first);
    bool may_end = line->count == 1 || word_is(first + 1, "->");
    enum verb verb = verb_near(first->text, PLACE_CALL);
    if (keyword != NULL && keyword->parse == parse_end && may_end) {
        suggest_keyword(parser, keyword);
        parse_end(parser);
    } else if (verb != VERB_NONE) {
        suggest_verb(parser, first, verb);
        parse_body_call(parser, verb, 1);
    } else {
        unknown_verb(parser, parse_block(parser)->role, 0);
    }
}

/* A line of a block's body: a call, without a role. */
static void parse_body_line(struct parser *parser) {
    const struct word *words = parser->line.words;
    enum verb verb = plain_verb(&words[0]);
    enum verb second = parser->line.count > 1 ? plain_verb(&words[1]) : VERB_NONE;
    if (verb != VERB_NONE)
        parse_body_call(parser, verb, 1);
    else if (second != VERB_NONE)
        parse_role_line_in_block(parser, second);
    else
        parse_other_line_in_block(parser);
}

/* --- any line --- */

void parse_line(struct parser *parser) {
    const struct word *first = &parser->line.words[0];
    const struct keyword *keyword = keyword_named(first);
    enum verb verb = plain_verb(first);
    bool may_be_of_a_block = verb != VERB_NONE || word_is(first, "end");
    parser->after_unknown_verb = parser->after_unknown_verb && may_be_of_a_block;
    if (keyword != NULL)
        parse_keyword(parser, keyword);
    else if (parser->in_block)
        parse_body_line(parser);
    else if (verb != VERB_NONE)
        parse_verb_line(parser, verb);
    else
        parse_other_line(parser);
}

void parse_broken_line(struct parser *parser) {
    const struct keyword *keyword =
        parser->line.count > 0 ? keyword_named(&parser->line.words[0]) : NULL;
    if (keyword != NULL && keyword->takes_text)
        parse_keyword(parser, keyword);
}
