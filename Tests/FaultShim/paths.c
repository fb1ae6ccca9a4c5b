/* Operations that name a file: opening, renaming, removing, folders, status. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim.h"

enum { OPENING_FOLDER = GIVES_EIO | GIVES_EMFILE, OPENING = OPENING_FOLDER | GIVES_EINTR };

static int open_below(const char *operation, int gives, int base, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    if (!shim_below(base, path, full)) return (int)syscall(SYS_openat, base, path, flags, mode);
    struct stat status;
    bool creates = flags & O_CREAT && syscall(SYS_newfstatat, base, path, &status, 0) != 0;
    if (shim_judge(gives | (creates ? GIVES_ENOSPC | GIVES_KILL : 0), operation, full) == SHIM_FAIL) return -1;
    shim_change_begins();
    int descriptor = (int)syscall(SYS_openat, base, path, flags, mode);
    if (descriptor >= 0) {
        shim_track(descriptor, true);
        shim_trace(FAULT_SHIM_OPEN, descriptor, (uint64_t)flags, full, strlen(full));
    }
    shim_change_ends();
    return descriptor;
}

#define MODE(flags, last) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { \
        va_list arguments; \
        va_start(arguments, last); \
        mode = va_arg(arguments, mode_t); \
        va_end(arguments); \
    }

int open(const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_below("open", OPENING, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_below("open", OPENING, AT_FDCWD, path, flags, mode);
}

int openat(int base, const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_below("openat", OPENING, base, path, flags, mode);
}

int openat64(int base, const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_below("openat", OPENING, base, path, flags, mode);
}

int creat(const char *path, mode_t mode) { return open_below("creat", OPENING, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

/* Two paths in one payload, a zero byte between them. */
static void trace_two(enum fault_shim_change change, const char *first, const char *second) {
    char both[2 * PATH_MAX];
    int length = snprintf(both, sizeof both, "%s%c%s", first, 0, second);
    shim_trace(change, -1, 0, both, (size_t)length);
}

int renameat2(int from_base, const char *from, int to_base, const char *to, unsigned flags) {
    char old_path[PATH_MAX], new_path[PATH_MAX];
    bool old_below = shim_below(from_base, from, old_path), new_below = shim_below(to_base, to, new_path);
    bool below = old_below || new_below;
    if (below && shim_judge(GIVES_EIO | GIVES_ENOSPC | GIVES_KILL, "rename", old_path) == SHIM_FAIL) return -1;
    shim_change_begins();
    int result = (int)syscall(SYS_renameat2, from_base, from, to_base, to, flags);
    if (result == 0 && below) trace_two(FAULT_SHIM_RENAME, old_path, new_path);
    shim_change_ends();
    return result;
}

int renameat(int from_base, const char *from, int to_base, const char *to) { return renameat2(from_base, from, to_base, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int linkat(int from_base, const char *from, int to_base, const char *to, int flags) {
    char old_path[PATH_MAX], new_path[PATH_MAX];
    bool old_below = shim_below(from_base, from, old_path), new_below = shim_below(to_base, to, new_path);
    bool below = old_below && new_below;
    if (below && shim_judge(GIVES_EIO | GIVES_ENOSPC | GIVES_KILL, "link", new_path) == SHIM_FAIL) return -1;
    shim_change_begins();
    int result = (int)syscall(SYS_linkat, from_base, from, to_base, to, flags);
    if (result == 0 && below) trace_two(FAULT_SHIM_LINK, old_path, new_path);
    shim_change_ends();
    return result;
}

int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

static int remove_below(const char *operation, int base, const char *path, int flags) {
    char full[PATH_MAX];
    bool below = shim_below(base, path, full);
    if (below && shim_judge(GIVES_EIO | GIVES_KILL, operation, full) == SHIM_FAIL) return -1;
    shim_change_begins();
    int result = (int)syscall(SYS_unlinkat, base, path, flags);
    if (result == 0 && below) {
        shim_trace(flags & AT_REMOVEDIR ? FAULT_SHIM_REMOVE_FOLDER : FAULT_SHIM_UNLINK, -1, 0, full, strlen(full));
    }
    shim_change_ends();
    return result;
}

int unlink(const char *path) { return remove_below("unlink", AT_FDCWD, path, 0); }
int unlinkat(int base, const char *path, int flags) { return remove_below("unlinkat", base, path, flags); }
int rmdir(const char *path) { return remove_below("rmdir", AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int base, const char *path, mode_t mode) {
    char full[PATH_MAX];
    bool below = shim_below(base, path, full);
    if (below && shim_judge(GIVES_EIO | GIVES_ENOSPC | GIVES_KILL, "mkdir", full) == SHIM_FAIL) return -1;
    shim_change_begins();
    int result = (int)syscall(SYS_mkdirat, base, path, mode);
    if (result == 0 && below) shim_trace(FAULT_SHIM_MAKE_FOLDER, -1, 0, full, strlen(full));
    shim_change_ends();
    return result;
}

int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* Folders that are read have no system call of their own: opening is made of ours, the rest is looked up. */
DIR *opendir(const char *path) {
    int descriptor = open_below("opendir", OPENING_FOLDER, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *folder = descriptor >= 0 ? fdopendir(descriptor) : NULL;
    if (descriptor >= 0 && !folder) close(descriptor);
    return folder;
}

struct dirent *readdir(DIR *folder) {
    static struct dirent *(*_Atomic next)(DIR *);
    if (!next) next = (struct dirent * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir");
    if (shim_judge_descriptor(GIVES_EIO, "readdir", dirfd(folder)) == SHIM_FAIL) return NULL;
    return next(folder);
}

struct dirent64 *readdir64(DIR *folder) { return (struct dirent64 *)readdir(folder); }

int closedir(DIR *folder) {
    static int (*_Atomic next)(DIR *);
    if (!next) next = (int (*)(DIR *))dlsym(RTLD_NEXT, "closedir");
    shim_track(dirfd(folder), false);
    return next(folder);
}

/* Status gives no fault of its own choice but EIO: the folder's or the file's own block cannot be read. */
static int status_below(int base, const char *path, void *status, int flags) {
    char full[PATH_MAX];
    if (shim_below(base, path, full) && shim_judge(GIVES_EIO, "stat", full) == SHIM_FAIL) return -1;
    return (int)syscall(SYS_newfstatat, base, path, status, flags);
}

int stat(const char *path, struct stat *status) { return status_below(AT_FDCWD, path, status, 0); }
int stat64(const char *path, struct stat64 *status) { return status_below(AT_FDCWD, path, status, 0); }
int lstat(const char *path, struct stat *status) { return status_below(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW); }
int lstat64(const char *path, struct stat64 *status) { return status_below(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW); }
int fstatat(int base, const char *path, struct stat *status, int flags) { return status_below(base, path, status, flags); }
int fstatat64(int base, const char *path, struct stat64 *status, int flags) { return status_below(base, path, status, flags); }

int access(const char *path, int mode) {
    char full[PATH_MAX];
    if (shim_below(AT_FDCWD, path, full) && shim_judge(GIVES_EIO, "access", full) == SHIM_FAIL) return -1;
    return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}
