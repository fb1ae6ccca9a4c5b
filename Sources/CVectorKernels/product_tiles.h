// Tiles of a matrix product; included once for each instruction set.
#include "fold.h"

#define MAX_ROWS 16
#define MAX_VECTORS 4

// The last vector of a row may be narrower than a register.
#define IS_TAIL(j) (!is_whole && (j) + 1 == vectors)

// `rows`, `vectors` and `is_whole` are constants where this is inlined, so that every sum lives in a register.
TARGET ALWAYS_INLINE void NAMED(tile)(const int rows, const int vectors, const int is_whole, const struct product *q, size_t row, size_t column,
                                      int tail) {
    NAMED(lanes) sum[MAX_ROWS][MAX_VECTORS];
    float *c = q->c + row * q->c_row + column;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++)
            sum[i][j] = q->start == VK_FROM_ZERO       ? NAMED(splat)(0.0f)
                        : q->start == VK_FROM_BIAS ? NAMED(splat)(q->bias[row + i])
                        : IS_TAIL(j)                   ? NAMED(load_first)(c + i * q->c_row + LANES * j, tail)
                                                       : LOAD(c + i * q->c_row + LANES * j);
    const float *a = q->a + row * q->a_row, *b = q->b + column;
    const size_t a_row = q->a_row, a_column = q->a_column, b_row = q->b_row;
    for (size_t p = 0; p < q->k; p++, a += a_column, b += b_row) {
        NAMED(lanes) factors[MAX_VECTORS];
        for (int j = 0; j < vectors; j++) factors[j] = IS_TAIL(j) ? NAMED(load_first)(b + LANES * j, tail) : LOAD(b + LANES * j);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            const NAMED(lanes) value = NAMED(splat)(a[i * a_row]);
#pragma clang loop unroll(full)
            for (int j = 0; j < vectors; j++) sum[i][j] = FUSED(value, factors[j], sum[i][j]);
        }
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++)
            if (IS_TAIL(j)) NAMED(store_first)(c + i * q->c_row + LANES * j, sum[i][j], tail);
            else STORE(c + i * q->c_row + LANES * j, sum[i][j]);
}

// Where masks cost nothing, tiles of whole vectors need no code of their own.
#define TILE_ROWS(R, V)                                                                                            \
    if (R <= ROWS_OF_##V && rows == R) {                                                                           \
        if (MASKS_COST && tail == LANES) return NAMED(tile)(R <= ROWS_OF_##V ? R : 1, V, 1, q, row, column, tail); \
        return NAMED(tile)(R <= ROWS_OF_##V ? R : 1, V, 0, q, row, column, tail);                                  \
    }
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

// Vectors of the tiles: the widest that still take all rows at once, or else three, whose loads are fewest for tall matrices, or two.
TARGET ALWAYS_INLINE size_t NAMED(widest)(size_t rows) {
    if (rows <= ROWS_OF_4) return 4;
    if (rows <= ROWS_OF_3) return 3;
    if (rows <= ROWS_OF_2) return 2;
#if LANES == 8
    // Few registers: the one of the two shapes that leaves fewer of them without work.
    return (rows + ROWS_OF_2 - 1) / ROWS_OF_2 * 3 < (rows + ROWS_OF_3 - 1) / ROWS_OF_3 * 2 ? 2 : 3;
#else
    return 3;
#endif
}

// Columns are cut into groups of vectors, rows into groups of tiles, both as evenly as they go.
TARGET static void NAMED(product)(const struct product *q) {
    static const size_t most_rows[] = {0, ROWS_OF_1, ROWS_OF_2, ROWS_OF_3, ROWS_OF_4};
    const size_t vectors = (q->n + LANES - 1) / LANES, widest = NAMED(widest)(q->m);
    const size_t groups = (vectors + widest - 1) / widest;
    for (size_t group = 0, first = 0; group < groups; group++) {
        const size_t width = (vectors - first + groups - group - 1) / (groups - group);
        const int tail = first + width == vectors ? (int)(q->n - (vectors - 1) * LANES) : LANES;
        const size_t tiles = (q->m + most_rows[width] - 1) / most_rows[width];
        for (size_t tile = 0, row = 0; tile < tiles; tile++) {
            const int rows = (int)((q->m - row + tiles - tile - 1) / (tiles - tile));
            switch (width) {
            case 1: NAMED(tiles1)(rows, q, row, first * LANES, tail); break;
            case 2: NAMED(tiles2)(rows, q, row, first * LANES, tail); break;
            case 3: NAMED(tiles3)(rows, q, row, first * LANES, tail); break;
            case 4: NAMED(tiles4)(rows, q, row, first * LANES, tail); break;
            }
            row += (size_t)rows;
        }
        first += width;
    }
}

// Dot products of rows of A with rows of B, each over sixteen partial chains that are folded in a fixed tree. Where a register holds
// fewer, some of the chains of all dot products go to their end before the others begin.
TARGET ALWAYS_INLINE void NAMED(dots)(const int rows, const int columns, const struct product *q, size_t row, size_t column) {
    NAMED(lanes) sums[NAMED(PARTS)][MOST_DOTS];
    const size_t a_row = q->a_row, b_row = q->b_row, whole = q->k / 16 * 16;
    for (int part = 0; part < NAMED(PARTS); part++) {
        NAMED(lanes) sum[MOST_DOTS] = {};
        const float *a = q->a + row * q->a_row + part * LANES, *b = q->b + column * q->b_row + part * LANES;
        for (size_t p = 0; p < whole; p += 16) {
            NAMED(lanes) factors[DOT_COLUMNS];
            for (int j = 0; j < columns; j++) factors[j] = LOAD(b + j * b_row + p);
#pragma clang loop unroll(full)
            for (int i = 0; i < rows; i++) {
                const NAMED(lanes) value = LOAD(a + i * a_row + p);
#pragma clang loop unroll(full)
                for (int j = 0; j < columns; j++) sum[i * columns + j] = FUSED(value, factors[j], sum[i * columns + j]);
            }
        }
        if (whole < q->k) {
            // Of all chains, also of those that have no more factors: these add zero.
            const int left = (int)(q->k - whole) - part * LANES, rest = left < 0 ? 0 : left < LANES ? left : LANES;
            NAMED(lanes) factors[DOT_COLUMNS];
            for (int j = 0; j < columns; j++) factors[j] = NAMED(load_first)(b + j * b_row + whole, rest);
#pragma clang loop unroll(full)
            for (int i = 0; i < rows; i++) {
                const NAMED(lanes) value = NAMED(load_first)(a + i * a_row + whole, rest);
#pragma clang loop unroll(full)
                for (int j = 0; j < columns; j++) sum[i * columns + j] = FUSED(value, factors[j], sum[i * columns + j]);
            }
        }
        for (int i = 0; i < rows * columns; i++) sums[part][i] = sum[i];
    }
    float all[MOST_DOTS];
    NAMED(fold)(rows * columns, sums, all);
    float *c = q->c + row * q->c_row + column;
    const float *bias = q->bias + column;
#define FOR_EACH                     \
    for (int i = 0; i < rows; i++)   \
        for (int j = 0; j < columns; j++)
    if (q->start == VK_FROM_C) FOR_EACH c[i * q->c_row + j] += all[i * columns + j];
    else if (q->start == VK_FROM_BIAS) FOR_EACH c[i * q->c_row + j] = bias[j] + all[i * columns + j];
    else FOR_EACH c[i * q->c_row + j] = 0.0f + all[i * columns + j];
#undef FOR_EACH
}

#if DOT_COLUMNS < DOT_ROWS
// Some rows of A stay in the first-level cache while those of B, cut as evenly as they go, pass by: tiles have no more of these.
#define DOTS(rows, columns) \
    case columns: NAMED(dots)(rows, columns <= DOT_COLUMNS ? columns : 1, q, row, column); break;
#define ALL_DOTS(rows)                                                                                      \
    for (size_t tiles = (q->n + DOT_COLUMNS - 1) / DOT_COLUMNS, column = 0; tiles > 0; tiles--) {           \
        const size_t columns = (q->n - column + tiles - 1) / tiles;                                         \
        switch (columns) { DOTS(rows, 1) DOTS(rows, 2) DOTS(rows, 3) DOTS(rows, 4) }                        \
        column += columns;                                                                                  \
    }
TARGET static void NAMED(product_of_rows)(const struct product *q) {
    size_t row = 0;
    for (; row + DOT_ROWS <= q->m; row += DOT_ROWS) ALL_DOTS(DOT_ROWS)
    for (; row + 2 <= q->m; row += 2) ALL_DOTS(2)
    for (; row < q->m; row++) ALL_DOTS(1)
}
#undef DOTS
#undef ALL_DOTS
#else
// Some rows of B, cut as evenly as they go, stay in the first-level cache while those of A pass by.
#define DOTS_OF(columns)                                                                                    \
    case columns: {                                                                                         \
        const int constant = columns <= DOT_COLUMNS ? columns : 1;                                          \
        size_t row = 0;                                                                                     \
        for (; row + DOT_ROWS <= q->m; row += DOT_ROWS) NAMED(dots)(DOT_ROWS, constant, q, row, column);    \
        for (; row + 2 <= q->m; row += 2) NAMED(dots)(2, constant, q, row, column);                         \
        for (; row < q->m; row++) NAMED(dots)(1, constant, q, row, column);                                 \
        break;                                                                                              \
    }
TARGET static void NAMED(product_of_rows)(const struct product *q) {
    for (size_t tiles = (q->n + DOT_COLUMNS - 1) / DOT_COLUMNS, column = 0; tiles > 0; tiles--) {
        const size_t columns = (q->n - column + tiles - 1) / tiles;
        switch (columns) { DOTS_OF(1) DOTS_OF(2) DOTS_OF(3) DOTS_OF(4) }
        column += columns;
    }
}
#undef DOTS_OF
#endif

#undef MAX_ROWS
#undef MAX_VECTORS
#undef IS_TAIL
#undef TILE_ROWS
#undef TILES
