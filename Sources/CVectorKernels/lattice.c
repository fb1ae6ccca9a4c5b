#include <math.h>

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
void vk_l1_residual(const int32_t *before, const int32_t *after, const int32_t *old, size_t n, uint64_t *distance, uint64_t *norm) {
    uint64_t far = 0, long_ = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t d = old[i], r = (int64_t)after[i] - before[i] - d;
        far += (uint64_t)(r < 0 ? -r : r);
        long_ += (uint64_t)(d < 0 ? -d : d);
    }
    *distance += far;
    *norm += long_;
}

MULTIVERSION
void vk_scale(const int32_t *a, int32_t *scaled, size_t n, double factor) {
    for (size_t i = 0; i < n; i++) {
        const double value = rint((double)a[i] * factor);
        // -1 times the least integer is one more than the largest.
        scaled[i] = value > 2147483647.0 ? INT32_MAX : (int32_t)value;
    }
}
