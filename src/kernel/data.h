/* data.h: the elements of tensors in memory. Kernels are written over `element` and compiled once per data type; they
 * compute in f32 and f64 whatever the type, so a type is no more than its loads and stores: every element is widened
 * exactly, and every result rounded once, to nearest even.
 */
#ifndef EKI_DATA_H
#define EKI_DATA_H

#include "kernel/kernel.h"
#include "kernel/simd/simd.h"

#if defined(EK_DATA_f32)
typedef float element;

EK_INLINE f32x16 data_load(const element *p) { return f32x16_load(p); }
EK_INLINE f32x16 data_load_n(const element *p, size_t n) { return f32x16_load_n(p, n); }
EK_INLINE void data_store(element *p, f32x16 a) { f32x16_store(p, a); }
EK_INLINE void data_store_n(element *p, f32x16 a, size_t n) { f32x16_store_n(p, a, n); }
EK_INLINE void data_stream(element *p, const f32x16 *line) { f32x16_stream(p, line[0]); }
/* Eight elements as doubles, or the first n. */
EK_INLINE f64x8 data_widen(const element *p) { return f64x8_widen(p); }
EK_INLINE f64x8 data_widen_n(const element *p, size_t n) { return f64x8_widen_n(p, n); }
#elif defined(EK_DATA_bf16)
typedef uint16_t element;
EK_INLINE f32x16 data_of(h16 a) { return f32x16_of_bf16(a); }
EK_INLINE h16 data_to(f32x16 a) { return bf16_of_f32x16(a); }
#elif defined(EK_DATA_f16)
typedef uint16_t element;
EK_INLINE f32x16 data_of(h16 a) { return f32x16_of_f16(a); }
EK_INLINE h16 data_to(f32x16 a) { return f16_of_f32x16(a); }
#endif

#if !defined(EK_DATA_f32)
EK_INLINE f32x16 data_load(const element *p) { return data_of(half_load(p)); }
EK_INLINE f32x16 data_load_n(const element *p, size_t n) { return data_of(half_load_n(p, n)); }
EK_INLINE void data_store(element *p, f32x16 a) { half_store(p, data_to(a)); }
EK_INLINE void data_store_n(element *p, f32x16 a, size_t n) { half_store_n(p, data_to(a), n); }
EK_INLINE void data_stream(element *p, const f32x16 *line) { half_stream(p, data_to(line[0]), data_to(line[1])); }
EK_INLINE f64x8 data_widen(const element *p) { return f64x8_half(data_of(half_load8(p)), 0); }
EK_INLINE f64x8 data_widen_n(const element *p, size_t n) { return f64x8_half(data_of(half_load_n(p, n)), 0); }
#endif

/* One element. */
EK_INLINE double data_first(const element *p) { return f64x8_first(data_widen_n(p, 1)); }

/* Element i of a tensor. */
EK_INLINE const element *element_at(const void *tensor, size_t i) { return (const element *)tensor + i; }
EK_INLINE element *element_to(void *tensor, size_t i) { return (element *)tensor + i; }

/* Elements and vectors of a line of the caches, which data_stream() stores whole. */
enum { LINE = 64 / sizeof(element), LINE_VECTORS = LINE / 16 };

/* Sixteen elements, or the first n; n is a constant wherever it matters. */
EK_INLINE f32x16 data_load16(const element *p, size_t n) { return n >= 16 ? data_load(p) : data_load_n(p, n); }
EK_INLINE void data_store16(element *p, f32x16 a, size_t n) {
    if (n >= 16) {
        data_store(p, a);
    } else {
        data_store_n(p, a, n);
    }
}

/* Wide rows are walked a strip at a time, so that all tiles of columns read it from the cache. While one strip is
 * worked on, the next is fetched: rows far apart are a pattern the hardware does not see. A strip and the next fit the
 * first cache; few rows where they are far apart, because rows a whole number of pages apart share one set of it: of
 * two tensors half as many. The forward map takes rows of WIDE_ROW elements and more one after the other. */
enum { WIDE_ROW = 1024, STRIP_ELEMENTS = 1024, STRIP_LEAST = 4, ONE_TILE = 16, PAGE = 4096 };

/* A grid is cut into strips of rows; where a single tile covers its columns it is one, with all its stretches. */
typedef struct strips {
    size_t rows, each, count; /* of a strip; strips of a stretch, and of all */
    size_t ahead;             /* elements ahead of which memory is fetched */
} strips;

/* Fetched is the next strip; in one tile the next stretch where that is near, else what comes some rows on. */
enum { FETCH_ELEMENTS = 1024, FETCH_ROWS = 4 };
EK_INLINE size_t tile_ahead(const eki_grid *g) {
    if (g->stride > 2 * ONE_TILE) return FETCH_ROWS * g->stride;
    return g->count > 1 && g->rows * g->stride < FETCH_ELEMENTS ? g->distance : FETCH_ELEMENTS;
}

/* Of a reading of so many tensors. */
EK_INLINE strips strips_of(const eki_grid *g, int tensors) {
    if (g->cols <= ONE_TILE) return (strips){g->rows, 1, 1, tile_ahead(g)};
    size_t rows = STRIP_ELEMENTS / g->stride;
    size_t least = tensors > 1 && g->stride * sizeof(element) % PAGE == 0 ? STRIP_LEAST / 2 : STRIP_LEAST;
    if (rows < least) rows = least;
    if (rows >= g->rows) return (strips){g->rows, 1, g->count, FETCH_ROWS * g->stride};
    size_t each = (g->rows + rows - 1) / rows;
    return (strips){rows, each, each * g->count, rows * g->stride};
}

/* One row after the other, in the order of memory. */
EK_INLINE strips strips_of_rows(const eki_grid *g) { return (strips){1, g->rows, g->rows * g->count, g->stride}; }

/* The i-th strip of a grid begins `*at` elements behind it. */
EK_INLINE eki_grid strip_of(const eki_grid *g, const strips *s, size_t i, size_t *at) {
    if (g->cols <= ONE_TILE) {
        *at = 0;
        return *g;
    }
    size_t row = i % s->each * s->rows, rest = g->rows - row;
    *at = i / s->each * g->distance + row * g->stride;
    return (eki_grid){rest < s->rows ? rest : s->rows, g->stride, g->cols, 1, 0, 0};
}

/* Ahead in one of `count` segments of n elements (row_sums.c): the next channel's where that is near, else what comes
 * in memory. */
EK_INLINE size_t segment_ahead(size_t n, size_t count) { return count > 1 && n < FETCH_ELEMENTS ? n : FETCH_ELEMENTS; }

EK_INLINE void fetch(const element *p) { __builtin_prefetch(p); }
EK_INLINE void fetch_to(const element *p) { __builtin_prefetch(p, 1); } /* to be written */

#endif
