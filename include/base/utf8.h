/* Untrusted text, made safe to print. */
#ifndef PORTREUSE_BASE_UTF8_H
#define PORTREUSE_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Reads the character at `text`, which has `size` > 0 bytes left. Returns its length in bytes and
 * sets
 * `*code` to its code point, or to UTF8_INVALID if the bytes are not UTF-8; the length is then 1.
 */
size_t utf8_next(const char *text, size_t size, uint32_t *code);

enum { UTF8_INVALID = 0x110000 };

/* Returns the number of characters in `size` bytes; a byte that is not UTF-8 counts as one. */
size_t utf8_length(const char *text, size_t size);

/* Returns how many columns utf8_print() needs for the text. */
size_t utf8_width(const char *text, size_t size);

/* Returns the length of the longest prefix of `text` that has at most `most` bytes and ends between
 * characters. */
size_t utf8_cut(const char *text, size_t most);

/* Prints the text so that it cannot affect a terminal: a control character is printed as `\x1b`, a
 * character that changes the direction of writing or is a noncharacter as `\u202e`, a byte that is
 * not UTF-8 as U+FFFD. */
void utf8_print(FILE *out, const char *text, size_t size);

#endif
