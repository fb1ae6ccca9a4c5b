// Tiles of a convolution; included once for each instruction set.
#include "fold.h"

// Adds the pixels under all offsets of the kernel to the sums, of `rows` channels at `vectors` vectors of positions. `kernel` is a
// constant where this is inlined, too, or 0.
TARGET ALWAYS_INLINE void NAMED(add_pixels)(const int rows, const int vectors, const int kernel, const struct convolution *q, size_t channel,
                                            const float *const *image, NAMED(lanes) sum[8][4]) {
    const float *w = q->weights + channel * q->fan;
    const int width = kernel ? kernel : q->kernel;
    for (int c = 0; c < q->channels; c++)
        for (int ky = 0; ky < width; ky++) {
            const size_t offset = c * q->plane + ky * q->row;
            for (int kx = 0; kx < width; kx++, w++) {
                NAMED(lanes) pixels[4];
                for (int j = 0; j < vectors; j++) pixels[j] = LOAD(image[j] + offset + kx);
#pragma clang loop unroll(full)
                for (int i = 0; i < rows; i++) {
                    const NAMED(lanes) weight = NAMED(splat)(w[i * q->fan]);
#pragma clang loop unroll(full)
                    for (int j = 0; j < vectors; j++) sum[i][j] = FUSED(weight, pixels[j], sum[i][j]);
                }
            }
        }
}

// Stores what `at` says of each vector. Where masks cost, the sums go by way of memory: registers cannot be picked in a loop, and all
// cases of each one's store would be long.
#define STORE_SUMS(store)                                                                       \
    if (MASKS_COST) {                                                                           \
        NAMED(lanes) stored[8][4];                                                              \
        for (int i = 0; i < rows; i++)                                                          \
            for (int j = 0; j < vectors; j++) stored[i][j] = sum[i][j];                         \
        _Pragma("clang loop unroll(disable)") for (int i = 0; i < rows; i++)                    \
            for (int j = 0; j < vectors; j++) store(stored[i][j]);                              \
    } else                                                                                      \
        for (int i = 0; i < rows; i++)                                                          \
            for (int j = 0; j < vectors; j++) store(sum[i][j])

// Outputs of `rows` channels at `vectors` vectors of positions. `constant` arguments are constants where this is inlined, so that every
// sum lives in a register.
TARGET ALWAYS_INLINE void NAMED(convolved)(const int rows, const int vectors, const int is_narrow, const struct convolution *q, size_t channel,
                                           const struct place *at) {
    NAMED(lanes) sum[8][4];
    const float *image[4];
    float *outputs = q->outputs + channel * q->positions;
    // Whole vectors, with half of one behind them or not, are stored without looking at each.
    int is_whole = MASKS_COST && !is_narrow;
    for (int j = 0; j + 1 < vectors; j++) is_whole &= at[j].count == LANES;
    const int is_half = is_whole && at[vectors - 1].count == LANES / 2;
    is_whole &= at[vectors - 1].count == LANES;
    for (int j = 0; j < vectors; j++) image[j] = q->padded + at[j].in;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++) sum[i][j] = NAMED(splat)(q->bias ? q->bias[channel + i] : 0.0f);
    // Where a tile is small, what it takes to count offsets shows.
    if (LANES == 8 && q->kernel == 3) NAMED(add_pixels)(rows, vectors, 3, q, channel, image, sum);
    else if (LANES == 8 && q->kernel == 5) NAMED(add_pixels)(rows, vectors, 5, q, channel, image, sum);
    else NAMED(add_pixels)(rows, vectors, 0, q, channel, image, sum);
    if (is_whole) {
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < vectors; j++) STORE(outputs + i * q->positions + at[j].out, sum[i][j]);
        return;
    }
    if (is_half) {
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j + 1 < vectors; j++) STORE(outputs + i * q->positions + at[j].out, sum[i][j]);
            memcpy(outputs + i * q->positions + at[vectors - 1].out, &sum[i][vectors - 1], sizeof **sum / 2);
        }
        return;
    }
#define STORE_FIRST(value) NAMED(store_first)(outputs + i * q->positions + at[j].out, value, at[j].count)
#define STORE_LANES(value) NAMED(store_lanes)(outputs + i * q->positions + at[j].out, value, at[j].lanes, at[j].order)
    if (is_narrow) { STORE_SUMS(STORE_LANES); } else { STORE_SUMS(STORE_FIRST); }
#undef STORE_FIRST
#undef STORE_LANES
}
#undef STORE_SUMS

TARGET ALWAYS_INLINE struct place NAMED(place)(const struct convolution *q, size_t index) {
    const size_t places = ((size_t)q->out_width + LANES - 1) / LANES, y = index / places, x = index % places * LANES;
    return (struct place){.in = y * q->row + x, .out = y * (size_t)q->out_width + x, .count = q->out_width - (int)x < LANES ? q->out_width - (int)x : LANES};
}

// All channels, in tiles that are as even as they go, at some vectors of positions after the other. Where registers are few, tiles are
// rather tall than wide: pixels lie across cache lines, weights never do.
#if ROWS_OF_4 >= 4
#define VECTORS 4
#define ROWS ROWS_OF_4
#define NARROW_VECTORS 3
#define NARROW_ROWS ROWS_OF_3
#else
#define VECTORS 2
#define ROWS ROWS_OF_2
#define NARROW_VECTORS 2
#define NARROW_ROWS ROWS_OF_2
#endif
#define TILE(R, most, vectors, is_narrow) \
    case R: NAMED(convolved)(R <= most ? R : 1, vectors, is_narrow, q, channel, at); break;
#define TILES(most, vectors, is_narrow)                                                                                         \
    for (size_t tiles = (channels + most - 1) / most, channel = 0; tiles > 0; tiles--) {                                        \
        const size_t rows = (channels - channel + tiles - 1) / tiles;                                                           \
        switch (rows) {                                                                                                         \
            TILE(1, most, vectors, is_narrow) TILE(2, most, vectors, is_narrow) TILE(3, most, vectors, is_narrow)               \
            TILE(4, most, vectors, is_narrow) TILE(5, most, vectors, is_narrow) TILE(6, most, vectors, is_narrow)               \
            TILE(7, most, vectors, is_narrow) TILE(8, most, vectors, is_narrow)                                                 \
        }                                                                                                                       \
        channel += rows;                                                                                                        \
    }
TARGET static void NAMED(convolve)(const struct convolution *q, size_t channels) {
    const size_t count = ((size_t)q->out_width + LANES - 1) / LANES * (size_t)q->out_height;
    for (size_t first = 0; first < count; first += VECTORS) {
        struct place at[VECTORS];
        // What is missing from the last tile is done twice.
        for (size_t j = 0; j < VECTORS; j++) at[j] = NAMED(place)(q, first + j < count ? first + j : count - 1);
        TILES(ROWS, VECTORS, 0)
    }
}
TARGET static void NAMED(convolve_narrow)(const struct convolution *q, size_t channels) {
    const size_t count = (q->row * (size_t)(q->out_height - 1) + (size_t)q->out_width + LANES - 1) / LANES;
    for (size_t first = 0; first < count; first += NARROW_VECTORS) {
        struct place at[NARROW_VECTORS];
        for (size_t j = 0; j < NARROW_VECTORS; j++) at[j] = narrow_place(q, LANES * (first + j < count ? first + j : count - 1), LANES);
        TILES(NARROW_ROWS, NARROW_VECTORS, 1)
    }
}
#undef VECTORS
#undef ROWS
#undef NARROW_VECTORS
#undef NARROW_ROWS
#undef TILE
#undef TILES

// How the last run of a row is loaded: it is whole, or half a register, or needs masks.
enum NAMED(tail) { NAMED(no_tail), NAMED(half_tail), NAMED(masked_tail) };

TARGET ALWAYS_INLINE NAMED(lanes) NAMED(load_tail)(const enum NAMED(tail) tail, const float *p, int count) {
    if (tail == NAMED(no_tail)) return LOAD(p);
    if (tail == NAMED(masked_tail)) return NAMED(load_first)(p, count);
    NAMED(lanes) value = NAMED(splat)(0.0f);
    memcpy(&value, p, sizeof value / 2);
    return value;
}

// One fused addition to each sum of a tile, of the first `count` lanes; the others add zero. The fewer factors stay in registers while
// the others pass.
TARGET ALWAYS_INLINE void NAMED(correlated_run)(const int rows, const int columns, const enum NAMED(tail) tail, const float *const *image, size_t at,
                                                const float *slopes, size_t positions, int count, NAMED(lanes) * sum) {
    const int keeps_slopes = rows < columns, few = keeps_slopes ? rows : columns, many = keeps_slopes ? columns : rows;
    NAMED(lanes) factors[5];
    for (int f = 0; f < few; f++) {
        const float *p = keeps_slopes ? slopes + f * positions : image[f] + at;
        factors[f] = NAMED(load_tail)(tail, p, count);
    }
#pragma clang loop unroll(full)
    for (int m = 0; m < many; m++) {
        const float *p = keeps_slopes ? image[m] + at : slopes + m * positions;
        const NAMED(lanes) factor = NAMED(load_tail)(tail, p, count);
#pragma clang loop unroll(full)
        for (int f = 0; f < few; f++) sum[m * few + f] = FUSED(factor, factors[f], sum[m * few + f]);
    }
}

// The gradients of the weights of `rows` channels at `columns` offsets of the kernel. Where a register holds fewer than sixteen lanes,
// some lanes of all runs are added up before the others. `tail` is of the last run of a row.
TARGET ALWAYS_INLINE void NAMED(correlated)(const int rows, const int columns, const enum NAMED(tail) tail, const struct convolution *q, const float *dy, size_t channel,
                                            size_t first, float *gradient) {
    NAMED(lanes) sums[NAMED(PARTS)][MOST_DOTS];
    for (int part = 0; part < NAMED(PARTS); part++) {
        NAMED(lanes) sum[MOST_DOTS] = {};
        const float *image[5], *slopes = dy + channel * q->positions + part * LANES;
        for (int j = 0; j < columns; j++) image[j] = q->padded + offset(q, first + j) + part * LANES;
        // What lies in whole vectors, and what is left of the last run: nothing, or all that this part has of it.
        const size_t out_width = (size_t)q->out_width, before = (size_t)part * LANES, positions = q->positions, row = q->row;
        const size_t whole = out_width < before + LANES ? 0 : (out_width - before - LANES) / 16 * 16 + 16;
        const int rest = out_width > before + whole ? (int)(out_width - before - whole) : 0;
        // Rows of one whole run or two, as most are, need no loop over them, which would take as long as what it does.
#define RUN(x, tail, count) NAMED(correlated_run)(rows, columns, tail, image, at + (x), slopes + (x), positions, count, sum)
#define ADD_ROWS(runs)                                                                                                              \
    {                                                                                                                               \
        const size_t whole_width = 16 * (runs), step = tail == NAMED(no_tail) ? whole_width : out_width;                            \
        for (size_t y = 0, at = 0; y < (size_t)q->out_height; y++, at += row, slopes += step) {                                     \
            for (size_t x = 0; x < whole_width; x += 16) RUN(x, NAMED(no_tail), LANES);                                             \
            /* What the padded image holds behind its rows is no number that may be multiplied. */                                  \
            if (tail != NAMED(no_tail) && out_width > whole_width) RUN(whole_width, tail, rest);                                    \
        }                                                                                                                           \
    }
        if (LANES > 4 && whole == 16) ADD_ROWS(1) else if (LANES > 4 && whole == 32) ADD_ROWS(2) else ADD_ROWS(whole / 16)
#undef RUN
#undef ADD_ROWS
        for (int i = 0; i < rows * columns; i++) sums[part][i] = sum[i];
    }
    float all[MOST_DOTS];
    NAMED(fold)(rows * columns, sums, all);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            gradient[(channel + i) * q->fan + first + j] += all[rows < columns ? j * rows + i : i * columns + j];
}

// Fours of channels, or threes, whichever leaves no channel over, by as many offsets as registers allow, cut as evenly as they go.
#define TILE(rows, most, tail, C) \
    case C: NAMED(correlated)(rows, C <= most ? C : 1, tail, q, dy, channel, first, gradient); break;
#define ALL_OFFSETS(rows, most, tail)                                                                                 \
    for (size_t tiles = (q->fan + most - 1) / most, first = 0; tiles > 0; tiles--) {                                      \
        const size_t columns = (q->fan - first + tiles - 1) / tiles;                                                      \
        switch (columns) {                                                                                                \
            TILE(rows, most, tail, 1) TILE(rows, most, tail, 2) TILE(rows, most, tail, 3)                     \
            TILE(rows, most, tail, 4) TILE(rows, most, tail, 5)                                                   \
        }                                                                                                                 \
        first += columns;                                                                                                 \
    }
#define ALL_CHANNELS(by_four, by_three, tail)                                                                         \
    {                                                                                                                     \
        size_t channel = 0;                                                                                               \
        for (; channels % 4 == 0 && channel < channels; channel += 4) ALL_OFFSETS(4, by_four, tail)                   \
        for (; channel + 3 <= channels; channel += 3) ALL_OFFSETS(3, by_three, tail)                                  \
        for (; channel < channels; channel++) ALL_OFFSETS(1, by_three, tail)                                          \
    }
TARGET static void NAMED(correlate)(const struct convolution *q, size_t channels, const float *dy, float *gradient) {
    const int rest = q->out_width % 16;
#if LANES == 16
    if (rest) ALL_CHANNELS(4, 5, NAMED(masked_tail)) else ALL_CHANNELS(4, 5, NAMED(no_tail))
#elif ROWS_OF_4 >= 4
    if (rest) ALL_CHANNELS(5, 5, NAMED(masked_tail)) else ALL_CHANNELS(5, 5, NAMED(no_tail))
#else
    if (rest == 0) ALL_CHANNELS(3, 4, NAMED(no_tail))
    else if (rest == 12 && LANES == 8) ALL_CHANNELS(3, 4, NAMED(half_tail))
    // A mask takes a register, too.
    else ALL_CHANNELS(2, 3, NAMED(masked_tail))
#endif
}
#undef TILE
#undef ALL_OFFSETS
#undef ALL_CHANNELS

// The gradients, from `from_zero` or added to what is there, of `lines` lines of one channel's kernel, for up to `vectors` vectors of
// outputs: sums over the positions in order. `dy` is (positions, outputs), `gradient` (fan, outputs).
TARGET ALWAYS_INLINE void NAMED(correlated_narrow)(const int kernel, const int lines, const int vectors, const int is_whole, const struct convolution *q,
                                                   const float *dy, size_t outputs, size_t output, int tail, size_t channel, int line, int from_zero,
                                                   float *gradient) {
#define IS_TAIL(j) (!is_whole && (j) + 1 == vectors)
    NAMED(lanes) sum[5][5][4];
    float *target = gradient + (channel * kernel * kernel + (size_t)line * kernel) * outputs + output;
    for (int ky = 0; ky < lines; ky++)
        for (int kx = 0; kx < kernel; kx++)
            for (int j = 0; j < vectors; j++) {
                const float *t = target + (size_t)(ky * kernel + kx) * outputs + LANES * j;
                sum[ky][kx][j] = from_zero ? NAMED(splat)(0.0f) : IS_TAIL(j) ? NAMED(load_first)(t, tail) : LOAD(t);
            }
    const float *image = q->padded + channel * q->plane + (size_t)line * q->row, *slopes = dy + output;
    for (int y = 0; y < q->out_height; y++, image += q->row)
        for (int x = 0; x < q->out_width; x++, slopes += outputs) {
            NAMED(lanes) slope[4];
            for (int j = 0; j < vectors; j++) slope[j] = IS_TAIL(j) ? NAMED(load_first)(slopes + LANES * j, tail) : LOAD(slopes + LANES * j);
#pragma clang loop unroll(full)
            for (int ky = 0; ky < lines; ky++)
#pragma clang loop unroll(full)
                for (int kx = 0; kx < kernel; kx++) {
                    const NAMED(lanes) pixel = NAMED(splat)(image[ky * q->row + x + kx]);
#pragma clang loop unroll(full)
                    for (int j = 0; j < vectors; j++) sum[ky][kx][j] = FUSED(pixel, slope[j], sum[ky][kx][j]);
                }
        }
    for (int ky = 0; ky < lines; ky++)
        for (int kx = 0; kx < kernel; kx++)
            for (int j = 0; j < vectors; j++) {
                float *t = target + (size_t)(ky * kernel + kx) * outputs + LANES * j;
                if (IS_TAIL(j)) NAMED(store_first)(t, sum[ky][kx][j], tail);
                else STORE(t, sum[ky][kx][j]);
            }
#undef IS_TAIL
}

// Lines and vectors whose sums fit the registers: of a kernel of five, and of three. Where there are fewer vectors, one at a time.
#if LANES == 16
#define FIVE_LINES 5
#define FIVE_VECTORS 1
#define THREE_LINES 3
#define THREE_VECTORS 2
#elif ROWS_OF_4 >= 4
#define FIVE_LINES 1
#define FIVE_VECTORS 4
#define THREE_LINES 3
#define THREE_VECTORS 2
#else
#define FIVE_LINES 1
#define FIVE_VECTORS 2
#define THREE_LINES 3
#define THREE_VECTORS 1
#endif
#define GRADIENTS(kernel, lines, vectors)                                                                                                   \
    {                                                                                                                                       \
        const size_t width = outputs - output < vectors * LANES ? outputs - output : vectors * LANES;                                       \
        const int tail = (int)((width - 1) % LANES) + 1;                                                                                    \
        for (size_t channel = 0; channel < (size_t)q->channels; channel++)                                                                  \
            for (int line = 0; line < kernel; line += lines) {                                                                              \
                if (MASKS_COST && tail == LANES)                                                                                            \
                    NAMED(correlated_narrow)(kernel, lines, vectors, 1, q, dy, outputs, output, tail, channel, line, from_zero, gradient);  \
                else                                                                                                                        \
                    NAMED(correlated_narrow)(kernel, lines, vectors, 0, q, dy, outputs, output, tail, channel, line, from_zero, gradient);  \
            }                                                                                                                               \
        output += width;                                                                                                                    \
    }
TARGET static void NAMED(correlate_narrow)(const struct convolution *q, size_t outputs, const float *dy, int from_zero, float *gradient) {
    for (size_t output = 0; output < outputs;) {
        const size_t vectors = (outputs - output + LANES - 1) / LANES;
        if (q->kernel == 5 && vectors >= FIVE_VECTORS) GRADIENTS(5, FIVE_LINES, FIVE_VECTORS)
        else if (q->kernel == 5) GRADIENTS(5, FIVE_LINES, 1)
        else if (vectors >= THREE_VECTORS) GRADIENTS(3, THREE_LINES, THREE_VECTORS)
        else GRADIENTS(3, 3, 1)
    }
}
#undef FIVE_LINES
#undef FIVE_VECTORS
#undef THREE_LINES
#undef THREE_VECTORS
#undef GRADIENTS
