/* Each role has a lane, and so has the kernel; of several hosts, the kernel of each. A call is an
 * arrow from its role to its kernel, with its text above it; an error comes back as an arrow too.
 * To the right of a kernel stands the state that a call has led to; boxes over the lanes have the
 * sockets that were in the way.
 *
 * All text has one size and one width per column, so that what fits can be counted. The rows are
 * drawn into memory first: only then the height of the picture is known. */
#include "report/run/sequence.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/run/phrase.h"
#include "report/shared/picture.h"

enum {
    COLUMN = PICTURE_COLUMN,
    ROW = 34,  /* the height of a call */
    BACK = 24, /* of an answer */
    HEAD = 44, /* of the names of the lanes */
    GAP = 12,  /* between a lane and a text */
    NEST = 16, /* how far a call in a block is indented */
    BOX_COLUMNS = 40,
    BOX = BOX_COLUMNS * COLUMN + 2 * GAP,
    STATE_COLUMNS = 12, /* ESTABLISHED */
    LABEL_MOST = 60,    /* columns of the text of a call */
};

struct sequence {
    const struct page *page; /* its streams: those of the rows */
    const struct scenario_result *scenario;
    size_t index, first, end;
    bool verbose;
    int role_x[SCENARIO_ROLES_MAX]; /* 0: takes no part */
    int kernel_x[SCENARIO_HOSTS_MAX];
    int edge[SCENARIO_HOSTS_MAX]; /* right of all that stands beside that kernel */
    size_t kernels;
    int width, y;
};

/* --- text --- */

static int columns_of(const char *text) {
    return (int)utf8_width(text, strlen(text));
}

/* The text of a call, as it is drawn; the caller frees it. */
static char *call_text(const struct step *step) {
    struct composed text;
    FILE *out = compose_begin(&text);
    fprintf(out, "%s%s", verb_row(step->verb)->name, *step->arguments == '\0' ? "" : " ");
    phrase_front(out, step->arguments, LABEL_MOST);
    compose_end(&text);
    return text.bytes;
}

/* The text of an answer that comes back; "" for a plain ok. The caller frees it. */
static char *answer_text_of(const struct sequence *picture, const struct step *step,
                            const struct step_result *result) {
    bool met = result->status == STEP_MET;
    struct composed text;
    FILE *out = compose_begin(&text);
    if (!met || result->got.kind != ANSWER_OK || result->got.in_block)
        phrase_answer(out, result, picture->verbose);
    if (!met && result->status != STEP_NOT_RUN) {
        fputs(" (want ", out);
        phrase_front(out, result_judge(step, result)->want.text, LABEL_MOST / 2);
        fputc(')', out);
    }
    compose_end(&text);
    return text.bytes;
}

/* Begins rows that are drawn into memory. */
static struct page begin_rows(struct composed *rows) {
    struct page page = {.out = compose_begin(rows)};
    page.text = escape_open(page.out, escape_xml);
    return page;
}

/* --- lanes --- */

static size_t kernel_of(const struct step *step) {
    int host = step_host(step);
    return host == NO_HOST ? 0 : (size_t)host;
}

static const struct step *step_at(const struct sequence *picture, size_t i) {
    return result_step(picture->scenario->scenario, picture->index, i);
}

/* Marks the roles that take part, and on which host each is. */
static void find_roles(const struct sequence *picture, int *host_of) {
    const struct case_result *result = &picture->scenario->cases[picture->index];
    for (size_t i = 0; i < SCENARIO_ROLES_MAX; i++)
        host_of[i] = -1;
    for (size_t i = picture->first; i < picture->end; i++) {
        const struct step *step = step_at(picture, i);
        if (step->role == NO_ROLE || result->steps[i].status == STEP_NOT_RUN)
            continue;
        int host = step->host == NO_HOST ? 0 : step->host;
        host_of[step->role] = host;
        if (step_other_role(step) != NO_ROLE)
            host_of[step_other_role(step)] = host;
    }
}

/* Returns how far right the texts of the calls of one kernel, and of their answers, reach. */
static int reach(const struct sequence *picture, size_t kernel) {
    const struct case_result *result = &picture->scenario->cases[picture->index];
    int most = 0;
    for (size_t i = picture->first, inner = 0; i < picture->end; i++) {
        const struct step *step = step_at(picture, i);
        int nest = i < inner ? NEST : 0;
        inner = step->body > 0 ? i + 1 + step->body : inner;
        if (step->role == NO_ROLE || picture->role_x[step->role] == 0 || kernel_of(step) != kernel)
            continue;
        char *call = call_text(step), *answer = answer_text_of(picture, step, &result->steps[i]);
        int columns = columns_of(call), back = columns_of(answer);
        columns = back > columns ? back : columns;
        int end = picture->role_x[step->role] + nest + GAP + columns * COLUMN + 2 * GAP;
        free(call);
        free(answer);
        most = end > most ? end : most;
    }
    return most;
}

/* Sets where the lanes are: of each host the roles, and to the right of them its kernel. */
static void place_lanes(struct sequence *picture) {
    const struct scenario *story = picture->scenario->scenario;
    int host_of[SCENARIO_ROLES_MAX], x = 0, left = 4;
    find_roles(picture, host_of);
    picture->kernels = story->host_count == 0 ? 1 : story->host_count;
    for (size_t kernel = 0; kernel < picture->kernels; kernel++) {
        for (size_t i = 0; i < story->role_count; i++) {
            if (host_of[i] != (int)kernel)
                continue;
            int half = columns_of(story->roles[i]) * COLUMN / 2 + GAP;
            half = half < 40 ? 40 : half;
            picture->role_x[i] = x + half;
            x += 2 * half;
        }
        int name = story->host_count == 0 ? 0 : columns_of(story->hosts[kernel].name);
        int half = (name + 10) * COLUMN / 2 + GAP, least = reach(picture, kernel);
        picture->kernel_x[kernel] = x + half > least ? x + half : least;
        int edge = picture->kernel_x[kernel] + GAP + STATE_COLUMNS * COLUMN;
        picture->edge[kernel] = edge > left + BOX ? edge : left + BOX;
        left = picture->edge[kernel] + GAP;
        x = left;
    }
    picture->width = x;
}

static void draw_name(const struct page *page, int x, const char *name, const char *more) {
    int width = (columns_of(name) + columns_of(more)) * COLUMN + GAP;
    fprintf(page->out,
            "<rect class=\"box\" x=\"%d\" y=\"4\" width=\"%d\" height=\"24\" rx=\"4\"/>"
            "<text x=\"%d\" y=\"20\" text-anchor=\"middle\">",
            x - width / 2, width, x);
    phrase_text(page->text, name);
    fprintf(page->out, "%s</text>\n", more);
}

static void draw_lane(const struct page *page, int x, int height) {
    fprintf(page->out, "<path class=\"lane\" d=\"M%d 28V%d\"/>\n", x, height);
}

static void draw_lanes(const struct sequence *picture, const struct page *page) {
    const struct scenario *story = picture->scenario->scenario;
    for (size_t i = 0; i < story->role_count; i++)
        if (picture->role_x[i] != 0)
            draw_lane(page, picture->role_x[i], picture->y);
    for (size_t i = 0; i < picture->kernels; i++)
        draw_lane(page, picture->kernel_x[i], picture->y);
    for (size_t i = 0; i < story->role_count; i++)
        if (picture->role_x[i] != 0)
            draw_name(page, picture->role_x[i], story->roles[i], "");
    for (size_t i = 0; i < picture->kernels; i++)
        draw_name(page, picture->kernel_x[i], story->host_count == 0 ? "" : story->hosts[i].name,
                  story->host_count == 0 ? "kernel" : ": kernel");
}

/* --- arrows and boxes --- */

static void draw_arrow(const struct sequence *picture, int from, int to, int y, bool bad) {
    int side = to > from ? -1 : 1;
    fprintf(picture->page->out,
            "<path class=\"%s\" d=\"M%d %dH%d\"%s/><path class=\"%s\" d=\"M%d %dl%d -4v8z\"/>\n",
            bad ? "bad" : "arrow", from, y, to + side, bad ? " stroke-dasharray=\"5 3\"" : "",
            bad ? "badhead" : "head", to, y, 8 * side);
}

/* Draws a box with a text, to the right of a kernel, in lines of BOX_COLUMNS. */
static void draw_box(struct sequence *picture, size_t kernel, const char *class, const char *text) {
    int x = picture->edge[kernel] - BOX;
    struct composed rows;
    struct page inner = begin_rows(&rows);
    int lines = picture_lines(&inner, x + GAP / 2, picture->y + 16, BOX_COLUMNS, "", text);
    fclose(inner.text);
    fprintf(picture->page->out,
            "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\"/>\n%s", class,
            x, picture->y, BOX, lines * PICTURE_LINE + 10, compose_end(&rows));
    compose_free(&rows);
    picture->y += lines * PICTURE_LINE + 20;
}

/* --- steps --- */

/* The state to which a call has led, or NULL. */
static const char *state_after(const struct step *step, const struct step_result *result) {
    if (result->status != STEP_MET || result->got.kind == ANSWER_ERRNO ||
        step->kind >= SOCKET_KINDS || socket_kind_row(step->kind)->protocol != PROTOCOL_TCP)
        return NULL;
    switch (step->verb) {
    case VERB_BIND:
        return "BOUND";
    case VERB_LISTEN:
        return "LISTEN";
    case VERB_CONNECT:
        return result->got.kind == ANSWER_OK ? "ESTABLISHED" : NULL;
    default:
        return NULL;
    }
}

static void draw_call(struct sequence *picture, const struct step *step, int nest,
                      const char *after) {
    enum verb_arrow kind = verb_row(step->verb)->arrow;
    int from = picture->role_x[step->role], to = picture->kernel_x[kernel_of(step)];
    if (kind == ARROW_TO_ROLE && step_other_role(step) != NO_ROLE)
        to = picture->role_x[step_other_role(step)];
    char *text = call_text(step);
    picture_text(picture->page, from + nest + GAP, picture->y + 14, "halo", text);
    free(text);
    draw_arrow(picture, from, to, picture->y + 22, false);
    if (after != NULL)
        picture_text(picture->page, picture->kernel_x[kernel_of(step)] + GAP, picture->y + 26,
                     "b PASS", after);
    picture->y += ROW;
}

/* The calls of a block are indented, and a bracket left of the lane holds them together. */
static void draw_block(struct sequence *picture, const struct step *step) {
    int x = picture->role_x[step->role] - 8, top = picture->y + 6;
    for (size_t i = 1; i <= step->body; i++) {
        picture->y -= i == 1 ? 0 : 6;
        draw_call(picture, step + i, NEST, NULL);
    }
    if (step->body > 0)
        fprintf(picture->page->out, "<path class=\"arrow\" d=\"M%d %dh-6V%dh6\"/>\n", x, top,
                picture->y - 6);
}

/* An answer other than a plain ok comes back. */
static void draw_answer(struct sequence *picture, const struct step *step,
                        const struct step_result *result) {
    bool error = result->status != STEP_MET || result->got.kind == ANSWER_ERRNO;
    char *text = answer_text_of(picture, step, result);
    int from = picture->kernel_x[kernel_of(step)], to = picture->role_x[step->role];
    if (*text != '\0') {
        picture_text(picture->page, to + GAP, picture->y + 6, error ? "halo FAIL" : "halo PASS",
                     text);
        draw_arrow(picture, from, to, picture->y + 12, error);
        picture->y += BACK;
    }
    free(text);
}

static void draw_evidence(struct sequence *picture, const struct step *step,
                          const struct evidence *evidence) {
    struct composed text;
    FILE *out = compose_begin(&text);
    for (unsigned i = 0; i < phrase_evidence_lines(evidence); i++) {
        phrase_evidence(out, picture->scenario->scenario, evidence, i, picture->verbose);
        fputc('\n', out);
    }
    if (evidence->missing == NULL)
        fprintf(out, "cause: %s", cause_name(evidence->cause));
    draw_box(picture, kernel_of(step), "badnote", compose_end(&text));
    compose_free(&text);
}

/* A step of the environment is a box, with its answer if that is not a plain ok. */
static void draw_environment(struct sequence *picture, const struct step *step,
                             const struct step_result *result) {
    bool met = result->status == STEP_MET;
    struct composed text;
    char *call = call_text(step);
    FILE *out = compose_begin(&text);
    fputs(call, out);
    free(call);
    if (!met || result->got.kind != ANSWER_OK) {
        fputs(": ", out);
        phrase_answer(out, result, picture->verbose);
    }
    draw_box(picture, kernel_of(step), met ? "note" : "badnote", compose_end(&text));
    compose_free(&text);
}

static void draw_step(struct sequence *picture, const struct step *step,
                      const struct step_result *result) {
    if (step->role == NO_ROLE) {
        draw_environment(picture, step, result);
    } else {
        draw_call(picture, step, 0, state_after(step, result));
        draw_block(picture, step);
        draw_answer(picture, step, result);
    }
    if (phrase_shows_evidence(step, result, picture->verbose))
        draw_evidence(picture, step, result->evidence);
}

void sequence_draw(const struct page *page, const struct scenario_result *scenario, size_t index,
                   size_t first, size_t count, bool verbose) {
    struct composed rows;
    struct page inner = begin_rows(&rows);
    struct sequence picture = {.page = &inner,
                               .scenario = scenario,
                               .index = index,
                               .first = first,
                               .end = first + count,
                               .verbose = verbose,
                               .y = HEAD};
    place_lanes(&picture);
    const struct case_result *result = &scenario->cases[index];
    for (size_t i = first; i < first + count; i++) {
        const struct step *step = result_step(scenario->scenario, index, i);
        if (result->steps[i].status != STEP_NOT_RUN)
            draw_step(&picture, step, &result->steps[i]);
        i += step->body;
    }
    fclose(inner.text);
    picture_begin(page, "The calls, and what the kernel answered", picture.width, picture.y);
    draw_lanes(&picture, page);
    fputs(compose_end(&rows), page->out);
    picture_end(page);
    compose_free(&rows);
}
