#include <string.h>

#include "multiversion.h"
#include "vector_kernels.h"

// The columns of one kernel offset are the image shifted by it: each output row is one run of the input row, between
// zeros where the window hangs over the edge.
static inline void run_bounds(int offset, int padding, int width, int out_width, int *first, int *last) {
    *first = padding - offset > 0 ? padding - offset : 0;
    const int end = width + padding - offset;
    *last = end < out_width ? end : out_width;
    if (*last < *first) *last = *first;
}

void vk_im2col(const float *image, float *columns, int channels, int height, int width, int kernel, int padding) {
    const int out_height = height + 2 * padding - kernel + 1, out_width = width + 2 * padding - kernel + 1;
    float *out = columns;
    for (int c = 0; c < channels; c++)
        for (int ky = 0; ky < kernel; ky++)
            for (int kx = 0; kx < kernel; kx++) {
                int first, last;
                run_bounds(kx, padding, width, out_width, &first, &last);
                for (int oy = 0; oy < out_height; oy++, out += out_width) {
                    const int y = oy + ky - padding;
                    if (y < 0 || y >= height) {
                        memset(out, 0, sizeof(float) * (size_t)out_width);
                        continue;
                    }
                    const float *row = image + ((size_t)c * height + y) * width + kx - padding;
                    for (int x = 0; x < first; x++) out[x] = 0;
                    for (int x = first; x < last; x++) out[x] = row[x];
                    for (int x = last; x < out_width; x++) out[x] = 0;
                }
            }
}

void vk_col2im(const float *columns, float *image, int channels, int height, int width, int kernel, int padding) {
    const int out_height = height + 2 * padding - kernel + 1, out_width = width + 2 * padding - kernel + 1;
    memset(image, 0, sizeof(float) * (size_t)channels * height * width);
    const float *in = columns;
    for (int c = 0; c < channels; c++)
        for (int ky = 0; ky < kernel; ky++)
            for (int kx = 0; kx < kernel; kx++) {
                int first, last;
                run_bounds(kx, padding, width, out_width, &first, &last);
                for (int oy = 0; oy < out_height; oy++, in += out_width) {
                    const int y = oy + ky - padding;
                    if (y < 0 || y >= height) continue;
                    float *row = image + ((size_t)c * height + y) * width + kx - padding;
                    for (int x = first; x < last; x++) row[x] += in[x];
                }
            }
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
