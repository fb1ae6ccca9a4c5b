/* What the wrappers share: which files count, which calls fail, and the trace. */
#ifndef SHIM_H
#define SHIM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fault_shim.h"

/* Faults that an operation can give. Whatever changes the folder can be the last thing that the program comes to. */
enum { GIVES_EIO = 1, GIVES_ENOSPC = 2, GIVES_EMFILE = 4, GIVES_EINTR = 8, GIVES_SHORT = 16, GIVES_KILL = 32 };

/* What becomes of an operation. */
enum shim_verdict { SHIM_PASS, SHIM_FAIL, SHIM_SHORT };

/* Writes the absolute path into `full` and says whether it is below the folder. */
bool shim_below(int folder, const char *path, char full[PATH_MAX]);

bool shim_tracks(int descriptor);
void shim_track(int descriptor, bool tracked);

/* Counts an operation that gives the faults in `gives`. SHIM_FAIL: errno is set, the caller must return its failure. */
enum shim_verdict shim_judge(int gives, const char *operation, const char *path);
enum shim_verdict shim_judge_descriptor(int gives, const char *operation, int descriptor);

/* Between these two, nothing else changes the folder, so that the trace has the order in which things happened. */
void shim_change_begins(void);
void shim_change_ends(void);
bool shim_traces(void);
void shim_trace(enum fault_shim_change change, int descriptor, uint64_t offset, const void *payload, size_t length);

#endif
