/* The path is walked name by name, each relative to an open directory, so that nobody can exchange
 * a part of it between the look and the use. The new file is made without a name (O_TMPFILE), or
 * where that cannot be, beside the old one under a name of its own. It gets the old one's owner,
 * mode and extended attributes (ACL and label are such), then a name, and is renamed. */
#include "cmd/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/units.h"

/* --- the path --- */

enum { LINKS_MOST = 40 }; /* as in the kernel */

/* Returns whether the rule of fs.protected_symlinks lets us follow a link in this directory. */
static bool may_follow(int directory, const struct stat *link) {
    struct stat around;
    if (fstat(directory, &around) < 0)
        return false;
    bool anybody = (around.st_mode & (S_ISVTX | S_IWOTH)) == (S_ISVTX | S_IWOTH);
    return !anybody || link->st_uid == geteuid() || link->st_uid == around.st_uid;
}

/* Puts the target of a link before the rest of the path. Returns 0 or an errno. */
static int follow(int directory, const char *name, char *rest) {
    char target[PATH_MAX], whole[PATH_MAX];
    ssize_t size = readlinkat(directory, name, target, sizeof target - 1);
    if (size < 0)
        return errno;
    target[size] = '\0';
    int length = snprintf(whole, sizeof whole, "%s%s%s", target, rest[0] == '\0' ? "" : "/", rest);
    if (size == 0 || (size_t)length >= sizeof whole)
        return size == 0 ? ENOENT : ENAMETOOLONG;
    memcpy(rest, whole, (size_t)length + 1);
    return 0;
}

/* Changes to another directory, by its name in the present one. Returns 0 or an errno. */
static int enter(struct replacement *found, const char *name) {
    int next = openat(found->directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0)
        return errno;
    close(found->directory);
    found->directory = next;
    return 0;
}

/* Starts at the root, or stays, and drops the slashes. Returns 0 or an errno. */
static int begin(struct replacement *found, char *rest) {
    size_t slashes = strspn(rest, "/");
    if (slashes == 0)
        return 0;
    memmove(rest, rest + slashes, strlen(rest + slashes) + 1);
    int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        return errno;
    close(found->directory);
    found->directory = top;
    return 0;
}

/* Takes the next name off the path. Returns 0 or an errno. */
static int take_name(char *rest, char name[NAME_MAX + 1]) {
    size_t size = strcspn(rest, "/"), slashes = strspn(rest + size, "/");
    if (size > NAME_MAX)
        return ENAMETOOLONG;
    memcpy(name, rest, size);
    name[size] = '\0';
    bool last = slashes == 0;
    memmove(rest, rest + size + slashes, strlen(rest + size + slashes) + 1);
    return !last && rest[0] == '\0' ? EISDIR : 0; /* `file/` */
}

/* Looks at one name. `*done`: it is that of the file. Returns 0 or an errno. */
static int walk(struct replacement *found, char *rest, unsigned *links, bool *done) {
    struct stat status;
    int error = take_name(rest, found->name);
    if (error != 0)
        return error;
    bool is_dots = strcmp(found->name, ".") == 0 || strcmp(found->name, "..") == 0;
    if (rest[0] == '\0' && is_dots)
        return EISDIR;
    if (fstatat(found->directory, found->name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        *done = errno == ENOENT && rest[0] == '\0';
        return *done ? 0 : errno;
    }
    if (S_ISLNK(status.st_mode)) {
        if (!may_follow(found->directory, &status))
            return EACCES;
        if (++*links > LINKS_MOST)
            return ELOOP;
        error = follow(found->directory, found->name, rest);
        return error != 0 ? error : begin(found, rest);
    }
    if (rest[0] != '\0')
        return enter(found, found->name);
    *done = found->exists = true;
    return S_ISDIR(status.st_mode) ? EISDIR : S_ISREG(status.st_mode) ? 0 : EINVAL;
}

int replace_find(const char *path, struct replacement *found) {
    char rest[PATH_MAX];
    unsigned links = 0;
    bool done = false;
    *found = (struct replacement){.directory = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (found->directory < 0)
        return errno;
    if (path[0] == '\0' || strlen(path) >= sizeof rest)
        return path[0] == '\0' ? ENOENT : ENAMETOOLONG;
    memcpy(rest, path, strlen(path) + 1);
    int error = begin(found, rest);
    while (error == 0 && !done)
        error = rest[0] == '\0' ? EISDIR : walk(found, rest, &links, &done);
    return error;
}

int replace_is_allowed(const struct replacement *file) {
    return faccessat(file->directory, ".", W_OK | X_OK, AT_EACCESS) < 0 ? errno : 0;
}

bool replace_same(const struct replacement *one, const struct replacement *other) {
    struct stat here, there;
    return strcmp(one->name, other->name) == 0 && fstat(one->directory, &here) == 0 &&
           fstat(other->directory, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

void replace_free(struct replacement *file) {
    if (file->directory >= 0)
        close(file->directory);
    file->directory = -1;
}

/* --- what a file has beside its bytes --- */

/* These belong to the bytes. */
static bool is_of_content(const char *name) {
    return strcmp(name, "security.ima") == 0 || strcmp(name, "security.evm") == 0 ||
           strcmp(name, "security.capability") == 0;
}

/* The names of the extended attributes, one after the other, each with its NUL. Returns their size,
 * 0 where the file system has none, or -1 with errno set. The caller frees `*names`. */
static ssize_t list_attributes(int file, char **names) {
    *names = NULL;
    for (int tries = 0; tries < 8; tries++) {
        ssize_t size = flistxattr(file, NULL, 0);
        if (size <= 0)
            return size < 0 && errno == ENOTSUP ? 0 : size;
        free(*names);
        *names = malloc((size_t)size);
        if (*names == NULL)
            return -1;
        size = flistxattr(file, *names, (size_t)size);
        if (size >= 0 || errno != ERANGE)
            return size;
    }
    return -1;
}

/* Gives the new file one attribute of the old one, unless it has it already. Returns 0 or an errno.
 */
static int copy_attribute(int old, int new, const char *name) {
    enum { MOST = 64 * 1024 }; /* XATTR_SIZE_MAX */
    char *values = malloc(2 * (size_t)MOST);
    if (values == NULL)
        return errno;
    ssize_t size = fgetxattr(old, name, values, MOST);
    int error = size < 0 ? errno : 0;
    if (error == 0) {
        ssize_t has = fgetxattr(new, name, values + MOST, MOST);
        bool same = has == size && memcmp(values, values + MOST, (size_t)size) == 0;
        if (!same && fsetxattr(new, name, values, (size_t)size, 0) < 0)
            error = errno;
    }
    free(values);
    return error == ENODATA ? 0 : error;
}

/* Returns 0, or an errno if the new file could not have what the old one has. */
static int copy_attributes(int old, int new) {
    char *names;
    ssize_t size = list_attributes(old, &names);
    int error = size < 0 ? errno : 0;
    bool has_acl = false;
    for (const char *name = names; error == 0 && size > 0 && name < names + size;
         name += strlen(name) + 1) {
        has_acl |= strcmp(name, "system.posix_acl_access") == 0;
        if (!is_of_content(name))
            error = copy_attribute(old, new, name);
    }
    free(names);
    /* The directory may have given it one. */
    if (error == 0 && !has_acl && fremovexattr(new, "system.posix_acl_access") < 0 &&
        errno != ENODATA && errno != ENOTSUP)
        error = errno;
    return error;
}

/* Comes after the writing, and the mode last: what is written by an ordinary user, and a change of
 * the owner, clear parts of it. */
static int copy_all(int old, int new) {
    struct stat had, has;
    const mode_t bits = S_ISUID | S_ISGID | S_ISVTX | S_IRWXU | S_IRWXG | S_IRWXO;
    if (fstat(old, &had) < 0 || fstat(new, &has) < 0)
        return errno;
    if ((had.st_uid != has.st_uid || had.st_gid != has.st_gid) &&
        fchown(new, had.st_uid, had.st_gid) < 0)
        return errno;
    int error = copy_attributes(old, new);
    return error == 0 && fchmod(new, had.st_mode & bits) < 0 ? errno : error;
}

/* --- writing --- */

static int write_all(int file, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t wrote = write(file, bytes, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return errno;
        bytes += wrote;
        size -= (size_t)wrote;
    }
    return 0;
}

enum { NAMES = 100 }; /* that are tried */

static mode_t mode_of(const struct replacement *file) {
    return file->exists ? 0600 : 0666;
}

static void make_name(char name[NAME_MAX + 1], unsigned number) {
    snprintf(name, NAME_MAX + 1, ".portreuse-%d-%llx.tmp", (int)getpid(),
             (unsigned long long)units_now_ns() + number);
}

/* Makes a new file without a name: if we are killed, it is gone. Not every file system has that.
 * Returns a descriptor, or -1. */
static int make_nameless(const struct replacement *file) {
    return openat(file->directory, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, mode_of(file));
}

/* Gives such a file a name beside the other. Returns 0 or an errno. */
static int give_name(const struct replacement *file, int made, char name[NAME_MAX + 1]) {
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", made);
    for (unsigned i = 0; i < NAMES; i++) {
        make_name(name, i);
        if (linkat(AT_FDCWD, link, file->directory, name, AT_SYMLINK_FOLLOW) == 0)
            return 0;
        if (errno != EEXIST)
            break;
    }
    int error = errno;
    name[0] = '\0';
    return error;
}

/* Makes a new file with a name of its own beside the other: nobody but us may open it yet where it
 * takes the place of one. Returns a descriptor, or -1 with errno set. */
static int make_beside(const struct replacement *file, char name[NAME_MAX + 1]) {
    for (unsigned i = 0; i < NAMES; i++) {
        make_name(name, i);
        int made = openat(file->directory, name,
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_of(file));
        if (made >= 0 || errno != EEXIST)
            return made;
    }
    return -1;
}

/* Returns 0 or an errno. */
static int write_in_place(const struct replacement *file, const void *bytes, size_t size) {
    int old = openat(file->directory, file->name,
                     O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (old < 0)
        return errno;
    int error = write_all(old, bytes, size);
    return close(old) < 0 && error == 0 ? errno : error;
}

/* A new file; one that is nameless gets its name when it is written. */
struct new_file {
    int fd; /* or -1 */
    char name[NAME_MAX + 1];
    bool nameless;
};

/* Returns 0 or an errno. */
static int make_new(const struct replacement *file, struct new_file *new) {
    new->fd = new->nameless ? make_nameless(file) : make_beside(file, new->name);
    int error = new->fd < 0 ? errno : 0;
    if (error != 0)
        new->name[0] = '\0';
    return error;
}

/* Closes the new file, and renames it; or removes it after an error. Returns that, or an errno. */
static int put_in_place(const struct replacement *file, struct new_file *new, int error) {
    if (new->fd >= 0 && close(new->fd) < 0 && error == 0)
        error = errno;
    if (error == 0 && renameat(file->directory, new->name, file->directory, file->name) < 0)
        error = errno;
    if (error != 0 && new->name[0] != '\0')
        unlinkat(file->directory, new->name, 0);
    return error;
}

/* Returns 0 or an errno; `*kept` is false if the new file could not have what the old one has, and
 * `*nameless` if there was no such file. */
static int write_new(const struct replacement *file, int old, const void *bytes, size_t size,
                     bool *nameless, bool *kept) {
    struct new_file new = {.nameless = *nameless};
    int error = make_new(file, &new);
    bool made = error == 0;
    *nameless = made && new.nameless;
    if (error == 0)
        error = write_all(new.fd, bytes, size);
    if (error == 0 && old >= 0) {
        error = copy_all(old, new.fd);
        *kept = error == 0;
    }
    if (error == 0 && new.nameless) {
        error = give_name(file, new.fd, new.name);
        *nameless = error == 0;
    }
    return put_in_place(file, &new, error);
}

/* Returns 0 or an errno; `*kept` is false if the new file could not have what the old one has. */
static int write_beside(const struct replacement *file, const void *bytes, size_t size,
                        bool *kept) {
    int old = file->exists ? openat(file->directory, file->name,
                                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
                           : -1;
    *kept = old >= 0 || !file->exists;
    if (!*kept)
        return errno;
    bool nameless = true;
    int error = write_new(file, old, bytes, size, &nameless, kept);
    if (error != 0 && !nameless)
        error = write_new(file, old, bytes, size, &nameless, kept);
    if (old >= 0)
        close(old);
    return error;
}

/* A signal that ends us waits until the file has its name, so that none is left with another. */
int replace_write(const struct replacement *file, const void *bytes, size_t size) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    sigset_t ends, before;
    sigemptyset(&ends);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaddset(&ends, signals[i]);
    sigprocmask(SIG_BLOCK, &ends, &before);
    bool kept;
    int error = write_beside(file, bytes, size, &kept);
    if (!kept)
        error = write_in_place(file, bytes, size);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return error;
}
