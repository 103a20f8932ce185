/* op_window.c: attributes of Conv, MaxPool and AveragePool, as ONNX gives them since opset 1.
 *
 * Explicit pads, or auto_pad: SAME makes ceil(in / stride) outputs and puts an odd pixel of padding at the end (UPPER)
 * or the beginning (LOWER). With ceil_mode the last window must still begin inside the input or its leading padding.
 */
#include "graph/op/op_window.h"

/* Of every attribute: no real model comes near, and oneDNN computes with such numbers in 32 bits. */
enum { MOST = 1 << 24 };

static ek_status fail(const eki_node *node, ek_error *err, ek_status status, const char *what, int64_t found) {
    char label[192];
    return eki_fail(err, status, "%s: %s (found %lld)", eki_node_label(node, label), what, (long long)found);
}

ek_status eki_window_list(const eki_node *node, const char *name, int64_t fallback, int count, int64_t least,
                          int64_t *values, ek_error *err) {
    const int64_t *given;
    size_t n;
    bool found = eki_node_ints(node, name, &given, &n);
    if (found && n != (size_t)count)
        return fail(node, err, EK_ERR_SHAPE, "an attribute has the wrong length", (int64_t)n);
    for (int i = 0; i < count; i++) {
        values[i] = found ? given[i] : fallback;
        if (values[i] < least || values[i] > MOST) {
            char label[192];
            return eki_fail(err, EK_ERR_ARG, "%s: %s[%d] is %lld, expected a number from %lld to %d",
                            eki_node_label(node, label), name, i, (long long)values[i], (long long)least, MOST);
        }
    }
    return EK_OK;
}

static bool read_pads(const eki_node *node, eki_window *w, int64_t pads[6], ek_error *err, ek_status *status) {
    bool same = eki_node_string_is(node, "auto_pad", "SAME_UPPER", false) ||
                eki_node_string_is(node, "auto_pad", "SAME_LOWER", false);
    bool valid = eki_node_string_is(node, "auto_pad", "VALID", false);
    for (int i = 0; i < 6; i++) pads[i] = 0;
    *status = same || valid ? EK_OK : eki_window_list(node, "pads", 0, 2 * w->spatial, 0, pads, err);
    return same;
}

static void pad_same(const eki_node *node, eki_window *w, int i, int64_t in) {
    int64_t out = (in + w->stride[i] - 1) / w->stride[i];
    int64_t total = (out - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation[i] + 1 - in;
    if (total < 0) total = 0;
    bool lower = eki_node_string_is(node, "auto_pad", "SAME_LOWER", false);
    w->pad_begin[i] = lower ? total - total / 2 : total / 2;
    w->pad_end[i] = total - w->pad_begin[i];
}

static ek_status output_extent(const eki_node *node, eki_window *w, int i, int64_t in, ek_error *err) {
    int64_t reach = (w->kernel[i] - 1) * w->dilation[i] + 1;
    int64_t room = in + w->pad_begin[i] + w->pad_end[i] - reach;
    if (room < 0) {
        char label[192];
        return eki_fail(err, EK_ERR_SHAPE,
                        "%s: the window reaches over %lld elements but dimension %d has %lld with padding; the "
                        "model wants larger inputs",
                        eki_node_label(node, label), (long long)reach, i + 2,
                        (long long)(in + w->pad_begin[i] + w->pad_end[i]));
    }
    int64_t steps = w->ceil_mode ? (room + w->stride[i] - 1) / w->stride[i] : room / w->stride[i];
    if (w->ceil_mode && steps * w->stride[i] >= in + w->pad_begin[i]) steps--;
    w->out[i] = steps + 1;
    return EK_OK;
}

ek_status eki_window_attributes(const eki_node *node, int rank, const int64_t *kernel, eki_window *window,
                                ek_error *err) {
    eki_window w = {.spatial = rank - 2, .ceil_mode = eki_node_int(node, "ceil_mode", 0) != 0};
    if (w.spatial < 1 || w.spatial > 3) return fail(node, err, EK_ERR_SHAPE, "input rank must be 3 to 5", rank);
    EKI_TRY(eki_window_list(node, "kernel_shape", 0, w.spatial, eki_node_attr(node, "kernel_shape") ? 1 : 0, w.kernel,
                            err));
    EKI_TRY(eki_window_list(node, "strides", 1, w.spatial, 1, w.stride, err));
    EKI_TRY(eki_window_list(node, "dilations", 1, w.spatial, 1, w.dilation, err));
    int64_t pads[6];
    ek_status status;
    w.same = read_pads(node, &w, pads, err, &status);
    EKI_TRY(status);
    for (int i = 0; i < w.spatial; i++) {
        if (kernel != NULL && w.kernel[i] != 0 && w.kernel[i] != kernel[i]) {
            return fail(node, err, EK_ERR_SHAPE, "kernel_shape differs from the weight's", w.kernel[i]);
        }
        if (w.kernel[i] == 0) w.kernel[i] = kernel != NULL ? kernel[i] : 0;
        if (w.kernel[i] > MOST) return fail(node, err, EK_ERR_LIMIT, "the kernel is too large", w.kernel[i]);
        if (w.kernel[i] < 1) return fail(node, err, EK_ERR_FORMAT, "kernel_shape is missing or empty", w.kernel[i]);
        w.pad_begin[i] = pads[i];
        w.pad_end[i] = pads[i + w.spatial];
        w.out[i] = -1;
    }
    *window = w;
    return EK_OK;
}

ek_status eki_window_read(const eki_node *node, const eki_shape *x, const int64_t *kernel, eki_window *window,
                          ek_error *err) {
    eki_window w;
    EKI_TRY(eki_window_attributes(node, x->rank, kernel, &w, err));
    for (int i = 0; i < w.spatial; i++) {
        int64_t in = x->dims[i + 2];
        if (in < 0) continue;
        if (w.same) pad_same(node, &w, i, in);
        EKI_TRY(output_extent(node, &w, i, in, err));
    }
    *window = w;
    return EK_OK;
}

ek_status eki_window_shape(eki_infer *infer, const eki_window *window, int64_t channels, eki_shape *shape) {
    shape->rank = window->spatial + 2;
    shape->dims[0] = infer->in[0].shape.dims[0];
    shape->dims[1] = channels;
    for (int i = 0; i < window->spatial; i++) {
        shape->dims[i + 2] = window->out[i];
        if (window->out[i] < 0) EKI_TRY(eki_infer_fresh(infer, &shape->dims[i + 2]));
    }
    return EK_OK;
}
