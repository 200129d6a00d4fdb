/* Any text as what people type, paste and write: addresses, ports, times, versions, options, log
 * lines. What is understood and written again must be understood as the same. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/endpoint.h"
#include "base/errnames.h"
#include "base/ports.h"
#include "base/text.h"
#include "base/units.h"
#include "kernel/sockopt.h"
#include "model/socket.h"
#include "report/matrix/matrix.h"
#include "require.h"
#include "typed/text.h"
#include "typed/word.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- addresses --- */

static void read_endpoint(const char *text) {
    struct endpoint_pattern pattern, again;
    const char *at = NULL;
    char written[ENDPOINT_TEXT_SIZE];
    const char *wrong = endpoint_parse(text, &pattern, &at);
    if (wrong != NULL) {
        require(at >= text && at <= text + strlen(text));
        return;
    }
    if (pattern.any_address)
        return;
    if (pattern.any_port)
        endpoint_text_any_port(&pattern.endpoint, written);
    else
        endpoint_text(&pattern.endpoint, written);
    require(endpoint_parse(written, &again, &at) == NULL &&
            endpoint_equal(&again.endpoint, &pattern.endpoint) &&
            again.any_port == pattern.any_port);
    struct endpoint unmapped = endpoint_unmapped(&pattern.endpoint);
    require(endpoint_matches(&pattern, &pattern.endpoint) &&
            endpoint_same_address(&unmapped, &pattern.endpoint));
}

static void read_network(const char *text) {
    struct endpoint address;
    unsigned bits;
    if (endpoint_parse_network(text, &address, &bits) == NULL)
        require(bits <= (address.family == AF_INET ? 32U : 128U));
}

static void check_typed(const struct typed *typed) {
    require(memchr(typed->host, '\0', sizeof typed->host) != NULL &&
            memchr(typed->port, '\0', sizeof typed->port) != NULL &&
            memchr(typed->path, '\0', sizeof typed->path) != NULL &&
            memchr(typed->note, '\0', sizeof typed->note) != NULL &&
            memchr(typed->also, '\0', sizeof typed->also) != NULL);
    require((typed->protocol == TYPED_UNIX) == (typed->path[0] != '\0') || typed->path[0] == '\0');
}

static void read_typed(const char *text) {
    struct typed typed = {0};
    char error[TYPED_ERROR_SIZE];
    if (typed_word(text, &typed, error) == NULL)
        check_typed(&typed);
    typed = (struct typed){0};
    if (typed_words(text, &typed))
        check_typed(&typed);
    typed = (struct typed){0};
    if (typed_text(text, &typed))
        check_typed(&typed);
}

/* --- ports --- */

static void read_ports(const char *text) {
    struct port_set set = {0}, again = {0};
    uint16_t low, high;
    char *written = NULL;
    size_t size = 0;
    port_range_parse_own(text, &low, &high);
    if (!port_set_parse(text, &set))
        return;
    FILE *out = open_memstream(&written, &size);
    if (out == NULL)
        abort();
    port_set_print(&set, out);
    fclose(out);
    require(!port_set_any(&set) || port_set_parse(written, &again));
    require(memcmp(&set, &again, sizeof set) == 0);
    struct port_range range = port_range(40000, 40099, &set);
    require(port_range_size(&range) <= 100);
    free(written);
}

/* --- numbers, times, versions --- */

static void read_units(const char *text) {
    int64_t number;
    uint64_t ns, again;
    struct kernel_release release;
    char written[UNITS_DURATION_SIZE];
    if (units_number(text, -5, 70000, &number))
        require(number >= -5 && number <= 70000);
    if (units_duration(text, &ns))
        require(units_duration(units_duration_text(ns, written), &again) && again <= ns);
    const char *split = units_range_split(text);
    require(split == NULL || (split >= text && split <= text + strlen(text)));
    release_parse(text, false, &release);
    release_parse(text, true, &release);
}

/* --- names --- */

static void read_option(const char *text) {
    static const char *const names[] = {"SO_REUSEADDR",    "SO_LINGER",           "SO_RCVTIMEO",
                                        "SO_BINDTODEVICE", "IP_LOCAL_PORT_RANGE", "SO_ERROR"};
    struct sockopt_value value, again;
    char written[SOCKOPT_TEXT_SIZE];
    sockopt_near(text);
    sockopt_named(text);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct sockopt *option = sockopt_named(names[i]);
        require(option != NULL);
        if (sockopt_parse(option, text, &value) != NULL)
            continue;
        require(sockopt_parse(option, sockopt_text(&value, written), &again) == NULL &&
                again.off == value.off && again.low == value.low && again.high == value.high);
    }
}

static void read_names(const char *text) {
    static matrix_ends ends;
    errname_near(text);
    errname_number(text);
    for (unsigned protocol = 0; protocol < PROTOCOL_COUNT; protocol++) {
        socket_states((enum protocol)protocol, text);
        socket_state_near((enum protocol)protocol, text);
    }
    matrix_choose_ends(text, MATRIX_FIRSTS, ends);
    matrix_choose_ends(text, MATRIX_ADDRESSES, ends);
}

/* What is printed can do no harm: no control character but those that stand for themselves. */
static void print_safely(const char *text, size_t size) {
    char *written = NULL;
    size_t length = 0, width = utf8_width(text, size), at = 0;
    uint32_t code;
    FILE *out = open_memstream(&written, &length);
    if (out == NULL)
        abort();
    utf8_print(out, text, size);
    fclose(out);
    while (at < length) {
        at += utf8_next(written + at, length - at, &code);
        require(code != UTF8_INVALID && code >= ' ' && code != 0x7f && !utf8_deceives(code));
    }
    require(utf8_width(written, length) == width);
    require(utf8_cut(text, size / 2) <= size / 2);
    free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { READERS = 7 };
    if (size == 0)
        return 0;
    char *text = malloc(size);
    if (text == NULL)
        abort();
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % READERS) {
    case 0:
        read_endpoint(text);
        read_network(text);
        break;
    case 1:
    case 2:
        read_typed(text);
        break;
    case 3:
        read_ports(text);
        break;
    case 4:
        read_units(text);
        break;
    case 5:
        read_option(text);
        read_names(text);
        break;
    default:
        print_safely(text, size - 1);
        break;
    }
    free(text);
    return 0;
}
