/* portreuse server: listens by hand, accepts every client, and closes when its time is over.
 *
 * One process, one epoll: it sleeps until a connection arrives, data arrives, the time is over, or
 * a signal arrives. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/memory.h"
#include "base/units.h"
#include "cmd/byhand.h"
#include "cmd/commands.h"

struct server {
    struct byhand hand;
    struct endpoint local;
    int listener, epoll;  /* owned, or -1 */
    bool paused;          /* out of descriptors: accept() waits until one is closed */
    bool had_one;         /* a first connection has come */
    uint64_t deadline_ns; /* when to close; UINT64_MAX: never */
    struct arena arena;   /* owns: */
    struct endpoint
        *peers; /* by the descriptor of the connection, which is owned; family 0: none */
    int peer_room, peer_count;
};

/* --- options --- */

/* In earlier versions `server -s 2` meant -w 2. */
static bool refuse_source(const struct option_use *use) {
    int64_t seconds;
    if (units_number(use->value, 0, INT64_MAX, &seconds))
        options_complain("server", "-s '%s': to wait %s s before it closes, use -w %s", use->value,
                         use->value, use->value);
    else
        options_complain("server",
                         "-s '%s': only the client has a source address; listen with -l %s",
                         use->value, use->value);
    return false;
}

static const struct option_row rows[] = {
    {.name = "listen",
     .letter = 'l',
     .takes = VALUE_REQUIRED,
     .value_name = "ADDRESS",
     .set = option_set_text,
     .offset = offsetof(struct server, hand.address),
     .help = "address and port to listen on: 127.0.0.1:1215, [::1]:1215, 127.0.0.1:0, or :1215 for "
             "0.0.0.0; TCP_CONNECTION_LISTEN_ADDR overrides it"},
    {.name = "wait",
     .letter = 'w',
     .takes = VALUE_REQUIRED,
     .value_name = "TIME",
     .set = byhand_set_wait,
     .offset = offsetof(struct server, hand),
     .help = "close everything TIME after the first connection, or after listen() if none comes: "
             "2, 500ms (default: on Ctrl-C)"},
    {.name = "no-reuse-addr",
     .set = option_clear_flag,
     .offset = offsetof(struct server, hand.reuseaddr),
     .help = "do not set SO_REUSEADDR"},
    {.letter = 's', .takes = VALUE_REQUIRED, .value_name = "ADDRESS", .set = refuse_source},
    {0},
};

static const struct option_group groups[] = {
    {rows, 0}, {byhand_options, offsetof(struct server, hand)}, {0}};

/* --- connections --- */

static bool watch(const struct server *server, int operation, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(server->epoll, operation, fd, &event) == 0;
}

static void restart_clock(struct server *server) {
    if (server->hand.waits)
        server->deadline_ns = units_now_ns() + server->hand.wait_ns;
}

/* Out of descriptors or memory, accept() waits until a connection is closed, or for a second. */
static void pause_accept(struct server *server) {
    server->paused = true;
    watch(server, EPOLL_CTL_DEL, server->listener);
}

static void end_pause(struct server *server) {
    if (server->paused)
        server->paused = !watch(server, EPOLL_CTL_ADD, server->listener);
}

static void close_one(struct server *server, int fd) {
    byhand_close(&server->hand, fd, &server->peers[fd]);
    server->peers[fd] = (struct endpoint){0};
    server->peer_count--;
    end_pause(server);
}

static void accept_one(struct server *server) {
    struct endpoint peer;
    int fd = byhand_accept(&server->hand, server->listener, &peer);
    if (fd < 0) {
        if (errno_is_shortage(errno))
            pause_accept(server);
        return;
    }
    for (; server->peer_room <= fd; server->peer_room++)
        server->peers = arena_grow(&server->arena, server->peers, (size_t)server->peer_room,
                                   sizeof server->peers[0]);
    server->peers[fd] = peer;
    server->peer_count++;
    if (!watch(server, EPOLL_CTL_ADD, fd)) {
        options_complain("server", "cannot wait for data: %s", strerror(errno));
        server->hand.failed = server->hand.lacking = true;
        close_one(server, fd);
    }
    if (!server->had_one)
        restart_clock(server);
    server->had_one = true;
}

static void serve_one(struct server *server, int fd) {
    if (byhand_receive(&server->hand, fd, &server->peers[fd]))
        return;
    if (server->hand.no_close)
        watch(server, EPOLL_CTL_DEL, fd);
    else
        close_one(server, fd);
}

/* --- the course --- */

static void say_how_long(const struct server *server) {
    char text[UNITS_DURATION_SIZE];
    if (!server->hand.waits) {
        byhand_say("wait", "until Ctrl-C");
        return;
    }
    units_duration_text(server->hand.wait_ns, text);
    byhand_say("wait", "%s for a first connection, and %s from then on (Ctrl-C ends it)", text,
               text);
}

/* Serves until the time is over. Returns false if it could not. */
static bool serve(struct server *server) {
    enum { PAUSE_MS = 1000 };
    struct epoll_event event;
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll < 0 || !watch(server, EPOLL_CTL_ADD, server->listener)) {
        options_complain("server", "cannot wait for connections: %s", strerror(errno));
        return false;
    }
    if (!server->hand.waits || server->hand.wait_ns > 0)
        say_how_long(server);
    restart_clock(server);
    for (int patience; (patience = byhand_milliseconds_until(server->deadline_ns)) != 0;) {
        if (server->paused && (patience < 0 || patience > PAUSE_MS))
            patience = PAUSE_MS;
        int ready = epoll_wait(server->epoll, &event, 1, patience);
        if (ready < 0 && errno != EINTR) {
            options_complain("server", "cannot wait for connections: %s", strerror(errno));
            return false;
        }
        if (ready <= 0)
            end_pause(server);
        if (ready <= 0)
            continue;
        if (event.data.fd == server->listener)
            accept_one(server);
        else
            serve_one(server, event.data.fd);
    }
    return true;
}

static void finish(struct server *server) {
    if (server->hand.no_close) {
        byhand_say("exit", "without close(): the kernel closes what is open");
        return;
    }
    for (int fd = 0; fd < server->peer_room; fd++)
        if (server->peers[fd].family != 0)
            close_one(server, fd);
    byhand_close(&server->hand, server->listener, &server->local);
    server->listener = -1;
}

static int cmd_server(int argc, char **argv) {
    struct server server = {.hand = {.command = "server", .reuseaddr = true},
                            .listener = -1,
                            .epoll = -1,
                            .deadline_ns = UINT64_MAX};
    struct byhand *hand = &server.hand;
    if (!options_parse("server", groups, argc, argv, &server) ||
        !byhand_operand(hand, argc, argv) ||
        !byhand_address(hand, "-l", hand->address, "TCP_CONNECTION_LISTEN_ADDR",
                        endpoint_wildcard(AF_INET, 0), &server.local))
        return EXIT_TROUBLE;
    byhand_begin();
    server.listener = byhand_socket(hand, server.local.family, SOCK_NONBLOCK);
    bool listens = server.listener >= 0 && byhand_bind(hand, server.listener, &server.local) &&
                   byhand_listen(hand, server.listener, &server.local);
    bool served = listens && serve(&server);
    if (served)
        finish(&server);
    if (server.listener >= 0)
        close(server.listener);
    if (server.epoll >= 0)
        close(server.epoll);
    arena_free(&server.arena);
    if (listens && !served)
        return EXIT_TROUBLE;
    return byhand_status(hand);
}

const struct command command_server = {
    .name = "server",
    .function = cmd_server,
    .usage = "[OPTION...] ADDRESS",
    .summary = "listen, accept and close by hand; show each call with its errno",
    .description = "A connection is closed when its client closes it. Ctrl-C and SIGTERM end the "
                   "wait.",
    .options = groups,
    .notes = "Exit status: 0 all calls succeeded, 1 a call failed, 2 another error, such as\n"
             "a lack of memory or descriptors.\n"
             "\n"
             "Examples\n"
             "  portreuse server -l 127.0.0.1:1215 -w 2\n"
             "  portreuse server -l 127.0.0.1:1215 --no-reuse-addr\n",
};
