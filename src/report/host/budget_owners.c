/* Owners that were found are processes; the others are known by user and control group. */
#include "report/host/budget_owners.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "report/shared/layout.h"
#include "report/shared/sockets.h"

/* --- text --- */

static void print_user(FILE *out, const struct owner *owner) {
    if (owner->user[0] == '\0')
        fprintf(out, "user %" PRIu32, owner->uid);
    else
        layout_text(out, owner->user);
}

void budget_owners_print_hidden(FILE *out, const struct owner *owner, const char *cgroup) {
    const char *place = owner->unit[0] != '\0' ? owner->unit : cgroup;
    fputs("processes of ", out);
    print_user(out, owner);
    if (place[0] != '\0' && strcmp(place, "/") != 0) {
        fputs(owner->unit[0] != '\0' ? " in " : " in the control group ", out);
        layout_text(out, place);
    }
    fputs(" that were not found", out);
}

static void print_more(FILE *out, const struct budget_owner *owner, unsigned indent) {
    if (owner->workers > 0)
        fprintf(out, "%*sand %u other process%s of it\n", (int)indent, "", owner->workers,
                owner->workers == 1 ? "" : "es");
    if (owner->close_wait > 0)
        fprintf(out, "%*s%" PRIu32 " in CLOSE-WAIT: the peer has closed, it has not\n", (int)indent,
                "", owner->close_wait);
}

static void print_owner(FILE *out, const struct budget_owner *owner, unsigned indent) {
    enum { STEP = 2 };
    int column = fprintf(out, "%*s%s%" PRIu32 " of them: ", (int)indent, "",
                         owner->estimated ? "about " : "", owner->sockets);
    if (owner->owner.pid != 0) {
        sockets_print_process(out, &owner->owner, (unsigned)column);
        fputc('\n', out);
    } else {
        struct composed line;
        budget_owners_print_hidden(compose_begin(&line), &owner->owner, owner->cgroup);
        layout_wrap_end(out, &line, indent + STEP, (unsigned)column);
    }
    print_more(out, owner, indent + STEP);
}

void budget_owners_print(FILE *out, const struct budget_owners *owners, unsigned indent) {
    for (unsigned i = 0; i < owners->known; i++)
        print_owner(out, &owners->list[i], indent);
    if (owners->count > owners->known)
        fprintf(out, "%*sand %" PRIu32 " more\n", (int)indent, "", owners->count - owners->known);
    if (owners->nobody > 0)
        fprintf(out, "%*s%" PRIu32 " of them: of no process (closed, or not accepted yet)\n",
                (int)indent, "", owners->nobody);
}

/* Prints `curl of user www-data (172 processes, started by bash 4711)`. */
static void print_maker(FILE *out, const struct maker *maker) {
    if (maker->owner.pid == 0) {
        budget_owners_print_hidden(out, &maker->owner, maker->cgroup);
        return;
    }
    sockets_print_program(out, &maker->owner);
    fputs(" of ", out);
    print_user(out, &maker->owner);
    if (maker->owner.unit[0] != '\0') {
        fputs(" in ", out);
        layout_text(out, maker->owner.unit);
    }
    if (maker->processes == 1)
        fprintf(out, " (pid %d)", (int)maker->owner.pid);
    else if (maker->master != 0)
        fprintf(out, " (%u processes of pid %d)", maker->processes, (int)maker->master);
    else
        fprintf(out, " (%u processes)", maker->processes);
    if (maker->processes > 1 && maker->master == 0 && maker->starter > 0) {
        fputs(", started by ", out);
        layout_text(out, maker->starter_program);
        fprintf(out, " (pid %d)", (int)maker->starter);
    }
}

static void print_maker_line(FILE *out, const struct maker *maker, uint32_t number) {
    enum { INDENT = 4, STEP = 2 };
    struct composed line;
    print_maker(compose_begin(&line), maker);
    int column =
        fprintf(out, "%*s%s%" PRIu32 ": ", INDENT, "", maker->estimated ? "about " : "", number);
    layout_wrap_end(out, &line, INDENT + STEP, (unsigned)column);
}

/* If nothing went to TIME-WAIT, whose connections come and go is told, as that can keep them from
 * having a known owner. */
void budget_owners_print_makers(FILE *out, const struct makers *makers) {
    bool any = makers->closed > 0;
    if (!any && makers->known == 0)
        return;
    uint32_t unknown =
        makers->closed > makers->attributed ? makers->closed - makers->attributed : 0;
    if (any)
        fprintf(out, "  in %.1f s, %" PRIu32 " went to TIME-WAIT:\n", makers->seconds,
                makers->closed);
    else
        fprintf(out, "  in %.1f s, none went to TIME-WAIT; %" PRIu32 " were opened:\n",
                makers->seconds, makers->opened);
    for (unsigned i = 0; i < makers->known; i++) {
        const struct maker *maker = &makers->list[i];
        uint32_t number = any ? maker->closed : maker->opened;
        if (number > 0)
            print_maker_line(out, maker, number);
    }
    if (makers->count > makers->known)
        fprintf(out, "    and %u more\n", makers->count - makers->known);
    if (unknown > 0)
        fprintf(out, "    %" PRIu32 ": not known; %s not seen while open\n", unknown,
                unknown == 1 ? "it was" : "they were");
    if (!makers->all_events && (!any || unknown > 0))
        fputs("  To see every connection, however short, run this as root on the host.\n"
              "  Otherwise a longer --interval, such as 5s, sees more of them.\n",
              out);
}

/* --- JSON --- */

static void write_hidden(struct json *json, const struct budget_owner *owner) {
    json_object(json, NULL);
    json_number(json, "uid", owner->owner.uid);
    json_string(json, "user", owner->owner.user[0] == '\0' ? NULL : owner->owner.user);
    json_string(json, "unit", owner->owner.unit[0] == '\0' ? NULL : owner->owner.unit);
    json_string(json, "cgroup", owner->cgroup[0] == '\0' ? NULL : owner->cgroup);
    json_number(json, "sockets", owner->sockets);
    json_number(json, "close_wait", owner->close_wait);
    json_end(json);
}

static void write_owner(struct json *json, const struct budget_owner *owner) {
    json_object(json, NULL);
    sockets_json_process(json, &owner->owner);
    json_number(json, "workers", owner->workers);
    json_number(json, "sockets", owner->sockets);
    json_number(json, "close_wait", owner->close_wait);
    json_bool(json, "estimated", owner->estimated);
    json_end(json);
}

void budget_owners_json(struct json *json, const struct budget_owners *owners) {
    json_number(json, "owner_count", owners->processes);
    json_array(json, "owners");
    for (unsigned i = 0; i < owners->known; i++)
        if (owners->list[i].owner.pid != 0)
            write_owner(json, &owners->list[i]);
    json_end(json);
    json_array(json, "not_found");
    for (unsigned i = 0; i < owners->known; i++)
        if (owners->list[i].owner.pid == 0)
            write_hidden(json, &owners->list[i]);
    json_end(json);
    json_number(json, "sockets_not_found", owners->hidden);
    json_number(json, "sockets_of_no_process", owners->nobody);
}

static void write_pid(struct json *json, const char *key, pid_t pid) {
    if (pid == 0)
        json_string(json, key, NULL);
    else
        json_number(json, key, pid);
}

static void write_maker(struct json *json, const struct maker *maker) {
    const struct owner *owner = &maker->owner;
    bool found = owner->pid != 0;
    json_object(json, NULL);
    json_number(json, "closed", maker->closed);
    json_number(json, "seen_to_begin", maker->opened);
    json_bool(json, "estimated", maker->estimated);
    json_string(json, "program", found ? owner->program : NULL);
    json_number(json, "uid", owner->uid);
    json_string(json, "user", owner->user[0] == '\0' ? NULL : owner->user);
    json_string(json, "unit", owner->unit[0] == '\0' ? NULL : owner->unit);
    json_string(json, "cgroup", maker->cgroup[0] == '\0' ? NULL : maker->cgroup);
    json_number(json, "processes", maker->processes);
    write_pid(json, "pid", found && maker->processes == 1 ? owner->pid : 0);
    write_pid(json, "master", maker->master);
    write_pid(json, "started_by", maker->starter);
    json_string(json, "started_by_program", maker->starter == 0 ? NULL : maker->starter_program);
    json_end(json);
}

void budget_owners_json_makers(struct json *json, const struct makers *makers) {
    json_object(json, "time_wait");
    json_number(json, "watched_ms", (int64_t)(makers->seconds * 1000));
    json_number(json, "closed", makers->closed);
    json_number(json, "attributed", makers->attributed);
    json_number(json, "seen_to_begin", makers->opened);
    json_bool(json, "all_events", makers->all_events);
    json_array(json, "makers");
    for (unsigned i = 0; i < makers->known; i++)
        write_maker(json, &makers->list[i]);
    json_end(json);
    json_end(json);
}
