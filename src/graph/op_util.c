/* op_util.c: what operator files share: messages, input checks, broadcasting, common infer and prepare functions. */
#include "graph/op.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static ek_status fail_node(const eki_node *node, ek_error *err, ek_status status, const char *fmt, va_list args) {
    char label[192] = "reorder", text[EK_ERROR_TEXT / 2];
    if (node != NULL) eki_node_label(node, label);
    (void)vsnprintf(text, sizeof text, fmt, args);
    return eki_fail(err, status, "%s: %s", label, text);
}

ek_status eki_step_fail(const eki_step *step, ek_error *err, ek_status status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)fail_node(step->node, err, status, fmt, args);
    va_end(args);
    return status;
}

ek_status eki_infer_fail(eki_infer *infer, ek_status status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)fail_node(infer->node, infer->err, status, fmt, args);
    va_end(args);
    return status;
}

ek_status eki_infer_inputs(eki_infer *infer, int required, int most) {
    int given = infer->node->n_in;
    if (given > most) {
        return eki_infer_fail(infer, EK_ERR_FORMAT, "has %d inputs; this operator takes at most %d", given, most);
    }
    for (int i = 0; i < required; i++) {
        if (i >= given || !infer->in[i].present) {
            return eki_infer_fail(infer, EK_ERR_FORMAT, "input %d is missing; this operator needs %d", i, required);
        }
    }
    return EK_OK;
}

ek_status eki_infer_f32(eki_infer *infer, int input) {
    ek_dtype dtype = infer->in[input].dtype;
    if (dtype == EK_F32) return EK_OK;
    return eki_infer_fail(infer, EK_ERR_DTYPE, "input %d is %s; only float32 is supported here", input,
                          eki_dtype_name(dtype));
}

static bool broadcast_dim(int64_t a, int64_t b, int64_t *out) {
    if (a == b || b == 1) {
        *out = a;
    } else if (a == 1) {
        *out = b;
    } else if (a < 0 && b > 1) {
        *out = b;
    } else if (b < 0 && a > 1) {
        *out = a;
    } else {
        return false;
    }
    return true;
}

bool eki_shape_broadcast(const eki_shape *a, const eki_shape *b, eki_shape *out) {
    if (a->rank < 0 || b->rank < 0) return false;
    eki_shape result = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (int i = 1; i <= result.rank; i++) {
        int64_t x = i <= a->rank ? a->dims[a->rank - i] : 1;
        int64_t y = i <= b->rank ? b->dims[b->rank - i] : 1;
        if (!broadcast_dim(x, y, &result.dims[result.rank - i])) return false;
    }
    *out = result;
    return true;
}

ek_status eki_infer_same(eki_infer *infer) {
    infer->out[0].dtype = infer->in[0].dtype;
    infer->out[0].shape = infer->in[0].shape;
    return EK_OK;
}

size_t eki_view_elements(const eki_view *view) {
    int64_t block = view->layout >= EK_LAYOUT_BLOCKED8 ? (int64_t)view->layout : 1;
    int64_t count = 1;
    for (int i = 0; i < view->shape.rank; i++) {
        int64_t dim = view->shape.dims[i];
        count *= i == 1 ? (dim + block - 1) / block * block : dim;
    }
    return (size_t)count;
}

ek_status eki_prepare_plain(eki_step *step, ek_error *err) {
    (void)err;
    for (int i = 0; i < step->n_in; i++) step->in_layout[i] = EK_LAYOUT_NCHW;
    for (int i = 0; i < step->n_out; i++) step->out[i].layout = EK_LAYOUT_NCHW;
    return EK_OK;
}

ek_status eki_prepare_same_layout(eki_step *step, ek_error *err) {
    (void)err;
    ek_layout layout = step->in[0].layout;
    for (int i = 0; i < step->n_in; i++) {
        bool alike = step->has_in[i] && eki_shape_equal(&step->in[i].shape, &step->in[0].shape);
        step->in_layout[i] = alike ? layout : EK_LAYOUT_NCHW;
    }
    for (int i = 0; i < step->n_out; i++) {
        bool alike = eki_shape_equal(&step->out[i].shape, &step->in[0].shape);
        step->out[i].layout = alike ? layout : EK_LAYOUT_NCHW;
    }
    return EK_OK;
}
