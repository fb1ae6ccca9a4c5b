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
