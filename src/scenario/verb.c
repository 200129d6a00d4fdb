#include "scenario/verb.h"

#include <string.h>

#include "base/suggest.h"

static const struct verb_row table[VERBS] = {
    [VERB_NONE] = {"none", PLACE_ENVIRONMENT, GIVES_OK, ""},
    [VERB_SYSCTL] = {"sysctl", PLACE_ENVIRONMENT, GIVES_OK, "sysctl NAME VALUE..."},
    [VERB_AWAIT] = {"await", PLACE_ENVIRONMENT, GIVES_OK,
                    "await [no] STATE LOCAL [REMOTE] [within TIME]"},
    [VERB_COUNT] = {"count", PLACE_ENVIRONMENT, GIVES_NUMBER, "count STATE LOCAL [REMOTE] -> N"},
    [VERB_DESTROY] = {"destroy", PLACE_ENVIRONMENT, GIVES_NUMBER, "destroy LOCAL [REMOTE]"},
    [VERB_ADDRESS] = {"address", PLACE_ENVIRONMENT, GIVES_OK,
                      "address [no] ADDRESS[/BITS] [DEVICE]"},
    [VERB_SLEEP] = {"sleep", PLACE_ENVIRONMENT, GIVES_OK, "sleep TIME"},
    [VERB_SOCKET] = {"socket", PLACE_CALL, GIVES_OK,
                     "ROLE socket NAME [tcp4|tcp6] [OPTION[=VALUE]...]"},
    [VERB_SETSOCKOPT] = {"setsockopt", PLACE_CALL, GIVES_OK,
                         "ROLE setsockopt NAME OPTION[=VALUE]..."},
    [VERB_GETSOCKOPT] = {"getsockopt", PLACE_CALL, GIVES_VALUE,
                         "ROLE getsockopt NAME OPTION -> VALUE"},
    [VERB_BIND] = {"bind", PLACE_CALL, GIVES_OK, "ROLE bind NAME ADDRESS"},
    [VERB_LISTEN] = {"listen", PLACE_CALL, GIVES_OK, "ROLE listen NAME [BACKLOG]"},
    [VERB_CONNECT] = {"connect", PLACE_CALL, GIVES_OK, "ROLE connect NAME ADDRESS"},
    [VERB_ACCEPT] = {"accept", PLACE_CALL, GIVES_OK, "ROLE accept LISTENER NAME"},
    [VERB_SEND] = {"send", PLACE_CALL, GIVES_NUMBER, "ROLE send NAME BYTES"},
    [VERB_RECV] = {"recv", PLACE_CALL, GIVES_DATA, "ROLE recv NAME [BYTES]"},
    [VERB_SHUTDOWN] = {"shutdown", PLACE_CALL, GIVES_OK, "ROLE shutdown NAME read|write|both"},
    [VERB_DISCONNECT] = {"disconnect", PLACE_CALL, GIVES_OK, "ROLE disconnect NAME"},
    [VERB_CLOSE] = {"close", PLACE_CALL, GIVES_OK, "ROLE close NAME"},
    [VERB_GETSOCKNAME] = {"getsockname", PLACE_CALL, GIVES_ADDRESS,
                          "ROLE getsockname NAME -> ADDRESS"},
    [VERB_GETPEERNAME] = {"getpeername", PLACE_CALL, GIVES_ADDRESS,
                          "ROLE getpeername NAME -> ADDRESS"},
    [VERB_FORK] = {"fork", PLACE_ROLE, GIVES_OK, "ROLE fork NEWROLE"},
    [VERB_PASS] = {"pass", PLACE_ROLE, GIVES_OK, "ROLE pass NAME OTHERROLE"},
    [VERB_UID] = {"uid", PLACE_ROLE, GIVES_OK, "ROLE uid N"},
    [VERB_EXIT] = {"exit", PLACE_ROLE, GIVES_OK, "ROLE exit"},
    [VERB_KILL] = {"kill", PLACE_ROLE, GIVES_OK, "ROLE kill"},
    [VERB_REPEAT] = {"repeat", PLACE_ROLE, GIVES_OK, "ROLE repeat [N] [timed]"},
    [VERB_SERVE] = {"serve", PLACE_ROLE, GIVES_OK, "ROLE serve"},
    [VERB_STOP] = {"stop", PLACE_ROLE, GIVES_BLOCK, "ROLE stop"},
    [VERB_END] = {"end", PLACE_ENVIRONMENT, GIVES_BLOCK, "end [-> RESULT]"},
};

const struct verb_row *verb_row(enum verb verb) {
    return &table[verb];
}

enum verb verb_named(const char *name) {
    for (enum verb verb = VERB_NONE + 1; verb < VERB_END; verb++)
        if (strcmp(table[verb].name, name) == 0)
            return verb;
    return VERB_NONE;
}

enum verb verb_near(const char *name, enum verb_place place) {
    struct suggestion nearest = suggest_begin(name);
    for (enum verb verb = VERB_NONE + 1; verb < VERB_END; verb++) {
        bool call_in_role = place == PLACE_ROLE && table[verb].place == PLACE_CALL;
        if (table[verb].place == place || call_in_role)
            suggest_offer(&nearest, table[verb].name);
    }
    return nearest.word == NULL ? VERB_NONE : verb_named(nearest.word);
}

static const char *const keywords[KEYWORDS] = {"title", "tags",  "needs", "slow", "why",
                                               "fix",   "setup", "case",  "end"};

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
