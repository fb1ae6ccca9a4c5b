// Includes the file that KERNELS names once for each instruction set, with TARGET, NAMED(), a load and a store of the first
// 1...16 floats of a vector, a store of some of its lanes, and how many rows a tile of 1, 2, 3, 4 vectors has at most (0: no such tile), so that its sums,
// its vectors and one more value fit the registers.
#include <stdint.h>
#include <string.h>

#include "multiversion.h"
#include "vector16.h"

// Vectors are handed to functions that are always inlined: no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"

// Lanes that are added when two vectors, made of sums over 2s lanes each, become one of sums over s lanes.
#define FOLD8_LOW 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define FOLD8_HIGH 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define FOLD4_LOW 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define FOLD4_HIGH 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define FOLD2_LOW 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define FOLD2_HIGH 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define FOLD1_LOW 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define FOLD1_HIGH 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#define FOLD(s, x, y) (__builtin_shufflevector(x, y, FOLD##s##_LOW) + __builtin_shufflevector(x, y, FOLD##s##_HIGH))

// The sums over the lanes of sixteen vectors: halves of two are added side by side, then of four, until one vector holds all.
ALWAYS_INLINE void fold16(const v16 *sum, v16 *all) {
    v16 eight[8], four[4], two[2];
    for (int i = 0; i < 8; i++) eight[i] = FOLD(8, sum[i], sum[i + 8]);
    for (int i = 0; i < 4; i++) four[i] = FOLD(4, eight[i], eight[i + 4]);
    for (int i = 0; i < 2; i++) two[i] = FOLD(2, four[i], four[i + 2]);
    *all = FOLD(1, two[0], two[1]);
}

#if defined(__x86_64__)
#include <immintrin.h>

// 32 registers of 16 floats.
#define TARGET __attribute__((target("arch=x86-64-v4")))
#define NAMED(name) name##_v4
TARGET ALWAYS_INLINE v16 load_first_v4(const float *p, int count) {
    return (v16)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}
TARGET ALWAYS_INLINE void store_first_v4(float *p, v16 value, int count) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)value);
}
// The lanes whose bits are set, side by side.
TARGET ALWAYS_INLINE void store_lanes_v4(float *p, v16 value, uint32_t lanes) {
    const __m512 packed = _mm512_maskz_compress_ps((__mmask16)lanes, (__m512)value);
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << __builtin_popcount(lanes)) - 1), packed);
}
#define ROWS_OF_1 16
// Twelve would fit; compiled, they run at less than half the speed of eleven.
#define ROWS_OF_2 11
#define ROWS_OF_3 8
#define ROWS_OF_4 6
#include KERNELS
#include "end_of_instruction_set.h"

// 16 registers of 8 floats: a vector of ours takes two.
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define NAMED(name) name##_v3
TARGET ALWAYS_INLINE __m256i first_lanes_v3(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
TARGET ALWAYS_INLINE v16 load_first_v3(const float *p, int count) {
    const __m256 low = _mm256_maskload_ps(p, first_lanes_v3(count)), high = _mm256_maskload_ps(p + 8, first_lanes_v3(count - 8));
    v16 value;
    memcpy(&value, &low, sizeof low);
    memcpy((char *)&value + sizeof low, &high, sizeof high);
    return value;
}
TARGET ALWAYS_INLINE void store_first_v3(float *p, v16 value, int count) {
    __m256 low, high;
    memcpy(&low, &value, sizeof low);
    memcpy(&high, (char *)&value + sizeof low, sizeof high);
    _mm256_maskstore_ps(p, first_lanes_v3(count), low);
    _mm256_maskstore_ps(p + 8, first_lanes_v3(count - 8), high);
}
TARGET ALWAYS_INLINE void store_lanes_v3(float *p, v16 value, uint32_t lanes) {
    for (int l = 0; l < 16; l++)
        if (lanes >> l & 1) *p++ = value[l];
}
#define ROWS_OF_1 6
#define ROWS_OF_2 0
#define ROWS_OF_3 0
#define ROWS_OF_4 0
#include KERNELS
#include "end_of_instruction_set.h"
#endif

#define TARGET
#define NAMED(name) name##_any
ALWAYS_INLINE v16 load_first_any(const float *p, int count) {
    v16 value = {};
    memcpy(&value, p, sizeof(float) * (size_t)count);
    return value;
}
ALWAYS_INLINE void store_first_any(float *p, v16 value, int count) { memcpy(p, &value, sizeof(float) * (size_t)count); }
ALWAYS_INLINE void store_lanes_any(float *p, v16 value, uint32_t lanes) {
    for (int l = 0; l < 16; l++)
        if (lanes >> l & 1) *p++ = value[l];
}
#define ROWS_OF_1 4
#define ROWS_OF_2 0
#define ROWS_OF_3 0
#define ROWS_OF_4 0
#include KERNELS
#include "end_of_instruction_set.h"

// Calls the kernel that was compiled for an instruction set.
#if defined(__x86_64__)
#define CALL_BY(instructions, kernel, ...)                      \
    switch (instructions) {                                     \
    case VK_X86_64_V4: kernel##_v4(__VA_ARGS__); break;         \
    case VK_X86_64_V3: kernel##_v3(__VA_ARGS__); break;         \
    default: kernel##_any(__VA_ARGS__);                         \
    }
#else
#define CALL_BY(instructions, kernel, ...) ((void)(instructions), kernel##_any(__VA_ARGS__))
#endif
