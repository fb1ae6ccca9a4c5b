// One line for every kernel: its name and a digest of the bits that it gives for fixed inputs of many sizes. The lines of two
// processors, or of two instruction sets, must be the same. Products and convolutions are also compared with their definitions, written
// down as they stand; the first difference ends the program.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vector_kernels.h"

static uint64_t state, digest;

static uint32_t next_bits(void) {
    state += 0x9E3779B97F4A7C15u;
    uint64_t z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)(z >> 32);
}

// Multiples of 2^-20 in -1 ... 1: whatever makes them, they are exact.
static float next_float(void) { return (float)((int32_t)(next_bits() >> 11) - (1 << 20)) / (float)(1 << 20); }

enum { MOST = 1 << 16 };

static float *floats(size_t n) {
    // Garbage that no kernel may take for values surrounds them.
    float *p = malloc((n + 64) * sizeof(float));
    if (!p || n > MOST) exit(1);
    memset(p, 0xFF, (n + 64) * sizeof(float));
    for (size_t i = 0; i < n; i++) p[32 + i] = next_float();
    return p + 32;
}

static int32_t *integers(size_t n, unsigned shift) {
    int32_t *p = malloc((n + 1) * sizeof(int32_t));
    if (!p) exit(1);
    for (size_t i = 0; i < n; i++) p[i] = (int32_t)next_bits() >> shift;
    return p;
}

static void done(float *p) { free(p - 32); }

// FNV-1a.
static void add(const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) digest = (digest ^ ((const uint8_t *)bytes)[i]) * 0x100000001B3u;
}

static void end(const char *name) {
    printf("%-24s %016llx\n", name, (unsigned long long)digest);
    digest = 0xCBF29CE484222325u;
}

static void expect(const char *name, const float *got, const float *wanted, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (memcmp(&got[i], &wanted[i], sizeof(float))) {
            fprintf(stderr, "%s: element %zu is %a, and by its definition %a\n", name, i, got[i], wanted[i]);
            exit(1);
        }
}

static float folded(float *chains) {
    for (int width = 8; width > 0; width /= 2)
        for (int l = 0; l < width; l++) chains[l] += chains[l + width];
    return chains[0];
}

static float start_of(enum vk_start start, float c, float bias) { return start == VK_FROM_ZERO ? 0.0f : start == VK_FROM_C ? c : bias; }

static void products(void) {
    static const size_t rows[] = {1, 2, 3, 5, 6, 7, 11, 12, 13, 16, 17, 33}, columns[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 25, 31, 33, 65}, depths[] = {0, 1, 15, 16, 20, 37};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t l = 0; l < sizeof columns / sizeof *columns; l++)
            for (size_t d = 0; d < sizeof depths / sizeof *depths; d++)
                for (int start = VK_FROM_ZERO; start <= VK_FROM_BIAS; start++) {
                    const size_t m = rows[r], n = columns[l], k = depths[d];
                    float *a = floats(m * k), *b = floats(n * k), *c = floats(m * n), *bias = floats(m + n), *wanted = floats(m * n);
                    for (size_t i = 0; i < m; i++)
                        for (size_t j = 0; j < n; j++) {
                            float sum = start_of(start, c[i * n + j], bias[i]);
                            for (size_t p = 0; p < k; p++) sum = fmaf(a[i * k + p], b[p * n + j], sum);
                            wanted[i * n + j] = sum;
                        }
                    float *result = floats(m * n);
                    memcpy(result, c, m * n * sizeof *c);
                    vk_product(m, n, k, a, k, 1, b, n, result, n, start, bias);
                    expect("product", result, wanted, m * n);
                    add(result, m * n * sizeof *result);
                    for (size_t i = 0; i < m; i++)
                        for (size_t j = 0; j < n; j++) {
                            float chains[16] = {0};
                            for (size_t p = 0; p < k; p++) chains[p % 16] = fmaf(a[i * k + p], b[j * k + p], chains[p % 16]);
                            wanted[i * n + j] = start_of(start, c[i * n + j], bias[j]) + folded(chains);
                        }
                    memcpy(result, c, m * n * sizeof *c);
                    vk_product_of_rows(m, n, k, a, k, b, k, result, n, start, bias);
                    expect("product of rows", result, wanted, m * n);
                    add(result, m * n * sizeof *result);
                    done(a), done(b), done(c), done(bias), done(wanted), done(result);
                }
    end("products");
}

struct window {
    int channels, height, width, outputs, kernel, padding;
};

static void convolutions(void) {
    static const struct window windows[] = {{1, 28, 28, 6, 5, 2}, {6, 14, 14, 16, 5, 0}, {3, 16, 16, 16, 3, 1}, {2, 9, 20, 7, 3, 1}, {2, 6, 7, 33, 3, 1},
                                            {1, 5, 5, 4, 5, 0},   {3, 4, 33, 5, 1, 0},   {2, 8, 24, 8, 3, 0},   {1, 6, 37, 3, 2, 1}, {2, 7, 12, 20, 5, 4}};
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
        const struct window q = windows[w];
        const int out_height = q.height + 2 * q.padding - q.kernel + 1, out_width = q.width + 2 * q.padding - q.kernel + 1;
        const size_t fan = (size_t)q.channels * q.kernel * q.kernel, positions = (size_t)out_height * out_width;
        float *image = floats((size_t)q.channels * q.height * q.width), *weights = floats(q.outputs * fan), *bias = floats((size_t)q.outputs);
        float *dy = floats(q.outputs * positions), *gradient = floats(q.outputs * fan), *columns = floats(fan * positions), *transposed = floats(q.outputs * positions);
        float *y = floats(q.outputs * positions), *wanted = floats(q.outputs * positions), *wanted_gradient = floats(q.outputs * fan), *result = floats(q.outputs * fan);
        float *padded = floats(vk_padded_floats(q.channels, q.height, q.width, q.kernel, q.padding, 1));
        for (size_t i = 0; i < fan; i++)
            for (size_t p = 0; p < positions; p++) {
                const int within = (int)i % (q.kernel * q.kernel), row = (int)p / out_width + within / q.kernel - q.padding, column = (int)p % out_width + within % q.kernel - q.padding;
                const int inside = row >= 0 && row < q.height && column >= 0 && column < q.width;
                columns[i * positions + p] = inside ? image[((int)i / (q.kernel * q.kernel) * q.height + row) * q.width + column] : 0.0f;
            }
        for (int o = 0; o < q.outputs; o++) {
            for (size_t p = 0; p < positions; p++) {
                float sum = bias[o];
                for (size_t i = 0; i < fan; i++) sum = fmaf(weights[o * fan + i], columns[i * positions + p], sum);
                wanted[o * positions + p] = sum;
            }
            for (size_t i = 0; i < fan; i++) {
                float chains[16] = {0};
                for (size_t p = 0; p < positions; p++) {
                    const size_t lane = p % (size_t)out_width % 16;
                    chains[lane] = fmaf(dy[o * positions + p], columns[i * positions + p], chains[lane]);
                }
                wanted_gradient[o * fan + i] = gradient[o * fan + i] + folded(chains);
            }
        }
        vk_pad(image, padded, q.channels, q.height, q.width, q.kernel, q.padding, 1);
        vk_convolve(padded, weights, bias, y, q.channels, q.height, q.width, q.kernel, q.padding, q.outputs);
        expect("convolution", y, wanted, q.outputs * positions);
        add(y, q.outputs * positions * sizeof *y);
        memcpy(result, gradient, q.outputs * fan * sizeof *result);
        vk_add_convolution_gradient(padded, dy, result, q.channels, q.height, q.width, q.kernel, q.padding, q.outputs);
        expect("gradient of a convolution", result, wanted_gradient, q.outputs * fan);
        add(result, q.outputs * fan * sizeof *result);
        vk_pad_narrow(image, padded, q.channels, q.height, q.width, q.kernel, q.padding);
        vk_convolve_narrow(padded, weights, bias, y, q.channels, q.height, q.width, q.kernel, q.padding, q.outputs);
        expect("narrow convolution", y, wanted, q.outputs * positions);
        if (q.kernel == 3 || q.kernel == 5) {
            vk_transpose(dy, (size_t)q.outputs, positions, transposed, (size_t)q.outputs);
            for (size_t i = 0; i < fan; i++)
                for (int o = 0; o < q.outputs; o++) {
                    float sum = gradient[i * q.outputs + o];
                    for (size_t p = 0; p < positions; p++) sum = fmaf(columns[i * positions + p], transposed[p * q.outputs + o], sum);
                    wanted_gradient[i * q.outputs + o] = sum;
                }
            memcpy(result, gradient, q.outputs * fan * sizeof *result);
            vk_narrow_convolution_gradient(padded, transposed, result, 0, q.channels, q.height, q.width, q.kernel, q.padding, q.outputs);
            expect("gradient of a narrow convolution", result, wanted_gradient, q.outputs * fan);
            add(result, q.outputs * fan * sizeof *result);
        }
        done(image), done(weights), done(bias), done(dy), done(gradient), done(columns), done(transposed), done(y), done(wanted), done(wanted_gradient), done(result), done(padded);
    }
    end("convolutions");
}

static void images(void) {
    static const struct window windows[] = {{2, 9, 13, 0, 3, 1}, {3, 14, 14, 0, 5, 0}, {1, 28, 28, 0, 5, 2}, {4, 8, 32, 0, 3, 1}};
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++)
        for (int stride = 1; stride <= 2; stride++) {
            const struct window q = windows[w];
            const int out_height = (q.height + 2 * q.padding - q.kernel) / stride + 1, out_width = (q.width + 2 * q.padding - q.kernel) / stride + 1;
            const size_t pixels = (size_t)q.channels * q.height * q.width, all = (size_t)q.channels * q.kernel * q.kernel * out_height * out_width;
            const size_t pooled = (size_t)q.channels * (q.height / 2) * (q.width / 2);
            float *image = floats(pixels), *columns = floats(all + 16), *padded = floats(vk_padded_floats(q.channels, q.height, q.width, q.kernel, q.padding, stride)), *back = floats(pixels), *y = floats(pixels), *slopes = floats(pixels);
            vk_im2col(image, columns, padded, q.channels, q.height, q.width, q.kernel, q.padding, stride);
            add(columns, all * sizeof *columns);
            vk_col2im(columns, back, padded, q.channels, q.height, q.width, q.kernel, q.padding, stride);
            add(back, pixels * sizeof *back);
            vk_average_pool_forward(image, y, q.channels, q.height, q.width), add(y, pooled * sizeof *y);
            vk_average_pool_backward(slopes, back, q.channels, q.height, q.width), add(back, pixels * sizeof *back);
            vk_max_pool_forward(image, y, q.channels, q.height, q.width), add(y, pooled * sizeof *y);
            vk_max_pool_backward(image, slopes, back, q.channels, q.height, q.width), add(back, pixels * sizeof *back);
            vk_add_shortcut(image, back, q.channels, q.height, q.width, stride), add(back, pixels * sizeof *back);
            vk_add_shortcut_gradient(slopes, back, q.channels, q.height, q.width, stride), add(back, pixels * sizeof *back);
            vk_shift_image(image, back, q.channels, q.height, q.width, 2, -1, stride - 1), add(back, pixels * sizeof *back);
            done(image), done(columns), done(padded), done(back), done(y), done(slopes);
        }
    end("images");
}

static void rows(void) {
    for (size_t n = 1; n < 200; n += 13) {
        float *x = floats(6 * n), *y = floats(6 * n), *z = floats(6 * n), *w = floats(6 * n);
        for (size_t i = 0; i < 6 * n; i++) x[i] *= 4;
        vk_tanh_forward(x, y, 6 * n), add(y, 6 * n * sizeof *y), vk_tanh_backward(y, z, w, 6 * n), add(w, 6 * n * sizeof *w);
        vk_relu_forward(x, y, 6 * n), add(y, 6 * n * sizeof *y), vk_relu_backward(y, z, w, 6 * n), add(w, 6 * n * sizeof *w);
        vk_gelu_forward(x, y, 6 * n), add(y, 6 * n * sizeof *y), vk_gelu_backward(x, z, w, 6 * n), add(w, 6 * n * sizeof *w);
        vk_softmax(x, y, (int)n), add(y, n * sizeof *y), vk_softmax_gradient(x, y, (int)n, (int)n / 2, 0.1f, 0.25f), add(y, n * sizeof *y);
        float gain[6] = {1, 2, 3, 0.5f, 0.25f, -1}, bias[6] = {0, 1, -1, 0.5f, 2, 3}, d_gain[6] = {0}, d_bias[6] = {0}, sums[6] = {0};
        vk_group_norm_forward(x, y, gain, bias, 6, 3, n), add(y, 6 * n * sizeof *y);
        vk_group_norm_backward(x, z, w, gain, d_gain, d_bias, 6, 3, n), add(w, 6 * n * sizeof *w), add(d_gain, sizeof d_gain), add(d_bias, sizeof d_bias);
        vk_add_plane_sums(x, sums, 6, n), add(sums, sizeof sums), vk_plane_means(x, sums, 6, n), add(sums, sizeof sums);
        vk_spread_planes(sums, y, 6, n), add(y, 6 * n * sizeof *y), vk_add_row_sums(x, y, 6, n), add(y, n * sizeof *y);
        float *lanes[3] = {x, y, z};
        vk_take_lanes(lanes, 3, n, 5 * n, w), add(w, 5 * n * sizeof *w);
        const double squares = vk_sum_squares(w, 5 * n);
        add(&squares, sizeof squares);
        vk_sgd_step(x, y, w, n, 0.01f, 0.9f, 1e-3f, 0.5f), add(x, n * sizeof *x), add(y, n * sizeof *y);
        vk_add(x, y, n), vk_scale_floats(y, x, n, 0.3f), add(x, n * sizeof *x);
        vk_add_transposed(z, 6, n, w), add(w, 6 * n * sizeof *w);
        vk_standardise_bytes((const uint8_t *)w, y, n, 0.01f, -1), add(y, n * sizeof *y);
        done(x), done(y), done(z), done(w);
    }
    end("rows");
}

static void steps(void) {
    for (size_t n = 1; n < 5000; n = n * 3 + 1)
        for (unsigned shift = 0; shift < 30; shift += 7) {
            int32_t *a = integers(n, shift), *b = integers(n, shift), *c = integers(n, shift);
            float *values = malloc(n * sizeof(float));
            const int32_t *tips[7] = {b, c, a, b, b, c, c};
            for (size_t count = 1; count <= 7; count++) {
                int32_t *merged = integers(n, 0);
                vk_merge(a, tips, count, merged, n), add(merged, n * sizeof *merged);
                free(merged);
            }
            uint64_t norms[2] = {vk_l1_norm(a, n), vk_l1_distance(a, b, n)};
            add(norms, sizeof norms);
            int fits = vk_add_checked(a, b, c, n);
            add(&fits, sizeof fits), add(c, n * sizeof *c);
            fits = vk_subtract_checked(a, b, c, n);
            add(&fits, sizeof fits), add(c, n * sizeof *c);
            vk_scale(a, c, n, 0.37), add(c, n * sizeof *c);
            vk_unsnap(a, values, n, 1.0f / (1 << 18)), add(values, n * sizeof *values);
            const size_t place = vk_snap(values, c, n, 1 << 17);
            add(&place, sizeof place), add(c, place == n ? n * sizeof *c : 0);
            const size_t groups = (n + 511) / 512;
            uint8_t *shifts = malloc(groups), *symbols = malloc(groups * 512), *low = malloc(groups * 64 * VK_MOST_SHIFT);
            const size_t used = vk_split_steps(b, n, shifts, symbols, low);
            add(shifts, groups), add(symbols, groups * 512), add(low, used);
            if (vk_join_steps(shifts, symbols, low, c, n) || memcmp(b, c, n * sizeof *c)) fprintf(stderr, "steps do not come back\n"), exit(1);
            free(a), free(b), free(c), free(values), free(shifts), free(symbols), free(low);
        }
    end("steps");
}

static void joint_sums(void) {
    enum { POSITIONS = 300, TILES = 2 };
    for (unsigned levels = 2; levels <= 40; levels += 19) {
        static uint8_t tiles[TILES][POSITIONS][VK_TILE_ROWS];
        static uint32_t order[POSITIONS], starts[257];
        static int32_t weights[POSITIONS + 1], sums[TILES * VK_TILE_ROWS];
        for (unsigned t = 0; t < TILES; t++)
            for (unsigned p = 0; p < POSITIONS; p++)
                for (unsigned r = 0; r < VK_TILE_ROWS; r++) tiles[t][p][r] = (uint8_t)(next_bits() % levels);
        static uint16_t counted[TILES * 256 * VK_TILE_ROWS];
        memset(counted, 0, sizeof counted);
        for (unsigned t = 0; t < TILES; t++)
            for (unsigned p = 0; p < POSITIONS; p++)
                for (unsigned r = 0; r < VK_TILE_ROWS; r++) counted[(t * levels + tiles[t][p][r]) * VK_TILE_ROWS + r]++;
        unsigned used = 0;
        for (unsigned level = 0; level < levels; level++) {
            starts[level] = used;
            for (unsigned p = 0; p < POSITIONS; p++)
                if (p * 7 % levels == level) order[used++] = p;
        }
        starts[levels] = used;
        for (int c = 0; c <= POSITIONS; c++) weights[c] = c * c;
        vk_joint_sums(&tiles[0][0][0], counted, TILES, levels, order, starts, weights, sums);
        add(sums, sizeof sums);
    }
    end("joint sums");
}

int main(void) {
    digest = 0xCBF29CE484222325u;
    products();
    convolutions();
    images();
    rows();
    steps();
    joint_sums();
    return 0;
}
