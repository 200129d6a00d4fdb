/* Text: UTF-8 from outside made safe to print, streams that escape, suggestions for misspelt words.
 */
#ifndef PORTREUSE_BASE_TEXT_H
#define PORTREUSE_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* --- UTF-8 --- */

/* Untrusted text, made safe to print. */

/* Reads the character at `text`, which has `size` > 0 bytes left. Returns its length in bytes and
 * sets `*code` to its code point. If the bytes are not UTF-8, `*code` is UTF8_INVALID and the
 * length is 1. */
size_t utf8_next(const char *text, size_t size, uint32_t *code);

enum { UTF8_INVALID = 0x110000 };

/* Returns the number of characters in `size` bytes; a byte that is not UTF-8 counts as one. */
size_t utf8_length(const char *text, size_t size);

/* Returns how many columns utf8_print() needs for the text. */
size_t utf8_width(const char *text, size_t size);

/* Returns the length of the longest prefix of `text` that has at most `most` bytes and ends between
 * characters. */
size_t utf8_cut(const char *text, size_t most);

/* Returns whether a character is not visible, or changes how others are shown: marks of direction,
 * characters without a width, separators of lines. */
bool utf8_deceives(uint32_t code);

/* Returns whether a log would take the text at this place for a command to the system that keeps
 * the log: GitHub's runner `::name` at the start of a line, and `##[name` anywhere in it (that is
 * how Azure Pipelines and TeamCity read `##vso[` and `##teamcity[`). Printed otherwise, the `:` or
 * `[` at this place makes it none. */
bool utf8_commands(const char *text, size_t size, size_t at);

/* Prints the text so that it cannot affect a terminal, nor what reads a log: a control character is
 * printed as `\x1b`, one that deceives or is a noncharacter as `\u202e`, a byte that is not UTF-8
 * as U+FFFD, `::error` at the start as `\x3a:error`, and `##[error]` as `##\x5berror]`. */
void utf8_print(FILE *out, const char *text, size_t size);

/* Prints as vfprintf(3) does, but so that nothing of it can affect a terminal: see utf8_print(). A
 * newline is printed as `\x0a`, too. */
void utf8_vprint(FILE *out, const char *format, va_list values)
    __attribute__((format(printf, 2, 0)));

/* --- streams that escape --- */

/* A stream that escapes what is written to it, so that one printing function serves every format.
 */

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

/* Escapes text for XML, between tags or in an attribute in double quotes. */
escape_byte escape_xml;

/* Escape text for a workflow command of GitHub Actions: its message, and the value of a property.
 */
escape_byte escape_github, escape_github_property;

/* --- a text that is composed before it is printed --- */

/* Text in memory, because its width, or whether there is any, decides where it is printed. */
struct composed {
    char *bytes; /* owned; ends with a NUL after compose_end() */
    size_t size;
    FILE *out; /* until compose_end() */
};

/* Begins a text; returns the stream to print it to. Never NULL: see arena_alloc(). */
FILE *compose_begin(struct composed *text);

/* Ends it. Returns the bytes, which compose_free() frees. */
const char *compose_end(struct composed *text);
void compose_free(struct composed *text);

/* --- suggestions --- */

/* "unknown verb 'bnid'; did you mean 'bind'?": finds the known word closest to a misspelt one. */

struct suggestion {
    const char *misspelt; /* borrowed */
    const char *word;     /* borrowed: the closest word so far, or NULL */
    size_t
        distance; /* its distance; while there is no word, the smallest distance that is too far */
};

/* Starts a search for words close to `misspelt`, which must outlive the search. Longer words may
 * differ more: one typing error in a word of three letters, two from six letters on. */
struct suggestion suggest_begin(const char *misspelt);

/* Offers a word, which must outlive the search. In the end `search->word` is the closest of all
 * words offered, the first of several that are equally close. Two letters swapped count as one
 * error. */
void suggest_offer(struct suggestion *search, const char *word);

#endif
