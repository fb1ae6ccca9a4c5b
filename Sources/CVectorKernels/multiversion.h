#pragma once
// Compiles a kernel for several instruction sets and picks one at load time. The bits are the same in each.
#if defined(__x86_64__) && defined(__linux__)
#define MULTIVERSION __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MULTIVERSION
#endif
