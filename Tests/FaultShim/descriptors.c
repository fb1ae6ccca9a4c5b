/* Operations on an open file: reading, writing, syncing, lengths, locks, mappings. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim.h"

/* Half of a transfer, but never none: that would mean the end of the file. */
static size_t half(size_t count) { return count < 2 ? count : count / 2; }

static int reading(size_t count) { return GIVES_EIO | GIVES_EINTR | (count > 1 ? GIVES_SHORT : 0); }
static int writing(size_t count) { return reading(count) | GIVES_ENOSPC | GIVES_KILL; }

ssize_t read(int descriptor, void *buffer, size_t count) {
    switch (shim_judge_descriptor(reading(count), "read", descriptor)) {
    case SHIM_FAIL: return -1;
    case SHIM_SHORT: count = half(count);
    case SHIM_PASS: break;
    }
    return syscall(SYS_read, descriptor, buffer, count);
}

ssize_t pread(int descriptor, void *buffer, size_t count, off_t offset) {
    switch (shim_judge_descriptor(reading(count), "pread", descriptor)) {
    case SHIM_FAIL: return -1;
    case SHIM_SHORT: count = half(count);
    case SHIM_PASS: break;
    }
    return syscall(SYS_pread64, descriptor, buffer, count, offset);
}

ssize_t pread64(int descriptor, void *buffer, size_t count, off64_t offset) { return pread(descriptor, buffer, count, offset); }

ssize_t readv(int descriptor, const struct iovec *parts, int count) {
    if (!shim_tracks(descriptor)) return syscall(SYS_readv, descriptor, parts, count);
    switch (shim_judge_descriptor(reading(count > 0 ? parts[0].iov_len : 0), "readv", descriptor)) {
    case SHIM_FAIL: return -1;
    case SHIM_SHORT: return syscall(SYS_read, descriptor, parts[0].iov_base, half(parts[0].iov_len));
    case SHIM_PASS: break;
    }
    return syscall(SYS_readv, descriptor, parts, count);
}

ssize_t write(int descriptor, const void *buffer, size_t count) {
    if (!shim_tracks(descriptor)) return syscall(SYS_write, descriptor, buffer, count);
    switch (shim_judge_descriptor(writing(count), "write", descriptor)) {
    case SHIM_FAIL: return -1;
    case SHIM_SHORT: count = half(count);
    case SHIM_PASS: break;
    }
    shim_change_begins();
    ssize_t written = syscall(SYS_write, descriptor, buffer, count);
    if (written > 0 && shim_traces()) {
        /* Where it went is known afterwards only: the file may be open for appending. */
        off_t end = syscall(SYS_lseek, descriptor, (off_t)0, SEEK_CUR);
        shim_trace(FAULT_SHIM_WRITE, descriptor, (uint64_t)(end - written), buffer, (size_t)written);
    }
    shim_change_ends();
    return written;
}

ssize_t pwrite(int descriptor, const void *buffer, size_t count, off_t offset) {
    if (!shim_tracks(descriptor)) return syscall(SYS_pwrite64, descriptor, buffer, count, offset);
    switch (shim_judge_descriptor(writing(count), "pwrite", descriptor)) {
    case SHIM_FAIL: return -1;
    case SHIM_SHORT: count = half(count);
    case SHIM_PASS: break;
    }
    shim_change_begins();
    ssize_t written = syscall(SYS_pwrite64, descriptor, buffer, count, offset);
    if (written > 0) shim_trace(FAULT_SHIM_WRITE, descriptor, (uint64_t)offset, buffer, (size_t)written);
    shim_change_ends();
    return written;
}

ssize_t pwrite64(int descriptor, const void *buffer, size_t count, off64_t offset) { return pwrite(descriptor, buffer, count, offset); }

/* Part by part: a caller must be ready for less than it asked for in any case. */
ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    if (!shim_tracks(descriptor)) return syscall(SYS_writev, descriptor, parts, count);
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len > 0) return write(descriptor, parts[i].iov_base, parts[i].iov_len);
    }
    return 0;
}

/* EINTR is left out: on local file systems Linux does not let signals end the wait for the device. */
static int sync_file(const char *operation, long number, int descriptor) {
    if (shim_judge_descriptor(GIVES_EIO | GIVES_ENOSPC | GIVES_KILL, operation, descriptor) == SHIM_FAIL) return -1;
    shim_change_begins();
    int result = (int)syscall(number, descriptor);
    if (result == 0 && shim_tracks(descriptor)) shim_trace(FAULT_SHIM_SYNC, descriptor, 0, NULL, 0);
    shim_change_ends();
    return result;
}

int fsync(int descriptor) { return sync_file("fsync", SYS_fsync, descriptor); }
int fdatasync(int descriptor) { return sync_file("fdatasync", SYS_fdatasync, descriptor); }

int ftruncate(int descriptor, off_t length) {
    if (shim_judge_descriptor(GIVES_EIO | GIVES_ENOSPC | GIVES_EINTR | GIVES_KILL, "ftruncate", descriptor) == SHIM_FAIL) return -1;
    shim_change_begins();
    int result = (int)syscall(SYS_ftruncate, descriptor, length);
    if (result == 0 && shim_tracks(descriptor)) shim_trace(FAULT_SHIM_TRUNCATE, descriptor, (uint64_t)length, NULL, 0);
    shim_change_ends();
    return result;
}

int ftruncate64(int descriptor, off64_t length) { return ftruncate(descriptor, length); }

int fallocate(int descriptor, int mode, off_t offset, off_t length) {
    if (shim_judge_descriptor(GIVES_EIO | GIVES_ENOSPC | GIVES_EINTR | GIVES_KILL, "fallocate", descriptor) == SHIM_FAIL) return -1;
    if (mode != 0 && shim_traces() && shim_tracks(descriptor)) {
        /* Holes and the like have no record; a file system may refuse them, too. */
        errno = EOPNOTSUPP;
        return -1;
    }
    shim_change_begins();
    int result = (int)syscall(SYS_fallocate, descriptor, mode, offset, length);
    if (result == 0 && shim_tracks(descriptor)) shim_trace(FAULT_SHIM_EXTEND, descriptor, (uint64_t)(offset + length), NULL, 0);
    shim_change_ends();
    return result;
}

int fallocate64(int descriptor, int mode, off64_t offset, off64_t length) { return fallocate(descriptor, mode, offset, length); }

int posix_fallocate(int descriptor, off_t offset, off_t length) {
    int code = errno;
    int result = fallocate(descriptor, 0, offset, length) == 0 ? 0 : errno;
    errno = code;
    return result;
}

int posix_fallocate64(int descriptor, off64_t offset, off64_t length) { return posix_fallocate(descriptor, offset, length); }

int fstat(int descriptor, struct stat *status) {
    if (shim_judge_descriptor(GIVES_EIO, "fstat", descriptor) == SHIM_FAIL) return -1;
    return (int)syscall(SYS_newfstatat, descriptor, "", status, AT_EMPTY_PATH);
}

int fstat64(int descriptor, struct stat64 *status) {
    if (shim_judge_descriptor(GIVES_EIO, "fstat", descriptor) == SHIM_FAIL) return -1;
    return (int)syscall(SYS_newfstatat, descriptor, "", status, AT_EMPTY_PATH);
}

/* The descriptor is gone whatever comes back. */
int close(int descriptor) {
    if (!shim_tracks(descriptor)) return (int)syscall(SYS_close, descriptor);
    bool fails = shim_judge_descriptor(GIVES_EIO, "close", descriptor) == SHIM_FAIL;
    shim_change_begins();
    shim_track(descriptor, false);
    shim_trace(FAULT_SHIM_CLOSE, descriptor, 0, NULL, 0);
    int result = (int)syscall(SYS_close, descriptor);
    shim_change_ends();
    if (!fails) return result;
    errno = EIO;
    return -1;
}

/* Only a lock that waits can be interrupted. */
int flock(int descriptor, int operation) {
    if (!(operation & LOCK_NB) && shim_judge_descriptor(GIVES_EINTR, "flock", descriptor) == SHIM_FAIL) return -1;
    return (int)syscall(SYS_flock, descriptor, operation);
}

/* A copy's writes would need another's name in the trace: it is enough to know that there may be some. */
static int copied(int descriptor, int copy) {
    if (copy < 0 || copy == descriptor) return copy;
    bool is_ours = shim_tracks(descriptor);
    shim_track(copy, is_ours);
    if (is_ours) shim_trace(FAULT_SHIM_UNSEEN, descriptor, 0, NULL, 0);
    return copy;
}

int dup(int descriptor) {
    if (shim_judge_descriptor(GIVES_EMFILE, "dup", descriptor) == SHIM_FAIL) return -1;
    return copied(descriptor, (int)syscall(SYS_dup, descriptor));
}

int dup3(int descriptor, int copy, int flags) { return copied(descriptor, (int)syscall(SYS_dup3, descriptor, copy, flags)); }
int dup2(int descriptor, int copy) { return descriptor == copy ? fcntl(copy, F_GETFD) < 0 ? -1 : copy : dup3(descriptor, copy, 0); }

static int control(int descriptor, int command, void *argument) {
    bool waits = command == F_SETLKW || command == F_OFD_SETLKW;
    if (waits && shim_judge_descriptor(GIVES_EINTR, "fcntl", descriptor) == SHIM_FAIL) return -1;
    bool copies = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
    if (copies && shim_judge_descriptor(GIVES_EMFILE, "fcntl", descriptor) == SHIM_FAIL) return -1;
    int result = (int)syscall(SYS_fcntl, descriptor, command, argument);
    return copies ? copied(descriptor, result) : result;
}

int fcntl(int descriptor, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return control(descriptor, command, argument);
}

int fcntl64(int descriptor, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return control(descriptor, command, argument);
}

void *mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset) {
    void *result = (void *)syscall(SYS_mmap, address, length, protection, flags, descriptor, offset);
    bool writes = protection & PROT_WRITE && (flags & MAP_TYPE) != MAP_PRIVATE;
    if (result != MAP_FAILED && writes && shim_tracks(descriptor)) shim_trace(FAULT_SHIM_UNSEEN, descriptor, 0, NULL, 0);
    return result;
}

void *mmap64(void *address, size_t length, int protection, int flags, int descriptor, off64_t offset) {
    return mmap(address, length, protection, flags, descriptor, offset);
}
