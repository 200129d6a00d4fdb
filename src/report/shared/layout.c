/* Everything printed for a terminal passes through utf8_print(), which makes it safe; widths are
 * counted in columns. */
#include "report/shared/layout.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "base/text.h"

static unsigned columns = LAYOUT_COLUMNS;

void layout_unfold(bool unfolds) {
    columns = unfolds ? INT_MAX : LAYOUT_COLUMNS;
}

unsigned layout_columns(void) {
    return columns;
}

void layout_text(FILE *out, const char *text) {
    utf8_print(out, text, strlen(text));
}

/* --- words --- */

/* Returns how long a unit of time, or a percent sign, is at the beginning of the text, or 0. */
static size_t unit_size(const char *text) {
    static const char *const units[] = {"s", "ms", "us", "%"};
    size_t size = strcspn(text, " \n,;:.()");
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strlen(units[i]) == size && strncmp(units[i], text, size) == 0)
            return size;
    return 0;
}

size_t layout_word(const char *text, const char *blanks) {
    size_t size = strcspn(text, blanks);
    bool is_number = size > 0 && isdigit((unsigned char)text[size - 1]) && text[size] == ' ';
    if (is_number && unit_size(text + size + 1) > 0)
        size += 1 + strcspn(text + size + 1, blanks);
    return size;
}

/* --- lines to paste --- */

static void print_remark(FILE *out, const char *remark, unsigned indent) {
    const char *first = remark + strspn(remark, "# ");
    unsigned column = columns;
    for (const char *word = first; *word != '\0';) {
        size_t size = layout_word(word, " ");
        bool begins = column + 1 + size > columns;
        if (begins)
            fprintf(out, "%s%*s#", word == first ? "" : "\n", (int)indent, "");
        column = begins ? indent + 1 : column;
        fputc(' ', out);
        utf8_print(out, word, size);
        column += 1 + (unsigned)size;
        word += size + strspn(word + size, " ");
    }
    fputc('\n', out);
}

void layout_shell_line(FILE *out, const char *line, unsigned indent) {
    if (line[0] == '#') {
        print_remark(out, line, indent);
        return;
    }
    fprintf(out, "%*s", (int)indent, "");
    layout_text(out, line);
    fputc('\n', out);
}

/* --- paragraphs --- */

/* Skips the spaces before a word; `*paragraph` says whether a new paragraph begins there. */
static const char *skip_spaces(const char *text, bool *paragraph) {
    unsigned newlines = 0;
    for (; *text == ' ' || *text == '\n'; text++)
        newlines += *text == '\n';
    *paragraph = newlines > 1;
    return text;
}

unsigned layout_words(FILE *out, const char *text, unsigned indent, unsigned column) {
    bool line_is_new = true; /* it has no word of the text yet */
    bool paragraph;
    const char *at = skip_spaces(text, &paragraph);
    paragraph = false; /* not before the first word */
    while (*at != '\0') {
        size_t size = layout_word(at, " \n"), width = utf8_width(at, size);
        bool fits = column + !line_is_new + width <= columns || column <= indent;
        if (paragraph || !fits) {
            fprintf(out, "%s\n%*s", paragraph ? "\n" : "", (int)indent, "");
            column = indent;
            line_is_new = true;
        }
        fputs(line_is_new ? "" : " ", out);
        column += (unsigned)width + !line_is_new;
        utf8_print(out, at, size);
        line_is_new = false;
        at = skip_spaces(at + size, &paragraph);
        paragraph = paragraph && *at != '\0';
    }
    return column;
}

void layout_wrap(FILE *out, const char *text, unsigned indent, unsigned column) {
    layout_words(out, text, indent, column);
    fputc('\n', out);
}

void layout_wrap_end(FILE *out, struct composed *text, unsigned indent, unsigned column) {
    layout_wrap(out, compose_end(text), indent, column);
    compose_free(text);
}

/* --- colour --- */

const char *layout_colour(bool wanted, enum verdict verdict) {
    static const char *const begin[VERDICTS] = {[VERDICT_PASS] = "\x1b[32m",
                                                [VERDICT_SKIP] = "\x1b[33m",
                                                [VERDICT_FAIL] = "\x1b[1;31m",
                                                [VERDICT_ERROR] = "\x1b[1;35m"};
    return wanted ? begin[verdict] : "";
}

const char *layout_colour_end(bool wanted) {
    return wanted ? "\x1b[0m" : "";
}

/* --- the first line --- */

void layout_print_line(FILE *out, const char *line, enum verdict verdict, bool colour) {
    size_t word = strcspn(line, " ");
    fprintf(out, "%s%.*s%s%s\n", layout_colour(colour, verdict), (int)word, line,
            layout_colour_end(colour), line + word);
}

static size_t without_punctuation(const char *text, size_t length) {
    while (length > 0 && strchr(" ,;:(", text[length - 1]) != NULL)
        length--;
    return length;
}

/* A parenthesis is kept whole, or not at all. */
static size_t without_half_parenthesis(const char *text, size_t length) {
    for (size_t i = length; i > 0 && text[i - 1] != ')'; i--)
        if (text[i - 1] == '(')
            length = i;
    return without_punctuation(text, length);
}

/* Returns how much of the line to keep: the words that fit, without punctuation at the end. A long
 * word that would take more than half of the line with it is cut between characters. */
static size_t fitting(const char *text) {
    const size_t most = LAYOUT_LINE_SIZE - 1;
    size_t length = strlen(text);
    if (length <= most)
        return length;
    for (length = most; length > 0 && text[length] != ' ';)
        length--;
    length = without_half_parenthesis(text, without_punctuation(text, length));
    return length > most / 2 ? length : utf8_cut(text, most);
}

size_t layout_line_end(struct composed *line, char *text) {
    const char *whole = compose_end(line);
    size_t length = fitting(whole);
    memcpy(text, whole, length);
    text[length] = '\0';
    compose_free(line);
    return line->size;
}
