/* The filter of portreuse trace: a small machine runs it, for each set of numbers of system calls
 * that this processor has. */
#include <linux/audit.h>

#include "run_filter.h"

/* Runs the filter on a call; returns what the kernel is to do. */
static uint32_t run(const struct seccomp_call *call, bool sendto) {
    struct seccomp_instruction program[SECCOMP_MOST_INSTRUCTIONS];
    unsigned count = seccomp_program(program, sendto);
    struct seccomp_data data = {.nr = (int)call->number, .arch = call->arch};
    for (unsigned i = 0; i < 6; i++)
        data.args[i] = call->arguments[i];
    return run_filter(program, count, &data);
}

/* Two sets of numbers run on one machine: those of 64 bits, and those of 32. A call of either that
 * is watched, or is not: accept(), the same numbers of the other set, read(), unknown processors.
 */
static const struct row {
    uint32_t arch;
    uint64_t number, first;
    enum socket_call call;
    unsigned word_size;
} rows[] = {
#if defined __x86_64__ || defined __i386__
    {AUDIT_ARCH_X86_64, 49, 0, SOCKET_CALL_BIND, 0},
    {AUDIT_ARCH_X86_64, 50, 0, SOCKET_CALL_LISTEN, 0},
    {AUDIT_ARCH_X86_64, 42, 0, SOCKET_CALL_CONNECT, 0},
    {AUDIT_ARCH_X86_64, 0x40000000 | 49, 0, SOCKET_CALL_BIND, 0}, /* x32 */
    {AUDIT_ARCH_X86_64, 0x40000000 | 42, 0, SOCKET_CALL_CONNECT, 0},
    {AUDIT_ARCH_X86_64, 425, 0, SOCKET_CALL_RING, 0},
    {AUDIT_ARCH_X86_64, 0x40000000 | 425, 0, SOCKET_CALL_RING, 0},
    {AUDIT_ARCH_I386, 425, 0, SOCKET_CALL_RING, 0},
    {AUDIT_ARCH_I386, 361, 0, SOCKET_CALL_BIND, 0},
    {AUDIT_ARCH_I386, 363, 0, SOCKET_CALL_LISTEN, 0},
    {AUDIT_ARCH_I386, 362, 0, SOCKET_CALL_CONNECT, 0},
    {AUDIT_ARCH_I386, 102, 2, SOCKET_CALL_BIND, 4}, /* socketcall() */
    {AUDIT_ARCH_I386, 102, 3, SOCKET_CALL_CONNECT, 4},
    {AUDIT_ARCH_I386, 102, 4, SOCKET_CALL_LISTEN, 4},
    {AUDIT_ARCH_X86_64, 43, 0, SOCKET_CALL_NONE, 0},
    {AUDIT_ARCH_X86_64, 102, 2, SOCKET_CALL_NONE, 0},
    {AUDIT_ARCH_X86_64, 361, 0, SOCKET_CALL_NONE, 0},
    {AUDIT_ARCH_X86_64, 0, 49, SOCKET_CALL_NONE, 0},
    {AUDIT_ARCH_I386, 49, 0, SOCKET_CALL_NONE, 0},
    {AUDIT_ARCH_I386, 102, 5, SOCKET_CALL_NONE, 4},
    {AUDIT_ARCH_I386, 0x40000000 | 361, 0, SOCKET_CALL_NONE, 0},
    {AUDIT_ARCH_AARCH64, 200, 0, SOCKET_CALL_NONE, 0},
#elif defined __aarch64__
    {AUDIT_ARCH_AARCH64, 200, 0, SOCKET_CALL_BIND, 0},
    {AUDIT_ARCH_AARCH64, 201, 0, SOCKET_CALL_LISTEN, 0},
    {AUDIT_ARCH_AARCH64, 203, 0, SOCKET_CALL_CONNECT, 0},
    {AUDIT_ARCH_AARCH64, 425, 0, SOCKET_CALL_RING, 0},
    {AUDIT_ARCH_ARM, 282, 0, SOCKET_CALL_BIND, 0},
    {AUDIT_ARCH_ARM, 284, 0, SOCKET_CALL_LISTEN, 0},
    {AUDIT_ARCH_ARM, 283, 0, SOCKET_CALL_CONNECT, 0},
    {AUDIT_ARCH_ARM, 425, 0, SOCKET_CALL_RING, 0},
    {AUDIT_ARCH_AARCH64, 202, 0, SOCKET_CALL_NONE, 0},
    {AUDIT_ARCH_AARCH64, 282, 0, SOCKET_CALL_NONE, 0},
    {AUDIT_ARCH_AARCH64, 0, 200, SOCKET_CALL_NONE, 0},
    {AUDIT_ARCH_ARM, 200, 0, SOCKET_CALL_NONE, 0},
    {AUDIT_ARCH_ARM, 102, 2, SOCKET_CALL_NONE, 0},
    {AUDIT_ARCH_X86_64, 49, 0, SOCKET_CALL_NONE, 0},
#elif defined __s390x__
    {AUDIT_ARCH_S390X, 361, 0, SOCKET_CALL_BIND, 0},
    {AUDIT_ARCH_S390X, 363, 0, SOCKET_CALL_LISTEN, 0},
    {AUDIT_ARCH_S390X, 362, 0, SOCKET_CALL_CONNECT, 0},
    {AUDIT_ARCH_S390X, 425, 0, SOCKET_CALL_RING, 0},
    {AUDIT_ARCH_S390X, 102, 2, SOCKET_CALL_BIND, 8}, /* socketcall() */
    {AUDIT_ARCH_S390X, 102, 3, SOCKET_CALL_CONNECT, 8},
    {AUDIT_ARCH_S390X, 102, 4, SOCKET_CALL_LISTEN, 8},
    {AUDIT_ARCH_S390, 361, 0, SOCKET_CALL_BIND, 0},
    {AUDIT_ARCH_S390, 425, 0, SOCKET_CALL_RING, 0},
    {AUDIT_ARCH_S390, 102, 2, SOCKET_CALL_BIND, 4},
    {AUDIT_ARCH_S390X, 364, 0, SOCKET_CALL_NONE, 0},
    {AUDIT_ARCH_S390X, 102, 5, SOCKET_CALL_NONE, 8},
    {AUDIT_ARCH_S390X, 0, 361, SOCKET_CALL_NONE, 0},
    {AUDIT_ARCH_S390, 49, 0, SOCKET_CALL_NONE, 0},
    {AUDIT_ARCH_X86_64, 49, 0, SOCKET_CALL_NONE, 0},
#else
#error "the numbers of the socket calls of this processor are missing"
#endif
};

/* Both sets, and sendto() in them; which 11 of socketcall() is. */
#if defined __x86_64__ || defined __i386__
static const uint32_t archs[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386};
static const struct row datagram_rows[] = {
    {AUDIT_ARCH_X86_64, 44, 3, SOCKET_CALL_SENDTO, 0},
    {AUDIT_ARCH_X86_64, 0x40000000 | 44, 3, SOCKET_CALL_SENDTO, 0},
    {AUDIT_ARCH_I386, 369, 3, SOCKET_CALL_SENDTO, 0},
    {AUDIT_ARCH_I386, 102, 11, SOCKET_CALL_SENDTO, 4}};
#elif defined __aarch64__
static const uint32_t archs[] = {AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM};
static const struct row datagram_rows[] = {{AUDIT_ARCH_AARCH64, 206, 3, SOCKET_CALL_SENDTO, 0},
                                           {AUDIT_ARCH_ARM, 290, 3, SOCKET_CALL_SENDTO, 0}};
#else
static const uint32_t archs[] = {AUDIT_ARCH_S390X, AUDIT_ARCH_S390};
static const struct row datagram_rows[] = {{AUDIT_ARCH_S390X, 369, 3, SOCKET_CALL_SENDTO, 0},
                                           {AUDIT_ARCH_S390X, 102, 11, SOCKET_CALL_SENDTO, 8},
                                           {AUDIT_ARCH_S390, 102, 11, SOCKET_CALL_SENDTO, 4}};
#endif

static void the_filter_and_the_tracer_agree_about_every_call(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct seccomp_call call = {rows[i].arch, rows[i].number, {rows[i].first}};
        unsigned word_size;
        uint32_t want = rows[i].call == SOCKET_CALL_NONE ? SECCOMP_RET_ALLOW : SECCOMP_RET_TRACE;
        for (int sendto = 0; sendto < 2; sendto++)
            if (run(&call, sendto) != want)
                fail_msg("row %zu: %#x", i, run(&call, sendto));
        assert_int_equal(seccomp_which(&call, &word_size), rows[i].call);
        assert_int_equal(word_size, rows[i].word_size);
    }
}

/* All numbers, so that nothing is stopped by mistake. */
static void no_other_call_stops(void **state) {
    unsigned stops = 0, datagrams = 0;
    (void)state;
    for (size_t i = 0; i < ROWS(archs); i++)
        for (uint64_t number = 0; number < 1024; number++) {
            const struct seccomp_call call = {archs[i], number, {0}};
            stops += run(&call, false) != SECCOMP_RET_ALLOW;
            datagrams += run(&call, true) != SECCOMP_RET_ALLOW;
        }
    assert_int_equal(stops, 8);     /* with io_uring_setup() */
    assert_int_equal(datagrams, 8); /* without an address */
}

static void a_datagram_with_an_address_stops_if_asked_for(void **state) {
    unsigned word_size;
    (void)state;
    for (size_t i = 0; i < ROWS(datagram_rows); i++) {
        struct seccomp_call call = {
            datagram_rows[i].arch, datagram_rows[i].number, {datagram_rows[i].first}};
        bool multiplexed = datagram_rows[i].word_size != 0; /* its address is in memory */
        assert_int_equal(seccomp_which(&call, &word_size), SOCKET_CALL_SENDTO);
        assert_int_equal(word_size, datagram_rows[i].word_size);
        assert_int_equal(run(&call, true) == SECCOMP_RET_TRACE, multiplexed);
        call.arguments[4] = 0x7ffc12345678;
        assert_int_equal(run(&call, true), SECCOMP_RET_TRACE);
        assert_int_equal(run(&call, false), SECCOMP_RET_ALLOW);
    }
}

static void each_call_has_its_name(void **state) {
    (void)state;
    assert_string_equal(seccomp_call_name(SOCKET_CALL_BIND), "bind");
    assert_string_equal(seccomp_call_name(SOCKET_CALL_LISTEN), "listen");
    assert_string_equal(seccomp_call_name(SOCKET_CALL_CONNECT), "connect");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_filter_and_the_tracer_agree_about_every_call),
        cmocka_unit_test(no_other_call_stops),
        cmocka_unit_test(a_datagram_with_an_address_stops_if_asked_for),
        cmocka_unit_test(each_call_has_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
