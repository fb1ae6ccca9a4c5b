#include <string.h>

#include "multiversion.h"
#include "vector_kernels.h"

enum { LANES = 16, ROWS = 32, GROUP = LANES * ROWS };
typedef uint32_t words __attribute__((vector_size(LANES * 4)));
typedef int32_t integers __attribute__((vector_size(LANES * 4)));
typedef uint64_t wide_words __attribute__((vector_size(LANES * 8)));
typedef uint8_t bytes __attribute__((vector_size(LANES)));

#define INLINE static inline __attribute__((always_inline))

// The smallest shift for values of this sum and bitwise or.
INLINE uint8_t shift_for(uint64_t sum, uint32_t any) {
    unsigned shift = 0;
    while (shift < VK_MOST_SHIFT && (sum >> (13 + shift) || any >> (8 + shift))) shift++;
    return (uint8_t)shift;
}

// One group; gives the bytes of `low` that are used.
INLINE size_t split_group(const int32_t *values, uint8_t *shift_out, uint8_t *symbols, uint8_t *low) {
    words zigzag[ROWS], any = {0};
    wide_words sums = {0};
    for (int j = 0; j < ROWS; j++) {
        integers v;
        memcpy(&v, values + j * LANES, sizeof v);
        zigzag[j] = ((words)v << 1) ^ (words)(v >> 31);
        any |= zigzag[j];
        sums += __builtin_convertvector(zigzag[j], wide_words);
    }
    uint64_t sum = 0;
    uint32_t all = 0;
    for (int l = 0; l < LANES; l++) sum += sums[l], all |= any[l];

    const unsigned shift = *shift_out = shift_for(sum, all);
    const uint32_t mask = (1u << shift) - 1;
    words row = {0};
    size_t used = 0;
    for (unsigned j = 0, filled = 0; j < ROWS; j++) {
        const bytes symbol = __builtin_convertvector(zigzag[j] >> shift, bytes);
        memcpy(symbols + j * LANES, &symbol, sizeof symbol);
        const words bits = zigzag[j] & mask;
        row |= bits << filled;
        filled += shift;
        if (filled >= 32) {
            memcpy(low + used, &row, sizeof row);
            used += sizeof row;
            filled -= 32;
            // Where nothing is left over the shift count is the whole width of the bits, and less than 32.
            row = bits >> (shift - filled);
        }
    }
    return used;
}

INLINE size_t join_group(unsigned shift, const uint8_t *symbols, const uint8_t *low, int32_t *values) {
    const uint32_t mask = (1u << shift) - 1;
    words row = {0};
    size_t used = 0;
    for (unsigned j = 0, left = 0; j < ROWS; j++) {
        words bits = {0};
        if (left < shift) {
            words next;
            memcpy(&next, low + used, sizeof next);
            used += sizeof next;
            bits = (row | (next << left)) & mask;
            row = next >> (shift - left);
            left += 32 - shift;
        } else {
            bits = row & mask;
            row >>= shift;
            left -= shift;
        }
        bytes symbol;
        memcpy(&symbol, symbols + j * LANES, sizeof symbol);
        const words zigzag = (__builtin_convertvector(symbol, words) << shift) | bits;
        const words v = (zigzag >> 1) ^ (0u - (zigzag & 1u));
        memcpy(values + j * LANES, &v, sizeof v);
    }
    return used;
}

MULTIVERSION
size_t vk_split_steps(const int32_t *values, size_t n, uint8_t *shifts, uint8_t *symbols, uint8_t *low) {
    size_t used = 0, start = 0;
    for (; start + GROUP <= n; start += GROUP) used += split_group(values + start, shifts++, symbols + start, low + used);
    if (start < n) {
        int32_t last[GROUP] = {0};
        memcpy(last, values + start, (n - start) * sizeof *values);
        used += split_group(last, shifts, symbols + start, low + used);
    }
    return used;
}

MULTIVERSION
int vk_join_steps(const uint8_t *shifts, const uint8_t *symbols, const void *low, int32_t *values, size_t n) {
    const uint8_t *bits = low;
    size_t start = 0;
    for (; start + GROUP <= n; start += GROUP) bits += join_group(*shifts++, symbols + start, bits, values + start);
    int32_t padding = 0;
    if (start < n) {
        int32_t last[GROUP];
        join_group(*shifts, symbols + start, bits, last);
        memcpy(values + start, last, (n - start) * sizeof *values);
        for (size_t i = n - start; i < GROUP; i++) padding |= last[i];
    }
    return padding != 0;
}
