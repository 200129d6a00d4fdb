#include "kernel/processor.h"

#include <sched.h>
#include <stddef.h>

void processor_stay(void) {
    cpu_set_t here;
    int processor = sched_getcpu();
    CPU_ZERO(&here);
    if (processor < 0 || processor >= CPU_SETSIZE)
        return;
    CPU_SET((size_t)processor, &here);
    sched_setaffinity(0, sizeof here, &here);
}
