// Matrix products whose every element is one chain of fused multiplications and additions over k, in order, or sixteen
// that are folded in a fixed tree. The bits therefore do not depend on the tiles, the instruction set, the thread count
// or the processor.
#include "vector_kernels.h"

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

#define KERNELS "product_tiles.h"
#include "instruction_sets.h"

static enum vk_instructions supported_instructions(void) {
#if defined(__x86_64__)
    if (VK_MOST_INSTRUCTIONS >= 4 && __builtin_cpu_supports("x86-64-v4")) return VK_X86_64_V4;
    if (VK_MOST_INSTRUCTIONS >= 3 && __builtin_cpu_supports("x86-64-v3")) return VK_X86_64_V3;
#endif
    return VK_ANY;
}

enum vk_instructions vk_best_instructions(void) {
    static enum vk_instructions best = -1;
    enum vk_instructions instructions = __atomic_load_n(&best, __ATOMIC_RELAXED);
    if ((int)instructions < 0) __atomic_store_n(&best, instructions = supported_instructions(), __ATOMIC_RELAXED);
    return instructions;
}

void vk_product_by(enum vk_instructions instructions, size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column,
                   const float *b, size_t b_row, float *c, size_t c_row, enum vk_start start, const float *bias) {
    const struct product q = {m, n, k, a, a_row, a_column, b, b_row, c, c_row, start, bias};
    if (m && n) CALL_BY(instructions, product, &q);
}

void vk_product_of_rows_by(enum vk_instructions instructions, size_t m, size_t n, size_t k, const float *a, size_t a_row,
                           const float *b, size_t b_row, float *c, size_t c_row, enum vk_start start, const float *bias) {
    const struct product q = {m, n, k, a, a_row, 1, b, b_row, c, c_row, start, bias};
    if (m && n) CALL_BY(instructions, product_of_rows, &q);
}

void vk_product(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b, size_t b_row,
                float *c, size_t c_row, enum vk_start start, const float *bias) {
    vk_product_by(vk_best_instructions(), m, n, k, a, a_row, a_column, b, b_row, c, c_row, start, bias);
}

void vk_product_of_rows(size_t m, size_t n, size_t k, const float *a, size_t a_row, const float *b, size_t b_row, float *c,
                        size_t c_row, enum vk_start start, const float *bias) {
    vk_product_of_rows_by(vk_best_instructions(), m, n, k, a, a_row, b, b_row, c, c_row, start, bias);
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
