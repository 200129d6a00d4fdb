/* portreuse why beside a listener that is there at each trial, and in no list: it is opened before
 * and closed after each bind() of the look. That is the worst that a server which comes and goes
 * can do. */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "diagnose/why.h"
#include "in_namespace.h"

enum { PORT = 2000, FAILED = 1 };

static bool dodges;           /* somebody has the port at each trial, and no longer */
static const char *elsewhere; /* at this address instead */
static bool unlisted;         /* SO_REUSEADDR is needed, and nothing shows why */

/* The linker chooses these names (--wrap). */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
int __real_bind(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

static struct sockaddr_in address_of(const char *text) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    inet_pton(AF_INET, text, &address.sin_addr);
    return address;
}

/* Returns a listener, or -1. */
static int listen_on(const char *text, int reuseaddr) {
    struct sockaddr_in address = address_of(text);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuseaddr, sizeof reuseaddr);
    if (__real_bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool is_trial(const struct sockaddr *address) {
    return address->sa_family == AF_INET &&
           ((const struct sockaddr_in *)address)->sin_port == htons(PORT);
}

/* Takes the place of bind() in portreuse. */
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size) {
    int listener = -1, reuseaddr = 1;
    socklen_t option = sizeof reuseaddr;
    if (unlisted && is_trial(address))
        getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuseaddr, &option);
    if (reuseaddr == 0) {
        errno = EADDRINUSE;
        return -1;
    }
    if (dodges && is_trial(address))
        listener = listen_on(elsewhere != NULL ? elsewhere : "127.0.0.1", 1);
    int result = __real_bind(fd, address, size), error = errno;
    if (listener >= 0)
        close(listener);
    errno = error;
    return result;
}

/* Leaves a TIME-WAIT on the port, of a socket with or without the option. */
static bool leave_time_wait(int reuseaddr) {
    struct sockaddr_in to = address_of("127.0.0.1");
    int listener = listen_on("127.0.0.1", reuseaddr), client = socket(AF_INET, SOCK_STREAM, 0);
    bool done = listener >= 0 && connect(client, (struct sockaddr *)&to, sizeof to) == 0;
    if (done)
        close(accept(listener, NULL, NULL));
    close(client);
    close(listener);
    return done;
}

/* Looks on behalf of a program that sets SO_REUSEADDR or not. */
static struct why look(bool reuseaddr) {
    struct why_question question = {.reuseaddr = reuseaddr};
    struct namespace here = {.path = ""};
    struct endpoint_pattern pattern;
    const char *at;
    struct why why;
    endpoint_parse("127.0.0.1:2000", &pattern, &at);
    question.local = pattern.endpoint;
    why_look(&question, &here, &why);
    return why;
}

static bool is_cause(const struct why *why, enum cause cause) {
    return why->verdict == WHY_REFUSED && why->cause == cause && !why->changed;
}

/* What is the truth without that listener. */
static int blames_time_wait(void) {
    if (!leave_time_wait(0))
        return FAILED;
    struct why why = look(true);
    return is_cause(&why, CAUSE_TIME_WAIT_OLD_WITHOUT_REUSE) ? 0 : FAILED;
}

/* Something that no list shows refuses what lacks SO_REUSEADDR, as a bound socket does before Linux
 * 6.8. One trial of each pair succeeds: that its socket ends is our own doing. */
static int asks_without_the_option(void) {
    unlisted = true;
    struct why why = look(false);
    return is_cause(&why, CAUSE_UNKNOWN) ? 0 : FAILED;
}

static int says_nothing_wrong(void) {
    if (!leave_time_wait(1))
        return FAILED;
    dodges = true;
    struct why why = look(true);
    return why.verdict == WHY_REFUSED && why.cause == CAUSE_UNKNOWN && why.changed ? 0 : FAILED;
}

/* A listener on another address is not in the way, and nothing has changed. */
static int minds_its_own_address(void) {
    if (!leave_time_wait(0))
        return FAILED;
    dodges = true;
    elsewhere = "127.0.0.2";
    struct why why = look(true);
    return is_cause(&why, CAUSE_TIME_WAIT_OLD_WITHOUT_REUSE) ? 0 : FAILED;
}

int main(void) {
    static int (*bodies[])(void) = {blames_time_wait, asks_without_the_option, says_nothing_wrong,
                                    minds_its_own_address};
    const struct CMUnitTest tests[] = {
        {"time_wait_alone_is_blamed", in_namespace, NULL, NULL, &bodies[0]},
        {"the_trials_of_the_look_change_nothing", in_namespace, NULL, NULL, &bodies[1]},
        {"a_listener_in_no_list_is_noticed_as_it_ends", in_namespace, NULL, NULL, &bodies[2]},
        {"one_on_another_address_is_not_in_the_way", in_namespace, NULL, NULL, &bodies[3]},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
