/* The file, line by line. */
#include <stdlib.h>
#include <string.h>

#include "scenario/parser.h"

static void take_line(struct parser *parser, const char *text, size_t size, unsigned number) {
    size_t at = 0;
    parser->line_is_wrong = false;
    if (size > SCENARIO_LINE_MAX) {
        parser->line = (struct line){.text = text, .size = size, .number = number};
        parser_mistake(parser, NULL, "this line has %zu bytes; the most is %d", size,
                       SCENARIO_LINE_MAX);
        return;
    }
    size -= size > 0 && text[size - 1] == '\r';
    bool in_column_one = size > 0 && text[0] != ' ' && text[0] != '\t';
    if (in_column_one)
        parse_prose_end(parser);
    if (parser->prose != NULL) {
        parse_prose_line(parser, text, size);
        return;
    }
    const char *wrong = lex_line(&parser->scratch, text, size, number, &parser->line, &at);
    if (wrong != NULL) {
        parser_mistake(parser, &(struct word){.at = at}, "%s", wrong);
        parse_broken_line(parser);
    } else if (parser->line.count > 0) {
        parse_line(parser);
    }
}

/* Takes the lines up to the end, or to that of the header alone. */
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
    parse_prose_end(parser);
    if (!header_alone)
        parse_section_end(parser);
}

/* What can be said only at the end; such mistakes stand at the first line. */
static void check_whole(struct parser *parser, const char *text, size_t size) {
    const struct scenario *scenario = parser->scenario;
    const char *newline = memchr(text, '\n', size);
    size_t length = newline == NULL ? size : (size_t)(newline - text);
    struct line first = {.text = text, .number = 1};
    first.size = length < SCENARIO_LINE_MAX ? length : SCENARIO_LINE_MAX;
    if (scenario->title == NULL)
        parser_mistake_at(parser, &first,
                          "the title is missing: a scenario starts with 'title TEXT'");
    if (scenario->case_count == 0)
        parser_mistake_at(parser, &first,
                          "there is no case: a scenario has one 'case TITLE' or more");
}

/* --- the scenario --- */

static void fill(struct scenario *scenario, const char *name, const char *file, const char *text,
                 size_t size) {
    struct arena *arena = &scenario->arena;
    scenario->name = arena_copy(arena, name, strlen(name));
    scenario->file = file == NULL ? NULL : arena_copy(arena, file, strlen(file));
    scenario->source = file == NULL ? text : arena_copy(arena, text, size);
    scenario->source_size = size;
}

/* Moves the steps, which grew in the parser's scratch memory, to where they stay. */
static void keep_steps(struct scenario *scenario) {
    scenario->steps = arena_keep(&scenario->arena, scenario->steps,
                                 scenario->step_count * sizeof scenario->steps[0]);
}

static struct scenario *parse(const char *name, const char *file, const char *text, size_t size,
                              bool header_alone, struct mistakes *mistakes) {
    struct arena arena = {0}, scratch = {0};
    struct scenario *scenario = arena_alloc(&arena, sizeof *scenario);
    scenario->arena = arena;
    fill(scenario, name, file, text, size);
    file = file == NULL ? scenario->name : scenario->file;
    if (memchr(text, '\0', size) != NULL) {
        mistakes_add_file(mistakes, file, "not a text file: it has NUL bytes");
        return scenario;
    }
    struct parser *parser = arena_alloc(&scratch, sizeof *parser);
    parser->scenario = scenario;
    parser->mistakes = mistakes;
    parser->file = file;
    parser->scratch = scratch;
    take_lines(parser, scenario->source, size, header_alone);
    if (!header_alone)
        check_whole(parser, scenario->source, size);
    keep_steps(scenario);
    scratch = parser->scratch; /* the parser lies in it */
    arena_free(&scratch);
    return scenario;
}

struct scenario *scenario_parse(const char *name, const char *file, const char *text, size_t size,
                                struct mistakes *mistakes) {
    return parse(name, file, text, size, false, mistakes);
}

struct scenario *scenario_parse_header(const char *name, const char *text, size_t size,
                                       struct mistakes *mistakes) {
    return parse(name, NULL, text, size, true, mistakes);
}

void scenario_free(struct scenario *scenario) {
    if (scenario == NULL)
        return;
    struct arena arena = scenario->arena; /* the scenario lies in it */
    arena_free(&arena);
}

bool scenario_has_tag(const struct scenario *scenario, const char *tag) {
    for (size_t i = 0; i < scenario->tag_count; i++)
        if (strcmp(scenario->tags[i], tag) == 0)
            return true;
    return false;
}

static uint64_t step_declared_ns(const struct step *step) {
    bool waits = step->verb == VERB_SLEEP || step->verb == VERB_AWAIT;
    uint64_t longest = waits ? step->duration_ns : 0;
    return step->want.latest_ns > longest ? step->want.latest_ns : longest;
}

static uint64_t section_declared_ns(const struct scenario *scenario,
                                    const struct section *section) {
    uint64_t sum = 0, rounds = 1;
    size_t body_left = 0;
    for (size_t i = section->first; i < section->first + section->count; i++) {
        const struct step *step = &scenario->steps[i];
        sum += step_declared_ns(step) * rounds;
        if (step->body > 0) {
            body_left = step->body + 1;
            rounds = step->verb == VERB_REPEAT && step->has_number ? (uint64_t)step->number : 1;
        }
        body_left -= body_left > 0;
        rounds = body_left > 0 ? rounds : 1;
    }
    return sum;
}

uint64_t scenario_declared_ns(const struct scenario *scenario, size_t case_index) {
    const uint64_t day_ns = 24ULL * 3600 * 1000 * 1000 * 1000;
    uint64_t sum = section_declared_ns(scenario, &scenario->setup) +
                   section_declared_ns(scenario, &scenario->cases[case_index]);
    return sum < day_ns ? sum : day_ns;
}
