/* adapter.h: convolution, products, pooling and layout changes by oneDNN, without any oneDNN type.
 *
 * Rules that keep bits equal (measured with libdnnl 2.6.3; see docs/reproducibility.md):
 *   - a primitive is made for a thread count and runs at that count, never inside a parallel region unless made for
 * one;
 *   - direct convolution only, chosen explicitly: never "auto", never an implementation that goes through gemm while
 *     another exists, never inner_product or sgemm; products run as 1x1 convolutions;
 *   - layouts follow from shapes alone; strict arithmetic (dnnl_fpmath_mode_strict); user-mode scratchpad.
 * Objects are immutable after creation except where said; all memory is the caller's.
 */
#ifndef EKI_DNNL_ADAPTER_H
#define EKI_DNNL_ADAPTER_H

#include "base/error.h"

#include <evenkeel/norm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* BLOCKED8 or BLOCKED16: the channel block that oneDNN's direct convolutions want on this processor (and under
 * ONEDNN_MAX_CPU_ISA). */
ek_layout eki_dnnl_block(void);
/* MiB that oneDNN may take to make an object or to run one, for eki_headroom: oneDNN ends the process where there is
 * less. */
enum { EKI_DNNL_MAKES = 16, EKI_DNNL_RUNS = 1 };

/* "2.6.3 AVX512_CORE", for checkpoints and `evenkeel env`. */
const char *eki_dnnl_describe(void);
/* Whether the processor (and ONEDNN_MAX_CPU_ISA) has products of bf16 numbers: AVX512_BF16 or AMX. */
bool eki_dnnl_has_bf16(void);
bool eki_dnnl_has_tiles(void); /* by AMX, several times as fast as f32, for channels last only */

/* Where the images are only a part of all, the rest being elsewhere (other ranks): how reproducible weight gradients
 * are completed. `sum` gets the nodes (base/tree.h) of chunks first .. first + chunks - 1 of all, f64, each of `count`
 * numbers, with room for one node even when there are none, and leaves the root over all chunks in the first. */
typedef struct eki_chunk_share {
    int64_t first; /* set before each backward */
    ek_status (*sum)(void *context, int64_t first, int64_t chunks, double *nodes, size_t count, ek_error *err);
    void *context;
} eki_chunk_share;

/* ---- Convolution (ONNX Conv): spatial rank 1 to 3 ---- */

/* What ends a convolution: of <evenkeel/norm.h> RELU (which makes 0 of -0), LEAKY_RELU, CLIP with alpha <= 0 <= beta,
 * SILU and HARD_SWISH. f(0) = 0, NaN stays. */
typedef struct eki_activation {
    ek_activation kind;
    float alpha, beta;
} eki_activation;

/* x times something: NaN stays whoever computes it. */
static inline bool eki_activation_is_gate(eki_activation f) {
    return f.kind == EK_ACTIVATION_SILU || f.kind == EK_ACTIVATION_HARD_SWISH;
}

typedef struct eki_conv_desc {
    int spatial; /* 1, 2 or 3 */
    int64_t n, c, o, groups;
    int64_t in[3], kernel[3], out[3], stride[3], dilation[3], pad_begin[3], pad_end[3];
    /* pad_end may be negative, above -stride: the last pixels are not read (output padding of a transposed convolution)
     */
    ek_layout src_layout, dst_layout; /* NCHW, NHWC, BLOCKED8, BLOCKED16 */
    bool bf16;                        /* src, dst, residual and their gradients; sums and all else are f32 */
    bool bias;
    bool residual;             /* forward adds a tensor of dst's shape and layout */
    eki_activation activation; /* forward ends with it */
    bool want_dx, want_dw;     /* backward parts to make */
    bool forward_only;         /* neither, and never: other layouts may be faster */
    bool ungrouped;            /* no convolution around it has groups */
    bool shuffled;             /* channels around it are shuffled, which is cheap where they lie last */
    int threads;
    bool reproducible;            /* weight gradient by one-thread primitives over chunks, */
    int64_t chunk;                /* of this many images, summed in f64 in chunk order */
    const eki_chunk_share *share; /* reproducible: NULL = all images are here */
} eki_conv_desc;

typedef struct eki_conv eki_conv;

/* Chooses src_layout and dst_layout of a description whose other fields are set, from shapes alone. `src` is the
 * layout the source comes in. */
void eki_conv_choose_layouts(eki_conv_desc *desc, ek_layout src, ek_layout block);
ek_status eki_conv_create(const eki_conv_desc *desc, eki_conv **conv, ek_error *err);
void eki_conv_destroy(eki_conv *conv);
const char *eki_conv_implementation(const eki_conv *conv); /* oneDNN's name of the forward implementation */
bool eki_conv_is_compiled(const eki_conv *conv);           /* no direction of it is one of oneDNN's reference loops */
bool eki_conv_adds_in_place(const eki_conv *conv);         /* the residual may lie in dst */
size_t eki_conv_scratch_bytes(const eki_conv *conv);       /* enough for forward and backward */

/* src, dst, residual and their gradients are f32 or, where the description says so, bf16.
 * weights: O, C/groups, K... row-major f32; bias: O. `prepared` (may be NULL) is memory of
 * eki_conv_prepared_bytes() holding weights already in oneDNN's layout, filled by eki_conv_prepare_weights.
 * residual: not NULL where the description says so. Residual, ReLU, leaky ReLU and clip give the bits of steps of their
 * own, whether the primitive takes them in or not; SiLU and hard swish are the primitive's, some units in the last
 * place off, whenever it has them. */
typedef struct eki_conv_data {
    const void *src, *prepared, *residual;
    const float *weights, *bias;
    bool finite; /* the caller knows that no sum overflows and nothing is NaN: the primitive may lose NaN */
    void *dst, *scratch;
} eki_conv_data;

size_t eki_conv_prepared_bytes(const eki_conv *conv);
ek_status eki_conv_prepare_weights(const eki_conv *conv, const float *weights, void *prepared, ek_error *err);
ek_status eki_conv_forward(const eki_conv *conv, const eki_conv_data *data, ek_error *err);
ek_status eki_conv_backward_data(const eki_conv *conv, const void *ddst, const float *weights, void *dsrc,
                                 void *scratch, ek_error *err);
/* dweights in O, C/groups, K...; dbias may be NULL when the description has no bias. */
ek_status eki_conv_backward_weights(const eki_conv *conv, const void *src, const void *ddst, float *dweights,
                                    float *dbias, void *scratch, ek_error *err);

/* ---- Product C[m,n] = A[m,k] B[k,n] (+ bias[n]) as a 1x1 convolution; bits of a row of C do not depend on m, on the
 *      row's position or on threads ---- */
typedef struct eki_product_desc {
    int64_t m, k, n;
    bool b_transposed; /* B is stored [n,k] */
    bool bias;
    bool want_da, want_db;
    int threads;
    bool reproducible;
    int64_t chunk; /* rows of A per chunk when reproducible */
    const eki_chunk_share *share;
} eki_product_desc;

typedef struct eki_product eki_product;

ek_status eki_product_create(const eki_product_desc *desc, eki_product **product, ek_error *err);
void eki_product_destroy(eki_product *product);
size_t eki_product_scratch_bytes(const eki_product *product);
size_t eki_product_prepared_bytes(const eki_product *product);
ek_status eki_product_prepare(const eki_product *product, const float *b, void *prepared, ek_error *err);
ek_status eki_product_forward(const eki_product *product, const float *a, const float *b, const void *prepared,
                              const float *bias, float *c, void *scratch, ek_error *err);
ek_status eki_product_backward_a(const eki_product *product, const float *dc, const float *b, float *da, void *scratch,
                                 ek_error *err);
/* db in B's own storage order; dbias may be NULL. */
ek_status eki_product_backward_b(const eki_product *product, const float *a, const float *dc, float *db, float *dbias,
                                 void *scratch, ek_error *err);

/* ---- Pooling: spatial rank 1 to 3; src and dst share the layout ---- */
typedef enum eki_pool_kind { EKI_POOL_MAX = 0, EKI_POOL_AVERAGE = 1, EKI_POOL_AVERAGE_PADDED = 2 } eki_pool_kind;

typedef struct eki_pool_desc {
    eki_pool_kind kind; /* AVERAGE leaves padding out of the divisor, AVERAGE_PADDED counts it */
    int spatial;
    int64_t n, c, in[3], kernel[3], out[3], stride[3], dilation[3], pad_begin[3], pad_end[3];
    ek_layout layout;
    bool bf16;
    bool backward;
    int threads;
} eki_pool_desc;

typedef struct eki_pool eki_pool;

ek_status eki_pool_create(const eki_pool_desc *desc, eki_pool **pool, ek_error *err);
void eki_pool_destroy(eki_pool *pool);
size_t eki_pool_scratch_bytes(const eki_pool *pool);
size_t eki_pool_saved_bytes(const eki_pool *pool); /* MAX with backward: which element won */
/* `saved` holds, laid out as dst, the winner's index within the kernel: its bytes (1 or 4); 0 = nothing is kept. */
size_t eki_pool_saved_unit(const eki_pool *pool);
ek_status eki_pool_forward(const eki_pool *pool, const void *src, void *dst, void *saved, void *scratch, ek_error *err);
ek_status eki_pool_backward(const eki_pool *pool, const void *ddst, const void *saved, void *dsrc, void *scratch,
                            ek_error *err);

/* ---- Change of layout and of type (f32, bf16) of a tensor; padding of a blocked target is written as zero ---- */
typedef struct eki_dnnl_form {
    ek_dtype dtype;
    ek_layout layout;
} eki_dnnl_form;

ek_status eki_reorder(const void *src, eki_dnnl_form from, void *dst, eki_dnnl_form to, int rank, const int64_t *dims,
                      int threads, ek_error *err);

/* The padded channels of a blocked tensor set to zero. */
void eki_zero_padding(void *data, eki_dnnl_form form, int64_t n, int64_t channels, int64_t space, int threads);

#endif
