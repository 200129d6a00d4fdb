/* Why a call was refused, when its process has ended and all that is known of its sockets is what
 * was seen at the call. */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "an_endpoint.h"
#include "diagnose/why_call.h"
#include "in_namespace.h"

enum { PORT = 2000, NOBODY = 0x7ffffff0, FAILED = 1 };

static bool listen_there(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0;
}

/* A bind() to the port that was refused, by a process that has ended. */
static enum cause cause_of_refusal(const struct occupant *own) {
    struct why_call call = {.call = "bind",
                            .error = EADDRINUSE,
                            .process = NOBODY,
                            .protocol = PROTOCOL_TCP,
                            .address = an_endpoint("127.0.0.1:2000"),
                            .socket = {.made = true, .open = true, .family = AF_INET},
                            .own = own,
                            .program = "gone",
                            .network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)};
    struct why why;
    why_call_look(&call, &why);
    return why.verdict == WHY_REFUSED ? why.cause : CAUSE_COUNT;
}

static struct occupant bound_there(const char *address) {
    return (struct occupant){.socket = {.protocol = PROTOCOL_TCP,
                                        .state = STATE_BOUND,
                                        .local = an_endpoint(address),
                                        .remote = endpoint_wildcard(AF_INET, 0),
                                        .inode = NOBODY}};
}

static int blames_its_own(void) {
    struct occupant own[WHY_CALL_OWN_MOST] = {bound_there("127.0.0.1:2000")};
    return cause_of_refusal(own) == CAUSE_BOUND_TWICE ? 0 : FAILED;
}

/* The listener can have come later: the same program was started again, for example. */
static int blames_its_own_beside_another(void) {
    return listen_there() ? blames_its_own() : FAILED;
}

static int blames_the_listener(void) {
    struct occupant own[WHY_CALL_OWN_MOST] = {bound_there("127.0.0.2:2000")};
    if (!listen_there())
        return FAILED;
    return cause_of_refusal(own) == CAUSE_ADDRESS_IN_USE ? 0 : FAILED;
}

int main(void) {
    static int (*bodies[])(void) = {blames_its_own, blames_its_own_beside_another,
                                    blames_the_listener};
    const struct CMUnitTest tests[] = {
        {"a_socket_that_was_seen_at_the_call_is_blamed", in_namespace, NULL, NULL, &bodies[0]},
        {"so_it_is_beside_one_that_is_there_now", in_namespace, NULL, NULL, &bodies[1]},
        {"one_that_was_not_in_the_way_is_not_blamed", in_namespace, NULL, NULL, &bodies[2]},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
