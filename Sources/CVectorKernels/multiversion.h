#pragma once
// Compiles a kernel for several instruction sets and picks one at load time. The bits are the same in each: sums have
// fixed orders, and multiplication and addition are kept apart unless FUSED says that they are one rounding.

// For development: the most that may be used (4: AVX-512, 3: AVX2, 1: neither), so that a machine shows how a lesser one does.
// Package.swift sets it from UNLEARN_INSTRUCTIONS.
#ifndef VK_MOST_INSTRUCTIONS
#define VK_MOST_INSTRUCTIONS 4
#endif

#if !defined(__x86_64__) || !defined(__linux__) || VK_MOST_INSTRUCTIONS < 3
#define MULTIVERSION
#elif VK_MOST_INSTRUCTIONS == 3
#define MULTIVERSION __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define MULTIVERSION __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif

// a * b + c in one rounding, as IEEE 754 has it: an instruction where there is one, the C library's function elsewhere.
#define FUSED(a, b, c) __builtin_elementwise_fma(a, b, c)
