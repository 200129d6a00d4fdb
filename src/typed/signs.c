/* No program is known by name: these are the words that programs and C libraries use. */
#include "typed/signs.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/errnames.h"
#include "typed/span.h"

/* --- the error --- */

static const struct message {
    const char *words;
    int error;
} messages[] = {
    {"address already in use", EADDRINUSE},
    {"address in use", EADDRINUSE},
    {"addrinuse", EADDRINUSE},
    {"addressinuse", EADDRINUSE},
    {"only one usage of each socket address", EADDRINUSE},
    {"assign requested address", EADDRNOTAVAIL},
    {"address not available", EADDRNOTAVAIL},
    {"address is not available", EADDRNOTAVAIL},
    {"addrnotavail", EADDRNOTAVAIL},
    {"address is not valid in its context", EADDRNOTAVAIL},
    {"no free ports", EADDRNOTAVAIL},
    {"permission denied", EACCES},
    {"forbidden by its access permissions", EACCES},
    {"privileged port", EACCES},
    {"network is unreachable", ENETUNREACH},
    {"network unreachable", ENETUNREACH},
    {"no route to host", EHOSTUNREACH},
    {"host is unreachable", EHOSTUNREACH},
    {"address family not supported", EAFNOSUPPORT},
    {"resource temporarily unavailable", EAGAIN},
    {"connection refused", ECONNREFUSED},
    {"connection timed out", ETIMEDOUT},
    {"i/o timeout", ETIMEDOUT},
    {"connection reset by peer", ECONNRESET},
    {"operation not permitted", EPERM},
    /* words of programs, after those of the C libraries */
    {"already allocated", EADDRINUSE},
    {"already in use", EADDRINUSE},
    {"already used", EADDRINUSE},
    {"already being used", EADDRINUSE},
    {"already bound", EADDRINUSE},
    {"already listen", EADDRINUSE},
    {"already listening", EADDRINUSE},
    {"already running", EADDRINUSE},
    {"already taken", EADDRINUSE},
    {"already active", EADDRINUSE},
    {"used by another", EADDRINUSE},
    {"conflicts with an existing", EADDRINUSE},
    {"in use", EADDRINUSE},
    {"wird bereits verwendet", EADDRINUSE},
    {"bereits belegt", EADDRINUSE},
    {"déjà utilisé", EADDRINUSE},
    {"déjà occupé", EADDRINUSE},
    {"en cours d'utilisation", EADDRINUSE},
    {"en uso", EADDRINUSE},
    {"siendo utilizado", EADDRINUSE},
    {"sendo usada", EADDRINUSE},
    {"sendo usado", EADDRINUSE},
    {"in Benutzung", EADDRINUSE},
    {"déjà pris", EADDRINUSE},
    {"occupied", EADDRINUSE},
    {"occupé", EADDRINUSE},
    {"occupata", EADDRINUSE},
    {"ocupada", EADDRINUSE},
    {"zajęty", EADDRINUSE},
    {"upptagen", EADDRINUSE},
    {"kullanımda", EADDRINUSE},
    {"được sử dụng", EADDRINUSE},
    {"被佔用", EADDRINUSE},
    {"使われて", EADDRINUSE},
    {"siendo usado", EADDRINUSE},
    {"ocupado", EADDRINUSE},
    {"em uso", EADDRINUSE},
    {"in uso", EADDRINUSE},
    {"al in gebruik", EADDRINUSE},
    {"används redan", EADDRINUSE},
    {"被占用", EADDRINUSE},
    {"已占用", EADDRINUSE},
    {"被使用", EADDRINUSE},
    {"使用中", EADDRINUSE},
    {"使用されて", EADDRINUSE},
    {"사용 중", EADDRINUSE},
    {"사용중", EADDRINUSE},
    {"уже используется", EADDRINUSE},
    {"уже занят", EADDRINUSE},
};

/* The messages of glibc 2.36 in its languages (musl has none), with quotes as typed_text.c leaves
 * them. */
static const struct translation {
    const char *in_use, *not_available, *denied;
} translations[] = {
    {"Адресът вече се използва", "Недостъпен адрес на гнездо (socket)", "Отказан достъп"},
    {"adreça ja és en ús", "ha pogut assignar l\"adreça", "ha denegat el permís"},
    {"Adresa je užívána", "Požadovanou adresu nelze přiřadit", "Operace zamítnuta"},
    {"Adressen er allerede i brug", "Kan ikke tildele den ønskede adresse", "Adgang nægtet"},
    {"Die Adresse wird bereits verwendet", "Die angeforderte Adresse kann nicht zugewiesen werden",
     "Keine Berechtigung"},
    {"Die Adresse wird bereits benutzt", "Kann die angeforderte Adresse nicht zuweisen",
     "Keine Berechtigung"},
    {"Η διεύθυνση υποδοχής είναι ήδη σε χρήση",
     "Δεν είναι δυνατή η εκχώρηση της ζητηθήσας διεύθυνσης", "Άρνηση πρόσβασης"},
    {"Adreso jam uziĝas", "Ne eblas asigni petatan adreson", "Mankas permeso"},
    {"La dirección ya se está usando", "No se puede asignar la dirección solicitada",
     "Permiso denegado"},
    {"Osoite on jo käytössä", "Pyydettyä osoitetta ei voi asettaa", "Lupa evätty"},
    {"Adresse déjà utilisée", "Ne peut attribuer l'adresse demandée", "Permission non accordée"},
    {"Estase usando o enderezo", "Non se pode asigna-lo enderezo pedido", "Permiso denegado"},
    {"Adrese se već koriste", "Nije moguće dodijeliti zatraženu adresu", "Pristup je odbijen"},
    {"A cím már használatban van", "Nem sikerült a kért címet hozzárendelni",
     "Engedély megtagadva"},
    {"Alamat telah digunakan", "Tidak dapat menempatkan permintaan alamat", "Ijin ditolak"},
    {"Indirizzo già in uso", "Impossibile assegnare l'indirizzo richiesto", "Permesso negato"},
    {"アドレスは既に使用中です", "要求アドレスに割り当てられません", "許可がありません"},
    {"주소가 이미 사용 중입니다", "요청한 주소를 배정할 수 없습니다", "허가 거부"},
    {"Adresas jau naudojamas", "Nepavyko priskirti prašomo adreso", NULL},
    {"Adressen er allerede i bruk", "Kan ikke benytte den ønskede adressen", "Ikke tilgang"},
    {"Adres is al in gebruik", "Kan verzochte adres niet toewijzen", "Toegang geweigerd"},
    {"Adres jest już w użyciu", "Nie można przypisać żądanego adresu", "Brak dostępu"},
    {"Endereço já em uso", "Impossível atribuir o endereço pedido", "Permissão recusada"},
    {"Endereço já em uso", "Não foi possível acessar o endereço requisitado", "Permissão negada"},
    {"Адрес уже используется", "Невозможно назначить запрошенный адрес", "Отказано в доступе"},
    {"Adresa je používaná", "Priradenie požadovanej adresy nie je možné", "Prístup odmietnutý"},
    {"Naslov je že v rabi", "Zahtevanega naslova ni mogoče dodeliti", NULL},
    {"Адреса је већ у употреби", "Не могу да доделим захтевану адресу", "Овлашћење је одбијено"},
    {"Adressen redan upptagen", "Kan inte tilldela begärd adress", "Åtkomst nekas"},
    {"Adres zaten kullanımda", "İstenen adres bulunamıyor", "Erişim engellendi"},
    {"Адресу вже використано", "Не вдалося призначити вказану адресу", "Відмовлено у доступі"},
    {"Địa chỉ đang được dùng", "Không thể gán địa chỉ đã yêu cầu", "Không đủ quyền truy cập"},
    {"地址已在使用", "无法指定被请求的地址", "权限不够"},
    {"位址已經有在使用", "無法指定所需的位址", "拒絕不符權限的操作"},
};

/* The errno that is named in the text, as EADDRINUSE or in lower case as Erlang does it. */
static int named_error(const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        char name[ERRNAME_SIZE];
        size_t size = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
        if (size == 0)
            continue;
        if ((*at == 'E' || *at == 'e') && size > 3 && size < sizeof name) {
            span_copy(span_of(at, size), name, sizeof name);
            for (char *c = name; *c != '\0'; c++)
                *c = (char)toupper((unsigned char)*c);
            bool as_written = strncmp(name, at, size) == 0 || islower((unsigned char)at[1]);
            if (as_written && errname_number(name) != 0)
                return errname_number(name);
        }
        at += size - 1;
    }
    return 0;
}

static int translated_error(const char *line) {
    for (size_t i = 0; i < sizeof translations / sizeof translations[0]; i++) {
        const struct translation *row = &translations[i];
        if (strcasestr(line, row->in_use) != NULL)
            return EADDRINUSE;
        if (strcasestr(line, row->not_available) != NULL)
            return EADDRNOTAVAIL;
        if (row->denied != NULL && strcasestr(line, row->denied) != NULL)
            return EACCES;
    }
    return 0;
}

int signs_numbered(long number) {
    switch (labs(number)) {
    case 98:
    case 48:
    case 10048:
        return EADDRINUSE;
    case 99:
    case 49:
    case 10049:
        return EADDRNOTAVAIL;
    case 13:
    case 10013:
        return EACCES;
    case 111:
    case 61:
    case 10061:
        return ECONNREFUSED;
    default:
        return 0;
    }
}

/* `errno 98`, `[Errno 98]`, `errno: -98`, `os error 98`, `error code 98`, `SocketException (98)`,
 * `[system:98]` of std::error_code. */
static int numbered_error(const char *line) {
    static const char *const words[] = {"errno",           "os error", "error",
                                        "SocketException", "code:",    "system:"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *at = strcasestr(line, words[i]);
        if (at == NULL)
            continue;
        at += strlen(words[i]);
        at += strspn(at, " =:([\"");
        size_t sign = *at == '-';
        size_t digits = strspn(at + sign, "0123456789");
        if (digits > 0 && digits < 6 && !isalnum((unsigned char)at[sign + digits]) &&
            signs_numbered(strtol(at, NULL, 10)) != 0)
            return signs_numbered(strtol(at, NULL, 10));
    }
    return 0;
}

/* --- failures --- */

static bool has_one(const char *line, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcasestr(line, words[i]) != NULL)
            return true;
    return false;
}

#define HAS_ONE(line, words) has_one(line, words, sizeof(words) / sizeof(words)[0])

static bool names_call(const char *line) {
    static const char *const calls[] = {"bind", "listen", "connect"};
    return HAS_ONE(line, calls);
}

/* Whether something could not be bound, in words that name no errno. */
static bool tells_of_failure(const char *line) {
    static const char *const fails[] = {"fail",        "cannot",           "can't",
                                        "can not",     "couldn't",         "could not",
                                        "unable to",   "not start",        "not listen",
                                        "no acceptor", "another instance", "already running",
                                        "try another", "problem"};
    static const char *const calls[] = {"bind", "listen",  "bound",     "socket",
                                        "port", "connect", "end point", "endpoint"};
    return HAS_ONE(line, fails) && HAS_ONE(line, calls);
}

/* A number alone, in a line about a failure: `Can't connect to ... (99)`, `bind failed: 98`,
 * `listen(...) -> -98`, `rc=-98`. */
static int lone_number_error(const char *line) {
    static const char *const before[] = {
        "(", "failed ", "failed: ", "-> ", "rc=", "ret=", "err=", "code ", "err "};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++)
        for (const char *at = line; (at = strcasestr(at, before[i])) != NULL;) {
            at += strlen(before[i]);
            size_t sign = *at == '-', digits = strspn(at + sign, "0123456789");
            bool ends = strchr(i == 0 ? "):" : " ,;.)\n\r", at[sign + digits]) != NULL;
            bool whole = i > 0 || at[sign + digits] != '\0';
            bool call = i == 0 ? tells_of_failure(line) : names_call(line);
            if (digits > 1 && digits < 6 && ends && whole && call &&
                signs_numbered(strtol(at, NULL, 10)) != 0)
                return signs_numbered(strtol(at, NULL, 10));
        }
    return 0;
}

int signs_error(const char *line) {
    int error = named_error(line);
    for (size_t i = 0; error == 0 && i < sizeof messages / sizeof messages[0]; i++)
        if (span_has_words(line, messages[i].words))
            error = messages[i].error;
    if (error == 0)
        error = translated_error(line);
    if (error == 0)
        error = numbered_error(line);
    if (error == 0 && strcasestr(line, "connection") != NULL && span_has_words(line, "refused"))
        error = ECONNREFUSED;
    return error != 0 ? error : lone_number_error(line);
}

/* A frame of a stack trace: `   at System.Net.Sockets.Socket.DoBind(EndPoint address)`. */
static bool is_frame(const char *line) {
    const char *at = line + strspn(line, " \t");
    return strncmp(at, "at ", 3) == 0 && strchr(at, '(') != NULL;
}

int signs_failure(const char *line) {
    switch (signs_error(line)) {
    case EADDRINUSE:
    case EADDRNOTAVAIL:
        return 45;
    case 0:
        return tells_of_failure(line) && !is_frame(line) ? 30 : 0;
    case EACCES:
    case EPERM:
        return tells_of_failure(line) || strcasestr(line, "bind") != NULL ||
                       strcasestr(line, "listen") != NULL
                   ? 40
                   : 15;
    default:
        return 20;
    }
}

bool signs_starts(const char *line) {
    static const char *const words[] = {"listen",  "bind",    "starting", "started",
                                        "serving", "running", "server",   "serve ",
                                        "bound",   "opening", "trying "};
    static const char *const others[] = {"connecting", "connected", "connection",
                                         "upstream",   "database",  "backend"};
    return strcasestr(line, "listening for") != NULL ||
           (HAS_ONE(line, words) && !HAS_ONE(line, others));
}

/* --- bind() or connect() --- */

static const struct role_words {
    const char *words;
    enum signs_role role;
} roles[] = {
    {"bind", SIGNS_BIND},           {"bound", SIGNS_BIND},     {"listen", SIGNS_BIND},
    {"in use", SIGNS_BIND},         {"allocated", SIGNS_BIND}, {"make_sock", SIGNS_BIND},
    {"accept", SIGNS_BIND},         {"expos", SIGNS_BIND},     {"LISTEN", SIGNS_BIND},
    {"connect", SIGNS_CONNECT},     {"dial", SIGNS_CONNECT},   {"upstream", SIGNS_CONNECT},
    {"HttpRequest", SIGNS_CONNECT}, {"reach", SIGNS_CONNECT},
};

/* Returns where the words are next in the line; a connector of Tomcat connects nothing. */
static const char *next_words(const char *line, const char *words) {
    const char *at = strcasestr(line, words);
    while (at != NULL &&
           (strncasecmp(at, "connector", 9) == 0 || strncasecmp(at, "connectivity", 12) == 0))
        at = strcasestr(at + 1, words);
    return at;
}

/* Returns the role of the last words that begin before `end`, or after `start` the first ones. */
static enum signs_role role_before(const char *line, const char *end) {
    enum signs_role role = SIGNS_NO_ROLE;
    const char *last = NULL;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        for (const char *at = line; (at = next_words(at, roles[i].words)) != NULL && at < end; at++)
            if (last == NULL || at > last) {
                last = at;
                role = roles[i].role;
            }
    return role;
}

static enum signs_role role_behind(const char *start) {
    enum signs_role role = SIGNS_NO_ROLE;
    const char *first = NULL;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        const char *at = next_words(start, roles[i].words);
        if (at != NULL && (first == NULL || at < first)) {
            first = at;
            role = roles[i].role;
        }
    }
    return role;
}

/* Returns whether a colon stands between the word `connect` and `end`: `exited while connecting to
 * the monitor: -vnc :0: Address already in use`. */
static bool is_of_clause_before(const char *line, const char *end) {
    const char *last = NULL;
    for (const char *at = line; (at = next_words(at, "connect")) != NULL && at < end; at++)
        last = at;
    return last != NULL && memmem(last, (size_t)(end - last), ": ", 2) != NULL;
}

enum signs_role signs_role(const char *line, const char *at) {
    const char *dial = strcasestr(line, "dial ");
    if (dial != NULL && dial < at) /* Go: `dial tcp LOCAL->REMOTE: bind: ...` */
        return SIGNS_CONNECT;
    if (strcasestr(line, "source address") != NULL) /* a client binds it */
        return SIGNS_CONNECT;
    enum signs_role role = role_before(line, at);
    if (role == SIGNS_CONNECT && signs_error(line) == EADDRINUSE && is_of_clause_before(line, at))
        role = role_behind(at);
    return role != SIGNS_NO_ROLE ? role : role_behind(at);
}
