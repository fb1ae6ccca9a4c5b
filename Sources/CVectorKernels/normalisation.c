#include <math.h>

#include "multiversion.h"
#include "vector16.h"
#include "vector_kernels.h"

#define EPSILON 1e-5f

// Sums over sixteen fixed partial sums, whatever the width of registers.
ALWAYS_INLINE float folded(const v16 *partial) {
    v16 sum = *partial;
    for (int width = 8; width > 0; width /= 2)
        for (int l = 0; l < width; l++) sum[l] += sum[l + width];
    return sum[0];
}

ALWAYS_INLINE float sum_of(const float *x, size_t n) {
    v16 partial = {};
    size_t i = 0;
    for (; i + 16 <= n; i += 16) partial += LOAD16(x + i);
    for (int l = 0; i < n; i++, l++) partial[l] += x[i];
    return folded(&partial);
}

ALWAYS_INLINE float mean_of(const float *x, size_t n) { return sum_of(x, n) / (float)n; }

// One over the standard deviation.
ALWAYS_INLINE float inverse_deviation(const float *x, size_t n, float mean) {
    v16 partial = {};
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const v16 d = LOAD16(x + i) - mean;
        partial = FUSED(d, d, partial);
    }
    for (int l = 0; i < n; i++, l++) partial[l] = FUSED(x[i] - mean, x[i] - mean, partial[l]);
    return 1.0f / sqrtf(folded(&partial) / (float)n + EPSILON);
}

MULTIVERSION
void vk_group_norm_forward(const float *x, float *y, const float *gain, const float *bias, int channels, int groups, size_t plane) {
    const int share = channels / groups;
    for (int g = 0; g < groups; g++) {
        const size_t start = (size_t)g * share * plane;
        const float mean = mean_of(x + start, share * plane), inverse = inverse_deviation(x + start, share * plane, mean);
        for (int c = g * share; c < (g + 1) * share; c++) {
            const float slope = inverse * gain[c], shift = bias[c] - mean * slope;
            const float *from = x + c * plane;
            float *restrict to = y + c * plane;
            for (size_t i = 0; i < plane; i++) to[i] = FUSED(from[i], slope, shift);
        }
    }
}

MULTIVERSION
void vk_group_norm_backward(const float *x, const float *dy, float *dx, const float *gain, float *d_gain, float *d_bias, int channels,
                            int groups, size_t plane) {
    const int share = channels / groups;
    const float n = (float)share * (float)plane;
    for (int g = 0; g < groups; g++) {
        const size_t start = (size_t)g * share * plane;
        const float mean = mean_of(x + start, share * plane), inverse = inverse_deviation(x + start, share * plane, mean);
        // Means over the group of the gradient at the normalised values, and of its product with them.
        float mean_gradient = 0, mean_product = 0;
        for (int c = g * share; c < (g + 1) * share; c++) {
            v16 sums = {}, products = {};
            const float *values = x + c * plane, *slopes = dy + c * plane;
            size_t i = 0;
            for (; i + 16 <= plane; i += 16) {
                sums += LOAD16(slopes + i);
                products = FUSED(LOAD16(slopes + i), LOAD16(values + i) - mean, products);
            }
            for (int l = 0; i < plane; i++, l++) {
                sums[l] += slopes[i];
                products[l] = FUSED(slopes[i], values[i] - mean, products[l]);
            }
            const float sum = folded(&sums), product = folded(&products) * inverse;
            d_bias[c] += sum;
            d_gain[c] += product;
            mean_gradient = FUSED(gain[c], sum, mean_gradient);
            mean_product = FUSED(gain[c], product, mean_product);
        }
        if (!dx) continue;
        mean_gradient /= n;
        mean_product /= n;
        // dx = inverse (gain dy - mean_gradient - normalised x mean_product)
        const float per_value = -inverse * inverse * mean_product, constant = -inverse * mean_gradient - mean * per_value;
        for (int c = g * share; c < (g + 1) * share; c++) {
            const float per_slope = inverse * gain[c];
            const float *values = x + c * plane, *slopes = dy + c * plane;
            float *restrict to = dx + c * plane;
            for (size_t i = 0; i < plane; i++) to[i] = FUSED(slopes[i], per_slope, FUSED(values[i], per_value, constant));
        }
    }
}

MULTIVERSION
void vk_add_plane_sums(const float *x, float *sums, size_t planes, size_t n) {
    for (size_t p = 0; p < planes; p++) sums[p] += sum_of(x + p * n, n);
}

MULTIVERSION
void vk_plane_means(const float *x, float *means, size_t planes, size_t n) {
    for (size_t p = 0; p < planes; p++) means[p] = mean_of(x + p * n, n);
}

MULTIVERSION
void vk_spread_planes(const float *values, float *y, size_t planes, size_t n) {
    const float share = 1.0f / (float)n;
    for (size_t p = 0; p < planes; p++)
        for (size_t i = 0; i < n; i++) y[p * n + i] = values[p] * share;
}
