/* Between a program and the C library's file operations: makes the N-th one fail, or writes down what changes a folder.
 *
 * To be named in LD_PRELOAD. Only operations on files below one folder count, and those of stdio (fopen) pass unseen.
 * Environment variables say which and how:
 *
 *   FAULT_SHIM_FOLDER   absolute path, no link in it; without it everything passes through
 *   FAULT_SHIM_KIND     eio, enospc, emfile, eintr, short (a read or write that stops half-way) or kill (the program is
 *                       killed before a change of the folder); nothing: no fault
 *   FAULT_SHIM_AT       N, from 1; only operations that can give the kind of fault count
 *   FAULT_SHIM_LASTS    if set, every operation from the N-th on fails (eintr: five in a row)
 *   FAULT_SHIM_PAGE     file of 256 bytes that receives a fault_shim_page, kept up to date whatever ends the program
 *   FAULT_SHIM_NO_THREADS  if set, no thread can be started, whatever the folder
 *   FAULT_SHIM_TRACE    file to which every change is appended as a fault_shim_record and its payload
 */
#ifndef FAULT_SHIM_H
#define FAULT_SHIM_H

#include <stdint.h>

struct fault_shim_page {
    uint64_t counted;
    uint64_t fired;
    /* The first operation that was made to fail, and on what; ends in zero. */
    char operation[240];
};

enum fault_shim_change {
    FAULT_SHIM_PROCESS = 1, /* another program begins: earlier descriptors mean nothing any more */
    FAULT_SHIM_OPEN = 2,    /* descriptor; offset: flags; payload: path */
    FAULT_SHIM_CLOSE = 3,
    FAULT_SHIM_WRITE = 4,       /* descriptor, offset; payload: the bytes written */
    FAULT_SHIM_TRUNCATE = 5, /* descriptor; offset: the new length */
    FAULT_SHIM_EXTEND = 6,   /* descriptor; offset: the length that the file has at least */
    FAULT_SHIM_RENAME = 7,   /* payload: old path, zero byte, new path */
    FAULT_SHIM_LINK = 8,     /* the same */
    FAULT_SHIM_UNLINK = 9,   /* payload: path */
    FAULT_SHIM_MAKE_FOLDER = 10,
    FAULT_SHIM_REMOVE_FOLDER = 11,
    FAULT_SHIM_SYNC = 12,   /* descriptor of a file or a folder */
    FAULT_SHIM_UNSEEN = 13, /* descriptor: written to behind the trace's back, by a shared mapping or a copied descriptor */
    FAULT_SHIM_MARK = 14    /* never written by the shim: for its user, between two programs */
};

struct fault_shim_record {
    uint32_t change;
    int32_t descriptor;
    uint64_t offset;
    uint64_t payload;
};

#endif
