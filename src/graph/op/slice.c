/* slice.c: Slice. ONNX opsets 1 (attributes) and 10, 11, 13 (inputs starts, ends, axes, steps); fixed-size types.
 *
 * Starts and ends are clamped as in numpy, negative steps included. A strided copy forward, in plain layout or channels
 * last; backward zeroes dx and copies dy back to where it came from (no element is read twice).
 */
#include "graph/op/op_common.h"

#include <string.h>

typedef struct slice {
    int64_t start[EKI_MAX_RANK], step[EKI_MAX_RANK], length[EKI_MAX_RANK];
} slice;

static int64_t clamp(int64_t v, int64_t lo, int64_t hi) { return v < lo ? lo : v > hi ? hi : v; }

static void cut(slice *s, int axis, int64_t dim, int64_t start, int64_t end, int64_t step) {
    bool up = step > 0;
    if (step < -dim - 1) step = -dim - 1; /* further than the tensor reaches, and safe to negate and multiply */
    if (step > dim + 1) step = dim + 1;
    start = clamp(start < 0 ? start + dim : start, up ? 0 : -1, up ? dim : dim - 1);
    end = clamp(end < 0 ? end + dim : end, up ? 0 : -1, up ? dim : dim - 1);
    int64_t span = up ? end - start : start - end, stride = up ? step : -step;
    s->start[axis] = start;
    s->step[axis] = step;
    s->length[axis] = span > 0 ? (span + stride - 1) / stride : 0;
}

/* lists: starts, ends, axes, steps; NULL = absent. Returns what is wrong, or NULL. */
static const char *make(const eki_shape *x, const int64_t *const lists[4], const size_t counts[4], slice *s) {
    if (counts[0] != counts[1]) return "starts and ends differ in length";
    if (lists[2] == NULL && counts[0] > (size_t)x->rank) return "there are more starts than dimensions";
    for (int i = 2; i < 4; i++) {
        if (lists[i] != NULL && counts[i] != counts[0]) return "axes or steps differ from starts in length";
    }
    for (int i = 0; i < x->rank; i++) {
        s->start[i] = 0;
        s->step[i] = 1;
        s->length[i] = x->dims[i];
    }
    for (size_t i = 0; i < counts[0]; i++) {
        int64_t axis = lists[2] != NULL ? lists[2][i] : (int64_t)i, step = lists[3] != NULL ? lists[3][i] : 1;
        if (axis < -x->rank || axis >= x->rank) return "an axis is outside the rank";
        if (axis < 0) axis += x->rank;
        if (step == 0) return "a step is 0";
        if (x->dims[axis] >= 0) {
            cut(s, (int)axis, x->dims[axis], lists[0][i], lists[1][i], step);
        } else {
            s->length[axis] = INT64_MIN; /* not known */
        }
    }
    return NULL;
}

static const char *const names[4] = {"starts", "ends", "axes", "steps"};

ek_status eki_op_Slice_infer(eki_infer *infer) {
    const int64_t *lists[4];
    size_t counts[4];
    bool all_known = true, known, given;
    const eki_shape *x = &infer->in[0].shape;
    slice s;
    EKI_TRY(eki_infer_inputs(infer, infer->opset < 10 ? 1 : 3, infer->opset < 10 ? 1 : 5));
    for (int i = 0; i < 4; i++) {
        EKI_TRY(eki_infer_list(infer, names[i], i + 1, 10, &lists[i], &counts[i], &known, &given));
        all_known = all_known && known;
        if (!given) lists[i] = NULL;
        if (!given && i < 2) return eki_infer_fail(infer, EK_ERR_FORMAT, "%s are missing", names[i]);
    }
    if (x->rank < 0) {
        eki_infer_set_unknown(infer, 0, infer->in[0].dtype);
        return EK_OK;
    }
    eki_shape out = {.rank = x->rank};
    if (all_known) {
        const char *wrong = make(x, lists, counts, &s);
        if (wrong != NULL) return eki_infer_fail(infer, EK_ERR_SHAPE, "%s", wrong);
    }
    for (int i = 0; i < x->rank; i++) {
        out.dims[i] = all_known ? s.length[i] : INT64_MIN;
        if (out.dims[i] == INT64_MIN) EKI_TRY(eki_infer_fresh(infer, &out.dims[i]));
    }
    eki_infer_set(infer, 0, infer->in[0].dtype, &out);
    return all_known ? eki_infer_fold(infer, eki_op_Slice_forward) : EK_OK;
}

static ek_status read_slice(const eki_step *step, slice *s, ek_error *err) {
    int64_t values[4][EKI_MAX_RANK];
    const int64_t *lists[4] = {NULL};
    size_t counts[4] = {0};
    for (int i = 0; i < 4; i++) {
        int count = 0;
        if (step->opset < 10) {
            if (!eki_node_ints(step->node, names[i], &lists[i], &counts[i])) lists[i] = NULL;
        } else if (i + 1 < step->n_in && step->has_in[i + 1]) {
            EKI_TRY(eki_step_list(step, i + 1, values[i], EKI_MAX_RANK, &count, err));
            lists[i] = values[i];
            counts[i] = (size_t)count;
        }
    }
    const char *wrong = make(&step->in[0].shape, lists, counts, s);
    return wrong == NULL ? EK_OK : eki_step_fail(step, err, EK_ERR_SHAPE, "%s", wrong);
}

typedef struct job {
    char *full, *part;
    size_t bytes;
    bool back;
} job;

static void copy_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    if (step[0] == 1) {
        char *full = j->full + offset[0] * (int64_t)j->bytes, *part = j->part + out * j->bytes;
        memcpy(j->back ? full : part, j->back ? part : full, n * j->bytes);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        char *full = j->full + (offset[0] + (int64_t)i * step[0]) * (int64_t)j->bytes;
        char *part = j->part + (out + i) * j->bytes;
        memcpy(j->back ? full : part, j->back ? part : full, j->bytes);
    }
}

ek_status eki_op_Slice_prepare(eki_step *step, ek_error *err) {
    bool last = step->in[0].layout == EK_LAYOUT_NHWC;
    EKI_TRY(eki_prepare_plain(step, err));
    if (last) step->in_layout[0] = step->out[0].layout = EK_LAYOUT_NHWC;
    return EK_OK;
}

static ek_status run(eki_step *step, job *j, ek_error *err) {
    slice s;
    eki_walk walk;
    int order[EKI_MAX_RANK];
    int64_t strides[EKI_MAX_RANK], base = 0;
    EKI_TRY(read_slice(step, &s, err));
    eki_shape in = eki_stored_shape(&step->in[0], order), out = eki_stored_shape(&step->out[0], order);
    eki_row_strides(&in, strides);
    for (int i = 0; i < in.rank; i++) {
        base += s.start[order[i]] * strides[i];
        strides[i] *= s.step[order[i]];
    }
    if (eki_view_elements(&step->out[0]) == 0) return EK_OK;
    j->full += base * (int64_t)j->bytes;
    eki_walk_init(&walk, &out);
    eki_walk_add(&walk, strides);
    eki_walk_run(step, &walk, copy_row, j);
    return EK_OK;
}

ek_status eki_op_Slice_forward(eki_step *step, ek_error *err) {
    job j = {step->in[0].data, step->out[0].data, eki_dtype_bytes(step->in[0].dtype), false};
    return run(step, &j, err);
}

ek_status eki_op_Slice_backward(eki_step *step, ek_error *err) {
    job j = {.full = step->din[0], .bytes = sizeof(float), .back = true};
    const void *dy = step->dout[0];
    if (j.full == NULL) return EK_OK;
    memset(j.full, 0, eki_view_bytes(&step->in[0]));
    if (dy == NULL) return EK_OK;
    memcpy(&j.part, &dy, sizeof j.part);
    return run(step, &j, err);
}

EKI_OPERATOR(Slice, .diff_inputs = 0x1, EKI_ALL_OF(Slice));
