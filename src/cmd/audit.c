/* portreuse audit: settings that will one day keep a port from its server. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/live.h"
#include "cmd/options.h"
#include "report/host/audit.h"

struct request {
    struct live live;
    struct audit audit;
};

enum { OPTION_PORTS = 256, OPTION_SERVICES };

static const struct option longs[] = {
    {"ports", required_argument, NULL, OPTION_PORTS},
    {"services", required_argument, NULL, OPTION_SERVICES},
    LIVE_OPTIONS,
    {0},
};

/* The port of `name 8080/tcp aliases`, a line of a services file; 0 if it has none of TCP. */
static uint16_t service_port(char *line) {
    int64_t port;
    line[strcspn(line, "#\n")] = '\0';
    char *state, *name = strtok_r(line, " \t", &state);
    char *number = name == NULL ? NULL : strtok_r(NULL, " \t", &state);
    char *slash = number == NULL ? NULL : strchr(number, '/');
    if (slash == NULL || strcmp(slash, "/tcp") != 0)
        return 0;
    *slash = '\0';
    return units_number(number, 1, UINT16_MAX, &port) ? (uint16_t)port : 0;
}

static bool take_services(struct request *request) {
    char line[512];
    FILE *file = fopen(optarg, "re");
    if (file == NULL) {
        options_complain("audit", "--services %s: %s", optarg, strerror(errno));
        return false;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        uint16_t port = service_port(line);
        if (port != 0)
            port_set_add(&request->audit.named, port);
    }
    fclose(file);
    return true;
}

static bool take_option(void *context, int option) {
    struct request *request = context;
    switch (option) {
    case OPTION_PORTS:
        if (port_set_parse(optarg, &request->audit.named))
            return true;
        options_wrong_value("audit", "--ports", optarg, "ports such as 8080,9000-9010");
        return false;
    case OPTION_SERVICES:
        return take_services(request);
    default:
        return live_take(&request->live, option);
    }
}

static int cmd_audit(int argc, char **argv) {
    struct request request = {0};
    int status = EXIT_TROUBLE;
    if (live_begin(&request.live, command_named(argv[0])) &&
        live_options(argc, argv, longs, take_option, &request) && options_no_operands(argc, argv) &&
        outputs_open(&request.live.outputs)) {
        struct audit_findings findings = {&request.audit};
        struct report report = {.subject = &subject_audit, .findings = &findings};
        audit_look(&request.live.places[0], &request.audit);
        status = outputs_report(&request.live.outputs, &report);
    }
    live_end(&request.live);
    return status;
}

const struct command command_audit = {
    .name = "audit",
    .function = cmd_audit,
    .usage = "[OPTION...]",
    .line = "tell which settings of this host can keep a port from its server",
    .help = "  --ports LIST   ports of servers that do not listen now: 8080,9000-9010\n"
            "  --services FILE the same from a file such as /etc/services\n" LIVE_HELP,
    .subject = &subject_audit,
};
