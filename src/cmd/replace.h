/* Replacing a file as a whole: it is the old one until it is the new one, and nobody sees half of
 * it. What the old one has beside its bytes (mode, owner, ACL, label) the new one has, too. */
#ifndef PORTREUSE_CMD_REPLACE_H
#define PORTREUSE_CMD_REPLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Where the file is. */
struct replacement {
    int directory;           /* owned, or -1 */
    char name[NAME_MAX + 1]; /* in it; never that of a symbolic link */
    bool exists;
};

/* Finds the file that the path means: symbolic links are followed, but not one in a directory like
 * /tmp (sticky, and others may write there) that neither we nor the directory's owner have made:
 * that is the rule of fs.protected_symlinks (proc_sys_fs(5)), for each link on the way. The file
 * need not exist, its directory must. Returns 0 or an errno: EACCES for such a link, EISDIR for a
 * directory, EINVAL for what is no regular file. The caller frees it with replace_free() in any
 * case. */
int replace_find(const char *path, struct replacement *found);

/* Returns 0 if the directory lets us replace the file, or an errno. */
int replace_is_allowed(const struct replacement *file);

/* Returns whether both are the same file. */
bool replace_same(const struct replacement *one, const struct replacement *other);

/* Gives the file these bytes. Where the new one could not have what the old one has, the old one is
 * written in place. Returns 0 or an errno; then the file is as before, unless writing in place has
 * failed in the middle. */
int replace_write(const struct replacement *file, const void *bytes, size_t size);

void replace_free(struct replacement *file);

#endif
