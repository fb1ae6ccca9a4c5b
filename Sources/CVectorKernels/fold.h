// The sums over sixteen lanes of many vectors: halves of two are added side by side, then of four, until one vector holds all. Included
// once for each instruction set; whatever the width of its registers, the tree is the same: l and l + 8, l and l + 4, l and l + 2, l and l + 1.

// Sixteen lanes in as many registers as they take.
enum { NAMED(PARTS) = 16 / LANES };

// Sets all[i] to the sum of the lanes of sum i, of up to MOST_DOTS. Those of the first eight lanes, or four, lie in sums[0], and so on.
TARGET ALWAYS_INLINE void NAMED(fold)(const int count, NAMED(lanes) sums[NAMED(PARTS)][MOST_DOTS], float *all) {
#if LANES == 16
    v16 sum[16], eight[8], four[4], two[2];
    for (int i = 0; i < 16; i++) sum[i] = i < count ? sums[0][i] : SPLAT16(0.0f);
    for (int i = 0; i < 8; i++)
        eight[i] = __builtin_shufflevector(sum[i], sum[i + 8], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
                   __builtin_shufflevector(sum[i], sum[i + 8], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    for (int i = 0; i < 4; i++)
        four[i] = __builtin_shufflevector(eight[i], eight[i + 4], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
                  __builtin_shufflevector(eight[i], eight[i + 4], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    for (int i = 0; i < 2; i++)
        two[i] = __builtin_shufflevector(four[i], four[i + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
                 __builtin_shufflevector(four[i], four[i + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    STORE(all, __builtin_shufflevector(two[0], two[1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
                   __builtin_shufflevector(two[0], two[1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31));
#elif LANES == 8
    int first = 0;
    for (; first + 4 < count; first += 8) {
        NAMED(lanes) eight[8], four[4], two[2];
        for (int i = 0; i < 8; i++) eight[i] = first + i < count ? sums[0][first + i] + sums[1][first + i] : NAMED(splat)(0.0f);
        for (int i = 0; i < 4; i++)
            four[i] = __builtin_shufflevector(eight[i], eight[i + 4], 0, 1, 2, 3, 8, 9, 10, 11) +
                      __builtin_shufflevector(eight[i], eight[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
        for (int i = 0; i < 2; i++)
            two[i] = __builtin_shufflevector(four[i], four[i + 2], 0, 1, 8, 9, 4, 5, 12, 13) +
                     __builtin_shufflevector(four[i], four[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        STORE(all + first, __builtin_shufflevector(two[0], two[1], 0, 8, 2, 10, 4, 12, 6, 14) +
                               __builtin_shufflevector(two[0], two[1], 1, 9, 3, 11, 5, 13, 7, 15));
    }
    if (first < count) {
        // Up to four: half a register takes them.
        __m128 four[4], two[2];
        for (int i = 0; i < 4; i++) {
            const __m256 eight = first + i < count ? (__m256)(sums[0][first + i] + sums[1][first + i]) : _mm256_setzero_ps();
            four[i] = _mm256_castps256_ps128(eight) + _mm256_extractf128_ps(eight, 1);
        }
        for (int i = 0; i < 2; i++)
            two[i] = __builtin_shufflevector(four[i], four[i + 2], 0, 1, 4, 5) + __builtin_shufflevector(four[i], four[i + 2], 2, 3, 6, 7);
        _mm_storeu_ps(all + first, __builtin_shufflevector(two[0], two[1], 0, 4, 2, 6) + __builtin_shufflevector(two[0], two[1], 1, 5, 3, 7));
    }
#else
    for (int first = 0; first < count; first += 4) {
        NAMED(lanes) four[4], two[2];
        for (int i = 0; i < 4; i++)
            four[i] = first + i < count ? (sums[0][first + i] + sums[2][first + i]) + (sums[1][first + i] + sums[3][first + i]) : NAMED(splat)(0.0f);
        for (int i = 0; i < 2; i++)
            two[i] = __builtin_shufflevector(four[i], four[i + 2], 0, 1, 4, 5) + __builtin_shufflevector(four[i], four[i + 2], 2, 3, 6, 7);
        STORE(all + first, __builtin_shufflevector(two[0], two[1], 0, 4, 2, 6) + __builtin_shufflevector(two[0], two[1], 1, 5, 3, 7));
    }
#endif
}
