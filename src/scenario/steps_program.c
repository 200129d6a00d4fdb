/* The steps of a role that has become a program: started by `exec`, watched and ended. */
#include <string.h>

#include "base/signames.h"
#include "base/units.h"
#include "scenario/parser.h"

/* The longest that these steps wait, unless told. */
static const uint64_t usual_ns = 10ULL * NS_PER_S;

/* --- exec --- */

/* A word may stand for an address or a port of a socket, or as a whole for the words of the command
 * line. One with a `$` that begins no name of a role is taken as it is. */
static void take_word(struct parser *parser, const struct word *word,
                      struct step_program *program) {
    struct program_word taken = {.text = parser_keep(parser, word)};
    const char *reference = word->quoted ? NULL : strchr(word->text, '$');
    if (word_is(word, "$program")) {
        taken.use = WORD_PROGRAM;
        if (!parser->scenario->needs_program)
            parser_error(parser, word,
                         "'$program' stands for the words after '--': the header must say "
                         "'needs program'");
    } else if (reference != NULL && reference == word->text && reference[1] != '\0') {
        bool port =
            strlen(word->text) > 5 && strcmp(word->text + strlen(word->text) - 5, ".port") == 0;
        taken.use = port ? WORD_PORT : WORD_ADDRESS;
        if (port)
            parse_port_reference(parser, word, &taken.address);
        else
            parse_address(parser, word, &taken.address);
    } else if (reference != NULL && reference[-1] == ':' && strchr(reference, '.') != NULL) {
        taken.use = WORD_ADDRESS;
        parse_address(parser, word, &taken.address);
    }
    program->words = arena_grow(&parser->scenario->arena, program->words, program->word_count,
                                sizeof program->words[0]);
    program->words[program->word_count++] = taken;
}

static void parse_exec(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "a PROGRAM");
    for (; word != NULL; word = cursor_take(cursor))
        take_word(parser, word, &step->program);
}

static void after_exec(struct flow *flow, const struct step *step) {
    flow->role[step->role] = ROLE_PROGRAM;
}

const struct verb_row verb_exec = {
    .name = "exec",
    .usage = "ROLE exec PROGRAM [ARG...]",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_PROGRAM,
    .parse = parse_exec,
    .effect = after_exec,
};

/* --- calls, listens --- */

static void take_within(struct parser *parser, struct cursor *cursor, struct step_watch *watch) {
    watch->within_ns = usual_ns;
    if (cursor_skip(cursor, "within"))
        cursor_take_time(parser, cursor, &watch->within_ns);
}

/* [ADDRESS] */
static void take_watched_address(struct parser *parser, struct cursor *cursor,
                                 struct step_watch *watch) {
    const struct word *word = cursor_peek(cursor);
    watch->has_address = word != NULL && !word_is(word, "within");
    if (watch->has_address)
        parse_address(parser, cursor_take(cursor), &watch->address);
}

static void parse_calls(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "bind, listen or connect");
    struct step_watch *watch = &step->watch;
    for (unsigned call = SOCKET_CALL_BIND; word != NULL && call <= SOCKET_CALL_CONNECT; call++)
        if (word_is(word, seccomp_call_name((enum socket_call)call)))
            watch->call = (enum socket_call)call;
    if (word != NULL && watch->call == SOCKET_CALL_NONE)
        parser_error(parser, word, "expected bind, listen or connect, not '%s'", word->text);
    take_watched_address(parser, cursor, watch);
    take_within(parser, cursor, watch);
}

static void parse_listens(struct parser *parser, struct cursor *cursor, struct step *step) {
    step->watch.made = NO_SOCKET;
    const struct word *word = cursor_need(parser, cursor, "the name of a socket");
    if (word_is(word, "within")) {
        parser_error(parser, word, "the name of a socket is missing before 'within'");
        cursor->next--;
    } else if (word != NULL) {
        step->watch.made = parser_socket(parser, word);
    }
    take_watched_address(parser, cursor, &step->watch);
    take_within(parser, cursor, &step->watch);
}

static void after_listens(struct flow *flow, const struct step *step) {
    if (step->watch.made != NO_SOCKET)
        flow->socket[step->role][step->watch.made].state = SOCKET_OPEN;
}

const struct verb_row verb_calls = {
    .name = "calls",
    .usage = "ROLE calls bind|listen|connect [ADDRESS] [within TIME]",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_WATCH,
    .answer = GIVES_CALL,
    .of_program = true,
    .when_ended = true,
    .parse = parse_calls,
};

const struct verb_row verb_listens = {
    .name = "listens",
    .usage = "ROLE listens NAME [ADDRESS] [within TIME]",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_WATCH,
    .answer = GIVES_CALL,
    .of_program = true,
    .parse = parse_listens,
    .effect = after_listens,
};

/* --- settles, accepts --- */

static void parse_settles(struct parser *parser, struct cursor *cursor, struct step *step) {
    step->watch.made = NO_SOCKET;
    take_within(parser, cursor, &step->watch);
}

static void parse_accepts(struct parser *parser, struct cursor *cursor, struct step *step) {
    parse_socket_name(parser, cursor, step);
    parse_settles(parser, cursor, step);
}

const struct verb_row verb_settles = {
    .name = "settles",
    .usage = "ROLE settles [within TIME]",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_WATCH,
    .answer = GIVES_CALL,
    .of_program = true,
    .parse = parse_settles,
};

const struct verb_row verb_accepts = {
    .name = "accepts",
    .usage = "ROLE accepts NAME [within TIME]",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_WATCH,
    .answer = GIVES_CALL,
    .of_program = true,
    .parse = parse_accepts,
};

/* --- signal, wait --- */

static void parse_signal(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "the name of a signal");
    if (word == NULL)
        return;
    step->signal.number = signame_number(word->text);
    const char *near = step->signal.number != 0 ? NULL : signame_near(word->text);
    const char *full = arena_format(&parser->scratch, "SIG%s", word->text);
    if (step->signal.number == 0 && signame_number(full) != 0)
        near = full;
    if (near != NULL)
        parser_error(parser, word, "unknown signal '%s'; did you mean '%s'?", word->text, near);
    else if (step->signal.number == 0)
        parser_error(parser, word, "unknown signal '%s'; signals are written like SIGTERM",
                     word->text);
    step->signal.all = cursor_skip(cursor, "all");
    unsigned char state = parser->flow.role[step->role];
    bool ended = state == ROLE_ENDED || state == ROLE_PROGRAM_ENDED;
    if (!step->signal.all && ended && !parser->line_is_wrong)
        parser_error(parser, &parser->line.words[0],
                     "role '%s' has ended; 'signal %s all' is for what it has started",
                     parser->scenario->roles[step->role], word->text);
}

static void parse_wait(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_within(parser, cursor, &step->watch);
}

static void after_wait(struct flow *flow, const struct step *step) {
    flow_end_role(flow, step->role);
}

const struct verb_row verb_signal = {
    .name = "signal",
    .usage = "ROLE signal SIGNAME [all]",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_SIGNAL,
    .of_process = true,
    .when_ended = true,
    .while_serving = true,
    .parse = parse_signal,
};

const struct verb_row verb_wait = {
    .name = "wait",
    .usage = "ROLE wait [within TIME]",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_WATCH,
    .answer = GIVES_END,
    .of_process = true,
    .while_serving = true,
    .when_ended = true,
    .parse = parse_wait,
    .effect = after_wait,
};
