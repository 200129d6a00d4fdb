/* The numbers are those of <linux/bpf.h>, which older headers lack in part. */
#include "kernel/bpf.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __TINYC__
#include <linux/bpf.h>
#else /* which does not understand that header: what is used here of it */
#include <linux/bpf_common.h>
enum {
    BPF_ALU64 = 0x07,
    BPF_DW = 0x18, /* <linux/bpf_common.h> has the smaller ones */
    BPF_MOV = 0xb0,
    BPF_JNE = 0x50,
    BPF_JSGE = 0x70,
    BPF_JSLT = 0xc0,
    BPF_CALL = 0x80,
    BPF_EXIT = 0x90,
    BPF_PSEUDO_MAP_FD = 1,
    BPF_MAP_TYPE_ARRAY = 2,
    BPF_MAP_CREATE = 0,
    BPF_MAP_LOOKUP_ELEM = 1,
    BPF_PROG_LOAD = 5
};
union bpf_attr {
    struct {
        uint32_t map_type, key_size, value_size, max_entries;
    };
    struct {
        uint32_t map_fd, padding;
        uint64_t key, value;
    };
    struct {
        uint32_t prog_type, insn_cnt;
        uint64_t insns, license;
    };
    struct {
        uint64_t name;
        uint32_t prog_fd;
    } raw_tracepoint;
    uint8_t all[128];
};
struct bpf_insn {
    uint64_t all;
};
#endif

#include "base/shared.h"

enum { MAP_RING = 27, PROGRAM_RAW_TRACEPOINT = 17, RAW_TRACEPOINT_OPEN = 17 };

/* The head of a record in the ring: its size, and two bits. */
#define RING_BUSY      0x80000000U
#define RING_DISCARDED 0x40000000U
enum { RING_HEAD = 8 };

/* --- writing a program --- */

_Static_assert(sizeof(struct bpf_instruction) == sizeof(struct bpf_insn),
               "an instruction is a struct bpf_insn");

static void add(struct bpf_code *code, unsigned operation, enum bpf_register to,
                enum bpf_register from, int16_t offset, int32_t value) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    unsigned registers = (unsigned)to << 4 | (unsigned)from;
#else
    unsigned registers = (unsigned)from << 4 | (unsigned)to;
#endif
    if (code->count < BPF_MOST_INSTRUCTIONS)
        code->at[code->count] =
            (struct bpf_instruction){(uint8_t)operation, (uint8_t)registers, offset, value};
    code->count++;
}

/* BPF_K, a number as the second operand, is 0. */
void bpf_set(struct bpf_code *code, enum bpf_register to, int32_t value) {
    add(code, BPF_ALU64 | BPF_MOV | BPF_K, to, R0, 0, value);
}

void bpf_copy(struct bpf_code *code, enum bpf_register to, enum bpf_register from) {
    add(code, BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

void bpf_add(struct bpf_code *code, enum bpf_register to, int32_t value) {
    add(code, BPF_ALU64 | BPF_ADD, to, R0, 0, value);
}

void bpf_add_register(struct bpf_code *code, enum bpf_register to, enum bpf_register from) {
    add(code, BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0);
}

void bpf_subtract_register(struct bpf_code *code, enum bpf_register to, enum bpf_register from) {
    add(code, BPF_ALU64 | BPF_SUB | BPF_X, to, from, 0, 0);
}

void bpf_from_network(struct bpf_code *code, enum bpf_register to) {
    add(code, BPF_ALU | 0xd0 /* BPF_END */ | 0x08 /* BPF_TO_BE */, to, R0, 0, 16);
}

void bpf_and(struct bpf_code *code, enum bpf_register to, int32_t value) {
    add(code, BPF_ALU64 | BPF_AND | BPF_K, to, R0, 0, value);
}

void bpf_shift_left(struct bpf_code *code, enum bpf_register to, int32_t bits) {
    add(code, BPF_ALU64 | BPF_LSH | BPF_K, to, R0, 0, bits);
}

void bpf_low_half(struct bpf_code *code, enum bpf_register to) {
    add(code, BPF_ALU | BPF_MOV | BPF_X, to, to, 0, 0);
}

void bpf_load(struct bpf_code *code, enum bpf_register to, enum bpf_register base, int16_t offset) {
    add(code, BPF_LDX | BPF_MEM | BPF_DW, to, base, offset, 0);
}

void bpf_load_half(struct bpf_code *code, enum bpf_register to, enum bpf_register base,
                   int16_t offset) {
    add(code, BPF_LDX | BPF_MEM | BPF_W, to, base, offset, 0);
}

void bpf_load_short(struct bpf_code *code, enum bpf_register to, enum bpf_register base,
                    int16_t offset) {
    add(code, BPF_LDX | BPF_MEM | BPF_H, to, base, offset, 0);
}

void bpf_load_byte(struct bpf_code *code, enum bpf_register to, enum bpf_register base,
                   int16_t offset) {
    add(code, BPF_LDX | BPF_MEM | BPF_B, to, base, offset, 0);
}

void bpf_store(struct bpf_code *code, enum bpf_register base, int16_t offset,
               enum bpf_register from) {
    add(code, BPF_STX | BPF_MEM | BPF_DW, base, from, offset, 0);
}

void bpf_load_map(struct bpf_code *code, enum bpf_register to, int map) {
    add(code, BPF_LD | BPF_IMM | BPF_DW, to, (enum bpf_register)BPF_PSEUDO_MAP_FD, 0, map);
    add(code, 0, R0, R0, 0, 0);
}

void bpf_count_up(struct bpf_code *code, enum bpf_register base, enum bpf_register by) {
    add(code, BPF_STX | 0xc0 /* BPF_ATOMIC */ | BPF_DW, base, by, 0, BPF_ADD);
}

void bpf_call(struct bpf_code *code, enum bpf_helper helper) {
    add(code, BPF_JMP | BPF_CALL, R0, R0, 0, (int32_t)helper);
}

void bpf_exit(struct bpf_code *code) {
    add(code, BPF_JMP | BPF_EXIT, R0, R0, 0, 0);
}

unsigned bpf_jump_if(struct bpf_code *code, enum bpf_register what, enum bpf_condition condition,
                     int32_t value) {
    static const uint8_t codes[] = {[BPF_ALWAYS] = BPF_JA,
                                    [BPF_EQUAL] = BPF_JEQ,
                                    [BPF_NOT_EQUAL] = BPF_JNE,
                                    [BPF_GREATER] = BPF_JGT,
                                    [BPF_SIGNED_AT_LEAST] = BPF_JSGE,
                                    [BPF_SIGNED_LESS] = BPF_JSLT};
    bool always = condition == BPF_ALWAYS;
    add(code, BPF_JMP | codes[condition] | BPF_K, always ? R0 : what, R0, 0, always ? 0 : value);
    return code->count - 1;
}

void bpf_land(struct bpf_code *code, unsigned jump) {
    if (jump < BPF_MOST_INSTRUCTIONS)
        code->at[jump].offset = (int16_t)(code->count - jump - 1);
}

void bpf_jump_back_if(struct bpf_code *code, enum bpf_register what, enum bpf_condition condition,
                      int32_t value, unsigned to) {
    unsigned jump = bpf_jump_if(code, what, condition, value);
    if (jump < BPF_MOST_INSTRUCTIONS)
        code->at[jump].offset = (int16_t)((int)to - (int)jump - 1);
}

/* --- running it --- */

static int command(int what, union bpf_attr *attribute) {
    return (int)syscall(SYS_bpf, (long)what, attribute, sizeof *attribute);
}

static uint64_t address_of(const void *place) {
    return (uint64_t)(uintptr_t)place;
}

/* Before Linux 5.11 the memory of a map counts against a limit that is 64 kB by default. */
static void raise_limit(void) {
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_MEMLOCK, &all);
}

int bpf_ring_open(size_t size) {
    union bpf_attr attribute;
    raise_limit();
    memset(&attribute, 0, sizeof attribute);
    attribute.map_type = MAP_RING;
    attribute.max_entries = (uint32_t)size;
    return command(BPF_MAP_CREATE, &attribute);
}

int bpf_counter_open(void) {
    union bpf_attr attribute;
    memset(&attribute, 0, sizeof attribute);
    attribute.map_type = BPF_MAP_TYPE_ARRAY;
    attribute.key_size = sizeof(uint32_t);
    attribute.value_size = sizeof(uint64_t);
    attribute.max_entries = 1;
    return command(BPF_MAP_CREATE, &attribute);
}

uint64_t bpf_counter(int counter) {
    union bpf_attr attribute;
    uint64_t value = 0;
    uint32_t key = 0;
    memset(&attribute, 0, sizeof attribute);
    attribute.map_fd = (uint32_t)counter;
    attribute.key = address_of(&key);
    attribute.value = address_of(&value);
    return command(BPF_MAP_LOOKUP_ELEM, &attribute) == 0 ? value : 0;
}

/* The helpers that read memory are for programs that declare themselves to be free software. */
int bpf_load_program(const struct bpf_code *code) {
    union bpf_attr attribute;
    if (code->count > BPF_MOST_INSTRUCTIONS) {
        errno = E2BIG;
        return -1;
    }
    memset(&attribute, 0, sizeof attribute);
    attribute.prog_type = PROGRAM_RAW_TRACEPOINT;
    attribute.insns = address_of(code->at);
    attribute.insn_cnt = code->count;
    attribute.license = address_of("GPL");
    return command(BPF_PROG_LOAD, &attribute);
}

int bpf_attach(int program, const char *tracepoint) {
    union bpf_attr attribute;
    memset(&attribute, 0, sizeof attribute);
    attribute.raw_tracepoint.name = address_of(tracepoint);
    attribute.raw_tracepoint.prog_fd = (uint32_t)program;
    return command(RAW_TRACEPOINT_OPEN, &attribute);
}

/* union bpf_attr of a program with a function of the kernel, which older headers lack in part. */
struct iterator_program {
    uint32_t type, instruction_count;
    uint64_t instructions, license;
    uint32_t unused[11]; /* the log, the name, the device */
    uint32_t attach_type;
    uint32_t descriptions[9]; /* of the program itself */
    uint32_t function;
};

_Static_assert(offsetof(struct iterator_program, attach_type) == 68 &&
                   offsetof(struct iterator_program, function) == 108,
               "as in union bpf_attr");

static int open_and_close(long what, const uint32_t *attribute, size_t size, int used) {
    int opened = (int)syscall(SYS_bpf, what, attribute, size), error = errno;
    close(used);
    errno = error;
    return opened;
}

int bpf_iterate(const struct bpf_code *code, uint32_t function) {
    enum { TRACING = 26, ITERATOR = 28, LINK_CREATE = 28, ITERATOR_CREATE = 33 };
    struct iterator_program attribute = {.type = TRACING,
                                         .instruction_count = code->count,
                                         .instructions = address_of(code->at),
                                         .license = address_of("GPL"),
                                         .attach_type = ITERATOR,
                                         .function = function};
    errno = E2BIG;
    if (code->count > BPF_MOST_INSTRUCTIONS)
        return -1;
    raise_limit();
    int program = (int)syscall(SYS_bpf, (long)BPF_PROG_LOAD, &attribute, sizeof attribute);
    if (program < 0)
        return -1;
    const uint32_t link[4] = {(uint32_t)program, 0, ITERATOR, 0};
    int linked = open_and_close(LINK_CREATE, link, sizeof link, program);
    if (linked < 0)
        return -1;
    const uint32_t iterator[2] = {(uint32_t)linked, 0};
    return open_and_close(ITERATOR_CREATE, iterator, sizeof iterator, linked);
}

/* --- the ring --- */

/* A page that we write, one that the kernel writes, and the records twice. */
int bpf_ring_map(struct bpf_ring *ring, int map, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *ring = (struct bpf_ring){.map = map, .size = size};
    void *consumed = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
    if (consumed == MAP_FAILED)
        return errno;
    void *rest = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, map, (off_t)page);
    if (rest == MAP_FAILED) {
        int error = errno;
        munmap(consumed, page);
        return error;
    }
    ring->consumed = consumed;
    ring->rest = rest;
    ring->produced = rest;
    ring->bytes = (const char *)rest + page;
    return 0;
}

bool bpf_ring_take(struct bpf_ring *ring, void *record, size_t size) {
    uint64_t at = *ring->consumed;
    memset(record, 0, size);
    while (at < shared_acquire(ring->produced)) {
        const char *place = ring->bytes + (at & (ring->size - 1));
        uint32_t head = shared_acquire((const uint32_t *)(const void *)place);
        if ((head & RING_BUSY) != 0)
            return false;
        size_t length = head & ~(RING_BUSY | RING_DISCARDED);
        bool good = (head & RING_DISCARDED) == 0;
        if (good)
            memcpy(record, place + RING_HEAD, length < size ? length : size);
        at += (length + RING_HEAD + 7) / 8 * 8;
        shared_release(ring->consumed, at);
        if (good)
            return true;
    }
    return false;
}

void bpf_ring_unmap(struct bpf_ring *ring) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (ring->consumed == NULL)
        return;
    munmap(ring->consumed, page);
    munmap(ring->rest, page + 2 * ring->size);
    *ring = (struct bpf_ring){0};
}
