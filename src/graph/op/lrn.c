/* lrn.c: LRN, local response normalization over channels. ONNX opsets 1 and 13; f32.
 *
 *     s[c] = bias + alpha / size * sum of x[k]^2,  k from c - floor((size-1)/2) to c + ceil((size-1)/2)
 *     y[c] = x[c] * s[c]^-beta
 *     dx[c] = dy[c] * s[c]^-beta - 2 alpha beta / size * x[c] * sum of dy[k] x[k] s[k]^(-beta-1)
 * the last sum over all k whose window holds c. Sums are taken in f64 in channel order.
 */
#include "graph/op/op_common.h"

#include <math.h>
#include <string.h>

ek_status eki_op_LRN_infer(eki_infer *infer) {
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    EKI_TRY(eki_infer_f32(infer, 0));
    if (eki_node_int(infer->node, "size", 0) < 1) {
        return eki_infer_fail(infer, EK_ERR_FORMAT, "attribute size is missing or below 1");
    }
    if (infer->in[0].shape.rank >= 0 && infer->in[0].shape.rank < 2) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "the input has no channels");
    }
    return eki_infer_same(infer);
}

ek_status eki_op_LRN_prepare(eki_step *step, ek_error *err) {
    step->keep_in[0] = step->want_din[0];
    if (step->want_din[0]) step->scratch_bytes = eki_size_of(2, eki_view_bytes(&step->in[0])).bytes;
    return eki_prepare_plain(step, err);
}

typedef struct job {
    const float *x, *dy;
    float *y, *power, *term; /* backward: s^-beta and dy x s^(-beta-1) */
    int64_t channels, before, after;
    size_t inner;
    double share, beta, bias; /* alpha / size */
} job;

static job make_job(const eki_step *step) {
    const eki_shape *shape = &step->in[0].shape;
    int64_t size = eki_node_int(step->node, "size", 1);
    job j = {.x = step->in[0].data, .channels = shape->dims[1], .inner = 1};
    j.before = (size - 1) / 2;
    j.after = size - 1 - j.before;
    j.share = (double)eki_node_float(step->node, "alpha", 1e-4f) / (double)size;
    j.beta = (double)eki_node_float(step->node, "beta", 0.75f);
    j.bias = (double)eki_node_float(step->node, "bias", 1.0f);
    for (int i = 2; i < shape->rank; i++) j.inner *= (size_t)shape->dims[i];
    return j;
}

/* [first, last] = c - before .. c + after, cut to the channels. */
static void window(const job *j, int64_t c, int64_t before, int64_t after, int64_t *first, int64_t *last) {
    *first = c > before ? c - before : 0;
    *last = after < j->channels - 1 - c ? c + after : j->channels - 1;
}

/* s of channel c at the position that x points to. */
static double scale_at(const job *j, const float *x, int64_t c) {
    int64_t first, last;
    double sum = 0.0;
    window(j, c, j->before, j->after, &first, &last);
    for (int64_t k = first; k <= last; k++) {
        double v = (double)x[(size_t)k * j->inner];
        sum += v * v;
    }
    return j->bias + j->share * sum;
}

static void forward_example(void *argument, size_t n) {
    const job *j = argument;
    size_t base = n * (size_t)j->channels * j->inner;
    for (int64_t c = 0; c < j->channels; c++) {
        for (size_t i = 0; i < j->inner; i++) {
            size_t at = base + (size_t)c * j->inner + i;
            j->y[at] = (float)((double)j->x[at] / pow(scale_at(j, j->x + base + i, c), j->beta));
        }
    }
}

static void backward_example(void *argument, size_t n) {
    const job *j = argument;
    size_t base = n * (size_t)j->channels * j->inner;
    for (int64_t c = 0; c < j->channels; c++) {
        for (size_t i = 0; i < j->inner; i++) {
            size_t at = base + (size_t)c * j->inner + i;
            double s = scale_at(j, j->x + base + i, c), power = pow(s, -j->beta);
            j->power[at] = (float)power;
            j->term[at] = (float)((double)j->dy[at] * (double)j->x[at] * power / s);
        }
    }
    for (int64_t c = 0; c < j->channels; c++) {
        int64_t first, last;
        window(j, c, j->after, j->before, &first, &last);
        for (size_t i = 0; i < j->inner; i++) {
            size_t at = base + (size_t)c * j->inner + i;
            double sum = 0.0;
            for (int64_t k = first; k <= last; k++) sum += (double)j->term[base + (size_t)k * j->inner + i];
            double direct = (double)j->dy[at] * (double)j->power[at];
            j->y[at] = (float)(direct - 2.0 * j->share * j->beta * (double)j->x[at] * sum);
        }
    }
}

ek_status eki_op_LRN_forward(eki_step *step, ek_error *err) {
    (void)err;
    job j = make_job(step);
    j.y = step->out[0].data;
    eki_for_tasks(step, (size_t)step->in[0].shape.dims[0], forward_example, &j);
    return EK_OK;
}

ek_status eki_op_LRN_backward(eki_step *step, ek_error *err) {
    (void)err;
    job j = make_job(step);
    if (step->din[0] == NULL) return EK_OK;
    if (step->dout[0] == NULL) {
        memset(step->din[0], 0, eki_view_bytes(&step->in[0]));
        return EK_OK;
    }
    j.y = step->din[0];
    j.dy = step->dout[0];
    j.power = step->scratch;
    j.term = j.power + eki_view_elements(&step->in[0]);
    eki_for_tasks(step, (size_t)step->in[0].shape.dims[0], backward_example, &j);
    return EK_OK;
}

EKI_OPERATOR(LRN, .diff_inputs = 0x1, EKI_ALL_OF(LRN));
