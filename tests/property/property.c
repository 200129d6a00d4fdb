/* The property: in every story, the model (model/rules.h, model/udp.h) and the kernel give the same
 * answer.
 *
 *   property [--seed N] [--binds N] [--protocol tcp|udp] [--kernel RELEASE]
 *
 * Plays random stories, first of TCP sockets, then of UDP sockets, until N bind() calls of each
 * have been compared (20000). Each story has a block of ports to itself, and every few thousand
 * stories get a fresh namespace. A story ends at the first two different answers, which are counted
 * by what they are. The first such story is made as short as
 * possible and printed on standard output as a scenario that expects what the kernel answered. The
 * verdict goes to standard error, as TAP. The model answers for the running kernel, or with
 * --kernel for that one. If the answer depends on which port the kernel chooses, the scenario
 * passes only sometimes (use run --repeat). Exit status 0 if all answers agree, 1 if two differ, 77
 * if it cannot run here. */
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
#include "udp.h"

enum { FIRST_PORT = 1024, LAST_PORT = 65528, BATCH = (LAST_PORT - FIRST_PORT) / STORY_PORTS };
enum { PARTINGS = 16 };
enum { EXIT_PART = 1, EXIT_TROUBLE = 2, EXIT_SKIP = 77, TRIES = 12 };

/* What the process that plays has found, in shared memory. */
struct found {
    unsigned long stories, odd, binds, listens, connects;
    bool parted, refused;
    struct parting {
        char text[200];
        unsigned long count;
    } partings[PARTINGS]; /* by kind; those beyond them are counted with the last one */
    struct story story;   /* the first one in which they part */
    char odd_text[200], reason[NETNS_REASON_SIZE];
};

/* How a story is played with the sockets of a protocol. */
struct play {
    const char *name;
    struct outcome (*story)(const struct story *story, uint16_t base, FILE *script);
};

static const struct play plays[] = {{"tcp", world_play}, {"udp", udp_play}};
enum { PLAYS = sizeof plays / sizeof plays[0] };

static const struct play *play; /* the present one */
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
        struct outcome outcome = play->story(story, *base, NULL);
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
        struct outcome outcome = play->story(story, base, script);
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

static void count_parting(const char *text) {
    struct parting *kind = found->partings;
    while (kind < found->partings + PARTINGS - 1 && kind->count > 0 &&
           strcmp(kind->text, text) != 0)
        kind++;
    if (kind->count++ == 0)
        snprintf(kind->text, sizeof kind->text, "%s", text);
}

static void play_batch(void) {
    bool users = other_users();
    for (unsigned i = 0; i < BATCH && found->binds < wanted_binds; i++) {
        uint64_t number = number_of(found->stories);
        struct story story = story_random(number, users);
        struct outcome outcome =
            play->story(&story, (uint16_t)(FIRST_PORT + i * STORY_PORTS), NULL);
        take_down(&outcome);
        if (outcome.odd || outcome.text[0] == '\0')
            continue;
        count_parting(outcome.text);
        if (found->parted)
            continue;
        found->parted = true;
        found->story = story;
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

static bool take_options(int argc, char **argv, const char **protocol) {
    struct kernel_release release = release_running();
    world_quirks = quirks_of(release);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--binds") == 0)
            wanted_binds = strtoul(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--protocol") == 0)
            *protocol = argv[i + 1];
        else if (strcmp(argv[i], "--kernel") == 0 && release_parse(argv[i + 1], true, &release))
            world_quirks = quirks_of(release);
        else
            return false;
    }
    return argc % 2 == 1;
}

static int judge(unsigned number) {
    const char *what = strcmp(play->name, "tcp") == 0 ? "" : " on UDP";
    if (found->refused) {
        fprintf(stderr, "ok %u - the model agrees with the kernel%s # SKIP %s\n", number, what,
                found->reason);
        return EXIT_SKIP;
    }
    bool short_of = found->binds < wanted_binds;
    fprintf(stderr, "%s %u - the model agrees with the kernel%s\n",
            found->parted || short_of ? "not ok" : "ok", number, what);
    fprintf(stderr, "# %lu stories, %lu binds, %lu listens, %lu connects; seed %llu\n",
            found->stories, found->binds, found->listens, found->connects,
            (unsigned long long)seed);
    if (found->odd > 0)
        fprintf(stderr, "# %lu stories were left, the last one by %s\n", found->odd,
                found->odd_text);
    for (unsigned i = 0; i < PARTINGS && found->partings[i].count > 0; i++)
        fprintf(stderr, "# %lu times: %s\n", found->partings[i].count, found->partings[i].text);
    if (found->parted)
        in_namespace(show_parting);
    return found->parted ? EXIT_PART : short_of ? EXIT_TROUBLE : 0;
}

static int play_protocol(unsigned number) {
    memset(found, 0, sizeof *found);
    for (unsigned long before = 1; found->binds < wanted_binds;) {
        before = found->stories;
        in_namespace(play_batch);
        if (found->stories == before)
            break;
    }
    return judge(number);
}

int main(int argc, char **argv) {
    const char *protocol = NULL;
    int status = 0;
    unsigned number = 0;
    if (!take_options(argc, argv, &protocol)) {
        fputs("usage: property [--seed N] [--binds N] [--protocol tcp|udp] [--kernel RELEASE]\n",
              stderr);
        return EXIT_TROUBLE;
    }
    found = mmap(NULL, sizeof *found, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (found == MAP_FAILED)
        return EXIT_TROUBLE;
    fprintf(stderr, "1..%d\n", protocol == NULL ? PLAYS : 1);
    for (play = plays; play < plays + PLAYS && status == 0; play++)
        if (protocol == NULL || strcmp(protocol, play->name) == 0)
            status = play_protocol(++number);
    return status;
}
