/* causes: writes docs/causes.md from the table of causes. causes names: the names alone, and which
 * of them have a scenario. */
#include <stdio.h>
#include <string.h>

#include "model/cause.h"

static void print_rules(const struct cause_row *row) {
    for (size_t i = 0; i < CAUSE_RULES && row->rules[i] != RULE_FREE; i++) {
        const struct rule_text *rule = rules_text(row->rules[i]);
        printf("- Rule: [%s](bind-rules.md). %s\n", rule->name, rule->says);
    }
}

static void print_remedies(const struct cause_row *row) {
    static const char *const starts[] = {[REMEDY_NOTE] = "# ", [REMEDY_SYSCTL] = "sysctl -w "};
    printf("\n```sh\n");
    for (size_t i = 0; i < CAUSE_REMEDIES && cause_remedy_is(&row->remedies[i]); i++) {
        const struct cause_remedy *remedy = &row->remedies[i];
        if (remedy->price != NULL)
            printf("# %s\n", remedy->price);
        printf("%s%s\n",
               remedy->kind < sizeof starts / sizeof starts[0] && starts[remedy->kind] != NULL
                   ? starts[remedy->kind]
                   : "",
               remedy->kind == REMEDY_STOP ? "{stop}" : remedy->text);
    }
    printf("```\n");
}

static void print_cause(const struct cause_row *row) {
    printf("\n## %s\n\n", row->name);
    for (size_t i = 0; i < CAUSE_SENTENCES && row->sentences[i].text != NULL; i++)
        printf("- Means: %s.\n", row->sentences[i].text);
    print_rules(row);
    if (row->scenario != NULL)
        printf("- Scenario: [%s](catalogue.md#%s).\n", row->scenario, row->scenario);
    else
        printf("- No scenario. %s\n", row->no_scenario);
    printf("- First line of `why`: `%s`\n", row->headline);
    print_remedies(row);
}

static const char head[] =
    "# The causes\n"
    "\n"
    "This page lists every cause that `run` and `why` can name: what it means, the rule of bind()\n"
    "behind it ([bind-rules.md](bind-rules.md)), the scenario that reproduces it, and what `why` "
    "says\n"
    "and advises. A cause has the same name in every command; if a scenario shows it, the "
    "scenario\n"
    "has that name too.\n"
    "\n"
    "`why` replaces the fields in braces. It leaves out what does not apply: a line with `{stop}` "
    "if\n"
    "it does not know the owner, `ss -tK` if the kernel cannot end connections. It puts what a\n"
    "command needs before it, such as `sudo` or `ip netns exec NAME`, and also gives a setting in "
    "its\n"
    "permanent form.\n"
    "\n"
    "| field | stands for |\n"
    "|---|---|\n"
    "| `{occupant}` | what has the socket in the way: `nginx (4711) and 2 workers` |\n"
    "| `{listens}`, `{has}`, `{is}`, `{runs}`, `{leaks}`, `{uses}` | the verb: `listens`, or "
    "`listen` for several |\n"
    "| `{user}` | the user of its oldest process |\n"
    "| `{sockets}` | the filter for ss(8) that selects the connections in the way |\n"
    "| `{peer}` | the process at the other end of the connection, on this host |\n"
    "| `{closing}`, `{expires}` | how far the connection is closed, and how long it stays so |\n"
    "| `{stop}` | the commands that free the port |\n"
    "| `{holder}`, `{release}`, `{release_price}` | what in the kernel has the port, the command "
    "that removes it, and the price of that command |\n"
    "| `{ss}` | `ss -Htlnep`, or `ss -Hulnep` for UDP |\n"
    "| `{see_budget}` | `see portreuse budget`, or `use fewer UDP sockets` for UDP |\n"
    "| `{it}` | what to stop: `it`, or `them` for several servers |\n"
    "| `{on_address}` | ` on ` and the address and port of the socket in the way, if there is only "
    "one |\n"
    "| `{asked}`, `{port}` | the address and port that you asked for, and the port alone |\n"
    "| `{time_left}` | the time until the last TIME-WAIT in the way ends |\n"
    "| `{reuse_or_stop}` | `set SO_REUSEADDR` if that helps, otherwise `stop it` |\n"
    "| `{reuse_or_wait}` | `set SO_REUSEADDR or wait` if that helps, otherwise `wait` |\n"
    "| `{wait_for_old}` | `set SO_REUSEPORT or wait` if that helps, otherwise `wait` |\n"
    "| `{apart}`, `{ipv6_socket}` | how an IPv4 socket and one on [::] can both have the port, and "
    "which of them is the latter |\n"
    "| `{reserved}` | the ports that are already reserved, and the one that you asked for |\n"
    "| `{reserved_for_servers}` | the ports that are already reserved, and those with a server in "
    "the wider range |\n"
    "| `{still_reserved}`, `{given_up}` | the reserved ports that are outside the range or have a "
    "server, and the others |\n"
    "| `{wide_range}` | a wider range that `why` suggests |\n"
    "| `{range_ports}` | the number of ports in the range |\n"
    "| `{privileged_below}` | the first port that needs no privilege |\n"
    "| `{file}`, `{directory}` | the path of the Unix socket that you asked for, and its directory "
    "|\n"
    "| `{destination}`, `{netns}` | where the client connects to, and the namespace, as options of "
    "`budget` |\n"
    "| `{no_route}`, `{family}` | why no route leads to the destination; `-4` or `-6` |\n"
    "| `{by}` | the process that has the most sockets in the way: ` by nginx (4711)` |\n"
    "| `{addresses}`, `{no_address}`, `{nonlocal}` | the local addresses; why the address is not "
    "one; the setting for its family |\n"
    "| `{question}` | the arguments that ask the same again: `0.0.0.0:53/udp` |\n"
    "\n"
    "`build/tests/causes >docs/causes.md` generates this file; a test fails if it is stale.\n";

int main(int argc, char **argv) {
    bool names = argc == 2 && strcmp(argv[1], "names") == 0;
    if (argc > 1 && !names) {
        fputs("usage: causes [names]\n", stderr);
        return 2;
    }
    if (!names)
        fputs(head, stdout);
    for (unsigned i = 1; i <= CAUSE_COUNT; i++) { /* CAUSE_UNKNOWN, which is 0, last */
        const struct cause_row *row = cause_row((enum cause)(i % CAUSE_COUNT));
        if (names)
            printf("%s has %s scenario\n", row->name, row->scenario == NULL ? "no" : "a");
        else
            print_cause(row);
    }
    return 0;
}
