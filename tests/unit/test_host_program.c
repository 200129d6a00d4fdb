/* The program that portreuse trace --host gives to the kernel, and the description of the kernel's
 * types that it is written by. Only root can load it; here it is read. */
#include <errno.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"
#include "trace/host_program.h"

/* --- a small description --- */

/* struct inner { u16 port; u8 low : 4, high : 3; };
 * struct outer { struct inner *next; const struct inner in; struct { union { u32 deep; }; }; }; */
struct description {
    struct btf_header head;
    uint32_t types[64];
    char names[64];
};

static unsigned name_of(struct description *all, const char *name) {
    unsigned at = all->head.str_len;
    memcpy(all->names + at, name, strlen(name) + 1);
    all->head.str_len += (uint32_t)strlen(name) + 1;
    return at;
}

static void put(struct description *all, uint32_t word) {
    all->types[all->head.type_len / 4] = word;
    all->head.type_len += 4;
}

static void put_type(struct description *all, const char *name, unsigned kind, unsigned count,
                     bool bits, uint32_t size) {
    put(all, name[0] == '\0' ? 0 : name_of(all, name));
    put(all, (uint32_t)bits << 31 | kind << 24 | count);
    put(all, size);
}

static void put_member(struct description *all, const char *name, uint32_t type, uint32_t offset) {
    put(all, name[0] == '\0' ? 0 : name_of(all, name));
    put(all, type);
    put(all, offset);
}

static void describe(struct description *all) {
    memset(all, 0, sizeof *all);
    all->head = (struct btf_header){.magic = BTF_MAGIC,
                                    .version = BTF_VERSION,
                                    .hdr_len = sizeof all->head,
                                    .str_off = sizeof all->types,
                                    .str_len = 1};
    put_type(all, "u16", BTF_KIND_INT, 0, false, 2); /* 1 */
    put(all, 16);
    put_type(all, "u32", BTF_KIND_INT, 0, false, 4); /* 2 */
    put(all, 32);
    put_type(all, "inner", BTF_KIND_STRUCT, 3, true, 4); /* 3 */
    put_member(all, "port", 1, 0);
    put_member(all, "low", 2, 4U << 24 | 16);
    put_member(all, "high", 2, 3U << 24 | 20);
    put_type(all, "", BTF_KIND_PTR, 0, false, 3);   /* 4 */
    put_type(all, "", BTF_KIND_CONST, 0, false, 3); /* 5 */
    put_type(all, "", BTF_KIND_UNION, 1, false, 4); /* 6 */
    put_member(all, "deep", 2, 0);
    put_type(all, "", BTF_KIND_STRUCT, 1, false, 4); /* 7 */
    put_member(all, "", 6, 0);
    put_type(all, "outer", BTF_KIND_STRUCT, 3, false, 16); /* 8 */
    put_member(all, "next", 4, 0);
    put_member(all, "in", 5, 64);
    put_member(all, "", 7, 96);
}

static char path[] = "/tmp/portreuse-btf-XXXXXX";

static int open_bytes(struct btf *btf, const void *bytes, size_t size) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    *btf = (struct btf){0};
    return btf_open(btf, path);
}

static void is_at(const struct btf *btf, const char *type, const char *member, uint32_t bit,
                  uint32_t bits) {
    struct btf_place place;
    assert_true(btf_find(btf, type, member, &place));
    assert_int_equal(place.bit, bit);
    assert_int_equal(place.bits, bits);
}

static void members_are_found(void **state) {
    struct description all;
    struct btf btf;
    struct btf_place place;
    (void)state;
    describe(&all);
    assert_int_equal(open_bytes(&btf, &all, sizeof all), 0);
    is_at(&btf, "inner", "port", 0, 16);
    is_at(&btf, "inner", "low", 16, 4);
    is_at(&btf, "inner", "high", 20, 3);
    is_at(&btf, "outer", "next", 0, 64);
    is_at(&btf, "outer", "in", 64, 32);
    is_at(&btf, "outer", "in.port", 64, 16);
    is_at(&btf, "outer", "in.high", 84, 3);
    is_at(&btf, "outer", "deep", 96, 32);
    assert_false(btf_find(&btf, "outer", "port", &place));
    assert_false(btf_find(&btf, "outer", "next.port", &place));
    assert_false(btf_find(&btf, "outer", "in.por", &place));
    assert_false(btf_find(&btf, "outer", "in.", &place));
    assert_false(btf_find(&btf, "oute", "in", &place));
    btf_close(&btf);
}

/* Cut anywhere, or with any word changed, it is refused or read, but nothing outside of it is: the
 * sanitizers and valgrind watch. */
static void what_is_broken_does_no_harm(void **state) {
    struct description all;
    struct btf btf;
    struct btf_place place;
    (void)state;
    describe(&all);
    for (size_t size = 0; size < sizeof all; size += 4)
        if (open_bytes(&btf, &all, size) == 0)
            btf_close(&btf);
    for (size_t word = 0; word < (sizeof all.head + all.head.type_len) / 4; word++)
        for (unsigned i = 0; i < 4; i++) {
            static const uint32_t values[] = {0, 8, 0x7fffffff, 0xffffffff};
            describe(&all);
            memcpy((char *)&all + 4 * word, &values[i], 4);
            if (open_bytes(&btf, &all, sizeof all) != 0)
                continue;
            btf_find(&btf, "outer", "in.high", &place);
            btf_find(&btf, "outer", "deep", &place);
            btf_close(&btf);
        }
    assert_int_equal(open_bytes(&btf, "", 0), EBADMSG);
    assert_int_equal(btf_open(&btf, "/nowhere"), ENOENT);
}

/* --- the program --- */

enum { CLASS_MASK = 7, CLASS_JUMP = 5, CALL = 0x85, EXIT = 0x95, LOAD_LONG = 0x18 };

static void write_it(struct bpf_code *code, struct host_layout *layout, const struct btf *btf) {
    int error = host_program_write(code, layout, btf, 3, 4);
    if (error == ENOTSUP)
        skip();
    assert_int_equal(error, 0);
    assert_true(code->count > 0 && code->count <= BPF_MOST_INSTRUCTIONS);
}

/* Also by a description that has none of the structures. */
static void every_jump_stays_inside(void **state) {
    static struct bpf_code code;
    struct description all;
    struct host_layout layout;
    struct btf btf;
    (void)state;
    describe(&all);
    assert_int_equal(open_bytes(&btf, &all, sizeof all), 0);
    write_it(&code, &layout, &btf);
    assert_int_equal(code.at[code.count - 1].code, EXIT);
    for (unsigned i = 0; i < code.count; i++) {
        const struct bpf_instruction *now = &code.at[i];
        if (now->code == LOAD_LONG) {
            i++;
            continue;
        }
        if ((now->code & CLASS_MASK) != CLASS_JUMP || now->code == CALL || now->code == EXIT)
            continue;
        assert_true(now->offset > 0);
        assert_true(i + 1 + (unsigned)now->offset < code.count);
    }
    btf_close(&btf);
}

static void facts_are_cut_out(void **state) {
    static struct host_record record;
    struct host_layout layout = {0};
    (void)state;
    record.facts[FACT_REUSEPORT] = 0x15;
    layout.facts[FACT_REUSEPORT] = (struct btf_place){156, 1};
    record.facts[FACT_REUSEADDR] = 0x15;
    layout.facts[FACT_REUSEADDR] = (struct btf_place){152, 4};
    record.facts[FACT_INODE] = UINT64_MAX;
    layout.facts[FACT_INODE] = (struct btf_place){512, 64};
    record.facts[FACT_USER] = 7;
    assert_int_equal(host_fact(&layout, record.facts, FACT_REUSEPORT), 1);
    assert_int_equal(host_fact(&layout, record.facts, FACT_REUSEADDR), 5);
    assert_true(host_fact(&layout, record.facts, FACT_INODE) == UINT64_MAX);
    assert_int_equal(host_fact(&layout, record.facts, FACT_USER),
                     0); /* this kernel does not have it */
}

/* The kernel that runs here has all that is looked for. */
static void this_kernel_is_understood(void **state) {
    static struct bpf_code code;
    struct host_layout layout;
    struct btf btf = {0};
    (void)state;
    if (access(btf_of_kernel, R_OK) < 0)
        skip();
    assert_int_equal(btf_open(&btf, btf_of_kernel), 0);
    write_it(&code, &layout, &btf);
    for (unsigned fact = 0; fact < FACTS; fact++)
        if (fact != FACT_ADDRESS6_LOW)
            assert_int_not_equal(layout.facts[fact].bits, 0);
    btf_close(&btf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found),         cmocka_unit_test(what_is_broken_does_no_harm),
        cmocka_unit_test(every_jump_stays_inside),   cmocka_unit_test(facts_are_cut_out),
        cmocka_unit_test(this_kernel_is_understood),
    };
    int file = mkstemp(path);
    if (file < 0)
        return 1;
    close(file);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
