// Matrix products whose every element is one chain of fused multiplications and additions over k, in order, or sixteen
// that are folded in a fixed tree. The bits therefore do not depend on the tiles, the instruction set, the thread count
// or the processor.
#include <string.h>

#include "multiversion.h"
#include "vector16.h"
#include "vector_kernels.h"

// Vectors are handed to functions that are always inlined: no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"

struct product {
    size_t m, n, k;
    const float *a;
    size_t a_row, a_column;
    const float *b;
    size_t b_row;
    float *c;
    size_t c_row;
    enum vk_start start;
    const float *bias;
};

// Lanes that are added when two vectors, made of sums over 2s lanes each, become one of sums over s lanes.
#define FOLD8_LOW 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define FOLD8_HIGH 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define FOLD4_LOW 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define FOLD4_HIGH 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define FOLD2_LOW 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define FOLD2_HIGH 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define FOLD1_LOW 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define FOLD1_HIGH 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31

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
#define ROWS_OF_1 16
#define ROWS_OF_2 12
#define ROWS_OF_3 8
#define ROWS_OF_4 6
#include "product_tiles.h"

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
#define ROWS_OF_1 6
#define ROWS_OF_2 0
#define ROWS_OF_3 0
#define ROWS_OF_4 0
#include "product_tiles.h"
#endif

#define TARGET
#define NAMED(name) name##_any
ALWAYS_INLINE v16 load_first_any(const float *p, int count) {
    v16 value = {};
    memcpy(&value, p, sizeof(float) * (size_t)count);
    return value;
}
ALWAYS_INLINE void store_first_any(float *p, v16 value, int count) { memcpy(p, &value, sizeof(float) * (size_t)count); }
#define ROWS_OF_1 4
#define ROWS_OF_2 0
#define ROWS_OF_3 0
#define ROWS_OF_4 0
#include "product_tiles.h"

int vk_best_instructions(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("x86-64-v4")) return VK_X86_64_V4;
    if (__builtin_cpu_supports("x86-64-v3")) return VK_X86_64_V3;
#endif
    return VK_ANY;
}

static void run(enum vk_instructions instructions, const struct product *q, int of_rows) {
    if (q->m == 0 || q->n == 0) return;
    switch (instructions) {
#if defined(__x86_64__)
    case VK_X86_64_V4: of_rows ? product_of_rows_v4(q) : product_v4(q); return;
    case VK_X86_64_V3: of_rows ? product_of_rows_v3(q) : product_v3(q); return;
#endif
    default: of_rows ? product_of_rows_any(q) : product_any(q);
    }
}

void vk_product_by(enum vk_instructions instructions, size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column,
                   const float *b, size_t b_row, float *c, size_t c_row, enum vk_start start, const float *bias) {
    const struct product q = {m, n, k, a, a_row, a_column, b, b_row, c, c_row, start, bias};
    run(instructions, &q, 0);
}

void vk_product_of_rows_by(enum vk_instructions instructions, size_t m, size_t n, size_t k, const float *a, size_t a_row,
                           const float *b, size_t b_row, float *c, size_t c_row, enum vk_start start, const float *bias) {
    const struct product q = {m, n, k, a, a_row, 1, b, b_row, c, c_row, start, bias};
    run(instructions, &q, 1);
}

static enum vk_instructions best_instructions(void) {
    static enum vk_instructions best = -1;
    enum vk_instructions instructions = __atomic_load_n(&best, __ATOMIC_RELAXED);
    if ((int)instructions < 0) __atomic_store_n(&best, instructions = vk_best_instructions(), __ATOMIC_RELAXED);
    return instructions;
}

void vk_product(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b, size_t b_row,
                float *c, size_t c_row, enum vk_start start, const float *bias) {
    vk_product_by(best_instructions(), m, n, k, a, a_row, a_column, b, b_row, c, c_row, start, bias);
}

void vk_product_of_rows(size_t m, size_t n, size_t k, const float *a, size_t a_row, const float *b, size_t b_row, float *c,
                        size_t c_row, enum vk_start start, const float *bias) {
    vk_product_of_rows_by(best_instructions(), m, n, k, a, a_row, b, b_row, c, c_row, start, bias);
}

// 16x16 squares in registers, by swapping ever larger halves; the edges one by one.
ALWAYS_INLINE void transpose16(const float *from, size_t from_row, float *to, size_t to_row) {
    v16 x[16], y[16];
    for (int i = 0; i < 16; i++) x[i] = LOAD16(from + i * from_row);
#define LOW(a, b, w) __builtin_shufflevector(a, b, w(0), w(1), w(2), w(3), w(4), w(5), w(6), w(7), w(8), w(9), w(10), w(11), w(12), w(13), w(14), w(15))
#define KEEP(s, i) (((i) & (s)) ? ((i) ^ (s)) + 16 : (i))
#define TAKE(s, i) (((i) & (s)) ? (i) + 16 : ((i) ^ (s)))
#define KEEP1(i) KEEP(1, i)
#define TAKE1(i) TAKE(1, i)
#define KEEP2(i) KEEP(2, i)
#define TAKE2(i) TAKE(2, i)
#define KEEP4(i) KEEP(4, i)
#define TAKE4(i) TAKE(4, i)
#define KEEP8(i) KEEP(8, i)
#define TAKE8(i) TAKE(8, i)
#define ROUND(in, out, s)                                       \
    for (int i = 0; i < 16; i++)                                \
        if (!(i & s)) {                                         \
            out[i] = LOW(in[i], in[i + s], KEEP##s);            \
            out[i + s] = LOW(in[i], in[i + s], TAKE##s);        \
        }
    ROUND(x, y, 1)
    ROUND(y, x, 2)
    ROUND(x, y, 4)
    ROUND(y, x, 8)
    for (int i = 0; i < 16; i++) STORE16(to + i * to_row, x[i]);
}

MULTIVERSION
void vk_transpose(const float *from, size_t rows, size_t columns, float *to, size_t to_row) {
    for (size_t r = 0; r < rows; r += 16)
        for (size_t c = 0; c < columns; c += 16) {
            if (r + 16 <= rows && c + 16 <= columns) {
                transpose16(from + r * columns + c, columns, to + c * to_row + r, to_row);
                continue;
            }
            for (size_t j = c; j < columns && j < c + 16; j++)
                for (size_t i = r; i < rows && i < r + 16; i++) to[j * to_row + i] = from[i * columns + j];
        }
}

MULTIVERSION
void vk_add_transposed(const float *from, size_t rows, size_t columns, float *to) {
    for (size_t r = 0; r < rows; r += 16)
        for (size_t c = 0; c < columns; c += 16) {
            if (r + 16 <= rows && c + 16 <= columns) {
                float square[256];
                transpose16(from + r * columns + c, columns, square, 16);
                for (size_t j = 0; j < 16; j++) STORE16(to + (c + j) * rows + r, LOAD16(to + (c + j) * rows + r) + LOAD16(square + 16 * j));
                continue;
            }
            for (size_t j = c; j < columns && j < c + 16; j++)
                for (size_t i = r; i < rows && i < r + 16; i++) to[j * rows + i] += from[i * columns + j];
        }
}
