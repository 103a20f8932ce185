/* range.c: Range: start, start + delta, ... below limit (above it when delta is negative). ONNX opset 11; f32, i32,
 * i64.
 *
 * The number of elements is part of the shape, so all three inputs must be known when a plan is made.
 */
#include "graph/op/op_common.h"

#include <math.h>
#include <string.h>

/* The data may lie in a mapped file, at any address. */
static double number(ek_dtype dtype, const void *data) {
    float real;
    int64_t whole = 0;
    memcpy(&real, data, sizeof real);
    memcpy(&whole, data, eki_dtype_bytes(dtype));
    return dtype == EK_F32 ? (double)real : (double)eki_load_int(dtype, &whole, 0);
}

static ek_status count_of(eki_infer *infer, ek_dtype dtype, int64_t *count) {
    double v[3];
    for (int i = 0; i < 3; i++) {
        const eki_tensor *given = infer->in[i].constant;
        int64_t elements;
        if (!eki_shape_count(&given->shape, &elements) || elements != 1) {
            return eki_infer_fail(infer, EK_ERR_SHAPE, "input %d is not a scalar", i);
        }
        v[i] = number(dtype, given->data);
    }
    double n = v[2] != 0.0 ? ceil((v[1] - v[0]) / v[2]) : NAN;
    if (!(n < 0x1p62)) return eki_infer_fail(infer, EK_ERR_ARG, "delta is 0 or the range has no end");
    *count = n > 0.0 ? (int64_t)n : 0;
    return EK_OK;
}

ek_status eki_op_Range_infer(eki_infer *infer) {
    eki_shape out = {.rank = 1};
    EKI_TRY(eki_infer_inputs(infer, 3, 3));
    ek_dtype dtype = infer->in[0].dtype;
    bool known = true;
    for (int i = 0; i < 3; i++) {
        if (infer->in[i].dtype != dtype || (dtype != EK_F32 && !eki_is_int(dtype))) {
            return eki_infer_fail(infer, EK_ERR_DTYPE, "inputs must be three numbers of type f32, i64 or i32");
        }
        known = known && infer->in[i].constant != NULL;
    }
    if (known) {
        EKI_TRY(count_of(infer, dtype, &out.dims[0]));
    } else {
        EKI_TRY(eki_infer_fresh(infer, &out.dims[0]));
    }
    eki_infer_set(infer, 0, dtype, &out);
    return known ? eki_infer_fold(infer, eki_op_Range_forward) : EK_OK;
}

ek_status eki_op_Range_forward(eki_step *step, ek_error *err) {
    (void)err;
    ek_dtype dtype = step->out[0].dtype;
    size_t count = eki_view_elements(&step->out[0]);
    for (size_t i = 0; i < count; i++) {
        if (dtype == EK_F32) {
            float start = *(const float *)step->in[0].data, delta = *(const float *)step->in[2].data;
            ((float *)step->out[0].data)[i] = start + (float)i * delta;
        } else {
            uint64_t start = (uint64_t)eki_load_int(dtype, step->in[0].data, 0);
            uint64_t delta = (uint64_t)eki_load_int(dtype, step->in[2].data, 0);
            eki_store_int(dtype, step->out[0].data, (int64_t)i, (int64_t)(start + i * delta));
        }
    }
    return EK_OK;
}

EKI_OPERATOR(Range, .infer = eki_op_Range_infer, .forward = eki_op_Range_forward);
