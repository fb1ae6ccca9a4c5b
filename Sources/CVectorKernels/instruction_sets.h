// Includes the file that KERNELS names once for each instruction set, with
//   TARGET, NAMED()             how its functions are compiled and called
//   LANES                       floats in a register; NAMED(lanes) is a vector of so many
//   ROWS_OF_1 ... ROWS_OF_4     rows of the largest tile of 1 ... 4 vectors whose sums, vectors and one more value fit the registers
//   DOT_ROWS, DOT_COLUMNS       the same for a tile of sums that are vectors themselves
//   MASKS_COST                  whether loading a part of a vector costs more than loading all of it
// and a load and a store of the first lanes of a vector (of none: zeros), and a store of any of its lanes, side by side: a bit for each,
// and their numbers in order.
#include <stdint.h>
#include <string.h>

#include "multiversion.h"
#include "vector16.h"

// Vectors are handed to functions that are always inlined: no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"

// Sums of a tile that are vectors themselves, at most, in whole vectors.
#define MOST_DOTS 24

#define LOAD(p) ((NAMED(lanes)) * (const NAMED(lanes_anywhere) *)(p))
#define STORE(p, v) (*(NAMED(lanes_anywhere) *)(p) = (v))

#if defined(__x86_64__)
#include <immintrin.h>

#if VK_MOST_INSTRUCTIONS >= 4
// 32 registers of 16 floats.
#define TARGET __attribute__((target("arch=x86-64-v4")))
#define NAMED(name) name##_v4
#define LANES 16
#define MASKS_COST 0
typedef v16 lanes_v4;
typedef v16_anywhere lanes_anywhere_v4;
TARGET ALWAYS_INLINE v16 splat_v4(float x) { return SPLAT16(x); }
TARGET ALWAYS_INLINE v16 load_first_v4(const float *p, int count) {
    return (v16)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}
TARGET ALWAYS_INLINE void store_first_v4(float *p, v16 value, int count) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)value);
}
TARGET ALWAYS_INLINE void store_lanes_v4(float *p, v16 value, uint32_t lanes, const int32_t *order) {
    (void)order;
    const __m512 packed = _mm512_maskz_compress_ps((__mmask16)lanes, (__m512)value);
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << __builtin_popcount(lanes)) - 1), packed);
}
#define ROWS_OF_1 16
// Twelve would fit; compiled, they run at less than half the speed of eleven.
#define ROWS_OF_2 11
#define ROWS_OF_3 8
#define ROWS_OF_4 6
#define DOT_ROWS 4
#define DOT_COLUMNS 4
#include KERNELS
#include "end_of_instruction_set.h"
#endif

#if VK_MOST_INSTRUCTIONS >= 3
// 16 registers of 8 floats.
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define NAMED(name) name##_v3
#define LANES 8
#define MASKS_COST 1
typedef float lanes_v3 __attribute__((vector_size(32)));
typedef float lanes_anywhere_v3 __attribute__((vector_size(32), aligned(4)));
TARGET ALWAYS_INLINE lanes_v3 splat_v3(float x) { return (lanes_v3){x, x, x, x, x, x, x, x}; }
TARGET ALWAYS_INLINE lanes_v3 load_first_v3(const float *p, int count) {
    return (lanes_v3)_mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
}
// In pieces: a masked store takes many times as long on some processors.
TARGET ALWAYS_INLINE void store_first_v3(float *p, lanes_v3 value, int count) {
    if (count >= 8) {
        _mm256_storeu_ps(p, (__m256)value);
        return;
    }
    __m128 rest = _mm256_castps256_ps128((__m256)value);
    if (count & 4) {
        _mm_storeu_ps(p, rest);
        rest = _mm256_extractf128_ps((__m256)value, 1), p += 4;
    }
    if (count & 2) {
        _mm_storel_pi((__m64 *)p, rest);
        rest = _mm_movehl_ps(rest, rest), p += 2;
    }
    if (count & 1) _mm_store_ss(p, rest);
}
TARGET ALWAYS_INLINE void store_lanes_v3(float *p, lanes_v3 value, uint32_t lanes, const int32_t *order) {
    const __m256i places = _mm256_loadu_si256((const __m256i *)order);
    store_first_v3(p, (lanes_v3)_mm256_permutevar8x32_ps((__m256)value, places), __builtin_popcount(lanes));
}
#define ROWS_OF_1 12
#define ROWS_OF_2 6
#define ROWS_OF_3 4
#define ROWS_OF_4 2
#define DOT_ROWS 4
#define DOT_COLUMNS 3
#include KERNELS
#include "end_of_instruction_set.h"
#endif
#endif

// 64-bit Arm: 32 registers of 4 floats. Elsewhere four floats side by side, for want of better knowledge.
#define TARGET
#define NAMED(name) name##_any
#define LANES 4
#define MASKS_COST 1
typedef float lanes_any __attribute__((vector_size(16)));
typedef float lanes_anywhere_any __attribute__((vector_size(16), aligned(4)));
ALWAYS_INLINE lanes_any splat_any(float x) { return (lanes_any){x, x, x, x}; }
ALWAYS_INLINE lanes_any load_first_any(const float *p, int count) {
    if (count >= 4) return LOAD(p);
    return (lanes_any){count > 0 ? p[0] : 0.0f, count > 1 ? p[1] : 0.0f, count > 2 ? p[2] : 0.0f, 0.0f};
}
ALWAYS_INLINE void store_first_any(float *p, lanes_any value, int count) {
    if (count >= 4) STORE(p, value);
    else
        for (int l = 0; l < count; l++) p[l] = value[l];
}
ALWAYS_INLINE void store_lanes_any(float *p, lanes_any value, uint32_t lanes, const int32_t *order) {
    const int count = __builtin_popcount(lanes);
    if (count == 4) STORE(p, value);
    else
        for (int l = 0; l < count; l++) p[l] = value[order[l]];
}
#if defined(__aarch64__)
#define ROWS_OF_1 16
#define ROWS_OF_2 12
#define ROWS_OF_3 8
#define ROWS_OF_4 6
#define DOT_ROWS 6
#define DOT_COLUMNS 4
#else
// Without fused multiplication and addition all is calls of the C library, four for each: tiles gain nothing, and are kept small.
#define ROWS_OF_1 4
#define ROWS_OF_2 2
#define ROWS_OF_3 2
#define ROWS_OF_4 1
#define DOT_ROWS 2
#define DOT_COLUMNS 2
#endif
#include KERNELS
#include "end_of_instruction_set.h"

#undef LOAD
#undef STORE

// Calls the kernel that was compiled for an instruction set.
#if defined(__x86_64__) && VK_MOST_INSTRUCTIONS >= 4
#define CALL_BY(instructions, kernel, ...)                      \
    switch (instructions) {                                     \
    case VK_X86_64_V4: kernel##_v4(__VA_ARGS__); break;         \
    case VK_X86_64_V3: kernel##_v3(__VA_ARGS__); break;         \
    default: kernel##_any(__VA_ARGS__);                         \
    }
#elif defined(__x86_64__) && VK_MOST_INSTRUCTIONS >= 3
#define CALL_BY(instructions, kernel, ...)                      \
    switch (instructions) {                                     \
    case VK_X86_64_V3: kernel##_v3(__VA_ARGS__); break;         \
    default: kernel##_any(__VA_ARGS__);                         \
    }
#else
#define CALL_BY(instructions, kernel, ...) ((void)(instructions), kernel##_any(__VA_ARGS__))
#endif
