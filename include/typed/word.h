/* One word, or a few, that are nothing but an address. */
#ifndef PORTREUSE_TYPED_WORD_H
#define PORTREUSE_TYPED_WORD_H

#include "typed/typed.h"

/* Reads one word, as typed on a command line: `8080`, `:http`, `localhost:8080`, `udp/53`,
 * `53/udp`, `tcp://HOST:PORT`, a URL, `:::3000`, `*:3000`, `*.3000`, `127.0.0.1.3000`,
 * `[fe80::1%eth0]:80`, `/run/x.sock`, `unix:PATH`, `@abstract`. Returns NULL, or an error message
 * that says what to write instead, in `error` (TYPED_ERROR_SIZE bytes). */
const char *typed_word(const char *word, struct typed *typed, char *error);

/* Reads an address in several words: `127.0.0.1 8080`, `localhost port http`, `udp 53`, `telnet
 * localhost 80`. Returns whether it is that: a sentence is not. */
bool typed_words(const char *text, struct typed *typed);

#endif
