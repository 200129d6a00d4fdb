/* One word is read strictly, with an error that says what to write instead; and so are a few words
 * that are nothing but an address. */
#include "typed/word.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "typed/forms.h"
#include "typed/span.h"

/* --- one word --- */

/* The word without the quotes, brackets and full stops that are copied with it. */
static struct span strip(struct span word) {
    while (word.size > 1 && strchr("\"'`(<,;", word.text[0]) != NULL)
        word = span_from(word, 1);
    while (word.size > 1 && strchr("\"'`)>,;.!?", word.text[word.size - 1]) != NULL)
        word.size--;
    struct span without = span_of(word.text, word.size - (word.size > 0));
    if (word.size > 1 && word.text[word.size - 1] == ':' &&
        isdigit((unsigned char)word.text[word.size - 2]) &&
        span_find(without, ':') != NULL) /* `:8080:` */
        word.size--;
    return word;
}

/* Docker's `8080:80` and `127.0.0.1:8080:80`, `0.0.0.0:8080->80/tcp`: the port of this host. */
static bool take_published(struct span word, struct typed *typed) {
    const char *end = memmem(word.text, word.size, "->", 2);
    const char *last = end != NULL ? end : span_find_last(word, ':');
    if (last == NULL)
        return false;
    struct span host = span_of(word.text, (size_t)(last - word.text));
    struct span inner = span_from(word, host.size + (end != NULL ? 2 : 1));
    char digits[8];
    if (span_find(inner, '/') != NULL) {
        forms_protocol(span_from(inner, (size_t)(span_find(inner, '/') + 1 - inner.text)), typed);
        inner.size = (size_t)(span_find(inner, '/') - inner.text);
    }
    if (!span_is_port(inner))
        return false;
    if (span_is_port(host) && !span_is(host, "0"))
        span_copy(host, typed->port, sizeof typed->port);
    else if (span_find(host, ':') == NULL || span_family(host) != 0 ||
             !forms_endpoint(host, typed) || !span_is_port(span_whole(typed->port)))
        return false;
    span_copy(inner, digits, sizeof digits);
    snprintf(typed->note, sizeof typed->note,
             "%s is the port of this host, and %s that of the container.", typed->port, digits);
    return true;
}

/* `::8080`: an address by its form, but nobody has that one. */
static bool take_any_ipv6(struct span word, struct typed *typed) {
    struct span port = span_from(word, word.size < 2 ? word.size : 2);
    if (!span_begins(word, "::") || port.size < 2 || !span_is_port(port))
        return false;
    snprintf(typed->host, sizeof typed->host, "::");
    span_copy(port, typed->port, sizeof typed->port);
    snprintf(typed->note, sizeof typed->note,
             "::%s was taken for port %s of every IPv6 address, [::].", typed->port, typed->port);
    return true;
}

/* `port=8080`, `port:8080`. */
static bool take_port_word(struct span word, struct typed *typed) {
    size_t size = strcspn(word.text, "=:");
    if (size >= word.size || !span_is(span_of(word.text, size), "port"))
        return false;
    struct span port = span_from(word, size + 1);
    if (!span_is_port(port))
        return false;
    span_copy(port, typed->port, sizeof typed->port);
    return true;
}

/* Says what is wrong with a word that is no address. One that is too long to be shown is not. */
static void explain(struct span word, char *error) {
    enum { SHOWN = 60 };
    char text[TYPED_HOST_SIZE];
    span_copy(word, text, sizeof text);
    const char *colon = strrchr(text, ':');
    const char *first_end = text + strspn(text, "0123456789");
    bool fits = word.size < sizeof text, is_shown = word.size <= SHOWN;
    bool six = span_family(word) == AF_INET6 && is_shown;
    bool bracketed = fits && word.size > 2 && text[0] == '[' && text[word.size - 1] == ']';
    bool host = bracketed || strcmp(text, "*") == 0 ||
                (span_is_host(word) && strchr(text, '.') != NULL && isalpha((unsigned char)*text));
    if (span_begins(word, "unix:") || (word.size > 0 && text[0] == '/'))
        snprintf(error, TYPED_ERROR_SIZE, TYPED_UNIX_RULE, TYPED_PATH_SIZE - 1);
    else if (span_family(word) != 0 || host)
        snprintf(error, TYPED_ERROR_SIZE, "the port is missing; write %s%.*s%s:PORT",
                 six ? "[" : "", SHOWN, is_shown ? text : "ADDRESS", six ? "]" : "");
    else if (word.size > 0 && *first_end == '\0')
        snprintf(error, TYPED_ERROR_SIZE, "a port is a number from 0 to 65535");
    else if (first_end > text && first_end - text <= SHOWN &&
             strspn(text, "0123456789-,") == word.size)
        snprintf(error, TYPED_ERROR_SIZE, "one port at a time; write %.*s", (int)(first_end - text),
                 text);
    else if (fits && colon != NULL && (colon[1] == '\0' || strcmp(colon, ":*") == 0))
        snprintf(error, TYPED_ERROR_SIZE, "the port is missing; write %.*s:PORT",
                 is_shown ? (int)(colon - text) : (int)strlen("ADDRESS"),
                 is_shown ? text : "ADDRESS");
    else if (fits && colon != NULL && strspn(colon + 1, "0123456789") == strlen(colon + 1))
        snprintf(error, TYPED_ERROR_SIZE, "%s",
                 span_is_port(span_whole(colon + 1))
                     ? "this is not an address; write ADDRESS:PORT or [IPV6]:PORT"
                     : "a port is a number from 0 to 65535");
    else
        snprintf(error, TYPED_ERROR_SIZE,
                 "write PORT, ADDRESS:PORT, [IPV6]:PORT, PORT/udp, a URL or unix:PATH");
}

const char *typed_word(const char *word, struct typed *typed, char *error) {
    struct span stripped = strip(span_whole(word));
    *typed = (struct typed){0};
    if (take_published(stripped, typed))
        return NULL;
    *typed = (struct typed){0};
    if (take_any_ipv6(stripped, typed) || take_port_word(stripped, typed) ||
        forms_word(stripped, typed))
        return NULL;
    *typed = (struct typed){0};
    explain(stripped, error);
    return error;
}

/* --- a few words --- */

enum { WORDS = 6 };

/* Splits at blanks and commas. Returns how many words there are, WORDS + 1 for more. */
static size_t split_words(const char *text, struct span *words) {
    static const char blanks[] = " \t\r\n,";
    size_t count = 0;
    for (text += strspn(text, blanks); *text != '\0'; text += strspn(text, blanks)) {
        size_t size = strcspn(text, blanks);
        if (count == WORDS)
            return WORDS + 1;
        words[count++] = span_of(text, size);
        text += size;
    }
    return count;
}

/* Words that may stand between host and port. Returns whether it is one. */
static bool is_filler(struct span word) {
    static const char *const fillers[] = {
        "port", "port:", "on", "at",  "host",  "host:",    "the", "address",
        "is",   "ip",    "-p", "and", "ports", "address:", "for", "local"};
    for (size_t i = 0; i < sizeof fillers / sizeof fillers[0]; i++)
        if (span_is(word, fillers[i]))
            return true;
    return false;
}

/* Takes the next word: a host comes before its port, or is the last word. */
static bool take_next(struct span word, bool last, struct typed *found, bool *has_host) {
    bool dotted = !last && span_is_host(word) && span_find(word, '.') != NULL;
    bool host = span_family(word) != 0 || span_is(word, "localhost") || span_is(word, "*");
    if (is_filler(word) || forms_protocol(word, found))
        return true;
    if (found->port[0] != '\0') {
        bool behind = last && host && !*has_host; /* `8080 on localhost` */
        *has_host |= behind;
        return behind && forms_host(word, found);
    }
    if (span_is_port(word) || (*has_host && last && span_is_service(word))) {
        span_copy(word, found->port, sizeof found->port);
        return true;
    }
    if (*has_host)
        return false;
    *has_host = true;
    return ((host || dotted) && forms_host(word, found)) || (last && forms_endpoint(word, found));
}

/* Programs that connect to the HOST PORT behind their name. */
static bool is_client(struct span word) {
    static const char *const clients[] = {"telnet", "nc", "ncat", "netcat"};
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++)
        if (span_is(word, clients[i]))
            return true;
    return false;
}

bool typed_words(const char *text, struct typed *typed) {
    struct span words[WORDS];
    size_t count = split_words(text, words), first = count > 2 && is_client(words[0]) ? 1 : 0;
    bool has_host = false, good = count >= 2 && count <= WORDS;
    *typed = (struct typed){.connects = first > 0};
    for (size_t i = first; good && i < count; i++)
        good = take_next(strip(words[i]), i + 1 == count, typed, &has_host);
    return good && typed->port[0] != '\0';
}
