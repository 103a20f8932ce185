/* kernel.h: the kernel table, the parameter structs of the kernels and, inside a kernel source, their names.
 *
 * Every kernel source is compiled once per instruction set and data type with EK_ISA and EK_DATA set;
 * EK_FN(row_moments) is then eki_f32_row_moments__avx2 and so on. All instruction sets give the same bits.
 */
#ifndef EKI_KERNEL_H
#define EKI_KERNEL_H

#include "kernel/data_types.h"

#include <stddef.h>

/* y = ((x - mean_hi) - mean_lo) * gain + bias. The mean is split in two so that it keeps 48 bits. */
typedef struct eki_scaling {
    float mean_hi, mean_lo, gain, bias;
} eki_scaling;

typedef struct eki_scaling_columns {
    const float *mean_hi, *mean_lo, *gain, *bias;
} eki_scaling_columns;

/* dx = rstd * ((scale * dy - k1) - xhat * k2) with k1 = mean(scale * dy), k2 = mean(scale * dy * xhat). */
typedef struct eki_gradient {
    float mean_hi, mean_lo, rstd, scale, k1, k2;
} eki_gradient;

typedef struct eki_gradient_columns {
    const float *mean_hi, *mean_lo, *rstd, *scale, *k1, *k2;
} eki_gradient_columns;

/* Columns in memory: `count` stretches, `distance` apart, of `rows` rows, `stride` apart, of `cols` elements. In the
 * apply kernels, up to sixteen columns, the coefficients of a stretch begin `advance` behind those of the last. */
typedef struct eki_grid {
    size_t rows, stride, cols, count, distance, advance;
} eki_grid;

/* Activations; the values are those of ek_activation in norm.h. */
enum {
    EKI_NO_ACTIVATION = 0,
    EKI_RELU = 1,
    EKI_LEAKY_RELU = 2,
    EKI_CLIP = 3,
    EKI_SIGMOID = 4,
    EKI_TANH = 5,
    EKI_SILU = 6,
    EKI_HARD_SIGMOID = 7,
    EKI_HARD_SWISH = 8,
    EKI_GELU = 9
};

/* Residual and activation, fused: y = activation(t + residual). NULL in place of it = neither. Tensors lie as x does.
 * In backward the gradient before the activation is formed where dy is read: from y where that tells the slope
 * (every activation below SILU, and HARD_SIGMOID), else from t, computed again. */
typedef struct eki_epilogue {
    int activation;
    float alpha, beta;
    const void *residual; /* or NULL */
    const void *y;        /* backward: output of forward, or NULL = compute t again from the members below */
    void *dresidual;      /* gradaffine, gradsums: receives the gradient before the activation, or NULL */
    int adds;             /* gradaffine: the gradient is added to what dx holds */
    const void *x;
    const eki_scaling *affine;          /* row_gradsums, vec: of the row; paramgrads: one per row */
    const eki_scaling_columns *columns; /* col; row_gradaffine: one per row */
    const float *scale, *bias;          /* vec: per element, or NULL */
} eki_epilogue;

/* Data types; a table of kernels is for one of them. */
#define EKI_DATA_ENUMERATOR(with, name, enumerator, bytes) EKI_##enumerator,
typedef enum eki_data { EKI_EACH_DATA_TYPE(EKI_DATA_ENUMERATOR, ) EKI_DATA_TYPES } eki_data;

typedef struct eki_kernels {
    const char *isa, *data;
#define EK_KERNEL(name, parameters) void(*name) parameters;
#include "kernel/kernels.def"
#undef EK_KERNEL
} eki_kernels;

#define EKI_PASTE(data, name, isa) eki_##data##_##name##__##isa
#define EKI_PASTE2(data, name, isa) EKI_PASTE(data, name, isa)

#ifdef EK_ISA
#define EKI_TEXT(a) #a
#define EKI_TEXT2(a) EKI_TEXT(a)
#define EK_FN(name) EKI_PASTE2(EK_DATA, name, EK_ISA)
#define EK_KERNEL(name, parameters) void EK_FN(name) parameters;
#include "kernel/kernels.def"
#undef EK_KERNEL
extern const eki_kernels EK_FN(kernels);
#endif

#endif
