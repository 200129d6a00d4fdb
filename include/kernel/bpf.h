/* A small program of ours in the kernel (bpf(2)), which writes records to a ring that we read.
 *
 * All of it hangs on file descriptors: when the last one is closed, also by the end of a process
 * that is killed, the kernel takes the program away. Nothing is left on the host. */
#ifndef PORTREUSE_KERNEL_BPF_H
#define PORTREUSE_KERNEL_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- writing a program --- */

enum { BPF_MOST_INSTRUCTIONS = 2048 };

/* The registers: R0 is what a call returns, R1 to R5 are its arguments and lost by it, R6 to R9 are
 * kept, FRAME is the end of 512 bytes of stack. R1 at first: the words that the tracepoint gives.
 */
enum bpf_register { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FRAME };

/* Helpers of the kernel, enum bpf_func_id of <linux/bpf.h>. */
enum bpf_helper {
    BPF_MAP_LOOKUP = 1,
    BPF_KTIME = 5,
    BPF_PROCESS_AND_THREAD = 14,
    BPF_PROGRAM_NAME = 16,
    BPF_TASK = 35,
    BPF_READ_USER = 112,
    BPF_READ_KERNEL = 113,
    BPF_SEQ_WRITE = 127,
    BPF_RING_RESERVE = 131, /* Linux 5.8 */
    BPF_RING_SUBMIT = 132,
};

/* One instruction, struct bpf_insn. */
struct bpf_instruction {
    uint8_t code;
    uint8_t registers; /* the target in the lower half of a little-endian machine, else the upper */
    int16_t offset;
    int32_t value;
};

/* All zero at first. A program that grows too long is cut, and `count` then is too large. */
struct bpf_code {
    struct bpf_instruction at[BPF_MOST_INSTRUCTIONS];
    unsigned count;
};

void bpf_set(struct bpf_code *code, enum bpf_register to, int32_t value);
void bpf_copy(struct bpf_code *code, enum bpf_register to, enum bpf_register from);
void bpf_add(struct bpf_code *code, enum bpf_register to, int32_t value);
void bpf_add_register(struct bpf_code *code, enum bpf_register to, enum bpf_register from);
void bpf_subtract_register(struct bpf_code *code, enum bpf_register to, enum bpf_register from);
void bpf_and(struct bpf_code *code, enum bpf_register to, int32_t value);
void bpf_shift_left(struct bpf_code *code, enum bpf_register to, int32_t bits);

/* Makes the lower 16 bits, in network order, the whole register. */
void bpf_from_network(struct bpf_code *code, enum bpf_register to);

/* Clears the upper half of a register. */
void bpf_low_half(struct bpf_code *code, enum bpf_register to);

/* Load and store 8 bytes at `offset` from a register; load 4, 2, or 1 of them. */
void bpf_load(struct bpf_code *code, enum bpf_register to, enum bpf_register base, int16_t offset);
void bpf_load_half(struct bpf_code *code, enum bpf_register to, enum bpf_register base,
                   int16_t offset);
void bpf_load_short(struct bpf_code *code, enum bpf_register to, enum bpf_register base,
                    int16_t offset);
void bpf_load_byte(struct bpf_code *code, enum bpf_register to, enum bpf_register base,
                   int16_t offset);
void bpf_store(struct bpf_code *code, enum bpf_register base, int16_t offset,
               enum bpf_register from);

/* Loads a map of ours. */
void bpf_load_map(struct bpf_code *code, enum bpf_register to, int map);

/* Adds a register to the 8 bytes that another one points to, as one step. */
void bpf_count_up(struct bpf_code *code, enum bpf_register base, enum bpf_register by);

void bpf_call(struct bpf_code *code, enum bpf_helper helper);
void bpf_exit(struct bpf_code *code);

/* Conditions that compare a register with a number; the signed ones say so. */
enum bpf_condition {
    BPF_ALWAYS,
    BPF_EQUAL,
    BPF_NOT_EQUAL,
    BPF_GREATER,
    BPF_SIGNED_AT_LEAST,
    BPF_SIGNED_LESS,
};

/* Jumps forward if the condition holds, to where bpf_land() is called with the result. */
unsigned bpf_jump_if(struct bpf_code *code, enum bpf_register what, enum bpf_condition condition,
                     int32_t value);
void bpf_land(struct bpf_code *code, unsigned jump);

/* Jumps back to an earlier `count` of the program: a loop, whose end the kernel must be able to
 * prove (Linux 5.3). */
void bpf_jump_back_if(struct bpf_code *code, enum bpf_register what, enum bpf_condition condition,
                      int32_t value, unsigned to);

/* --- running it --- */

/* Return a descriptor, or -1 with errno set: EPERM without CAP_BPF and CAP_PERFMON (or
 * CAP_SYS_ADMIN), ENOSYS without bpf(2), EINVAL for what the kernel does not know. */
int bpf_ring_open(size_t size); /* a power of two, at least a page */
int bpf_counter_open(void);     /* one number of 64 bits, its key is 0 */
int bpf_load_program(const struct bpf_code *code);
int bpf_attach(int program, const char *tracepoint); /* of all processors and processes */

/* Runs a program for each thing of a kind, and gives what it writes (BPF_SEQ_WRITE) to read(2) from
 * the descriptor, which is returned, or -1 with errno set. The kind is the function of the kernel
 * with this number (btf_function()), such as bpf_iter_tcp: the TCP sockets of this network
 * namespace. R1 points at first to what the kind gives. Linux 5.8. */
int bpf_iterate(const struct bpf_code *code, uint32_t function);

/* Reads a counter; 0 if it cannot be read. */
uint64_t bpf_counter(int counter);

/* The ring, in our memory. */
struct bpf_ring {
    int map;
    size_t size;
    uint64_t *consumed;       /* how far we have read */
    const uint64_t *produced; /* how far the kernel has written */
    void *rest;               /* of the mapping: what follows */
    const char *bytes;        /* twice, one behind the other, so that no record is broken */
};

/* Returns 0 or an errno. */
int bpf_ring_map(struct bpf_ring *ring, int map, size_t size);

/* Copies the next record, up to `size` bytes; missing ones are zero. Returns whether there is one.
 * poll(2) on the map waits for it. */
bool bpf_ring_take(struct bpf_ring *ring, void *record, size_t size);

void bpf_ring_unmap(struct bpf_ring *ring);

#endif
