/* What is remarkable about a server shows when listen() succeeds: its socket is remembered from
 * bind() on, by its inode. What is remarkable about a program shows when it is executed: which
 * listeners it has inherited, and whether it has lost its privileges. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "inspect/child.h"
#include "kernel/process.h"
#include "kernel/sysctl.h"
#include "trace/record.h"

enum { MOST_DESCRIPTORS = 256 }; /* that are looked at for an inherited listener */

static const char *const names[FINDING_KINDS] = {
    [FINDING_PORT_IN_RANGE] = "port-in-range", [FINDING_NO_REUSEADDR] = "no-reuseaddr",
    [FINDING_ERROR_IGNORED] = "error-ignored", [FINDING_LISTENER_INHERITED] = "listener-inherited",
    [FINDING_LATE_OPTION] = "late-option",     [FINDING_PRIVILEGES_LOST] = "privileges-lost",
    [FINDING_IO_URING] = "io-uring",
};

const char *finding_name(enum finding_kind kind) {
    return names[kind];
}

/* A socket that bind() was called for. */
struct socket_entry {
    uint32_t inode;
    bool bound, listens;       /* bind() succeeded, listen() did */
    int error;                 /* of the bind() that failed last, or 0 */
    struct endpoint given;     /* what was given to bind(), the last time */
    bool reuseaddr, reuseport; /* at the bind() that succeeded */
    char program[OWNER_PROGRAM_SIZE];
};

struct table record_no_sockets(void) {
    return (struct table){.entry_size = sizeof(struct socket_entry), .key_size = sizeof(uint32_t)};
}

/* --- findings --- */

static bool same_finding(const struct finding *a, const struct finding *b) {
    return a->kind == b->kind && a->protocol == b->protocol && a->error == b->error &&
           endpoint_equal(&a->address, &b->address) && strcmp(a->program, b->program) == 0 &&
           strcmp(a->other, b->other) == 0;
}

static void find(struct record *record, const struct finding *finding) {
    for (size_t i = 0; i < record->finding_count; i++)
        if (same_finding(record->findings[i], finding)) {
            record->findings[i]->times++;
            return;
        }
    if (record->finding_count == RECORD_MOST_CALLS)
        return;
    record->findings = arena_grow(&record->arena, record->findings, record->finding_count,
                                  sizeof(struct finding *));
    struct finding *kept = arena_keep(&record->arena, finding, sizeof *finding);
    kept->times = 1;
    record->findings[record->finding_count++] = kept;
}

static struct finding finding_about(enum finding_kind kind, const struct recorded_call *call) {
    struct finding finding = {.kind = kind,
                              .protocol = call->socket.protocol,
                              .address = call->socket.view.local,
                              .process = call->process};
    memcpy(finding.program, call->program, sizeof finding.program);
    return finding;
}

/* What cannot be read is not assumed: nothing is said of a port in a range that nobody knows. */
static void read_range(void *context, FILE *more) {
    struct port_range *range = context;
    (void)more;
    if (sysctl_port_range(NETNS_HERE, range, NULL) != 0)
        *range = (struct port_range){0};
}

/* Returns the range of ports in the namespace of the process; 0-0 if it cannot be read. */
static const struct port_range *range_of(struct record *record, pid_t process) {
    struct namespace where;
    const struct child child = {.where = &where, .seconds = 5};
    const char *what;
    if (namespaces_of_process(process, &where) != 0)
        where = namespaces_here();
    if (record->range_namespace == where.inode)
        return &record->range;
    record->range = (struct port_range){0};
    record->range_namespace = where.inode;
    if (where.inode == namespaces_here().inode)
        read_range(&record->range, NULL);
    else
        child_run(&child, read_range, &record->range, sizeof record->range, NULL, &what);
    return &record->range;
}

/* A server with a port that was given to bind(). */
static void find_about_server(struct record *record, const struct recorded_call *call) {
    struct finding finding = finding_about(FINDING_PORT_IN_RANGE, call);
    const struct port_range *range = range_of(record, call->process);
    if (port_range_has(range, call->socket.view.local.port)) {
        finding.range_low = range->low;
        finding.range_high = range->high;
        find(record, &finding);
    }
    finding = finding_about(FINDING_NO_REUSEADDR, call);
    if (call->socket.protocol != PROTOCOL_UDP && !call->socket.view.reuseaddr &&
        !call->socket.view.reuseport)
        find(record, &finding);
}

static void find_ignored(struct record *record, const struct recorded_call *call,
                         const struct socket_entry *entry) {
    struct finding finding = finding_about(FINDING_ERROR_IGNORED, call);
    if (entry->bound || entry->error == 0)
        return;
    finding.address = entry->given;
    finding.error = entry->error;
    find(record, &finding);
}

/* --- the socket from bind() on --- */

static void after_bind(struct record *record, const struct recorded_call *call,
                       struct socket_entry *entry) {
    const struct socket_view *view = &call->socket.view;
    if (call->error == EINVAL && entry->bound) /* it is bound already */
        return;
    entry->given = call->address;
    entry->error = call->error;
    if (call->error != 0)
        return;
    entry->bound = true;
    entry->reuseaddr = view->reuseaddr;
    entry->reuseport = view->reuseport;
    if (call->socket.protocol == PROTOCOL_UDP && call->address.port != 0)
        find_about_server(record, call);
}

static void after_listen(struct record *record, struct recorded_call *call,
                         struct socket_entry *entry) {
    const struct socket_view *view = &call->socket.view;
    find_ignored(record, call, entry);
    entry->listens = true;
    memcpy(entry->program, call->program, sizeof entry->program);
    if (entry->bound && view->reuseaddr && !entry->reuseaddr)
        call->late |= LATE_REUSEADDR;
    if (entry->bound && view->reuseport && !entry->reuseport)
        call->late |= LATE_REUSEPORT;
    struct finding late = finding_about(FINDING_LATE_OPTION, call);
    if (call->late != 0)
        find(record, &late);
    if (entry->bound && entry->given.port != 0)
        find_about_server(record, call);
}

void record_follow_socket(struct record *record, struct recorded_call *call) {
    const struct recorded_socket *socket = &call->socket;
    if (!socket->known || socket->protocol == PROTOCOL_UNIX || socket->view.inode == 0)
        return;
    if (call->call == SOCKET_CALL_BIND) {
        after_bind(record, call, record_entry(&record->sockets, &socket->view.inode));
        return;
    }
    struct socket_entry *entry = table_find(&record->sockets, &socket->view.inode);
    if (call->error != 0 && call->error != EINPROGRESS)
        return;
    if (call->call == SOCKET_CALL_LISTEN)
        after_listen(record, call,
                     entry != NULL ? entry : record_entry(&record->sockets, &socket->view.inode));
    else if (entry != NULL)
        find_ignored(record, call, entry);
}

/* --- another program --- */

struct inheritance {
    struct record *record;
    pid_t process;
    struct owner owner; /* of the process */
};

/* Sockets that are handed over on purpose come with LISTEN_FDS, as systemd does it. */
static bool is_handed_over(pid_t process) {
    static const char *const variables[] = {"LISTEN_FDS", "NGINX", NULL};
    return owner_has_variable(process, variables);
}

static bool find_inherited(void *context, uint32_t inode, int fd) {
    struct inheritance *inheritance = context;
    (void)fd;
    const struct socket_entry *entry = table_find(&inheritance->record->sockets, &inode);
    if (entry == NULL || !entry->listens)
        return true;
    if (inheritance->owner.pid == 0 && !owner_read(inheritance->process, &inheritance->owner))
        return false;
    if (strcmp(inheritance->owner.program, entry->program) == 0 ||
        is_handed_over(inheritance->process))
        return false;
    struct finding finding = {.kind = FINDING_LISTENER_INHERITED,
                              .address = entry->given,
                              .process = inheritance->process};
    memcpy(finding.program, entry->program, sizeof finding.program);
    memcpy(finding.other, inheritance->owner.program, sizeof finding.other);
    find(inheritance->record, &finding);
    return true;
}

static bool any_listens(const struct record *record) {
    for (size_t i = 0; i < record->sockets.count; i++)
        if (((const struct socket_entry *)table_entry(&record->sockets, i))->listens)
            return true;
    return false;
}

static bool has_no_new_privs(pid_t process) {
    return process_status(process, "NoNewPrivs") == 1;
}

/* A traced program gets no privileges from its file if the tracer has none, or if the filter could
 * not be installed otherwise. */
static bool denies_privileges(pid_t process) {
    return !has_no_new_privs(getpid()) && (geteuid() != 0 || has_no_new_privs(process));
}

static void find_lost_privileges(struct record *record, pid_t process) {
    char path[40];
    struct stat file;
    snprintf(path, sizeof path, "/proc/%d/exe", (int)process);
    if (!denies_privileges(process) || stat(path, &file) < 0)
        return;
    bool raised = (file.st_mode & S_ISUID) != 0 && file.st_uid != geteuid();
    if (!raised && getxattr(path, "security.capability", NULL, 0) <= 0)
        return;
    struct finding finding = {.kind = FINDING_PRIVILEGES_LOST, .process = process};
    memcpy(finding.program, record_program(record, process)->program, sizeof finding.program);
    find(record, &finding);
}

void record_ring(struct record *record, pid_t process) {
    struct finding finding = {.kind = FINDING_IO_URING, .process = process};
    memcpy(finding.program, record_program(record, process)->program, sizeof finding.program);
    find(record, &finding);
}

void record_look_at_program(struct record *record, pid_t process) {
    struct inheritance inheritance = {.record = record, .process = process};
    if (any_listens(record))
        process_sockets(process, MOST_DESCRIPTORS, find_inherited, &inheritance);
    find_lost_privileges(record, process);
}
