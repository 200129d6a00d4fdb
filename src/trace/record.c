/* Calls that are alike are one row with a count: those of one program, with the same address and
 * the same answer for the same reason. A program that tries again and again in a short time meets
 * the same sockets: it is not looked again for what has just been looked at. */
#include "trace/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "kernel/process.h"
#include "trace/host.h"
#include "trace/look.h"
#include "trace/lookups.h"

enum {
    MOST_LOOKS = 300,             /* each keeps about a hundred kilobytes */
    AGAIN_NS = 100 * 1000 * 1000, /* for how long a look holds */
    MOST_SECONDS_OF_HOST = 3,     /* for a look, while other calls wait for theirs */
};

/* --- the tables --- */

/* A call that was recorded, by what makes it one of a kind; and the last one of a process with an
 * address and an answer. */
struct kind_entry {
    uint64_t key;
    struct recorded_call *call;
    uint64_t looked_ns;
};

void record_begin(struct record *record) {
    record->lookups = calloc(1, sizeof *record->lookups);
    if (record->lookups == NULL)
        arena_out_of_memory();
    record->keys =
        (struct table){.entry_size = sizeof(struct kind_entry), .key_size = sizeof(uint64_t)};
    record->recent = record->keys;
    record->sockets = record_no_sockets();
    record->programs =
        (struct table){.entry_size = sizeof(struct program_entry), .key_size = sizeof(pid_t)};
    record->failures = (struct table){.entry_size = sizeof(struct failure_count),
                                      .key_size = sizeof(struct failure_key)};
}

/* Frees all but the counts of failures. */
static void forget(struct record *record) {
    lookups_free(record->lookups);
    for (size_t i = 0; i < record->call_count; i++)
        free(record->calls[i]->why);
    table_free(&record->keys);
    table_free(&record->recent);
    table_free(&record->sockets);
    table_free(&record->programs);
    arena_free(&record->arena);
}

void record_free(struct record *record) {
    forget(record);
    free(record->lookups);
    table_free(&record->failures);
}

/* A watch without an end begins anew from time to time. */
static void begin_anew(struct record *record) {
    if (!record->endless || (record->looks < MOST_LOOKS && record->call_count < RECORD_MOST_CALLS &&
                             record->recent.count < RECORD_MOST_CALLS))
        return;
    for (size_t i = 0; i < record->call_count; i++)
        record->left_out += record->calls[i]->times;
    forget(record);
    record->calls = NULL;
    record->call_count = 0;
    record->looks = 0;
}

void *record_entry(struct table *table, const void *key) {
    bool is_new;
    return table_add(table, key, &is_new);
}

/* --- programs --- */

const struct program_entry *record_program(struct record *record, pid_t process) {
    struct program_entry *entry = record_entry(&record->programs, &process);
    struct owner owner;
    if (entry->known)
        return entry;
    entry->known = true;
    entry->program[0] = entry->parent_program[0] = '\0';
    if (!owner_read(process, &owner))
        return entry;
    memcpy(entry->program, owner.program, sizeof entry->program);
    entry->parent = owner.parent;
    if (owner.parent != record->caller && owner_read(owner.parent, &owner))
        memcpy(entry->parent_program, owner.program, sizeof entry->parent_program);
    return entry;
}

void record_forget_program(struct record *record, pid_t process) {
    struct program_entry *entry = table_find(&record->programs, &process);
    if (entry != NULL)
        entry->known = false;
}

/* --- keys --- */

/* FNV-1a. */
static uint64_t mix(uint64_t key, const void *bytes, size_t size) {
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        key = (key ^ at[i]) * 0x100000001b3U;
    return key;
}

static uint64_t mix_number(uint64_t key, uint64_t number) {
    return mix(key, &number, sizeof number);
}

/* What is asked for, and the answer. */
static uint64_t key_of_call(const struct recorded_call *call) {
    uint64_t key = mix_number(0xcbf29ce484222325U, call->call);
    key = mix_number(key, (uint64_t)call->error);
    key = mix_number(key, (uint64_t)call->socket.protocol);
    key = mix_number(key, call->address.family);
    key = mix_number(key, call->address.port);
    key = mix(key, call->address.address, sizeof call->address.address);
    key = mix(key, call->unix_socket.name, call->unix_socket.name_size);
    key = mix_number(key, call->socket.view.reuseaddr);
    key = mix_number(key, call->socket.view.reuseport);
    return mix_number(key, call->late);
}

/* Who asks. On a whole host it is a program that is started again and again, in one namespace; a
 * process can be any one of a thousand. */
static uint64_t key_of_asker(const struct recorded_call *call, const struct witness *witness) {
    uint64_t key = key_of_call(call);
    if (witness == NULL)
        return mix_number(key, (uint64_t)call->process);
    return mix_number(mix(key, call->program, strlen(call->program)), witness->where);
}

/* The reason, and which program is in the way, whatever its process. */
static uint64_t key_of_kind(const struct recorded_call *call, const struct why *why) {
    uint64_t key = mix(key_of_call(call), call->program, strlen(call->program));
    if (why == NULL)
        return key;
    key = mix_number(key, why->cause);
    if (why->evidence.suspect_count == 0)
        return key;
    const struct suspect *first = &why->evidence.suspects[0];
    key = mix_number(key, first->occupant.socket.state);
    return mix(key, first->server.main.program, strlen(first->server.main.program));
}

/* --- why --- */

static struct why_call question_of(const struct recorded_call *call, const char *zone) {
    bool sends = call->call == SOCKET_CALL_SENDTO; /* it takes a port as connect() does */
    struct why_call question = {.call = seccomp_call_name(sends ? SOCKET_CALL_CONNECT : call->call),
                                .error = call->error,
                                .process = call->process,
                                .protocol = call->socket.protocol,
                                .address = call->address,
                                .unix_socket = call->unix_socket,
                                .socket = call->socket.view,
                                .network = -1};
    snprintf(question.zone, sizeof question.zone, "%s", zone);
    snprintf(question.device, sizeof question.device, "%s", call->socket.device);
    return question;
}

/* Other sockets had the port, or all ports; with the same call later it can succeed. */
static bool is_conflict(const struct recorded_call *call, const struct why *why) {
    if (call->error == EADDRINUSE)
        return true;
    return why != NULL && call->call >= SOCKET_CALL_CONNECT &&
           call->socket.protocol != PROTOCOL_UNIX &&
           (why->evidence.automatic || why->evidence.total > 0);
}

/* --- the record --- */

/* A non-blocking connect() that is under way, or is asked about again, has not failed. */
static bool has_failed(const struct traced_call *call) {
    if (call->call == SOCKET_CALL_CONNECT)
        return call->error != 0 && call->error != EINPROGRESS && call->error != EALREADY &&
               call->error != EISCONN && call->error != EINTR;
    return call->error != 0;
}

/* A datagram has an address, a route and a port, or not: all else has nothing to do with that, such
 * as a full queue (EAGAIN), or an answer to an earlier one (ECONNREFUSED). Of those that are sent,
 * the first one of a socket may take a port. */
static bool is_about_ports(struct record *record, const struct recorded_call *call) {
    const struct recorded_socket *socket = &call->socket;
    bool is_new = false;
    if (!socket->known || socket->protocol != PROTOCOL_UDP)
        return false;
    if (call->error == 0)
        table_add(&record->sockets, &socket->view.inode, &is_new);
    return is_new || call->error == EADDRNOTAVAIL || call->error == ENETUNREACH ||
           call->error == EHOSTUNREACH || call->error == EACCES || call->error == EPERM ||
           (call->error == EAGAIN && socket->view.local.port == 0);
}

static bool may_be_lookup(const struct record *record, const struct recorded_call *call) {
    return !record->filter.lookups && lookups_may_be_one(call);
}

static bool is_wanted(const struct record *record, const struct traced_call *call) {
    const struct record_filter *filter = &record->filter;
    const int *error = filter->errors;
    if (filter->calls != 0 && (filter->calls & 1U << call->call) == 0)
        return false;
    while (error != NULL && *error != 0 && *error != call->error)
        error++;
    return error == NULL || *error != 0;
}

static void keep_programs(struct record *record, const struct traced_call *made,
                          struct recorded_call *call) {
    const struct witness *witness = made->witness;
    if (witness != NULL) {
        memcpy(call->program, witness->program, sizeof call->program);
        memcpy(call->parent_program, witness->parent_program, sizeof call->parent_program);
        call->parent = witness->parent;
        call->gone = witness->gone;
        return;
    }
    const struct program_entry *program = record_program(record, call->process);
    memcpy(call->program, program->program, sizeof call->program);
    memcpy(call->parent_program, program->parent_program, sizeof call->parent_program);
    call->parent = program->parent;
}

/* Returns the row for the call, which is made if there is none like it; NULL if there are too many.
 * A new row takes `why`. */
static struct recorded_call *row_of(struct record *record, const struct recorded_call *call,
                                    struct why *why, bool *is_new) {
    uint64_t key = key_of_kind(call, why);
    struct kind_entry *entry = record_entry(&record->keys, &key);
    *is_new = entry->call == NULL;
    if (!*is_new)
        return entry->call;
    if (record->call_count == RECORD_MOST_CALLS)
        return NULL;
    record->calls = arena_grow(&record->arena, record->calls, record->call_count,
                               sizeof(struct recorded_call *));
    entry->call = arena_keep(&record->arena, call, sizeof *call);
    entry->call->conflict = is_conflict(call, why);
    entry->call->why = why;
    record->calls[record->call_count++] = entry->call;
    return entry->call;
}

static void count_failure(struct record *record, const struct recorded_call *row) {
    const struct why *why = row->why;
    struct failure_key key = {.call = row->call, .error = row->error};
    if (why != NULL && why->verdict == WHY_REFUSED)
        key.cause = (uint32_t)why->cause + 1;
    ((struct failure_count *)record_entry(&record->failures, &key))->times++;
}

static void count(struct record *record, struct recorded_call *row, bool is_new) {
    row->times++;
    record->conflicts += row->conflict;
    if (row->error != 0)
        count_failure(record, row);
    if (record->told != NULL)
        record->told(record->context, row, is_new);
}

/* Where a process finds a path, nobody knows when it has ended. Where very many calls fail at once,
 * those that were waiting for too long are only counted: so the others get their look in time. */
static bool can_look(const struct recorded_call *call) {
    return !call->too_late && (!call->gone || call->socket.protocol != PROTOCOL_UNIX ||
                               call->unix_socket.name[0] == '\0');
}

/* Returns whether `caller` has started the process, or one that has. */
static bool descends(pid_t process, pid_t caller) {
    enum { MOST_STEPS = 100 };
    struct process_stat stat;
    for (int i = 0; i < MOST_STEPS && process > 1; i++) {
        if (!process_stat(process, &stat))
            return false;
        process = stat.parent;
        if (process == caller)
            return true;
    }
    return false;
}

/* A process of the same run is not to be stopped: it is as much the program as the one that asks.
 */
static bool spare_same_run(const struct record *record, struct why *why) {
    bool any = false;
    for (unsigned i = 0; i < why->evidence.suspect_count && record->caller != 0; i++) {
        struct server *server = &why->evidence.suspects[i].server;
        if (server->main.pid == 0 || !descends(server->main.pid, record->caller))
            continue;
        server->stops.count = 0;
        any = true;
    }
    return any;
}

/* Looks for the reason, in the namespace of the socket. */
static struct why *look(struct why_call *question, const struct traced_call *made) {
    struct why *why = malloc(sizeof *why);
    if (why == NULL)
        arena_out_of_memory();
    question->seconds = made->witness != NULL ? MOST_SECONDS_OF_HOST : 0;
    if (made->witness != NULL) {
        question->own = made->witness->own;
        question->program = made->witness->program;
    }
    question->network = made->witness != NULL ? made->witness->network : look_at_namespace(made);
    why_call_look(question, why);
    if (made->witness == NULL && question->network >= 0)
        close(question->network);
    return why;
}

static bool is_there(pid_t process) {
    struct process_stat stat;
    return process_stat(process, &stat) && stat.state != 'Z';
}

/* Returns the row that the call is counted in, or NULL. */
static struct recorded_call *keep_explained(struct record *record, const struct recorded_call *call,
                                            struct why *why) {
    bool is_new;
    struct recorded_call *row = row_of(record, call, why, &is_new);
    record->looks += why != NULL && is_new && row != NULL;
    record->left_out += row == NULL;
    if (row == NULL || !is_new)
        free(why);
    if (row != NULL)
        count(record, row, is_new);
    return row;
}

static void look_afterwards(struct recorded_call *call, const struct witness *witness) {
    call->afterwards = true;
    call->after_ns = units_now_ns() - witness->at_ns;
    call->gone = call->gone || !is_there(call->process);
}

/* Looks for the reason, unless that was done just now for the same call of the same asker. */
static void keep_failed(struct record *record, struct recorded_call *call, const char *zone,
                        const struct traced_call *made) {
    uint64_t key = key_of_asker(call, made->witness);
    struct kind_entry *recent = record_entry(&record->recent, &key);
    if (recent->call != NULL && units_now_ns() - recent->looked_ns < AGAIN_NS) {
        count(record, recent->call, false);
        return;
    }
    struct why_call question = question_of(call, zone);
    struct why *why = NULL;
    bool has_cause = call->socket.protocol_known && why_call_has_cause(&question);
    call->too_late = has_cause && made->witness != NULL && host_is_late(made->witness);
    if (has_cause && record->looks < MOST_LOOKS && can_look(call))
        why = look(&question, made);
    if (why != NULL && why->cause != CAUSE_BOUND_TWICE)
        why->same_run = spare_same_run(record, why);
    if (made->witness != NULL)
        look_afterwards(call, made->witness);
    else if (may_be_lookup(record, call) && lookups_hold(record->lookups, call, why))
        return;
    recent->call = keep_explained(record, call, why);
    recent->looked_ns = units_now_ns();
}

/* --- lookups --- */

static void tell_held(void *context, struct recorded_call *call, struct why *why) {
    keep_explained(context, call, why);
}

static void settle_lookups(struct record *record, pid_t process, uint64_t before_ns) {
    lookups_settle(record->lookups, process, before_ns, tell_held, record);
}

bool record_settle(struct record *record) {
    settle_lookups(record, 0, units_now_ns() - RECORD_HOLD_S * (uint64_t)NS_PER_S);
    return record->lookups->count > 0;
}

void record_end(struct record *record) {
    settle_lookups(record, 0, UINT64_MAX);
}

void record_exit(struct record *record, pid_t process) {
    settle_lookups(record, process, UINT64_MAX);
    record_forget_program(record, process);
}

void record_exec(struct record *record, pid_t process) {
    settle_lookups(record, process, UINT64_MAX);
    record_forget_program(record, process);
    record_look_at_program(record, process);
}

/* --- a call --- */

void record_call(struct record *record, const struct traced_call *call) {
    struct recorded_call kept = {
        .call = call->call, .error = has_failed(call) ? call->error : 0, .process = call->process};
    char zone[IF_NAMESIZE];
    begin_anew(record);
    if (call->call == SOCKET_CALL_RING) {
        if (call->error == 0)
            record_ring(record, call->process);
        return;
    }
    if (call->witness != NULL)
        kept.socket = call->witness->socket;
    else
        look_at_socket(call, &kept.socket);
    if (record->look_error == 0)
        record->look_error = kept.socket.error;
    if (!look_at_address(call, &kept.socket, &kept, zone) ||
        (kept.socket.known && !kept.socket.protocol_known) ||
        (lookups_is_one(&kept) && !record->filter.lookups))
        return;
    lookups_drop(record->lookups, &kept);
    keep_programs(record, call, &kept);
    if (call->witness == NULL)
        record_follow_socket(record, &kept);
    if (!is_wanted(record, call) ||
        (call->call == SOCKET_CALL_SENDTO && !is_about_ports(record, &kept)))
        return;
    if (kept.error != 0) {
        keep_failed(record, &kept, zone, call);
        return;
    }
    if (call->witness == NULL && may_be_lookup(record, &kept))
        lookups_hold(record->lookups, &kept, NULL);
    keep_explained(record, &kept, NULL);
}
