/* portreuse version: the version; with -v also what this kernel and this environment offer. */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/options.h"
#include "probe/capabilities.h"
#include "report/shared/layout.h"

static void print_fact(const char *what, const char *text) {
    enum { WIDTH = 34, COLUMN = 2 + WIDTH + 1 };
    printf("  %-*s ", WIDTH, what);
    layout_wrap(stdout, text, COLUMN, COLUMN);
}

static int print_capabilities(void) {
    struct capabilities found;
    const char *what;
    int error = capabilities_probe(false, &found, &what);
    if (error != 0) {
        options_complain("version", "cannot probe the kernel: %s: %s", what, strerror(error));
        return EXIT_TROUBLE;
    }
    printf("\n%s %s on %s, as user %u\n", found.kernel.sysname, found.kernel.release,
           found.kernel.machine, found.uid);
    print_fact("private network namespace", found.netns == NETNS_AS_ROOT ? "yes"
                                            : found.netns == NETNS_WITH_USER
                                                ? "yes, in a user namespace"
                                                : found.netns_reason);
    print_fact("lists TCP sockets (sock_diag)",
               found.sock_diag ? "yes" : "no: no evidence, no await");
    print_fact("lists bound, idle sockets", found.lists_bound ? "yes" : "no (needs Linux 6.8)");
    print_fact("destroys sockets (SOCK_DESTROY)", found.destroys ? "yes" : "no");
    print_fact("IP_LOCAL_PORT_RANGE", found.port_range ? "yes" : "no (needs Linux 6.3)");
    print_fact("IPv6 on loopback", found.ipv6 ? "yes" : "no");
    print_fact("other user IDs", found.uids ? "yes" : "no: needs root");
    print_fact("sysctls can be written",
               found.sysctls_writable ? "yes" : "no: /proc/sys is missing or read-only");
    printf("  %-34s %lu (hard limit %lu)\n", "open files", found.open_files, found.open_files_most);
    printf("\nsysctls of %s network namespace\n", found.current ? "the present" : "a new");
    for (size_t i = 0; i < CAPABILITIES_SYSCTLS; i++)
        printf("  %-38s %s\n", capabilities_sysctl[i],
               found.sysctls[i][0] == '\0' ? "-" : found.sysctls[i]);
    return EXIT_AS_EXPECTED;
}

static const struct option_row rows[] = {
    {.name = "verbose",
     .letter = 'v',
     .set = option_set_flag,
     .help = "also show what this kernel and this environment offer"},
    {0},
};

static const struct option_group groups[] = {{rows, 0}, {0}};

static int cmd_version(int argc, char **argv) {
    bool verbose = false;
    if (!options_parse("version", groups, argc, argv, &verbose) || !options_no_operands(argc, argv))
        return EXIT_TROUBLE;
    printf("portreuse %s\n", PORTREUSE_VERSION);
    return verbose ? print_capabilities() : EXIT_AS_EXPECTED;
}

const struct command command_version = {
    .name = "version",
    .function = cmd_version,
    .usage = "[-v]",
    .summary = "show the version; with -v also what this kernel offers",
    .options = groups,
};
