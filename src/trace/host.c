/* A process of its own, the holder, takes the kernel's records from the ring, and at once holds
 * what can go away: the namespace, the options of the socket, the names of the programs. It passes
 * them on to the watcher, which looks for the reason, and takes much longer. */
#include "trace/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/units.h"
#include "inspect/namespaces.h"
#include "kernel/netns.h"
#include "kernel/process.h"
#include "kernel/uapi.h"
#include "trace/host_program.h"
#include "trace/look.h"

enum {
    RING_SIZE = 1024 * 1024, /* some thousand records */
};

struct held {
    struct traced_call call;
    struct witness witness;
};

struct host_watch {
    struct bpf_ring ring;
    struct host_layout layout;
    int map, lost, program, attached;
    pid_t watcher, holder; /* the two processes of ours */
};

/* --- a record --- */

static uint64_t fact_of(const struct host_watch *watch, const uint64_t *facts,
                        enum host_fact fact) {
    return host_fact(&watch->layout, facts, fact);
}

/* The row of the numbers for 32-bit programs, or for 64-bit ones. */
static uint32_t arch_of(bool narrow) {
    const struct seccomp_numbers *row;
    for (unsigned i = 0; (row = seccomp_numbers(i)) != NULL; i++)
        if (narrow != (row->arch >> 31 != 0))
            return row->arch;
    return 0;
}

/* Returns false if it is not a watched call. */
static bool read_call(const struct host_record *record, struct traced_call *call) {
    struct seccomp_call made = {.arch = arch_of(record->narrow != 0), .number = record->number};
    bool indirect = record->multiplexed != 0;
    unsigned word_size;
    made.arguments[0] = record->arguments[0];
    *call = (struct traced_call){
        .call = seccomp_which(&made, &word_size),
        .process = (pid_t)(record->process_and_thread >> 32),
        .thread = (pid_t)(uint32_t)record->process_and_thread,
        .fd = (int)(uint32_t)(indirect ? record->words[0] : record->arguments[0]),
        .error = (int)-record->result};
    uint32_t size = indirect ? record->words[2] : (uint32_t)record->arguments[2];
    if (call->call != SOCKET_CALL_LISTEN && record->no_address == 0 &&
        size <= sizeof record->address) {
        memcpy(&call->address, record->address, size);
        call->address_size = size;
    }
    return call->call != SOCKET_CALL_NONE;
}

static bool protocol_by(uint64_t family, uint64_t number, enum protocol *protocol) {
    *protocol = number == IPPROTO_UDP     ? PROTOCOL_UDP
                : number == IPPROTO_MPTCP ? PROTOCOL_MPTCP
                : family == AF_UNIX       ? PROTOCOL_UNIX
                                          : PROTOCOL_TCP;
    return family == AF_UNIX ||
           ((family == AF_INET || family == AF_INET6) &&
            (number == IPPROTO_TCP || number == IPPROTO_UDP || number == IPPROTO_MPTCP));
}

static struct endpoint local_of(const struct host_watch *watch, const uint64_t *facts) {
    struct endpoint local = {.family = (sa_family_t)fact_of(watch, facts, FACT_FAMILY),
                             .port = (uint16_t)fact_of(watch, facts, FACT_PORT)};
    if (local.family == AF_INET6)
        memcpy(local.address, &facts[FACT_ADDRESS6], 16);
    else
        memcpy(local.address, &facts[FACT_ADDRESS], 4);
    return local;
}

/* What the kernel has told of a socket. */
static void read_socket(const struct host_watch *watch, const uint64_t *facts,
                        struct recorded_socket *socket) {
    uint64_t family = fact_of(watch, facts, FACT_FAMILY);
    *socket = (struct recorded_socket){0};
    if (!S_ISSOCK(fact_of(watch, facts, FACT_MODE)) || family == 0)
        return;
    socket->known = true;
    socket->partly = true;
    socket->protocol_known =
        protocol_by(family, fact_of(watch, facts, FACT_PROTOCOL), &socket->protocol);
    socket->type = (int)fact_of(watch, facts, FACT_TYPE);
    socket->nonblocking = (fact_of(watch, facts, FACT_FLAGS) & O_NONBLOCK) != 0;
    struct socket_view *view = &socket->view;
    view->made = view->open = true;
    view->inode = (uint32_t)fact_of(watch, facts, FACT_INODE);
    view->uid = (uint32_t)fact_of(watch, facts, FACT_USER);
    view->reuseaddr = fact_of(watch, facts, FACT_REUSEADDR) != 0;
    view->reuseport = fact_of(watch, facts, FACT_REUSEPORT) != 0;
    view->v6only = family == AF_INET6 && fact_of(watch, facts, FACT_V6ONLY) != 0;
    view->interface = (uint32_t)fact_of(watch, facts, FACT_DEVICE);
    if (family != AF_UNIX) {
        view->family = (sa_family_t)family;
        view->local = local_of(watch, facts);
    }
}

/* Another socket of the process that had the port. A TCP socket that is bound, and neither
 * listens nor is connected, is CLOSED for the kernel. */
static void read_own(const struct host_watch *watch, const uint64_t *facts, struct occupant *own) {
    struct recorded_socket socket;
    *own = (struct occupant){0};
    read_socket(watch, facts, &socket);
    const struct socket_view *view = &socket.view;
    enum tcp_state state = (enum tcp_state)fact_of(watch, facts, FACT_STATE);
    if (!socket.known || !socket.protocol_known)
        return;
    bool idle = state == STATE_CLOSED && socket.protocol != PROTOCOL_UDP;
    *own = (struct occupant){.socket = {.protocol = socket.protocol,
                                        .state = idle ? STATE_BOUND : state,
                                        .local = view->local,
                                        .remote = endpoint_wildcard(view->local.family, 0),
                                        .inode = view->inode,
                                        .uid = view->uid,
                                        .interface = view->interface,
                                        .v6only = view->v6only,
                                        .v6only_known = true},
                             .reuseaddr = knowledge_of(view->reuseaddr),
                             .reuseport = knowledge_of(view->reuseport)};
}

/* --- what is held --- */

static uint64_t age_of(const struct witness *witness) {
    return units_now_ns() - witness->at_ns;
}

bool host_is_late(const struct witness *witness) {
    return age_of(witness) > NS_PER_S;
}

/* Adds what only a copy of the descriptor tells, if it still is that socket. */
static void complete_socket(const struct traced_call *call, struct recorded_socket *socket) {
    struct recorded_socket now;
    look_at_socket(call, &now);
    if (!now.known || (socket->known && now.view.inode != socket->view.inode))
        return;
    if (socket->known) { /* it may have changed since */
        now.view.reuseaddr = socket->view.reuseaddr;
        now.view.reuseport = socket->view.reuseport;
        now.view.v6only = socket->view.v6only;
        now.view.local = socket->view.local;
        now.nonblocking = socket->nonblocking;
    }
    *socket = now;
}

static int open_namespace(const char *path, uint64_t inode) {
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && inode != 0 && (fstat(fd, &file) < 0 || file.st_ino != inode)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Of a process that has ended, the namespace of its socket may be one that others are in, too. */
static int search_namespace(uint64_t inode) {
    struct namespaces all;
    int found = -1;
    if (inode == namespaces_here().inode)
        return open_namespace("/proc/self/ns/net", inode);
    if (namespaces_all(&all) != 0)
        return -1;
    for (size_t i = 0; i < all.count && found < 0; i++)
        if (all.list[i].inode == inode)
            found = open_namespace(all.list[i].path, inode);
    free(all.list);
    return found;
}

/* A search takes long where there are many processes, and would make the next records late, too: it
 * is left out where this one has waited. */
static int hold_namespace(const struct traced_call *call, const struct witness *witness) {
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)call->thread);
    int found = open_namespace(path, witness->where);
    bool search = found < 0 && witness->where != 0 && age_of(witness) < NS_PER_S / 10;
    return search ? search_namespace(witness->where) : found;
}

/* A process of the same number that was started later is another one. */
static bool read_process(pid_t process, uint64_t at_ns, struct owner *owner) {
    uint64_t started_ns;
    if (!owner_read(process, owner) || owner->state == 'Z')
        return false;
    long ticks = sysconf(_SC_CLK_TCK);
    started_ns = owner->started * (NS_PER_S / (uint64_t)(ticks > 0 ? ticks : 100));
    return started_ns <= at_ns + NS_PER_S; /* the clocks differ while the machine sleeps */
}

static void hold_programs(const struct traced_call *call, const struct host_record *record,
                          struct witness *witness) {
    struct owner owner;
    snprintf(witness->program, sizeof witness->program, "%.*s", (int)sizeof record->program,
             record->program);
    witness->gone = !read_process(call->process, witness->at_ns, &owner);
    if (!witness->gone) {
        memcpy(witness->program, owner.program, sizeof witness->program);
        witness->parent = owner.parent;
    }
    if (witness->parent > 1 && read_process(witness->parent, witness->at_ns, &owner))
        memcpy(witness->parent_program, owner.program, sizeof witness->parent_program);
}

static bool is_ours(const struct host_watch *watch, pid_t process) {
    return process == watch->watcher || process == getpid();
}

/* Holds what can go away, the quickest first. Returns false if the call is none of ours to tell, or
 * one of our own. */
static bool hold(const struct host_watch *watch, const struct host_record *record,
                 struct held *held) {
    struct witness *witness = &held->witness;
    *witness = (struct witness){.at_ns = record->at_ns,
                                .parent = (pid_t)fact_of(watch, record->facts, FACT_PARENT)};
    if (!read_call(record, &held->call) || is_ours(watch, held->call.process) ||
        is_ours(watch, witness->parent))
        return false;
    witness->where = fact_of(watch, record->facts, FACT_NAMESPACE);
    witness->network = hold_namespace(&held->call, witness);
    read_socket(watch, record->facts, &witness->socket);
    for (unsigned i = 0; i < HOST_OWN_MOST && i < record->own_count; i++)
        read_own(watch, record->own_facts[i], &witness->own[i]);
    complete_socket(&held->call, &witness->socket);
    hold_programs(&held->call, record, witness);
    return true;
}

/* --- the holder --- */

/* Sends what is held, and the descriptor with it. Waits while the other end has too much to do: the
 * ring holds some thousand records more. */
static bool send_held(int to, struct held *held) {
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec data = {held, sizeof *held};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (held->witness.network >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        control.head = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), &held->witness.network, sizeof(int));
    }
    ssize_t sent;
    while ((sent = sendmsg(to, &message, MSG_NOSIGNAL)) < 0 &&
           (errno == EINTR || errno == ETOOMANYREFS || errno == ENOBUFS))
        poll(NULL, 0, 10);
    return sent >= 0;
}

/* Ends when the other end is closed, at the latest with its process. */
static _Noreturn void run_holder(struct host_watch *watch, int to) {
    struct host_record record;
    struct held held;
    bool going = true;
    while (going) {
        struct pollfd both[] = {{.fd = watch->map, .events = POLLIN}, {.fd = to}};
        poll(both, 2, -1);
        going = both[1].revents == 0;
        while (going && bpf_ring_take(&watch->ring, &record, sizeof record)) {
            if (!hold(watch, &record, &held))
                continue;
            going = send_held(to, &held);
            if (held.witness.network >= 0)
                close(held.witness.network);
        }
    }
    _exit(0);
}

/* Starts the holder. Returns the end to receive from, or -1 with errno set. */
static int start_holder(struct host_watch *watch) {
    const int room = 16 * 1024 * 1024;
    pid_t watcher = getpid();
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    watch->watcher = watcher;
    watch->holder = fork();
    if (watch->holder == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != watcher)
            _exit(1);
        close(ends[0]);
        run_holder(watch, ends[1]);
    }
    int error = errno;
    close(ends[1]);
    if (watch->holder > 0)
        return ends[0];
    close(ends[0]);
    errno = error;
    return -1;
}

static void end_holder(const struct host_watch *watch, int from) {
    close(from);
    kill(watch->holder, SIGKILL);
    while (waitpid(watch->holder, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* --- running --- */

/* Returns 1, 0 if nothing is there now, or -1 if the holder has ended. */
static int receive_held(int from, struct held *held) {
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec data = {held, sizeof *held};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(from, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (got != sizeof *held)
        return -1;
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    held->witness.network = -1;
    if (head != NULL && head->cmsg_type == SCM_RIGHTS)
        memcpy(&held->witness.network, CMSG_DATA(head), sizeof(int));
    held->call.witness = &held->witness;
    return 1;
}

/* Tells the calls that have failed up to now. Returns 0 or an errno. */
static int tell_all(int from, const struct host_handlers *handlers,
                    const volatile sig_atomic_t *end) {
    struct held held;
    int got = 0;
    while (*end == 0 && (got = receive_held(from, &held)) > 0) {
        handlers->call(handlers->context, &held.call);
        if (held.witness.network >= 0)
            close(held.witness.network);
    }
    return got < 0 ? ECHILD : 0;
}

static int run(int from, const struct host_handlers *handlers, const volatile sig_atomic_t *end,
               const sigset_t *unblocked) {
    uint64_t next_ns = units_now_ns() + handlers->interval_ns;
    int error = 0;
    while (*end == 0 && error == 0) {
        struct pollfd held = {.fd = from, .events = POLLIN};
        uint64_t now_ns = units_now_ns();
        uint64_t left_ns = now_ns < next_ns ? next_ns - now_ns : 0;
        struct timespec left = {(time_t)(left_ns / NS_PER_S), (long)(left_ns % NS_PER_S)};
        if (ppoll(&held, 1, handlers->tick == NULL ? NULL : &left, unblocked) < 0 && errno != EINTR)
            return errno;
        error = tell_all(from, handlers, end);
        if (handlers->tick != NULL && units_now_ns() >= next_ns) {
            handlers->tick(handlers->context);
            next_ns = units_now_ns() + handlers->interval_ns;
        }
    }
    return error;
}

int host_run(struct host_watch *watch, const struct host_handlers *handlers,
             const volatile sig_atomic_t *end, const sigset_t *unblocked) {
    int from = start_holder(watch);
    if (from < 0)
        return errno;
    int error = run(from, handlers, end, unblocked);
    end_holder(watch, from);
    return error;
}

uint64_t host_lost(const struct host_watch *watch) {
    return bpf_counter(watch->lost);
}

/* --- beginning and end --- */

static bool is_locked_down(void) {
    char text[128] = "";
    int file = open("/sys/kernel/security/lockdown", O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    text[got > 0 ? got : 0] = '\0';
    return strstr(text, "[confidentiality]") != NULL;
}

/* The sockets in the way are looked at in their network namespace. */
static bool may_enter_namespaces(void) {
    static const char own[] = "/proc/self/ns/net";
    struct netns here = {open(own, O_RDONLY | O_CLOEXEC)};
    int there = here.fd < 0 ? -1 : netns_open(here, own, O_RDONLY);
    int error = errno;
    if (there >= 0)
        close(there);
    if (here.fd >= 0)
        close(here.fd);
    errno = error;
    return there >= 0;
}

#define INSTEAD "; portreuse trace -- PROGRAM needs none of that"

/* Explains an errno of `what`: why it was refused, and what to do instead. */
static const char *explain(const char *what, int error) {
    if (errno_says_nothing(error))
        return strerror(error);
    if (is_locked_down())
        return "the kernel is locked down (lockdown=confidentiality), which forbids watching the "
               "host" INSTEAD;
    if ((error == EPERM || error == EACCES) && geteuid() != 0)
        return "watching the host needs root: use sudo" INSTEAD;
    if (error == EPERM || error == EACCES)
        return "watching the host is refused, most likely to a container: it needs "
               "CAP_SYS_ADMIN and CAP_SYS_PTRACE, and the pid namespace of the host "
               "(docker run --privileged --pid=host)" INSTEAD;
    if (error == ENOSYS)
        return "this kernel has no bpf(2), which watching the host needs" INSTEAD;
    if (strcmp(what, "pids") == 0)
        return "this is not the pid namespace of the host, whose processes are to be watched "
               "(docker run --pid=host)" INSTEAD;
    if (strcmp(what, "types") == 0)
        return "this kernel does not describe its types (/sys/kernel/btf/vmlinux, "
               "CONFIG_DEBUG_INFO_BTF), which watching the host needs" INSTEAD;
    if (strcmp(what, "processor") == 0)
        return "watching the host is for x86-64 and aarch64" INSTEAD;
    if (strcmp(what, "seen") == 0)
        return "the kernel does not show its system calls (CONFIG_FTRACE_SYSCALLS)" INSTEAD;
    return "watching the host needs Linux 5.8, with CONFIG_BPF_EVENTS" INSTEAD;
}

/* Three calls of our own that fail must be seen. */
static bool are_seen(struct host_watch *watch) {
    struct host_record record;
    struct traced_call call;
    unsigned seen = 0;
    (void)bind(-1, NULL, 0);
    (void)listen(-1, 0);
    (void)connect(-1, NULL, 0);
    while (bpf_ring_take(&watch->ring, &record, sizeof record))
        if (read_call(&record, &call) && call.process == getpid() && call.error == EBADF)
            seen |= 1U << call.call;
    return seen == (1U << SOCKET_CALL_BIND | 1U << SOCKET_CALL_LISTEN | 1U << SOCKET_CALL_CONNECT);
}

/* Returns 0 or an errno of `*what`. */
static int begin(struct host_watch *watch, const char **what) {
    struct btf btf = {0};
    struct bpf_code *code = calloc(1, sizeof *code);
    int error = code == NULL ? ENOMEM : 0;
    *what = "namespaces";
    if (error == 0 && !may_enter_namespaces())
        error = errno;
    *what = error == 0 ? "types" : *what;
    if (error == 0)
        error = btf_open(&btf, btf_of_kernel);
    *what = error == 0 ? "maps" : *what;
    if (error == 0 &&
        ((watch->map = bpf_ring_open(RING_SIZE)) < 0 || (watch->lost = bpf_counter_open()) < 0))
        error = errno;
    if (error == 0)
        error = bpf_ring_map(&watch->ring, watch->map, RING_SIZE);
    if (error == 0) {
        error = host_program_write(code, &watch->layout, &btf, watch->map, watch->lost);
        *what = error == 0 ? "program" : "processor";
    }
    if (error == 0 && ((watch->program = bpf_load_program(code)) < 0 ||
                       (watch->attached = bpf_attach(watch->program, "sys_exit")) < 0))
        error = errno;
    if (error == 0 && !are_seen(watch)) {
        *what = "seen";
        error = ENOENT;
    }
    btf_close(&btf);
    free(code);
    return error;
}

struct host_watch *host_open(char *reason) {
    struct host_watch *watch = calloc(1, sizeof *watch);
    const char *what = "pids";
    int error = ENOMEM;
    if (watch != NULL) {
        watch->map = watch->lost = watch->program = watch->attached = -1;
        error = geteuid() == 0 && !process_sees_all() ? EXDEV : begin(watch, &what);
    }
    if (error == 0)
        return watch;
    snprintf(reason, HOST_REASON_SIZE, "%s%s",
             errno_says_nothing(error) ? "watching the host: " : "", explain(what, error));
    if (watch != NULL)
        host_close(watch);
    return NULL;
}

void host_close(struct host_watch *watch) {
    const int all[] = {watch->attached, watch->program, watch->lost, watch->map};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] >= 0)
            close(all[i]);
    bpf_ring_unmap(&watch->ring);
    free(watch);
}
