// Small vector kernels of the trainer and the checkpoint codec.
//
// Every floating-point kernel gives the same bits on every instruction set: multiplication and addition are kept
// apart (-ffp-contract=off), no reduction depends on the vector width, and division is IEEE. The softmax kernels alone
// call the C library's exponential and logarithm, whose bits are the library's (it is part of the fingerprint). Arrays never overlap
// unless a comment says that they may.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Activations. `y` may be `x`, and `dx` may be `dy`.
void vk_tanh_forward(const float *x, float *y, size_t n);
void vk_tanh_backward(const float *y, const float *dy, float *dx, size_t n);   // dx = dy (1 - y^2)
void vk_relu_forward(const float *x, float *y, size_t n);
void vk_relu_backward(const float *y, const float *dy, float *dx, size_t n);   // dx = dy [y > 0]
void vk_gelu_forward(const float *x, float *y, size_t n);                      // tanh form (Hendrycks, Gimpel 2016)
void vk_gelu_backward(const float *x, const float *dy, float *dx, size_t n);

// Convolution as a product: image (C,H,W) to columns (C*K*K, OH*OW), zero padding, stride 1.
void vk_im2col(const float *image, float *columns, int channels, int height, int width, int kernel, int padding);
// The transpose of vk_im2col: adds columns into `image`, which it first sets to zero.
void vk_col2im(const float *columns, float *image, int channels, int height, int width, int kernel, int padding);

// Non-overlapping 2x2 pooling of `planes` images (H,W); odd last rows and columns are left out.
void vk_average_pool_forward(const float *x, float *y, int planes, int height, int width);
void vk_average_pool_backward(const float *dy, float *dx, int planes, int height, int width);
void vk_max_pool_forward(const float *x, float *y, int planes, int height, int width);
// The gradient goes to the first of equal maxima, in row order.
void vk_max_pool_backward(const float *x, const float *dy, float *dx, int planes, int height, int width);

// Sets every row of y (rows, n) to `bias`.
void vk_fill_rows(float *y, const float *bias, size_t rows, size_t n);
// Sets plane i of y (planes, n) to bias[i].
void vk_fill_planes(float *y, const float *bias, size_t planes, size_t n);
// sums[j] += sum over rows of x (rows, n)[.., j], in row order.
void vk_add_row_sums(const float *x, float *sums, size_t rows, size_t n);
// sums[i] += sum of plane i of x (planes, n), over 16 fixed partial sums.
void vk_add_plane_sums(const float *x, float *sums, size_t planes, size_t n);

// Softmax cross-entropy of one row with label smoothing: d_logits = scale (softmax - target); gives the loss.
float vk_softmax_cross_entropy(const float *logits, float *d_logits, int classes, int label, float smoothing, float scale);
void vk_softmax(const float *logits, float *probabilities, int classes);

// One SGD step over parameters [from, to): g = sum of lane gradients in lane order (each is set to zero after it was
// read) + weight_decay * p; v = momentum * v + g; p -= rate * v.
void vk_sgd_step(float *parameters, float *velocity, float *const *lanes, size_t lane_count, size_t from, size_t to,
                 float rate, float momentum, float weight_decay);

// values = bytes * scale + shift.
void vk_standardise_bytes(const uint8_t *bytes, float *values, size_t n, float scale, float shift);

// The lattice. Snap: nearest multiple, ties to even; gives the first index that is NaN, infinite or out of Int32, or n.
size_t vk_snap(const float *values, int32_t *steps, size_t n, float steps_per_unit);
void vk_unsnap(const int32_t *steps, float *values, size_t n, float unit);
// Element-wise with overflow check: 0 when every sum fits Int32, else 1 (the output is then meaningless).
int vk_add_checked(const int32_t *a, const int32_t *b, int32_t *sum, size_t n);
int vk_subtract_checked(const int32_t *a, const int32_t *b, int32_t *difference, size_t n);
uint64_t vk_l1_norm(const int32_t *a, size_t n);
uint64_t vk_l1_distance(const int32_t *a, const int32_t *b, size_t n);
// Scales to the nearest integer, ties to even: |factor| <= 1, so that nothing overflows.
void vk_scale(const int32_t *a, int32_t *scaled, size_t n, double factor);

// Splits n values into what noise is and what is worth compressing. Values are zigzag-coded first: 0, -1, 1, -2 -> 0, 1,
// 2, 3. Of each group of 512 (the last one padded with zeros) with shift s, `symbols` gets value >> s, and `low` the s low
// bits: s rows of 16 words of 32 bits; word column l holds those of values 16*j + l, j = 0...31, from the least significant
// bit of the first row on, without gaps. s is the smallest that leaves every symbol below 256 and their mean below 16, and
// at most VK_MOST_SHIFT. `shifts` has one entry a group, `symbols` 512, `low` room for 64 * VK_MOST_SHIFT bytes.
// Gives the bytes of `low` that are used.
enum { VK_MOST_SHIFT = 24 };
size_t vk_split_steps(const int32_t *values, size_t n, uint8_t *shifts, uint8_t *symbols, uint8_t *low);
// Takes them back: 0, or 1 where a value of the padding is not zero. No shift is above VK_MOST_SHIFT.
int vk_join_steps(const uint8_t *shifts, const uint8_t *symbols, const void *low, int32_t *values, size_t n);
