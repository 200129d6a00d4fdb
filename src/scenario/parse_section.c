/* Setup, cases and blocks, and what they have in common: a line that opens them, one that ends
 * them, and steps between. */
#include <string.h>

#include "scenario/parser.h"

static struct opened opened_here(const struct parser *parser) {
    return (struct opened){.line = parser->line, .mistakes = parser->mistakes->count};
}

/* Whether a mistake was found since: then what is missing may be just what could not be read. */
static bool has_mistakes(const struct parser *parser, const struct opened *opened) {
    return parser->mistakes->count > opened->mistakes;
}

/* --- blocks --- */

struct step *parse_block(struct parser *parser) {
    return &parser->scenario->steps[parser->block];
}

void parse_block_open(struct parser *parser, const struct step *step) {
    parser->in_block = true;
    parser->inner_blocks = 0;
    parser->block = (size_t)(step - parser->scenario->steps);
    parser->in_block_of = opened_here(parser);
    parser->in_block_of.mistakes -= parser->line_is_wrong; /* that of the opening line counts */
}

/* Ends the block with the steps that it has. */
static void close_block(struct parser *parser) {
    struct step *block = parse_block(parser);
    parser->in_block = false;
    block->body = parser->scenario->step_count - parser->block - 1;
    if (block->verb == VERB_SERVE && block->role != NO_ROLE)
        parser->flow.role[block->role] = ROLE_SERVES;
    if (block->body == 0 && !has_mistakes(parser, &parser->in_block_of))
        parser_mistake_at(parser, &parser->in_block_of.line, "this block is empty");
}

void parse_block_missed_end(struct parser *parser) {
    parser_mistake_at(parser, &parser->in_block_of.line,
                      "this block is not closed: 'end' is missing");
    close_block(parser);
    parser->missed_end = true;
}

static void check_block_want(struct parser *parser, const struct step *block, size_t arrow) {
    if (has_mistakes(parser, &parser->in_block_of))
        return;
    if (block->verb == VERB_SERVE && block->want.given)
        parser_mistake(parser, &parser->line.words[arrow],
                       "a 'serve' block answers to 'ROLE stop', not at its end");
    else if (block->verb == VERB_REPEAT && !block->has_number && !block->want.given)
        parser_mistake(parser, NULL, "a 'repeat' without a number needs '-> RESULT' at its 'end'");
}

void parse_end(struct parser *parser) {
    size_t arrow = parse_find_arrow(parser);
    struct cursor cursor = {&parser->line, 1, arrow};
    cursor_need_no_more(parser, &cursor, "end [-> RESULT]");
    if (parser->inner_blocks > 0) {
        parser->inner_blocks--;
        return;
    }
    if (!parser->in_block) {
        bool expected = parser->after_unknown_verb || parser->missed_end;
        if (!parser->line_is_wrong && !expected)
            parser_mistake(parser, &parser->line.words[0],
                           "'end' without a block that it could end");
        parser->missed_end = false;
        return;
    }
    struct step *block = parse_block(parser);
    parse_expectation(parser, arrow, VERB_END, NULL, &block->want);
    check_block_want(parser, block, arrow);
    close_block(parser);
}

/* --- sections --- */

/* Whether the text, the title of a case, reads like a step of a role that is called 'case'. */
static bool is_like_a_step(struct parser *parser, const char *title) {
    const char *first = arena_copy(&parser->scratch, title, strcspn(title, " "));
    return verb_named(first) != VERB_NONE;
}

static void check_case(struct parser *parser) {
    const struct section *section = parser->section;
    if (section->count > 0 || has_mistakes(parser, &parser->in_section))
        return;
    if (is_like_a_step(parser, section->title))
        parser_mistake_at(parser, &parser->in_section.line,
                          "this case has no steps; 'case' is a keyword and cannot name a role");
    else if (parser->scenario->setup.count == 0)
        parser_mistake_at(parser, &parser->in_section.line, "this case has no steps");
}

void parse_section_end(struct parser *parser) {
    if (parser->in_block)
        parse_block_missed_end(parser);
    if (parser->part == PART_CASE)
        check_case(parser);
    else
        parser->after_setup = parser->flow;
}

static void begin_section(struct parser *parser, enum part part, struct section *section,
                          const char *title) {
    *section = (struct section){
        .title = title, .line = parser->line.number, .first = parser->scenario->step_count};
    parser->part = part;
    parser->section = section;
    parser->in_section = opened_here(parser);
    parser->missed_end = false;
}

void parse_setup(struct parser *parser) {
    struct cursor cursor = cursor_behind(parser, 1);
    cursor_need_no_more(parser, &cursor, NULL);
    if (parser->part == PART_HEADER) {
        begin_section(parser, PART_SETUP, &parser->scenario->setup, NULL);
        return;
    }
    if (!parser->setup_is_implied)
        parser_mistake(parser, &parser->line.words[0],
                       "'setup' stands once, before the first case");
    parser->setup_is_implied = false;
}

void parse_need_section(struct parser *parser) {
    if (parser->part != PART_HEADER)
        return;
    parser_mistake(parser, &parser->line.words[0],
                   "a step belongs into 'setup' or into a 'case', which have not begun");
    begin_section(parser, PART_SETUP, &parser->scenario->setup, NULL);
    parser->setup_is_implied = true;
}

void parse_case(struct parser *parser) {
    struct scenario *scenario = parser->scenario;
    parse_section_end(parser);
    scenario->cases = arena_grow(&scenario->arena, scenario->cases, scenario->case_count,
                                 sizeof scenario->cases[0]);
    const char *title = parser_text(parser);
    if (*title == '\0' && !parser->line_is_wrong)
        parser_mistake(parser, NULL, "the title of the case is missing");
    begin_section(parser, PART_CASE, &scenario->cases[scenario->case_count++], title);
    parser->flow = parser->after_setup;
}
