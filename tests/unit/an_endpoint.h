/* Endpoints for tests, from text. */
#ifndef PORTREUSE_TESTS_UNIT_AN_ENDPOINT_H
#define PORTREUSE_TESTS_UNIT_AN_ENDPOINT_H

#include "base/endpoint.h"
#include "test.h"

/* The endpoint that `text` says; the test fails if it says none. */
static inline struct endpoint an_endpoint(const char *text) {
    struct endpoint_pattern pattern;
    const char *at, *wrong = endpoint_parse(text, &pattern, &at);
    if (wrong != NULL)
        fail_msg("%s: %s", text, wrong);
    return pattern.endpoint;
}

#endif
