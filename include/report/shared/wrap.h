/* Paragraphs for a terminal. */
#ifndef PORTREUSE_REPORT_SHARED_WRAP_H
#define PORTREUSE_REPORT_SHARED_WRAP_H

#include <stdio.h>

/* Prints `text`, and a newline behind it, in lines of at most 80 columns. The first goes on where
 * `column` columns have been printed already; every other starts with `indent` blanks. A newline in
 * the text is a blank, two end a paragraph. Control characters do nothing to a terminal. */
void wrap_print(FILE *out, const char *text, unsigned indent, unsigned column);

#endif
