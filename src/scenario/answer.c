/* What a step answered, and whether it is what was expected. */
#include "scenario/answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/errnames.h"
#include "base/signames.h"

/* --- whether an answer is as expected --- */

static bool within(int64_t number, int64_t low, int64_t high) {
    return number >= low && number <= high;
}

static bool value_met(const struct wanted *wanted, const struct sockopt_value *got) {
    const struct sockopt_value *want = &wanted->value;
    if (want->kind != got->kind)
        return false;
    if (want->kind == SOCKOPT_DEVICE || want->kind == SOCKOPT_PORTS) {
        char a[SOCKOPT_TEXT_SIZE], b[SOCKOPT_TEXT_SIZE];
        return strcmp(sockopt_text(want, a), sockopt_text(got, b)) == 0;
    }
    return want->off == got->off && within(got->number, wanted->low, wanted->high);
}

/* The socket's own wildcard (`*:80`) stands for that of the family that was got. */
static bool endpoint_met(const struct wanted *wanted, struct endpoint want,
                         const struct endpoint *got) {
    if (wanted->address.pattern.any_address)
        want = endpoint_wildcard(got->family, want.port);
    if (wanted->address.pattern.any_port)
        want.port = got->port;
    return endpoint_equal(&want, got);
}

static bool address_met(const struct wanted *wanted, const struct answer *got,
                        answer_resolve *resolve, void *context) {
    struct place want;
    if (!resolve(context, &wanted->address, &want))
        return false;
    if (got->kind == ANSWER_NAME)
        return want.name != NULL && strcmp(want.name, got->name) == 0;
    return want.name == NULL && endpoint_met(wanted, want.endpoint, &got->address);
}

static bool result_met(const struct wanted *wanted, const struct answer *got,
                       answer_resolve *resolve, void *context) {
    switch (wanted->kind) {
    case WANT_OK:
        return got->kind == ANSWER_OK || got->kind == ANSWER_READY || got->kind == ANSWER_NUMBER ||
               (got->kind == ANSWER_EXIT && got->number == 0) || got->kind == ANSWER_ADDRESS ||
               got->kind == ANSWER_NAME || got->kind == ANSWER_VALUE;
    case WANT_ANY:
        return true;
    case WANT_ERRNO:
        return got->kind == ANSWER_ERRNO && got->error == wanted->error;
    case WANT_EOF:
        return got->kind == ANSWER_EOF;
    case WANT_READY:
        return got->kind == ANSWER_READY;
    case WANT_TIMEOUT:
        return got->kind == ANSWER_TIMEOUT;
    case WANT_NUMBER:
        return got->kind == ANSWER_NUMBER && within(got->number, wanted->low, wanted->high);
    case WANT_ADDRESS:
        return (got->kind == ANSWER_ADDRESS || got->kind == ANSWER_NAME) &&
               address_met(wanted, got, resolve, context);
    case WANT_VALUE:
        return got->kind == ANSWER_VALUE && value_met(wanted, &got->value);
    case WANT_FREE:
        return got->kind == ANSWER_FREE;
    case WANT_EXIT:
        return got->kind == ANSWER_EXIT && within(got->number, wanted->low, wanted->high);
    case WANT_SIGNAL:
        return got->kind == ANSWER_SIGNAL && got->number == wanted->low;
    case WANT_CAUSE:
        return got->kind == ANSWER_CAUSE && got->cause == wanted->cause;
    }
    return false;
}

/* Returns whether a block ended where expected: `ok` alone means that no call ended it. */
static bool block_end_met(const struct wanted *wanted, const struct answer *got) {
    if (!got->in_block)
        return wanted->at == VERB_NONE && !wanted->counted;
    if (wanted->counted && !within((int64_t)got->rounds, wanted->rounds_low, wanted->rounds_high))
        return false;
    if (wanted->at != VERB_NONE)
        return wanted->at == got->at;
    return wanted->kind != WANT_OK || got->at == VERB_NONE;
}

const struct wanted *expectation_met(const struct expectation *want, const struct answer *got,
                                     struct kernel_release running, answer_resolve *resolve,
                                     void *context) {
    bool older = want->split && !release_at_least(running, want->since);
    const struct wanted *list = older ? want->otherwise : want->either;
    size_t count = older ? want->otherwise_count : want->either_count;
    if (got->kind == ANSWER_NONE)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (result_met(&list[i], got, resolve, context) && block_end_met(&list[i], got))
            return &list[i];
    return NULL;
}

int expectation_index(const struct expectation *want, const struct wanted *wanted) {
    for (size_t i = 0; wanted != NULL && i < want->either_count; i++)
        if (wanted == &want->either[i])
            return (int)i;
    return wanted == NULL ? -1 : (int)(wanted - want->otherwise) + (int)want->either_count;
}

const struct wanted *expectation_at(const struct expectation *want, int index) {
    size_t rest = (size_t)index - want->either_count;
    if (index < 0)
        return NULL;
    return (size_t)index < want->either_count ? &want->either[index] : &want->otherwise[rest];
}

bool expectation_in_time(const struct expectation *want, uint64_t elapsed_ns) {
    return !want->timed || (elapsed_ns >= want->soonest_ns && elapsed_ns <= want->latest_ns);
}

/* Of several results that allow a number, the lowest one counts. */
static bool wants_more(const struct wanted *list, size_t count, int64_t got) {
    bool more = false;
    for (size_t i = 0; i < count; i++) {
        if (list[i].kind == WANT_OK || list[i].kind == WANT_ANY)
            return false;
        if (list[i].kind == WANT_NUMBER && list[i].low <= got)
            return false;
        more |= list[i].kind == WANT_NUMBER;
    }
    return more;
}

bool expectation_wants_more(const struct expectation *want, int64_t got) {
    return wants_more(want->either, want->either_count, got) ||
           wants_more(want->otherwise, want->otherwise_count, got);
}

static bool is_success(const struct wanted *wanted) {
    return wanted->kind == WANT_ERRNO ? wanted->error == EINPROGRESS : wanted->kind != WANT_TIMEOUT;
}

bool expectation_allows_success(const struct expectation *want) {
    int count = (int)(want->either_count + want->otherwise_count);
    for (int i = 0; i < count; i++)
        if (is_success(expectation_at(want, i)))
            return true;
    return false;
}

bool expectation_allows_failure(const struct expectation *want) {
    int count = (int)(want->either_count + want->otherwise_count);
    for (int i = 0; i < count; i++)
        if (expectation_at(want, i)->kind == WANT_ERRNO ||
            expectation_at(want, i)->kind == WANT_ANY)
            return true;
    return false;
}

bool wanted_pins(const struct wanted *wanted, const struct answer *got) {
    bool has_value = got->kind == ANSWER_NUMBER || got->kind == ANSWER_ADDRESS ||
                     got->kind == ANSWER_NAME || got->kind == ANSWER_VALUE;
    bool has_rounds = got->in_block && got->at != VERB_NONE;
    bool one_value = wanted->kind != WANT_OK && wanted->kind != WANT_ANY &&
                     wanted->low == wanted->high && wanted->address.use == ADDRESS_WRITTEN &&
                     !wanted->address.pattern.any_port;
    bool one_number_of_rounds = wanted->counted && wanted->rounds_low == wanted->rounds_high;
    return (!has_value || one_value) && (!has_rounds || one_number_of_rounds);
}

/* --- an answer as text --- */

static void result_text(const struct answer *got, char *text, size_t size) {
    char part[ENDPOINT_TEXT_SIZE + SOCKOPT_TEXT_SIZE + ERRNAME_SIZE];
    switch (got->kind) {
    case ANSWER_NONE:
        snprintf(text, size, "no answer");
        break;
    case ANSWER_OK:
        snprintf(text, size, "ok");
        break;
    case ANSWER_ERRNO:
        snprintf(text, size, "%s", errname(got->error, part));
        break;
    case ANSWER_EOF:
        snprintf(text, size, "eof");
        break;
    case ANSWER_READY:
        snprintf(text, size, "ready");
        break;
    case ANSWER_TIMEOUT:
        snprintf(text, size, "timeout");
        break;
    case ANSWER_NUMBER:
        snprintf(text, size, "%lld", (long long)got->number);
        break;
    case ANSWER_ADDRESS:
        snprintf(text, size, "%s", endpoint_text(&got->address, part));
        break;
    case ANSWER_NAME:
        snprintf(text, size, "unix:%s", got->name);
        break;
    case ANSWER_VALUE:
        snprintf(text, size, "%s", sockopt_text(&got->value, part));
        break;
    case ANSWER_EXIT:
        snprintf(text, size, "exit %lld", (long long)got->number);
        break;
    case ANSWER_SIGNAL:
        snprintf(text, size, "%s", signame((int)got->number, part));
        break;
    case ANSWER_FREE:
        snprintf(text, size, "free");
        break;
    case ANSWER_CAUSE:
        snprintf(text, size, "%s", cause_name(got->cause));
        break;
    }
}

const char *answer_text(const struct answer *got, char *text) {
    char result[UNIX_NAME_SIZE + 16];
    result_text(got, result, sizeof result);
    if (got->in_block && got->at != VERB_NONE)
        snprintf(text, ANSWER_TEXT_SIZE, "%s at %s after %llu", result, verb_row(got->at)->name,
                 (unsigned long long)got->rounds);
    else
        snprintf(text, ANSWER_TEXT_SIZE, "%s", result);
    return text;
}
