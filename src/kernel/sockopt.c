#include "kernel/sockopt.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/errnames.h"
#include "base/text.h"
#include "base/units.h"
#include "kernel/uapi.h"

static const struct sockopt table[] = {
    {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, SOCKOPT_NUMBER, false},
    {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, SOCKOPT_NUMBER, false},
    {"SO_LINGER", SOL_SOCKET, SO_LINGER, SOCKOPT_LINGER, false},
    {"SO_BINDTODEVICE", SOL_SOCKET, SO_BINDTODEVICE, SOCKOPT_DEVICE, false},
    {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, SOCKOPT_NUMBER, false},
    {"SO_RCVTIMEO", SOL_SOCKET, SO_RCVTIMEO, SOCKOPT_DURATION, false},
    {"SO_SNDTIMEO", SOL_SOCKET, SO_SNDTIMEO, SOCKOPT_DURATION, false},
    {"SO_MARK", SOL_SOCKET, SO_MARK, SOCKOPT_NUMBER, false},
    {"SO_INCOMING_CPU", SOL_SOCKET, SO_INCOMING_CPU, SOCKOPT_NUMBER, false},
    {"SO_ERROR", SOL_SOCKET, SO_ERROR, SOCKOPT_ERROR, true},
    {"SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN, SOCKOPT_NUMBER, true},
    {"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY, SOCKOPT_NUMBER, false},
    {"IPV6_FREEBIND", IPPROTO_IPV6, IPV6_FREEBIND, SOCKOPT_NUMBER, false},
    {"IPV6_TRANSPARENT", IPPROTO_IPV6, IPV6_TRANSPARENT, SOCKOPT_NUMBER, false},
    {"IP_FREEBIND", IPPROTO_IP, IP_FREEBIND, SOCKOPT_NUMBER, false},
    {"IP_TRANSPARENT", IPPROTO_IP, IP_TRANSPARENT, SOCKOPT_NUMBER, false},
    {"IP_BIND_ADDRESS_NO_PORT", IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, SOCKOPT_NUMBER, false},
    {"IP_LOCAL_PORT_RANGE", IPPROTO_IP, IP_LOCAL_PORT_RANGE, SOCKOPT_PORTS, false},
    {"TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, SOCKOPT_NUMBER, false},
    {"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, SOCKOPT_NUMBER, false},
    {"TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, SOCKOPT_NUMBER, false},
    {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, SOCKOPT_NUMBER, false},
    {"TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN, SOCKOPT_NUMBER, false},
    {"TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, SOCKOPT_NUMBER, false},
    {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, SOCKOPT_NUMBER, false},
    {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, SOCKOPT_NUMBER, false},
    {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, SOCKOPT_NUMBER, false},
    {"TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, SOCKOPT_NUMBER, false},
    {"TCP_FASTOPEN_CONNECT", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, SOCKOPT_NUMBER, false},
    {"TCP_FASTOPEN_NO_COOKIE", IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, SOCKOPT_NUMBER, false},
};

enum { ROWS = sizeof table / sizeof table[0] };

const struct sockopt *sockopt_named(const char *name) {
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

const char *sockopt_near(const char *name) {
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; i < ROWS; i++)
        suggest_offer(&nearest, table[i].name);
    return nearest.word;
}

static const char *parse_number(const char *text, struct sockopt_value *value) {
    value->number = 1;
    if (text != NULL && !units_number(text, INT_MIN, INT_MAX, &value->number))
        return "not a whole number";
    return NULL;
}

static const char *parse_linger(const char *text, struct sockopt_value *value) {
    value->off = text != NULL && strcmp(text, "off") == 0;
    if (value->off)
        return NULL;
    value->number = 1;
    if (text != NULL && !units_number(text, 0, INT_MAX, &value->number))
        return "neither a number of seconds nor 'off'";
    return NULL;
}

static const char *parse_duration(const char *text, struct sockopt_value *value) {
    uint64_t ns;
    if (text == NULL)
        return "needs a time, as in SO_RCVTIMEO=200ms";
    if (!units_duration(text, &ns))
        return "not a time such as 200ms or 3s";
    if (ns % NS_PER_US != 0)
        return "the kernel only accepts whole microseconds";
    value->number = (int64_t)ns;
    return NULL;
}

static const char *parse_device(const char *text, struct sockopt_value *value) {
    if (text == NULL)
        return "needs a device, as in SO_BINDTODEVICE=lo";
    if (strlen(text) >= sizeof value->text)
        return "too long for the name of a network device";
    snprintf(value->text, sizeof value->text, "%s", text);
    return NULL;
}

static const char *parse_ports(const char *text, struct sockopt_value *value) {
    static const char wrong[] = "not a range of ports such as 40000-40099";
    int64_t low, high;
    char first[8];
    const char *dash = text == NULL ? NULL : strchr(text, '-');
    if (text == NULL)
        return "needs a range of ports, as in IP_LOCAL_PORT_RANGE=40000-40099";
    if (dash == NULL || (size_t)(dash - text) >= sizeof first)
        return wrong;
    snprintf(first, sizeof first, "%.*s", (int)(dash - text), text);
    if (!units_number(first, 0, UINT16_MAX, &low) || !units_number(dash + 1, 0, UINT16_MAX, &high))
        return wrong;
    value->low = (uint16_t)low;
    value->high = (uint16_t)high;
    return NULL;
}

const char *sockopt_parse(const struct sockopt *option, const char *text,
                          struct sockopt_value *value) {
    *value = (struct sockopt_value){.kind = option->kind};
    switch (option->kind) {
    case SOCKOPT_NUMBER:
        return parse_number(text, value);
    case SOCKOPT_LINGER:
        return parse_linger(text, value);
    case SOCKOPT_DURATION:
        return parse_duration(text, value);
    case SOCKOPT_DEVICE:
        return parse_device(text, value);
    case SOCKOPT_PORTS:
        return parse_ports(text, value);
    case SOCKOPT_ERROR:
        value->number = text == NULL ? 0 : errname_number(text);
        return value->number == 0 && (text == NULL || strcmp(text, "0") != 0)
                   ? "neither an errno by name nor 0"
                   : NULL;
    }
    return "an option of an unknown kind";
}

const char *sockopt_text(const struct sockopt_value *value, char *text) {
    if (value->kind == SOCKOPT_DURATION)
        units_duration_text((uint64_t)value->number, text);
    else if (value->kind == SOCKOPT_DEVICE)
        snprintf(text, SOCKOPT_TEXT_SIZE, "%s", value->text);
    else if (value->kind == SOCKOPT_PORTS)
        snprintf(text, SOCKOPT_TEXT_SIZE, "%u-%u", value->low, value->high);
    else if (value->kind == SOCKOPT_ERROR && value->number != 0)
        errname((int)value->number, text);
    else if (value->off)
        snprintf(text, SOCKOPT_TEXT_SIZE, "off");
    else
        snprintf(text, SOCKOPT_TEXT_SIZE, "%lld", (long long)value->number);
    return text;
}

int sockopt_set(int socket, const struct sockopt *option, const struct sockopt_value *value) {
    int number = (int)value->number;
    uint32_t ports = (uint32_t)value->high << 16 | value->low;
    struct linger linger = {.l_onoff = !value->off, .l_linger = value->off ? 0 : number};
    struct timeval time = {.tv_sec = (time_t)(value->number / NS_PER_S),
                           .tv_usec = (suseconds_t)(value->number % NS_PER_S / NS_PER_US)};
    const void *data = &number;
    socklen_t size = sizeof number;
    if (option->kind == SOCKOPT_LINGER) {
        data = &linger;
        size = sizeof linger;
    } else if (option->kind == SOCKOPT_DURATION) {
        data = &time;
        size = sizeof time;
    } else if (option->kind == SOCKOPT_DEVICE) {
        data = value->text;
        size = (socklen_t)strlen(value->text);
    } else if (option->kind == SOCKOPT_PORTS) {
        data = &ports;
        size = sizeof ports;
    }
    return setsockopt(socket, option->level, option->number, data, size) < 0 ? errno : 0;
}

int sockopt_get(int socket, const struct sockopt *option, struct sockopt_value *value) {
    *value = (struct sockopt_value){.kind = option->kind};
    union {
        int number;
        struct linger linger;
        struct timeval time;
        char device[IFNAMSIZ];
        uint32_t ports;
    } data = {0};
    socklen_t size = sizeof data;
    if (getsockopt(socket, option->level, option->number, &data, &size) < 0)
        return errno;
    switch (option->kind) {
    case SOCKOPT_NUMBER:
    case SOCKOPT_ERROR:
        value->number = data.number;
        break;
    case SOCKOPT_LINGER:
        value->off = data.linger.l_onoff == 0;
        value->number = value->off ? 0 : data.linger.l_linger;
        break;
    case SOCKOPT_DURATION:
        value->number = (int64_t)data.time.tv_sec * NS_PER_S + data.time.tv_usec * NS_PER_US;
        break;
    case SOCKOPT_DEVICE:
        snprintf(value->text, sizeof value->text, "%s", data.device);
        break;
    case SOCKOPT_PORTS:
        value->low = (uint16_t)(data.ports & 0xffff);
        value->high = (uint16_t)(data.ports >> 16);
        break;
    }
    return 0;
}

int sockopt_get_int(int socket, int level, int number, int otherwise) {
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(socket, level, number, &value, &size) < 0 ? otherwise : value;
}

int sockopt_look_int(int socket, int level, int number, int otherwise, int *error) {
    errno = 0;
    int value = sockopt_get_int(socket, level, number, otherwise);
    if (*error == 0 && errno_is_shortage(errno))
        *error = errno;
    return value;
}
