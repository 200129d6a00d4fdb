/* A small machine that runs a filter of seccomp(2). */
#ifndef PORTREUSE_TESTS_UNIT_RUN_FILTER_H
#define PORTREUSE_TESTS_UNIT_RUN_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

#include "kernel/seccomp.h"
#include "test.h"

/* Runs the filter on a call, as the kernel does; returns what the kernel is to do. */
static inline uint32_t run_filter(const struct seccomp_instruction *program, unsigned count,
                                  const struct seccomp_data *data) {
    uint32_t value = 0;
    for (unsigned at = 0; at < count; at++) {
        const struct seccomp_instruction *now = &program[at];
        switch (now->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(now->value + sizeof value <= sizeof *data);
            memcpy(&value, (const char *)data + now->value, sizeof value);
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            at += value == now->value ? now->yes : now->no;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            at += value >= now->value ? now->yes : now->no;
            break;
        case BPF_RET | BPF_K:
            return now->value;
        default:
            fail_msg("instruction %u: %#x", at, now->code);
        }
    }
    fail_msg("the filter has no end");
    return 0;
}

#endif
