/* simd.h: the vector operations kernels are written in, chosen by instruction set.
 *
 * Three types: f32x16, sixteen floats, f64x8, eight doubles, and h16, sixteen elements of 16 bits (bf16 or f16, to be
 * converted only). Each simd_<isa>.h with its half_<isa>.h defines exactly the same inline operations on them; `_n`
 * forms touch the first n lanes of memory only (0 <= n < lanes), and the other lanes of a load are zero. Every
 * operation is one correctly rounded IEEE operation per lane, so that all sets give equal bits.
 */
#ifndef EKI_SIMD_H
#define EKI_SIMD_H

#include <stddef.h>
#include <stdint.h>

#if defined(EK_KERNELS_CHECKED) /* compiled to be checked, not to be fast, in a fifth of the time */
#define EK_INLINE static inline __attribute__((unused))
#else
#define EK_INLINE static inline __attribute__((always_inline, unused))
#endif

/* half_<isa>.h, by the name that the build gives. */
#define EKI_QUOTED(name) #name
#define EKI_HALF(isa) EKI_QUOTED(half_##isa.h)
#define EKI_HALF_OF(isa) EKI_HALF(isa)
#include EKI_HALF_OF(EK_ISA)

/* Sixteen floats, or the first n; n is a constant wherever it matters. */
EK_INLINE f32x16 load16(const float *p, size_t n) { return n >= 16 ? f32x16_load(p) : f32x16_load_n(p, n); }
EK_INLINE void store16(float *p, f32x16 a, size_t n) {
    if (n >= 16) {
        f32x16_store(p, a);
    } else {
        f32x16_store_n(p, a, n);
    }
}

/* Eight doubles, or the first n. */
EK_INLINE f64x8 load8(const double *p, size_t n) { return n >= 8 ? f64x8_load(p) : f64x8_load_n(p, n); }
EK_INLINE void store8(double *p, f64x8 a, size_t n) {
    if (n >= 8) {
        f64x8_store(p, a);
    } else {
        f64x8_store_n(p, a, n);
    }
}

/* Sum of sixteen lanes (lo = 0..7, hi = 8..15) in the fixed tree 16 -> 8 -> 4 -> 2 -> 1. */
EK_INLINE double f64x16_sum(f64x8 lo, f64x8 hi) { return f64x8_sum(f64x8_add(lo, hi)); }

#endif
