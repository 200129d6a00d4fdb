#include "cmd/live.h"

bool live_begin(struct live *live, const char *command, const struct subject *subject) {
    *live = (struct live){
        .outputs = {.command = command, .subject = subject, .colour = options_colour_by_default()}};
    return target_begin(&live->target, command);
}

int live_end(struct live *live, int status) {
    outputs_free(&live->outputs);
    target_free(&live->target);
    return status;
}
