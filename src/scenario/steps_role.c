/* The steps of a role's process: for each verb, how its arguments are written, what
 * the step changes for the steps after it, and its row. */
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "base/units.h"
#include "scenario/parser.h"

/* --- the process: fork, pass, uid, exit, kill --- */

static void parse_fork(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_need(parser, cursor, "the name of the new role");
    step->other_role = word == NULL ? NO_ROLE : parser_role(parser, word);
    if (step->other_role != NO_ROLE && parser->flow.role[step->other_role] != ROLE_UNBORN) {
        parser_error(parser, word, "role '%s' already exists; fork needs a new name", word->text);
        step->other_role = NO_ROLE;
    }
}

static void after_fork(struct flow *flow, const struct step *step) {
    int role = step->role, child = step->other_role;
    if (child == NO_ROLE)
        return;
    flow->role[child] = ROLE_RUNS;
    flow->host_of[child] = flow->host_of[role];
    for (int i = 0; i < SCENARIO_SOCKETS_MAX; i++)
        flow_share(flow, role, i, child, i);
}

/* Returns whether a role has, or had, a socket of this name. */
static bool knows_socket(const struct parser *parser, int role, const struct word *word) {
    const struct scenario *scenario = parser->scenario;
    for (size_t i = 0; i < scenario->socket_count; i++)
        if (strcmp(scenario->sockets[i], word->text) == 0)
            return parser->flow.socket[role][i].state != SOCKET_NEVER;
    return false;
}

static void parse_pass(struct parser *parser, struct cursor *cursor, struct step *step) {
    const struct word *word = cursor_peek(cursor);
    bool turned = word != NULL && cursor->next + 1 < cursor->end &&
                  !knows_socket(parser, step->role, word) &&
                  knows_socket(parser, step->role, word + 1);
    if (turned) {
        parser_error(parser, word, "the socket comes first: %s pass %s %s",
                     parser->scenario->roles[step->role], word[1].text, word->text);
        cursor->next = cursor->end;
        step->other_role = NO_ROLE;
        return;
    }
    parse_socket_name(parser, cursor, step);
    word = cursor_need(parser, cursor, "the name of the role that gets it");
    step->other_role = word == NULL ? NO_ROLE : parser_role(parser, word);
    if (step->other_role == NO_ROLE)
        return;
    if (step->other_role != step->role) {
        parser_check_role(parser, word, step->other_role, VERB_PASS);
        if (parser->flow.host_of[step->other_role] != parser->flow.host_of[step->role])
            parser_error(parser, word, "role '%s' is on another host: only data crosses the wire",
                         word->text);
        return;
    }
    parser_error(parser, word, "role '%s' has this socket already; name another role", word->text);
    step->other_role = NO_ROLE;
}

static void after_pass(struct flow *flow, const struct step *step) {
    if (step->other_role != NO_ROLE && step->socket != NO_SOCKET)
        flow_share(flow, step->role, step->socket, step->other_role, step->socket);
}

static void parse_uid(struct parser *parser, struct cursor *cursor, struct step *step) {
    int64_t uid = 0;
    cursor_take_number(parser, cursor, "a user ID", 0, UINT32_MAX - 1, &uid);
    step->uid = (uid_t)uid;
}

static void after_end_of_role(struct flow *flow, const struct step *step) {
    flow_end_role(flow, step->role);
}

const struct verb_row verb_fork = {
    .name = "fork",
    .usage = "ROLE fork NEWROLE",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_ROLE,
    .arrow = ARROW_TO_ROLE,
    .parse = parse_fork,
    .effect = after_fork,
};

const struct verb_row verb_pass = {
    .name = "pass",
    .usage = "ROLE pass NAME OTHERROLE",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_ROLE,
    .arrow = ARROW_TO_ROLE,
    .parse = parse_pass,
    .effect = after_pass,
};

const struct verb_row verb_uid = {
    .name = "uid",
    .usage = "ROLE uid N",
    .scope = SCOPE_ROLE,
    .arguments = ARGUMENTS_UID,
    .parse = parse_uid,
};

const struct verb_row verb_exit = {
    .name = "exit",
    .usage = "ROLE exit",
    .scope = SCOPE_ROLE,
    .arrow = ARROW_ENDS_ROLE,
    .while_serving = true,
    .effect = after_end_of_role,
};

const struct verb_row verb_kill = {
    .name = "kill",
    .usage = "ROLE kill",
    .scope = SCOPE_ROLE,
    .of_process = true,
    .arrow = ARROW_ENDS_ROLE,
    .while_serving = true,
    .effect = after_end_of_role,
};
