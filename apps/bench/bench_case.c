/* bench_case.c: one case: its plan, its peer, its buffers, and what the rounds measured.
 *
 * All contenders read and write the same memory: x, dy and the residual lie behind each other in `from`, y or dx,
 * dresidual and the y that backward reads in `to`, and a copy moves as many bytes as the norm must (a backward moves
 * three tensors: half of three is copied). Elements of 16 bits have buffers of their own, and their peer is our f32
 * norm: the ratio is that of elements a second. The peer of a fused norm is our plain one with the steps apart.
 */
#include "bench/bench_internal.h"
#include "bench/peer_norm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OURS, PEER, PLAIN, STREAM, CONTENDERS };

typedef struct {
    ek_bench_phase phase;
    int threads;
    ek_norm_desc desc;
    ek_norm_plan *plan;
    ek_norm_args args;
    ek_norm_stats stats;
    ekb_peer_norm *peer;
    int64_t channels, sets;  /* parameters, statistics; whole blocks */
    size_t elements, copied; /* of a tensor with its padding; floats moved by a copy */
    double tensors;          /* that a call must read and write */
    bool fused;
    float *from, *to, *small; /* small: scale, bias, dscale, dbias, mean, var */
    void *saved, *workspace;
    uint16_t *half_from, *half_to; /* where desc.dtype has 16 bits */
    ek_norm_plan *other;           /* the peer, where it is ours: f32, nothing fused */
    ek_norm_args other_args;
    void *other_saved;
    ek_contender contenders[CONTENDERS];
    double seconds[CONTENDERS][EKB_BENCH_MAX_ROUNDS];
} bench_case;

static int64_t product(const ek_norm_desc *d, int begin) {
    int64_t p = 1;
    for (int i = begin; i < d->rank; i++) p *= d->dims[i];
    return p;
}

static bool is_half(const bench_case *b) { return b->desc.dtype != EK_F32; }

static ek_status make_plan(bench_case *b, const ek_bench_shape *shape, ek_layout layout, ek_dtype dtype,
                           ek_error *err) {
    b->desc = ek_norm_desc_default(shape->kind);
    b->desc.dtype = dtype;
    b->desc.layout = layout;
    b->desc.rank = shape->rank;
    memcpy(b->desc.dims, shape->dims, sizeof shape->dims);
    b->desc.groups = shape->groups;
    b->desc.residual = b->fused;
    b->desc.activation = b->fused ? EK_ACTIVATION_RELU : EK_ACTIVATION_NONE;
    if (ek_norm_kind_over_axes(shape->kind) && layout != EK_LAYOUT_NCHW) {
        return ekb_fail(err, EK_ERR_UNSUPPORTED, "%s norm lies in rows: its layout is nchw only",
                        ek_norm_kind_name(shape->kind));
    }
    EKB_TRY(ek_norm_plan_create(&b->desc, &b->plan, err));
    int64_t width = ek_norm_kind_over_axes(shape->kind) ? shape->dims[shape->rank - 1] : shape->dims[1];
    b->channels = ekb_whole_blocks(layout, width);
    b->sets = ekb_whole_blocks(layout, ek_norm_sets(b->plan));
    b->elements = (size_t)(product(&b->desc, 0) / width * b->channels);
    b->tensors = b->phase == EK_BENCH_BACKWARD ? (b->fused ? 5 : 3) : (b->fused ? 3 : 2);
    b->copied = (size_t)(b->tensors / 2 * (double)b->elements) / (is_half(b) ? 2 : 1);
    if (!is_half(b) && !b->fused) return EK_OK;
    ek_norm_desc other = b->desc;
    other.dtype = EK_F32;
    other.residual = 0;
    other.activation = EK_ACTIVATION_NONE;
    return ek_norm_plan_create(&other, &b->other, err);
}

/* Numbers in [-0.5, 0.5) without a pattern that matters to anything measured. */
static void fill(float *data, size_t count) {
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        data[i] = (float)(state >> 8) * 0x1p-24f - 0.5f;
    }
}

/* The same in [1, 2), for both types: seven random bits behind the bits of 1. */
static ek_status make_halves(bench_case *b, ek_error *err) {
    size_t bytes = 2 * b->elements * sizeof(uint16_t);
    b->half_from = ekb_memory(bytes);
    b->half_to = ekb_memory(bytes);
    if (!b->half_from || !b->half_to) return ekb_fail_nomem(err, bytes);
    uint16_t one = b->desc.dtype == EK_BF16 ? 0x3f80 : 0x3c00;
    for (size_t i = 0; i < 2 * b->elements; i++) {
        b->half_from[i] = one | (uint16_t)((b->from[i] + 0.5f) * 128.0f);
    }
    memset(b->half_to, 0, bytes);
    return EK_OK;
}

static ek_status make_buffers(bench_case *b, ek_error *err) {
    size_t c = (size_t)b->channels, sets = (size_t)b->sets;
    size_t count = (b->fused ? 3 : 2) * b->elements, bytes = count * sizeof(float);
    b->from = ekb_memory(bytes);
    b->to = ekb_memory(bytes);
    b->small = ekb_memory((4 * c + 2 * sets) * sizeof(float));
    b->saved = ekb_memory(ek_norm_saved_bytes(b->plan));
    b->workspace = ekb_memory(ek_norm_workspace_bytes(b->plan));
    b->other_saved = b->other != NULL ? ekb_memory(ek_norm_saved_bytes(b->other)) : NULL;
    if (!b->from || !b->to || !b->small || !b->saved || !b->workspace || (b->other != NULL && !b->other_saved)) {
        return ekb_fail_nomem(err, 2 * bytes);
    }
    fill(b->from, count);
    memset(b->to, 0, bytes);
    for (size_t i = 0; i < 4 * c; i++) b->small[i] = 1.0f;
    for (size_t i = 0; i < sets; i++) {
        b->small[4 * c + i] = 0.0f;
        b->small[4 * c + sets + i] = 1.0f;
    }
    return is_half(b) ? make_halves(b, err) : EK_OK;
}

static ek_status run_norm(const bench_case *b, const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err) {
    if (b->phase == EK_BENCH_BACKWARD) return ek_norm_backward(plan, args, err);
    return ek_norm_forward(plan, b->stats, args, err);
}

static ek_status run_ours(void *context, ek_error *err) {
    const bench_case *b = context;
    return run_norm(b, b->plan, &b->args, err);
}

static ek_status run_other(void *context, ek_error *err) {
    const bench_case *b = context;
    return run_norm(b, b->other, &b->other_args, err);
}

/* Nothing fused: norm, add, ReLU; backward ReLU, whose gradient is that of both terms of the addition, and norm. */
static ek_status run_apart(void *context, ek_error *err) {
    const bench_case *b = context;
    size_t n = b->elements;
    if (b->phase == EK_BENCH_BACKWARD) {
        ekb_apart_slope(b->to + n, b->from + n, b->to + 2 * n, n, b->threads);
        return run_norm(b, b->other, &b->other_args, err);
    }
    EKB_TRY(run_norm(b, b->other, &b->other_args, err));
    ekb_apart_add(b->to, b->to, b->from + 2 * n, n, b->threads);
    ekb_apart_relu(b->to, b->to, n, b->threads);
    return EK_OK;
}

static ek_status run_peer(void *context, ek_error *err) {
    return ekb_peer_norm_run(((bench_case *)context)->peer, err);
}

static ek_status run_plain(void *context, ek_error *err) {
    bench_case *b = context;
    (void)err;
    ekb_copy_plain(b->to, b->from, b->copied, b->threads);
    return EK_OK;
}

static ek_status run_stream(void *context, ek_error *err) {
    bench_case *b = context;
    (void)err;
    ekb_copy_stream(b->to, b->from, b->copied, b->threads);
    return EK_OK;
}

/* The pointers of a plan; with a forward, so that backward finds its statistics. */
static ek_status make_args(bench_case *b, const ek_norm_plan *plan, const void *x, const void *dy, void *to,
                           void *saved, ek_norm_args *args, ek_error *err) {
    size_t c = (size_t)b->channels;
    *args = (ek_norm_args){.struct_size = sizeof *args, .x = x, .y = to, .saved = saved, .residual = args->residual};
    args->scale = b->small;
    args->bias = b->small + c;
    args->workspace = b->workspace;
    if (b->stats == EK_STATS_RUNNING) {
        args->running_mean = b->small + 4 * c;
        args->running_var = b->small + 4 * c + b->sets;
    }
    EKB_TRY(ek_norm_forward(plan, b->stats, args, err));
    if (b->phase == EK_BENCH_INFERENCE) args->saved = NULL;
    if (b->phase == EK_BENCH_BACKWARD) {
        args->dy = dy;
        args->dx = to;
        args->dscale = b->small + 2 * c;
        args->dbias = b->small + 3 * c;
    }
    return EK_OK;
}

static ek_status make_fused(bench_case *b, ek_error *err) {
    size_t n = b->elements;
    b->contenders[PEER].run = run_apart;
    EKB_TRY(make_args(b, b->other, b->from, b->to + n, b->to, b->other_saved, &b->other_args, err));
    b->args.residual = b->from + 2 * n;
    EKB_TRY(make_args(b, b->plan, b->from, b->from + n, b->to, b->saved, &b->args, err));
    if (b->phase != EK_BENCH_BACKWARD) return EK_OK;
    b->args.y = b->to + 2 * n;
    b->args.dresidual = b->to + n;
    memcpy(b->to + 2 * n, b->to, n * sizeof(float));
    return EK_OK;
}

static ek_status make_ours(bench_case *b, ek_error *err) {
    size_t n = b->elements;
    bool running = b->desc.kind == EK_NORM_BATCH && b->phase == EK_BENCH_INFERENCE;
    b->stats = running ? EK_STATS_RUNNING : EK_STATS_BATCH;
    b->contenders[OURS].run = run_ours;
    if (b->fused) return make_fused(b, err);
    if (!is_half(b)) return make_args(b, b->plan, b->from, b->from + n, b->to, b->saved, &b->args, err);
    b->contenders[PEER].run = run_other;
    EKB_TRY(make_args(b, b->other, b->from, b->from + n, b->to, b->other_saved, &b->other_args, err));
    return make_args(b, b->plan, b->half_from, b->half_from + n, b->half_to, b->saved, &b->args, err);
}

/* oneDNN 2.6 has batch and layer norm only; what it lacks has no peer. */
static void make_peer(bench_case *b) {
    const ek_norm_desc *d = &b->desc;
    size_t c = (size_t)b->channels;
    if (b->other != NULL || (d->kind != EK_NORM_BATCH && d->kind != EK_NORM_LAYER)) return;
    ekb_peer_norm_desc desc = {.layer = d->kind == EK_NORM_LAYER, .layout = d->layout, .n = d->dims[0], .h = 1, .w = 1};
    desc.c = d->dims[d->rank > 1 ? 1 : 0];
    if (desc.layer) {
        desc.c = d->dims[d->rank - 1];
        desc.n = product(d, 0) / desc.c;
    } else {
        desc.h = d->rank > 2 ? d->dims[2] : 1;
        desc.w = d->rank > 3 ? product(d, 3) : 1;
    }
    desc.epsilon = d->epsilon;
    desc.phase = (ekb_peer_phase)b->phase;
    desc.threads = b->threads;
    ekb_peer_norm_buffers buffers = {.x = b->from, .dy = b->from + b->elements, .y = b->to, .dx = b->to};
    buffers.scale = b->small;
    buffers.bias = b->small + c;
    buffers.dscale = b->small + 2 * c;
    buffers.dbias = b->small + 3 * c;
    buffers.mean = b->small + 4 * c;
    buffers.var = buffers.mean + b->sets;
    if (ekb_peer_norm_create(&desc, &buffers, &b->peer, NULL) == EK_OK) b->contenders[PEER].run = run_peer;
}

static void read_result(const bench_case *b, int rounds, ek_bench_result *result) {
    const ek_contender *ours = &b->contenders[OURS], *peer = &b->contenders[PEER];
    *result = (ek_bench_result){.ours = ekb_median(ours->seconds, rounds)};
    result->bytes = b->tensors * (double)product(&b->desc, 0) * (is_half(b) ? 2 : 4);
    result->copy =
        fmin(ekb_median(b->contenders[PLAIN].seconds, rounds), ekb_median(b->contenders[STREAM].seconds, rounds));
    result->share = result->copy / result->ours;
    if (peer->run == NULL) return;
    ekb_interval ratio = ekb_ratio_interval(peer->seconds, ours->seconds, rounds);
    result->peer = ekb_median(peer->seconds, rounds);
    result->ratio = ratio.median;
    result->low = ratio.low;
    result->high = ratio.high;
    (void)snprintf(result->peer_name, sizeof result->peer_name, "%s",
                   is_half(b) ? "f32"
                   : b->fused ? "apart"
                              : ekb_peer_norm_name(b->peer));
}

static ek_status measure(bench_case *b, const ek_bench_shape *shape, ek_layout layout, const ek_bench_options *options,
                         ek_bench_result *result, ek_error *err) {
    EKB_TRY(make_plan(b, shape, layout, options->dtype, err));
    EKB_TRY(make_buffers(b, err));
    EKB_TRY(make_ours(b, err));
    make_peer(b);
    b->contenders[PLAIN].run = run_plain;
    b->contenders[STREAM].run = run_stream;
    for (int i = 0; i < CONTENDERS; i++) {
        b->contenders[i].context = b;
        b->contenders[i].seconds = b->seconds[i];
    }
    const ek_round_options rounds = {
        .rounds = options->rounds, .seconds = options->seconds, .stopped = options->stopped};
    EKB_TRY(ek_bench_rounds(b->contenders, CONTENDERS, &rounds, NULL, err));
    read_result(b, options->rounds, result);
    return EK_OK;
}

static void release(bench_case *b) {
    ekb_peer_norm_destroy(b->peer);
    ek_norm_plan_destroy(b->plan);
    ek_norm_plan_destroy(b->other);
    free(b->half_from);
    free(b->half_to);
    free(b->other_saved);
    free(b->from);
    free(b->to);
    free(b->small);
    free(b->saved);
    free(b->workspace);
    free(b);
}

ek_bench_options ek_bench_options_default(void) {
    return (ek_bench_options){.rounds = 7, .threads = 2, .seconds = 0.001, .dtype = EK_F32};
}

ek_status ek_bench_norm(const ek_bench_shape *shape, ek_layout layout, ek_bench_phase phase,
                        const ek_bench_options *options, ek_bench_result *result, ek_error *err) {
    if (shape == NULL || options == NULL || result == NULL) {
        return ekb_fail(err, EK_ERR_ARG, "shape, options or result is NULL");
    }
    if (options->rounds < 1 || options->rounds > EKB_BENCH_MAX_ROUNDS || options->threads < 0) {
        return ekb_fail(err, EK_ERR_ARG,
                        "options: %d rounds on %d threads, expected 1 to %d rounds and 0 or more threads",
                        options->rounds, options->threads, (int)EKB_BENCH_MAX_ROUNDS);
    }
    if (options->dtype != EK_F32 && options->dtype != EK_BF16 && options->dtype != EK_F16) {
        return ekb_fail(err, EK_ERR_DTYPE, "options.dtype is %d, expected EK_F32 (1), EK_F16 (10) or EK_BF16 (16)",
                        (int)options->dtype);
    }
    if (options->fused && options->dtype != EK_F32) {
        return ekb_fail(err, EK_ERR_UNSUPPORTED, "options.fused is measured with EK_F32 only");
    }
    bench_case *b = ekb_zeroed(sizeof *b);
    if (b == NULL) return ekb_fail_nomem(err, sizeof *b);
    int before = ekb_threads();
    ekb_threads_set(options->threads);
    b->phase = phase;
    b->fused = options->fused != 0;
    b->threads = ekb_threads();
    ek_status status = measure(b, shape, layout, options, result, err);
    release(b);
    ekb_threads_set(before);
    return status;
}
