// Joint histograms of one row against 64 at a time: each byte of a register is another row of the tile, so that counting a
// position is the same few instructions for all of them, and nothing is scattered.
#include <string.h>

#include "multiversion.h"
#include "vector_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// A tile is counted for so many of its levels at once: what one shuffle of bytes can tell apart.
enum { ROWS = VK_TILE_ROWS, LEVELS = 16 };
// Byte counters hold no more.
enum { MOST_COUNTED = 255 };

struct pairing {
    const uint8_t *levels;      // (positions, ROWS)
    const uint16_t *histograms; // (level_count, ROWS)
    unsigned level_count;
    const uint32_t *order, *starts;
    const int32_t *weights;
    unsigned omitted; // The level of the row whose cells follow from the margins.
    int32_t *sums;
};

// The level with the most positions, the first of equals: its cells are those that counting would pay most for.
static unsigned most_frequent(const uint32_t *starts, unsigned level_count) {
    unsigned best = 0;
    for (unsigned a = 1; a < level_count; a++)
        if (starts[a + 1] - starts[a] > starts[best + 1] - starts[best]) best = a;
    return best;
}

// Plain loops that the compiler vectorises; the cells of levels `first` to `first + LEVELS`.
MULTIVERSION
static void pair_any(const struct pairing *p) {
    int32_t sums[ROWS] = {0};
    for (unsigned first = 0; first < p->level_count; first += LEVELS) {
        const unsigned width = p->level_count - first < LEVELS ? p->level_count - first : LEVELS;
        uint16_t columns[LEVELS][ROWS] = {{0}};
        for (unsigned a = 0; a < p->level_count; a++) {
            if (a == p->omitted || p->starts[a] == p->starts[a + 1]) continue;
            uint16_t cells[LEVELS][ROWS] = {{0}};
            for (uint32_t i = p->starts[a]; i < p->starts[a + 1];) {
                const uint32_t end = p->starts[a + 1] - i < MOST_COUNTED ? p->starts[a + 1] : i + MOST_COUNTED;
                uint8_t counts[LEVELS][ROWS] = {{0}};
                for (; i < end; i++) {
                    uint8_t levels[ROWS];
                    memcpy(levels, p->levels + (size_t)p->order[i] * ROWS, ROWS);
                    for (unsigned b = 0; b < width; b++)
                        for (int l = 0; l < ROWS; l++) counts[b][l] += levels[l] == (uint8_t)(first + b);
                }
                for (unsigned b = 0; b < width; b++)
                    for (int l = 0; l < ROWS; l++) cells[b][l] += counts[b][l];
            }
            for (unsigned b = 0; b < width; b++)
                for (int l = 0; l < ROWS; l++) {
                    columns[b][l] += cells[b][l];
                    sums[l] += p->weights[cells[b][l]];
                }
        }
        for (unsigned b = 0; b < width; b++)
            for (int l = 0; l < ROWS; l++) sums[l] += p->weights[p->histograms[(first + b) * ROWS + l] - columns[b][l]];
    }
    memcpy(p->sums, sums, sizeof sums);
}

#if defined(__x86_64__)
#define V4 __attribute__((target("arch=x86-64-v4")))
#define V4_INLINE static inline __attribute__((always_inline, target("arch=x86-64-v4")))

enum { QUARTERS = ROWS / 16, PAIRS = LEVELS / 2 };
// Weights of counts below this lie in registers, cut in two: a count's high part fits 16 bits, and the low parts of a
// row of cells add up in 16.
enum { FEW = 64, LOW_BITS = 9 };

// Adds the weights of 64 counts, looked up in memory.
V4_INLINE void add_weights(const int32_t *weights, __m512i counts, __m512i *low, __m512i *high) {
    *low = _mm512_add_epi32(*low, _mm512_i32gather_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(counts)), weights, 4));
    *high = _mm512_add_epi32(*high, _mm512_i32gather_epi32(_mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(counts, 1)), weights, 4));
}

// Counts levels 2j and 2j + 1 of each row at some positions in bytes[2j] and bytes[2j + 1]. Two counters of four bits
// share a byte, one shuffle increments both; they are emptied into whole bytes before they can overflow.
V4_INLINE void count(const struct pairing *p, unsigned first, uint32_t from, uint32_t to, __m512i bytes[LEVELS]) {
    enum { MOST_IN_NIBBLE = 15 };
    __m512i increments[PAIRS];
    for (int j = 0; j < PAIRS; j++) {
        uint8_t table[16] = {0};
        table[2 * j] = 1;
        table[2 * j + 1] = 16;
        increments[j] = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table));
    }
    const __m512i nibble = _mm512_set1_epi8(15), offset = _mm512_set1_epi8((char)first), beyond = _mm512_set1_epi8(0x70);
    for (int b = 0; b < LEVELS; b++) bytes[b] = _mm512_setzero_si512();
    while (from < to) {
        const uint32_t end = to - from < MOST_IN_NIBBLE ? to : from + MOST_IN_NIBBLE;
        __m512i nibbles[PAIRS];
        for (int j = 0; j < PAIRS; j++) nibbles[j] = _mm512_setzero_si512();
        if (p->level_count <= LEVELS) {
            for (; from < end; from++) {
                const __m512i levels = _mm512_loadu_si512(p->levels + (size_t)p->order[from] * ROWS);
                for (int j = 0; j < PAIRS; j++) nibbles[j] = _mm512_add_epi8(nibbles[j], _mm512_shuffle_epi8(increments[j], levels));
            }
        } else {
            for (; from < end; from++) {
                // A level outside this run of 16 ends with its top bit set, for which a shuffle gives zero.
                const __m512i levels = _mm512_adds_epu8(
                    _mm512_sub_epi8(_mm512_loadu_si512(p->levels + (size_t)p->order[from] * ROWS), offset), beyond);
                for (int j = 0; j < PAIRS; j++) nibbles[j] = _mm512_add_epi8(nibbles[j], _mm512_shuffle_epi8(increments[j], levels));
            }
        }
        for (int j = 0; j < PAIRS; j++) {
            bytes[2 * j] = _mm512_add_epi8(bytes[2 * j], _mm512_and_si512(nibbles[j], nibble));
            bytes[2 * j + 1] = _mm512_add_epi8(bytes[2 * j + 1], _mm512_and_si512(_mm512_srli_epi16(nibbles[j], 4), nibble));
        }
    }
}

V4_INLINE __m512i half(__m512i bytes, int h) {
    return _mm512_cvtepu8_epi16(h ? _mm512_extracti64x4_epi64(bytes, 1) : _mm512_castsi512_si256(bytes));
}

V4 static void pair_v4(const struct pairing *p) {
    // The high and low parts of the first weights, 64 of 16 bits in two registers each.
    uint16_t parts[2][FEW] = {{0}};
    const uint32_t positions = p->starts[p->level_count];
    for (uint32_t c = 0; c < FEW && c <= positions; c++) {
        parts[0][c] = (uint16_t)(p->weights[c] >> LOW_BITS);
        parts[1][c] = (uint16_t)(p->weights[c] & ((1 << LOW_BITS) - 1));
    }
    const __m512i high0 = _mm512_loadu_si512(parts[0]), high1 = _mm512_loadu_si512(parts[0] + 32);
    const __m512i low0 = _mm512_loadu_si512(parts[1]), low1 = _mm512_loadu_si512(parts[1] + 32);
    __m512i sums[QUARTERS];
    for (int q = 0; q < QUARTERS; q++) sums[q] = _mm512_setzero_si512();

    for (unsigned first = 0; first < p->level_count; first += LEVELS) {
        const unsigned width = p->level_count - first < LEVELS ? p->level_count - first : LEVELS;
        __m512i columns[LEVELS][2];
        for (int b = 0; b < LEVELS; b++) columns[b][0] = columns[b][1] = _mm512_setzero_si512();
        for (unsigned a = 0; a < p->level_count; a++) {
            const uint32_t from = p->starts[a], to = p->starts[a + 1];
            if (a == p->omitted || from == to) continue;
            __m512i bytes[LEVELS];
            if (to - from < FEW) {
                count(p, first, from, to, bytes);
                for (int h = 0; h < 2; h++) {
                    __m512i high = _mm512_setzero_si512(), low = high;
                    for (unsigned b = 0; b < width; b++) {
                        const __m512i counts = half(bytes[b], h);
                        columns[b][h] = _mm512_add_epi16(columns[b][h], counts);
                        high = _mm512_add_epi16(high, _mm512_permutex2var_epi16(high0, counts, high1));
                        low = _mm512_add_epi16(low, _mm512_permutex2var_epi16(low0, counts, low1));
                    }
                    for (int q = 0; q < 2; q++) {
                        const __m512i wide = _mm512_cvtepu16_epi32(q ? _mm512_extracti64x4_epi64(high, 1) : _mm512_castsi512_si256(high));
                        const __m512i rest = _mm512_cvtepu16_epi32(q ? _mm512_extracti64x4_epi64(low, 1) : _mm512_castsi512_si256(low));
                        sums[2 * h + q] = _mm512_add_epi32(sums[2 * h + q], _mm512_add_epi32(_mm512_slli_epi32(wide, LOW_BITS), rest));
                    }
                }
                continue;
            }
            __m512i cells[LEVELS][2];
            for (int b = 0; b < LEVELS; b++) cells[b][0] = cells[b][1] = _mm512_setzero_si512();
            for (uint32_t i = from; i < to;) {
                const uint32_t end = to - i < MOST_COUNTED ? to : i + MOST_COUNTED;
                count(p, first, i, end, bytes);
                for (unsigned b = 0; b < width; b++)
                    for (int h = 0; h < 2; h++) cells[b][h] = _mm512_add_epi16(cells[b][h], half(bytes[b], h));
                i = end;
            }
            for (unsigned b = 0; b < width; b++)
                for (int h = 0; h < 2; h++) {
                    columns[b][h] = _mm512_add_epi16(columns[b][h], cells[b][h]);
                    add_weights(p->weights, cells[b][h], &sums[2 * h], &sums[2 * h + 1]);
                }
        }
        for (unsigned b = 0; b < width; b++)
            for (int h = 0; h < 2; h++) {
                const __m512i all = _mm512_loadu_si512(p->histograms + (first + b) * ROWS + 32 * h);
                add_weights(p->weights, _mm512_sub_epi16(all, columns[b][h]), &sums[2 * h], &sums[2 * h + 1]);
            }
    }
    for (int q = 0; q < QUARTERS; q++) _mm512_storeu_si512(p->sums + 16 * q, sums[q]);
}
#endif

void vk_joint_sums_by(enum vk_instructions instructions, const uint8_t *levels, const uint16_t *histograms, size_t tiles,
                      unsigned level_count, const uint32_t *order, const uint32_t *starts, const int32_t *weights, int32_t *sums) {
    const size_t positions = starts[level_count];
    for (size_t t = 0; t < tiles; t++) {
        const struct pairing p = {
            levels + t * positions * ROWS, histograms + t * level_count * ROWS, level_count, order, starts, weights,
            most_frequent(starts, level_count), sums + t * ROWS};
#if defined(__x86_64__)
        if (instructions == VK_X86_64_V4) {
            pair_v4(&p);
            continue;
        }
#else
        (void)instructions;
#endif
        pair_any(&p);
    }
}

void vk_joint_sums(const uint8_t *levels, const uint16_t *histograms, size_t tiles, unsigned level_count, const uint32_t *order,
                   const uint32_t *starts, const int32_t *weights, int32_t *sums) {
    vk_joint_sums_by(vk_best_instructions(), levels, histograms, tiles, level_count, order, starts, weights, sums);
}
