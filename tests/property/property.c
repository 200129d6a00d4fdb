/* The property: in every story, the model of model/rules.h and the kernel give the same answer.
 *
 *   property [--seed N] [--binds N]
 *
 * Plays random stories until N bind() calls have been compared (20000). Each story has a block of
 * ports to itself, and every few thousand stories get a fresh namespace. The first story with two
 * different answers is made as short as possible and printed on standard output as a scenario that
 * expects what the kernel answered. The verdict goes to standard error, as TAP. If the answer
 * depends on which port the kernel chooses, the scenario passes only sometimes (use run --repeat).
 * Exit status 0 if all answers agree, 1 if two differ, 77 if it cannot run here. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/netns.h"
#include "kernel/process.h"
#include "story.h"

enum { FIRST_PORT = 1024, LAST_PORT = 65528, BATCH = (LAST_PORT - FIRST_PORT) / STORY_PORTS };
enum { EXIT_PART = 1, EXIT_TROUBLE = 2, EXIT_SKIP = 77, TRIES = 12 };

/* What the process that plays has found, in shared memory. */
struct found {
    unsigned long stories, odd, binds, listens, connects;
    bool parted, refused;
    uint64_t number; /* of the story in which they part */
    struct story story;
    char odd_text[200], reason[NETNS_REASON_SIZE];
};

static struct found *found;
static unsigned long wanted_binds = 20000;
static uint64_t seed = 1;

static uint64_t number_of(unsigned long index) {
    return seed * 0x100000001b3U + index;
}

/* --- in a namespace --- */

static bool other_users(void) {
    setfsuid(65534);
    return setfsuid(0) == 65534;
}

/* Plays the story up to so many times, as the kernel chooses ports by chance: whether model and
 * kernel part. */
static bool parts(const struct story *story, unsigned times, uint16_t *base) {
    for (unsigned i = 0; i < times; i++) {
        *base = *base + STORY_PORTS < LAST_PORT ? (uint16_t)(*base + STORY_PORTS) : FIRST_PORT;
        struct outcome outcome = world_play(story, *base, NULL);
        if (!outcome.odd && outcome.text[0] != '\0')
            return true;
    }
    return false;
}

static struct story without(const struct story *story, unsigned move) {
    struct story shorter = *story;
    shorter.count--;
    memmove(&shorter.moves[move], &shorter.moves[move + 1],
            (shorter.count - move) * sizeof shorter.moves[0]);
    return shorter;
}

/* Takes out every move that is not needed, until none can be. */
static void shrink(struct story *story) {
    uint16_t base = FIRST_PORT;
    for (bool shorter = true; shorter;) {
        shorter = false;
        for (unsigned i = story->count; i-- > 0;) {
            struct story candidate = without(story, i);
            if (!parts(&candidate, TRIES, &base))
                continue;
            *story = candidate;
            shorter = true;
        }
    }
}

/* Prints the story as a scenario; of several tries the first in which they part. */
static void print_story(const struct story *story) {
    uint16_t base = FIRST_PORT;
    for (unsigned i = 0; i < 8 * TRIES; i++, base += STORY_PORTS) {
        char *text = NULL;
        size_t size = 0;
        FILE *script = open_memstream(&text, &size);
        struct outcome outcome = world_play(story, base, script);
        fclose(script);
        bool parted = !outcome.odd && outcome.text[0] != '\0';
        if (parted)
            fputs(text, stdout);
        free(text);
        if (parted)
            return;
    }
}

static void take_down(const struct outcome *outcome) {
    found->stories++;
    found->binds += outcome->binds;
    found->listens += outcome->listens;
    found->connects += outcome->connects;
    found->odd += outcome->odd;
    if (outcome->odd)
        memcpy(found->odd_text, outcome->text, sizeof found->odd_text);
}

static void play_batch(void) {
    bool users = other_users();
    for (unsigned i = 0; i < BATCH && found->binds < wanted_binds; i++) {
        uint64_t number = number_of(found->stories);
        struct story story = story_random(number, users);
        struct outcome outcome = world_play(&story, (uint16_t)(FIRST_PORT + i * STORY_PORTS), NULL);
        take_down(&outcome);
        if (outcome.odd || outcome.text[0] == '\0')
            continue;
        found->parted = true;
        found->number = number;
        found->story = story;
        return;
    }
}

static void show_parting(void) {
    shrink(&found->story);
    print_story(&found->story);
    fflush(stdout);
}

/* Does it in a child process in a namespace of its own. */
static void in_namespace(void (*what)(void)) {
    fflush(stdout);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        found->refused = getppid() != parent || netns_enter(found->reason) == NETNS_REFUSED;
        process_stay_on_processor();
        if (!found->refused && world_prepare())
            what();
        _exit(0);
    }
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static bool take_options(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--binds") == 0)
            wanted_binds = strtoul(argv[i + 1], NULL, 0);
        else
            return false;
    }
    return argc % 2 == 1;
}

int main(int argc, char **argv) {
    if (!take_options(argc, argv)) {
        fputs("usage: property [--seed N] [--binds N]\n", stderr);
        return EXIT_TROUBLE;
    }
    found = mmap(NULL, sizeof *found, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (found == MAP_FAILED)
        return EXIT_TROUBLE;
    for (unsigned long before = 1; found->binds < wanted_binds && !found->parted;) {
        before = found->stories;
        in_namespace(play_batch);
        if (found->stories == before)
            break;
    }
    if (found->refused) {
        fprintf(stderr, "1..1\nok 1 - the model agrees with the kernel # SKIP %s\n", found->reason);
        return EXIT_SKIP;
    }
    fprintf(stderr, "1..1\n%s 1 - the model agrees with the kernel\n",
            found->parted || found->binds < wanted_binds ? "not ok" : "ok");
    fprintf(stderr, "# %lu stories, %lu binds, %lu listens, %lu connects; seed %llu\n",
            found->stories, found->binds, found->listens, found->connects,
            (unsigned long long)seed);
    if (found->odd > 0)
        fprintf(stderr, "# %lu stories were left, the last one by %s\n", found->odd,
                found->odd_text);
    if (found->parted)
        in_namespace(show_parting);
    return found->parted ? EXIT_PART : found->binds < wanted_binds ? EXIT_TROUBLE : 0;
}
