/* A piece of a text, and what it can be: a port, an address, the name of a host or a service. */
#ifndef PORTREUSE_TYPED_SPAN_H
#define PORTREUSE_TYPED_SPAN_H

#include <stdbool.h>
#include <stddef.h>

struct span {
    const char *text; /* borrowed, in a text that ends with a 0 */
    size_t size;
};

/* Returns `size` bytes of a text, or the whole of it. */
struct span span_of(const char *text, size_t size);
struct span span_whole(const char *text);

/* Returns what is left without the first `size` bytes. */
struct span span_from(struct span span, size_t size);

/* Copies it to a buffer of `room` bytes, cut at its end. */
void span_copy(struct span span, char *to, size_t room);

/* Returns where the character is in it, or NULL: the first place, and the last one. */
const char *span_find(struct span span, char character);
const char *span_find_last(struct span span, char character);

/* Returns whether it is this word, in upper or lower case. */
bool span_is(struct span span, const char *word);

/* Returns whether it begins with this word, in upper or lower case. */
bool span_begins(struct span span, const char *word);

/* Returns whether it is a number from 0 to 65535. */
bool span_is_port(struct span span);

/* Returns whether it can name a service: letters, digits and dashes, with a letter among them (RFC
 * 6335). */
bool span_is_service(struct span span);

/* Returns AF_INET or AF_INET6 if it is an address, with or without a %device behind it; else 0. */
int span_family(struct span span);

/* Returns whether it can name a host. */
bool span_is_host(struct span span);

/* Returns whether it stands for every address: nothing, `*`, or a word that programs print. */
bool span_is_any(struct span span);

/* Returns whether a text has the words, in upper or lower case, where no letter or digit stands
 * before or behind them. */
bool span_has_words(const char *text, const char *words);

#endif
