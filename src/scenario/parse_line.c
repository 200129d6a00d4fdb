/* A line: what kind it is, by its first two words, and the step that it may be. What each verb
 * takes is in steps_environment.c and steps_role.c. */
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "scenario/parser.h"

/* --- a step: its arguments, its expectation, and what it changes for the steps after it --- */

/* Adds a step, with the comment of the present line. Returns NULL if there are too many. */
static struct step *add_step(struct parser *parser, enum verb verb, int role, int host) {
    struct scenario *scenario = parser->scenario;
    const struct line *line = &parser->line;
    if (scenario->step_count == SCENARIO_STEPS_MAX) {
        if (!parser->too_many_steps)
            parser_error(parser, &line->words[0], "more than %d steps", SCENARIO_STEPS_MAX);
        parser->too_many_steps = true;
        return NULL;
    }
    scenario->steps = arena_grow(&parser->scratch, scenario->steps, scenario->step_count,
                                 sizeof scenario->steps[0]);
    struct step *step = &scenario->steps[scenario->step_count++];
    *step = (struct step){
        .verb = verb, .role = role, .host = host, .line = line->number, .socket = NO_SOCKET};
    size_t at = line->comment, end = line->size;
    while (at < end && line_is_blank(line->text[at]))
        at++;
    while (end > at && line_is_blank(line->text[end - 1]))
        end--;
    if (at < end)
        step->comment = arena_copy(&scenario->arena, line->text + at, end - at);
    parser->section->count++;
    return step;
}

static void parse_step_want(struct parser *parser, size_t arrow, struct step *step) {
    const struct verb_row *row = verb_row(step->verb);
    bool given = arrow < parser->line.count;
    bool asks_for_option = row->answer == GIVES_VALUE && step->options.count > 0;
    if (row->opens_block && given)
        parser_error(parser, &parser->line.words[arrow],
                     "the result of a block is written after its 'end'");
    else if (row->needs_result && !given && !parser->line_is_wrong)
        parser_error(parser, NULL, "'%s' needs a result: '-> %s', or '-> any' to record it",
                     row->name, row->answer == GIVES_CAUSE ? "CAUSE" : "N");
    else
        parse_expectation(parser, arrow, step->verb,
                          asks_for_option ? step->options.list[0].option : NULL, &step->want);
    if (row->opens_block)
        parse_block_open(parser, step);
}

/* Reports a call that can only fail, unless it is expected to, or stands in a block, whose end may
 * expect that. */
static void check_refusal(struct parser *parser, const struct step *step, size_t verb) {
    const struct verb_row *row = verb_row(step->verb);
    if (parser->line_is_wrong || parser->in_block || row->refuse == NULL ||
        expectation_allows_failure(&step->want))
        return;
    const char *why = row->refuse(&parser->flow, step);
    if (why != NULL)
        parser_error(parser, &parser->line.words[verb], "%s", why);
}

/* Returns the host of a step before which no `on HOST` stands: that of its role, or the first. */
static int usual_host(struct parser *parser, enum verb verb, int role) {
    if (parser->scenario->host_count == 0)
        return NO_HOST;
    if (role != NO_ROLE)
        return parser->flow.host_of[role];
    if (!verb_row(verb)->on_host)
        return NO_HOST;
    if (parser->flow.host[0] == HOST_OFF && !verb_row(verb)->when_off)
        parser_error(parser, &parser->line.words[0],
                     "the first host, '%s', is off; say where: on HOST %s",
                     parser->scenario->hosts[0].name, verb_row(verb)->name);
    return 0;
}

/* Returns who does a step, and where: `server on db`. */
static const char *who(struct parser *parser, const struct step *step) {
    const struct scenario *scenario = parser->scenario;
    const char *role = step->role == NO_ROLE ? "" : scenario->roles[step->role];
    if (step->host == NO_HOST || verb_row(step->verb)->is_first)
        return role;
    return arena_format(&parser->scenario->arena, "%s%son %s", role, *role == '\0' ? "" : " ",
                        scenario->hosts[step->host].name);
}

/* Parses the step whose verb, role and host are known and whose arguments start at word `first`.
 * Returns it, or NULL if there are too many. */
static struct step *parse_step_at(struct parser *parser, enum verb verb, int role, int host,
                                  size_t first) {
    const struct verb_row *row = verb_row(verb);
    size_t arrow = parse_find_arrow(parser);
    struct step *step = add_step(parser, verb, role, host);
    if (step == NULL)
        return NULL;
    struct cursor cursor = {&parser->line, first, arrow < first ? first : arrow};
    size_t end = cursor.end > first ? parser->line.words[cursor.end - 1].end : 0;
    step->arguments = line_slice(&parser->scenario->arena, &parser->line, first, end);
    if (row->parse != NULL)
        row->parse(parser, &cursor, step);
    cursor_need_no_more(parser, &cursor, row->usage);
    step->who = who(parser, step);
    parse_step_want(parser, arrow, step);
    check_refusal(parser, step, first - 1);
    bool may_succeed = parser->line_is_wrong || expectation_allows_success(&step->want);
    if (row->effect != NULL && may_succeed)
        row->effect(&parser->flow, step);
    return step;
}

static struct step *parse_step(struct parser *parser, enum verb verb, int role, size_t first) {
    return parse_step_at(parser, verb, role, usual_host(parser, verb, role), first);
}

/* --- keywords --- */

/* `why` begins the prose of the header; behind it, it is a step where an address follows, or an
 * arrow. */
static bool is_question(const struct parser *parser) {
    const struct line *line = &parser->line;
    if (parser->part == PART_HEADER || line->count == 1)
        return false;
    for (size_t i = 1; i < line->count; i++)
        if (word_is(&line->words[i], "->"))
            return true;
    return strchr("$*[", line->words[1].text[0]) != NULL ||
           strchr(line->words[1].text, ':') != NULL;
}

/* Returns the keyword that a line begins with, given its first word's; KEYWORDS if it is a step. */
static enum keyword keyword_of_line(const struct parser *parser, enum keyword keyword) {
    return keyword == KEYWORD_WHY && is_question(parser) ? KEYWORDS : keyword;
}

struct keyword_row {
    parse_keyword_line *parse;
    bool in_header;
    bool is_text; /* what follows it is free text */
};

static const struct keyword_row rows[KEYWORDS] = {
    [KEYWORD_TITLE] = {parse_title, true, true},  [KEYWORD_TAGS] = {parse_tags, true, true},
    [KEYWORD_NEEDS] = {parse_needs, true, false}, [KEYWORD_SLOW] = {parse_slow, true, false},
    [KEYWORD_HOST] = {parse_host, true, false},   [KEYWORD_WHY] = {parse_prose, true, true},
    [KEYWORD_FIX] = {parse_prose, true, true},    [KEYWORD_SETUP] = {parse_setup, false, false},
    [KEYWORD_CASE] = {parse_case, false, true},   [KEYWORD_END] = {parse_end, false, false},
};

static void suggest_keyword(struct parser *parser, enum keyword keyword) {
    const struct word *first = &parser->line.words[0];
    parser_error(parser, first, "unknown keyword '%s'; did you mean '%s'?", first->text,
                 keyword_name(keyword));
}

static void suggest_verb(struct parser *parser, const struct word *word, enum verb verb) {
    parser_error(parser, word, "unknown verb '%s'; did you mean '%s'?", word->text,
                 verb_row(verb)->name);
}

/* A verb that resembles none, at word `verb`. If `or_first`, the word before it may have been meant
 * as a step of the environment. The word after it is taken as the name of a socket that the step
 * makes, so that the lines that use this socket are not reported too. */
static void unknown_verb(struct parser *parser, int role, size_t verb, bool or_first) {
    const struct line *line = &parser->line;
    if (or_first)
        parser_error(parser, &line->words[verb],
                     "unknown verb '%s'; nor is '%s' a verb, or a role so far",
                     line->words[verb].text, line->words[0].text);
    else
        parser_error(parser, &line->words[verb], "unknown verb '%s'", line->words[verb].text);
    int socket = line->count > verb + 1 ? parser_socket(parser, &line->words[verb + 1]) : -1;
    if (role >= 0 && socket >= 0)
        parser->flow.socket[role][socket].state = SOCKET_OPEN;
}

/* --- lines --- */

static void parse_keyword(struct parser *parser, enum keyword keyword) {
    const struct line *line = &parser->line;
    const struct keyword_row *row = &rows[keyword];
    bool misplaced = row->in_header && parser->part != PART_HEADER;
    parser->keyword = keyword;
    bool verb_follows =
        (misplaced || !row->is_text) && line->count > 1 && word_verb(&line->words[1]) != VERB_NONE;
    bool needs_sysctl = keyword == KEYWORD_NEEDS && !misplaced && verb_follows &&
                        word_is(&line->words[1], "sysctl");
    bool names_host = keyword == KEYWORD_HOST && !misplaced;
    if (verb_follows && !needs_sysctl && !names_host) {
        parser_refuse_role(parser, &line->words[0]);
    } else if (misplaced) {
        if (!parser->line_is_wrong) /* misspelt */
            parser_error(parser, &line->words[0],
                         "'%s' belongs in the header, before the setup and the cases",
                         keyword_name(keyword));
        if (row->parse == parse_prose)
            parse_prose(parser);
    } else {
        row->parse(parser);
    }
}

/* ROLE VERB ...: both are there. */
static void parse_role_line(struct parser *parser) {
    const struct word *words = parser->line.words;
    bool is_new = !parser_knows_role(parser, &words[0]) && !words[0].quoted;
    int role = parser_role(parser, &words[0]);
    if (role < 0)
        return;
    enum verb verb = verb_named(words[1].text);
    if (verb != VERB_NONE && verb_row(verb)->scope == SCOPE_ENVIRONMENT) {
        parser_error(parser, &words[1], "'%s' is a step of the environment and takes no role",
                     words[1].text);
        return;
    }
    if (verb == VERB_NONE) {
        verb = verb_near(words[1].text, SCOPE_ROLE);
        if (verb == VERB_NONE) {
            unknown_verb(parser, role, 1, is_new);
            parser->after_unknown_verb = true;
            return;
        }
        suggest_verb(parser, &words[1], verb);
    }
    parser_check_role(parser, &words[0], role, verb);
    parse_step(parser, verb, role, 2);
}

/* `on HOST STEP`: a step of the environment, done on a host. */
static void parse_on_line(struct parser *parser) {
    const struct word *words = parser->line.words;
    size_t count = parser->line.count;
    parse_need_section(parser);
    if (count < 3 || word_is(&words[1], "->") || word_is(&words[2], "->")) {
        parser_error(parser, count < 3 ? NULL : &words[2],
                     "a step is missing; usage: on HOST STEP, or ROLE on HOST");
        return;
    }
    enum verb verb = word_verb(&words[2]);
    int host = verb != VERB_NONE && verb_row(verb)->when_off ? parse_host_name(parser, &words[1])
                                                             : parse_host_on(parser, &words[1]);
    if (verb == VERB_NONE && (parser_knows_role(parser, &words[2]) ||
                              (count > 3 && word_verb(&words[3]) != VERB_NONE))) {
        parser_error(parser, &words[2],
                     "a step of a role is done on the host of the role: its first step says where, "
                     "'%s on %s'",
                     words[2].text, words[1].text);
        return;
    }
    if (verb == VERB_NONE) {
        verb = verb_near(words[2].text, SCOPE_ENVIRONMENT);
        if (verb == VERB_NONE) {
            parser_error(parser, &words[2], "unknown verb '%s'", words[2].text);
            return;
        }
        suggest_verb(parser, &words[2], verb);
    }
    if (!verb_row(verb)->on_host) {
        parser_error(parser, &words[2], "'%s' is not done on a host: remove 'on %s'", words[2].text,
                     words[1].text);
        return;
    }
    parse_step_at(parser, verb, NO_ROLE, host, 3);
}

/* A line that starts with neither a keyword nor a verb, and is no role's: its first word may be a
 * misspelt keyword or verb. Returns whether the line was taken as such. */
static bool parse_misspelt_line(struct parser *parser) {
    const struct word *first = &parser->line.words[0];
    enum keyword keyword = keyword_of_line(parser, keyword_near(first->text));
    enum verb verb = verb_near(first->text, SCOPE_ENVIRONMENT);
    bool verb_may_follow =
        parser->line.count > 1 && verb_near(first[1].text, SCOPE_ROLE) != VERB_NONE;
    if (keyword < KEYWORDS && !(verb_may_follow && verb == VERB_NONE)) {
        suggest_keyword(parser, keyword);
        parse_keyword(parser, keyword);
    } else if (verb != VERB_NONE) {
        parse_need_section(parser);
        suggest_verb(parser, first, verb);
        parse_step(parser, verb, NO_ROLE, 1);
    } else if (parser->part == PART_HEADER && !verb_may_follow) {
        parser_error(parser, first, "unknown keyword '%s'", first->text);
    } else {
        return false;
    }
    return true;
}

/* A line that starts with neither a keyword nor a verb. It is a role's if that role is known or a
 * verb follows. */
static void parse_other_line(struct parser *parser) {
    const struct word *first = &parser->line.words[0];
    bool stands_alone = parser->line.count == 1 || word_is(first + 1, "->");
    bool of_a_role =
        parser_knows_role(parser, first) || (!stands_alone && word_verb(first + 1) != VERB_NONE);
    if (!of_a_role && parse_misspelt_line(parser))
        return;
    if (stands_alone) {
        parser_error(parser, first, "a step is ROLE VERB ...; '%s' is only one word", first->text);
        return;
    }
    parse_need_section(parser);
    parse_role_line(parser);
}

static void parse_verb_line(struct parser *parser, enum verb verb) {
    const struct line *line = &parser->line;
    parse_need_section(parser);
    bool names_a_role = line->count > 1 && word_verb(&line->words[1]) != VERB_NONE;
    if (verb == VERB_ON && !names_a_role)
        parse_on_line(parser);
    else if (names_a_role)
        parser_refuse_role(parser, &line->words[0]);
    else if (verb_row(verb)->scope == SCOPE_CALL && parser->after_unknown_verb)
        return;
    else if (verb_row(verb)->scope != SCOPE_ENVIRONMENT)
        parser_error(parser, &line->words[0], "the role before '%s' is missing; usage: %s",
                     line->words[0].text, verb_row(verb)->usage);
    else
        parse_step(parser, verb, NO_ROLE, 1);
}

/* --- lines of a block --- */

/* A block in a block is an error; its `end` must then not be taken for that of the outer one. */
static void parse_body_call(struct parser *parser, enum verb verb, size_t arguments) {
    const struct step *block = parse_block(parser);
    if (verb_row(verb)->opens_block) {
        parser_error(parser, &parser->line.words[0],
                     "blocks cannot be nested: the one of line %u needs its 'end' first",
                     block->line);
        parser->inner_blocks++;
    } else if (verb_row(verb)->scope != SCOPE_CALL && !verb_row(verb)->in_block) {
        parser_error(parser, &parser->line.words[arguments - 1],
                     "'%s' is not allowed in a block; only calls on sockets and 'sleep' are",
                     verb_row(verb)->name);
    } else {
        size_t words = parse_counter(parser, &block->rounds);
        struct step *step = parse_step(parser, verb, block->role, arguments);
        if (step != NULL)
            parse_variations(parser, &parse_block(parser)->rounds, words, step);
    }
}

/* ROLE VERB ... in a block. A line of another role means that the block's `end` was forgotten. */
static void parse_role_line_in_block(struct parser *parser, enum verb verb) {
    const struct word *first = &parser->line.words[0];
    const char *own = parser->scenario->roles[parse_block(parser)->role];
    if (strcmp(first->text, own) != 0) {
        parse_block_missed_end(parser);
        parse_role_line(parser);
        return;
    }
    if (verb_row(verb)->scope == SCOPE_CALL)
        parser_error(parser, first, "a line of a block does not repeat the role: remove '%s'",
                     first->text);
    parse_body_call(parser, verb, 2);
}

/* A line that starts with neither a keyword nor a verb. */
static void parse_other_line_in_block(struct parser *parser) {
    const struct line *line = &parser->line;
    const struct word *first = &line->words[0];
    enum keyword keyword = keyword_near(first->text);
    bool may_end = line->count == 1 || word_is(first + 1, "->");
    enum verb verb = verb_near(first->text, SCOPE_CALL);
    if (keyword == KEYWORD_END && may_end) {
        suggest_keyword(parser, keyword);
        parse_end(parser);
    } else if (verb != VERB_NONE) {
        suggest_verb(parser, first, verb);
        parse_body_call(parser, verb, 1);
    } else {
        unknown_verb(parser, parse_block(parser)->role, 0, false);
    }
}

/* A line of a block's body: a call, without a role. */
static void parse_body_line(struct parser *parser) {
    const struct word *words = parser->line.words;
    enum verb verb = word_verb(&words[0]);
    enum verb second = parser->line.count > 1 ? word_verb(&words[1]) : VERB_NONE;
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
    enum keyword keyword = keyword_of_line(parser, word_keyword(first));
    enum verb verb = word_verb(first);
    bool may_be_of_a_block = verb != VERB_NONE || word_is(first, "end");
    parser->after_unknown_verb = parser->after_unknown_verb && may_be_of_a_block;
    if (keyword < KEYWORDS)
        parse_keyword(parser, keyword);
    else if (parser->in_block)
        parse_body_line(parser);
    else if (verb != VERB_NONE)
        parse_verb_line(parser, verb);
    else
        parse_other_line(parser);
}

void parse_broken_line(struct parser *parser) {
    enum keyword keyword = KEYWORDS;
    if (parser->line.count > 0)
        keyword = keyword_of_line(parser, word_keyword(&parser->line.words[0]));
    if (keyword < KEYWORDS && rows[keyword].is_text)
        parse_keyword(parser, keyword);
}
