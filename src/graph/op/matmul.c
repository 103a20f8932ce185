/* matmul.c: MatMul, numpy's matrix product: batches broadcast, vectors count as one row or column. Opsets 1, 9, 13;
 * f32.
 *
 * With a matrix on the right, all rows on the left go through one product; otherwise one product per batch entry. Each
 * runs as a 1x1 convolution, so that a row of the result depends on its row of A alone.
 */
#include "dnnl/adapter.h"
#include "graph/op/op_common.h"
#include "graph/op/op_share.h"

#include <stdlib.h>
#include <string.h>

typedef struct matmul_state {
    eki_product *product;
    bool prepared;
    eki_chunk_share share;
    int64_t m, k, n, batches;
    eki_shape batch, batch_a, batch_b; /* leading dimensions, of the result and of the operands */
    size_t product_bytes;              /* then room for one dA and one dB */
} matmul_state;

/* The operand as matrices: leading dimensions and two extents; a vector becomes a row (A) or a column (B). */
static eki_shape as_matrices(const eki_shape *shape, bool right) {
    if (shape->rank != 1) return *shape;
    eki_shape matrix = {.rank = 2};
    matrix.dims[right ? 0 : 1] = shape->dims[0];
    matrix.dims[right ? 1 : 0] = 1;
    return matrix;
}

static eki_shape leading(const eki_shape *shape) {
    eki_shape result = *shape;
    result.rank -= 2;
    return result;
}

ek_status eki_op_MatMul_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, 2, 2));
    EKI_TRY(eki_infer_f32(infer, 0));
    EKI_TRY(eki_infer_f32(infer, 1));
    const eki_shape *given_a = &infer->in[0].shape, *given_b = &infer->in[1].shape;
    if (given_a->rank < 0 || given_b->rank < 0) {
        eki_infer_set_unknown(infer, 0, EK_F32);
        return EK_OK;
    }
    eki_shape a = as_matrices(given_a, false), b = as_matrices(given_b, true), lead_a = leading(&a),
              lead_b = leading(&b);
    eki_shape y = {.rank = -1};
    int64_t k = a.rank >= 2 ? a.dims[a.rank - 1] : -1, kb = b.rank >= 2 ? b.dims[b.rank - 2] : -1;
    bool fits = a.rank >= 2 && b.rank >= 2 && (k < 0 || kb < 0 || k == kb);
    if (fits) EKI_TRY(eki_infer_broadcast_pair(infer, &lead_a, &lead_b, &y));
    if (!fits || y.rank + 2 > EKI_MAX_RANK) {
        char ta[192], tb[192];
        return eki_infer_fail(infer, EK_ERR_SHAPE, "%s and %s cannot be multiplied as matrices",
                              eki_shape_text(infer->graph, given_a, ta), eki_shape_text(infer->graph, given_b, tb));
    }
    if (given_a->rank > 1) y.dims[y.rank++] = a.dims[a.rank - 2];
    if (given_b->rank > 1) y.dims[y.rank++] = b.dims[b.rank - 1];
    eki_infer_set(infer, 0, EK_F32, &y);
    return EK_OK;
}

static void read_shapes(const eki_step *step, matmul_state *s) {
    eki_shape a = as_matrices(&step->in[0].shape, false), b = as_matrices(&step->in[1].shape, true);
    s->m = a.dims[a.rank - 2];
    s->k = a.dims[a.rank - 1];
    s->n = b.dims[b.rank - 1];
    s->batch_a = leading(&a);
    s->batch_b = leading(&b);
    (void)eki_shape_broadcast(&s->batch_a, &s->batch_b, &s->batch);
    (void)eki_shape_count(&s->batch, &s->batches);
    int64_t entries_b;
    (void)eki_shape_count(&s->batch_b, &entries_b);
    if (entries_b == 1) { /* one matrix on the right: all rows at once */
        s->m *= s->batches;
        s->batches = 1;
        s->batch = s->batch_a = s->batch_b = (eki_shape){.rank = 0};
    }
}

ek_status eki_op_MatMul_prepare(eki_step *step, ek_error *err) {
    matmul_state *s = step->priv = eki_calloc(1, sizeof *s);
    if (s == NULL) return eki_fail_nomem(err, sizeof *s);
    EKI_TRY(eki_prepare_plain(step, err));
    read_shapes(step, s);
    eki_product_desc desc = {.m = s->m,
                             .k = s->k,
                             .n = s->n,
                             .want_da = step->want_din[0],
                             .want_db = step->want_din[1],
                             .threads = step->plan->threads,
                             .reproducible = step->plan->reproducible,
                             .chunk = step->plan->chunk,
                             .share = s->batches == 1 ? eki_share_prepare(step, &s->share) : NULL};
    EKI_TRY(eki_product_create(&desc, &s->product, err));
    s->product_bytes = (eki_product_scratch_bytes(s->product) + 63) / 64 * 64;
    int64_t larger = s->m > s->n ? s->m : s->n;
    eki_size sum = eki_size_of((size_t)s->k, eki_size_of((size_t)larger, sizeof(float)).bytes);
    step->scratch_bytes = eki_size_sum(eki_sized(s->product_bytes), s->batches > 1 ? sum : eki_sized(0)).bytes;
    step->keep_in[0] = step->want_din[1];
    step->keep_in[1] = step->want_din[0];
    bool keep = s->batches == 1 && step->plan->mode != EKI_MODE_TRAINING && step->is_parameter[1] && !step->want_din[1];
    step->kept_bytes = keep ? eki_product_prepared_bytes(s->product) : 0;
    return EK_OK;
}

/* Entry of an operand that batch index `index` of the result uses. */
static int64_t entry(const eki_shape *batch, const eki_shape *operand, int64_t index) {
    int64_t at = 0, stride = 1;
    for (int i = 1; i <= batch->rank; i++) {
        int64_t dim = batch->dims[batch->rank - i], position = index % dim;
        index /= dim;
        if (i > operand->rank) continue;
        int64_t own = operand->dims[operand->rank - i];
        if (own > 1) at += position * stride;
        stride *= own;
    }
    return at;
}

ek_status eki_op_MatMul_forward(eki_step *step, ek_error *err) {
    matmul_state *s = step->priv;
    const float *a = step->in[0].data, *b = step->in[1].data;
    float *y = step->out[0].data;
    if (step->kept != NULL && !s->prepared) {
        EKI_TRY(eki_product_prepare(s->product, b, step->kept, err));
        s->prepared = true;
    }
    for (int64_t i = 0; i < s->batches; i++) {
        EKI_TRY(eki_product_forward(s->product, a + entry(&s->batch, &s->batch_a, i) * s->m * s->k,
                                    b + entry(&s->batch, &s->batch_b, i) * s->k * s->n, step->kept, NULL,
                                    y + i * s->m * s->n, step->scratch, err));
    }
    return EK_OK;
}

/* sum += term; broadcast entries receive several contributions, in batch order. */
static void accumulate(float *sum, const float *term, int64_t count) {
    for (int64_t i = 0; i < count; i++) sum[i] += term[i];
}

static ek_status backward_entry(const eki_step *step, const matmul_state *s, int64_t i, ek_error *err) {
    int64_t ia = entry(&s->batch, &s->batch_a, i), ib = entry(&s->batch, &s->batch_b, i);
    const float *a = (const float *)step->in[0].data + ia * s->m * s->k;
    const float *b = (const float *)step->in[1].data + ib * s->k * s->n;
    const float *dy = (const float *)step->dout[0] + i * s->m * s->n;
    float *term = (float *)(void *)((char *)step->scratch + s->product_bytes);
    if (step->din[0] != NULL) {
        EKI_TRY(eki_product_backward_a(s->product, dy, b, term, step->scratch, err));
        accumulate((float *)step->din[0] + ia * s->m * s->k, term, s->m * s->k);
    }
    if (step->din[1] != NULL) {
        EKI_TRY(eki_product_backward_b(s->product, a, dy, term, NULL, step->scratch, err));
        accumulate((float *)step->din[1] + ib * s->k * s->n, term, s->k * s->n);
    }
    return EK_OK;
}

ek_status eki_op_MatMul_backward(eki_step *step, ek_error *err) {
    matmul_state *s = step->priv;
    if (s->batches == 1) {
        const float *dy = step->dout[0];
        if (step->din[0] != NULL) {
            EKI_TRY(eki_product_backward_a(s->product, dy, step->in[1].data, step->din[0], step->scratch, err));
        }
        if (step->din[1] == NULL) return EK_OK;
        EKI_TRY(eki_share_begin(step, &s->share, s->m, err));
        return eki_product_backward_b(s->product, step->in[0].data, dy, step->din[1], NULL, step->scratch, err);
    }
    for (int k = 0; k < 2; k++) {
        if (step->din[k] != NULL) memset(step->din[k], 0, eki_view_bytes(&step->in[k]));
    }
    for (int64_t i = 0; i < s->batches; i++) EKI_TRY(backward_entry(step, s, i, err));
    return EK_OK;
}

void eki_op_MatMul_release(eki_step *step) {
    matmul_state *s = step->priv;
    if (s == NULL) return;
    eki_product_destroy(s->product);
    free(s);
    step->priv = NULL;
}

EKI_OPERATOR(MatMul, .diff_inputs = 0x3, EKI_ALL_OF(MatMul), .release = eki_op_MatMul_release);
