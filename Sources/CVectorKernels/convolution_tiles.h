// Tiles of a convolution; included once for each instruction set.

// Outputs of `rows` channels at `vectors` vectors of positions. `constant` arguments are constants where this is inlined, so
// that every sum lives in a register.
TARGET ALWAYS_INLINE void NAMED(convolved)(const int rows, const int vectors, const struct convolution *q, size_t channel, const struct place *at) {
    v16 sum[8][4];
    const float *image[4], *w = q->weights + channel * q->fan;
    for (int j = 0; j < vectors; j++) image[j] = q->padded + at[j].in;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++) sum[i][j] = q->bias ? SPLAT16(q->bias[channel + i]) : SPLAT16(0.0f);
    for (int c = 0; c < q->channels; c++)
        for (int ky = 0; ky < q->kernel; ky++) {
            const size_t offset = c * q->plane + ky * q->row;
            for (int kx = 0; kx < q->kernel; kx++, w++) {
                v16 pixels[4];
                for (int j = 0; j < vectors; j++) pixels[j] = LOAD16(image[j] + offset + kx);
#pragma clang loop unroll(full)
                for (int i = 0; i < rows; i++) {
                    const v16 weight = SPLAT16(w[i * q->fan]);
#pragma clang loop unroll(full)
                    for (int j = 0; j < vectors; j++) sum[i][j] = FUSED(weight, pixels[j], sum[i][j]);
                }
            }
        }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++)
            NAMED(store_first)(q->outputs + (channel + i) * q->positions + at[j].out, sum[i][j], at[j].count);
}

#if ROWS_OF_4
#define VECTORS 4
#define ROWS ROWS_OF_4
#else
#define VECTORS 1
#define ROWS ROWS_OF_1
#endif

TARGET static void NAMED(convolve)(const struct convolution *q, size_t channels) {
    const size_t tiles = (channels + ROWS - 1) / ROWS;
    for (size_t first = 0; first < q->place_count; first += VECTORS) {
        struct place at[VECTORS];
        // What is missing from the last tile is done twice.
        for (size_t j = 0; j < VECTORS; j++) at[j] = place(q, first + j < q->place_count ? first + j : q->place_count - 1);
        for (size_t tile = 0, channel = 0; tile < tiles; tile++) {
            const size_t rows = (channels - channel + tiles - tile - 1) / (tiles - tile);
            switch (rows) {
            case 1: NAMED(convolved)(1, VECTORS, q, channel, at); break;
            case 2: NAMED(convolved)(2, VECTORS, q, channel, at); break;
            case 3: NAMED(convolved)(3, VECTORS, q, channel, at); break;
            case 4: NAMED(convolved)(4, VECTORS, q, channel, at); break;
#if ROWS >= 6
            case 5: NAMED(convolved)(5, VECTORS, q, channel, at); break;
            case 6: NAMED(convolved)(6, VECTORS, q, channel, at); break;
#endif
            }
            channel += rows;
        }
    }
}
#undef VECTORS
#undef ROWS

// The gradients of the weights of `rows` channels at `columns` offsets of the kernel.
TARGET ALWAYS_INLINE void NAMED(correlated)(const int rows, const int columns, const struct convolution *q, const float *dy, size_t channel,
                                            size_t first, float *gradient) {
    v16 sum[16] = {};
    const float *image[5], *slopes = dy + channel * q->positions;
    for (int j = 0; j < columns; j++) image[j] = q->padded + offset(q, first + j);
    for (size_t y = 0; y < q->place_count / q->row_places; y++) {
        size_t x = 0;
        for (; x + 16 <= (size_t)q->out_width; x += 16) {
            v16 pixels[5];
            for (int j = 0; j < columns; j++) pixels[j] = LOAD16(image[j] + x);
#pragma clang loop unroll(full)
            for (int i = 0; i < rows; i++) {
                const v16 slope = LOAD16(slopes + i * q->positions + x);
#pragma clang loop unroll(full)
                for (int j = 0; j < columns; j++) sum[i * columns + j] = FUSED(slope, pixels[j], sum[i * columns + j]);
            }
        }
        if (x < (size_t)q->out_width) {
            // What the padded image holds behind its rows is no number that may be multiplied.
            const int count = q->out_width - (int)x;
            v16 pixels[5];
            for (int j = 0; j < columns; j++) pixels[j] = NAMED(load_first)(image[j] + x, count);
#pragma clang loop unroll(full)
            for (int i = 0; i < rows; i++) {
                const v16 slope = NAMED(load_first)(slopes + i * q->positions + x, count);
#pragma clang loop unroll(full)
                for (int j = 0; j < columns; j++) sum[i * columns + j] = FUSED(slope, pixels[j], sum[i * columns + j]);
            }
        }
        for (int j = 0; j < columns; j++) image[j] += q->row;
        slopes += q->out_width;
    }
    v16 all;
    fold16(sum, &all);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) gradient[(channel + i) * q->fan + first + j] += all[i * columns + j];
}

// Fours of channels by four offsets, or threes by five, whichever leaves no channel over.
TARGET static void NAMED(correlate)(const struct convolution *q, size_t channels, const float *dy, float *gradient) {
    size_t channel = 0;
    for (; channels % 4 == 0 && channel < channels; channel += 4) {
        size_t first = 0;
        for (; first + 4 <= q->fan; first += 4) NAMED(correlated)(4, 4, q, dy, channel, first, gradient);
        for (; first < q->fan; first++) NAMED(correlated)(4, 1, q, dy, channel, first, gradient);
    }
    for (; channel + 3 <= channels; channel += 3) {
        size_t first = 0;
        for (; first + 5 <= q->fan; first += 5) NAMED(correlated)(3, 5, q, dy, channel, first, gradient);
        for (; first < q->fan; first++) NAMED(correlated)(3, 1, q, dy, channel, first, gradient);
    }
    for (; channel < channels; channel++)
        for (size_t first = 0; first < q->fan; first++) NAMED(correlated)(1, 1, q, dy, channel, first, gradient);
}

// Narrow images: the pixels under one offset of the kernel, at all positions, are one run of the image, in which what hangs over
// the end of a row is computed and left out.

#if ROWS_OF_3
#define VECTORS 3
#define ROWS ROWS_OF_3
#else
#define VECTORS 1
#define ROWS ROWS_OF_1
#endif

TARGET ALWAYS_INLINE void NAMED(convolved_narrow)(const int rows, const struct convolution *q, size_t channel, const struct narrow_place *at) {
    v16 sum[8][VECTORS];
    const float *w = q->weights + channel * q->fan;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < VECTORS; j++) sum[i][j] = q->bias ? SPLAT16(q->bias[channel + i]) : SPLAT16(0.0f);
    for (int c = 0; c < q->channels; c++)
        for (int ky = 0; ky < q->kernel; ky++) {
            const float *image = q->padded + c * q->plane + ky * q->row;
            for (int kx = 0; kx < q->kernel; kx++, w++) {
                v16 pixels[VECTORS];
                for (int j = 0; j < VECTORS; j++) pixels[j] = LOAD16(image + at[j].in + kx);
#pragma clang loop unroll(full)
                for (int i = 0; i < rows; i++) {
                    const v16 weight = SPLAT16(w[i * q->fan]);
#pragma clang loop unroll(full)
                    for (int j = 0; j < VECTORS; j++) sum[i][j] = FUSED(weight, pixels[j], sum[i][j]);
                }
            }
        }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < VECTORS; j++) NAMED(store_lanes)(q->outputs + (channel + i) * q->positions + at[j].out, sum[i][j], at[j].lanes);
}

TARGET static void NAMED(convolve_narrow)(const struct convolution *q, size_t channels) {
    const size_t tiles = (channels + ROWS - 1) / ROWS, vectors = (q->row * (q->positions / (size_t)q->out_width - 1) + (size_t)q->out_width + 15) / 16;
    for (size_t group = 0; group < vectors; group += VECTORS) {
        struct narrow_place at[VECTORS];
        // What is missing from the last tile is done twice.
        for (size_t j = 0; j < VECTORS; j++) at[j] = narrow_place(q, 16 * (group + j < vectors ? group + j : vectors - 1));
        for (size_t tile = 0, channel = 0; tile < tiles; tile++) {
            const size_t rows = (channels - channel + tiles - tile - 1) / (tiles - tile);
            switch (rows) {
            case 1: NAMED(convolved_narrow)(1, q, channel, at); break;
            case 2: NAMED(convolved_narrow)(2, q, channel, at); break;
            case 3: NAMED(convolved_narrow)(3, q, channel, at); break;
            case 4: NAMED(convolved_narrow)(4, q, channel, at); break;
#if ROWS >= 6
            case 5: NAMED(convolved_narrow)(5, q, channel, at); break;
            case 6: NAMED(convolved_narrow)(6, q, channel, at); break;
#endif
#if ROWS >= 8
            case 7: NAMED(convolved_narrow)(7, q, channel, at); break;
            case 8: NAMED(convolved_narrow)(8, q, channel, at); break;
#endif
            }
            channel += rows;
        }
    }
}
#undef VECTORS
#undef ROWS

// The gradients, from `from_zero` or added to what is there, of `lines` lines of one channel's kernel, for up to `vectors` vectors of
// outputs: sums over the positions in order. `dy` is (positions, outputs), `gradient` (fan, outputs).
TARGET ALWAYS_INLINE void NAMED(correlated_narrow)(const int kernel, const int lines, const int vectors, const struct convolution *q, const float *dy,
                                                   size_t outputs, size_t output, int tail, size_t channel, int line, int from_zero, float *gradient) {
    v16 sum[5][5][2];
    float *target = gradient + (channel * kernel * kernel + (size_t)line * kernel) * outputs + output;
    for (int ky = 0; ky < lines; ky++)
        for (int kx = 0; kx < kernel; kx++)
            for (int j = 0; j < vectors; j++) {
                const float *t = target + (size_t)(ky * kernel + kx) * outputs + 16 * j;
                sum[ky][kx][j] = from_zero ? SPLAT16(0.0f) : j + 1 < vectors ? LOAD16(t) : NAMED(load_first)(t, tail);
            }
    const float *image = q->padded + channel * q->plane + (size_t)line * q->row, *slopes = dy + output;
    for (size_t y = 0; y < q->positions / (size_t)q->out_width; y++, image += q->row)
        for (int x = 0; x < q->out_width; x++, slopes += outputs) {
            v16 slope[2];
            for (int j = 0; j + 1 < vectors; j++) slope[j] = LOAD16(slopes + 16 * j);
            slope[vectors - 1] = NAMED(load_first)(slopes + 16 * (vectors - 1), tail);
#pragma clang loop unroll(full)
            for (int ky = 0; ky < lines; ky++)
#pragma clang loop unroll(full)
                for (int kx = 0; kx < kernel; kx++) {
                    const v16 pixel = SPLAT16(image[ky * q->row + x + kx]);
#pragma clang loop unroll(full)
                    for (int j = 0; j < vectors; j++) sum[ky][kx][j] = FUSED(pixel, slope[j], sum[ky][kx][j]);
                }
        }
    for (int ky = 0; ky < lines; ky++)
        for (int kx = 0; kx < kernel; kx++) {
            float *t = target + (size_t)(ky * kernel + kx) * outputs;
            for (int j = 0; j + 1 < vectors; j++) STORE16(t + 16 * j, sum[ky][kx][j]);
            NAMED(store_first)(t + 16 * (vectors - 1), sum[ky][kx][vectors - 1], tail);
        }
}

TARGET static void NAMED(correlate_narrow)(const struct convolution *q, size_t outputs, const float *dy, int from_zero, float *gradient) {
#if ROWS_OF_3
    // All lines of a kernel of five by one vector of outputs, or of three by two, fit the registers.
#define LINES q->kernel
#define TWO(kernel) (kernel == 3 && outputs - output > 16)
#else
#define LINES 1
#define TWO(kernel) 0
#endif
    for (size_t output = 0; output < outputs;) {
        const int two = TWO(q->kernel);
        const size_t width = outputs - output < (two ? 32 : 16) ? outputs - output : two ? 32 : 16;
        const int tail = (int)((width - 1) % 16) + 1;
        for (size_t channel = 0; channel < (size_t)q->channels; channel++)
            for (int line = 0; line < q->kernel; line += LINES) {
#if ROWS_OF_3
                if (q->kernel == 5) NAMED(correlated_narrow)(5, 5, 1, q, dy, outputs, output, tail, channel, line, from_zero, gradient);
                else if (two) NAMED(correlated_narrow)(3, 3, 2, q, dy, outputs, output, tail, channel, line, from_zero, gradient);
                else NAMED(correlated_narrow)(3, 3, 1, q, dy, outputs, output, tail, channel, line, from_zero, gradient);
#else
                if (q->kernel == 5) NAMED(correlated_narrow)(5, 1, 1, q, dy, outputs, output, tail, channel, line, from_zero, gradient);
                else NAMED(correlated_narrow)(3, 1, 1, q, dy, outputs, output, tail, channel, line, from_zero, gradient);
#endif
            }
        output += width;
    }
#undef LINES
#undef TWO
}
