/* kernel.h: the kernel table, the parameter structs of the kernels and, inside a kernel source, their names.
 *
 * Every kernel source is compiled once per instruction set with EK_ISA set; EK_FN(f32_row_moments) is then
 * eki_f32_row_moments__avx2 and so on. All instruction sets give the same bits.
 */
#ifndef EKI_KERNEL_H
#define EKI_KERNEL_H

#include <stddef.h>

/* y = ((x - mean_hi) - mean_lo) * gain + bias. The mean is split in two so that it keeps 48 bits. */
typedef struct eki_affine {
    float mean_hi, mean_lo, gain, bias;
} eki_affine;

typedef struct eki_affine_columns {
    const float *mean_hi, *mean_lo, *gain, *bias;
} eki_affine_columns;

/* dx = rstd * ((scale * dy - k1) - xhat * k2) with k1 = mean(scale * dy), k2 = mean(scale * dy * xhat). */
typedef struct eki_gradient {
    float mean_hi, mean_lo, rstd, scale, k1, k2;
} eki_gradient;

typedef struct eki_gradient_columns {
    const float *mean_hi, *mean_lo, *rstd, *scale, *k1, *k2;
} eki_gradient_columns;

typedef struct eki_kernels {
    const char *isa;
#define EK_KERNEL(name, parameters) void(*name) parameters;
#include "kernel/kernels.def"
#undef EK_KERNEL
} eki_kernels;

#define EKI_PASTE(a, b) a##__##b
#define EKI_PASTE2(a, b) EKI_PASTE(a, b)

#ifdef EK_ISA
#define EKI_TEXT(a) #a
#define EKI_TEXT2(a) EKI_TEXT(a)
#define EK_FN(name) EKI_PASTE2(eki_##name, EK_ISA)
#define EK_KERNEL(name, parameters) void EK_FN(name) parameters;
#include "kernel/kernels.def"
#undef EK_KERNEL
extern const eki_kernels EK_FN(kernels);
#endif

#endif
