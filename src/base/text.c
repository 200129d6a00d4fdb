/* Three small tools for text, each by itself; the sections below do not depend on each other. */
#include "base/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* --- UTF-8 --- */

static size_t length_by_first_byte(unsigned char first) {
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return 2;
    if ((first & 0xf0) == 0xe0)
        return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

size_t utf8_next(const char *text, size_t size, uint32_t *code) {
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length = length_by_first_byte(bytes[0]);
    *code = UTF8_INVALID;
    if (length == 0 || length > size)
        return 1;
    uint32_t value = length == 1 ? bytes[0] : bytes[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 1;
        value = value << 6 | (bytes[i] & 0x3f);
    }
    bool surrogate = value >= 0xd800 && value < 0xe000;
    if (value < smallest[length] || value >= UTF8_INVALID || surrogate)
        return 1;
    *code = value;
    return length;
}

size_t utf8_length(const char *text, size_t size) {
    size_t characters = 0;
    uint32_t code;
    for (size_t at = 0; at < size; characters++)
        at += utf8_next(text + at, size - at, &code);
    return characters;
}

size_t utf8_cut(const char *text, size_t most) {
    size_t size = strlen(text), at = 0;
    uint32_t code;
    if (size <= most)
        return size;
    for (;;) {
        size_t length = utf8_next(text + at, size - at, &code);
        if (at + length > most)
            return at;
        at += length;
    }
}

/* Marks that change the direction of the text that follows, separators of lines and paragraphs, and
 * characters without a width: with them, one name can look like another. Joiners (U+200C, U+200D)
 * are part of ordinary words. */
bool utf8_deceives(uint32_t code) {
    return code == 0xad || code == 0x61c || code == 0x180e || code == 0x200b || code == 0x200e ||
           code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
           (code >= 0xfff9 && code <= 0xfffb) || (code >= 0xe0000 && code <= 0xe007f);
}

/* `::error`, but not an IPv6 address such as `::ffff:10.0.0.1`: the names of commands have other
 * letters than hexadecimal digits. */
static bool begins_command(const char *text, size_t size) {
    size_t end = 2;
    bool is_word = false;
    if (size < 2 || text[0] != ':' || text[1] != ':')
        return false;
    for (; end < size && (isalpha((unsigned char)text[end]) || text[end] == '-'); end++)
        is_word |= !isxdigit((unsigned char)text[end]);
    return is_word;
}

bool utf8_commands(const char *text, size_t size, size_t at) {
    size_t front = at;
    if (text[at] == ':') {
        while (front > 0 && (text[front - 1] == ' ' || text[front - 1] == '\t'))
            front--;
        return front == 0 && begins_command(text + at, size - at);
    }
    if (text[at] != '[')
        return false;
    while (front > 0 && isalpha((unsigned char)text[front - 1]))
        front--;
    return front >= 2 && text[front - 1] == '#' && text[front - 2] == '#';
}

enum { ESCAPE_SIZE = 12 };

/* Returns what to print instead of the character at `at`, whose code is given: an escape, written
 * to `room`, or NULL for the character itself. */
static const char *printed_as(const char *text, size_t size, size_t at, uint32_t code, char *room) {
    if (code == UTF8_INVALID)
        return "\xef\xbf\xbd";
    if (code < 0x20 || (code >= 0x7f && code < 0xa0) || utf8_commands(text, size, at))
        snprintf(room, ESCAPE_SIZE, "\\x%02x", (unsigned)code);
    else if (utf8_deceives(code) || code == 0xfffe || code == 0xffff) /* noncharacters */
        snprintf(room, ESCAPE_SIZE, code > 0xffff ? "\\U%06x" : "\\u%04x", (unsigned)code);
    else
        return NULL;
    return room;
}

/* Returns how many bytes at the beginning are printed as they are, wherever they stand: most of
 * what is printed. */
static size_t plain_prefix(const char *text, size_t size) {
    size_t length = 0;
    while (length < size && text[length] >= ' ' && text[length] < 0x7f && text[length] != ':' &&
           text[length] != '[')
        length++;
    return length;
}

size_t utf8_width(const char *text, size_t size) {
    size_t width = 0;
    uint32_t code;
    char room[ESCAPE_SIZE];
    for (size_t at = 0, length; at < size; at += length) {
        length = plain_prefix(text + at, size - at);
        width += length;
        if (length > 0)
            continue;
        length = utf8_next(text + at, size - at, &code);
        bool escaped = code != UTF8_INVALID && printed_as(text, size, at, code, room) != NULL;
        width += escaped ? strlen(room) : 1;
    }
    return width;
}

/* What needs no escape is written in one piece. */
void utf8_print(FILE *out, const char *text, size_t size) {
    uint32_t code;
    char room[ESCAPE_SIZE];
    size_t written = 0;
    for (size_t at = 0, length; at < size; at += length) {
        length = plain_prefix(text + at, size - at);
        if (length > 0)
            continue;
        length = utf8_next(text + at, size - at, &code);
        const char *instead = printed_as(text, size, at, code, room);
        if (instead == NULL)
            continue;
        fwrite(text + written, 1, at - written, out);
        fputs(instead, out);
        written = at + length;
    }
    if (written < size)
        fwrite(text + written, 1, size - written, out);
}

void utf8_vprint(FILE *out, const char *format, va_list values) {
    char *text = memory_vformat(format, values);
    utf8_print(out, text, strlen(text));
    free(text);
}

/* --- streams that escape --- */

struct escaping {
    FILE *out; /* borrowed */
    escape_byte *escape;
};

static ssize_t escape_write(void *cookie, const char *bytes, size_t size) {
    const struct escaping *escaping = cookie;
    for (size_t i = 0; i < size; i++)
        escaping->escape(escaping->out, (unsigned char)bytes[i]);
    return (ssize_t)size; /* an error shows in `out` */
}

static int escape_close(void *cookie) {
    free(cookie);
    return 0;
}

FILE *escape_open(FILE *out, escape_byte *escape) {
    static const cookie_io_functions_t functions = {.write = escape_write, .close = escape_close};
    struct escaping *escaping = malloc(sizeof *escaping);
    FILE *stream = escaping == NULL ? NULL : fopencookie(escaping, "w", functions);
    if (stream == NULL)
        arena_out_of_memory();
    *escaping = (struct escaping){out, escape};
    setvbuf(stream, NULL, _IONBF, 0);
    return stream;
}

void escape_backslash(FILE *out, unsigned char byte, const char *special) {
    if (byte != '\0' && strchr(special, byte) != NULL)
        fputc('\\', out);
    fputc(byte, out);
}

void escape_xml(FILE *out, unsigned char byte) {
    switch (byte) {
    case '&':
        fputs("&amp;", out);
        break;
    case '<':
        fputs("&lt;", out);
        break;
    case '>':
        fputs("&gt;", out);
        break;
    case '"':
        fputs("&quot;", out);
        break;
    default:
        fputc(byte, out);
    }
}

void escape_markdown(FILE *out, unsigned char byte) {
    escape_backslash(out, byte, "\\`*_[]<>#|~&!@$");
}

void escape_github(FILE *out, unsigned char byte) {
    if (byte == '%' || byte == '\r' || byte == '\n')
        fprintf(out, "%%%02X", byte);
    else
        fputc(byte, out);
}

void escape_github_property(FILE *out, unsigned char byte) {
    if (byte == ':' || byte == ',')
        fprintf(out, "%%%02X", byte);
    else
        escape_github(out, byte);
}

/* --- a text that is composed before it is printed --- */

FILE *compose_begin(struct composed *text) {
    *text = (struct composed){0};
    text->out = memory_stream(&text->bytes, &text->size);
    return text->out;
}

const char *compose_end(struct composed *text) {
    fclose(text->out);
    return text->bytes;
}

void compose_free(struct composed *text) {
    free(text->bytes);
}

/* --- suggestions --- */

/* The restricted Damerau-Levenshtein distance: insertions, deletions, replacements and swaps of
 * neighbours, ignoring case. */

enum { LONGEST = 48 }; /* no known word is longer */

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static int folded(char letter) {
    return tolower((unsigned char)letter);
}

static size_t distance_between(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t row[3][LONGEST + 1]; /* for the letter of a before last, the last and the current one */
    size_t *before = row[0], *last = row[1], *now = row[2];
    for (size_t j = 0; j <= b_length; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t differ = folded(a[i - 1]) != folded(b[j - 1]);
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + differ);
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                folded(a[i - 2]) == folded(b[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *unused = before;
        before = last;
        last = now;
        now = unused;
    }
    return last[b_length];
}

struct suggestion suggest_begin(const char *misspelt) {
    size_t allowed = strlen(misspelt) / 3;
    return (struct suggestion){.misspelt = misspelt, .distance = least(allowed, 3) + 1};
}

void suggest_offer(struct suggestion *search, const char *word) {
    size_t a_length = strlen(search->misspelt), b_length = strlen(word);
    if (a_length > LONGEST || b_length > LONGEST)
        return;
    size_t distance = distance_between(search->misspelt, a_length, word, b_length);
    if (distance < search->distance) {
        search->word = word;
        search->distance = distance;
    }
}
