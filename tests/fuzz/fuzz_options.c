/* Any words as a command line: the options of every command, what can be a question, what is an
 * address. The first byte chooses; the words are lines up to a piece's end, and the files that
 * options name are the pieces behind it (world.h). */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/outputs.h"
#include "cmd/selection.h"
#include "cmd/target.h"
#include "kernel/process.h"
#include "report/host/why.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS = 20 };

/* Splits the text into words, behind the name of the command. */
static int split(char *text, char *name, char **argv) {
    char *rest = text;
    int argc = 0;
    argv[argc++] = name;
    while (argc < WORDS && rest != NULL)
        argv[argc++] = strsep(&rest, "\n");
    argv[argc] = NULL;
    return argc;
}

/* Begins, or ends, the parts of a request that a command begins itself. */
static void prepare(const struct command *command, char *request, bool begin) {
    const struct subject *subject = command->subject != NULL ? command->subject : &subject_why;
    for (const struct option_group *group = command->options; group != NULL && group->rows != NULL;
         group++) {
        void *part = request + group->offset;
        bool is_outputs = group->rows == outputs_options || group->rows == outputs_options + 1;
        if (is_outputs && begin)
            *(struct outputs *)part =
                (struct outputs){.command = command->name, .subject = subject};
        else if (is_outputs)
            outputs_free(part);
        else if (group->rows == selection_options && begin)
            *(struct selection *)part = (struct selection){.command = command->name};
        else if (group->rows == selection_options)
            selection_free(part);
        else if ((group->rows == target_options || group->rows == target_as_options) && begin)
            target_begin(part, command->name);
        else if (group->rows == target_options || group->rows == target_as_options)
            target_free(part);
    }
}

/* Requests are smaller than this. */
static void read_options(const struct command *command, int argc, char **argv) {
    static _Alignas(max_align_t) char request[256 * 1024];
    memset(request, 0, sizeof request);
    prepare(command, request, true);
    options_parse(command->name, command->options, argc, argv, request);
    prepare(command, request, false);
}

static void read_question(int argc, char **argv) {
    const struct command *command = command_for_question(argc, argv);
    if (command != NULL && command_named(command->name) != command)
        abort();
    command_near(argv[1]);
}

static void read_target(int argc, char **argv, unsigned how) {
    static struct target_address address;
    if (!target_read("why", argc, argv, (enum typed_protocol)(how % 4), how % 8 < 4 ? "" : "lo",
                     &address))
        return;
    if (address.count > TARGET_ADDRESSES || strlen(address.text) >= TARGET_TEXT_SIZE ||
        strlen(address.taken) >= TARGET_TAKEN_SIZE)
        abort();
    for (unsigned i = 0; i < address.count; i++)
        target_remote(&address, i);
}

static void read_address(char **argv) {
    struct endpoint endpoint;
    bool is_any;
    target_parse("run", "--port", argv[1], endpoint_wildcard(2, 0), &endpoint, &is_any);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char name[] = "portreuse", *argv[WORDS + 1];
    if (size == 0)
        return 0;
    process_use_root("/nowhere"); /* so that --all-netns finds few */
    world_begin(data + 1, size - 1);
    char *text = world_text();
    int argc = split(text, name, argv);
    size_t who = data[0] % (command_count + 3);
    optind = 1;
    if (who < command_count)
        read_options(commands[who], argc, argv);
    else if (who == command_count)
        read_question(argc, argv);
    else if (who == command_count + 1)
        read_target(argc, argv, data[0]);
    else
        read_address(argv);
    world_end();
    free(text);
    return 0;
}
