/* The program runs behind every system call of the host (the tracepoint sys_exit), and ends after a
 * few instructions if the call has not failed, or is not a watched one. It looks there and not at
 * the tracepoints of single calls, as those do not see 32-bit programs.
 *
 * The address and the socket are read at once, while the thread is still in its call: it can be
 * gone a moment later. A pointer that leads nowhere makes a read fail, which leaves zero.
 *
 * Registers: R6 the result of the call, R7 the registers of the thread (struct pt_regs), R8 the
 * record, R9 the number of the call. */
#include "trace/host_program.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "kernel/seccomp.h"

/* --- the processor --- */

/* Where struct pt_regs has what. The three words at `head` have the number of the call, and tell
 * whether the program is one of 32 bits. */
struct processor {
    int32_t head;
    int16_t number, mode;           /* which byte behind `head` */
    int32_t mode_mask, narrow_mode; /* of a 32-bit program */
    int32_t arguments[2][3];        /* of a 64-bit program, of a 32-bit one */
};

#if defined __x86_64__
/* orig_ax, ip, cs (__USER32_CS); di, si, dx; bx, cx, dx. */
static const struct processor processor = {0x78,   0,    16,
                                           0xffff, 0x23, {{0x70, 0x68, 0x60}, {0x28, 0x58, 0x60}}};
#elif defined __aarch64__ && defined __AARCH64EL__
/* pstate (PSR_MODE32_BIT), orig_x0, syscallno; orig_x0, x1, x2. */
static const struct processor processor = {0x108, 16,   0,
                                           0x10,  0x10, {{0x110, 0x08, 0x10}, {0x110, 0x08, 0x10}}};
#else
static const struct processor processor;
#endif

/* --- the facts --- */

/* The structures that lead to the facts, each found through an earlier one. */
enum structure {
    TASK,
    PARENT,
    FILES,
    TABLE,
    DESCRIPTORS,
    FILE_OF,
    INODE,
    SOCKET,
    SOCK,
    NET,
    STRUCTURES
};

static const struct step {
    enum structure from;
    const char *type, *member;
} steps[STRUCTURES] = {
    [PARENT] = {TASK, "task_struct", "real_parent"},
    [FILES] = {TASK, "task_struct", "files"},
    [TABLE] = {FILES, "files_struct", "fdt"},
    [DESCRIPTORS] = {TABLE, "fdtable", "fd"},
    [INODE] = {FILE_OF, "file", "f_inode"},
    [SOCKET] = {FILE_OF, "file", "private_data"},
    [SOCK] = {SOCKET, "socket", "sk"},
    [NET] = {SOCK, "sock", "__sk_common.skc_net.net"},
};

static const struct step fact_steps[FACTS] = {
    [FACT_PARENT] = {PARENT, "task_struct", "tgid"},
    [FACT_MODE] = {INODE, "inode", "i_mode"},
    [FACT_INODE] = {INODE, "inode", "i_ino"},
    [FACT_FLAGS] = {FILE_OF, "file", "f_flags"},
    [FACT_FAMILY] = {SOCK, "sock", "__sk_common.skc_family"},
    [FACT_TYPE] = {SOCK, "sock", "sk_type"},
    [FACT_PROTOCOL] = {SOCK, "sock", "sk_protocol"},
    [FACT_REUSEADDR] = {SOCK, "sock", "__sk_common.skc_reuse"},
    [FACT_REUSEPORT] = {SOCK, "sock", "__sk_common.skc_reuseport"},
    [FACT_V6ONLY] = {SOCK, "sock", "__sk_common.skc_ipv6only"},
    [FACT_PORT] = {SOCK, "sock", "__sk_common.skc_num"},
    [FACT_ADDRESS] = {SOCK, "sock", "__sk_common.skc_rcv_saddr"},
    [FACT_ADDRESS6] = {SOCK, "sock", "__sk_common.skc_v6_rcv_saddr"},
    [FACT_DEVICE] = {SOCK, "sock", "__sk_common.skc_bound_dev_if"},
    [FACT_NAMESPACE] = {NET, "net", "ns.inum"},
    [FACT_USER] = {SOCK, "sock", "sk_uid"},
    [FACT_STATE] = {SOCK, "sock", "__sk_common.skc_state"},
};

uint64_t host_fact(const struct host_layout *layout, const uint64_t *facts, enum host_fact fact) {
    const struct btf_place *place = &layout->facts[fact];
    if (place->bits == 0 || place->bits > 64)
        return 0;
    uint64_t mask = place->bits == 64 ? UINT64_MAX : (1ULL << place->bits) - 1;
    return facts[fact] >> place->bit % 8 & mask;
}

/* --- the program --- */

/* The stack, from its end down. */
enum {
    HEAD = -24,        /* the three words; what else is read for a moment */
    MULTIPLEXED = -32, /* socketcall(2) */
    NARROW = -40,      /* a 32-bit program */
    ARGUMENTS = -64,   /* where the three arguments are */
    POINTERS = ARGUMENTS - 8 * STRUCTURES,
    REFUSED = POINTERS - 8, /* the file of the socket that was refused, when others are looked at */
    PORT = REFUSED - 8,     /* that it wanted */
    DESCRIPTORS_MOST = PORT - 8,
    OWN = DESCRIPTORS_MOST - 8 * HOST_OWN_MOST, /* the files of others, the last one first */
    MOST_JUMPS = 32,
};

struct writer {
    struct bpf_code *code;
    const struct btf *btf;
    unsigned out[MOST_JUMPS], out_count;   /* jumps to the end */
    unsigned take[MOST_JUMPS], take_count; /* jumps to where a watched call is dealt with */
};

#define AT(member) ((int32_t)offsetof(struct host_record, member))

static void out_if(struct writer *writer, enum bpf_register what, enum bpf_condition condition,
                   int32_t value) {
    writer->out[writer->out_count++] = bpf_jump_if(writer->code, what, condition, value);
}

static void take_if(struct writer *writer, enum bpf_register what, enum bpf_condition condition,
                    int32_t value) {
    writer->take[writer->take_count++] = bpf_jump_if(writer->code, what, condition, value);
}

static void land_all(struct bpf_code *code, const unsigned *jumps, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        bpf_land(code, jumps[i]);
}

/* Reads `size` bytes from where R3 points to, into `base` + `offset`. */
static void read_to(struct bpf_code *code, enum bpf_helper helper, enum bpf_register base,
                    int32_t offset, int32_t size) {
    bpf_copy(code, R1, base);
    bpf_add(code, R1, offset);
    bpf_set(code, R2, size);
    bpf_call(code, helper);
}

/* A call that has succeeded, is under way, or is made again is none of ours. */
static void skip_other_results(struct writer *writer) {
    static const int none[] = {EINPROGRESS, EALREADY, EISCONN, EINTR};
    const int32_t first_internal = 512; /* ERESTARTSYS and the like */
    bpf_load(writer->code, R7, R1, 0);
    bpf_load(writer->code, R6, R1, 8);
    out_if(writer, R6, BPF_SIGNED_AT_LEAST, 0);
    out_if(writer, R6, BPF_SIGNED_LESS, 1 - first_internal);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        out_if(writer, R6, BPF_EQUAL, -none[i]);
}

static void set_slot(struct bpf_code *code, int16_t slot, int32_t value) {
    bpf_set(code, R1, value);
    bpf_store(code, FRAME, slot, R1);
}

/* Goes on if R9 is a number of a set for 64-bit programs, or for 32-bit ones. */
static void compare_numbers(struct writer *writer, bool narrow) {
    struct bpf_code *code = writer->code;
    const struct seccomp_numbers *row;
    for (int16_t i = 0; i < 3; i++) {
        bpf_copy(code, R1, R7);
        bpf_add(code, R1, processor.arguments[narrow][i]);
        bpf_store(code, FRAME, (int16_t)(ARGUMENTS + 8 * i), R1);
    }
    for (unsigned i = 0; (row = seccomp_numbers(i)) != NULL; i++) {
        if (narrow == (row->arch >> 31 != 0)) /* __AUDIT_ARCH_64BIT */
            continue;
        for (unsigned call = SOCKET_CALL_BIND; call <= SOCKET_CALL_CONNECT; call++)
            take_if(writer, R9, BPF_EQUAL, (int32_t)row->number[call]);
        if (row->socketcall == 0)
            continue;
        out_if(writer, R9, BPF_NOT_EQUAL, (int32_t)row->socketcall);
        bpf_load(code, R3, FRAME, ARGUMENTS);
        read_to(code, BPF_READ_KERNEL, FRAME, HEAD, 8);
        set_slot(code, MULTIPLEXED, 1);
        bpf_load_half(code, R1, FRAME, HEAD);
        for (int32_t which = SECCOMP_NET_BIND; which <= SECCOMP_NET_LISTEN; which++)
            take_if(writer, R1, BPF_EQUAL, which);
    }
    out_if(writer, R1, BPF_ALWAYS, 0);
}

static void skip_other_calls(struct writer *writer) {
    struct bpf_code *code = writer->code;
    bpf_copy(code, R3, R7);
    bpf_add(code, R3, processor.head);
    read_to(code, BPF_READ_KERNEL, FRAME, HEAD, 24);
    set_slot(code, MULTIPLEXED, 0);
    bpf_load_half(code, R9, FRAME, (int16_t)(HEAD + processor.number));
    bpf_load(code, R2, FRAME, (int16_t)(HEAD + processor.mode));
    set_slot(code, NARROW, 0);
    bpf_and(code, R2, processor.mode_mask);
    unsigned narrow = bpf_jump_if(code, R2, BPF_EQUAL, processor.narrow_mode);
    compare_numbers(writer, false);
    bpf_land(code, narrow);
    set_slot(code, NARROW, 1);
    compare_numbers(writer, true);
    land_all(code, writer->take, writer->take_count);
}

static void reserve(struct writer *writer, int ring, int lost) {
    struct bpf_code *code = writer->code;
    bpf_load_map(code, R1, ring);
    bpf_set(code, R2, sizeof(struct host_record));
    bpf_set(code, R3, 0);
    bpf_call(code, BPF_RING_RESERVE);
    unsigned reserved = bpf_jump_if(code, R0, BPF_NOT_EQUAL, 0);
    set_slot(code, HEAD, 0);
    bpf_load_map(code, R1, lost);
    bpf_copy(code, R2, FRAME);
    bpf_add(code, R2, HEAD);
    bpf_call(code, BPF_MAP_LOOKUP);
    out_if(writer, R0, BPF_EQUAL, 0);
    bpf_set(code, R1, 1);
    bpf_count_up(code, R0, R1);
    out_if(writer, R1, BPF_ALWAYS, 0);
    bpf_land(code, reserved);
    bpf_copy(code, R8, R0);
}

/* Stores what a helper returns. */
static void store_result(struct bpf_code *code, enum bpf_helper helper, int32_t offset) {
    bpf_call(code, helper);
    bpf_store(code, R8, (int16_t)offset, R0);
}

static void write_call(struct bpf_code *code) {
    store_result(code, BPF_KTIME, AT(at_ns));
    store_result(code, BPF_PROCESS_AND_THREAD, AT(process_and_thread));
    bpf_store(code, R8, (int16_t)AT(result), R6);
    bpf_store(code, R8, (int16_t)AT(number), R9);
    bpf_load(code, R1, FRAME, NARROW);
    bpf_store(code, R8, (int16_t)AT(narrow), R1);
    bpf_load(code, R1, FRAME, MULTIPLEXED);
    bpf_store(code, R8, (int16_t)AT(multiplexed), R1);
    for (int32_t i = 0; i < 3; i++) {
        bpf_load(code, R3, FRAME, (int16_t)(ARGUMENTS + 8 * i));
        read_to(code, BPF_READ_KERNEL, R8, AT(arguments) + 8 * i, 8);
    }
    bpf_copy(code, R1, R8);
    bpf_add(code, R1, AT(program));
    bpf_set(code, R2, sizeof(((struct host_record *)NULL)->program));
    bpf_call(code, BPF_PROGRAM_NAME);
}

/* Leaves the descriptor in R9, which the number no longer needs. */
static void write_address(struct bpf_code *code) {
    const int32_t most = sizeof(((struct host_record *)NULL)->address);
    bpf_set(code, R1, 1);
    bpf_store(code, R8, (int16_t)AT(no_address), R1);
    bpf_load_half(code, R9, R8, (int16_t)AT(arguments[0]));
    bpf_load(code, R3, R8, (int16_t)AT(arguments[1]));
    bpf_load_half(code, R2, R8, (int16_t)AT(arguments[2]));
    bpf_load(code, R1, FRAME, MULTIPLEXED);
    unsigned direct = bpf_jump_if(code, R1, BPF_EQUAL, 0);
    bpf_low_half(code, R3);
    read_to(code, BPF_READ_USER, R8, AT(words), 12);
    bpf_load_half(code, R9, R8, (int16_t)AT(words[0]));
    bpf_load_half(code, R3, R8, (int16_t)AT(words[1]));
    bpf_load_half(code, R2, R8, (int16_t)AT(words[2]));
    bpf_land(code, direct);
    unsigned too_long = bpf_jump_if(code, R2, BPF_GREATER, most);
    bpf_copy(code, R1, R8);
    bpf_add(code, R1, AT(address));
    bpf_call(code, BPF_READ_USER);
    bpf_store(code, R8, (int16_t)AT(no_address), R0);
    bpf_land(code, too_long);
}

static int16_t slot_of(enum structure structure) {
    return (int16_t)(POINTERS + 8 * (int)structure);
}

static void follow(struct writer *writer, enum structure to) {
    const struct step *step = &steps[to];
    struct bpf_code *code = writer->code;
    struct btf_place place;
    if (!btf_find(writer->btf, step->type, step->member, &place)) {
        set_slot(code, slot_of(to), 0);
        return;
    }
    bpf_load(code, R3, FRAME, slot_of(step->from));
    bpf_add(code, R3, (int32_t)(place.bit / 8));
    read_to(code, BPF_READ_KERNEL, FRAME, slot_of(to), 8);
}

/* The file is the entry of the descriptor in a table. */
static void follow_descriptor(struct bpf_code *code) {
    bpf_load(code, R3, FRAME, slot_of(DESCRIPTORS));
    bpf_shift_left(code, R9, 3);
    bpf_add_register(code, R3, R9);
    read_to(code, BPF_READ_KERNEL, FRAME, slot_of(FILE_OF), 8);
}

/* Reads what is at `place` of a structure, into `base` + `offset`. */
static void read_fact(struct bpf_code *code, enum host_fact fact, const struct btf_place *place,
                      enum bpf_register base, int32_t offset) {
    uint32_t size = (place->bit % 8 + place->bits + 7) / 8;
    bpf_load(code, R3, FRAME, slot_of(fact_steps[fact].from));
    bpf_add(code, R3, (int32_t)(place->bit / 8));
    read_to(code, BPF_READ_KERNEL, base, offset, (int32_t)(size > 16 ? 16 : size));
}

/* Writes a fact to the list of them at `list` of the record. */
static void write_fact(struct writer *writer, struct host_layout *layout, enum host_fact fact,
                       int32_t list) {
    const struct step *step = &fact_steps[fact];
    struct bpf_code *code = writer->code;
    struct btf_place *place = &layout->facts[fact];
    int32_t offset = list + 8 * (int)fact;
    bpf_set(code, R1, 0);
    bpf_store(code, R8, (int16_t)offset, R1);
    if (step->type != NULL && btf_find(writer->btf, step->type, step->member, place))
        read_fact(code, fact, place, R8, offset);
}

/* The one that takes two places is written behind the other. */
static void write_list(struct writer *writer, struct host_layout *layout, int32_t list) {
    for (unsigned fact = FACTS; fact-- > 0;)
        write_fact(writer, layout, (enum host_fact)fact, list);
}

static void write_facts(struct writer *writer, struct host_layout *layout) {
    struct bpf_code *code = writer->code;
    bpf_call(code, BPF_TASK);
    bpf_store(code, FRAME, slot_of(TASK), R0);
    for (enum structure to = PARENT; to < STRUCTURES; to++)
        if (to == FILE_OF)
            follow_descriptor(code);
        else
            follow(writer, to);
    write_list(writer, layout, AT(facts));
}

/* --- another socket of the process, in the way --- */

/* A fact of the socket that is looked at now goes to R1. */
static void load_fact(struct writer *writer, const struct host_layout *layout,
                      enum host_fact fact) {
    set_slot(writer->code, HEAD, 0);
    read_fact(writer->code, fact, &layout->facts[fact], FRAME, HEAD);
    bpf_load(writer->code, R1, FRAME, HEAD);
}

/* Stores the port that was wanted: that of the address, or of a socket that is bound. */
static void store_port(struct bpf_code *code) {
    const int32_t four = AF_INET, six = AF_INET6;
    bpf_load(code, R1, R8, (int16_t)AT(facts[FACT_PORT]));
    bpf_store(code, FRAME, PORT, R1);
    bpf_load(code, R1, R8, (int16_t)AT(no_address));
    unsigned none = bpf_jump_if(code, R1, BPF_NOT_EQUAL, 0);
    bpf_load_short(code, R1, R8, (int16_t)AT(address));
    unsigned is_four = bpf_jump_if(code, R1, BPF_EQUAL, four);
    unsigned other = bpf_jump_if(code, R1, BPF_NOT_EQUAL, six);
    bpf_land(code, is_four);
    bpf_load_short(code, R1, R8, (int16_t)(AT(address) + 2));
    bpf_from_network(code, R1);
    bpf_store(code, FRAME, PORT, R1);
    bpf_land(code, none);
    bpf_land(code, other);
}

/* Returns whether the kernel describes all that the search needs. */
static bool can_search(const struct writer *writer, const struct host_layout *layout,
                       struct btf_place *most) {
    return layout->facts[FACT_MODE].bits > 0 && layout->facts[FACT_PROTOCOL].bits > 0 &&
           layout->facts[FACT_PORT].bits > 0 && layout->facts[FACT_FAMILY].bits > 0 &&
           btf_find(writer->btf, "fdtable", "max_fds", most);
}

/* Goes on with the next descriptor unless the file in its slot is another socket with the port. */
static void examine_file(struct writer *writer, const struct host_layout *layout, unsigned *next,
                         unsigned *count) {
    struct bpf_code *code = writer->code;
    bpf_load(code, R1, FRAME, slot_of(FILE_OF));
    next[(*count)++] = bpf_jump_if(code, R1, BPF_EQUAL, 0);
    bpf_load(code, R2, FRAME, REFUSED);
    bpf_subtract_register(code, R1, R2);
    next[(*count)++] = bpf_jump_if(code, R1, BPF_EQUAL, 0);
    follow(writer, INODE);
    load_fact(writer, layout, FACT_MODE);
    bpf_and(code, R1, S_IFMT);
    next[(*count)++] = bpf_jump_if(code, R1, BPF_NOT_EQUAL, S_IFSOCK);
    follow(writer, SOCKET);
    follow(writer, SOCK);
    load_fact(writer, layout, FACT_FAMILY);
    unsigned is_four = bpf_jump_if(code, R1, BPF_EQUAL, AF_INET);
    next[(*count)++] = bpf_jump_if(code, R1, BPF_NOT_EQUAL, AF_INET6);
    bpf_land(code, is_four);
    load_fact(writer, layout, FACT_PORT);
    bpf_load(code, R2, FRAME, PORT);
    bpf_subtract_register(code, R1, R2);
    next[(*count)++] = bpf_jump_if(code, R1, BPF_NOT_EQUAL, 0);
    load_fact(writer, layout, FACT_PROTOCOL);
    bpf_load(code, R2, R8, (int16_t)AT(facts[FACT_PROTOCOL]));
    bpf_subtract_register(code, R1, R2);
    next[(*count)++] = bpf_jump_if(code, R1, BPF_NOT_EQUAL, 0);
}

/* Notes the file in its slot, and forgets the one that was noted first. */
static void note_file(struct bpf_code *code) {
    for (int32_t i = HOST_OWN_MOST - 1; i > 0; i--) {
        bpf_load(code, R1, FRAME, (int16_t)(OWN + 8 * (i - 1)));
        bpf_store(code, FRAME, (int16_t)(OWN + 8 * i), R1);
    }
    bpf_load(code, R1, FRAME, slot_of(FILE_OF));
    bpf_store(code, FRAME, OWN, R1);
}

/* Notes the sockets with the port among the first descriptors. R9 counts those. The kernel follows
 * every path through a program: those of the loop must come together again. */
static void search_descriptors(struct writer *writer, const struct host_layout *layout) {
    const int32_t most_descriptors = 256;
    struct bpf_code *code = writer->code;
    unsigned next[8], count = 0;
    bpf_set(code, R9, 0);
    unsigned loop = code->count;
    bpf_copy(code, R1, R9);
    bpf_load(code, R2, FRAME, DESCRIPTORS_MOST);
    bpf_subtract_register(code, R1, R2);
    unsigned no_more = bpf_jump_if(code, R1, BPF_SIGNED_AT_LEAST, 0);
    set_slot(code, slot_of(FILE_OF), 0);
    bpf_copy(code, R1, R9);
    bpf_shift_left(code, R1, 3);
    bpf_load(code, R3, FRAME, slot_of(DESCRIPTORS));
    bpf_add_register(code, R3, R1);
    read_to(code, BPF_READ_KERNEL, FRAME, slot_of(FILE_OF), 8);
    examine_file(writer, layout, next, &count);
    note_file(code);
    land_all(code, next, count);
    bpf_add(code, R9, 1);
    bpf_jump_back_if(code, R9, BPF_SIGNED_LESS, most_descriptors, loop);
    bpf_land(code, no_more);
}

/* Looks through the descriptors of the process: when it has ended, nobody can know any more that it
 * was in its own way. */
static void find_own(struct writer *writer, struct host_layout *layout) {
    struct bpf_code *code = writer->code;
    unsigned out[2 + HOST_OWN_MOST], count = 0;
    struct btf_place most;
    bpf_set(code, R1, 0);
    bpf_store(code, R8, (int16_t)AT(own_count), R1);
    if (!can_search(writer, layout, &most))
        return;
    out[count++] = bpf_jump_if(code, R6, BPF_NOT_EQUAL, -EADDRINUSE);
    store_port(code);
    bpf_load(code, R1, FRAME, PORT);
    out[count++] = bpf_jump_if(code, R1, BPF_EQUAL, 0);
    bpf_load(code, R1, FRAME, slot_of(FILE_OF));
    bpf_store(code, FRAME, REFUSED, R1);
    for (int32_t i = 0; i < HOST_OWN_MOST; i++)
        set_slot(code, (int16_t)(OWN + 8 * i), 0);
    set_slot(code, DESCRIPTORS_MOST, 0);
    bpf_load(code, R3, FRAME, slot_of(TABLE));
    bpf_add(code, R3, (int32_t)(most.bit / 8));
    read_to(code, BPF_READ_KERNEL, FRAME, DESCRIPTORS_MOST, 4);
    search_descriptors(writer, layout);
    for (int32_t i = 0; i < HOST_OWN_MOST; i++) {
        bpf_load(code, R1, FRAME, (int16_t)(OWN + 8 * i));
        bpf_store(code, FRAME, slot_of(FILE_OF), R1);
        out[count++] = bpf_jump_if(code, R1, BPF_EQUAL, 0);
        for (enum structure to = INODE; to < STRUCTURES; to++)
            follow(writer, to);
        write_list(writer, layout, AT(own_facts) + i * (int32_t)sizeof(uint64_t[FACTS]));
        bpf_set(code, R1, i + 1);
        bpf_store(code, R8, (int16_t)AT(own_count), R1);
    }
    land_all(code, out, count);
}

int host_program_write(struct bpf_code *code, struct host_layout *layout, const struct btf *btf,
                       int ring, int lost) {
    struct writer writer = {.code = code, .btf = btf};
    if (processor.head == 0)
        return ENOTSUP;
    *code = (struct bpf_code){0};
    *layout = (struct host_layout){0};
    skip_other_results(&writer);
    skip_other_calls(&writer);
    reserve(&writer, ring, lost);
    write_call(code);
    write_address(code);
    write_facts(&writer, layout);
    find_own(&writer, layout);
    bpf_copy(code, R1, R8);
    bpf_set(code, R2, 0);
    bpf_call(code, BPF_RING_SUBMIT);
    land_all(code, writer.out, writer.out_count);
    bpf_set(code, R0, 0);
    bpf_exit(code);
    return 0;
}
