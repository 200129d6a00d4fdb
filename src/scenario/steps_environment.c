/* The steps of the environment: for each verb, how its arguments are written and its row. */
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "base/units.h"
#include "kernel/netdev.h"
#include "kernel/sysctl.h"
#include "model/socket.h"
#include "scenario/parser.h"

/* --- sysctl --- */

static void parse_sysctl(struct parser *parser, struct cursor *cursor, struct step *step) {
    struct step_sysctl *sysctl = &step->sysctl;
    const struct word *word = cursor_need(parser, cursor, "the NAME of a sysctl");
    if (word == NULL)
        return;
    sysctl->name = parser_keep(parser, word);
    const char *wrong = sysctl_refusal(word->text);
    if (wrong != NULL)
        parser_error(parser, word, "sysctl '%s': %s", word->text, wrong);
    if (cursor_peek(cursor) == NULL)
        cursor_need(parser, cursor, "a VALUE");
    sysctl->outside = cursor_skip(cursor, "$here");
    if (sysctl->outside)
        return;
    while ((word = cursor_take(cursor)) != NULL) {
        struct sysctl_value value = {.text = parser_keep(parser, word)};
        if (word_is(word, "$here")) {
            parser_error(parser, word,
                         "'$here' is a whole value: no other VALUE can stand beside it");
            continue;
        }
        value.is_address = parse_port_reference(parser, word, &value.address);
        sysctl->values = arena_grow(&parser->scenario->arena, sysctl->values, sysctl->value_count,
                                    sizeof sysctl->values[0]);
        sysctl->values[sysctl->value_count++] = value;
    }
}

const struct verb_row verb_sysctl = {
    .name = "sysctl",
    .usage = "sysctl NAME VALUE...|$here",
    .arguments = ARGUMENTS_SYSCTL,
    .on_host = true,
    .parse = parse_sysctl,
};

/* --- await, count, destroy: [PROTOCOL] STATE LOCAL [REMOTE] --- */

static const char *const protocols[PROTOCOL_COUNT] = {[PROTOCOL_TCP] = "tcp",
                                                      [PROTOCOL_UDP] = "udp",
                                                      [PROTOCOL_MPTCP] = "mptcp",
                                                      [PROTOCOL_UNIX] = "unix"};

static void take_protocol(struct cursor *cursor, struct step_query *query) {
    query->protocol = PROTOCOL_TCP;
    for (enum protocol protocol = 0; protocol < PROTOCOL_COUNT; protocol++)
        if (cursor_skip(cursor, protocols[protocol])) {
            query->protocol = protocol;
            return;
        }
}

/* A protocol of which there is a state of this name; PROTOCOL_COUNT if there is none. */
static enum protocol protocol_with(const char *state) {
    enum protocol protocol = 0;
    while (protocol < PROTOCOL_COUNT && socket_states(protocol, state) == 0)
        protocol++;
    return protocol;
}

/* A word before the STATE that is none: taken as a protocol, or what is meant for one. Returns
 * whether it was. */
static bool is_wrong_protocol(struct parser *parser, struct cursor *cursor,
                              const struct step_query *query) {
    const struct word *word = cursor_peek(cursor);
    bool state_follows = word != NULL && cursor->next + 1 < cursor->end &&
                         protocol_with(word->text) == PROTOCOL_COUNT &&
                         protocol_with(word[1].text) < PROTOCOL_COUNT;
    if (!state_follows)
        return false;
    struct suggestion nearest = suggest_begin(word->text);
    for (enum protocol protocol = 0; protocol < PROTOCOL_COUNT; protocol++)
        suggest_offer(&nearest, protocols[protocol]);
    if (nearest.word != NULL)
        parser_error(parser, word, "unknown protocol '%s'; did you mean '%s'?", word->text,
                     nearest.word);
    else
        parser_error(parser, word,
                     query->least == 0 ? "unexpected '%s' before the STATE"
                                       : "'%s' is neither a number, nor tcp, udp, mptcp or unix",
                     word->text);
    cursor_take(cursor);
    return true;
}

static void unknown_state(struct parser *parser, const struct word *word,
                          const struct step_query *query) {
    const char *near = socket_state_near(query->protocol, word->text);
    enum protocol other = protocol_with(word->text);
    if (other < PROTOCOL_COUNT)
        parser_error(parser, word, "no %s socket is in the state %s; did you mean '%s %s'?",
                     socket_protocol_name(query->protocol), word->text, protocols[other],
                     word->text);
    else if (near != NULL)
        parser_error(parser, word, "unknown state '%s'; did you mean '%s'?", word->text, near);
    else if (query->protocol == PROTOCOL_TCP || query->protocol == PROTOCOL_MPTCP)
        parser_error(parser, word, "unknown state '%s'; states are written like TIME-WAIT",
                     word->text);
    else
        parser_error(parser, word, "unknown state '%s'; the states of %s are UNCONN, %sESTABLISHED",
                     word->text, socket_protocol_name(query->protocol),
                     query->protocol == PROTOCOL_UNIX ? "LISTEN, " : "");
}

static void take_state(struct parser *parser, struct cursor *cursor, struct step_query *query) {
    bool wrong = is_wrong_protocol(parser, cursor, query);
    const struct word *word = cursor_need(parser, cursor, "a STATE");
    if (word == NULL || wrong)
        return;
    query->states = socket_states(query->protocol, word->text);
    if (query->states == 0)
        unknown_state(parser, word, query);
}

/* A Unix socket has a name, the others have an address and a port. */
static void take_pattern(struct parser *parser, const struct word *word,
                         const struct step_query *query, struct address *pattern) {
    const struct address any = {.pattern = {.any_address = true, .any_port = true}};
    *pattern = any;
    bool unix_name = query->protocol == PROTOCOL_UNIX && strchr(word->text, ':') == NULL &&
                     strchr("$*", word->text[0]) == NULL;
    if (unix_name)
        parser_error(parser, word, "'%s': the address of a Unix socket is unix:NAME, or '*'",
                     word->text);
    if (unix_name || word_is(word, "*") || !parse_address(parser, word, pattern))
        return;
    bool named = pattern->name != NULL;
    if (pattern->use != ADDRESS_WRITTEN)
        named = socket_kind_row(
                    (enum socket_kind)parser->flow.socket[pattern->role][pattern->socket].kind)
                    ->family == AF_UNIX;
    if (named && query->protocol != PROTOCOL_UNIX)
        parser_error(parser, word,
                     "'%s' is the address of a Unix socket: write 'unix' before the STATE",
                     word->text);
    else if (!named && query->protocol == PROTOCOL_UNIX)
        parser_error(parser, word, "'%s': the address of a Unix socket is unix:NAME, or '*'",
                     word->text);
}

/* LOCAL [REMOTE]: each is an address, or `*` for any. Only `within` may follow. */
static void take_patterns(struct parser *parser, struct cursor *cursor, struct step_query *query) {
    const struct address any = {.pattern = {.any_address = true, .any_port = true}};
    struct address *const patterns[] = {&query->local, &query->remote};
    const struct word *word = cursor_peek(cursor);
    query->remote = any;
    if (word == NULL)
        cursor_need(parser, cursor, "a LOCAL address");
    else if (word_is(word, "within") && !parser->line_is_wrong)
        parser_error(parser, word, "a LOCAL address is missing");
    for (int i = 0; i < 2; i++) {
        word = cursor_peek(cursor);
        if (word == NULL || word_is(word, "within"))
            return;
        cursor_take(cursor);
        take_pattern(parser, word, query, patterns[i]);
    }
}

static bool is_number(const char *text) {
    text += *text == '-' || *text == '+';
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* A number of sockets before the STATE. */
static void take_least(struct parser *parser, struct cursor *cursor, struct step_query *query) {
    const struct word *word = cursor_peek(cursor);
    query->least = 1;
    if (word == NULL || word->quoted || !is_number(word->text))
        return;
    if (query->absent)
        parser_error(parser, cursor_take(cursor),
                     "'no' and a number of sockets contradict each other");
    else
        cursor_take_number(parser, cursor, "a number of sockets", 1, UINT32_MAX, &query->least);
}

static void parse_await(struct parser *parser, struct cursor *cursor, struct step *step) {
    const uint64_t default_ns = 5ULL * NS_PER_S;
    step->query.absent = cursor_skip(cursor, "no");
    take_least(parser, cursor, &step->query);
    take_protocol(cursor, &step->query);
    step->query.within_ns = default_ns;
    take_state(parser, cursor, &step->query);
    take_patterns(parser, cursor, &step->query);
    if (cursor_skip(cursor, "within"))
        cursor_take_time(parser, cursor, &step->query.within_ns);
}

static void parse_count(struct parser *parser, struct cursor *cursor, struct step *step) {
    take_protocol(cursor, &step->query);
    take_state(parser, cursor, &step->query);
    take_patterns(parser, cursor, &step->query);
}

static void parse_destroy(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_peek(cursor);
    take_protocol(cursor, &step->query);
    if (step->query.protocol == PROTOCOL_UNIX)
        parser_error(parser, word, "the kernel cannot destroy a Unix socket");
    step->query.states = STATES_ANY;
    take_patterns(parser, cursor, &step->query);
}

const struct verb_row verb_await = {
    .name = "await",
    .usage = "await [no|N] [PROTOCOL] STATE LOCAL [REMOTE] [within TIME]",
    .arguments = ARGUMENTS_QUERY,
    .on_host = true,
    .when_off = true,
    .parse = parse_await,
};

const struct verb_row verb_count = {
    .name = "count",
    .usage = "count [PROTOCOL] STATE LOCAL [REMOTE] -> N",
    .arguments = ARGUMENTS_QUERY,
    .on_host = true,
    .when_off = true,
    .answer = GIVES_NUMBER,
    .needs_result = true,
    .parse = parse_count,
};

const struct verb_row verb_destroy = {
    .name = "destroy",
    .usage = "destroy [PROTOCOL] LOCAL [REMOTE]",
    .arguments = ARGUMENTS_QUERY,
    .on_host = true,
    .answer = GIVES_NUMBER,
    .parse = parse_destroy,
};

/* --- address --- */

/* The usual device is `lo`; where there are hosts it is that of the wire, if the address is not one
 * of loopback. */
static void take_device(struct parser *parser, struct cursor *cursor, struct step_device *device) {
    const struct word *word = cursor_take(cursor);
    bool wire = parser->scenario->host_count > 0 && !endpoint_is_loopback(&device->address);
    device->name = wire ? SCENARIO_WIRE : "lo";
    if (word == NULL)
        return;
    size_t size = strlen(word->text);
    if (size == 0 || size >= NETDEV_NAME_SIZE || word->text[strcspn(word->text, "/: ")] != '\0' ||
        strcmp(word->text, ".") == 0 || strcmp(word->text, "..") == 0)
        parser_error(parser, word, "'%s' is not a valid name of a network device", word->text);
    device->name = parser_keep(parser, word);
}

static void parse_device(struct parser *parser, struct cursor *cursor, struct step *step) {
    step->device.absent = cursor_skip(cursor, "no");
    const struct word *word = cursor_need(parser, cursor, "an ADDRESS");
    if (word == NULL)
        return;
    const char *wrong =
        endpoint_parse_network(word->text, &step->device.address, &step->device.bits);
    if (wrong != NULL)
        parser_error(parser, word, "'%s': %s", word->text, wrong);
    if (wrong != NULL)
        cursor->next = cursor->end;
    else
        take_device(parser, cursor, &step->device);
}

const struct verb_row verb_address = {
    .name = "address",
    .usage = "address [no] ADDRESS[/BITS] [DEVICE]",
    .arguments = ARGUMENTS_DEVICE,
    .on_host = true,
    .parse = parse_device,
};

/* --- sleep --- */

static void parse_sleep(struct parser *parser, struct cursor *cursor, struct step *step) {
    cursor_take_time(parser, cursor, &step->duration_ns);
}

const struct verb_row verb_sleep = {
    .name = "sleep",
    .usage = "sleep TIME",
    .arguments = ARGUMENTS_TIME,
    .in_block = true,
    .parse = parse_sleep,
};
