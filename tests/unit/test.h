/* What every unit test includes first. */
#ifndef PORTREUSE_TESTS_UNIT_TEST_H
#define PORTREUSE_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof(table)[0])

#endif
