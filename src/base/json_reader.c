/* A recursive-descent parser, at most JSON_READ_DEPTH levels deep. */
#include "base/json_reader.h"

#include <stdint.h>
#include <string.h>

struct reader {
    const char *at, *end;
    json_visit *visit;
    void *context;
    unsigned depth;
};

static const char *read_value(struct reader *reader, const char *key);

static char peek(const struct reader *reader) {
    return reader->at < reader->end ? *reader->at : '\0';
}

static void skip_blanks(struct reader *reader) {
    while (peek(reader) != '\0' && strchr(" \t\r\n", *reader->at) != NULL)
        reader->at++;
}

/* Consumes `c` if it is next, with the blanks around it. */
static bool take(struct reader *reader, char c) {
    skip_blanks(reader);
    if (reader->at == reader->end || *reader->at != c)
        return false;
    reader->at++;
    skip_blanks(reader);
    return true;
}

static void put(char *text, size_t *size, char c) {
    if (*size < JSON_READ_TEXT - 1)
        text[(*size)++] = c;
}

/* Reads four hexadecimal digits; a character outside ASCII becomes a question mark. */
static const char *read_code(struct reader *reader, char *text, size_t *size) {
    static const char digits[] = "0123456789abcdef";
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        char c = peek(reader);
        c = (char)(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
        const char *digit = c == '\0' ? NULL : strchr(digits, c);
        if (digit == NULL)
            return "\\u must be followed by four hexadecimal digits";
        code = code * 16 + (uint32_t)(digit - digits);
        reader->at++;
    }
    put(text, size, code > 0 && code < 0x80 ? (char)code : '?');
    return NULL;
}

static const char *read_escape(struct reader *reader, char *text, size_t *size) {
    static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    char c = peek(reader);
    const char *name = c == '\0' ? NULL : strchr(names, c);
    if (c != 'u' && name == NULL)
        return "unknown escape sequence in a string";
    reader->at++;
    if (c == 'u')
        return read_code(reader, text, size);
    put(text, size, means[name - names]);
    return NULL;
}

/* Reads the text between quotes. */
static const char *read_string(struct reader *reader, char *text) {
    size_t size = 0;
    if (peek(reader) != '"')
        return "expected a string";
    for (reader->at++; peek(reader) != '"';) {
        if (reader->at == reader->end || (unsigned char)*reader->at < 0x20)
            return "unterminated string";
        char c = *reader->at++;
        const char *wrong = NULL;
        if (c == '\\')
            wrong = read_escape(reader, text, &size);
        else
            put(text, &size, c);
        if (wrong != NULL)
            return wrong;
    }
    reader->at++;
    text[size] = '\0';
    return NULL;
}

/* Reads a number, true, false or null, without checking its form closely. */
static const char *read_other(struct reader *reader, char *text) {
    static const char letters[] = "+-.0123456789abcdefghijklmnopqrstuvwxyzE";
    size_t size = 0;
    while (peek(reader) != '\0' && strchr(letters, *reader->at) != NULL)
        put(text, &size, *reader->at++);
    text[size] = '\0';
    return size == 0 ? "expected a value" : NULL;
}

static const char *read_member(struct reader *reader, bool is_object) {
    char key[JSON_READ_TEXT] = "";
    const char *wrong = is_object ? read_string(reader, key) : NULL;
    if (wrong == NULL && is_object && !take(reader, ':'))
        wrong = "expected a colon";
    return wrong != NULL ? wrong : read_value(reader, key);
}

static const char *read_members(struct reader *reader, const char *key, bool is_object) {
    char close = is_object ? '}' : ']';
    const char *wrong = NULL;
    if (reader->depth == JSON_READ_DEPTH)
        return "nested too deeply";
    reader->visit(reader->context, JSON_READ_OPEN, reader->depth++, key, "");
    reader->at++;
    bool empty = take(reader, close);
    if (!empty) {
        do
            wrong = read_member(reader, is_object);
        while (wrong == NULL && take(reader, ','));
        if (wrong == NULL && !take(reader, close))
            wrong = "expected a comma or the end of the object or array";
    }
    reader->visit(reader->context, JSON_READ_CLOSE, --reader->depth, key, "");
    return wrong;
}

static const char *read_value(struct reader *reader, const char *key) {
    char text[JSON_READ_TEXT];
    char c = peek(reader);
    if (c == '{' || c == '[')
        return read_members(reader, key, c == '{');
    const char *wrong = c == '"' ? read_string(reader, text) : read_other(reader, text);
    if (wrong == NULL)
        reader->visit(reader->context, c == '"' ? JSON_READ_STRING : JSON_READ_OTHER, reader->depth,
                      key, text);
    return wrong;
}

const char *json_read(const char *bytes, size_t size, json_visit *visit, void *context) {
    struct reader reader = {bytes, bytes + size, visit, context, 0};
    skip_blanks(&reader);
    const char *wrong = read_value(&reader, "");
    skip_blanks(&reader);
    return wrong == NULL && reader.at < reader.end ? "unexpected text after the value" : wrong;
}
