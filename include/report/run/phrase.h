/* What all formats of the report say in the same words. Nothing here ends its last line. Text from
 * outside is made safe to print (base/text.h). A format that must escape more passes a stream that
 * does so (escape_open()). */
#ifndef PORTREUSE_REPORT_RUN_PHRASE_H
#define PORTREUSE_REPORT_RUN_PHRASE_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/result.h"

/* A text from outside, whole. */
void phrase_text(FILE *out, const char *text);

/* A text of more than `most` bytes is shortened to its first words, at least one, and dots. */
void phrase_front(FILE *out, const char *text, size_t most);

/* A step without its role: `bind listener 127.0.0.1:80`. */
void phrase_call(FILE *out, const struct step *step);

/* What a step answered. If it met what was wanted, only what the scenario pins, so that the text is
 * the same from run to run; `verbose`: the answer itself. */
void phrase_answer(FILE *out, const struct step_result *result, bool verbose);

/* How much is said of a step that did not answer as expected. */
enum phrase_detail {
    PHRASE_ALL,   /* line 7: want ok, got EADDRINUSE */
    PHRASE_SHORT, /* the same, with the first words of what was wanted */
    PHRASE_GOT,   /* line 7: got EADDRINUSE */
    PHRASE_LINE,  /* line 7 */
};

/* Why the case has its verdict: its step that failed, or the reason of a SKIP or an ERROR; nothing
 * for PASS. */
void phrase_case(FILE *out, const struct scenario_result *scenario, size_t index,
                 enum phrase_detail detail);

/* What went wrong in a case that is FAIL or ERROR, without its place: `want ok, got EADDRINUSE`.
 * Returns the line of the scenario where that was. */
unsigned phrase_trouble(FILE *out, const struct scenario_result *scenario, size_t index);

/* The story of a case that did not pass, for formats that annotate a line: why it has its verdict,
 * and, each on a line of its own, the call that failed, what was seen, what was in the way and the
 * cause. */
void phrase_story(FILE *out, const struct scenario_result *scenario, size_t index, bool verbose);

/* Returns whether the evidence of a step is shown: that of a refused call always; that of a
 * question, which mostly repeats the refusal above it, if the answer was not as expected or if
 * `verbose`. */
bool phrase_shows_evidence(const struct step *step, const struct step_result *result, bool verbose);

/* Returns what an await saw instead, or what a question found, or NULL if that is not shown.
 * `*label` is what to call it, static: `seen there`. */
const char *phrase_seen(const struct step *step, const struct step_result *result, bool verbose,
                        const char **label);

/* How many lines say what was in the way: one per socket and one for the rest, or one for all. */
unsigned phrase_evidence_lines(const struct evidence *evidence);

/* One of them: `TIME-WAIT 127.0.0.1:80 to 127.0.0.1:*, left by server.peer`. Process ids, ports
 * that the kernel chose, exact counts and times only if `verbose`. */
void phrase_evidence(FILE *out, const struct scenario *scenario, const struct evidence *evidence,
                     unsigned line, bool verbose);

#endif
