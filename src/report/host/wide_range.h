/* What the range of local ports can become. */
#ifndef PORTREUSE_REPORT_HOST_WIDE_RANGE_H
#define PORTREUSE_REPORT_HOST_WIDE_RANGE_H

#include <stdint.h>

#include "base/ports.h"

enum { WIDE_RANGE_HIGH = UINT16_MAX };

/* Returns the lowest port of it. Servers usually have ports below 10000, and the kernel refuses a
 * range with a privileged port (ipv4_local_port_range()). */
static inline unsigned wide_range_low(const struct port_range *range, unsigned privileged_below) {
    enum { LOW = 10000 };
    unsigned low = privileged_below > LOW ? privileged_below : LOW;
    return range->low < low ? range->low : low;
}

#endif
