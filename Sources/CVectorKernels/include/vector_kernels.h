// Small vector kernels of the trainer and the checkpoint codec.
//
// Every floating-point kernel gives the same bits on every instruction set and processor: no reduction depends on the
// width of registers, division is IEEE, and a product and a sum are one rounding (fused) or two by what the source says,
// never by what the machine has. Arrays never overlap unless a comment says that they may.
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

// What a product adds to: nothing, what C holds, or a bias for each row (vk_product) or column (vk_product_of_rows) of C.
enum vk_start { VK_FROM_ZERO, VK_FROM_C, VK_FROM_BIAS };

// C (m,n) = start + A (m,k) B (k,n). Every element is one chain over k: s = fma(a, b, s), in order. Element (i,p) of A is
// a[i * a_row + p * a_column]; rows of B and C are contiguous and lie b_row and c_row apart.
void vk_product(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b, size_t b_row,
                float *c, size_t c_row, enum vk_start start, const float *bias);

// C (m,n) = start + A (m,k) B^T with B (n,k): dot products of rows. Every element is sixteen chains, the l-th over
// p = l, l + 16, …, folded in halves (l and l + 8, then l and l + 4, …) and added to the start.
void vk_product_of_rows(size_t m, size_t n, size_t k, const float *a, size_t a_row, const float *b, size_t b_row, float *c,
                        size_t c_row, enum vk_start start, const float *bias);

// The same with the instructions of one level, which the processor must have: for tests that compare them.
enum vk_instructions { VK_ANY, VK_X86_64_V3, VK_X86_64_V4 };
enum vk_instructions vk_best_instructions(void);
void vk_product_by(enum vk_instructions instructions, size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column,
                   const float *b, size_t b_row, float *c, size_t c_row, enum vk_start start, const float *bias);
void vk_product_of_rows_by(enum vk_instructions instructions, size_t m, size_t n, size_t k, const float *a, size_t a_row,
                           const float *b, size_t b_row, float *c, size_t c_row, enum vk_start start, const float *bias);
void vk_convolve_by(enum vk_instructions instructions, const float *padded, const float *weights, const float *bias, float *y, int channels,
                    int height, int width, int kernel, int padding, int outputs);
void vk_add_convolution_gradient_by(enum vk_instructions instructions, const float *padded, const float *dy, float *gradient, int channels,
                                    int height, int width, int kernel, int padding, int outputs);
void vk_convolve_narrow_by(enum vk_instructions instructions, const float *padded, const float *weights, const float *bias, float *y, int channels,
                           int height, int width, int kernel, int padding, int outputs);
void vk_narrow_convolution_gradient_by(enum vk_instructions instructions, const float *padded, const float *dy, float *gradient, int from_zero,
                                       int channels, int height, int width, int kernel, int padding, int outputs);

// to (columns, rows), its rows to_row apart, from (rows, columns).
void vk_transpose(const float *from, size_t rows, size_t columns, float *to, size_t to_row);
// to (columns, rows) += the transpose of from (rows, columns).
void vk_add_transposed(const float *from, size_t rows, size_t columns, float *to);

// Convolution as a product: image (C,H,W) to columns (C*K*K, OH*OW), zero padding. Up to 15 floats behind the columns are
// overwritten by vk_im2col and read by vk_col2im. `padded` is room for vk_padded_floats floats.
size_t vk_padded_floats(int channels, int height, int width, int kernel, int padding, int stride);
void vk_im2col(const float *image, float *columns, float *padded, int channels, int height, int width, int kernel, int padding, int stride);
// The padded image alone, on which the next two work without unrolling (stride 1).
void vk_pad(const float *image, float *padded, int channels, int height, int width, int kernel, int padding, int stride);
// y (outputs, positions) = bias + weights (outputs, channels, kernel, kernel) over the image; the bias may be NULL. The order of
// additions is that of vk_product on the columns.
void vk_convolve(const float *padded, const float *weights, const float *bias, float *y, int channels, int height, int width, int kernel,
                 int padding, int outputs);
// gradient += dy (outputs, positions) times the columns' transpose: for each run of up to sixteen positions in an output row one
// fused addition a lane, lanes folded at the end.
void vk_add_convolution_gradient(const float *padded, const float *dy, float *gradient, int channels, int height, int width, int kernel,
                                 int padding, int outputs);
// The same for images whose output rows fill no vectors: the padded image without gaps (room for vk_padded_floats floats), whose rows
// are convolved as one, and dy as its transpose (positions, outputs). The gradient (fan, outputs) is one chain over the positions, set or
// added to; kernels of 3 and 5 only.
void vk_pad_narrow(const float *image, float *padded, int channels, int height, int width, int kernel, int padding);
void vk_convolve_narrow(const float *padded, const float *weights, const float *bias, float *y, int channels, int height, int width, int kernel,
                        int padding, int outputs);
void vk_narrow_convolution_gradient(const float *padded, const float *dy, float *gradient, int from_zero, int channels, int height, int width,
                                    int kernel, int padding, int outputs);
// turned (channels, outputs, kernel, kernel): each window upside down and back to front. A convolution of dy with it is the image's
// gradient (stride 1, padding kernel - 1 - padding).
void vk_turn_kernels(const float *weights, float *turned, int outputs, int channels, int kernel);
// The transpose of vk_im2col: sets the image to what the columns of each pixel add up to.
void vk_col2im(const float *columns, float *image, float *padded, int channels, int height, int width, int kernel, int padding, int stride);

// Non-overlapping 2x2 pooling of `planes` images (H,W); odd last rows and columns are left out.
void vk_average_pool_forward(const float *x, float *y, int planes, int height, int width);
void vk_average_pool_backward(const float *dy, float *dx, int planes, int height, int width);
void vk_max_pool_forward(const float *x, float *y, int planes, int height, int width);
// The gradient goes to the first of equal maxima, in row order.
void vk_max_pool_backward(const float *x, const float *dy, float *dx, int planes, int height, int width);

// Group normalisation (Wu, He 2018) of one row (channels, plane), epsilon 1e-5. Backward adds to d_gain and d_bias, and
// sets dx unless it is null.
void vk_group_norm_forward(const float *x, float *y, const float *gain, const float *bias, int channels, int groups, size_t plane);
void vk_group_norm_backward(const float *x, const float *dy, float *dx, const float *gain, float *d_gain, float *d_bias, int channels,
                            int groups, size_t plane);

// means[i] = mean of plane i of x (planes, n), and the transpose of that: plane i of y is values[i] / n.
void vk_plane_means(const float *x, float *means, size_t planes, size_t n);
void vk_spread_planes(const float *values, float *y, size_t planes, size_t n);

// The parameter-free shortcut of He, Zhang, Ren, Sun (2015), option A: every stride-th pixel of x (channels, height,
// width) is added to the first channels of y, and the transpose of that.
void vk_add_shortcut(const float *x, float *y, int channels, int height, int width, int stride);
void vk_add_shortcut_gradient(const float *dy, float *dx, int channels, int height, int width, int stride);

// The image moved by whole pixels, its edge repeated, then mirrored left to right where asked.
void vk_shift_image(const float *image, float *shifted, int channels, int height, int width, int down, int right, int mirror);

// sums[j] += sum over rows of x (rows, n)[.., j], in row order.
void vk_add_row_sums(const float *x, float *sums, size_t rows, size_t n);
// sums[i] += sum of plane i of x (planes, n), over 16 fixed partial sums.
void vk_add_plane_sums(const float *x, float *sums, size_t planes, size_t n);

// Of one row of logits. The gradient is that of the cross-entropy with label smoothing: scale (softmax - target).
void vk_softmax_gradient(const float *logits, float *d_logits, int classes, int label, float smoothing, float scale);
void vk_softmax(const float *logits, float *probabilities, int classes);

// gradient (n) = sum over the lanes, in order, of their floats from `from` on, each of which is set to zero.
void vk_take_lanes(float *const *lanes, size_t lane_count, size_t from, size_t n, float *gradient);
// In double precision.
double vk_sum_squares(const float *values, size_t n);

// One SGD step: g = scale * gradient + weight_decay * p; v = momentum * v + g; p -= rate * v.
void vk_sgd_step(float *parameters, float *velocity, const float *gradient, size_t n, float rate, float momentum, float weight_decay, float scale);

// sum += values, and values = sum * factor.
void vk_add(const float *values, float *sum, size_t n);
void vk_scale_floats(const float *sum, float *values, size_t n, float factor);

// values = bytes * scale + shift.
void vk_standardise_bytes(const uint8_t *bytes, float *values, size_t n, float scale, float shift);

// merged = base + (sum of tip - base over the branches) / branches, one rounding, half to even. At least one branch and at most 2^20.
// What comes out lies between the tips and overflows never.
void vk_merge(const int32_t *base, const int32_t *const *tips, size_t branches, int32_t *merged, size_t n);

// The same one tip after the other: sums += tip - base, 0 when every sum fits Int32, else 1; and behind the last, sums = base + sums / branches.
int vk_sum_checked(int32_t *sums, const int32_t *tip, const int32_t *base, size_t n);
void vk_merge_sums(const int32_t *base, int32_t *sums, size_t branches, size_t n);

// The lattice. Snap: nearest multiple, ties to even; gives the first index that is NaN, infinite or out of Int32, or n.
size_t vk_snap(const float *values, int32_t *steps, size_t n, float steps_per_unit);
void vk_unsnap(const int32_t *steps, float *values, size_t n, float unit);
// Element-wise with overflow check: 0 when every sum fits Int32, else 1 (the output is then meaningless).
int vk_add_checked(const int32_t *a, const int32_t *b, int32_t *sum, size_t n);
int vk_subtract_checked(const int32_t *a, const int32_t *b, int32_t *difference, size_t n);
uint64_t vk_l1_norm(const int32_t *a, size_t n);
uint64_t vk_l1_distance(const int32_t *a, const int32_t *b, size_t n);
// Adds to `distance` how far what a block adds now (after - before) lies from what it added, and to `norm` how long that was.
void vk_l1_residual(const int32_t *before, const int32_t *after, const int32_t *old, size_t n, uint64_t *distance, uint64_t *norm);
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

// Tells the processor that a loop only waits.
static inline void vk_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

// Asks for memory that is read soon, from where the processor would not expect it.
static inline void vk_prefetch(const float *values, size_t n) {
    for (size_t i = 0; i < n; i += 16) __builtin_prefetch(values + i);
}

// Joint histograms of one row of quantised features against tiles of VK_TILE_ROWS others, reduced to one number a pair:
// sums[r] = sum over levels a, b of weights[c(a, b)], c(a, b) being the positions where the row has level a and row r of the
// tiles level b. `levels` is (tiles, positions, VK_TILE_ROWS), `histograms` (tiles, level_count, VK_TILE_ROWS) counts each
// row's levels, `starts` (level_count + 1) says where each level of the one row begins in `order`, its positions by level;
// starts[level_count] is the number of positions, below 65,536. `level_count` is 2 to 256. `weights` has an entry for each
// count from 0 to the positions: 0 for 0, never negative; over 16 cells of at most 63 positions in all they add up to less than
// 2^25, and over all cells of a pair to no more than int32 holds.
enum { VK_TILE_ROWS = 64 };
void vk_joint_sums(const uint8_t *levels, const uint16_t *histograms, size_t tiles, unsigned level_count, const uint32_t *order,
                   const uint32_t *starts, const int32_t *weights, int32_t *sums);
void vk_joint_sums_by(enum vk_instructions instructions, const uint8_t *levels, const uint16_t *histograms, size_t tiles,
                      unsigned level_count, const uint32_t *order, const uint32_t *starts, const int32_t *weights, int32_t *sums);
