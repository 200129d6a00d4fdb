/* A socket that is passed on in messages, in step with whoever searches for its owner: it is in a
 * message whenever the processes are looked at, and with its process in between. So it is on a busy
 * machine, where the receiver gets a processor when the search pauses. In a network namespace of
 * its own no other process comes or goes that could have got the socket. */
#include "test.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "inspect/census.h"
#include "inspect/owners.h"
#include "kernel/netns.h"

static int pair[2];
static int passed = -1; /* the descriptor of the socket, while this process has it */
static bool passes;     /* it is sent before each look */
static bool looks;      /* the processes are being looked at */
static unsigned sendings;

/* The linker chooses these names (--wrap). */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
bool __real_census_take(struct census *census);
bool __wrap_census_take(struct census *census);
uint64_t __real_units_now_ns(void);
uint64_t __wrap_units_now_ns(void);
/* NOLINTEND(bugprone-reserved-identifier) */

static struct msghdr message_of(struct iovec *data, char *control, size_t size) {
    return (struct msghdr){
        .msg_iov = data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = size};
}

static void send_away(void) {
    char byte = 0, control[CMSG_SPACE(sizeof passed)] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = message_of(&data, control, sizeof control);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof passed), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &passed, sizeof passed);
    assert_int_equal(sendmsg(pair[0], &message, 0), 1);
    close(passed);
    passed = -1;
    sendings++;
}

static void receive(void) {
    char byte, control[CMSG_SPACE(sizeof passed)] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = message_of(&data, control, sizeof control);
    assert_int_equal(recvmsg(pair[1], &message, 0), 1);
    memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof passed);
}

/* Take the places of those of portreuse. The search asks for the time between its looks, and before
 * what follows them. */
bool __wrap_census_take(struct census *census) {
    if (passes && passed >= 0)
        send_away();
    looks = true;
    bool taken = __real_census_take(census);
    looks = false;
    return taken;
}

uint64_t __wrap_units_now_ns(void) {
    if (passes && !looks && passed < 0)
        receive();
    return __real_units_now_ns();
}

static void a_socket_that_is_passed_on_is_not_one_of_no_process(void **state) {
    struct stat file;
    char reason[NETNS_REASON_SIZE];
    (void)state;
    if (netns_enter(reason) == NETNS_REFUSED)
        skip();
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    passed = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(fstat(passed, &file), 0);
    struct owners owners = {.inode = (uint32_t)file.st_ino};
    owners_find(&owners, 1);
    assert_int_equal(owners.count, 1);
    owners_forget();
    passes = true;
    owners = (struct owners){.inode = (uint32_t)file.st_ino};
    owners_find(&owners, 1);
    assert_int_equal(owners.count, 0);
    assert_true(sendings > 0);
    assert_int_not_equal(owners.search, OWNERS_SEARCHED);
    passes = false;
    owners_forget();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_that_is_passed_on_is_not_one_of_no_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
