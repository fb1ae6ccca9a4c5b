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

MULTIVERSION
void vk_begin_merge(const int32_t *base, double *sums, size_t n, double branches) {
    for (size_t i = 0; i < n; i++) sums[i] = -branches * (double)base[i];
}

MULTIVERSION
void vk_add_tip(const int32_t *tip, double *sums, size_t n) {
    for (size_t i = 0; i < n; i++) sums[i] += (double)tip[i];
}

// The rounded product with 1 / branches is at most one off the nearest integer; what it leaves of the sum is exact, and tells.
// All in double precision, without branches, so that it is done for several at a time.
MULTIVERSION
int vk_finish_merge(const int32_t *base, const double *sums, int32_t *merged, size_t n, double branches) {
    const double inverse = 1 / branches;
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        const double r = rint(sums[i] * inverse), twice = 2 * (sums[i] - r * branches), distance = fabs(twice);
        // A tie goes to the even one of its neighbours.
        const double odd = r - 2 * rint(r * 0.5), tie = odd != 0 ? 1.0 : 0.0;
        const double off = distance > branches ? 1.0 : distance == branches ? tie : 0.0;
        const double value = (double)base[i] + r + copysign(off, twice);
        const double above = value < -2147483648.0 ? -2147483648.0 : value, inside = above > 2147483647.0 ? 2147483647.0 : above;
        bad |= inside != value ? 1u : 0u;
        merged[i] = (int32_t)inside;
    }
    return (int)bad;
}
