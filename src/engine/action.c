/* The table of actions, made from VERB_LIST. */
#include "engine/action.h"

#define DECLARE_ACTION(NAME, name) extern const struct action action_##name;
#define ACTION_OF(NAME, name)      [VERB_##NAME] = &action_##name,

VERB_LIST(DECLARE_ACTION)

static const struct action *const actions[VERBS] = {VERB_LIST(ACTION_OF)};

const struct action *action_of(enum verb verb) {
    return actions[verb];
}
