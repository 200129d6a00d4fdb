/* Makes the calls and prints them; explains a refusal as `portreuse why` does. */
#include "cmd/byhand.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/units.h"
#include "cmd/commands.h"
#include "cmd/target.h"
#include "inspect/evidence.h"
#include "kernel/process.h"
#include "kernel/sockopt.h"
#include "kernel/sysctl.h"
#include "report/host/why.h"
#include "report/run/text_steps.h"

/* --- options --- */

bool byhand_set_sockopt(const struct option_use *use, const char *name, const char *expected) {
    struct sockopt_value value;
    if (sockopt_parse(sockopt_named(name), use->value, &value) != NULL)
        return options_wrong_value(use, expected);
    return option_set_text(use);
}

static bool set_linger(const struct option_use *use) {
    return byhand_set_sockopt(use, "SO_LINGER", "a number of seconds");
}

bool byhand_set_wait(const struct option_use *use) {
    struct byhand *hand = use->target;
    struct option_use time = *use;
    time.target = &hand->wait_ns;
    hand->waits = true;
    return option_set_time(&time);
}

const struct option_row byhand_options[] = {
    {.name = "reuse-port",
     .set = option_set_flag,
     .offset = offsetof(struct byhand, reuseport),
     .help = "set SO_REUSEPORT"},
    {.name = "linger",
     .takes = VALUE_REQUIRED,
     .value_name = "SECONDS",
     .set = set_linger,
     .offset = offsetof(struct byhand, linger),
     .help = "set SO_LINGER; with 0, close() resets the connection"},
    {.name = "no-close",
     .set = option_set_flag,
     .offset = offsetof(struct byhand, no_close),
     .help = "do not call close(): the kernel closes everything at exit"},
    {.name = "noclose", /* the client's former name for it */
     .set = option_set_flag,
     .offset = offsetof(struct byhand, no_close)},
    {0},
};

bool byhand_operand(struct byhand *hand, int argc, char **argv) {
    if (hand->address == NULL && optind < argc)
        hand->address = argv[optind++];
    return options_no_operands(argc, argv);
}

bool byhand_address(const struct byhand *hand, const char *option, const char *text,
                    const char *variable, struct endpoint otherwise, struct endpoint *endpoint) {
    const char *set = variable == NULL ? NULL : getenv(variable);
    bool from_environment = set != NULL && set[0] != '\0';
    if (from_environment && text != NULL && strcmp(set, text) != 0)
        options_complain(hand->command, "%s=%s overrides %s %s", variable, set, option, text);
    if (from_environment)
        return target_parse(hand->command, variable, set, otherwise, endpoint, NULL);
    if (text != NULL)
        return target_parse(hand->command, option, text, otherwise, endpoint, NULL);
    options_complain(hand->command,
                     "an address is missing: %s ADDRESS:PORT, as in %s 127.0.0.1:1215", option,
                     option);
    return false;
}

/* --- time --- */

static volatile sig_atomic_t is_over;

/* A call that begins to wait just after the signal is interrupted by the next alarm. */
static void on_signal(int number) {
    (void)number;
    is_over = 1;
    alarm(1);
}

void byhand_begin(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGALRM};
    struct sigaction action = {.sa_handler = on_signal};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    process_raise_limits();
}

bool byhand_is_over(void) {
    return is_over != 0;
}

int byhand_status(const struct byhand *hand) {
    return hand->lacking ? EXIT_TROUBLE : hand->failed ? EXIT_FAIL : EXIT_AS_EXPECTED;
}

int byhand_milliseconds_until(uint64_t deadline_ns) {
    uint64_t now = units_now_ns();
    if (is_over || deadline_ns <= now)
        return 0;
    return deadline_ns == UINT64_MAX ? -1 : (int)((deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS);
}

/* --- printing --- */

/* Prints a line for a call: its name, what it was about, and its result, which is `format` if there
 * is no error. Returns whether there is none. */
static bool tell(struct byhand *hand, const char *call, const char *what, int error,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

static bool tell(struct byhand *hand, const char *call, const char *what, int error,
                 const char *format, ...) {
    char name[ERRNAME_SIZE];
    va_list values;
    printf("%-10s %-28s ", call, what);
    if (error != 0) {
        printf("%s: %s\n", errname(error, name), strerror(error));
        hand->failed = true;
        hand->lacking |= errno_is_shortage(error) || error == EIO;
        return false;
    }
    va_start(values, format);
    vprintf(format, values);
    va_end(values);
    putchar('\n');
    return true;
}

static const char *const call_names[] = {
    [CALL_BIND] = "bind", [CALL_CONNECT] = "connect", [CALL_LISTEN] = "listen"};

/* A connection from the client's own source to where it connects is an earlier one of this client.
 * Of other sockets only what sock_diag shows is known. */
struct attempt {
    struct endpoint local, remote;
};

static void identify(void *context, struct suspect *suspect) {
    const struct attempt *attempt = context;
    const struct inet_socket *socket = &suspect->occupant.socket;
    struct endpoint local = socket->local;
    if (endpoint_is_wildcard(&attempt->local))
        local = endpoint_wildcard(attempt->local.family, local.port);
    if (endpoint_equal(&local, &attempt->local) &&
        endpoint_equal(&socket->remote, &attempt->remote))
        suspect->occupant.outgoing = suspect->occupant.bound = KNOWN_YES;
}

/* Finds what is in the way by the socket itself: its own range of ports counts, too. */
static void look_by_socket(const struct byhand *hand, enum port_call call, int error, int fd,
                           const struct endpoint *asked, struct why *why) {
    struct socket_view view = {0};
    socket_look(&view, fd);
    struct refusal refusal = evidence_refusal(call, error, &view);
    if (call == CALL_BIND)
        refusal.claim.local = *asked;
    else if (call == CALL_CONNECT)
        refusal.claim.remote = *asked;
    int diag = sockdiag_open(NETNS_HERE), diag_error = diag < 0 ? errno : 0;
    struct attempt attempt = {refusal.claim.local, hand->remote};
    struct evidence_source source = {.diag = diag,
                                     .diag_error = diag_error,
                                     .own_inode = view.inode,
                                     .identify = identify,
                                     .context = &attempt};
    evidence_look(&source, &refusal, &why->evidence);
    evidence_find_owners(&why->evidence);
    why->verdict = WHY_REFUSED;
    why->call = call_names[call];
    why->error = error;
    why->cause = why->evidence.cause;
    why->words = why->evidence.words;
    sysctl_port_range(NETNS_HERE, &why->range, &why->unread);
    why_hints_look(error, &why->asked.local, &why->evidence, &why->hints);
    why->asked_by_root = geteuid() == 0;
    if (diag >= 0)
        close(diag);
}

/* Closes the socket, so that it is not in the way itself, but keeps its descriptor for the caller
 * to close. */
static void give_up_socket(int fd) {
    int other = epoll_create1(EPOLL_CLOEXEC);
    if (other >= 0 && dup3(other, fd, O_CLOEXEC) >= 0)
        close(other);
}

/* Asks what `portreuse why` would ask. Its answer counts if it is the same errno; `why` cannot ask
 * about the socket's own range of ports. */
static void look(struct byhand *hand, enum port_call call, int error, int fd,
                 const struct endpoint *asked, struct why *why) {
    struct namespace here = namespaces_here();
    struct why_question question = {.protocol = PROTOCOL_TCP,
                                    .local = call == CALL_CONNECT ? hand->bound : *asked,
                                    .remote = hand->remote,
                                    .reuseaddr = hand->reuseaddr,
                                    .reuseport = hand->reuseport};
    *why = (struct why){.where = here, .asked = question};
    bool by_address = error == EADDRINUSE || error == EADDRNOTAVAIL;
    if (by_address)
        look_by_socket(hand, call, error, fd, asked, why);
    struct why *answer = hand->port_range == NULL ? malloc(sizeof *answer) : NULL;
    if (answer == NULL)
        return;
    give_up_socket(fd);
    why_look(&question, &here, answer);
    if (answer->verdict == WHY_REFUSED && answer->error == error)
        *why = *answer;
    free(answer);
}

/* Explains a call that was just refused. */
static void explain(struct byhand *hand, enum port_call call, int error, int fd,
                    const struct endpoint *asked) {
    enum { INDENT = 6 };
    struct scenario no_scenario = {0};
    struct why *why = malloc(sizeof *why);
    if (why == NULL)
        return;
    look(hand, call, error, fd, asked, why);
    if (why->verdict == WHY_REFUSED) {
        const char *scenario = cause_row(why->cause)->scenario;
        why->evidence.cause = why->cause;
        why->evidence.words = why->words;
        text_evidence(stdout, &no_scenario, &why->evidence, true);
        if (scenario != NULL)
            printf("%*sshown by:   portreuse run %s\n", INDENT, "", scenario);
        printf("%*swhat to do:\n", INDENT, "");
        why_print_remedies(stdout, why, INDENT + 2);
    }
    free(why);
}

/* Prints a call that can be refused because of its address or port. */
static bool tell_refusable(struct byhand *hand, enum port_call call, int fd,
                           const struct endpoint *asked, int error, const char *more) {
    char what[ENDPOINT_TEXT_SIZE];
    if (tell(hand, call_names[call], endpoint_text(asked, what), error, "ok%s", more))
        return true;
    if (error == EADDRINUSE || error == EADDRNOTAVAIL ||
        (call == CALL_BIND && (error == EACCES || error == EPERM)))
        explain(hand, call, error, fd, asked);
    return false;
}

/* --- the calls --- */

static bool set_option(struct byhand *hand, int fd, const char *name, const char *text) {
    const struct sockopt *option = sockopt_named(name);
    struct sockopt_value value;
    char what[64];
    sockopt_parse(option, text, &value);
    int error = sockopt_set(fd, option, &value);
    snprintf(what, sizeof what, "%s %s", name, text);
    return tell(hand, "setsockopt", what, error, "ok");
}

int byhand_socket(struct byhand *hand, sa_family_t family, int flags) {
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), error = fd < 0 ? errno : 0;
    bool good = tell(hand, "socket", family == AF_INET6 ? "tcp6" : "tcp4", error, "ok") &&
                (!hand->reuseaddr || set_option(hand, fd, "SO_REUSEADDR", "1")) &&
                (!hand->reuseport || set_option(hand, fd, "SO_REUSEPORT", "1")) &&
                (hand->linger == NULL || set_option(hand, fd, "SO_LINGER", hand->linger)) &&
                (hand->port_range == NULL ||
                 set_option(hand, fd, "IP_LOCAL_PORT_RANGE", hand->port_range)) &&
                (!hand->no_port || set_option(hand, fd, "IP_BIND_ADDRESS_NO_PORT", "1"));
    if (!good && fd >= 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* What follows the `ok` of a call: the address that the kernel chose. */
enum { MORE_SIZE = ENDPOINT_TEXT_SIZE + 16 };

bool byhand_bind(struct byhand *hand, int fd, struct endpoint *local) {
    struct sockaddr_storage address;
    struct endpoint asked = *local;
    struct socket_view view = {0};
    char chosen[ENDPOINT_TEXT_SIZE], more[MORE_SIZE] = "";
    socklen_t size = endpoint_to_sockaddr(local, &address);
    int error = bind(fd, (const struct sockaddr *)&address, size) < 0 ? errno : 0;
    hand->bound = asked;
    if (error == 0) {
        socket_look(&view, fd);
        *local = view.local;
    }
    if (local->port != asked.port)
        snprintf(more, sizeof more, ", %s", endpoint_text(local, chosen));
    return tell_refusable(hand, CALL_BIND, fd, &asked, error, more);
}

bool byhand_listen(struct byhand *hand, int fd, const struct endpoint *local) {
    int error = listen(fd, SOMAXCONN) < 0 ? errno : 0;
    return tell_refusable(hand, CALL_LISTEN, fd, local, error, "");
}

bool byhand_connect(struct byhand *hand, int fd, const struct endpoint *remote) {
    struct sockaddr_storage address;
    struct socket_view view = {0};
    char chosen[ENDPOINT_TEXT_SIZE], more[MORE_SIZE] = "";
    socklen_t size = endpoint_to_sockaddr(remote, &address);
    int error = connect(fd, (const struct sockaddr *)&address, size) < 0 ? errno : 0;
    if (error == 0) {
        socket_look(&view, fd);
        snprintf(more, sizeof more, ", from %s", endpoint_text(&view.local, chosen));
    }
    return tell_refusable(hand, CALL_CONNECT, fd, remote, error, more);
}

int byhand_accept(struct byhand *hand, int listener, struct endpoint *peer) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char what[ENDPOINT_TEXT_SIZE];
    int fd = accept4(listener, (struct sockaddr *)&address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int error = fd < 0 ? errno : 0;
    if (error == EAGAIN || error == EINTR)
        return -1;
    *peer = endpoint_from_sockaddr(&address);
    tell(hand, "accept", endpoint_text(peer, what), error, "ok");
    errno = error;
    return fd;
}

bool byhand_receive(struct byhand *hand, int fd, const struct endpoint *peer) {
    char bytes[4096], what[ENDPOINT_TEXT_SIZE];
    ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    int error = got < 0 ? errno : 0;
    if (error == EAGAIN || error == EINTR)
        return true;
    endpoint_text(peer, what);
    if (got > 0)
        return tell(hand, "recv", what, 0, "%zd bytes", got);
    tell(hand, "recv", what, error, "eof: the other side has closed");
    return false;
}

void byhand_close(struct byhand *hand, int fd, const struct endpoint *whose) {
    char text[ENDPOINT_TEXT_SIZE];
    int error = close(fd) < 0 ? errno : 0;
    tell(hand, "close", endpoint_text(whose, text), error, "ok");
}

void byhand_say(const char *what, const char *format, ...) {
    va_list values;
    printf("%-10s ", what);
    va_start(values, format);
    vprintf(format, values);
    va_end(values);
    putchar('\n');
}
