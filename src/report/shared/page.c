#include "report/shared/page.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "report/shared/layout.h"

void page_badge(const struct page *page, const char *word, enum verdict verdict) {
    fprintf(page->out, "<span class=\"b %s\">%s</span>", verdict_name(verdict), word);
}

static void print_text(const struct page *page, const char *text, size_t size) {
    utf8_print(page->text, text, size);
}

/* Prints words, none of which is broken: with a hyphen they are names, options and ranges, with a
 * blank a number and its unit. */
static void print_words(const struct page *page, const char *text, size_t size) {
    for (size_t at = 0; at < size; at++) {
        size_t word = layout_word(text + at, " ");
        word = word < size - at ? word : size - at;
        bool whole = memchr(text + at, '-', word) != NULL || memchr(text + at, ' ', word) != NULL;
        fputs(whole ? "<span class=\"whole\">" : "", page->out);
        print_text(page, text + at, word);
        fputs(whole ? "</span>" : "", page->out);
        at += word;
        fputs(at < size ? " " : "", page->out);
    }
}

void page_begin(struct page *page, FILE *out, const char *line, enum verdict verdict) {
    *page = (struct page){.out = out, .text = escape_open(out, escape_xml)};
    size_t word = strcspn(line, " ");
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"generator\" content=\"portreuse " PORTREUSE_VERSION "\">\n<title>",
          out);
    print_text(page, line, strlen(line));
    fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<h1><span class=\"%s\">",
            style_page, verdict_name(verdict));
    print_text(page, line, word);
    fputs("</span>", out);
    print_words(page, line + word, strlen(line + word));
    fputs("</h1>\n", out);
}

void page_end(struct page *page) {
    fputs("</main>\n</body>\n</html>\n", page->out);
    fclose(page->text);
}

void page_prose(const struct page *page, const char *heading, const char *text) {
    if (text == NULL)
        return;
    fprintf(page->out, "<h2>%s</h2>\n", heading);
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t size = end == NULL ? strlen(text) : (size_t)(end - text);
        fputs("<p>", page->out);
        for (size_t i = 0; i < size;) { /* a control character but for the newline is escaped */
            size_t part = strcspn(text + i, "\n");
            part = part > size - i ? size - i : part;
            print_words(page, text + i, part);
            i += part;
            fputs(i < size ? "\n" : "", page->out);
            i += i < size;
        }
        fputs("</p>\n", page->out);
        text += size + strspn(text + size, "\n");
    }
}

/* Returns whether the line at `text` is a heading: it stands at the margin, and the next line, if
 * it is not empty, is indented. */
static bool is_heading(const char *text) {
    size_t size = strcspn(text, "\n");
    return *text != ' ' && text[size] == '\n' && text[size + 1] == ' ';
}

/* Prints the line at `text`; returns the next one. */
static const char *print_line(const struct page *page, const char *text) {
    size_t size = strcspn(text, "\n");
    print_words(page, text, size);
    fputc('\n', page->out);
    return text + size + (text[size] == '\n');
}

/* Prints a paragraph at the margin, up to its end; returns the end. */
static const char *print_paragraph(const struct page *page, const char *text) {
    fputs("<p>", page->out);
    while (*text != '\0' && *text != '\n' && *text != ' ' && !is_heading(text))
        text = print_line(page, text);
    fputs("</p>\n", page->out);
    return text;
}

static bool is_word(const char *heading, size_t size, const char *word) {
    return strlen(word) == size && memcmp(heading, word, size) == 0;
}

/* Returns whether sentences stand below this heading, which a page breaks where it likes. */
static bool is_prose(const char *heading, size_t size) {
    return is_word(heading, size, "Cause") || is_word(heading, size, "Note") ||
           is_word(heading, size, "Why");
}

/* Prints each indented line as a paragraph, up to the next that is not; returns the end. */
static const char *print_sentences(const struct page *page, const char *text) {
    while (*text == ' ') {
        fputs("<p>", page->out);
        text = print_line(page, text + strspn(text, " "));
        fputs("</p>\n", page->out);
    }
    return text;
}

/* Prints a line of a block, which hangs where the page breaks it. A click selects the whole of a
 * command, to copy it. */
static void print_block_line(const struct page *page, const char *line, size_t size, bool command) {
    size_t depth = strspn(line, " ");
    fputs("<span class=\"line\"", page->out);
    if (depth > 0)
        fprintf(page->out, " style=\"--in:%zu\"", depth);
    fprintf(page->out, ">%.*s", (int)depth, line);
    fputs(command ? "<span class=\"copy\">" : "", page->out);
    print_words(page, line + depth, size - depth);
    fputs(command ? "</span>\n</span>" : "\n</span>", page->out);
}

static const char advice[] = "What to do";

/* Prints indented lines as they are, up to the next that is not; returns the end. With `commands`,
 * each that is not a remark is a command, as it is below a line that says what to do. */
static const char *print_block(const struct page *page, const char *text, bool commands) {
    enum { STEP = 2 };
    size_t from = commands ? 0 : SIZE_MAX; /* the depth of commands */
    fputs("<pre>", page->out);
    while (*text == ' ' || (*text == '\n' && text[1] == ' ')) {
        size_t size = strcspn(text, "\n"), indent = size < STEP ? size : STEP;
        const char *line = text + indent;
        size_t depth = strspn(line, " "), length = size - indent;
        from = depth < from ? SIZE_MAX : from;
        print_block_line(page, line, length, depth == from && depth < length && line[depth] != '#');
        if (is_word(line + depth, length - depth, advice))
            from = depth + STEP;
        text += size + (text[size] == '\n');
    }
    fputs("</pre>\n", page->out);
    return text;
}

void page_plain(const struct page *page, const char *text) {
    bool prose = false, commands = false;
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        if (size == 0) {
            text++;
        } else if (*text == ' ') {
            text = prose ? print_sentences(page, text) : print_block(page, text, commands);
        } else if (is_heading(text)) {
            prose = is_prose(text, size);
            commands = is_word(text, size, advice);
            fputs("<h2>", page->out);
            print_words(page, text, size);
            fputs("</h2>\n", page->out);
            text += size + 1;
        } else {
            text = print_paragraph(page, text);
        }
    }
}

void page_table(const struct page *page, const char *heading, const char *text, bool open) {
    fprintf(page->out, "<details%s><summary>%s</summary>\n<pre class=\"table\" tabindex=\"0\">",
            open ? " open" : "", heading);
    for (text += strspn(text, "\n"); *text != '\0'; text += strcspn(text, "\n")) {
        fputs(*text == '\n' ? "\n" : "", page->out);
        text += *text == '\n';
        print_text(page, text, strcspn(text, "\n"));
    }
    fputs("</pre>\n</details>\n", page->out);
}
