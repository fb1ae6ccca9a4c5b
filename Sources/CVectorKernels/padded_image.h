#pragma once
// Images with their padding around them, on which convolutions work, so that no run hangs over an edge.
#include <string.h>

struct padded_image {
    int out_height, out_width;
    // Of one channel.
    size_t rows;
    // From one row to the next: whole vectors that are read or added behind the last column reach no other row.
    size_t row;
};

static inline struct padded_image padded_image(int height, int width, int kernel, int padding, int stride) {
    const int out_width = (width + 2 * padding - kernel) / stride + 1;
    return (struct padded_image){(height + 2 * padding - kernel) / stride + 1, out_width, (size_t)(height + 2 * padding),
                                 (size_t)(width + 2 * padding) + (out_width % 16 ? 15 : 0)};
}

// The same for narrow images, whose rows follow one another without a gap.
static inline struct padded_image narrow_image(int height, int width, int kernel, int padding) {
    struct padded_image image = padded_image(height, width, kernel, padding, 1);
    image.row = (size_t)(width + 2 * padding);
    return image;
}

static inline void copy_padded(const float *image, float *padded, int channels, int height, int width, int padding, struct padded_image p) {
    memset(padded, 0, sizeof(float) * ((size_t)channels * p.rows * p.row));
    for (int c = 0; c < channels; c++)
        for (int y = 0; y < height; y++)
            memcpy(padded + ((size_t)c * p.rows + (size_t)(y + padding)) * p.row + padding, image + ((size_t)c * height + y) * width,
                   sizeof(float) * (size_t)width);
}

static inline void copy_unpadded(const float *padded, float *image, int channels, int height, int width, int padding, struct padded_image p) {
    for (int c = 0; c < channels; c++)
        for (int y = 0; y < height; y++)
            memcpy(image + ((size_t)c * height + y) * width, padded + ((size_t)c * p.rows + (size_t)(y + padding)) * p.row + padding,
                   sizeof(float) * (size_t)width);
}
