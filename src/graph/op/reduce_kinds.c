/* reduce_kinds.c: ReduceMax, ReduceMin, ReduceProd, ReduceL1, ReduceL2, ReduceSumSquare. ONNX opsets 1 to 23, axes as
 * an input from 18 on. f32, and i32 and i64 for the first three.
 *
 * Everything is joined in f64 in row-major order. Gradients: the maximum's is shared evenly by equal elements; the
 * product's leaves zeros out of the quotient, so that one zero among the factors still gives its gradient.
 */
#include "graph/op/op_reduce.h"

#include <math.h>

static ek_status infer(eki_infer *infer, bool ints, eki_step_fn forward) {
    return eki_reduce_infer(infer, EKI_REDUCE_AXES_INPUT, ints, forward);
}

/* Scratch: a value per element, and two per result. */
static ek_status prepare(eki_step *step, ek_error *err) {
    step->keep_in[0] = step->keep_out[0] = step->want_din[0];
    eki_size elements = eki_size_of(eki_view_elements(&step->in[0]), sizeof(float));
    eki_size results = eki_size_of(eki_view_elements(&step->out[0]), 2 * sizeof(float));
    if (step->want_din[0]) step->scratch_bytes = eki_size_sum(elements, results).bytes;
    return eki_prepare_plain(step, err);
}

static ek_status forward(eki_step *step, ek_error *err, eki_reduce_kind kind, bool root) {
    uint32_t mask;
    int64_t terms;
    EKI_TRY(eki_reduce_mask(step, EKI_REDUCE_AXES_INPUT, &mask, &terms, err));
    if (step->in[0].dtype != EK_F32) {
        eki_reduce_ints(step, kind, mask);
        return EK_OK;
    }
    float *y = step->out[0].data;
    eki_reduce(step, kind, step->in[0].data, &step->in[0].shape, mask, 1.0, y);
    for (size_t i = 0, n = eki_view_elements(&step->out[0]); root && i < n; i++) y[i] = sqrtf(y[i]);
    return EK_OK;
}

/* ---- backward ---- */

typedef struct job {
    eki_reduce_kind kind;
    bool root;
    const float *x, *y, *dy;
    float *element;     /* MARK: for each element, 1 at an extremum; of a product, the factor without zeros */
    const float *each;  /* how many share an extremum; the product without zeros */
    const float *zeros; /* how many factors are zero */
    float *dx;
} job;

static void mark_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    for (size_t i = 0; i < n; i++) {
        float x = j->x[out + i], y = j->y[offset[0] + (int64_t)i * step[0]];
        j->element[out + i] = j->kind != EKI_REDUCE_PROD ? x == y : x == 0.0f ? 1.0f : x;
    }
}

static void zero_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    (void)offset;
    (void)step;
    for (size_t i = 0; i < n; i++) j->element[out + i] = j->x[out + i] == 0.0f;
}

static float slope(const job *j, float x, int64_t at) {
    switch (j->kind) {
    case EKI_REDUCE_ABS: return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : 0.0f;
    case EKI_REDUCE_SQUARE: return j->root ? (j->y[at] > 0.0f ? x / j->y[at] : 0.0f) : 2.0f * x;
    case EKI_REDUCE_PROD:
        if (x == 0.0f) return j->zeros[at] == 1.0f ? j->each[at] : 0.0f;
        return j->zeros[at] == 0.0f ? j->each[at] / x : 0.0f;
    default: return x == j->y[at] ? 1.0f / j->each[at] : 0.0f;
    }
}

static void gradient_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    for (size_t i = 0; i < n; i++) {
        int64_t at = offset[0] + (int64_t)i * step[0];
        j->dx[out + i] = j->dy[at] * slope(j, j->x[out + i], at);
    }
}

static void walk_over(const eki_step *step, const eki_shape *kept, eki_walk_fn body, job *j) {
    eki_walk walk;
    eki_walk_init(&walk, &step->in[0].shape);
    eki_walk_add_broadcast(&walk, kept);
    eki_walk_run(step, &walk, body, j);
}

static ek_status backward(eki_step *step, ek_error *err, eki_reduce_kind kind, bool root) {
    uint32_t mask;
    int64_t terms;
    const eki_shape *shape = &step->in[0].shape;
    if (step->dout[0] == NULL) eki_zero_gradient(step, 0);
    if (step->dout[0] == NULL || step->din[0] == NULL) return EK_OK;
    EKI_TRY(eki_reduce_mask(step, EKI_REDUCE_AXES_INPUT, &mask, &terms, err));
    eki_shape kept = eki_reduce_kept(step, mask);
    float *element = step->scratch, *each = element + eki_view_elements(&step->in[0]);
    float *zeros = each + eki_view_elements(&step->out[0]);
    job j = {kind, root, step->in[0].data, step->out[0].data, step->dout[0], element, each, zeros, step->din[0]};
    if (kind == EKI_REDUCE_PROD) {
        walk_over(step, &kept, zero_row, &j);
        eki_reduce_sum(step, element, shape, mask, 1.0, zeros);
    }
    if (kind >= EKI_REDUCE_PROD) {
        walk_over(step, &kept, mark_row, &j);
        eki_reduce(step, kind == EKI_REDUCE_PROD ? kind : EKI_REDUCE_SUM, element, shape, mask, 1.0, each);
    }
    walk_over(step, &kept, gradient_row, &j);
    return EK_OK;
}

#define REDUCE(op, kind, root, ints)                                                                                   \
    ek_status eki_op_##op##_infer(eki_infer *i) { return infer(i, ints, eki_op_##op##_forward); }                      \
    ek_status eki_op_##op##_prepare(eki_step *step, ek_error *err) { return prepare(step, err); }                      \
    ek_status eki_op_##op##_forward(eki_step *step, ek_error *err) { return forward(step, err, kind, root); }          \
    ek_status eki_op_##op##_backward(eki_step *step, ek_error *err) { return backward(step, err, kind, root); }        \
    EKI_OPERATOR(op, .diff_inputs = 0x1, EKI_ALL_OF(op));

REDUCE(ReduceMax, EKI_REDUCE_MAX, false, true)
REDUCE(ReduceMin, EKI_REDUCE_MIN, false, true)
REDUCE(ReduceProd, EKI_REDUCE_PROD, false, true)
REDUCE(ReduceL1, EKI_REDUCE_ABS, false, false)
REDUCE(ReduceL2, EKI_REDUCE_SQUARE, true, false)
REDUCE(ReduceSumSquare, EKI_REDUCE_SQUARE, false, false)
