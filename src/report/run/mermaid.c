/* The cases as pictures: for each a sequenceDiagram of Mermaid in a Markdown code block, as GitHub
 * draws it. The roles call the kernel; an answer other than a plain `ok` is an arrow back; the
 * sockets that the kernel has are in notes over it. */
#include <string.h>

#include "base/text.h"
#include "report/run/phrase.h"
#include "report/run/run.h"

struct mermaid {
    FILE *out;                  /* markup */
    FILE *label, *name, *title; /* text from outside: of calls, of roles, of headings */
    const struct report *report;
    const char *first_kernel; /* its participant: k, or k0 where there are hosts */
};

enum { LABEL_MOST = 72, REASON_MOST = 144 }; /* bytes: longer labels make the picture unreadable */

/* Characters that could mean something to Mermaid's parser are written as numbers. */
static void escape_by_number(FILE *out, unsigned char byte, const char *special) {
    if (byte != '\0' && strchr(special, byte) == NULL)
        fputc(byte, out);
    else
        fprintf(out, "#%u;", byte);
}

static void escape_label(FILE *out, unsigned char byte) {
    escape_by_number(out, byte, "<>&\"'`;#%{}\\$@!?+~^");
}

/* In a name a colon means something too, as in `wrap: ...`. */
static void escape_name(FILE *out, unsigned char byte) {
    escape_by_number(out, byte, "<>&\"'`;#%{}\\$@!?+~^:");
}

/* --- steps: a role is the participant r and its index, the kernel is k; of several hosts, that of
 * each is k and its index --- */

static void write_kernel(const struct mermaid *mermaid, const struct step *step) {
    int host = step_host(step);
    if (host == NO_HOST)
        fputs(mermaid->first_kernel, mermaid->out);
    else
        fprintf(mermaid->out, "k%d", host);
}

static void write_note(const struct mermaid *mermaid, const struct step *step, const char *label) {
    fputs("    Note over ", mermaid->out);
    write_kernel(mermaid, step);
    fprintf(mermaid->out, ": %s", label);
}

static void write_call(const struct mermaid *mermaid, const struct step *step) {
    fprintf(mermaid->label, "%s%s", verb_row(step->verb)->name,
            *step->arguments == '\0' ? "" : " ");
    phrase_front(mermaid->label, step->arguments, LABEL_MOST);
}

static void write_answer(const struct mermaid *mermaid, const struct step *step,
                         const struct step_result *result) {
    bool met = result->status == STEP_MET;
    if (met && result->got.kind == ANSWER_OK && !result->got.in_block)
        return;
    bool refused = !met || result->got.kind == ANSWER_ERRNO;
    if (step->role == NO_ROLE) {
        write_note(mermaid, step, "");
    } else {
        fputs("    ", mermaid->out);
        write_kernel(mermaid, step);
        fprintf(mermaid->out, "%sr%d: ", refused ? "--x" : "-->>", step->role);
    }
    phrase_answer(mermaid->label, result, mermaid->report->verbose);
    if (!met) {
        fputs(" (want ", mermaid->label);
        phrase_front(mermaid->label, result_judge(step, result)->want.text, LABEL_MOST);
        fputc(')', mermaid->label);
    }
    fputc('\n', mermaid->out);
}

static void write_evidence(const struct mermaid *mermaid, const struct scenario *scenario,
                           const struct step *step, const struct evidence *evidence) {
    unsigned lines = phrase_evidence_lines(evidence);
    write_note(mermaid, step, lines > 0 ? "in the way" : "nothing is in the way");
    for (unsigned i = 0; i < lines; i++) {
        fputs("<br/>", mermaid->out);
        phrase_evidence(mermaid->label, scenario, evidence, i, mermaid->report->verbose);
    }
    fprintf(mermaid->out, "<br/>cause: %s\n", cause_name(evidence->cause));
}

static void write_arrow(const struct mermaid *mermaid, const struct step *step) {
    enum verb_arrow arrow = verb_row(step->verb)->arrow;
    fprintf(mermaid->out, "    r%d", step->role);
    if (arrow == ARROW_TO_ROLE) {
        fprintf(mermaid->out, "->>r%d: ", step_other_role(step));
    } else {
        fputs(arrow == ARROW_ENDS_ROLE ? "-x" : "->>", mermaid->out);
        write_kernel(mermaid, step);
        fputs(": ", mermaid->out);
    }
    write_call(mermaid, step);
    fputc('\n', mermaid->out);
}

static void write_block(const struct mermaid *mermaid, const struct step *block) {
    fputs("    loop ", mermaid->out);
    write_call(mermaid, block);
    fputc('\n', mermaid->out);
    for (const struct step *step = block + 1; step <= block + block->body; step++)
        write_arrow(mermaid, step);
    fputs("    end\n", mermaid->out);
}

static void write_step(const struct mermaid *mermaid, const struct scenario *scenario,
                       const struct step *step, const struct step_result *result) {
    if (step->role == NO_ROLE) {
        write_note(mermaid, step, "");
        write_call(mermaid, step);
        fputc('\n', mermaid->out);
    } else if (step->body > 0) {
        write_block(mermaid, step);
    } else {
        write_arrow(mermaid, step);
    }
    write_answer(mermaid, step, result);
    const char *label, *seen = phrase_seen(step, result, mermaid->report->verbose, &label);
    if (seen != NULL) {
        write_note(mermaid, step, label);
        fputs(": ", mermaid->out);
        phrase_front(mermaid->label, seen, LABEL_MOST);
        fputc('\n', mermaid->out);
    }
    if (phrase_shows_evidence(step, result, mermaid->report->verbose))
        write_evidence(mermaid, scenario, step, result->evidence);
}

/* --- cases --- */

/* Notes for each role that takes part in what was run the host that it is on, and -1 for the
 * others; without hosts it is 0. */
static void find_participants(const struct scenario_result *scenario, size_t index, int *host_of) {
    const struct case_result *result = &scenario->cases[index];
    for (size_t i = 0; i < SCENARIO_ROLES_MAX; i++)
        host_of[i] = -1;
    for (size_t i = 0; i < result->step_count; i++) {
        const struct step *step = result_step(scenario->scenario, index, i);
        int host = step->host == NO_HOST ? 0 : step->host;
        if (result->steps[i].status == STEP_NOT_RUN || step->role == NO_ROLE)
            continue;
        host_of[step->role] = host;
        if (step_other_role(step) != NO_ROLE)
            host_of[step_other_role(step)] = host;
    }
}

/* Names the roles of one host in the order of the story, and its kernel. */
static void write_participants_of(const struct mermaid *mermaid, const struct scenario *story,
                                  const int *host_of, int host) {
    for (size_t i = 0; i < story->role_count; i++) {
        if (host_of[i] != host)
            continue;
        fprintf(mermaid->out, "    participant r%zu as ", i);
        phrase_front(mermaid->name, story->roles[i], LABEL_MOST);
        fputc('\n', mermaid->out);
    }
}

static void write_participants(const struct mermaid *mermaid,
                               const struct scenario_result *scenario, size_t index) {
    const struct scenario *story = scenario->scenario;
    int host_of[SCENARIO_ROLES_MAX];
    find_participants(scenario, index, host_of);
    if (story->host_count == 0) {
        write_participants_of(mermaid, story, host_of, 0);
        fputs("    participant k as kernel\n", mermaid->out);
    }
    for (size_t i = 0; i < story->host_count; i++) {
        fputs("    box transparent ", mermaid->out);
        phrase_front(mermaid->name, story->hosts[i].name, LABEL_MOST);
        fputc('\n', mermaid->out);
        write_participants_of(mermaid, story, host_of, (int)i);
        fprintf(mermaid->out, "    participant k%zu as kernel\n    end\n", i);
    }
}

static void write_case(struct mermaid *mermaid, const struct scenario_result *scenario,
                       size_t index) {
    const struct case_result *result = &scenario->cases[index];
    mermaid->first_kernel = scenario->scenario->host_count > 0 ? "k0" : "k";
    fprintf(mermaid->out, "\n### %s ", verdict_name(result->verdict));
    phrase_text(mermaid->title, scenario->scenario->name);
    fputs(": ", mermaid->title);
    phrase_text(mermaid->title, scenario->scenario->cases[index].title);
    fputs("\n\n```mermaid\nsequenceDiagram\n", mermaid->out);
    write_participants(mermaid, scenario, index);
    for (size_t i = 0; i < result->step_count; i++) {
        const struct step *step = result_step(scenario->scenario, index, i);
        if (result->steps[i].status != STEP_NOT_RUN)
            write_step(mermaid, scenario->scenario, step, &result->steps[i]);
        i += step->body;
    }
    if (result->reason[0] != '\0') {
        fprintf(mermaid->out, "    Note over %s: %s", mermaid->first_kernel,
                verdict_name(result->verdict));
        fputs(": ", mermaid->label);
        phrase_front(mermaid->label, result->reason, REASON_MOST);
        fputc('\n', mermaid->out);
    }
    fputs("```\n", mermaid->out);
}

static void write_report(const struct report *report, FILE *out) {
    struct mermaid mermaid = {.out = out,
                              .label = escape_open(out, escape_label),
                              .name = escape_open(out, escape_name),
                              .title = escape_open(out, escape_markdown),
                              .report = report};
    char line[REPORT_LINE_SIZE];
    fputs(run_verdict(run_findings(report)->run, line), mermaid.title);
    fputc('\n', out);
    for (size_t i = 0; i < run_findings(report)->run->scenario_count; i++)
        for (size_t k = 0; k < run_findings(report)->run->scenarios[i].scenario->case_count; k++)
            write_case(&mermaid, &run_findings(report)->run->scenarios[i], k);
    fclose(mermaid.label);
    fclose(mermaid.name);
    fclose(mermaid.title);
}

const struct format format_mermaid = {
    .name = "mermaid",
    .extensions = ".mermaid.md",
    .line = "pictures: one sequence diagram per case, as GitHub draws them",
    .write = write_report,
};
