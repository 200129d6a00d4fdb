/* Nothing is looked up here: a name stays a name. */
#include "typed/span.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"

/* --- pieces --- */

struct span span_of(const char *text, size_t size) {
    return (struct span){text, size};
}

struct span span_whole(const char *text) {
    return (struct span){text, strlen(text)};
}

struct span span_from(struct span span, size_t size) {
    return (struct span){span.text + size, span.size - size};
}

void span_copy(struct span span, char *to, size_t room) {
    size_t size = span.size < room ? span.size : room - 1;
    memcpy(to, span.text, size);
    to[size] = '\0';
}

const char *span_find(struct span span, char character) {
    return memchr(span.text, character, span.size);
}

const char *span_find_last(struct span span, char character) {
    return memrchr(span.text, character, span.size);
}

/* --- what it is --- */

bool span_is(struct span span, const char *word) {
    return strlen(word) == span.size && strncasecmp(word, span.text, span.size) == 0;
}

bool span_begins(struct span span, const char *word) {
    size_t size = strlen(word);
    return size <= span.size && strncasecmp(word, span.text, size) == 0;
}

bool span_is_port(struct span span) {
    char digits[8];
    int64_t port;
    if (span.size == 0 || span.size >= sizeof digits)
        return false;
    span_copy(span, digits, sizeof digits);
    return strspn(digits, "0123456789") == span.size && units_number(digits, 0, UINT16_MAX, &port);
}

bool span_is_service(struct span span) {
    bool letter = false;
    for (size_t i = 0; i < span.size; i++) {
        unsigned char byte = (unsigned char)span.text[i];
        if (!isalnum(byte) && byte != '-' && byte != '_')
            return false;
        letter |= isalpha(byte) != 0;
    }
    return letter && span.size < 32;
}

int span_family(struct span span) {
    unsigned char address[16];
    char plain[INET6_ADDRSTRLEN + 1];
    const char *zone = span_find(span, '%');
    size_t size = zone == NULL ? span.size : (size_t)(zone - span.text);
    if (size == 0 || size >= sizeof plain || size + 1 == span.size)
        return 0;
    span_copy(span_of(span.text, size), plain, sizeof plain);
    return inet_pton(AF_INET, plain, address) == 1    ? AF_INET
           : inet_pton(AF_INET6, plain, address) == 1 ? AF_INET6
                                                      : 0;
}

bool span_is_host(struct span span) {
    for (size_t i = 0; i < span.size; i++) {
        unsigned char byte = (unsigned char)span.text[i];
        if (!isalnum(byte) && byte != '.' && byte != '-' && byte != '_')
            return false;
    }
    return span.size > 0 && span.size < 256;
}

bool span_is_any(struct span span) {
    static const char *const words[] = {"",      "*",           "+",         "any", "all",
                                        "null",  "undefined",   "any_addr",  "-",   "_",
                                        "undef", "in6addr_any", "INADDR_ANY"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (span_is(span, words[i]))
            return true;
    return false;
}

bool span_has_words(const char *text, const char *words) {
    size_t size = strlen(words);
    for (const char *at = text; (at = strcasestr(at, words)) != NULL; at++) {
        bool begins = at == text || !isalnum((unsigned char)at[-1]) || !isalnum((unsigned char)*at);
        bool ends = !isalnum((unsigned char)at[size]) || !isalnum((unsigned char)words[size - 1]);
        if (begins && ends)
            return true;
    }
    return false;
}
