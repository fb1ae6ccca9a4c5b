// Arithmetic of states, one thread, on vectors that no cache holds: GB/s of memory read and written, beside adding floats and
// memcpy on the same memory. Prints: what, ours, GB/s.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vector_kernels.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

enum { COUNT = 1 << 25, ROUNDS = 15 };
static int32_t *a, *b, *c, *d;
static volatile uint64_t sink;

// The limits: the same memory traffic with nothing to compute, or next to nothing.
__attribute__((noinline)) static void add_floats(const float *x, const float *y, float *z) {
    for (size_t i = 0; i < COUNT; i++) z[i] = x[i] + y[i];
}
__attribute__((noinline)) static uint64_t read_both(const uint64_t *x, const uint64_t *y) {
    uint64_t all = 0;
    for (size_t i = 0; i < COUNT / 2; i++) all += x[i] ^ y[i];
    return all;
}

static void run(int what) {
    switch (what) {
    case 0: memcpy(c, a, sizeof(int32_t) * COUNT); break;
    case 1: add_floats((float *)a, (float *)b, (float *)c); break;
    case 2: sink += read_both((uint64_t *)a, (uint64_t *)b); break;
    case 3: sink += (uint64_t)vk_add_checked(a, b, c, COUNT); break;
    case 4: sink += (uint64_t)vk_subtract_checked(a, b, c, COUNT); break;
    case 5: sink += vk_l1_distance(a, b, COUNT); break;
    case 6: vk_merge(c, (const int32_t *const[]){a, b}, 2, d, COUNT); break;
    }
}

int main(void) {
    static const char *names[] = {"memcpy", "adding floats", "reading two vectors", "stitch: M + D, checked", "influence: M - M, checked", "residual memory: L1 distance", "merge of two tips"};
    static const double passes[] = {2, 3, 2, 3, 3, 2, 4};
    a = malloc(sizeof(int32_t) * COUNT), b = malloc(sizeof(int32_t) * COUNT), c = malloc(sizeof(int32_t) * COUNT), d = malloc(sizeof(int32_t) * COUNT);
    if (!a || !b || !c || !d) return 1;
    for (size_t i = 0; i < COUNT; i++) a[i] = (int32_t)(i * 2654435761u) >> 12, b[i] = (int32_t)(i * 40503u) >> 12, c[i] = (int32_t)i >> 8, d[i] = 0;
    double best[7];
    for (int what = 0; what < 7; what++) best[what] = 1e9;
    for (int round = 0; round < ROUNDS; round++)
        for (int what = 0; what < 7; what++) {
            const double start = now();
            run(what);
            const double spent = now() - start;
            if (spent < best[what]) best[what] = spent;
        }
    for (int what = 0; what < 7; what++) printf("%s\t%d\t%.2f\n", names[what], what > 2, passes[what] * sizeof(int32_t) * COUNT / best[what] / 1e9);
    return 0;
}
