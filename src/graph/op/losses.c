/* losses.c: SoftmaxCrossEntropyLoss (ONNX opsets 12, 13) and NegativeLogLikelihoodLoss (12, 13, 22); f32 scores
 * [N, C, d1, ...], i32 or i64 classes [N, d1, ...], optional f32 weights [C].
 *
 *     l = -weight[class] * log_p[class], 0 where the class is ignore_index
 *
 * and reduction: none: each l; sum; mean (default): sum of l / sum of the weights that are not ignored, which is NaN
 * where all are. log_p is the input, or its logarithmic softmax over C, which is SoftmaxCrossEntropyLoss's optional
 * second output. Sums are in f64, over C and over the classes in index order.
 *
 * Backward: d log_p[class] = -weight * d; through the softmax: d x[c] = weight * d * (p[c] - (c == class)), and of the
 * second output dx[c] += dlog_p[c] - p[c] * sum(dlog_p). p comes from x and the logarithm of the row's sum, kept.
 */
#include "graph/op/op_common.h"

#include <math.h>
#include <string.h>

enum { SCORES, CLASSES, WEIGHTS };

static ek_status refuse_classes(eki_infer *infer) {
    char scores[192], classes[192];
    return eki_infer_fail(infer, EK_ERR_SHAPE,
                          "scores have shape %s and classes %s; expected [N, C, ...] and the same without C",
                          eki_shape_text(infer->graph, &infer->in[SCORES].shape, scores),
                          eki_shape_text(infer->graph, &infer->in[CLASSES].shape, classes));
}

static bool has_weights(const eki_infer *infer) { return infer->node->n_in > WEIGHTS && infer->in[WEIGHTS].present; }

/* Where both extents are known they are equal. */
static ek_status check_shapes(eki_infer *infer) {
    const eki_shape *x = &infer->in[SCORES].shape, *t = &infer->in[CLASSES].shape, *w = &infer->in[WEIGHTS].shape;
    if ((x->rank >= 0 && x->rank < 2) || t->rank == 0) return refuse_classes(infer);
    if (x->rank < 0) return EK_OK;
    if (t->rank >= 0 && t->rank != x->rank - 1) return refuse_classes(infer);
    for (int i = 0; i < t->rank; i++) {
        int64_t have = x->dims[i == 0 ? 0 : i + 1];
        if (have >= 0 && t->dims[i] >= 0 && have != t->dims[i]) return refuse_classes(infer);
    }
    if (!has_weights(infer) || w->rank < 0) return EK_OK;
    if (w->rank == 1 && (w->dims[0] < 0 || x->dims[1] < 0 || w->dims[0] == x->dims[1])) return EK_OK;
    char text[192];
    return eki_infer_fail(infer, EK_ERR_SHAPE, "weights have shape %s, expected one for each class",
                          eki_shape_text(infer->graph, w, text));
}

static ek_status check_reduction(eki_infer *infer, bool *none) {
    *none = eki_node_string_is(infer->node, "reduction", "none", false);
    if (*none || eki_node_string_is(infer->node, "reduction", "sum", false) ||
        eki_node_string_is(infer->node, "reduction", "mean", true)) {
        return EK_OK;
    }
    return eki_infer_fail(infer, EK_ERR_FORMAT, "attribute 'reduction' is not one of none, sum, mean");
}

static ek_status infer_loss(eki_infer *infer) {
    bool none;
    EKI_TRY(eki_infer_inputs(infer, 2, 3));
    EKI_TRY(eki_infer_f32(infer, SCORES));
    if (!eki_is_int(infer->in[CLASSES].dtype)) {
        return eki_infer_fail(infer, EK_ERR_DTYPE, "classes are %s, expected i64 or i32",
                              eki_dtype_name(infer->in[CLASSES].dtype));
    }
    if (has_weights(infer)) EKI_TRY(eki_infer_f32(infer, WEIGHTS));
    EKI_TRY(check_reduction(infer, &none));
    EKI_TRY(check_shapes(infer));
    eki_infer_set(infer, 0, EK_F32, none ? &infer->in[CLASSES].shape : &(eki_shape){.rank = 0});
    return EK_OK;
}

ek_status eki_op_NegativeLogLikelihoodLoss_infer(eki_infer *infer) { return infer_loss(infer); }

ek_status eki_op_SoftmaxCrossEntropyLoss_infer(eki_infer *infer) {
    EKI_TRY(infer_loss(infer));
    eki_infer_set(infer, 1, EK_F32, &infer->in[SCORES].shape);
    return EK_OK;
}

typedef struct job {
    const eki_step *step;
    bool softmax, none;
    size_t rows, classes, inner; /* row r: elements r / inner * classes * inner + r % inner + c * inner */
    size_t rows_per_task;
    int64_t ignored; /* where there is such a class */
    bool ignores;
    const float *x, *weights;
    float *log_p;             /* NULL = not wanted */
    double *losses, *logs;    /* of each row: l; and log of the sum of exp(x). NULL = not wanted */
    const float *dy, *dlog_p; /* NULL = 0 */
    double scale;             /* what dy is multiplied by: 1, or 1 / the sum of weights */
    float *dx;
} job;

static job open_job(const eki_step *step, bool softmax) {
    job j = {.step = step, .softmax = softmax, .rows = 1, .inner = 1, .scale = 1};
    const eki_shape *shape = &step->in[SCORES].shape;
    const eki_attr *ignored = eki_node_attr(step->node, "ignore_index");
    j.classes = (size_t)shape->dims[1];
    for (int i = 2; i < shape->rank; i++) j.inner *= (size_t)shape->dims[i];
    j.rows = (size_t)shape->dims[0] * j.inner;
    j.rows_per_task = j.classes < 16384 ? 16384 / (j.classes + 1) + 1 : 1;
    j.none = eki_node_string_is(step->node, "reduction", "none", false);
    j.ignores = ignored != NULL && ignored->type == EKI_ATTR_INT;
    j.ignored = j.ignores ? ignored->i : 0;
    j.x = step->in[SCORES].data;
    j.weights = step->has_in[WEIGHTS] ? step->in[WEIGHTS].data : NULL;
    return j;
}

static int64_t class_of(const job *j, size_t row) {
    const eki_view *classes = &j->step->in[CLASSES];
    return eki_load_int(classes->dtype, classes->data, (int64_t)row);
}

static double weight_of(const job *j, int64_t class) {
    if (j->ignores && class == j->ignored) return 0.0;
    return j->weights != NULL ? (double)j->weights[class] : 1.0;
}

static void run_rows(job *j, void (*task)(void *, size_t)) {
    if (j->rows > 0) eki_for_tasks(j->step, (j->rows + j->rows_per_task - 1) / j->rows_per_task, task, j);
}

static size_t row_base(const job *j, size_t row) { return row / j->inner * j->classes * j->inner + row % j->inner; }

/* The logarithm of the sum of exp(x) over a row. */
static double row_log(const job *j, const float *x) {
    size_t inner = j->inner;
    float most = x[0];
    double sum = 0.0;
    for (size_t c = 1; c < j->classes; c++) most = x[c * inner] > most ? x[c * inner] : most;
    for (size_t c = 0; c < j->classes; c++) sum += exp((double)x[c * inner] - (double)most);
    return log(sum) + (double)most;
}

static void forward_row(const job *j, size_t row) {
    size_t base = row_base(j, row);
    const float *x = j->x + base;
    int64_t class = class_of(j, row);
    double log_sum = j->softmax ? row_log(j, x) : 0.0, weight = weight_of(j, class);
    for (size_t c = 0; j->log_p != NULL && c < j->classes; c++) {
        j->log_p[base + c * j->inner] = (float)((double)x[c * j->inner] - log_sum);
    }
    if (j->logs != NULL) j->logs[row] = log_sum;
    bool counts = !(j->ignores && class == j->ignored);
    j->losses[row] = counts ? weight * (log_sum - (double)x[(size_t) class * j->inner]) : 0.0;
}

static void forward_task(void *argument, size_t task) {
    const job *j = argument;
    size_t begin = task * j->rows_per_task, end = begin + j->rows_per_task;
    for (size_t row = begin; row < end && row < j->rows; row++) forward_row(j, row);
}

static void backward_row(const job *j, size_t row) {
    size_t base = row_base(j, row), inner = j->inner;
    int64_t class = class_of(j, row);
    const float *dlog_p = j->dlog_p != NULL ? j->dlog_p + base : NULL;
    float *dx = j->dx + base;
    double d = j->dy == NULL ? 0.0 : (double)j->dy[j->none ? row : 0] * j->scale * weight_of(j, class), all = 0.0;
    if (j->ignores && class == j->ignored) d = 0.0;
    for (size_t c = 0; dlog_p != NULL && c < j->classes; c++) all += (double)dlog_p[c * inner];
    for (size_t c = 0; c < j->classes; c++) {
        double p = j->softmax ? exp((double)j->x[base + c * inner] - j->logs[row]) : 0.0;
        double v = d * (p - ((int64_t)c == class ? 1.0 : 0.0));
        if (dlog_p != NULL) v += (double)dlog_p[c * inner] - p * all;
        dx[c * inner] = (float)v;
    }
}

static void backward_task(void *argument, size_t task) {
    const job *j = argument;
    size_t begin = task * j->rows_per_task, end = begin + j->rows_per_task;
    for (size_t row = begin; row < end && row < j->rows; row++) backward_row(j, row);
}

/* The sum of the weights that count. */
static double all_weights(const job *j) {
    double sum = 0.0;
    for (size_t row = 0; row < j->rows; row++) sum += weight_of(j, class_of(j, row));
    return sum;
}

static ek_status check_classes(const job *j, ek_error *err) {
    for (size_t row = 0; row < j->rows; row++) {
        int64_t class = class_of(j, row);
        if ((class >= 0 && class < (int64_t)j->classes) || (j->ignores && class == j->ignored)) continue;
        return eki_step_fail(j->step, err, EK_ERR_ARG,
                             "class %lld at position %zu of '%.100s' is outside [0, %zu) and not the ignore_index",
                             (long long)class, row, j->step->node->in[CLASSES]->name, j->classes);
    }
    return EK_OK;
}

static ek_status prepare(eki_step *step, bool softmax, ek_error *err) {
    const eki_shape *shape = &step->in[SCORES].shape;
    size_t rows = shape->dims[1] > 0 ? eki_view_elements(&step->in[SCORES]) / (size_t)shape->dims[1] : 0;
    if (shape->dims[1] == 0) return eki_step_fail(step, err, EK_ERR_SHAPE, "there are scores for no class");
    step->scratch_bytes = eki_size_of(rows, sizeof(double)).bytes;
    if (step->want_din[SCORES]) {
        step->keep_in[SCORES] = softmax;
        step->keep_in[CLASSES] = true;
        step->keep_in[WEIGHTS] = step->has_in[WEIGHTS];
        if (softmax) step->saved_bytes = eki_size_of(rows, sizeof(double)).bytes;
        if (softmax && step->has_out[1]) step->diff_outputs = 0x3;
    }
    return eki_prepare_plain(step, err);
}

static ek_status forward(eki_step *step, bool softmax, ek_error *err) {
    job j = open_job(step, softmax);
    float *y = step->out[0].data;
    EKI_TRY(check_classes(&j, err));
    j.losses = step->scratch;
    j.logs = softmax && step->want_din[SCORES] ? step->saved : NULL;
    j.log_p = softmax && step->has_out[1] ? step->out[1].data : NULL;
    run_rows(&j, forward_task);
    if (y == NULL) return EK_OK;
    double sum = 0.0;
    for (size_t row = 0; row < j.rows; row++) {
        sum += j.losses[row];
        if (j.none) y[row] = (float)j.losses[row];
    }
    if (!j.none)
        y[0] = (float)(eki_node_string_is(step->node, "reduction", "sum", false) ? sum : sum / all_weights(&j));
    return EK_OK;
}

static ek_status backward(eki_step *step, bool softmax) {
    job j = open_job(step, softmax);
    j.dx = step->din[SCORES];
    if (j.dx == NULL) return EK_OK;
    j.dy = step->dout[0];
    j.dlog_p = softmax && step->has_out[1] ? step->dout[1] : NULL;
    j.logs = softmax ? step->saved : NULL;
    if (eki_node_string_is(step->node, "reduction", "mean", true)) j.scale = 1.0 / all_weights(&j);
    run_rows(&j, backward_task);
    return EK_OK;
}

ek_status eki_op_SoftmaxCrossEntropyLoss_prepare(eki_step *step, ek_error *err) { return prepare(step, true, err); }
ek_status eki_op_SoftmaxCrossEntropyLoss_forward(eki_step *step, ek_error *err) { return forward(step, true, err); }
ek_status eki_op_SoftmaxCrossEntropyLoss_backward(eki_step *step, ek_error *err) {
    (void)err;
    return backward(step, true);
}

ek_status eki_op_NegativeLogLikelihoodLoss_prepare(eki_step *step, ek_error *err) { return prepare(step, false, err); }
ek_status eki_op_NegativeLogLikelihoodLoss_forward(eki_step *step, ek_error *err) { return forward(step, false, err); }
ek_status eki_op_NegativeLogLikelihoodLoss_backward(eki_step *step, ek_error *err) {
    (void)err;
    return backward(step, false);
}

EKI_OPERATOR(SoftmaxCrossEntropyLoss, .diff_inputs = 0x1, EKI_ALL_OF(SoftmaxCrossEntropyLoss));
EKI_OPERATOR(NegativeLogLikelihoodLoss, .diff_inputs = 0x1, EKI_ALL_OF(NegativeLogLikelihoodLoss));
