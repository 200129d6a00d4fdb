/* Of a child of a process that ignores SIGCHLD nothing is left when it ends: that it was killed in
 * the middle of its work would look like its good end (wait(2)). execve(2) passes that on, from a
 * daemon that wants no zombies to all that it starts.
 *
 * SIGXFSZ is caught, not ignored: so a program that we execute gets it as we did. */
#include "base/signals.h"

#include <signal.h>
#include <stddef.h>

static struct sigaction children_before; /* what SIGCHLD did */

static void on_long_file(int number) {
    (void)number;
}

void signals_begin(void) {
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    struct sigaction action = {.sa_handler = on_long_file, .sa_flags = SA_RESTART}, before;
    if (sigaction(SIGXFSZ, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
        sigaction(SIGXFSZ, &action, NULL);
    sigaction(SIGCHLD, &usual, &children_before);
}

void signals_give_back(void) {
    sigaction(SIGCHLD, &children_before, NULL);
}
