/* ADDRESS:PORT, or a reference to a socket's endpoint:
 *
 *     $role.socket            $role.socket.peer
 *     HOST:$role.socket.port  HOST:$role.socket.peer.port
 */
#include <string.h>

#include "base/suggest.h"
#include "scenario/parser.h"

struct reference {
    const char *text; /* behind the `$` */
    unsigned role, socket;
    bool peer, port;
};

/* What follows `name` and a dot in `text`: "" behind its end, or NULL if `text` starts otherwise.
 */
static const char *behind(const char *text, const char *name) {
    while (*name != '\0')
        if (*text++ != *name++)
            return NULL;
    if (*text == '\0')
        return text;
    return *text == '.' ? text + 1 : NULL;
}

/* Reads `peer`, `port` or `peer.port` off the end. */
static bool parse_suffix(const char *text, struct reference *reference) {
    const char *rest = behind(text, "peer");
    reference->peer = rest != NULL;
    text = reference->peer ? rest : text;
    reference->port = strcmp(text, "port") == 0;
    return reference->port || *text == '\0';
}

/* Roles and sockets are matched by the names they have, for a quoted name may hold dots. */
static bool find_socket(const struct scenario *scenario, struct reference *reference,
                        const char **role_rest) {
    *role_rest = NULL;
    for (size_t role = 0; role < scenario->role_count; role++) {
        const char *rest = behind(reference->text, scenario->roles[role]);
        if (rest == NULL)
            continue;
        *role_rest = rest;
        reference->role = (unsigned)role;
        for (size_t socket = 0; socket < scenario->socket_count; socket++) {
            const char *end = behind(rest, scenario->sockets[socket]);
            reference->socket = (unsigned)socket;
            if (end != NULL && parse_suffix(end, reference))
                return true;
        }
    }
    return false;
}

static const char *near_role(const struct scenario *scenario, const char *name) {
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; i < scenario->role_count; i++)
        suggest_offer(&nearest, scenario->roles[i]);
    return nearest.word;
}

static void unknown_socket(struct parser *parser, const struct word *word,
                           const struct reference *reference, const char *rest) {
    const struct scenario *scenario = parser->scenario;
    const char *role = scenario->roles[reference->role];
    const char *name = arena_copy(&parser->scratch, rest, strcspn(rest, "."));
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; i < scenario->socket_count; i++)
        if (parser->flow.socket[reference->role][i] != SOCKET_NEVER)
            suggest_offer(&nearest, scenario->sockets[i]);
    if (*rest == '\0')
        parser_mistake_in(parser, word, rest, "the socket is missing: $%s.SOCKET", role);
    else if (nearest.word != NULL && strcmp(nearest.word, name) == 0)
        parser_mistake_in(parser, word, rest + strlen(name) + 1,
                          "behind a socket stands .peer, .port or .peer.port");
    else if (nearest.word != NULL)
        parser_mistake_in(parser, word, rest, "role '%s' has no socket '%s'; did you mean '%s'?",
                          role, name, nearest.word);
    else
        parser_mistake_in(parser, word, rest, "role '%s' has no socket '%s'", role, name);
}

static void unknown_reference(struct parser *parser, const struct word *word,
                              const struct reference *reference, const char *role_rest) {
    struct arena *arena = &parser->scratch;
    const char *text = reference->text;
    if (role_rest != NULL) {
        unknown_socket(parser, word, reference, role_rest);
        return;
    }
    if (strchr(text, '.') == NULL) {
        parser_mistake_in(parser, word, text, "a socket is named $ROLE.SOCKET");
        return;
    }
    const char *name = arena_copy(arena, text, strcspn(text, "."));
    const char *near = near_role(parser->scenario, name);
    if (near != NULL)
        parser_mistake_in(parser, word, text, "unknown role '%s'; did you mean '%s'?", name, near);
    else
        parser_mistake_in(parser, word, text, "unknown role '%s'", name);
}

/* Parses the reference whose `$` is at `text`, a place in the word. */
static bool parse_reference(struct parser *parser, const struct word *word, const char *text,
                            struct reference *reference) {
    const char *role_rest;
    *reference = (struct reference){.text = text + 1};
    if (!find_socket(parser->scenario, reference, &role_rest)) {
        unknown_reference(parser, word, reference, role_rest);
        return false;
    }
    const char *role = parser->scenario->roles[reference->role];
    const char *socket = parser->scenario->sockets[reference->socket];
    if (parser->flow.socket[reference->role][reference->socket] == SOCKET_NEVER) {
        parser_mistake_in(parser, word, text, "socket '%s' of role '%s' is used before it is made",
                          socket, role);
        return false;
    }
    if (reference->peer && !parser->flow.has_peer[reference->role][reference->socket]) {
        parser_mistake_in(parser, word, text,
                          "socket '%s' of role '%s' has no peer: it was neither connected nor "
                          "accepted",
                          socket, role);
        return false;
    }
    return true;
}

static void refer(struct address *address, const struct reference *reference) {
    address->use = reference->port ? ADDRESS_AND_ITS_PORT : ADDRESS_OF_SOCKET;
    address->role = reference->role;
    address->socket = reference->socket;
    address->peer = reference->peer;
}

static bool parse_written(struct parser *parser, const struct word *word, const char *text,
                          struct address *address) {
    const char *at;
    const char *wrong = endpoint_parse(text, &address->pattern, &at);
    if (wrong == NULL)
        return true;
    /* `text` may be a copy of the word's front. */
    parser_mistake_in(parser, word, word->text + (at - text), "'%s': %s", word->text, wrong);
    return false;
}

/* HOST:$role.socket.port, where `colon` is the last but the reference's. */
static bool parse_with_port_of(struct parser *parser, const struct word *word, const char *colon,
                               struct address *address) {
    struct reference reference;
    size_t host = (size_t)(colon - word->text);
    const char *written = arena_format(&parser->scratch, "%.*s:0", (int)host, word->text);
    if (!parse_reference(parser, word, colon + 1, &reference) ||
        !parse_written(parser, word, written, address))
        return false;
    if (!reference.port) {
        parser_mistake_in(parser, word, colon + 1, "a port is needed here: '%s.port'", colon + 1);
        return false;
    }
    refer(address, &reference);
    return true;
}

bool parse_address(struct parser *parser, const struct word *word, struct address *address) {
    struct reference reference;
    *address = (struct address){0};
    const char *colon = strstr(word->text, ":$");
    if (colon != NULL && word->text[0] != '$')
        return parse_with_port_of(parser, word, colon, address);
    if (word->text[0] != '$')
        return parse_written(parser, word, word->text, address);
    if (!parse_reference(parser, word, word->text, &reference))
        return false;
    if (reference.port) {
        parser_mistake(parser, word, "'%s' is a port alone; an address is written 127.0.0.1:%s",
                       word->text, word->text);
        return false;
    }
    refer(address, &reference);
    return true;
}

bool parse_port_reference(struct parser *parser, const struct word *word, struct address *address) {
    struct reference reference;
    *address = (struct address){0};
    if (word->quoted || word->text[0] != '$')
        return false;
    if (!parse_reference(parser, word, word->text, &reference))
        return false;
    if (!reference.port)
        parser_mistake(parser, word, "only a port can stand here: '%s.port'", word->text);
    refer(address, &reference);
    return true;
}
