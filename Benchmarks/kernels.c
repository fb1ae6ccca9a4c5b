// Every product and convolution of the trainer, at the sizes at which the built-in networks call it, on one thread beside a loop of
// nothing but fused multiplications and additions. Compiled once for each instruction set (VK_MOST_INSTRUCTIONS).
//
//     kernels [TEXT]     only kernels whose name contains TEXT
//
// Prints: name, size, GFLOP/s, and the loop's.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "multiversion.h"
#include "vector_kernels.h"

#if VK_MOST_INSTRUCTIONS == 4
#define PEAK __attribute__((target("arch=x86-64-v4")))
enum { LANES = 16, SUMS = 16 };
#elif VK_MOST_INSTRUCTIONS == 3
#define PEAK __attribute__((target("arch=x86-64-v3")))
enum { LANES = 8, SUMS = 12 };
#else
#define PEAK
enum { LANES = 4, SUMS = 16 };
#endif
typedef float lanes __attribute__((vector_size(LANES * 4)));

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static volatile float sink;
enum { PEAK_STEPS = 20000 };

// More chains than the latency of the unit asks for; with more than twenty of them a Zen 4 falls to two thirds.
PEAK __attribute__((noinline)) static double fma_peak(void) {
    lanes sum[SUMS], x, y;
    for (int l = 0; l < LANES; l++) x[l] = 0.999f, y[l] = 0.001f;
    __asm__("" : "+m"(x), "+m"(y));
    const lanes a = x, b = y;
    for (int i = 0; i < SUMS; i++) sum[i] = b * (float)i;
    for (int step = 0; step < PEAK_STEPS; step++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < SUMS; i++) sum[i] = FUSED(sum[i], a, b);
    }
    for (int i = 1; i < SUMS; i++) sum[0] += sum[i];
    sink = sum[0][0];
    return 2.0 * LANES * SUMS * PEAK_STEPS;
}

static float *filled(size_t n) {
    float *p = aligned_alloc(64, (n * sizeof(float) + 64 + 4096) / 64 * 64);
    if (!p) exit(1);
    for (size_t i = 0; i < n + 16; i++) p[i] = (float)(rand() % 1024) / 1024 - 0.5f;
    return p;
}

enum kind { FORWARD, BACKWARD, GRADIENT, CONVOLVE, CORRELATE, CONVOLVE_NARROW, CORRELATE_NARROW, COLUMNS_FORWARD, COLUMNS_GRADIENT, COLUMNS_ROWS };
static const char *kinds[] = {"dense forward: product of rows", "dense backward: product", "dense weights: product, A transposed", "convolution along rows", "its weights' gradient",
                              "convolution of a narrow image", "its weights' gradient, narrow", "unrolled convolution: product", "its weights' gradient: product", "its weights' gradient: product of rows"};

struct job {
    enum kind kind;
    // Rows, outputs, inputs of a dense layer; channels, side, outputs, kernel, padding of a convolution.
    int size[5];
};
static const struct job jobs[] = {
    {FORWARD, {64, 32, 784}}, {FORWARD, {256, 32, 784}}, {FORWARD, {16, 128, 256}}, {FORWARD, {16, 120, 400}}, {FORWARD, {16, 84, 120}}, {FORWARD, {32, 10, 84}}, {FORWARD, {16, 10, 784}}, {FORWARD, {256, 256, 256}},
    {BACKWARD, {64, 64, 128}}, {BACKWARD, {256, 64, 128}}, {BACKWARD, {16, 400, 120}}, {BACKWARD, {16, 120, 84}}, {BACKWARD, {16, 128, 10}}, {BACKWARD, {256, 256, 256}},
    {GRADIENT, {32, 16, 256}}, {GRADIENT, {32, 16, 128}}, {GRADIENT, {32, 10, 84}}, {GRADIENT, {32, 10, 400}},
    {CONVOLVE, {1, 28, 6, 5, 2}}, {CONVOLVE, {16, 10, 6, 5, 4}}, {CONVOLVE, {3, 32, 16, 3, 1}}, {CONVOLVE, {16, 32, 16, 3, 1}}, {CONVOLVE, {32, 16, 32, 3, 1}}, {CONVOLVE, {64, 32, 64, 3, 1}},
    {CORRELATE, {1, 28, 6, 5, 2}}, {CORRELATE, {3, 32, 16, 3, 1}}, {CORRELATE, {16, 32, 16, 3, 1}}, {CORRELATE, {32, 16, 32, 3, 1}},
    {CONVOLVE_NARROW, {6, 14, 16, 5, 0}}, {CONVOLVE_NARROW, {32, 8, 32, 3, 1}},
    {CORRELATE_NARROW, {6, 14, 16, 5, 0}}, {CORRELATE_NARROW, {32, 8, 32, 3, 1}},
    {COLUMNS_FORWARD, {64, 8, 64, 3, 1}}, {COLUMNS_GRADIENT, {64, 8, 64, 3, 1}}, {COLUMNS_ROWS, {6, 14, 10, 5, 0}},
};

// Runs a job so often that it takes about as long as the peak's loop; gives its operations.
static double run(const struct job *job, float *const *memory) {
    const int *s = job->size;
    float *x = memory[0], *w = memory[1], *y = memory[2];
    if (job->kind <= GRADIENT) {
        const size_t rows = s[0], outputs = s[1], inputs = s[2];
        const double operations = 2.0 * rows * outputs * inputs;
        const int times = 1 + (int)(4e6 / operations);
        for (int i = 0; i < times; i++) switch (job->kind) {
            case FORWARD: vk_product_of_rows(rows, outputs, inputs, x, inputs, w, inputs, y, outputs, VK_FROM_BIAS, memory[3]); break;
            case BACKWARD: vk_product(rows, inputs, outputs, x, outputs, 1, w, inputs, y, inputs, VK_FROM_ZERO, 0); break;
            default: vk_product(outputs, inputs, rows, x, 1, outputs, w, inputs, y, inputs, VK_FROM_ZERO, 0);
            }
        return operations * times;
    }
    const int channels = s[0], side = s[1], outputs = s[2], kernel = s[3], padding = s[4], out = side + 2 * padding - kernel + 1;
    const size_t fan = (size_t)channels * kernel * kernel, positions = (size_t)out * out;
    const double operations = 2.0 * outputs * fan * positions;
    const int times = 1 + (int)(4e6 / operations);
    for (int i = 0; i < times; i++) switch (job->kind) {
        case CONVOLVE: vk_convolve(x, w, memory[3], y, channels, side, side, kernel, padding, outputs); break;
        case CORRELATE: vk_add_convolution_gradient(x, y, w, channels, side, side, kernel, padding, outputs); break;
        case CONVOLVE_NARROW: vk_convolve_narrow(x, w, memory[3], y, channels, side, side, kernel, padding, outputs); break;
        case CORRELATE_NARROW: vk_narrow_convolution_gradient(x, y, w, 1, channels, side, side, kernel, padding, outputs); break;
        case COLUMNS_FORWARD: vk_product(outputs, positions, fan, w, fan, 1, x, positions, y, positions, VK_FROM_ZERO, 0); break;
        case COLUMNS_GRADIENT: vk_product(fan, outputs, positions, x, positions, 1, y, outputs, w, outputs, VK_FROM_ZERO, 0); break;
        default: vk_product_of_rows(outputs, fan, positions, y, positions, x, positions, w, fan, VK_FROM_ZERO, 0);
        }
    return operations * times;
}

int main(int count, char **arguments) {
    enum { ROUNDS = 60 };
    float *memory[4];
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        const struct job *job = &jobs[i];
        const int *s = job->size;
        char size[64];
        if (job->kind <= GRADIENT) snprintf(size, sizeof size, "%d rows, %d outputs, %d inputs", s[0], s[1], s[2]);
        else snprintf(size, sizeof size, "%d -> %d, %dx%d, %dx%d, padding %d", s[0], s[2], s[1], s[1], s[3], s[3], s[4]);
        if (count > 1 && !strstr(kinds[job->kind], arguments[1]) && !strstr(size, arguments[1])) continue;
        for (int m = 0; m < 4; m++) memory[m] = filled((size_t)1 << 19);
        double best = 0, peak = 0;
        for (int round = 0; round < ROUNDS; round++) {
            double start = now();
            const double operations = run(job, memory), middle = now();
            if (operations / (middle - start) > best) best = operations / (middle - start);
            start = now();
            const double all = fma_peak(), spent = now() - start;
            if (all / spent > peak) peak = all / spent;
        }
        printf("%s\t%s\t%.2f\t%.2f\n", kinds[job->kind], size, best / 1e9, peak / 1e9);
        for (int m = 0; m < 4; m++) free(memory[m]);
    }
    return 0;
}
