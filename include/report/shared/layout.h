/* Text for a terminal: safe text, paragraphs, colour, and the first line of a report. */
#ifndef PORTREUSE_REPORT_SHARED_LAYOUT_H
#define PORTREUSE_REPORT_SHARED_LAYOUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/text.h"
#include "base/verdict.h"

/* No line of a report is wider, except commands to copy. */
enum { LAYOUT_COLUMNS = 80 };

/* What is printed from now on is as wide as the text is, for a page that breaks lines itself; or
 * not any longer. */
void layout_unfold(bool unfolds);

/* Returns how wide a line may be now: 80, or any width. */
unsigned layout_columns(void);

/* Prints a text from outside so that it cannot affect a terminal; see base/text.h. */
void layout_text(FILE *out, const char *text);

/* Returns the size of the word at the beginning of the text: up to one of the blanks. A number and
 * its unit, as in `60 s`, are one word, which stays on one line. */
size_t layout_word(const char *text, const char *blanks);

/* Prints `text`, made safe, and a newline in lines of at most 80 columns. The first line continues
 * where `column` columns are already used; the others start with `indent` spaces. A newline in the
 * text is a space; two end a paragraph. */
void layout_wrap(FILE *out, const char *text, unsigned indent, unsigned column);

/* The same with a text that compose_begin() began: ends it, prints it, and frees it. */
void layout_wrap_end(FILE *out, struct composed *text, unsigned indent, unsigned column);

/* The same without the newline. Returns how many columns of the last line are used. */
unsigned layout_words(FILE *out, const char *text, unsigned indent, unsigned column);

/* Prints a line that can be pasted into a shell, made safe, after `indent` spaces: a command, which
 * stays on one line, or a remark, which begins with `#`, in lines that each begin so. */
void layout_shell_line(FILE *out, const char *line, unsigned indent);

/* Return what to print before and after a word in the colour of a verdict; "" unless `wanted`. */
const char *layout_colour(bool wanted, enum verdict verdict);
const char *layout_colour_end(bool wanted);

/* The first line of a report has at most 80 bytes. */
enum { LAYOUT_LINE_SIZE = 81 };

/* Prints a first line and a newline, with its first word in the colour of the verdict if `colour`.
 */
void layout_print_line(FILE *out, const char *line, enum verdict verdict, bool colour);

/* Ends a first line, which compose_begin() began, frees it and copies it to `text`, which has
 * LAYOUT_LINE_SIZE bytes. If it does not fit, words are left out at its end; only a single word
 * that does not fit is cut, between characters. Returns the length of the whole line, so that the
 * caller can try a shorter one. */
size_t layout_line_end(struct composed *line, char *text);

#endif
