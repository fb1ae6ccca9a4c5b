// Convolutions of images that lie with their padding around them, without unrolling: the pixels under one offset of the kernel
// are a shifted view of the image, read in runs of up to sixteen along its rows. Every output is one chain of fused
// multiplications and additions over the kernel, in order; every gradient of a weight sixteen over the positions, folded in a
// fixed tree.
#include "padded_image.h"
#include "vector_kernels.h"

struct convolution {
    const float *padded, *weights, *bias;
    float *outputs;
    int channels, kernel, out_width, out_height;
    // From one padded channel, and from one of its rows, to the next.
    size_t plane, row;
    // Weights, and positions, of one output channel.
    size_t fan, positions;
};

// A vector of positions: where its pixels begin in the padded image, where it lies in the output, and how many of its lanes, from the
// first on, are positions. In narrow images it may hang over the ends of rows: there `lanes` has a bit for each that is one, and `order`
// lists them.
struct place {
    size_t in, out;
    int count;
    uint32_t lanes;
    int32_t order[16];
};

// Where the pixels under one offset of the kernel begin.
static inline __attribute__((always_inline)) size_t offset(const struct convolution *q, size_t weight) {
    const size_t window = (size_t)q->kernel * q->kernel, within = weight % window;
    return weight / window * q->plane + within / q->kernel * q->row + within % q->kernel;
}

static inline struct place narrow_place(const struct convolution *q, size_t in, int lanes) {
    const size_t width = (size_t)q->out_width;
    size_t y = in / q->row, x = in % q->row;
    struct place at = {.in = in, .out = y * width + (x < width ? x : width)};
    for (int lane = 0; lane < lanes; lane++) {
        if (x < width && y * width < q->positions) at.lanes |= 1u << lane, at.order[at.count++] = lane;
        if (++x == q->row) x = 0, y++;
    }
    return at;
}

#define KERNELS "convolution_tiles.h"
#include "instruction_sets.h"

static struct convolution convolution(int channels, int kernel, const float *padded, struct padded_image image) {
    return (struct convolution){.padded = padded, .channels = channels, .kernel = kernel, .out_width = image.out_width,
                                .out_height = image.out_height, .plane = image.rows * image.row, .row = image.row,
                                .fan = (size_t)channels * kernel * kernel, .positions = (size_t)image.out_height * image.out_width};
}

void vk_convolve_by(enum vk_instructions instructions, const float *padded, const float *weights, const float *bias, float *y, int channels,
                    int height, int width, int kernel, int padding, int outputs) {
    struct convolution q = convolution(channels, kernel, padded, padded_image(height, width, kernel, padding, 1));
    q.weights = weights, q.bias = bias, q.outputs = y;
    CALL_BY(instructions, convolve, &q, (size_t)outputs);
}

void vk_add_convolution_gradient_by(enum vk_instructions instructions, const float *padded, const float *dy, float *gradient, int channels,
                                    int height, int width, int kernel, int padding, int outputs) {
    const struct convolution q = convolution(channels, kernel, padded, padded_image(height, width, kernel, padding, 1));
    CALL_BY(instructions, correlate, &q, (size_t)outputs, dy, gradient);
}

void vk_convolve(const float *padded, const float *weights, const float *bias, float *y, int channels, int height, int width, int kernel,
                 int padding, int outputs) {
    vk_convolve_by(vk_best_instructions(), padded, weights, bias, y, channels, height, width, kernel, padding, outputs);
}

void vk_add_convolution_gradient(const float *padded, const float *dy, float *gradient, int channels, int height, int width, int kernel,
                                 int padding, int outputs) {
    vk_add_convolution_gradient_by(vk_best_instructions(), padded, dy, gradient, channels, height, width, kernel, padding, outputs);
}

void vk_convolve_narrow_by(enum vk_instructions instructions, const float *padded, const float *weights, const float *bias, float *y, int channels,
                           int height, int width, int kernel, int padding, int outputs) {
    struct convolution q = convolution(channels, kernel, padded, narrow_image(height, width, kernel, padding));
    q.weights = weights, q.bias = bias, q.outputs = y;
    CALL_BY(instructions, convolve_narrow, &q, (size_t)outputs);
}

void vk_narrow_convolution_gradient_by(enum vk_instructions instructions, const float *padded, const float *dy, float *gradient, int from_zero,
                                       int channels, int height, int width, int kernel, int padding, int outputs) {
    const struct convolution q = convolution(channels, kernel, padded, narrow_image(height, width, kernel, padding));
    CALL_BY(instructions, correlate_narrow, &q, (size_t)outputs, dy, from_zero, gradient);
}

void vk_convolve_narrow(const float *padded, const float *weights, const float *bias, float *y, int channels, int height, int width, int kernel,
                        int padding, int outputs) {
    vk_convolve_narrow_by(vk_best_instructions(), padded, weights, bias, y, channels, height, width, kernel, padding, outputs);
}

void vk_narrow_convolution_gradient(const float *padded, const float *dy, float *gradient, int from_zero, int channels, int height, int width,
                                    int kernel, int padding, int outputs) {
    vk_narrow_convolution_gradient_by(vk_best_instructions(), padded, dy, gradient, from_zero, channels, height, width, kernel, padding, outputs);
}

void vk_turn_kernels(const float *weights, float *turned, int outputs, int channels, int kernel) {
    const size_t window = (size_t)kernel * kernel;
    for (int o = 0; o < outputs; o++)
        for (int c = 0; c < channels; c++)
            for (size_t i = 0; i < window; i++)
                turned[((size_t)c * outputs + o) * window + window - 1 - i] = weights[((size_t)o * channels + c) * window + i];
}
