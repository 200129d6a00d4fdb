/* What every part of the parser needs: lines and words, errors, names, addresses. */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "scenario/parser.h"

/* --- lines ---
 *
 * Words are separated by blanks. A word that starts with a double quote ends at the next one; in
 * between, \" and \\ stand for a quote and a backslash. `#` outside quotes starts a comment.
 */

bool line_is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* Returns whether the byte at `at` is a backslash that escapes the next one. */
static bool is_escape(const struct line *line, size_t at) {
    return line->text[at] == '\\' && at + 1 < line->size &&
           (line->text[at + 1] == '"' || line->text[at + 1] == '\\');
}

/* Reads the word that the quote at `word->at` opens. Returns NULL, or what is wrong, static. */
static const char *read_quoted(struct arena *arena, const struct line *line, struct word *word) {
    size_t close = word->at + 1;
    while (close < line->size && line->text[close] != '"')
        close += is_escape(line, close) ? 2 : 1;
    if (close >= line->size)
        return "this quote is not closed";
    word->end = close + 1;
    if (word->end < line->size && !line_is_blank(line->text[word->end]) &&
        line->text[word->end] != '#')
        return "a blank is missing after the quoted word";
    char *text = arena_alloc(arena, close - word->at), *to = text;
    for (size_t from = word->at + 1; from < close; from++) {
        from += is_escape(line, from);
        *to++ = line->text[from];
    }
    word->text = text;
    return NULL;
}

const char *line_split(struct arena *arena, const char *text, size_t size, unsigned number,
                       struct line *line, size_t *at) {
    *line = (struct line){.text = text, .size = size, .number = number, .comment = size};
    line->indented = size > 0 && line_is_blank(text[0]);
    for (size_t next = 0; next < size;) {
        *at = next;
        if (line_is_blank(text[next])) {
            next++;
            continue;
        }
        if (text[next] == '#') {
            line->comment = next + 1;
            break;
        }
        struct word word = {.at = next, .end = next, .quoted = text[next] == '"'};
        if (word.quoted) {
            const char *wrong = read_quoted(arena, line, &word);
            if (wrong != NULL)
                return wrong;
        } else {
            while (word.end < size && !line_is_blank(text[word.end]) && text[word.end] != '#')
                word.end++;
            word.text = arena_copy(arena, text + next, word.end - next);
        }
        line->words = arena_grow(arena, line->words, line->count, sizeof word);
        line->words[line->count++] = word;
        next = line->content = word.end;
    }
    return NULL;
}

const char *line_slice(struct arena *arena, const struct line *line, size_t first, size_t end) {
    if (first >= line->count || line->words[first].at >= end)
        return "";
    size_t start = line->words[first].at;
    char *slice = arena_alloc(arena, end - start + 1), *to = slice;
    for (size_t i = first; i < line->count && line->words[i].at < end; i++) {
        const struct word *word = &line->words[i];
        if (i > first)
            *to++ = ' ';
        memcpy(to, line->text + word->at, word->end - word->at);
        to += word->end - word->at;
    }
    return slice;
}

/* --- errors --- */

__attribute__((format(printf, 4, 0))) static void add_error(struct parser *parser,
                                                            const struct line *line, size_t offset,
                                                            const char *format, va_list values) {
    char *message = arena_vformat(&parser->errors->arena, format, values);
    size_t column = offset < line->size ? offset : line->size;
    errors_add(parser->errors, parser->file, line->number, line->text, line->size, column, message);
}

void parser_error(struct parser *parser, const struct word *word, const char *format, ...) {
    va_list values;
    va_start(values, format);
    add_error(parser, &parser->line, word == NULL ? parser->line.content : word->at, format,
              values);
    va_end(values);
    parser->line_is_wrong = true;
}

void parser_error_in(struct parser *parser, const struct word *word, const char *text,
                     const char *format, ...) {
    va_list values;
    va_start(values, format);
    /* Quotes and escapes shift the text of a quoted word: its start is near enough. */
    size_t inside = word->quoted ? 0 : (size_t)(text - word->text);
    add_error(parser, &parser->line, word->at + inside, format, values);
    va_end(values);
    parser->line_is_wrong = true;
}

void parser_error_at(struct parser *parser, const struct line *line, const char *format, ...) {
    va_list values;
    va_start(values, format);
    add_error(parser, line, line->count > 0 ? line->words[0].at : 0, format, values);
    va_end(values);
}

const char *parser_keep(struct parser *parser, const struct word *word) {
    return arena_copy(&parser->scenario->arena, word->text, strlen(word->text));
}

/* --- cursor --- */

const struct word *cursor_peek(const struct cursor *cursor) {
    return cursor->next < cursor->end ? &cursor->line->words[cursor->next] : NULL;
}

const struct word *cursor_take(struct cursor *cursor) {
    const struct word *word = cursor_peek(cursor);
    cursor->next += word != NULL;
    return word;
}

bool word_is(const struct word *word, const char *text) {
    return word != NULL && !word->quoted && strcmp(word->text, text) == 0;
}

bool cursor_skip(struct cursor *cursor, const char *word) {
    bool there = word_is(cursor_peek(cursor), word);
    cursor->next += there;
    return there;
}

const struct word *cursor_need(struct parser *parser, struct cursor *cursor, const char *what) {
    const struct word *word = cursor_take(cursor);
    if (word == NULL && !parser->line_is_wrong) {
        bool arrow = cursor->end < cursor->line->count;
        parser_error(parser, arrow ? &cursor->line->words[cursor->end] : NULL, "%s is missing",
                     what);
    }
    return word;
}

void cursor_need_no_more(struct parser *parser, const struct cursor *cursor, const char *usage) {
    const struct word *word = cursor_peek(cursor);
    if (word == NULL || parser->line_is_wrong)
        return;
    if (usage == NULL)
        parser_error(parser, word, "unexpected '%s'", word->text);
    else if (word_is(word, "within") && strstr(usage, "within") == NULL)
        parser_error(parser, word, "'within' comes after the result here: '-> RESULT within TIME'");
    else
        parser_error(parser, word, "unexpected '%s'; usage: %s", word->text, usage);
}

bool cursor_take_number(struct parser *parser, struct cursor *cursor, const char *what, int64_t low,
                        int64_t high, int64_t *number) {
    const struct word *word = cursor_need(parser, cursor, what);
    if (word == NULL)
        return false;
    bool valid = units_number(word->text, low, high, number);
    if (!valid)
        parser_error(parser, word, "'%s' is not %s from %lld to %lld", word->text, what,
                     (long long)low, (long long)high);
    return valid;
}

void cursor_take_time(struct parser *parser, struct cursor *cursor, uint64_t *ns) {
    const struct word *word = cursor_need(parser, cursor, "a TIME");
    parser_vary(parser, word, VARIES_TIME, 0);
    if (word != NULL && !units_duration(word->text, ns))
        parser_error(parser, word, "'%s' is not a time such as 200ms or 3s", word->text);
}

/* --- names --- */

enum keyword word_keyword(const struct word *word) {
    return word == NULL || word->quoted ? KEYWORDS : keyword_named(word->text);
}

enum verb word_verb(const struct word *word) {
    return word == NULL || word->quoted ? VERB_NONE : verb_named(word->text);
}

void parser_refuse_role(struct parser *parser, const struct word *word) {
    parser_error(parser, word, "'%s' is a keyword and cannot name a role", word->text);
}

/* The index of a name in a list, or -1. */
static int find_name(const char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}

/* The same, and adds the name if it is new; -1 if the list has `most` names already. */
static int intern(struct arena *arena, const char ***names, size_t *count, size_t most,
                  const char *name) {
    int index = find_name(*names, *count, name);
    if (index >= 0 || *count == most)
        return index;
    *names = arena_grow(arena, *names, *count, sizeof **names);
    (*names)[*count] = arena_copy(arena, name, strlen(name));
    return (int)(*count)++;
}

int parser_role(struct parser *parser, const struct word *word) {
    struct scenario *scenario = parser->scenario;
    if (word_keyword(word) < KEYWORDS || word_verb(word) != VERB_NONE) {
        parser_refuse_role(parser, word);
        return NO_ROLE;
    }
    int role = intern(&scenario->arena, &scenario->roles, &scenario->role_count, SCENARIO_ROLES_MAX,
                      word->text);
    if (role < 0)
        parser_error(parser, word, "more than %d roles", SCENARIO_ROLES_MAX);
    return role;
}

int parser_socket(struct parser *parser, const struct word *word) {
    struct scenario *scenario = parser->scenario;
    int socket = intern(&scenario->arena, &scenario->sockets, &scenario->socket_count,
                        SCENARIO_SOCKETS_MAX, word->text);
    if (socket < 0 && !parser->line_is_wrong)
        parser_error(parser, word, "more than %d names of sockets", SCENARIO_SOCKETS_MAX);
    return socket;
}

bool parser_knows_role(const struct parser *parser, const struct word *word) {
    return find_name(parser->scenario->roles, parser->scenario->role_count, word->text) >= 0;
}

void flow_end_role(struct flow *flow, int role) {
    flow->role[role] = flow->role[role] == ROLE_PROGRAM || flow->role[role] == ROLE_PROGRAM_ENDED
                           ? ROLE_PROGRAM_ENDED
                           : ROLE_ENDED;
    for (size_t i = 0; i < SCENARIO_SOCKETS_MAX; i++)
        if (flow->socket[role][i].state == SOCKET_OPEN)
            flow->socket[role][i].state = SOCKET_CLOSED;
}

/* Returns whether the host of a role is off; `*host` is then its name. */
static bool host_is_off(const struct parser *parser, int role, const char **host) {
    unsigned index = parser->flow.host_of[role];
    if (index >= parser->scenario->host_count || parser->flow.host[index] != HOST_OFF)
        return false;
    *host = parser->scenario->hosts[index].name;
    return true;
}

void parser_check_role(struct parser *parser, const struct word *word, int role, enum verb verb) {
    unsigned char *state = &parser->flow.role[role];
    const struct verb_row *row = verb_row(verb);
    const char *host = "";
    bool off = !row->is_first && host_is_off(parser, role, &host);
    bool was_program = *state == ROLE_PROGRAM_ENDED;
    bool ended = *state == ROLE_ENDED || was_program;
    if (ended && row->when_ended && (was_program || !row->of_program))
        return;
    if (ended && off)
        parser_error(parser, word, "role '%s' has ended: its host '%s' is off", word->text, host);
    else if (ended)
        parser_error(parser, word, "role '%s' has ended; give the new process a new name",
                     word->text);
    else if (*state == ROLE_SERVES && !row->while_serving)
        parser_error(parser, word, "role '%s' is serving; '%s stop' must come first", word->text,
                     word->text);
    else if (*state == ROLE_PROGRAM && !row->of_program && !row->of_process)
        parser_error(
            parser, word,
            "role '%s' has become a program: only calls, listens, settles, accepts, signal, "
            "wait and kill are for it",
            word->text);
    else if (*state != ROLE_PROGRAM && row->of_program)
        parser_error(parser, word, "role '%s' is not a program: 'exec' must come first",
                     word->text);
    else if (*state != ROLE_UNBORN && row->is_first)
        parser_error(parser, word, "role '%s' is already running; '%s' must be its first step",
                     word->text, row->name);
    else if (*state == ROLE_UNBORN && off)
        parser_error(parser, word, "role '%s' would start on the first host, '%s', which is off",
                     word->text, host);
    if (*state == ROLE_UNBORN)
        *state = ROLE_RUNS;
}

void parser_vary(struct parser *parser, const struct word *word, enum variation_place place,
                 int index) {
    if (word == NULL || word->varies == NULL)
        return;
    const char *value = place == VARIES_OPTION ? strchr(word->varies, '=') : NULL;
    struct variation varies = {.place = place, .index = index};
    varies.text =
        parser_keep(parser, &(struct word){.text = value == NULL ? word->varies : value + 1});
    parser->variations =
        arena_grow(&parser->scratch, parser->variations, parser->variation_count, sizeof varies);
    parser->variations[parser->variation_count++] = varies;
}

/* --- addresses ---
 *
 * ADDRESS:PORT, or a reference to an endpoint of a socket:
 *
 *     $role.socket            $role.socket.peer
 *     HOST:$role.socket.port  HOST:$role.socket.peer.port
 *
 * or the name of a Unix socket: unix:NAME, unix:@NAME.
 */

/* Returns what follows `name` and a dot in `text`, "" if nothing does, or NULL if `text` does not
 * start so. */
static const char *after_name(const char *text, const char *name) {
    while (*name != '\0')
        if (*text++ != *name++)
            return NULL;
    if (*text == '\0')
        return text;
    return *text == '.' ? text + 1 : NULL;
}

/* Reads `peer`, `port` or `peer.port` off the end. */
static bool parse_suffix(const char *text, struct address *address) {
    const char *rest = after_name(text, "peer");
    address->peer = rest != NULL;
    text = address->peer ? rest : text;
    bool port = strcmp(text, "port") == 0;
    address->use = port ? ADDRESS_AND_ITS_PORT : ADDRESS_OF_SOCKET;
    return port || *text == '\0';
}

/* Finds the role and the socket by their whole names, because a quoted name may contain dots.
 * `*role_rest` is what follows the name of the role, or NULL if there is no such role. */
static bool find_socket(const struct scenario *scenario, const char *text, struct address *address,
                        const char **role_rest) {
    *role_rest = NULL;
    for (unsigned role = 0; role < scenario->role_count; role++) {
        const char *rest = after_name(text, scenario->roles[role]);
        if (rest == NULL)
            continue;
        *role_rest = rest;
        address->role = role;
        for (unsigned socket = 0; socket < scenario->socket_count; socket++) {
            const char *end = after_name(rest, scenario->sockets[socket]);
            address->socket = socket;
            if (end != NULL && parse_suffix(end, address))
                return true;
        }
    }
    return false;
}

static void unknown_socket(struct parser *parser, const struct word *word, unsigned role_index,
                           const char *rest) {
    const struct scenario *scenario = parser->scenario;
    const char *role = scenario->roles[role_index];
    const char *name = arena_copy(&parser->scratch, rest, strcspn(rest, "."));
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; i < scenario->socket_count; i++)
        if (parser->flow.socket[role_index][i].state != SOCKET_NEVER)
            suggest_offer(&nearest, scenario->sockets[i]);
    if (*rest == '\0')
        parser_error_in(parser, word, rest, "the socket is missing: $%s.SOCKET", role);
    else if (nearest.word != NULL && strcmp(nearest.word, name) == 0)
        parser_error_in(parser, word, rest + strlen(name) + 1,
                        "only .peer, .port or .peer.port can follow a socket");
    else if (nearest.word != NULL)
        parser_error_in(parser, word, rest, "role '%s' has no socket '%s'; did you mean '%s'?",
                        role, name, nearest.word);
    else
        parser_error_in(parser, word, rest, "role '%s' has no socket '%s'", role, name);
}

static void unknown_role(struct parser *parser, const struct word *word, const char *text) {
    const struct scenario *scenario = parser->scenario;
    const struct step_rounds *rounds = parser->in_block ? step_rounds(parse_block(parser)) : NULL;
    if (strchr(text, '.') == NULL) {
        if (rounds != NULL && rounds->counter != NULL)
            parser_error_in(parser, word, text,
                            "'$%s' is not the counter of this block, which is $%s; a socket is "
                            "$ROLE.SOCKET",
                            text, rounds->counter);
        else
            parser_error_in(parser, word, text,
                            "a reference to a socket is $ROLE.SOCKET; '$%s' alone is only the "
                            "counter of a block 'repeat N as %s'",
                            text, text);
        return;
    }
    const char *name = arena_copy(&parser->scratch, text, strcspn(text, "."));
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; i < scenario->role_count; i++)
        suggest_offer(&nearest, scenario->roles[i]);
    if (nearest.word != NULL)
        parser_error_in(parser, word, text, "unknown role '%s'; did you mean '%s'?", name,
                        nearest.word);
    else
        parser_error_in(parser, word, text, "unknown role '%s'", name);
}

/* Parses the reference whose `$` is at `text`, which points into the word. With `.port` at its end
 * it is an ADDRESS_AND_ITS_PORT, whose written part is for the caller to add. */
static bool parse_reference(struct parser *parser, const struct word *word, const char *text,
                            struct address *address) {
    const char *role_rest;
    if (!find_socket(parser->scenario, text + 1, address, &role_rest)) {
        if (role_rest == NULL)
            unknown_role(parser, word, text + 1);
        else
            unknown_socket(parser, word, address->role, role_rest);
        return false;
    }
    const char *role = parser->scenario->roles[address->role];
    const char *socket = parser->scenario->sockets[address->socket];
    if (parser->flow.socket[address->role][address->socket].state == SOCKET_NEVER) {
        parser_error_in(parser, word, text, "socket '%s' of role '%s' is used before it is created",
                        socket, role);
        return false;
    }
    if (address->peer && !parser->flow.socket[address->role][address->socket].has_peer) {
        parser_error_in(parser, word, text,
                        "socket '%s' of role '%s' has no peer: it was neither connected nor "
                        "accepted",
                        socket, role);
        return false;
    }
    enum socket_kind kind =
        (enum socket_kind)parser->flow.socket[address->role][address->socket].kind;
    if (address->use == ADDRESS_AND_ITS_PORT && socket_kind_row(kind)->family == AF_UNIX) {
        parser_error_in(parser, word, text,
                        "socket '%s' of role '%s' is a Unix socket: it has no port", socket, role);
        return false;
    }
    return true;
}

/* unix:NAME or unix:@NAME, where `name` is what follows the colon. */
static bool parse_unix_address(struct parser *parser, const struct word *word, const char *name,
                               struct address *address) {
    bool abstract = name[0] == '@';
    const char *wrong = NULL;
    if (name[abstract] == '\0')
        wrong = "the NAME is missing";
    else if (!abstract && (strchr(name, '/') != NULL || name[0] == '.'))
        wrong = "a file in the case's own directory: no '/', and no '.' at the start";
    else if (strlen(name) >= UNIX_NAME_SIZE)
        wrong = "too long: the name of a Unix socket has at most 107 bytes";
    if (wrong != NULL)
        parser_error_in(parser, word, name, "'%.40s': %s", word->text, wrong);
    address->name = arena_copy(&parser->scenario->arena, name, strlen(name));
    parser->scenario->has_files |= !abstract;
    return wrong == NULL;
}

void parse_split_zone(const char *text, char *plain, size_t size, char *zone) {
    const char *percent = text[0] == '[' ? strchr(text, '%') : NULL;
    const char *end = percent == NULL ? NULL : strchr(percent, ']');
    size_t front = end == NULL ? strlen(text) : (size_t)(percent - text);
    *zone = '\0';
    if (end != NULL)
        snprintf(zone, IFNAMSIZ, "%.*s", (int)(end - percent - 1), percent + 1);
    snprintf(plain, size, "%.*s%s", (int)front, text, end == NULL ? "" : end);
}

/* Only link-local addresses and those of multicast groups are ambiguous without a zone. */
static bool may_have_zone(const struct endpoint *endpoint) {
    return endpoint->address[0] == 0xff ||
           (endpoint->address[0] == 0xfe && (endpoint->address[1] & 0xc0) == 0x80);
}

/* Returns what is wrong with the zone, static, or NULL. `written` is what stands after the `%`. */
static const char *refuse_zone(const char *written, const struct endpoint *endpoint) {
    size_t size = strcspn(written, "]");
    if (!may_have_zone(endpoint))
        return "only a link-local address, such as fe80::1, has a zone";
    if (size == 0)
        return "the zone is missing: the name of a device, as in [fe80::1%eth0]:80";
    return size < IFNAMSIZ ? NULL : "the zone is too long for the name of a device";
}

static bool parse_written(struct parser *parser, const struct word *word, const char *text,
                          struct address *address) {
    size_t size = strlen(text) + 1;
    char *plain = arena_alloc(&parser->scratch, size), zone[IFNAMSIZ];
    parse_split_zone(text, plain, size, zone);
    const char *at, *percent = text[0] == '[' ? strchr(text, '%') : NULL;
    const char *wrong = endpoint_parse(plain, &address->pattern, &at);
    if (zone[0] != '\0')
        address->zone = arena_copy(&parser->scenario->arena, zone, strlen(zone));
    if (wrong == NULL && percent != NULL) {
        wrong = refuse_zone(percent + 1, &address->pattern.endpoint);
        at = plain;
    }
    if (wrong == NULL)
        return true;
    /* `plain` is a copy of the word's front. */
    size_t offset = (size_t)(at - plain) + (zone[0] != '\0' && at > plain ? strlen(zone) + 1 : 0);
    parser_error_in(parser, word, word->text + offset, "'%s': %s", word->text, wrong);
    return false;
}

/* HOST:$role.socket.port, where `colon` is the last but the reference's. */
static bool parse_with_port_of(struct parser *parser, const struct word *word, const char *colon,
                               struct address *address) {
    size_t host = (size_t)(colon - word->text);
    const char *written = arena_format(&parser->scratch, "%.*s:0", (int)host, word->text);
    if (!parse_reference(parser, word, colon + 1, address) ||
        !parse_written(parser, word, written, address))
        return false;
    bool port = address->use == ADDRESS_AND_ITS_PORT;
    if (!port)
        parser_error_in(parser, word, colon + 1, "a port is needed here: '%s.port'", colon + 1);
    return port;
}

bool parse_address(struct parser *parser, const struct word *word, struct address *address) {
    static const char prefix[] = "unix:";
    *address = (struct address){0};
    if (strncmp(word->text, prefix, sizeof prefix - 1) == 0)
        return parse_unix_address(parser, word, word->text + sizeof prefix - 1, address);
    const char *colon = strstr(word->text, ":$");
    if (colon != NULL && word->text[0] != '$')
        return parse_with_port_of(parser, word, colon, address);
    if (word->text[0] != '$')
        return parse_written(parser, word, word->text, address);
    if (!parse_reference(parser, word, word->text, address))
        return false;
    bool only_port = address->use == ADDRESS_AND_ITS_PORT;
    if (only_port)
        parser_error(parser, word, "'%s' is only a port; an address is 127.0.0.1:%s", word->text,
                     word->text);
    return !only_port;
}

const struct word *parse_numbered(struct parser *parser, struct cursor *cursor,
                                  struct address *address) {
    const struct word *word = cursor_need(parser, cursor, "an ADDRESS");
    if (word == NULL || !parse_address(parser, word, address))
        return NULL;
    if (address->use == ADDRESS_WRITTEN && address->pattern.any_port)
        parser_error(parser, word, "'%s': the port cannot be '*' here; 0 lets the kernel choose",
                     word->text);
    return word;
}

bool parse_port_reference(struct parser *parser, const struct word *word, struct address *address) {
    *address = (struct address){0};
    if (word->quoted || word->text[0] != '$')
        return false;
    if (!parse_reference(parser, word, word->text, address))
        return false;
    if (address->use != ADDRESS_AND_ITS_PORT)
        parser_error(parser, word, "only a port is allowed here: '%s.port'", word->text);
    return true;
}

/* --- options --- */

const struct sockopt *parse_option_name(struct parser *parser, const struct word *word,
                                        size_t size) {
    const char *name = arena_copy(&parser->scratch, word->text, size);
    const struct sockopt *option = sockopt_named(name);
    const char *near = option != NULL ? NULL : sockopt_near(name);
    if (near != NULL)
        parser_error(parser, word, "unknown option '%s'; did you mean '%s'?", name, near);
    else if (option == NULL)
        parser_error(parser, word, "unknown socket option '%s'", name);
    return option;
}

bool parse_option(struct parser *parser, const struct word *word, struct option_setting *setting) {
    size_t size = strcspn(word->text, "=");
    const char *value = word->text[size] == '=' ? word->text + size + 1 : NULL;
    *setting = (struct option_setting){.option = parse_option_name(parser, word, size)};
    if (setting->option == NULL)
        return false;
    if (setting->option->read_only) {
        parser_error(parser, word, "'%s' can only be read, by getsockopt", setting->option->name);
        return true;
    }
    const char *wrong = sockopt_parse(setting->option, value, &setting->value);
    if (wrong != NULL)
        parser_error_in(parser, word, value == NULL ? word->text : value, "%s: %s",
                        setting->option->name, wrong);
    return true;
}
