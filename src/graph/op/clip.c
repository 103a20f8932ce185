/* clip.c: Clip, x limited to [min, max]. ONNX opsets 1 and 6 (attributes), 11, 12, 13 (optional inputs); f32.
 *
 * y = min(max(x, lo), hi) by compare and select, NaN stays NaN; where min > max everything becomes max, as ONNX says.
 * The gradient passes where lo <= x <= hi. Any layout is taken as it comes.
 */
#include "graph/op/op_common.h"

#include <float.h>
#include <string.h>

ek_status eki_op_Clip_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, 1, infer->opset < 11 ? 1 : 3));
    for (int i = 0; i < infer->node->n_in; i++) {
        if (!infer->in[i].present) continue;
        int64_t count;
        EKI_TRY(eki_infer_f32(infer, i));
        if (i > 0 && eki_shape_count(&infer->in[i].shape, &count) && count != 1) {
            return eki_infer_fail(infer, EK_ERR_SHAPE, "%s must be a scalar", i == 1 ? "min" : "max");
        }
    }
    EKI_TRY(eki_infer_same(infer));
    return eki_infer_fold(infer, eki_op_Clip_forward);
}

static const float *limit_data(const eki_step *step, int input) {
    if (input >= step->n_in || !step->has_in[input]) return NULL;
    if (step->constant[input] != NULL) return step->constant[input]->data;
    return step->in[input].data;
}

typedef struct job {
    const float *x, *dy;
    float *to;
    float lo, hi;
} job;

static void limits(const eki_step *step, job *j) {
    j->lo = -FLT_MAX;
    j->hi = FLT_MAX;
    if (step->opset < 11) {
        j->lo = eki_node_float(step->node, "min", j->lo);
        j->hi = eki_node_float(step->node, "max", j->hi);
        return;
    }
    const float *lo = limit_data(step, 1), *hi = limit_data(step, 2);
    if (lo != NULL) j->lo = *lo;
    if (hi != NULL) j->hi = *hi;
}

ek_status eki_op_Clip_prepare(eki_step *step, ek_error *err) {
    step->keep_in[0] = step->want_din[0];
    step->in_place = EKI_ANY_INPUT;
    for (int i = 1; i < step->n_in; i++) {
        if (!step->has_in[i]) continue;
        step->keep_in[i] = step->want_din[0];
        if (eki_view_elements(&step->in[i]) != 1) {
            return eki_step_fail(step, err, EK_ERR_SHAPE, "%s must be a scalar", i == 1 ? "min" : "max");
        }
    }
    return eki_prepare_same_layout(step, err);
}

EKI_VECTORS static void forward_grain(void *argument, size_t begin, size_t end) {
    const job j = *(const job *)argument;
    float v[EKI_LINE]; /* in two loops, since compilers make branches of one */
    for (size_t n; begin < end; begin += n) {
        n = end - begin < EKI_LINE ? end - begin : EKI_LINE;
        for (size_t i = 0; i < n; i++) v[i] = j.x[begin + i] < j.lo ? j.lo : j.x[begin + i];
        for (size_t i = 0; i < n; i++) j.to[begin + i] = v[i] > j.hi ? j.hi : v[i];
    }
}

EKI_VECTORS static void backward_grain(void *argument, size_t begin, size_t end) {
    const job *j = argument;
    float lo = j->lo, hi = j->hi;
    for (size_t i = begin; i < end; i++) j->to[i] = j->x[i] >= lo && j->x[i] <= hi ? j->dy[i] : 0.0f;
}

ek_status eki_op_Clip_forward(eki_step *step, ek_error *err) {
    (void)err;
    job j = {.x = step->in[0].data, .to = step->out[0].data};
    limits(step, &j);
    eki_for_grains(step, eki_view_elements(&step->out[0]), forward_grain, &j);
    eki_clean_padding(step, j.to);
    return EK_OK;
}

ek_status eki_op_Clip_backward(eki_step *step, ek_error *err) {
    (void)err;
    job j = {.x = step->in[0].data, .dy = step->dout[0], .to = step->din[0]};
    if (j.to == NULL) return EK_OK;
    if (j.dy == NULL) {
        memset(j.to, 0, eki_view_bytes(&step->out[0]));
        return EK_OK;
    }
    limits(step, &j);
    eki_for_grains(step, eki_view_elements(&step->out[0]), backward_grain, &j);
    return EK_OK;
}

EKI_OPERATOR(Clip, .diff_inputs = 0x1, EKI_ALL_OF(Clip));
