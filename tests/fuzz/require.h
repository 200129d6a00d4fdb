/* What must hold whatever the input is. */
#ifndef PORTREUSE_FUZZ_REQUIRE_H
#define PORTREUSE_FUZZ_REQUIRE_H

#include <stdio.h>
#include <stdlib.h>

#define require(holds)                                                                             \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
