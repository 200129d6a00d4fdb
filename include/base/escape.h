/* A stream that escapes what is written to it, so that one printing function serves every format.
 */
#ifndef PORTREUSE_BASE_ESCAPE_H
#define PORTREUSE_BASE_ESCAPE_H

#include <stdio.h>

/* Writes the escaped form of one byte to `out`. Bytes above 127 are parts of UTF-8 characters. */
typedef void escape_byte(FILE *out, unsigned char byte);

/* Opens an unbuffered stream that passes each byte through `escape` to `out`, so that the two
 * streams can be written alternately. fclose() closes it and leaves `out` open. Never NULL: see
 * arena_alloc(). */
FILE *escape_open(FILE *out, escape_byte *escape);

/* Writes `byte`, preceded by a backslash if it is one of `special`. */
void escape_backslash(FILE *out, unsigned char byte, const char *special);

/* Escapes text for a paragraph, a heading or a table in Markdown. */
escape_byte escape_markdown;

#endif
