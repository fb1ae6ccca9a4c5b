#include <math.h>
#include <string.h>

#include "multiversion.h"
#include "vector_kernels.h"

void vk_fill_rows(float *y, const float *bias, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++) memcpy(y + r * n, bias, n * sizeof(float));
}

MULTIVERSION
void vk_fill_planes(float *y, const float *bias, size_t planes, size_t n) {
    for (size_t p = 0; p < planes; p++)
        for (size_t i = 0; i < n; i++) y[p * n + i] = bias[p];
}

MULTIVERSION
void vk_add_row_sums(const float *x, float *restrict sums, size_t rows, size_t n) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) sums[i] += x[r * n + i];
}

MULTIVERSION
void vk_add_plane_sums(const float *x, float *sums, size_t planes, size_t n) {
    for (size_t p = 0; p < planes; p++) {
        const float *plane = x + p * n;
        float partial[16] = {0};
        size_t i = 0;
        for (; i + 16 <= n; i += 16)
            for (int l = 0; l < 16; l++) partial[l] += plane[i + l];
        for (int l = 0; i < n; i++, l++) partial[l] += plane[i];
        for (int width = 8; width > 0; width /= 2)
            for (int l = 0; l < width; l++) partial[l] += partial[l + width];
        sums[p] += partial[0];
    }
}

void vk_softmax(const float *logits, float *probabilities, int classes) {
    float top = logits[0];
    for (int c = 1; c < classes; c++) top = logits[c] > top ? logits[c] : top;
    float sum = 0;
    for (int c = 0; c < classes; c++) {
        probabilities[c] = expf(logits[c] - top);
        sum += probabilities[c];
    }
    for (int c = 0; c < classes; c++) probabilities[c] /= sum;
}

float vk_softmax_cross_entropy(const float *logits, float *d_logits, int classes, int label, float smoothing, float scale) {
    float top = logits[0];
    for (int c = 1; c < classes; c++) top = logits[c] > top ? logits[c] : top;
    float sum = 0;
    for (int c = 0; c < classes; c++) sum += expf(logits[c] - top);
    const float log_sum = logf(sum), rest = smoothing / (float)classes;
    float loss = 0;
    for (int c = 0; c < classes; c++) {
        const float target = rest + (c == label ? 1.0f - smoothing : 0.0f);
        const float log_probability = logits[c] - top - log_sum;
        loss -= target * log_probability;
        d_logits[c] = scale * (expf(log_probability) - target);
    }
    return loss;
}

// Parameters are taken in tiles that stay in the first-level cache while the lanes are added one after the other.
#define TILE 1024

MULTIVERSION
void vk_sgd_step(float *parameters, float *velocity, float *const *lanes, size_t lane_count, size_t from, size_t to,
                 float rate, float momentum, float weight_decay) {
    for (size_t start = from; start < to; start += TILE) {
        const size_t n = to - start < TILE ? to - start : TILE;
        float gradient[TILE];
        float *restrict p = parameters + start, *restrict v = velocity + start;
        for (size_t i = 0; i < n; i++) gradient[i] = weight_decay * p[i];
        for (size_t lane = 0; lane < lane_count; lane++) {
            float *restrict g = lanes[lane] + start;
            for (size_t i = 0; i < n; i++) gradient[i] += g[i];
            memset(g, 0, n * sizeof(float));
        }
        for (size_t i = 0; i < n; i++) {
            v[i] = momentum * v[i] + gradient[i];
            p[i] -= rate * v[i];
        }
    }
}

MULTIVERSION
void vk_standardise_bytes(const uint8_t *bytes, float *values, size_t n, float scale, float shift) {
    for (size_t i = 0; i < n; i++) values[i] = (float)bytes[i] * scale + shift;
}
