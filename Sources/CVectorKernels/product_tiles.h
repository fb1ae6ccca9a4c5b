// Tiles of a matrix product; included once for each instruction set.
#define MAX_ROWS 16
#define MAX_VECTORS 4

// `rows` and `vectors` are constants where this is inlined, so that every sum lives in a register.
TARGET ALWAYS_INLINE void NAMED(tile)(const int rows, const int vectors, const struct product *q, size_t row, size_t column, int tail) {
    v16 sum[MAX_ROWS][MAX_VECTORS];
    float *c = q->c + row * q->c_row + column;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++)
            sum[i][j] = q->start == VK_FROM_ZERO         ? SPLAT16(0.0f)
                        : q->start == VK_FROM_BIAS   ? SPLAT16(q->bias[row + i])
                        : j + 1 < vectors                ? LOAD16(c + i * q->c_row + 16 * j)
                                                         : NAMED(load_first)(c + i * q->c_row + 16 * j, tail);
    const float *a = q->a + row * q->a_row, *b = q->b + column;
    const size_t a_row = q->a_row, a_column = q->a_column, b_row = q->b_row;
    for (size_t p = 0; p < q->k; p++, a += a_column, b += b_row) {
        v16 factors[MAX_VECTORS];
        for (int j = 0; j + 1 < vectors; j++) factors[j] = LOAD16(b + 16 * j);
        factors[vectors - 1] = NAMED(load_first)(b + 16 * (vectors - 1), tail);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            const v16 value = SPLAT16(a[i * a_row]);
#pragma clang loop unroll(full)
            for (int j = 0; j < vectors; j++) sum[i][j] = FUSED(value, factors[j], sum[i][j]);
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j + 1 < vectors; j++) STORE16(c + i * q->c_row + 16 * j, sum[i][j]);
        NAMED(store_first)(c + i * q->c_row + 16 * (vectors - 1), sum[i][vectors - 1], tail);
    }
}

#define TILE_ROWS(R, V) \
    if (R <= ROWS_OF_##V && rows == R) return NAMED(tile)(R <= ROWS_OF_##V ? R : 1, V, q, row, column, tail);
#define TILES(V)                                                                                                    \
    TARGET static void NAMED(tiles##V)(int rows, const struct product *q, size_t row, size_t column, int tail) {    \
        TILE_ROWS(1, V) TILE_ROWS(2, V) TILE_ROWS(3, V) TILE_ROWS(4, V) TILE_ROWS(5, V) TILE_ROWS(6, V)             \
        TILE_ROWS(7, V) TILE_ROWS(8, V) TILE_ROWS(9, V) TILE_ROWS(10, V) TILE_ROWS(11, V) TILE_ROWS(12, V)          \
        TILE_ROWS(13, V) TILE_ROWS(14, V) TILE_ROWS(15, V) TILE_ROWS(16, V)                                         \
    }
TILES(1)
TILES(2)
TILES(3)
TILES(4)

// Columns are cut into groups of vectors, rows into groups of tiles, both as evenly as they go.
TARGET static void NAMED(product)(const struct product *q) {
    static const size_t most_rows[] = {0, ROWS_OF_1, ROWS_OF_2, ROWS_OF_3, ROWS_OF_4};
    const size_t vectors = (q->n + 15) / 16;
    size_t widest = 1;
    // The widest tile that still takes all rows at once, or else the third, whose loads are fewest for tall matrices.
    for (size_t v = 2; v <= MAX_VECTORS; v++)
        if (most_rows[v] && (v <= 3 || q->m <= most_rows[v]) && !(v == 3 && q->m > most_rows[3] && q->m <= most_rows[2])) widest = v;
    const size_t groups = (vectors + widest - 1) / widest;
    for (size_t group = 0, first = 0; group < groups; group++) {
        const size_t width = (vectors - first + groups - group - 1) / (groups - group);
        const int tail = first + width == vectors ? (int)(q->n - (vectors - 1) * 16) : 16;
        const size_t tiles = (q->m + most_rows[width] - 1) / most_rows[width];
        for (size_t tile = 0, row = 0; tile < tiles; tile++) {
            const int rows = (int)((q->m - row + tiles - tile - 1) / (tiles - tile));
            switch (width) {
            case 1: NAMED(tiles1)(rows, q, row, first * 16, tail); break;
            case 2: NAMED(tiles2)(rows, q, row, first * 16, tail); break;
            case 3: NAMED(tiles3)(rows, q, row, first * 16, tail); break;
            case 4: NAMED(tiles4)(rows, q, row, first * 16, tail); break;
            }
            row += (size_t)rows;
        }
        first += width;
    }
}

// Dot products of rows of A with rows of B, each over sixteen partial chains that are folded in a fixed tree.
TARGET ALWAYS_INLINE void NAMED(dots)(const int rows, const int columns, const struct product *q, size_t row, size_t column) {
    v16 sum[16] = {};
    const float *a = q->a + row * q->a_row, *b = q->b + column * q->b_row;
    const size_t a_row = q->a_row, b_row = q->b_row, whole = q->k / 16 * 16;
    for (size_t p = 0; p < whole; p += 16) {
        v16 factors[16];
        for (int j = 0; j < columns; j++) factors[j] = LOAD16(b + j * b_row + p);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            const v16 value = LOAD16(a + i * a_row + p);
#pragma clang loop unroll(full)
            for (int j = 0; j < columns; j++) sum[i * columns + j] = FUSED(value, factors[j], sum[i * columns + j]);
        }
    }
    if (whole < q->k) {
        const int rest = (int)(q->k - whole);
        for (int i = 0; i < rows; i++) {
            const v16 value = NAMED(load_first)(a + i * a_row + whole, rest);
            for (int j = 0; j < columns; j++)
                sum[i * columns + j] = FUSED(value, NAMED(load_first)(b + j * b_row + whole, rest), sum[i * columns + j]);
        }
    }
    v16 all;
    fold16(sum, &all);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            float *c = q->c + (row + i) * q->c_row + column + j;
            const float start = q->start == VK_FROM_ZERO ? 0.0f : q->start == VK_FROM_C ? *c : q->bias[column + j];
            *c = start + all[i * columns + j];
        }
}

TARGET static void NAMED(product_of_rows)(const struct product *q) {
    // Four rows of B stay in the first-level cache while those of A pass by.
    size_t column = 0;
    for (; column + 4 <= q->n; column += 4) {
        size_t row = 0;
        for (; row + 4 <= q->m; row += 4) NAMED(dots)(4, 4, q, row, column);
        for (; row < q->m; row++) NAMED(dots)(1, 4, q, row, column);
    }
    for (; column < q->n; column++) {
        size_t row = 0;
        for (; row + 4 <= q->m; row += 4) NAMED(dots)(4, 1, q, row, column);
        for (; row < q->m; row++) NAMED(dots)(1, 1, q, row, column);
    }
}

#undef MAX_ROWS
#undef MAX_VECTORS
#undef TILE_ROWS
#undef TILES
