/* pairs N[,MS] -- COMMAND... -- OTHER...: runs the two commands in turn, A B A B ..., N times each
 * after a warm-up, MS milliseconds after the end of the one before (without it: at once), and
 * prints the quartiles of A's wall time, of B's, and of the ratio A/B pair by pair, of their
 * processor time, and the peak memory of A. Pairs see the same noise, so their ratio holds where
 * times do not; that of the processor time holds on a host that is busy with other things. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct measured {
    double ms, cpu_ms;
    long peak_kib; /* of the largest single process */
};

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double cpu_ms(const struct rusage *usage) {
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3 +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3;
}

static long pause_ms; /* before each command */

/* Runs the command, which must end with a status of at most `worst`. */
static struct measured run(char **command, int worst) {
    const struct timespec pause = {pause_ms / 1000, pause_ms % 1000 * 1000000};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;
    struct rusage usage;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    nanosleep(&pause, NULL);
    double start = now_ms();
    if (posix_spawnp(&child, command[0], &actions, NULL, command, environ) != 0 ||
        wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) ||
        WEXITSTATUS(status) > worst) {
        fprintf(stderr, "pairs: %s failed\n", command[0]);
        exit(1);
    }
    double end = now_ms();
    posix_spawn_file_actions_destroy(&actions);
    return (struct measured){end - start, cpu_ms(&usage), usage.ru_maxrss};
}

static int ascending(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void print_quartiles(const char *what, double *values, int count, const char *unit) {
    qsort(values, (size_t)count, sizeof values[0], ascending);
    printf("  %-22s median %8.3f%s   quartiles %.3f..%.3f   range %.3f..%.3f\n", what,
           values[count / 2], unit, values[count / 4], values[3 * count / 4], values[0],
           values[count - 1]);
}

/* Where the words behind the next `--` start; the `--` becomes the end of the words before it. */
static char **split(char **words) {
    while (*words != NULL && strcmp(*words, "--") != 0)
        words++;
    if (*words == NULL || words[1] == NULL) {
        fputs("usage: pairs N[,MS] -- COMMAND... -- OTHER...\n", stderr);
        exit(2);
    }
    *words = NULL;
    return words + 1;
}

int main(int argc, char **argv) {
    enum { MOST = 1000 };
    static double a[MOST], b[MOST], ratio[MOST], cpu[MOST];
    char *end = "";
    int count = argc > 1 ? (int)strtol(argv[1], &end, 10) : 0;
    pause_ms = *end == ',' ? strtol(end + 1, NULL, 10) : 0;
    char **first = split(argv), **second = split(first);
    long peak = 0;
    if (count < 1 || count > MOST)
        return 2;
    /* A verdict against the host is status 1 of A, and no failure. */
    run(first, 1);
    run(second, 0);
    for (int i = 0; i < count; i++) {
        struct measured one = run(first, 1), other = run(second, 0);
        a[i] = one.ms;
        b[i] = other.ms;
        ratio[i] = one.ms / other.ms;
        cpu[i] = one.cpu_ms / other.cpu_ms;
        peak = one.peak_kib > peak ? one.peak_kib : peak;
    }
    print_quartiles("A", a, count, " ms");
    print_quartiles("B", b, count, " ms");
    print_quartiles("A/B, pair by pair", ratio, count, "");
    print_quartiles("the same, processor", cpu, count, "");
    printf("  %-22s %ld KiB\n", "peak memory of A", peak);
    return 0;
}
