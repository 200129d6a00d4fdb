/* A scenario file, line by line: its header, its sections and its blocks. parse_line.c finds out
 * what kind of line each one is. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernel/sysctl.h"
#include "scenario/parser.h"

/* --- the header: a line each for title, tags and needs, prose for why and fix --- */

/* The text after the first word: a quoted one without its quotes, else as written. */
static const char *keyword_text(struct parser *parser) {
    const struct line *line = &parser->line;
    if (line->count == 2 && line->words[1].quoted)
        return parser_keep(parser, &line->words[1]);
    return line_slice(&parser->scenario->arena, line, 1, line->content);
}

void parse_title(struct parser *parser) {
    struct scenario *scenario = parser->scenario;
    if (scenario->title != NULL)
        parser_error(parser, &parser->line.words[0], "the title is given twice");
    scenario->title = keyword_text(parser);
    if (*scenario->title == '\0' && !parser->line_is_wrong)
        parser_error(parser, NULL, "the text of the title is missing");
}

void parse_tags(struct parser *parser) {
    struct scenario *scenario = parser->scenario;
    struct cursor cursor = {&parser->line, 1, parser->line.count};
    const struct word *word = cursor_need(parser, &cursor, "a tag");
    for (; word != NULL; word = cursor_take(&cursor)) {
        scenario->tags = arena_grow(&scenario->arena, scenario->tags, scenario->tag_count,
                                    sizeof scenario->tags[0]);
        scenario->tags[scenario->tag_count++] = parser_keep(parser, word);
    }
}

static void add_need(struct parser *parser, struct need need) {
    struct scenario *scenario = parser->scenario;
    scenario->needs = arena_grow(&scenario->arena, scenario->needs, scenario->need_count,
                                 sizeof scenario->needs[0]);
    scenario->needs[scenario->need_count++] = need;
}

static void need_kernel(struct parser *parser, struct cursor *cursor) {
    if (!cursor_skip(cursor, ">=")) {
        parser_error(parser, cursor_peek(cursor), "usage: needs kernel >= 6.3");
        return;
    }
    const struct word *word = cursor_need(parser, cursor, "a kernel version");
    if (word != NULL && !release_parse(word->text, false, &parser->scenario->needs_kernel))
        parser_error(parser, word, "'%s' is not a Linux version such as 6.8", word->text);
}

static void need_sysctl(struct parser *parser, struct cursor *cursor) {
    const struct word *word = cursor_need(parser, cursor, "the NAME of a sysctl");
    if (word == NULL)
        return;
    const char *wrong = sysctl_refusal(word->text);
    if (wrong != NULL)
        parser_error(parser, word, "sysctl '%s': %s", word->text, wrong);
    add_need(parser, (struct need){.kind = NEED_SYSCTL, .name = parser_keep(parser, word)});
}

/* The name of a socket option, or a mistake. */
static void need_option(struct parser *parser, const struct word *word) {
    static const char *const words[] = {"kernel",    "ipv6",  "uids",  "sysctl",
                                        "sock_diag", "mptcp", "hosts", "program"};
    const struct sockopt *option = sockopt_named(word->text);
    if (option != NULL) {
        add_need(parser,
                 (struct need){.kind = NEED_OPTION, .name = option->name, .option = option});
        return;
    }
    struct suggestion nearest = suggest_begin(word->text);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        suggest_offer(&nearest, words[i]);
    const char *near = nearest.word != NULL ? nearest.word : sockopt_near(word->text);
    if (near != NULL)
        parser_error(parser, word, "unknown need '%s'; did you mean '%s'?", word->text, near);
    else
        parser_error(parser, word,
                     "unknown need '%s'; it must be 'kernel >= VERSION', 'ipv6', 'uids', "
                     "'hosts', 'sock_diag', 'mptcp', 'program', 'sysctl NAME' or the name of a "
                     "socket option",
                     word->text);
}

void parse_needs(struct parser *parser) {
    struct cursor cursor = {&parser->line, 1, parser->line.count};
    const struct word *word =
        cursor_need(parser, &cursor,
                    "'kernel >= VERSION', 'ipv6', 'uids', 'hosts', "
                    "'sock_diag', 'mptcp', 'program', 'sysctl NAME' or a socket option");
    if (word_is(word, "ipv6"))
        parser->scenario->needs_ipv6 = true;
    else if (word_is(word, "uids"))
        parser->scenario->needs_uids = true;
    else if (word_is(word, "sock_diag"))
        add_need(parser, (struct need){.kind = NEED_SOCK_DIAG, .name = "sock_diag"});
    else if (word_is(word, "mptcp"))
        add_need(parser, (struct need){.kind = NEED_MPTCP, .name = "mptcp"});
    else if (word_is(word, "program"))
        parser->scenario->needs_program = true;
    else if (word_is(word, "hosts"))
        add_need(parser, (struct need){.kind = NEED_HOSTS, .name = "hosts"});
    else if (word_is(word, "kernel"))
        need_kernel(parser, &cursor);
    else if (word_is(word, "sysctl"))
        need_sysctl(parser, &cursor);
    else if (word != NULL)
        need_option(parser, word);
    cursor_need_no_more(parser, &cursor, NULL);
}

void parse_slow(struct parser *parser) {
    struct cursor cursor = {&parser->line, 1, parser->line.count};
    parser->scenario->slow = true;
    cursor_need_no_more(parser, &cursor, NULL);
}

/* --- prose --- */

void parse_prose(struct parser *parser) {
    struct scenario *scenario = parser->scenario;
    const char *first = parser->line.words[0].text;
    const char **prose = parser->keyword == KEYWORD_WHY ? &scenario->why : &scenario->fix;
    if (parser->part != PART_HEADER) {
        prose = &parser->stray_prose;
        *prose = NULL;
    }
    if (*prose != NULL && !parser->line_is_wrong)
        parser_error(parser, &parser->line.words[0], "'%s' is given twice", first);
    *prose = keyword_text(parser);
    parser->prose = prose;
    parser->prose_start = NULL;
}

/* Copies the lines from `at` to `end` without the blanks around each. Empty lines are kept: they
 * separate paragraphs. Returns the end of the copy. */
static char *copy_trimmed(char *to, const char *at, const char *end) {
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline == NULL ? end : newline;
        const char *next = newline == NULL ? end : newline + 1;
        while (at < stop && line_is_blank(*at))
            at++;
        while (stop > at && line_is_blank(stop[-1]))
            stop--;
        memcpy(to, at, (size_t)(stop - at));
        to += stop - at;
        *to++ = '\n';
        at = next;
    }
    return to;
}

/* Closes the prose that is open, if any. */
static void end_prose(struct parser *parser) {
    if (parser->prose != NULL && parser->prose_start != NULL) {
        const char *first = *parser->prose; /* the text after the keyword */
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

/* Returns whether an error was found since: what seems to be missing may be what could not be read.
 */
static bool has_errors(const struct parser *parser, const struct opened *opened) {
    return parser->errors->count > opened->errors;
}

/* --- blocks: a line that opens them, steps, and a line that ends them --- */

struct step *parse_block(struct parser *parser) {
    return &parser->scenario->steps[parser->block];
}

void parse_block_open(struct parser *parser, const struct step *step) {
    parser->in_block = true;
    parser->inner_blocks = 0;
    parser->block = (size_t)(step - parser->scenario->steps);
    parser->in_block_of = (struct opened){parser->line, parser->errors->count};
    parser->in_block_of.errors -= parser->line_is_wrong; /* an error of the opening line counts */
}

/* Returns whether an answer is expected that ends a block before its last round. */
static bool may_end_early(const struct expectation *want) {
    int count = (int)(want->either_count + want->otherwise_count);
    for (int i = 0; i < count; i++) {
        const struct wanted *wanted = expectation_at(want, i);
        if (wanted->kind != WANT_OK || wanted->at != VERB_NONE || wanted->counted)
            return true;
    }
    return false;
}

/* A block may end before its body closes the sockets that it has made: these are then open. */
static void open_sockets_of(struct parser *parser, const struct step *block) {
    for (const struct step *step = block + 1; step <= block + block->body; step++) {
        bool from_another = verb_row(step->verb)->arguments == ARGUMENTS_SOCKET;
        int made = from_another ? step->made : step->socket;
        if ((from_another || step->verb == VERB_SOCKET) && made != NO_SOCKET)
            parser->flow.socket[block->role][made].state = SOCKET_OPEN;
    }
}

/* Ends the block with the steps read so far. */
static void close_block(struct parser *parser) {
    struct step *block = parse_block(parser);
    parser->in_block = false;
    block->body = parser->scenario->step_count - parser->block - 1;
    if (may_end_early(&block->want))
        open_sockets_of(parser, block);
    if (block->verb == VERB_SERVE)
        parser->flow.role[block->role] = ROLE_SERVES;
    if (block->body == 0 && !has_errors(parser, &parser->in_block_of))
        parser_error_at(parser, &parser->in_block_of.line, "this block is empty");
}

void parse_block_missed_end(struct parser *parser) {
    parser_error_at(parser, &parser->in_block_of.line,
                    "this block is not closed: 'end' is missing");
    close_block(parser);
    parser->missed_end = true;
}

static void check_block_want(struct parser *parser, const struct step *block, size_t arrow) {
    if (has_errors(parser, &parser->in_block_of))
        return;
    if (block->verb == VERB_SERVE && block->want.given)
        parser_error(
            parser, &parser->line.words[arrow],
            "the result of a 'serve' block is written after 'ROLE stop', not after its 'end'");
    else if (block->verb == VERB_REPEAT && !block->rounds.given && !block->want.given)
        parser_error(parser, NULL, "a 'repeat' without a number needs '-> RESULT' after its 'end'");
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
            parser_error(parser, &parser->line.words[0], "'end' without a block");
        parser->missed_end = false;
        return;
    }
    struct step *block = parse_block(parser);
    parse_expectation(parser, arrow, VERB_END, NULL, &block->want);
    check_block_want(parser, block, arrow);
    close_block(parser);
}

/* --- sections: setup and cases --- */

/* Ends the section that is open, and a block in it. A case without steps is an error, unless it
 * repeats the setup. Its title may read like a step: then it was meant as a role named 'case'. */
static void end_section(struct parser *parser) {
    const struct section *section = parser->section;
    if (parser->in_block)
        parse_block_missed_end(parser);
    if (parser->part != PART_CASE) {
        parser->after_setup = parser->flow;
        return;
    }
    if (section->count > 0 || has_errors(parser, &parser->in_section))
        return;
    const char *title = section->title;
    const char *first = arena_copy(&parser->scratch, title, strcspn(title, " "));
    if (verb_named(first) != VERB_NONE)
        parser_error_at(parser, &parser->in_section.line,
                        "this case has no steps; 'case' is a keyword and cannot name a role");
    else if (parser->scenario->setup.count == 0)
        parser_error_at(parser, &parser->in_section.line, "this case has no steps");
}

static void begin_section(struct parser *parser, enum part part, struct section *section,
                          const char *title) {
    *section = (struct section){
        .title = title, .line = parser->line.number, .first = parser->scenario->step_count};
    parser->part = part;
    parser->section = section;
    parser->in_section = (struct opened){parser->line, parser->errors->count};
    parser->missed_end = false;
}

void parse_setup(struct parser *parser) {
    struct cursor cursor = {&parser->line, 1, parser->line.count};
    cursor_need_no_more(parser, &cursor, NULL);
    if (parser->part == PART_HEADER) {
        begin_section(parser, PART_SETUP, &parser->scenario->setup, NULL);
        return;
    }
    if (!parser->setup_is_implied)
        parser_error(parser, &parser->line.words[0],
                     "'setup' can appear only once, before the first case");
    parser->setup_is_implied = false;
}

void parse_need_section(struct parser *parser) {
    if (parser->part != PART_HEADER)
        return;
    parser_error(parser, &parser->line.words[0],
                 "a step belongs in 'setup' or in a 'case', and neither has begun");
    begin_section(parser, PART_SETUP, &parser->scenario->setup, NULL);
    parser->setup_is_implied = true;
}

void parse_case(struct parser *parser) {
    struct scenario *scenario = parser->scenario;
    end_section(parser);
    scenario->cases = arena_grow(&scenario->arena, scenario->cases, scenario->case_count,
                                 sizeof scenario->cases[0]);
    const char *title = keyword_text(parser);
    if (*title == '\0' && !parser->line_is_wrong)
        parser_error(parser, NULL, "the title of the case is missing");
    begin_section(parser, PART_CASE, &scenario->cases[scenario->case_count++], title);
    parser->flow = parser->after_setup;
}

/* --- the file --- */

static void take_line(struct parser *parser, const char *text, size_t size, unsigned number) {
    size_t at = 0;
    parser->line_is_wrong = false;
    if (size > SCENARIO_LINE_MAX) {
        parser->line = (struct line){.text = text, .size = size, .number = number};
        parser_error(parser, NULL, "this line has %zu bytes; the limit is %d", size,
                     SCENARIO_LINE_MAX);
        return;
    }
    size -= size > 0 && text[size - 1] == '\r';
    bool in_column_one = size > 0 && text[0] != ' ' && text[0] != '\t';
    if (in_column_one)
        end_prose(parser);
    if (parser->prose != NULL) { /* one more line of it */
        if (parser->prose_start == NULL)
            parser->prose_start = text;
        parser->prose_end = text + size;
        return;
    }
    const char *wrong = line_split(&parser->scratch, text, size, number, &parser->line, &at);
    if (wrong != NULL) {
        parser_error(parser, &(struct word){.at = at}, "%s", wrong);
        parse_broken_line(parser);
    } else if (parser->line.count > 0) {
        parse_line(parser);
    }
}

/* Takes the lines up to the end of the file, or of its header. */
static void take_lines(struct parser *parser, const char *text, size_t size, bool header_alone) {
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    const size_t mark = sizeof byte_order_mark - 1;
    unsigned number = 0;
    size_t at = size >= mark && memcmp(text, byte_order_mark, mark) == 0 ? mark : 0;
    while (at < size && !(header_alone && parser->part != PART_HEADER)) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t length = newline == NULL ? size - at : (size_t)(newline - text) - at;
        take_line(parser, text + at, length, ++number);
        at += length + 1;
    }
    end_prose(parser);
    if (!header_alone)
        end_section(parser);
}

/* Reports what shows only at the end of the file, at its first line. */
static void check_whole(struct parser *parser, const char *text, size_t size) {
    const struct scenario *scenario = parser->scenario;
    const char *newline = memchr(text, '\n', size);
    size_t length = newline == NULL ? size : (size_t)(newline - text);
    struct line first = {.text = text, .number = 1};
    first.size = length < SCENARIO_LINE_MAX ? length : SCENARIO_LINE_MAX;
    if (scenario->title == NULL)
        parser_error_at(parser, &first,
                        "the title is missing: a scenario starts with 'title TEXT'");
    if (scenario->case_count == 0)
        parser_error_at(parser, &first,
                        "there is no case: a scenario needs at least one 'case TITLE'");
}

/* --- the scenario --- */

static struct scenario *parse(const char *name, const char *file, const char *text, size_t size,
                              bool header_alone, struct errors *errors) {
    struct arena arena = {0}, scratch = {0};
    struct scenario *scenario = arena_alloc(&arena, sizeof *scenario);
    scenario->arena = arena;
    scenario->name = arena_copy(&scenario->arena, name, strlen(name));
    if (file != NULL) {
        scenario->file = arena_copy(&scenario->arena, file, strlen(file));
        text = arena_copy(&scenario->arena, text, size);
    }
    scenario->source = text;
    scenario->source_size = size;
    file = file == NULL ? scenario->name : scenario->file;
    if (memchr(text, '\0', size) != NULL) {
        errors_add_file(errors, file, "not a text file: it contains NUL bytes");
        return scenario;
    }
    struct parser *parser = arena_alloc(&scratch, sizeof *parser);
    parser->scenario = scenario;
    parser->errors = errors;
    parser->file = file;
    parser->scratch = scratch;
    take_lines(parser, text, size, header_alone);
    if (!header_alone)
        check_whole(parser, text, size);
    scenario->steps = arena_keep(&scenario->arena, scenario->steps,
                                 scenario->step_count * sizeof scenario->steps[0]);
    scratch = parser->scratch; /* the parser and the steps so far lie in it */
    arena_free(&scratch);
    return scenario;
}

struct scenario *scenario_parse(const char *name, const char *file, const char *text, size_t size,
                                struct errors *errors) {
    return parse(name, file, text, size, false, errors);
}

struct scenario *scenario_parse_header(const char *name, const char *text, size_t size,
                                       struct errors *errors) {
    return parse(name, NULL, text, size, true, errors);
}
