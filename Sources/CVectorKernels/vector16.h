#pragma once
// Sixteen floats side by side, whatever the widest register is.
#include <stddef.h>

typedef float v16 __attribute__((vector_size(64)));
typedef float v16_anywhere __attribute__((vector_size(64), aligned(4)));

#define LOAD16(p) ((v16) * (const v16_anywhere *)(p))
#define STORE16(p, v) (*(v16_anywhere *)(p) = (v))
// A broadcast: (v16){} + x would be an addition.
#define SPLAT16(x) ((v16){(x), (x), (x), (x), (x), (x), (x), (x), (x), (x), (x), (x), (x), (x), (x), (x)})
#define ALWAYS_INLINE static inline __attribute__((always_inline))
