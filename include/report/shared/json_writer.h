/* Writes JSON: escapes, commas and nesting are its business. */
#ifndef PORTREUSE_REPORT_SHARED_JSON_WRITER_H
#define PORTREUSE_REPORT_SHARED_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_DEPTH = 16 };

/* Set `out`, and `line` if it is to be so; the rest starts as zero. Within an object every value
 * has a key; elsewhere it is NULL.
 */
struct json {
    FILE *out; /* borrowed */
    bool line; /* all on one line */
    int depth;
    bool filled[JSON_DEPTH + 1];    /* something stands at this depth already */
    bool is_object[JSON_DEPTH + 1]; /* or an array */
};

void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);
void json_end(
    struct json *json); /* of the innermost object or array; at the outermost, a newline */

/* NULL text is null. What is not UTF-8 becomes U+FFFD. */
void json_string(struct json *json, const char *key, const char *text);
void json_number(struct json *json, const char *key, int64_t number);
void json_seconds(struct json *json, const char *key, uint64_t ns); /* 1.234567 */
void json_errno(struct json *json, const char *key, int error);     /* its name; 0 is null */
void json_bool(struct json *json, const char *key, bool yes);

#endif
