/* cast.c: Cast between numbers and bool. ONNX opsets 6 to 23.
 *
 * Half precision (float16, bfloat16) is f32 in memory: a cast to it rounds. Through int64 or f64, whichever holds the
 * source exactly. Float to integer truncates; what does not fit is clamped and NaN becomes 0 (ONNX leaves both
 * undefined). To bool: not equal to 0. The gradient passes f32 to f32; that of a cast to whole numbers is 0; what goes
 * through f64 has none here, and is refused.
 */
#include "base/half.h"
#include "graph/op/op_common.h"

#include <string.h>

static bool castable(ek_dtype t) { return t == EK_F32 || t == EK_F64 || t == EK_BOOL || eki_is_whole(t); }

/* Half precision is f32 in memory; the numbers are those of the narrower type. */
static ek_dtype target_of(const eki_node *node) {
    ek_dtype to = (ek_dtype)eki_node_int(node, "to", 0);
    return eki_is_half(to) ? EK_F32 : to;
}

ek_status eki_op_Cast_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    ek_dtype from = infer->in[0].dtype, to = target_of(infer->node);
    if (!castable(to) || (from != EK_DTYPE_NONE && !castable(from))) {
        return eki_infer_fail(infer, EK_ERR_UNSUPPORTED, "no conversion from %s to %s", eki_dtype_name(from),
                              eki_dtype_name(to));
    }
    eki_infer_set(infer, 0, to, &infer->in[0].shape);
    return eki_infer_fold(infer, eki_op_Cast_forward);
}

ek_status eki_op_Cast_prepare(eki_step *step, ek_error *err) {
    if (step->want_din[0] && step->out[0].dtype == EK_F64) {
        return eki_step_fail(step, err, EK_ERR_UNSUPPORTED,
                             "it casts to float64 between a trainable parameter and the loss, and gradients are "
                             "float32; freeze what is below it, or train a model without the cast");
    }
    return eki_prepare_plain(step, err);
}

static bool is_real(ek_dtype t) { return t == EK_F32 || t == EK_F64; }

static int64_t clamp(int64_t v, int64_t lo, int64_t hi) { return v < lo ? lo : v > hi ? hi : v; }

static void store_int(ek_dtype t, void *p, size_t i, int64_t v) {
    switch (t) {
    case EK_F32: ((float *)p)[i] = (float)v; break;
    case EK_F64: ((double *)p)[i] = (double)v; break;
    case EK_BOOL: ((uint8_t *)p)[i] = v != 0; break;
    case EK_I8: ((int8_t *)p)[i] = (int8_t)clamp(v, INT8_MIN, INT8_MAX); break;
    case EK_I16: ((int16_t *)p)[i] = (int16_t)clamp(v, INT16_MIN, INT16_MAX); break;
    case EK_I32: ((int32_t *)p)[i] = (int32_t)clamp(v, INT32_MIN, INT32_MAX); break;
    case EK_U8: ((uint8_t *)p)[i] = (uint8_t)clamp(v, 0, UINT8_MAX); break;
    case EK_U16: ((uint16_t *)p)[i] = (uint16_t)clamp(v, 0, UINT16_MAX); break;
    case EK_U32: ((uint32_t *)p)[i] = (uint32_t)clamp(v, 0, UINT32_MAX); break;
    default: ((int64_t *)p)[i] = v; break;
    }
}

static void store_real(ek_dtype t, void *p, size_t i, double v) {
    if (t == EK_F32) {
        ((float *)p)[i] = (float)v;
    } else if (t == EK_F64) {
        ((double *)p)[i] = v;
    } else if (t == EK_BOOL) {
        ((uint8_t *)p)[i] = v != 0.0;
    } else if (v != v) {
        store_int(t, p, i, 0);
    } else {
        store_int(t, p, i, v >= 0x1p63 ? INT64_MAX : v < -0x1p63 ? INT64_MIN : (int64_t)v);
    }
}

ek_status eki_op_Cast_forward(eki_step *step, ek_error *err) {
    const void *from = step->in[0].data;
    void *to = step->out[0].data;
    ek_dtype source = step->in[0].dtype, target = step->out[0].dtype;
    size_t count = eki_view_elements(&step->out[0]);
    ek_dtype stored = (ek_dtype)eki_node_int(step->node, "to", 0);
    if (source == target) EKI_TRY(eki_copy_forward(step, err));
    for (size_t i = 0; source != target && i < count; i++) {
        if (is_real(source)) {
            double v = source == EK_F32 ? (double)((const float *)from)[i] : ((const double *)from)[i];
            store_real(target, to, i, v);
        } else {
            store_int(target, to, i, eki_load_int(source, from, (int64_t)i));
        }
    }
    if (eki_is_half(stored)) eki_half_round(stored, to, count);
    return EK_OK;
}

ek_status eki_op_Cast_backward(eki_step *step, ek_error *err) {
    if (step->out[0].dtype == EK_F32 || step->din[0] == NULL) return eki_copy_backward(step, err);
    memset(step->din[0], 0, eki_view_elements(&step->in[0]) * sizeof(float));
    return EK_OK;
}

EKI_OPERATOR(Cast, .since = 6, .diff_inputs = 0x1, EKI_ALL_OF(Cast));
