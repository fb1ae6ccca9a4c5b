// The mean of what branches add to their stem, in one pass over the memory of all of them.
//
// A run of values stays in registers while some tips pass, a tile of sums in the first-level cache while all of them do. Sums of 32
// bits wrap around, and are right wherever the true sum fits them: the largest magnitude in a tile tells. A tile of larger values is
// done once more in double precision, where every sum is exact.
#include <math.h>
#include <string.h>

#include "multiversion.h"
#include "vector16.h"
#include "vector_kernels.h"

enum { TILE = 2048, RUN = 32, MOST_AT_ONCE = 4 };

struct merge {
    const int32_t *base, *const *tips;
    size_t branches;
    int32_t *merged;
};

// The nearest integer to the mean, ties to even. A tie divided as IEEE 754 says is still a tie, for it is representable. Nothing else
// becomes one: with at most 2^20 branches every other mean is at least 2^-21 away from it, and a quotient below 2^32 is rounded by no
// more than 2^-22.
ALWAYS_INLINE double rounded_mean(double sum, double branches) { return rint(sum / branches); }

// The bits that the magnitude of a value may need.
ALWAYS_INLINE uint32_t magnitude(int32_t value) { return (uint32_t)(value ^ value >> 31); }

// Adds `count` tips from `tip` on to the sums of up to RUN values from `at` on. `count`, and mostly `length`, is a constant where this
// is inlined, so that sums live in registers.
ALWAYS_INLINE void add_run(const int count, const size_t length, const struct merge *q, size_t tip, size_t at, int32_t *sums, uint32_t *magnitudes) {
    const int32_t *base = q->base + at;
    const uint32_t branches = (uint32_t)q->branches;
    uint32_t sum[RUN];
    for (size_t i = 0; i < length; i++) {
        if (tip == 0) magnitudes[i] |= magnitude(base[i]);
        sum[i] = tip == 0 ? 0 - branches * (uint32_t)base[i] : (uint32_t)sums[i];
    }
    for (int t = 0; t < count; t++)
        for (size_t i = 0; i < length; i++) {
            const int32_t value = q->tips[tip + (size_t)t][at + i];
            sum[i] += (uint32_t)value;
            magnitudes[i] |= magnitude(value);
        }
    // Without a sign: what wraps around here is done once more.
    if (tip + (size_t)count < q->branches) memcpy(sums, sum, length * sizeof *sum);
    else
        for (size_t i = 0; i < length; i++) q->merged[at + i] = (int32_t)((uint32_t)base[i] + (uint32_t)(int32_t)rounded_mean((int32_t)sum[i], (double)branches));
}

// The same for a tile. Gives a number that is no less than the magnitude of any value, but for -2^k, of which it is one less.
ALWAYS_INLINE uint32_t add_tips(const int count, const struct merge *q, size_t tip, size_t start, size_t n, int32_t *sums) {
    // Those of whole runs live in registers, which an array of which a part is used cannot.
    uint32_t magnitudes[RUN] = {0}, of_tail[RUN] = {0}, all = 0;
    size_t i = 0;
    for (; i + RUN <= n; i += RUN) add_run(count, RUN, q, tip, start + i, sums + i, magnitudes);
    add_run(count, n - i, q, tip, start + i, sums + i, of_tail);
    for (int l = 0; l < RUN; l++) all |= magnitudes[l] | of_tail[l];
    return all;
}

static void merge_wide(const struct merge *q, size_t start, size_t n) {
    double sums[TILE];
    for (size_t i = 0; i < n; i++) sums[i] = -(double)q->branches * (double)q->base[start + i];
    for (size_t tip = 0; tip < q->branches; tip++)
        for (size_t i = 0; i < n; i++) sums[i] += (double)q->tips[tip][start + i];
    // The mean of what is added may leave Int32; the sum with the base lies between the tips.
    for (size_t i = 0; i < n; i++) q->merged[start + i] = (int32_t)((double)q->base[start + i] + rounded_mean(sums[i], (double)q->branches));
}

MULTIVERSION
void vk_merge(const int32_t *base, const int32_t *const *tips, size_t branches, int32_t *merged, size_t n) {
    const struct merge q = {base, tips, branches, merged};
    _Alignas(64) int32_t sums[TILE];
    // The first tile ends where a cache line does, and so do all runs behind it: arrays of one length mostly lie alike in their lines.
    size_t length = TILE - (uintptr_t)merged / sizeof *merged % 16;
    for (size_t start = 0; start < n; start += length, length = TILE) {
        if (length > n - start) length = n - start;
        uint32_t largest = 0;
        for (size_t tip = 0; tip < branches; tip += MOST_AT_ONCE) switch (branches - tip) {
            case 1: largest |= add_tips(1, &q, tip, start, length, sums); break;
            case 2: largest |= add_tips(2, &q, tip, start, length, sums); break;
            case 3: largest |= add_tips(3, &q, tip, start, length, sums); break;
            default: largest |= add_tips(MOST_AT_ONCE, &q, tip, start, length, sums);
            }
        // What a tip adds is at most twice the largest magnitude.
        if (2 * ((uint64_t)largest + 1) * branches > INT32_MAX) merge_wide(&q, start, length);
    }
}

MULTIVERSION
int vk_sum_checked(int32_t *sums, const int32_t *tip, const int32_t *base, size_t n) {
    uint64_t beyond = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t sum = (int64_t)sums[i] + tip[i] - base[i];
        beyond |= (uint64_t)(sum - (int32_t)sum);
        sums[i] = (int32_t)sum;
    }
    return beyond != 0;
}

MULTIVERSION
void vk_merge_sums(const int32_t *base, int32_t *sums, size_t branches, size_t n) {
    for (size_t i = 0; i < n; i++) sums[i] = (int32_t)((uint32_t)base[i] + (uint32_t)(int32_t)rounded_mean(sums[i], (double)branches));
}
