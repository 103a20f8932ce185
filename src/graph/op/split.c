/* split.c: Split along an axis into parts. ONNX opsets 1, 2, 11 (attribute split), 13 (input), 18 (num_outputs); any
 * type of fixed size.
 *
 * Without lengths the parts are equal; num_outputs leaves the last one smaller. Per index of the leading dimensions
 * (of channels that lie last: per pixel), one copy per part; backward copies back, with zeros where nobody used a part.
 */
#include "graph/op/op_common.h"

#include <string.h>

static ek_status equal_parts(eki_infer *infer, int64_t dim, int64_t *lengths) {
    int n = infer->node->n_out;
    int64_t parts = infer->opset >= 18 ? eki_node_int(infer->node, "num_outputs", n) : n;
    if (parts != n) {
        return eki_infer_fail(infer, EK_ERR_FORMAT, "num_outputs is %lld but there are %d", (long long)parts, n);
    }
    int64_t each = (dim + n - 1) / n, left = dim;
    if (infer->opset < 18 && dim % n != 0) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "dimension %lld has no %d equal parts", (long long)dim, n);
    }
    for (int i = 0; i < n; i++) {
        lengths[i] = each < left ? each : left;
        left -= lengths[i];
    }
    return EK_OK;
}

static ek_status check_parts(eki_infer *infer, int64_t dim, const int64_t *lengths, size_t count) {
    int64_t sum = 0;
    if (count != (size_t)infer->node->n_out) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "there are %zu lengths for %d outputs", count, infer->node->n_out);
    }
    for (size_t i = 0; i < count; i++) {
        if (lengths[i] < 0 || lengths[i] > INT64_MAX - sum) {
            return eki_infer_fail(infer, EK_ERR_SHAPE, "length %zu is out of range", i);
        }
        sum += lengths[i];
    }
    if (dim < 0 || sum == dim) return EK_OK;
    return eki_infer_fail(infer, EK_ERR_SHAPE, "the lengths add up to %lld, the dimension is %lld", (long long)sum,
                          (long long)dim);
}

ek_status eki_op_Split_infer(eki_infer *infer) {
    int axis = 0, n = infer->node->n_out;
    const int64_t *values;
    int64_t lengths[EKI_MAX_IO];
    size_t count;
    bool known, given;
    EKI_TRY(eki_infer_inputs(infer, 1, infer->opset == 1 || infer->opset >= 13 ? 2 : 1));
    if (n < 1) return eki_infer_fail(infer, EK_ERR_FORMAT, "has no output");
    EKI_TRY(eki_infer_list(infer, "split", 1, 13, &values, &count, &known, &given));
    const eki_shape *x = &infer->in[0].shape;
    if (x->rank >= 0) {
        EKI_TRY(eki_infer_axis(infer, eki_node_int(infer->node, "axis", 0), x->rank, false, &axis));
        if (given && known) EKI_TRY(check_parts(infer, x->dims[axis], values, count));
        known = known && (given || x->dims[axis] >= 0);
        if (known && !given) EKI_TRY(equal_parts(infer, x->dims[axis], lengths));
    }
    for (int i = 0; i < n; i++) {
        eki_shape part = *x;
        if (x->rank >= 0 && known) part.dims[axis] = given ? values[i] : lengths[i];
        if (x->rank >= 0 && !known) EKI_TRY(eki_infer_fresh(infer, &part.dims[axis]));
        eki_infer_set(infer, i, infer->in[0].dtype, &part);
    }
    return x->rank >= 0 && known ? eki_infer_fold(infer, eki_op_Split_forward) : EK_OK;
}

static int axis_of(const eki_step *step) {
    int64_t axis = eki_node_int(step->node, "axis", 0);
    return (int)(axis < 0 ? axis + step->in[0].shape.rank : axis);
}

ek_status eki_op_Split_prepare(eki_step *step, ek_error *err) {
    step->diff_outputs = UINT32_MAX;
    if (step->in[0].layout != EK_LAYOUT_NHWC || axis_of(step) != 1) return eki_prepare_plain(step, err);
    for (int i = 0; i < step->n_out; i++) step->out[i].layout = EK_LAYOUT_NHWC;
    return EK_OK;
}

typedef struct job {
    const eki_step *step;
    size_t row; /* bytes of the input per outer index */
    size_t lengths[EKI_MAX_IO];
    bool back;
} job;

static void copy_outer(void *argument, size_t o) {
    const job *j = argument;
    const eki_step *step = j->step;
    size_t at = o * j->row;
    for (int i = 0; i < step->n_out; i++) {
        size_t bytes = j->lengths[i];
        if (bytes > 0 && j->back && step->dout[i] == NULL) {
            memset((char *)step->din[0] + at, 0, bytes);
        } else if (bytes > 0 && j->back) {
            memcpy((char *)step->din[0] + at, (const char *)step->dout[i] + o * bytes, bytes);
        } else if (bytes > 0 && step->out[i].data != NULL) {
            memcpy((char *)step->out[i].data + o * bytes, (const char *)step->in[0].data + at, bytes);
        }
        at += bytes;
    }
}

/* The lengths as infer found them: those of absent outputs are what is left or what the node says. */
static ek_status measure(const eki_step *step, job *j, size_t *outer, ek_error *err) {
    const eki_shape *x = &step->in[0].shape;
    int64_t values[EKI_MAX_IO];
    const int64_t *list = values;
    size_t count = 0, inner = eki_dtype_bytes(step->in[0].dtype);
    int n = 0, axis = axis_of(step);
    bool last = step->in[0].layout == EK_LAYOUT_NHWC;
    *outer = 1;
    for (int i = 0; i < x->rank; i++) {
        if (i != axis) *(i < axis || last ? outer : &inner) *= (size_t)x->dims[i];
    }
    if (step->opset < 13) {
        eki_node_ints(step->node, "split", &list, &count);
    } else if (step->n_in > 1 && step->has_in[1]) {
        EKI_TRY(eki_step_list(step, 1, values, EKI_MAX_IO, &n, err));
        count = (size_t)n;
    }
    int64_t dim = x->dims[axis], each = (dim + step->n_out - 1) / step->n_out;
    for (int i = 0; i < step->n_out; i++) {
        int64_t left = dim - i * each < 0 ? 0 : dim - i * each;
        int64_t length = count > 0 ? list[i] : each < left ? each : left;
        j->lengths[i] = (size_t)length * inner;
    }
    j->row = (size_t)dim * inner;
    return EK_OK;
}

static ek_status run(eki_step *step, bool back, ek_error *err) {
    job j = {.step = step, .back = back};
    size_t outer;
    EKI_TRY(measure(step, &j, &outer, err));
    eki_for_tasks(step, outer, copy_outer, &j);
    return EK_OK;
}

ek_status eki_op_Split_forward(eki_step *step, ek_error *err) { return run(step, false, err); }

ek_status eki_op_Split_backward(eki_step *step, ek_error *err) {
    return step->din[0] != NULL ? run(step, true, err) : EK_OK;
}

EKI_OPERATOR(Split, .since = 2, .diff_inputs = 0x1, EKI_ALL_OF(Split));
