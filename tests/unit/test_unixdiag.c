/* unix_diag as bytes: sound, short and hostile answers, each parsed from a block of exactly its
 * size; and real sockets, asked of the kernel. */
#include "test.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "kernel/unixdiag.h"

enum { SEQUENCE = 4711, SHOW_UID = 0x40, ATTRIBUTE_UID = 7 };

struct datagram {
    size_t size;
    _Alignas(uint32_t) char bytes[4096];
};

static struct nlmsghdr *add_socket(struct datagram *datagram, uint8_t type, uint8_t state) {
    struct unix_diag_msg message = {
        .udiag_family = AF_UNIX, .udiag_type = type, .udiag_state = state, .udiag_ino = 77};
    datagram->size = NLMSG_ALIGN(datagram->size);
    struct nlmsghdr *header = (struct nlmsghdr *)(datagram->bytes + datagram->size);
    *header = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(sizeof message),
                                .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                                .nlmsg_flags = NLM_F_MULTI,
                                .nlmsg_seq = SEQUENCE};
    memcpy(NLMSG_DATA(header), &message, sizeof message);
    datagram->size += header->nlmsg_len;
    return header;
}

/* Adds an attribute to the last message, which `header` is. */
static struct rtattr *add_attribute(struct datagram *datagram, struct nlmsghdr *header,
                                    unsigned short type, const void *value, size_t size) {
    datagram->size = NLMSG_ALIGN(datagram->size);
    struct rtattr *attribute = (struct rtattr *)(datagram->bytes + datagram->size);
    *attribute = (struct rtattr){.rta_type = type, .rta_len = (unsigned short)RTA_LENGTH(size)};
    memcpy(RTA_DATA(attribute), value, size);
    datagram->size += attribute->rta_len;
    header->nlmsg_len = (uint32_t)(datagram->bytes + datagram->size - (char *)header);
    return attribute;
}

struct outcome {
    enum sockdiag_status status;
    int error;
    size_t count;
    struct unix_socket sockets[8];
};

static bool note_socket(void *context, const struct unix_socket *socket) {
    struct outcome *outcome = context;
    assert_true(outcome->count < ROWS(outcome->sockets));
    outcome->sockets[outcome->count++] = *socket;
    return true;
}

static struct outcome parse_some(const struct datagram *datagram, size_t size) {
    struct outcome outcome = {0};
    char *bytes = malloc(size);
    assert_true(bytes != NULL || size == 0);
    if (size > 0)
        memcpy(bytes, datagram->bytes, size);
    outcome.status = unixdiag_parse(bytes, size, SEQUENCE, note_socket, &outcome, &outcome.error);
    free(bytes);
    return outcome;
}

static struct outcome parse(const struct datagram *datagram) {
    return parse_some(datagram, datagram->size);
}

static void request_asks_for_all_states_and_what_we_read(void **state) {
    struct {
        struct nlmsghdr header;
        struct unix_diag_req diag;
    } request;
    _Alignas(uint32_t) char bytes[UNIXDIAG_REQUEST_SIZE];
    (void)state;
    unixdiag_request(SEQUENCE, bytes);
    memcpy(&request, bytes, sizeof request);
    assert_int_equal(request.header.nlmsg_len, sizeof request);
    assert_int_equal(request.header.nlmsg_type, SOCK_DIAG_BY_FAMILY);
    assert_int_equal(request.header.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
    assert_int_equal(request.header.nlmsg_seq, SEQUENCE);
    assert_int_equal(request.diag.sdiag_family, AF_UNIX);
    assert_int_equal(request.diag.udiag_states, STATES_ANY);
    assert_int_equal(request.diag.udiag_show, UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER |
                                                  UDIAG_SHOW_RQLEN | SHOW_UID);
}

static void parse_reads_every_field(void **state) {
    const struct unix_diag_vfs file = {.udiag_vfs_ino = 123, .udiag_vfs_dev = 8U << 20 | 300};
    const struct unix_diag_rqlen queues = {.udiag_rqueue = 3, .udiag_wqueue = 128};
    const uint32_t peer = 78, uid = 1000;
    struct datagram datagram = {0};
    struct nlmsghdr *header = add_socket(&datagram, SOCK_SEQPACKET, STATE_LISTEN);
    (void)state;
    add_attribute(&datagram, header, UNIX_DIAG_NAME, "/run/x.sock", sizeof "/run/x.sock");
    add_attribute(&datagram, header, UNIX_DIAG_VFS, &file, sizeof file);
    add_attribute(&datagram, header, UNIX_DIAG_PEER, &peer, sizeof peer);
    add_attribute(&datagram, header, UNIX_DIAG_RQLEN, &queues, sizeof queues);
    add_attribute(&datagram, header, ATTRIBUTE_UID, &uid, sizeof uid);
    struct outcome outcome = parse(&datagram);
    const struct unix_socket *socket = &outcome.sockets[0];
    assert_int_equal(outcome.status, SOCKDIAG_MORE);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(socket->type, SOCK_SEQPACKET);
    assert_int_equal(socket->state, STATE_LISTEN);
    assert_int_equal(socket->inode, 77);
    assert_int_equal(socket->peer, 78);
    assert_true(socket->uid_known);
    assert_int_equal(socket->uid, 1000);
    assert_int_equal(socket->receive_queue, 3);
    assert_int_equal(socket->send_queue, 128);
    assert_string_equal(socket->name, "/run/x.sock");
    assert_int_equal(socket->name_size, strlen("/run/x.sock"));
    assert_true(unixdiag_is_at(socket, 123, makedev(8, 300)));
    assert_false(unixdiag_is_at(socket, 124, makedev(8, 300)));
    assert_false(unixdiag_is_at(socket, 123, makedev(8, 301)));
}

static void parse_keeps_the_nuls_of_an_abstract_name(void **state) {
    static const char name[] = {'\0', 'a', '\0', 'b', '\0'};
    struct datagram datagram = {0};
    (void)state;
    add_attribute(&datagram, add_socket(&datagram, SOCK_STREAM, STATE_LISTEN), UNIX_DIAG_NAME, name,
                  sizeof name);
    struct outcome outcome = parse(&datagram);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.sockets[0].name_size, sizeof name);
    assert_memory_equal(outcome.sockets[0].name, name, sizeof name);
    assert_false(outcome.sockets[0].has_file);
}

static void parse_cuts_a_name_that_is_too_long(void **state) {
    char name[300];
    struct datagram datagram = {0};
    (void)state;
    memset(name, 'x', sizeof name);
    add_attribute(&datagram, add_socket(&datagram, SOCK_STREAM, STATE_LISTEN), UNIX_DIAG_NAME, name,
                  sizeof name);
    struct outcome outcome = parse(&datagram);
    assert_int_equal(outcome.sockets[0].name_size, UNIX_NAME_SIZE);
    assert_int_equal(strlen(outcome.sockets[0].name), UNIX_NAME_SIZE);
}

static void parse_of_a_socket_without_attributes_knows_nothing_more(void **state) {
    struct datagram datagram = {0};
    (void)state;
    add_socket(&datagram, SOCK_DGRAM, STATE_CLOSED);
    struct outcome outcome = parse(&datagram);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.sockets[0].name_size, 0);
    assert_false(outcome.sockets[0].has_file);
    assert_false(outcome.sockets[0].uid_known);
    assert_false(unixdiag_is_at(&outcome.sockets[0], 0, 0));
}

static void parse_takes_no_value_from_an_attribute_that_is_too_short(void **state) {
    static const unsigned short types[] = {UNIX_DIAG_NAME, UNIX_DIAG_VFS, UNIX_DIAG_PEER,
                                           UNIX_DIAG_RQLEN, ATTRIBUTE_UID};
    (void)state;
    for (size_t i = 0; i < ROWS(types); i++) {
        struct datagram datagram = {0};
        add_attribute(&datagram, add_socket(&datagram, SOCK_STREAM, STATE_LISTEN), types[i], "", 0);
        struct outcome outcome = parse(&datagram);
        assert_int_equal(outcome.status, SOCKDIAG_MORE);
        assert_int_equal(outcome.count, 1);
        assert_int_equal(outcome.sockets[0].name_size, 0);
        assert_false(outcome.sockets[0].has_file);
        assert_false(outcome.sockets[0].uid_known);
    }
}

static void parse_refuses_a_datagram_cut_anywhere(void **state) {
    struct datagram datagram = {0};
    struct nlmsghdr *header = add_socket(&datagram, SOCK_STREAM, STATE_LISTEN);
    (void)state;
    add_attribute(&datagram, header, UNIX_DIAG_NAME, "/x", 2);
    for (size_t size = 1; size < datagram.size; size++) {
        struct outcome outcome = parse_some(&datagram, size);
        assert_int_equal(outcome.status, SOCKDIAG_BROKEN);
        assert_int_equal(outcome.count, 0);
    }
}

static void parse_refuses_what_is_no_unix_socket(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct datagram datagram = {0};
        struct nlmsghdr *header = add_socket(&datagram, SOCK_STREAM, STATE_LISTEN);
        struct unix_diag_msg *message = NLMSG_DATA(header);
        if (i == 0)
            message->udiag_family = AF_INET;
        else if (i == 1)
            message->udiag_state = STATE_COUNT;
        else if (i == 2)
            header->nlmsg_type = NLMSG_NOOP;
        else
            header->nlmsg_seq++;
        assert_int_equal(parse(&datagram).status, SOCKDIAG_BROKEN);
    }
}

static void parse_stops_at_an_attribute_with_a_false_length(void **state) {
    static const unsigned short lengths[] = {0, 1, 3, 12, 400, 65535};
    (void)state;
    for (size_t i = 0; i < ROWS(lengths); i++) {
        struct datagram datagram = {0};
        struct nlmsghdr *header = add_socket(&datagram, SOCK_STREAM, STATE_LISTEN);
        add_attribute(&datagram, header, UNIX_DIAG_NAME, "/xy", 4)->rta_len = lengths[i];
        struct outcome outcome = parse(&datagram);
        assert_int_equal(outcome.count, 1);
        assert_int_equal(outcome.sockets[0].name_size, 0);
    }
}

/* --- the kernel --- */

struct wanted {
    ino_t inode; /* of the file, or */
    dev_t device;
    const char *name; /* the name */
    size_t size;
    bool found;
    struct unix_socket socket;
};

static bool find_socket(void *context, const struct unix_socket *socket) {
    struct wanted *wanted = context;
    wanted->found = wanted->name == NULL
                        ? unixdiag_is_at(socket, wanted->inode, wanted->device)
                        : socket->name_size == wanted->size &&
                              memcmp(socket->name, wanted->name, wanted->size) == 0;
    wanted->socket = *socket;
    return !wanted->found;
}

static int bound_socket(int type, const char *name, size_t size) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, name, size);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)),
                     0);
    return fd;
}

static int dump(struct wanted *wanted) {
    int diag = sockdiag_open(NETNS_HERE);
    int error = diag < 0 ? errno : unixdiag_dump(diag, find_socket, wanted);
    if (diag >= 0)
        close(diag);
    return error;
}

static void kernel_lists_a_listener_by_file_and_by_abstract_name(void **state) {
    char path[] = "/tmp/portreuse-XXXXXX/socket";
    static const char name[] = "\0portreuse\0test";
    struct stat file;
    (void)state;
    *strrchr(path, '/') = '\0';
    assert_true(mkdtemp(path) != NULL);
    path[strlen(path)] = '/';
    int listener = bound_socket(SOCK_STREAM, path, strlen(path));
    int abstract = bound_socket(SOCK_DGRAM, name, sizeof name - 1);
    assert_int_equal(listen(listener, 5), 0);
    assert_int_equal(stat(path, &file), 0);
    struct wanted by_file = {.inode = file.st_ino, .device = file.st_dev};
    struct wanted by_name = {.name = name, .size = sizeof name - 1};
    int error = dump(&by_file);
    if (error == 0 && dump(&by_name) == 0) {
        if (by_file.found) { /* not on an overlay */
            assert_int_equal(by_file.socket.state, STATE_LISTEN);
            assert_string_equal(by_file.socket.name, path);
            assert_int_equal(by_file.socket.send_queue, 5);
        }
        assert_true(by_name.found);
        assert_int_equal(by_name.socket.type, SOCK_DGRAM);
    }
    assert_int_equal(unixdiag_ask(path, strlen(path)), EPROTOTYPE);
    assert_int_equal(unixdiag_ask(name, sizeof name - 1), 0);
    close(listener);
    close(abstract);
    assert_int_equal(unixdiag_ask(path, strlen(path)), ECONNREFUSED);
    assert_int_equal(unixdiag_ask(name, sizeof name - 1), ECONNREFUSED);
    unlink(path);
    assert_int_equal(unixdiag_ask(path, strlen(path)), ENOENT);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_asks_for_all_states_and_what_we_read),
        cmocka_unit_test(parse_reads_every_field),
        cmocka_unit_test(parse_keeps_the_nuls_of_an_abstract_name),
        cmocka_unit_test(parse_cuts_a_name_that_is_too_long),
        cmocka_unit_test(parse_of_a_socket_without_attributes_knows_nothing_more),
        cmocka_unit_test(parse_takes_no_value_from_an_attribute_that_is_too_short),
        cmocka_unit_test(parse_refuses_a_datagram_cut_anywhere),
        cmocka_unit_test(parse_refuses_what_is_no_unix_socket),
        cmocka_unit_test(parse_stops_at_an_attribute_with_a_false_length),
        cmocka_unit_test(kernel_lists_a_listener_by_file_and_by_abstract_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
