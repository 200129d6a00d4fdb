/* The errno is known, and so are the options of the socket: what is left to find are the sockets in
 * the way. The only trials are those with options that the socket lacks, as they tell whether the
 * options would help. */
#include "diagnose/why_call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diagnose/why_client.h"
#include "diagnose/why_suspects.h"
#include "inspect/child.h"
#include "kernel/process.h"

/* A look that takes longer than that is given up, as the process waits for it. */
enum { MOST_SECONDS = 20 };

static unsigned seconds_of(const struct why_call *call) {
    return call->seconds != 0 ? call->seconds : MOST_SECONDS;
}

static bool is(const struct why_call *call, const char *name) {
    return strcmp(call->call, name) == 0;
}

/* connect() of a UDP socket without a port takes one first. */
static bool lacks_port(const struct why_call *call) {
    return is(call, "connect") && call->protocol == PROTOCOL_UDP && call->error == EAGAIN;
}

/* bind() of a socket that is bound already is EINVAL, and has no cause but that. */
bool why_call_has_cause(const struct why_call *call) {
    int error = call->error;
    if (call->protocol == PROTOCOL_UNIX)
        return error == EADDRINUSE || error == ENOENT || error == EACCES || error == ENOTDIR ||
               error == EROFS || error == ECONNREFUSED;
    if (is(call, "connect"))
        return error == EADDRNOTAVAIL || error == ENETUNREACH || error == EHOSTUNREACH ||
               error == EINVAL || error == EACCES || error == EPERM || lacks_port(call);
    return error == EADDRINUSE || error == EADDRNOTAVAIL || error == EACCES || error == EPERM;
}

/* --- the user --- */

static uint64_t namespace_inode(pid_t process) {
    struct stat file;
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)process);
    return stat(path, &file) == 0 ? (uint64_t)file.st_ino : 0;
}

/* Returns the process if it has another user than this one, or other rights; 0 if not, or if it has
 * ended. */
static pid_t other_user(pid_t process) {
    uint32_t uid;
    if (!process_user(process, &uid))
        return 0;
    bool same = uid == geteuid() && namespace_inode(process) == namespace_inode(getpid());
    return same ? 0 : process;
}

/* --- TCP, UDP and MPTCP --- */

/* The call itself is a trial of bind() with the options that the socket has. One other is made, as
 * the user of the process: with SO_REUSEADDR, if it lacks that. A trial with both options could let
 * the next bind() of the program succeed (inet_csk_update_fastreuse() in net/ipv4/
 * inet_connection_sock.c), and one of UDP could take a datagram. */
static void try_options(const struct why_call *call, struct why *why) {
    unsigned own =
        (why->asked.reuseaddr ? WHY_REUSEADDR : 0U) | (why->asked.reuseport ? WHY_REUSEPORT : 0U);
    enum why_verdict verdict = why->verdict;
    if (call->protocol == PROTOCOL_UDP || !is(call, "bind") || call->address.port == 0 ||
        !call->socket.open)
        return;
    why->trials[own] = (struct why_trial){.error = call->error, .call = "bind"};
    why->tried = 1U << own;
    why->asked.as = other_user(call->process);
    /* Without its answer less is known, but nothing is wrong. */
    if (!why->asked.reuseport && !why_try(why, 1U << WHY_REUSEADDR))
        why->verdict = verdict;
    why->asked.as = 0;
}

static bool owns(const struct suspect *suspect, pid_t process) {
    for (unsigned i = 0; i < suspect->owners.count && i < OWNERS_PIDS; i++)
        if (suspect->owners.pids[i] == process)
            return true;
    return false;
}

/* To stop the program itself is no remedy. */
static void spare_own_process(const struct why_call *call, struct why *why) {
    for (unsigned i = 0; i < why->evidence.suspect_count; i++)
        if (owns(&why->evidence.suspects[i], call->process))
            why->evidence.suspects[i].server.stops.count = 0;
}

static void blame_own(const struct occupant *occupant, struct why *why) {
    const struct endpoint *own = &occupant->socket.local;
    why_blame(why, CAUSE_BOUND_TWICE,
              (own->family != why->asked.local.family ? WHEN_FAMILIES : 0U) |
                  (endpoint_is_wildcard(own) ? WHEN_OCCUPANT_WILDCARD : 0U));
}

/* A connection of its own can be in the way, too, but that is another story. */
static void find_own_socket(const struct why_call *call, struct why *why) {
    const struct suspect *first = &why->evidence.suspects[0];
    if (why->evidence.automatic || why->evidence.suspect_count == 0 ||
        !owns(first, call->process) ||
        !(first->occupant.socket.state == STATE_LISTEN ||
          first->occupant.socket.state == STATE_BOUND || call->protocol == PROTOCOL_UDP))
        return;
    blame_own(&first->occupant, why);
}

/* A listener can have refused the call and be gone before the sockets were listed, or before its
 * process was found. A trial with SO_REUSEADDR alone tells, and keeps nobody else from binding. */
static void check_once_more(const struct why_call *call, struct why *why) {
    unsigned own = why_asked_options(&why->asked);
    if ((why->tried & 1U << own) == 0 || own != WHY_REUSEADDR)
        return;
    why->asked.as = other_user(call->process);
    why_settle(why);
    why->asked.as = 0;
}

static void look_at_bind(const struct why_call *call, struct why *why) {
    if (call->error != EADDRINUSE) {
        why_explain_without_socket(why);
        return;
    }
    try_options(call, why);
    why_find_suspects(why);
    check_once_more(call, why);
    find_own_socket(call, why);
}

/* The kernel looked for a port as bind() to port 0 does. */
static void look_for_port(struct why *why) {
    const char *call = why->call;
    int error = why->error;
    why->call = "bind";
    why->error = EADDRINUSE;
    why_find_suspects(why);
    why->call = call;
    if (why->verdict != WHY_UNKNOWN)
        why->error = error;
}

/* What is in the child process: the call that it is about, and its answer. */
struct task {
    const struct why_call *call;
    struct why why;
};

static void look_here(void *context, FILE *more) {
    struct task *task = context;
    struct why *why = &task->why;
    (void)more;
    why_read_settings(why);
    if (lacks_port(task->call))
        look_for_port(why);
    else if (!is(task->call, "connect"))
        look_at_bind(task->call, why);
    else if (!why_client_explain(why))
        why->verdict = WHY_UNKNOWN;
    spare_own_process(task->call, why);
    why_find_hints(why);
}

/* --- Unix sockets --- */

/* Where the process finds a path. */
struct place {
    const struct unix_question *asked;
    int folder; /* where it is, or its root if that is another one than ours; -1: not known */
    bool other_root;
    struct why_unix found;
};

static bool same_root(pid_t process) {
    struct stat theirs, ours;
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/root/.", (int)process);
    return stat(path, &theirs) == 0 && stat("/", &ours) == 0 && theirs.st_ino == ours.st_ino &&
           theirs.st_dev == ours.st_dev;
}

static void look_at_name(void *context, FILE *more) {
    struct place *place = context;
    struct unix_question asked = *place->asked;
    (void)more;
    if (place->folder >= 0 && fchdir(place->folder) < 0)
        return;
    if (place->other_root && asked.name[0] == '/' && asked.name_size > 1) {
        memmove(asked.name, asked.name + 1, asked.name_size--);
    }
    why_unix_look(&asked, &place->found);
}

/* Makes a relative path one that means the same here, if it fits: what people paste then works from
 * everywhere, and also when the process is gone. */
static void make_absolute(pid_t process, struct unix_question *asked) {
    char folder[UNIX_NAME_SIZE], path[40];
    snprintf(path, sizeof path, "/proc/%d/cwd", (int)process);
    ssize_t size = readlink(path, folder, sizeof folder);
    if (size <= 0 || folder[0] != '/' || (size_t)size + 1 + asked->name_size > UNIX_NAME_SIZE)
        return;
    memmove(asked->name + size + 1, asked->name, asked->name_size);
    memcpy(asked->name, folder, (size_t)size);
    asked->name[size] = '/';
    asked->name_size += (size_t)size + 1;
    asked->name[asked->name_size] = '\0';
}

static struct place place_of(const struct why_call *call, struct unix_question *asked) {
    struct place place = {.asked = asked, .folder = -1};
    char path[40];
    place.other_root = !same_root(call->process);
    if (asked->name[0] != '\0' && asked->name[0] != '/' && !place.other_root)
        make_absolute(call->process, asked);
    bool absolute = asked->name[0] == '/';
    if (asked->name[0] == '\0' || (absolute && !place.other_root))
        return place;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)call->process, absolute ? "root" : "cwd");
    place.folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return place;
}

/* What was found explains the refusal only if it leads to the same errno. */
static void judge_name(const struct why_call *call, const struct why_unix *found, struct why *why) {
    why->unix_socket = *found;
    if (found->unread != 0) {
        why_fail(why, found->unread, why_unix_unread);
        return;
    }
    if (found->error == call->error)
        why_blame(why, found->cause, WHEN_ALWAYS);
    if (!found->found)
        return;
    why_find_unix_owners(why);
    if (is(call, "bind") && owns(&why->evidence.suspects[0], call->process))
        why_blame(why, CAUSE_BOUND_TWICE, WHEN_ALWAYS);
}

static void look_at_unix_socket(const struct why_call *call, struct why *why) {
    struct child child = {
        .where = &why->where, .as = other_user(call->process), .seconds = seconds_of(call)};
    struct place place = place_of(call, &why->asked.unix_socket);
    const char *what;
    int error = child_run(&child, look_at_name, &place, sizeof place, NULL, &what);
    if (place.folder >= 0)
        close(place.folder);
    if (error == 0) {
        place.found.files_of = place.folder >= 0 ? call->process : 0;
        judge_name(call, &place.found, why);
        spare_own_process(call, why);
    } else {
        why_fail(why, error, what);
    }
}

/* --- the process has ended --- */

/* The process cannot be read any more. */
static void name_gone_owner(const struct why_call *call, struct suspect *suspect) {
    struct owners *owners = &suspect->owners;
    struct owner *owner = &owners->oldest[0];
    memset(owners, 0, sizeof *owners);
    memset(&suspect->server, 0, sizeof suspect->server);
    owners->inode = suspect->occupant.socket.inode;
    owners->search = OWNERS_SEARCHED;
    owners->count = owners->known = 1;
    owners->pids[0] = owner->pid = call->process;
    owner->uid = suspect->occupant.socket.uid;
    owner_user(owner->uid, owner->user);
    snprintf(owner->program, sizeof owner->program, "%s", call->program);
    snprintf(owner->command, sizeof owner->command, "%s", call->program);
    suspect->server.shape = SERVER_ONE;
    suspect->server.main = *owner;
}

static const struct occupant *own_in_the_way(const struct why_call *call, const struct why *why) {
    struct refusal refusal = why_refusal(why);
    if (call->own == NULL || call->error != EADDRINUSE)
        return NULL;
    for (int i = 0; i < WHY_CALL_OWN_MOST; i++)
        if (call->own[i].socket.state != STATE_NONE && cause_in_the_way(&refusal, &call->own[i]))
            return &call->own[i];
    return NULL;
}

/* Returns whether a suspect before the last one is that socket; of none, `count`. */
static unsigned suspect_with(const struct evidence *evidence, const struct occupant *occupant) {
    unsigned i = 0;
    while (i < evidence->suspect_count &&
           (occupant->socket.inode == 0 ||
            evidence->suspects[i].occupant.socket.inode != occupant->socket.inode))
        i++;
    return i;
}

/* One of the sockets of the process was seen in the way at the call, and is gone, or nobody has it,
 * as the process has ended, or has closed it. What is there now, or was met by a trial, can have
 * come later: another run of the same program, for example. */
static void find_gone_socket(const struct why_call *call, struct why *why) {
    struct evidence *evidence = &why->evidence;
    struct suspect *first = &evidence->suspects[0];
    const struct occupant *own = own_in_the_way(call, why);
    if (own == NULL || why->cause == CAUSE_BOUND_TWICE)
        return;
    unsigned place = suspect_with(evidence, own);
    bool listed = place < evidence->suspect_count;
    if (listed && place > 0)
        return;
    first->occupant = *own;
    first->ownership = LEFT;
    name_gone_owner(call, first);
    if (!listed) {
        evidence->total = evidence->suspect_count = 1;
        evidence->group_count = 0;
    }
    why->tried = 0;
    why->verdict = WHY_REFUSED;
    why->failure = NULL;
    why->error = call->error;
    blame_own(&first->occupant, why);
}

/* --- the whole --- */

static struct why_question question_of(const struct why_call *call) {
    const struct socket_view *socket = &call->socket;
    struct why_question asked = {.protocol = call->protocol == PROTOCOL_MPTCP ? PROTOCOL_TCP
                                                                              : call->protocol,
                                 .unix_socket = call->unix_socket,
                                 .reuseaddr = socket->reuseaddr,
                                 .reuseport = socket->reuseport,
                                 .v6only = socket->v6only,
                                 .range_low = socket->range_low,
                                 .range_high = socket->range_high,
                                 .other_user = socket->open && socket->uid != geteuid(),
                                 .uid = socket->uid};
    memcpy(asked.zone, call->zone, sizeof asked.zone);
    memcpy(asked.device, call->device, sizeof asked.device);
    if (is(call, "bind"))
        asked.local = call->address;
    else if (is(call, "listen"))
        asked.local = socket->local;
    else
        asked.remote = call->address;
    if (is(call, "connect") && socket->local.port != 0)
        asked.local = socket->local;
    return asked;
}

static const char own_descriptor[] = "/proc/self/fd/";

/* Finds a path to a namespace that people can use; without one, that of our own descriptor: then no
 * command gets there. */
static void find_path(uint64_t inode, int file, struct namespace *where) {
    struct namespaces all;
    snprintf(where->path, sizeof where->path, "%s%d", own_descriptor, file);
    snprintf(where->name, sizeof where->name, "that of the socket");
    where->inode = inode;
    if (namespaces_all(&all) != 0)
        return;
    for (size_t i = 0; i < all.count; i++)
        if (all.list[i].inode == inode)
            *where = all.list[i];
    free(all.list);
}

/* The process, or one of its threads, may have gone to another namespace since it made the socket.
 * Returns 0 or an errno. */
static int find_namespace(const struct why_call *call, struct namespace *where) {
    struct stat file;
    int error = namespaces_of_process(call->process, where);
    if (call->network >= 0 && fstat(call->network, &file) == 0 &&
        (error != 0 || where->inode != file.st_ino)) {
        find_path(file.st_ino, call->network, where);
        error = 0;
    }
    if (error == 0 && where->inode == namespaces_here().inode)
        *where = namespaces_here();
    return error;
}

bool why_call_can_be_reached(const struct why *why) {
    return strncmp(why->where.path, own_descriptor, strlen(own_descriptor)) != 0;
}

void why_call_look(const struct why_call *call, struct why *why) {
    struct task task = {.call = call};
    struct namespace where;
    const char *what = "finding the network namespace of the socket";
    int error = find_namespace(call, &where);
    why_forget();
    *why = (struct why){.asked = question_of(call),
                        .verdict = WHY_REFUSED,
                        .call = call->call,
                        .error = call->error,
                        .own_inode = call->socket.inode,
                        .asked_by_root = geteuid() == 0};
    why_blame(why, CAUSE_UNKNOWN, WHEN_NO_OCCUPANT);
    if (error == 0)
        why->where = where;
    if (error == 0 && call->protocol == PROTOCOL_UNIX) {
        look_at_unix_socket(call, why);
        return;
    }
    struct child child = {.where = &why->where, .seconds = seconds_of(call)};
    task.why = *why;
    if (error == 0)
        error = child_run(&child, look_here, &task, sizeof task, NULL, &what);
    if (error == ENOENT && call->network >= 0) { /* the process has ended meanwhile */
        find_path(why->where.inode, call->network, &why->where);
        task.why = *why;
        error = child_run(&child, look_here, &task, sizeof task, NULL, &what);
    }
    if (error == 0) {
        *why = task.why;
    } else {
        why_fail(why, error, what);
    }
    find_gone_socket(call, why);
}
