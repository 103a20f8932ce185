/* op_gradient.c: the gradient check.
 *
 * The check: L = sum of dy * y in f64, with random dy. For each input and parameter, and several directions d, backward
 * must agree with (L(x + h d) - L(x - h d)) / 2h, extrapolated from h and h / 2 (Richardson: error h^4). All x and h d
 * are multiples of 2^-13, so that x + h d is exact in f32 and only the rounding of y is left. One direction is the sign
 * of the gradient, the others are random. The error is relative to the derivative or to its typical size
 * |g| |d| / sqrt(n), whichever is larger.
 */
#include "op_harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double STEP = 0x1p-5;
enum { DIRECTIONS = 4 };

typedef struct leaf {
    float *data;      /* where the value is read from */
    double *gradient; /* what backward says */
    size_t count;
    bool is_parameter;
} leaf;

static float weight_of(size_t i) { return op_grid_value(1000, i); }

static double loss(op_test *t) {
    size_t count;
    const float *y = op_result(t, 0, &count);
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) sum += (double)weight_of(i) * (double)y[i];
    return sum;
}

static double loss_at(op_test *t, const leaf *l, const float *x, const float *d, double h) {
    for (size_t i = 0; i < l->count; i++) l->data[i] = (float)((double)x[i] + h * (double)d[i]);
    if (l->is_parameter) {
        eki_exec_weights_changed(t->exec);
        op_ok(t, eki_exec_prepare(t->exec, t->shapes, &t->err));
    }
    op_forward(t);
    memcpy(l->data, x, l->count * sizeof *x);
    return loss(t);
}

static double slope(op_test *t, const leaf *l, const float *x, const float *d, double h) {
    return (loss_at(t, l, x, d, h) - loss_at(t, l, x, d, -h)) / (2.0 * h);
}

static double direction_error(op_test *t, const leaf *l, const float *x, int which) {
    float *d = malloc((l->count + 1) * sizeof *d);
    double analytic = 0.0, gg = 0.0, dd = 0.0;
    assert_non_null(d);
    for (size_t i = 0; i < l->count; i++) {
        double g = l->gradient[i];
        d[i] =
            which == 0 ? (g < 0.0 ? -1.0f : 1.0f) : roundf(op_grid_value(2000 + (uint64_t)which, i) * 64.0f) / 128.0f;
        analytic += g * (double)d[i];
        gg += g * g;
        dd += (double)d[i] * (double)d[i];
    }
    double numeric = (4.0 * slope(t, l, x, d, STEP / 2.0) - slope(t, l, x, d, STEP)) / 3.0;
    double scale = fmax(fabs(analytic), sqrt(gg * dd / (double)(l->count + 1)));
    free(d);
    return fabs(numeric - analytic) / fmax(scale, 1e-3);
}

static double leaf_error(op_test *t, const leaf *l) {
    double worst = 0.0;
    float *x = malloc((l->count + 1) * sizeof *x);
    assert_non_null(x);
    memcpy(x, l->data, l->count * sizeof *x);
    for (int which = 0; which < DIRECTIONS; which++) worst = fmax(worst, direction_error(t, l, x, which));
    free(x);
    return worst;
}

static leaf make_leaf(float *data, const float *gradient, size_t count, bool is_parameter) {
    leaf l = {data, malloc((count + 1) * sizeof(double)), count, is_parameter};
    assert_non_null(l.gradient);
    for (size_t i = 0; i < count; i++) l.gradient[i] = (double)gradient[i];
    return l;
}

double op_gradient_error(op_test *t) {
    leaf leaves[2 * OP_TEST_INPUTS];
    size_t n = 0;
    double worst = 0.0;
    op_forward(t);
    eki_view y = eki_exec_output(t->exec, 0);
    float *dy = eki_exec_output_gradient(t->exec, 0);
    assert_non_null(dy);
    for (size_t i = 0; i < eki_view_elements(&y); i++) dy[i] = weight_of(i);
    op_ok(t, eki_exec_backward(t->exec, &t->err));
    for (int i = 0; i < t->n_inputs; i++) {
        const float *g = eki_exec_input_gradient(t->exec, (size_t)i);
        if (g != NULL) leaves[n++] = make_leaf(t->feed[i], g, t->counts[i], false);
    }
    for (size_t i = 0; i < eki_exec_parameter_count(t->exec); i++) {
        const eki_parameter *p = eki_exec_parameter(t->exec, i);
        leaves[n++] = make_leaf(p->value->init->data, p->gradient, p->count, true);
    }
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) worst = fmax(worst, leaf_error(t, &leaves[i]));
    for (size_t i = 0; i < n; i++) free(leaves[i].gradient);
    return worst;
}

void op_check_gradient(op_test *t, eki_mode mode) {
    op_run(t, mode);
    double error = op_gradient_error(t);
    if (!(error <= 1e-4)) fail_msg("%s: gradient differs by %.3g", t->graph->nodes[0]->op_type, error);
    op_end(t);
}
