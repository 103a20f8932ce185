/* gemm.c: Gemm, Y = alpha A' B' + beta C. ONNX opsets 1 to 13; f32.
 *
 * The product runs as a 1x1 convolution (dnnl/adapter.h), so that a row of Y depends on its row of A alone. A plain
 * bias of shape [N] with alpha = beta = 1 goes into it; every other C, and alpha, are applied afterwards.
 */
#include "dnnl/adapter.h"
#include "graph/op/op_common.h"
#include "graph/op/op_share.h"

#include <stdlib.h>
#include <string.h>

typedef struct gemm_state {
    eki_product *product;
    int64_t m, k, n;
    float alpha, beta;
    bool transpose_a, has_c, fused_bias, prepared;
    eki_chunk_share share;
    size_t product_bytes; /* scratch: of the product, then A', then alpha dY or dA' */
} gemm_state;

static void read_shape(const eki_shape *shape, bool transposed, int64_t *rows, int64_t *columns) {
    *rows = shape->dims[transposed ? 1 : 0];
    *columns = shape->dims[transposed ? 0 : 1];
}

ek_status eki_op_Gemm_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, infer->opset < 11 ? 3 : 2, 3));
    EKI_TRY(eki_infer_f32(infer, 0));
    EKI_TRY(eki_infer_f32(infer, 1));
    if (infer->node->n_in > 2 && infer->in[2].present) EKI_TRY(eki_infer_f32(infer, 2));
    const eki_shape *a = &infer->in[0].shape, *b = &infer->in[1].shape;
    eki_shape y = {.rank = 2};
    if (a->rank < 0 || b->rank < 0) {
        eki_infer_set_unknown(infer, 0, EK_F32);
        return EK_OK;
    }
    if (a->rank != 2 || b->rank != 2) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "A has rank %d and B rank %d; both must be matrices", a->rank,
                              b->rank);
    }
    int64_t k, kb;
    read_shape(a, eki_node_int(infer->node, "transA", 0) != 0, &y.dims[0], &k);
    read_shape(b, eki_node_int(infer->node, "transB", 0) != 0, &kb, &y.dims[1]);
    char ta[192], tb[192];
    if (k >= 0 && kb >= 0 && k != kb) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "A %s and B %s do not fit (inner extents %lld and %lld)",
                              eki_shape_text(infer->graph, a, ta), eki_shape_text(infer->graph, b, tb), (long long)k,
                              (long long)kb);
    }
    if (infer->node->n_in > 2 && infer->in[2].present) {
        eki_shape joined;
        bool fits = eki_shape_broadcast(&y, &infer->in[2].shape, &joined) && joined.rank == 2;
        if (!fits || (y.dims[1] >= 0 && joined.dims[1] != y.dims[1])) {
            return eki_infer_fail(infer, EK_ERR_SHAPE, "C %s cannot be broadcast to %s",
                                  eki_shape_text(infer->graph, &infer->in[2].shape, ta),
                                  eki_shape_text(infer->graph, &y, tb));
        }
    }
    eki_infer_set(infer, 0, EK_F32, &y);
    return EK_OK;
}

static bool is_row(const eki_view *c, int64_t n) {
    int rank = c->shape.rank;
    return rank >= 1 && rank <= 2 && c->shape.dims[rank - 1] == n && (rank == 1 || c->shape.dims[0] == 1);
}

ek_status eki_op_Gemm_prepare(eki_step *step, ek_error *err) {
    gemm_state *s = step->priv = eki_calloc(1, sizeof *s);
    if (s == NULL) return eki_fail_nomem(err, sizeof *s);
    EKI_TRY(eki_prepare_plain(step, err));
    bool transpose_b = eki_node_int(step->node, "transB", 0) != 0;
    s->transpose_a = eki_node_int(step->node, "transA", 0) != 0;
    s->alpha = eki_node_float(step->node, "alpha", 1.0f);
    s->beta = eki_node_float(step->node, "beta", 1.0f);
    s->has_c = step->n_in > 2 && step->has_in[2];
    read_shape(&step->in[0].shape, s->transpose_a, &s->m, &s->k);
    s->n = step->out[0].shape.dims[1];
    s->fused_bias = s->has_c && s->alpha == 1.0f && s->beta == 1.0f && is_row(&step->in[2], s->n);
    eki_product_desc desc = {.m = s->m,
                             .k = s->k,
                             .n = s->n,
                             .b_transposed = transpose_b,
                             .bias = s->fused_bias,
                             .want_da = step->want_din[0],
                             .want_db = step->want_din[1] || (s->fused_bias && step->want_din[2]),
                             .threads = step->plan->threads,
                             .reproducible = step->plan->reproducible,
                             .chunk = step->plan->chunk,
                             .share = eki_share_prepare(step, &s->share)};
    EKI_TRY(eki_product_create(&desc, &s->product, err));
    s->product_bytes = (eki_product_scratch_bytes(s->product) + 63) / 64 * 64;
    eki_size column = eki_size_of((size_t)s->m, sizeof(float)), room = eki_sized(64), none = eki_sized(0);
    eki_size a = eki_size_sum(eki_size_of(2, eki_size_of((size_t)s->k, column.bytes).bytes), room);
    eki_size y = eki_size_sum(eki_size_of((size_t)s->n, column.bytes), room);
    eki_size more = eki_size_sum(s->transpose_a ? a : none, s->alpha != 1.0f ? y : none);
    step->scratch_bytes = eki_size_sum(eki_sized(s->product_bytes), more).bytes;
    step->keep_in[0] = desc.want_db;
    step->keep_in[1] = desc.want_da;
    bool keep = step->plan->mode != EKI_MODE_TRAINING && step->is_parameter[1] && !step->want_din[1];
    step->kept_bytes = keep ? eki_product_prepared_bytes(s->product) : 0;
    return EK_OK;
}

static void transpose(const float *src, int64_t rows, int64_t columns, float *dst) {
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) dst[j * rows + i] = src[i * columns + j];
    }
}

static float *scratch_after(const eki_step *step, const gemm_state *s, size_t floats) {
    return (float *)(void *)((char *)step->scratch + s->product_bytes) + (floats + 15) / 16 * 16;
}

/* A' in row-major order: A itself, or its transpose in scratch. */
static const float *rows_of_a(const eki_step *step, const gemm_state *s) {
    if (!s->transpose_a) return step->in[0].data;
    float *copy = scratch_after(step, s, 0);
    transpose(step->in[0].data, s->k, s->m, copy);
    return copy;
}

/* y = alpha y + beta C */
static void finish(const eki_step *step, const gemm_state *s) {
    float *y = step->out[0].data;
    const float *c = s->has_c && !s->fused_bias ? step->in[2].data : NULL;
    int64_t row = 0, column = 0;
    if (c != NULL) {
        const eki_shape *shape = &step->in[2].shape;
        int64_t last = shape->rank > 0 ? shape->dims[shape->rank - 1] : 1;
        column = last > 1 ? 1 : 0;
        row = shape->rank > 1 && shape->dims[0] > 1 ? last : 0;
    }
    for (int64_t i = 0; i < s->m; i++) {
        for (int64_t j = 0; j < s->n; j++, y++) {
            float value = s->alpha == 1.0f ? *y : s->alpha * *y;
            *y = c == NULL ? value : value + s->beta * c[i * row + j * column];
        }
    }
}

ek_status eki_op_Gemm_forward(eki_step *step, ek_error *err) {
    gemm_state *s = step->priv;
    if (step->kept != NULL && !s->prepared) {
        EKI_TRY(eki_product_prepare(s->product, step->in[1].data, step->kept, err));
        s->prepared = true;
    }
    EKI_TRY(eki_product_forward(s->product, rows_of_a(step, s), step->in[1].data, step->kept,
                                s->fused_bias ? step->in[2].data : NULL, step->out[0].data, step->scratch, err));
    if (s->alpha != 1.0f || (s->has_c && !s->fused_bias)) finish(step, s);
    return EK_OK;
}

static const float *scaled_dy(const eki_step *step, const gemm_state *s) {
    if (s->alpha == 1.0f) return step->dout[0];
    float *copy = scratch_after(step, s, s->transpose_a ? 2 * (size_t)(s->m * s->k) + 16 : 0);
    const float *dy = step->dout[0];
    for (int64_t i = 0; i < s->m * s->n; i++) copy[i] = s->alpha * dy[i];
    return copy;
}

static ek_status backward_a(const eki_step *step, const gemm_state *s, const float *dy, ek_error *err) {
    float *da = step->din[0];
    if (s->transpose_a) da = scratch_after(step, s, (size_t)(s->m * s->k));
    EKI_TRY(eki_product_backward_a(s->product, dy, step->in[1].data, da, step->scratch, err));
    if (s->transpose_a) transpose(da, s->m, s->k, step->din[0]);
    return EK_OK;
}

ek_status eki_op_Gemm_backward(eki_step *step, ek_error *err) {
    gemm_state *s = step->priv;
    const float *dy = scaled_dy(step, s);
    if (step->din[0] != NULL) EKI_TRY(backward_a(step, s, dy, err));
    float *dbias = s->fused_bias ? step->din[2] : NULL;
    if (step->din[1] != NULL || dbias != NULL) {
        EKI_TRY(eki_share_begin(step, &s->share, s->m, err));
        EKI_TRY(eki_product_backward_b(s->product, rows_of_a(step, s), dy, step->din[1], dbias, step->scratch, err));
    }
    if (step->din[2] == NULL || s->fused_bias) return EK_OK;
    float *dc = step->din[2];
    eki_reduce_to(step, step->dout[0], &step->out[0].shape, &step->in[2].shape, dc);
    size_t count = eki_view_elements(&step->in[2]);
    for (size_t i = 0; i < count && s->beta != 1.0f; i++) dc[i] *= s->beta;
    return EK_OK;
}

void eki_op_Gemm_release(eki_step *step) {
    gemm_state *s = step->priv;
    if (s == NULL) return;
    eki_product_destroy(s->product);
    free(s);
    step->priv = NULL;
}

EKI_OPERATOR(Gemm, .diff_inputs = 0x7, EKI_ALL_OF(Gemm), .release = eki_op_Gemm_release);
