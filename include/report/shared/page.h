/* A report as a page: one HTML file that needs nothing else, no script, no font, no picture from
 * elsewhere. It is light or dark as the reader's system is, fits narrow and wide screens, and can
 * be printed. */
#ifndef PORTREUSE_REPORT_SHARED_PAGE_H
#define PORTREUSE_REPORT_SHARED_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/verdict.h"

struct page {
    FILE *out;  /* borrowed: markup */
    FILE *text; /* text from outside, escaped for HTML */
};

/* The style sheet of a page with its pictures. */
extern const char style_page[];

/* Begins a page. `line` is the verdict line, which is its heading and its title. */
void page_begin(struct page *page, FILE *out, const char *line, enum verdict verdict);
void page_end(struct page *page);

/* Prints a verdict, or the word of a severity, in its colour. */
void page_badge(const struct page *page, const char *word, enum verdict verdict);

/* Prints a section of prose: a heading, and a paragraph for each part between empty lines. NULL:
 * nothing. */
void page_prose(const struct page *page, const char *heading, const char *text);

/* Prints the rest of a report that was written for a terminal: a line at the margin with indented
 * lines below it is a heading, those lines stand as they are, and the rest are paragraphs. */
void page_plain(const struct page *page, const char *text);

/* Prints lines as they are below a heading that opens them; `open`: they are open at first. */
void page_table(const struct page *page, const char *heading, const char *text, bool open);

#endif
