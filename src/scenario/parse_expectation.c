/* What stands after the arrow:
 *
 *     RESULT [at VERB] [after N] [| RESULT ...] [since VERSION, else RESULT [| ...]]
 *         [within TIME | in TIME..TIME] [, else SKIP|ERROR "REASON"]
 *
 * `|` and `,` may touch the words beside them, so the words are split again first.
 */
#include <string.h>

#include "base/errnames.h"
#include "base/signames.h"
#include "base/text.h"
#include "base/units.h"
#include "scenario/parser.h"

static void add_piece(struct arena *arena, struct line *pieces, const struct word *word,
                      size_t start, size_t end) {
    if (start == end)
        return;
    pieces->words = arena_grow(arena, pieces->words, pieces->count, sizeof pieces->words[0]);
    pieces->words[pieces->count++] = (struct word){
        .varies = word->varies, /* no `|` can touch it: cut() */
        .text = arena_copy(arena, word->text + start, end - start),
        .at = word->at + start,
        .end = word->at + end,
    };
}

/* Copies the words from the cursor on, and splits off each `|` and `,` of unquoted words. */
static struct line cut(struct arena *arena, struct cursor *cursor) {
    struct line pieces = *cursor->line;
    pieces.words = NULL;
    pieces.count = 0;
    for (const struct word *word; (word = cursor_take(cursor)) != NULL;) {
        size_t start = 0, size = strlen(word->text);
        if (word->quoted || word->varies != NULL) {
            pieces.words = arena_grow(arena, pieces.words, pieces.count, sizeof pieces.words[0]);
            pieces.words[pieces.count++] = *word;
            continue;
        }
        for (size_t i = 0; i < size; i++)
            if (word->text[i] == '|' || word->text[i] == ',') {
                add_piece(arena, &pieces, word, start, i);
                add_piece(arena, &pieces, word, i, i + 1);
                start = i + 1;
            }
        add_piece(arena, &pieces, word, start, size);
    }
    return pieces;
}

/* --- one result --- */

struct context {
    struct parser *parser;
    enum verb verb;
    const struct sockopt *option;
};

static bool parse_bounds(struct parser *parser, const struct word *word, int64_t *low,
                         int64_t *high) {
    const char *upper = units_range_split(word->text);
    if (upper == NULL) {
        bool valid = units_number(word->text, INT64_MIN, INT64_MAX, low);
        *high = *low;
        return valid;
    }
    size_t size = (size_t)(upper - 2 - word->text);
    char *lower = arena_copy(&parser->scratch, word->text, size);
    if (!units_number(lower, INT64_MIN, INT64_MAX, low) ||
        !units_number(upper, INT64_MIN, INT64_MAX, high))
        return false;
    if (*low > *high)
        parser_error(parser, word, "the range '%s' is empty: the lower number comes first",
                     word->text);
    return true;
}

/* A value of a socket option, or a range of them where it is a number. */
static bool parse_value(const struct context *context, const struct word *word,
                        struct wanted *wanted) {
    struct parser *parser = context->parser;
    wanted->kind = WANT_VALUE;
    wanted->value.kind = context->option->kind;
    if (context->option->kind == SOCKOPT_NUMBER && units_range_split(word->text) != NULL)
        return parse_bounds(parser, word, &wanted->low, &wanted->high);
    const char *wrong = sockopt_parse(context->option, word->text, &wanted->value);
    if (wrong != NULL) {
        parser_error(parser, word, "'%s' is not a value of %s: %s", word->text,
                     context->option->name, wrong);
        return true;
    }
    wanted->low = wanted->high = wanted->value.number;
    return true;
}

static bool looks_like_errno(const char *text) {
    return text[0] == 'E' && text[1] >= 'A' && text[1] <= 'Z';
}

static void unknown_result(const struct context *context, const struct word *word) {
    const char *near = errname_near(word->text);
    bool ends = verb_row(context->verb)->answer == GIVES_END;
    if (ends && near == NULL)
        near = signame_near(word->text);
    if (near != NULL)
        parser_error(context->parser, word, "unknown result '%s'; did you mean '%s'?", word->text,
                     near);
    else if (verb_row(context->verb)->answer == GIVES_READY && !looks_like_errno(word->text))
        parser_error(context->parser, word,
                     "unknown result '%s'; a result is ready, timeout, an errno by name, or any",
                     word->text);
    else if (looks_like_errno(word->text))
        parser_error(context->parser, word, "unknown errno '%s'", word->text);
    else if (ends)
        parser_error(context->parser, word,
                     "unknown result '%s'; a process ends with 'exit N' or a signal such as "
                     "SIGTERM, or the answer is timeout, or any",
                     word->text);
    else
        parser_error(context->parser, word,
                     "unknown result '%s'; a result is ok, an errno by name, eof, a number, a "
                     "range such as 90..100, an address, or any",
                     word->text);
}

/* Reports an error if this verb never gives such an answer. */
static void check_kind(const struct context *context, const struct word *word,
                       const struct wanted *wanted) {
    enum verb_answer gives = verb_row(context->verb)->answer;
    bool never = (wanted->kind == WANT_EOF && gives != GIVES_DATA) ||
                 (wanted->kind == WANT_NUMBER && gives != GIVES_DATA && gives != GIVES_NUMBER) ||
                 (wanted->kind == WANT_ADDRESS && gives != GIVES_ADDRESS);
    if (never && gives == GIVES_END && wanted->kind == WANT_NUMBER && word->text[0] != '$')
        parser_error(context->parser, word, "'%s' never returns '%s'; did you mean 'exit %s'?",
                     verb_row(context->verb)->name, word->text, word->text);
    else if (never && gives != GIVES_BLOCK && !context->parser->line_is_wrong)
        parser_error(context->parser, word, "'%s' never returns '%s'",
                     verb_row(context->verb)->name, word->text);
}

/* What `why` answers: `free`, or the name of a cause. */
static void parse_cause(const struct context *context, const struct word *word,
                        struct wanted *wanted) {
    struct parser *parser = context->parser;
    const char *near;
    wanted->kind = WANT_CAUSE;
    wanted->cause = cause_named(word->text);
    if (strcmp(word->text, "any") == 0)
        wanted->kind = WANT_ANY;
    else if (strcmp(word->text, "free") == 0)
        wanted->kind = WANT_FREE;
    else if (wanted->cause < CAUSE_COUNT)
        return;
    else if (strcmp(word->text, "ok") == 0)
        parser_error(parser, word, "'%s' never returns 'ok'; did you mean 'free'?",
                     verb_row(context->verb)->name);
    else if ((near = cause_near(word->text)) != NULL)
        parser_error(parser, word, "unknown cause '%s'; did you mean '%s'?", word->text, near);
    else
        parser_error(parser, word,
                     "'%s' is neither 'free' nor the name of a cause, such as address-in-use; "
                     "docs/causes.md lists them",
                     word->text);
}

static void parse_kind(const struct context *context, const struct word *word,
                       struct wanted *wanted) {
    struct parser *parser = context->parser;
    enum verb_answer answer = verb_row(context->verb)->answer;
    bool times_out = answer == GIVES_READY || answer == GIVES_CALL || answer == GIVES_END;
    if (answer == GIVES_CAUSE) {
        parse_cause(context, word, wanted);
        return;
    }
    if (strcmp(word->text, "ok") == 0) {
        wanted->kind = WANT_OK;
    } else if (strcmp(word->text, "any") == 0) {
        wanted->kind = WANT_ANY;
    } else if (strcmp(word->text, "eof") == 0) {
        wanted->kind = WANT_EOF;
    } else if (answer == GIVES_READY && strcmp(word->text, "ready") == 0) {
        wanted->kind = WANT_READY;
    } else if (times_out && strcmp(word->text, "timeout") == 0) {
        wanted->kind = WANT_TIMEOUT;
    } else if (answer == GIVES_END && strcmp(word->text, "exit") == 0) {
        wanted->kind = WANT_EXIT; /* its status follows */
    } else if (answer == GIVES_END && (wanted->low = signame_number(word->text)) != 0) {
        wanted->kind = WANT_SIGNAL;
    } else if ((wanted->error = errname_number(word->text)) != 0) {
        wanted->kind = WANT_ERRNO;
    } else if (context->option != NULL && !looks_like_errno(word->text)) {
        if (!parse_value(context, word, wanted))
            unknown_result(context, word);
        return;
    } else if (parse_bounds(parser, word, &wanted->low, &wanted->high)) {
        wanted->kind = WANT_NUMBER;
    } else if (answer == GIVES_ADDRESS && strcmp(word->text, "unix:") == 0) { /* it has no name */
        wanted->kind = WANT_ADDRESS;
        wanted->address = (struct address){.name = ""};
    } else if (strchr(word->text, ':') != NULL || word->text[0] == '$') {
        wanted->kind = WANT_ADDRESS;
        parse_address(parser, word, &wanted->address);
    } else {
        unknown_result(context, word);
        return;
    }
    check_kind(context, word, wanted);
}

/* The status after `exit`, or a range of them. */
static void parse_status(const struct context *context, struct cursor *cursor,
                         struct wanted *wanted) {
    struct parser *parser = context->parser;
    const struct word *word = cursor_need(parser, cursor, "an exit status");
    enum { HIGHEST = 255 };
    if (word != NULL && (!parse_bounds(parser, word, &wanted->low, &wanted->high) ||
                         wanted->low < 0 || wanted->high > HIGHEST))
        parser_error(parser, word, "'%s' is not an exit status from 0 to %d, nor a range",
                     word->text, HIGHEST);
}

/* `at VERB` and `after N`: how a block ended. */
static void parse_block_end(const struct context *context, struct cursor *cursor,
                            struct wanted *wanted) {
    struct parser *parser = context->parser;
    const struct word *start = cursor_peek(cursor);
    if (cursor_skip(cursor, "at")) {
        const struct word *word = cursor_need(parser, cursor, "a verb");
        if (word == NULL)
            return;
        wanted->at = verb_named(word->text);
        enum verb near = verb_near(word->text, SCOPE_CALL);
        if (wanted->at == VERB_NONE && near != VERB_NONE)
            parser_error(parser, word, "unknown verb '%s'; did you mean '%s'?", word->text,
                         verb_row(near)->name);
        else if (wanted->at == VERB_NONE || verb_row(wanted->at)->scope != SCOPE_CALL)
            parser_error(parser, word, "'%s' is not a call that can end a block", word->text);
    }
    if (cursor_skip(cursor, "after")) {
        const struct word *word = cursor_need(parser, cursor, "a number of rounds");
        if (word == NULL)
            return;
        wanted->counted = true;
        if (!parse_bounds(parser, word, &wanted->rounds_low, &wanted->rounds_high) ||
            wanted->rounds_low < 0)
            parser_error(parser, word, "'%s' is neither a number of rounds nor a range",
                         word->text);
    }
    bool of_a_block = wanted->at != VERB_NONE || wanted->counted;
    if (of_a_block && verb_row(context->verb)->answer != GIVES_BLOCK && !parser->line_is_wrong)
        parser_error(parser, start,
                     "'at' and 'after' say how a block ended: they "
                     "belong after 'end ->'");
}

enum { RESULTS_MAX = 64 };

/* One result or several, separated by `|`; the first has this index of the expectation. */
static const struct wanted *parse_either(const struct context *context, struct cursor *cursor,
                                         int index, size_t *count) {
    struct parser *parser = context->parser;
    struct arena *arena = &parser->scenario->arena;
    struct wanted *list = NULL;
    do {
        size_t first = cursor->next;
        const struct word *word = cursor_need(parser, cursor, "a result");
        if (word == NULL)
            break;
        if (*count == RESULTS_MAX) {
            parser_error(parser, word, "more than %d results", RESULTS_MAX);
            break;
        }
        list = arena_grow(&parser->scratch, list, *count, sizeof *list);
        struct wanted *wanted = &list[(*count)++];
        *wanted = (struct wanted){0};
        parse_kind(context, word, wanted);
        parser_vary(parser, word, VARIES_WANT, index + (int)*count - 1);
        if (wanted->kind == WANT_EXIT)
            parse_status(context, cursor, wanted);
        parse_block_end(context, cursor, wanted);
        wanted->text =
            line_slice(arena, cursor->line, first, cursor->line->words[cursor->next - 1].end);
    } while (cursor_skip(cursor, "|"));
    return arena_keep(arena, list, *count * sizeof *list);
}

/* --- since, within, in --- */

static void parse_since(const struct context *context, struct cursor *cursor,
                        struct expectation *want) {
    struct parser *parser = context->parser;
    const struct word *word = cursor_need(parser, cursor, "a kernel version");
    if (word == NULL)
        return;
    want->split = true;
    if (!release_parse(word->text, false, &want->since))
        parser_error(parser, word, "'%s' is not a Linux version such as 6.8", word->text);
    cursor_skip(cursor, ",");
    if (!cursor_skip(cursor, "else")) {
        parser_error(parser, cursor_peek(cursor),
                     "'else' is missing: it gives the result on an older kernel");
        return;
    }
    want->otherwise =
        parse_either(context, cursor, (int)want->either_count, &want->otherwise_count);
}

const char *parse_times(const char *text, uint64_t *soonest_ns, uint64_t *latest_ns) {
    static const char not_a_range[] = "not a range of times such as 59s..62s";
    enum { TIME_SIZE = 64 };
    const char *upper = units_range_split(text);
    char lower[TIME_SIZE];
    *soonest_ns = 0;
    if (upper == NULL)
        return units_duration(text, latest_ns) ? NULL : "not a time such as 200ms or 3s";
    size_t size = (size_t)(upper - 2 - text);
    if (size >= sizeof lower)
        return not_a_range;
    memcpy(lower, text, size);
    lower[size] = '\0';
    if (!units_duration(lower, soonest_ns) || !units_duration(upper, latest_ns))
        return not_a_range;
    return *soonest_ns <= *latest_ns ? NULL : "the range is empty: the shorter time comes first";
}

/* `within TIME`, or with `span` `in TIME..TIME`. */
static void parse_time(struct parser *parser, struct cursor *cursor, bool span,
                       struct expectation *want) {
    const struct word *word = cursor_need(parser, cursor, span ? "TIME..TIME" : "a TIME");
    if (word == NULL)
        return;
    want->timed = true;
    parser_vary(parser, word, VARIES_WITHIN, 0);
    const char *wrong = parse_times(word->text, &want->soonest_ns, &want->latest_ns);
    bool is_span = units_range_split(word->text) != NULL;
    if (is_span != span)
        wrong = span ? "'in' needs a range of times such as 59s..62s"
                     : "'within' needs one time such as 3s; for a range write 'in'";
    if (wrong != NULL)
        parser_error(parser, word, "'%s': %s", word->text, wrong);
}

/* `else SKIP "REASON"` */
static void parse_else(struct parser *parser, struct cursor *cursor, struct expectation *want) {
    const struct word *word = cursor_need(parser, cursor, "SKIP or ERROR");
    if (word_is(word, verdict_name(VERDICT_SKIP)))
        want->verdict = VERDICT_SKIP;
    else if (word_is(word, verdict_name(VERDICT_ERROR)))
        want->verdict = VERDICT_ERROR;
    else if (word != NULL)
        parser_error(parser, word, "expected SKIP or ERROR, not '%s'", word->text);
    word = cursor_need(parser, cursor, "the reason, in quotes,");
    if (word != NULL && !word->quoted)
        parser_error(parser, word, "the reason must be in quotes");
    else if (word != NULL)
        want->reason = parser_keep(parser, word);
}

static const struct wanted just_ok = {.kind = WANT_OK, .text = "ok"};

/* A word behind a result that is not one of those that may follow it. */
static void unexpected(struct parser *parser, const struct word *word) {
    static const char *const words[] = {"since", "within", "in"};
    struct suggestion nearest = suggest_begin(word->text);
    for (size_t i = 0; !word->quoted && i < sizeof words / sizeof words[0]; i++)
        suggest_offer(&nearest, words[i]);
    if (nearest.word != NULL && strcmp(nearest.word, word->text) != 0)
        parser_error(parser, word, "unexpected '%s' after the expected result; did you mean '%s'?",
                     word->text, nearest.word);
    else
        parser_error(parser, word, "unexpected '%s' after the expected result", word->text);
}

static void read_want(struct parser *parser, struct cursor *cursor, enum verb verb,
                      const struct sockopt *option, struct expectation *want) {
    struct arena *arena = &parser->scenario->arena;
    struct context context = {parser, verb, option};
    *want = (struct expectation){
        .text = just_ok.text, .either = &just_ok, .either_count = 1, .verdict = VERDICT_FAIL};
    if (cursor_peek(cursor) == NULL)
        return;
    *want = (struct expectation){.given = true, .verdict = VERDICT_FAIL};
    want->text = line_slice(arena, cursor->line, cursor->next, cursor->line->content);
    struct line pieces = cut(&parser->scratch, cursor);
    struct cursor inner = {&pieces, 0, pieces.count};
    want->either = parse_either(&context, &inner, 0, &want->either_count);
    for (const struct word *word; !parser->line_is_wrong && (word = cursor_take(&inner)) != NULL;) {
        bool plain = !word->quoted;
        if (plain && strcmp(word->text, "since") == 0 && !want->split)
            parse_since(&context, &inner, want);
        else if (plain && strcmp(word->text, "within") == 0 && !want->timed)
            parse_time(parser, &inner, false, want);
        else if (plain && strcmp(word->text, "in") == 0 && !want->timed)
            parse_time(parser, &inner, true, want);
        else if (plain && strcmp(word->text, ",") == 0 && want->reason == NULL &&
                 word_is(cursor_peek(&inner), "else") && cursor_take(&inner) != NULL)
            parse_else(parser, &inner, want);
        else
            unexpected(parser, word);
    }
}

/* --- the arrow --- */

size_t parse_find_arrow(struct parser *parser) {
    const struct line *line = &parser->line;
    for (size_t i = 0; i < line->count; i++) {
        const struct word *word = &line->words[i];
        if (word_is(word, "->"))
            return i;
        if (!word->quoted && strncmp(word->text, "->", 2) == 0) {
            parser_error(parser, word, "a blank is missing after '->'");
            return i;
        }
    }
    return line->count;
}

void parse_expectation(struct parser *parser, size_t arrow, enum verb verb,
                       const struct sockopt *option, struct expectation *want) {
    struct cursor cursor = {&parser->line, arrow + 1, parser->line.count};
    if (arrow < parser->line.count && !word_is(&parser->line.words[arrow], "->"))
        cursor.next = cursor.end; /* the missing blank has been reported */
    if (arrow + 1 == parser->line.count && !parser->line_is_wrong)
        parser_error(parser, NULL, "a result is missing after '->'");
    read_want(parser, &cursor, verb, option, want);
    want->given |= arrow < parser->line.count;
}
