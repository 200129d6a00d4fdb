/* Reasons and time: what every part of the stage needs. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/errnames.h"
#include "base/units.h"
#include "engine/stage_parts.h"

enum outcome stage_says(struct stage *stage, enum outcome outcome, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(stage->board->reason, RESULT_TEXT_SIZE, format, values);
    va_end(values);
    return outcome;
}

enum outcome stage_no_diag(struct stage *stage, int error) {
    char name[ERRNAME_SIZE];
    return stage_says(
        stage, OUTCOME_SKIP, "the kernel does not list its TCP sockets here (sock_diag: %s)%s",
        errname(error, name), error == ENOENT ? ": load the module tcp_diag, as root" : "");
}

uint64_t stage_time_left(const struct stage *stage) {
    uint64_t now_ns = units_now_ns(), end_ns = stage->options->deadline_ns;
    return now_ns < end_ns ? end_ns - now_ns : 0;
}
