/* lp_normalization.c: LpNormalization: x / ||x||_p along an axis, p = 1 or 2. ONNX opsets 1, 22; f32.
 *
 * A vector of norm zero stays zero, with gradient zero. Sums run in f64 in index order.
 */
#include "graph/op/op_common.h"

#include <math.h>

ek_status eki_op_LpNormalization_infer(eki_infer *infer) {
    int axis;
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    EKI_TRY(eki_infer_f32(infer, 0));
    int64_t p = eki_node_int(infer->node, "p", 2);
    if (p != 1 && p != 2) return eki_infer_fail(infer, EK_ERR_ARG, "p is %lld, expected 1 or 2", (long long)p);
    if (infer->in[0].shape.rank >= 0) {
        int rank = infer->in[0].shape.rank;
        EKI_TRY(eki_infer_axis(infer, eki_node_int(infer->node, "axis", -1), rank, false, &axis));
    }
    EKI_TRY(eki_infer_same(infer));
    return eki_infer_fold(infer, eki_op_LpNormalization_forward);
}

ek_status eki_op_LpNormalization_prepare(eki_step *step, ek_error *err) {
    step->keep_in[0] = step->want_din[0];
    return eki_prepare_plain(step, err);
}

typedef struct job {
    const float *x, *dy; /* dy NULL: forward */
    float *to;
    size_t dim, inner;
    bool one;
} job;

static void vector(void *argument, size_t i) {
    const job *j = argument;
    size_t base = i / j->inner * j->dim * j->inner + i % j->inner, end = base + j->dim * j->inner;
    double sum = 0.0, product = 0.0;
    for (size_t k = base; k < end; k += j->inner) {
        double x = (double)j->x[k];
        sum += j->one ? fabs(x) : x * x;
        if (j->dy != NULL) product += x * (double)j->dy[k];
    }
    double norm = j->one ? sum : sqrt(sum), inverse = norm > 0.0 ? 1.0 / norm : norm;
    for (size_t k = base; k < end; k += j->inner) {
        double x = (double)j->x[k], sign = x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0;
        if (j->dy == NULL) {
            j->to[k] = (float)(x * inverse);
        } else {
            double along = j->one ? sign * product * inverse : x * product * inverse * inverse;
            j->to[k] = (float)(((double)j->dy[k] - along) * inverse);
        }
    }
}

static void run(const eki_step *step, job *j) {
    const eki_shape *x = &step->in[0].shape;
    int64_t axis = eki_node_int(step->node, "axis", -1);
    if (axis < 0) axis += x->rank;
    j->one = eki_node_int(step->node, "p", 2) == 1;
    j->dim = (size_t)x->dims[axis];
    j->inner = 1;
    for (int i = (int)axis + 1; i < x->rank; i++) j->inner *= (size_t)x->dims[i];
    size_t count = eki_view_elements(&step->in[0]);
    if (count > 0) eki_for_tasks(step, count / j->dim, vector, j);
}

ek_status eki_op_LpNormalization_forward(eki_step *step, ek_error *err) {
    (void)err;
    job j = {.x = step->in[0].data, .to = step->out[0].data};
    run(step, &j);
    return EK_OK;
}

ek_status eki_op_LpNormalization_backward(eki_step *step, ek_error *err) {
    (void)err;
    if (step->dout[0] == NULL) eki_zero_gradient(step, 0);
    if (step->dout[0] == NULL || step->din[0] == NULL) return EK_OK;
    job j = {.x = step->in[0].data, .dy = step->dout[0], .to = step->din[0]};
    run(step, &j);
    return EK_OK;
}

EKI_OPERATOR(LpNormalization, .diff_inputs = 0x1, EKI_ALL_OF(LpNormalization));
