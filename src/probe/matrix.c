/* One child process in its own namespace makes every pair, on one processor, where segments are
 * answered before the next call. The parent then asks the model about the same pairs. */
#include "probe/matrix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/errnames.h"
#include "base/units.h"
#include "inspect/child.h"
#include "kernel/process.h"
#include "model/quirks.h"
#include "probe/matrix_stage.h"

enum {
    FIRST_PORT = 10000, /* each pair has its own port, from here up: */
    PORTS = 55000,
    TRIES = 3,
    TIME_LIMIT_S = 600 /* for everything: it only has to end some time */
};

/* --- the cells --- */

struct matrix_cell *matrix_cell(const struct matrix *matrix, const struct matrix_pair *pair) {
    struct matrix *all = (struct matrix *)matrix;
    unsigned way = pair->device == MATRIX_NO_DEVICE ? (unsigned)pair->call
                                                    : STORY_CALLS - 1 + (unsigned)pair->device;
    return &all->cells[pair->user][way][pair->state][pair->first.address][pair->first.options]
                      [pair->second.address][pair->second.options];
}

bool matrix_same_answer(const struct matrix_answer *a, const struct matrix_answer *b) {
    return a->bind == b->bind && a->listen == b->listen && a->connect == b->connect;
}

bool matrix_agrees(const struct matrix_cell *cell) {
    return matrix_same_answer(&cell->got, &cell->want);
}

/* --- the model's answers --- */

static void predict(enum protocol protocol, struct kernel_quirks quirks,
                    const struct matrix_pair *pair, struct matrix_cell *cell) {
    struct story_cast cast = matrix_cast(protocol, pair, FIRST_PORT);
    struct claim second = matrix_second(protocol, pair, FIRST_PORT);
    cast.first.quirks = second.quirks = quirks;
    struct story_answer answer = story_second(&stories[pair->state], &cast, pair->call, &second);
    cell->want = (struct matrix_answer){(int16_t)answer.bind, (int16_t)answer.listen,
                                        (int16_t)answer.connect};
    cell->rule = (uint8_t)answer.rule;
}

/* --- the kernel's answers --- */

/* Returns whether the kernel chooses a port for the first socket, or the second. */
static bool needs_range(const struct matrix_pair *pair) {
    return pair->call == STORY_CALL_PORT_0 || pair->call == STORY_CALL_CONNECT ||
           !story_has(&stories[pair->state], STORY_BIND);
}

static bool can_measure(const struct matrix_means *means, const struct matrix_pair *pair) {
    bool ipv6 = matrix_addresses[pair->first.address].text[0] == '[' ||
                matrix_addresses[pair->second.address].text[0] == '[';
    return (means->users || pair->user != MATRIX_OTHER_USER) && (means->ipv6 || !ipv6) &&
           (means->ranges || !needs_range(pair)) &&
           (means->devices || pair->device != MATRIX_DEVICE_OTHER) &&
           (means->closed || !story_has(&stories[pair->state], STORY_CLOSE));
}

/* What the child is told, and reports. The answers follow it, one for each of the pairs. */
struct work {
    enum protocol protocol;
    struct kernel_quirks quirks;
    struct matrix_choice choice;
    struct matrix_means means;
    enum verdict verdict;
    char reason[MATRIX_REASON_SIZE];
    size_t pairs, tries, retried;
};

static bool can_be_made(const struct work *work, const struct matrix_pair *pair) {
    struct story_cast cast = matrix_cast(work->protocol, pair, FIRST_PORT);
    struct claim second = matrix_second(work->protocol, pair, FIRST_PORT);
    cast.first.quirks = second.quirks = work->quirks;
    return story_goes_on(&stories[pair->state], &cast, &second);
}

static bool is_tried(const struct work *work, const struct matrix_pair *pair) {
    return matrix_chosen(&work->choice, pair) && can_measure(&work->means, pair) &&
           can_be_made(work, pair);
}

/* Makes the pair until the answer is that of the model, or a few times: for a moment, another
 * process can hold a socket that is closed here, and so keep it (pidfd_getfd(2), as `why` does).
 * Returns 0, or the errno of what could not be made. */
static int try_pair(struct work *work, const struct stage *stage, const struct matrix_pair *pair,
                    struct matrix_cell *cell) {
    int error = ETIMEDOUT;
    predict(work->protocol, work->quirks, pair, cell);
    for (unsigned i = 0; i < TRIES && (error != 0 || !matrix_agrees(cell)); i++) {
        cell->got = (struct matrix_answer){MATRIX_NOT_ASKED, MATRIX_NOT_ASKED, MATRIX_NOT_ASKED};
        error = stage_try(stage, pair, (uint16_t)(FIRST_PORT + work->tries++ % PORTS), &cell->got);
    }
    return error;
}

static void measure_pair(struct work *work, const struct stage *stage,
                         const struct matrix_pair *pair, FILE *more) {
    struct matrix_cell cell = {0};
    char name[ERRNAME_SIZE], first[MATRIX_NAME_SIZE];
    size_t tries = work->tries;
    int error = try_pair(work, stage, pair, &cell);
    if (error == 0) {
        work->pairs++;
        work->retried += work->tries > tries + 1;
        fwrite(&cell.got, sizeof cell.got, 1, more);
        return;
    }
    work->verdict = VERDICT_ERROR;
    snprintf(work->reason, sizeof work->reason, "a socket on %s did not reach %s: %s",
             matrix_first_name(pair->state, pair->first.address, first),
             matrix_state_name(work->protocol, pair->state), errname(error, name));
}

/* Enters a new namespace and prepares it. Returns false if it is refused. */
static bool open_namespace(struct work *work, struct stage *stage) {
    enum netns_kind kind = netns_enter(work->reason);
    if (netns_is_none(kind)) {
        work->verdict = kind == NETNS_FAILED ? VERDICT_ERROR : VERDICT_SKIP;
        return false;
    }
    char name[ERRNAME_SIZE];
    int error = stage_open(stage, work->protocol, &work->means);
    if (error == 0)
        return true;
    work->verdict = VERDICT_ERROR;
    snprintf(work->reason, sizeof work->reason,
             "what can be measured here could not be found out: %s", errname(error, name));
    stage_close(stage);
    return false;
}

/* In the child: measures what it can. When the ports of a namespace are used up, it goes on in
 * another one. */
static void measure(void *data, FILE *more) {
    struct work *work = data;
    struct matrix_pair pair = {0};
    struct stage stage;
    size_t spaces = 0; /* that were used up */
    process_stay_on_processor();
    if (!open_namespace(work, &stage))
        return;
    do {
        if (!is_tried(work, &pair))
            continue;
        measure_pair(work, &stage, &pair, more);
        if (work->tries / PORTS == spaces)
            continue;
        spaces++;
        stage_close(&stage);
        if (!open_namespace(work, &stage))
            return;
    } while (work->verdict != VERDICT_ERROR && matrix_next(work->protocol, &pair));
    stage_close(&stage);
}

/* --- both --- */

static void compare(struct matrix *matrix) {
    struct matrix_pair pair = {0};
    do {
        struct matrix_cell *cell = matrix_cell(matrix, &pair);
        if (!cell->measured)
            continue;
        predict(matrix->protocol, matrix->quirks, &pair, cell);
        matrix->disagreements += !matrix_agrees(cell);
    } while (matrix_next(matrix->protocol, &pair));
    if (matrix->disagreements > 0 && matrix->verdict == VERDICT_PASS)
        matrix->verdict = VERDICT_FAIL;
}

/* Puts the child's answers into the cells. */
static void take_answers(struct matrix *matrix, const struct work *work,
                         struct child_bytes *answers) {
    struct matrix_pair pair = {0};
    do {
        struct matrix_cell *cell = matrix_cell(matrix, &pair);
        if (is_tried(work, &pair))
            cell->measured = child_take(answers, &cell->got, sizeof cell->got);
    } while (matrix_next(matrix->protocol, &pair));
}

/* Returns 0, or an errno if there is no process for it. */
static int run(struct matrix *matrix, const struct matrix_choice *choice) {
    struct work work = {.protocol = matrix->protocol, .quirks = matrix->quirks, .choice = *choice};
    struct child child = {.seconds = TIME_LIMIT_S};
    struct child_bytes answers = {0};
    const char *what;
    int error = child_run(&child, measure, &work, sizeof work, &answers, &what);
    if (error == ETIMEDOUT || error == ECHILD) {
        work.verdict = VERDICT_ERROR;
        snprintf(work.reason, sizeof work.reason, "the process that measures %s",
                 error == ETIMEDOUT ? "took too long" : "ended early");
        error = 0;
    }
    matrix->verdict = work.verdict;
    matrix->means = work.means;
    matrix->pairs = work.pairs;
    matrix->retried = work.retried;
    snprintf(matrix->reason, sizeof matrix->reason, "%s", work.reason);
    if (error == 0)
        take_answers(matrix, &work, &answers);
    child_bytes_free(&answers);
    return error;
}

struct matrix *matrix_measure(enum protocol protocol, const struct matrix_choice *choice) {
    struct utsname kernel;
    struct matrix *matrix = calloc(1, sizeof *matrix);
    if (matrix == NULL)
        return NULL;
    matrix->protocol = protocol;
    uname(&kernel);
    snprintf(matrix->kernel, sizeof matrix->kernel, "%s", kernel.release);
    matrix->quirks = quirks_of(release_running());
    int error = run(matrix, choice);
    if (error != 0) {
        free(matrix);
        errno = error;
        return NULL;
    }
    compare(matrix);
    return matrix;
}
