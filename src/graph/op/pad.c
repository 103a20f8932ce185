/* pad.c: Pad: constant, reflect, edge, wrap. ONNX opsets 2 (attributes), 11, 13 (inputs), 18 (axes), 19 (wrap), 21, 23;
 * any type of fixed size.
 *
 * Negative pads cut, and do so first. Each index of an axis has one index of the input that it comes from, or none;
 * backward adds dy there, in order, within what the leading unpadded dimensions keep apart.
 */
#include "graph/op/op_common.h"

#include <string.h>

typedef enum mode { CONSTANT, REFLECT, EDGE, WRAP } mode;

typedef struct pad {
    mode mode;
    int rank;
    int64_t begin[EKI_MAX_RANK], end[EKI_MAX_RANK];
} pad;

static bool read_mode(const eki_node *node, mode *m) {
    static const char *const names[] = {"constant", "reflect", "edge", "wrap"};
    for (int i = 0; i < 4; i++) {
        *m = (mode)i;
        if (eki_node_string_is(node, "mode", names[i], i == 0)) return true;
    }
    return false;
}

/* Returns what is wrong, or NULL. axes NULL = all. */
static const char *make(const eki_node *node, const eki_shape *x, const int64_t *pads, size_t count,
                        const int64_t *axes, size_t n, pad *p) {
    *p = (pad){.rank = x->rank};
    if (!read_mode(node, &p->mode)) return "mode is none of constant, reflect, edge and wrap";
    if (axes == NULL) n = (size_t)x->rank;
    if (count != 2 * n) return "there must be two pads for each axis";
    for (size_t i = 0; i < n; i++) {
        int64_t axis = axes != NULL ? axes[i] : (int64_t)i;
        if (axis < -x->rank || axis >= x->rank) return "an axis is outside the rank";
        if (axis < 0) axis += x->rank;
        int64_t b = pads[i], e = pads[i + n], dim = x->dims[axis];
        if (b > INT32_MAX || e > INT32_MAX || b < -INT32_MAX || e < -INT32_MAX) return "a pad is above 2^31";
        p->begin[axis] = b;
        p->end[axis] = e;
        if (dim < 0) continue;
        int64_t kept = dim + (b < 0 ? b : 0) + (e < 0 ? e : 0);
        if (kept < 0) return "pads cut off more than there is";
        if (kept == 0 && (b > 0 || e > 0) && p->mode != CONSTANT) return "there is nothing to repeat";
    }
    return NULL;
}

ek_status eki_op_Pad_infer(eki_infer *infer) {
    const int64_t *pads, *axes;
    size_t count, n;
    bool known, axes_known, given, axes_given;
    const eki_shape *x = &infer->in[0].shape;
    eki_shape out = *x;
    pad p;
    EKI_TRY(eki_infer_inputs(infer, infer->opset < 11 ? 1 : 2, infer->opset < 11 ? 1 : infer->opset < 18 ? 3 : 4));
    EKI_TRY(eki_infer_list(infer, "pads", 1, 11, &pads, &count, &known, &given));
    EKI_TRY(eki_infer_list(infer, "", 3, 18, &axes, &n, &axes_known, &axes_given));
    if (!given) return eki_infer_fail(infer, EK_ERR_FORMAT, "pads are missing");
    known = known && axes_known;
    if (infer->node->n_in > 2 && infer->in[2].present && infer->in[2].dtype != infer->in[0].dtype) {
        return eki_infer_fail(infer, EK_ERR_DTYPE, "constant_value is %s, the input %s",
                              eki_dtype_name(infer->in[2].dtype), eki_dtype_name(infer->in[0].dtype));
    }
    if (x->rank >= 0 && known) {
        const char *wrong = make(infer->node, x, pads, count, axes_given ? axes : NULL, n, &p);
        if (wrong != NULL) return eki_infer_fail(infer, EK_ERR_SHAPE, "%s", wrong);
    }
    for (int i = 0; i < x->rank; i++) {
        if (known && (x->dims[i] >= 0 || (p.begin[i] == 0 && p.end[i] == 0))) {
            out.dims[i] = x->dims[i] >= 0 ? x->dims[i] + p.begin[i] + p.end[i] : x->dims[i];
        } else {
            EKI_TRY(eki_infer_fresh(infer, &out.dims[i]));
        }
    }
    eki_infer_set(infer, 0, infer->in[0].dtype, &out);
    return x->rank >= 0 && known ? eki_infer_fold(infer, eki_op_Pad_forward) : EK_OK;
}

static ek_status read_pad(const eki_step *step, pad *p, ek_error *err) {
    int64_t values[2 * EKI_MAX_RANK], axes[EKI_MAX_RANK];
    const int64_t *pads = values;
    size_t count = 0;
    int n = 0, n_axes = 0;
    bool some = step->opset >= 18 && step->n_in > 3 && step->has_in[3];
    if (step->opset < 11) {
        eki_node_ints(step->node, "pads", &pads, &count);
    } else {
        EKI_TRY(eki_step_list(step, 1, values, 2 * EKI_MAX_RANK, &n, err));
        count = (size_t)n;
    }
    if (some) EKI_TRY(eki_step_list(step, 3, axes, EKI_MAX_RANK, &n_axes, err));
    const char *wrong = make(step->node, &step->in[0].shape, pads, count, some ? axes : NULL, (size_t)n_axes, p);
    return wrong == NULL ? EK_OK : eki_step_fail(step, err, EK_ERR_SHAPE, "%s", wrong);
}

typedef struct job {
    pad p;
    const eki_shape *x, *y;
    int64_t strides[EKI_MAX_RANK];
    size_t bytes, width; /* of an element; of a row of the result */
    char fill[8];
    const char *from;
    char *to;
    const float *dy;
    float *dx;
    size_t part; /* backward: elements of the result that one task has */
} job;

/* Which index of the axis an index of the result comes from, or -1. */
static int64_t source(const job *j, int axis, int64_t index) {
    int64_t b = j->p.begin[axis], e = j->p.end[axis], cut = b < 0 ? -b : 0;
    int64_t kept = j->x->dims[axis] - cut - (e < 0 ? -e : 0), i = index - (b > 0 ? b : 0), period;
    if (i >= 0 && i < kept) return cut + i;
    switch (j->p.mode) {
    case EDGE: return cut + (i < 0 ? 0 : kept - 1);
    case WRAP: return cut + (i % kept + kept) % kept;
    case REFLECT:
        if (kept == 1) return cut;
        period = 2 * (kept - 1);
        i = (i % period + period) % period;
        return cut + (i < kept ? i : period - i);
    default: return -1;
    }
}

/* Offset of the row that a row of the result comes from, or -1. */
static int64_t source_row(const job *j, size_t row) {
    int64_t offset = 0;
    for (int d = j->p.rank - 2; d >= 0; d--) {
        int64_t at = source(j, d, (int64_t)(row % (size_t)j->y->dims[d]));
        if (at < 0) return -1;
        offset += at * j->strides[d];
        row /= (size_t)j->y->dims[d];
    }
    return offset;
}

static void forward_grain(void *argument, size_t begin, size_t end) {
    const job *j = argument;
    int last = j->p.rank - 1;
    while (begin < end) {
        size_t column = begin % j->width, n = j->width - column < end - begin ? j->width - column : end - begin;
        int64_t row = source_row(j, begin / j->width);
        for (size_t i = 0; i < n; i++) {
            int64_t at = row < 0 ? -1 : source(j, last, (int64_t)(column + i));
            const char *from = at < 0 ? j->fill : j->from + (row + at) * (int64_t)j->bytes;
            memcpy(j->to + (begin + i) * j->bytes, from, j->bytes);
        }
        begin += n;
    }
}

static void backward_part(void *argument, size_t task) {
    const job *j = argument;
    for (size_t i = task * j->part; i < (task + 1) * j->part; i++) {
        int64_t row = source_row(j, i / j->width);
        int64_t at = row < 0 ? -1 : source(j, j->p.rank - 1, (int64_t)(i % j->width));
        if (at >= 0) j->dx[row + at] += j->dy[i];
    }
}

static ek_status begin(const eki_step *step, job *j, ek_error *err) {
    EKI_TRY(read_pad(step, &j->p, err));
    j->x = &step->in[0].shape;
    j->y = &step->out[0].shape;
    j->bytes = eki_dtype_bytes(step->in[0].dtype);
    j->width = j->p.rank > 0 ? (size_t)j->y->dims[j->p.rank - 1] : 1;
    eki_row_strides(j->x, j->strides);
    return EK_OK;
}

ek_status eki_op_Pad_forward(eki_step *step, ek_error *err) {
    job j = {.from = step->in[0].data, .to = step->out[0].data};
    if (step->in[0].shape.rank == 0) return eki_copy_forward(step, err);
    EKI_TRY(begin(step, &j, err));
    float value = eki_node_float(step->node, "value", 0.0f);
    if (step->opset < 11) memcpy(j.fill, &value, sizeof value);
    if (step->opset >= 11 && step->n_in > 2 && step->has_in[2]) {
        const void *given = step->constant[2] != NULL ? step->constant[2]->data : step->in[2].data;
        if (eki_view_elements(&step->in[2]) != 1) {
            return eki_step_fail(step, err, EK_ERR_SHAPE, "constant_value is not a scalar");
        }
        memcpy(j.fill, given, j.bytes);
    }
    eki_for_grains(step, eki_view_elements(&step->out[0]), forward_grain, &j);
    return EK_OK;
}

ek_status eki_op_Pad_backward(eki_step *step, ek_error *err) {
    job j = {.dy = step->dout[0], .dx = step->din[0]};
    size_t tasks = 1, count = eki_view_elements(&step->out[0]);
    if (step->in[0].shape.rank == 0) return eki_copy_backward(step, err);
    EKI_TRY(begin(step, &j, err));
    eki_zero_gradient(step, 0);
    if (j.dx == NULL || j.dy == NULL || count == 0) return EK_OK;
    for (int i = 0; i < j.p.rank && j.p.begin[i] == 0 && j.p.end[i] == 0; i++) tasks *= (size_t)j.y->dims[i];
    j.part = count / tasks;
    eki_for_tasks(step, tasks, backward_part, &j);
    return EK_OK;
}

EKI_OPERATOR(Pad, .since = 2, .diff_inputs = 0x1, .infer = eki_op_Pad_infer, .forward = eki_op_Pad_forward,
             .backward = eki_op_Pad_backward);
