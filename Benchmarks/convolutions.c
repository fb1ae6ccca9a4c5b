// Convolutions as the trainer computes them (forward and both gradients, row by row) beside unrolling and multiplying by
// OpenBLAS, on one thread. Prints for each shape: GFLOP/s of ours, of OpenBLAS, and the largest difference.
//
//     convolutions CHANNELS SIDE OUTPUTS KERNEL PADDING ROWS
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vector_kernels.h"

void openblas_set_num_threads(int);

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static float *filled(size_t n) {
    float *p = malloc((n + 32) * sizeof(float));
    for (size_t i = 0; i < n + 32; i++) p[i] = (float)rand() / RAND_MAX - 0.5f;
    return p;
}

int main(int count, char **arguments) {
    if (count != 7) return 2;
    const int channels = atoi(arguments[1]), side = atoi(arguments[2]), outputs = atoi(arguments[3]), kernel = atoi(arguments[4]),
              padding = atoi(arguments[5]), rows = atoi(arguments[6]);
    const int out = side + 2 * padding - kernel + 1, fan = channels * kernel * kernel, positions = out * out, pixels = channels * side * side;
    float *x = filled((size_t)rows * pixels), *w = filled((size_t)outputs * fan), *dy = filled((size_t)rows * outputs * positions);
    float *y = filled((size_t)rows * outputs * positions), *dx = filled((size_t)rows * pixels), *dw = filled((size_t)outputs * fan);
    float *columns = filled((size_t)fan * positions), *padded = filled(vk_padded_floats(channels > outputs ? channels : outputs, side, side, kernel, kernel - 1, 1));
    float *weights = filled((size_t)outputs * fan);
    float *turned = filled((size_t)outputs * positions), *sums = filled((size_t)fan * outputs), *y2 = filled((size_t)rows * outputs * positions);
    openblas_set_num_threads(1);
    const double flops = 3.0 * 2 * rows * outputs * (double)fan * positions;
    // As the trainer chooses: rows that fill vectors are convolved as they lie, forwards and backwards.
    const int fills = 5 * out >= 4 * ((out + 15) / 16 * 16), turns = 5 * side >= 4 * ((side + 15) / 16 * 16);
    double best[2] = {1e9, 1e9};
    for (int round = 0; round < 9; round++) {
        double start = now();
        for (int r = 0; r < rows; r++) {
            if (fills) {
                vk_pad(x + (size_t)r * pixels, padded, channels, side, side, kernel, padding, 1);
                vk_convolve(padded, w, 0, y + (size_t)r * outputs * positions, channels, side, side, kernel, padding, outputs);
                continue;
            }
            vk_im2col(x + (size_t)r * pixels, columns, padded, channels, side, side, kernel, padding, 1);
            vk_product(outputs, positions, fan, w, fan, 1, columns, positions, y + (size_t)r * outputs * positions, positions, VK_FROM_ZERO, 0);
        }
        for (int r = 0; r < rows; r++) {
            const float *g = dy + (size_t)r * outputs * positions;
            if (fills) {
                vk_pad(x + (size_t)r * pixels, padded, channels, side, side, kernel, padding, 1);
                vk_add_convolution_gradient(padded, g, dw, channels, side, side, kernel, padding, outputs);
            } else {
                vk_im2col(x + (size_t)r * pixels, columns, padded, channels, side, side, kernel, padding, 1);
                vk_transpose(g, outputs, positions, turned, outputs);
                vk_product(fan, outputs, positions, columns, positions, 1, turned, outputs, sums, outputs, r ? VK_FROM_C : VK_FROM_ZERO, 0);
            }
            const int window = kernel * kernel, back = kernel - 1 - padding;
            if (turns) {
                if (!r) vk_turn_kernels(w, weights, outputs, channels, kernel);
                vk_pad(g, padded, outputs, out, out, kernel, back, 1);
                vk_convolve(padded, weights, 0, dx + (size_t)r * pixels, outputs, out, out, kernel, back, channels);
                continue;
            }
            for (int c = 0; c < channels; c++) {
                vk_product(window, positions, outputs, w + c * window, 1, fan, g, positions, columns, positions, VK_FROM_ZERO, 0);
                vk_col2im(columns, dx + (size_t)r * pixels + (size_t)c * side * side, padded, 1, side, side, kernel, padding, 1);
            }
        }
        if (!fills) vk_add_transposed(sums, fan, outputs, dw);
        double spent = now() - start;
        if (spent < best[0]) best[0] = spent;
        start = now();
        for (int r = 0; r < rows; r++) {
            vk_im2col(x + (size_t)r * pixels, columns, padded, channels, side, side, kernel, padding, 1);
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, outputs, positions, fan, 1, w, fan, columns, positions, 0,
                        y2 + (size_t)r * outputs * positions, positions);
        }
        for (int r = 0; r < rows; r++) {
            const float *g = dy + (size_t)r * outputs * positions;
            vk_im2col(x + (size_t)r * pixels, columns, padded, channels, side, side, kernel, padding, 1);
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, outputs, fan, positions, 1, g, positions, columns, positions, 1, dw, fan);
            cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, fan, positions, outputs, 1, w, fan, g, positions, 0, columns, positions);
            vk_col2im(columns, dx + (size_t)r * pixels, padded, channels, side, side, kernel, padding, 1);
        }
        spent = now() - start;
        if (spent < best[1]) best[1] = spent;
    }
    double worst = 0;
    for (size_t i = 0; i < (size_t)rows * outputs * positions; i++) worst = fmax(worst, fabs((double)y[i] - y2[i]));
    printf("%.2f %.2f %.2e\n", flops / best[0] / 1e9, flops / best[1] / 1e9, worst);
    return 0;
}
