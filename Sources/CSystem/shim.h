#pragma once
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/// A file without a name that lives in memory alone. Swift's Glibc does not declare memfd_create.
static inline int unlearn_memory_file(const char *name) {
    return (int)syscall(SYS_memfd_create, name, 1u /* MFD_CLOEXEC */);
}

/// The kind of file system that a path lies on (linux/magic.h), or 0 where it cannot be told.
static inline unsigned long unlearn_file_system_kind(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 ? (unsigned long)status.f_type & 0xFFFFFFFFul : 0;
}
