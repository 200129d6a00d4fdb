/* Lines of a block that have its counter in them: `bind s 127.0.0.1:$i`. A round puts its number
 * into the text of each word that varies and reads that again: this costs less than any system
 * call. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "scenario/parser.h"

static void *copy_list(struct arena *arena, const void *list, size_t count, size_t size) {
    return count == 0 ? NULL : arena_keep(arena, list, count * size);
}

struct step *step_copy(struct arena *arena, const struct step *step) {
    struct step *copy = arena_keep(arena, step, sizeof *step);
    struct expectation *want = &copy->want;
    copy->variations =
        copy_list(arena, step->variations, step->variation_count, sizeof step->variations[0]);
    for (size_t i = 0; i < step->variation_count; i++)
        copy->variations[i].filled = arena_alloc(arena, VARIATION_SIZE);
    want->either = copy_list(arena, want->either, want->either_count, sizeof want->either[0]);
    want->otherwise =
        copy_list(arena, want->otherwise, want->otherwise_count, sizeof want->otherwise[0]);
    if (verb_row(step->verb)->arguments == ARGUMENTS_OPTIONS)
        copy->options.list =
            copy_list(arena, step->options.list, step->options.count, sizeof step->options.list[0]);
    return copy;
}

/* Writes the text with the number for each counter in it. Returns whether there was room. */
static bool fill_text(const struct variation *variation, int64_t count) {
    char number[24];
    size_t used = 0;
    int length = snprintf(number, sizeof number, "%" PRId64, count);
    for (const char *at = variation->text; *at != '\0'; at++) {
        size_t size = *at == COUNTER ? (size_t)length : 1;
        if (used + size >= VARIATION_SIZE)
            return false;
        memcpy(variation->filled + used, *at == COUNTER ? number : at, size);
        used += size;
    }
    variation->filled[used] = '\0';
    return true;
}

/* An address is a name, ADDRESS:PORT, or ADDRESS:$role.socket.port, whose port is that socket's. */
static const char *fill_address(const char *text, struct address *address) {
    char host[VARIATION_SIZE + 2], zone[IFNAMSIZ];
    const char *at, *reference = strstr(text, ":$");
    if (address->name != NULL) {
        address->name = strchr(text, ':') + 1;
        return strlen(address->name) < UNIX_NAME_SIZE ? NULL : "too long for a name";
    }
    if (address->use == ADDRESS_WRITTEN) {
        parse_split_zone(text, host, sizeof host, zone);
        return endpoint_parse(host, &address->pattern, &at);
    }
    snprintf(host, sizeof host, "%.*s:0", (int)(reference == NULL ? 0 : reference - text), text);
    return endpoint_parse(host, &address->pattern, &at);
}

static const char *fill_number(const char *text, int64_t low, int64_t high, int64_t *number) {
    return units_number(text, low, high, number) ? NULL : "too small or too large";
}

static const char *fill_bounds(const char *text, struct wanted *wanted) {
    const char *upper = units_range_split(text);
    char lower[VARIATION_SIZE];
    if (upper == NULL)
        upper = text;
    snprintf(lower, sizeof lower, "%.*s",
             (int)(upper == text ? strlen(text) : (size_t)(upper - 2 - text)), text);
    if (!units_number(lower, INT64_MIN, INT64_MAX, &wanted->low) ||
        !units_number(upper, INT64_MIN, INT64_MAX, &wanted->high))
        return "not a number or a range";
    return wanted->low <= wanted->high ? NULL : "the range is empty";
}

static const char *fill_wanted(const char *text, const struct step *step, struct wanted *wanted) {
    if (wanted->kind == WANT_ADDRESS)
        return fill_address(text, &wanted->address);
    if (wanted->kind == WANT_NUMBER || wanted->value.kind == SOCKOPT_NUMBER)
        return fill_bounds(text, wanted);
    const char *wrong = sockopt_parse(step->options.list[0].option, text, &wanted->value);
    wanted->low = wanted->high = wanted->value.number;
    return wrong;
}

/* The time that stands in the arguments: of sleep, or of poll. */
static const char *fill_time(const char *text, struct step *copy) {
    uint64_t soonest_ns;
    bool sleeps = verb_row(copy->verb)->arguments == ARGUMENTS_TIME;
    return parse_times(text, &soonest_ns, sleeps ? &copy->duration_ns : &copy->wait.within_ns);
}

static const char *fill_one(struct step *copy, const struct variation *variation) {
    const char *text = variation->filled, *wrong;
    int64_t uid = 0;
    switch (variation->place) {
    case VARIES_ADDRESS:
        return fill_address(text, (struct address *)step_address(copy));
    case VARIES_AMOUNT:
        return fill_number(text, -1, SCENARIO_BYTES_MAX, &copy->amount.number);
    case VARIES_UID:
        wrong = fill_number(text, 0, UINT32_MAX - 1, &uid);
        copy->uid = (uid_t)uid;
        return wrong;
    case VARIES_OPTION:
        return sockopt_parse(copy->options.list[variation->index].option, text,
                             &copy->options.list[variation->index].value);
    case VARIES_WANT:
        return fill_wanted(text, copy,
                           (struct wanted *)expectation_at(&copy->want, variation->index));
    case VARIES_TIME:
        return fill_time(text, copy);
    case VARIES_WITHIN:
        return parse_times(text, &copy->want.soonest_ns, &copy->want.latest_ns);
    }
    return NULL;
}

const char *step_fill(struct step *copy, int64_t count, const struct variation **which) {
    const char *wrong = NULL;
    for (size_t i = 0; wrong == NULL && i < copy->variation_count; i++) {
        *which = &copy->variations[i];
        wrong = fill_text(*which, count) ? fill_one(copy, *which) : "too long";
    }
    return wrong;
}
