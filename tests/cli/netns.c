/* netns COMMAND...: runs the command in a network namespace of its own, with `lo` up, in which it
 * may write sysctls; all on one processor, so that TIME-WAIT is not lost. Exit status 77, with the
 * reason on standard error, where that is refused. */
#include <stdio.h>
#include <unistd.h>

#include "kernel/netns.h"
#include "kernel/process.h"

int main(int argc, char **argv) {
    char reason[NETNS_REASON_SIZE];
    if (argc < 2)
        return 99;
    if (netns_enter(reason) == NETNS_REFUSED) {
        fprintf(stderr, "%s\n", reason);
        return 77;
    }
    process_stay_on_processor();
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 99;
}
