#include "report/shared/picture.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "report/shared/page.h"

/* A picture in a page is drawn at no less than this part of its size, in percent. */
enum { LEAST_PERCENT = 72 };

void picture_begin(const struct page *page, const char *title, int width, int height) {
    fprintf(page->out,
            "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"%s\">"
            "<svg role=\"img\" style=\"--least:%dpx\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\"><title>%s</title>\n",
            title, width * LEAST_PERCENT / 100, width, height, width, height, title);
}

void picture_end(const struct page *page) {
    fputs("</svg></div>\n", page->out);
}

void picture_begin_plain(const struct page *page, const char *title, int width, int height) {
    fprintf(page->out,
            "<svg role=\"img\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">"
            "<title>%s</title>\n",
            width, height, width, height, title);
}

void picture_begin_file(struct page *page, FILE *out, const char *title, int width, int height) {
    *page = (struct page){.out = out, .text = escape_open(out, escape_xml)};
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\">\n<title>%s</title>\n<style>\n%s</style>\n"
            "<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n",
            width, height, width, height, title, style_picture, width, height);
}

void picture_end_file(struct page *page) {
    fputs("</svg>\n", page->out);
    fclose(page->text);
}

static void print_line(const struct page *page, int x, int y, const char *class, const char *text,
                       size_t size) {
    fprintf(page->out, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
    fwrite(text, 1, size, page->text);
    fputs("</text>\n", page->out);
}

void picture_text(const struct page *page, int x, int y, const char *class, const char *text) {
    print_line(page, x, y, class, text, strlen(text));
}

/* Returns how many bytes of the text are its first line. */
static size_t line_size(const char *text, int columns) {
    size_t used = 0, blank = 0, wide = 0, length;
    for (; text[used] != '\0' && text[used] != '\n'; used += length) {
        uint32_t code;
        length = utf8_next(text + used, strlen(text + used), &code);
        wide += utf8_width(text + used, length);
        if (wide > (size_t)columns)
            return blank > 0 ? blank : used;
        blank = text[used] == ' ' ? used : blank;
    }
    return used;
}

int picture_lines(const struct page *page, int x, int y, int columns, const char *class,
                  const char *text) {
    int lines = 0;
    while (*text != '\0') {
        size_t size = line_size(text, columns);
        print_line(page, x, y + lines++ * PICTURE_LINE, class, text, size);
        text += size + (text[size] == ' ' || text[size] == '\n');
    }
    return lines;
}
