/* The steps of a role: for each verb, how its arguments are written, what the step changes for the
 * steps after it, and its row. */
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "base/units.h"
#include "scenario/parser.h"

/* --- the sockets of a role --- */

/* Reports that a role does not have this socket open. It may have one with a similar name, or
 * another role one with this name. */
static void not_open(struct parser *parser, const struct word *word, int role, int socket) {
    const struct scenario *scenario = parser->scenario;
    const char *role_name = scenario->roles[role], *other = NULL;
    struct suggestion nearest = suggest_begin(word->text);
    for (size_t i = 0; i < scenario->socket_count; i++)
        if (parser->flow.socket[role][i] == SOCKET_OPEN)
            suggest_offer(&nearest, scenario->sockets[i]);
    for (size_t i = 0; i < scenario->role_count && other == NULL; i++)
        if ((int)i != role && parser->flow.socket[i][socket] == SOCKET_OPEN)
            other = scenario->roles[i];
    if (parser->flow.socket[role][socket] == SOCKET_CLOSED)
        parser_error(parser, word, "socket '%s' of role '%s' is closed", word->text, role_name);
    else if (nearest.word != NULL)
        parser_error(parser, word,
                     "socket '%s' of role '%s' is used before it is created; did you mean '%s'?",
                     word->text, role_name, nearest.word);
    else if (other != NULL)
        parser_error(parser, word,
                     "socket '%s' of role '%s' is used before it is created (role '%s' has one)",
                     word->text, role_name, other);
    else
        parser_error(parser, word, "socket '%s' of role '%s' is used before it is created",
                     word->text, role_name);
}

/* Takes the name of a socket that must be open, into step->socket. */
static void take_socket(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "the name of a socket");
    if (word == NULL)
        return;
    int socket = parser_socket(parser, word);
    if (socket < 0)
        return;
    step->socket = socket;
    unsigned char *state = &parser->flow.socket[step->role][socket];
    if (*state != SOCKET_OPEN && !parser->line_is_wrong)
        not_open(parser, word, step->role, socket);
    *state = SOCKET_OPEN; /* one error is enough: the lines below take the socket as open */
}

/* Takes the name of a socket that this step makes. Returns its index, or NO_SOCKET. */
static int take_new_socket(struct parser *parser, struct cursor *cursor) {
    const struct word *word = cursor_need(parser, cursor, "the name of a socket");
    if (word == NULL)
        return NO_SOCKET;
    bool kind = strcmp(word->text, "tcp4") == 0 || strcmp(word->text, "tcp6") == 0;
    if (!word->quoted && (kind || sockopt_named(word->text) != NULL))
        parser_error(parser, word, "the name of the socket is missing before '%s'", word->text);
    return parser_socket(parser, word);
}

static void open_socket(struct flow *flow, int role, int socket, bool has_peer) {
    if (socket == NO_SOCKET)
        return;
    flow->socket[role][socket] = SOCKET_OPEN;
    flow->has_peer[role][socket] = has_peer;
}

/* --- socket, setsockopt, getsockopt --- */

/* OPTION[=VALUE]... */
static void take_options(struct parser *parser, struct cursor *cursor,
                         struct step_options *options) {
    struct arena *arena = &parser->scratch;
    for (const struct word *word; (word = cursor_take(cursor)) != NULL;) {
        struct option_setting setting;
        if (!parse_option(parser, word, &setting))
            continue;
        options->list = arena_grow(arena, options->list, options->count, sizeof setting);
        options->list[options->count++] = setting;
    }
    options->list = arena_keep(&parser->scenario->arena, options->list,
                               options->count * sizeof options->list[0]);
}

/* A word before the options that is none: a misspelt one, or a kind of socket that there is not. */
static void unknown_kind(struct parser *parser, const struct word *word) {
    static const char *const words[] = {"tcp4", "tcp6", "nonblock", "cloexec"};
    struct suggestion nearest = suggest_begin(word->text);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        suggest_offer(&nearest, words[i]);
    if (nearest.word != NULL)
        parser_error(parser, word, "unexpected '%s'; did you mean '%s'?", word->text, nearest.word);
    else
        parser_error(parser, word, "unexpected '%s'; usage: %s", word->text,
                     verb_row(VERB_SOCKET)->usage);
}

/* tcp4, tcp6, nonblock, cloexec, in any order, up to the first option. */
static void take_kind(struct parser *parser, struct cursor *cursor, struct step_options *options) {
    options->family = AF_INET;
    for (const struct word *word; (word = cursor_peek(cursor)) != NULL; cursor_take(cursor)) {
        if (word_is(word, "tcp4") || word_is(word, "tcp6"))
            options->family = word_is(word, "tcp6") ? AF_INET6 : AF_INET;
        else if (word_is(word, "nonblock"))
            options->flags |= SOCK_NONBLOCK;
        else if (word_is(word, "cloexec"))
            options->flags |= SOCK_CLOEXEC;
        else if (word->text[0] >= 'a' && word->text[0] <= 'z' && strchr(word->text, '_') == NULL)
            unknown_kind(parser, word);
        else
            return;
    }
}

static void parse_socket(struct parser *parser, struct cursor *cursor, struct step *step) {
    step->socket = take_new_socket(parser, cursor);
    take_kind(parser, cursor, &step->options);
    take_options(parser, cursor, &step->options);
}

static void after_socket(struct flow *flow, const struct step *step) {
    open_socket(flow, step->role, step->socket, false);
}

static void parse_setsockopt(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    if (cursor_peek(cursor) == NULL)
        cursor_need(parser, cursor, "an OPTION");
    take_options(parser, cursor, &step->options);
}

static void parse_getsockopt(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    const struct word *word = cursor_need(parser, cursor, "an OPTION");
    if (word == NULL)
        return;
    struct option_setting asked = {.option = parse_option_name(parser, word, strlen(word->text))};
    if (asked.option == NULL)
        return;
    step->options.list = arena_keep(&parser->scenario->arena, &asked, sizeof asked);
    step->options.count = 1;
}

const struct verb_row verb_socket = {
    .name = "socket",
    .usage = "ROLE socket NAME [tcp4|tcp6] [nonblock] [cloexec] [OPTION[=VALUE]...]",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_OPTIONS,
    .parse = parse_socket,
    .effect = after_socket,
};

const struct verb_row verb_setsockopt = {
    .name = "setsockopt",
    .usage = "ROLE setsockopt NAME OPTION[=VALUE]...",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_OPTIONS,
    .parse = parse_setsockopt,
};

const struct verb_row verb_getsockopt = {
    .name = "getsockopt",
    .usage = "ROLE getsockopt NAME OPTION -> VALUE",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_OPTIONS,
    .answer = GIVES_VALUE,
    .parse = parse_getsockopt,
};

/* --- bind, connect --- */

/* An address to bind or connect to: its port must be a number. */
static void parse_socket_address(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    const struct word *word = cursor_need(parser, cursor, "an ADDRESS");
    if (word == NULL || !parse_address(parser, word, &step->address))
        return;
    if (step->address.use == ADDRESS_WRITTEN && step->address.pattern.any_port)
        parser_error(parser, word, "'%s': the port cannot be '*' here; 0 lets the kernel choose",
                     word->text);
}

static void after_connect(struct flow *flow, const struct step *step) {
    if (step->socket != NO_SOCKET)
        flow->has_peer[step->role][step->socket] = true;
}

const struct verb_row verb_bind = {
    .name = "bind",
    .usage = "ROLE bind NAME ADDRESS",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_ADDRESS,
    .parse = parse_socket_address,
};

const struct verb_row verb_connect = {
    .name = "connect",
    .usage = "ROLE connect NAME ADDRESS",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_ADDRESS,
    .parse = parse_socket_address,
    .effect = after_connect,
};

/* --- listen, send, recv --- */

static void parse_listen(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    if (cursor_peek(cursor) != NULL)
        step->amount.given =
            cursor_take_number(parser, cursor, "a BACKLOG", -1, INT32_MAX, &step->amount.number);
}

static void parse_send(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    step->amount.given = cursor_take_number(parser, cursor, "a number of BYTES", 0,
                                            SCENARIO_BYTES_MAX, &step->amount.number);
}

static void parse_recv(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    if (cursor_peek(cursor) != NULL)
        step->amount.given = cursor_take_number(parser, cursor, "a number of BYTES", 1,
                                                SCENARIO_BYTES_MAX, &step->amount.number);
}

const struct verb_row verb_listen = {
    .name = "listen",
    .usage = "ROLE listen NAME [BACKLOG]",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_AMOUNT,
    .parse = parse_listen,
};

const struct verb_row verb_send = {
    .name = "send",
    .usage = "ROLE send NAME BYTES",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_AMOUNT,
    .answer = GIVES_NUMBER,
    .parse = parse_send,
};

const struct verb_row verb_recv = {
    .name = "recv",
    .usage = "ROLE recv NAME [BYTES]",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_AMOUNT,
    .answer = GIVES_DATA,
    .parse = parse_recv,
};

/* --- poll --- */

static void parse_poll(struct parser *parser, struct cursor *cursor, struct step *step) {
    const uint64_t default_ns = 5ULL * NS_PER_S;
    take_socket(parser, cursor, step);
    const struct word *word = cursor_need(parser, cursor, "read or write");
    step->wait.within_ns = default_ns;
    if (word == NULL)
        return;
    step->wait.write = word_is(word, "write");
    if (!step->wait.write && !word_is(word, "read"))
        parser_error(parser, word, "expected read or write, not '%s'", word->text);
    if (cursor_skip(cursor, "within"))
        cursor_take_time(parser, cursor, &step->wait.within_ns);
}

const struct verb_row verb_poll = {
    .name = "poll",
    .usage = "ROLE poll NAME read|write [within TIME]",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_WAIT,
    .answer = GIVES_READY,
    .parse = parse_poll,
};

/* --- accept, shutdown, disconnect, close --- */

static void parse_accept(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    step->made = take_new_socket(parser, cursor);
}

static void after_accept(struct flow *flow, const struct step *step) {
    open_socket(flow, step->role, step->made, true);
}

static void parse_shutdown(struct parser *parser, struct cursor *cursor, struct step *step) {
    static const char *const names[] = {
        [SHUT_RD] = "read", [SHUT_WR] = "write", [SHUT_RDWR] = "both"};
    take_socket(parser, cursor, step);
    const struct word *word = cursor_need(parser, cursor, "read, write or both");
    if (word == NULL)
        return;
    for (int how = SHUT_RD; how <= SHUT_RDWR; how++)
        if (strcmp(names[how], word->text) == 0) {
            step->how = how;
            return;
        }
    parser_error(parser, word, "expected read, write or both, not '%s'", word->text);
}

static void after_close(struct flow *flow, const struct step *step) {
    if (step->socket != NO_SOCKET)
        flow->socket[step->role][step->socket] = SOCKET_CLOSED;
}

const struct verb_row verb_accept = {
    .name = "accept",
    .usage = "ROLE accept LISTENER NAME",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_SOCKET,
    .parse = parse_accept,
    .effect = after_accept,
};

const struct verb_row verb_shutdown = {
    .name = "shutdown",
    .usage = "ROLE shutdown NAME read|write|both",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_HOW,
    .parse = parse_shutdown,
};

const struct verb_row verb_disconnect = {
    .name = "disconnect",
    .usage = "ROLE disconnect NAME",
    .scope = SCOPE_CALL,
    .parse = take_socket,
};

const struct verb_row verb_close = {
    .name = "close",
    .usage = "ROLE close NAME",
    .scope = SCOPE_CALL,
    .parse = take_socket,
    .effect = after_close,
};

/* --- getsockname, getpeername --- */

const struct verb_row verb_getsockname = {
    .name = "getsockname",
    .usage = "ROLE getsockname NAME -> ADDRESS",
    .scope = SCOPE_CALL,
    .answer = GIVES_ADDRESS,
    .parse = take_socket,
};

const struct verb_row verb_getpeername = {
    .name = "getpeername",
    .usage = "ROLE getpeername NAME -> ADDRESS",
    .scope = SCOPE_CALL,
    .answer = GIVES_ADDRESS,
    .parse = take_socket,
};

/* --- the process: fork, pass, uid, exit, kill --- */

static void parse_fork(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "the name of the new role");
    step->other_role = word == NULL ? NO_ROLE : parser_role(parser, word);
    if (step->other_role != NO_ROLE && parser->flow.role[step->other_role] != ROLE_UNBORN) {
        parser_error(parser, word, "role '%s' already exists; fork needs a new name", word->text);
        step->other_role = NO_ROLE;
    }
}

static void after_fork(struct flow *flow, const struct step *step) {
    int role = step->role, child = step->other_role;
    if (child == NO_ROLE)
        return;
    flow->role[child] = ROLE_RUNS;
    memcpy(flow->socket[child], flow->socket[role], sizeof flow->socket[role]);
    memcpy(flow->has_peer[child], flow->has_peer[role], sizeof flow->has_peer[role]);
}

static void parse_pass(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    const struct word *word = cursor_need(parser, cursor, "the name of the role that gets it");
    step->other_role = word == NULL ? NO_ROLE : parser_role(parser, word);
    if (step->other_role == NO_ROLE)
        return;
    if (step->other_role != step->role) {
        parser_check_role(parser, word, step->other_role, VERB_PASS);
        return;
    }
    parser_error(parser, word, "role '%s' has this socket already; name another role", word->text);
    step->other_role = NO_ROLE;
}

static void after_pass(struct flow *flow, const struct step *step) {
    if (step->other_role != NO_ROLE && step->socket != NO_SOCKET)
        open_socket(flow, step->other_role, step->socket, flow->has_peer[step->role][step->socket]);
}

static void parse_uid(struct parser *parser, struct cursor *cursor, struct step *step) {
    int64_t uid = 0;
    cursor_take_number(parser, cursor, "a user ID", 0, UINT32_MAX - 1, &uid);
    step->uid = (uid_t)uid;
}

static void after_end_of_role(struct flow *flow, const struct step *step) {
    flow->role[step->role] = ROLE_ENDED;
    for (size_t i = 0; i < SCENARIO_SOCKETS_MAX; i++)
        if (flow->socket[step->role][i] == SOCKET_OPEN)
            flow->socket[step->role][i] = SOCKET_CLOSED;
}

const struct verb_row verb_fork = {
    .name = "fork",
    .usage = "ROLE fork NEWROLE",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_ROLE,
    .arrow = ARROW_TO_ROLE,
    .parse = parse_fork,
    .effect = after_fork,
};

const struct verb_row verb_pass = {
    .name = "pass",
    .usage = "ROLE pass NAME OTHERROLE",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_ROLE,
    .arrow = ARROW_TO_ROLE,
    .parse = parse_pass,
    .effect = after_pass,
};

const struct verb_row verb_uid = {
    .name = "uid",
    .usage = "ROLE uid N",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_UID,
    .parse = parse_uid,
};

const struct verb_row verb_exit = {
    .name = "exit",
    .usage = "ROLE exit",
    .scope = SCOPE_ROLE,
    .arrow = ARROW_ENDS_ROLE,
    .while_serving = true,
    .effect = after_end_of_role,
};

const struct verb_row verb_kill = {
    .name = "kill",
    .usage = "ROLE kill",
    .scope = SCOPE_ROLE,
    .arrow = ARROW_ENDS_ROLE,
    .while_serving = true,
    .effect = after_end_of_role,
};

/* --- blocks: repeat, serve, stop --- */

static void parse_repeat(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_peek(cursor);
    int64_t most = 0;
    if (word != NULL && !word_is(word, "timed"))
        step->rounds.given =
            cursor_take_number(parser, cursor, "a number of rounds", 1, SCENARIO_ROUNDS_MAX, &most);
    step->rounds.most = step->rounds.given ? (uint64_t)most : SCENARIO_ROUNDS_MAX;
    step->rounds.timed = cursor_skip(cursor, "timed");
}

static void parse_serve(struct parser *parser, struct cursor *cursor, struct step *step) {
    (void)parser;
    (void)cursor;
    step->rounds.most = UINT64_MAX;
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
    .usage = "ROLE repeat [N] [timed]",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_ROUNDS,
    .opens_block = true,
    .parse = parse_repeat,
};

const struct verb_row verb_serve = {
    .name = "serve",
    .usage = "ROLE serve",
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
