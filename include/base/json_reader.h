/* Reads JSON (RFC 8259) without keeping it: the caller is told each value as it comes. */
#ifndef PORTREUSE_BASE_JSON_READER_H
#define PORTREUSE_BASE_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>

enum { JSON_READ_DEPTH = 64, JSON_READ_TEXT = 256 };

enum json_event { JSON_READ_OPEN, JSON_READ_CLOSE, JSON_READ_STRING, JSON_READ_OTHER };

/* Called for each value: one that opens an object or array, its end, a string, or anything else
 * (its text is then as it stands). `depth` is how many objects and arrays are open around it, `key`
 * its name in an object, or "". Texts longer than JSON_READ_TEXT - 1 bytes are cut. */
typedef void json_visit(void *context, enum json_event event, unsigned depth, const char *key,
                        const char *text);

/* Returns NULL, or what is wrong with the `size` bytes at `bytes`, static. */
const char *json_read(const char *bytes, size_t size, json_visit *visit, void *context);

#endif
