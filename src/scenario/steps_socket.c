/* A role's calls on its sockets: for each verb, how its arguments are written, what the step
 * changes for the steps after it, why it can only fail, and its row. */
#include <netinet/in.h>
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
        if (parser->flow.socket[role][i].state == SOCKET_OPEN)
            suggest_offer(&nearest, scenario->sockets[i]);
    for (size_t i = 0; i < scenario->role_count && other == NULL; i++)
        if ((int)i != role && parser->flow.socket[i][socket].state == SOCKET_OPEN)
            other = scenario->roles[i];
    if (parser->flow.socket[role][socket].state == SOCKET_CLOSED)
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

void parse_socket_name(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "the name of a socket");
    if (word == NULL)
        return;
    int socket = parser_socket(parser, word);
    if (socket < 0)
        return;
    step->socket = socket;
    struct flow_socket *known = &parser->flow.socket[step->role][socket];
    if (known->state != SOCKET_OPEN && !parser->line_is_wrong)
        not_open(parser, word, step->role, socket);
    known->state = SOCKET_OPEN; /* one error is enough: the lines below take the socket as open */
    step->kind = (enum socket_kind)known->kind;
}

/* Takes the name of a socket that this step makes. Returns its index, or NO_SOCKET. */
static int take_new_socket(struct parser *parser, struct cursor *cursor) {
    const struct word *word = cursor_need(parser, cursor, "the name of a socket");
    if (word == NULL)
        return NO_SOCKET;
    bool kind = socket_kind_named(word->text) < SOCKET_KINDS;
    if (!word->quoted && (kind || sockopt_named(word->text) != NULL))
        parser_error(parser, word, "the name of the socket is missing before '%s'", word->text);
    return parser_socket(parser, word);
}

/* A socket of this kind has been made. */
static void open_socket(struct flow *flow, int role, int socket, enum socket_kind kind,
                        bool has_peer) {
    if (socket == NO_SOCKET)
        return;
    flow->socket[role][socket] = (struct flow_socket){
        .state = SOCKET_OPEN, .kind = kind & 0xf, .has_peer = has_peer, .in_use = has_peer};
}

void flow_share(struct flow *flow, int role, int socket, int other_role, int other_socket) {
    flow->socket[role][socket].in_use = true;
    flow->socket[other_role][other_socket] = flow->socket[role][socket];
}

static bool is_datagram(const struct step *step) {
    return socket_kind_row(step->kind)->type == SOCK_DGRAM;
}

static bool is_unix(enum socket_kind kind) {
    return socket_kind_row(kind)->family == AF_UNIX;
}

/* --- socket, setsockopt, getsockopt --- */

/* OPTION[=VALUE]... */
static void take_options(struct parser *parser, struct cursor *cursor,
                         struct step_options *options) {
    struct arena *arena = &parser->scenario->arena;
    for (const struct word *word; (word = cursor_take(cursor)) != NULL;) {
        struct option_setting setting;
        if (!parse_option(parser, word, &setting))
            continue;
        parser_vary(parser, word, VARIES_OPTION, (int)options->count);
        options->list = arena_grow(arena, options->list, options->count, sizeof setting);
        options->list[options->count++] = setting;
    }
}

/* A word before the options that is none: a misspelt one, or a kind of socket that there is not. */
static void unknown_kind(struct parser *parser, const struct word *word) {
    struct suggestion nearest = suggest_begin(word->text);
    for (enum socket_kind kind = 0; kind < SOCKET_KINDS; kind++)
        suggest_offer(&nearest, socket_kind_row(kind)->name);
    suggest_offer(&nearest, "nonblock");
    suggest_offer(&nearest, "cloexec");
    if (nearest.word != NULL)
        parser_error(parser, word, "unexpected '%s'; did you mean '%s'?", word->text, nearest.word);
    else
        parser_error(parser, word, "unexpected '%s'; usage: %s", word->text,
                     verb_row(VERB_SOCKET)->usage);
}

/* A kind, nonblock or cloexec. Returns whether the word is one of these, or seems to be. */
static bool take_kind(struct parser *parser, const struct word *word, struct step *step,
                      const struct word **said) {
    struct address like;
    enum socket_kind kind = word->quoted ? SOCKET_KINDS : socket_kind_named(word->text);
    bool is_like = !word->quoted && word->text[0] == '$';
    if (is_like && parse_address(parser, word, &like)) {
        step->options.like = arena_keep(&parser->scenario->arena, &like, sizeof like);
        if (is_unix((enum socket_kind)parser->flow.socket[like.role][like.socket].kind))
            parser_error(parser, word, "'%s' is a Unix socket, which has no family of addresses",
                         word->text);
    }
    if (kind < SOCKET_KINDS || is_like) {
        if (*said != NULL)
            parser_error(parser, word, "'%s' contradicts '%s'", word->text, (*said)->text);
        step->kind = is_like ? KIND_TCP4 : kind;
        *said = word;
    } else if (word_is(word, "nonblock")) {
        step->options.flags |= SOCK_NONBLOCK;
    } else if (word_is(word, "cloexec")) {
        step->options.flags |= SOCK_CLOEXEC;
    } else if (word->text[0] >= 'a' && word->text[0] <= 'z' && strchr(word->text, '_') == NULL) {
        unknown_kind(parser, word);
    } else {
        return false;
    }
    return true;
}

/* The kind, nonblock, cloexec and the options, in any order. */
static void parse_socket(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *said = NULL;
    struct cursor option = *cursor;
    step->socket = take_new_socket(parser, cursor);
    step->kind = KIND_TCP4;
    for (const struct word *word; (word = cursor_peek(cursor)) != NULL; cursor_take(cursor)) {
        option.next = cursor->next;
        option.end = cursor->next + 1;
        if (!take_kind(parser, word, step, &said))
            take_options(parser, &option, &step->options);
    }
}

static void after_socket(struct flow *flow, const struct step *step) {
    open_socket(flow, step->role, step->socket, step->kind, false);
}

/* socket, setsockopt, getsockopt: an option of another protocol. */
static const char *refuse_options(const struct flow *flow, const struct step *step) {
    enum protocol protocol = socket_kind_row(step->kind)->protocol;
    (void)flow;
    for (size_t i = 0; i < step->options.count; i++) {
        int level = step->options.list[i].option->level;
        if (level == IPPROTO_TCP && (protocol == PROTOCOL_UDP || protocol == PROTOCOL_UNIX))
            return "a TCP option: this is not a TCP socket";
        if ((level == IPPROTO_IP || level == IPPROTO_IPV6) && protocol == PROTOCOL_UNIX)
            return "an IP option: a Unix socket has none";
    }
    return NULL;
}

static void parse_setsockopt(struct parser *parser, struct cursor *cursor, struct step *step) {
    parse_socket_name(parser, cursor, step);
    if (cursor_peek(cursor) == NULL)
        cursor_need(parser, cursor, "an OPTION");
    take_options(parser, cursor, &step->options);
}

static void parse_getsockopt(struct parser *parser, struct cursor *cursor, struct step *step) {
    parse_socket_name(parser, cursor, step);
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
    .usage = "ROLE socket NAME [KIND|$ROLE.SOCKET] [nonblock] [cloexec] [OPTION[=VALUE]...]",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_OPTIONS,
    .parse = parse_socket,
    .refuse = refuse_options,
    .effect = after_socket,
};

const struct verb_row verb_setsockopt = {
    .name = "setsockopt",
    .usage = "ROLE setsockopt NAME OPTION[=VALUE]...",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_OPTIONS,
    .parse = parse_setsockopt,
    .refuse = refuse_options,
};

const struct verb_row verb_getsockopt = {
    .name = "getsockopt",
    .usage = "ROLE getsockopt NAME OPTION -> VALUE",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_OPTIONS,
    .answer = GIVES_VALUE,
    .parse = parse_getsockopt,
    .refuse = refuse_options,
};

/* --- bind, connect --- */

/* Takes an address to bind, connect or send to: its port must be a number. */
static void take_address(struct parser *parser, struct cursor *cursor, struct address *address) {
    const struct word *word = parse_numbered(parser, cursor, address);
    if (word != NULL)
        parser_vary(parser, word, VARIES_ADDRESS, 0);
}

/* A word such as /run/db.sock or db, where a Unix socket needs unix:NAME. */
static bool is_unix_name_alone(const struct word *word) {
    return word != NULL && strchr(word->text, ':') == NULL && strchr("$*", word->text[0]) == NULL;
}

static void refuse_name_alone(struct parser *parser, const struct word *word) {
    const char *slash = strrchr(word->text, '/');
    const char *name = slash == NULL ? word->text : slash + 1;
    parser_error(parser, word, "'%s': the address of a Unix socket is unix:NAME, as unix:%s",
                 word->text, name[0] == '\0' || name[0] == '.' ? "db" : name);
}

static void parse_socket_address(struct parser *parser, struct cursor *cursor, struct step *step) {
    parse_socket_name(parser, cursor, step);
    if (step->socket != NO_SOCKET && socket_kind_row(step->kind)->family == AF_UNIX &&
        is_unix_name_alone(cursor_peek(cursor))) {
        refuse_name_alone(parser, cursor_take(cursor));
        return;
    }
    take_address(parser, cursor, &step->address);
}

/* The address of a socket of another family. */
static const char *refuse_address(const struct flow *flow, const struct step *step) {
    const struct address *address = step_address(step);
    bool named = address->name != NULL;
    if (address->use != ADDRESS_WRITTEN)
        named = is_unix((enum socket_kind)flow->socket[address->role][address->socket].kind);
    if (is_unix(step->kind) && !named)
        return "the address of a Unix socket is unix:NAME";
    if (!is_unix(step->kind) && named)
        return "unix:NAME is the address of a Unix socket, which this is not";
    return NULL;
}

static void after_connect(struct flow *flow, const struct step *step) {
    if (step->socket == NO_SOCKET)
        return;
    struct flow_socket *socket = &flow->socket[step->role][step->socket];
    socket->has_peer = socket->in_use = true;
}

const struct verb_row verb_bind = {
    .name = "bind",
    .usage = "ROLE bind NAME ADDRESS",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_ADDRESS,
    .parse = parse_socket_address,
    .refuse = refuse_address,
};

const struct verb_row verb_connect = {
    .name = "connect",
    .usage = "ROLE connect NAME ADDRESS",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_ADDRESS,
    .parse = parse_socket_address,
    .refuse = refuse_address,
    .effect = after_connect,
};

/* --- listen, send, recv --- */

static void parse_listen(struct parser *parser, struct cursor *cursor, struct step *step) {
    parse_socket_name(parser, cursor, step);
    parser_vary(parser, cursor_peek(cursor), VARIES_AMOUNT, 0);
    if (cursor_peek(cursor) != NULL)
        step->amount.given =
            cursor_take_number(parser, cursor, "a BACKLOG", -1, INT32_MAX, &step->amount.number);
}

static const char *refuse_listen(const struct flow *flow, const struct step *step) {
    (void)flow;
    return is_datagram(step) ? "a datagram socket does not listen: it receives once it is bound"
                             : NULL;
}

static void after_listen(struct flow *flow, const struct step *step) {
    if (step->socket != NO_SOCKET)
        flow->socket[step->role][step->socket].in_use = true;
}

static void parse_send(struct parser *parser, struct cursor *cursor, struct step *step) {
    parse_socket_name(parser, cursor, step);
    parser_vary(parser, cursor_peek(cursor), VARIES_AMOUNT, 0);
    step->amount.given = cursor_take_number(parser, cursor, "a number of BYTES", 0,
                                            SCENARIO_BYTES_MAX, &step->amount.number);
    step->amount.addressed = cursor_peek(cursor) != NULL && !parser->line_is_wrong;
    if (step->amount.addressed)
        take_address(parser, cursor, &step->amount.address);
}

static const char *refuse_send(const struct flow *flow, const struct step *step) {
    if (!step->amount.addressed)
        return NULL;
    return is_datagram(step) ? refuse_address(flow, step)
                             : "an ADDRESS is for a datagram socket: this one must be connected";
}

static void parse_recv(struct parser *parser, struct cursor *cursor, struct step *step) {
    parse_socket_name(parser, cursor, step);
    parser_vary(parser, cursor_peek(cursor), VARIES_AMOUNT, 0);
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
    .refuse = refuse_listen,
    .effect = after_listen,
};

const struct verb_row verb_send = {
    .name = "send",
    .usage = "ROLE send NAME BYTES [ADDRESS]",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_AMOUNT,
    .answer = GIVES_NUMBER,
    .parse = parse_send,
    .refuse = refuse_send,
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
    parse_socket_name(parser, cursor, step);
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

/* accept, dup */
static void parse_accept(struct parser *parser, struct cursor *cursor, struct step *step) {
    parse_socket_name(parser, cursor, step);
    step->made = take_new_socket(parser, cursor);
}

static const char *refuse_accept(const struct flow *flow, const struct step *step) {
    (void)flow;
    return is_datagram(step) ? "a datagram socket has no connections to accept: use recv" : NULL;
}

static void after_accept(struct flow *flow, const struct step *step) {
    open_socket(flow, step->role, step->made, step->kind, true);
}

static void parse_shutdown(struct parser *parser, struct cursor *cursor, struct step *step) {
    static const char *const names[] = {
        [SHUT_RD] = "read", [SHUT_WR] = "write", [SHUT_RDWR] = "both"};
    parse_socket_name(parser, cursor, step);
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

static const char *refuse_shutdown(const struct flow *flow, const struct step *step) {
    if (step->socket == NO_SOCKET || is_unix(step->kind) ||
        flow->socket[step->role][step->socket].in_use)
        return NULL;
    return "the socket is neither connected nor listening: the answer would be ENOTCONN";
}

static const char *refuse_disconnect(const struct flow *flow, const struct step *step) {
    (void)flow;
    return step->kind == KIND_UNIX ? "a connected Unix stream socket cannot be disconnected" : NULL;
}

static void after_close(struct flow *flow, const struct step *step) {
    if (step->socket != NO_SOCKET)
        flow->socket[step->role][step->socket].state = SOCKET_CLOSED;
}

const struct verb_row verb_accept = {
    .name = "accept",
    .usage = "ROLE accept LISTENER NAME",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_SOCKET,
    .parse = parse_accept,
    .refuse = refuse_accept,
    .effect = after_accept,
};

const struct verb_row verb_shutdown = {
    .name = "shutdown",
    .usage = "ROLE shutdown NAME read|write|both",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_HOW,
    .parse = parse_shutdown,
    .refuse = refuse_shutdown,
};

const struct verb_row verb_disconnect = {
    .name = "disconnect",
    .usage = "ROLE disconnect NAME",
    .scope = SCOPE_CALL,
    .parse = parse_socket_name,
    .refuse = refuse_disconnect,
};

const struct verb_row verb_close = {
    .name = "close",
    .usage = "ROLE close NAME",
    .scope = SCOPE_CALL,
    .parse = parse_socket_name,
    .effect = after_close,
};

/* --- getsockname, getpeername --- */

const struct verb_row verb_getsockname = {
    .name = "getsockname",
    .usage = "ROLE getsockname NAME -> ADDRESS",
    .scope = SCOPE_CALL,
    .answer = GIVES_ADDRESS,
    .parse = parse_socket_name,
};

const struct verb_row verb_getpeername = {
    .name = "getpeername",
    .usage = "ROLE getpeername NAME -> ADDRESS",
    .scope = SCOPE_CALL,
    .answer = GIVES_ADDRESS,
    .parse = parse_socket_name,
};

/* --- dup, chown, unlink --- */

static void after_dup(struct flow *flow, const struct step *step) {
    if (step->socket != NO_SOCKET && step->made != NO_SOCKET)
        flow_share(flow, step->role, step->socket, step->role, step->made);
}

static void parse_chown(struct parser *parser, struct cursor *cursor, struct step *step) {
    int64_t uid = 0;
    parse_socket_name(parser, cursor, step);
    parser_vary(parser, cursor_peek(cursor), VARIES_UID, 0);
    cursor_take_number(parser, cursor, "a user ID", 0, UINT32_MAX - 1, &uid);
    step->uid = (uid_t)uid;
}

static void parse_unlink(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "unix:NAME");
    if (is_unix_name_alone(word)) {
        refuse_name_alone(parser, word);
        return;
    }
    if (word == NULL || !parse_address(parser, word, &step->address))
        return;
    parser_vary(parser, word, VARIES_ADDRESS, 0);
    if (step->address.name == NULL || step->address.name[0] == '@')
        parser_error(parser, word, "'%s' is not the file of a Unix socket, as unix:NAME is",
                     word->text);
}

const struct verb_row verb_dup = {
    .name = "dup",
    .usage = "ROLE dup NAME NEWNAME",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_SOCKET,
    .parse = parse_accept,
    .effect = after_dup,
};

const struct verb_row verb_chown = {
    .name = "chown",
    .usage = "ROLE chown NAME UID",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_UID,
    .parse = parse_chown,
};

const struct verb_row verb_unlink = {
    .name = "unlink",
    .usage = "ROLE unlink unix:NAME",
    .scope = SCOPE_CALL,
    .arguments = ARGUMENTS_ADDRESS,
    .parse = parse_unlink,
};
