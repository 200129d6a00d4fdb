/* Only the line of the place counts, and of that a few bytes. */
#include "typed/place.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { CONTEXT = 28 };

bool place_after(const struct place *place, const char *words) {
    size_t room = (size_t)(place->at - place->line.text);
    char context[CONTEXT + 1];
    room = room < CONTEXT ? room : CONTEXT;
    span_copy(span_of(place->at - room, room), context, sizeof context);
    for (const char *word = words; *word != '\0';) {
        char one[CONTEXT];
        size_t size = strcspn(word, "|");
        span_copy(span_of(word, size), one, sizeof one);
        if (strcasestr(context, one) != NULL)
            return true;
        word += size + (word[size] == '|');
    }
    return false;
}

bool place_ahead(const struct place *place, const char *word) {
    size_t room = (size_t)(place->line.text + place->line.size - place->at);
    char context[CONTEXT + 1];
    span_copy(span_of(place->at, room < CONTEXT ? room : CONTEXT), context, sizeof context);
    return strcasestr(context, word) != NULL;
}

bool place_follows(const struct place *place, const char *words) {
    size_t room = (size_t)(place->at - place->line.text);
    for (const char *word = words; *word != '\0';) {
        size_t size = strcspn(word, "|");
        if (size <= room && strncasecmp(place->at - size, word, size) == 0 &&
            (size == room || !isalnum((unsigned char)place->at[-(ptrdiff_t)size - 1])))
            return true;
        word += size + (word[size] == '|');
    }
    return false;
}

bool place_is_word_byte(char byte) {
    return isalnum((unsigned char)byte) || byte == '_' || (unsigned char)byte >= 0x80;
}

char place_before(const struct place *place) {
    return place->at == place->start ? ' ' : place->at[-1];
}

bool place_starts_word(const struct place *place) {
    return strchr(" \t\r\n\"'`<>(){}[,;=|", place_before(place)) != NULL;
}

/* Chinese, Japanese and Korean put no blank behind a number; their letters begin with these bytes.
 */
static bool is_word_behind_number(char byte) {
    return place_is_word_byte(byte) && (unsigned char)byte < 0xe2;
}

struct span place_port(const char *text) {
    struct span digits = span_of(text, strspn(text, "0123456789"));
    const char *end = text + digits.size;
    bool goes_on = is_word_behind_number(*end) || *end == '%' ||
                   (*end != '\0' && strchr(".:-/", *end) != NULL && isdigit((unsigned char)end[1]));
    return !goes_on && span_is_port(digits) ? digits : span_of(text, 0);
}

bool place_set_port(struct span port, struct typed *typed) {
    span_copy(port, typed->port, sizeof typed->port);
    return port.size > 0;
}

/* --- forms --- */

int place_heaviest(const struct place *place, place_form *const *forms, size_t count,
                   struct typed *typed) {
    int best = 0;
    for (size_t i = 0; i < count; i++) {
        struct typed found = {0};
        int weight = forms[i](place, &found);
        if (weight > best) {
            best = weight;
            *typed = found;
        }
    }
    return best;
}
