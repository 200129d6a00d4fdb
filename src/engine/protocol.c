#include "engine/protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

struct reply protocol_reply(uint32_t step_index) {
    return (struct reply){.step_index = step_index, .call_index = step_index};
}

int protocol_send(int channel, const void *message, size_t size, int fd) {
    struct iovec part = {.iov_base = (void *)message, .iov_len = size};
    union control control = {0};
    struct msghdr envelope = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        control.header = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
        envelope.msg_control = &control;
        envelope.msg_controllen = sizeof control;
    }
    ssize_t sent;
    do
        sent = sendmsg(channel, &envelope, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

int protocol_receive(int channel, void *message, size_t size, int flags, int *fd) {
    struct iovec part = {.iov_base = message, .iov_len = size};
    union control control = {0};
    struct msghdr envelope = {.msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof control};
    ssize_t received;
    int came = -1;
    if (fd != NULL)
        *fd = -1;
    do
        received = recvmsg(channel, &envelope, flags | MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return errno == ECONNRESET ? EPIPE : errno;
    if (received == 0)
        return EPIPE;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&envelope);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(&came, CMSG_DATA(header), sizeof came);
    bool whole = (size_t)received == size && (envelope.msg_flags & MSG_TRUNC) == 0;
    if (fd != NULL && whole)
        *fd = came;
    else if (came >= 0)
        close(came);
    return whole ? 0 : EBADMSG;
}

/* --- what a role may say --- */

static bool is_text(const char *text, size_t size) {
    return memchr(text, '\0', size) != NULL;
}

/* A bool that is neither 0 nor 1 is undefined: it is looked at as a byte. */
static bool is_bool(const bool *value) {
    unsigned char byte;
    memcpy(&byte, value, sizeof byte);
    return byte <= 1;
}

static bool value_is_sound(const struct sockopt_value *value) {
    return (unsigned)value->kind <= SOCKOPT_ERROR && is_bool(&value->off) &&
           is_text(value->text, sizeof value->text);
}

static bool answer_is_sound(const struct answer *answer) {
    switch (answer->kind) {
    case ANSWER_ERRNO:
        return answer->error > 0 && answer->error < 4096;
    case ANSWER_ADDRESS:
        return answer->address.family == AF_INET || answer->address.family == AF_INET6;
    case ANSWER_NAME:
        return is_text(answer->name, sizeof answer->name);
    case ANSWER_VALUE:
        return value_is_sound(&answer->value);
    default:
        return (unsigned)answer->kind < ANSWER_FREE; /* the rest is the stage's */
    }
}

bool protocol_is_sound(const struct scenario *scenario, const struct reply *reply) {
    if (reply->step_index >= scenario->step_count || reply->call_index >= scenario->step_count ||
        (unsigned)reply->answer.at >= VERBS || !is_bool(&reply->answer.in_block) ||
        !is_bool(&reply->no_endpoint) || !answer_is_sound(&reply->answer))
        return false;
    const struct step *call = &scenario->steps[reply->call_index];
    bool has_options = verb_row(call->verb)->arguments == ARGUMENTS_OPTIONS;
    return reply->option == 0 || (has_options && reply->option <= call->options.count);
}

/* --- the table of actions, made from VERB_LIST --- */

#define DECLARE_ACTION(NAME, name) extern const struct action action_##name;
#define ACTION_OF(NAME, name)      [VERB_##NAME] = &action_##name,

VERB_LIST(DECLARE_ACTION)

static const struct action *const actions[VERBS] = {VERB_LIST(ACTION_OF)};

const struct action *action_of(enum verb verb) {
    return actions[verb];
}
