/* portreuse audit: settings that can keep a port from its server. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/units.h"
#include "cmd/commands.h"
#include "cmd/live.h"
#include "report/host/audit.h"

struct request {
    struct live live;
    struct audit audit;
};

/* --- options --- */

/* Returns the port of `name 8080/tcp aliases` or `name 53/udp`, a line of a services file; 0 if it
 * has no port of TCP or UDP. */
static uint16_t service_port(char *line) {
    int64_t port;
    static const char blanks[] = " \t\r";
    line[strcspn(line, "#\n")] = '\0';
    char *state, *name = strtok_r(line, blanks, &state);
    char *number = name == NULL ? NULL : strtok_r(NULL, blanks, &state);
    char *slash = number == NULL ? NULL : strchr(number, '/');
    if (slash == NULL || (strcmp(slash, "/tcp") != 0 && strcmp(slash, "/udp") != 0))
        return 0;
    *slash = '\0';
    return units_number(number, 1, UINT16_MAX, &port) ? (uint16_t)port : 0;
}

/* Returns why the file could not be read to its end, or NULL. */
static const char *read_services(FILE *file, struct port_set *ports) {
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, file) >= 0) {
        uint16_t port = service_port(line);
        if (port != 0)
            port_set_add(ports, port);
    }
    const char *why = feof(file) ? NULL : strerror(errno); /* free() may change errno */
    free(line);
    return why;
}

static bool set_services(const struct option_use *use) {
    const char *why;
    FILE *file = file_stream_plain(use->value, &why);
    if (file != NULL) {
        why = read_services(file, use->target);
        fclose(file);
    }
    if (why != NULL)
        options_complain("audit", "--services %s: cannot read this file: %s", use->value, why);
    return why == NULL;
}

static bool set_ports(const struct option_use *use) {
    return port_set_parse(use->value, use->target) ||
           options_wrong_value(use, "a list of ports such as 8080,9000-9010");
}

static const struct option_row rows[] = {
    {.name = "ports",
     .takes = VALUE_REQUIRED,
     .value_name = "LIST",
     .set = set_ports,
     .offset = offsetof(struct request, audit.named),
     .help = "also check these ports, even if no server runs on them now: 8080,9000-9010"},
    {.name = "services",
     .takes = VALUE_REQUIRED,
     .value_name = "FILE",
     .set = set_services,
     .offset = offsetof(struct request, audit.named),
     .help = "also check the ports in a file such as /etc/services"},
    {0},
};

static const struct option_group groups[] = {
    {rows, 0},
    LIVE_GROUPS(struct request),
};

/* --- the command --- */

static int cmd_audit(int argc, char **argv) {
    struct request request = {.audit = {.error = 0}};
    struct audit_findings findings = {&request.audit};
    struct report report = {.subject = &subject_audit, .findings = &findings};
    int status = EXIT_TROUBLE;
    if (live_begin(&request.live, "audit", &subject_audit) &&
        options_parse("audit", groups, argc, argv, &request) && options_no_operands(argc, argv) &&
        outputs_open(&request.live.outputs)) {
        audit_look(&request.live.target.namespaces[0], &request.audit);
        status = outputs_report(&request.live.outputs, &report);
    }
    audit_free(&request.audit);
    return live_end(&request.live, status);
}

const struct command command_audit = {
    .name = "audit",
    .function = cmd_audit,
    .usage = "[OPTION...]",
    .summary = "show which settings of this host can cost a server its port",
    .options = groups,
    .subject = &subject_audit,
};
