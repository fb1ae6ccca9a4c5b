#include <string.h>

#include "multiversion.h"
#include "padded_image.h"
#include "vector16.h"
#include "vector_kernels.h"

size_t vk_padded_floats(int channels, int height, int width, int kernel, int padding, int stride) {
    const struct padded_image p = padded_image(height, width, kernel, padding, stride);
    return (size_t)channels * p.rows * p.row + 16;
}

void vk_pad(const float *image, float *padded, int channels, int height, int width, int kernel, int padding, int stride) {
    copy_padded(image, padded, channels, height, width, padding, padded_image(height, width, kernel, padding, stride));
}

void vk_pad_narrow(const float *image, float *padded, int channels, int height, int width, int kernel, int padding) {
    if (padding == 0) {
        memcpy(padded, image, sizeof(float) * (size_t)channels * height * width);
        return;
    }
    copy_padded(image, padded, channels, height, width, padding, narrow_image(height, width, kernel, padding));
}

// The columns of one offset of the kernel are the padded image shifted by it: each output row is one run of a padded row.
// Runs are copied in whole vectors; what goes too far is overwritten by the next run.
MULTIVERSION
void vk_im2col(const float *image, float *columns, float *padded, int channels, int height, int width, int kernel, int padding, int stride) {
    const struct padded_image g = padded_image(height, width, kernel, padding, stride);
    copy_padded(image, padded, channels, height, width, padding, g);
    float *out = columns;
    for (int c = 0; c < channels; c++)
        for (int ky = 0; ky < kernel; ky++)
            for (int kx = 0; kx < kernel; kx++) {
                const float *row = padded + ((size_t)c * g.rows + ky) * g.row + kx;
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

// A padded row that fits a vector is summed in a register: each run of columns is read from where its first pixel comes to
// lie in lane kx.
ALWAYS_INLINE void add_narrow(const float *columns, float *padded, int channels, int kernel, struct padded_image g) {
    const size_t positions = (size_t)g.out_height * g.out_width;
    lanes16 lane, within[16];
    for (int l = 0; l < 16; l++) lane[l] = l;
    for (int kx = 0; kx < kernel; kx++) within[kx] = (lane >= kx) & (lane < kx + g.out_width);
    for (int c = 0; c < channels; c++)
        for (int ky = 0; ky < kernel; ky++, columns += kernel * positions)
            for (int y = 0; y < g.out_height; y++) {
                float *row = padded + ((size_t)c * g.rows + y + ky) * g.row;
                v16 sum = LOAD16(row);
                for (int kx = 0; kx < kernel; kx++) {
                    const v16 run = LOAD16(columns + kx * positions + (size_t)y * g.out_width - kx);
                    sum += (v16)((lanes16)run & within[kx]);
                }
                STORE16(row, sum);
            }
}

MULTIVERSION
void vk_col2im(const float *columns, float *image, float *padded, int channels, int height, int width, int kernel, int padding, int stride) {
    const struct padded_image g = padded_image(height, width, kernel, padding, stride);
    memset(padded, 0, sizeof(float) * (size_t)channels * g.rows * g.row);
    if (stride == 1 && width + 2 * padding <= 16) {
        add_narrow(columns, padded, channels, kernel, g);
        copy_unpadded(padded, image, channels, height, width, padding, g);
        return;
    }
    const int tail = (g.out_width - 1) / 16 * 16;
    lanes16 within;
    for (int l = 0; l < 16; l++) within[l] = tail + l < g.out_width ? -1 : 0;
    const float *in = columns;
    for (int c = 0; c < channels; c++)
        for (int ky = 0; ky < kernel; ky++)
            for (int kx = 0; kx < kernel; kx++) {
                float *row = padded + ((size_t)c * g.rows + ky) * g.row + kx;
                for (int y = 0; y < g.out_height; y++, row += stride * g.row, in += g.out_width) {
                    if (stride > 1) {
                        for (int x = 0; x < g.out_width; x++) row[x * stride] += in[x];
                        continue;
                    }
                    for (int x = 0; x < tail; x += 16) STORE16(row + x, LOAD16(row + x) + LOAD16(in + x));
                    STORE16(row + tail, LOAD16(row + tail) + (v16)((lanes16)LOAD16(in + tail) & within));
                }
            }
    copy_unpadded(padded, image, channels, height, width, padding, g);
}

#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define TWICE_LOW 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7
#define TWICE_HIGH 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15

// Rows are narrower than vectors as often as not. Whole vectors go too far, into what the next rows overwrite; where no next
// row is there to do so, floats go one by one.
MULTIVERSION
void vk_average_pool_forward(const float *x, float *y, int planes, int height, int width) {
    const int out_height = height / 2, out_width = width / 2;
    const float *end = x + (size_t)planes * height * width;
    float *out_end = y + (size_t)planes * out_height * out_width;
    for (int p = 0; p < planes; p++)
        for (int oy = 0; oy < out_height; oy++) {
            const float *upper = x + ((size_t)p * height + 2 * oy) * width, *lower = upper + width;
            float *out = y + ((size_t)p * out_height + oy) * out_width;
            int ox = 0;
            for (; ox < out_width && end - (lower + 2 * ox) >= 32 && out_end - (out + ox) >= 16; ox += 16) {
                const v16 a = LOAD16(upper + 2 * ox), b = LOAD16(upper + 2 * ox + 16), c = LOAD16(lower + 2 * ox), d = LOAD16(lower + 2 * ox + 16);
                const v16 above = __builtin_shufflevector(a, b, EVEN) + __builtin_shufflevector(a, b, ODD);
                const v16 below = __builtin_shufflevector(c, d, EVEN) + __builtin_shufflevector(c, d, ODD);
                STORE16(out + ox, 0.25f * (above + below));
            }
            for (; ox < out_width; ox++)
                out[ox] = 0.25f * ((upper[2 * ox] + upper[2 * ox + 1]) + (lower[2 * ox] + lower[2 * ox + 1]));
        }
}

MULTIVERSION
void vk_average_pool_backward(const float *dy, float *dx, int planes, int height, int width) {
    const int out_height = height / 2, out_width = width / 2;
    // Zeros in a left-out row or column would be overwritten.
    const int is_even = height % 2 == 0 && width % 2 == 0;
    if (!is_even) memset(dx, 0, sizeof(float) * (size_t)planes * height * width);
    const float *end = dy + (size_t)planes * out_height * out_width, *out_end = dx + (size_t)planes * height * width;
    for (int p = 0; p < planes; p++)
        for (int oy = 0; oy < out_height; oy++) {
            float *upper = dx + ((size_t)p * height + 2 * oy) * width, *lower = upper + width;
            const float *in = dy + ((size_t)p * out_height + oy) * out_width;
            for (int row = 0; row < 2; row++) {
                float *out = row ? lower : upper;
                int ox = 0;
                for (; is_even && ox < out_width && end - (in + ox) >= 16 && out_end - (out + 2 * ox) >= 32; ox += 16) {
                    const v16 quarter = 0.25f * LOAD16(in + ox);
                    STORE16(out + 2 * ox, __builtin_shufflevector(quarter, quarter, TWICE_LOW));
                    STORE16(out + 2 * ox + 16, __builtin_shufflevector(quarter, quarter, TWICE_HIGH));
                }
                for (; ox < out_width; ox++) out[2 * ox] = out[2 * ox + 1] = 0.25f * in[ox];
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
