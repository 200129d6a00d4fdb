/* portreuse client: connects by hand, waits, and closes; once, or as often as it is told to. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/units.h"
#include "cmd/byhand.h"
#include "cmd/cmd.h"
#include "cmd/options.h"

struct client {
    struct byhand hand;
    struct endpoint source; /* family 0: bind() is not called */
    int64_t count, rate;    /* connections; and how many a second, 0: as fast as can be */
};

/* --- options --- */

enum {
    OPTION_REUSE_ADDR = BYHAND_OWN,
    OPTION_NO_PORT,
    OPTION_PORT_RANGE,
    OPTION_COUNT,
    OPTION_RATE
};

static const struct option longs[] = {
    {"endpoint", required_argument, NULL, 'e'},
    {"source", required_argument, NULL, 's'},
    {"wait", required_argument, NULL, 'w'},
    {"no-close", no_argument, NULL, BYHAND_NO_CLOSE},
    {"noclose", no_argument, NULL, BYHAND_NO_CLOSE}, /* as it was once called */
    {"reuse-addr", no_argument, NULL, OPTION_REUSE_ADDR},
    {"reuse-port", no_argument, NULL, BYHAND_REUSE_PORT},
    {"linger", required_argument, NULL, BYHAND_LINGER},
    {"no-port", no_argument, NULL, OPTION_NO_PORT},
    {"port-range", required_argument, NULL, OPTION_PORT_RANGE},
    {"count", required_argument, NULL, OPTION_COUNT},
    {"rate", required_argument, NULL, OPTION_RATE},
    {0},
};

/* What the options say before it is known what belongs together. */
struct words {
    const char *endpoint, *source; /* or NULL */
};

/* A bare number was once written where -w was meant. */
static bool take_source(const char *text, struct words *words) {
    int64_t seconds;
    words->source = text;
    if (!units_number(text, 0, INT64_MAX, &seconds))
        return true;
    options_complain("client",
                     "-s '%s': to keep the connection open for %s s, say -w %s; a source "
                     "address is written as in -s 127.0.0.1:1216",
                     text, text, text);
    return false;
}

static bool take_option(int option, struct client *client, struct words *words) {
    enum { MOST = 1000 * 1000 };
    switch (option) {
    case 'e':
        words->endpoint = optarg;
        return true;
    case 's':
        return take_source(optarg, words);
    case OPTION_REUSE_ADDR:
        client->hand.reuseaddr = true;
        return true;
    case OPTION_NO_PORT:
        client->hand.no_port = true;
        return true;
    case OPTION_PORT_RANGE:
        client->hand.port_range = optarg;
        return byhand_check(&client->hand, "--port-range", "IP_LOCAL_PORT_RANGE",
                            "a range of ports such as 40000-40099");
    case OPTION_COUNT:
        return options_number("client", "--count", optarg, 1, MOST, &client->count);
    case OPTION_RATE:
        return options_number("client", "--rate", optarg, 1, MOST, &client->rate);
    default:
        return byhand_option(&client->hand, option);
    }
}

/* The source, which may be written as `:1216`. */
static bool resolve_source(struct client *client, const char *text) {
    if (text == NULL)
        return true;
    if (!byhand_address(&client->hand, "-s", text, NULL,
                        endpoint_wildcard(client->hand.remote.family, 0), &client->source))
        return false;
    if (client->source.family == client->hand.remote.family)
        return true;
    options_complain("client",
                     "-s '%s': the endpoint's address is of another family: both IPv4, or "
                     "both IPv6",
                     text);
    return false;
}

static bool take_options(int argc, char **argv, struct client *client) {
    static const struct endpoint loopback = {.family = AF_INET, .address = {127, 0, 0, 1}};
    struct words words = {0};
    options_begin();
    for (int option; (option = options_next(argc, argv, ":e:s:w:", longs)) != -1;)
        if (option == '?' || !take_option(option, client, &words))
            return false;
    return options_no_operands(argc, argv) &&
           byhand_address(&client->hand, "-e", words.endpoint, "TCP_CONNECTION_ENDPOINT", loopback,
                          &client->hand.remote) &&
           resolve_source(client, words.source);
}

/* --- one connection --- */

/* Keeps the connection open for its time. Where that was not told it ends with the server's. */
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
    for (int patience;
         !byhand_is_over() && (patience = byhand_milliseconds_until(deadline_ns)) != 0;) {
        if (poll(&watched, 1, patience) <= 0 ||
            byhand_receive(&client->hand, fd, &client->hand.remote))
            continue;
        if (!client->hand.waits)
            return;
        watched.fd = -1; /* there is nothing more to come */
    }
}

static bool bind_source(struct client *client, int fd) {
    struct endpoint local = client->source;
    return local.family == 0 || byhand_bind(&client->hand, fd, &local);
}

/* Makes one connection; false if a call was refused. */
static bool connect_once(struct client *client) {
    int fd = byhand_socket(&client->hand, client->hand.remote.family, 0);
    if (fd < 0)
        return false;
    if (!bind_source(client, fd) || !byhand_connect(&client->hand, fd, &client->hand.remote)) {
        close(fd);
        return false;
    }
    wait_open(client, fd);
    if (!client->hand.no_close)
        byhand_close(&client->hand, fd, &client->hand.remote);
    return !client->hand.failed;
}

/* --- all of them --- */

/* Sleeps until it is time for the connection with this number. */
static void keep_rate(const struct client *client, uint64_t start_ns, int64_t number) {
    uint64_t due_ns = start_ns;
    if (client->rate > 0)
        due_ns += (uint64_t)number * NS_PER_S / (uint64_t)client->rate;
    while (!byhand_is_over() && units_now_ns() < due_ns)
        poll(NULL, 0, byhand_milliseconds_until(due_ns));
}

static void connect_all(struct client *client) {
    uint64_t start_ns = units_now_ns();
    int64_t made = 0;
    for (; made < client->count && !byhand_is_over(); made++) {
        keep_rate(client, start_ns, made);
        if (!connect_once(client))
            break;
    }
    if (client->count > 1)
        byhand_say("made", "%" PRId64 " of %" PRId64 " connections", made, client->count);
    if (client->hand.no_close)
        byhand_say("exit", "without close(): the kernel closes what is open");
}

static int cmd_client(int argc, char **argv) {
    struct client client = {.hand = {.command = "client"}, .count = 1};
    if (!take_options(argc, argv, &client))
        return EXIT_TROUBLE;
    byhand_begin();
    connect_all(&client);
    return byhand_exit_code(&client.hand);
}

const struct command command_client = {
    .name = "client",
    .function = cmd_client,
    .usage = "-e ADDRESS [OPTION...]",
    .line = "connect by hand: connect, wait, close; each call with its errno",
    .help = "  -e, --endpoint ADDRESS  where to connect: 127.0.0.1:1215, [::1]:1215\n"
            "                          :1215 is on 127.0.0.1\n"
            "                          TCP_CONNECTION_ENDPOINT goes before this\n"
            "  -s, --source ADDRESS    bind() to it first: 127.0.0.1:1216, :1216, 127.0.0.2:0\n"
            "  -w, --wait TIME         keep the connection open so long: 5, 500ms, 1m\n"
            "                          without it until the server closes, but for 10s;\n"
            "                          with --count not at all\n"
            "  --count N               connect N times, one by one; ends at a refusal\n"
            "  --rate N                at most N times a second\n"
            "  --no-close              call no close(): the kernel does at the end\n"
            "  --reuse-addr            set SO_REUSEADDR\n"
            "  --reuse-port            set SO_REUSEPORT\n"
            "  --linger SECONDS        set SO_LINGER; with 0 close() is a reset\n"
            "  --port-range LOW-HIGH   set IP_LOCAL_PORT_RANGE, for local ports (Linux 6.3)\n"
            "  --no-port               set IP_BIND_ADDRESS_NO_PORT: connect() chooses it\n"
            "\n"
            "Ctrl-C and SIGTERM end the wait.\n"
            "Exit status: 0 all calls went well, 1 one was refused, 2 it could not be done.\n"
            "\n"
            "  portreuse client -e 127.0.0.1:1215 -w 5\n"
            "  portreuse client -e 127.0.0.1:1215 -s :1216 --count 2\n",
};
