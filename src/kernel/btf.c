/* A type is a head of three words, and what follows it depends on its kind: <linux/btf.h> has the
 * layout, and older headers lack the later kinds. Nothing in the file is trusted: each type is
 * checked to lie inside it, once. */
#include "kernel/btf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char btf_of_kernel[] = "/sys/kernel/btf/vmlinux";

enum { KINDS = 20, MOST_BYTES = 64 * 1024 * 1024, MOST_DEPTH = 16, MOST_MEMBERS = 10000 };

/* What follows the head: `fixed` bytes, and `each` for each of the members. */
static const struct {
    uint8_t fixed, each;
} kinds[KINDS] = {
    [BTF_KIND_INT] = {4, 0},    [BTF_KIND_ARRAY] = {12, 0},   [BTF_KIND_STRUCT] = {0, 12},
    [BTF_KIND_UNION] = {0, 12}, [BTF_KIND_ENUM] = {0, 8},     [13 /* FUNC_PROTO */] = {0, 8},
    [14 /* VAR */] = {4, 0},    [15 /* DATASEC */] = {0, 12}, [17 /* DECL_TAG */] = {4, 0},
    [19 /* ENUM64 */] = {0, 12}};

static unsigned kind_of(const struct btf_type *type) {
    return type->info >> 24 & 0x1f;
}

static unsigned count_of(const struct btf_type *type) {
    return type->info & 0xffff;
}

/* --- reading --- */

static const struct btf_type *type_at(const struct btf *btf, uint32_t number) {
    return number == 0 || number > btf->count
               ? NULL
               : (const struct btf_type *)(const void *)(btf->bytes + btf->types[number]);
}

static const char *name_at(const struct btf *btf, uint32_t offset) {
    return offset < btf->names_size ? btf->names + offset : "";
}

/* Returns 0 or an errno. The size that a file of sysfs has is not relied on. */
static int read_all(struct btf *btf, const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC), error = file < 0 ? errno : 0;
    size_t room = 0;
    while (error == 0) {
        if (btf->size == room) {
            room = room == 0 ? (size_t)8 * 1024 * 1024 : 2 * room;
            char *grown = room > MOST_BYTES ? NULL : realloc(btf->bytes, room);
            if (grown == NULL) {
                error = ENOMEM;
                break;
            }
            btf->bytes = grown;
        }
        ssize_t got = read(file, btf->bytes + btf->size, room - btf->size);
        if (got == 0)
            break;
        if (got > 0)
            btf->size += (size_t)got;
        else if (errno != EINTR)
            error = errno;
    }
    if (file >= 0)
        close(file);
    return error;
}

/* Notes where each type begins. Returns 0 or an errno. */
static int find_types(struct btf *btf, size_t at, size_t end) {
    size_t room = 0;
    while (at < end) {
        const struct btf_type *type = (const void *)(btf->bytes + at);
        if (end - at < sizeof *type || kind_of(type) >= KINDS)
            return EBADMSG;
        size_t size = sizeof *type + kinds[kind_of(type)].fixed +
                      (size_t)kinds[kind_of(type)].each * count_of(type);
        if (end - at < size)
            return EBADMSG;
        if (btf->count + 1 >= room) {
            room = room == 0 ? 1U << 17 : 2 * room;
            uint32_t *grown = realloc(btf->types, room * sizeof *grown);
            if (grown == NULL)
                return ENOMEM;
            btf->types = grown;
        }
        btf->types[++btf->count] = (uint32_t)at;
        at += size;
    }
    return 0;
}

static int read_types(struct btf *btf) {
    const struct btf_header *head = (const void *)btf->bytes;
    if (btf->size < sizeof *head || head->magic != BTF_MAGIC || head->version != BTF_VERSION)
        return EBADMSG;
    size_t types = (size_t)head->hdr_len + head->type_off;
    size_t names = (size_t)head->hdr_len + head->str_off;
    if (types % 4 != 0 || types > btf->size || head->type_len > btf->size - types ||
        names > btf->size || head->str_len > btf->size - names || head->str_len == 0 ||
        btf->bytes[names + head->str_len - 1] != '\0')
        return EBADMSG;
    btf->names = btf->bytes + names;
    btf->names_size = head->str_len;
    return find_types(btf, types, types + head->type_len);
}

int btf_open(struct btf *btf, const char *path) {
    int error = read_all(btf, path);
    if (error == 0)
        error = read_types(btf);
    if (error != 0)
        btf_close(btf);
    return error;
}

void btf_close(struct btf *btf) {
    free(btf->bytes);
    free(btf->types);
    *btf = (struct btf){0};
}

/* --- members --- */

/* Returns the type behind typedef, const, volatile and the like. */
static const struct btf_type *plain(const struct btf *btf, uint32_t number) {
    const struct btf_type *type = type_at(btf, number);
    for (unsigned depth = 0; type != NULL && depth < MOST_DEPTH; depth++) {
        switch (kind_of(type)) {
        case BTF_KIND_TYPEDEF:
        case BTF_KIND_VOLATILE:
        case BTF_KIND_CONST:
        case BTF_KIND_RESTRICT:
        case 18: /* TYPE_TAG */
            type = type_at(btf, type->type);
            break;
        default:
            return type;
        }
    }
    return NULL;
}

static bool is_struct(const struct btf_type *type) {
    return kind_of(type) == BTF_KIND_STRUCT || kind_of(type) == BTF_KIND_UNION;
}

static uint32_t bits_of(const struct btf_type *type) {
    switch (kind_of(type)) {
    case BTF_KIND_PTR:
        return 64; /* of a 64-bit kernel */
    case BTF_KIND_INT:
    case BTF_KIND_ENUM:
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
        return 8 * type->size;
    default:
        return 0;
    }
}

/* A member that is searched: the first `size` bytes of `name`. Types that contain each other
 * without names could be walked for ever: `left` is how many members may still be looked at. */
struct wanted {
    const struct btf *btf;
    const char *name;
    size_t size;
    unsigned left;
};

/* Finds the member; `*type` is then its type. */
static bool find_member(struct wanted *wanted, const struct btf_type **type,
                        struct btf_place *place, unsigned depth) {
    const struct btf_type *around = *type;
    const struct btf_member *members = (const void *)(around + 1);
    bool has_sizes = around->info >> 31 != 0;
    for (unsigned i = 0; i < count_of(around) && wanted->left > 0; i++) {
        const char *own = name_at(wanted->btf, members[i].name_off);
        const struct btf_type *inner = plain(wanted->btf, members[i].type);
        uint32_t bit = has_sizes ? members[i].offset & 0xffffff : members[i].offset;
        uint32_t bits = has_sizes ? members[i].offset >> 24 : 0;
        struct btf_place start = {place->bit + bit, 0};
        wanted->left--;
        if (inner == NULL)
            continue;
        if (strncmp(own, wanted->name, wanted->size) == 0 && own[wanted->size] == '\0') {
            *type = inner;
            *place = (struct btf_place){start.bit, bits != 0 ? bits : bits_of(inner)};
            return true;
        }
        if (own[0] == '\0' && is_struct(inner) && depth < MOST_DEPTH &&
            find_member(wanted, &inner, &start, depth + 1)) {
            *type = inner;
            *place = start;
            return true;
        }
    }
    return false;
}

static const struct btf_type *find_struct(const struct btf *btf, const char *name) {
    for (uint32_t i = 1; i <= btf->count; i++) {
        const struct btf_type *type = type_at(btf, i);
        if (kind_of(type) == BTF_KIND_STRUCT && strcmp(name_at(btf, type->name_off), name) == 0)
            return type;
    }
    return NULL;
}

bool btf_find(const struct btf *btf, const char *type, const char *member,
              struct btf_place *place) {
    const struct btf_type *at = find_struct(btf, type);
    *place = (struct btf_place){0};
    while (at != NULL && is_struct(at)) {
        size_t size = strcspn(member, ".");
        struct wanted wanted = {btf, member, size, MOST_MEMBERS};
        if (!find_member(&wanted, &at, place, 0))
            return false;
        if (member[size] == '\0')
            return place->bits != 0;
        member += size + 1;
    }
    return false;
}

uint32_t btf_function(const struct btf *btf, const char *name) {
    for (uint32_t i = 1; i <= btf->count; i++) {
        const struct btf_type *type = type_at(btf, i);
        if (kind_of(type) == 12 /* FUNC */ && strcmp(name_at(btf, type->name_off), name) == 0)
            return i;
    }
    return 0;
}
