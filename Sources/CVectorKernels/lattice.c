#include <math.h>
#include <string.h>

#include "multiversion.h"
#include "vector_kernels.h"

MULTIVERSION
static int any_off_lattice(const float *values, size_t n, float steps_per_unit) {
    int bad = 0;
    for (size_t i = 0; i < n; i++) {
        const float scaled = values[i] * steps_per_unit;
        // 2^31 - 128 is the largest float below 2^31; the comparison is false for NaN.
        bad |= !(scaled >= -2147483648.0f && scaled <= 2147483520.0f);
    }
    return bad;
}

MULTIVERSION
static void snap_in_range(const float *values, int32_t *steps, size_t n, float steps_per_unit) {
    for (size_t i = 0; i < n; i++) steps[i] = (int32_t)rintf(values[i] * steps_per_unit);
}

size_t vk_snap(const float *values, int32_t *steps, size_t n, float steps_per_unit) {
    if (any_off_lattice(values, n, steps_per_unit))
        for (size_t i = 0; i < n; i++)
            if (any_off_lattice(values + i, 1, steps_per_unit)) return i;
    snap_in_range(values, steps, n, steps_per_unit);
    return n;
}

MULTIVERSION
void vk_unsnap(const int32_t *steps, float *values, size_t n, float unit) {
    for (size_t i = 0; i < n; i++) values[i] = (float)steps[i] * unit;
}

MULTIVERSION
int vk_add_checked(const int32_t *a, const int32_t *b, int32_t *sum, size_t n) {
    uint32_t overflow = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t x = (uint32_t)a[i], y = (uint32_t)b[i], s = x + y;
        overflow |= ~(x ^ y) & (x ^ s);
        sum[i] = (int32_t)s;
    }
    return overflow >> 31;
}

MULTIVERSION
int vk_subtract_checked(const int32_t *a, const int32_t *b, int32_t *difference, size_t n) {
    uint32_t overflow = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t x = (uint32_t)a[i], y = (uint32_t)b[i], d = x - y;
        overflow |= (x ^ y) & (x ^ d);
        difference[i] = (int32_t)d;
    }
    return overflow >> 31;
}

MULTIVERSION
uint64_t vk_l1_norm(const int32_t *a, size_t n) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t v = a[i];
        sum += (uint64_t)(v < 0 ? -v : v);
    }
    return sum;
}

MULTIVERSION
uint64_t vk_l1_distance(const int32_t *a, const int32_t *b, size_t n) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t d = (int64_t)a[i] - (int64_t)b[i];
        sum += (uint64_t)(d < 0 ? -d : d);
    }
    return sum;
}

MULTIVERSION
void vk_scale(const int32_t *a, int32_t *scaled, size_t n, double factor) {
    for (size_t i = 0; i < n; i++) {
        const double value = rint((double)a[i] * factor);
        // -1 times the least integer is one more than the largest.
        scaled[i] = value > 2147483647.0 ? INT32_MAX : (int32_t)value;
    }
}

// Transposes 32x32 bit matrices, 16 of them side by side, by swapping ever smaller squares (Warren, Hacker's Delight,
// section 7-3). Rows are least-significant bit first. It is its own inverse.
static inline __attribute__((always_inline)) void transpose_bits(uint32_t a[32][16]) {
    uint32_t mask = 0x0000FFFFu;
    for (int width = 16; width != 0; width >>= 1, mask ^= mask << width)
        for (int k = 0; k < 32; k = (k + width + 1) & ~width)
            for (int l = 0; l < 16; l++) {
                const uint32_t swap = ((a[k][l] >> width) ^ a[k + width][l]) & mask;
                a[k + width][l] ^= swap;
                a[k][l] ^= swap << width;
            }
}

MULTIVERSION
void vk_planes_encode(const int32_t *values, size_t n, uint32_t *planes, size_t groups) {
    for (size_t g = 0; g < groups; g++) {
        uint32_t a[32][16];
        const size_t start = g * 512;
        if (start + 512 <= n) {
            memcpy(a, values + start, sizeof a);
        } else {
            memset(a, 0, sizeof a);
            if (start < n) memcpy(a, values + start, (n - start) * sizeof(int32_t));
        }
        for (int j = 0; j < 32; j++)
            for (int l = 0; l < 16; l++) a[j][l] = (a[j][l] << 1) ^ (0u - (a[j][l] >> 31));
        transpose_bits(a);
        for (int p = 0; p < 32; p++) memcpy(planes + (size_t)p * groups * 16 + g * 16, a[p], sizeof a[p]);
    }
}

MULTIVERSION
void vk_planes_decode(const uint32_t *planes, size_t groups, int32_t *values, size_t n) {
    for (size_t g = 0; g < groups; g++) {
        uint32_t a[32][16];
        for (int p = 0; p < 32; p++) memcpy(a[p], planes + (size_t)p * groups * 16 + g * 16, sizeof a[p]);
        transpose_bits(a);
        for (int j = 0; j < 32; j++)
            for (int l = 0; l < 16; l++) a[j][l] = (a[j][l] >> 1) ^ (0u - (a[j][l] & 1u));
        const size_t start = g * 512;
        if (start + 512 <= n) memcpy(values + start, a, sizeof a);
        else if (start < n) memcpy(values + start, a, (n - start) * sizeof(int32_t));
    }
}
