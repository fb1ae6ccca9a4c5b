#pragma once
#include <fcntl.h>
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

// Swift's Glibc does not declare it.
extern int pipe2(int ends[2], int flags);

/// A pipe that no program started later holds open.
static inline int unlearn_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

/// Cores that the process may run on, or 0 where it cannot be told. Swift's Glibc declares no sched_getaffinity.
static inline int unlearn_allowed_cores(void) {
    unsigned long words[128];
    const long bytes = syscall(SYS_sched_getaffinity, 0, sizeof words, words);
    int cores = 0;
    for (long word = 0; word < bytes / (long)sizeof *words; word++) cores += __builtin_popcountl(words[word]);
    return cores;
}
