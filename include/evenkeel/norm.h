/* norm.h: batch, layer, group, instance and RMS normalization, forward and backward.
 *
 * Every normalization is the same computation over a different set of elements that share a mean and a variance:
 *
 *     xhat = (x - mean) / sqrt(var + epsilon)          y = scale * xhat + bias
 *
 * mean and var are the population moments (divisor n) of the set; RMS norm uses mean = 0 and var = mean(x^2).
 *
 *     kind       elements that share statistics                     scale, bias
 *     BATCH      all of N and space, per channel                    [C]
 *     INSTANCE   space, per example and channel                     [C]
 *     GROUP      space and C/groups channels, per example           [C]
 *     LAYER      dims[axis..rank-1], per index of the leading dims  dims[axis..rank-1], or [C] (affine = CHANNEL)
 *     RMS        as LAYER                                           as LAYER (bias optional, usually absent)
 *
 * desc.dtype is the type of the tensors. Parameters, their gradients and statistics (scale, bias, dscale, dbias, mean,
 * var, running_mean, running_var) are f32, and where desc.dtype is EK_F64 f64: they are `void *` here, to arrays of
 * float or of double. f64 is for reference and for data that needs it: plain loops, not tuned. In 16 bits: elements
 * are widened to f32, everything is computed as for f32, and every result is rounded once, to nearest even (denormals
 * are kept, what is beyond the largest number is infinite, NaN stays NaN). So results are, bit for bit, those of an f32
 * plan on the widened tensors, rounded; the gradient before a fused activation is not rounded on its way to dx, dscale
 * and dbias, only in dresidual.
 *
 * With desc.masked, elements that are not valid take no part: they are in no sum, and y and dx are 0 there.
 * Variants of BATCH: virtual (ghost) batches and batch renorm (fields of ek_norm_desc, docs/semantics.md), and batches
 * that arrive in parts (<evenkeel/parts.h>).
 *
 * Make a plan from a descriptor once (validates everything, chooses kernels), then execute it any number of times:
 * executing never allocates, locks or prints. A plan is immutable and may be shared by threads, each call with its
 * own `saved` and `workspace`.
 *
 *     ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
 *     desc.rank = 4, desc.dims[0] = 16, desc.dims[1] = 64, desc.dims[2] = 56, desc.dims[3] = 56;
 *     ek_norm_plan *plan;
 *     if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) return err.status; // err.text: what, and the remedy
 *     void *saved = malloc(ek_norm_saved_bytes(plan)), *workspace = aligned_alloc(64, ek_norm_workspace_bytes(plan));
 *     ek_norm_args args = {.struct_size = sizeof args, .x = x, .y = y, .scale = scale, .bias = bias,
 *                          .dy = dy, .dx = dx, .dscale = dscale, .dbias = dbias,
 *                          .saved = saved, .workspace = workspace};
 *     if (ek_norm_forward(plan, EK_STATS_BATCH, &args, &err) != EK_OK ||                         // training
 *         ek_norm_update_running(plan, saved, running_mean, running_var, NULL, &err) != EK_OK || // commit the step
 *         ek_norm_backward(plan, &args, &err) != EK_OK)
 *         return err.status;
 *     ek_norm_plan_destroy(plan);
 *
 * The same bits come out for any number of threads and any instruction set, also where the caller's threads flush
 * denormals to zero, round upwards or trap: every call, and every task of it, computes in the default modes and gives
 * the caller's back; see docs/reproducibility.md. Bounds on
 * the error are in docs/numerics.md. Sources: Ioffe and Szegedy 2015; Ba, Kiros and Hinton 2016; Ulyanov et al. 2016;
 * Wu and He 2018; Zhang and Sennrich 2019; ONNX operator set 23.
 */
#ifndef EVENKEEL_NORM_H
#define EVENKEEL_NORM_H

#include <evenkeel/parallel.h>
#include <evenkeel/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { EK_NORM_MAX_RANK = 8 };

/* An extent that nobody has set. 0 is an extent: a batch may be empty. */
enum { EK_EXTENT_UNSET = -1 };

typedef enum ek_norm_kind {
    EK_NORM_BATCH = 1,
    EK_NORM_LAYER = 2,
    EK_NORM_GROUP = 3,
    EK_NORM_INSTANCE = 4,
    EK_NORM_RMS = 5
} ek_norm_kind;

/* How the logical tensor (N, C, D1, D2, ...) lies in memory. Extents are always given in logical order. */
typedef enum ek_layout {
    EK_LAYOUT_NCHW = 0,      /* row-major in logical order; also plain rows */
    EK_LAYOUT_NHWC = 1,      /* channels last */
    EK_LAYOUT_BLOCKED8 = 8,  /* N, ceil(C/8), D1, D2, ..., 8: oneDNN's nChw8c; padded channels are written as zero */
    EK_LAYOUT_BLOCKED16 = 16 /* N, ceil(C/16), D1, D2, ..., 16 */
} ek_layout;

/* Shape of scale and bias of LAYER and RMS. The other kinds always have one value per channel. */
typedef enum ek_norm_affine {
    EK_AFFINE_ELEMENT = 0, /* one value per normalized element: dims[axis..rank-1] */
    EK_AFFINE_CHANNEL = 1  /* one value per channel dims[1]; needs axis = 1; LAYER then equals GROUP with one group */
} ek_norm_affine;

/* Where the statistics of a BATCH forward come from. The other kinds always use the batch. */
typedef enum ek_norm_stats { EK_STATS_BATCH = 0, EK_STATS_RUNNING = 1 } ek_norm_stats;

/* Convention of `momentum` in the update of running statistics. */
typedef enum ek_momentum_convention {
    EK_MOMENTUM_KEEP = 0,      /* ONNX, Keras, Flax: running = m * running + (1 - m) * batch */
    EK_MOMENTUM_REPLACE = 1,   /* PyTorch, cuDNN: running = (1 - m) * running + m * batch */
    EK_MOMENTUM_CUMULATIVE = 2 /* running = mean of all batches so far (PyTorch's momentum=None); m is not used.
                                  Commit with ek_norm_update_cumulative() */
} ek_momentum_convention;

/* Where running statistics begin. */
typedef enum ek_running_start {
    EK_START_INITIAL = 0, /* every framework: at the initial values, whose weight after t updates is still m^t (KEEP) */
    EK_START_DEBIASED = 1 /* at the first batch: the initial values, usually 0 and 1, have weight 0 from then on.
                             Commit with ek_norm_update_debiased() */
} ek_running_start;

/* Which variance of the batch enters the running variance. The batch itself is always normalized with divisor n. */
typedef enum ek_running_variance {
    EK_VARIANCE_POPULATION = 0, /* ONNX, Keras, Flax: divisor n */
    EK_VARIANCE_UNBIASED = 1    /* PyTorch, cuDNN, TensorFlow's fused kernel: divisor n - 1 */
} ek_running_variance;

/* What a BATCH training forward does with exactly one value per channel, where the variance is 0 and y = bias. */
typedef enum ek_small_sample {
    EK_SMALL_BIASED = 0,      /* ONNX: go on, variance 0; the running statistics are updated */
    EK_SMALL_SKIP_UPDATE = 1, /* go on, but leave the running statistics as they are */
    EK_SMALL_USE_RUNNING = 2, /* normalize with the running statistics instead; no update */
    EK_SMALL_ERROR = 3        /* EK_ERR_SHAPE, as PyTorch does */
} ek_small_sample;

/* Fused into the norm: y = activation(scale * xhat + bias + residual), one pass over memory. a, b are
 * desc.activation_alpha and desc.activation_beta. Comparisons select, so that NaN stays NaN; the smooth ones are
 * polynomials of our own (bounds in docs/numerics.md).
 *
 *     RELU          max(t, 0)                  LEAKY_RELU    t < 0 ? a t : t, a >= 0
 *     CLIP          min(b, max(a, t)), a <= b  SIGMOID       1 / (1 + exp(-t))
 *     TANH          tanh(t)                    SILU          t sigmoid(t), also called swish
 *     HARD_SIGMOID  min(1, max(0, a t + b))    HARD_SWISH    t min(1, max(0, t / 6 + 1/2))
 *     GELU          t Phi(t), the exact one (erf)
 *
 * What backward must be given besides x: `y`, the output of the forward, for RELU, LEAKY_RELU, CLIP, SIGMOID, TANH and
 * HARD_SIGMOID, whose slope it tells; scale, bias and `residual` of the forward for SILU, HARD_SWISH and GELU, which
 * compute t again. Slopes at a corner are those of the side where the output is constant (LEAKY_RELU: a), and so is the
 * slope of ReLU and of the hard ones at NaN. */
typedef enum ek_activation {
    EK_ACTIVATION_NONE = 0,
    EK_ACTIVATION_RELU = 1,
    EK_ACTIVATION_LEAKY_RELU = 2,
    EK_ACTIVATION_CLIP = 3,
    EK_ACTIVATION_SIGMOID = 4,
    EK_ACTIVATION_TANH = 5,
    EK_ACTIVATION_SILU = 6,
    EK_ACTIVATION_HARD_SIGMOID = 7,
    EK_ACTIVATION_HARD_SWISH = 8,
    EK_ACTIVATION_GELU = 9
} ek_activation;

/* Conventions and defaults of other systems, for ek_norm_desc_preset(); docs/semantics.md lists what each sets. */
typedef enum ek_norm_preset {
    EK_PRESET_ONNX = 0, /* what ek_norm_desc_default() gives */
    EK_PRESET_TORCH = 1,
    EK_PRESET_KERAS = 2,
    EK_PRESET_FLAX = 3,
    EK_PRESET_CUDNN = 4,
    EK_PRESET_TF_FUSED = 5 /* TensorFlow's raw FusedBatchNormV3 */
} ek_norm_preset;

/* Descriptor of a plan. Start from ek_norm_desc_default() and set what differs; reserved space stays zero. */
typedef struct ek_norm_desc {
    size_t struct_size; /* sizeof(ek_norm_desc), set by ek_norm_desc_default */
    ek_norm_kind kind;
    ek_layout layout;               /* default NCHW. LAYER and RMS with ELEMENT affine: NCHW only */
    ek_dtype dtype;                 /* of x, y, dy, dx, residual, dresidual; default EK_F32; others: see ek_dtype */
    int rank;                       /* 2 to 5 (LAYER, RMS: 1 to 8) */
    int64_t dims[EK_NORM_MAX_RANK]; /* logical extents N, C, D1, ...; each >= 0, C >= 1; default EK_EXTENT_UNSET, which
                                       dims[0..rank-1] must not keep */
    int axis;                       /* LAYER, RMS: first normalized dimension, [-rank, rank); default -1 */
    int64_t groups;                 /* GROUP: number of groups, divides C; default 1 */
    ek_norm_affine affine;          /* LAYER, RMS; default ELEMENT */
    double epsilon;                 /* added to the variance inside the square root; finite, >= 0; default 1e-5 */
    double momentum;                /* of running statistics, in [0, 1]; default 0.9 (KEEP) */
    ek_momentum_convention momentum_convention; /* default KEEP */
    ek_running_variance running_variance;       /* default POPULATION */
    ek_small_sample small_sample;               /* default BIASED */
    int64_t ghost;            /* BATCH: examples per virtual batch, each with its own statistics; 0 (default) = all */
    double renorm_r_max;      /* BATCH: batch renorm (Ioffe 2017), >= 1; 0 (default) = off */
    double renorm_d_max;      /* batch renorm, >= 0 */
    int masked;               /* 1 = calls give args.lengths or args.mask; default 0 */
    int64_t chunk;            /* BATCH: examples per reduction chunk; 0 = by the rule of docs/reproducibility.md */
    ek_activation activation; /* fused; default NONE */
    double activation_alpha;  /* LEAKY_RELU: slope below 0; CLIP: low; HARD_SIGMOID: slope. Others: 0 (default) */
    double activation_beta;   /* CLIP: high; HARD_SIGMOID: offset. Others: 0 (default) */
    int residual;             /* 1 = args.residual is added before the activation; default 0 */
    ek_parallel parallel;     /* thread seam; default OpenMP */
    ek_allocator allocator;   /* memory seam of the plan object; default malloc */
    ek_running_start running_start; /* BATCH; default INITIAL, in every preset */
    uint64_t reserved[7];
} ek_norm_desc;

typedef struct ek_norm_plan ek_norm_plan;

/* Bits of ek_norm_args.flags; backward looks at them.
 *
 * ACCUMULATE: the gradient is added to what is there, as a caller's `+=` of a temporary f32 (f64 in an f64 plan) would,
 * to the bit, but for the sign of a zero; a bf16 or f16 dx is rounded once, behind the addition. Hidden elements of dx
 * stay as they are, padding becomes zero.
 *
 * FROM_Y: backward of a norm in place: it reads the y of the forward in place of x, and forms (y - bias) / scale where
 * xhat is needed. Nothing may be fused (no residual, no activation) and no scale may be 0: y does not tell x there.
 * docs/numerics.md has the bound: what the rounding of y leaves of xhat. */
typedef enum ek_norm_flags {
    EK_ACCUMULATE_DX = 1,
    EK_ACCUMULATE_DSCALE = 2,
    EK_ACCUMULATE_DBIAS = 4,
    EK_BACKWARD_FROM_Y = 8
} ek_norm_flags;

/* Pointers of one execution. Unused members are NULL. Buffers hold the plan's element count in the plan's layout;
 * buffers need the alignment of their elements only. What a call writes lies apart from everything else that it reads
 * or writes, but for these pairs, which may be the same buffer; every other overlap, and any in part, is refused by
 * name:
 *
 *     call       writes                                        may be the same buffer
 *     forward    y, mean, var, rstd, saved, workspace          y and x; y and residual
 *     again      y, workspace                                  y and x; y and residual
 *     backward   dx, dresidual, dscale, dbias, workspace       dx and dy; dresidual and dy
 *
 * The calls of parts.h and sync.h write some of these each. What is only read may lie anywhere. Behind a forward in
 * place x is gone: backward then needs EK_BACKWARD_FROM_Y. */
typedef struct ek_norm_args {
    size_t struct_size;       /* sizeof(ek_norm_args) */
    const void *x;            /* forward, backward */
    void *y;                  /* forward writes it; backward reads it for some activations (see ek_activation) */
    const void *scale;        /* NULL = all ones */
    const void *bias;         /* NULL = all zeros */
    const void *running_mean; /* BATCH with EK_STATS_RUNNING (or USE_RUNNING, or batch renorm): [C] */
    const void *running_var;  /* likewise, each >= 0 */
    const int64_t *lengths;   /* desc.masked: [N], valid extents of D1, the first dimension after the channels; ELEMENT
                                 affine: [dims[0]], valid extents of dims[1], which leave whole rows out */
    const uint8_t *mask;      /* desc.masked: [N, D1, D2, ...], 0 = not valid; with lengths: valid in both. ELEMENT
                                 affine: [dims[0], ..., dims[axis-1]], one per row */
    void *mean;               /* optional output of forward: statistics used, one per set, in order of sets */
    void *var;                /* optional output: population variance, likewise (RMS: mean of squares) */
    void *saved;              /* ek_norm_saved_bytes(); forward writes, backward and update_running read; 8-aligned;
                                 NULL in a forward that no backward follows */
    void *workspace;          /* ek_norm_workspace_bytes(); 64-aligned; contents are free between calls */
    const void *dy;           /* backward: gradient of y */
    void *dx;                 /* backward: gradient of x, overwritten (or see flags); NULL = not wanted */
    void *dscale;             /* backward: gradient of scale, likewise; NULL = frozen */
    void *dbias;              /* backward: gradient of bias, likewise; NULL = frozen */
    const void *residual;     /* desc.residual = 1: shape and layout of x; forward, and backward where t is computed
                                 again */
    void *dresidual;          /* backward: gradient of residual, overwritten; NULL = not wanted */
    void *rstd;               /* optional output of forward: 1 / sqrt(var + epsilon), as mean and var */
    size_t flags;             /* ek_norm_flags; 0: gradients are overwritten, backward reads x */
    void *reserved[6];
} ek_norm_args;

/* What ek_norm_update_running did. */
typedef struct ek_norm_update {
    int updated;             /* 1 = committed, 0 = left as they were (see the reason) */
    int64_t nonfinite;       /* channels whose batch mean or variance was not finite */
    int64_t first_nonfinite; /* the first of them, or -1 */
} ek_norm_update;

/* "batch", "layer", ...: the word for a kind on command lines; NULL where there is no such kind. Kinds are numbered
 * from 1 without a gap. And whether desc.axis says what is normalized, as for LAYER and RMS. */
EK_API const char *ek_norm_kind_name(ek_norm_kind kind);
EK_API int ek_norm_kind_over_axes(ek_norm_kind kind);

/* Defaults of a kind: f32, NCHW, rank 0 and extents EK_EXTENT_UNSET (to be set), epsilon 1e-5, ONNX semantics. */
EK_API ek_norm_desc ek_norm_desc_default(ek_norm_kind kind);

/* The same with epsilon, momentum, its convention, the running variance and the small sample policy of another system.
 * A preset that does not exist gives a descriptor that ek_norm_plan_create() refuses. */
EK_API ek_norm_desc ek_norm_desc_preset(ek_norm_kind kind, ek_norm_preset preset);

/* Validates the descriptor and makes a plan. On failure *plan is NULL and err names the field.
 * EK_ERR_ARG, EK_ERR_SHAPE, EK_ERR_DTYPE, EK_ERR_NOMEM, EK_ERR_LIMIT (element count or bytes overflow),
 * EK_ERR_UNSUPPORTED (a longer struct of a later version, with something set that this one does not know). */
EK_API EK_NODISCARD ek_status ek_norm_plan_create(const ek_norm_desc *desc, ek_norm_plan **plan, ek_error *err);
EK_API void ek_norm_plan_destroy(ek_norm_plan *plan); /* accepts NULL */

/* Bytes that the caller provides per execution (workspace: a multiple of 64, for aligned_alloc), and the number of sets
 * that share statistics (BATCH: C). */
EK_API size_t ek_norm_saved_bytes(const ek_norm_plan *plan);
EK_API size_t ek_norm_workspace_bytes(const ek_norm_plan *plan);
EK_API int64_t ek_norm_sets(const ek_norm_plan *plan);

/* Forward. Reads x, scale, bias and, with EK_STATS_RUNNING, running_mean and running_var; writes y and, where given,
 * saved, mean, var. An empty tensor is a legal no-op. Never touches running statistics.
 * EK_ERR_ARG (a pointer is missing), EK_ERR_SHAPE (SMALL_ERROR), EK_ERR_NONFINITE (a running variance that is
 * negative or not finite, with the channel). Non-finite x gives non-finite y, not an error. */
EK_API EK_NODISCARD ek_status ek_norm_forward(const ek_norm_plan *plan, ek_norm_stats stats, const ek_norm_args *args,
                                              ek_error *err);

/* y of the forward whose `saved` is given once more, to the same bits, without its statistics and, over ranks, without
 * its exchange: reads x, residual, scale, bias, saved and the mask; writes y. With it an engine need not keep y from
 * forward to backward. After ek_norm_saved_from() y has the digits of the statistics given. EK_ERR_ARG, EK_ERR_STATE
 * as backward. */
EK_API EK_NODISCARD ek_status ek_norm_forward_again(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err);

/* Backward of the forward whose `saved` is given, with the statistics that it used:
 *     dbias  = sum dy                      dscale = sum dy * xhat
 *     dx     = rstd * (g - mean(g) - xhat * mean(g * xhat))     with g = scale * dy, means over the set
 * (EK_STATS_RUNNING: dx = scale * rstd * dy.) With a residual or an activation dy is first multiplied by the slope of
 * the activation, in f32, and that product is dresidual. EK_ERR_STATE when `saved` is not from a forward of this plan.
 */
EK_API EK_NODISCARD ek_status ek_norm_backward(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err);

/* Makes `saved` of statistics that the caller has, from args.mean and args.rstd of an earlier forward or computed
 * elsewhere: mean[sets] (NULL for RMS norm) and rstd[sets] = 1 / sqrt(var + epsilon), in order of sets, of the type of
 * the parameters. For backward it is then as if a forward on the batch had left them; they have the digits of their
 * type, and var is 1 / rstd^2 - epsilon, where that is not below 0, for what commits or reports it. So a caller may
 * keep the statistics in its own arrays between forward and backward, and `saved` only for the time of a call.
 * EK_ERR_UNSUPPORTED: a plan with a mask or batch renorm, which need more. EK_ERR_ARG: an array is missing, or an rstd
 * is negative. */
EK_API EK_NODISCARD ek_status ek_norm_saved_from(const ek_norm_plan *plan, const void *mean, const void *rstd,
                                                 void *saved, ek_error *err);

/* Commits the batch statistics in `saved` to the running ones, by the descriptor's momentum and variance, all channels
 * or none: a channel that is not finite leaves everything as it was and is reported. BATCH only. An empty batch, a
 * forward with EK_STATS_RUNNING, or a small sample under SKIP_UPDATE / USE_RUNNING changes nothing (updated = 0). */
EK_API EK_NODISCARD ek_status ek_norm_update_running(const ek_norm_plan *plan, const void *saved, void *running_mean,
                                                     void *running_var, ek_norm_update *report, ek_error *err);

/* The commit under EK_MOMENTUM_CUMULATIVE: with k = *updates commits before this one,
 *     running = running + (batch - running) / (k + 1)
 * and *updates becomes k + 1 where it commits. At k = 0 the running statistics are not read. Every batch has the same
 * weight; <evenkeel/moments.h> weighs elements and adds the variance between batches. */
EK_API EK_NODISCARD ek_status ek_norm_update_cumulative(const ek_norm_plan *plan, const void *saved, void *running_mean,
                                                        void *running_var, int64_t *updates, ek_norm_update *report,
                                                        ek_error *err);

/* The commit under EK_START_DEBIASED: of t = *updates + 1 batches each has the weight it would have in the average by
 * the descriptor's momentum, divided by the sum of all (m = what KEEP keeps; under REPLACE 1 - momentum): running =
 * sum_i (1 - m) m^(t-i) batch_i / (1 - m^t) = (1 - w) running + w batch,   w = (1 - m) / (1 - m^t) and *updates becomes
 * t where it commits. At t = 1 the running statistics are not read; as t grows this becomes the plain average. m = 0 is
 * the last batch; m = 1, the limit w = 1/t, and EK_MOMENTUM_CUMULATIVE the mean of all. */
EK_API EK_NODISCARD ek_status ek_norm_update_debiased(const ek_norm_plan *plan, const void *saved, void *running_mean,
                                                      void *running_var, int64_t *updates, ek_norm_update *report,
                                                      ek_error *err);

#ifdef __cplusplus
}
#endif
#endif
