/* A stream that escapes: whatever prints text can print it into a document of any kind. */
#ifndef PORTREUSE_BASE_ESCAPE_H
#define PORTREUSE_BASE_ESCAPE_H

#include <stdio.h>

/* Writes to `out` what stands for one byte there. Bytes above 127 are parts of UTF-8. */
typedef void escape_byte(FILE *out, unsigned char byte);

/* Opens a stream each byte of which goes to `out` as `escape` writes it, at once, so that both may
 * be written in turn. fclose() ends it, and leaves `out` open. Never NULL: see arena_alloc(). */
FILE *escape_open(FILE *out, escape_byte *escape);

/* Writes `byte` with a backslash before it if it is one of `special`. */
void escape_backslash(FILE *out, unsigned char byte, const char *special);

/* For the text of a paragraph, a heading or a table in Markdown. */
escape_byte escape_markdown;

#endif
