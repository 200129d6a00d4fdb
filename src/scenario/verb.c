/* The table of verbs, made from VERB_LIST: the rows are in steps_*.c. */
#include "scenario/verb.h"

#include <string.h>

#include "base/text.h"

#define DECLARE_ROW(NAME, name) extern const struct verb_row verb_##name;
#define ROW_OF(NAME, name)      [VERB_##NAME] = &verb_##name,

VERB_LIST(DECLARE_ROW)

static const struct verb_row none = {.name = "none", .usage = ""};
static const struct verb_row end = {
    .name = "end", .usage = "end [-> RESULT]", .answer = GIVES_BLOCK};

static const struct verb_row *const rows[VERBS] = {[VERB_NONE] = &none,
                                                   VERB_LIST(ROW_OF)[VERB_END] = &end};

const struct verb_row *verb_row(enum verb verb) {
    return rows[verb];
}

enum verb verb_named(const char *name) {
    for (enum verb verb = VERB_NONE + 1; verb < VERB_END; verb++)
        if (strcmp(rows[verb]->name, name) == 0)
            return verb;
    return VERB_NONE;
}

enum verb verb_near(const char *name, enum verb_scope scope) {
    struct suggestion nearest = suggest_begin(name);
    for (enum verb verb = VERB_NONE + 1; verb < VERB_END; verb++) {
        bool call_of_role = scope == SCOPE_ROLE && rows[verb]->scope == SCOPE_CALL;
        bool of_a_block = scope == SCOPE_CALL && rows[verb]->in_block;
        if (rows[verb]->scope == scope || call_of_role || of_a_block)
            suggest_offer(&nearest, rows[verb]->name);
    }
    return nearest.word == NULL ? VERB_NONE : verb_named(nearest.word);
}

static const char *const keywords[KEYWORDS] = {"title", "tags", "needs", "slow", "host",
                                               "why",   "fix",  "setup", "case", "end"};

const char *keyword_name(enum keyword keyword) {
    return keywords[keyword];
}

enum keyword keyword_named(const char *name) {
    enum keyword keyword = 0;
    while (keyword < KEYWORDS && strcmp(keywords[keyword], name) != 0)
        keyword++;
    return keyword;
}

enum keyword keyword_near(const char *name) {
    struct suggestion nearest = suggest_begin(name);
    for (enum keyword keyword = 0; keyword < KEYWORDS; keyword++)
        suggest_offer(&nearest, keywords[keyword]);
    return nearest.word == NULL ? KEYWORDS : keyword_named(nearest.word);
}
