/* The steps that ask the tool itself: what would `portreuse why` and `portreuse budget` say here
 * and now? */
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "scenario/parser.h"

/* --- the address --- */

/* Returns whether the word is an address without a port: 127.0.0.2 or ::1. */
static bool is_without_port(const struct word *word, struct address *address) {
    struct endpoint endpoint;
    unsigned bits;
    if (word->text[0] == '[' || strchr(word->text, '/') != NULL ||
        endpoint_parse_network(word->text, &endpoint, &bits) != NULL)
        return false;
    *address = (struct address){.pattern = {.endpoint = endpoint}};
    return true;
}

/* `from ADDRESS`: a port of `*` or none is chosen by the kernel. */
static void take_source(struct parser *parser, struct cursor *cursor,
                        struct step_question *question) {
    const struct word *word = cursor_need(parser, cursor, "an ADDRESS");
    if (word == NULL)
        return;
    question->has_from = true;
    if (!is_without_port(word, &question->from))
        parse_address(parser, word, &question->from);
}

/* --- what is known of the program --- */

/* The options that change what the kernel answers to bind() and connect(). */
static const struct {
    const char *name;
    bool of_client; /* it is about connect() */
} options[] = {
    {"SO_REUSEADDR", false},    {"SO_REUSEPORT", false},           {"IPV6_V6ONLY", false},
    {"SO_BINDTODEVICE", false}, {"IP_BIND_ADDRESS_NO_PORT", true}, {"IP_LOCAL_PORT_RANGE", true}};

enum { OPTIONS = sizeof options / sizeof options[0] };

/* Returns the index of the option in the list, or OPTIONS. */
static int find_option(const struct sockopt *option) {
    int i = 0;
    while (i < OPTIONS && strcmp(options[i].name, option->name) != 0)
        i++;
    return i;
}

/* OPTION[=VALUE], or after `no` OPTION alone, which means the value 0. */
static void take_option(struct parser *parser, const struct word *word, bool no,
                        struct step_options *list, const struct word **of_client) {
    struct option_setting setting = {0};
    if (no && strchr(word->text, '=') != NULL)
        parser_error(parser, word, "'no' takes only the name of an option");
    else if (no)
        setting.option = parse_option_name(parser, word, strlen(word->text));
    else if (!parse_option(parser, word, &setting))
        return;
    if (setting.option == NULL)
        return;
    int known = find_option(setting.option);
    if (known == OPTIONS) {
        parser_error(parser, word,
                     "'%s' makes no difference here; 'why' takes SO_REUSEADDR, SO_REUSEPORT, "
                     "IPV6_V6ONLY, SO_BINDTODEVICE, IP_BIND_ADDRESS_NO_PORT and "
                     "IP_LOCAL_PORT_RANGE",
                     setting.option->name);
        return;
    }
    if (options[known].of_client)
        *of_client = word;
    if (no && setting.option->kind != SOCKOPT_NUMBER) {
        parser_error(parser, word, "'no' goes with an option that is 0 or 1, not with '%s'",
                     setting.option->name);
        return;
    }
    setting.value.kind = setting.option->kind;
    list->list =
        arena_grow(&parser->scenario->arena, list->list, list->count, sizeof list->list[0]);
    list->list[list->count++] = setting;
}

/* `as ROLE`: a role whose process lives. */
static void take_asker(struct parser *parser, struct cursor *cursor,
                       struct step_question *question) {
    const struct word *word = cursor_need(parser, cursor, "the name of a role");
    if (word == NULL)
        return;
    int role = parser_role(parser, word);
    if (role < 0)
        return;
    enum role_state state = parser->flow.role[role];
    if (state == ROLE_UNBORN)
        parser_error(parser, word, "role '%s' does not exist yet", word->text);
    else if (state == ROLE_ENDED || state == ROLE_PROGRAM_ENDED)
        parser_error(parser, word, "role '%s' has ended", word->text);
    question->as = role;
}

/* Reports a word that is neither of the words of the step nor the name of an option. */
static void unknown_word(struct parser *parser, const struct word *word) {
    static const char *const words[] = {"client", "server", "from", "udp", "as", "no"};
    const char *usage = verb_row(VERB_WHY)->usage;
    struct suggestion nearest = suggest_begin(word->text);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        suggest_offer(&nearest, words[i]);
    for (int i = 0; i < OPTIONS; i++)
        suggest_offer(&nearest, options[i].name);
    if (nearest.word != NULL && !word->quoted)
        parser_error(parser, word, "unexpected '%s'; did you mean '%s'?", word->text, nearest.word);
    else
        parser_error(parser, word, "unexpected '%s'; usage: %s", word->text, usage);
}

/* --- why --- */

/* The words that have been read, for contradictions. */
struct said {
    const struct word *role; /* client or server */
    const struct word *from, *udp, *as;
    const struct word *option; /* of a client */
    const struct word *any_option;
};

/* Notes a word that may stand only once. Returns false if it has stood before. */
static bool note(struct parser *parser, const struct word **said, const struct word *word) {
    bool twice = *said != NULL;
    if (twice && strcmp((*said)->text, word->text) == 0)
        parser_error(parser, word, "'%s' is given twice", word->text);
    else if (twice)
        parser_error(parser, word, "'%s' contradicts '%s'", word->text, (*said)->text);
    *said = word;
    return !twice;
}

static void take_word(struct parser *parser, struct cursor *cursor, struct step_question *question,
                      struct said *said) {
    const struct word *word = cursor_take(cursor);
    bool is_option =
        word_is(word, "no") || (word->text[0] >= 'A' && word->text[0] <= 'Z' && !word->quoted);
    if (is_option)
        said->any_option = word;
    if (word_is(word, "client") || word_is(word, "server")) {
        note(parser, &said->role, word);
        question->client = word_is(word, "client");
    } else if (word_is(word, "udp")) {
        note(parser, &said->udp, word);
        question->udp = true;
    } else if (word_is(word, "from")) {
        if (note(parser, &said->from, word))
            take_source(parser, cursor, question);
    } else if (word_is(word, "as")) {
        if (note(parser, &said->as, word))
            take_asker(parser, cursor, question);
    } else if (word_is(word, "no")) {
        word = cursor_need(parser, cursor, "an OPTION");
        if (word != NULL)
            take_option(parser, word, true, &question->options, &said->option);
    } else if (is_option) {
        take_option(parser, word, false, &question->options, &said->option);
    } else {
        unknown_word(parser, word);
    }
}

/* The name of a Unix socket is all that a question about one says. */
static bool is_unix(const struct parser *parser, const struct address *address) {
    enum socket_kind kind =
        (enum socket_kind)parser->flow.socket[address->role][address->socket].kind;
    return address->use == ADDRESS_WRITTEN ? address->name != NULL
                                           : socket_kind_row(kind)->family == AF_UNIX;
}

static void check_unix(struct parser *parser, const struct step_question *question,
                       const struct said *said) {
    const struct word *const too_much[] = {said->from, said->udp, said->as, said->any_option};
    for (size_t i = 0; i < sizeof too_much / sizeof too_much[0]; i++)
        if (too_much[i] != NULL && is_unix(parser, &question->address))
            parser_error(parser, too_much[i],
                         "'%s' says nothing about a Unix socket; only 'client' or 'server' does",
                         too_much[i]->text);
}

/* Only a client connects; who names what only a client has, without saying either, means one. */
static void check_whole(struct parser *parser, struct step_question *question,
                        const struct said *said) {
    const struct word *of_client = said->from != NULL ? said->from : said->option;
    if (parser->line_is_wrong)
        return;
    if (of_client != NULL && said->role == NULL)
        question->client = true;
    if (of_client != NULL && !question->client)
        parser_error(parser, of_client, "a server binds only ADDRESS: '%s' is about a client",
                     of_client->text);
}

static void parse_why(struct parser *parser, struct cursor *cursor, struct step *step) {
    struct step_question *question = &step->question;
    struct said said = {0};
    question->as = NO_ROLE;
    parse_numbered(parser, cursor, &question->address);
    while (cursor_peek(cursor) != NULL && !parser->line_is_wrong)
        take_word(parser, cursor, question, &said);
    check_whole(parser, question, &said);
    if (!parser->line_is_wrong)
        check_unix(parser, question, &said);
    if (question->as != NO_ROLE && step->host != NO_HOST &&
        parser->flow.host_of[question->as] != step->host)
        parser_error(parser, said.as,
                     "role '%s' is on another host, and is asked there: on HOST why",
                     parser->scenario->roles[question->as]);
}

const struct verb_row verb_why = {
    .name = "why",
    .usage = "why ADDRESS [client|server] [from ADDRESS] [udp] [as ROLE] [OPTION...] -> CAUSE",
    .arguments = ARGUMENTS_QUESTION,
    .on_host = true,
    .answer = GIVES_CAUSE,
    .needs_result = true,
    .parse = parse_why,
};

/* --- budget --- */

static void parse_budget(struct parser *parser, struct cursor *cursor, struct step *step) {
    struct step_question *question = &step->question;
    question->client = true;
    question->as = NO_ROLE;
    const struct word *word = cursor_peek(cursor);
    parse_numbered(parser, cursor, &question->address);
    if (!parser->line_is_wrong && is_unix(parser, &question->address))
        parser_error(parser, word, "'%s' is a Unix socket: connections to it need no port",
                     word->text);
    if (cursor_skip(cursor, "from"))
        take_source(parser, cursor, question);
}

/* --- ephemeral --- */

static void parse_ephemeral(struct parser *parser, struct cursor *cursor, struct step *step) {
    struct step_question *question = &step->question;
    question->as = NO_ROLE;
    const struct word *word = cursor_peek(cursor);
    parse_numbered(parser, cursor, &question->address);
    if (!parser->line_is_wrong && is_unix(parser, &question->address))
        parser_error(parser, word, "'%s' is a Unix socket: it has no port", word->text);
}

const struct verb_row verb_ephemeral = {
    .name = "ephemeral",
    .usage = "ephemeral ADDRESS -> N",
    .arguments = ARGUMENTS_QUESTION,
    .on_host = true,
    .answer = GIVES_NUMBER,
    .needs_result = true,
    .parse = parse_ephemeral,
};

const struct verb_row verb_budget = {
    .name = "budget",
    .usage = "budget ADDRESS [from ADDRESS] -> N",
    .arguments = ARGUMENTS_QUESTION,
    .on_host = true,
    .answer = GIVES_NUMBER,
    .needs_result = true,
    .parse = parse_budget,
};
