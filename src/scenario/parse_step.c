/* The arguments of each verb, and what the step changes in the story: a function a verb, or one for
 * several that take the same. */
#include <string.h>
#include <sys/socket.h>

#include "base/suggest.h"
#include "base/units.h"
#include "kernel/netdev.h"
#include "kernel/sysctl.h"
#include "model/socket.h"
#include "scenario/parser.h"

/* --- sockets of the story --- */

static unsigned char *socket_state(struct parser *parser, int role, unsigned socket) {
    return &parser->flow.socket[role][socket];
}

/* The other role that has a socket of this name open, for a suggestion; or -1. */
static int other_owner(const struct parser *parser, int role, unsigned socket) {
    for (size_t other = 0; other < parser->scenario->role_count; other++)
        if ((int)other != role && parser->flow.socket[other][socket] == SOCKET_OPEN)
            return (int)other;
    return -1;
}

static const char *near_socket(const struct parser *parser, int role, const char *name) {
    const struct scenario *scenario = parser->scenario;
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; i < scenario->socket_count; i++)
        if (parser->flow.socket[role][i] == SOCKET_OPEN)
            suggest_offer(&nearest, scenario->sockets[i]);
    return nearest.word;
}

static void not_open(struct parser *parser, const struct word *word, int role, unsigned socket) {
    const char *role_name = parser->scenario->roles[role];
    const char *near = near_socket(parser, role, word->text);
    int other = other_owner(parser, role, socket);
    if (*socket_state(parser, role, socket) == SOCKET_CLOSED)
        parser_mistake(parser, word, "socket '%s' of role '%s' is closed", word->text, role_name);
    else if (near != NULL)
        parser_mistake(parser, word,
                       "socket '%s' of role '%s' is used before it is made; did you mean '%s'?",
                       word->text, role_name, near);
    else if (other >= 0)
        parser_mistake(parser, word,
                       "socket '%s' of role '%s' is used before it is made (role '%s' has one)",
                       word->text, role_name, parser->scenario->roles[other]);
    else
        parser_mistake(parser, word, "socket '%s' of role '%s' is used before it is made",
                       word->text, role_name);
}

/* Takes the name of a socket that must be open. */
static void take_socket(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "the name of a socket");
    if (word == NULL)
        return;
    int socket = parser_socket(parser, word);
    if (socket < 0)
        return;
    step->socket = (unsigned)socket;
    if (*socket_state(parser, step->role, step->socket) == SOCKET_OPEN)
        return;
    if (!parser->line_is_wrong)
        not_open(parser, word, step->role, step->socket);
    /* One mistake is enough: the lines that follow take the socket as there. */
    *socket_state(parser, step->role, step->socket) = SOCKET_OPEN;
}

/* Takes the name of a socket that this step makes. Returns its index, or -1. */
static int take_new_socket(struct parser *parser, struct cursor *cursor) {
    const struct word *word = cursor_need(parser, cursor, "the name of a socket");
    if (word == NULL)
        return -1;
    bool family = strcmp(word->text, "tcp4") == 0 || strcmp(word->text, "tcp6") == 0;
    if (!word->quoted && (family || sockopt_named(word->text) != NULL))
        parser_mistake(parser, word, "the name of the socket is missing before '%s'", word->text);
    return parser_socket(parser, word);
}

/* --- arguments --- */

static bool take_number(struct parser *parser, struct cursor *cursor, const char *what, int64_t low,
                        int64_t high, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, what);
    if (word == NULL)
        return false;
    step->has_number = units_number(word->text, low, high, &step->number);
    if (!step->has_number)
        parser_mistake(parser, word, "'%s' is not %s: a number from %lld to %lld", word->text, what,
                       (long long)low, (long long)high);
    return step->has_number;
}

static void take_time(struct parser *parser, struct cursor *cursor, uint64_t *ns) {
    const struct word *word = cursor_need(parser, cursor, "a TIME");
    if (word != NULL && !units_duration(word->text, ns))
        parser_mistake(parser, word, "'%s' is no time such as 200ms or 3s", word->text);
}

static void unknown_option(struct parser *parser, const struct word *word, const char *name) {
    const char *near = sockopt_near(name);
    if (near != NULL)
        parser_mistake(parser, word, "unknown option '%s'; did you mean '%s'?", name, near);
    else
        parser_mistake(parser, word, "unknown socket option '%s'", name);
}

static void take_option(struct parser *parser, struct cursor *cursor, struct step *step) {
    struct arena *arena = &parser->scratch;
    const struct word *word = cursor_take(cursor);
    const char *equals = strchr(word->text, '=');
    size_t size = equals == NULL ? strlen(word->text) : (size_t)(equals - word->text);
    const char *name = arena_copy(arena, word->text, size);
    struct option_setting setting = {.option = sockopt_named(name)};
    if (setting.option == NULL) {
        unknown_option(parser, word, name);
        return;
    }
    const char *value = equals == NULL ? NULL : equals + 1;
    const char *wrong = sockopt_parse(setting.option, value, &setting.value);
    if (wrong != NULL)
        parser_mistake_in(parser, word, value == NULL ? word->text : value, "%s: %s", name, wrong);
    step->options = arena_grow(arena, step->options, step->option_count, sizeof setting);
    step->options[step->option_count++] = setting;
}

static void take_options(struct parser *parser, struct cursor *cursor, struct step *step) {
    while (cursor_peek(cursor) != NULL)
        take_option(parser, cursor, step);
    step->options = arena_keep(&parser->scenario->arena, step->options,
                               step->option_count * sizeof step->options[0]);
}

/* An address to bind or connect to: its port must be a number. */
static void take_address(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "an ADDRESS");
    if (word == NULL || !parse_address(parser, word, &step->address))
        return;
    if (step->address.use == ADDRESS_WRITTEN && step->address.pattern.any_port)
        parser_mistake(parser, word, "'%s': the port cannot be '*' here; 0 lets the kernel choose",
                       word->text);
}

/* One pattern: an address, or `*` for any. */
static void take_pattern(struct parser *parser, struct cursor *cursor, struct address *address) {
    const struct word *word = cursor_take(cursor);
    if (word_is(word, "*"))
        *address = (struct address){.pattern = {.any_address = true, .any_port = true}};
    else
        parse_address(parser, word, address);
}

/* Whether the next word starts what may follow patterns, or nothing does. */
static bool patterns_end(const struct cursor *cursor) {
    const struct word *word = cursor_peek(cursor);
    return word == NULL || word_is(word, "within");
}

/* LOCAL [REMOTE] */
static void take_patterns(struct parser *parser, struct cursor *cursor, struct step *step) {
    step->remote = (struct address){.pattern = {.any_address = true, .any_port = true}};
    if (patterns_end(cursor)) {
        const struct word *word = cursor_peek(cursor);
        if (word == NULL)
            cursor_need(parser, cursor, "a LOCAL address");
        else if (!parser->line_is_wrong)
            parser_mistake(parser, word, "a LOCAL address is missing");
        return;
    }
    take_pattern(parser, cursor, &step->address);
    if (!patterns_end(cursor))
        take_pattern(parser, cursor, &step->remote);
}

static void take_state(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "a STATE");
    if (word == NULL)
        return;
    step->states = socket_states(word->text);
    if (step->states != 0)
        return;
    const char *near = socket_state_near(word->text);
    if (near != NULL)
        parser_mistake(parser, word, "unknown state '%s'; did you mean '%s'?", word->text, near);
    else
        parser_mistake(parser, word, "unknown state '%s'; states are written like TIME-WAIT",
                       word->text);
}

/* --- the environment --- */

static void parse_sysctl(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "the NAME of a sysctl");
    if (word == NULL)
        return;
    step->sysctl = parser_keep(parser, word);
    const char *wrong = sysctl_refusal(word->text);
    if (wrong != NULL)
        parser_mistake(parser, word, "sysctl '%s': %s", word->text, wrong);
    if (cursor_peek(cursor) == NULL)
        cursor_need(parser, cursor, "a VALUE");
    while ((word = cursor_take(cursor)) != NULL) {
        struct sysctl_word value = {.text = parser_keep(parser, word)};
        value.is_address = parse_port_reference(parser, word, &value.address);
        step->words = arena_grow(&parser->scenario->arena, step->words, step->word_count,
                                 sizeof step->words[0]);
        step->words[step->word_count++] = value;
    }
}

static void parse_await(struct parser *parser, struct cursor *cursor, struct step *step) {
    const uint64_t patience_ns = 5ULL * NS_PER_S;
    step->absent = cursor_skip(cursor, "no");
    step->duration_ns = patience_ns;
    take_state(parser, cursor, step);
    take_patterns(parser, cursor, step);
    if (cursor_skip(cursor, "within"))
        take_time(parser, cursor, &step->duration_ns);
}

static void parse_count(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_state(parser, cursor, step);
    take_patterns(parser, cursor, step);
}

static void take_device(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_take(cursor);
    step->device = "lo";
    if (word == NULL)
        return;
    size_t size = strlen(word->text);
    if (size == 0 || size >= NETDEV_NAME_SIZE || word->text[strcspn(word->text, "/: ")] != '\0' ||
        strcmp(word->text, ".") == 0 || strcmp(word->text, "..") == 0)
        parser_mistake(parser, word, "'%s' cannot name a network device", word->text);
    step->device = parser_keep(parser, word);
}

static void parse_address_step(struct parser *parser, struct cursor *cursor, struct step *step) {
    step->absent = cursor_skip(cursor, "no");
    const struct word *word = cursor_need(parser, cursor, "an ADDRESS");
    unsigned bits = 0;
    if (word == NULL)
        return;
    const char *wrong = endpoint_parse_network(word->text, &step->address.pattern.endpoint, &bits);
    if (wrong != NULL)
        parser_mistake(parser, word, "'%s': %s", word->text, wrong);
    step->number = bits;
    take_device(parser, cursor, step);
}

/* --- calls on sockets --- */

static void parse_socket(struct parser *parser, struct cursor *cursor, struct step *step) {
    int socket = take_new_socket(parser, cursor);
    step->socket = socket < 0 ? 0 : (unsigned)socket;
    step->family = AF_INET;
    if (cursor_skip(cursor, "tcp6"))
        step->family = AF_INET6;
    else
        cursor_skip(cursor, "tcp4");
    take_options(parser, cursor, step);
}

static void parse_setsockopt(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    if (cursor_peek(cursor) == NULL)
        cursor_need(parser, cursor, "an OPTION");
    take_options(parser, cursor, step);
}

static void parse_getsockopt(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    const struct word *word = cursor_need(parser, cursor, "an OPTION");
    if (word == NULL)
        return;
    step->options = arena_alloc(&parser->scenario->arena, sizeof step->options[0]);
    step->options[0].option = sockopt_named(word->text);
    if (step->options[0].option != NULL)
        step->option_count = 1;
    else
        unknown_option(parser, word, word->text);
}

static void parse_bind_connect(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    take_address(parser, cursor, step);
}

static void parse_listen(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    if (cursor_peek(cursor) != NULL)
        take_number(parser, cursor, "a BACKLOG", -1, INT32_MAX, step);
}

static void parse_accept(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    int made = take_new_socket(parser, cursor);
    step->made = made < 0 ? 0 : (unsigned)made;
}

static void parse_send(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    take_number(parser, cursor, "a number of BYTES", 0, SCENARIO_BYTES_MAX, step);
}

static void parse_recv(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    if (cursor_peek(cursor) != NULL)
        take_number(parser, cursor, "a number of BYTES", 1, SCENARIO_BYTES_MAX, step);
}

static void parse_shutdown(struct parser *parser, struct cursor *cursor, struct step *step) {
    static const char *const ways[] = {
        [SHUT_RD] = "read", [SHUT_WR] = "write", [SHUT_RDWR] = "both"};
    take_socket(parser, cursor, step);
    const struct word *word = cursor_need(parser, cursor, "read, write or both");
    if (word == NULL)
        return;
    for (int how = SHUT_RD; how <= SHUT_RDWR; how++)
        if (strcmp(ways[how], word->text) == 0) {
            step->how = how;
            return;
        }
    parser_mistake(parser, word, "'%s' is no way to shut a socket down: read, write or both",
                   word->text);
}

/* --- the process --- */

static void parse_fork(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "the name of the new role");
    if (word == NULL)
        return;
    step->new_role = parser_role(parser, word);
    if (step->new_role < 0)
        return;
    if (parser->flow.role[step->new_role] != ROLE_UNBORN)
        parser_mistake(parser, word, "role '%s' is there already; a fork needs a new name",
                       word->text);
}

static void parse_pass(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_socket(parser, cursor, step);
    const struct word *word = cursor_need(parser, cursor, "the name of the role that gets it");
    if (word == NULL)
        return;
    step->new_role = parser_role(parser, word);
    if (step->new_role == step->role)
        parser_mistake(parser, word, "role '%s' has it already; pass it to another one",
                       word->text);
    else if (step->new_role >= 0)
        parser_check_role(parser, word, step->new_role, VERB_PASS);
}

static void parse_uid(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_number(parser, cursor, "a user id", 0, UINT32_MAX - 1, step);
}

/* --- blocks --- */

static void parse_repeat(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_peek(cursor);
    if (word != NULL && !word_is(word, "timed"))
        take_number(parser, cursor, "a number of rounds", 1, SCENARIO_ROUNDS_MAX, step);
    step->timed = cursor_skip(cursor, "timed");
}

static void parse_stop(struct parser *parser, struct cursor *cursor, struct step *step) {
    (void)cursor;
    if (parser->flow.role[step->role] != ROLE_SERVES && !parser->line_is_wrong)
        parser_mistake(parser, &parser->line.words[1],
                       "role '%s' does not serve: there is nothing to stop",
                       parser->scenario->roles[step->role]);
}

static void parse_nothing(struct parser *parser, struct cursor *cursor, struct step *step) {
    (void)parser;
    (void)cursor;
    (void)step;
}

static void parse_sleep(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_time(parser, cursor, &step->duration_ns);
}

typedef void parse_arguments(struct parser *parser, struct cursor *cursor, struct step *step);

static parse_arguments *const parsers[VERBS] = {
    [VERB_NONE] = parse_nothing,
    [VERB_SYSCTL] = parse_sysctl,
    [VERB_AWAIT] = parse_await,
    [VERB_COUNT] = parse_count,
    [VERB_DESTROY] = take_patterns,
    [VERB_ADDRESS] = parse_address_step,
    [VERB_SLEEP] = parse_sleep,
    [VERB_SOCKET] = parse_socket,
    [VERB_SETSOCKOPT] = parse_setsockopt,
    [VERB_GETSOCKOPT] = parse_getsockopt,
    [VERB_BIND] = parse_bind_connect,
    [VERB_LISTEN] = parse_listen,
    [VERB_CONNECT] = parse_bind_connect,
    [VERB_ACCEPT] = parse_accept,
    [VERB_SEND] = parse_send,
    [VERB_RECV] = parse_recv,
    [VERB_SHUTDOWN] = parse_shutdown,
    [VERB_DISCONNECT] = take_socket,
    [VERB_CLOSE] = take_socket,
    [VERB_GETSOCKNAME] = take_socket,
    [VERB_GETPEERNAME] = take_socket,
    [VERB_FORK] = parse_fork,
    [VERB_PASS] = parse_pass,
    [VERB_UID] = parse_uid,
    [VERB_EXIT] = parse_nothing,
    [VERB_KILL] = parse_nothing,
    [VERB_REPEAT] = parse_repeat,
    [VERB_SERVE] = parse_nothing,
    [VERB_STOP] = parse_stop,
    [VERB_END] = parse_nothing,
};

/* --- effects --- */

static void end_role(struct flow *flow, int role) {
    flow->role[role] = ROLE_ENDED;
    for (size_t i = 0; i < SCENARIO_SOCKETS_MAX; i++)
        if (flow->socket[role][i] == SOCKET_OPEN)
            flow->socket[role][i] = SOCKET_CLOSED;
}

static void inherit(struct flow *flow, int role, int new_role) {
    flow->role[new_role] = ROLE_RUNS;
    memcpy(flow->socket[new_role], flow->socket[role], sizeof flow->socket[role]);
    memcpy(flow->has_peer[new_role], flow->has_peer[role], sizeof flow->has_peer[role]);
}

static void take_effect(struct parser *parser, const struct step *step) {
    struct flow *flow = &parser->flow;
    bool may_succeed = parser->line_is_wrong || expectation_allows_success(&step->want);
    int role = step->role;
    if (!may_succeed)
        return;
    switch (step->verb) {
    case VERB_SOCKET:
        flow->socket[role][step->socket] = SOCKET_OPEN;
        flow->has_peer[role][step->socket] = false;
        break;
    case VERB_ACCEPT:
        flow->socket[role][step->made] = SOCKET_OPEN;
        flow->has_peer[role][step->made] = true;
        break;
    case VERB_CONNECT:
        flow->has_peer[role][step->socket] = true;
        break;
    case VERB_CLOSE:
        flow->socket[role][step->socket] = SOCKET_CLOSED;
        break;
    case VERB_FORK:
        if (step->new_role >= 0 && !parser->line_is_wrong)
            inherit(flow, role, step->new_role);
        break;
    case VERB_PASS:
        if (step->new_role >= 0 && !parser->line_is_wrong) {
            flow->socket[step->new_role][step->socket] = SOCKET_OPEN;
            flow->has_peer[step->new_role][step->socket] = flow->has_peer[role][step->socket];
        }
        break;
    case VERB_EXIT:
    case VERB_KILL:
        end_role(flow, role);
        break;
    case VERB_STOP:
        flow->role[role] = ROLE_RUNS;
        break;
    default:
        break;
    }
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
            parser_mistake(parser, &parser->line.words[0], "more than %d steps",
                           SCENARIO_STEPS_MAX);
        parser->too_many_steps = true;
        return NULL;
    }
    scenario->steps = arena_grow(&parser->scratch, scenario->steps, scenario->step_count,
                                 sizeof scenario->steps[0]);
    struct step *step = &scenario->steps[scenario->step_count++];
    *step = (struct step){
        .verb = verb, .role = role, .line = parser->line.number, .comment = comment_text(parser)};
    parser->section->count++;
    return step;
}

static void parse_step_want(struct parser *parser, size_t arrow, struct step *step) {
    const struct sockopt *option =
        step->verb == VERB_GETSOCKOPT && step->option_count > 0 ? step->options[0].option : NULL;
    bool opens_block = step->verb == VERB_REPEAT || step->verb == VERB_SERVE;
    bool given = arrow < parser->line.count;
    if (opens_block && given)
        parser_mistake(parser, &parser->line.words[arrow],
                       "what a block answers is expected behind its 'end'");
    else if (step->verb == VERB_COUNT && !given && !parser->line_is_wrong)
        parser_mistake(parser, NULL, "what is the count to be? '-> N', or '-> any' to record it");
    else
        parse_expectation(parser, arrow, step->verb, option, &step->want);
    if (opens_block)
        parse_block_open(parser, step);
}

void parse_step(struct parser *parser, enum verb verb, int role, size_t first) {
    size_t arrow = parse_find_arrow(parser);
    struct step *step = add_step(parser, verb, role);
    if (step == NULL)
        return;
    struct cursor cursor = {&parser->line, first, arrow < first ? first : arrow};
    size_t end = cursor.end > first ? parser->line.words[cursor.end - 1].end : 0;
    step->arguments = lex_slice(&parser->scenario->arena, &parser->line, first, end);
    parsers[verb](parser, &cursor, step);
    cursor_need_no_more(parser, &cursor, verb_row(verb)->usage);
    parse_step_want(parser, arrow, step);
    take_effect(parser, step);
}
