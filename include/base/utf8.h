/* Text that came from outside, made safe to print. */
#ifndef PORTREUSE_BASE_UTF8_H
#define PORTREUSE_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Reads one character at `text`, of which `size` > 0 bytes are left. Returns its length in bytes;
 * `*code` is the code point, or UTF8_INVALID where the bytes are not UTF-8: the length is then 1.
 */
size_t utf8_next(const char *text, size_t size, uint32_t *code);

enum { UTF8_INVALID = 0x110000 };

/* How many characters `size` bytes hold; a byte that is not UTF-8 counts as one. */
size_t utf8_length(const char *text, size_t size);

/* How many columns utf8_print() takes for the text. */
size_t utf8_width(const char *text, size_t size);

/* How many of the first bytes of `text` make at most `most` bytes without cutting a character. */
size_t utf8_cut(const char *text, size_t most);

/* Prints the text so that a terminal shows it and does nothing else: a control character comes as
 * `\x1b`, one that turns the direction of writing or is none as `\u202e`, a byte that is not
 * UTF-8 as U+FFFD. */
void utf8_print(FILE *out, const char *text, size_t size);

#endif
