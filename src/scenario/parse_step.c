/* A step: its place in the section, its arguments, its expectation, and what it changes for the
 * steps after it. What each verb takes is in steps_environment.c and steps_role.c. */
#include <string.h>

#include "base/units.h"
#include "scenario/parser.h"

/* --- arguments that several verbs take --- */

bool parser_take_number(struct parser *parser, struct cursor *cursor, const char *what, int64_t low,
                        int64_t high, int64_t *number) {
    const struct word *word = cursor_need(parser, cursor, what);
    if (word == NULL)
        return false;
    bool valid = units_number(word->text, low, high, number);
    if (!valid)
        parser_error(parser, word, "'%s' is not %s: a number from %lld to %lld", word->text, what,
                     (long long)low, (long long)high);
    return valid;
}

void parser_take_time(struct parser *parser, struct cursor *cursor, uint64_t *ns) {
    const struct word *word = cursor_need(parser, cursor, "a TIME");
    if (word != NULL && !units_duration(word->text, ns))
        parser_error(parser, word, "'%s' is not a time such as 200ms or 3s", word->text);
}

/* --- the step --- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static const char *comment_text(struct parser *parser) {
    const struct line *line = &parser->line;
    size_t at = line->comment, end = line->size;
    while (at < end && is_blank(line->text[at]))
        at++;
    while (end > at && is_blank(line->text[end - 1]))
        end--;
    return at < end ? arena_copy(&parser->scenario->arena, line->text + at, end - at) : NULL;
}

static struct step *add_step(struct parser *parser, enum verb verb, int role) {
    struct scenario *scenario = parser->scenario;
    if (scenario->step_count == SCENARIO_STEPS_MAX) {
        if (!parser->too_many_steps)
            parser_error(parser, &parser->line.words[0], "more than %d steps", SCENARIO_STEPS_MAX);
        parser->too_many_steps = true;
        return NULL;
    }
    scenario->steps = arena_grow(&parser->scratch, scenario->steps, scenario->step_count,
                                 sizeof scenario->steps[0]);
    struct step *step = &scenario->steps[scenario->step_count++];
    *step = (struct step){.verb = verb,
                          .role = role,
                          .line = parser->line.number,
                          .comment = comment_text(parser),
                          .socket = NO_SOCKET};
    parser->section->count++;
    return step;
}

/* The option whose value is expected, or NULL. */
static const struct sockopt *asked_option(const struct step *step) {
    bool asks = verb_row(step->verb)->answer == GIVES_VALUE && step->options.count > 0;
    return asks ? step->options.list[0].option : NULL;
}

static void parse_step_want(struct parser *parser, size_t arrow, struct step *step) {
    const struct verb_row *row = verb_row(step->verb);
    bool given = arrow < parser->line.count;
    if (row->opens_block && given)
        parser_error(parser, &parser->line.words[arrow],
                     "the result of a block is written after its 'end'");
    else if (row->needs_result && !given && !parser->line_is_wrong)
        parser_error(parser, NULL, "'%s' needs a result: '-> N', or '-> any' to record it",
                     row->name);
    else
        parse_expectation(parser, arrow, step->verb, asked_option(step), &step->want);
    if (row->opens_block)
        parse_block_open(parser, step);
}

void parse_step(struct parser *parser, enum verb verb, int role, size_t first) {
    const struct verb_row *row = verb_row(verb);
    size_t arrow = parse_find_arrow(parser);
    struct step *step = add_step(parser, verb, role);
    if (step == NULL)
        return;
    struct cursor cursor = {&parser->line, first, arrow < first ? first : arrow};
    size_t end = cursor.end > first ? parser->line.words[cursor.end - 1].end : 0;
    step->arguments = lex_slice(&parser->scenario->arena, &parser->line, first, end);
    if (row->parse != NULL)
        row->parse(parser, &cursor, step);
    cursor_need_no_more(parser, &cursor, row->usage);
    parse_step_want(parser, arrow, step);
    bool may_succeed = parser->line_is_wrong || expectation_allows_success(&step->want);
    if (row->effect != NULL && may_succeed)
        row->effect(&parser->flow, step);
}
