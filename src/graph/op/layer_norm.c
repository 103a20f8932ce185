/* layer_norm.c: LayerNormalization (ONNX opset 17) and RMSNormalization (23): over dims[axis..]; f32.
 *
 * Ba, Kiros, Hinton 2016; Zhang and Sennrich 2019. Scale and B have the shape of the normalized dimensions, or, with
 * axis = 1, one value per channel as [C, 1, ..., 1]: the form a convolutional network wants, which equals group
 * normalization with one group and runs on blocked layouts. Any other shape that broadcasts to the normalized
 * dimensions is repeated over them, and its gradient summed. Optional outputs: Mean and InvStdDev of each set, which
 * have gradients too.
 */
#include "graph/op/op_norm.h"

#include <math.h>

typedef enum fit { FIT_NOT, FIT_REPEATED, FIT_CHANNEL, FIT_ELEMENT } fit;

/* How a parameter fits x from `axis` on. Symbols fit everything. */
static fit fit_of(const eki_shape *x, int axis, const eki_shape *p) {
    int rank = x->rank - axis, skip = p->rank - rank;
    bool channel = axis == 1 && rank > 1 && skip >= 0, element = skip >= 0;
    for (int i = 0; i < skip; i++) {
        if (p->dims[i] != 1) return FIT_NOT;
    }
    for (int i = skip < 0 ? -skip : 0; i < rank; i++) {
        int64_t have = p->dims[skip + i], want = x->dims[axis + i];
        bool same = have == want || have < 0 || want < 0;
        if (!same && have != 1) return FIT_NOT;
        element = element && same;
        channel = channel && (i == 0 ? same : have == 1);
    }
    return channel ? FIT_CHANNEL : element ? FIT_ELEMENT : FIT_REPEATED;
}

static ek_status infer(eki_infer *infer, int parameters) {
    int axis;
    const eki_shape *x = &infer->in[0].shape;
    EKI_TRY(eki_norm_infer_inputs(infer, 2, 1 + parameters, 1));
    if (eki_node_int(infer->node, "stash_type", 1) != 1) {
        return eki_infer_fail(infer, EK_ERR_UNSUPPORTED, "stash_type other than 1 (float) is not supported");
    }
    int outputs = parameters == 2 ? 3 : 1; /* Y, Mean, InvStdDev; RMSNormalization has Y alone */
    for (int i = 1; i < outputs; i++) eki_infer_set_unknown(infer, i, EK_F32);
    if (x->rank < 0) return EK_OK;
    EKI_TRY(eki_infer_axis(infer, eki_node_int(infer->node, "axis", -1), x->rank, false, &axis));
    for (int i = 1; i < infer->node->n_in; i++) {
        const eki_shape *p = &infer->in[i].shape;
        if (!infer->in[i].present || p->rank < 0 || fit_of(x, axis, p) != FIT_NOT) continue;
        char have[192], want[192];
        return eki_infer_fail(
            infer, EK_ERR_SHAPE,
            "%s has shape %s; expected the normalized dimensions of %s from axis %d, or what broadcasts to them",
            i == 1 ? "Scale" : "B", eki_shape_text(infer->graph, p, have), eki_shape_text(infer->graph, x, want), axis);
    }
    eki_shape statistics = *x;
    for (int i = axis; i < x->rank; i++) statistics.dims[i] = 1;
    for (int i = 1; i < outputs; i++) eki_infer_set(infer, i, EK_F32, &statistics);
    return EK_OK;
}

/* The normalized dimensions. */
static eki_shape normalized(const eki_step *step) {
    const eki_norm_state *state = step->priv;
    const eki_shape *x = &step->in[0].shape;
    return eki_shape_of(x->rank - state->axis, x->dims + state->axis);
}

static bool has(const eki_step *step, int input) { return input < step->n_in && step->has_in[input]; }

/* Whether scale and bias are to be repeated, as they have not one of the library's forms. */
static bool is_repeated(const eki_step *step, int axis, ek_norm_affine *affine) {
    fit scale = fit_of(&step->in[0].shape, axis, &step->in[1].shape);
    fit bias = has(step, 2) ? fit_of(&step->in[0].shape, axis, &step->in[2].shape) : scale;
    bool repeated = scale == FIT_REPEATED || scale != bias;
    *affine = scale == FIT_CHANNEL && !repeated ? EK_AFFINE_CHANNEL : EK_AFFINE_ELEMENT;
    return repeated;
}

static ek_status prepare(eki_step *step, ek_norm_kind kind, ek_error *err) {
    ek_norm_desc desc = eki_norm_desc_of(step, kind);
    int64_t axis = eki_node_int(step->node, "axis", -1), sets = 1, elements = 1;
    desc.axis = (int)(axis < 0 ? axis + desc.rank : axis);
    for (int i = 1; i < 3; i++) {
        if (has(step, i) && fit_of(&step->in[0].shape, desc.axis, &step->in[i].shape) == FIT_NOT)
            return eki_step_fail(step, err, EK_ERR_SHAPE, "Scale and B do not fit the normalized dimensions");
    }
    bool repeated = is_repeated(step, desc.axis, &desc.affine);
    for (int i = 0; i < desc.rank; i++) *(i < desc.axis ? &sets : &elements) *= desc.dims[i];
    if (step->n_out > 1 && step->want_din[0]) step->diff_outputs = 7;
    size_t extra = 2 * (size_t)sets + (repeated ? 4 * (size_t)elements : 0);
    EKI_TRY(eki_norm_prepare(step, &desc, extra * sizeof(float), false, err));
    eki_norm_state *state = step->priv;
    state->axis = desc.axis;
    state->repeated = repeated ? elements : 0;
    return EK_OK;
}

/* Behind the statistics in the scratch: scale, bias and their gradients, repeated. */
static float *repeated_at(const eki_step *step, int which) {
    const eki_norm_state *state = step->priv;
    return eki_norm_extra(step) + 2 * state->sets + which * state->repeated;
}

typedef struct copies {
    const float *from;
    float *to;
} copies;

static void copy_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const copies *c = argument;
    for (size_t i = 0; i < n; i++) c->to[out + i] = c->from[offset[0] + (int64_t)i * step[0]];
}

/* Without the ones in front that the normalized dimensions do not have. */
static eki_shape own_shape(const eki_step *step, int input) {
    eki_shape all = normalized(step);
    const eki_shape *p = &step->in[input].shape;
    int skip = p->rank > all.rank ? p->rank - all.rank : 0;
    return eki_shape_of(p->rank - skip, p->dims + skip);
}

static const float *repeat(const eki_step *step, int input) {
    if (!has(step, input)) return NULL;
    eki_walk walk;
    eki_shape all = normalized(step), own = own_shape(step, input);
    copies c = {step->in[input].data, repeated_at(step, input - 1)};
    eki_walk_init(&walk, &all);
    eki_walk_add_broadcast(&walk, &own);
    eki_walk_run(step, &walk, copy_row, &c);
    return c.to;
}

static float *statistic(const eki_step *step, int output) {
    const eki_norm_state *state = step->priv;
    bool wanted = output < step->n_out && step->has_out[output] && step->out[output].data != NULL;
    return wanted ? step->out[output].data : eki_norm_extra(step) + (output - 1) * state->sets;
}

static ek_status forward(eki_step *step, ek_error *err) {
    const eki_norm_state *state = step->priv;
    ek_norm_args args = eki_norm_args(step);
    if (state->repeated > 0) {
        args.scale = repeat(step, 1);
        args.bias = repeat(step, 2);
    }
    if (step->n_out < 2) return eki_norm_run(step, &args, err);
    float *var = statistic(step, 2);
    args.mean = statistic(step, 1);
    args.var = var;
    EKI_TRY(eki_norm_run(step, &args, err));
    for (int64_t i = 0; i < state->sets; i++) var[i] = (float)(1.0 / sqrt((double)var[i] + state->epsilon));
    return EK_OK;
}

/* What comes through Mean and InvStdDev of one set: dmean/dx = 1/n, dr/dx = -r^3 (x - mean)/n with r = InvStdDev. */
static void add_set(const float *x, int64_t n, double epsilon, double dmean, double dr, float *dx) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i];
    double mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++) squares += ((double)x[i] - mean) * ((double)x[i] - mean);
    double variance = squares / (double)n + epsilon, slope = -dr / (variance * sqrt(variance));
    for (int64_t i = 0; i < n; i++) dx[i] += (float)((dmean + slope * ((double)x[i] - mean)) / (double)n);
}

static ek_status backward_repeated(eki_step *step, ek_error *err) {
    eki_shape all = normalized(step);
    EKI_TRY(eki_norm_gradients(step, repeat(step, 1), repeated_at(step, 2), has(step, 2) ? repeated_at(step, 3) : NULL,
                               err));
    if ((eki_norm_switches(step) & EKI_NORM_FROZEN_AFFINE) != 0) return EK_OK;
    for (int i = 1; i < 3; i++) {
        if (!has(step, i) || step->din[i] == NULL) continue;
        eki_shape own = own_shape(step, i);
        eki_reduce_to(step, repeated_at(step, 1 + i), &all, &own, step->din[i]);
    }
    return EK_OK;
}

static ek_status backward_parameters(eki_step *step, ek_error *err) {
    const eki_norm_state *state = step->priv;
    bool repeated = state->repeated > 0 && step->dout[0] != NULL;
    return repeated ? backward_repeated(step, err) : eki_norm_backward(step, err);
}

static ek_status backward(eki_step *step, ek_error *err) {
    const eki_norm_state *state = step->priv;
    const float *dmean = step->n_out > 1 ? step->dout[1] : NULL, *dr = step->n_out > 2 ? step->dout[2] : NULL;
    EKI_TRY(backward_parameters(step, err));
    if ((dmean == NULL && dr == NULL) || step->din[0] == NULL || state->sets == 0) return EK_OK;
    int64_t n = (int64_t)eki_view_elements(&step->in[0]) / state->sets;
    for (int64_t s = 0; s < state->sets; s++) {
        add_set((const float *)step->in[0].data + s * n, n, state->epsilon, dmean != NULL ? (double)dmean[s] : 0,
                dr != NULL ? (double)dr[s] : 0, (float *)step->din[0] + s * n);
    }
    return EK_OK;
}

ek_status eki_op_LayerNormalization_infer(eki_infer *i) { return infer(i, 2); }
ek_status eki_op_LayerNormalization_prepare(eki_step *step, ek_error *err) { return prepare(step, EK_NORM_LAYER, err); }
ek_status eki_op_LayerNormalization_forward(eki_step *step, ek_error *err) { return forward(step, err); }
ek_status eki_op_LayerNormalization_backward(eki_step *step, ek_error *err) { return backward(step, err); }
void eki_op_LayerNormalization_release(eki_step *step) { eki_norm_release(step); }

ek_status eki_op_RMSNormalization_infer(eki_infer *i) { return infer(i, 1); }
ek_status eki_op_RMSNormalization_prepare(eki_step *step, ek_error *err) { return prepare(step, EK_NORM_RMS, err); }
ek_status eki_op_RMSNormalization_forward(eki_step *step, ek_error *err) { return forward(step, err); }
ek_status eki_op_RMSNormalization_backward(eki_step *step, ek_error *err) { return backward_parameters(step, err); }
void eki_op_RMSNormalization_release(eki_step *step) { eki_norm_release(step); }

EKI_OPERATOR(LayerNormalization, .diff_inputs = 0x7, EKI_ALL_OF(LayerNormalization),
             .release = eki_op_LayerNormalization_release);
EKI_OPERATOR(RMSNormalization, .diff_inputs = 0x3, EKI_ALL_OF(RMSNormalization),
             .release = eki_op_RMSNormalization_release);
