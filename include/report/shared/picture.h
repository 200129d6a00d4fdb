/* Pictures in SVG, in a page or alone. Their colours and fonts are classes of picture.css; all
 * units are pixels, x to the right and y down. A picture in a page becomes narrower with the page,
 * down to a size that can be read, and then scrolls. */
#ifndef PORTREUSE_REPORT_SHARED_PICTURE_H
#define PORTREUSE_REPORT_SHARED_PICTURE_H

#include <stdio.h>

struct page;

/* The width of a character of a text, rounded up: of the fonts' 12 pixels, 7.2. */
enum { PICTURE_COLUMN = 8, PICTURE_LINE = 16 };

/* The style sheet of a picture that stands alone. */
extern const char style_picture[];

/* Begin a picture in a page, in a box of its own that scrolls, and end it. `title` is what somebody
 * who does not see it is told; here and below it is safe to print, and has nothing to escape. */
void picture_begin(const struct page *page, const char *title, int width, int height);
void picture_end(const struct page *page);

/* Begins a picture that is as wide as what it stands in, without such a box. It ends with `</svg>`,
 * as does a file. */
void picture_begin_plain(const struct page *page, const char *title, int width, int height);

/* Begins a file that is a picture, on a ground. picture_end_file() ends it. */
void picture_begin_file(struct page *page, FILE *out, const char *title, int width, int height);
void picture_end_file(struct page *page);

/* Writes a text, which is safe to print and is escaped here, with these classes. */
void picture_text(const struct page *page, int x, int y, const char *class, const char *text);

/* The same in lines of at most `columns` characters, broken at blanks where there are some; the
 * first at `y`. Returns how many lines. */
int picture_lines(const struct page *page, int x, int y, int columns, const char *class,
                  const char *text);

#endif
