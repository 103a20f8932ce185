/* dropout.c: Dropout. ONNX opsets 1, 6 (is_test), 7, 10 (ratio attribute), 12, 13, 22 (ratio, training_mode inputs).
 *
 * Whether it is active is the plan's decision: never in inference, always in training; in FILE mode as the file says
 * (is_test = 0; never from 7 to 11, where ONNX leaves it to the runtime; training_mode).
 * Method: element e of the example with global index s is dropped by the random word number s * elements + e of a
 * stream named by seed, step and node: independent of batch position, batch size, threads and ranks. Several rows per
 * example ([N T, C]) count as one example; where the rows are no multiple of the examples (a tensor that has lost the
 * batch), s is the row. What is kept is multiplied by 1 / (1 - ratio). One byte per element is saved for backward.
 */
#include "base/random.h"
#include "graph/op/op_common.h"

#include <string.h>

/* Input 1 is the ratio, input 2 whether to train; each one number. */
static ek_status check_scalar(eki_infer *infer, int input) {
    static const char *const names[] = {"data", "ratio", "training_mode"};
    int64_t count;
    ek_dtype dtype = infer->in[input].dtype;
    if (!infer->in[input].present) return EK_OK;
    if (eki_shape_count(&infer->in[input].shape, &count) && count != 1) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "%s must be a scalar", names[input]);
    }
    bool fits = input == 1 ? dtype == EK_F32 || dtype == EK_F64 : dtype == EK_BOOL;
    if (fits) return EK_OK;
    return eki_infer_fail(infer, EK_ERR_DTYPE, "%s is %s, expected %s", names[input], eki_dtype_name(dtype),
                          input == 1 ? "float32 or float64" : "bool");
}

ek_status eki_op_Dropout_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, 1, infer->opset < 12 ? 1 : 3));
    EKI_TRY(eki_infer_f32(infer, 0));
    for (int i = 1; i < infer->node->n_in; i++) EKI_TRY(check_scalar(infer, i));
    EKI_TRY(eki_infer_same(infer));
    if (infer->node->n_out > 1) {
        eki_infer_set(infer, 1, infer->opset < 10 ? EK_F32 : EK_BOOL, &infer->in[0].shape);
    }
    return EK_OK;
}

static const void *input_data(const eki_step *step, int input) {
    if (input >= step->n_in || !step->has_in[input]) return NULL;
    return step->constant[input] != NULL ? step->constant[input]->data : step->in[input].data;
}

static bool active(const eki_step *step) {
    eki_mode mode = step->plan->mode;
    if (mode == EKI_MODE_INFERENCE) return false;
    if (mode == EKI_MODE_TRAINING) return true;
    if (step->opset < 7) return eki_node_int(step->node, "is_test", 0) == 0;
    if (step->opset < 12) return false;
    const unsigned char *training = input_data(step, 2);
    return training != NULL && *training != 0;
}

/* Whether it can become active: in FILE mode an input may say so while running. */
static bool may_be_active(const eki_step *step) {
    bool dynamic = step->opset >= 12 && step->n_in > 2 && step->has_in[2] && step->constant[2] == NULL;
    return (step->plan->mode == EKI_MODE_FILE && dynamic) || active(step);
}

static ek_status read_ratio(const eki_step *step, float *ratio, ek_error *err) {
    const void *data = step->opset < 12 ? NULL : input_data(step, 1);
    *ratio = 0.5f;
    if (step->opset < 12) {
        *ratio = eki_node_float(step->node, "ratio", 0.5f);
    } else if (data != NULL && step->in[1].dtype == EK_F64) {
        *ratio = (float)*(const double *)data;
    } else if (data != NULL) {
        *ratio = *(const float *)data;
    }
    if (!(*ratio >= 0.0f && *ratio < 1.0f)) {
        return eki_step_fail(step, err, EK_ERR_ARG, "ratio is %g, expected a number in [0, 1)", (double)*ratio);
    }
    return EK_OK;
}

ek_status eki_op_Dropout_prepare(eki_step *step, ek_error *err) {
    if (!may_be_active(step)) {
        EKI_TRY(eki_prepare_same_layout(step, err));
        step->out[1].layout = EK_LAYOUT_NCHW; /* the mask has no blocked form */
        step->in_place = EKI_ANY_INPUT;
        return EK_OK;
    }
    step->saved_bytes = eki_view_elements(&step->out[0]) + sizeof(float);
    return eki_prepare_plain(step, err);
}

typedef struct job {
    const float *x;
    float *y;
    unsigned char *kept;
    const uint64_t *sample_ids;
    eki_random random;
    size_t per_sample;
    uint64_t threshold; /* a word below it drops the element */
    float scale;
} job;

static void drop_grain(void *argument, size_t begin, size_t end) {
    const job *j = argument;
    uint32_t words[4];
    uint64_t block = UINT64_MAX;
    for (size_t i = begin; i < end; i++) {
        uint64_t sample = i / j->per_sample;
        if (j->sample_ids != NULL) sample = j->sample_ids[sample];
        uint64_t counter = sample * j->per_sample + i % j->per_sample;
        if (block != counter / 4) {
            block = counter / 4;
            eki_random_block(j->random, block, words);
        }
        j->kept[i] = words[counter % 4] >= j->threshold;
        j->y[i] = j->kept[i] ? j->x[i] * j->scale : 0.0f;
    }
}

/* The optional mask output: bool, or f32 before opset 10. NULL = everything is kept. */
static void write_mask(const eki_step *step, const unsigned char *kept) {
    if (step->n_out < 2 || !step->has_out[1] || step->out[1].data == NULL) return;
    size_t count = eki_view_elements(&step->out[1]);
    for (size_t i = 0; i < count; i++) {
        bool value = kept == NULL || kept[i] != 0;
        if (step->out[1].dtype == EK_BOOL) {
            ((unsigned char *)step->out[1].data)[i] = value;
        } else {
            ((float *)step->out[1].data)[i] = value ? 1.0f : 0.0f;
        }
    }
}

/* saved: the scale (0 = this forward was the identity), then one byte per element. */
ek_status eki_op_Dropout_forward(eki_step *step, ek_error *err) {
    float ratio = 0.0f, scale = 0.0f;
    size_t count = eki_view_elements(&step->out[0]);
    bool on = active(step);
    if (on) EKI_TRY(read_ratio(step, &ratio, err));
    if (on && ratio > 0.0f) scale = 1.0f / (1.0f - ratio);
    if (step->saved != NULL) memcpy(step->saved, &scale, sizeof scale);
    if (scale == 0.0f || count == 0) {
        write_mask(step, NULL);
        return eki_copy_forward(step, err);
    }
    const eki_plan *plan = step->plan;
    int64_t rows = step->in[0].shape.rank > 0 ? step->in[0].shape.dims[0] : 1;
    bool by_sample = plan->sample_ids != NULL && plan->samples > 0 && rows % plan->samples == 0;
    int64_t samples = by_sample ? plan->samples : rows;
    job j = {.x = step->in[0].data, .y = step->out[0].data, .kept = (unsigned char *)step->saved + sizeof scale};
    j.sample_ids = by_sample ? plan->sample_ids : NULL;
    j.random = eki_random_stream(plan->seed, "dropout", plan->step_id, eki_hash_text(step->node->out[0]->name));
    j.per_sample = count / (size_t)samples;
    j.threshold = (uint64_t)((double)ratio * 0x1p32);
    j.scale = scale;
    eki_for_grains(step, count, drop_grain, &j);
    write_mask(step, j.kept);
    return EK_OK;
}

typedef struct back_job {
    const float *dy;
    const unsigned char *kept;
    float *dx;
    float scale;
} back_job;

static void back_grain(void *argument, size_t begin, size_t end) {
    const back_job *j = argument;
    for (size_t i = begin; i < end; i++) j->dx[i] = j->kept[i] ? j->dy[i] * j->scale : 0.0f;
}

ek_status eki_op_Dropout_backward(eki_step *step, ek_error *err) {
    float scale = 0.0f;
    if (step->saved != NULL) memcpy(&scale, step->saved, sizeof scale);
    if (scale == 0.0f || step->dout[0] == NULL || step->din[0] == NULL) return eki_copy_backward(step, err);
    back_job j = {step->dout[0], (unsigned char *)step->saved + sizeof scale, step->din[0], scale};
    eki_for_grains(step, eki_view_elements(&step->out[0]), back_grain, &j);
    return EK_OK;
}

EKI_OPERATOR(Dropout, .diff_inputs = 0x1, EKI_ALL_OF(Dropout));
