/* mean_variance_normalization.c: MeanVarianceNormalization: (x - mean) / (deviation + 1e-9), statistics over `axes`
 * (default 0, 2, 3: batch normalization without running statistics or affine). ONNX opsets 9, 13; f32.
 *
 * ONNX adds its epsilon to the root, not under it, and takes any axes; so this does not run on a norm plan but on the
 * engine's reductions. The mean is taken twice, of x and of what is left after subtracting it in f32, and the variance
 * is that of the differences: never E[x^2] - E[x]^2. A constant set gives 0, with gradient 0.
 */
#include "graph/op/op_common.h"

#include <math.h>

static const double EPSILON = 1e-9;

static bool read_axes(const eki_node *node, int rank, uint32_t *mask) {
    static const int64_t usual[] = {0, 2, 3};
    const int64_t *axes;
    size_t count;
    *mask = 0;
    if (!eki_node_ints(node, "axes", &axes, &count)) {
        axes = usual;
        count = sizeof usual / sizeof usual[0];
    }
    for (size_t i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank) return false;
        *mask |= 1u << axis;
    }
    return true;
}

ek_status eki_op_MeanVarianceNormalization_infer(eki_infer *infer) {
    uint32_t mask;
    EKI_TRY(eki_infer_inputs(infer, 1, 1));
    EKI_TRY(eki_infer_f32(infer, 0));
    int rank = infer->in[0].shape.rank;
    if (rank >= 0 && !read_axes(infer->node, rank, &mask)) {
        return eki_infer_fail(infer, EK_ERR_SHAPE, "an axis (default 0, 2, 3) is outside the rank, %d", rank);
    }
    return eki_infer_same(infer);
}

typedef struct sets {
    uint32_t mask;
    eki_shape kept; /* the statistics' shape */
    size_t count, elements;
    double terms;
} sets;

static sets measure(const eki_step *step) {
    sets s = {.count = 1, .kept = step->in[0].shape};
    s.elements = eki_view_elements(&step->in[0]);
    read_axes(step->node, s.kept.rank, &s.mask);
    for (int i = 0; i < s.kept.rank; i++) {
        if (s.mask >> i & 1) s.kept.dims[i] = 1;
        s.count *= (size_t)s.kept.dims[i];
    }
    s.terms = s.count > 0 ? (double)(s.elements / s.count) : 0.0;
    return s;
}

ek_status eki_op_MeanVarianceNormalization_prepare(eki_step *step, ek_error *err) {
    sets s = measure(step);
    step->keep_out[0] = step->want_din[0];
    eki_size each = eki_size_of(s.elements, sizeof(float)), twice = eki_size_of(s.count, 2 * sizeof(float));
    step->scratch_bytes = eki_size_sum(each, twice).bytes;
    if (step->want_din[0]) step->saved_bytes = eki_size_of(s.count, sizeof(float)).bytes;
    return eki_prepare_plain(step, err);
}

typedef struct job {
    const float *x, *y, *mean, *deviation, *product;
    float *to;
} job;

static void subtract_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    for (size_t i = 0; i < n; i++) j->to[out + i] = j->x[out + i] - j->mean[offset[0] + (int64_t)i * step[0]];
}

static void divide_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    for (size_t i = 0; i < n; i++) {
        double deviation = (double)j->deviation[offset[0] + (int64_t)i * step[0]];
        j->to[out + i] = (float)((double)j->to[out + i] / (deviation + EPSILON));
    }
}

static void multiply_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    (void)offset;
    (void)step;
    for (size_t i = 0; i < n; i++) j->to[out + i] = j->x[out + i] * j->y[out + i];
}

/* (dy - mean(dy) - y mean(dy y) (s + e) / s) / (s + e) */
static void gradient_row(void *argument, size_t out, const int64_t *offset, const int64_t *step, size_t n) {
    const job *j = argument;
    for (size_t i = 0; i < n; i++) {
        int64_t at = offset[0] + (int64_t)i * step[0];
        double s = (double)j->deviation[at], whole = s + EPSILON;
        double along = s > 0.0 ? (double)j->y[out + i] * (double)j->product[at] * whole / s : 0.0;
        double d = ((double)j->x[out + i] - (double)j->mean[at] - along) / whole;
        j->to[out + i] = s > 0.0 ? (float)d : 0.0f;
    }
}

static void walk_over(const eki_step *step, const sets *s, eki_walk_fn body, job *j) {
    eki_walk walk;
    eki_walk_init(&walk, &step->in[0].shape);
    eki_walk_add_broadcast(&walk, &s->kept);
    eki_walk_run(step, &walk, body, j);
}

ek_status eki_op_MeanVarianceNormalization_forward(eki_step *step, ek_error *err) {
    (void)err;
    sets s = measure(step);
    float *mean = (float *)step->scratch + s.elements, *y = step->out[0].data;
    float *deviation = step->saved != NULL ? step->saved : mean + s.count;
    job j = {.x = step->in[0].data, .mean = mean, .deviation = deviation, .to = y};
    for (int round = 0; round < 2; round++, j.x = y) {
        eki_reduce_sum(step, j.x, &step->in[0].shape, s.mask, 1.0 / s.terms, mean);
        walk_over(step, &s, subtract_row, &j);
    }
    eki_reduce(step, EKI_REDUCE_SQUARE, y, &step->in[0].shape, s.mask, 1.0 / s.terms, deviation);
    for (size_t i = 0; i < s.count; i++) deviation[i] = sqrtf(deviation[i]);
    walk_over(step, &s, divide_row, &j);
    return EK_OK;
}

ek_status eki_op_MeanVarianceNormalization_backward(eki_step *step, ek_error *err) {
    (void)err;
    sets s = measure(step);
    float *product = step->scratch, *mean = product + s.elements;
    job j = {.x = step->dout[0], .y = step->out[0].data, .mean = mean, .to = product};
    if (j.x == NULL) eki_zero_gradient(step, 0);
    if (j.x == NULL || step->din[0] == NULL) return EK_OK;
    walk_over(step, &s, multiply_row, &j);
    eki_reduce_sum(step, product, &step->in[0].shape, s.mask, 1.0 / s.terms, mean + s.count);
    eki_reduce_sum(step, j.x, &step->in[0].shape, s.mask, 1.0 / s.terms, mean);
    j.product = mean + s.count;
    j.deviation = step->saved;
    j.to = step->din[0];
    walk_over(step, &s, gradient_row, &j);
    return EK_OK;
}

EKI_OPERATOR(MeanVarianceNormalization, .diff_inputs = 0x1, EKI_ALL_OF(MeanVarianceNormalization));
