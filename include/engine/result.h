/* The result of a run, and its events as they happen. The engine fills them, the reports read them.
 */
#ifndef PORTREUSE_ENGINE_RESULT_H
#define PORTREUSE_ENGINE_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/memory.h"
#include "base/verdict.h"
#include "inspect/evidence.h"
#include "scenario/scenario.h"

enum { RESULT_TEXT_SIZE = 400, OUTPUT_TEXT_SIZE = 8192 };

enum step_status {
    STEP_NOT_RUN,
    STEP_RUNNING, /* begun, but no answer yet; in a finished case: none came */
    STEP_MET,     /* answered as expected */
    STEP_UNMET,   /* answered differently */
    STEP_BROKEN,  /* could not be done or judged; the case's reason says why */
};

/* What a step's result says without pointers, so that it can be sent to another process. */
struct step_outcome {
    enum step_status status;
    struct answer got;
    int met_index; /* see expectation_index() */
    uint64_t elapsed_ns;
    uint32_t call_index, option;
    bool has_evidence;
    size_t round_count;
};

struct step_result {
    enum step_status status;
    struct answer got;
    const struct wanted *met; /* which of the wanted answers it was, or NULL; of the scenario */
    uint64_t elapsed_ns;
    uint32_t call_index; /* index of the step that made the call: in a block, a line of its body */
    uint32_t option;     /* which of that step's options answered, from 1; 0: none */
    char *seen;        /* await: what was there instead; a question: what was found; exec: what the
                          program has printed, of OUTPUT_TEXT_SIZE; else of RESULT_TEXT_SIZE; NULL or "":
                          nothing to say */
    bool has_evidence; /* of a refused call, or of the answer to a question */
    struct evidence *evidence;
    uint64_t *rounds_ns; /* blocks: the time of each round, of the first ROUNDS_KEPT */
    size_t round_count;
};

enum { ROUNDS_KEPT = 64 * 1024 };

struct case_result {
    enum verdict verdict;
    const char *reason; /* of SKIP and ERROR; else "" */
    uint64_t began_ns;  /* when its first run began, since the run began */
    uint64_t elapsed_ns;
    struct step_result *steps; /* of the setup, then of the case; with the lines of blocks */
    size_t step_count;
    unsigned runs, passed; /* of --repeat; the rest is of the first run, or of the first that did
                              not pass */
};

struct scenario_result {
    const struct scenario *scenario; /* borrowed */
    enum verdict verdict;
    struct case_result *cases;
};

struct run_result {
    struct arena arena; /* owns all below */
    enum verdict verdict;
    struct scenario_result *scenarios;
    size_t scenario_count;
    size_t cases[VERDICTS]; /* how many cases had each verdict */
    unsigned repeat;
    int interrupted; /* the signal that ended the run early, or 0 */
    time_t began;    /* by the clock of the host */
    uint64_t elapsed_ns;
};

/* The step that result `index` of a case belongs to. */
const struct step *result_step(const struct scenario *scenario, size_t case_index, size_t index);

/* The first step that did not answer as expected, or NULL. */
const struct step_result *result_failed_step(const struct case_result *result);

/* Returns whether a case's setup was answered as expected; true if there is none. */
bool result_setup_is_met(const struct scenario_result *scenario, size_t case_index);

/* Returns the first case whose setup was, to show it for all cases; the number of cases if there is
 * none, or no setup. */
size_t result_setup_to_show(const struct scenario_result *scenario);

/* The step whose expectation the answer to `step` did not meet: `step` itself; for a serve block,
 * which as a whole expects nothing, the line of its body that ended it. */
const struct step *result_judge(const struct step *step, const struct step_result *result);

/* The name of the option that answered, static: SO_LINGER; NULL if the whole step did. */
const char *result_where(const struct scenario *scenario, const struct step_result *result);

/* Sets the result of `step` to an outcome, and leaves what the board holds of it unchanged. */
void result_set_outcome(struct step_result *result, const struct step *step,
                        const struct step_outcome *outcome);

/* A deep copy in the arena. */
struct case_result result_keep(struct arena *arena, const struct case_result *result);

/* Sets the verdicts of the scenarios and of the run from those of the cases. */
void result_sum_up(struct run_result *run);

void run_result_free(struct run_result *run);

/* --- events, for those who watch a run --- */

enum run_event_kind {
    RUN_BEGINS,
    CASE_BEGINS,
    STEP_BEGINS,
    STEP_ENDS, /* a serve block that breaks later ends twice */
    CASE_ENDS,
    RUN_WAITS, /* nothing happened for a while */
};

/* Which members are set depends on the kind. All pointers are valid only during the call. */
struct run_event {
    enum run_event_kind kind;
    uint64_t at_ns; /* since the run began */
    size_t runs_ended, runs_total;

    /* CASE_*, STEP_*; RUN_WAITS: the case that has been running the longest */
    const struct scenario *scenario;
    size_t case_index;
    unsigned repetition; /* from 1 */

    const struct case_result *case_result; /* CASE_ENDS */
    const struct step *step;               /* STEP_*; RUN_WAITS: the one under way, or NULL */
    const struct step_result *result;      /* STEP_ENDS */
    uint64_t waited_ns;                    /* RUN_WAITS: for the step */
    size_t rounds;                         /* RUN_WAITS: of a block, as far as they are kept */
};

struct run_watcher {
    /* Reports an event; NULL: nobody watches. */
    void (*tell)(void *context, const struct run_event *event);
    void *context;
    bool steps;       /* report STEP_* too; this costs two context switches per step */
    uint64_t tick_ns; /* the time between two RUN_WAITS; 0: none */
};

/* Returns whether the program of the command line cannot be judged: an ERROR in the setup, which
 * every case has. */
bool result_is_hopeless(const struct scenario *scenario, const struct case_result *result);

#endif
