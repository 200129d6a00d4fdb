/* What a case needs and this kernel lacks: then it is a SKIP, not a FAIL. What is meant is tried,
 * not looked up by version: fixes and options are carried back to older kernels.
 *
 * The header says what all cases need. A step that sets a sysctl or a socket option needs what it
 * names, unless it expects the errno of a kernel without it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/errnames.h"
#include "engine/stage.h"
#include "kernel/netdev.h"
#include "kernel/sysctl.h"

/* --- the header --- */

/* Reads the option of a new TCP socket. Returns 0 or an errno. */
static int try_option(const struct sockopt *option) {
    bool six = strncmp(option->name, "IPV6_", 5) == 0;
    struct sockopt_value value;
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = fd < 0 ? errno : sockopt_get(fd, option, &value);
    if (fd >= 0)
        close(fd);
    return error;
}

/* Makes a socket of this kind. Returns 0 or an errno. */
static int try_kind(enum socket_kind kind) {
    const struct socket_kind_row *row = socket_kind_row(kind);
    int fd = socket(row->family, row->type | SOCK_CLOEXEC, row->number);
    int error = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return error;
}

static enum outcome probe(struct stage *stage, const struct need *need) {
    char value[256], name[ERRNAME_SIZE];
    int error;
    switch (need->kind) {
    case NEED_HOSTS:
        return stage_try_hosts(stage);
    case NEED_OPTION:
        error = try_option(need->option);
        break;
    case NEED_MPTCP:
        error = try_kind(KIND_MPTCP4);
        break;
    case NEED_SYSCTL:
        error = sysctl_read(NETNS_HERE, need->name, value, sizeof value);
        break;
    default:
        return stage->diag_error == 0 ? OUTCOME_ANSWERED : stage_no_diag(stage, stage->diag_error);
    }
    if (error == 0)
        return OUTCOME_ANSWERED;
    bool in_doubt = stage_refusal(error) == OUTCOME_ERROR;
    return stage_reason(stage, stage_refusal(error), "needs %s%s, which %s (%s)",
                        need->kind == NEED_SYSCTL ? "sysctl " : "", need->name,
                        in_doubt ? "could not be tried" : "is not here", errname(error, name));
}

enum outcome stage_probe_needs(struct stage *stage) {
    enum outcome outcome = OUTCOME_ANSWERED;
    for (size_t i = 0; outcome == OUTCOME_ANSWERED && i < stage->scenario->need_count; i++)
        outcome = probe(stage, &stage->scenario->needs[i]);
    return outcome;
}

/* --- the steps --- */

/* The next number of a value; false if its next word is none, or at its end. */
static bool next_number(const char **text, long long *number) {
    char *end;
    *text += strspn(*text, " \t");
    *number = strtoll(*text, &end, 10);
    bool found = end != *text && (*end == '\0' || *end == ' ' || *end == '\t');
    *text = end;
    return found;
}

/* Returns whether the value that was written is another one now. Only numbers are compared: the
 * kernel writes lists and words in its own way. */
static bool differs(const char *wrote, const char *reads) {
    long long a, b;
    while (next_number(&wrote, &a)) {
        if (!next_number(&reads, &b))
            return false;
        if (a != b)
            return true;
    }
    return false;
}

enum outcome stage_check_sysctl(struct stage *stage, const struct step *step, const char *wrote,
                                int error) {
    const char *sysctl = step->sysctl.name;
    char reads[256], name[ERRNAME_SIZE];
    if (error == ENOENT || error == EIO)
        return stage_reason(stage, OUTCOME_SKIP, "line %u: this kernel has no sysctl %s here (%s)",
                            step->line, sysctl, errname(error, name));
    if (error == 0 && sysctl_read(NETNS_HERE, sysctl, reads, sizeof reads) == 0 &&
        differs(wrote, reads))
        return stage_reason(stage, OUTCOME_SKIP,
                            "line %u: the kernel ignores this value of %s: it stays %.64s",
                            step->line, sysctl, reads);
    return OUTCOME_ANSWERED;
}

/* The errnos with which socket() refuses MPTCP: the kernel has none, or net.mptcp.enabled is 0. */
static bool lacks_mptcp(const struct step *call, const struct reply *reply) {
    int error = reply->answer.error;
    return call->verb == VERB_SOCKET && reply->option == 0 &&
           socket_kind_row(call->kind)->protocol == PROTOCOL_MPTCP &&
           reply->answer.kind == ANSWER_ERRNO &&
           (error == EPROTONOSUPPORT || error == ENOPROTOOPT || error == EINVAL);
}

/* What happened where the errno of a call says nothing about it, for want of resources or the like;
 * NULL if it does. EAGAIN is an answer of most calls. */
static const char *says_nothing(const struct step *call, const struct reply *reply) {
    if (reply->answer.kind != ANSWER_ERRNO)
        return NULL;
    switch (reply->answer.error) {
    case EMFILE:
        return "a process may have too few descriptors: see ulimit -n";
    case ENFILE:
        return "the system has no more descriptors: see the sysctl fs.file-max";
    case ENOMEM:
        return "there is no memory for it";
    case ENOBUFS:
        return "the kernel has no buffers for it";
    case EAGAIN:
        return call->verb == VERB_FORK ? "no more processes are allowed: see ulimit -u" : NULL;
    case EINTR:
        return "a signal that is not of the case interrupted the call";
    case EIO:
        return "the call met an input/output error";
    default:
        return NULL;
    }
}

enum outcome stage_check_answer(struct stage *stage, const struct reply *reply) {
    const struct step *call = &stage->scenario->steps[reply->call_index];
    const char *lacking = says_nothing(call, reply);
    char name[ERRNAME_SIZE];
    if (lacking != NULL)
        return stage_reason(stage, OUTCOME_ERROR, "line %u: %s (%s)", call->line, lacking,
                            errname(reply->answer.error, name));
    if (lacks_mptcp(call, reply))
        return stage_reason(
            stage, OUTCOME_SKIP,
            "line %u: there is no MPTCP here (%s); see the sysctl net.mptcp.enabled", call->line,
            errname(reply->answer.error, name));
    bool no_ipv6 = call->verb == VERB_SOCKET && reply->option == 0 &&
                   reply->answer.kind == ANSWER_ERRNO && reply->answer.error == EAFNOSUPPORT &&
                   socket_kind_row(call->kind)->family == AF_INET6;
    if (no_ipv6)
        return stage_reason(stage, OUTCOME_SKIP, "line %u: there is no IPv6 here (EAFNOSUPPORT)",
                            call->line);
    bool unknown = verb_row(call->verb)->arguments == ARGUMENTS_OPTIONS &&
                   reply->answer.kind == ANSWER_ERRNO && reply->answer.error == ENOPROTOOPT;
    if (!unknown)
        return OUTCOME_ANSWERED;
    size_t index = reply->option > 0 ? reply->option - 1 : 0;
    return stage_reason(stage, OUTCOME_SKIP,
                        "line %u: this kernel does not know the option %s of such a socket "
                        "(ENOPROTOOPT)",
                        call->line,
                        call->options.count > index ? call->options.list[index].option->name : "");
}

/* --- the current namespace --- */

/* The settings on which the answers of the kernel depend, as they are in a new namespace. */
static const struct {
    const char *name, *value;
} defaults[] = {
    {"net.ipv4.ip_local_port_range", "32768 60999"},
    {"net.ipv4.ip_local_reserved_ports", ""},
    {"net.ipv4.ip_unprivileged_port_start", "1024"},
    {"net.ipv4.ip_nonlocal_bind", "0"},
    {"net.ipv6.ip_nonlocal_bind", "0"},
    {"net.ipv4.ip_autobind_reuse", "0"},
    {"net.ipv6.bindv6only", "0"},
    {"net.ipv4.tcp_timestamps", "1"},
    {"net.ipv4.tcp_tw_reuse", "2"},
    {"net.ipv4.tcp_rfc1337", "0"},
    {"net.ipv4.tcp_fin_timeout", "60"},
    {"net.ipv4.tcp_abort_on_overflow", "0"},
    {"net.ipv4.tcp_syncookies", "1"},
    {"net.ipv4.tcp_migrate_req", "0"},
    {"net.ipv4.tcp_l3mdev_accept", "0"},
    {"net.ipv4.udp_l3mdev_accept", "0"},
    {"net.ipv4.tcp_orphan_retries", "0"},
    {"net.ipv4.tcp_fastopen", "1"},
    {"net.core.somaxconn", "4096"},
};

enum outcome stage_check_surroundings(struct stage *stage) {
    char value[256];
    if (!stage->options->current)
        return OUTCOME_ANSWERED;
    if (!netdev_is_up(NETNS_HERE, "lo"))
        return stage_reason(stage, OUTCOME_SKIP,
                            "the device lo is down: ip link set lo up, or run it without "
                            "--net=current");
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        if (sysctl_read(NETNS_HERE, defaults[i].name, value, sizeof value) == 0 &&
            strcmp(value, defaults[i].value) != 0)
            return stage_reason(stage, OUTCOME_SKIP,
                                "this namespace has %s = %.64s, where the default is %s: run it "
                                "without --net=current",
                                defaults[i].name, value[0] == '\0' ? "\"\"" : value,
                                defaults[i].value[0] == '\0' ? "\"\"" : defaults[i].value);
    return OUTCOME_ANSWERED;
}
