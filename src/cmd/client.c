/* portreuse client: connects by hand, waits, and closes; once or several times. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "cmd/byhand.h"
#include "cmd/commands.h"

struct client {
    struct byhand hand;
    const char *source_text; /* the value of --source, or NULL */
    struct endpoint source;  /* family 0: bind() is not called */
    int64_t count, rate;     /* of connections; per second, 0: as fast as possible */
};

/* --- options --- */

enum { COUNT_MOST = 1000 * 1000 };

/* In earlier versions a number meant -w. */
static bool set_source(const struct option_use *use) {
    int64_t seconds;
    if (!units_number(use->value, 0, INT64_MAX, &seconds))
        return option_set_text(use);
    options_complain("client",
                     "-s '%s': to keep the connection open for %s s, use -w %s; a source address "
                     "is written as in -s 127.0.0.1:1216",
                     use->value, use->value, use->value);
    return false;
}

static bool set_port_range(const struct option_use *use) {
    return byhand_set_sockopt(use, "IP_LOCAL_PORT_RANGE", "a range of ports such as 40000-40099");
}

static const struct option_row rows[] = {
    {.name = "endpoint",
     .letter = 'e',
     .takes = VALUE_REQUIRED,
     .value_name = "ADDRESS",
     .set = option_set_text,
     .offset = offsetof(struct client, hand.address),
     .help = "address and port to connect to: 127.0.0.1:1215, [::1]:1215, or :1215 for 127.0.0.1; "
             "TCP_CONNECTION_ENDPOINT overrides it"},
    {.name = "source",
     .letter = 's',
     .takes = VALUE_REQUIRED,
     .value_name = "ADDRESS",
     .set = set_source,
     .offset = offsetof(struct client, source_text),
     .help = "bind() to this address first: 127.0.0.1:1216, :1216, 127.0.0.2:0"},
    {.name = "wait",
     .letter = 'w',
     .takes = VALUE_REQUIRED,
     .value_name = "TIME",
     .set = byhand_set_wait,
     .offset = offsetof(struct client, hand),
     .help =
         "keep the connection open for TIME: 5, 500ms, 1m (default: until the server closes it, "
         "at most 10s; 0 with --count)"},
    {.name = "count",
     .takes = VALUE_REQUIRED,
     .value_name = "N",
     .set = option_set_number,
     .offset = offsetof(struct client, count),
     .low = 1,
     .high = COUNT_MOST,
     .help = "connect N times in a row; stop when a call fails"},
    {.name = "rate",
     .takes = VALUE_REQUIRED,
     .value_name = "N",
     .set = option_set_number,
     .offset = offsetof(struct client, rate),
     .low = 1,
     .high = COUNT_MOST,
     .help = "connect at most N times per second"},
    {.name = "reuse-addr",
     .set = option_set_flag,
     .offset = offsetof(struct client, hand.reuseaddr),
     .help = "set SO_REUSEADDR"},
    {.name = "port-range",
     .takes = VALUE_REQUIRED,
     .value_name = "LOW-HIGH",
     .set = set_port_range,
     .offset = offsetof(struct client, hand.port_range),
     .help = "set IP_LOCAL_PORT_RANGE, the range of local ports (Linux 6.3)"},
    {.name = "no-port",
     .set = option_set_flag,
     .offset = offsetof(struct client, hand.no_port),
     .help = "set IP_BIND_ADDRESS_NO_PORT: connect() chooses the port, not bind()"},
    {0},
};

static const struct option_group groups[] = {
    {rows, 0}, {byhand_options, offsetof(struct client, hand)}, {0}};

/* Parses the source address; `:1216` is the wildcard. */
static bool resolve_source(struct client *client) {
    const char *text = client->source_text;
    if (text == NULL)
        return true;
    if (!byhand_address(&client->hand, "-s", text, NULL,
                        endpoint_wildcard(client->hand.remote.family, 0), &client->source))
        return false;
    if (client->source.family == client->hand.remote.family)
        return true;
    options_complain("client",
                     "-s '%s': the endpoint has another address family; use both IPv4, or both "
                     "IPv6",
                     text);
    return false;
}

/* --- connections --- */

/* Keeps the connection open for its time; without --wait at most until the server closes it. */
static void wait_open(struct client *client, int fd) {
    enum { DEFAULT_S = 10 };
    uint64_t wait_ns = client->hand.waits   ? client->hand.wait_ns
                       : client->count == 1 ? (uint64_t)DEFAULT_S * NS_PER_S
                                            : 0;
    uint64_t deadline_ns = units_now_ns() + wait_ns;
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    char text[UNITS_DURATION_SIZE];
    if (wait_ns > 0)
        byhand_say("wait", "%s%s (Ctrl-C ends it)", units_duration_text(wait_ns, text),
                   client->hand.waits ? "" : ", or until the server closes");
    for (int patience; (patience = byhand_milliseconds_until(deadline_ns)) != 0;) {
        int ready = poll(&watched, 1, patience);
        if (ready < 0 && errno != EINTR) {
            options_complain("client", "cannot wait for data: %s", strerror(errno));
            client->hand.failed = client->hand.lacking = true;
            return;
        }
        if (ready <= 0 || byhand_receive(&client->hand, fd, &client->hand.remote))
            continue;
        if (!client->hand.waits)
            return;
        watched.fd = -1; /* nothing more arrives */
    }
}

/* Makes one connection. Returns false if a call was refused. */
static bool connect_once(struct client *client) {
    struct byhand *hand = &client->hand;
    struct endpoint local = client->source;
    int fd = byhand_socket(hand, hand->remote.family, 0);
    if (fd < 0)
        return false;
    if ((local.family != 0 && !byhand_bind(hand, fd, &local)) ||
        !byhand_connect(hand, fd, &hand->remote)) {
        close(fd);
        return false;
    }
    wait_open(client, fd);
    if (!hand->no_close)
        byhand_close(hand, fd, &hand->remote);
    return !hand->failed;
}

/* Makes the connections one after the other, each when it is due. */
static void connect_all(struct client *client) {
    const uint64_t start_ns = units_now_ns();
    int64_t made = 0;
    for (; made < client->count; made++) {
        uint64_t due_ns = start_ns;
        if (client->rate > 0)
            due_ns += (uint64_t)made * NS_PER_S / (uint64_t)client->rate;
        for (int patience; (patience = byhand_milliseconds_until(due_ns)) != 0;)
            poll(NULL, 0, patience);
        if (byhand_is_over() || !connect_once(client))
            break;
    }
    if (client->count > 1)
        byhand_say("made", "%" PRId64 " of %" PRId64 " connections", made, client->count);
    if (client->hand.no_close)
        byhand_say("exit", "without close(): the kernel closes what is open");
}

static int cmd_client(int argc, char **argv) {
    static const struct endpoint loopback = {.family = AF_INET, .address = {127, 0, 0, 1}};
    struct client client = {.hand = {.command = "client"}, .count = 1};
    struct byhand *hand = &client.hand;
    if (!options_parse("client", groups, argc, argv, &client) ||
        !byhand_operand(hand, argc, argv) ||
        !byhand_address(hand, "-e", hand->address, "TCP_CONNECTION_ENDPOINT", loopback,
                        &hand->remote) ||
        !resolve_source(&client))
        return EXIT_TROUBLE;
    byhand_begin();
    connect_all(&client);
    return byhand_status(hand);
}

const struct command command_client = {
    .name = "client",
    .function = cmd_client,
    .usage = "[OPTION...] ADDRESS",
    .summary = "connect, wait and close by hand; show each call with its errno",
    .description = "Ctrl-C and SIGTERM end the wait.",
    .options = groups,
    .notes = "Exit status: 0 all calls succeeded, 1 a call failed, 2 another error, such as\n"
             "a lack of memory or descriptors.\n"
             "\n"
             "Examples\n"
             "  portreuse client -e 127.0.0.1:1215 -w 5\n"
             "  portreuse client -e 127.0.0.1:1215 -s :1216 --count 2\n",
};
