/* The table, and a small interpreter of its steps: each changes which sockets have the port, and
 * what the kernel remembers of it. */
#include "model/story.h"

#include <errno.h>
#include <sys/socket.h>

#include "model/udp.h"

/* --- the table --- */

const struct story stories[STORIES] = {
    [STORY_OF_BOUND] = {.name = "BOUND",
                        .line = "a bound socket",
                        .tcp = true,
                        .udp = true,
                        .before = {STORY_BIND}},
    [STORY_OF_LISTEN] = {.name = "LISTEN",
                         .line = "a listening socket",
                         .tcp = true,
                         .before = {STORY_BIND, STORY_LISTEN}},
    [STORY_OF_ESTABLISHED] = {.name = "ESTABLISHED",
                              .line = "an accepted socket whose listener is closed",
                              .kind = STORY_ACCEPTED,
                              .tcp = true,
                              .before = {STORY_BIND, STORY_LISTEN, STORY_ACCEPT,
                                         STORY_DROP_LISTENER}},
    [STORY_OF_TIME_WAIT] = {.name = "TIME-WAIT",
                            .line = "an accepted socket that closed first; no listener",
                            .kind = STORY_ACCEPTED,
                            .tcp = true,
                            .before = {STORY_BIND, STORY_LISTEN, STORY_ACCEPT, STORY_DROP_LISTENER,
                                       STORY_CLOSE, STORY_PEER_CLOSE}},
    [STORY_OF_LISTEN_LATER] = {.name = "LISTEN-LATER",
                               .line = "a bound socket, which listens after the second bind()",
                               .tcp = true,
                               .before = {STORY_BIND},
                               .between = {STORY_LISTEN}},
    {.name = "WITH-LISTENER",
     .line = "an accepted socket and its listener",
     .kind = STORY_ACCEPTED,
     .tcp = true,
     .before = {STORY_BIND, STORY_LISTEN, STORY_ACCEPT}},
    {.name = "CLOSE-WAIT",
     .line = "an accepted socket whose client has closed; no listener",
     .kind = STORY_ACCEPTED,
     .tcp = true,
     .before = {STORY_BIND, STORY_LISTEN, STORY_ACCEPT, STORY_DROP_LISTENER, STORY_PEER_CLOSE}},
    {.name = "FIN-WAIT-2",
     .line = "an accepted socket, closed while its client is not",
     .kind = STORY_ACCEPTED,
     .tcp = true,
     .before = {STORY_BIND, STORY_LISTEN, STORY_ACCEPT, STORY_DROP_LISTENER, STORY_CLOSE}},
    {.name = "FIN-WAIT-2-OPEN",
     .line = "an accepted socket, shut down for writing but open",
     .kind = STORY_ACCEPTED,
     .tcp = true,
     .before = {STORY_BIND, STORY_LISTEN, STORY_ACCEPT, STORY_DROP_LISTENER, STORY_SHUTDOWN}},
    [STORY_OF_OUT_BOUND] = {.name = "OUT-BOUND",
                            .line = "a socket bound to the port, then connected",
                            .kind = STORY_OUTGOING,
                            .tcp = true,
                            .udp = true,
                            .before = {STORY_BIND, STORY_CONNECT}},
    {.name = "OUT-PORT-0",
     .line = "a socket bound to port 0, then connected",
     .kind = STORY_OUTGOING,
     .tcp = true,
     .udp = true,
     .before = {STORY_BIND_AUTO, STORY_CONNECT}},
    {.name = "OUT-CONNECT",
     .line = "a socket connected without bind()",
     .kind = STORY_OUTGOING,
     .tcp = true,
     .udp = true,
     .before = {STORY_CONNECT}},
    {.name = "SYN-SENT",
     .line = "a socket connecting without bind(), not answered",
     .kind = STORY_OUTGOING,
     .tcp = true,
     .before = {STORY_CONNECT_SILENT}},
    {.name = "OUT-BOUND-TIME-WAIT",
     .line = "OUT-BOUND, and it closed first",
     .kind = STORY_OUTGOING,
     .tcp = true,
     .before = {STORY_BIND, STORY_CONNECT, STORY_CLOSE, STORY_PEER_CLOSE}},
    {.name = "OUT-PORT-0-TIME-WAIT",
     .line = "OUT-PORT-0, and it closed first",
     .kind = STORY_OUTGOING,
     .tcp = true,
     .before = {STORY_BIND_AUTO, STORY_CONNECT, STORY_CLOSE, STORY_PEER_CLOSE}},
    {.name = "OUT-CONNECT-TIME-WAIT",
     .line = "OUT-CONNECT, and it closed first",
     .kind = STORY_OUTGOING,
     .tcp = true,
     .before = {STORY_CONNECT, STORY_CLOSE, STORY_PEER_CLOSE}},
    {.name = "SET-LATER",
     .line = "a bound socket whose options were set after bind()",
     .tcp = true,
     .udp = true,
     .before = {STORY_CLEAR, STORY_BIND, STORY_SET}},
    {.name = "CLEARED",
     .line = "a bound socket whose options were cleared after bind()",
     .tcp = true,
     .udp = true,
     .before = {STORY_BIND, STORY_CLEAR}},
    {.name = "LISTEN-CLEARED",
     .line = "a listening socket whose options were cleared",
     .tcp = true,
     .before = {STORY_BIND, STORY_LISTEN, STORY_CLEAR}},
    {.name = "SECOND-CLEARED",
     .line = "a bound socket; the second clears its options before listen()",
     .tcp = true,
     .before = {STORY_BIND},
     .between = {STORY_SECOND_CLEAR}},
    {.name = "JOINED",
     .line = "a bound socket, and then another with both options, if it can",
     .tcp = true,
     .udp = true,
     .before = {STORY_BIND, STORY_JOIN}},
    {.name = "JOINED-LISTEN",
     .line = "JOINED, and the other one listens",
     .tcp = true,
     .before = {STORY_BIND, STORY_JOIN, STORY_JOIN_LISTEN}},
};

bool story_has(const struct story *story, enum story_step step) {
    for (unsigned i = 0; i < STORY_LENGTH; i++)
        if (story->before[i] == step)
            return true;
    return false;
}

/* --- the sockets --- */

static struct occupant bound_occupant(const struct claim *claim) {
    return (struct occupant){.socket = {.protocol = claim->protocol,
                                        .state = STATE_BOUND,
                                        .local = claim->local,
                                        .inode = 1,
                                        .uid = claim->uid,
                                        .interface = claim->interface,
                                        .v6only = rules_v6only(claim),
                                        .v6only_known = true},
                             .reuseaddr = knowledge_of(claim->reuseaddr),
                             .reuseport = knowledge_of(claim->reuseport),
                             .outgoing = KNOWN_NO,
                             .bound = KNOWN_YES,
                             .by_connect = KNOWN_NO};
}

static void set_options(struct occupant *occupant, bool reuseaddr, bool reuseport) {
    occupant->reuseaddr = knowledge_of(reuseaddr);
    occupant->reuseport = knowledge_of(reuseport);
}

/* Returns the claim with the options that the occupant has by now. */
static struct claim claim_now(const struct claim *claim, const struct occupant *occupant) {
    struct claim now = *claim;
    now.reuseaddr = occupant->reuseaddr == KNOWN_YES;
    now.reuseport = occupant->reuseport == KNOWN_YES;
    return now;
}

/* Gathers the sockets that have the port; for UDP, in the order in which the kernel looks at them:
 * the newest first, but an IPv6 socket with SO_REUSEPORT last. */
static size_t gather(const struct story_scene *scene, struct occupant list[STORY_PARTS]) {
    size_t count = 0;
    const struct inet_socket *joined = &scene->parts[STORY_JOINED].socket;
    bool ahead = scene->present[STORY_JOINED] && joined->protocol == PROTOCOL_UDP &&
                 joined->local.family == AF_INET;
    if (ahead)
        list[count++] = scene->parts[STORY_JOINED];
    for (unsigned i = 0; i < STORY_PARTS; i++)
        if (scene->present[i] && !(ahead && i == STORY_JOINED))
            list[count++] = scene->parts[i];
    return count;
}

static struct port_ruling ask(enum port_call call, const struct claim *claim,
                              const struct story_scene *scene) {
    struct occupant list[STORY_PARTS];
    size_t count = gather(scene, list);
    return claim->protocol == PROTOCOL_UDP && call != CALL_CONNECT
               ? udp_port(claim, list, count)
               : rules_port(call, claim, list, count, &scene->history);
}

/* --- the steps --- */

static struct occupant *connection_of(struct story_scene *scene) {
    return &scene->parts[scene->present[STORY_CONNECTION] ? STORY_CONNECTION : STORY_FIRST];
}

/* A socket that was not bound has not become IPv6 only by its address. */
static void connect_first(const struct story_cast *cast, struct story_scene *scene, bool answered) {
    struct occupant *first = &scene->parts[STORY_FIRST];
    if (!scene->present[STORY_FIRST]) {
        first->socket.v6only = cast->first.v6only;
        first->bound = KNOWN_NO;
        first->by_connect = KNOWN_YES;
        rules_remember_connect(&scene->history);
        scene->present[STORY_FIRST] = true;
    }
    first->outgoing = KNOWN_YES;
    first->socket.state = answered ? STATE_ESTABLISHED : STATE_SYN_SENT;
    first->socket.local = cast->connection;
    first->socket.remote = cast->server;
    first->socket.timestamps = first->socket.timestamps_known = true;
}

static void bind_first(const struct story_cast *cast, struct story_scene *scene, bool automatic) {
    struct occupant *first = &scene->parts[STORY_FIRST];
    struct claim now = claim_now(&cast->first, first);
    first->bound = knowledge_of(!automatic);
    scene->present[STORY_FIRST] = true;
    rules_remember(&scene->history, &now);
}

static void accept_one(const struct story_cast *cast, struct story_scene *scene) {
    struct occupant *accepted = &scene->parts[STORY_CONNECTION];
    *accepted = scene->parts[STORY_FIRST];
    accepted->socket.state = STATE_ESTABLISHED;
    accepted->socket.local = cast->connection;
    scene->present[STORY_CONNECTION] = true;
}

/* Of a listener, SO_REUSEADDR is not remembered. */
static void remember_listener(struct story_scene *scene, struct claim listener) {
    listener.reuseaddr = false;
    rules_remember(&scene->history, &listener);
}

static void join(const struct story_cast *cast, struct story_scene *scene, bool listens) {
    struct claim joining = cast->first;
    joining.reuseaddr = joining.reuseport = true;
    struct port_ruling port = ask(listens ? CALL_LISTEN : CALL_BIND, &joining, scene);
    if (port.ruling.in_the_way != KNOWN_NO)
        return;
    scene->parts[STORY_JOINED] = bound_occupant(&joining);
    scene->present[STORY_JOINED] = true;
    if (!listens) {
        rules_remember(&scene->history, &joining);
        return;
    }
    scene->parts[STORY_JOINED].socket.state = STATE_LISTEN;
    remember_listener(scene, joining);
}

static void peer_closes(struct inet_socket *socket) {
    socket->state = socket->state == STATE_ESTABLISHED ? STATE_CLOSE_WAIT : STATE_TIME_WAIT;
    socket->inode = socket->state == STATE_CLOSE_WAIT;
}

static void make_step(enum story_step step, const struct story_cast *cast,
                      struct story_scene *scene) {
    struct occupant *first = &scene->parts[STORY_FIRST];
    struct claim now = claim_now(&cast->first, first);
    switch (step) {
    case STORY_BIND:
    case STORY_BIND_AUTO:
        bind_first(cast, scene, step == STORY_BIND_AUTO);
        break;
    case STORY_LISTEN:
        first->socket.state = STATE_LISTEN;
        remember_listener(scene, now);
        break;
    case STORY_ACCEPT:
        accept_one(cast, scene);
        break;
    case STORY_DROP_LISTENER:
        scene->present[STORY_FIRST] = false;
        break;
    case STORY_CONNECT:
    case STORY_CONNECT_SILENT:
        connect_first(cast, scene, step == STORY_CONNECT);
        break;
    case STORY_SHUTDOWN:
        connection_of(scene)->socket.state = STATE_FIN_WAIT_2;
        break;
    case STORY_CLOSE:
        connection_of(scene)->socket.state = STATE_FIN_WAIT_2;
        connection_of(scene)->socket.inode = 0;
        break;
    case STORY_PEER_CLOSE:
        peer_closes(&connection_of(scene)->socket);
        break;
    case STORY_JOIN:
        join(cast, scene, false);
        break;
    case STORY_JOIN_LISTEN:
        if (scene->present[STORY_JOINED]) {
            scene->present[STORY_JOINED] = false; /* it is not in its own way */
            join(cast, scene, true);
            scene->present[STORY_JOINED] = true;
        }
        break;
    case STORY_CLEAR:
        set_options(first, false, false);
        break;
    case STORY_SET:
        set_options(first, cast->first.reuseaddr, cast->first.reuseport);
        break;
    default:
        break;
    }
}

void story_play(const enum story_step *steps, size_t most, const struct story_cast *cast,
                struct story_scene *scene) {
    for (size_t i = 0; i < most && steps[i] != STORY_END; i++)
        make_step(steps[i], cast, scene);
}

static struct story_scene open_scene(const struct story_cast *cast) {
    struct story_scene scene = {0};
    scene.parts[STORY_FIRST] = bound_occupant(&cast->first);
    return scene;
}

enum tcp_state story_state(const struct story *story) {
    static const struct story_cast nobody;
    struct story_scene scene = open_scene(&nobody);
    story_play(story->before, STORY_LENGTH, &nobody, &scene);
    return connection_of(&scene)->socket.state;
}

/* --- the second socket --- */

/* What is not known is a defect of a story: it counts as an answer that no kernel gives. */
static int errno_of(enum knowledge in_the_way, int error) {
    return in_the_way == KNOWN_NO ? 0 : in_the_way == KNOWN_YES ? error : ENOTSUP;
}

/* Returns why the port cannot be chosen, which the ruling on a range does not say. */
static enum rule excluding_rule(enum port_call call, const struct claim *claim,
                                const struct occupant *list, size_t count, enum rule otherwise) {
    for (size_t i = 0; i < count; i++) {
        struct ruling ruling = rules_between(call, claim, &list[i]);
        if (ruling.in_the_way != KNOWN_NO)
            return ruling.rule;
    }
    return otherwise;
}

static struct story_answer choose_port(const struct story_scene *scene, enum story_call call,
                                       const struct claim *second) {
    struct story_answer answer = {STORY_NOT_ASKED, STORY_NOT_ASKED, STORY_NOT_ASKED, RULE_FREE};
    struct occupant list[STORY_PARTS];
    struct claim claim = *second;
    size_t count = gather(scene, list);
    bool connects = call == STORY_CALL_CONNECT, udp = claim.protocol == PROTOCOL_UDP;
    claim.local = connects ? endpoint_wildcard(claim.local.family, 0) : claim.local;
    claim.local.port = 0;
    struct range_ruling range =
        udp ? udp_range(&claim, list, count, NULL)
            : rules_range(connects ? CALL_CONNECT : CALL_BIND, &claim, list, count, NULL);
    answer.rule = range.error == 0 || udp ? range.rule
                                          : excluding_rule(connects ? CALL_CONNECT : CALL_BIND,
                                                           &claim, list, count, range.rule);
    if (connects)
        answer.connect = udp && range.error != 0 ? EAGAIN : range.error;
    else
        answer.bind = range.error;
    if (!connects && range.error == 0 && !udp) {
        struct port_ruling listen = ask(CALL_LISTEN, second, scene);
        answer.listen = errno_of(listen.ruling.in_the_way, EADDRINUSE);
        answer.rule = listen.ruling.rule;
    }
    return answer;
}

/* Returns the claim after the steps between its two calls. */
static struct claim claim_later(const struct claim *claim, const enum story_step *between) {
    struct claim later = *claim;
    if (between[0] == STORY_SECOND_CLEAR || between[1] == STORY_SECOND_CLEAR)
        later.reuseaddr = later.reuseport = false;
    return later;
}

bool story_goes_on(const struct story *story, const struct story_cast *cast,
                   const struct claim *second) {
    struct story_scene scene = open_scene(cast);
    struct occupant beside = bound_occupant(second);
    if (story->between[0] != STORY_LISTEN)
        return true;
    story_play(story->before, STORY_LENGTH, cast, &scene);
    if (ask(CALL_BIND, second, &scene).ruling.in_the_way != KNOWN_NO)
        return true; /* it ends before */
    rules_remember(&scene.history, second);
    struct port_ruling port = rules_port(CALL_LISTEN, &cast->first, &beside, 1, &scene.history);
    return port.ruling.in_the_way == KNOWN_NO;
}

struct story_answer story_second(const struct story *story, const struct story_cast *cast,
                                 enum story_call call, const struct claim *second) {
    struct story_answer answer = {STORY_NOT_ASKED, STORY_NOT_ASKED, STORY_NOT_ASKED, RULE_FREE};
    struct story_scene scene = open_scene(cast);
    story_play(story->before, STORY_LENGTH, cast, &scene);
    if (call == STORY_CALL_PORT_0 || call == STORY_CALL_CONNECT)
        return choose_port(&scene, call, second);
    struct port_ruling port = ask(CALL_BIND, second, &scene);
    answer.bind = errno_of(port.ruling.in_the_way, EADDRINUSE);
    answer.rule = port.ruling.rule;
    if (answer.bind != 0 || second->protocol == PROTOCOL_UDP)
        return answer;
    rules_remember(&scene.history, second);
    story_play(story->between, 2, cast, &scene);
    struct claim later = claim_later(second, story->between);
    bool connects = call == STORY_CALL_BIND_CONNECT;
    port = ask(connects ? CALL_CONNECT : CALL_LISTEN, &later, &scene);
    answer.rule = port.ruling.rule;
    if (connects)
        answer.connect = errno_of(port.ruling.in_the_way, EADDRNOTAVAIL);
    else
        answer.listen = errno_of(port.ruling.in_the_way, EADDRINUSE);
    return answer;
}
