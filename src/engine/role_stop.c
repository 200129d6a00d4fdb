/* How a serving role is stopped.
 *
 * It runs in blocking calls, which cost nothing extra. SIGNAL_STOP starts a timer that interrupts
 * whatever call blocks, every millisecond from then on; a call that was interrupted PATIENCE times
 * without getting on has nothing to wait for, and the block ends. What is there already never waits
 * as long, so the rounds that can finish do. The timer repeats, because a single signal could come
 * just before the call that it was to interrupt.
 */
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "base/units.h"
#include "engine/role.h"

enum {
    PATIENCE = 10,     /* ticks that a call may wait while stopping */
    DRAIN_MOST = 1000, /* ticks that stopping may take where no call ever waits */
};

static volatile sig_atomic_t stopping, ticks;

static void tick_every(suseconds_t us) {
    struct itimerval period = {.it_interval = {.tv_usec = us}, .it_value = {.tv_usec = us}};
    setitimer(ITIMER_REAL, &period, NULL);
}

static void on_stop(int number) {
    (void)number;
    stopping = 1;
    tick_every(NS_PER_MS / NS_PER_US);
}

static void on_tick(int number) {
    (void)number;
    ticks++;
}

void role_stop_prepare(void) {
    struct sigaction stop = {.sa_handler = on_stop}, tick = {.sa_handler = on_tick};
    stopping = ticks = 0;
    sigaction(SIGALRM, &tick, NULL);
    sigaction(SIGNAL_STOP, &stop, NULL);
}

void role_stop_over(void) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGNAL_STOP, &ignore, NULL);
    tick_every(0);
    sigaction(SIGALRM, &ignore, NULL);
}

bool role_must_stop(void) {
    return ticks >= DRAIN_MOST;
}

bool role_stopping(void) {
    return stopping;
}

bool role_would_wait(unsigned *patience) {
    return stopping && ++*patience >= PATIENCE;
}
