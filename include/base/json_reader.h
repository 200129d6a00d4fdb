/* Reads JSON (RFC 8259) and passes each value to a callback; nothing is stored. */
#ifndef PORTREUSE_BASE_JSON_READER_H
#define PORTREUSE_BASE_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>

enum { JSON_READ_DEPTH = 64, JSON_READ_TEXT = 256 };

enum json_event { JSON_READ_OPEN, JSON_READ_CLOSE, JSON_READ_STRING, JSON_READ_OTHER };

/* Called for the start and the end of each object and array, for each string, and for any other
 * value, whose text is passed unchanged. `depth` is the number of enclosing objects and arrays;
 * `key` is the name in the enclosing object, or "". Text longer than JSON_READ_TEXT - 1 bytes is
 * cut. */
typedef void json_visit(void *context, enum json_event event, unsigned depth, const char *key,
                        const char *text);

/* Reads the `size` bytes at `bytes`. Returns NULL, or a static error message. */
const char *json_read(const char *bytes, size_t size, json_visit *visit, void *context);

#endif
