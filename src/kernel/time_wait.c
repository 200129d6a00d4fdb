/* The program runs for each TCP socket of the namespace. It copies the head of the socket, struct
 * sock_common, and goes on only for a TIME-WAIT to a port that is asked about; then it reads
 * tw_ts_recent_stamp, which tcp_twsk_unique() in net/ipv4/tcp_ipv4.c goes by, and writes both.
 *
 * Registers: R6 what bpf_iter_tcp gives (struct bpf_iter__tcp), R7 the socket. */
#include "kernel/time_wait.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kernel/bpf.h"
#include "kernel/btf.h"

/* Where the kernel keeps what, in bytes. */
struct reader {
    uint32_t function;
    uint32_t family, state, local_port, remote_port, local4, remote4, local6, remote6;
    uint32_t common_size, stamp, stamp_size;
};

enum { STAMP_SIZE = 8, COMMON_MOST = 256, STATE = 6 /* TCP_TIME_WAIT */ };

/* --- where the kernel keeps what --- */

static bool find(const struct btf *btf, const char *type, const char *member, uint32_t *offset,
                 uint32_t *size) {
    struct btf_place place;
    if (!btf_find(btf, type, member, &place) || place.bit % 8 != 0 || place.bits % 8 != 0)
        return false;
    *offset = place.bit / 8;
    *size = place.bits / 8;
    return true;
}

static bool find_all(const struct btf *btf, struct reader *reader) {
    const struct {
        const char *name;
        uint32_t *offset;
    } members[] = {{"skc_family", &reader->family},       {"skc_state", &reader->state},
                   {"skc_num", &reader->local_port},      {"skc_dport", &reader->remote_port},
                   {"skc_rcv_saddr", &reader->local4},    {"skc_daddr", &reader->remote4},
                   {"skc_v6_rcv_saddr", &reader->local6}, {"skc_v6_daddr", &reader->remote6}};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        uint32_t size;
        if (!find(btf, "sock_common", members[i].name, members[i].offset, &size))
            return false;
        if (*members[i].offset + size > reader->common_size)
            reader->common_size = *members[i].offset + size;
    }
    reader->common_size = (reader->common_size + 7) / 8 * 8;
    reader->function = btf_function(btf, "bpf_iter_tcp");
    return find(btf, "tcp_timewait_sock", "tw_ts_recent_stamp", &reader->stamp,
                &reader->stamp_size) &&
           reader->stamp_size <= STAMP_SIZE && reader->common_size <= COMMON_MOST &&
           reader->function != 0;
}

/* Returns 0 or an errno. Whoever may not load a program need not read the description. */
static int begin(struct reader *reader) {
    struct btf btf = {0};
    int allowed = bpf_counter_open(), error = allowed < 0 ? errno : 0;
    if (allowed >= 0)
        close(allowed);
    if (error == 0)
        error = btf_open(&btf, btf_of_kernel);
    if (error != 0)
        return error;
    error = find_all(&btf, reader) ? 0 : ENOENT;
    btf_close(&btf);
    return error;
}

/* --- the program --- */

static void read_kernel(struct bpf_code *code, int32_t frame_offset, uint32_t size,
                        int32_t offset) {
    bpf_copy(code, R1, FRAME);
    bpf_add(code, R1, frame_offset);
    bpf_set(code, R2, (int32_t)size);
    bpf_copy(code, R3, R7);
    bpf_add(code, R3, offset);
    bpf_call(code, BPF_READ_KERNEL);
}

static void write_program(const struct reader *reader, const struct time_wait_route *routes,
                          unsigned route_count, struct bpf_code *code) {
    const int32_t record = -(int32_t)(reader->common_size + STAMP_SIZE);
    const int32_t common = record + STAMP_SIZE;
    unsigned ends[5], ports[TIME_WAIT_ROUTES], count = 0;
    bpf_copy(code, R6, R1);
    bpf_load(code, R7, R6, 8);
    ends[count++] = bpf_jump_if(code, R7, BPF_EQUAL, 0);
    read_kernel(code, common, reader->common_size, 0);
    ends[count++] = bpf_jump_if(code, R0, BPF_NOT_EQUAL, 0);
    bpf_load_byte(code, R1, FRAME, (int16_t)(common + (int32_t)reader->state));
    ends[count++] = bpf_jump_if(code, R1, BPF_NOT_EQUAL, STATE);
    bpf_load_short(code, R1, FRAME, (int16_t)(common + (int32_t)reader->remote_port));
    for (unsigned i = 0; i < route_count; i++)
        ports[i] = bpf_jump_if(code, R1, BPF_EQUAL, htons(routes[i].remote.port));
    ends[count++] = bpf_jump_if(code, R1, BPF_ALWAYS, 0);
    for (unsigned i = 0; i < route_count; i++)
        bpf_land(code, ports[i]);
    bpf_set(code, R1, 0);
    bpf_store(code, FRAME, (int16_t)record, R1);
    read_kernel(code, record, reader->stamp_size, (int32_t)reader->stamp);
    ends[count++] = bpf_jump_if(code, R0, BPF_NOT_EQUAL, 0);
    bpf_load(code, R1, R6, 0); /* struct bpf_iter_meta, whose first member is the output */
    bpf_load(code, R1, R1, 0);
    bpf_copy(code, R2, FRAME);
    bpf_add(code, R2, record);
    bpf_set(code, R3, -record);
    bpf_call(code, BPF_SEQ_WRITE);
    for (unsigned i = 0; i < count; i++)
        bpf_land(code, ends[i]);
    bpf_set(code, R0, 0);
    bpf_exit(code);
}

/* --- its output --- */

static uint16_t number_at(const uint8_t *common, uint32_t offset) {
    uint16_t number;
    memcpy(&number, common + offset, sizeof number);
    return number;
}

/* Returns whether an address of the socket is this one. The IPv4 fields of an IPv6 socket have its
 * address if that is a mapped one. */
static bool is_address(const struct endpoint *address, const uint8_t *common, uint32_t family,
                       uint32_t four, uint32_t six) {
    if (address->family == AF_INET)
        return memcmp(common + four, address->address, 4) == 0;
    return number_at(common, family) == AF_INET6 &&
           memcmp(common + six, address->address, sizeof address->address) == 0;
}

static bool is_of_route(const struct reader *reader, const uint8_t *common,
                        const struct time_wait_route *route) {
    return number_at(common, reader->remote_port) == htons(route->remote.port) &&
           is_address(&route->remote, common, reader->family, reader->remote4, reader->remote6) &&
           (endpoint_is_wildcard(&route->local) ||
            is_address(&route->local, common, reader->family, reader->local4, reader->local6));
}

static void note(const struct reader *reader, const uint8_t *record, struct time_wait_route *routes,
                 unsigned count) {
    static const uint8_t none[STAMP_SIZE];
    const uint8_t *common = record + STAMP_SIZE;
    bool stamped = memcmp(record, none, sizeof none) != 0;
    for (unsigned i = 0; i < count; i++)
        if (is_of_route(reader, common, &routes[i]))
            port_set_add(stamped ? &routes[i].with : &routes[i].without,
                         number_at(common, reader->local_port));
}

/* Returns 0 or an errno. */
static int read_records(const struct reader *reader, int iterator, struct time_wait_route *routes,
                        unsigned count) {
    enum { RECORDS = 256 }; /* more than bpf_seq_read() gives at once: 8 pages */
    const size_t size = reader->common_size + STAMP_SIZE;
    uint8_t bytes[RECORDS * (COMMON_MOST + STAMP_SIZE)];
    size_t used = 0;
    for (ssize_t got; (got = read(iterator, bytes + used, sizeof bytes - used)) != 0;) {
        size_t at = 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        for (used += (size_t)got; used - at >= size; at += size)
            note(reader, bytes + at, routes, count);
        used -= at;
        memmove(bytes, bytes + at, used);
    }
    return 0;
}

int time_wait_stamps(struct time_wait_route *routes, unsigned count) {
    struct reader reader = {.function = 0};
    struct bpf_code code = {.count = 0};
    int error = begin(&reader);
    for (unsigned i = 0; i < count; i++)
        routes[i] = (struct time_wait_route){.local = endpoint_unmapped(&routes[i].local),
                                             .remote = endpoint_unmapped(&routes[i].remote)};
    if (error != 0)
        return error;
    write_program(&reader, routes, count, &code);
    int iterator = bpf_iterate(&code, reader.function);
    if (iterator < 0)
        return errno;
    error = read_records(&reader, iterator, routes, count);
    close(iterator);
    return error;
}
