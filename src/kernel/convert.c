/* convert.c: elements to floats and back, for what is not worth a kernel of its own. */
#include "kernel/data.h"

EK_INLINE void widen_all(const element *x, size_t n, float *y) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) f32x16_store(y + i, data_load(x + i));
    if (i < n) f32x16_store_n(y + i, data_load_n(x + i, n - i), n - i);
}

EK_INLINE void narrow_all(const float *x, size_t n, element *y) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) data_store(y + i, f32x16_load(x + i));
    if (i < n) data_store_n(y + i, f32x16_load_n(x + i, n - i), n - i);
}

void EK_FN(widen)(const void *x, size_t n, float *y) { widen_all(x, n, y); }

void EK_FN(narrow)(const float *x, size_t n, void *y) { narrow_all(x, n, y); }
