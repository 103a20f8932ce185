/* bench.h: how fast a norm runs here, beside oneDNN's in the same layout and beside a copy of the same bytes; and the
 * rounds that time anything.
 *
 * Part of the evenkeel program, not of the library; it sees the public headers only.
 *
 *     ek_bench_shape shape;
 *     ek_bench_result result;
 *     ek_bench_options options = ek_bench_options_default();
 *     if (ek_bench_shape_parse("batch 16x64x56x56", &shape, &err) == EK_OK &&
 *         ek_bench_norm(&shape, EK_LAYOUT_NCHW, EK_BENCH_TRAINING, &options, &result, &err) == EK_OK)
 *         printf("%.2f times as fast as oneDNN\n", result.ratio);
 */
#ifndef EK_BENCH_H
#define EK_BENCH_H

#include <evenkeel/norm.h>
#include <evenkeel/status.h>
#include <stdint.h>

typedef enum ek_bench_phase {
    EK_BENCH_TRAINING = 0,  /* forward with the statistics of the batch, kept for backward */
    EK_BENCH_INFERENCE = 1, /* forward with running statistics (BATCH), or keeping nothing */
    EK_BENCH_BACKWARD = 2   /* dx, dscale and dbias */
} ek_bench_phase;

typedef struct ek_bench_shape {
    ek_norm_kind kind;
    int rank;
    int64_t dims[EK_NORM_MAX_RANK];
    int64_t groups; /* GROUP */
} ek_bench_shape;

typedef struct ek_bench_options {
    int rounds;     /* each times everything once, alternating; 1 to 1000, default 7 */
    int threads;    /* 0 = as many as OpenMP gives; default 2 */
    double seconds; /* a measurement repeats a call for at least so long; default 0.001 */
    ek_dtype dtype; /* of the tensors; default EK_F32. With another the peer is this library with EK_F32 */
    int fused;      /* 1 = residual and ReLU within the norm; the peer is this library's norm, then an addition, then
                       ReLU (backward: ReLU, whose result is dresidual, then the norm). EK_F32 only; default 0 */
    int (*stopped)(void); /* asked before each round: not 0 = stop with EK_ERR_INTERRUPTED; NULL (default) = never */
} ek_bench_options;

/* Times are medians over the rounds, in seconds per call. What the peer lacks is 0. Ours counts as slower where even
 * `high` is below EK_BENCH_SLOWER: what is within that of 1, or of its interval, is noise. */
#define EK_BENCH_SLOWER 0.97
typedef struct ek_bench_result {
    double bytes; /* the least to move: forward 1 read and 1 write, backward 2 and 1; fused 2 and 1, 3 and 2 */
    double ours, peer, copy; /* copy: the faster of plain and non-temporal copies that move as many bytes */
    double ratio, low, high; /* peer / ours: median over the rounds, and its 95 % interval (bootstrap) */
    double share;            /* copy / ours: 1 = as fast as memory allows */
    char peer_name[64];      /* oneDNN's name of its implementation, or "" */
} ek_bench_result;

ek_bench_options ek_bench_options_default(void);

/* "batch 16x64x56x56", "layer 4096x768", "group 16x256x28x28 groups=32", "instance ...", "rms ...". EK_ERR_ARG. */
EK_NODISCARD ek_status ek_bench_shape_parse(const char *text, ek_bench_shape *shape, ek_error *err);

/* Measures one case. EK_ERR_UNSUPPORTED: the kind has no such layout (LAYER and RMS are NCHW only). Also the errors of
 * ek_norm_plan_create and EK_ERR_NOMEM. */
EK_NODISCARD ek_status ek_bench_norm(const ek_bench_shape *shape, ek_layout layout, ek_bench_phase phase,
                                     const ek_bench_options *options, ek_bench_result *result, ek_error *err);

/* Anything timed against anything: contenders alternate within a round, each round beginning with another one, so that
 * what disturbs the machine for a while disturbs all, and a ratio within a round means something. */
typedef struct ek_contender {
    ek_status (*run)(void *context, ek_error *err); /* one call; NULL = not there */
    void *context;
    double *seconds; /* out: per call, one for each round; `rounds` of them */
    int64_t repeats; /* out: calls that a measurement took together */
} ek_contender;

typedef struct ek_round_options {
    int rounds;           /* at least 1 */
    double seconds;       /* a measurement repeats a call for at least so long, after one that is not timed; 0 = once */
    double patience;      /* no round begins so long after the first, which is always made; 0 = all rounds are made */
    int (*stopped)(void); /* as in ek_bench_options */
} ek_round_options;

/* Warms up, then measures; *rounds (may be NULL) counts those made. Fails as a call fails; EK_ERR_ARG. */
EK_NODISCARD ek_status ek_bench_rounds(ek_contender *contenders, int count, const ek_round_options *options,
                                       int *rounds, ek_error *err);

#endif
