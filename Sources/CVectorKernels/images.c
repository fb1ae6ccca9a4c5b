#include <string.h>

#include "multiversion.h"
#include "vector16.h"
#include "vector_kernels.h"

// One convolution's geometry. Images are worked on with their padding around them, so that no run hangs over an edge.
struct geometry {
    int out_height, out_width, padded_height, padded_width;
    // From one padded row to the next: whole vectors that are added behind the last column reach no other row.
    size_t row;
};

static inline struct geometry geometry(int height, int width, int kernel, int padding, int stride) {
    struct geometry g = {(height + 2 * padding - kernel) / stride + 1, (width + 2 * padding - kernel) / stride + 1, height + 2 * padding,
                         width + 2 * padding, 0};
    g.row = (size_t)g.padded_width + (g.out_width % 16 ? 15 : 0);
    return g;
}

size_t vk_padded_floats(int channels, int height, int width, int kernel, int padding, int stride) {
    const struct geometry g = geometry(height, width, kernel, padding, stride);
    return (size_t)channels * g.padded_height * g.row + 16;
}

// The columns of one offset of the kernel are the padded image shifted by it: each output row is one run of a padded row.
// Runs are copied in whole vectors; what goes too far is overwritten by the next run.
MULTIVERSION
void vk_im2col(const float *image, float *columns, float *padded, int channels, int height, int width, int kernel, int padding, int stride) {
    const struct geometry g = geometry(height, width, kernel, padding, stride);
    memset(padded, 0, sizeof(float) * (size_t)channels * g.padded_height * g.row);
    for (int c = 0; c < channels; c++)
        for (int y = 0; y < height; y++)
            memcpy(padded + ((size_t)c * g.padded_height + y + padding) * g.row + padding, image + ((size_t)c * height + y) * width,
                   sizeof(float) * (size_t)width);
    float *out = columns;
    for (int c = 0; c < channels; c++)
        for (int ky = 0; ky < kernel; ky++)
            for (int kx = 0; kx < kernel; kx++) {
                const float *row = padded + ((size_t)c * g.padded_height + ky) * g.row + kx;
                if (stride > 1) {
                    for (int y = 0; y < g.out_height; y++, row += stride * g.row, out += g.out_width)
                        for (int x = 0; x < g.out_width; x++) out[x] = row[x * stride];
                } else if (g.out_width <= 16) {
                    for (int y = 0; y < g.out_height; y++, row += g.row, out += g.out_width) STORE16(out, LOAD16(row));
                } else {
                    for (int y = 0; y < g.out_height; y++, row += g.row, out += g.out_width)
                        for (int x = 0; x < g.out_width; x += 16) STORE16(out + x, LOAD16(row + x));
                }
            }
}

typedef int lanes16 __attribute__((vector_size(64)));

MULTIVERSION
void vk_col2im(const float *columns, float *image, float *padded, int channels, int height, int width, int kernel, int padding, int stride) {
    const struct geometry g = geometry(height, width, kernel, padding, stride);
    memset(padded, 0, sizeof(float) * (size_t)channels * g.padded_height * g.row);
    const int tail = (g.out_width - 1) / 16 * 16;
    lanes16 within;
    for (int l = 0; l < 16; l++) within[l] = tail + l < g.out_width ? -1 : 0;
    const float *in = columns;
    for (int c = 0; c < channels; c++)
        for (int ky = 0; ky < kernel; ky++)
            for (int kx = 0; kx < kernel; kx++) {
                float *row = padded + ((size_t)c * g.padded_height + ky) * g.row + kx;
                for (int y = 0; y < g.out_height; y++, row += stride * g.row, in += g.out_width) {
                    if (stride > 1) {
                        for (int x = 0; x < g.out_width; x++) row[x * stride] += in[x];
                        continue;
                    }
                    for (int x = 0; x < tail; x += 16) STORE16(row + x, LOAD16(row + x) + LOAD16(in + x));
                    STORE16(row + tail, LOAD16(row + tail) + (v16)((lanes16)LOAD16(in + tail) & within));
                }
            }
    for (int c = 0; c < channels; c++)
        for (int y = 0; y < height; y++)
            memcpy(image + ((size_t)c * height + y) * width, padded + ((size_t)c * g.padded_height + y + padding) * g.row + padding,
                   sizeof(float) * (size_t)width);
}

MULTIVERSION
void vk_average_pool_forward(const float *x, float *y, int planes, int height, int width) {
    const int out_height = height / 2, out_width = width / 2;
    for (int p = 0; p < planes; p++)
        for (int oy = 0; oy < out_height; oy++) {
            const float *upper = x + ((size_t)p * height + 2 * oy) * width, *lower = upper + width;
            float *out = y + ((size_t)p * out_height + oy) * out_width;
            for (int ox = 0; ox < out_width; ox++)
                out[ox] = 0.25f * ((upper[2 * ox] + upper[2 * ox + 1]) + (lower[2 * ox] + lower[2 * ox + 1]));
        }
}

MULTIVERSION
void vk_average_pool_backward(const float *dy, float *dx, int planes, int height, int width) {
    const int out_height = height / 2, out_width = width / 2;
    if (height % 2 || width % 2) memset(dx, 0, sizeof(float) * (size_t)planes * height * width);
    for (int p = 0; p < planes; p++)
        for (int oy = 0; oy < out_height; oy++) {
            float *upper = dx + ((size_t)p * height + 2 * oy) * width, *lower = upper + width;
            const float *in = dy + ((size_t)p * out_height + oy) * out_width;
            for (int ox = 0; ox < out_width; ox++) {
                const float quarter = 0.25f * in[ox];
                upper[2 * ox] = quarter;
                upper[2 * ox + 1] = quarter;
                lower[2 * ox] = quarter;
                lower[2 * ox + 1] = quarter;
            }
        }
}

static inline float larger(float a, float b) { return b > a ? b : a; }

MULTIVERSION
void vk_max_pool_forward(const float *x, float *y, int planes, int height, int width) {
    const int out_height = height / 2, out_width = width / 2;
    for (int p = 0; p < planes; p++)
        for (int oy = 0; oy < out_height; oy++) {
            const float *upper = x + ((size_t)p * height + 2 * oy) * width, *lower = upper + width;
            float *out = y + ((size_t)p * out_height + oy) * out_width;
            for (int ox = 0; ox < out_width; ox++)
                out[ox] = larger(larger(upper[2 * ox], upper[2 * ox + 1]), larger(lower[2 * ox], lower[2 * ox + 1]));
        }
}

void vk_max_pool_backward(const float *x, const float *dy, float *dx, int planes, int height, int width) {
    const int out_height = height / 2, out_width = width / 2;
    memset(dx, 0, sizeof(float) * (size_t)planes * height * width);
    for (int p = 0; p < planes; p++)
        for (int oy = 0; oy < out_height; oy++)
            for (int ox = 0; ox < out_width; ox++) {
                const size_t corner = ((size_t)p * height + 2 * oy) * width + 2 * ox;
                const size_t places[4] = {corner, corner + 1, corner + width, corner + width + 1};
                size_t best = places[0];
                for (int i = 1; i < 4; i++)
                    if (x[places[i]] > x[best]) best = places[i];
                dx[best] = dy[((size_t)p * out_height + oy) * out_width + ox];
            }
}

MULTIVERSION
void vk_add_shortcut(const float *x, float *y, int channels, int height, int width, int stride) {
    if (stride == 1) {
        for (size_t i = 0; i < (size_t)channels * height * width; i++) y[i] += x[i];
        return;
    }
    const int out_height = (height + stride - 1) / stride, out_width = (width + stride - 1) / stride;
    for (int c = 0; c < channels; c++)
        for (int oy = 0; oy < out_height; oy++)
            for (int ox = 0; ox < out_width; ox++)
                y[((size_t)c * out_height + oy) * out_width + ox] += x[((size_t)c * height + oy * stride) * width + ox * stride];
}

MULTIVERSION
void vk_add_shortcut_gradient(const float *dy, float *dx, int channels, int height, int width, int stride) {
    if (stride == 1) {
        for (size_t i = 0; i < (size_t)channels * height * width; i++) dx[i] += dy[i];
        return;
    }
    const int out_height = (height + stride - 1) / stride, out_width = (width + stride - 1) / stride;
    for (int c = 0; c < channels; c++)
        for (int oy = 0; oy < out_height; oy++)
            for (int ox = 0; ox < out_width; ox++)
                dx[((size_t)c * height + oy * stride) * width + ox * stride] += dy[((size_t)c * out_height + oy) * out_width + ox];
}

void vk_shift_image(const float *image, float *shifted, int channels, int height, int width, int down, int right, int mirror) {
    for (int c = 0; c < channels; c++)
        for (int y = 0; y < height; y++) {
            int from = y - down;
            from = from < 0 ? 0 : from >= height ? height - 1 : from;
            const float *row = image + ((size_t)c * height + from) * width;
            float *out = shifted + ((size_t)c * height + y) * width;
            for (int x = 0; x < width; x++) {
                int column = (mirror ? width - 1 - x : x) - right;
                column = column < 0 ? 0 : column >= width ? width - 1 : column;
                out[x] = row[column];
            }
        }
}
