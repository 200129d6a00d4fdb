/* repeat and serve: the body's calls in a loop, inside the role, at their own speed.
 *
 * How a serving role is stopped: it runs in blocking calls, which cost nothing extra. SIGNAL_STOP
 * starts a timer that interrupts whatever call blocks every millisecond from then on; a call that
 * was interrupted PATIENCE times without getting on has nothing to wait for, and the block ends.
 * What is there already never waits as long, so the rounds that can finish do. The timer repeats,
 * because a single signal could come just before the call it was to interrupt.
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

bool role_would_wait(unsigned *patience) {
    return stopping && ++*patience >= PATIENCE;
}

/* Runs the body once. Returns whether every call answered as expected; if not, `reply` says which
 * one did not. */
static bool run_round(struct role *role, const struct step *block, struct reply *reply) {
    for (const struct step *step = block + 1; step <= block + block->body; step++) {
        uint64_t start_ns = step->want.timed ? units_now_ns() : 0;
        struct answer answer = role_call(role, step, &reply->where);
        bool as_usual = !step->want.given && answer.kind == ANSWER_OK;
        bool in_time =
            !step->want.timed || expectation_in_time(&step->want, units_now_ns() - start_ns);
        if (as_usual || (in_time && role_expected(role, step, &answer)))
            continue;
        reply->answer = answer;
        reply->answer.at = step->verb;
        reply->answer.line = step->line;
        reply->call = (uint32_t)(step - role->scenario->steps);
        return false;
    }
    return true;
}

static bool may_go_on(const struct step *block, uint64_t rounds, uint64_t most) {
    return block->verb == VERB_SERVE ? ticks < DRAIN_MOST : rounds < most;
}

void role_block(struct role *role, const struct step *block, struct reply *reply) {
    struct step_result *result = board_result(role->board, block);
    bool serves = block->verb == VERB_SERVE;
    uint64_t most = block->has_number ? (uint64_t)block->number : SCENARIO_ROUNDS_MAX;
    uint64_t kept = most < ROUNDS_KEPT ? most : ROUNDS_KEPT, rounds = 0;
    uint64_t before_ns = units_now_ns();
    bool as_expected = true;
    while (may_go_on(block, rounds, most) && (as_expected = run_round(role, block, reply))) {
        uint64_t now_ns = units_now_ns();
        if (rounds < kept)
            result->rounds_ns[rounds] = now_ns - before_ns;
        before_ns = now_ns;
        rounds++;
    }
    reply->round_count = (uint32_t)(rounds < kept ? rounds : kept);
    if (serves && (as_expected || reply->answer.kind == ANSWER_NONE))
        reply->answer = (struct answer){.kind = ANSWER_NUMBER, .number = (int64_t)rounds};
    else if (as_expected)
        reply->answer = (struct answer){.kind = ANSWER_OK, .in_block = true, .rounds = rounds};
    else
        reply->answer.in_block = true;
    reply->answer.rounds = rounds;
}
