/* The writer keeps the nesting, so that it knows where commas and keys belong; asserts catch a
 * wrong order of calls. */
#include "report/shared/json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/errnames.h"
#include "base/text.h"
#include "base/units.h"

/* Prints the escape that stands for the character, so that a person who reads the document sees it.
 */
static void print_escaped(FILE *out, uint32_t code) {
    if (code > 0xffff) { /* two of them, by UTF-16 */
        fprintf(out, "\\u%04x", (unsigned)(0xd800 + ((code - 0x10000) >> 10)));
        code = 0xdc00 + (code & 0x3ff);
    }
    fprintf(out, "\\u%04x", (unsigned)code);
}

static void quote(FILE *out, const char *text) {
    size_t size = strlen(text), length;
    uint32_t code;
    fputc('"', out);
    for (size_t at = 0; at < size; at += length) {
        length = utf8_next(text + at, size - at, &code);
        if (code == UTF8_INVALID)
            fputs("\\ufffd", out);
        else if (code == '"' || code == '\\')
            fprintf(out, "\\%c", (char)code);
        else if (code == '\n')
            fputs("\\n", out);
        else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
            fprintf(out, "\\u%04x", (unsigned)code);
        else if (utf8_deceives(code) || (code == '[' && utf8_commands(text, size, at)))
            print_escaped(out, code);
        else
            fwrite(text + at, 1, length, out);
    }
    fputc('"', out);
}

static void new_line(const struct json *json) {
    if (!json->line)
        fprintf(json->out, "\n%*s", 2 * json->depth, "");
}

/* What comes before any value: a comma, a new line, the key. */
static void begin_value(struct json *json, const char *key) {
    assert((key != NULL) == (json->depth > 0 && json->is_object[json->depth]));
    if (json->filled[json->depth])
        fputs(json->line ? ", " : ",", json->out);
    json->filled[json->depth] = true;
    if (json->depth > 0)
        new_line(json);
    if (key == NULL)
        return;
    quote(json->out, key);
    fputs(": ", json->out);
}

static void begin(struct json *json, const char *key, bool object) {
    begin_value(json, key);
    fputc(object ? '{' : '[', json->out);
    json->depth++;
    assert(json->depth <= JSON_DEPTH);
    json->filled[json->depth] = false;
    json->is_object[json->depth] = object;
}

void json_object(struct json *json, const char *key) {
    begin(json, key, true);
}

void json_array(struct json *json, const char *key) {
    begin(json, key, false);
}

void json_end(struct json *json) {
    assert(json->depth > 0);
    bool filled = json->filled[json->depth], object = json->is_object[json->depth];
    json->depth--;
    if (filled)
        new_line(json);
    fputc(object ? '}' : ']', json->out);
    if (json->depth == 0)
        fputc('\n', json->out);
}

void json_string(struct json *json, const char *key, const char *text) {
    begin_value(json, key);
    if (text == NULL)
        fputs("null", json->out);
    else
        quote(json->out, text);
}

void json_number(struct json *json, const char *key, int64_t number) {
    begin_value(json, key);
    fprintf(json->out, "%" PRId64, number);
}

void json_seconds(struct json *json, const char *key, uint64_t ns) {
    begin_value(json, key);
    fprintf(json->out, "%" PRIu64 ".%06" PRIu64, ns / NS_PER_S, ns % NS_PER_S / NS_PER_US);
}

void json_errno(struct json *json, const char *key, int error) {
    char name[ERRNAME_SIZE];
    json_string(json, key, error == 0 ? NULL : errname(error, name));
}

void json_bool(struct json *json, const char *key, bool yes) {
    begin_value(json, key);
    fputs(yes ? "true" : "false", json->out);
}
