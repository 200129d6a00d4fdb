/* The hash table: every key once, found again, in the order of adding. */
#include "test.h"

#include <stdlib.h>

#include "base/memory.h"

struct entry {
    uint32_t key;
    uint32_t value;
};

static void each_key_is_there_once_and_in_order(void **state) {
    enum { MANY = 10000 };
    struct table table = {.entry_size = sizeof(struct entry), .key_size = sizeof(uint32_t)};
    bool is_new;
    (void)state;
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < MANY; i++) {
            uint32_t key = i * 4096;
            struct entry *entry = table_add(&table, &key, &is_new);
            assert_int_equal(is_new, round == 0);
            assert_int_equal(entry->value, round);
            entry->value++;
        }
    assert_int_equal(table.count, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t key = i * 4096, missing = key + 1;
        assert_ptr_equal(table_find(&table, &key), table_entry(&table, i));
        assert_null(table_find(&table, &missing));
    }
    struct entry *entries = table_take(&table);
    assert_int_equal(entries[MANY - 1].key, (MANY - 1) * 4096);
    assert_int_equal(table.count, 0);
    free(entries);
    table_free(&table);
}

static void an_empty_one_has_nothing_and_can_be_used_again(void **state) {
    struct table table = {.entry_size = sizeof(struct entry), .key_size = sizeof(uint32_t)};
    uint32_t key = 7;
    bool is_new;
    (void)state;
    assert_null(table_find(&table, &key));
    table_free(&table);
    assert_non_null(table_add(&table, &key, &is_new));
    table_free(&table);
    assert_int_equal(table.count, 0);
    assert_null(table_find(&table, &key));
    assert_non_null(table_add(&table, &key, &is_new));
    assert_true(is_new);
    table_free(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_is_there_once_and_in_order),
        cmocka_unit_test(an_empty_one_has_nothing_and_can_be_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
