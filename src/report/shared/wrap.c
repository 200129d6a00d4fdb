#include "report/shared/wrap.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

enum { WIDTH = 80 };

/* The blanks before a word: whether they part it from the one before as a paragraph. */
static const char *skip_blanks(const char *text, bool *paragraph) {
    unsigned newlines = 0;
    for (; *text == ' ' || *text == '\n'; text++)
        newlines += *text == '\n';
    *paragraph = newlines > 1;
    return text;
}

void wrap_print(FILE *out, const char *text, unsigned indent, unsigned column) {
    bool line_is_new = true; /* no word of the text stands in it */
    bool paragraph;
    const char *at = skip_blanks(text, &paragraph);
    paragraph = false; /* one that starts the text is none */
    while (*at != '\0') {
        size_t size = strcspn(at, " \n"), width = utf8_width(at, size);
        bool fits = column + !line_is_new + width <= WIDTH || column <= indent;
        if (paragraph || !fits) {
            fprintf(out, "%s\n%*s", paragraph ? "\n" : "", (int)indent, "");
            column = indent;
            line_is_new = true;
        }
        fputs(line_is_new ? "" : " ", out);
        column += (unsigned)width + !line_is_new;
        utf8_print(out, at, size);
        line_is_new = false;
        at = skip_blanks(at + size, &paragraph);
        paragraph = paragraph && *at != '\0';
    }
    fputc('\n', out);
}
