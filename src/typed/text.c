/* A text is searched: at each place where an address could begin, the forms of places.h are tried,
 * and each address gets a weight by its form, by the words before it, and by what its line says.
 * The heaviest wins. If the line with the error names no address, one nearby is taken, or one of a
 * line that tells what starts: that is a guess, and is called one; where there are two, none is
 * taken. */
#include "typed/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "typed/clause.h"
#include "typed/forms.h"
#include "typed/numbers.h"
#include "typed/places.h"
#include "typed/signs.h"

/* --- the text, made plain --- */

/* What typography writes for a byte of ASCII: quotes, blanks, and the full width of Chinese and
 * Japanese. Returns how long it is in UTF-8, and the byte; 0 if it is something else. */
static size_t typographic(const char *text, char *plain) {
    static const struct {
        const char *bytes;
        char plain;
    } signs[] = {
        {"\xe2\x80\x98", '"'}, {"\xe2\x80\x99", '"'}, {"\xe2\x80\x9c", '"'}, {"\xe2\x80\x9d", '"'},
        {"\xe2\x80\x9e", '"'}, {"\xc2\xab", '"'},     {"\xc2\xbb", '"'},     {"\xe3\x80\x8c", '"'},
        {"\xe3\x80\x8d", '"'}, {"\xc2\xa0", ' '},     {"\xe2\x80\xaf", ' '}, {"\xe3\x80\x80", ' '},
        {"\xef\xbb\xbf", ' '}, {"\xef\xbc\x9a", ':'}, {"\xef\xbc\x8c", ','}, {"\xef\xbc\x88", '('},
        {"\xef\xbc\x89", ')'}, {"\xe3\x80\x82", '.'},
    };
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (strncmp(text, signs[i].bytes, strlen(signs[i].bytes)) == 0) {
            *plain = signs[i].plain;
            return strlen(signs[i].bytes);
        }
    return 0;
}

/* The length of a sequence that colours a terminal or sets its title; 0 if there is none. */
static size_t escape_size(const char *text) {
    size_t introducer = text[0] == '\x1b' ? 1 : strncmp(text, "\\u001b", 6) == 0 ? 6 : 0;
    if (introducer == 0)
        return 0;
    const char *at = text + introducer;
    if (*at == ']')
        return introducer + strcspn(at, "\a\n\x1b");
    if (*at != '[')
        return introducer;
    size_t parameters = 1 + strspn(at + 1, "0123456789;:?<=>");
    return introducer + parameters + (isalpha((unsigned char)at[parameters]) ? 1U : 0U);
}

/* The byte that JSON writes as `\u0022`, if it is a visible one; else 0. */
static char escaped_byte(const char *text) {
    char digits[3] = "";
    if (strncmp(text, "\\u00", 4) != 0 || !isxdigit((unsigned char)text[4]))
        return 0;
    memcpy(digits, text + 4, isxdigit((unsigned char)text[5]) ? 2 : 1);
    long byte = strtol(digits, NULL, 16);
    return byte > ' ' && byte < 0x7f && strlen(digits) == 2 ? (char)byte : 0;
}

/* Copies the text without colours, control characters and the backslashes of strings in JSON. */
static void clean(const char *text, char *plain) {
    while (*text != '\0') {
        size_t escape = escape_size(text), sign = typographic(text, plain);
        if (escape > 0) {
            text += escape;
        } else if (sign > 0) {
            plain++;
            text += sign;
        } else if (strncasecmp(text, "%5B", 3) == 0 || strncasecmp(text, "%5D", 3) == 0) {
            *plain++ = tolower((unsigned char)text[2]) == 'b' ? '[' : ']'; /* gRPC's [::1]:80 */
            text += 3;
        } else if (escaped_byte(text) != 0) {
            *plain++ = escaped_byte(text);
            text += 6;
        } else if (text[0] == '\\' && (text[1] == '"' || text[1] == '\'' || text[1] == '/')) {
            *plain++ = text[1];
            text += 2;
        } else if (text[0] == '\\' && (text[1] == 'n' || text[1] == 't' || text[1] == 'r') &&
                   !(text[2] >= 'a' && text[2] <= 'z')) {
            *plain++ = ' ';
            text += 2;
        } else {
            *plain++ = *text != '\n' && iscntrl((unsigned char)*text) ? ' ' : *text;
            text++;
        }
    }
    *plain = '\0';
}

/* --- its lines --- */

struct line {
    struct span span;
    int failure; /* signs_failure() */
};

struct text {
    struct arena arena;
    char *plain;
    struct line *lines;
    size_t count;
    size_t failing; /* the line that tells of a failure most clearly, the first of them; or count */
};

/* Copies a line, cut at 8 KiB. */
enum { LINE_SIZE = 8192 };

static const char *line_text(const struct line *line, char *copy) {
    span_copy(line->span, copy, LINE_SIZE);
    return copy;
}

static void split_lines(struct text *text) {
    char copy[LINE_SIZE];
    for (const char *at = text->plain;; at++) {
        size_t size = strcspn(at, "\n");
        struct line *line;
        text->lines = arena_grow(&text->arena, text->lines, text->count, sizeof text->lines[0]);
        line = &text->lines[text->count++];
        *line = (struct line){.span = span_of(at, size)};
        line->failure = signs_failure(line_text(line, copy));
        at += size;
        if (*at == '\0')
            break;
    }
    text->failing = text->count;
    for (size_t i = 0; i < text->count; i++)
        if (text->lines[i].failure > 0 &&
            (text->failing == text->count ||
             text->lines[i].failure > text->lines[text->failing].failure))
            text->failing = i;
}

/* How many lines it is to the nearest one that tells of a failure as clearly as any. */
static size_t distance(const struct text *text, size_t line) {
    size_t nearest = SIZE_MAX;
    for (size_t i = 0; text->failing < text->count && i < text->count; i++) {
        size_t away = i > line ? i - line : line - i;
        if (text->lines[i].failure >= text->lines[text->failing].failure && away < nearest)
            nearest = away;
    }
    return nearest;
}

/* --- candidates --- */

struct candidate {
    struct typed typed;
    const char *at;
    size_t line;
    int weight;
};

struct search {
    struct text text;
    struct candidate best, second; /* the second is another address */
};

/* A guess is near if it is this many lines from the failure; a failure is clear from this weight
 * on.
 */
enum { NEAR = 8, CLEAR = 30, UNLIKELY = -200 };

static bool same(const struct typed *a, const struct typed *b) {
    bool one_without_host = a->host[0] == '\0' || b->host[0] == '\0';
    return strcmp(a->path, b->path) == 0 && strcmp(a->port, b->port) == 0 &&
           (one_without_host || strcasecmp(a->host, b->host) == 0);
}

/* Such a line of a configuration or a log is nothing but `port: 8000`, `Socket: :8080`. */
static bool is_setting(const struct line *line) {
    static const char *const words[] = {"port", "socket", "address", "endpoint"};
    char text[40];
    if (line->span.size >= sizeof text)
        return false;
    span_copy(line->span, text, sizeof text);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasestr(text, words[i]) != NULL)
            return true;
    return false;
}

/* `Is another server running on port 5432?`, in any language, just below the error. */
static bool asks_about_port(const struct text *text, size_t number) {
    const struct line *line = &text->lines[number];
    return number > text->failing && number <= text->failing + 2 &&
           span_find(line->span, '?') != NULL;
}

/* Before the address of another host. */
#define PEERS "client: |client=|client |from |source|peer |peer=|remote addr|remote="

static int context_weight(const struct place *place, bool fails) {
    int weight = 0;
    if (place_after(place, " -> ") && place_ahead(place, ": bind:")) /* proxy FROM -> TO: bind: */
        weight -= 45;
    else if (fails && place_after(place, "->")) /* Go: LOCAL->REMOTE */
        weight += 20;
    if (place_after(place, "bind|listen|address|socket|connect|dial|port|in use|on "))
        weight += 20;
    if (place_after(place, PEERS) || place_follows(place, "local |laddr |laddr=|local=") ||
        place_after(place, "local (|server: |host: |resolver|see |visit "))
        weight -= 45;
    if (place_after(place, "trying |attempting|instead|next |retry|fall back|using "))
        weight -= 25;
    if (place_ahead(place, "instead")) /* `Use port 8082 instead?` */
        weight -= 25;
    return weight;
}

static int line_weight(const struct text *text, size_t number, bool *guess) {
    const struct line *line = &text->lines[number];
    char copy[LINE_SIZE];
    int most = text->failing < text->count ? text->lines[text->failing].failure : 0;
    *guess = false;
    if (most == 0 || line->failure >= CLEAR || (line->failure > 0 && most < CLEAR))
        return line->failure;
    *guess = true;
    if (!signs_starts(line_text(line, copy)) && !is_setting(line) && !asks_about_port(text, number))
        return UNLIKELY;
    size_t away = distance(text, number);
    return away <= NEAR ? 14 - (int)away : -10;
}

static void offer(struct search *search, const struct place *place, size_t line, int weight,
                  struct typed *typed) {
    bool guess;
    struct span whole = search->text.lines[line].span;
    weight += context_weight(place, search->text.lines[line].failure > 0) +
              line_weight(&search->text, line, &guess);
    if (whole.size < LINE_SIZE)
        weight += clause_weight(whole, place->at);
    if (strcmp(typed->port, "0") == 0)
        weight -= 60;
    if (weight <= 0)
        return;
    typed->guessed = guess;
    struct candidate new = {.typed = *typed, .at = place->at, .line = line, .weight = weight};
    struct candidate *best = &search->best, *second = &search->second;
    if (best->weight > 0 && same(&best->typed, typed)) {
        if (weight > best->weight ||
            (best->typed.host[0] == '\0' && typed->host[0] != '\0' && weight + 10 > best->weight))
            *best = new;
    } else if (weight > best->weight) {
        *second = *best;
        *best = new;
    } else if (weight > second->weight) {
        *second = new;
    }
}

/* A word longer than any address is passed over: each of its places would be read to its end. */
static void look_at(struct search *search, size_t number) {
    enum { LONGEST_WORD = 1024 };
    static const char between[] = " \t\r\n\"',;";
    const struct line *line = &search->text.lines[number];
    size_t word = 0; /* the end of the present one */
    for (size_t i = 0; i < line->span.size; i++) {
        if (i >= word) {
            size_t size = strcspn(line->span.text + i, between);
            word = i + size + 1;
            if (size > LONGEST_WORD) {
                i += size;
                continue;
            }
        }
        struct place place = {search->text.plain, line->span.text + i, line->span};
        struct typed typed = {0};
        int weight = places_weigh(&place, &typed);
        if (weight > 0)
            offer(search, &place, number, weight, &typed);
    }
}

/* --- what else the line says --- */

/* Returns what follows the prefix of a log, `Nov 26 10:00:00 10.0.0.1 sshd[4711]: `. */
static const char *message_of(const struct line *line) {
    const char *end = memmem(line->span.text, line->span.size, "]: ", 3);
    if (end == NULL)
        return line->span.text;
    const char *digit = end;
    while (digit > line->span.text && isdigit((unsigned char)digit[-1]))
        digit--;
    bool process = digit < end && digit - line->span.text > 1 && digit[-1] == '[' &&
                   isalnum((unsigned char)digit[-2]);
    return process ? end + 3 : line->span.text;
}

/* An address that stands alone in a line, the nearest to the port: `on 0.0.0.0`, `address: '::'`.
 */
static bool lone_host(const struct line *line, struct span within, const char *port, char *host) {
    static const char delimiters[] = " \t\r\n\"'`<>(){}[],;=|";
    size_t nearest = SIZE_MAX;
    const char *message = message_of(line);
    for (const char *at = message > within.text ? message : within.text;
         at < within.text + within.size;) {
        size_t size = strcspn(at, delimiters);
        struct span word = span_of(at, size);
        while (word.size > 2 && strchr(".!?:", word.text[word.size - 1]) != NULL &&
               span_family(word) == 0)
            word.size--;
        size_t away = (size_t)labs((long)(at - port));
        char tuple[64];
        if (away < nearest && at > line->span.text && at[-1] == '{' &&
            numbers_erlang(at - 1, tuple, sizeof tuple) != NULL)
            word = span_whole(tuple);
        struct place place = {line->span.text, at, line->span};
        if (span_family(word) != 0 && away < nearest && !place_after(&place, PEERS)) {
            nearest = away;
            span_copy(word, host, TYPED_HOST_SIZE);
        }
        at += size + 1;
    }
    return nearest != SIZE_MAX;
}

/* Returns whether the line has another address, in another clause than this one, which fails. */
static bool says_more(const struct search *search, const struct candidate *found) {
    struct span line = search->text.lines[found->line].span;
    const struct candidate *second = &search->second;
    if (second->weight <= 0 || second->line != found->line || line.size >= LINE_SIZE)
        return false;
    struct span clause = clause_at(line, found->at);
    return clause_fails(line, clause) && clause_at(line, second->at).text != clause.text;
}

static void find_host(const struct search *search, struct candidate *found) {
    const struct text *text = &search->text;
    struct typed *typed = &found->typed;
    if (typed->host[0] != '\0' || typed->path[0] != '\0' || *found->at == ':' || *found->at == '*')
        return;
    const struct line *line = &text->lines[found->line];
    struct span within = says_more(search, found) ? clause_at(line->span, found->at) : line->span;
    if (lone_host(line, within, found->at, typed->host) || within.size < line->span.size)
        return;
    for (size_t away = 1; away <= 2; away++)
        for (int side = -1; side <= 1; side += 2) {
            size_t number = found->line + (size_t)(side * (int)away);
            if (number >= text->count)
                continue;
            line = &text->lines[number];
            if ((line->failure > 0 || is_setting(line) ||
                 memmem(line->span.text, line->span.size, "address", 7) != NULL) &&
                lone_host(line, line->span, found->at, typed->host))
                return;
        }
}

/* Words of protocols: the last one before the address counts, else the first one behind it. */
static void find_protocol(const char *line, size_t offset, struct typed *typed) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    if (typed->protocol != TYPED_ANY_PROTOCOL)
        return;
    for (const char *at = line; *at != '\0';) {
        struct span word = span_of(at, strspn(at, letters));
        struct typed said = {0};
        bool known = forms_protocol(word, &said);
        if (!known && (span_begins(word, "udp") || span_is(word, "dgram") ||
                       span_is(word, "datagram") || span_is(word, "quic")))
            known = (said.protocol = TYPED_UDP) != 0;
        if (strncasecmp(at, "TCP/UDP", 7) == 0 || strncasecmp(at, "UDP/TCP", 7) == 0) {
            at += 7;
            continue;
        }
        bool behind = (size_t)(at - line) > offset;
        if (known && (!behind || typed->protocol == TYPED_ANY_PROTOCOL)) {
            typed->protocol = said.protocol;
            if (typed->family == 0)
                typed->family = said.family;
        }
        at += word.size > 0 ? word.size : 1;
    }
}

/* `on the IPv4 loopback interface`: without an address, the family is worth something. */
static void find_family(const char *line, struct typed *typed) {
    bool four = span_has_words(line, "IPv4") || span_has_words(line, "AF_INET");
    bool six = span_has_words(line, "IPv6") || span_has_words(line, "AF_INET6");
    if (typed->family == 0 && four != six && span_family(span_whole(typed->host)) == 0)
        typed->family = four ? AF_INET : AF_INET6;
}

/* QEMU's displays: `-vnc 127.0.0.1:5` is port 5905. */
static void read_display(const struct text *text, const struct candidate *found,
                         struct typed *typed) {
    struct place place = {text->plain, found->at, text->lines[found->line].span};
    long display = strtol(typed->port, NULL, 10);
    if (!place_after(&place, "-vnc |VNC server on ") || display + 5900 > UINT16_MAX)
        return;
    snprintf(typed->port, sizeof typed->port, "%ld", display + 5900);
    snprintf(typed->note, sizeof typed->note, "Display %ld of VNC is port %s.", display,
             typed->port);
}

static void complete(const struct search *search, struct candidate *found) {
    char copy[LINE_SIZE];
    const struct line *line = &search->text.lines[found->line];
    const struct text *text = &search->text;
    struct typed *typed = &found->typed;
    struct line clause = *line;
    if (says_more(search, found))
        clause.span = clause_at(line->span, found->at);
    const char *words = line_text(&clause, copy);
    size_t offset = (size_t)(found->at - clause.span.text);
    offset = offset < LINE_SIZE ? offset : LINE_SIZE - 1;
    find_host(search, found);
    read_display(text, found, typed);
    typed->error = signs_error(words);
    bool is_connect = signs_role(words, words + offset) == SIGNS_CONNECT;
    find_protocol(words, offset, typed);
    find_family(words, typed);
    /* node's dgram says `bind`; its TCP servers say `listen`, or bind null:PORT in a cluster */
    if (strstr(words, "bind E") != NULL && typed->protocol == TYPED_ANY_PROTOCOL)
        typed->protocol = strstr(words, "null:") != NULL ? TYPED_TCP : TYPED_UDP;
    if (strcasestr(words, "remote port forwarding") != NULL)
        snprintf(typed->note, sizeof typed->note,
                 "ssh -R listens on the other host: ask there about this port.");
    if (text->failing < text->count && (typed->error == 0 || typed->guessed)) {
        int there = signs_error(line_text(&text->lines[text->failing], copy));
        typed->error = there != 0 ? there : typed->error;
        const char *failing = line_text(&text->lines[text->failing], copy);
        if (typed->guessed && text->failing != found->line)
            is_connect |= signs_role(failing, failing) == SIGNS_CONNECT;
        find_protocol(failing, 0, typed);
    }
    if (typed->error == ECONNREFUSED || typed->error == ETIMEDOUT || typed->error == EHOSTUNREACH)
        is_connect = true;
    bool names_peer = typed->host[0] != '\0' || typed->path[0] != '\0';
    if (typed->error == EADDRINUSE && !names_peer) /* `Can't connect to port 80 on *` */
        is_connect = false;
    typed->connects |= is_connect;
}

/* --- the answer --- */

static void write_address(const struct typed *typed, char *text, size_t room) {
    bool six = strchr(typed->host, ':') != NULL;
    if (typed->path[0] != '\0')
        snprintf(text, room, "%.60s", typed->path);
    else
        snprintf(text, room, "%s%.45s%s:%.15s", six ? "[" : "", typed->host, six ? "]" : "",
                 typed->port);
}

/* Returns whether a guess is as good as another one. */
static bool is_undecided(const struct search *search) {
    const struct candidate *best = &search->best, *second = &search->second;
    return best->typed.guessed && second->weight > best->weight - 5;
}

static void answer(const struct search *search, struct typed *typed) {
    const struct candidate *second = &search->second;
    char also[TYPED_ALSO_SIZE] = "", first[TYPED_ALSO_SIZE];
    struct candidate best = search->best;
    if (second->weight > 0)
        write_address(&second->typed, also, sizeof also);
    if (is_undecided(search)) {
        write_address(&best.typed, first, sizeof first);
        typed->guessed = true;
        snprintf(typed->also, sizeof typed->also, "%.28s and %.28s", first, also);
        return;
    }
    complete(search, &best);
    *typed = best.typed;
    if (second->weight > best.weight - 15 && !second->typed.guessed &&
        search->text.lines[second->line].failure > 0)
        memcpy(typed->also, also, sizeof typed->also);
}

bool typed_text(const char *text, struct typed *typed) {
    struct search search = {0};
    struct text *lines = &search.text;
    char copy[LINE_SIZE];
    *typed = (struct typed){.pasted = true};
    lines->plain = arena_alloc(&lines->arena, strlen(text) + 1);
    clean(text, lines->plain);
    split_lines(lines);
    for (size_t i = 0; i < lines->count; i++)
        look_at(&search, i);
    if (search.best.weight > 0)
        answer(&search, typed);
    typed->pasted = true;
    if (typed->error == 0 && lines->failing < lines->count)
        typed->error = signs_error(line_text(&lines->lines[lines->failing], copy));
    arena_free(&lines->arena);
    return typed->port[0] != '\0' || typed->path[0] != '\0';
}
