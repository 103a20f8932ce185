/* pool.c: MaxPool and AveragePool, by oneDNN. ONNX opsets 1 to 22; f32; 1 to 3 spatial dimensions.
 *
 * Any layout passes through. Three cases oneDNN does not have run in plain loops of our own: the Indices output,
 * ceil_mode with counted padding, where ONNX leaves what lies beyond the padding out of the divisor, and padding as
 * wide as the window. A maximum is -infinity where nothing is larger, and NaN where a NaN is in the window
 * (docs/numerics.md): what oneDNN makes otherwise is mended.
 */
#include "dnnl/adapter.h"
#include "graph/op/op_bound.h"
#include "graph/op/op_pool_plain.h"

#include <stdlib.h>
#include <string.h>

enum { LARGE_KERNEL = 4096 };

typedef struct pool_state {
    eki_pool *pool;       /* NULL = plain loops */
    eki_plain_pool plain; /* also what mends a maximum */
} pool_state;

static ek_status infer_pool(eki_infer *infer, bool indices) {
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    EKI_TRY(eki_infer_f32(infer, 0));
    const eki_shape *x = &infer->in[0].shape;
    eki_window window;
    eki_shape shape;
    if (x->rank < 0) {
        eki_infer_set_unknown(infer, 0, EK_F32);
    } else {
        EKI_TRY(eki_window_read(infer->node, x, NULL, &window, infer->err));
        EKI_TRY(eki_window_shape(infer, &window, x->dims[1], &shape));
        eki_infer_set(infer, 0, EK_F32, &shape);
    }
    if (indices) eki_infer_set(infer, 1, EK_I64, &infer->out[0].shape);
    return EK_OK;
}

/* True where the last window of ceil_mode reaches beyond the padding. */
static bool reaches_out(const eki_window *w, const eki_shape *x) {
    for (int i = 0; i < w->spatial; i++) {
        int64_t reach = (w->out[i] - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation[i] + 1;
        if (reach > x->dims[i + 2] + w->pad_begin[i] + w->pad_end[i]) return true;
    }
    return false;
}

/* True where a window may lie in the padding alone, or is so large that oneDNN, which walks all of it, would not end.
 */
static bool unusual_window(const eki_window *w, const eki_shape *x) {
    for (int i = 0; i < w->spatial; i++) {
        int64_t reach = (w->kernel[i] - 1) * w->dilation[i] + 1, last = (w->out[i] - 1) * w->stride[i];
        if (w->pad_begin[i] >= reach || last >= x->dims[i + 2] + w->pad_begin[i]) return true;
        if (w->dilation[i] > x->dims[i + 2] || w->kernel[i] > LARGE_KERNEL) return true; /* or step over the input */
    }
    return false;
}

static void describe(const eki_step *step, const eki_window *w, eki_pool_kind kind, eki_pool_desc *desc) {
    const eki_shape *x = &step->in[0].shape;
    *desc = (eki_pool_desc){.kind = kind,
                            .spatial = w->spatial,
                            .n = x->dims[0],
                            .c = x->dims[1],
                            .layout = step->in[0].layout,
                            .bf16 = step->in[0].dtype == EK_BF16,
                            .backward = step->want_din[0],
                            .threads = step->plan->threads};
    for (int i = 0; i < w->spatial; i++) {
        int64_t reach = (w->out[i] - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation[i] + 1;
        int64_t needed = reach - x->dims[i + 2] - w->pad_begin[i];
        desc->in[i] = x->dims[i + 2];
        desc->kernel[i] = w->kernel[i];
        desc->out[i] = w->out[i];
        desc->stride[i] = w->stride[i];
        desc->dilation[i] = w->dilation[i];
        desc->pad_begin[i] = w->pad_begin[i];
        desc->pad_end[i] = needed > w->pad_end[i] ? needed : w->pad_end[i];
    }
}

static ek_status prepare_pool(eki_step *step, eki_pool_kind kind, ek_error *err) {
    eki_window window;
    eki_pool_desc desc;
    pool_state *state = step->priv = eki_calloc(1, sizeof *state);
    if (state == NULL) return eki_fail_nomem(err, sizeof *state);
    EKI_TRY(eki_window_read(step->node, &step->in[0].shape, NULL, &window, err));
    bool indices = step->n_out > 1 && step->has_out[1];
    bool plain = indices || unusual_window(&window, &step->in[0].shape);
    state->plain = (eki_plain_pool){.window = window, .kind = kind, .shape = step->in[0].shape};
    if (plain || (kind == EKI_POOL_AVERAGE_PADDED && reaches_out(&window, &step->in[0].shape))) {
        EKI_TRY(eki_prepare_plain(step, err));
        step->in_type[0] = EK_F32;
        state->plain.column_major = eki_node_int(step->node, "storage_order", 0) != 0;
        step->keep_in[0] = step->want_din[0] && kind == EKI_POOL_MAX;
        return EK_OK;
    }
    describe(step, &window, kind, &desc);
    EKI_TRY(eki_pool_create(&desc, &state->pool, err));
    step->out[0].layout = step->in[0].layout;
    step->out[0].dtype = step->in[0].dtype;
    state->plain.half = desc.bf16;
    step->scratch_bytes = eki_pool_scratch_bytes(state->pool);
    step->saved_bytes = eki_pool_saved_bytes(state->pool);
    return EK_OK;
}

static ek_status forward_dnnl(const eki_step *step, ek_error *err) {
    const pool_state *state = step->priv;
    const void *x = step->in[0].data;
    void *y = step->out[0].data;
    EKI_TRY(eki_pool_forward(state->pool, x, y, step->saved, step->scratch, err));
    if (state->plain.kind != EKI_POOL_MAX) return EK_OK;
    if (eki_bound_same(step)) return EK_OK; /* every window holds a number, and none is lost */
    size_t unit = eki_pool_saved_unit(state->pool);
    eki_pool_mend(&(eki_pool_result){.pool = &state->plain,
                                     .layout = step->in[0].layout,
                                     .x = x,
                                     .y = y,
                                     .winners = unit > 0 ? step->saved : NULL,
                                     .unit = unit,
                                     .threads = step->plan->threads});
    return EK_OK;
}

static ek_status forward_pool(eki_step *step, ek_error *err) {
    const pool_state *state = step->priv;
    if (state->pool != NULL) return forward_dnnl(step, err);
    eki_plain_pool_forward(&state->plain, step->in[0].data, step->out[0].data,
                           step->n_out > 1 ? step->out[1].data : NULL);
    return EK_OK;
}

static ek_status backward_pool(eki_step *step, ek_error *err) {
    const pool_state *state = step->priv;
    if (state->pool != NULL) {
        return eki_pool_backward(state->pool, step->dout[0], step->saved, step->din[0], step->scratch, err);
    }
    memset(step->din[0], 0, eki_view_bytes(&step->in[0]));
    eki_plain_pool_backward(&state->plain, step->in[0].data, step->dout[0], step->din[0]);
    return EK_OK;
}

static void release_pool(eki_step *step) {
    pool_state *state = step->priv;
    if (state == NULL) return;
    eki_pool_destroy(state->pool);
    free(state);
    step->priv = NULL;
}

ek_status eki_op_MaxPool_infer(eki_infer *infer) { return infer_pool(infer, true); }
ek_status eki_op_MaxPool_prepare(eki_step *step, ek_error *err) { return prepare_pool(step, EKI_POOL_MAX, err); }
ek_status eki_op_MaxPool_forward(eki_step *step, ek_error *err) { return forward_pool(step, err); }
ek_status eki_op_MaxPool_backward(eki_step *step, ek_error *err) { return backward_pool(step, err); }
void eki_op_MaxPool_release(eki_step *step) { release_pool(step); }

ek_status eki_op_AveragePool_infer(eki_infer *infer) { return infer_pool(infer, false); }
ek_status eki_op_AveragePool_prepare(eki_step *step, ek_error *err) {
    bool padded = eki_node_int(step->node, "count_include_pad", 0) != 0;
    return prepare_pool(step, padded ? EKI_POOL_AVERAGE_PADDED : EKI_POOL_AVERAGE, err);
}
ek_status eki_op_AveragePool_forward(eki_step *step, ek_error *err) { return forward_pool(step, err); }
ek_status eki_op_AveragePool_backward(eki_step *step, ek_error *err) { return backward_pool(step, err); }
void eki_op_AveragePool_release(eki_step *step) { release_pool(step); }

EKI_OPERATOR(MaxPool, .diff_inputs = 0x1, .takes_bf16 = 0x1, EKI_ALL_OF(MaxPool), .release = eki_op_MaxPool_release);
EKI_OPERATOR(AveragePool, .diff_inputs = 0x1, .takes_bf16 = 0x1, EKI_ALL_OF(AveragePool),
             .release = eki_op_AveragePool_release);
