/* Which pairs there are, what they are called, and who plays them in the model. */
#include "probe/matrix_pairs.h"

#include <stdio.h>
#include <string.h>

const struct matrix_address matrix_addresses[MATRIX_FIRSTS] = {
    {"0.0.0.0", NULL, "0.0.0.0:0", "127.0.0.1:0", false},
    {"127.0.0.1", NULL, "127.0.0.1:0", "127.0.0.1:0", false},
    {"127.0.0.2", NULL, "127.0.0.2:0", "127.0.0.2:0", false},
    {"::", "IPv6", "[::]:0", "[::1]:0", false},
    {"::,v6only", NULL, "[::]:0", "[::1]:0", true},
    {"::1", NULL, "[::1]:0", "[::1]:0", false},
    {"::ffff:0.0.0.0", NULL, "[::ffff:0.0.0.0]:0", "[::ffff:127.0.0.1]:0", false},
    {"::ffff:127.0.0.1", NULL, "[::ffff:127.0.0.1]:0", "[::ffff:127.0.0.1]:0", false},
    [MATRIX_ADDRESSES] = {"::", "IPv4", "[::]:0", "[::ffff:127.0.0.1]:0", false},
};

const char *const matrix_options_names[MATRIX_OPTIONS] = {"none", "REUSEADDR", "REUSEPORT", "both"};
const char *const matrix_user_names[MATRIX_USERS] = {"same", "other"};
const char *const matrix_device_names[MATRIX_DEVICES + 1] = {"none", "first", "second", "same",
                                                             "other"};
const char *const matrix_call_names[STORY_CALLS + 1] = {"bind", "port-0", "connect",
                                                        "bind-connect"};

/* --- the states --- */

/* What UDP calls the states that it has under other names: a bound and connected socket was called
 * ESTABLISHED before there were others. */
static const struct {
    const char *story, *name, *line;
} of_udp[] = {
    {"BOUND", "UNCONN", "a bound socket"},
    {"OUT-BOUND", "ESTABLISHED", "a socket bound to the port, then connected"},
};

enum { OF_UDP = sizeof of_udp / sizeof of_udp[0] };

/* Returns the index in of_udp, or OF_UDP. */
static unsigned renamed(enum protocol protocol, unsigned state) {
    unsigned i = protocol == PROTOCOL_UDP ? 0 : OF_UDP;
    while (i < OF_UDP && strcmp(of_udp[i].story, stories[state].name) != 0)
        i++;
    return i;
}

bool matrix_has_state(enum protocol protocol, unsigned state) {
    return protocol == PROTOCOL_UDP ? stories[state].udp : stories[state].tcp;
}

const char *matrix_state_name(enum protocol protocol, unsigned state) {
    unsigned i = renamed(protocol, state);
    return i < OF_UDP ? of_udp[i].name : stories[state].name;
}

const char *matrix_state_line(enum protocol protocol, unsigned state) {
    unsigned i = renamed(protocol, state);
    return i < OF_UDP ? of_udp[i].line : stories[state].line;
}

unsigned matrix_state_named(enum protocol protocol, const char *name) {
    unsigned state = 0;
    while (state < STORIES && (!matrix_has_state(protocol, state) ||
                               strcmp(matrix_state_name(protocol, state), name) != 0))
        state++;
    return state;
}

/* --- the addresses --- */

/* A socket that is not bound has the wildcard of its family, and none that is mapped. */
bool matrix_has_first(unsigned state, unsigned address) {
    const char *text = matrix_addresses[address].text;
    bool unbound = strncmp(text, "0.0.0.0", 7) == 0 || strncmp(text, "[::]", 4) == 0;
    bool binds =
        story_has(&stories[state], STORY_BIND) || story_has(&stories[state], STORY_BIND_AUTO);
    return (address < MATRIX_ADDRESSES || stories[state].kind != STORY_BOUND) && (binds || unbound);
}

const char *matrix_first_name(unsigned state, unsigned address, char *text) {
    const struct matrix_address *row = &matrix_addresses[address];
    if (row->family == NULL || stories[state].kind == STORY_BOUND)
        return row->name;
    snprintf(text, MATRIX_NAME_SIZE, "%s (%s %s)", row->name, row->family,
             stories[state].kind == STORY_ACCEPTED ? "client" : "server");
    return text;
}

/* Returns whether connect() takes the address: one that is a host, in its shortest form. */
static bool is_destination(unsigned address) {
    return strcmp(matrix_addresses[address].text, matrix_addresses[address].peer) == 0;
}

/* A socket on another device than lo cannot bind to ::1: that is refused before any port is looked
 * at (ipv6_chk_addr()). An IPv4 address may be that of any device. */
static bool is_on_other_device(unsigned address) {
    return strncmp(matrix_addresses[address].text, "[::1]", 5) != 0;
}

/* --- the pairs --- */

static bool has_reuseaddr(unsigned options) {
    return options == MATRIX_REUSEADDR || options == MATRIX_BOTH;
}

static bool has_reuseport(unsigned options) {
    return options == MATRIX_REUSEPORT || options == MATRIX_BOTH;
}

static bool none_or_both(unsigned options) {
    return options == MATRIX_NONE || options == MATRIX_BOTH;
}

/* Returns whether there is such a pair. */
static bool exists(enum protocol protocol, const struct matrix_pair *pair) {
    bool plain = pair->call == STORY_CALL_BIND && pair->device == MATRIX_NO_DEVICE;
    unsigned first = pair->first.options, second = pair->second.options;
    return matrix_has_state(protocol, pair->state) &&
           matrix_has_first(pair->state, pair->first.address) &&
           (plain || pair->user == MATRIX_SAME_USER) &&
           (plain || protocol == PROTOCOL_UDP || (none_or_both(first) && none_or_both(second))) &&
           (pair->user == MATRIX_SAME_USER || (has_reuseport(first) && has_reuseport(second))) &&
           (pair->call != STORY_CALL_CONNECT || is_destination(pair->second.address)) &&
           (pair->call != STORY_CALL_BIND_CONNECT || protocol != PROTOCOL_UDP) &&
           (pair->device != MATRIX_DEVICE_OTHER || is_on_other_device(pair->second.address));
}

/* Adds one. Returns whether there was a carry. */
static bool overflows(unsigned *digit, unsigned base) {
    *digit = (*digit + 1) % base;
    return *digit == 0;
}

/* Advances to the next combination. Only bind() has another user, or a device. */
static bool count_up(struct matrix_pair *pair) {
    if (!overflows(&pair->second.options, MATRIX_OPTIONS) ||
        !overflows(&pair->second.address, MATRIX_ADDRESSES) ||
        !overflows(&pair->first.options, MATRIX_OPTIONS) ||
        !overflows(&pair->first.address, MATRIX_FIRSTS) || !overflows(&pair->state, STORIES))
        return true;
    if (pair->user == MATRIX_SAME_USER && pair->device == MATRIX_NO_DEVICE &&
        pair->call == STORY_CALL_BIND)
        pair->user = MATRIX_OTHER_USER;
    else if (pair->device == MATRIX_NO_DEVICE && pair->call + 1 < STORY_CALLS)
        *pair = (struct matrix_pair){.call = pair->call + 1};
    else if (pair->device + 1 < MATRIX_DEVICES)
        *pair = (struct matrix_pair){.device = pair->device + 1};
    else
        return false;
    return true;
}

bool matrix_next(enum protocol protocol, struct matrix_pair *pair) {
    bool more = true;
    do
        more = count_up(pair);
    while (more && !exists(protocol, pair));
    return more;
}

/* --- the choice --- */

/* The sample: one specific address, and the wildcard of both families; beside them the same
 * address, another one, and that wildcard. */
static bool in_sample(const struct matrix_pair *pair) {
    enum { ANY_4, ONE, ANOTHER, ANY };
    unsigned first = pair->first.address, second = pair->second.address;
    bool instead = first == ANY_4 && !matrix_has_first(pair->state, ONE);
    return (first == ONE || first == ANY || first == MATRIX_ADDRESSES || instead) &&
           (second == ONE || second == ANOTHER || second == ANY) &&
           (pair->device == MATRIX_NO_DEVICE || pair->state < STORIES_CORE);
}

bool matrix_chosen(const struct matrix_choice *choice, const struct matrix_pair *pair) {
    bool core = pair->state < STORIES_CORE && pair->call == STORY_CALL_BIND &&
                pair->device == MATRIX_NO_DEVICE;
    return choice->states[pair->state] && choice->calls[pair->call] &&
           choice->devices[pair->device] &&
           choice->first[pair->first.address][pair->first.options] &&
           choice->second[pair->second.address][pair->second.options] &&
           (!choice->sample || core || in_sample(pair));
}

/* --- who plays --- */

static struct endpoint endpoint_named(const char *text, uint16_t port) {
    struct endpoint_pattern pattern;
    const char *at;
    endpoint_parse(text, &pattern, &at);
    pattern.endpoint.port = port;
    return pattern.endpoint;
}

/* Its server is one of two; one does not answer. UDP sends nothing, and needs nobody there. */
static struct claim claim_of(enum protocol protocol, unsigned state, struct matrix_end end,
                             uint16_t port) {
    const struct matrix_address *row = &matrix_addresses[end.address];
    bool silent = story_has(&stories[state], STORY_CONNECT_SILENT);
    return (struct claim){
        .protocol = protocol,
        .local = endpoint_named(row->text, port),
        .remote = endpoint_named(row->peer, silent ? MATRIX_SILENT_PORT : MATRIX_SERVER_PORT),
        .reuseaddr = has_reuseaddr(end.options),
        .reuseport = has_reuseport(end.options),
        .v6only = row->v6only,
        .range_low = port,
        .range_high = port};
}

struct story_cast matrix_cast(enum protocol protocol, const struct matrix_pair *pair,
                              uint16_t port) {
    const char *peer = matrix_addresses[pair->first.address].peer;
    struct story_cast cast = {.first = claim_of(protocol, pair->state, pair->first, port),
                              .connection = endpoint_named(peer, port)};
    cast.server = cast.first.remote;
    if (pair->device != MATRIX_NO_DEVICE && pair->device != MATRIX_DEVICE_SECOND)
        cast.first.interface = MATRIX_LO;
    return cast;
}

struct claim matrix_second(enum protocol protocol, const struct matrix_pair *pair, uint16_t port) {
    struct claim second = claim_of(protocol, pair->state, pair->second, port);
    second.uid = pair->user;
    if (pair->device == MATRIX_DEVICE_OTHER)
        second.interface = MATRIX_OTHER_DEVICE;
    else if (pair->device == MATRIX_DEVICE_SECOND || pair->device == MATRIX_DEVICE_SAME)
        second.interface = MATRIX_LO;
    return second;
}
