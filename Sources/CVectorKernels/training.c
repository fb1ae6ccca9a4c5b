#include <math.h>
#include <string.h>

#include "multiversion.h"
#include "vector_kernels.h"

MULTIVERSION
void vk_add_row_sums(const float *x, float *restrict sums, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) sums[i] += x[r * n + i];
}

// e^x for x <= 0, within 2 units in the last place, by x = n ln 2 + r and Taylor's polynomial in r; below -87 it is 0, so
// that no subnormal number slows anything down. Our own, because the C library's bits differ between versions.
static inline float exp_of_negative(float x) {
    const float limited = x < -87.0f ? -87.0f : x;
    const float n = rintf(limited * 1.44269504f);
    const float r = FUSED(n, -1.42860677e-6f, FUSED(n, -0.693145752f, limited));
    float e = FUSED(1.98412698e-4f, r, 1.38888889e-3f);
    e = FUSED(e, r, 8.33333333e-3f);
    e = FUSED(e, r, 4.16666667e-2f);
    e = FUSED(e, r, 1.66666667e-1f);
    e = FUSED(e, r, 0.5f);
    e = FUSED(e, r, 1.0f);
    e = FUSED(e, r, 1.0f);
    const uint32_t power = (uint32_t)((int32_t)n + 127) << 23;
    float scale;
    memcpy(&scale, &power, sizeof scale);
    return x < -87.0f ? 0.0f : e * scale;
}

MULTIVERSION
void vk_softmax(const float *logits, float *probabilities, int classes) {
    float top = logits[0];
    for (int c = 1; c < classes; c++) top = logits[c] > top ? logits[c] : top;
    for (int c = 0; c < classes; c++) probabilities[c] = exp_of_negative(logits[c] - top);
    float sum = 0;
    for (int c = 0; c < classes; c++) sum += probabilities[c];
    for (int c = 0; c < classes; c++) probabilities[c] /= sum;
}

MULTIVERSION
void vk_softmax_gradient(const float *logits, float *d_logits, int classes, int label, float smoothing, float scale) {
    vk_softmax(logits, d_logits, classes);
    const float rest = smoothing / (float)classes;
    for (int c = 0; c < classes; c++) {
        const float target = rest + (c == label ? 1.0f - smoothing : 0.0f);
        d_logits[c] = scale * (d_logits[c] - target);
    }
}

MULTIVERSION
void vk_take_lanes(float *const *lanes, size_t lane_count, size_t from, size_t n, float *restrict gradient) {
    for (size_t lane = 0; lane < lane_count; lane++) {
        float *restrict g = lanes[lane] + from;
        if (lane == 0) memcpy(gradient, g, n * sizeof(float));
        else
            for (size_t i = 0; i < n; i++) gradient[i] += g[i];
        memset(g, 0, n * sizeof(float));
    }
}

MULTIVERSION
double vk_sum_squares(const float *values, size_t n) {
    double squares[8] = {0};
    for (size_t i = 0; i < n; i++) squares[i % 8] += (double)values[i] * (double)values[i];
    double total = 0;
    for (int l = 0; l < 8; l++) total += squares[l];
    return total;
}

MULTIVERSION
void vk_sgd_step(float *restrict parameters, float *restrict velocity, const float *restrict gradient, size_t n, float rate, float momentum,
                 float weight_decay, float scale) {
    for (size_t i = 0; i < n; i++) {
        velocity[i] = momentum * velocity[i] + (scale * gradient[i] + weight_decay * parameters[i]);
        parameters[i] -= rate * velocity[i];
    }
}

MULTIVERSION
void vk_add(const float *values, float *sum, size_t n) {
    for (size_t i = 0; i < n; i++) sum[i] += values[i];
}

MULTIVERSION
void vk_scale_floats(const float *sum, float *values, size_t n, float factor) {
    for (size_t i = 0; i < n; i++) values[i] = sum[i] * factor;
}

MULTIVERSION
void vk_standardise_bytes(const uint8_t *bytes, float *values, size_t n, float scale, float shift) {
    for (size_t i = 0; i < n; i++) values[i] = (float)bytes[i] * scale + shift;
}
