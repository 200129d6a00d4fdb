/* Addresses that are written as numbers, with their port: `127.0.0.1:80`, `[::]:80`, `*:80`, and as
 * programming languages and strace(1) write them. */
#ifndef PORTREUSE_TYPED_NUMBERS_H
#define PORTREUSE_TYPED_NUMBERS_H

#include "typed/place.h"

/* Returns how likely such an address begins here, 0 for not at all, and fills it in. */
int numbers_weigh(const struct place *place, struct typed *typed);

/* Reads Erlang's `{0,0,0,0}` or `{0,0,0,0,0,0,0,1}`, with blanks. Writes it as an address to `host`
 * of `room` bytes, and returns where it ends; NULL if it is none. */
const char *numbers_erlang(const char *at, char *host, size_t room);

#endif
