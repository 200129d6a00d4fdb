/* Writes JSON, with escapes, commas and nesting. */
#ifndef PORTREUSE_REPORT_SHARED_JSON_H
#define PORTREUSE_REPORT_SHARED_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_DEPTH = 16 };

/* The caller sets `out` and `line`; the rest starts as zero. In an object every value has a key;
 * elsewhere the key is NULL. */
struct json {
    FILE *out; /* borrowed */
    bool line; /* all on one line */
    int depth;
    bool filled[JSON_DEPTH + 1];    /* there is a value at this depth already */
    bool is_object[JSON_DEPTH + 1]; /* otherwise an array */
};

void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);

/* Ends the innermost object or array; after the outermost it prints a newline. */
void json_end(struct json *json);

/* A NULL text is null. Bytes that are not UTF-8 become U+FFFD. */
void json_string(struct json *json, const char *key, const char *text);
void json_number(struct json *json, const char *key, int64_t number);
void json_seconds(struct json *json, const char *key, uint64_t ns); /* 1.234567 */
void json_errno(struct json *json, const char *key, int error);     /* its name; 0 is null */
void json_bool(struct json *json, const char *key, bool yes);

#endif
