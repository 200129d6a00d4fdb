/* The hosts: their line in the header, the steps that are about a whole host, and how a role gets
 * onto one. */
#include <string.h>

#include "base/text.h"
#include "scenario/parser.h"

/* --- names --- */

/* Returns the index of a host, or NO_HOST. */
static int find_host(const struct scenario *scenario, const char *name) {
    for (size_t i = 0; i < scenario->host_count; i++)
        if (strcmp(scenario->hosts[i].name, name) == 0)
            return (int)i;
    return NO_HOST;
}

/* The names of the hosts, for people. */
static const char *host_names(struct parser *parser) {
    const struct scenario *scenario = parser->scenario;
    const char *names = "";
    for (size_t i = 0; i < scenario->host_count; i++)
        names = arena_format(&parser->scratch, "%s%s%s", names, i > 0 ? ", " : "",
                             scenario->hosts[i].name);
    return names;
}

int parse_host_name(struct parser *parser, const struct word *word) {
    const struct scenario *scenario = parser->scenario;
    int host = find_host(scenario, word->text);
    if (host != NO_HOST)
        return host;
    struct suggestion nearest = suggest_begin(word->text);
    for (size_t i = 0; i < scenario->host_count; i++)
        suggest_offer(&nearest, scenario->hosts[i].name);
    if (nearest.word != NULL)
        parser_error(parser, word, "unknown host '%s'; did you mean '%s'?", word->text,
                     nearest.word);
    else if (scenario->host_count > 0)
        parser_error(parser, word, "unknown host '%s'; the hosts are %s", word->text,
                     host_names(parser));
    else
        parser_error(parser, word,
                     "unknown host '%s': the header has no line 'host NAME ADDRESS/BITS...'",
                     word->text);
    return NO_HOST;
}

int parse_host_on(struct parser *parser, const struct word *word) {
    int host = parse_host_name(parser, word);
    if (host != NO_HOST && parser->flow.host[host] == HOST_OFF)
        parser_error(parser, word, "host '%s' is off; 'join %s' switches it on again", word->text,
                     word->text);
    return host;
}

/* --- the header --- */

/* Returns why a host cannot have this address, static; NULL: it can. */
static const char *refusal(const struct endpoint *address) {
    if (endpoint_is_wildcard(address))
        return "the wildcard is not the address of a host";
    if (endpoint_is_loopback(address))
        return "every host has loopback addresses already";
    bool multicast =
        address->family == AF_INET6 ? address->address[0] == 0xff : address->address[0] >= 224;
    return multicast ? "this is not the address of one host" : NULL;
}

/* The name of the host that has this address already, or NULL. */
static const char *taken_by(const struct scenario *scenario, const struct endpoint *address) {
    for (size_t i = 0; i < scenario->host_count; i++)
        for (size_t k = 0; k < scenario->hosts[i].address_count; k++)
            if (endpoint_equal(&scenario->hosts[i].addresses[k].address, address))
                return scenario->hosts[i].name;
    return NULL;
}

static void take_host_address(struct parser *parser, const struct word *word,
                              struct scenario_host *host) {
    struct scenario *scenario = parser->scenario;
    struct host_address taken;
    const char *wrong = endpoint_parse_network(word->text, &taken.address, &taken.bits);
    if (wrong == NULL && strchr(word->text, '/') == NULL)
        wrong = "the length of its network is missing, as in 10.0.0.1/24";
    if (wrong == NULL)
        wrong = refusal(&taken.address);
    const char *other = wrong == NULL ? taken_by(scenario, &taken.address) : NULL;
    if (wrong != NULL)
        parser_error(parser, word, "'%s': %s", word->text, wrong);
    else if (other != NULL)
        parser_error(parser, word, "host '%s' has the address '%s' already", other, word->text);
    if (wrong != NULL || other != NULL)
        return;
    host->addresses = arena_grow(&scenario->arena, host->addresses, host->address_count,
                                 sizeof host->addresses[0]);
    host->addresses[host->address_count++] = taken;
}

/* Adds a host that the word names, even after an error: the lines below may use it. NULL if there
 * are too many. */
static struct scenario_host *add_host(struct parser *parser, const struct word *word) {
    struct scenario *scenario = parser->scenario;
    if (word_keyword(word) < KEYWORDS || word_verb(word) != VERB_NONE)
        parser_error(parser, word, "'%s' is a keyword and cannot name a host", word->text);
    else if (find_host(scenario, word->text) != NO_HOST)
        parser_error(parser, word,
                     "there is a host '%s' already; write all its addresses in one line",
                     word->text);
    else if (scenario->host_count == SCENARIO_HOSTS_MAX)
        parser_error(parser, word, "more than %d hosts", SCENARIO_HOSTS_MAX);
    if (scenario->host_count == SCENARIO_HOSTS_MAX)
        return NULL;
    scenario->hosts = arena_grow(&scenario->arena, scenario->hosts, scenario->host_count,
                                 sizeof scenario->hosts[0]);
    struct scenario_host *host = &scenario->hosts[scenario->host_count++];
    *host = (struct scenario_host){.name = parser_keep(parser, word)};
    return host;
}

void parse_host(struct parser *parser) {
    struct cursor cursor = {&parser->line, 1, parser->line.count};
    const struct word *word = cursor_need(parser, &cursor, "the NAME of the host");
    struct scenario_host *host = word == NULL ? NULL : add_host(parser, word);
    if (host == NULL)
        return;
    word = cursor_need(parser, &cursor, "an ADDRESS/BITS");
    for (; word != NULL; word = cursor_take(&cursor))
        take_host_address(parser, word, host);
}

/* --- where a role runs --- */

static void parse_on(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "the name of a host");
    step->other_host = word == NULL ? NO_HOST : parse_host_on(parser, word);
    step->host = step->other_host;
}

static void after_on(struct flow *flow, const struct step *step) {
    if (step->other_host != NO_HOST)
        flow->host_of[step->role] = (unsigned char)step->other_host;
}

const struct verb_row verb_on = {
    .name = "on",
    .usage = "ROLE on HOST",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_HOST,
    .is_first = true,
    .parse = parse_on,
    .effect = after_on,
};

/* --- cut, join, off --- */

static void parse_cut(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "the name of a host");
    step->other_host = word == NULL ? NO_HOST : parse_host_on(parser, word);
}

static void parse_join(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "the name of a host");
    step->other_host = word == NULL ? NO_HOST : parse_host_name(parser, word);
}

static void after_join(struct flow *flow, const struct step *step) {
    if (step->other_host != NO_HOST)
        flow->host[step->other_host] = HOST_ON;
}

/* The roles of the host are gone with it. */
static void after_off(struct flow *flow, const struct step *step) {
    if (step->other_host == NO_HOST)
        return;
    flow->host[step->other_host] = HOST_OFF;
    for (int role = 0; role < SCENARIO_ROLES_MAX; role++)
        if (flow->role[role] != ROLE_UNBORN && flow->host_of[role] == step->other_host)
            flow_end_role(flow, role);
}

const struct verb_row verb_cut = {
    .name = "cut",
    .usage = "cut HOST",
    .arguments = ARGUMENTS_HOST,
    .parse = parse_cut,
};

const struct verb_row verb_join = {
    .name = "join",
    .usage = "join HOST",
    .arguments = ARGUMENTS_HOST,
    .parse = parse_join,
    .effect = after_join,
};

const struct verb_row verb_off = {
    .name = "off",
    .usage = "off HOST",
    .arguments = ARGUMENTS_HOST,
    .parse = parse_cut,
    .effect = after_off,
};
