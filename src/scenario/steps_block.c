/* Blocks: the verbs that open and stop one, and the lines in them that vary: `$i` in a line stands
 * for the number of the round. */
#include <string.h>

#include "base/text.h"
#include "scenario/parser.h"

/* --- repeat, serve, stop, slowdown --- */

/* `as NAME [from START]` */
static void take_counter(struct parser *parser, struct cursor *cursor, struct step_rounds *rounds) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    const struct word *word = cursor_need(parser, cursor, "the NAME of the counter");
    const int64_t furthest = 1000LL * 1000 * 1000;
    rounds->start = 1;
    if (word == NULL)
        return;
    if (word->text[0] == '\0' || word->text[strspn(word->text, letters)] != '\0')
        parser_error(parser, word, "'%s' cannot name a counter: it is a word such as i",
                     word->text);
    else if (parser_knows_role(parser, word))
        parser_error(parser, word, "'%s' is the name of a role; a counter needs another",
                     word->text);
    else
        rounds->counter = parser_keep(parser, word);
    if (cursor_skip(cursor, "from"))
        cursor_take_number(parser, cursor, "a number", -furthest, furthest, &rounds->start);
}

static void parse_repeat(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_peek(cursor);
    int64_t most = 0;
    if (word != NULL && !word_is(word, "timed") && !word_is(word, "as"))
        step->rounds.given =
            cursor_take_number(parser, cursor, "a number of rounds", 1, SCENARIO_ROUNDS_MAX, &most);
    step->rounds.most = step->rounds.given ? (uint64_t)most : SCENARIO_ROUNDS_MAX;
    if (cursor_skip(cursor, "as"))
        take_counter(parser, cursor, &step->rounds);
    step->rounds.timed = cursor_skip(cursor, "timed");
}

static void parse_serve(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_peek(cursor);
    struct suggestion nearest = suggest_begin(word == NULL ? "" : word->text);
    step->rounds.most = UINT64_MAX;
    step->rounds.epoll = cursor_skip(cursor, "epoll");
    suggest_offer(&nearest, "epoll");
    if (word != NULL && !step->rounds.epoll && nearest.word != NULL)
        parser_error(parser, cursor_take(cursor), "unexpected '%s'; did you mean 'epoll'?",
                     word->text);
}

static void parse_stop(struct parser *parser, struct cursor *cursor, struct step *step) {
    (void)cursor;
    if (parser->flow.role[step->role] != ROLE_SERVES && !parser->line_is_wrong)
        parser_error(parser, &parser->line.words[1],
                     "role '%s' is not serving; there is nothing to stop",
                     parser->scenario->roles[step->role]);
}

static void after_stop(struct flow *flow, const struct step *step) {
    flow->role[step->role] = ROLE_RUNS;
}

const struct verb_row verb_repeat = {
    .name = "repeat",
    .usage = "ROLE repeat [N] [as NAME [from START]] [timed]",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_ROUNDS,
    .opens_block = true,
    .parse = parse_repeat,
};

const struct verb_row verb_serve = {
    .name = "serve",
    .usage = "ROLE serve [epoll]",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_ROUNDS,
    .opens_block = true,
    .parse = parse_serve,
};

const struct verb_row verb_stop = {
    .name = "stop",
    .usage = "ROLE stop",
    .scope = SCOPE_ROLE,
    .answer = GIVES_BLOCK,
    .while_serving = true,
    .parse = parse_stop,
    .effect = after_stop,
};

/* Returns whether the role of this step has repeated a block before, in the setup or in this case.
 */
static bool has_repeated(const struct parser *parser, const struct step *step) {
    const struct scenario *scenario = parser->scenario;
    const struct section *parts[] = {&scenario->setup, parser->section};
    for (size_t part = 0; part < 2; part++)
        for (size_t i = 0; i < parts[part]->count; i++) {
            const struct step *earlier = &scenario->steps[parts[part]->first + i];
            if (earlier->verb == VERB_REPEAT && earlier->role == step->role)
                return true;
        }
    return false;
}

static void parse_slowdown(struct parser *parser, struct cursor *cursor, struct step *step) {
    (void)cursor;
    if (!has_repeated(parser, step) && !parser->line_is_wrong)
        parser_error(parser, &parser->line.words[1], "role '%s' has repeated no block before",
                     parser->scenario->roles[step->role]);
}

const struct verb_row verb_slowdown = {
    .name = "slowdown",
    .usage = "ROLE slowdown -> N",
    .scope = SCOPE_ROLE,
    .answer = GIVES_NUMBER,
    .needs_result = true,
    .parse = parse_slowdown,
};

/* --- lines that vary --- */

/* Returns whether the counter's name may end here: no letter follows, or only the unit of a time,
 * as in `$ims`. */
static bool name_ends(const char *end) {
    static const char *const units[] = {"us", "ms", "s", "m"};
    bool letter = *end == '_' || ((*end | 0x20) >= 'a' && (*end | 0x20) <= 'z');
    for (size_t i = 0; letter && i < sizeof units / sizeof units[0]; i++) {
        const char *behind = end + strlen(units[i]);
        if (strncmp(end, units[i], strlen(units[i])) == 0 &&
            (*behind == '\0' || strncmp(behind, "..", 2) == 0))
            return true;
    }
    return !letter;
}

/* Returns where `$NAME` stands in the text, or NULL. */
static const char *find_counter(const char *text, const char *name) {
    size_t size = strlen(name);
    for (const char *at = text; (at = strchr(at, '$')) != NULL; at++)
        if (strncmp(at + 1, name, size) == 0 && name_ends(at + 1 + size))
            return at;
    return NULL;
}

static void replace_counter(struct parser *parser, const struct step_rounds *rounds,
                            struct word *word) {
    struct arena *arena = &parser->scratch;
    const char *varies = "", *text = "", *at = word->text, *next;
    while ((next = find_counter(at, rounds->counter)) != NULL) {
        int size = (int)(next - at);
        varies = arena_format(arena, "%s%.*s%c", varies, size, at, COUNTER);
        text = arena_format(arena, "%s%.*s%lld", text, size, at, (long long)rounds->start);
        at = next + 1 + strlen(rounds->counter);
    }
    word->varies = arena_format(arena, "%s%s", varies, at);
    word->text = arena_format(arena, "%s%s", text, at);
}

size_t parse_counter(struct parser *parser, const struct step_rounds *rounds) {
    size_t count = 0;
    for (size_t i = 0; rounds->counter != NULL && i < parser->line.count; i++)
        if (find_counter(parser->line.words[i].text, rounds->counter) != NULL) {
            replace_counter(parser, rounds, &parser->line.words[i]);
            count++;
        }
    parser->variation_count = 0;
    return count;
}

static const struct word *first_that_varies(const struct parser *parser) {
    for (size_t i = 0; i < parser->line.count; i++)
        if (parser->line.words[i].varies != NULL)
            return &parser->line.words[i];
    return NULL;
}

void parse_variations(struct parser *parser, const struct step_rounds *rounds, size_t words,
                      struct step *step) {
    struct arena scratch = {0};
    const struct variation *which;
    int64_t last = rounds->start + (rounds->given ? (int64_t)rounds->most - 1 : 0);
    if (parser->line_is_wrong || words == 0)
        return;
    if (parser->variation_count < words) {
        parser_error(parser, first_that_varies(parser),
                     "'$%s' stands for a number: in an address, a number of bytes, a value of an "
                     "option, a time, or a result",
                     rounds->counter);
        return;
    }
    step->variation_count = parser->variation_count;
    step->variations = arena_keep(&parser->scenario->arena, parser->variations,
                                  parser->variation_count * sizeof parser->variations[0]);
    const char *wrong = step_fill(step_copy(&scratch, step), last, &which);
    if (wrong != NULL)
        parser_error(parser, first_that_varies(parser), "in the last round, $%s is %lld: %s",
                     rounds->counter, (long long)last, wrong);
    arena_free(&scratch);
}
