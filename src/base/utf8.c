#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

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

/* Marks that change the direction of the text that follows: with them, one name can look like
 * another. */
static bool changes_direction(uint32_t code) {
    return code == 0x61c || code == 0x200e || code == 0x200f ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

enum { ESCAPE_SIZE = 8 };

/* Returns what to print instead of a character: an escape, written to `text`, or NULL for the
 * character itself. */
static const char *escape(uint32_t code, char *text) {
    if (code == UTF8_INVALID)
        return "\xef\xbf\xbd";
    if (code < 0x20 || (code >= 0x7f && code < 0xa0))
        snprintf(text, ESCAPE_SIZE, "\\x%02x", (unsigned)code);
    else if (changes_direction(code) || code == 0xfffe || code == 0xffff) /* noncharacters */
        snprintf(text, ESCAPE_SIZE, "\\u%04x", (unsigned)(code & 0xffff));
    else
        return NULL;
    return text;
}

size_t utf8_width(const char *text, size_t size) {
    size_t width = 0;
    uint32_t code;
    char room[ESCAPE_SIZE];
    for (size_t at = 0; at < size;) {
        at += utf8_next(text + at, size - at, &code);
        bool escaped = code != UTF8_INVALID && escape(code, room) != NULL;
        width += escaped ? strlen(room) : 1;
    }
    return width;
}

void utf8_print(FILE *out, const char *text, size_t size) {
    uint32_t code;
    char room[ESCAPE_SIZE];
    for (size_t at = 0, length; at < size; at += length) {
        length = utf8_next(text + at, size - at, &code);
        const char *instead = escape(code, room);
        if (instead != NULL)
            fputs(instead, out);
        else
            fwrite(text + at, 1, length, out);
    }
}
