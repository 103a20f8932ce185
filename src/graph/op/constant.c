/* constant.c: Constant (every attribute form but strings and sparse) and ConstantOfShape. ONNX opsets 1 to 23.
 *
 * Both become known values while shapes are inferred; ConstantOfShape only when small, so that a small file cannot
 * unfold into much memory, and is otherwise filled when it runs.
 */
#include "graph/op/op_common.h"

#include <string.h>

typedef struct source {
    ek_dtype dtype;
    eki_shape shape;
    const void *data;
} source;

static bool find_source(const eki_node *node, source *s) {
    static const char *const attributes[] = {"value", "value_float", "value_int", "value_floats", "value_ints"};
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        const eki_attr *a = eki_node_attr(node, attributes[i]);
        if (a == NULL) continue;
        int64_t count = (int64_t)a->count;
        switch (a->type) {
        case EKI_ATTR_TENSOR: *s = (source){a->t->dtype, a->t->shape, a->t->data}; return true;
        case EKI_ATTR_FLOAT: *s = (source){EK_F32, {.rank = 0}, &a->f}; return true;
        case EKI_ATTR_INT: *s = (source){EK_I64, {.rank = 0}, &a->i}; return true;
        case EKI_ATTR_FLOATS: *s = (source){EK_F32, eki_shape_of(1, &count), a->floats}; return true;
        case EKI_ATTR_INTS: *s = (source){EK_I64, eki_shape_of(1, &count), a->ints}; return true;
        default: break;
        }
    }
    return false;
}

ek_status eki_op_Constant_infer(eki_infer *infer) {
    source s;
    eki_tensor *tensor;
    const eki_attr *value = eki_node_attr(infer->node, "value");
    if (!find_source(infer->node, &s) || eki_dtype_bytes(s.dtype) == 0) {
        return eki_infer_fail(infer, EK_ERR_UNSUPPORTED, "only numbers are supported as constants");
    }
    eki_infer_set(infer, 0, s.dtype, &s.shape);
    if (value != NULL && value->type == EKI_ATTR_TENSOR && eki_tensor_aligned(value->t)) {
        infer->out[0].constant = value->t;
        return EK_OK;
    }
    EKI_TRY(eki_tensor_create(infer->graph, s.dtype, &s.shape, &tensor, infer->err));
    if (tensor->bytes > 0) memcpy(tensor->data, s.data, tensor->bytes);
    infer->out[0].constant = tensor;
    return EK_OK;
}

ek_status eki_op_Constant_forward(eki_step *step, ek_error *err) {
    source s;
    size_t bytes = eki_view_bytes(&step->out[0]);
    if (!find_source(step->node, &s)) return eki_step_fail(step, err, EK_ERR_UNSUPPORTED, "has no value");
    if (bytes > 0) memcpy(step->out[0].data, s.data, bytes);
    return EK_OK;
}

/* The one element that fills the result; f32 zero without the attribute. */
static bool find_fill(const eki_node *node, source *s) {
    static const float zero = 0.0f;
    const eki_attr *a = eki_node_attr(node, "value");
    *s = (source){EK_F32, {.rank = 0}, &zero};
    if (a == NULL) return true;
    int64_t count;
    if (a->type != EKI_ATTR_TENSOR || !eki_shape_count(&a->t->shape, &count) || count != 1) return false;
    *s = (source){a->t->dtype, a->t->shape, a->t->data};
    return eki_dtype_bytes(s->dtype) != 0;
}

ek_status eki_op_ConstantOfShape_infer(eki_infer *infer) {
    source s;
    const int64_t *dims;
    size_t rank;
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    if (!find_fill(infer->node, &s)) {
        return eki_infer_fail(infer, EK_ERR_FORMAT, "attribute value is not a tensor of one number");
    }
    if (infer->in[0].constant == NULL) {
        const eki_shape *in = &infer->in[0].shape;
        eki_shape out = {.rank = -1};
        if (in->rank == 1 && in->dims[0] >= 0 && in->dims[0] <= EKI_MAX_RANK) out.rank = (int)in->dims[0];
        for (int i = 0; i < out.rank; i++) EKI_TRY(eki_infer_fresh(infer, &out.dims[i]));
        eki_infer_set(infer, 0, s.dtype, &out);
        return EK_OK;
    }
    EKI_TRY(eki_tensor_ints(infer->graph, infer->in[0].constant, &dims, &rank, infer->err));
    if (rank > EKI_MAX_RANK) return eki_infer_fail(infer, EK_ERR_LIMIT, "rank %zu is above %d", rank, EKI_MAX_RANK);
    for (size_t i = 0; i < rank; i++) {
        if (dims[i] < 0) return eki_infer_fail(infer, EK_ERR_SHAPE, "dimension %zu is negative", i);
    }
    eki_shape out = eki_shape_of((int)rank, dims);
    eki_infer_set(infer, 0, s.dtype, &out);
    return eki_infer_fold(infer, eki_op_ConstantOfShape_forward);
}

ek_status eki_op_ConstantOfShape_forward(eki_step *step, ek_error *err) {
    source s;
    if (!find_fill(step->node, &s)) return eki_step_fail(step, err, EK_ERR_FORMAT, "has no value");
    size_t bytes = eki_view_bytes(&step->out[0]), done = eki_dtype_bytes(s.dtype);
    char *to = step->out[0].data;
    if (bytes == 0) return EK_OK;
    memcpy(to, s.data, done);
    for (size_t n; done < bytes; done += n) { /* what is there is doubled */
        n = done < bytes - done ? done : bytes - done;
        memcpy(to + done, to, n);
    }
    return EK_OK;
}

EKI_OPERATOR(Constant, .infer = eki_op_Constant_infer, .forward = eki_op_Constant_forward);
EKI_OPERATOR(ConstantOfShape, .infer = eki_op_ConstantOfShape_infer, .forward = eki_op_ConstantOfShape_forward);
