#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* System calls are made directly: looking up the wrapped functions could itself open files. */

enum { DESCRIPTORS = 1 << 16, TRACE_DESCRIPTOR = 1000, BURST = 5 };

static char folder[PATH_MAX];
static size_t folder_length;
static int fault_gives;
static int fault_errno;
static uint64_t fault_at;
static bool fault_lasts;
static int trace_descriptor = -1;
static pthread_mutex_t trace_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uchar tracked[DESCRIPTORS];

/* The same layout as fault_shim_page, counted in by several threads. */
struct page {
    atomic_uint_fast64_t counted;
    atomic_uint_fast64_t fired;
    char operation[sizeof(((struct fault_shim_page *)0)->operation)];
};
_Static_assert(sizeof(struct page) == sizeof(struct fault_shim_page) && sizeof(struct page) == 256, "the page is 256 bytes");
static struct page own_page;
static struct page *page = &own_page;

static void choose_fault(const char *kind) {
    static const struct { const char *name; int gives, code; } kinds[] = {
        {"eio", GIVES_EIO, EIO}, {"enospc", GIVES_ENOSPC, ENOSPC}, {"emfile", GIVES_EMFILE, EMFILE},
        {"eintr", GIVES_EINTR, EINTR}, {"short", GIVES_SHORT, 0}, {"kill", GIVES_KILL, 0},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kind, kinds[i].name) == 0) {
            fault_gives = kinds[i].gives;
            fault_errno = kinds[i].code;
            return;
        }
    }
    static const char message[] = "fault shim: FAULT_SHIM_KIND names no fault\n";
    syscall(SYS_write, STDERR_FILENO, message, sizeof message - 1);
    _exit(99);
}

__attribute__((constructor)) static void begin(void) {
    const char *value = getenv("FAULT_SHIM_FOLDER");
    if (!value || strlen(value) >= sizeof folder) return;
    const char *kind = getenv("FAULT_SHIM_KIND"), *at = getenv("FAULT_SHIM_AT");
    if (kind) choose_fault(kind);
    fault_at = at ? strtoull(at, NULL, 10) : 0;
    fault_lasts = getenv("FAULT_SHIM_LASTS") != NULL;
    const char *path = getenv("FAULT_SHIM_PAGE");
    if (path) {
        int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file >= 0 && syscall(SYS_ftruncate, file, (off_t)sizeof(struct page)) == 0) {
            void *map = (void *)syscall(SYS_mmap, NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)0);
            if (map != MAP_FAILED) page = map;
        }
        if (file >= 0) syscall(SYS_close, file);
    }
    path = getenv("FAULT_SHIM_TRACE");
    if (path) {
        int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        /* Out of the way: the program must get the descriptor numbers that it would get without the shim. */
        trace_descriptor = (int)syscall(SYS_fcntl, file, F_DUPFD_CLOEXEC, TRACE_DESCRIPTOR);
        syscall(SYS_close, file);
    }
    strcpy(folder, value);
    folder_length = strlen(folder);
    shim_trace(FAULT_SHIM_PROCESS, -1, 0, NULL, 0);
}

bool shim_below(int base, const char *path, char full[PATH_MAX]) {
    if (!folder_length || !path) return false;
    size_t used = 0;
    if (path[0] != '/') {
        char link[64];
        if (base == AT_FDCWD) strcpy(link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", base);
        long length = syscall(SYS_readlinkat, AT_FDCWD, link, full, PATH_MAX - 2);
        if (length <= 0) return false;
        used = (size_t)length;
        full[used++] = '/';
    }
    if (used + strlen(path) >= PATH_MAX) return false;
    strcpy(full + used, path);
    return strncmp(full, folder, folder_length) == 0 && (full[folder_length] == '/' || full[folder_length] == 0);
}

bool shim_tracks(int descriptor) {
    return descriptor >= 0 && descriptor < DESCRIPTORS && atomic_load_explicit(&tracked[descriptor], memory_order_relaxed);
}

void shim_track(int descriptor, bool value) {
    if (descriptor >= 0 && descriptor < DESCRIPTORS) atomic_store_explicit(&tracked[descriptor], value, memory_order_relaxed);
}

enum shim_verdict shim_judge(int gives, const char *operation, const char *path) {
    if (!(gives & fault_gives)) return SHIM_PASS;
    uint64_t count = atomic_fetch_add(&page->counted, 1) + 1;
    if (fault_at == 0 || count < fault_at) return SHIM_PASS;
    uint64_t last = !fault_lasts ? fault_at : fault_errno == EINTR ? fault_at + BURST - 1 : UINT64_MAX;
    if (count > last) return SHIM_PASS;
    if (atomic_fetch_add(&page->fired, 1) == 0) snprintf(page->operation, sizeof page->operation, "%s %s", operation, path);
    if (fault_gives == GIVES_SHORT) return SHIM_SHORT;
    if (fault_gives == GIVES_KILL) {
        syscall(SYS_kill, (pid_t)syscall(SYS_getpid), SIGKILL);
        for (;;) pause();
    }
    errno = fault_errno;
    return SHIM_FAIL;
}

enum shim_verdict shim_judge_descriptor(int gives, const char *operation, int descriptor) {
    if (!(gives & fault_gives) || !shim_tracks(descriptor)) return SHIM_PASS;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    return shim_judge(gives, operation, path);
}

bool shim_traces(void) { return trace_descriptor >= 0; }

void shim_change_begins(void) {
    if (shim_traces()) pthread_mutex_lock(&trace_lock);
}

void shim_change_ends(void) {
    if (shim_traces()) pthread_mutex_unlock(&trace_lock);
}

void shim_trace(enum fault_shim_change change, int descriptor, uint64_t offset, const void *payload, size_t length) {
    if (!shim_traces()) return;
    int code = errno;
    struct fault_shim_record record = {(uint32_t)change, descriptor, offset, length};
    struct iovec parts[2] = {{&record, sizeof record}, {(void *)(uintptr_t)payload, length}};
    long written = syscall(SYS_writev, trace_descriptor, parts, length ? 2 : 1);
    /* A trace with a hole would show disks that cannot be. */
    if (written != (long)(sizeof record + length)) _exit(98);
    errno = code;
}
