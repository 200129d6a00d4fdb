/* portreuse version: the version; with -v what this kernel and these surroundings offer. */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/options.h"
#include "probe/capabilities.h"

static void row(const char *what, bool yes, const char *otherwise) {
    printf("  %-34s %s\n", what, yes ? "yes" : otherwise);
}

static const char *netns_words(const struct capabilities *found) {
    if (found->netns == NETNS_AS_ROOT)
        return "yes";
    return found->netns == NETNS_WITH_USER ? "yes, in a user namespace" : found->netns_reason;
}

static int print_surroundings(void) {
    struct capabilities found;
    int error = capabilities_probe(false, &found);
    if (error != 0) {
        options_complain("version", "cannot look around: %s", strerror(error));
        return EXIT_TROUBLE;
    }
    printf("\n%s %s on %s, as user %u\n", found.kernel.sysname, found.kernel.release,
           found.kernel.machine, found.uid);
    printf("  %-34s %s\n", "private network namespace", netns_words(&found));
    row("lists TCP sockets (sock_diag)", found.sock_diag, "no: no evidence, no await");
    row("lists bound, idle sockets", found.lists_bound, "no (Linux 6.8 does)");
    row("destroys sockets (SOCK_DESTROY)", found.destroys, "no");
    row("IP_LOCAL_PORT_RANGE", found.port_range, "no (Linux 6.3 does)");
    row("IPv6 on loopback", found.ipv6, "no");
    row("other user ids", found.uids, "no: run as root");
    row("sysctls can be written", found.sysctls_writable, "no: /proc/sys is missing or read-only");
    printf("  %-34s %lu, at most %lu\n", "open files", found.open_files, found.open_files_most);
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
    return verbose ? print_surroundings() : EXIT_AS_EXPECTED;
}

const struct command command_version = {
    .name = "version",
    .function = cmd_version,
    .usage = "[-v]",
    .summary = "show the version; with -v also what this kernel offers",
    .options = groups,
};
