/* The arena: alignment, growth, and the end when out of memory. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

static bool all_bytes_are(const void *bytes, size_t size, unsigned char value) {
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        if (at[i] != value)
            return false;
    return true;
}

static void arena_bytes_are_zeroed_and_aligned_for_any_type(void **state) {
    struct arena arena = {0};
    (void)state;
    for (size_t size = 1; size <= 300; size++) {
        void *bytes = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)bytes % alignof(max_align_t), 0);
        assert_true(all_bytes_are(bytes, size, 0));
        memset(bytes, 0xff, size); /* would show up in the next one if they overlapped */
    }
    arena_free(&arena);
}

static void arena_keeps_allocations_apart_over_many_blocks(void **state) {
    enum { COUNT = 4000, SIZE = 41 };
    static unsigned char *given[COUNT];
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        given[i] = arena_alloc(&arena, SIZE);
        memset(given[i], (int)(i % 251), SIZE);
    }
    for (size_t i = 0; i < COUNT; i++)
        assert_true(all_bytes_are(given[i], SIZE, (unsigned char)(i % 251)));
    arena_free(&arena);
}

static void arena_serves_sizes_around_and_above_its_block(void **state) {
    static const size_t sizes[] = {1, 4095, 4096, 4097, 1, 1 << 20, 1, 4096, 4080, 16};
    unsigned char *given[ROWS(sizes)];
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < ROWS(sizes); i++) {
        given[i] = arena_alloc(&arena, sizes[i]);
        assert_int_equal((uintptr_t)given[i] % alignof(max_align_t), 0);
        memset(given[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < ROWS(sizes); i++)
        assert_true(all_bytes_are(given[i], sizes[i], (unsigned char)(i + 1)));
    arena_free(&arena);
}

/* Where allocations share blocks: a large one in between does not end the block of the small ones.
 */
static void arena_goes_on_with_its_block_behind_a_large_allocation(void **state) {
    struct arena arena = {0};
    (void)state;
    const char *first = arena_alloc(&arena, 16), *second = arena_alloc(&arena, 16);
    arena_alloc(&arena, 1 << 20);
    const char *third = arena_alloc(&arena, 16);
    if (second == first + 16)
        assert_ptr_equal(third, second + 16);
    arena_free(&arena);
}

static void arena_copy_keeps_every_byte_and_ends_with_nul(void **state) {
    struct arena arena = {0};
    (void)state;
    memset(arena_alloc(&arena, 64), 0xff, 64);
    char *copy = arena_copy(&arena, "ab\0cd", 5);
    assert_memory_equal(copy, "ab\0cd", 6);
    assert_string_equal(arena_copy(&arena, "abcdef", 3), "abc");
    assert_string_equal(arena_copy(&arena, "a", 1), "a");
    assert_string_equal(arena_copy(&arena, NULL, 0), "");
    arena_free(&arena);
}

static void arena_format_takes_texts_of_any_length(void **state) {
    enum { LONG = 50 * 1000 };
    struct arena arena = {0};
    (void)state;
    assert_string_equal(arena_format(&arena, "%s", ""), "");
    assert_string_equal(arena_format(&arena, "%s", "a"), "a");
    assert_string_equal(arena_format(&arena, "%d %s", -7, "seven"), "-7 seven");
    const char *wide = arena_format(&arena, "%0*d", LONG, 1);
    assert_int_equal(strlen(wide), LONG);
    assert_int_equal(wide[LONG - 1], '1');
    arena_free(&arena);
}

/* Two arrays grow in turns, so that one which were too short would run into the other. */
static void arena_grow_keeps_items_across_powers_of_two(void **state) {
    enum { COUNT = 1100 };
    struct arena arena = {0};
    uint64_t *up = NULL, *down = NULL;
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        up = arena_grow(&arena, up, i, sizeof up[0]);
        up[i] = i;
        down = arena_grow(&arena, down, i, sizeof down[0]);
        down[i] = UINT64_MAX - i;
        for (size_t j = 0; j <= i; j++)
            assert_true(up[j] == j && down[j] == UINT64_MAX - j);
    }
    arena_free(&arena);
}

static void arena_grow_moves_only_when_the_room_is_used_up(void **state) {
    struct arena arena = {0};
    int *items = NULL;
    unsigned moves = 0;
    (void)state;
    for (size_t i = 0; i < 1024; i++) {
        int *grown = arena_grow(&arena, items, i, sizeof items[0]);
        bool power_of_two = (i & (i - 1)) == 0;
        if (grown != items && !power_of_two)
            fail_msg("moved at %zu items", i);
        moves += grown != items;
        items = grown;
    }
    assert_in_range(moves, 2, 11);
    arena_free(&arena);
}

static void arena_free_empties_and_may_be_repeated(void **state) {
    struct arena arena = {0};
    (void)state;
    arena_free(&arena);
    arena_alloc(&arena, 100000);
    arena_alloc(&arena, 1);
    arena_free(&arena);
    assert_null(arena.newest);
    arena_free(&arena);
    assert_string_equal(arena_copy(&arena, "again", 5), "again");
    arena_free(&arena);
    assert_null(arena.newest);
}

/* A size that cannot be had ends the process, here a child, with status 2 and a line. */
static void arena_out_of_memory_ends_with_status_2(void **state) {
    int ends[2], status = 0;
    char line[64] = "";
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct arena arena = {0};
        dup2(ends[1], STDERR_FILENO);
        arena_alloc(&arena, SIZE_MAX - 1);
        _exit(0);
    }
    close(ends[1]);
    assert_true(child > 0);
    assert_true(read(ends[0], line, sizeof line - 1) > 0);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
    assert_string_equal(line, "portreuse: out of memory\n");
}

/* Returns whether a child process has the bytes: write() answers EFAULT where there are none. */
static bool child_has(const void *bytes) {
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(write(ends[1], bytes, 1) == 1 ? 0 : errno);
    assert_int_equal(waitpid(child, &status, 0), child);
    close(ends[0]);
    close(ends[1]);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == EFAULT);
    return WEXITSTATUS(status) == 0;
}

static void arena_that_is_apart_is_kept_from_child_processes(void **state) {
    static const size_t sizes[] = {1, 4096, 1 << 20, 1, 16};
    struct arena apart = {.apart = true}, shared = {0};
    (void)state;
    assert_true(child_has(arena_alloc(&shared, 1)));
    for (size_t i = 0; i < ROWS(sizes); i++) {
        unsigned char *bytes = arena_alloc(&apart, sizes[i]);
        assert_true(all_bytes_are(bytes, sizes[i], 0));
        memset(bytes, (int)i + 1, sizes[i]);
        assert_false(child_has(bytes));
        assert_int_equal(bytes[sizes[i] - 1], i + 1);
    }
    arena_free(&apart);
    assert_null(apart.newest);
    arena_free(&shared);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_bytes_are_zeroed_and_aligned_for_any_type),
        cmocka_unit_test(arena_keeps_allocations_apart_over_many_blocks),
        cmocka_unit_test(arena_serves_sizes_around_and_above_its_block),
        cmocka_unit_test(arena_goes_on_with_its_block_behind_a_large_allocation),
        cmocka_unit_test(arena_copy_keeps_every_byte_and_ends_with_nul),
        cmocka_unit_test(arena_format_takes_texts_of_any_length),
        cmocka_unit_test(arena_grow_keeps_items_across_powers_of_two),
        cmocka_unit_test(arena_grow_moves_only_when_the_room_is_used_up),
        cmocka_unit_test(arena_free_empties_and_may_be_repeated),
        cmocka_unit_test(arena_out_of_memory_ends_with_status_2),
        cmocka_unit_test(arena_that_is_apart_is_kept_from_child_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
